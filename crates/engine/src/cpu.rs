//! One PE: its registers and what it is connected to.

use std::sync::Arc;

use armlet_arm::cpu::CpuModel;
use armlet_arm::sysreg::SysRegs;
use armlet_arm::{CpuState, Pstate, SysReg};
use armlet_base::GuestRam;

use crate::exception::Exception;
use crate::mmu::Mmu;
use crate::port::Port;
use crate::slice::Slice;
use crate::sys::Control;
use crate::uop::{SLOTS, SP};
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
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    pub(crate) jit: crate::jit::Context,
    /// N, Z, C, V in bits `[31:28]`.
    pub nzcv: u32,
    /// Address of the block that runs, or of the next instruction between blocks.
    pub pc: u64,
    /// Distance of the instruction that runs from `pc`, in halfwords; kept by uops that can fault.
    pub delta: u8,
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
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            jit: Default::default(),
            nzcv: 0,
            pc: 0,
            delta: 0,
            pstate: Pstate::RESET_EL1H,
            fpcr: 0,
            fpsr: 0,
            sys: SysRegs::default(),
            mmu: Mmu::default(),
            raised: Exception::default(),
            exclusive: Monitor::default(),
            retired: 0,
            slice,
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
        self.pc.wrapping_add(u64::from(self.delta) * 2)
    }

    /// Process state with NZCV, as SPSR holds it.
    pub fn spsr(&self) -> u64 {
        self.pstate.difference(Pstate::NZCV).bits() | u64::from(self.nzcv)
    }

    /// Sets process state from SPSR layout, stack-pointer bank switched along.
    pub fn set_spsr(&mut self, spsr: u64) {
        let (new, old) = (Pstate::from_bits_retain(spsr), self.pstate);
        self.nzcv = spsr as u32 & 0xf000_0000;
        self.pstate = new.difference(Pstate::NZCV);
        self.switch_sp(sp_bank(old), sp_bank(new));
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
        state.x.copy_from_slice(&self.x[..31]);
        state.v.copy_from_slice(&self.v[..32]);
        state.pc = self.pc;
        state.pstate = Pstate::from_bits_retain(self.spsr());
        (state.fpcr, state.fpsr) = (self.fpcr, self.fpsr);
        state.sys = self.sys.clone();
        state.sys[sp_bank(self.pstate)] = self.x[SP as usize];
    }

    /// Replaces the state; identification registers keep the model's values.
    pub fn load(&mut self, state: &CpuState) {
        let (midr, mpidr) = (self.sys[SysReg::MIDR_EL1], self.sys[SysReg::MPIDR_EL1]);
        self.x[..31].copy_from_slice(&state.x);
        self.v[..32].copy_from_slice(&state.v);
        (self.pc, self.delta) = (state.pc, 0);
        self.nzcv = state.pstate.bits() as u32 & 0xf000_0000;
        self.pstate = state.pstate.difference(Pstate::NZCV);
        (self.fpcr, self.fpsr) = (state.fpcr, state.fpsr);
        self.sys = state.sys.clone();
        (self.sys[SysReg::MIDR_EL1], self.sys[SysReg::MPIDR_EL1]) = (midr, mpidr);
        self.x[SP as usize] = self.sys[sp_bank(self.pstate)];
        self.exclusive.clear();
        self.state_replaced();
    }
}

/// The register that holds the stack pointer of `pstate` while it is not in use.
pub fn sp_bank(pstate: Pstate) -> SysReg {
    if pstate.el() == 1 && pstate.contains(Pstate::SP) { SysReg::SP_EL1 } else { SysReg::SP_EL0 }
}
