//! Integer instructions.

use crate::operand::{Gpr, Mem, Rm};
use crate::{Asm, Label};

/// Operand size of an integer instruction. 32-bit forms zero the upper half of a destination register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bits {
    /// 32 bits.
    B32,
    /// 64 bits.
    B64,
}

/// The eight arithmetic instructions of the classic block.
#[allow(missing_docs)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Alu {
    Add,
    Or,
    Adc,
    Sbb,
    And,
    Sub,
    Xor,
    Cmp,
}

/// Shifts and rotations.
#[allow(missing_docs)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Shift {
    Rol = 0,
    Ror = 1,
    Shl = 4,
    Shr = 5,
    Sar = 7,
}

/// Conditions of Jcc, SETcc and CMOVcc.
#[allow(missing_docs)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Cond {
    O,
    No,
    B,
    Ae,
    E,
    Ne,
    Be,
    A,
    S,
    Ns,
    P,
    Np,
    L,
    Ge,
    Le,
    G,
}

impl Cond {
    const ALL: [Self; 16] = [
        Self::O,
        Self::No,
        Self::B,
        Self::Ae,
        Self::E,
        Self::Ne,
        Self::Be,
        Self::A,
        Self::S,
        Self::Ns,
        Self::P,
        Self::Np,
        Self::L,
        Self::Ge,
        Self::Le,
        Self::G,
    ];

    /// The opposite.
    pub const fn not(self) -> Self {
        Self::ALL[self as usize ^ 1]
    }
}

/// Opcode maps.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Map {
    One,
    Of,
    Of38,
}

impl Asm {
    /// Prefix, REX, escape, opcode, ModRM. `byte` says that `reg` or a register `rm` is a byte register.
    #[allow(clippy::too_many_arguments)]
    fn form(&mut self, prefix: u8, bits: Bits, map: Map, opcode: u8, reg: u8, rm: Rm, byte: bool, tail: u8) {
        if prefix != 0 {
            self.byte(prefix);
        }
        let (x, b) = match rm {
            Rm::R(r) => (0, r as u8),
            Rm::M(mem) => mem.numbers(),
        };
        let w = u8::from(bits == Bits::B64);
        let rex = 0x40 | w << 3 | reg >> 3 << 2 | x >> 3 << 1 | b >> 3;
        // SPL, BPL, SIL and DIL exist only with a REX prefix.
        let named = byte && (reg >= 4 || matches!(rm, Rm::R(r) if r as u8 >= 4));
        if rex != 0x40 || named {
            self.byte(rex);
        }
        match map {
            Map::One => {}
            Map::Of => self.byte(0x0f),
            Map::Of38 => self.bytes(&[0x0f, 0x38]),
        }
        self.byte(opcode);
        match rm {
            Rm::R(r) => self.modrm_reg(reg, r as u8),
            Rm::M(mem) => self.modrm_mem(reg, mem, tail, 0),
        }
    }

    fn plain(&mut self, bits: Bits, opcode: u8, reg: u8, rm: Rm) {
        self.form(0, bits, Map::One, opcode, reg, rm, false, 0);
    }

    /// `op dst, src`.
    pub fn alu(&mut self, op: Alu, bits: Bits, dst: Gpr, src: impl Into<Rm>) {
        self.plain(bits, (op as u8) << 3 | 3, dst as u8, src.into());
    }

    /// `op [dst], src`.
    pub fn alu_mem(&mut self, op: Alu, bits: Bits, dst: Mem, src: Gpr) {
        self.plain(bits, (op as u8) << 3 | 1, src as u8, dst.into());
    }

    /// `op dst, imm`, sign-extended.
    pub fn alu_imm(&mut self, op: Alu, bits: Bits, dst: impl Into<Rm>, imm: i32) {
        if let Ok(short) = i8::try_from(imm) {
            self.form(0, bits, Map::One, 0x83, op as u8, dst.into(), false, 1);
            self.byte(short as u8);
        } else {
            self.form(0, bits, Map::One, 0x81, op as u8, dst.into(), false, 4);
            self.bytes(&imm.to_le_bytes());
        }
    }

    /// `op byte [dst], imm`.
    pub fn alu_imm8(&mut self, op: Alu, dst: Mem, imm: u8) {
        self.form(0, Bits::B32, Map::One, 0x80, op as u8, dst.into(), false, 1);
        self.byte(imm);
    }

    /// `op byte [dst], src`.
    pub fn alu8_mem(&mut self, op: Alu, dst: Mem, src: Gpr) {
        self.form(0, Bits::B32, Map::One, (op as u8) << 3, src as u8, dst.into(), true, 0);
    }

    /// `movzx dst, ah`; `dst` is one of the first eight registers.
    pub fn movzx_ah(&mut self, dst: Gpr) {
        debug_assert!((dst as u8) < 8, "with a REX prefix it would be SPL");
        self.bytes(&[0x0f, 0xb6, 0xc4 | (dst as u8) << 3]);
    }

    /// `add al, imm`.
    pub fn add_al(&mut self, imm: u8) {
        self.bytes(&[0x04, imm]);
    }

    /// `test a, b`.
    pub fn test(&mut self, bits: Bits, a: impl Into<Rm>, b: Gpr) {
        self.plain(bits, 0x85, b as u8, a.into());
    }

    /// `test a, imm`, sign-extended.
    pub fn test_imm(&mut self, bits: Bits, a: impl Into<Rm>, imm: i32) {
        self.form(0, bits, Map::One, 0xf7, 0, a.into(), false, 4);
        self.bytes(&imm.to_le_bytes());
    }

    /// `mov dst, src`.
    pub fn mov(&mut self, bits: Bits, dst: Gpr, src: impl Into<Rm>) {
        self.plain(bits, 0x8b, dst as u8, src.into());
    }

    /// `mov [dst], src`.
    pub fn store(&mut self, bits: Bits, dst: Mem, src: Gpr) {
        self.plain(bits, 0x89, src as u8, dst.into());
    }

    /// `mov word [dst], src`.
    pub fn store16(&mut self, dst: Mem, src: Gpr) {
        self.form(0x66, Bits::B32, Map::One, 0x89, src as u8, dst.into(), false, 0);
    }

    /// `mov byte [dst], src`.
    pub fn store8(&mut self, dst: Mem, src: Gpr) {
        self.form(0, Bits::B32, Map::One, 0x88, src as u8, dst.into(), true, 0);
    }

    /// `mov [dst], imm`, sign-extended.
    pub fn store_imm(&mut self, bits: Bits, dst: Mem, imm: i32) {
        self.form(0, bits, Map::One, 0xc7, 0, dst.into(), false, 4);
        self.bytes(&imm.to_le_bytes());
    }

    /// `mov byte [dst], imm`.
    pub fn store_imm8(&mut self, dst: Mem, imm: u8) {
        self.form(0, Bits::B32, Map::One, 0xc6, 0, dst.into(), false, 1);
        self.byte(imm);
    }

    /// `dst = imm` in the shortest form that leaves the flags alone.
    pub fn mov_imm(&mut self, dst: Gpr, imm: u64) {
        let low = dst as u8 & 7;
        if imm <= u32::MAX.into() {
            if dst as u8 >= 8 {
                self.byte(0x41);
            }
            self.byte(0xb8 | low);
            self.bytes(&(imm as u32).to_le_bytes());
        } else if let Ok(signed) = i32::try_from(imm as i64) {
            self.form(0, Bits::B64, Map::One, 0xc7, 0, dst.into(), false, 4);
            self.bytes(&signed.to_le_bytes());
        } else {
            self.bytes(&[0x48 | dst as u8 >> 3, 0xb8 | low]);
            self.bytes(&imm.to_le_bytes());
        }
    }

    /// `movzx dst, src` from 8 bits.
    pub fn movzx8(&mut self, dst: Gpr, src: impl Into<Rm>) {
        self.form(0, Bits::B32, Map::Of, 0xb6, dst as u8, src.into(), true, 0);
    }

    /// `movzx dst, src` from 16 bits.
    pub fn movzx16(&mut self, dst: Gpr, src: impl Into<Rm>) {
        self.form(0, Bits::B32, Map::Of, 0xb7, dst as u8, src.into(), false, 0);
    }

    /// `movsx dst, src` from 8 bits.
    pub fn movsx8(&mut self, bits: Bits, dst: Gpr, src: impl Into<Rm>) {
        self.form(0, bits, Map::Of, 0xbe, dst as u8, src.into(), true, 0);
    }

    /// `movsx dst, src` from 16 bits.
    pub fn movsx16(&mut self, bits: Bits, dst: Gpr, src: impl Into<Rm>) {
        self.form(0, bits, Map::Of, 0xbf, dst as u8, src.into(), false, 0);
    }

    /// `movsxd dst, src` from 32 to 64 bits.
    pub fn movsxd(&mut self, dst: Gpr, src: impl Into<Rm>) {
        self.plain(Bits::B64, 0x63, dst as u8, src.into());
    }

    /// `lea dst, [src]`.
    pub fn lea(&mut self, bits: Bits, dst: Gpr, src: Mem) {
        self.plain(bits, 0x8d, dst as u8, src.into());
    }

    /// Shift or rotation by an immediate.
    pub fn shift(&mut self, op: Shift, bits: Bits, dst: impl Into<Rm>, by: u8) {
        self.form(0, bits, Map::One, 0xc1, op as u8, dst.into(), false, 1);
        self.byte(by);
    }

    /// Shift or rotation by CL.
    pub fn shift_cl(&mut self, op: Shift, bits: Bits, dst: impl Into<Rm>) {
        self.plain(bits, 0xd3, op as u8, dst.into());
    }

    /// `shrd dst, high, by`: `high:dst` shifted right.
    pub fn shrd(&mut self, bits: Bits, dst: Gpr, high: Gpr, by: u8) {
        self.form(0, bits, Map::Of, 0xac, high as u8, dst.into(), false, 1);
        self.byte(by);
    }

    /// `not dst`; leaves the flags alone.
    pub fn not(&mut self, bits: Bits, dst: Gpr) {
        self.plain(bits, 0xf7, 2, dst.into());
    }

    /// `neg dst`.
    pub fn neg(&mut self, bits: Bits, dst: Gpr) {
        self.plain(bits, 0xf7, 3, dst.into());
    }

    /// `mul src`: RDX:RAX = RAX * src.
    pub fn mul(&mut self, bits: Bits, src: impl Into<Rm>) {
        self.plain(bits, 0xf7, 4, src.into());
    }

    /// `imul src`: RDX:RAX = RAX * src, signed.
    pub fn imul_wide(&mut self, bits: Bits, src: impl Into<Rm>) {
        self.plain(bits, 0xf7, 5, src.into());
    }

    /// `div src`: RAX = RDX:RAX / src.
    pub fn div(&mut self, bits: Bits, src: impl Into<Rm>) {
        self.plain(bits, 0xf7, 6, src.into());
    }

    /// `idiv src`.
    pub fn idiv(&mut self, bits: Bits, src: impl Into<Rm>) {
        self.plain(bits, 0xf7, 7, src.into());
    }

    /// `cdq` or `cqo`: RDX = the sign of RAX.
    pub fn sign_to_rdx(&mut self, bits: Bits) {
        if bits == Bits::B64 {
            self.byte(0x48);
        }
        self.byte(0x99);
    }

    /// `imul dst, src`.
    pub fn imul(&mut self, bits: Bits, dst: Gpr, src: impl Into<Rm>) {
        self.form(0, bits, Map::Of, 0xaf, dst as u8, src.into(), false, 0);
    }

    /// `bswap dst`.
    pub fn bswap(&mut self, bits: Bits, dst: Gpr) {
        let rex = 0x40 | u8::from(bits == Bits::B64) << 3 | dst as u8 >> 3;
        if rex != 0x40 {
            self.byte(rex);
        }
        self.bytes(&[0x0f, 0xc8 | dst as u8 & 7]);
    }

    /// `lzcnt dst, src`; needs LZCNT.
    pub fn lzcnt(&mut self, bits: Bits, dst: Gpr, src: impl Into<Rm>) {
        self.form(0xf3, bits, Map::Of, 0xbd, dst as u8, src.into(), false, 0);
    }

    /// `bsr dst, src`.
    pub fn bsr(&mut self, bits: Bits, dst: Gpr, src: impl Into<Rm>) {
        self.form(0, bits, Map::Of, 0xbd, dst as u8, src.into(), false, 0);
    }

    /// `crc32 dst, src`: Castagnoli's polynomial over `1 << size` bytes; needs SSE4.2.
    pub fn crc32(&mut self, size: u8, dst: Gpr, src: impl Into<Rm>) {
        let bits = if size == 3 { Bits::B64 } else { Bits::B32 };
        if size == 1 {
            self.byte(0x66);
        }
        let opcode = if size == 0 { 0xf0 } else { 0xf1 };
        self.form(0xf2, bits, Map::Of38, opcode, dst as u8, src.into(), size == 0, 0);
    }

    /// A VEX prefix and what follows it up to ModRM: `map` is 2 for 0F38 and 3 for 0F3A, `second` the register that
    /// ModRM doesn't name, `tail` the length of an immediate.
    fn vex_general(
        &mut self,
        bits: Bits,
        [map, prefix, opcode, tail]: [u8; 4],
        dst: Gpr,
        second: u8,
        src: Rm,
    ) {
        let (x, b) = match src {
            Rm::R(r) => (0, r as u8),
            Rm::M(mem) => mem.numbers(),
        };
        let high = (!(dst as u8) >> 3 & 1) << 7 | (!x >> 3 & 1) << 6 | (!b >> 3 & 1) << 5;
        let w = u8::from(bits == Bits::B64) << 7;
        self.bytes(&[0xc4, high | map, w | (!second & 15) << 3 | prefix, opcode]);
        match src {
            Rm::R(r) => self.modrm_reg(dst as u8, r as u8),
            Rm::M(mem) => self.modrm_mem(dst as u8, mem, tail, 0),
        }
    }

    /// `bextr dst, src, control`, which is BMI1: the bits of `src` from the number in the lowest byte of `control`
    /// on, as many as the next byte says.
    pub fn bextr(&mut self, bits: Bits, dst: Gpr, src: impl Into<Rm>, control: Gpr) {
        self.vex_general(bits, [2, 0, 0xf7, 0], dst, control as u8, src.into());
    }

    /// `andn dst, inverted, src`, which is BMI1.
    pub fn andn(&mut self, bits: Bits, dst: Gpr, inverted: Gpr, src: impl Into<Rm>) {
        self.vex_general(bits, [2, 0, 0xf2, 0], dst, inverted as u8, src.into());
    }

    /// `rorx dst, src, by`, which is BMI2; leaves the flags alone.
    pub fn rorx(&mut self, bits: Bits, dst: Gpr, src: impl Into<Rm>, by: u8) {
        self.vex_general(bits, [3, 3, 0xf0, 1], dst, 0, src.into());
        self.byte(by);
    }

    /// `bt src, bit`: CF = the bit.
    pub fn bt(&mut self, bits: Bits, src: impl Into<Rm>, bit: u8) {
        self.form(0, bits, Map::Of, 0xba, 4, src.into(), false, 1);
        self.byte(bit);
    }

    /// `bt src, bit` with the number in a register, modulo the width.
    pub fn bt_reg(&mut self, bits: Bits, src: Gpr, bit: Gpr) {
        self.form(0, bits, Map::Of, 0xa3, bit as u8, src.into(), false, 0);
    }

    /// `cmovCC dst, src`.
    pub fn cmov(&mut self, cond: Cond, bits: Bits, dst: Gpr, src: impl Into<Rm>) {
        self.form(0, bits, Map::Of, 0x40 | cond as u8, dst as u8, src.into(), false, 0);
    }

    /// `setCC dst`, the low byte.
    pub fn set(&mut self, cond: Cond, dst: Gpr) {
        self.form(0, Bits::B32, Map::Of, 0x90 | cond as u8, 0, dst.into(), true, 0);
    }

    /// `lahf`: AH = SF, ZF, AF, PF, CF.
    pub fn lahf(&mut self) {
        self.byte(0x9f);
    }

    /// `sahf`.
    pub fn sahf(&mut self) {
        self.byte(0x9e);
    }

    /// `cmc`.
    pub fn cmc(&mut self) {
        self.byte(0xf5);
    }

    /// `xchg [mem], reg`, which is atomic; `1 << size` bytes.
    pub fn xchg(&mut self, size: u8, mem: Mem, reg: Gpr) {
        self.sized(0x86, Map::One, size, reg, mem);
    }

    /// `lock xadd [mem], reg`.
    pub fn lock_xadd(&mut self, size: u8, mem: Mem, reg: Gpr) {
        self.byte(0xf0);
        self.sized(0xc0, Map::Of, size, reg, mem);
    }

    /// `lock cmpxchg [mem], reg`, against RAX.
    pub fn lock_cmpxchg(&mut self, size: u8, mem: Mem, reg: Gpr) {
        self.byte(0xf0);
        self.sized(0xb0, Map::Of, size, reg, mem);
    }

    /// `lock cmpxchg16b [mem]`: RDX:RAX against RCX:RBX.
    pub fn lock_cmpxchg16b(&mut self, mem: Mem) {
        self.byte(0xf0);
        self.form(0, Bits::B64, Map::Of, 0xc7, 1, mem.into(), false, 0);
    }

    /// An opcode whose lowest bit tells bytes from larger operands.
    fn sized(&mut self, opcode: u8, map: Map, size: u8, reg: Gpr, mem: Mem) {
        let bits = if size == 3 { Bits::B64 } else { Bits::B32 };
        let prefix = if size == 1 { 0x66 } else { 0 };
        self.form(prefix, bits, map, opcode | u8::from(size != 0), reg as u8, mem.into(), size == 0, 0);
    }

    /// The prefix that makes the next instruction, one that changes memory, atomic.
    pub fn lock(&mut self) {
        self.byte(0xf0);
    }

    /// `rep stosq`: stores RAX RCX times from RDI on.
    pub fn rep_stos(&mut self) {
        self.bytes(&[0xf3, 0x48, 0xab]);
    }

    /// `mfence`.
    pub fn mfence(&mut self) {
        self.bytes(&[0x0f, 0xae, 0xf0]);
    }

    /// `rdtsc`: EDX:EAX.
    pub fn rdtsc(&mut self) {
        self.bytes(&[0x0f, 0x31]);
    }

    /// `ldmxcsr [mem]`.
    pub fn ldmxcsr(&mut self, mem: Mem) {
        self.form(0, Bits::B32, Map::Of, 0xae, 2, mem.into(), false, 0);
    }

    /// `stmxcsr [mem]`.
    pub fn stmxcsr(&mut self, mem: Mem) {
        self.form(0, Bits::B32, Map::Of, 0xae, 3, mem.into(), false, 0);
    }

    /// `push reg`.
    pub fn push(&mut self, reg: Gpr) {
        if reg as u8 >= 8 {
            self.byte(0x41);
        }
        self.byte(0x50 | reg as u8 & 7);
    }

    /// `pop reg`.
    pub fn pop(&mut self, reg: Gpr) {
        if reg as u8 >= 8 {
            self.byte(0x41);
        }
        self.byte(0x58 | reg as u8 & 7);
    }

    /// `ret`.
    pub fn ret(&mut self) {
        self.byte(0xc3);
    }

    /// `ud2`.
    pub fn ud2(&mut self) {
        self.bytes(&[0x0f, 0x0b]);
    }

    /// `jmp label`. Returns the offset of the 32-bit distance.
    pub fn jmp(&mut self, label: Label) -> usize {
        self.byte(0xe9);
        self.distance_to(label);
        self.len() - 4
    }

    /// `jCC label`. Returns the offset of the 32-bit distance.
    pub fn jcc(&mut self, cond: Cond, label: Label) -> usize {
        self.bytes(&[0x0f, 0x80 | cond as u8]);
        self.distance_to(label);
        self.len() - 4
    }

    /// `jmp address`. Returns the offset of the 32-bit distance.
    pub fn jmp_to(&mut self, address: u64) -> usize {
        self.byte(0xe9);
        self.distance_to_address(address);
        self.len() - 4
    }

    /// `jCC address`. Returns the offset of the 32-bit distance.
    pub fn jcc_to(&mut self, cond: Cond, address: u64) -> usize {
        self.bytes(&[0x0f, 0x80 | cond as u8]);
        self.distance_to_address(address);
        self.len() - 4
    }

    /// `call address`.
    pub fn call_to(&mut self, address: u64) {
        self.byte(0xe8);
        self.distance_to_address(address);
    }

    /// `call reg`, or through memory.
    pub fn call(&mut self, to: impl Into<Rm>) {
        self.plain(Bits::B32, 0xff, 2, to.into());
    }

    /// `jmp reg`, or through memory.
    pub fn jmp_rm(&mut self, to: impl Into<Rm>) {
        self.plain(Bits::B32, 0xff, 4, to.into());
    }
}
