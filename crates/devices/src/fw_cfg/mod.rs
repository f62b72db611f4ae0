//! The firmware configuration device of QEMU's machines (QEMU's documentation, "QEMU Firmware Configuration (fw_cfg)
//! Device"): items by number, and files, which are items with names; read through a register or by DMA.
//!
//! Items don't change and can't be written. A transfer goes to memory that the guest may write, all of it or none.
#![forbid(unsafe_code)]

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use armlet_base::{Access, GuestRam, MmioDevice, RamKind};

use crate::mmio::{self, GuestErrors};

/// Bytes of the registers.
pub const SIZE: u64 = 0x18;

/// The next bytes of the item, 1, 2, 4 or 8 at a time.
const DATA: u64 = 0x00;
/// Number of the item, 16 bits, big-endian.
const SELECTOR: u64 = 0x08;
/// Address of a transfer's descriptor, big-endian; the lower half starts it. Reads as "QEMU CFG".
const DMA: u64 = 0x10;
const DMA_SIGNATURE: u64 = u64::from_be_bytes(*b"QEMU CFG");

/// Numbers of items.
pub mod item {
    /// "QEMU".
    pub const SIGNATURE: u16 = 0x00;
    /// What the device can: bit 0 the register, bit 1 DMA.
    pub const ID: u16 = 0x01;
    /// Number of CPUs, 16 bits.
    pub const CPUS: u16 = 0x05;
    /// Bytes of the kernel, 32 bits.
    pub const KERNEL_SIZE: u16 = 0x08;
    /// Bytes of the initial ramdisk, 32 bits.
    pub const INITRD_SIZE: u16 = 0x0b;
    /// The most CPUs, 16 bits.
    pub const MAX_CPUS: u16 = 0x0f;
    /// The kernel.
    pub const KERNEL: u16 = 0x11;
    /// The initial ramdisk.
    pub const INITRD: u16 = 0x12;
    /// Bytes of the command line with its NUL, 32 bits.
    pub const COMMAND_LINE_SIZE: u16 = 0x14;
    /// The command line.
    pub const COMMAND_LINE: u16 = 0x15;
    /// The directory of files.
    pub const DIRECTORY: u16 = 0x19;
    /// The first file.
    pub const FIRST_FILE: u16 = 0x20;
}

/// Bytes of a file's name in the directory, a NUL among them.
const NAME_LEN: usize = 56;
/// The most files: numbers up to the bit that asks for writing.
const MOST_FILES: usize = 0x4000 - item::FIRST_FILE as usize;

/// Bits of a descriptor's first word; the upper half is an item's number.
mod control {
    pub const ERROR: u32 = 1 << 0;
    pub const READ: u32 = 1 << 1;
    pub const SKIP: u32 = 1 << 2;
    pub const SELECT: u32 = 1 << 3;
    pub const WRITE: u32 = 1 << 4;
}

/// A file that can't be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// The name is empty, has a NUL, or is longer than the directory has room for.
    #[error("{0:?} is no name of a fw_cfg file: it takes 1 to 55 bytes")]
    Name(String),
    /// There is such a file.
    #[error("there are two fw_cfg files {0:?}")]
    Twice(String),
    /// Too many.
    #[error("there are more than {MOST_FILES} fw_cfg files")]
    TooMany,
}

/// Items and files, as long as a machine is made.
#[derive(Clone, Debug, Default)]
pub struct Items {
    items: BTreeMap<u16, Vec<u8>>,
    files: BTreeMap<String, Vec<u8>>,
}

impl Items {
    /// What is always there, for a machine of `cpus` CPUs.
    pub fn new(cpus: usize) -> Self {
        let mut items = Self::default();
        items.set(item::SIGNATURE, b"QEMU".to_vec());
        items.set(item::ID, 3u32.to_le_bytes().to_vec());
        for number in [item::CPUS, item::MAX_CPUS] {
            items.set(number, (cpus as u16).to_le_bytes().to_vec());
        }
        items
    }

    /// Sets an item without a name.
    pub fn set(&mut self, number: u16, contents: Vec<u8>) {
        self.items.insert(number, contents);
    }

    /// Adds a file.
    ///
    /// # Errors
    /// If its name can't be, or is there.
    pub fn add_file(&mut self, name: &str, contents: Vec<u8>) -> Result<(), FileError> {
        if name.is_empty() || name.len() >= NAME_LEN || name.contains('\0') {
            return Err(FileError::Name(name.to_owned()));
        }
        if self.files.len() == MOST_FILES {
            return Err(FileError::TooMany);
        }
        match self.files.insert(name.to_owned(), contents) {
            Some(_) => Err(FileError::Twice(name.to_owned())),
            None => Ok(()),
        }
    }

    /// Everything by number: files come in the order of their names, behind a directory.
    fn numbered(self) -> BTreeMap<u16, Vec<u8>> {
        let mut items = self.items;
        let mut directory = (self.files.len() as u32).to_be_bytes().to_vec();
        for (number, (name, contents)) in (item::FIRST_FILE..).zip(self.files) {
            directory.extend((contents.len() as u32).to_be_bytes());
            directory.extend(number.to_be_bytes());
            directory.extend([0; 2]);
            directory.extend(name.bytes().chain(std::iter::repeat(0)).take(NAME_LEN));
            items.insert(number, contents);
        }
        items.insert(item::DIRECTORY, directory);
        items
    }
}

/// The device.
pub struct FwCfg {
    ram: Arc<GuestRam>,
    items: BTreeMap<u16, Vec<u8>>,
    state: Mutex<State>,
    errors: GuestErrors,
}

#[derive(Default)]
struct State {
    selected: u16,
    /// The next byte of the item.
    at: usize,
    /// Upper half of a descriptor's address.
    high: u32,
}

impl FwCfg {
    /// Offers `items`, and reaches guest memory through `ram`.
    pub fn new(items: Items, ram: Arc<GuestRam>) -> Self {
        Self { ram, items: items.numbered(), state: Mutex::default(), errors: GuestErrors::default() }
    }

    /// Accesses to registers that do not exist.
    pub fn errors(&self) -> &GuestErrors {
        &self.errors
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is left of the selected item.
    fn rest(&self, state: &State) -> &[u8] {
        let item = self.items.get(&state.selected);
        item.and_then(|item| item.get(state.at..)).unwrap_or_default()
    }

    fn data(&self, size: u8) -> u64 {
        let mut state = self.state();
        let mut bytes = [0; 8];
        let rest = self.rest(&state);
        let len = rest.len().min(size.into());
        bytes[..len].copy_from_slice(&rest[..len]);
        state.at = state.at.saturating_add(size.into());
        u64::from_le_bytes(bytes)
    }

    /// Does what the descriptor at `gpa` asks for and says there how it went. No descriptor, no answer.
    fn transfer(&self, state: &mut State, gpa: u64) {
        let mut descriptor = [0; 16];
        if self.ram.read(gpa, &mut descriptor).is_err() || !self.writable(gpa, 4) {
            return;
        }
        let [control, len] =
            [0, 4].map(|at| descriptor[at..].first_chunk().map_or(0, |b| u32::from_be_bytes(*b)));
        let address = descriptor[8..].first_chunk().map_or(0, |b| u64::from_be_bytes(*b));
        if control & control::SELECT != 0 {
            (state.selected, state.at) = ((control >> 16) as u16, 0);
        }
        let done = if control & control::READ != 0 {
            self.copy(state, address, len)
        } else {
            // No item can be written.
            control & control::WRITE == 0
        };
        if done && control & (control::READ | control::SKIP) != 0 {
            state.at = state.at.saturating_add(len as usize);
        }
        let status = if done { 0 } else { control::ERROR };
        // It was found writable.
        let _ = self.ram.write(gpa, &status.to_be_bytes());
    }

    /// Copies the next `len` bytes, zeros behind the end of the item, to `gpa`; false if there is no memory to write.
    fn copy(&self, state: &State, gpa: u64, len: u32) -> bool {
        if !self.writable(gpa, len.into()) {
            return false;
        }
        let rest = self.rest(state);
        let rest = &rest[..rest.len().min(len as usize)];
        let zeros = len as usize - rest.len();
        self.ram.write(gpa, rest).is_ok() && self.ram.zero(gpa + rest.len() as u64, zeros).is_ok()
    }

    /// True if all of the range is memory that the guest can write.
    fn writable(&self, gpa: u64, len: u64) -> bool {
        let Some(end) = gpa.checked_add(len) else { return false };
        let mut at = gpa;
        while at < end {
            match self.ram.find(at) {
                Some((RamKind::ReadWrite, _, left)) => at = at.saturating_add(left),
                _ => return false,
            }
        }
        true
    }
}

impl MmioDevice for FwCfg {
    fn read(&self, access: Access, offset: u64) -> u64 {
        mmio::read(&self.errors, access, offset, |offset, size| match (offset, size) {
            (DATA, _) => Some(self.data(size)),
            (SELECTOR, 2) => Some(self.state().selected.swap_bytes().into()),
            (DMA, 8) => Some(DMA_SIGNATURE.swap_bytes()),
            (DMA, 4) => Some(u64::from(((DMA_SIGNATURE >> 32) as u32).swap_bytes())),
            (_, 4) if offset == DMA + 4 => Some(u64::from((DMA_SIGNATURE as u32).swap_bytes())),
            _ => None,
        })
    }

    fn write(&self, access: Access, offset: u64, value: u64) {
        mmio::write(&self.errors, access, offset, value, |offset, size, value| {
            let mut state = self.state();
            match (offset, size) {
                (SELECTOR, 2) => (state.selected, state.at) = ((value as u16).swap_bytes(), 0),
                (DMA, 8) => self.transfer(&mut state, value.swap_bytes()),
                (DMA, 4) => state.high = (value as u32).swap_bytes(),
                (_, 4) if offset == DMA + 4 => {
                    let high = std::mem::take(&mut state.high);
                    let low = (value as u32).swap_bytes();
                    self.transfer(&mut state, u64::from(high) << 32 | u64::from(low));
                }
                _ => return None,
            }
            Some(())
        });
    }

    fn reset(&self) {
        *self.state() = State::default();
    }

    fn awaits_host(&self) -> bool {
        false
    }
}
