//! ELF64 programs (the System V ABI's chapters 4 and 5, and Arm's AAELF64).

use std::ops::Range;

use super::bytes::{has, u16, u32, u64};
use super::fault::Fault;

const PT_LOAD: u32 = 1;
const PT_INTERP: u32 = 3;
const EM_AARCH64: u16 = 183;

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

/// A loadable AArch64 program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elf {
    /// Non-empty segments by physical address, disjoint.
    pub segments: Vec<Segment>,
    /// Physical address of the entry point.
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

/// Reads an AArch64 executable.
pub fn parse(bytes: &[u8]) -> Result<Elf, Fault> {
    let have = bytes.len() as u64;
    let short = |need| Fault::Truncated { what: "ELF file", need, have };
    let corrupt = |why: String| Fault::Corrupt { what: "ELF file", why };
    let header = || short(64);
    let (class, data) = bytes.get(4).zip(bytes.get(5)).ok_or_else(header)?;
    check_machine(bytes, *class, *data)?;
    let object_type = u16(bytes, 16).ok_or_else(header)?;
    let entry = u64(bytes, 24).ok_or_else(header)?;
    let table = u64(bytes, 32).ok_or_else(header)?;
    let entry_size = u16(bytes, 54).ok_or_else(header)?;
    let count = u16(bytes, 56).ok_or_else(header)?;
    let not = |what, fix| Fault::NotAKernel { what, fix };
    match object_type {
        1 => return Err(not("an ELF object file", "link it to an executable first")),
        2 | 3 => {}
        4 => return Err(not("a core dump", "pass the program itself")),
        other => return Err(corrupt(format!("type {other}"))),
    }
    if count > 0 && entry_size < 56 {
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
        let field = |offset| u64(bytes, at + offset).ok_or_else(header);
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
        let (offset, vaddr, paddr) = (field(8)?, field(16)?, field(24)?);
        let (filesz, memsz) = (field(32)?, field(40)?);
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
    Ok(Elf { segments, entry, relocatable: object_type == 3 })
}

fn check_machine(bytes: &[u8], class: u8, data: u8) -> Result<(), Fault> {
    let machine = bytes.get(18..20).and_then(|b| b.first_chunk::<2>()).copied();
    let machine = machine.ok_or(Fault::Truncated { what: "ELF file", need: 64, have: bytes.len() as u64 })?;
    let machine = if data == 2 { u16::from_be_bytes(machine) } else { u16::from_le_bytes(machine) };
    let foreign = match machine {
        EM_AARCH64 if data == 2 => return Err(Fault::BigEndian("ELF program")),
        EM_AARCH64 if class == 2 => return Ok(()),
        EM_AARCH64 => return Err(Fault::Corrupt { what: "ELF file", why: "ILP32 code".into() }),
        40 => return Err(Fault::Arm32("ELF program")),
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

    /// An executable with the given `(vaddr, paddr, file bytes, memsz)` segments.
    pub fn elf(object_type: u16, entry: u64, segments: &[(u64, u64, &[u8], u64)]) -> Vec<u8> {
        let mut bytes = vec![0; 64 + 56 * segments.len()];
        bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
        bytes[16..18].copy_from_slice(&object_type.to_le_bytes());
        bytes[18..20].copy_from_slice(&EM_AARCH64.to_le_bytes());
        bytes[24..32].copy_from_slice(&entry.to_le_bytes());
        bytes[32] = 64;
        bytes[54] = 56;
        bytes[56] = segments.len() as u8;
        for (i, (vaddr, paddr, data, memsz)) in segments.iter().enumerate() {
            let at = 64 + 56 * i;
            bytes[at] = PT_LOAD as u8;
            let offset = bytes.len() as u64;
            for (field, value) in
                [(8, offset), (16, *vaddr), (24, *paddr), (32, data.len() as u64), (40, *memsz)]
            {
                bytes[at + field..at + field + 8].copy_from_slice(&value.to_le_bytes());
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
    fn says_what_it_is_when_it_is_for_something_else() {
        let mut bytes = elf(2, 0, &[(0, 0, b"", 1)]);
        bytes[18] = 62;
        assert!(parse(&bytes).unwrap_err().to_string().starts_with("this is an x86-64 ELF"));
        bytes[18] = 40;
        assert_eq!(parse(&bytes), Err(Fault::Arm32("ELF program")));
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
            let mut mutated = elf(2, 0x10, &[(0, 0x4000_0000, b"0123", 8), (9, 0x5000_0000, b"", 8)]);
            for (at, value) in edits {
                let at = at % mutated.len();
                mutated[at] = value;
            }
            if let Ok(elf) = parse(&mutated) {
                prop_assert!(elf.segments.iter().all(|s| s.file.end <= mutated.len()));
            }
        }
    }
}
