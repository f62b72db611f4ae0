//! System state: registers and their access rules, timers, PMU, debug, waiting, reset.

pub mod aarch32;
pub mod bits;
pub mod debug;
pub mod instructions;
pub mod pmu;
pub mod regs;
pub mod regs32;
pub mod step;
pub mod timer;
pub mod wait;

use armlet_arm::{Feature, Pstate, SysReg};

use crate::block::Mode;
use crate::code::Code;
use crate::cpu::Cpu;
use crate::exception::{DeadEnd, Exception, Vector};
use crate::port::Port;
use crate::run::Stop;
use crate::uop::{SLOTS, SP};
use crate::world::World;
use bits::{sctlr, sctlr32};

/// What follows from the system registers and is kept ready, and what hides behind them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Control {
    /// What lowering depends on now; kept by [`Cpu::mode_changed`].
    pub mode: Mode,
    /// FP and AdvSIMD instructions trap: 0 or 1, for generated code. In AArch64 state the mode says so too.
    pub fp_trap: u32,
    /// The signals of the port that matter now: those that PSTATE does not mask.
    pub poll: u32,
    /// Which parts of debug are in use.
    pub debug: debug::InUse,
    /// How sleeps went of late.
    pub naps: wait::Naps,
    /// Where software step is.
    pub step: step::Step,
    /// The outputs of the virtual and the physical timer.
    pub timers: [timer::Output; 2],
    /// What the performance monitors have counted up to.
    pub pmu: pmu::Pmu,
    /// Whether the PE gets anywhere.
    pub dead_end: DeadEnd,
    /// EL1 is in AArch32 state.
    pub el1_aarch32: bool,
}

/// FPEXC.EN: floating point is on. Where EL1 is in AArch64 state it always is.
const FPEXC_EN: u64 = 1 << 30;
/// FPCR.FZ.
const FPCR_FZ: u32 = 1 << 24;

/// ACTLR of Cortex-A7 and A15 as firmware leaves it: SMP, and on A15 IBE, which lets software invalidate branch predictors.
const ACTLR_V7: u64 = 1 << 6 | 1 << 0;

/// Signals that always matter.
const ALWAYS: u32 = Port::KICK | Port::MAIL | Port::TIMER | Port::LOOK;

impl Cpu {
    /// Architectural reset.
    pub fn reset(&mut self) {
        self.x = [0; SLOTS];
        self.v = [0; SLOTS];
        self.nzcv = 0;
        (self.pc, self.delta) = (0, 0);
        self.ctl.el1_aarch32 = self.vm.el1_is_aarch32();
        self.pstate = if self.ctl.el1_aarch32 { Pstate::RESET_SVC } else { Pstate::RESET_EL1H };
        (self.fpcr, self.fpsr) = (0, 0);
        self.sys = Default::default();
        self.sys[SysReg::MIDR_EL1] = self.model().midr;
        self.sys[SysReg::MPIDR_EL1] = 1 << 31 | (self.index as u64 % 16) | (self.index as u64 / 16) << 8;
        self.sys[SysReg::SCTLR_EL1] = self.reset_sctlr();
        self.sys[SysReg::CNTFRQ_EL0] = self.model().counter_hz;
        if !self.model().has_aarch64() {
            self.sys[SysReg::ACTLR_EL1] = ACTLR_V7;
        }
        self.sys[SysReg::OSLSR_EL1] = debug::OSLM | debug::OSLK;
        self.x[SP as usize] = 0;
        self.exclusive.clear();
        self.state_replaced();
    }

    /// SCTLR_EL1, or SCTLR, at reset.
    fn reset_sctlr(&self) -> u64 {
        let bits = match (self.el1_is_aarch32(), self.has(Feature::AA32EL0)) {
            (true, _) => sctlr32::RESET,
            (false, true) => sctlr::RESET | sctlr::CP15BEN,
            (false, false) => sctlr::RESET,
        };
        bits | self.sctlr_ones()
    }

    /// Recomputes everything derived from registers, after they were replaced as a whole.
    pub fn state_replaced(&mut self) {
        // A state made elsewhere may know nothing of what is fixed here.
        self.sys[SysReg::SCTLR_EL1] |= self.sctlr_ones();
        self.sys[SysReg::OSLSR_EL1] = self.sys[SysReg::OSLSR_EL1] & debug::OSLK | debug::OSLM;
        if self.sys[SysReg::CNTFRQ_EL0] == 0 {
            self.sys[SysReg::CNTFRQ_EL0] = self.model().counter_hz;
        }
        self.ctl.step = step::Step::Idle;
        self.ctl.dead_end = DeadEnd::default();
        self.translation_changed();
        self.ttbr_changed();
        self.debug_changed();
        self.restart_timers();
        self.restart_pmu();
    }

    /// Recomputes what depends on PSTATE, SCTLR_EL1, CPACR_EL1 or on what debug parts are in use.
    pub fn mode_changed(&mut self) {
        let el1 = self.pstate.el() == 1;
        let aarch32 = self.pstate.is_aarch32();
        let mut mode = if el1 { Mode::EL1 } else { 0 };
        mode |= if aarch32 { self.mode_of_aarch32() } else { self.mode_of_a64(el1) };
        self.address_mask = if aarch32 { 0xffff_ffff } else { u64::MAX };
        let fp_trap = self.fp_traps(el1);
        self.ctl.fp_trap = fp_trap.into();
        // 32-bit kernels change this at every switch of tasks: code is the same, and checks.
        if fp_trap && !aarch32 {
            mode |= Mode::FP_TRAP;
        }
        if self.sys[SysReg::SCTLR_EL1] & (sctlr::M | sctlr::A) != sctlr::M {
            mode |= Mode::ALIGN;
        }
        if self.pstate.contains(Pstate::IL) || self.ctl.debug.any() && self.debug_enabled() {
            mode |= Mode::STEP;
        }
        let old = std::mem::replace(&mut self.ctl.mode, Mode(mode));
        // Neither a step nor the rest of an IT block is for generated code.
        let alone = |mode: u16| mode & Mode::STEP != 0 || Mode(mode).is_t32() && mode & Mode::IT != 0;
        if alone(old.0) != alone(mode) {
            if alone(mode) {
                self.port.raise(Port::LOOK);
            } else {
                self.port.lower(Port::LOOK);
            }
        }
        self.masks_changed();
        self.context_changed();
    }

    /// The part of the mode that A64 code alone has.
    fn mode_of_a64(&self, el1: bool) -> u16 {
        let mut mode = 0;
        if el1 && !self.pstate.contains(Pstate::SP) {
            mode |= Mode::SP0;
        }
        if self.sctlr(if el1 { sctlr::SA } else { sctlr::SA0 }) {
            mode |= Mode::SP_CHECK;
        }
        mode
    }

    /// The part of the mode that A32 and T32 code alone has.
    fn mode_of_aarch32(&self) -> u16 {
        let mut mode = Mode::AARCH32;
        if self.pstate.contains(Pstate::T) {
            mode |= Mode::T32 | Mode::of_itstate(self.pstate.itstate());
        }
        if self.pstate.contains(Pstate::E) {
            mode |= Mode::BE;
        }
        if self.fpcr & FPCR_FZ != 0 {
            mode |= Mode::FLUSH;
        }
        mode
    }

    /// True if FP and AdvSIMD instructions trap.
    fn fp_traps(&self, el1: bool) -> bool {
        let off = self.pstate.is_aarch32()
            && self.el1_is_aarch32()
            && self.sys[SysReg::FPEXC32_EL2] & FPEXC_EN == 0;
        // FPEN: 0b01 traps EL0 only, 0b11 nothing, the others both. CPACR has the same for CP10.
        let fpen = self.sys[SysReg::CPACR_EL1] >> 20 & 3;
        off || fpen & 1 == 0 || !el1 && fpen == 1
    }

    /// Recomputes which signals matter, after PSTATE.I or F changed.
    #[inline]
    pub fn masks_changed(&mut self) {
        let irq = if self.pstate.contains(Pstate::I) { 0 } else { Port::IRQ };
        let fiq = if self.pstate.contains(Pstate::F) { 0 } else { Port::FIQ };
        self.ctl.poll = self.limit_poll(ALWAYS | irq | fiq);
    }

    /// Replaces bits of PSTATE.DAIF. An interrupt that became unmasked is taken when the block ends.
    pub(crate) fn set_daif(&mut self, mask: Pstate, value: u64) {
        let old = self.pstate;
        self.set_pstate_bits(mask & Pstate::DAIF, value);
        if (self.pstate ^ old).contains(Pstate::D) && self.ctl.debug.any() {
            self.mode_changed();
        }
        self.masks_changed();
    }

    /// What lowering depends on now.
    #[inline(always)]
    pub fn mode(&self) -> Mode {
        self.ctl.mode
    }

    /// True if a signal that matters is up.
    #[inline(always)]
    pub fn signalled(&self) -> bool {
        self.port.signals() & self.ctl.poll != 0
    }

    /// True if the CPU has this feature.
    pub(crate) fn has(&self, feature: Feature) -> bool {
        self.model().features.has(feature)
    }

    /// Answers [`Port::TIMER`] if it is up.
    pub(crate) fn answer_timers(&mut self) {
        if self.port.lower(Port::TIMER) != 0 {
            self.timers_due();
            self.pmu_due();
        }
    }

    /// Answers the signals of the port: kicks, mail, timers, a step that is due, interrupts that are not
    /// masked. pc is that of the next instruction.
    pub fn answer_signals(&mut self, code: &mut Code, world: &mut dyn World) -> Option<Stop> {
        let up = self.port.signals();
        self.delta = 0;
        if up & Port::KICK != 0 {
            self.port.lower(Port::KICK);
            return Some(Stop::Kicked);
        }
        if up & Port::MAIL != 0 {
            self.read_mail(code, world);
        }
        if up & Port::TIMER != 0 {
            self.answer_timers();
        }
        if self.ctl.mode.has(Mode::STEP) && self.step_check().is_err() {
            self.take_exception(world);
            return None;
        }
        // A timer may just have driven an interrupt.
        let up = self.port.signals();
        let vector = if up & Port::FIQ != 0 && !self.pstate.contains(Pstate::F) {
            Vector::Fiq
        } else if up & Port::IRQ != 0 && !self.pstate.contains(Pstate::I) {
            Vector::Irq
        } else {
            return None;
        };
        self.raised = Exception { vector, elr: self.pc, ..Exception::default() };
        self.take_exception(world);
        None
    }
}
