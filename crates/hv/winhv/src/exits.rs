//! Exit contexts, with what hardware would tell the hypervisor.

use std::sync::atomic::Ordering;

use armlet_arm::esr::{self, Ec, fsc};
use armlet_arm::mmu::{self, Format, Kind, Regime, Tables};
use armlet_arm::syndrome::{self, Transfer};
use armlet_arm::{CpuState, FeatureSet, SysReg};
use armlet_base::{GuestRam, RamKind};
use armlet_hv::CallRegs;
use armlet_hv_whp::abi::{ExitContext, Hypercall, InterceptHeader, MemoryAccess, Reset, reason};

use crate::partition::Machine;

/// Level of the translation tables at which the hypervisor maps pages.
const LAST_LEVEL: u8 = 3;

/// An access that comes out.
#[derive(Clone, Copy, Debug)]
pub struct Access {
    /// Guest physical address.
    pub gpa: u64,
    /// What it is.
    pub kind: AccessKind,
}

/// What accesses are, as the platform counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessKind {
    /// A load.
    Load = 0,
    /// A store.
    Store = 1,
    /// An instruction fetch.
    Fetch = 2,
}

/// Header of VP `vp`, which has stopped at an instruction of so many bytes.
pub fn header(vp: usize, state: &CpuState, access_type: u8, instruction_length: u8) -> InterceptHeader {
    InterceptHeader {
        vp_index: vp as u32,
        instruction_length,
        access_type,
        execution_state: state.pstate.el().into(),
        pc: state.pc,
        cpsr: state.pstate.bits(),
    }
}

/// `WHvCancelRunVirtualProcessor` was called.
pub fn canceled() -> ExitContext {
    ExitContext::of(reason::CANCELED, &[0u32; 2])
}

/// The guest ended it.
pub fn reset(vp: usize, state: &CpuState, kind: u32) -> ExitContext {
    ExitContext::of(reason::ARM64_RESET, &Reset { header: header(vp, state, 0, 4), kind, reserved: 0 })
}

/// HVC.
pub fn hypercall(vp: usize, state: &CpuState, immediate: u16, x: CallRegs) -> ExitContext {
    let header = header(vp, state, 0, 4);
    ExitContext::of(reason::HYPERCALL, &Hypercall { header, immediate, x, ..Hypercall::default() })
}

/// An access where no memory is, or none that can be written.
pub fn access(machine: &Machine, vp: usize, state: &CpuState, access: Access) -> ExitContext {
    let Access { gpa, kind } = access;
    let (reason, status) = match machine.ram.find(gpa) {
        Some((kind, ..)) if kind != RamKind::Hidden => (reason::GPA_INTERCEPT, fsc::PERMISSION | LAST_LEVEL),
        _ => (reason::UNMAPPED_GPA, fsc::TRANSLATION | LAST_LEVEL),
    };
    let syndrome = match kind {
        AccessKind::Fetch => esr::esr(Ec::InsnAbortLower, status.into()),
        _ if machine.quirks.no_syndrome => {
            syndrome::data_abort(None, kind == AccessKind::Store, status, false)
        }
        _ => syndrome::data_abort(transfer(machine, state), kind == AccessKind::Store, status, false),
    };
    let length = if machine.quirks.instruction_length { 4 } else { 0 };
    let header = header(vp, state, kind as u8, length);
    ExitContext::of(reason, &MemoryAccess { header, gpa, syndrome, ..MemoryAccess::default() })
}

/// What the instruction at the program counter transfers, if a syndrome describes it.
fn transfer(machine: &Machine, state: &CpuState) -> Option<Transfer> {
    let (_, offset, _) = machine.ram.find(code_at(machine, state).filter(|_| !state.pstate.is_aarch32())?)?;
    Transfer::of_a64(machine.ram.load(offset, Ordering::Relaxed))
}

/// Guest physical address of the program counter.
pub fn code_at(machine: &Machine, state: &CpuState) -> Option<u64> {
    let sys = &state.sys;
    let regime = Regime {
        format: Format::Vmsa64,
        sctlr: sys[SysReg::SCTLR_EL1],
        tcr: sys[SysReg::TCR_EL1],
        mair: sys[SysReg::MAIR_EL1],
        ttbr: [sys[SysReg::TTBR0_EL1], sys[SysReg::TTBR1_EL1]],
        features: FeatureSet::ALL,
    };
    if !regime.enabled() {
        return Some(state.pc);
    }
    let privileged = state.pstate.el() != 0;
    let fetch = mmu::Access { kind: Kind::Fetch, privileged, ..mmu::Access::READ };
    Some(regime.translate(&Memory(&machine.ram), state.pc, fetch).ok()?.pa)
}

/// Guest memory with translation tables, which are only looked at.
struct Memory<'a>(&'a GuestRam);

impl Tables for Memory<'_> {
    fn read(&self, pa: u64) -> Option<u64> {
        let (_, offset, _) = self.0.find(pa)?;
        Some(self.0.load(offset, Ordering::Relaxed))
    }

    fn exchange(&self, pa: u64, _: u64, _: u64) -> Option<u64> {
        self.read(pa)
    }
}
