//! What is where in each machine, by name: for `armlet machines` and for logs.

use armlet::{Board, GicKind};
use armlet_machine::board::{hvio, monitor, pci, requests, virt};

/// A region of a machine: name, first guest physical address, length in bytes.
pub type Region = (&'static str, u64, u64);

/// Name of the page of requests of the machines `monitor` and `hvio`.
pub const REQUEST_PAGE: &str = "requests";

/// Name of the slots of virtio devices.
pub const VIRTIO_REGION: &str = "virtio";

/// Name of the configuration space of PCI.
pub const ECAM_REGION: &str = "ECAM";

/// Length of a device that is not told otherwise: one page.
const PAGE: u64 = 0x1000;
/// Length the boards give to each of the GIC's frames.
const GIC_FRAME: u64 = 0x1_0000;
/// Both frames of a redistributor.
const GICR_FRAMES: u64 = 0x2_0000;

/// The regions of `board` in address order: its RAM as long as it is if nothing is said, redistributors
/// for as many CPUs as there can be.
pub fn regions(board: Board, gic: Option<GicKind>) -> Vec<Region> {
    let mut regions = match board {
        Board::Virt => {
            use virt::map::*;
            let window = |name, range: std::ops::Range<u64>| (name, range.start, range.end - range.start);
            vec![
                ("flash, firmware", FLASH[0], FLASH_LEN),
                ("flash, variables", FLASH[1], FLASH_LEN),
                ("GICD", GICD, GICD_LEN),
                ("GICC", GICC, GICC_LEN),
                ("GICv2m", V2M, V2M_LEN),
                ("ITS", ITS, ITS_LEN),
                ("GICR", GICR, gicr_len(MAX_CPUS)),
                ("PL011", UART, UART_LEN),
                ("PL031", RTC, RTC_LEN),
                ("fw_cfg", FW_CFG, FW_CFG_LEN),
                ("PL061", GPIO, GPIO_LEN),
                (VIRTIO_REGION, VIRTIO, VIRTIO_STRIDE * VIRTIO_SLOTS as u64),
                window("PCI", pci::map::MEMORY),
                window("PCI-IO", pci::map::IO),
                window(ECAM_REGION, pci::map::LOW_ECAM),
                ("RAM", RAM, virt::DEFAULT_RAM),
                window(ECAM_REGION, pci::map::ECAM),
                window("PCI-64", pci::map::HIGH_MEMORY),
            ]
        }
        Board::Monitor => {
            use monitor::map::*;
            vec![
                ("PL011", UART, PAGE),
                ("timer", TIMER, PAGE),
                ("GICD", GICD, GIC_FRAME),
                ("GICC", GICC, GIC_FRAME),
                ("GICR", GICR, GICR_FRAMES * MAX_CPUS as u64),
                (REQUEST_PAGE, REQUESTS, requests::LEN),
                ("RAM", RAM, RAM_LEN),
            ]
        }
        Board::Hvio => {
            use hvio::map::*;
            vec![("RAM", RAM, RAM_LEN), (REQUEST_PAGE, REQUESTS, requests::LEN)]
        }
    };
    let absent = match gic {
        Some(GicKind::V2) => &["GICR", "ITS"][..],
        Some(GicKind::V3) => &["GICC"],
        None => &[],
    };
    regions.retain(|(name, ..)| !absent.contains(name));
    regions
}

/// What the region is, for people who read a memory map.
pub fn describe(name: &str) -> &'static str {
    match name {
        "GICD" => "interrupt controller: distributor",
        "GICC" => "interrupt controller: CPU interface (GICv2)",
        "GICv2m" => "interrupt controller: interrupts by message, where there is no ITS",
        "ITS" => "interrupt controller: interrupts by message (GICv3)",
        "GICR" => "interrupt controller: redistributors (GICv3)",
        "PL011" => "UART, the console",
        "PL031" => "real-time clock",
        "fw_cfg" => "what firmware and guest are told, by name",
        "PL061" => "general-purpose I/O; line 3 is the power button",
        "flash, firmware" => "flash memory with firmware, with --firmware",
        "flash, variables" => "flash memory for what firmware keeps, with --firmware",
        VIRTIO_REGION => "32 slots for virtio devices (virtio-mmio), 512 bytes each",
        "PCI" => "registers of PCI devices, below 4 GiB (--virtio pci)",
        "PCI-IO" => "I/O space of PCI",
        ECAM_REGION => "configuration space of PCI, the lower one for 32-bit guests",
        "PCI-64" => "registers of PCI devices, above 4 GiB",
        "timer" => "memory-mapped generic timer (a CNTBase frame)",
        "RAM" => "memory",
        REQUEST_PAGE => "read-only memory: a store is a request to the monitor",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_ordered_apart_and_explained() {
        for &board in Board::ALL {
            let all = regions(board, None);
            assert!(all.windows(2).all(|pair| pair[0].1 + pair[0].2 <= pair[1].1), "{all:x?}");
            assert!(all.iter().all(|(name, ..)| !describe(name).is_empty()));
            let gicv3 = match board {
                Board::Virt => 2,
                Board::Monitor => 1,
                Board::Hvio => 0,
            };
            assert_eq!(regions(board, Some(GicKind::V2)).len(), all.len() - gicv3);
        }
    }
}
