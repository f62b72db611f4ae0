//! Parallel NOR flash: a bank of two x16 chips with Intel's commands, side by side on a bus of 32 bits.
//!
//! While the chips read as their contents, the bank is read-only memory of the guest, which reads and runs it without
//! an exit; writes are commands and come here. As soon as they read as anything else the bank's memory is hidden, and
//! reads come here too, until the driver puts them back. A driver does that around every operation, and none runs from
//! the bank meanwhile, so that the memory goes away once for each operation.
//!
//! A command on any part of the bus is one to both chips, and data has the width of its store, as in QEMU's `virt`: U-Boot
//! takes the bank for a single chip on 16 bits, and it works.
//!
//! A bank may be locked: commands work, and nothing changes. What changes is written to a [`Store`] before the chip says
//! it is done.
#![forbid(unsafe_code)]

mod chip;
mod spec;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use armlet_base::{Access, GuestRam, MmioDevice};

use chip::{Chips, Piece, Reads, Refused, Work};

/// Bytes of the bus.
const BUS: u64 = 4;
/// Bytes of a block: both chips'.
pub const BLOCK: u64 = spec::CHIP_BLOCK as u64 * 2;
/// The largest bank: 128 MiB, for a chip's table has no more blocks.
const LARGEST: u64 = BLOCK << 9;

/// Where the contents of a bank outlive the machine.
pub trait Store: Send + Sync {
    /// Replaces what is at `offset` in the bank.
    ///
    /// # Errors
    /// If the host can't. The guest is told that the operation failed.
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()>;
}

impl<S: Store + ?Sized> Store for Arc<S> {
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        (**self).write(offset, data)
    }
}

/// What becomes of changes.
pub enum Changes {
    /// There are none: the bank is locked.
    Locked,
    /// They last as long as the machine.
    Volatile,
    /// They are kept.
    Stored(Box<dyn Store>),
}

/// Shows the bank's memory to the guest, or hides it.
pub type Show = Box<dyn Fn(bool) + Send + Sync>;

/// A bank of flash memory.
pub struct Flash {
    ram: Arc<GuestRam>,
    /// Where the bank is, in guest physical memory.
    base: u64,
    len: u64,
    table: [u8; 0x2d],
    changes: Changes,
    show: Show,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    chips: Chips,
    hidden: bool,
}

impl Flash {
    /// A bank whose contents are the read-only region of `ram` at `base`.
    ///
    /// # Panics
    /// If there is no whole region of 1 to 512 blocks, a mistake of the board.
    pub fn new(ram: Arc<GuestRam>, base: u64, changes: Changes, show: Show) -> Self {
        let region = ram.regions().find(|region| region.gpa == base).expect("a bank has memory");
        let len = region.len;
        assert!(len.is_power_of_two() && (BLOCK..=LARGEST).contains(&len), "a bank of {len:#x} bytes");
        let table = spec::query((len / 2) as u32);
        Self { ram, base, len, table, changes, show, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes of the bank.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Never: a bank has blocks.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn read_byte(&self, state: &State, offset: u64) -> u8 {
        if state.chips.reads() == Reads::Array {
            let mut byte = [0];
            // Inside by the bus's range.
            let _ = self.ram.read(self.base + offset, &mut byte);
            return byte[0];
        }
        state.chips.read(offset / BUS, &self.table).to_le_bytes()[(offset % 2) as usize]
    }

    /// Changes the contents, and has the change kept.
    fn work(&self, work: &Work) -> Result<(), Refused> {
        if matches!(self.changes, Changes::Locked) {
            return Err(Refused::Locked);
        }
        match work {
            Work::Erase(offset) => self.store(offset / BLOCK * BLOCK, &vec![0xff; BLOCK as usize]),
            Work::Program(pieces) => self.program(pieces),
        }
    }

    fn program(&self, pieces: &[Piece]) -> Result<(), Refused> {
        let start = pieces.iter().map(|piece| piece.offset).min().ok_or(Refused::Failed)?;
        let end = pieces.iter().map(|piece| piece.offset + u64::from(piece.size)).max().unwrap_or(start);
        // A buffer is programmed within a block.
        if start / BLOCK != (end - 1) / BLOCK {
            return Err(Refused::Failed);
        }
        let mut contents = vec![0; (end - start) as usize];
        self.ram.read(self.base + start, &mut contents).map_err(|_| Refused::Failed)?;
        for piece in pieces {
            let bits = piece.value.to_le_bytes();
            let bytes = &mut contents[(piece.offset - start) as usize..];
            bytes.iter_mut().zip(bits).take(piece.size.into()).for_each(|(byte, bits)| *byte &= bits);
        }
        self.store(start, &contents)
    }

    /// Replaces contents, where they are kept first.
    fn store(&self, offset: u64, contents: &[u8]) -> Result<(), Refused> {
        if let Changes::Stored(store) = &self.changes {
            store.write(offset, contents).map_err(|_| Refused::Failed)?;
        }
        self.ram.write(self.base + offset, contents).map_err(|_| Refused::Failed)
    }

    /// Hides or shows the memory as the chips' reads want it.
    fn settle(&self, state: &mut State) {
        let hidden = state.chips.reads() != Reads::Array;
        if hidden != state.hidden {
            state.hidden = hidden;
            (self.show)(!hidden);
        }
    }
}

impl MmioDevice for Flash {
    fn read(&self, access: Access, offset: u64) -> u64 {
        let state = self.state();
        let byte = |n: u64| u64::from(self.read_byte(&state, offset + n)) << (8 * n);
        (0..u64::from(access.size)).fold(0, |value, n| value | byte(n))
    }

    fn write(&self, access: Access, offset: u64, value: u64) {
        let mut state = self.state();
        // What is wider than the bus comes in two parts.
        let parts = [(offset, value as u32), (offset + BUS, (value >> 32) as u32)];
        for (offset, value) in parts.into_iter().take(if access.size > 4 { 2 } else { 1 }) {
            let piece = Piece { offset, size: access.size.min(4), value };
            state.chips.write(piece, |work| self.work(work));
        }
        self.settle(&mut state);
    }

    fn reset(&self) {
        let mut state = self.state();
        state.chips = Chips::default();
        self.settle(&mut state);
    }

    fn awaits_host(&self) -> bool {
        false
    }
}
