//! Legacy U-Boot images, `uImage`: a kernel behind 64 bytes that say what it is (U-Boot's include/image.h). All
//! fields are big-endian.

use armlet_hv::GuestMode;

use super::bytes::has;
use super::fault::Fault;
use super::unpack::{self, Method};

const HEADER_LEN: usize = 64;
const MAGIC: &[u8] = b"\x27\x05\x19\x56";
const OS_LINUX: u8 = 5;
const ARCH_ARM: u8 = 2;
const ARCH_ARM64: u8 = 22;
const TYPE_STANDALONE: u8 = 1;
const TYPE_KERNEL: u8 = 2;
const TYPE_KERNEL_NOLOAD: u8 = 14;

/// What a `uImage` holds, unpacked, and what its header says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uimage {
    /// The state it starts in.
    pub mode: GuestMode,
    /// True for a Linux kernel.
    pub linux: bool,
    /// Where it goes and where it starts, unless it goes anywhere.
    pub at: Option<(u64, u64)>,
    /// The contents.
    pub bytes: Vec<u8>,
}

/// True if `bytes` start like a `uImage`.
pub fn is_uimage(bytes: &[u8]) -> bool {
    has(bytes, 0, MAGIC)
}

/// Checks both checksums and unpacks the contents.
pub fn parse(bytes: &[u8]) -> Result<Uimage, Fault> {
    let have = bytes.len() as u64;
    let short = |need| Fault::Truncated { what: "uImage", need, have };
    let corrupt = |why: &str| Fault::Corrupt { what: "uImage", why: why.to_owned() };
    let header: &[u8; HEADER_LEN] = bytes.first_chunk().ok_or_else(|| short(HEADER_LEN as u64))?;
    let word = |at: usize| header[at..].first_chunk().map_or(0, |b| u32::from_be_bytes(*b));
    let mut unsigned = *header;
    unsigned[4..8].fill(0);
    if crc32(&unsigned) != word(4) {
        return Err(corrupt("the checksum of its header is wrong"));
    }
    let end = HEADER_LEN as u64 + u64::from(word(12));
    let data = bytes.get(HEADER_LEN..end as usize).ok_or_else(|| short(end))?;
    let [os, arch, kind, packing] = [28, 29, 30, 31].map(|at| header[at]);
    let mode = mode(arch)?;
    check_kind(kind)?;
    if crc32(data) != word(24) {
        return Err(corrupt("the checksum of its contents is wrong"));
    }
    let bytes = match method(packing)? {
        None => data.to_vec(),
        Some(method) => unpack::unpack(method, data, unpack::LIMIT, false)?,
    };
    if bytes.is_empty() {
        return Err(corrupt("there is nothing in it"));
    }
    let (load, entry) = (u64::from(word(16)), u64::from(word(20)));
    let at = (kind != TYPE_KERNEL_NOLOAD).then_some((load, entry));
    Ok(Uimage { mode, linux: os == OS_LINUX, at, bytes })
}

fn mode(arch: u8) -> Result<GuestMode, Fault> {
    let foreign = match arch {
        ARCH_ARM => return Ok(GuestMode::A32El1),
        ARCH_ARM64 => return Ok(GuestMode::A64El1),
        3 | 24 => "an x86",
        5 | 6 => "a MIPS",
        7 => "a PowerPC",
        12 => "an m68k",
        26 => "a RISC-V",
        other => return Err(Fault::Foreign { what: format!("a uImage for architecture number {other}") }),
    };
    Err(Fault::Foreign { what: format!("{foreign} uImage") })
}

fn check_kind(kind: u8) -> Result<(), Fault> {
    let inside = "pass the kernel that is inside";
    let (what, fix) = match kind {
        TYPE_STANDALONE | TYPE_KERNEL | TYPE_KERNEL_NOLOAD => return Ok(()),
        3 => ("a uImage of a ramdisk", "pass what is inside with --initrd beside a kernel"),
        4 => ("a uImage of several files", inside),
        6 => ("a uImage of a U-Boot script", inside),
        8 => ("a uImage of a device tree", "pass what is inside with --dtb"),
        _ => ("a uImage of another kind", inside),
    };
    Err(Fault::NotAKernel { what, fix })
}

fn method(packing: u8) -> Result<Option<Method>, Fault> {
    Ok(Some(match packing {
        0 => return Ok(None),
        1 => Method::Gzip,
        3 => Method::Lzma,
        6 => Method::Zstd,
        2 => return Err(Fault::Compression("bzip2".into())),
        4 => return Err(Fault::Compression("lzo".into())),
        5 => return Err(Fault::Compression("lz4".into())),
        other => return Err(Fault::Compression(format!("method {other}"))),
    }))
}

/// CRC-32 of ISO 3309, as gzip has it.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;

    /// A `uImage` with these os, architecture, type and packing, to be loaded at `load`.
    pub fn uimage(kinds: [u8; 4], load: u32, data: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; HEADER_LEN];
        bytes[..4].copy_from_slice(MAGIC);
        for (at, word) in [(12, data.len() as u32), (16, load), (20, load + 4), (24, crc32(data))] {
            bytes[at..at + 4].copy_from_slice(&word.to_be_bytes());
        }
        bytes[28..32].copy_from_slice(&kinds);
        let sum = crc32(&bytes);
        bytes[4..8].copy_from_slice(&sum.to_be_bytes());
        bytes.extend_from_slice(data);
        bytes
    }

    const ARM_KERNEL: [u8; 4] = [OS_LINUX, ARCH_ARM, TYPE_KERNEL, 0];

    #[test]
    fn unpacks_what_it_says() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(b"a kernel").unwrap();
        let gzip = gzip.finish().unwrap();
        let expected = Uimage {
            mode: GuestMode::A32El1,
            linux: true,
            at: Some((0x4000_8000, 0x4000_8004)),
            bytes: b"a kernel".to_vec(),
        };
        assert_eq!(parse(&uimage(ARM_KERNEL, 0x4000_8000, b"a kernel")), Ok(expected.clone()));
        assert_eq!(parse(&uimage([OS_LINUX, ARCH_ARM, TYPE_KERNEL, 1], 0x4000_8000, &gzip)), Ok(expected));
        let anywhere = parse(&uimage([17, ARCH_ARM64, TYPE_KERNEL_NOLOAD, 0], 0, b"x")).unwrap();
        assert_eq!((anywhere.mode, anywhere.linux, anywhere.at), (GuestMode::A64El1, false, None));
    }

    #[test]
    fn refuses_damage_and_what_is_no_kernel() {
        let good = uimage(ARM_KERNEL, 0, b"a kernel");
        let flipped = |at: usize| {
            let mut bytes = good.clone();
            bytes[at] ^= 1;
            parse(&bytes).unwrap_err().to_string()
        };
        assert!(flipped(32).contains("checksum of its header"));
        assert!(flipped(64).contains("checksum of its contents"));
        let short = Fault::Truncated { what: "uImage", need: 72, have: 71 };
        assert_eq!(parse(&good[..71]), Err(short));
        assert!(matches!(parse(&good[..63]), Err(Fault::Truncated { .. })));
        for (kinds, says) in [
            ([OS_LINUX, 7, TYPE_KERNEL, 0], "a PowerPC uImage"),
            ([OS_LINUX, 99, TYPE_KERNEL, 0], "architecture number 99"),
            ([OS_LINUX, ARCH_ARM, 3, 0], "with --initrd"),
            ([OS_LINUX, ARCH_ARM, 4, 0], "several files"),
            ([OS_LINUX, ARCH_ARM, TYPE_KERNEL, 4], "compressed with \"lzo\""),
            ([OS_LINUX, ARCH_ARM, TYPE_KERNEL, 1], "gzip data"),
        ] {
            let error = parse(&uimage(kinds, 0, b"a kernel")).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        assert!(matches!(parse(&uimage(ARM_KERNEL, 0, b"")), Err(Fault::Corrupt { .. })));
    }

    proptest! {
        #[test]
        fn never_panics(kinds: [u8; 4], load: u32, data in proptest::collection::vec(any::<u8>(), 0..100), cut in 0usize..200) {
            let bytes = uimage(kinds, load & !7, &data);
            let _ = parse(&bytes);
            let _ = parse(&bytes[..cut.min(bytes.len())]);
        }
    }
}
