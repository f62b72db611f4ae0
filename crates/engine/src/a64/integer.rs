//! Lowering of integer data processing.

use armlet_arm::a64::IntegerOp;
use armlet_arm::a64::fields::{bit, bit_masks, bits, ra, rd, rm, rn, signed};

use super::{Flow, Lowering, x, xd, xsp};
use crate::uop::{Op, SP, Slot, Uop, ZERO};

/// The form of an op for a register width.
macro_rules! sized {
    ($w:expr, $op64:ident, $op32:ident) => {
        if bit($w, 31) { Op::$op64 } else { Op::$op32 }
    };
}

impl Lowering<'_> {
    pub(super) fn integer(&mut self, op: IntegerOp, w: u32) -> Flow {
        use IntegerOp as I;
        let (d, n, m) = (xd(rd(w)), x(rn(w)), x(rm(w)));
        match op {
            I::Adr => self.op_imm(Op::PcRel, d, ZERO, self.target(adr_offset(w))),
            I::Adrp => self.op_imm(Op::PageRel, d, ZERO, adr_offset(w) << 12),

            I::AddImm => self.add_imm(w, imm12(w)),
            I::SubImm => self.add_imm(w, -imm12(w)),
            I::AddsImm => self.op_imm(sized!(w, AddSI64, AddSI32), d, xsp(rn(w)), imm12(w)),
            I::SubsImm => self.op_imm(sized!(w, SubSI64, SubSI32), d, xsp(rn(w)), imm12(w)),

            I::AndImm => self.logic_imm(Op::AndI, w),
            I::OrrImm => self.logic_imm(sized!(w, OrrI64, OrrI32), w),
            I::EorImm => self.logic_imm(sized!(w, EorI64, EorI32), w),
            I::AndsImm => self.op_imm(sized!(w, AndSI64, AndSI32), d, n, logical_imm(w)),

            I::Movz => self.op_imm(Op::MovI, d, ZERO, imm16(w)),
            I::Movn => self.op_imm(Op::MovI, d, ZERO, narrow(w, !imm16(w))),
            I::Movk => {
                let flags = bits(w, 22, 21) as u8 * 16;
                self.emit(Uop {
                    dst: d,
                    a: x(rd(w)),
                    flags,
                    imm: imm16(w),
                    ..Uop::new(sized!(w, MovK64, MovK32))
                });
            }

            I::Ubfm => self.ubfm(w),
            I::Sbfm => self.sbfm(w),
            I::Bfm => self.bfm(w),
            I::Extr => self.extr(w),

            I::And => self.logic(sized!(w, And64, And32), w),
            I::Bic => self.logic(sized!(w, Bic64, Bic32), w),
            I::Orr if n == ZERO && bits(w, 15, 10) == 0 => self.op3(sized!(w, Mov, Mov32), d, m, ZERO),
            I::Orr => self.logic(sized!(w, Orr64, Orr32), w),
            I::Orn => self.logic(sized!(w, Orn64, Orn32), w),
            I::Eor => self.logic(sized!(w, Eor64, Eor32), w),
            I::Eon => self.logic(sized!(w, Eon64, Eon32), w),
            I::Ands => self.logic(sized!(w, AndS64, AndS32), w),
            I::Bics => self.logic(sized!(w, BicS64, BicS32), w),

            I::AddShifted => self.logic(sized!(w, Add64, Add32), w),
            I::AddsShifted => self.logic(sized!(w, AddS64, AddS32), w),
            I::SubShifted => self.logic(sized!(w, Sub64, Sub32), w),
            I::SubsShifted => self.logic(sized!(w, SubS64, SubS32), w),

            I::AddExtended => self.extended(sized!(w, Add64, Add32), w, xsp(rd(w))),
            I::AddsExtended => self.extended(sized!(w, AddS64, AddS32), w, d),
            I::SubExtended => self.extended(sized!(w, Sub64, Sub32), w, xsp(rd(w))),
            I::SubsExtended => self.extended(sized!(w, SubS64, SubS32), w, d),

            I::Adc => self.op3(sized!(w, Adc64, Adc32), d, n, m),
            I::Adcs => self.op3(sized!(w, AdcS64, AdcS32), d, n, m),
            I::Sbc => self.op3(sized!(w, Sbc64, Sbc32), d, n, m),
            I::Sbcs => self.op3(sized!(w, SbcS64, SbcS32), d, n, m),

            I::Rmif => {
                let (c, flags) = (bits(w, 3, 0) as u8, bits(w, 20, 15) as u8);
                self.emit(Uop { a: n, c, flags, ..Uop::new(Op::Rmif) });
            }
            I::Setf8 => self.emit(Uop { a: n, ..Uop::new(Op::Setf8) }),
            I::Setf16 => self.emit(Uop { a: n, ..Uop::new(Op::Setf16) }),

            I::Ccmn => self.compare(sized!(w, Ccmn64, Ccmn32), w, m, 0),
            I::Ccmp => self.compare(sized!(w, Ccmp64, Ccmp32), w, m, 0),
            I::CcmnImm => self.compare(sized!(w, Ccmn64, Ccmn32), w, ZERO, rm(w)),
            I::CcmpImm => self.compare(sized!(w, Ccmp64, Ccmp32), w, ZERO, rm(w)),

            I::Csel => self.select(sized!(w, Csel64, Csel32), w),
            I::Csinc => self.select(sized!(w, Csinc64, Csinc32), w),
            I::Csinv => self.select(sized!(w, Csinv64, Csinv32), w),
            I::Csneg => self.select(sized!(w, Csneg64, Csneg32), w),

            I::Udiv => self.op3(sized!(w, Udiv64, Udiv32), d, n, m),
            I::Sdiv => self.op3(sized!(w, Sdiv64, Sdiv32), d, n, m),
            I::Lslv => self.op3(sized!(w, Lsl64, Lsl32), d, n, m),
            I::Lsrv => self.op3(sized!(w, Lsr64, Lsr32), d, n, m),
            I::Asrv => self.op3(sized!(w, Asr64, Asr32), d, n, m),
            I::Rorv => self.op3(sized!(w, Ror64, Ror32), d, n, m),
            I::Crc32b | I::Crc32h | I::Crc32w | I::Crc32x => self.crc(w, 0),
            I::Crc32cb | I::Crc32ch | I::Crc32cw | I::Crc32cx => self.crc(w, 4),

            I::Rbit => self.op3(sized!(w, Rbit64, Rbit32), d, n, ZERO),
            I::Rev16 => self.op3(sized!(w, Rev16In64, Rev16In32), d, n, ZERO),
            I::Rev32 => self.op3(Op::Rev32In64, d, n, ZERO),
            I::Rev => self.op3(sized!(w, Rev64, Rev32), d, n, ZERO),
            I::Clz => self.op3(sized!(w, Clz64, Clz32), d, n, ZERO),
            I::Cls => self.op3(sized!(w, Cls64, Cls32), d, n, ZERO),

            I::Madd => self.multiply(sized!(w, Madd64, Madd32), w),
            I::Msub => self.multiply(sized!(w, Msub64, Msub32), w),
            I::Smaddl => self.multiply(Op::Smaddl, w),
            I::Smsubl => self.multiply(Op::Smsubl, w),
            I::Umaddl => self.multiply(Op::Umaddl, w),
            I::Umsubl => self.multiply(Op::Umsubl, w),
            I::Smulh => self.op3(Op::Smulh, d, n, m),
            I::Umulh => self.op3(Op::Umulh, d, n, m),
        }
        Flow::Next
    }

    fn add_imm(&mut self, w: u32, imm: i64) {
        let (dst, a) = (xsp(rd(w)), xsp(rn(w)));
        self.writes_sp(dst, bit(w, 31) && a == SP && imm % 16 == 0);
        match (bit(w, 31), imm) {
            (true, 0) => self.op3(Op::Mov, dst, a, ZERO),
            (true, _) => self.op_imm(Op::AddI64, dst, a, imm),
            (false, _) => self.op_imm(Op::AddI32, dst, a, imm),
        }
    }

    /// Notes a write to `dst`, which may be SP; `keeps` says that SP moves by a multiple of 16.
    pub(super) fn writes_sp(&mut self, dst: Slot, keeps: bool) {
        if dst == SP && !keeps {
            self.sp_checked = false;
        }
    }

    fn logic_imm(&mut self, op: Op, w: u32) {
        let (dst, a, imm) = (xsp(rd(w)), x(rn(w)), logical_imm(w));
        self.writes_sp(dst, false);
        // ORR and EOR with XZR are how a bit mask is loaded.
        let op = if a == ZERO && op != Op::AndI { Op::MovI } else { op };
        self.op_imm(op, dst, a, imm);
    }

    /// `rd = rn op (rm shifted)`.
    fn logic(&mut self, op: Op, w: u32) {
        let (kind, amount) = (bits(w, 23, 22), i64::from(bits(w, 15, 10)));
        let mut b = x(rm(w));
        if amount != 0 {
            let shift = match kind {
                0 => sized!(w, LslI64, LslI32),
                1 => sized!(w, LsrI64, LsrI32),
                2 => sized!(w, AsrI64, AsrI32),
                _ => sized!(w, RorI64, RorI32),
            };
            let temp = self.temp();
            self.op_imm(shift, temp, b, amount);
            b = temp;
        }
        self.op3(op, xd(rd(w)), x(rn(w)), b);
    }

    /// `dst = rn|sp op (rm extended and shifted)`.
    fn extended(&mut self, op: Op, w: u32, dst: Slot) {
        self.writes_sp(dst, false);
        let b = self.extend(x(rm(w)), bits(w, 15, 13), bits(w, 12, 10));
        self.op3(op, dst, xsp(rn(w)), b);
    }

    /// The slot of `reg` extended by `option` (Arm ARM, ExtendReg), then shifted left.
    pub(super) fn extend(&mut self, reg: Slot, option: u32, shift: u32) -> Slot {
        let len = 8 << (option & 3);
        if len == 64 && shift == 0 {
            return reg;
        }
        let dst = self.temp();
        if len == 64 {
            self.op_imm(Op::LslI64, dst, reg, shift.into());
        } else if option & 4 == 0 {
            let imm = (ones(len) << shift) as i64;
            self.emit(Uop { dst, a: reg, flags: (64 - shift) as u8 & 63, imm, ..Uop::new(Op::Ubf) });
        } else {
            let (c, flags) = ((64 - len) as u8, (64 - len - shift) as u8);
            self.emit(Uop { dst, a: reg, c, flags, ..Uop::new(Op::Sbf64) });
        }
        dst
    }

    fn ubfm(&mut self, w: u32) {
        let (dst, a) = (xd(rd(w)), x(rn(w)));
        let (r, s, width) = field(w);
        let (rotate, mask) = rotate_and_mask(w);
        if s == width - 1 {
            self.op_imm(sized!(w, LsrI64, LsrI32), dst, a, r.into());
        } else if s + 1 == r {
            self.op_imm(sized!(w, LslI64, LslI32), dst, a, (width - r).into());
        } else if rotate == 0 {
            self.op_imm(Op::AndI, dst, a, mask);
        } else {
            self.emit(Uop { dst, a, flags: rotate, imm: mask, ..Uop::new(Op::Ubf) });
        }
    }

    fn sbfm(&mut self, w: u32) {
        let (dst, a) = (xd(rd(w)), x(rn(w)));
        let (r, s, width) = field(w);
        let left = width - 1 - s;
        if left == 0 {
            return self.op_imm(sized!(w, AsrI64, AsrI32), dst, a, r.into());
        }
        // The field's top bit goes to the register's; from there it spreads down to where the field belongs.
        let right = if s >= r { left + r } else { r - 1 - s };
        let (c, flags) = (left as u8, right as u8);
        self.emit(Uop { dst, a, c, flags, ..Uop::new(sized!(w, Sbf64, Sbf32)) });
    }

    fn bfm(&mut self, w: u32) {
        let (rotate, imm) = rotate_and_mask(w);
        self.emit(Uop {
            dst: xd(rd(w)),
            a: x(rn(w)),
            b: x(rd(w)),
            flags: rotate,
            imm,
            ..Uop::new(sized!(w, Bfi64, Bfi32))
        });
    }

    fn extr(&mut self, w: u32) {
        let (dst, a, b) = (xd(rd(w)), x(rn(w)), x(rm(w)));
        let imm = i64::from(bits(w, 15, 10));
        if imm == 0 {
            self.op3(sized!(w, Mov, Mov32), dst, b, ZERO);
        } else if a == b {
            self.op_imm(sized!(w, RorI64, RorI32), dst, a, imm);
        } else {
            self.emit(Uop { dst, a, b, imm, ..Uop::new(sized!(w, Extr64, Extr32)) });
        }
    }

    fn crc(&mut self, w: u32, polynomial: u8) {
        let flags = bits(w, 11, 10) as u8 | polynomial;
        self.emit(Uop { dst: xd(rd(w)), a: x(rn(w)), b: x(rm(w)), flags, ..Uop::new(Op::Crc32) });
    }

    fn compare(&mut self, op: Op, w: u32, b: Slot, imm: u8) {
        let (c, flags) = (bits(w, 3, 0) as u8, bits(w, 15, 12) as u8);
        self.emit(Uop { a: x(rn(w)), b, c, flags, imm: imm.into(), ..Uop::new(op) });
    }

    fn select(&mut self, op: Op, w: u32) {
        let flags = bits(w, 15, 12) as u8;
        self.emit(Uop { dst: xd(rd(w)), a: x(rn(w)), b: x(rm(w)), flags, ..Uop::new(op) });
    }

    fn multiply(&mut self, op: Op, w: u32) {
        self.emit(Uop { dst: xd(rd(w)), a: x(rn(w)), b: x(rm(w)), c: x(ra(w)), ..Uop::new(op) });
    }
}

fn adr_offset(w: u32) -> i64 {
    signed(w, 23, 5) << 2 | i64::from(bits(w, 30, 29))
}

fn imm12(w: u32) -> i64 {
    i64::from(bits(w, 21, 10)) << if bit(w, 22) { 12 } else { 0 }
}

fn imm16(w: u32) -> i64 {
    i64::from(bits(w, 20, 5)) << (bits(w, 22, 21) * 16)
}

/// `value` cut to the width of the operation.
fn narrow(w: u32, value: i64) -> i64 {
    if bit(w, 31) { value } else { value & 0xffff_ffff }
}

fn logical_imm(w: u32) -> i64 {
    let width = if bit(w, 31) { 64 } else { 32 };
    let masks = bit_masks(bits(w, 22, 22), bits(w, 15, 10), bits(w, 21, 16), true, width);
    // The table accepts no reserved mask.
    narrow(w, masks.map_or(0, |(mask, _)| mask as i64))
}

/// immr, imms and the width of a bit field move.
fn field(w: u32) -> (u32, u32, u32) {
    (bits(w, 21, 16), bits(w, 15, 10), if bit(w, 31) { 64 } else { 32 })
}

/// A bit field move as a rotation of the 64-bit register to the right and a mask of what to take. The
/// source bits under the mask are all below the operation's width, so one form serves both widths.
fn rotate_and_mask(w: u32) -> (u8, i64) {
    let (r, s, width) = field(w);
    if s >= r {
        (r as u8, ones(s - r + 1) as i64)
    } else {
        let left = width - r;
        ((64 - left) as u8, (ones(s + 1) << left) as i64)
    }
}

fn ones(count: u32) -> u64 {
    u64::MAX >> (64 - count)
}
