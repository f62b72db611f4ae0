//! The generic timer: counter, virtual and physical timer (Arm ARM D12).
//!
//! A timer's output is a level, recomputed when its registers are written and when its alarm rings.
//! Guests program a timer at every tick, so an alarm is only touched when its deadline changes.

use armlet_arm::SysReg::{self, *};
use armlet_arm::gic::ppi;
use armlet_arm::sysreg::Encoding;
use armlet_base::clock::{ns_to_ticks, ticks_to_ns};

use super::bits::cntkctl;
use super::regs::{El0, Row};
use crate::cpu::Cpu;

/// CNTx_CTL.ENABLE.
const ENABLE: u64 = 1 << 0;
/// CNTx_CTL.IMASK.
const IMASK: u64 = 1 << 1;
/// CNTx_CTL.ISTATUS.
const ISTATUS: u64 = 1 << 2;

/// Which timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Which {
    /// The EL1 virtual timer.
    Virtual,
    /// The EL1 physical timer.
    Physical,
}

/// What is remembered of a timer beside its registers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Output {
    /// The level last given to the interrupt controller.
    level: bool,
    /// The deadline last given to the alarm queue.
    deadline: Option<u64>,
}

const PCT: El0 = El0::If(|cpu| cpu.sys[CNTKCTL_EL1] & cntkctl::EL0PCTEN != 0);
const VCT: El0 = El0::If(|cpu| cpu.sys[CNTKCTL_EL1] & cntkctl::EL0VCTEN != 0);
const FRQ: El0 = El0::If(|cpu| cpu.sys[CNTKCTL_EL1] & (cntkctl::EL0PCTEN | cntkctl::EL0VCTEN) != 0);
const VT: El0 = El0::If(|cpu| cpu.sys[CNTKCTL_EL1] & cntkctl::EL0VTEN != 0);
const PT: El0 = El0::If(|cpu| cpu.sys[CNTKCTL_EL1] & cntkctl::EL0PTEN != 0);

/// The rows of the timer's registers. EL1 is the highest exception level, so it may write CNTFRQ_EL0.
pub const ROWS: &[Row] = &[
    Row::stored(CNTKCTL_EL1).masked(cntkctl::ALL),
    Row::stored(CNTFRQ_EL0).masked(0xffff_ffff).el0(FRQ, El0::Undefined),
    Row::new("CNTPCT_EL0", 3, 3, 14, 0, 1).read(|cpu, _| cpu.physical_count()).el0(PCT, El0::Undefined),
    Row::new("CNTVCT_EL0", 3, 3, 14, 0, 2).read(|cpu, _| cpu.virtual_count()).el0(VCT, El0::Undefined),
    Row::stored(CNTV_CTL_EL0).read(read_ctl).write(write_ctl).el0(VT, VT),
    Row::stored(CNTV_CVAL_EL0).write(write_cval).el0(VT, VT),
    Row::new("CNTV_TVAL_EL0", 3, 3, 14, 3, 0).read(read_tval).write(write_tval).el0(VT, VT),
    Row::stored(CNTP_CTL_EL0).read(read_ctl).write(write_ctl).el0(PT, PT),
    Row::stored(CNTP_CVAL_EL0).write(write_cval).el0(PT, PT),
    Row::new("CNTP_TVAL_EL0", 3, 3, 14, 2, 0).read(read_tval).write(write_tval).el0(PT, PT),
];

impl Which {
    /// The timer that a register belongs to: CRm is 3 for the virtual and 2 for the physical one.
    fn of(reg: Encoding) -> Self {
        if reg.crm() == 3 { Self::Virtual } else { Self::Physical }
    }

    fn ctl(self) -> SysReg {
        [CNTV_CTL_EL0, CNTP_CTL_EL0][self as usize]
    }

    fn cval(self) -> SysReg {
        [CNTV_CVAL_EL0, CNTP_CVAL_EL0][self as usize]
    }

    fn intid(self) -> u32 {
        [ppi::VIRTUAL_TIMER, ppi::PHYSICAL_TIMER][self as usize]
    }
}

impl Cpu {
    /// CNTPCT_EL0.
    pub(crate) fn physical_count(&self) -> u64 {
        const SECOND: u64 = 1_000_000_000;
        let (now, hz) = (self.time_ns(), self.model().counter_hz);
        // The frequencies of all models divide a second; spare them the wide division.
        if SECOND.is_multiple_of(hz) { now / (SECOND / hz) } else { ns_to_ticks(now, hz) }
    }

    /// CNTVCT_EL0.
    pub(crate) fn virtual_count(&self) -> u64 {
        self.physical_count().wrapping_sub(self.sys[CNTVOFF_EL2])
    }

    fn count(&self, which: Which) -> u64 {
        match which {
            Which::Virtual => self.virtual_count(),
            Which::Physical => self.physical_count(),
        }
    }

    /// Recomputes the output of both timers: an alarm rang, or the state was replaced.
    pub(crate) fn timers_due(&mut self) {
        self.update_timer(Which::Virtual);
        self.update_timer(Which::Physical);
    }

    /// Forgets what the interrupt controller and the alarm queue were told, and tells them anew.
    pub(crate) fn restart_timers(&mut self) {
        for which in [Which::Virtual, Which::Physical] {
            // The opposite of what it will be, so that it counts as changed.
            self.ctl.timers[which as usize].level = !self.timer_state(which).1;
            self.update_timer(which);
        }
    }

    /// The count, the output level, and the ticks until the condition is met if an interrupt waits for it.
    fn timer_state(&self, which: Which) -> (u64, bool, Option<u64>) {
        let (ctl, cval) = (self.sys[which.ctl()], self.sys[which.cval()]);
        if ctl & (ENABLE | IMASK) != ENABLE {
            return (0, false, None);
        }
        let count = self.count(which);
        (count, count >= cval, cval.checked_sub(count).filter(|&left| left != 0))
    }

    /// Recomputes output and deadline of one timer.
    fn update_timer(&mut self, which: Which) {
        let (count, level, left) = self.timer_state(which);
        let deadline = left.and_then(|left| {
            let offset = if which == Which::Virtual { self.sys[CNTVOFF_EL2] } else { 0 };
            let at = count.wrapping_add(offset).checked_add(left)?;
            // Centuries from now is never.
            Some(ticks_to_ns(at, self.model().counter_hz)).filter(|&at| at < u64::MAX / 2)
        });
        let output = &mut self.ctl.timers[which as usize];
        let changed = (output.level != level, output.deadline != deadline);
        *output = Output { level, deadline };
        if changed.0
            && let Some(gic) = self.vm.gic()
        {
            gic.set_ppi(self.index, which.intid(), level);
        }
        // A deadline that has passed rang by itself.
        if changed.1 {
            self.vm.alarms.set(self.alarm_key(which as u64), deadline, &self.port);
        }
    }

    /// The key of one of this PE's four alarms.
    pub(crate) fn alarm_key(&self, n: u64) -> u64 {
        self.index as u64 * 4 + n
    }
}

fn read_ctl(cpu: &mut Cpu, reg: Encoding) -> u64 {
    let which = Which::of(reg);
    let ctl = cpu.sys[which.ctl()];
    let met = ctl & ENABLE != 0 && cpu.count(which) >= cpu.sys[which.cval()];
    ctl | if met { ISTATUS } else { 0 }
}

fn write_ctl(cpu: &mut Cpu, reg: Encoding, value: u64) {
    let which = Which::of(reg);
    cpu.sys[which.ctl()] = value & (ENABLE | IMASK);
    cpu.update_timer(which);
}

fn write_cval(cpu: &mut Cpu, reg: Encoding, value: u64) {
    let which = Which::of(reg);
    cpu.sys[which.cval()] = value;
    cpu.update_timer(which);
}

fn read_tval(cpu: &mut Cpu, reg: Encoding) -> u64 {
    let which = Which::of(reg);
    cpu.sys[which.cval()].wrapping_sub(cpu.count(which)) & 0xffff_ffff
}

fn write_tval(cpu: &mut Cpu, reg: Encoding, value: u64) {
    let which = Which::of(reg);
    let ticks = i64::from(value as i32) as u64;
    cpu.sys[which.cval()] = cpu.count(which).wrapping_add(ticks);
    cpu.update_timer(which);
}
