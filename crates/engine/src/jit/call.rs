//! Calls between Rust and generated code.
#![allow(unsafe_code)]

use super::Jit;
use super::context::RawFlags;
use super::layout;
use super::trace::Trace;
use crate::cpu::Cpu;
use crate::interp::{self, Exit};
use crate::uop::{Op, SLOTS, Slot, ZERO};
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
    /// How a uop left the trace.
    pub exit: Option<Exit>,
}

impl Session<'_> {
    /// Instructions retired up to the beginning of the trace that runs, when its price has been paid.
    pub fn retired(&self) -> u64 {
        let (retired, granted) = self.entered;
        retired + granted.wrapping_sub(self.cpu.jit.budget) as u64
    }

    /// Runs the uop with this number by the interpreter. True if it leaves the trace. A plain access goes to
    /// `va` if that is given.
    fn exec_uop(&mut self, number: u32, va: Option<u64>) -> bool {
        let unit = self.jit.table.unit(number >> UOP_BITS);
        let index = (number & ((1 << UOP_BITS) - 1)) as usize;
        let mut uop = unit.uops[index];
        let segment = Trace::segment_of(&unit.segments, index);
        let at_end = self.retired();
        let unpaid = u64::from(unit.insns - segment.before);
        self.jit.stats.helper_uops += 1;
        if let Some(helped) = &mut self.jit.helped {
            helped.add(uop.op);
        }
        if let Some(va) = va {
            self.cpu.x[usize::from(ADDRESS)] = va;
            (uop.a, uop.flags, uop.imm) = (ADDRESS, 0, 0);
            if !is_pair_store(uop.op) {
                uop.b = ZERO;
            }
        }
        self.cpu.retired = at_end - unpaid;
        self.cpu.pc = self.cpu.jit.page + u64::from(segment.offset);
        self.cpu.nzcv = self.cpu.jit.flags.nzcv();
        self.cpu.fpsr |= self.cpu.jit.take_exceptions();
        self.exit = interp::exec_uop(self.cpu, self.world, &uop);
        self.cpu.jit.flags = RawFlags::from_nzcv(self.cpu.nzcv);
        self.cpu.jit.set_fpcr(self.cpu.fpcr);
        self.shorten_budget(at_end);
        self.exit.is_some()
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
    u32::from(unsafe { &mut *session }.exec_uop(number, None))
}

unsafe extern "sysv64" fn exec_access(session: *mut Session, number: u32, va: u64) -> u32 {
    // SAFETY: as in `exec_uop`.
    u32::from(unsafe { &mut *session }.exec_uop(number, Some(va)))
}

/// Ops whose slot `b` is data rather than an index.
fn is_pair_store(op: Op) -> bool {
    use Op::*;
    matches!(op, StorePair32 | StorePair64 | VStorePair32 | VStorePair64 | VStorePair128)
}

/// Addresses of the helpers that generated code calls for uops, and for plain accesses at an address that it
/// has computed.
pub fn helpers() -> [u64; 2] {
    [exec_uop as *const () as u64, exec_access as *const () as u64]
}
