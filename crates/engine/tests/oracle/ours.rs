//! Our side of a comparison: one PE, reused.

use std::sync::Arc;

use armlet_arm::{Pstate, SysReg};
use armlet_base::{Clock, GuestRam, RamKind, RamRegion};
use armlet_engine::{Code, Cpu, EmptyWorld, Level, Stop, Vm, uop};

use super::{CODE, Case, MEM, MEM_LEN, Outcome, State};

/// Bytes of code space one case uses.
const SLOT: u64 = 256;
const SLOTS: u64 = 2048;
const TABLE: u64 = 0x3f_0000;
const VECTORS: u64 = 0x3e_0000;
const HVC: u32 = 0xd400_0002;

/// One PE at EL1.
pub struct Ours {
    cpu: Cpu,
    code: Code,
    next: u64,
}

impl Default for Ours {
    fn default() -> Self {
        Self::new()
    }
}

impl Ours {
    /// A PE at EL1 with a flat 1 GiB block of normal memory mapped, run by the best engine there is.
    pub fn new() -> Self {
        if Code::HAS_JIT { Self::with(Code::jit(1 << 22).expect("code memory")) } else { Self::interpreted() }
    }

    /// The same, run by the JIT with vector instructions of `most` at most.
    pub fn at_level(most: Level) -> Self {
        Self::with(Code::jit_at_level(1 << 22, most).expect("code memory"))
    }

    /// The same, run by the interpreter.
    pub fn interpreted() -> Self {
        Self::with(Code::interpreter())
    }

    fn with(code: Code) -> Self {
        let ram = GuestRam::new(&[RamRegion { gpa: 0, len: 0x40_0000, kind: RamKind::ReadWrite }]).unwrap();
        // Level 1 block, 4 KiB granule: AF, inner shareable, AttrIndx 0.
        ram.write(TABLE, &(1u64 << 10 | 3 << 8 | 1).to_le_bytes()).unwrap();
        for vector in 0..16 {
            ram.write(VECTORS + vector * 0x80, &HVC.to_le_bytes()).unwrap();
        }
        let vm = Vm::new(Arc::new(ram), armlet_arm::cpu::model("max").unwrap(), 1, Clock::default());
        let mut cpu = Cpu::new(vm, 0);
        let mut state = armlet_arm::CpuState::default();
        cpu.save(&mut state);
        state.sys[SysReg::VBAR_EL1] = VECTORS;
        state.sys[SysReg::CPACR_EL1] = 3 << 20;
        state.sys[SysReg::MAIR_EL1] = 0xff;
        state.sys[SysReg::TTBR0_EL1] = TABLE;
        // T0SZ 25, inner and outer write-back, inner shareable, EPD1, 40-bit addresses.
        state.sys[SysReg::TCR_EL1] = 25 | 1 << 8 | 1 << 10 | 3 << 12 | 1 << 23 | 2 << 32;
        state.sys[SysReg::SCTLR_EL1] |= 1 | 1 << 2 | 1 << 12;
        state.sys[SysReg::SCTLR_EL1] &= !(1 << 1 | 1 << 3);
        cpu.load(&state);
        Self { cpu, code, next: 0 }
    }

    /// Makes the next case run at [`CODE`].
    pub fn rewind(&mut self) {
        self.next = SLOTS;
    }

    /// Forgets all code, so that addresses may be used again.
    pub fn forget(&mut self) {
        self.code.clear();
    }

    /// Runs a case at an address of its own.
    pub fn run(&mut self, case: &Case) -> Outcome {
        if self.next == SLOTS {
            self.forget();
            self.next = 0;
        }
        let at = CODE + self.next * SLOT;
        self.next += 1;
        self.run_at(at, case)
    }

    /// Runs a case at an address below [`MEM`]. Other words there are noticed only after [`Self::forget`].
    pub fn run_at(&mut self, at: u64, case: &Case) -> Outcome {
        let cpu = &mut self.cpu;
        let mut code: Vec<u8> = case.words.iter().flat_map(|w| w.to_le_bytes()).collect();
        code.extend(HVC.to_le_bytes());
        cpu.vm.ram.write(at, &code).unwrap();
        cpu.vm.ram.write(MEM, &case.mem).unwrap();
        let s = &case.state;
        cpu.x[..31].copy_from_slice(&s.x);
        cpu.set_spsr(Pstate::RESET_EL1H.bits() | u64::from(s.nzcv));
        cpu.x[uop::SP as usize] = s.sp;
        cpu.v[..32].copy_from_slice(&s.v);
        (cpu.fpcr, cpu.fpsr, cpu.pc) = (s.fpcr, s.fpsr, at);
        cpu.exclusive.clear();
        cpu.mode_changed();
        assert_eq!(cpu.run(&mut self.code, &mut EmptyWorld), Stop::World);
        let raised = (VECTORS..VECTORS + 0x800).contains(&cpu.pc);
        let nzcv = if raised { cpu.sys[SysReg::SPSR_EL1] as u32 & 0xf000_0000 } else { cpu.nzcv };
        let mut state = State {
            x: [0; 31],
            sp: cpu.x[uop::SP as usize],
            nzcv,
            fpcr: cpu.fpcr,
            fpsr: cpu.fpsr,
            v: [0; 32],
        };
        state.x.copy_from_slice(&cpu.x[..31]);
        state.v.copy_from_slice(&cpu.v[..32]);
        let mut mem = vec![0; MEM_LEN];
        cpu.vm.ram.read(MEM, &mut mem).unwrap();
        Outcome { raised, state, mem }
    }

    /// Uops that the interpreter has run for the JIT so far.
    pub fn helper_uops(&self) -> u64 {
        self.code.jit_stats().map_or(0, |stats| stats.helper_uops)
    }

    /// ESR_EL1 of the last exception.
    pub fn esr(&self) -> u64 {
        self.cpu.sys[SysReg::ESR_EL1]
    }
}
