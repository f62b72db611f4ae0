//! System state: registers and their access rules, exceptions' return, timers, PMU, debug, reset.

use armlet_arm::{Pstate, SysReg};

use crate::block::Mode;
use crate::cache::Cache;
use crate::cpu::Cpu;
use crate::port::Port;
use crate::run::Stop;
use crate::uop::{SLOTS, SP};
use crate::world::World;

impl Cpu {
    /// Architectural reset.
    pub fn reset(&mut self) {
        self.x = [0; SLOTS];
        self.v = [0; SLOTS];
        self.nzcv = 0;
        (self.pc, self.delta) = (0, 0);
        self.pstate = Pstate::RESET_EL1H;
        (self.fpcr, self.fpsr) = (0, 0);
        self.sys = Default::default();
        self.sys[SysReg::MIDR_EL1] = self.model().midr;
        self.sys[SysReg::MPIDR_EL1] = 1 << 31 | (self.index as u64 % 16) | (self.index as u64 / 16) << 8;
        self.x[SP as usize] = 0;
        self.exclusive = None;
        self.state_replaced();
    }

    /// Recomputes everything derived from registers, after they were replaced as a whole.
    pub fn state_replaced(&mut self) {
        self.mode_changed();
    }

    /// Recomputes what depends on PSTATE.
    pub fn mode_changed(&mut self) {}

    /// What lowering depends on now.
    #[inline(always)]
    pub fn mode(&self) -> Mode {
        Mode(if self.pstate.el() == 1 { Mode::EL1 } else { 0 })
    }

    /// Answers the signals of the port: interrupts that are not masked, mail, kicks.
    pub fn answer_signals(&mut self, _code: &mut Cache, _world: &mut dyn World) -> Option<Stop> {
        (self.port.lower(Port::KICK) != 0).then_some(Stop::Kicked)
    }
}
