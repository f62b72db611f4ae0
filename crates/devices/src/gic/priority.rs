//! The part of a CPU interface that decides by priority: mask, preemption, running priority.
//!
//! IHI 0069 section 4.8 and the pseudocode of ICC_IAR1_EL1; IHI 0048B section 3.3. Five priority bits
//! are implemented, so there are 32 levels and one active priorities register per group.

use super::{Candidate, Group};

/// The priority bits that exist.
pub(crate) const PRIORITY_MASK: u8 = 0xf8;
/// How many they are.
pub(crate) const PRIORITY_BITS: u32 = 5;
/// Running priority of a CPU that runs no interrupt.
pub(crate) const IDLE: u8 = 0xff;

/// The least binary point of group 0 and of group 1. The second is larger, since the register of
/// group 1 counts one bit less into the group priority for the same value.
const MIN_BINARY_POINT: [u8; 2] = [2, 3];

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Priorities {
    /// Priority mask: only interrupts of a lower value are signalled.
    pub mask: u8,
    /// Whether the CPU interface takes interrupts of each group.
    pub enabled: [bool; 2],
    /// CBPR: the binary point of group 0 serves group 1 too.
    pub common_binary_point: bool,
    /// Active priorities of each group; bit n stands for group priority n * 8.
    pub active: [u32; 2],
    binary_point: [u8; 2],
}

impl Default for Priorities {
    fn default() -> Self {
        Self {
            mask: 0,
            enabled: [false; 2],
            common_binary_point: false,
            active: [0; 2],
            binary_point: MIN_BINARY_POINT,
        }
    }
}

impl Priorities {
    pub fn binary_point(&self, group: Group) -> u8 {
        self.binary_point[group as usize]
    }

    /// Sets a binary point; values below the least one become that.
    pub fn set_binary_point(&mut self, group: Group, value: u64) {
        self.binary_point[group as usize] = ((value & 7) as u8).max(MIN_BINARY_POINT[group as usize]);
    }

    /// The part of `priority` that decides preemption.
    fn group_priority(&self, priority: u8, group: Group) -> u8 {
        let point = if group == Group::Zero || self.common_binary_point {
            self.binary_point[0]
        } else {
            self.binary_point[1] - 1
        };
        priority & (0xff_u16 << (point + 1)) as u8
    }

    /// Group priority of the most urgent active interrupt, [`IDLE`] if none is active.
    pub fn running(&self) -> u8 {
        match (self.active[0] | self.active[1]).trailing_zeros() {
            32 => IDLE,
            level => (level << (8 - PRIORITY_BITS)) as u8,
        }
    }

    /// Whether `candidate` interrupts what the CPU runs now.
    pub fn signals(&self, candidate: &Candidate) -> bool {
        let running = self.running();
        let group_priority = |priority| self.group_priority(priority, candidate.group);
        candidate.priority < self.mask
            && (running == IDLE || group_priority(candidate.priority) < group_priority(running))
    }

    /// `candidate` becomes what the CPU runs.
    pub fn activate(&mut self, candidate: &Candidate) {
        let level = self.group_priority(candidate.priority, candidate.group) >> (8 - PRIORITY_BITS);
        self.active[candidate.group as usize] |= 1 << level;
    }

    /// Group of the most urgent active interrupt.
    pub fn running_group(&self) -> Option<Group> {
        let [zero, one] = self.active.map(u32::trailing_zeros);
        match (zero, one) {
            (32, 32) => None,
            _ if zero <= one => Some(Group::Zero),
            _ => Some(Group::One),
        }
    }

    /// Priority drop: the most urgent active priority of `group` ends.
    pub fn drop_priority(&mut self, group: Group) {
        let active = &mut self.active[group as usize];
        *active &= active.wrapping_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(priority: u8, group: Group) -> Candidate {
        Candidate { intid: 40, priority, group }
    }

    fn open() -> Priorities {
        Priorities { mask: 0xf8, ..Priorities::default() }
    }

    #[test]
    fn only_priorities_below_the_mask_are_signalled() {
        let mut p = open();
        assert!(p.signals(&candidate(0xf0, Group::One)));
        assert!(!p.signals(&candidate(0xf8, Group::One)));
        p.mask = 0x80;
        assert!(p.signals(&candidate(0x78, Group::One)));
        assert!(!p.signals(&candidate(0x80, Group::One)));
        p.mask = 0;
        assert!(!p.signals(&candidate(0, Group::One)));
    }

    #[test]
    fn only_a_better_group_priority_preempts() {
        let mut p = open();
        p.activate(&candidate(0x50, Group::One));
        assert_eq!(p.running(), 0x50);
        assert!(!p.signals(&candidate(0x50, Group::One)));
        assert!(p.signals(&candidate(0x48, Group::One)));
        // With a binary point of 5 in group 1, bits [7:5] decide: 0x48 is in the group of 0x50.
        p.set_binary_point(Group::One, 5);
        assert!(!p.signals(&candidate(0x48, Group::One)));
        assert!(p.signals(&candidate(0x38, Group::One)));
        // Group 0 counts one bit more for the same value: [7:6] decide at 5.
        p.set_binary_point(Group::Zero, 5);
        assert!(p.signals(&candidate(0x38, Group::Zero)));
        assert!(!p.signals(&candidate(0x68, Group::Zero)));
        p.active = [0, 1 << (0x60 >> 3)];
        assert!(p.signals(&candidate(0x58, Group::One)));
        p.common_binary_point = true;
        assert!(!p.signals(&candidate(0x58, Group::One)), "by BPR0, 0x58 is in the group of 0x60");
    }

    #[test]
    fn drops_unwind_the_nested_priorities() {
        let mut p = open();
        p.activate(&candidate(0x80, Group::One));
        p.activate(&candidate(0x40, Group::Zero));
        p.activate(&candidate(0x20, Group::One));
        assert_eq!((p.running(), p.running_group()), (0x20, Some(Group::One)));
        p.drop_priority(Group::One);
        assert_eq!((p.running(), p.running_group()), (0x40, Some(Group::Zero)));
        p.drop_priority(Group::Zero);
        assert_eq!(p.running(), 0x80);
        p.drop_priority(Group::One);
        assert_eq!((p.running(), p.running_group()), (IDLE, None));
        p.drop_priority(Group::One);
        assert_eq!(p.running(), IDLE);
    }

    #[test]
    fn binary_points_have_a_least_value_and_seven_means_no_preemption() {
        let mut p = open();
        p.set_binary_point(Group::Zero, 0);
        p.set_binary_point(Group::One, 0);
        assert_eq!((p.binary_point(Group::Zero), p.binary_point(Group::One)), (2, 3));
        p.set_binary_point(Group::Zero, 7);
        p.activate(&candidate(0xf0, Group::Zero));
        assert_eq!(p.running(), 0);
        assert!(!p.signals(&candidate(0, Group::Zero)));
    }
}
