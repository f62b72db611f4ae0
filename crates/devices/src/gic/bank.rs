//! The state of 32 interrupts, one bit each, as the distributor's registers show it.

use super::priority::PRIORITY_MASK;
use super::{Candidate, Group};

/// The registers with one bit per interrupt, at the same offsets in GICD of both versions and in the
/// SGI frame of a GICv3 redistributor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BitReg {
    Group,
    SetEnable,
    ClearEnable,
    SetPending,
    ClearPending,
    SetActive,
    ClearActive,
}

impl BitReg {
    /// The register at a 4-byte aligned `offset` and which 32 interrupts it is about.
    pub fn decode(offset: u64) -> Option<(Self, usize)> {
        let reg = match offset >> 7 {
            1 => Self::Group,
            2 => Self::SetEnable,
            3 => Self::ClearEnable,
            4 => Self::SetPending,
            5 => Self::ClearPending,
            6 => Self::SetActive,
            7 => Self::ClearActive,
            _ => return None,
        };
        Some((reg, (offset as usize & 0x7f) / 4))
    }
}

/// Where a bank sits: INTIDs 0 to 31 of one CPU, or the SPIs from 32 + 32 * n.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BankId {
    Local(usize),
    Spi(usize),
}

/// 32 interrupts.
///
/// `level` is the wire; `latch` is the pending state of an edge or of a software write. An
/// edge-triggered interrupt is pending by its latch, a level-sensitive one by latch or wire
/// (IHI 0048B figure 4-10, IHI 0069 section 4.1).
#[derive(Clone, Debug)]
pub(crate) struct Bank {
    exists: u32,
    always_edge: u32,
    always_enabled: u32,
    group: u32,
    enable: u32,
    latch: u32,
    level: u32,
    edge: u32,
    active: u32,
    priority: [u8; 32],
}

impl Bank {
    /// The SPIs of the bits set in `exists`.
    pub fn shared(exists: u32) -> Self {
        Self {
            exists,
            always_edge: 0,
            always_enabled: 0,
            group: 0,
            enable: 0,
            latch: 0,
            level: 0,
            edge: 0,
            active: 0,
            priority: [0; 32],
        }
    }

    /// SGIs (0 to 15) and PPIs (16 to 31) of one CPU.
    pub fn local(sgis_always_enabled: bool) -> Self {
        let mut bank = Self::shared(u32::MAX);
        bank.always_edge = 0xffff;
        bank.always_enabled = if sgis_always_enabled { 0xffff } else { 0 };
        bank.reset();
        bank
    }

    /// The reset state. Wires keep their level: they belong to the devices.
    pub fn reset(&mut self) {
        *self = Self {
            always_edge: self.always_edge,
            always_enabled: self.always_enabled,
            edge: self.always_edge,
            enable: self.always_enabled,
            level: self.level,
            ..Self::shared(self.exists)
        };
    }

    pub fn pending(&self) -> u32 {
        self.latch | self.level & !self.edge
    }

    pub fn active(&self) -> u32 {
        self.active
    }

    pub fn enabled(&self) -> u32 {
        self.enable
    }

    pub fn exists(&self, n: u32) -> bool {
        self.exists >> (n & 31) & 1 != 0
    }

    /// Which interrupts are pending, enabled and not active: what a CPU may be offered.
    pub fn live(&self) -> u32 {
        self.pending() & self.enable & !self.active
    }

    pub fn group(&self, n: u32) -> Group {
        if self.group >> (n & 31) & 1 != 0 { Group::One } else { Group::Zero }
    }

    /// Drives the wire of interrupt `n`; a rising edge latches an edge-triggered interrupt.
    pub fn set_level(&mut self, n: u32, level: bool) {
        let bit = 1 << (n & 31) & self.exists & !self.always_edge;
        if level {
            self.latch |= bit & self.edge & !self.level;
            self.level |= bit;
        } else {
            self.level &= !bit;
        }
    }

    /// Sets or clears the latch of the interrupts in `bits`.
    pub fn set_latch(&mut self, bits: u32, set: bool) {
        if set {
            self.latch |= bits & self.exists;
        } else {
            self.latch &= !bits;
        }
    }

    /// Pending to active, or to active and pending if the wire is still high.
    pub fn acknowledge(&mut self, n: u32) {
        let bit = 1 << (n & 31);
        self.latch &= !bit;
        self.active |= bit;
    }

    pub fn deactivate(&mut self, n: u32) {
        self.active &= !(1 << (n & 31));
    }

    /// A message raises interrupt `n` (GICD_SETSPI_NSR) or takes that back (GICD_CLRSPI_NSR).
    ///
    /// On a level-sensitive interrupt the message drives the wire, as no device drives it too.
    pub fn message(&mut self, n: u32, set: bool) {
        let bit = 1 << (n & 31);
        if self.edge & bit != 0 {
            self.set_latch(bit, set);
        } else {
            self.set_level(n, set);
        }
    }

    pub fn read_bits(&self, reg: BitReg) -> u32 {
        match reg {
            BitReg::Group => self.group,
            BitReg::SetEnable | BitReg::ClearEnable => self.enable,
            BitReg::SetPending | BitReg::ClearPending => self.pending(),
            BitReg::SetActive | BitReg::ClearActive => self.active,
        }
    }

    pub fn write_bits(&mut self, reg: BitReg, value: u32) {
        let value = value & self.exists;
        match reg {
            BitReg::Group => self.group = value,
            BitReg::SetEnable => self.enable |= value,
            BitReg::ClearEnable => self.enable &= !value | self.always_enabled,
            BitReg::SetPending => self.latch |= value,
            BitReg::ClearPending => self.latch &= !value,
            BitReg::SetActive => self.active |= value,
            BitReg::ClearActive => self.active &= !value,
        }
    }

    /// `size` priorities from interrupt `n` on, lowest byte first (GICD_IPRIORITYR).
    pub fn read_priority(&self, n: usize, size: u8) -> u32 {
        let bytes = self.priority.iter().skip(n).take(usize::from(size));
        bytes.rev().fold(0, |word, &byte| word << 8 | u32::from(byte))
    }

    pub fn write_priority(&mut self, n: usize, size: u8, value: u32) {
        for (i, byte) in value.to_le_bytes().into_iter().enumerate().take(usize::from(size)) {
            if n + i < 32 && self.exists >> (n + i) & 1 != 0 {
                self.priority[n + i] = byte & PRIORITY_MASK;
            }
        }
    }

    /// Sixteen 2-bit fields of which the upper bit means edge-triggered (GICD_ICFGR).
    pub fn read_config(&self, upper: bool) -> u32 {
        let half = self.edge >> if upper { 16 } else { 0 };
        (0..16).fold(0, |word, n| word | (half >> n & 1) << (2 * n + 1))
    }

    pub fn write_config(&mut self, upper: bool, value: u32) {
        let half = (0..16).fold(0, |half, n| half | (value >> (2 * n + 1) & 1) << n);
        let (shift, keep) = if upper { (16, 0xffff) } else { (0, 0xffff_0000) };
        self.edge = (self.edge & keep | half << shift | self.always_edge) & self.exists;
    }

    /// Makes `best` the best of itself and the live interrupts of `mask` in an enabled group. The
    /// lowest priority value wins, then the lowest INTID; banks come in ascending order.
    pub fn best(&self, base: u32, mask: u32, groups: [bool; 2], best: &mut Option<Candidate>) {
        let allowed = if groups[0] { !self.group } else { 0 } | if groups[1] { self.group } else { 0 };
        let mut live = self.live() & mask & allowed;
        while live != 0 {
            let n = live.trailing_zeros();
            live &= live - 1;
            let priority = self.priority[n as usize];
            if best.is_none_or(|best| priority < best.priority) {
                *best = Some(Candidate { intid: base + n, priority, group: self.group(n) });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_interrupt_follows_its_wire_and_its_latch() {
        let mut bank = Bank::shared(u32::MAX);
        bank.set_level(3, true);
        assert_eq!(bank.pending(), 8);
        bank.write_bits(BitReg::ClearPending, 8);
        assert_eq!(bank.pending(), 8, "ICPENDR does not lower the wire");
        bank.set_level(3, false);
        assert_eq!(bank.pending(), 0);
        bank.write_bits(BitReg::SetPending, 8);
        bank.acknowledge(3);
        assert_eq!((bank.pending(), bank.active()), (0, 8), "acknowledging clears the latch");
        bank.set_level(3, true);
        assert_eq!((bank.pending(), bank.active(), bank.live()), (8, 8, 0), "active and pending");
    }

    #[test]
    fn an_edge_interrupt_latches_only_rising_edges() {
        let mut bank = Bank::shared(u32::MAX);
        bank.write_config(false, 2 << 6);
        assert_eq!(bank.read_config(false), 2 << 6);
        bank.set_level(3, true);
        bank.acknowledge(3);
        bank.set_level(3, true);
        assert_eq!(bank.pending(), 0, "no edge");
        bank.set_level(3, false);
        assert_eq!(bank.pending(), 0);
        bank.set_level(3, true);
        bank.set_level(3, false);
        assert_eq!(bank.pending(), 8, "the edge is remembered");
    }

    #[test]
    fn priorities_have_five_bits_and_missing_interrupts_none() {
        let mut bank = Bank::shared(0b1111);
        bank.write_priority(2, 4, 0xffff_ffff);
        assert_eq!(bank.read_priority(0, 4), 0xf8f8_0000);
        assert_eq!(bank.read_priority(4, 4), 0);
        assert_eq!(bank.read_priority(31, 4), 0);
        bank.write_priority(3, 1, 0x17);
        assert_eq!(bank.read_priority(3, 1), 0x10);
        bank.write_bits(BitReg::SetEnable, u32::MAX);
        assert_eq!(bank.enabled(), 0b1111);
    }

    #[test]
    fn sgis_stay_edge_triggered_and_have_no_wire() {
        let mut bank = Bank::local(true);
        bank.write_config(false, 0);
        assert_eq!(bank.read_config(false), 0xaaaa_aaaa);
        assert_eq!(bank.read_config(true), 0);
        bank.write_bits(BitReg::ClearEnable, u32::MAX);
        assert_eq!(bank.enabled(), 0xffff);
        bank.set_level(4, true);
        assert_eq!(bank.pending(), 0);
    }

    #[test]
    fn the_best_interrupt_is_by_priority_then_by_number() {
        let mut bank = Bank::shared(u32::MAX);
        bank.write_priority(0, 4, 0x2010_1020);
        bank.write_bits(BitReg::SetEnable, 0xf);
        bank.write_bits(BitReg::SetPending, 0xf);
        bank.write_bits(BitReg::Group, 0b0010);
        let pick = |mask, groups| {
            let mut best = None;
            bank.best(32, mask, groups, &mut best);
            best.map(|b| b.intid)
        };
        assert_eq!(pick(u32::MAX, [true, true]), Some(33));
        assert_eq!(pick(u32::MAX, [true, false]), Some(34));
        assert_eq!(pick(0b1001, [true, true]), Some(32));
        assert_eq!(pick(u32::MAX, [false, false]), None);
    }
}
