//! ELF programs (the System V ABI's chapters 4 and 5, and Arm's AAELF64 and AAELF32).

use std::ops::Range;

use armlet_hv::GuestMode;

use super::bytes::{has, u16, u32, u64};
use super::fault::Fault;

const PT_LOAD: u32 = 1;
const PT_INTERP: u32 = 3;
const EM_ARM: u16 = 40;
const EM_AARCH64: u16 = 183;

/// Where the fields of one class of ELF files are.
struct Class {
    /// Length of the file's header.
    header: u64,
    /// Reads an address or offset.
    word: fn(&[u8], usize) -> Option<u64>,
    /// `e_phoff`, `e_phentsize` and `e_phnum`.
    table: [usize; 3],
    /// Length of a program header.
    entry: u16,
    /// `p_offset`, `p_vaddr`, `p_paddr`, `p_filesz` and `p_memsz`.
    segment: [usize; 5],
}

const CLASS64: Class =
    Class { header: 64, word: u64, table: [32, 54, 56], entry: 56, segment: [8, 16, 24, 32, 40] };
const CLASS32: Class = Class {
    header: 52,
    word: |bytes, at| u32(bytes, at).map(u64::from),
    table: [28, 42, 44],
    entry: 32,
    segment: [4, 8, 12, 16, 20],
};

/// A piece of the program in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Physical address it asks for (`p_paddr`).
    pub paddr: u64,
    /// Virtual address it is linked at (`p_vaddr`).
    pub vaddr: u64,
    /// Its bytes of the file.
    pub file: Range<usize>,
    /// Length in memory; what the file does not fill is zero.
    pub memsz: u64,
}

/// A loadable program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elf {
    /// The state it starts in.
    pub mode: GuestMode,
    /// Non-empty segments by physical address, disjoint.
    pub segments: Vec<Segment>,
    /// Physical address of the entry point; bit 0 chooses T32 in AArch32 state.
    pub entry: u64,
    /// True if the program may be loaded anywhere as a whole (ET_DYN).
    pub relocatable: bool,
}

impl Elf {
    /// First address, and first after the last.
    pub fn extent(&self) -> Range<u64> {
        let start = self.segments.first().map_or(0, |s| s.paddr);
        let end = self.segments.last().map_or(0, |s| s.paddr.saturating_add(s.memsz));
        start..end
    }
}

/// True if `bytes` start like an ELF file of any kind.
pub fn is_elf(bytes: &[u8]) -> bool {
    has(bytes, 0, b"\x7fELF")
}

/// Reads an executable.
pub fn parse(bytes: &[u8]) -> Result<Elf, Fault> {
    let have = bytes.len() as u64;
    let short = |need| Fault::Truncated { what: "ELF file", need, have };
    let corrupt = |why: String| Fault::Corrupt { what: "ELF file", why };
    let (class, data) = bytes.get(4).zip(bytes.get(5)).ok_or_else(|| short(64))?;
    let mode = check_machine(bytes, *class, *data)?;
    let class = if mode.is_aarch32() { &CLASS32 } else { &CLASS64 };
    let header = || short(class.header);
    let object_type = u16(bytes, 16).ok_or_else(header)?;
    let entry = (class.word)(bytes, 24).ok_or_else(header)?;
    let table = (class.word)(bytes, class.table[0]).ok_or_else(header)?;
    let entry_size = u16(bytes, class.table[1]).ok_or_else(header)?;
    let count = u16(bytes, class.table[2]).ok_or_else(header)?;
    let not = |what, fix| Fault::NotAKernel { what, fix };
    match object_type {
        1 => return Err(not("an ELF object file", "link it to an executable first")),
        2 | 3 => {}
        4 => return Err(not("a core dump", "pass the program itself")),
        other => return Err(corrupt(format!("type {other}"))),
    }
    if count > 0 && entry_size < class.entry {
        return Err(corrupt(format!("program headers of {entry_size} bytes")));
    }
    let end = u64::from(count)
        .checked_mul(entry_size.into())
        .and_then(|len| len.checked_add(table))
        .ok_or_else(|| corrupt("program headers beyond the end of everything".into()))?;
    if end > have {
        return Err(short(end));
    }
    let mut segments = Vec::new();
    for i in 0..usize::from(count) {
        let at = table as usize + i * usize::from(entry_size);
        let field = |n: usize| (class.word)(bytes, at + class.segment[n]).ok_or_else(header);
        match u32(bytes, at) {
            Some(PT_INTERP) => {
                return Err(not(
                    "a program that needs an operating system (it names an interpreter)",
                    "start it inside a Linux guest",
                ));
            }
            Some(PT_LOAD) => {}
            _ => continue,
        }
        let (offset, vaddr, paddr) = (field(0)?, field(1)?, field(2)?);
        let (filesz, memsz) = (field(3)?, field(4)?);
        if memsz == 0 {
            continue;
        }
        let end = offset.checked_add(filesz).filter(|end| *end <= have);
        let end = end.ok_or_else(|| short(offset.saturating_add(filesz)))?;
        if filesz > memsz || paddr.checked_add(memsz).is_none() {
            return Err(corrupt(format!("segment {i} is {filesz:#x} bytes in {memsz:#x} at {paddr:#x}")));
        }
        segments.push(Segment { paddr, vaddr, file: offset as usize..end as usize, memsz });
    }
    segments.sort_by_key(|s| s.paddr);
    if segments.is_empty() {
        return Err(corrupt("nothing in it is to be loaded".into()));
    }
    if let Some(pair) = segments.windows(2).find(|p| p[0].paddr + p[0].memsz > p[1].paddr) {
        return Err(corrupt(format!("segments overlap at {:#x}", pair[1].paddr)));
    }
    let entry = segments
        .iter()
        .find(|s| entry.checked_sub(s.vaddr).is_some_and(|offset| offset < s.memsz))
        .map_or(entry, |s| s.paddr + (entry - s.vaddr));
    Ok(Elf { mode, segments, entry, relocatable: object_type == 3 })
}

fn check_machine(bytes: &[u8], class: u8, data: u8) -> Result<GuestMode, Fault> {
    let machine = bytes.get(18..20).and_then(|b| b.first_chunk::<2>()).copied();
    let machine = machine.ok_or(Fault::Truncated { what: "ELF file", need: 64, have: bytes.len() as u64 })?;
    let machine = if data == 2 { u16::from_be_bytes(machine) } else { u16::from_le_bytes(machine) };
    let foreign = match machine {
        EM_AARCH64 | EM_ARM if data == 2 => return Err(Fault::BigEndian("ELF program")),
        EM_AARCH64 if class == 2 => return Ok(GuestMode::A64El1),
        EM_ARM if class == 1 => return Ok(GuestMode::A32El1),
        EM_ARM => return Err(Fault::Corrupt { what: "ELF file", why: "64-bit file, 32-bit code".into() }),
        EM_AARCH64 => return Err(Fault::Corrupt { what: "ELF file", why: "ILP32 code".into() }),
        62 => "an x86-64",
        3 => "an i386",
        243 => "a RISC-V",
        258 => "a LoongArch",
        8 => "a MIPS",
        20 | 21 => "a PowerPC",
        22 => "an S/390",
        2 | 18 | 43 => "a SPARC",
        247 => "an eBPF",
        other => return Err(Fault::Foreign { what: format!("an ELF file for machine number {other}") }),
    };
    Err(Fault::Foreign { what: format!("{foreign} ELF") })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A segment: `(vaddr, paddr, file bytes, memsz)`.
    type Piece<'a> = (u64, u64, &'a [u8], u64);

    /// An AArch64 executable with the given segments.
    pub fn elf(object_type: u16, entry: u64, segments: &[Piece]) -> Vec<u8> {
        build(&CLASS64, EM_AARCH64, object_type, entry, segments)
    }

    /// An AArch32 executable with the given segments.
    pub fn elf32(object_type: u16, entry: u64, segments: &[Piece]) -> Vec<u8> {
        build(&CLASS32, EM_ARM, object_type, entry, segments)
    }

    fn build(class: &Class, machine: u16, object_type: u16, entry: u64, segments: &[Piece]) -> Vec<u8> {
        let (header, size) = (class.header as usize, usize::from(class.entry));
        let width = if size == 56 { 8 } else { 4 };
        let mut bytes = vec![0; header + size * segments.len()];
        let set = |bytes: &mut Vec<u8>, at: usize, value: u64, len: usize| {
            bytes[at..at + len].copy_from_slice(&value.to_le_bytes()[..len]);
        };
        bytes[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', width as u8 / 4, 1]);
        set(&mut bytes, 16, object_type.into(), 2);
        set(&mut bytes, 18, machine.into(), 2);
        set(&mut bytes, 24, entry, width);
        set(&mut bytes, class.table[0], class.header, width);
        set(&mut bytes, class.table[1], class.entry.into(), 2);
        set(&mut bytes, class.table[2], segments.len() as u64, 2);
        for (i, (vaddr, paddr, data, memsz)) in segments.iter().enumerate() {
            let at = header + size * i;
            bytes[at] = PT_LOAD as u8;
            let values = [bytes.len() as u64, *vaddr, *paddr, data.len() as u64, *memsz];
            for (field, value) in class.segment.into_iter().zip(values) {
                set(&mut bytes, at + field, value, width);
            }
            bytes.extend_from_slice(data);
        }
        bytes
    }

    #[test]
    fn loads_by_physical_address_and_translates_the_entry() {
        let bytes = elf(
            2,
            0xffff_0000_0008,
            &[(0xffff_0000_0000, 0x4010_0000, b"0123456789ab", 0x100), (0, 0x4000_0000, b"x", 1)],
        );
        let elf = parse(&bytes).unwrap();
        assert_eq!(elf.entry, 0x4010_0008);
        assert_eq!(elf.extent(), 0x4000_0000..0x4010_0100);
        assert_eq!(&bytes[elf.segments[1].file.clone()], b"0123456789ab");
    }

    #[test]
    fn a_32_bit_program_keeps_the_bit_that_chooses_t32() {
        let bytes = elf32(2, 0x8001, &[(0x8000, 0x4001_0000, b"0123", 8), (0x9000, 0x4002_0000, b"4", 1)]);
        let elf = parse(&bytes).unwrap();
        assert_eq!((elf.mode, elf.entry, elf.relocatable), (GuestMode::A32El1, 0x4001_0001, false));
        assert_eq!(elf.extent(), 0x4001_0000..0x4002_0001);
        assert_eq!(&bytes[elf.segments[0].file.clone()], b"0123");
        let short = Fault::Truncated { what: "ELF file", need: 52, have: 40 };
        assert_eq!(parse(&bytes[..40]), Err(short));
        let mut wrong = bytes;
        wrong[4] = 2;
        assert!(matches!(parse(&wrong), Err(Fault::Corrupt { .. })));
    }

    #[test]
    fn says_what_it_is_when_it_is_for_something_else() {
        let mut bytes = elf(2, 0, &[(0, 0, b"", 1)]);
        bytes[18] = 62;
        assert!(parse(&bytes).unwrap_err().to_string().starts_with("this is an x86-64 ELF"));
        bytes[18..20].copy_from_slice(&[0, 183]);
        bytes[5] = 2;
        assert_eq!(parse(&bytes), Err(Fault::BigEndian("ELF program")));
    }

    #[test]
    fn refuses_what_can_not_be_loaded() {
        let interpreted = {
            let mut bytes = elf(3, 0, &[(0, 0, b"/lib/ld.so", 10)]);
            bytes[64] = PT_INTERP as u8;
            bytes
        };
        assert!(matches!(parse(&interpreted), Err(Fault::NotAKernel { .. })));
        let overlapping = elf(2, 0, &[(0, 0x1000, b"", 0x1001), (0, 0x2000, b"", 1)]);
        assert!(matches!(parse(&overlapping), Err(Fault::Corrupt { .. })));
        let cut = elf(2, 0, &[(0, 0x1000, b"0123", 4)]);
        assert!(matches!(parse(&cut[..cut.len() - 1]), Err(Fault::Truncated { .. })));
        assert!(matches!(parse(&elf(2, 0, &[])), Err(Fault::Corrupt { .. })));
        assert!(matches!(parse(&elf(2, 0, &[(0, u64::MAX, b"", 2)])), Err(Fault::Corrupt { .. })));
    }

    proptest! {
        #[test]
        fn never_panics(
            bytes in proptest::collection::vec(any::<u8>(), 0..300),
            edits in proptest::collection::vec((0usize..200, any::<u8>()), 0..6),
        ) {
            let _ = parse(&bytes);
            for build in [elf, elf32] {
                let mut mutated = build(2, 0x10, &[(0, 0x4000_0000, b"0123", 8), (9, 0x5000_0000, b"", 8)]);
                for (at, value) in &edits {
                    let at = at % mutated.len();
                    mutated[at] = *value;
                }
                if let Ok(elf) = parse(&mutated) {
                    prop_assert!(elf.segments.iter().all(|s| s.file.end <= mutated.len()));
                }
            }
        }
    }
}
