//! Static ELF files.
#![allow(dead_code)]

/// What becomes of a part of the file: `bytes` at `addr`, `len` bytes long in memory.
pub struct Segment<'a> {
    /// PF_X, PF_W and PF_R.
    pub flags: u32,
    /// Where it goes.
    pub addr: u64,
    /// What is there.
    pub bytes: &'a [u8],
    /// Its length with zeros behind.
    pub len: u64,
}

/// The machines of ELF files.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Machine {
    /// EM_ARM, in the 32-bit class, with the flags of EABI version 5.
    Arm,
    /// EM_AARCH64.
    Aarch64,
}

const PAGE: u64 = 0x1000;

/// A file, little-endian; addresses of segments begin pages.
pub fn file(machine: Machine, entry: u64, segments: &[Segment]) -> Vec<u8> {
    let wide = machine == Machine::Aarch64;
    let (class, number, flags) = if wide { (2, 183, 0u32) } else { (1, 40, 0x0500_0000) };
    let (header, row): (u16, u16) = if wide { (64, 56) } else { (52, 32) };
    let mut file = vec![0x7f, b'E', b'L', b'F', class, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let word = |file: &mut Vec<u8>, value: u64| file.extend(&value.to_le_bytes()[..if wide { 8 } else { 4 }]);
    // ET_EXEC, version 1; entry, program headers, no section headers.
    file.extend([2, 0, number, 0, 1, 0, 0, 0]);
    [entry, header.into(), 0].into_iter().for_each(|value| word(&mut file, value));
    file.extend(flags.to_le_bytes());
    let counts = [header, row, segments.len() as u16, 0, 0, 0];
    file.extend(counts.iter().flat_map(|count| count.to_le_bytes()));
    let mut at = PAGE;
    for Segment { flags, addr, bytes, len } in segments {
        file.extend(1u32.to_le_bytes());
        if wide {
            file.extend(flags.to_le_bytes());
        }
        [at, *addr, *addr, bytes.len() as u64, *len].into_iter().for_each(|value| word(&mut file, value));
        if !wide {
            file.extend(flags.to_le_bytes());
        }
        word(&mut file, PAGE);
        at += (bytes.len() as u64).next_multiple_of(PAGE);
    }
    for segment in segments {
        file.resize(file.len().next_multiple_of(PAGE as usize), 0);
        file.extend(segment.bytes);
    }
    file
}
