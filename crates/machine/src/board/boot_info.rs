//! What the `monitor` board tells its guest: X0 holds the address of this structure at entry.
//!
//! All fields are little-endian; addresses are guest physical. A program checks the magic number and
//! `version >= 1`, and ignores what follows the fields it knows: later versions only add at the end.
//!
//! | offset | size | field |
//! |-------:|-----:|-------|
//! |  0 | 4 | magic number 0x49424c41, the bytes "ALBI" |
//! |  4 | 4 | version, 1 |
//! |  8 | 4 | length of the structure in bytes, 80 |
//! | 12 | 4 | number of CPUs |
//! | 16 | 4 | interrupt controller: 2 for GICv2, 3 for GICv3 |
//! | 20 | 4 | INTID of the UART |
//! | 24 | 4 | INTID of the timer frame's physical timer |
//! | 28 | 4 | INTID of the timer frame's virtual timer |
//! | 32 | 8 | GIC distributor |
//! | 40 | 8 | GICv2: CPU interface; GICv3: first redistributor, 0x20000 bytes for each CPU |
//! | 48 | 8 | PL011 UART |
//! | 56 | 8 | CNTBase timer frame |
//! | 64 | 8 | start of guest memory |
//! | 72 | 8 | length of guest memory |

use armlet_hv::GicKind;

use super::monitor::map;

/// The magic number.
pub const MAGIC: u32 = 0x4942_4c41;
/// The layout's version.
pub const VERSION: u32 = 1;
/// Length in bytes.
pub const LEN: u32 = 80;

/// The structure for a `monitor` board of `cpus` CPUs.
pub fn encode(gic: GicKind, cpus: usize) -> Vec<u8> {
    let (kind, cpu_side) = match gic {
        GicKind::V2 => (2, map::GICC),
        GicKind::V3 => (3, map::GICR),
    };
    let words =
        [MAGIC, VERSION, LEN, cpus as u32, kind, map::UART_INTID, map::TIMER_INTID, map::VIRTUAL_TIMER_INTID];
    let addresses = [map::GICD, cpu_side, map::UART, map::TIMER, map::RAM, map::RAM_LEN];
    let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    bytes.extend(addresses.iter().flat_map(|address| address.to_le_bytes()));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_is_as_documented() {
        let bytes = encode(GicKind::V3, 1);
        assert_eq!(bytes.len(), LEN as usize);
        assert_eq!(&bytes[..4], b"ALBI");
        assert_eq!(bytes[16], 3);
        assert_eq!(bytes[40..48], 0x0904_0000u64.to_le_bytes());
        assert_eq!(encode(GicKind::V2, 1)[40..48], 0x0903_0000u64.to_le_bytes());
    }
}
