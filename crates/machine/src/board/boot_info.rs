//! What the `monitor` board tells its guest: X0 holds the address of this structure at entry.
//!
//! All fields are little-endian; addresses are guest physical. A program checks the magic number and
//! `version >= 1`, and ignores what follows the fields it knows: later versions only add at the end.
//!
//! | offset | size | field |
//! |-------:|-----:|-------|
//! | 0x00 | 4 | magic number 0x4c4d5241, the bytes "ARML" |
//! | 0x04 | 4 | version, 1 |
//! | 0x08 | 4 | interrupt controller: 2 for GICv2, 3 for GICv3 |
//! | 0x0c | 4 | INTID of the timer frame's physical timer |
//! | 0x10 | 8 | GIC distributor |
//! | 0x18 | 8 | GICv2: CPU interface; GICv3: redistributor of CPU 0, 0x20000 bytes for each CPU |
//! | 0x20 | 8 | PL011 UART |
//! | 0x28 | 8 | timer: a CNTBase frame |
//! | 0x30 | 4 | length of the structure in bytes, 0x58 |
//! | 0x34 | 4 | number of CPUs |
//! | 0x38 | 4 | INTID of the UART |
//! | 0x3c | 4 | INTID of the timer frame's virtual timer |
//! | 0x40 | 8 | start of guest memory |
//! | 0x48 | 8 | length of guest memory |
//! | 0x50 | 8 | the page of requests (see [`super::requests`]) |

use armlet_hv::GicKind;

use super::monitor::map;

/// The magic number.
pub const MAGIC: u32 = 0x4c4d_5241;
/// The layout's version.
pub const VERSION: u32 = 1;
/// Length in bytes.
pub const LEN: u32 = 0x58;

/// The structure for a `monitor` board of `cpus` CPUs.
pub fn encode(gic: Option<GicKind>, cpus: usize) -> Vec<u8> {
    let (kind, cpu_side) = match gic {
        None => (0, 0),
        Some(GicKind::V2) => (2, map::GICC),
        Some(GicKind::V3) => (3, map::GICR),
    };
    let mut bytes = Vec::with_capacity(LEN as usize);
    let words = |bytes: &mut Vec<u8>, words: [u32; 4]| {
        bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    };
    let addresses = |bytes: &mut Vec<u8>, addresses: &[u64]| {
        bytes.extend(addresses.iter().flat_map(|address| address.to_le_bytes()));
    };
    words(&mut bytes, [MAGIC, VERSION, kind, map::TIMER_INTID]);
    addresses(&mut bytes, &[map::GICD, cpu_side, map::UART, map::TIMER]);
    words(&mut bytes, [LEN, cpus as u32, map::UART_INTID, map::VIRTUAL_TIMER_INTID]);
    addresses(&mut bytes, &[map::RAM, map::RAM_LEN, map::REQUESTS]);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_is_as_documented() {
        let bytes = encode(Some(GicKind::V3), 3);
        assert_eq!(bytes.len(), LEN as usize);
        assert_eq!((&bytes[..4], bytes[8], bytes[12]), (&b"ARML"[..], 3, 34));
        assert_eq!(bytes[0x18..0x20], 0x0904_0000u64.to_le_bytes());
        assert_eq!((bytes[0x30], bytes[0x34]), (0x58, 3));
        assert_eq!(bytes[0x48..0x50], 0x0400_0000u64.to_le_bytes());
        assert_eq!(bytes[0x50..], 0x0a00_0000u64.to_le_bytes());
        assert_eq!(encode(Some(GicKind::V2), 1)[0x18..0x20], 0x0903_0000u64.to_le_bytes());
    }
}
