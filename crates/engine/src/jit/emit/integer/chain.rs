//! Uops that keep values of slots in scratch registers, see [`crate::jit::emit::copies`]: sums and comparisons, and
//! logic, shifts by immediates, moves and selects, none of which sets flags.

use armlet_x64::Bits::{B32, B64};
use armlet_x64::{Alu, Bits, Gpr, Mem, Shift};

use super::arith::immediate;
use super::{Emitter, as_i32};
use crate::jit::emit::Loc;
use crate::jit::emit::flags::Test;
use crate::jit::layout::*;
use crate::uop::{SINK, Slot, Uop, ZERO};

impl Emitter<'_> {
    /// The register for the result of `u` with the value of `n`, while `other` is still read.
    fn begin(&mut self, bits: Bits, u: &Uop, n: Slot, other: Option<Gpr>) -> Gpr {
        if let Some(reg) = self.spent(u, n) {
            return reg;
        }
        let held = self.held(n);
        let d = self.home(u, [other, None]);
        if held != Some(d) {
            self.move_to(bits, d, n, held);
        }
        d
    }

    /// `d` = the slot, which `held` holds.
    fn move_to(&mut self, bits: Bits, d: Gpr, n: Slot, held: Option<Gpr>) {
        match held {
            Some(reg) => self.asm.mov(bits, d, reg),
            None if n == ZERO => self.asm.mov_imm(d, 0),
            None => self.asm.mov(bits, d, slot(n)),
        }
    }

    /// Where to put a result whose operands are read by the instruction that writes it.
    fn target_of(&mut self, u: &Uop, operands: &[Slot]) -> Gpr {
        match operands.iter().find_map(|&n| self.spent(u, n)) {
            Some(reg) => reg,
            None => self.home(u, [None, None]),
        }
    }

    pub(super) fn mov(&mut self, bits: Bits, u: &Uop) {
        let held = self.held(u.a);
        let d = self.home(u, [held, None]);
        if held != Some(d) || bits == B32 {
            self.move_to(bits, d, u.a, held);
        }
        self.result(u, d);
    }

    /// Sums need not change the host's flags.
    pub(super) fn add(&mut self, u: &Uop, bits: Bits) {
        if let (Some(a), Some(b)) = (self.held(u.a), self.held(u.b)) {
            let d = self.target_of(u, &[u.a, u.b]);
            self.asm.lea(bits, d, Mem::indexed(a, b, 0, 0));
            self.result(u, d);
        } else {
            self.binary(Alu::Add, bits, u);
        }
    }

    pub(super) fn add_imm(&mut self, u: &Uop, bits: Bits) {
        let imm = immediate(u, bits);
        let held = self.held(u.a);
        if u.a == u.dst && bits == B64 && held.is_none() {
            self.clobber();
            self.asm.alu_imm(Alu::Add, B64, slot(u.a), imm);
            return;
        }
        let d = self.target_of(u, &[u.a]);
        let a = held.unwrap_or(d);
        if held.is_none() {
            self.move_to(B64, d, u.a, None);
        }
        self.asm.lea(bits, d, Mem::base(a, imm));
        self.result(u, d);
    }

    /// `dst = a op b`.
    pub(super) fn binary(&mut self, op: Alu, bits: Bits, u: &Uop) {
        self.clobber();
        let swapped = !self.in_place(u, u.a) && self.in_place(u, u.b);
        match op {
            Alu::Sub if swapped => self.subtract_from(bits, u),
            _ => {
                let d = self.combined(op, bits, u, swapped);
                self.result(u, d);
            }
        }
    }

    /// Sums and differences that set flags.
    pub(super) fn arith_s(&mut self, op: Alu, bits: Bits, u: &Uop) {
        self.before_clobber();
        let swapped = !self.in_place(u, u.a) && self.in_place(u, u.b);
        if u.dst == SINK && op == Alu::Sub {
            let b = self.held(u.b);
            let a = self.held(u.a).unwrap_or_else(|| {
                let t = self.free_scratch([b, None]);
                self.move_to(bits, t, u.a, None);
                t
            });
            let b = self.operand(u.b);
            self.compare(bits, a, b);
        } else if swapped && op == Alu::Sub {
            self.subtract_from(bits, u);
        } else {
            let d = self.combined(op, bits, u, swapped);
            self.result(u, d);
        }
        self.flags_set(op == Alu::Sub);
    }

    pub(super) fn arith_si(&mut self, op: Alu, bits: Bits, u: &Uop) {
        self.before_clobber();
        let imm = immediate(u, bits);
        if u.dst == SINK && op == Alu::Sub {
            match self.held(u.a) {
                Some(a) if imm == 0 => self.asm.test(bits, a, a),
                _ => {
                    let a = self.operand(u.a);
                    self.asm.alu_imm(Alu::Cmp, bits, a, imm);
                }
            }
        } else {
            let d = self.begin(bits, u, u.a, None);
            self.asm.alu_imm(op, bits, d, imm);
            self.result(u, d);
        }
        self.flags_set(op == Alu::Sub);
    }

    /// `dst` = `a` if the condition holds, else `b`.
    pub(super) fn select(&mut self, bits: Bits, u: &Uop) {
        let Test::Host(cond) = self.condition(u.flags & 15) else { return self.mov(bits, u) };
        let (first, second, cond) = match self.in_place(u, u.a) {
            true => (u.a, u.b, cond.not()),
            false => (u.b, u.a, cond),
        };
        let other = self.held(second);
        let d = self.begin(bits, u, first, other);
        let second = self.operand(second);
        self.asm.cmov(cond, bits, d, second);
        self.result(u, d);
    }

    /// The register of `n` is where the result of `u` goes.
    fn in_place(&self, u: &Uop, n: Slot) -> bool {
        match self.loc(u.dst) {
            Loc::Reg(d) => self.held(n) == Some(d),
            Loc::Mem => self.spent(u, n).is_some(),
        }
    }

    /// The register with `a op b`, or `b op a`.
    fn combined(&mut self, op: Alu, bits: Bits, u: &Uop, swapped: bool) -> Gpr {
        let (first, second) = if swapped { (u.b, u.a) } else { (u.a, u.b) };
        let other = self.held(second);
        let d = self.begin(bits, u, first, other);
        let second = self.operand(second);
        self.asm.alu(op, bits, d, second);
        d
    }

    /// A difference whose destination holds the second operand.
    fn subtract_from(&mut self, bits: Bits, u: &Uop) {
        let (a, b) = (self.held(u.a), self.held(u.b));
        let t = self.free_scratch([a, b]);
        self.move_to(bits, t, u.a, a);
        self.asm.alu(Alu::Sub, bits, t, b.expect("it is held"));
        self.result(u, t);
    }

    /// `dst = a op !b`.
    pub(super) fn inverted(&mut self, op: Alu, bits: Bits, u: &Uop) {
        match op {
            Alu::Xor => {
                self.clobber();
                let swapped = !self.in_place(u, u.a) && self.in_place(u, u.b);
                let d = self.combined(op, bits, u, swapped);
                self.asm.not(bits, d);
                self.result(u, d);
            }
            Alu::Or if u.a == ZERO => {
                let d = self.begin(bits, u, u.b, None);
                self.asm.not(bits, d);
                self.result(u, d);
            }
            Alu::And if self.host.bmi => self.and_not(bits, u),
            _ => {
                self.clobber();
                let (a, b) = (self.held(u.a), self.held(u.b));
                let t = self.free_scratch([a, b]);
                self.move_to(bits, t, u.b, b);
                self.asm.not(bits, t);
                let a = self.operand(u.a);
                self.asm.alu(op, bits, t, a);
                self.result(u, t);
            }
        }
    }

    fn and_not(&mut self, bits: Bits, u: &Uop) {
        self.clobber();
        let b = match self.held(u.b) {
            Some(reg) => reg,
            None => {
                let a = self.held(u.a);
                let t = self.free_scratch([a, None]);
                self.move_to(bits, t, u.b, None);
                t
            }
        };
        let a = self.operand(u.a);
        let d = self.target_of(u, &[u.a, u.b]);
        self.asm.andn(bits, d, b, a);
        self.result(u, d);
    }

    pub(super) fn shift_imm(&mut self, op: Shift, bits: Bits, u: &Uop) {
        let by = u.imm as u8;
        let (held, in_place) = (self.held(u.a), self.in_place(u, u.a));
        match (op, held) {
            _ if by == 0 => self.mov(bits, u),
            (Shift::Shl, Some(a)) if by <= 3 => {
                let d = self.target_of(u, &[u.a]);
                self.asm.lea(bits, d, Mem::Scaled { index: (a, by), disp: 0 });
                self.result(u, d);
            }
            (Shift::Ror, _) if self.host.bmi && !in_place => {
                let a = self.operand(u.a);
                let d = self.target_of(u, &[u.a]);
                self.asm.rorx(bits, d, a, by);
                self.result(u, d);
            }
            _ => {
                self.clobber();
                let d = self.begin(bits, u, u.a, None);
                self.asm.shift(op, bits, d, by);
                self.result(u, d);
            }
        }
    }

    pub(super) fn swap_bytes(&mut self, bits: Bits, u: &Uop) {
        let d = self.begin(bits, u, u.a, None);
        self.asm.bswap(bits, d);
        self.result(u, d);
    }

    /// The mask is zero-extended for either width.
    pub(super) fn and_imm(&mut self, u: &Uop) {
        let mask = u.imm as u64;
        match mask {
            0xff | 0xffff => {
                let a = self.operand(u.a);
                let d = self.target_of(u, &[u.a]);
                if mask == 0xff {
                    self.asm.movzx8(d, a)
                } else {
                    self.asm.movzx16(d, a)
                }
                self.result(u, d);
            }
            0xffff_ffff => self.mov(B32, u),
            _ => {
                let bits = if mask <= u32::MAX.into() { B32 } else { B64 };
                self.logic_imm(Alu::And, bits, u);
            }
        }
    }

    pub(super) fn logic_imm(&mut self, op: Alu, bits: Bits, u: &Uop) {
        self.clobber();
        let d = self.begin(bits, u, u.a, None);
        self.combine(op, bits, d, u.imm);
        self.result(u, d);
    }

    /// `d = d op imm`.
    fn combine(&mut self, op: Alu, bits: Bits, d: Gpr, imm: i64) {
        let imm = if bits == B32 { i64::from(imm as i32) } else { imm };
        match as_i32(imm) {
            Some(imm) => self.asm.alu_imm(op, bits, d, imm),
            None => {
                let other = self.free_scratch([Some(d), None]);
                self.asm.mov_imm(other, imm as u64);
                self.asm.alu(op, bits, d, other);
            }
        }
    }

    /// The slot = a constant. Leaves the flags alone.
    pub(super) fn constant(&mut self, u: &Uop, value: u64) {
        match (self.loc(u.dst), as_i32(value as i64)) {
            (Loc::Mem, Some(imm)) if !self.copies_go_on() => {
                self.stale(u.dst);
                self.asm.store_imm(B64, slot(u.dst), imm);
            }
            _ => {
                let d = self.target_of(u, &[]);
                self.asm.mov_imm(d, value);
                self.result(u, d);
            }
        }
    }

    /// One halfword of a slot = a constant: all of it if the rest is known.
    pub(super) fn movk(&mut self, u: &Uop, bits: Bits) {
        let keep = !(0xffff << (u.flags & 63));
        if let Some((_, value)) = self.known.filter(|known| known.0 == u.a) {
            let value = value & keep | u.imm as u64;
            let value = if bits == B32 { u64::from(value as u32) } else { value };
            self.constant(u, value);
            self.known = Some((u.dst, value));
            return;
        }
        self.clobber();
        let d = self.begin(bits, u, u.a, None);
        self.combine(Alu::And, bits, d, keep as i64);
        self.combine(Alu::Or, bits, d, u.imm);
        self.result(u, d);
        self.known = None;
    }
}
