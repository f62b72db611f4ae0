//! How many exits of each kind there were.

use std::collections::BTreeMap;

use armlet::ExitEvent;

use super::describe::kind;

/// Counts by kind, and by device where they are told.
#[derive(Default)]
pub struct Counts {
    kinds: BTreeMap<&'static str, u64>,
    devices: BTreeMap<&'static str, u64>,
}

impl Counts {
    /// Counts one event.
    pub fn add(&mut self, event: &ExitEvent) {
        *self.kinds.entry(kind(event)).or_default() += 1;
    }

    /// Counts an access to a device.
    pub fn add_device(&mut self, device: Option<&'static str>) {
        if let Some(device) = device {
            *self.devices.entry(device).or_default() += 1;
        }
    }

    /// `devices: 11 PL011, 1 GICD` and a newline, the most frequent first; nothing without any.
    pub fn devices(&self) -> String {
        if self.devices.is_empty() { String::new() } else { format!("devices: {}\n", list(&self.devices)) }
    }

    /// `12 exits: 8 mmio write, 4 call`, the most frequent first.
    pub fn summary(&self) -> String {
        let total: u64 = self.kinds.values().sum();
        if total == 0 {
            return "no exits".to_owned();
        }
        format!("{total} {}: {}", if total == 1 { "exit" } else { "exits" }, list(&self.kinds))
    }
}

fn list(counts: &BTreeMap<&'static str, u64>) -> String {
    let mut counts: Vec<_> = counts.iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    counts.iter().map(|(name, count)| format!("{count} {name}")).collect::<Vec<_>>().join(", ")
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
            counts.add(&ExitEvent::MmioRead { pc: 0, gpa: 0, size: 4, value: 0, syndrome: None });
        }
        assert_eq!(counts.summary(), "3 exits: 2 mmio read, 1 wfi");
        assert_eq!(counts.devices(), "");
        for device in [Some("GICD"), Some("PL011"), None, Some("PL011")] {
            counts.add_device(device);
        }
        assert_eq!(counts.devices(), "devices: 2 PL011, 1 GICD\n");
    }
}
