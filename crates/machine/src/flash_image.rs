//! Firmware that a machine starts from, and what it keeps.

use std::fmt;
use std::sync::Arc;

use armlet_devices::pflash::Store;
use armlet_hv::GuestMode;

/// The most bytes that firmware has, and that it keeps: a bank each.
pub const BANK: u64 = crate::board::virt::map::FLASH_LEN;

/// What is in the banks of flash memory.
#[derive(Clone)]
pub struct FlashImages {
    /// Name of the firmware, for the plan.
    pub name: String,
    /// The firmware, at most [`BANK`] bytes. It starts at its first byte.
    pub code: Vec<u8>,
    /// Where the variables come from, for the plan.
    pub variables_name: String,
    /// What the firmware kept: at most [`BANK`] bytes; empty if nothing.
    pub variables: Vec<u8>,
    /// Where changes go. If `None` they are forgotten at the end.
    pub store: Option<Arc<dyn Store>>,
}

impl fmt::Debug for FlashImages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlashImages").field("name", &self.name).finish_non_exhaustive()
    }
}

impl FlashImages {
    /// The state that the firmware is made for, by its first instruction: a branch, as everybody has there. `None` if it
    /// is something else.
    pub fn mode(&self) -> Option<GuestMode> {
        let word = u32::from_le_bytes(*self.code.first_chunk()?);
        match word >> 24 {
            // B, in A64 and in A32 on every condition.
            0x14..=0x17 => Some(GuestMode::A64El1),
            0xea => Some(GuestMode::A32El1),
            _ => None,
        }
    }
}

/// `bytes` without the zeros at their end, which memory has anyway.
pub fn without_padding(mut bytes: Vec<u8>) -> Vec<u8> {
    const PIECE: usize = 4096;
    let whole = bytes.len() / PIECE * PIECE;
    if bytes[whole..].iter().all(|byte| *byte == 0) {
        let used = bytes[..whole].chunks(PIECE).rposition(|piece| piece.iter().any(|byte| *byte != 0));
        bytes.truncate(used.map_or(0, |piece| (piece + 1) * PIECE));
        bytes.shrink_to_fit();
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_what_nobody_needs() {
        let mut bytes = vec![0; 3 * 4096 + 5];
        assert_eq!(without_padding(bytes.clone()), []);
        bytes[4097] = 1;
        assert_eq!(without_padding(bytes.clone()).len(), 2 * 4096);
        bytes[3 * 4096 + 1] = 1;
        assert_eq!(without_padding(bytes.clone()), bytes);
    }

    #[test]
    fn the_first_instruction_tells_the_state() {
        let mode = |code: &[u8]| {
            let (name, variables_name) = (String::new(), String::new());
            FlashImages { name, code: code.to_vec(), variables_name, variables: vec![], store: None }.mode()
        };
        assert_eq!(mode(&0x1400_000a_u32.to_le_bytes()), Some(GuestMode::A64El1));
        assert_eq!(mode(&0xea00_00b8_u32.to_le_bytes()), Some(GuestMode::A32El1));
        assert_eq!((mode(b"\x7fELF"), mode(b"")), (None, None));
    }
}
