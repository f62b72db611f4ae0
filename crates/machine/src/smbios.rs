//! What UEFI guests are told of the machine as inventory (SMBIOS 3.0, DMTF DSP0134): an entry point and structures in
//! fw_cfg, which firmware puts into memory.

use armlet_devices::fw_cfg::{FileError, Items};

const ENTRY_POINT: &str = "etc/smbios/smbios-anchor";
const STRUCTURES: &str = "etc/smbios/smbios-tables";

const MAKER: &str = "armlet";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// No structure, and no information about errors (chapter 7).
const NONE: u16 = 0xffff;
const NO_ERRORS: u16 = 0xfffe;
/// Handles: those of CPUs and of memory come one after the other from these on.
const BOARD: u16 = 0x100;
const CHASSIS: u16 = 0x300;
const CPUS: u16 = 0x400;
const MEMORY: u16 = 0x1000;

/// What is told.
pub struct Inventory<'a> {
    /// Number of CPUs.
    pub cpus: usize,
    /// Their model.
    pub cpu_model: &'a str,
    /// They have AArch64 state.
    pub aarch64: bool,
    /// Bytes of guest memory.
    pub memory: u64,
    /// Where it begins.
    pub memory_at: u64,
}

/// Adds entry point and structures to `items`.
///
/// # Errors
/// If there are such files.
pub fn add(items: &mut Items, inventory: &Inventory) -> Result<(), FileError> {
    let structures = structures(inventory);
    items.add_file(ENTRY_POINT, entry_point(structures.len() as u32))?;
    items.add_file(STRUCTURES, structures)
}

/// The 64-bit entry point (5.2.2). Firmware sets the address, which is 0 here.
fn entry_point(most: u32) -> Vec<u8> {
    const LEN: u8 = 24;
    // Checksum to come; version 3.0.0; revision 1.
    let mut entry = [&b"_SM3_"[..], &[0, LEN, 3, 0, 0, 1, 0], &most.to_le_bytes(), &[0; 8]].concat();
    entry[5] = entry.iter().fold(0u8, |sum, byte| sum.wrapping_sub(*byte));
    entry
}

/// A structure on its way: formatted area and strings (6.1).
struct Structure {
    bytes: Vec<u8>,
    strings: Vec<u8>,
    count: u8,
}

impl Structure {
    fn new(kind: u8, handle: u16) -> Self {
        let [low, high] = handle.to_le_bytes();
        Self { bytes: vec![kind, 0, low, high], strings: Vec::new(), count: 0 }
    }

    fn put(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend(bytes);
        self
    }

    fn word(self, value: u16) -> Self {
        self.put(&value.to_le_bytes())
    }

    fn dword(self, value: u32) -> Self {
        self.put(&value.to_le_bytes())
    }

    fn qword(self, value: u64) -> Self {
        self.put(&value.to_le_bytes())
    }

    /// A number that stands for `text`.
    fn text(mut self, text: &str) -> Self {
        self.count += 1;
        self.bytes.push(self.count);
        self.strings.extend(text.bytes().chain([0]));
        self
    }

    fn end(mut self, out: &mut Vec<u8>) {
        self.bytes[1] = self.bytes.len() as u8;
        out.extend(self.bytes);
        out.extend(&self.strings);
        // Strings end with an empty one; where there are none two zeros stand.
        out.extend(if self.strings.is_empty() { &[0, 0][..] } else { &[0] });
    }
}

fn structures(inventory: &Inventory) -> Vec<u8> {
    let mut out = Vec::new();
    // Type 0, firmware: of unknown characteristics, but UEFI, and in a virtual machine.
    const UNKNOWN: u64 = 1 << 3;
    const UEFI: u8 = 1 << 3;
    const VIRTUAL: u8 = 1 << 4;
    let firmware = Structure::new(0, 0).text(MAKER).text(VERSION).word(0).text("01/01/2026").put(&[0]);
    firmware.qword(UNKNOWN).put(&[0, UEFI | VIRTUAL, NONE as u8, NONE as u8, 0xff, 0xff]).end(&mut out);
    // Type 1, the system: no UUID, woken by its power switch.
    let system = Structure::new(1, 1).text(MAKER).text("virt").text(VERSION).put(&[0]).put(&[0; 16]);
    system.put(&[6, 0]).text("Virtual Machine").end(&mut out);
    // Type 2, the board: where it all is.
    const HOSTING: u8 = 1 << 0;
    const MOTHERBOARD: u8 = 10;
    let board = Structure::new(2, BOARD).text(MAKER).text("virt").text(VERSION).put(&[0, 0, HOSTING, 0]);
    board.word(CHASSIS).put(&[MOTHERBOARD, 0]).end(&mut out);
    // Type 3, the enclosure: of an other kind, safe in every way.
    let chassis = Structure::new(3, CHASSIS).text(MAKER).put(&[1]).text(VERSION).put(&[0, 0, 3, 3, 3, 3]);
    chassis.dword(0).put(&[0, 1, 0, 0, 0]).end(&mut out);
    (0..inventory.cpus).for_each(|cpu| processor(inventory, cpu).end(&mut out));
    memory(inventory, &mut out);
    // Type 32, the last start: no errors. Type 127, the end.
    Structure::new(32, 0x2000).put(&[0; 7]).end(&mut out);
    Structure::new(127, 0x7f00).end(&mut out);
    out
}

/// Type 4: a CPU of one core and one thread.
fn processor(inventory: &Inventory, cpu: usize) -> Structure {
    const CENTRAL: u8 = 3;
    /// The family is told at the end.
    const SEE_FAMILY_2: u8 = 0xfe;
    const ARMV7: u16 = 0x100;
    const ARMV8: u16 = 0x101;
    /// Socket populated, CPU enabled.
    const RUNNING: u8 = 0x41;
    const OTHER: u8 = 1;
    const IS_64_BIT: u16 = 1 << 2;
    let structure = Structure::new(4, CPUS + cpu as u16).text(&format!("CPU {cpu}"));
    let structure = structure.put(&[CENTRAL, SEE_FAMILY_2]).text(MAKER).qword(0).text(inventory.cpu_model);
    // No voltage; clock, highest and present speed unknown.
    let structure = structure.put(&[0]).word(0).word(0).word(0).put(&[RUNNING, OTHER]);
    // No caches to speak of, no numbers; cores, enabled ones, threads.
    let structure = structure.word(NONE).word(NONE).word(NONE).put(&[0, 0, 0]).put(&[1, 1, 1]);
    let (family, can) = if inventory.aarch64 { (ARMV8, IS_64_BIT) } else { (ARMV7, 0) };
    structure.word(can).word(family).word(1).word(1).word(1)
}

/// Types 16, 17 and 19: an array of one module, and where it is.
fn memory(inventory: &Inventory, out: &mut Vec<u8>) {
    const OTHER: u8 = 1;
    const SYSTEM: u8 = 3;
    const NO_CORRECTION: u8 = 3;
    const DIMM: u8 = 9;
    const RAM: u8 = 7;
    /// The size is told further down.
    const EXTENDED: u32 = 0x8000_0000;
    const EXTENDED_SIZE: u16 = 0x7fff;
    let (kib, mib) = (inventory.memory >> 10, inventory.memory >> 20);
    let array = Structure::new(16, MEMORY).put(&[OTHER, SYSTEM, NO_CORRECTION]);
    array.dword(EXTENDED).word(NO_ERRORS).word(1).qword(inventory.memory).end(out);
    // Widths unknown, no set.
    let module = Structure::new(17, MEMORY + 1).word(MEMORY).word(NO_ERRORS).word(NONE).word(NONE);
    let size = u16::try_from(mib).ok().filter(|mib| *mib < EXTENDED_SIZE).unwrap_or(EXTENDED_SIZE);
    let module = module.word(size).put(&[DIMM, 0]).text("DIMM 0").put(&[0, RAM]).word(1 << 1).word(0);
    let module = module.text(MAKER).put(&[0, 0, 0, 0]);
    let extended = if size == EXTENDED_SIZE { mib as u32 } else { 0 };
    module.dword(extended).word(0).word(0).word(0).word(0).end(out);
    let (first, last) = (inventory.memory_at, inventory.memory_at + inventory.memory - 1);
    let range = Structure::new(19, MEMORY + 2).dword((first >> 10) as u32);
    match u32::try_from((first >> 10) + kib - 1) {
        Ok(end) if end != u32::MAX => range.dword(end).word(MEMORY).put(&[1]).qword(0).qword(0).end(out),
        _ => {
            let range = Structure::new(19, MEMORY + 2).dword(u32::MAX).dword(u32::MAX).word(MEMORY).put(&[1]);
            range.qword(first).qword(last).end(out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Types with the bytes of their formatted areas and their strings.
    fn taken_apart(mut bytes: &[u8]) -> Vec<(u8, usize, Vec<String>)> {
        let mut all = Vec::new();
        while !bytes.is_empty() {
            let (kind, len) = (bytes[0], usize::from(bytes[1]));
            let end = len + bytes[len..].windows(2).position(|two| two == [0, 0]).unwrap();
            let strings = bytes[len..end].split(|byte| *byte == 0).filter(|text| !text.is_empty());
            all.push((kind, len, strings.map(|text| String::from_utf8(text.to_vec()).unwrap()).collect()));
            bytes = &bytes[end + 2..];
        }
        all
    }

    #[test]
    fn structures_have_the_lengths_of_the_specification() {
        for memory in [512 << 20, 255 << 30, 8 << 40] {
            let of = Inventory { cpus: 2, cpu_model: "max", aarch64: true, memory, memory_at: 0x4000_0000 };
            let all = taken_apart(&structures(&of));
            let shapes: Vec<_> = all.iter().map(|(kind, len, _)| (*kind, *len)).collect();
            let cpus = [(4, 0x30), (4, 0x30)];
            let expected = [
                &[(0, 0x18), (1, 0x1b), (2, 0x0f), (3, 0x16)][..],
                &cpus,
                &[(16, 0x17), (17, 0x28), (19, 0x1f), (32, 0x0b), (127, 4)],
            ];
            assert_eq!(shapes, expected.concat());
            assert_eq!(all[5].2, ["CPU 1", "armlet", "max"]);
            assert_eq!(all[1].2, ["armlet", "virt", VERSION, "Virtual Machine"]);
        }
    }

    #[test]
    fn the_entry_point_adds_up() {
        let entry = entry_point(1000);
        assert_eq!(entry.len(), 24);
        assert_eq!(entry.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte)), 0);
    }
}
