//! System instructions that are more frequent than rare: plain registers, DAIF, barriers, and how a trace
//! goes on behind them.

use armlet_arm::sysreg::Encoding;
use armlet_arm::{Pstate, SysReg};
use armlet_x64::Bits::{B32, B64};
use armlet_x64::{Alu, Cond, Gpr, Mem, Shift};

use super::memory::For;
use super::system32::only_masks;
use super::{Cold, Emitter};
use crate::block::Mode;
use crate::jit::layout::*;
use crate::jit::thunks;
use crate::port::Port;
use crate::sys::bits::sctlr;
use crate::sys::regs;
use crate::uop::{SystemOp, Uop};

const DAIF: i32 = Pstate::DAIF.bits() as i32;
/// What of [`DEBUG`] says that PSTATE.D matters.
const DEBUG_ANY: i32 = 0x0101;

const CTR_EL0: Encoding = Encoding::new(3, 3, 0, 0, 1);
const DCZID_EL0: Encoding = Encoding::new(3, 3, 0, 0, 7);

impl Emitter<'_> {
    pub(super) fn system(&mut self, op: SystemOp, u: &Uop) {
        let el1 = self.mode.has(Mode::EL1);
        match op {
            // Each may end the slice.
            _ if self.in_slices => self.by_interpreter(),
            SystemOp::ReadReg => {
                let d = self.dst(u.dst, A);
                self.asm.mov(B64, d, system_register(u.imm as usize));
                self.write(u.dst, d);
            }
            SystemOp::WriteReg => {
                let a = self.read(u.a, A);
                self.asm.store(B64, system_register(u.imm as usize), a);
            }
            // Mathematical functions look at the rounding mode all the time.
            SystemOp::ReadFpcr => {
                let d = self.dst(u.dst, A);
                self.asm.mov(B32, d, FPCR);
                self.write(u.dst, d);
            }
            SystemOp::ReadId => {
                let value = self.vm.model.id_register(Encoding::from_bits(u.imm as u16)).unwrap_or(0);
                let d = self.dst(u.dst, A);
                self.asm.mov_imm(d, value);
                self.write(u.dst, d);
            }
            SystemOp::ReadDaif if el1 => {
                self.clobber();
                let d = self.dst(u.dst, A);
                self.asm.mov(B32, d, PSTATE);
                self.asm.alu_imm(Alu::And, B32, d, DAIF);
                self.write(u.dst, d);
            }
            SystemOp::SetDaif if el1 => self.change_daif(u.flags, true),
            SystemOp::ClearDaif if el1 => self.change_daif(u.flags, false),
            SystemOp::WriteDaif if el1 => self.write_daif(u),
            SystemOp::Dmb => self.barrier(u.imm & 3),
            SystemOp::Dsb => {
                self.barrier(3);
                if !self.is_alone() {
                    let (slow, resume) = self.slow_path();
                    self.asm.alu_imm(Alu::Cmp, B32, UNSENT, 0);
                    self.asm.jcc(Cond::Ne, slow);
                    self.asm.bind(resume);
                }
            }
            SystemOp::Isb => {}
            SystemOp::ReadNzcv => self.read_nzcv(u),
            SystemOp::WriteNzcv => self.write_nzcv(u),
            SystemOp::ReadCpsr => self.read_cpsr(u),
            SystemOp::WriteCpsr if el1 && u.flags == 1 => self.write_cpsr_control(u),
            SystemOp::Cps if el1 && only_masks(u) => {
                self.change_daif((u.imm >> 6 & 7) as u8, u.imm >> 18 & 1 != 0);
            }
            SystemOp::ReadRow => self.read_row(u),
            SystemOp::CheckSys => {
                self.clobber();
                let (slow, resume) = self.slow_path();
                self.asm.bt(B64, system_register(SysReg::SCTLR_EL1 as usize), u.flags & 63);
                self.asm.jcc(Cond::Ae, slow);
                self.asm.bind(resume);
            }
            SystemOp::Dc => self.maintain_data(Encoding::from_bits(u.imm as u16), u),
            SystemOp::DcZva if !self.mode.has(Mode::ALIGN) => self.zero_block(u),
            SystemOp::Sev if self.is_alone() => self.send_event(),
            SystemOp::Clrex => {
                self.clobber();
                let (slow, resume) = self.slow_path();
                self.asm.alu_imm(Alu::Cmp, B64, MONITOR_AT, 0);
                self.asm.jcc(Cond::Ne, slow);
                self.asm.bind(resume);
            }
            _ => self.by_interpreter(),
        }
    }

    /// MRS of what follows from the model, with little else.
    fn read_row(&mut self, u: &Uop) {
        let (el1, model) = (self.mode.has(Mode::EL1), self.vm.model);
        let d = self.dst(u.dst, A);
        match regs::rows()[u.imm as usize].reg {
            CTR_EL0 if el1 => self.asm.mov_imm(d, model.ctr()),
            DCZID_EL0 if el1 => self.asm.mov_imm(d, model.dczid_bs.into()),
            DCZID_EL0 => {
                self.clobber();
                self.asm.mov(B32, d, system_register(SysReg::SCTLR_EL1 as usize));
                self.asm.not(B32, d);
                self.asm.shift(Shift::Shr, B32, d, sctlr::DZE.trailing_zeros() as u8 - 4);
                self.asm.alu_imm(Alu::And, B32, d, 1 << 4);
                self.asm.alu_imm(Alu::Or, B32, d, model.dczid_bs.into());
            }
            _ => return self.by_interpreter(),
        }
        self.write(u.dst, d);
    }

    /// DC but ZVA: nothing to do, once the address is known to have a translation. Those by set and way have none.
    fn maintain_data(&mut self, op: Encoding, u: &Uop) {
        let invalidates = (op.op1(), op.crm(), op.op2()) == (0, 6, 1);
        if op.op1() == 0 && !invalidates {
            return;
        }
        self.clobber();
        let va = self.read(u.a, C);
        let (slow, resume) = self.slow_path();
        let what = if invalidates { For::Store } else { For::Load };
        self.look_up_elements(va, 0, 1, what, slow, false);
        self.asm.bind(resume);
    }

    /// SEV where no other PE is: mostly the event register is set already.
    fn send_event(&mut self) {
        self.clobber();
        let (slow, resume) = self.slow_path();
        self.asm.mov(B64, A, SIGNALS);
        self.asm.test_imm(B32, Mem::base(A, 0), Port::EVENT as i32);
        self.asm.jcc(Cond::E, slow);
        self.asm.bind(resume);
    }

    /// DC ZVA. Device memory refuses it, and has no entry that matches.
    fn zero_block(&mut self, u: &Uop) {
        const AT: Gpr = Gpr::Rdi;
        self.clobber();
        let len = 4i32 << self.vm.model.dczid_bs;
        let va = self.read(u.a, C);
        let (slow, resume) = self.slow_path();
        self.look_up(va, 0, 1, For::Store, slow);
        self.asm.lea(B64, A, Mem::indexed(A, va, 0, 0));
        self.asm.alu_imm(Alu::And, B64, A, -len);
        let home = MAPPED.iter().find(|(_, reg)| *reg == AT).map(|&(n, _)| slot(n));
        if let Some(home) = home {
            self.asm.store(B64, home, AT);
        }
        self.asm.mov(B64, AT, A);
        self.asm.mov_imm(C, len as u64 / 8);
        self.asm.mov_imm(A, 0);
        self.asm.rep_stos();
        if let Some(home) = home {
            self.asm.mov(B64, AT, home);
        }
        self.asm.bind(resume);
    }

    /// True if the machine has no other PE. Its devices run on threads of their own all the same.
    pub(super) fn is_alone(&self) -> bool {
        self.vm.ports.len() == 1
    }

    /// DMB: the host only lets loads pass earlier stores, so that one kind of barrier does anything.
    fn barrier(&mut self, kind: i64) {
        if !matches!(kind, 1 | 2) {
            self.clobber();
            self.asm.lock();
            self.asm.alu_imm(Alu::Or, B32, Mem::base(Gpr::Rsp, 0), 0);
        }
    }

    /// DAIFSet and DAIFClr at EL1.
    fn change_daif(&mut self, imm: u8, set: bool) {
        self.clobber();
        let bits = i32::from(imm & 15) << 6;
        let resume = self.unless_debugging(bits & Pstate::D.bits() as i32 != 0);
        let mut polled = 0;
        for (mask, signal) in [(Pstate::I, Port::IRQ), (Pstate::F, Port::FIQ)] {
            if bits & mask.bits() as i32 != 0 {
                polled |= signal as i32;
            }
        }
        let (add, keep) = if set { (bits, !polled) } else { (polled, !bits) };
        let (added, kept) = if set { (PSTATE, POLL) } else { (POLL, PSTATE) };
        self.asm.alu_imm(Alu::Or, B32, added, add);
        self.asm.alu_imm(Alu::And, B32, kept, keep);
        if let Some(resume) = resume {
            self.asm.bind(resume);
        }
    }

    /// Leaves a change of PSTATE.D to the interpreter while debug is in use.
    fn unless_debugging(&mut self, changes: bool) -> Option<armlet_x64::Label> {
        changes.then(|| {
            let (slow, resume) = self.slow_path();
            self.asm.test_imm(B32, DEBUG, DEBUG_ANY);
            self.asm.jcc(Cond::Ne, slow);
            resume
        })
    }

    /// MSR DAIF at EL1.
    fn write_daif(&mut self, u: &Uop) {
        self.clobber();
        let resume = self.unless_debugging(true);
        self.copy(B32, A, u.a);
        self.asm.alu_imm(Alu::And, B32, A, DAIF);
        self.asm.mov(B32, T, PSTATE);
        self.asm.alu_imm(Alu::And, B32, T, !DAIF);
        self.asm.alu(Alu::Or, B32, T, A);
        self.asm.store(B32, PSTATE, T);
        self.poll_by_masks();
        if let Some(resume) = resume {
            self.asm.bind(resume);
        }
    }

    /// Signals that I and F mask, which are in EAX where PSTATE has them, matter no more; others do. Changes RDX.
    pub(super) fn poll_by_masks(&mut self) {
        // I is bit 7 and masks signal 0, F is bit 6 and masks signal 1.
        self.asm.mov(B32, T, A);
        self.asm.shift(Shift::Shr, B32, T, 7);
        self.asm.alu_imm(Alu::And, B32, T, Port::IRQ as i32);
        self.asm.shift(Shift::Shr, B32, A, 5);
        self.asm.alu_imm(Alu::And, B32, A, Port::FIQ as i32);
        self.asm.alu(Alu::Or, B32, A, T);
        self.asm.alu_imm(Alu::Xor, B32, A, (Port::IRQ | Port::FIQ) as i32);
        self.asm.alu_imm(Alu::And, B32, POLL, !((Port::IRQ | Port::FIQ) as i32));
        self.asm.alu_mem(Alu::Or, B32, POLL, A);
    }

    /// The end of a trace behind a system uop, which may have changed the mode, or let an interrupt in.
    pub(super) fn after_system(&mut self, op: SystemOp, u: &Uop) {
        match op {
            // What is resident was made for the old FPCR; the rest of an IT block is for the interpreter.
            SystemOp::WriteFpcr | SystemOp::SetIt => {
                self.code_address(i64::from(self.segment.offset) + u.imm);
                self.asm.jmp_to(self.thunks.arrive);
            }
            // As the interpreter does: what is to run next may have been dropped.
            SystemOp::Ic if self.in_slices => {
                self.code_address(i64::from(self.segment.offset) + u.imm);
                self.asm.jmp_to(self.thunks.arrive);
            }
            _ if self.in_slices => self.go_through_set(u),
            op if self.after_system32(op, u) => {}
            SystemOp::ClearDaif | SystemOp::WriteDaif if self.mode.has(Mode::EL1) => {
                self.look_if_signalled(u);
                // With debug in use the mode may have changed: then a signal is up.
                self.go_to(u.imm);
            }
            SystemOp::Isb => {
                self.asm.alu_imm(Alu::Cmp, B32, CODE_REQUESTS, 0);
                self.look_if(Cond::Ne, u);
                self.go_through_set(u);
            }
            _ => self.go_through_set(u),
        }
    }

    /// Leaves generated code at the end of the trace if a signal that matters is up.
    pub(super) fn look_if_signalled(&mut self, u: &Uop) {
        self.asm.mov(B64, A, SIGNALS);
        self.asm.mov(B32, A, Mem::base(A, 0));
        self.asm.test(B32, POLL, A);
        self.look_if(Cond::Ne, u);
    }

    /// Goes on behind the trace in whatever mode it is now.
    pub(super) fn go_through_set(&mut self, u: &Uop) {
        self.code_address(i64::from(self.segment.offset) + u.imm);
        thunks::jump_through_set(self.asm, self.thunks.arrive);
    }

    /// Leaves generated code at the end of the trace if `cond` holds.
    fn look_if(&mut self, cond: Cond, u: &Uop) {
        let entry = self.asm.label();
        self.asm.jcc(cond, entry);
        self.buffers.cold.push(Cold::Look { entry, segment: self.segment, imm: u.imm });
    }
}
