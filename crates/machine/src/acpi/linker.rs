//! Tables whose addresses nobody knows yet: one file with all of them, one with the root, and one of commands for firmware,
//! which finds memory for the others and puts addresses into them (QEMU's documentation and source call it table loader).

use armlet_devices::fw_cfg::{FileError, Items};

use super::tables::{CHECKSUM, RSDP_FIRST_PART};

const TABLES: &str = "etc/acpi/tables";
const ROOT: &str = "etc/acpi/rsdp";
const COMMANDS: &str = "etc/table-loader";

/// Bytes of a command, and of a file's name in it.
const COMMAND_LEN: usize = 128;
const NAME_LEN: usize = 56;

const ALLOCATE: u32 = 1;
const ADD_POINTER: u32 = 2;
const ADD_CHECKSUM: u32 = 3;
/// Zones of memory to allocate from.
const ANYWHERE: u8 = 1;
const LOW: u8 = 2;

/// Tables in their order, and the pointers in them.
#[derive(Default)]
pub struct Linker {
    tables: Vec<u8>,
    /// Where each begins.
    starts: Vec<u32>,
    /// Where a pointer is, and its bytes.
    pointers: Vec<(u32, u8)>,
}

impl Linker {
    /// Adds a table; where it begins in the file.
    pub fn add(&mut self, table: Vec<u8>) -> u32 {
        self.tables.resize(self.tables.len().next_multiple_of(8), 0);
        let start = self.tables.len() as u32;
        self.tables.extend(table);
        self.starts.push(start);
        start
    }

    /// Makes the `size` bytes at `at` the address of what is at `target`.
    pub fn point(&mut self, at: u32, size: u8, target: u32) {
        let bytes = u64::from(target).to_le_bytes();
        self.tables[at as usize..][..size.into()].copy_from_slice(&bytes[..size.into()]);
        self.pointers.push((at, size));
    }

    /// Adds the files to `items`: the tables, `root` with a pointer at `at` to the table at `target`, and the commands.
    ///
    /// # Errors
    /// If there are such files.
    pub fn finish(
        mut self,
        mut root: Vec<u8>,
        at: u32,
        target: u32,
        items: &mut Items,
    ) -> Result<(), FileError> {
        let mut commands = [allocate(TABLES, 64, ANYWHERE), allocate(ROOT, 16, LOW)].concat();
        for (at, size) in &self.pointers {
            commands.extend(add_pointer(TABLES, *at, *size));
        }
        root[at as usize..][..8].copy_from_slice(&u64::from(target).to_le_bytes());
        commands.extend(add_pointer(ROOT, at, 8));
        // What has a pointer gets its checksum when that is known.
        for (index, start) in self.starts.iter().enumerate() {
            let end = self.starts.get(index + 1).copied().unwrap_or(self.tables.len() as u32);
            if self.pointers.iter().any(|(at, _)| (*start..end).contains(at)) {
                let len = self.tables[*start as usize + 4..]
                    .first_chunk()
                    .map_or(0, |len| u32::from_le_bytes(*len));
                self.tables[(start + CHECKSUM) as usize] = 0;
                commands.extend(add_checksum(TABLES, start + CHECKSUM, *start, len));
            }
        }
        let len = root.len() as u32;
        commands.extend(add_checksum(ROOT, 8, 0, RSDP_FIRST_PART));
        commands.extend(add_checksum(ROOT, 32, 0, len));
        items.add_file(TABLES, self.tables)?;
        items.add_file(ROOT, root)?;
        items.add_file(COMMANDS, commands)
    }
}

/// A command from its parts.
fn command(parts: &[&[u8]]) -> Vec<u8> {
    let mut command = parts.concat();
    command.resize(COMMAND_LEN, 0);
    command
}

fn name(name: &str) -> [u8; NAME_LEN] {
    let mut bytes = [0; NAME_LEN];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    bytes
}

fn allocate(file: &str, align: u32, zone: u8) -> Vec<u8> {
    command(&[&ALLOCATE.to_le_bytes(), &name(file), &align.to_le_bytes(), &[zone]])
}

/// Adds the address of the tables to the number that is there.
fn add_pointer(file: &str, at: u32, size: u8) -> Vec<u8> {
    command(&[&ADD_POINTER.to_le_bytes(), &name(file), &name(TABLES), &at.to_le_bytes(), &[size]])
}

fn add_checksum(file: &str, at: u32, start: u32, len: u32) -> Vec<u8> {
    let numbers = [at, start, len].map(u32::to_le_bytes).concat();
    command(&[&ADD_CHECKSUM.to_le_bytes(), &name(file), &numbers])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_as_firmware_reads_them() {
        let pointer = add_pointer(ROOT, 24, 8);
        assert_eq!((pointer.len(), pointer[0], &pointer[4..17]), (128, 2, ROOT.as_bytes()));
        assert_eq!((&pointer[60..75], pointer[116], pointer[120]), (TABLES.as_bytes(), 24, 8));
        let allocate = allocate(TABLES, 64, ANYWHERE);
        assert_eq!((allocate[60], allocate[64]), (64, 1));
        assert_eq!(add_checksum(ROOT, 8, 0, 20)[60..72], [8, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0]);
    }

    #[test]
    fn tables_begin_at_words_and_pointers_hold_offsets() {
        let mut linker = Linker::default();
        let first = linker.add(vec![1; 37]);
        let second = linker.add(vec![2; 48]);
        assert_eq!((first, second), (0, 40));
        linker.point(second + 40, 8, first);
        assert_eq!(linker.tables[80..88], [0; 8]);
    }
}
