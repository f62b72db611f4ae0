//! Calls between Rust and generated code.
#![allow(unsafe_code)]

use super::Jit;
use super::context::RawFlags;
use super::layout;
use crate::block::Mode;
use crate::cpu::Cpu;
use crate::interp::{self, Exit};
use crate::run::Stop;
use crate::uop::{SLOTS, Slot, ZERO};
use crate::world::World;

/// Bits of a uop's number in generated code that name the uop within its trace.
pub const UOP_BITS: u32 = 11;

/// The slot in which an address is handed to the interpreter.
const ADDRESS: Slot = SLOTS as u8 - 1;

/// What generated code runs over.
pub struct Session<'a> {
    /// The PE.
    pub cpu: &'a mut Cpu,
    /// The machine around it.
    pub world: &'a mut dyn World,
    /// Its code.
    pub jit: &'a mut Jit,
    /// Instructions retired when the code was entered, with the budget it was entered with.
    pub entered: (u64, i32),
    /// Why the run stops, if it does.
    pub stop: Option<Stop>,
}

/// What generated code does after a helper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Then {
    /// It goes on.
    On = 0,
    /// It is left: the PE must look up, or it stops.
    Leave = 1,
    /// It goes on at `Cpu::pc`, by the jump that the set remembers.
    Jump = 2,
}

/// A budget that is used up, however much of it is given back.
const SPENT: i32 = -1 << 24;

impl Session<'_> {
    /// Instructions retired up to the beginning of the trace that runs, when its price has been paid.
    pub fn retired(&self) -> u64 {
        let (retired, granted) = self.entered;
        retired + granted.wrapping_sub(self.cpu.jit.budget) as u64
    }

    /// Runs the uop with this number by the interpreter. A plain access goes to `va` if that is given.
    fn exec_uop(&mut self, number: u32, va: Option<u64>) -> Then {
        let unit = self.jit.table.unit(number >> UOP_BITS);
        let index = (number & ((1 << UOP_BITS) - 1)) as usize;
        let mut uop = unit.uops[index];
        let (segment, mode) = (unit.segment_of(index), unit.key.mode());
        let at_end = self.retired();
        let unpaid = u64::from(unit.insns - segment.before);
        self.jit.stats.helper_uops += 1;
        if let Some(helped) = &mut self.jit.helped {
            helped.add(uop.op);
        }
        if let Some(va) = va {
            self.cpu.x[usize::from(ADDRESS)] = va;
            (uop.a, uop.flags, uop.imm) = (ADDRESS, 0, 0);
            if !uop.op.is_store_pair() {
                uop.b = ZERO;
            }
        }
        self.cpu.retired = at_end - unpaid;
        self.cpu.pc = self.cpu.jit.page + u64::from(segment.offset);
        self.cpu.starts = segment.starts;
        if mode.has(Mode::AARCH32) {
            self.cpu.choose_t32(mode.is_t32());
        }
        self.cpu.nzcv = self.cpu.jit.flags.nzcv();
        self.cpu.fpsr |= self.cpu.jit.take_exceptions();
        let exit = interp::exec_uop(self.cpu, self.world, &uop);
        if exit.is_none() && self.cpu.changed_code() {
            return self.leave_behind(number);
        }
        self.cpu.jit.flags = RawFlags::from_nzcv(self.cpu.nzcv);
        self.cpu.jit.set_fpcr(self.cpu.fpcr, self.cpu.pstate.is_aarch32());
        match exit {
            None => {
                self.shorten_budget(at_end);
                self.spend_if_signalled();
                Then::On
            }
            Some(exit) => {
                if matches!(exit, Exit::Raised) {
                    self.cpu.note_itstate(self.jit.table.unit(number >> UOP_BITS).uops_around(index));
                }
                self.leave_by(exit)
            }
        }
    }

    /// In strict mode: leaves the trace behind the instruction that this uop is part of.
    #[cold]
    fn leave_behind(&mut self, number: u32) -> Then {
        let unit = self.jit.table.unit(number >> UOP_BITS);
        let index = (number & ((1 << UOP_BITS) - 1)) as usize;
        let exit = self.cpu.finish_insn(&unit.uops, index, self.world, interp::exec_uop);
        self.leave_by(exit.unwrap_or(Exit::Next))
    }

    /// Once a signal is up the next trace finds the budget used up, and the PE looks up. In virtual time the
    /// slice says when.
    fn spend_if_signalled(&mut self) {
        let budget = &mut self.cpu.jit.budget;
        if *budget >= 0 && self.cpu.port.signals() & self.cpu.ctl.poll != 0 && self.cpu.slice.is_none() {
            self.entered.1 = self.entered.1.wrapping_add(SPENT - *budget);
            *budget = SPENT;
        }
    }

    /// A uop leaves its trace: what the interpreter's loop does then. `Cpu::retired` is as of the beginning of
    /// the uop's segment.
    fn leave_by(&mut self, exit: Exit) -> Then {
        let done = self.cpu.insns_done();
        match exit {
            Exit::Raised => {
                self.cpu.retired += done;
                self.cpu.take_exception(self.world);
                self.cpu.jit.flags = RawFlags::from_nzcv(self.cpu.nzcv);
            }
            Exit::Stop(stop) => {
                self.cpu.retired = self.cpu.retired.wrapping_add(done + 1);
                self.stop = Some(stop);
                return Then::Leave;
            }
            Exit::Link(_) | Exit::Branch | Exit::Next => {
                // Wraps if the first instruction of all is a WFI that is to run again.
                self.cpu.retired = self.cpu.retired.wrapping_add(done + 1);
            }
        }
        self.go_on()
    }

    /// Goes on at `Cpu::pc` with `Cpu::retired` instructions retired, if the outer loop isn't needed.
    fn go_on(&mut self) -> Then {
        let (before, granted) = self.entered;
        let left = match self.cpu.slice {
            Some(_) => self.cpu.budget().min(i32::MAX as u64) as i32,
            None => granted.wrapping_sub(self.cpu.retired.wrapping_sub(before) as i32),
        };
        self.entered = (self.cpu.retired, left);
        self.cpu.jit.budget = left;
        if self.cpu.must_look() {
            return Then::Leave;
        }
        self.cpu.pc |= self.cpu.t32_bit();
        Then::Jump
    }

    /// In virtual time the uop may have shortened the slice; `at_end` instructions have retired at the end of
    /// the trace that runs, which is paid for.
    fn shorten_budget(&mut self, at_end: u64) {
        if let Some(slice) = &self.cpu.slice {
            let left = slice.stop().wrapping_sub(at_end) as i32;
            self.entered.1 = self.entered.1.wrapping_add(left.wrapping_sub(self.cpu.jit.budget));
            self.cpu.jit.budget = left;
        }
    }

    /// Runs generated code from `entry` on. Returns what it returns.
    pub fn enter(&mut self, thunk: u64, entry: u64) -> u64 {
        type Enter = unsafe extern "sysv64" fn(*mut Session, *mut u8, u64) -> u64;
        let session: *mut Session = (&raw mut *self).cast();
        let env = (&raw mut self.cpu.x).cast::<u8>().wrapping_add(layout::BIAS);
        // SAFETY: the thunk is code of this shape, written by `Thunks::build` and never changed. While
        // it runs nothing else uses the session: it is reached by helpers alone, through the pointer given here.
        unsafe {
            let enter: Enter = std::mem::transmute(thunk as *const ());
            enter(session, env, entry)
        }
    }
}

unsafe extern "sysv64" fn exec_uop(session: *mut Session, number: u32, _: u64) -> u32 {
    // SAFETY: generated code passes on the pointer that `enter` got, whose session is borrowed by nobody
    // else while generated code runs.
    unsafe { &mut *session }.exec_uop(number, None) as u32
}

unsafe extern "sysv64" fn exec_access(session: *mut Session, number: u32, va: u64) -> u32 {
    // SAFETY: as in `exec_uop`.
    unsafe { &mut *session }.exec_uop(number, Some(va)) as u32
}

/// Addresses of the helpers that generated code calls for uops, and for plain accesses at an address that it
/// has computed.
pub fn helpers() -> [u64; 2] {
    [exec_uop as *const () as u64, exec_access as *const () as u64]
}
