//! The MMIO bus: which device answers at which guest physical address.
#![forbid(unsafe_code)]

use std::sync::Arc;

/// Who makes an access: GICv2 and the redistributors bank registers by CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Index of the vCPU that makes the access.
    pub cpu: usize,
    /// Width in bytes: 1, 2, 4 or 8.
    pub size: u8,
}

/// A device with memory-mapped registers.
///
/// Methods take `&self`: several vCPU threads reach a device at once, and each device chooses its
/// own lock. `offset` counts from the start of the range the device was mapped at. Values are
/// little-endian as the CPU sees them; bits above `access.size * 8` of a read are ignored.
pub trait MmioDevice: Send + Sync {
    /// Reads a register.
    fn read(&self, access: Access, offset: u64) -> u64;
    /// Writes a register.
    fn write(&self, access: Access, offset: u64, value: u64);
    /// Puts the device back into its power-on state (system reset).
    fn reset(&self) {}
    /// False if only the guest can make this device interrupt now: nothing outside it, like input or a
    /// network, will. An alarm in an [`crate::AlarmQueue`] does not count. A machine whose CPUs sleep is
    /// given up for hung when all its devices say so; true is the safe answer.
    fn awaits_host(&self) -> bool {
        true
    }
}

/// Why an access found no device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BusError {
    /// No device answers at this address: an external abort on real hardware.
    #[error("nothing is mapped at {0:#x}")]
    Unmapped(u64),
    /// Somebody else will do what the instruction does: it has no effect, and the vCPU stops before it
    /// as if kicked. No device of a bus answers so; it is for who stands between a backend and its user.
    #[error("the access is left to somebody else")]
    Deferred,
}

struct Mapping {
    start: u64,
    len: u64,
    name: &'static str,
    device: Arc<dyn MmioDevice>,
}

/// An address-ordered set of devices, fixed once the machine runs.
#[derive(Default)]
pub struct Bus {
    mappings: Vec<Mapping>,
}

impl Bus {
    /// An empty bus.
    pub fn new() -> Self {
        Self::default()
    }

    /// Maps `device` at `[start, start + len)`.
    ///
    /// # Panics
    /// If the range overlaps another device: a mistake of the board, not of a guest.
    pub fn insert(&mut self, name: &'static str, start: u64, len: u64, device: Arc<dyn MmioDevice>) {
        let at = self.mappings.partition_point(|m| m.start < start);
        let clear =
            |m: Option<&Mapping>| m.is_none_or(|m| m.start + m.len <= start || start + len <= m.start);
        assert!(
            clear(self.mappings.get(at)) && clear(at.checked_sub(1).and_then(|i| self.mappings.get(i))),
            "device {name} at {start:#x} overlaps another"
        );
        self.mappings.insert(at, Mapping { start, len, name, device });
    }

    fn find(&self, addr: u64, size: u8) -> Result<(&Mapping, u64), BusError> {
        let at = self.mappings.partition_point(|m| m.start <= addr);
        let mapping = at.checked_sub(1).map(|i| &self.mappings[i]).ok_or(BusError::Unmapped(addr))?;
        let offset = addr - mapping.start;
        if offset.checked_add(u64::from(size)).is_some_and(|end| end <= mapping.len) {
            Ok((mapping, offset))
        } else {
            Err(BusError::Unmapped(addr))
        }
    }

    /// Name of the device at `addr`, for logs.
    pub fn name_at(&self, addr: u64) -> Option<&'static str> {
        self.find(addr, 1).ok().map(|(m, _)| m.name)
    }

    /// Reads `access.size` bytes at guest physical address `addr`, zero-extended.
    pub fn read(&self, access: Access, addr: u64) -> Result<u64, BusError> {
        let (mapping, offset) = self.find(addr, access.size)?;
        let value = mapping.device.read(access, offset);
        Ok(if access.size >= 8 { value } else { value & ((1 << (access.size * 8)) - 1) })
    }

    /// Writes the low `access.size` bytes of `value` at guest physical address `addr`.
    pub fn write(&self, access: Access, addr: u64, value: u64) -> Result<(), BusError> {
        let (mapping, offset) = self.find(addr, access.size)?;
        let value = if access.size >= 8 { value } else { value & ((1 << (access.size * 8)) - 1) };
        mapping.device.write(access, offset, value);
        Ok(())
    }

    /// Resets every device.
    pub fn reset(&self) {
        for mapping in &self.mappings {
            mapping.device.reset();
        }
    }

    /// True if any device may yet interrupt because of something outside the guest.
    pub fn awaits_host(&self) -> bool {
        self.mappings.iter().any(|mapping| mapping.device.awaits_host())
    }

    /// `(name, start, length)` of every device, in address order.
    pub fn map(&self) -> impl Iterator<Item = (&'static str, u64, u64)> + '_ {
        self.mappings.iter().map(|m| (m.name, m.start, m.len))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Echo;
    impl MmioDevice for Echo {
        fn read(&self, _: Access, offset: u64) -> u64 {
            0xffff_ffff_ffff_ff00 | offset
        }
        fn write(&self, _: Access, _: u64, _: u64) {}
    }

    fn bus() -> Bus {
        let mut bus = Bus::new();
        bus.insert("b", 0x2000, 0x1000, Arc::new(Echo));
        bus.insert("a", 0x1000, 0x1000, Arc::new(Echo));
        bus
    }

    #[test]
    fn finds_the_device_and_truncates_to_the_access() {
        let bus = bus();
        let byte = Access { cpu: 0, size: 1 };
        assert_eq!(bus.read(byte, 0x1004), Ok(0x04));
        assert_eq!(bus.read(Access { cpu: 0, size: 4 }, 0x2008), Ok(0xffff_ff08));
        assert_eq!(bus.name_at(0x2fff), Some("b"));
    }

    #[test]
    fn refuses_addresses_between_and_across_devices() {
        let bus = bus();
        let word = Access { cpu: 0, size: 4 };
        for addr in [0, 0xfff, 0x1ffe, 0x2ffd, 0x3000, u64::MAX] {
            assert_eq!(bus.read(word, addr), Err(BusError::Unmapped(addr)));
        }
    }

    #[test]
    #[should_panic(expected = "overlaps")]
    fn refuses_overlapping_devices() {
        bus().insert("c", 0x1800, 0x1000, Arc::new(Echo));
    }
}
