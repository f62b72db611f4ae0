//! Interrupts, where they go, and the best one each CPU could take.
//!
//! Whoever changes something calls through [`Core`], which then knows which CPUs to look at again:
//! those in `targets` of the changed interrupts. Each CPU keeps its best candidate, so an acknowledge
//! or a level change costs one look over the banks that have something live, usually none or one.

use std::fmt::Write as _;
use std::sync::Arc;

use armlet_base::CpuIrqInput;

use super::bank::{Bank, BankId, BitReg};
use super::lpis::{FIRST_LPI, Lpis};
use super::priority::Priorities;
use super::{Candidate, Group};

/// One CPU as the interrupt controller sees it.
pub(crate) struct Cpu {
    local: Bank,
    /// None with a GICv2.
    lpis: Lpis,
    pub priorities: Priorities,
    /// Whether group 0 drives the FIQ input; otherwise both groups drive IRQ.
    pub group0_is_fiq: bool,
    best: Option<Candidate>,
    irq: bool,
    fiq: bool,
    input: Option<Arc<dyn CpuIrqInput>>,
}

impl Cpu {
    /// The best interrupt that is enabled for this CPU, whatever its priority.
    pub fn best(&self) -> Option<Candidate> {
        self.best
    }

    /// The best interrupt if it interrupts what the CPU runs now.
    pub fn signalled(&self) -> Option<Candidate> {
        self.best.filter(|best| self.priorities.signals(best))
    }

    fn drive(&mut self) {
        let group = self.signalled().map(|best| best.group);
        let fiq = group == Some(Group::Zero) && self.group0_is_fiq;
        let irq = group.is_some() && !fiq;
        if irq != self.irq {
            self.irq = irq;
            if let Some(input) = &self.input {
                input.set_irq(irq);
            }
        }
        if fiq != self.fiq {
            self.fiq = fiq;
            if let Some(input) = &self.input {
                input.set_fiq(fiq);
            }
        }
    }
}

/// See the module's text.
pub(crate) struct Core {
    /// Which groups the distributor forwards (GICD_CTLR).
    pub groups: [bool; 2],
    pub cpus: Vec<Cpu>,
    spis: Vec<Bank>,
    /// Bit b: `spis[b]` has live interrupts.
    live: u32,
    /// `targets[b * cpus + c]`: which interrupts of `spis[b]` go to CPU c.
    targets: Vec<u32>,
}

impl Core {
    pub fn new(cpus: usize, spis: usize, sgis_always_enabled: bool) -> Self {
        let banks: Vec<_> = (0..spis.div_ceil(32))
            .map(|b| Bank::shared(if spis - 32 * b >= 32 { u32::MAX } else { (1 << (spis - 32 * b)) - 1 }))
            .collect();
        let cpu = || Cpu {
            local: Bank::local(sgis_always_enabled),
            lpis: Lpis::default(),
            priorities: Priorities::default(),
            group0_is_fiq: true,
            best: None,
            irq: false,
            fiq: false,
            input: None,
        };
        Self {
            groups: [false; 2],
            targets: vec![0; banks.len() * cpus],
            cpus: (0..cpus).map(|_| cpu()).collect(),
            spis: banks,
            live: 0,
        }
    }

    /// The reset state; no SPI has a target.
    pub fn reset(&mut self) {
        self.groups = [false; 2];
        self.targets.fill(0);
        for bank in &mut self.spis {
            bank.reset();
        }
        for cpu in &mut self.cpus {
            cpu.local.reset();
            cpu.lpis = Lpis::default();
            cpu.priorities = Priorities::default();
        }
        self.update_all();
    }

    pub fn connect(&mut self, cpu: usize, input: Arc<dyn CpuIrqInput>) {
        let cpu = &mut self.cpus[cpu];
        if cpu.irq {
            input.set_irq(true);
        }
        if cpu.fiq {
            input.set_fiq(true);
        }
        cpu.input = Some(input);
    }

    /// How many banks of SPIs there are.
    pub fn spi_banks(&self) -> usize {
        self.spis.len()
    }

    pub fn bank(&self, id: BankId) -> Option<&Bank> {
        match id {
            BankId::Local(cpu) => self.cpus.get(cpu).map(|cpu| &cpu.local),
            BankId::Spi(b) => self.spis.get(b),
        }
    }

    fn bank_mut(&mut self, id: BankId) -> Option<&mut Bank> {
        match id {
            BankId::Local(cpu) => self.cpus.get_mut(cpu).map(|cpu| &mut cpu.local),
            BankId::Spi(b) => self.spis.get_mut(b),
        }
    }

    /// Where `intid` lives as `cpu` sees it; `None` for numbers that are no SGI, PPI or SPI.
    pub fn locate(&self, cpu: usize, intid: u32) -> Option<(BankId, u32)> {
        let n = intid as usize;
        match n {
            0..32 => Some((BankId::Local(cpu), intid)),
            _ if n / 32 <= self.spis.len() => Some((BankId::Spi(n / 32 - 1), intid & 31)),
            _ => None,
        }
    }

    /// Changes interrupts of a bank in any way, then looks again at every CPU that may be concerned.
    pub fn edit(&mut self, id: BankId, change: impl FnOnce(&mut Bank)) {
        let Some(bank) = self.bank_mut(id) else { return };
        let before = bank.live();
        change(bank);
        let concerned = before | bank.live();
        self.changed(id, concerned);
    }

    /// As [`Core::edit`], for a change that leaves priority and group alone.
    fn edit_state(&mut self, id: BankId, change: impl FnOnce(&mut Bank)) {
        let Some(bank) = self.bank_mut(id) else { return };
        let before = bank.live();
        change(bank);
        let concerned = before ^ bank.live();
        self.changed(id, concerned);
    }

    fn changed(&mut self, id: BankId, concerned: u32) {
        if concerned == 0 {
            return;
        }
        match id {
            BankId::Local(cpu) => self.update(cpu),
            BankId::Spi(b) => {
                self.note_live(b);
                let cpus = self.cpus.len();
                for cpu in 0..cpus {
                    if self.targets[b * cpus + cpu] & concerned != 0 {
                        self.update(cpu);
                    }
                }
            }
        }
    }

    fn note_live(&mut self, b: usize) {
        let live = self.spis[b].live() != 0;
        self.live = self.live & !(1 << b) | u32::from(live) << b;
    }

    /// Drives the wire of an SPI or of a PPI of `cpu`.
    pub fn set_level(&mut self, cpu: usize, intid: u32, level: bool) {
        if let Some((id, n)) = self.locate(cpu, intid) {
            self.edit_state(id, |bank| bank.set_level(n, level));
        }
    }

    pub fn set_latch(&mut self, cpu: usize, intid: u32, set: bool) {
        if let Some((id, n)) = self.locate(cpu, intid) {
            self.edit_state(id, |bank| bank.set_latch(1 << n, set));
        }
    }

    /// The LPIs of `cpu`.
    pub fn lpis(&self, cpu: usize) -> &Lpis {
        &self.cpus[cpu].lpis
    }

    /// Changes LPIs of `cpu` in any way, then looks again at what it could take.
    pub fn edit_lpis<R>(&mut self, cpu: usize, change: impl FnOnce(&mut Lpis) -> R) -> R {
        let result = change(&mut self.cpus[cpu].lpis);
        self.update(cpu);
        result
    }

    /// Whether interrupt `32 * (b + 1) + n` goes to `cpu`.
    pub fn is_target(&self, b: usize, n: u32, cpu: usize) -> bool {
        self.targets[b * self.cpus.len() + cpu] >> (n & 31) & 1 != 0
    }

    /// Sends interrupt n of SPI bank b to `cpu` or no longer.
    pub fn set_target(&mut self, b: usize, n: u32, cpu: usize, on: bool) {
        let bit = 1 << (n & 31);
        let cpus = self.cpus.len();
        let word = &mut self.targets[b * cpus + cpu];
        let new = if on { *word | bit } else { *word & !bit };
        if new != *word {
            *word = new;
            if self.spis[b].live() & bit != 0 {
                self.update(cpu);
            }
        }
    }

    /// Chooses the best interrupt of `cpu` again and drives its inputs.
    pub fn update(&mut self, cpu: usize) {
        let cpus = self.cpus.len();
        let it = &mut self.cpus[cpu];
        let groups = [self.groups[0] && it.priorities.enabled[0], self.groups[1] && it.priorities.enabled[1]];
        let mut best = None;
        it.local.best(0, u32::MAX, groups, &mut best);
        let mut live = self.live;
        while live != 0 {
            let b = live.trailing_zeros() as usize;
            live &= live - 1;
            self.spis[b].best(32 * (b as u32 + 1), self.targets[b * cpus + cpu], groups, &mut best);
        }
        let better = |(priority, _): &(u8, u32)| best.is_none_or(|best| *priority < best.priority);
        if let Some((priority, intid)) = it.lpis.best().filter(better).filter(|_| groups[1]) {
            best = Some(Candidate { intid, priority, group: Group::One });
        }
        it.best = best;
        it.drive();
    }

    pub fn update_all(&mut self) {
        for b in 0..self.spis.len() {
            self.note_live(b);
        }
        for cpu in 0..self.cpus.len() {
            self.update(cpu);
        }
    }

    /// `cpu` takes the interrupt it is signalled if `wanted` says so.
    pub fn acknowledge(&mut self, cpu: usize, wanted: impl FnOnce(&Candidate) -> bool) -> Option<Candidate> {
        let taken = self.cpus[cpu].signalled().filter(wanted)?;
        self.cpus[cpu].priorities.activate(&taken);
        if taken.intid >= FIRST_LPI {
            self.edit_lpis(cpu, |lpis| lpis.clear(taken.intid));
        } else if let Some((id, n)) = self.locate(cpu, taken.intid) {
            self.edit_state(id, |bank| bank.acknowledge(n));
        }
        Some(taken)
    }

    /// The running priority of `cpu` falls back to what it was before the latest interrupt of `group`.
    pub fn drop_priority(&mut self, cpu: usize, group: Group) {
        let it = &mut self.cpus[cpu];
        it.priorities.drop_priority(group);
        it.drive();
    }

    /// Ends the active state of an interrupt; nothing happens if it is not active.
    pub fn deactivate(&mut self, cpu: usize, intid: u32) {
        if let Some((id, n)) = self.locate(cpu, intid) {
            self.edit_state(id, |bank| bank.deactivate(n));
        }
    }

    /// Reads the registers at 0x080 to 0xcff, which both distributors and redistributors have alike.
    /// `locate` names the bank of a register's index; without one the register reads as zero.
    pub fn read_register(
        &self,
        offset: u64,
        size: u8,
        locate: impl Fn(usize) -> Option<BankId>,
    ) -> Option<u64> {
        let bank = |index: usize| locate(index).and_then(|id| self.bank(id));
        let value = match (offset, size) {
            (0x080..0x400, 4) => {
                let (reg, index) = BitReg::decode(offset)?;
                bank(index).map(|bank| bank.read_bits(reg))
            }
            (0x400..0x800, 1 | 4) => {
                let n = offset as usize - 0x400;
                bank(n / 32).map(|bank| bank.read_priority(n % 32, size))
            }
            (0xc00..0xd00, 4) => {
                let n = offset as usize - 0xc00;
                bank(n / 8).map(|bank| bank.read_config(n & 4 != 0))
            }
            _ => return None,
        };
        Some(u64::from(value.unwrap_or(0)))
    }

    /// Writes the registers that [`Core::read_register`] reads.
    pub fn write_register(
        &mut self,
        offset: u64,
        size: u8,
        value: u64,
        locate: impl Fn(usize) -> Option<BankId>,
    ) -> Option<()> {
        let value = value as u32;
        match (offset, size) {
            (0x080..0x400, 4) => {
                let (reg, index) = BitReg::decode(offset)?;
                if let Some(id) = locate(index) {
                    self.edit(id, |bank| bank.write_bits(reg, value));
                }
            }
            (0x400..0x800, 1 | 4) => {
                let n = offset as usize - 0x400;
                if let Some(id) = locate(n / 32) {
                    self.edit(id, |bank| bank.write_priority(n % 32, size, value));
                }
            }
            (0xc00..0xd00, 4) => {
                let n = offset as usize - 0xc00;
                if let Some(id) = locate(n / 8) {
                    self.edit(id, |bank| bank.write_config(n & 4 != 0, value));
                }
            }
            _ => return None,
        }
        Some(())
    }

    /// The state in lines for people: what is pending, active and enabled.
    pub fn dump(&self, name: &str) -> String {
        let mut out = format!("{name}: group 0 {}, group 1 {}\n", on(self.groups[0]), on(self.groups[1]));
        for (n, cpu) in self.cpus.iter().enumerate() {
            let p = &cpu.priorities;
            let _ = writeln!(
                out,
                "cpu {n}: groups {}/{}, mask {:#04x}, running {:#04x}, irq {}, fiq {}, next {}",
                on(p.enabled[0]),
                on(p.enabled[1]),
                p.mask,
                p.running(),
                u8::from(cpu.irq),
                u8::from(cpu.fiq),
                cpu.best.map_or("none".into(), |best| format!("{} at {:#04x}", best.intid, best.priority)),
            );
            dump_banks(&mut out, 0, std::slice::from_ref(&cpu.local));
            for lpi in cpu.lpis.pending() {
                let _ = writeln!(out, "  pending: LPI {lpi}");
            }
        }
        out.push_str("shared:\n");
        dump_banks(&mut out, 32, &self.spis);
        out
    }

    /// Checks the cached state against a slow look at everything.
    #[cfg(test)]
    pub fn check(&self) {
        for (b, bank) in self.spis.iter().enumerate() {
            assert_eq!(self.live >> b & 1 != 0, bank.live() != 0, "live summary of bank {b}");
        }
        for (c, cpu) in self.cpus.iter().enumerate() {
            let banks = std::iter::once((&cpu.local, u32::MAX))
                .chain((0..self.spis.len()).map(|b| (&self.spis[b], self.targets[b * self.cpus.len() + c])));
            let best = banks
                .enumerate()
                .flat_map(|(b, (bank, mask))| {
                    (0..32)
                        .filter(move |n| bank.live() & mask & (1 << n) != 0)
                        .filter(|&n| {
                            let group = bank.group(n) as usize;
                            self.groups[group] && cpu.priorities.enabled[group]
                        })
                        .map(move |n| (bank.read_priority(n as usize, 1), b as u32 * 32 + n))
                })
                .chain(
                    cpu.lpis
                        .best()
                        .filter(|_| self.groups[1] && cpu.priorities.enabled[1])
                        .map(|(priority, intid)| (priority.into(), intid)),
                )
                .min();
            assert_eq!(cpu.best.map(|best| (u32::from(best.priority), best.intid)), best, "cpu {c}");
            let signalled = cpu.signalled().map(|s| s.group == Group::Zero && cpu.group0_is_fiq);
            assert_eq!((cpu.irq, cpu.fiq), (signalled == Some(false), signalled == Some(true)));
        }
    }
}

fn on(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

fn dump_banks(out: &mut String, first: u32, banks: &[Bank]) {
    for name in ["pending", "active", "enabled"] {
        let bits = |bank: &Bank| match name {
            "pending" => bank.pending(),
            "active" => bank.active(),
            _ => bank.enabled(),
        };
        let ids: Vec<_> = banks
            .iter()
            .enumerate()
            .map(|(b, bank)| (b, bits(bank)))
            .flat_map(|(b, bits)| (0..32).filter(move |n| bits >> n & 1 != 0).map(move |n| b as u32 * 32 + n))
            .map(|n| (first + n).to_string())
            .collect();
        let _ = writeln!(out, "  {name}: {}", if ids.is_empty() { "none".into() } else { ids.join(" ") });
    }
}
