//! Vector instructions of 128 bits, at three levels of host.
//!
//! One call describes what has to happen; the level set by [`Asm::set_level`] decides how:
//!
//! * `Sse`: the two-operand encodings. `op dst, a, b` copies `a` to `dst` first, unless they are the same.
//!   Memory operands of 16 bytes are loaded first, since these encodings want them aligned.
//! * `Avx2`: VEX, three operands.
//! * `Avx512`: VEX, or EVEX if a register is above XMM15 or the instruction exists in no other form.
//!
//! Some sequences need a scratch register:
//!
//! * XMM2 may change with every call. It must not be an operand of an instruction that has a memory operand
//!   of 16 bytes or whose `dst` is also `b` at level `Sse`, nor of one that mixes it with registers above
//!   XMM15 and has no EVEX form.
//! * XMM1 changes in instructions without an EVEX form (PSIGN, PHADD, PBLENDW, AES, SHA, PCLMULQDQ, HADDPS,
//!   CMPSS, PTEST) if every operand is above XMM15 or in memory.
//! * XMM0 changes in [`Asm::vblendv`] at level `Sse`, and XMM1 may if `b` is in memory or in XMM0.
//! * K1 changes in comparisons and variable blends that use registers above XMM15.

use crate::Asm;
use crate::operand::Mem;

pub(crate) mod gpr;
pub(crate) mod mask;
pub(crate) mod moves;
pub(crate) mod ops;
pub(crate) mod tables;

use mask::Lane;

/// A vector register. Those above 15 exist only with AVX-512.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Xmm(pub u8);

/// A vector register or memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Xm {
    /// A register.
    R(Xmm),
    /// Memory.
    M(Mem),
}

impl From<Xmm> for Xm {
    fn from(reg: Xmm) -> Self {
        Self::R(reg)
    }
}

impl From<Mem> for Xm {
    fn from(mem: Mem) -> Self {
        Self::M(mem)
    }
}

impl Xm {
    /// The register's number; 0 for memory.
    #[inline]
    const fn number(self) -> u8 {
        match self {
            Self::R(reg) => reg.0,
            Self::M(_) => 0,
        }
    }
}

/// What the host's vector unit can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// SSE4.2.
    #[default]
    Sse,
    /// AVX2, FMA, BMI.
    Avx2,
    /// AVX-512 VL, BW and DQ as well.
    Avx512,
}

/// A mask register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct K(pub u8);

impl K {
    /// Elements whose bit is clear keep the destination's value.
    pub const fn merging(self) -> Mask {
        Mask { k: self, zero: false }
    }

    /// Elements whose bit is clear become zero.
    pub const fn zeroing(self) -> Mask {
        Mask { k: self, zero: true }
    }
}

/// How a mask register applies to an instruction. K0 stands for no mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mask {
    k: K,
    zero: bool,
}

impl Mask {
    /// All elements.
    pub const NONE: Self = K(0).merging();
}

/// What to do when an operand is above XMM15.
#[derive(Clone, Copy, PartialEq, Eq)]
enum High {
    /// The same opcode with an EVEX prefix.
    Evex,
    /// That makes a mask in K1, which becomes a vector.
    Mask(Lane),
    /// Nothing the like: operands go through low registers.
    Scratch,
}

/// One instruction: everything but its operands.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    /// Mandatory prefix: none, 66, F3, F2.
    pp: u8,
    /// 0F, 0F 38, 0F 3A as 1, 2, 3.
    map: u8,
    op: u8,
    /// The W bits of REX, VEX and EVEX.
    rex_w: bool,
    vex_w: bool,
    evex_w: bool,
    /// VEX's L bit; only instructions on masks set it.
    long: bool,
    /// Log2 of the size of a memory operand, which is also the unit of EVEX's short displacements.
    unit: u8,
    /// The operands `a` and `b` may be swapped without a change in any bit of the result.
    commutes: bool,
    /// The lowest level that has it.
    least: Level,
    high: High,
}

const NP: u8 = 0;
const P66: u8 = 1;
const PF3: u8 = 2;
const PF2: u8 = 3;

impl Row {
    const fn new(pp: u8, map: u8, op: u8) -> Self {
        Self {
            pp,
            map,
            op,
            rex_w: false,
            vex_w: false,
            evex_w: false,
            long: false,
            unit: 4,
            commutes: false,
            least: Level::Sse,
            high: High::Evex,
        }
    }

    /// EVEX.W alone.
    const fn ew(mut self) -> Self {
        self.evex_w = true;
        self
    }

    /// W of VEX and EVEX.
    const fn w(mut self, wide: bool) -> Self {
        self.vex_w = wide;
        self.evex_w = wide;
        self
    }

    /// W of every prefix.
    const fn wide(mut self, wide: bool) -> Self {
        self.rex_w = wide;
        self.w(wide)
    }

    const fn long(mut self) -> Self {
        self.long = true;
        self
    }

    const fn unit(mut self, unit: u8) -> Self {
        self.unit = unit;
        self
    }

    const fn commutes(mut self) -> Self {
        self.commutes = true;
        self
    }

    const fn avx(mut self) -> Self {
        self.least = Level::Avx2;
        self
    }

    const fn avx512(mut self) -> Self {
        self.least = Level::Avx512;
        self
    }

    const fn masked(mut self, lane: Lane) -> Self {
        self.high = High::Mask(lane);
        self
    }

    const fn scratch(mut self) -> Self {
        self.high = High::Scratch;
        self
    }
}

/// The first scratch register, and the one for when it is taken.
const X2: Xmm = Xmm(2);
const X1: Xmm = Xmm(1);

impl Asm {
    /// Chooses the encodings of vector instructions.
    pub fn set_level(&mut self, level: Level) {
        self.level = level;
    }

    /// The level in force.
    pub fn level(&self) -> Level {
        self.level
    }

    /// ModRM and what follows, but for the immediate.
    #[inline]
    fn operand(&mut self, reg: u8, rm: Xm, tail: u8, unit: u8) {
        match rm {
            Xm::R(rm) => self.modrm_reg(reg, rm.0),
            Xm::M(mem) => self.modrm_mem(reg, mem, tail, unit),
        }
    }

    #[inline]
    fn immediate(&mut self, imm: Option<u8>) {
        if let Some(imm) = imm {
            self.byte(imm);
        }
    }

    /// The legacy encoding.
    fn legacy(&mut self, row: &Row, reg: u8, rm: Xm, imm: Option<u8>) {
        debug_assert!(row.least == Level::Sse && reg < 16 && rm.number() < 16);
        if row.pp != NP {
            self.byte([0, 0x66, 0xf3, 0xf2][row.pp as usize & 3]);
        }
        let (x, b) = match rm {
            Xm::R(rm) => (0, rm.0),
            Xm::M(mem) => mem.numbers(),
        };
        let rex = 0x40 | u8::from(row.rex_w) << 3 | reg >> 3 << 2 | x >> 3 << 1 | b >> 3;
        if rex != 0x40 {
            self.byte(rex);
        }
        match row.map {
            1 => self.bytes(&[0x0f, row.op]),
            2 => self.bytes(&[0x0f, 0x38, row.op]),
            _ => self.bytes(&[0x0f, 0x3a, row.op]),
        }
        self.operand(reg, rm, imm.is_some().into(), 0);
        self.immediate(imm);
    }

    /// The VEX encoding; `v` is 0 if there is no third operand.
    fn vex(&mut self, row: &Row, reg: u8, v: u8, rm: Xm, imm: Option<u8>) {
        debug_assert!(self.level >= row.least && (reg | v | rm.number()) < 16);
        let (x, b) = match rm {
            Xm::R(rm) => (0, rm.0),
            Xm::M(mem) => mem.numbers(),
        };
        let r = !reg >> 3 << 7;
        let last = (!v & 15) << 3 | u8::from(row.long) << 2 | row.pp;
        if x | b < 8 && !row.vex_w && row.map == 1 {
            self.bytes(&[0xc5, r | last, row.op]);
        } else {
            let xb = (!x >> 3 & 1) << 6 | (!b >> 3 & 1) << 5;
            self.bytes(&[0xc4, r | xb | row.map, u8::from(row.vex_w) << 7 | last, row.op]);
        }
        self.operand(reg, rm, imm.is_some().into(), 0);
        self.immediate(imm);
    }

    /// The EVEX encoding; `v` is 0 if there is no third operand.
    fn evex(&mut self, row: &Row, mask: Mask, reg: u8, v: u8, rm: Xm, imm: Option<u8>) {
        debug_assert!(self.level == Level::Avx512 && (reg | v | rm.number()) < 32 && mask.k.0 < 8);
        let (x, b) = match rm {
            // X is bit 4 of a register.
            Xm::R(rm) => (rm.0 >> 1, rm.0),
            Xm::M(mem) => mem.numbers(),
        };
        let high = (!reg >> 3 & 1) << 7 | (!x >> 3 & 1) << 6 | (!b >> 3 & 1) << 5 | (!reg >> 4 & 1) << 4;
        self.bytes(&[
            0x62,
            high | row.map,
            u8::from(row.evex_w) << 7 | (!v & 15) << 3 | 4 | row.pp,
            u8::from(mask.zero) << 7 | (!v >> 4 & 1) << 3 | mask.k.0,
            row.op,
        ]);
        self.operand(reg, rm, imm.is_some().into(), row.unit);
        self.immediate(imm);
    }

    /// `op reg, rm` where neither is a destination that is read, and none goes through scratch registers.
    fn two(&mut self, row: &Row, reg: u8, rm: Xm, imm: Option<u8>) {
        if self.level == Level::Sse {
            self.legacy(row, reg, rm, imm);
        } else if (reg | rm.number()) < 16 && row.least < Level::Avx512 {
            self.vex(row, reg, 0, rm, imm);
        } else {
            self.evex(row, Mask::NONE, reg, 0, rm, imm);
        }
    }

    /// `op dst, src` from vector to vector.
    fn unary(&mut self, row: &Row, dst: Xmm, src: Xm, imm: Option<u8>) {
        match src {
            Xm::M(mem) if self.level == Level::Sse && row.unit == 4 => {
                self.vload(dst, mem);
                self.legacy(row, dst.0, dst.into(), imm);
            }
            _ if row.high == High::Scratch && (dst.0 | src.number()) >= 16 => {
                let src = self.lowered(src, X2);
                let to = if dst.0 < 16 { dst } else { X2 };
                self.two(row, to.0, src, imm);
                self.vmov(dst, to);
            }
            _ => self.two(row, dst.0, src, imm),
        }
    }

    /// `op dst, a, b`.
    fn three(&mut self, row: &Row, dst: Xmm, a: Xmm, b: Xm, imm: Option<u8>) {
        if self.level == Level::Sse {
            self.three_sse(row, dst, a, b, imm);
        } else if (dst.0 | a.0 | b.number()) < 16 && row.least < Level::Avx512 {
            self.vex(row, dst.0, a.0, b, imm);
        } else {
            self.three_high(row, dst, a, b, imm);
        }
    }

    fn three_sse(&mut self, row: &Row, dst: Xmm, a: Xmm, b: Xm, imm: Option<u8>) {
        let b = match b {
            Xm::R(b) if b == dst && a != dst => {
                if row.commutes {
                    Xm::R(a)
                } else {
                    debug_assert!(a != X2 && b != X2);
                    self.vmov(X2, b);
                    self.vmov(dst, a);
                    Xm::R(X2)
                }
            }
            Xm::M(mem) if row.unit == 4 => {
                if row.commutes && dst != a {
                    self.vload(dst, mem);
                    Xm::R(a)
                } else {
                    debug_assert!(a != X2 && dst != X2);
                    self.vload(X2, mem);
                    self.vmov(dst, a);
                    Xm::R(X2)
                }
            }
            _ => {
                self.vmov(dst, a);
                b
            }
        };
        self.legacy(row, dst.0, b, imm);
    }

    fn three_high(&mut self, row: &Row, dst: Xmm, a: Xmm, b: Xm, imm: Option<u8>) {
        match row.high {
            High::Evex => self.evex(row, Mask::NONE, dst.0, a.0, b, imm),
            High::Mask(lane) => {
                self.evex(row, Mask::NONE, 1, a.0, b, imm);
                self.vpmovm2(lane, dst, K(1));
            }
            High::Scratch => self.three_scratch(row, dst, a, b, imm),
        }
    }

    /// Copies what is above XMM15 to low registers. A low destination serves as a scratch register, too.
    fn three_scratch(&mut self, row: &Row, dst: Xmm, a: Xmm, b: Xm, imm: Option<u8>) {
        debug_assert!(a != X2 && b != Xm::R(X2));
        let to = if dst.0 < 16 { dst } else { X2 };
        let same = b == Xm::R(a);
        let low_a = self.lowered(a.into(), X2);
        let low_b = match b {
            _ if same => low_a,
            _ if a.0 < 16 => self.lowered(b, X2),
            _ => self.lowered(b, if to == X2 { X1 } else { to }),
        };
        self.vex(row, to.0, low_a.number(), low_b, imm);
        self.vmov(dst, to);
    }

    /// `src`, or `scratch` holding its value if it is above XMM15.
    fn lowered(&mut self, src: Xm, scratch: Xmm) -> Xm {
        match src {
            Xm::R(reg) if reg.0 >= 16 => {
                self.vmov(scratch, reg);
                Xm::R(scratch)
            }
            _ => src,
        }
    }
}
