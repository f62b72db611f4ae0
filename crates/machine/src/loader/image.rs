//! The arm64 Linux `Image` (Documentation/arch/arm64/booting.rst in the kernel's sources).

use super::bytes::{has, u16, u32, u64};
use super::fault::Fault;

/// Length of the header.
pub const HEADER_LEN: usize = 64;
/// The magic number, at byte 56.
const MAGIC: &[u8] = b"ARM\x64";
/// Where kernels before 3.17, which say nothing, want to be.
const LEGACY_TEXT_OFFSET: u64 = 0x80000;

/// What the header of an `Image` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageHeader {
    /// Bytes from a 2 MiB boundary to where the image goes.
    pub text_offset: u64,
    /// Bytes the kernel uses from its start, its zeroed data included; at least the file's length.
    pub image_size: u64,
    /// Page size in KiB the kernel is built for, if it says so.
    pub page_kib: Option<u32>,
    /// True if the kernel may be anywhere in memory, false if it wants to be near its start.
    pub anywhere: bool,
}

/// The first instructions of kernels that are EFI programs too, which begin with `MZ`: `ccmp x18, #0,
/// #0xd, pl` and, before Linux 5.10, `add x13, x18, #0x16`.
const EFI_STARTS: [&[u8]; 2] = [b"MZ\x40\xfa", b"MZ\0\x91"];

/// True if `bytes` start like an `Image`, or are the beginning of one that was cut short.
pub fn is_image(bytes: &[u8]) -> bool {
    has(bytes, 56, MAGIC) || bytes.len() < HEADER_LEN && EFI_STARTS.iter().any(|start| has(bytes, 0, start))
}

/// Reads and checks the header of an `Image`.
pub fn parse(bytes: &[u8]) -> Result<ImageHeader, Fault> {
    let have = bytes.len() as u64;
    let short = |need| Fault::Truncated { what: "arm64 Image", need, have };
    if bytes.len() < HEADER_LEN || !is_image(bytes) {
        return Err(short(HEADER_LEN as u64));
    }
    let field = |at| u64(bytes, at).ok_or_else(|| short(HEADER_LEN as u64));
    let (text_offset, image_size, flags) = (field(8)?, field(16)?, field(24)?);
    if flags & 1 != 0 {
        return Err(Fault::BigEndian("kernel"));
    }
    // A zero size also means that the text offset is not to be believed.
    let (text_offset, image_size) =
        if image_size == 0 { (LEGACY_TEXT_OFFSET, have) } else { (text_offset, image_size.max(have)) };
    if text_offset >= 1 << 32 || image_size >= 1 << 32 {
        let why = format!("text offset {text_offset:#x}, size {image_size:#x}");
        return Err(Fault::Corrupt { what: "arm64 Image header", why });
    }
    if let Some(need) = pe_extent(bytes)
        && need > have
    {
        return Err(short(need));
    }
    let page_kib = [None, Some(4), Some(16), Some(64)][(flags >> 1 & 3) as usize];
    Ok(ImageHeader { text_offset, image_size, page_kib, anywhere: flags & 8 != 0 })
}

/// How long the file must be by its PE section table, for kernels that are EFI programs too.
fn pe_extent(bytes: &[u8]) -> Option<u64> {
    let pe = u32(bytes, 60)? as usize;
    if !has(bytes, 0, b"MZ") || !has(bytes, pe, b"PE\0\0") {
        return None;
    }
    let sections = u16(bytes, pe.checked_add(6)?)?;
    let optional = usize::from(u16(bytes, pe + 20)?);
    let table = pe + 24 + optional;
    (0..usize::from(sections.min(96)))
        .map_while(|i| {
            let at = table + i * 40;
            Some(u64::from(u32(bytes, at + 16)?) + u64::from(u32(bytes, at + 20)?))
        })
        .max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn image(text_offset: u64, image_size: u64, flags: u64, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len.max(64)];
        bytes[8..16].copy_from_slice(&text_offset.to_le_bytes());
        bytes[16..24].copy_from_slice(&image_size.to_le_bytes());
        bytes[24..32].copy_from_slice(&flags.to_le_bytes());
        bytes[56..60].copy_from_slice(MAGIC);
        bytes
    }

    #[test]
    fn reads_the_header() {
        let header = parse(&image(0, 0x20000, 0b1010, 4096)).unwrap();
        assert_eq!(
            header,
            ImageHeader { text_offset: 0, image_size: 0x20000, page_kib: Some(4), anywhere: true }
        );
    }

    #[test]
    fn a_kernel_without_a_size_goes_to_the_historical_offset() {
        let header = parse(&image(0x1234, 0, 0, 4096)).unwrap();
        assert_eq!((header.text_offset, header.image_size), (0x80000, 4096));
    }

    #[test]
    fn refuses_big_endian_absurd_and_short_ones() {
        assert_eq!(parse(&image(0, 1, 1, 64)), Err(Fault::BigEndian("kernel")));
        assert!(matches!(parse(&image(u64::MAX, 1, 0, 64)), Err(Fault::Corrupt { .. })));
        assert!(matches!(parse(&image(0, u64::MAX, 0, 64)), Err(Fault::Corrupt { .. })));
        assert!(matches!(parse(&image(0, 1, 0, 64)[..63]), Err(Fault::Truncated { .. })));
    }

    #[test]
    fn sees_by_the_pe_sections_that_the_file_is_cut_short() {
        let mut bytes = image(0, 0x10000, 0, 0x1000);
        bytes[..2].copy_from_slice(b"MZ");
        bytes[60] = 64;
        bytes[64..68].copy_from_slice(b"PE\0\0");
        bytes[70] = 1; // one section
        bytes[64 + 24 + 16..][..4].copy_from_slice(&0x1000u32.to_le_bytes());
        bytes[64 + 24 + 20..][..4].copy_from_slice(&0x1000u32.to_le_bytes());
        let short = Fault::Truncated { what: "arm64 Image", need: 0x2000, have: 0x1000 };
        assert_eq!(parse(&bytes), Err(short));
        bytes.resize(0x2000, 0);
        assert!(parse(&bytes).is_ok());
    }

    proptest! {
        #[test]
        fn never_panics(mut bytes in proptest::collection::vec(any::<u8>(), 0..512), pe in 0u32..600) {
            let _ = parse(&bytes);
            if bytes.len() >= 64 {
                bytes[56..60].copy_from_slice(MAGIC);
                bytes[60..64].copy_from_slice(&pe.to_le_bytes());
                bytes[..2].copy_from_slice(b"MZ");
                if let Some(at) = bytes.get_mut(pe as usize..).and_then(|b| b.first_chunk_mut()) {
                    *at = *b"PE\0\0";
                }
                let _ = parse(&bytes);
            }
        }
    }
}
