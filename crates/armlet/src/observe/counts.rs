//! How many exits of each kind there were.

use std::collections::BTreeMap;

use armlet::ExitEvent;

use super::describe::kind;

/// Counts by kind.
#[derive(Default)]
pub struct Counts(BTreeMap<&'static str, u64>);

impl Counts {
    /// Counts one event.
    pub fn add(&mut self, event: &ExitEvent) {
        *self.0.entry(kind(event)).or_default() += 1;
    }

    /// `12 exits: 8 mmio write, 4 call`, the most frequent first.
    pub fn summary(&self) -> String {
        let total: u64 = self.0.values().sum();
        if total == 0 {
            return "no exits".to_owned();
        }
        let mut kinds: Vec<_> = self.0.iter().collect();
        kinds.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let list: Vec<_> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        format!("{total} {}: {}", if total == 1 { "exit" } else { "exits" }, list.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_comes_first() {
        let mut counts = Counts::default();
        assert_eq!(counts.summary(), "no exits");
        counts.add(&ExitEvent::Wfi { pc: 0 });
        assert_eq!(counts.summary(), "1 exit: 1 wfi");
        for _ in 0..2 {
            counts.add(&ExitEvent::MmioRead { pc: 0, gpa: 0, size: 4, value: 0 });
        }
        assert_eq!(counts.summary(), "3 exits: 2 mmio read, 1 wfi");
    }
}
