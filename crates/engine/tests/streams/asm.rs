//! The few instructions that the driver and the streams' preparations are made of.

/// `movz x<d>, #imm, lsl #(16 * half)`
pub fn movz(d: u32, imm: u32, half: u32) -> u32 {
    0xd280_0000 | half << 21 | (imm & 0xffff) << 5 | d
}

/// `movn x<d>, #imm`
pub fn movn(d: u32, imm: u32) -> u32 {
    0x9280_0000 | (imm & 0xffff) << 5 | d
}

/// `movk x<d>, #imm, lsl #(16 * half)`
pub fn movk(d: u32, imm: u32, half: u32) -> u32 {
    0xf280_0000 | half << 21 | (imm & 0xffff) << 5 | d
}

/// A number of 32 bits in X`d`.
pub fn set(d: u32, value: u64) -> [u32; 2] {
    let value = u32::try_from(value).unwrap();
    [movz(d, value, 0), movk(d, value >> 16, 1)]
}

/// `add x<d>, x<n>, #imm`; 31 is SP.
pub fn add(d: u32, n: u32, imm: u32) -> u32 {
    0x9100_0000 | imm << 10 | n << 5 | d
}

/// `ldr x<t>, [x<n>, #at]`
pub fn ldr(t: u32, n: u32, at: u32) -> u32 {
    0xf940_0000 | at / 8 << 10 | n << 5 | t
}

/// `str x<t>, [x<n>, #at]`
pub fn str(t: u32, n: u32, at: u32) -> u32 {
    0xf900_0000 | at / 8 << 10 | n << 5 | t
}

/// `ldp x<t>, x<t + 1>, [x<n>, #at]`
pub fn ldp(t: u32, n: u32, at: u32) -> u32 {
    0xa940_0000 | at / 8 << 15 | t + 1 << 10 | n << 5 | t
}

/// `ldp w<t>, w<t + 1>, [x<n>]`
pub fn ldp_w(t: u32, n: u32) -> u32 {
    0x2940_0000 | t + 1 << 10 | n << 5 | t
}

/// `stp x<t>, x<t + 1>, [x<n>, #at]`
pub fn stp(t: u32, n: u32, at: u32) -> u32 {
    0xa900_0000 | at / 8 << 15 | t + 1 << 10 | n << 5 | t
}

/// `ldp q<t>, q<t + 1>, [x<n>, #at]`
pub fn ldp_q(t: u32, n: u32, at: u32) -> u32 {
    0xad40_0000 | at / 16 << 15 | t + 1 << 10 | n << 5 | t
}

/// `stp q<t>, q<t + 1>, [x<n>, #at]`
pub fn stp_q(t: u32, n: u32, at: u32) -> u32 {
    0xad00_0000 | at / 16 << 15 | t + 1 << 10 | n << 5 | t
}

/// `ldp q<t>, q<t + 1>, [x<n>], #32`
pub fn ldp_q_post(t: u32, n: u32) -> u32 {
    0xacc0_0000 | 2 << 15 | t + 1 << 10 | n << 5 | t
}

/// `stp q<t>, q<t + 1>, [x<n>], #32`
pub fn stp_q_post(t: u32, n: u32) -> u32 {
    0xac80_0000 | 2 << 15 | t + 1 << 10 | n << 5 | t
}

/// A system register that programs at EL0 may use.
#[derive(Clone, Copy)]
pub enum Reg {
    Nzcv = 0xda10,
    Fpcr = 0xda20,
    Fpsr = 0xda21,
    Tpidr = 0xde82,
}

/// `mrs x<t>, <reg>`
pub fn mrs(t: u32, reg: Reg) -> u32 {
    0xd520_0000 | (reg as u32) << 5 | t
}

/// `msr <reg>, x<t>`
pub fn msr(reg: Reg, t: u32) -> u32 {
    0xd500_0000 | (reg as u32) << 5 | t
}

/// `ldr x<t>, <literal>`, which lies `by` bytes behind.
pub fn ldr_literal(t: u32, by: u64) -> u32 {
    0x5800_0000 | (by as u32 / 4) << 5 | t
}

/// `b` by this many bytes.
pub fn b(by: i64) -> u32 {
    0x1400_0000 | (by / 4) as u32 & 0x03ff_ffff
}

/// `cbnz x<t>` by this many words.
pub fn cbnz(t: u32, by: i32) -> u32 {
    0xb500_0000 | (by as u32 & 0x7ffff) << 5 | t
}

/// `sub x<d>, x<n>, x<m>`
pub fn sub(d: u32, n: u32, m: u32) -> u32 {
    0xcb00_0000 | m << 16 | n << 5 | d
}

/// `add x<d>, x<n>, x<m>`
pub fn add_reg(d: u32, n: u32, m: u32) -> u32 {
    0x8b00_0000 | m << 16 | n << 5 | d
}

/// `br x<n>`
pub fn br(n: u32) -> u32 {
    0xd61f_0000 | n << 5
}

/// `svc #0`
pub const SVC: u32 = 0xd400_0001;
