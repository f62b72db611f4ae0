//! One PE: its registers and what it is connected to.

use std::sync::Arc;

use armlet_arm::cpu::CpuModel;
use armlet_arm::sysreg::SysRegs;
use armlet_arm::{CpuState, Pstate, SysReg};
use armlet_base::GuestRam;

use crate::block::Starts;
use crate::cache::Cache;
use crate::exception::Exception;
use crate::mmu::Mmu;
use crate::port::Port;
use crate::slice::Slice;
use crate::sys::Control;
use crate::uop::{FPNZCV, GE, Q, SLOTS, SP};
use crate::vm::Vm;

/// Says that an exception is in [`Cpu::raised`] and the instruction must not complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raised;

/// The local exclusive monitor, by value: it remembers what was loaded.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct Monitor {
    /// Host address of the location, 0 if there is none.
    pub(crate) at: u64,
    /// Its size in bytes.
    pub(crate) size: u64,
    /// The data, in two halves.
    pub(crate) value: [u64; 2],
}

impl Monitor {
    /// Guards `size` bytes at a host address, which hold `value`.
    pub(crate) fn arm(&mut self, at: u64, size: usize, value: u128) {
        *self = Self { at, size: size as u64, value: [value as u64, (value >> 64) as u64] };
    }

    /// True if it guards anything.
    #[inline(always)]
    pub fn is_armed(&self) -> bool {
        self.at != 0
    }

    /// Guards nothing any more.
    #[inline(always)]
    pub fn clear(&mut self) {
        self.at = 0;
    }

    /// What the location held.
    pub(crate) fn value(&self) -> u128 {
        u128::from(self.value[0]) | u128::from(self.value[1]) << 64
    }
}

/// One PE, on the thread that runs it.
pub struct Cpu {
    /// General slots, see [`crate::uop`]. The stack pointer in use is `x[SP]`; the other one is in `sys`.
    pub x: [u64; SLOTS],
    /// Vector slots.
    pub v: [u128; SLOTS],
    /// What generated code keeps besides.
    #[cfg(jit)]
    pub(crate) jit: crate::jit::Context,
    /// N, Z, C, V in bits `[31:28]`.
    pub nzcv: u32,
    /// Address of the block that runs, or of the next instruction between blocks.
    pub pc: u64,
    /// Distance of the instruction that runs from `pc`, in halfwords; kept by uops that can fault.
    pub delta: u8,
    /// Where the instructions of the block that runs start.
    pub starts: Starts,
    /// Bits of an address that count: all, or in AArch32 state the lower half.
    pub address_mask: u64,
    /// Process state but for NZCV.
    pub pstate: Pstate,
    /// Floating-point control.
    pub fpcr: u32,
    /// Floating-point status.
    pub fpsr: u32,
    /// System registers.
    pub sys: SysRegs,
    /// Address translation.
    pub mmu: Mmu,
    /// The exception that [`Raised`] speaks of.
    pub raised: Exception,
    /// The local exclusive monitor.
    pub exclusive: Monitor,
    /// Instructions retired.
    pub retired: u64,
    /// Execution in virtual time, if the machine's clock is virtual.
    pub slice: Option<Box<Slice>>,
    /// Holds a block that is not kept while it runs.
    pub(crate) alone: Option<Box<Cache>>,
    /// What follows from the system registers, and what hides behind them.
    pub ctl: Control,
    /// Index of this PE.
    pub index: usize,
    /// The machine's shared part.
    pub vm: Arc<Vm>,
    /// Its memory, one pointer closer.
    pub ram: Arc<GuestRam>,
    /// The door of this PE.
    pub port: Arc<Port>,
}

impl Cpu {
    /// PE `index` of `vm`, at reset.
    pub fn new(vm: Arc<Vm>, index: usize) -> Self {
        let port = vm.ports[index].clone();
        let slice = vm.alarms.clock().virtual_time().map(|time| Box::new(Slice::new(time.clone())));
        if slice.is_some() {
            port.raise(Port::BLOCKWISE);
        }
        let mut cpu = Self {
            x: [0; SLOTS],
            v: [0; SLOTS],
            #[cfg(jit)]
            jit: Default::default(),
            nzcv: 0,
            pc: 0,
            delta: 0,
            starts: Starts::WORDS,
            address_mask: u64::MAX,
            pstate: Pstate::RESET_EL1H,
            fpcr: 0,
            fpsr: 0,
            sys: SysRegs::default(),
            mmu: Mmu::default(),
            raised: Exception::default(),
            exclusive: Monitor::default(),
            retired: 0,
            slice,
            alone: None,
            ctl: Control::default(),
            index,
            ram: vm.ram.clone(),
            vm,
            port,
        };
        cpu.reset();
        cpu
    }

    /// The model of this PE.
    pub fn model(&self) -> &'static CpuModel {
        self.vm.model
    }

    /// Address of the instruction that runs.
    #[inline(always)]
    pub fn insn_pc(&self) -> u64 {
        self.pc.wrapping_add(u64::from(self.delta) * 2) & self.address_mask
    }

    /// Instructions of the block that ran before the one that runs.
    #[inline]
    pub(crate) fn insns_done(&self) -> u64 {
        self.starts.before(self.delta)
    }

    /// Process state with NZCV, as SPSR holds it.
    pub fn spsr(&self) -> u64 {
        let spsr = self.pstate.difference(Pstate::NZCV).bits() | u64::from(self.nzcv);
        if self.pstate.is_aarch32() {
            spsr | self.x[Q as usize] << 27 | self.x[GE as usize] << 16
        } else {
            spsr
        }
    }

    /// Sets process state from SPSR layout, banked registers switched along.
    pub fn set_spsr(&mut self, spsr: u64) {
        let (new, old) = (Pstate::from_bits_retain(spsr), self.pstate);
        self.switch_registers(old, new);
        self.set_flags_of(spsr);
    }

    /// The same, but registers stay where they are.
    fn set_flags_of(&mut self, spsr: u64) {
        self.nzcv = spsr as u32 & 0xf000_0000;
        self.pstate = Pstate::from_bits_retain(spsr).difference(Pstate::NZCV);
        if self.pstate.is_aarch32() {
            self.pstate -= Pstate::Q | Pstate::GE;
            self.x[Q as usize] = spsr >> 27 & 1;
            self.x[GE as usize] = spsr >> 16 & 15;
        }
    }

    /// Moves the stack pointer in use from one bank to the other.
    pub fn switch_sp(&mut self, from: SysReg, to: SysReg) {
        if from != to {
            self.sys[from] = self.x[SP as usize];
            self.x[SP as usize] = self.sys[to];
        }
    }

    /// Copies the state out.
    pub fn save(&self, state: &mut CpuState) {
        state.x = self.arch_x();
        state.v.copy_from_slice(&self.v[..32]);
        state.pc = self.pc;
        state.pstate = Pstate::from_bits_retain(self.spsr());
        (state.fpcr, state.fpsr) = (self.fpcr, self.fpsr);
        state.sys = self.sys.clone();
        if self.pstate.is_aarch32() {
            state.fpsr |= self.x[FPNZCV as usize] as u32;
        } else {
            state.sys[sp_bank(self.pstate)] = self.x[SP as usize];
        }
    }

    /// Replaces the state; identification registers keep the model's values.
    pub fn load(&mut self, state: &CpuState) {
        let (midr, mpidr) = (self.sys[SysReg::MIDR_EL1], self.sys[SysReg::MPIDR_EL1]);
        self.x[..31].copy_from_slice(&state.x);
        self.v[..32].copy_from_slice(&state.v);
        (self.pc, self.delta) = (state.pc, 0);
        (self.fpcr, self.fpsr) = (state.fpcr, state.fpsr);
        self.sys = state.sys.clone();
        (self.sys[SysReg::MIDR_EL1], self.sys[SysReg::MPIDR_EL1]) = (midr, mpidr);
        self.pstate = state.pstate;
        if state.pstate.is_aarch32() {
            // As on entry from AArch64 state, whose registers these are.
            self.pstate = Pstate::RESET_EL1H;
            self.switch_registers(Pstate::RESET_EL1H, state.pstate);
            self.sys[SysReg::SP_EL1] = state.sys[SysReg::SP_EL1];
        } else {
            self.x[SP as usize] = self.sys[sp_bank(state.pstate)];
        }
        self.set_flags_of(state.pstate.bits());
        match (state.pstate.is_aarch32(), state.pstate.el()) {
            // EL0 tells nothing of EL1.
            (true, 0) => {}
            (aarch32, _) => self.ctl.el1_aarch32 = aarch32,
        }
        self.exclusive.clear();
        self.state_replaced();
    }
}

/// The register that holds the stack pointer of `pstate` while it is not in use.
pub fn sp_bank(pstate: Pstate) -> SysReg {
    if pstate.el() == 1 && pstate.contains(Pstate::SP) { SysReg::SP_EL1 } else { SysReg::SP_EL0 }
}
