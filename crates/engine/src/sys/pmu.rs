//! Performance monitors, PMUv3 (Arm ARM D13): a cycle counter and six event counters.
//!
//! Nothing counts while code runs. What passed since the last look, in retired instructions and in
//! nanoseconds (the nominal PE runs at 1 GHz), is added to the counters when something could tell: an
//! access to a register, a change of exception level, an alarm. With no counter enabled that costs one
//! branch.

use armlet_arm::SysReg::{self, *};
use armlet_arm::gic::ppi;
use armlet_arm::sysreg::Encoding;

use super::regs::{El0, Row};
use crate::cpu::Cpu;

/// Number of event counters.
const EVENTS: usize = 6;
/// The bit of the cycle counter in PMCNTENSET_EL0 and its like.
const CYCLE: u64 = 1 << 31;
/// All counters.
const ALL: u64 = CYCLE | ((1 << EVENTS) - 1);

/// Events that count (Arm ARM D13.12).
mod event {
    pub const SW_INCR: u64 = 0x00;
    pub const INST_RETIRED: u64 = 0x08;
    pub const CPU_CYCLES: u64 = 0x11;
    pub const CHAIN: u64 = 0x1e;
    /// PMCEID0_EL0.
    pub const SUPPORTED: u64 = 1 << SW_INCR | 1 << INST_RETIRED | 1 << CPU_CYCLES | 1 << CHAIN;
}

// PMCR_EL0. LC is fixed at 1 and D at 0 where EL1 is in AArch64 state; D always is.
const E: u64 = 1 << 0;
const P: u64 = 1 << 1;
const C: u64 = 1 << 2;
const X: u64 = 1 << 4;
const DP: u64 = 1 << 5;
const LC: u64 = 1 << 6;

// PMEVTYPERn_EL0 and PMCCFILTR_EL0.
const NO_EL1: u64 = 1 << 31;
const NO_EL0: u64 = 1 << 30;
const EVENT: u64 = 0x3ff;

// PMUSERENR_EL0.
const EN: u64 = 1 << 0;
const SW: u64 = 1 << 1;
const CR: u64 = 1 << 2;
const ER: u64 = 1 << 3;

/// Shortest time between alarms that look for an overflow of an instruction counter.
const LOOK_NS: u64 = 100_000;

/// What the counters are up to date with.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pmu {
    /// Some counter is enabled.
    pub active: bool,
    /// Some enabled counter counts cycles.
    cycles: bool,
    insns_seen: u64,
    ns_seen: u64,
    level: bool,
    deadline: Option<u64>,
}

const USER: El0 = El0::If(|cpu| cpu.pmu_user(0));
const USER_SW: El0 = El0::If(|cpu| cpu.pmu_user(SW));
const USER_CR: El0 = El0::If(|cpu| cpu.pmu_user(CR));
const USER_ER: El0 = El0::If(|cpu| cpu.pmu_user(ER));

const fn counter(reg: SysReg) -> Row {
    Row::stored(reg).read(read_event_counter).write(write_event_counter).el0(USER_ER, USER)
}

const fn kind(reg: SysReg) -> Row {
    Row::stored(reg).write(write_event_type).el0(USER, USER)
}

/// The rows of the performance monitors.
pub const ROWS: &[Row] = &[
    Row::stored(PMCR_EL0).read(read_pmcr).write(write_pmcr).el0(USER, USER),
    Row::stored(PMCNTENSET_EL0).write(|cpu, _, v| cpu.pmu_set(PMCNTENSET_EL0, v)).el0(USER, USER),
    Row::new("PMCNTENCLR_EL0", 3, 3, 9, 12, 2)
        .read(|cpu, _| cpu.sys[PMCNTENSET_EL0])
        .write(|cpu, _, v| cpu.pmu_clear(PMCNTENSET_EL0, v))
        .el0(USER, USER),
    Row::stored(PMOVSSET_EL0)
        .read(read_overflow)
        .write(|cpu, _, v| cpu.pmu_set(PMOVSSET_EL0, v))
        .el0(USER, USER),
    Row::new("PMOVSCLR_EL0", 3, 3, 9, 12, 3)
        .read(read_overflow)
        .write(|cpu, _, v| cpu.pmu_clear(PMOVSSET_EL0, v))
        .el0(USER, USER),
    Row::new("PMSWINC_EL0", 3, 3, 9, 12, 4).write(software_increment).el0(El0::Undefined, USER_SW),
    Row::stored(PMSELR_EL0).masked(0x1f).el0(USER_ER, USER_ER),
    Row::new("PMCEID0_EL0", 3, 3, 9, 12, 6).read(|_, _| event::SUPPORTED).el0(USER, El0::Undefined),
    Row::new("PMCEID1_EL0", 3, 3, 9, 12, 7).read(|_, _| 0).el0(USER, El0::Undefined),
    Row::stored(PMCCNTR_EL0).read(read_cycles).write(write_cycles).el0(USER_CR, USER),
    Row::stored(PMCCFILTR_EL0).write(write_cycle_filter).el0(USER, USER),
    Row::new("PMXEVTYPER_EL0", 3, 3, 9, 13, 1)
        .read(read_selected_type)
        .write(write_selected_type)
        .el0(USER, USER),
    Row::new("PMXEVCNTR_EL0", 3, 3, 9, 13, 2)
        .read(read_selected_counter)
        .write(write_selected_counter)
        .el0(USER_ER, USER),
    Row::stored(PMUSERENR_EL0).masked(EN | SW | CR | ER).el0(El0::Allowed, El0::Undefined),
    Row::stored(PMINTENSET_EL1).write(|cpu, _, v| cpu.pmu_set(PMINTENSET_EL1, v)),
    Row::new("PMINTENCLR_EL1", 3, 0, 9, 14, 2)
        .read(|cpu, _| cpu.sys[PMINTENSET_EL1])
        .write(|cpu, _, v| cpu.pmu_clear(PMINTENSET_EL1, v)),
    counter(PMEVCNTR0_EL0),
    counter(PMEVCNTR1_EL0),
    counter(PMEVCNTR2_EL0),
    counter(PMEVCNTR3_EL0),
    counter(PMEVCNTR4_EL0),
    counter(PMEVCNTR5_EL0),
    kind(PMEVTYPER0_EL0),
    kind(PMEVTYPER1_EL0),
    kind(PMEVTYPER2_EL0),
    kind(PMEVTYPER3_EL0),
    kind(PMEVTYPER4_EL0),
    kind(PMEVTYPER5_EL0),
];

const COUNTERS: [SysReg; EVENTS] =
    [PMEVCNTR0_EL0, PMEVCNTR1_EL0, PMEVCNTR2_EL0, PMEVCNTR3_EL0, PMEVCNTR4_EL0, PMEVCNTR5_EL0];
const TYPES: [SysReg; EVENTS] =
    [PMEVTYPER0_EL0, PMEVTYPER1_EL0, PMEVTYPER2_EL0, PMEVTYPER3_EL0, PMEVTYPER4_EL0, PMEVTYPER5_EL0];

impl Cpu {
    fn pmu_user(&self, also: u64) -> bool {
        self.sys[PMUSERENR_EL0] & (EN | also) != 0
    }

    /// Instructions retired before the one that runs.
    pub(crate) fn retired_here(&self) -> u64 {
        self.retired.wrapping_add(self.insns_done())
    }

    /// The enabled counters that count at this exception level, as a mask.
    fn pmu_counting(&self) -> u64 {
        let excluded = if self.pstate.el() == 0 { NO_EL0 } else { NO_EL1 };
        if self.sys[PMCR_EL0] & E == 0 {
            return 0;
        }
        let mut counting = self.sys[PMCNTENSET_EL0];
        for (n, &kind) in TYPES.iter().enumerate() {
            if self.sys[kind] & excluded != 0 {
                counting &= !(1 << n);
            }
        }
        if self.sys[PMCCFILTR_EL0] & excluded != 0 {
            counting &= !CYCLE;
        }
        counting
    }

    /// Adds to event counter `n`; its overflow goes on into a chained neighbour.
    fn pmu_count(&mut self, n: usize, amount: u64) {
        let sum = self.sys[COUNTERS[n]].wrapping_add(amount);
        self.sys[COUNTERS[n]] = sum & 0xffff_ffff;
        let overflows = sum >> 32;
        if overflows != 0 {
            self.sys[PMOVSSET_EL0] |= 1 << n;
            let enabled = self.sys[PMCNTENSET_EL0] >> (n + 1) & 1 != 0;
            if n.is_multiple_of(2) && enabled && self.sys[TYPES[n + 1]] & EVENT == event::CHAIN {
                self.pmu_count(n + 1, overflows);
            }
        }
    }

    /// Brings the counters up to date. `retired` are the instructions retired at this exception level.
    pub(crate) fn pmu_sync(&mut self, retired: u64) {
        if !self.ctl.pmu.active {
            return;
        }
        let insns = retired.wrapping_sub(std::mem::replace(&mut self.ctl.pmu.insns_seen, retired));
        let mut cycles = 0;
        if self.ctl.pmu.cycles {
            let now = self.time_at(retired);
            cycles = now.wrapping_sub(std::mem::replace(&mut self.ctl.pmu.ns_seen, now));
        }
        let counting = self.pmu_counting();
        for (n, &kind) in TYPES.iter().enumerate() {
            if counting >> n & 1 != 0 {
                match self.sys[kind] & EVENT {
                    event::INST_RETIRED => self.pmu_count(n, insns),
                    event::CPU_CYCLES => self.pmu_count(n, cycles),
                    _ => {}
                }
            }
        }
        if counting & CYCLE != 0 {
            let old = self.sys[PMCCNTR_EL0];
            self.sys[PMCCNTR_EL0] = old.wrapping_add(cycles);
            if cycles > self.cycles_left(old) {
                self.sys[PMOVSSET_EL0] |= CYCLE;
            }
        }
        self.pmu_output();
    }

    /// Cycles that the counter, being at `count`, can count without an overflow: of 64 bits, or of 32 if PMCR.LC is
    /// clear.
    fn cycles_left(&self, count: u64) -> u64 {
        let long = !self.el1_is_aarch32() || self.sys[PMCR_EL0] & LC != 0;
        if long { !count } else { u64::from(!(count as u32)) }
    }

    /// Brings the counters up to date at the instruction that runs.
    fn pmu_look(&mut self) {
        let retired = self.retired_here();
        self.pmu_sync(retired);
    }

    /// After a change of what counts, with the counters up to date: starts anew from here.
    fn pmu_changed(&mut self) {
        let enabled = if self.sys[PMCR_EL0] & E != 0 { self.sys[PMCNTENSET_EL0] } else { 0 };
        let mut cycles = enabled & CYCLE != 0;
        for (n, &kind) in TYPES.iter().enumerate() {
            cycles |= enabled >> n & 1 != 0 && self.sys[kind] & EVENT == event::CPU_CYCLES;
        }
        let insns_seen = self.retired_here();
        let ns_seen = if cycles { self.time_ns() } else { 0 };
        self.ctl.pmu = Pmu { active: enabled != 0, cycles, insns_seen, ns_seen, ..self.ctl.pmu };
        self.pmu_output();
        self.pmu_alarm();
    }

    /// After the state was replaced as a whole.
    pub(crate) fn restart_pmu(&mut self) {
        self.pmu_changed();
    }

    /// The alarm rang: looks for overflows and sets the next one.
    pub(crate) fn pmu_due(&mut self) {
        if self.ctl.pmu.active {
            self.pmu_look();
            self.pmu_alarm();
        }
    }

    /// Drives the overflow interrupt.
    fn pmu_output(&mut self) {
        let level = self.sys[PMCR_EL0] & E != 0 && self.sys[PMOVSSET_EL0] & self.sys[PMINTENSET_EL1] != 0;
        if std::mem::replace(&mut self.ctl.pmu.level, level) != level
            && let Some(gic) = self.vm.gic()
        {
            gic.set_ppi(self.index, ppi::PMU, level);
        }
    }

    /// Sets the alarm for the next overflow that would interrupt: exact for cycles that count here; for
    /// the others a time to look again, reckoning with an instruction per nanosecond.
    fn pmu_alarm(&mut self) {
        let enabled = if self.ctl.pmu.active { self.sys[PMCNTENSET_EL0] } else { 0 };
        let waiting = enabled & self.sys[PMINTENSET_EL1] & !self.sys[PMOVSSET_EL0];
        let counting = self.pmu_counting();
        // A counter that stands still here must not ring all the time.
        let patient = |n: usize| if counting >> n & 1 != 0 { 0 } else { LOOK_NS };
        let mut left = u64::MAX;
        for n in 0..EVENTS {
            if waiting >> n & 1 != 0 {
                let room = (1 << 32) - self.sys[COUNTERS[n]];
                match self.sys[TYPES[n]] & EVENT {
                    event::INST_RETIRED => left = left.min(room.max(LOOK_NS)),
                    event::CPU_CYCLES => left = left.min(room.max(patient(n))),
                    // The counter below may be about to carry into this one.
                    event::CHAIN if n % 2 == 1 => {
                        left = left.min(((1 << 32) - self.sys[COUNTERS[n - 1]]).max(LOOK_NS));
                    }
                    _ => {}
                }
            }
        }
        if waiting & CYCLE != 0 {
            let room = self.cycles_left(self.sys[PMCCNTR_EL0]);
            left = left.min(room.saturating_add(1).max(patient(31)));
        }
        let deadline = (left < u64::MAX / 2).then(|| self.time_ns().saturating_add(left));
        if self.ctl.pmu.deadline != deadline {
            self.ctl.pmu.deadline = deadline;
            self.vm.alarms.set(self.alarm_key(2), deadline, &self.port);
        }
    }

    fn pmu_set(&mut self, reg: SysReg, bits: u64) {
        self.pmu_look();
        self.sys[reg] |= bits & ALL;
        self.pmu_changed();
    }

    fn pmu_clear(&mut self, reg: SysReg, bits: u64) {
        self.pmu_look();
        self.sys[reg] &= !bits;
        self.pmu_changed();
    }

    fn pmu_selected(&self) -> usize {
        (self.sys[PMSELR_EL0] & 0x1f) as usize
    }
}

fn read_pmcr(cpu: &mut Cpu, _: Encoding) -> u64 {
    let fixed = if cpu.el1_is_aarch32() { 0 } else { LC };
    cpu.sys[PMCR_EL0] | fixed | (EVENTS as u64) << 11 | (cpu.model().midr >> 24 & 0xff) << 24
}

fn write_pmcr(cpu: &mut Cpu, _: Encoding, value: u64) {
    cpu.pmu_look();
    let mask = if cpu.el1_is_aarch32() { E | X | DP | LC } else { E | X | DP };
    cpu.sys[PMCR_EL0] = value & mask;
    if value & P != 0 {
        COUNTERS.iter().for_each(|&counter| cpu.sys[counter] = 0);
    }
    if value & C != 0 {
        cpu.sys[PMCCNTR_EL0] = 0;
    }
    cpu.pmu_changed();
}

fn read_overflow(cpu: &mut Cpu, _: Encoding) -> u64 {
    cpu.pmu_look();
    cpu.sys[PMOVSSET_EL0]
}

fn software_increment(cpu: &mut Cpu, _: Encoding, value: u64) {
    cpu.pmu_look();
    let counting = cpu.pmu_counting() & value;
    for (n, &kind) in TYPES.iter().enumerate() {
        if counting >> n & 1 != 0 && cpu.sys[kind] & EVENT == event::SW_INCR {
            cpu.pmu_count(n, 1);
        }
    }
    cpu.pmu_output();
}

fn read_cycles(cpu: &mut Cpu, _: Encoding) -> u64 {
    cpu.pmu_look();
    cpu.sys[PMCCNTR_EL0]
}

fn write_cycles(cpu: &mut Cpu, _: Encoding, value: u64) {
    cpu.pmu_look();
    cpu.sys[PMCCNTR_EL0] = value;
    cpu.pmu_changed();
}

fn write_cycle_filter(cpu: &mut Cpu, _: Encoding, value: u64) {
    cpu.pmu_look();
    cpu.sys[PMCCFILTR_EL0] = value & (NO_EL1 | NO_EL0);
    cpu.pmu_changed();
}

/// The number of a PMEVCNTRn_EL0 or PMEVTYPERn_EL0: CRm bits `[1:0]` and op2.
fn number(reg: Encoding) -> usize {
    usize::from(reg.crm() & 3) << 3 | usize::from(reg.op2())
}

fn counter_value(cpu: &mut Cpu, n: usize) -> u64 {
    cpu.pmu_look();
    COUNTERS.get(n).map_or(0, |&counter| cpu.sys[counter])
}

fn set_counter(cpu: &mut Cpu, n: usize, value: u64) {
    cpu.pmu_look();
    if let Some(&counter) = COUNTERS.get(n) {
        cpu.sys[counter] = value & 0xffff_ffff;
        cpu.pmu_changed();
    }
}

fn set_type(cpu: &mut Cpu, n: usize, value: u64) {
    cpu.pmu_look();
    if let Some(&kind) = TYPES.get(n) {
        cpu.sys[kind] = value & (NO_EL1 | NO_EL0 | EVENT);
        cpu.pmu_changed();
    }
}

fn read_event_counter(cpu: &mut Cpu, reg: Encoding) -> u64 {
    counter_value(cpu, number(reg))
}

fn write_event_counter(cpu: &mut Cpu, reg: Encoding, value: u64) {
    set_counter(cpu, number(reg), value);
}

fn write_event_type(cpu: &mut Cpu, reg: Encoding, value: u64) {
    set_type(cpu, number(reg), value);
}

fn read_selected_counter(cpu: &mut Cpu, _: Encoding) -> u64 {
    let n = cpu.pmu_selected();
    counter_value(cpu, n)
}

fn write_selected_counter(cpu: &mut Cpu, _: Encoding, value: u64) {
    let n = cpu.pmu_selected();
    set_counter(cpu, n, value);
}

fn read_selected_type(cpu: &mut Cpu, _: Encoding) -> u64 {
    match cpu.pmu_selected() {
        31 => cpu.sys[PMCCFILTR_EL0],
        n => TYPES.get(n).map_or(0, |&kind| cpu.sys[kind]),
    }
}

fn write_selected_type(cpu: &mut Cpu, reg: Encoding, value: u64) {
    match cpu.pmu_selected() {
        31 => write_cycle_filter(cpu, reg, value),
        n => set_type(cpu, n, value),
    }
}
