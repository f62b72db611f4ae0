//! A32 at EL1.

use armlet_arm::pstate::Pstate;
use armlet_arm::{CpuState, SysReg};
use armlet_base::{Clock, GuestRam, RamKind, RamRegion};
use armlet_engine::aarch32::slot;
use armlet_engine::{Code, Cpu, EmptyWorld, Stop, Vm};
use std::sync::Arc;

use super::{Case, FLAGS, Outcome};
use crate::oracle::{CODE, MEM, MEM_LEN};

/// The table of 1 MiB sections.
const TABLE: u64 = 0x3f_4000;
const VECTORS: u64 = 0x4000_0000;
const HVC: u32 = 0xe140_0070;
/// A section for all, of normal memory.
const SECTION: u32 = 1 << 12 | 3 << 10 | 3 << 2 | 2;
/// What of CPSR is compared besides the flags: A, I, F and the mode.
pub const STATE: u32 = 0x1df;

/// One PE whose EL1 is in AArch32 state, with a flat mapping of normal memory.
pub struct Privileged {
    cpu: Cpu,
    code: Code,
    state: CpuState,
}

impl Privileged {
    /// Run by `code`.
    pub fn with(code: Code) -> Self {
        let region = |gpa, len| RamRegion { gpa, len, kind: RamKind::ReadWrite };
        let ram = GuestRam::new(&[region(0, 0x40_0000), region(VECTORS, 0x1000)]).unwrap();
        for megabyte in [0, 1, 2, 3, VECTORS as u32 >> 20] {
            ram.write(TABLE + u64::from(megabyte) * 4, &(megabyte << 20 | SECTION).to_le_bytes()).unwrap();
        }
        for vector in 0..8 {
            ram.write(VECTORS + vector * 4, &HVC.to_le_bytes()).unwrap();
        }
        let vm = Vm::new(Arc::new(ram), armlet_arm::cpu::model("max").unwrap(), 1, Clock::default());
        let cpu = Cpu::new(vm, 0);
        let mut state = CpuState::default();
        cpu.save(&mut state);
        state.sys[SysReg::VBAR_EL1] = VECTORS;
        state.sys[SysReg::TTBR0_EL1] = TABLE;
        state.sys[SysReg::TCR_EL1] = 0;
        state.sys[SysReg::DACR32_EL2] = 1;
        state.sys[SysReg::SCTLR_EL1] = 1 | 1 << 2 | 1 << 12;
        Self { cpu, code, state }
    }

    /// Runs a case at [`CODE`]. Of one that raises an exception only that is told.
    pub fn run(&mut self, case: &Case) -> Outcome {
        let Self { cpu, code, state } = self;
        code.clear();
        let mut bytes = case.program.bytes.clone();
        bytes.extend(HVC.to_le_bytes());
        cpu.vm.ram.write(CODE, &bytes).unwrap();
        cpu.vm.ram.write(MEM, &case.mem).unwrap();
        state.pc = CODE;
        state.pstate = Pstate::from_bits_retain(case.psr().into());
        cpu.load(state);
        for (&r, n) in case.r.iter().zip(0..) {
            cpu.x[usize::from(slot(n))] = r.into();
        }
        assert_eq!(cpu.run(code, &mut EmptyWorld), Stop::World);
        let raised = cpu.pc != CODE + bytes.len() as u64;
        let r = std::array::from_fn(|n| cpu.x[usize::from(slot(n as u8))] as u32);
        cpu.save(state);
        let flags = state.pstate.bits() as u32 & (FLAGS | STATE);
        let mut mem = vec![0; MEM_LEN];
        cpu.vm.ram.read(MEM, &mut mem).unwrap();
        only_raised(Outcome { raised, r, flags, mem, fp: None, changed: false })
    }
}

/// What is compared of an outcome.
pub fn only_raised(outcome: Outcome) -> Outcome {
    match outcome.raised {
        true => {
            Outcome { raised: true, r: [0; 15], flags: 0, mem: vec![0; MEM_LEN], fp: None, changed: false }
        }
        false => outcome,
    }
}
