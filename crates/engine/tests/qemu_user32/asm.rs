//! The few A32 instructions that the driver is made of, and the two ends of a stream in either set.

/// R14, which holds the address of the block in use.
pub const LR: u32 = 14;

/// `movw` and `movt`: a number in R`d`.
pub fn set(d: u32, value: u32) -> [u32; 2] {
    let half = |half: u32| (half >> 12 & 15) << 16 | half & 0xfff | d << 12;
    [0xe300_0000 | half(value & 0xffff), 0xe340_0000 | half(value >> 16)]
}

/// `ldr r<t>, [r<n>, #at]`
pub fn ldr(t: u32, n: u32, at: u32) -> u32 {
    0xe590_0000 | n << 16 | t << 12 | at
}

/// `str r<t>, [r<n>, #at]`
pub fn str(t: u32, n: u32, at: u32) -> u32 {
    0xe580_0000 | n << 16 | t << 12 | at
}

/// `ldm r<n>, {list}`, with writeback if `moves`.
pub fn ldm(n: u32, moves: bool, list: u32) -> u32 {
    0xe890_0000 | u32::from(moves) << 21 | n << 16 | list
}

/// `stm r<n>, {list}`, with writeback if `moves`.
pub fn stm(n: u32, moves: bool, list: u32) -> u32 {
    0xe880_0000 | u32::from(moves) << 21 | n << 16 | list
}

/// `vldm r<n>!` of D0-D15, then D16-D31.
pub fn load_vectors(n: u32) -> [u32; 2] {
    [0xecb0_0b20 | n << 16, 0xecf0_0b20 | n << 16]
}

/// `vstm r<n>!` of the same.
pub fn store_vectors(n: u32) -> [u32; 2] {
    [0xeca0_0b20 | n << 16, 0xece0_0b20 | n << 16]
}

/// `add r<d>, r<n>, r<m>`
pub fn add(d: u32, n: u32, m: u32) -> u32 {
    0xe080_0000 | n << 16 | d << 12 | m
}

/// `subs r<d>, r<n>, r<m>`
pub fn subs(d: u32, n: u32, m: u32) -> u32 {
    0xe050_0000 | n << 16 | d << 12 | m
}

/// `mov r<d>, r<m>`
pub fn mov(d: u32, m: u32) -> u32 {
    0xe1a0_0000 | d << 12 | m
}

/// `cmp r<n>, r<m>`
pub fn cmp(n: u32, m: u32) -> u32 {
    0xe150_0000 | n << 16 | m
}

/// `bne` by this many words.
pub fn bne(by: i32) -> u32 {
    0x1a00_0000 | (by - 2) as u32 & 0x00ff_ffff
}

/// `msr apsr_nzcvqg, r<n>`
pub fn write_flags(n: u32) -> u32 {
    0xe12c_f000 | n
}

/// `mrs r<d>, cpsr`
pub fn read_flags(d: u32) -> u32 {
    0xe10f_0000 | d << 12
}

/// `vmsr fpscr, r<t>`
pub fn write_fpscr(t: u32) -> u32 {
    0xeee1_0a10 | t << 12
}

/// `vmrs r<t>, fpscr`
pub fn read_fpscr(t: u32) -> u32 {
    0xeef1_0a10 | t << 12
}

/// `mcr` of R`t` to TPIDRURW, which programs may use; `ldr lr, [pc - lr_back]`, `ldr pc, [pc - back]`: the distances are of
/// literals before the instruction's PC. In T32 that is cut off to a multiple of four.
pub fn leave(t32: bool, at: u32, lr: u32, back: u32) -> Vec<u8> {
    const SAVE: u32 = 0xee0d_0f50 | LR << 12;
    let halves = |word: u32| [((word >> 16) as u16).to_le_bytes(), (word as u16).to_le_bytes()].concat();
    if t32 {
        let pc = |n: u32| (at + 4 * n + 4) & !3;
        let words = [SAVE, 0xf85f_e000 | (pc(1) - lr), 0xf85f_f000 | (pc(2) - back)];
        words.into_iter().flat_map(halves).collect()
    } else {
        let pc = |n: u32| at + 4 * n + 8;
        let words = [SAVE, 0xe51f_e000 | (pc(1) - lr), 0xe51f_f000 | (pc(2) - back)];
        words.into_iter().flat_map(u32::to_le_bytes).collect()
    }
}

/// `mrc` of TPIDRURW to R`t`.
pub fn saved(t: u32) -> u32 {
    0xee1d_0f50 | t << 12
}

/// `ldr lr, [pc]`, `ldr pc, [pc]`: words 2 and 3 from here on are R14 and where to go.
pub const ENTER: [u32; 2] = [0xe59f_e000, 0xe59f_f000];

/// `svc #0`
pub const SVC: u32 = 0xef00_0000;
