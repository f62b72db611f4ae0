//! The arm Linux `zImage`: a small program that unpacks the kernel behind it (Documentation/arch/arm/booting.rst
//! in the kernel's sources; the words of the header are those of arch/arm/boot/compressed).

use super::bytes::{has, u32};
use super::fault::Fault;

/// Bytes of a `zImage` up to its last fixed field.
const HEADER_LEN: u64 = 0x34;
/// At 0x24.
const MAGIC: u32 = 0x016f_2818;
/// At 0x30, in the kernel's own byte order; zero before Linux 3.17.
const ENDIANNESS: u32 = 0x0403_0201;
/// At 0x34: the next word says where the table of extensions is (Linux 4.15 and later).
const HAS_TABLE: u32 = 0x4545_4545;
/// Tag of the extension that tells sizes.
const TAG_SIZES: u32 = 0x5a53_4c4b;
/// Where the kernel goes, from the start of memory, unless the header says otherwise.
const TEXT_OFFSET: u64 = 0x8000;
/// No kernel and no uninitialised data is larger.
const LARGEST: u64 = 256 << 20;

/// What the header of a `zImage` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zimage {
    /// Length of the image itself in bytes.
    pub len: usize,
    /// Bytes from the start of memory to the end of the unpacked kernel, its zeroed data included; `None` in
    /// kernels that don't say.
    pub unpacked_end: Option<u64>,
    /// A device tree that was appended to the image.
    pub dtb: Option<Vec<u8>>,
}

/// True if `bytes` start like a `zImage` of either byte order.
pub fn is_zimage(bytes: &[u8]) -> bool {
    u32(bytes, 0x24).is_some_and(|word| word == MAGIC || word == MAGIC.swap_bytes())
}

/// Reads and checks the header of a `zImage`.
pub fn parse(bytes: &[u8]) -> Result<Zimage, Fault> {
    let have = bytes.len() as u64;
    let short = |need| Fault::Truncated { what: "arm zImage", need, have };
    let field = |at| u32(bytes, at).ok_or_else(|| short(HEADER_LEN));
    let (magic, start, end, order) = (field(0x24)?, field(0x28)?, field(0x2c)?, field(0x30)?);
    if magic != MAGIC || order == ENDIANNESS.swap_bytes() {
        return Err(Fault::BigEndian("kernel"));
    }
    let len = u64::from(end.wrapping_sub(start));
    if end < start || len < HEADER_LEN {
        let why = format!("it starts at {start:#x} and ends at {end:#x}");
        return Err(Fault::Corrupt { what: "arm zImage header", why });
    }
    if len > have {
        return Err(short(len));
    }
    let (image, rest) = bytes.split_at(len as usize);
    Ok(Zimage { len: image.len(), unpacked_end: unpacked_end(image)?, dtb: appended(rest)? })
}

/// The device tree behind the image. Other bytes there are padding.
fn appended(rest: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
    if !has(rest, 0, b"\xd0\x0d\xfe\xed") {
        return Ok(None);
    }
    match crate::fdt::check_header(rest) {
        Ok(blob) => Ok(Some(blob.to_vec())),
        Err(error) => {
            let why = error.to_string();
            Err(Fault::Corrupt { what: "device tree appended to the zImage", why })
        }
    }
}

/// Where the unpacked kernel will end, by the table of extensions: entries of a length in words, a tag and
/// what belongs to it, up to a length of zero.
fn unpacked_end(image: &[u8]) -> Result<Option<u64>, Fault> {
    if u32(image, 0x34) != Some(HAS_TABLE) {
        return Ok(None);
    }
    let mut at = u32(image, 0x38).unwrap_or(0) as usize;
    while let Some((words, tag)) = u32(image, at).zip(u32(image, at + 4)).filter(|(words, _)| *words >= 2) {
        if tag == TAG_SIZES && words >= 4 {
            return sizes(image, at + 8, words >= 5);
        }
        at = at.saturating_add((words as usize).saturating_mul(4));
        if at >= image.len() {
            break;
        }
    }
    Ok(None)
}

/// The extension at `at`: where the packed data keeps the unpacked size, the size of the zeroed data, and
/// in newer kernels the offset of the text.
fn sizes(image: &[u8], at: usize, has_text_offset: bool) -> Result<Option<u64>, Fault> {
    let field = |n: usize| u32(image, at + 4 * n).map(u64::from);
    let size = field(0).and_then(|at| u32(image, usize::try_from(at).ok()?)).map(u64::from);
    let text_offset = if has_text_offset { field(2) } else { Some(TEXT_OFFSET) };
    let (Some(size), Some(bss), Some(text_offset)) = (size, field(1), text_offset) else {
        let why = "its table of sizes points outside".to_owned();
        return Err(Fault::Corrupt { what: "arm zImage header", why });
    };
    let end = text_offset + size + bss;
    if end > LARGEST {
        let why = format!("the kernel would unpack to {end} bytes");
        return Err(Fault::Corrupt { what: "arm zImage header", why });
    }
    Ok(Some(end))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A `zImage` of `len` bytes whose kernel unpacks to `unpacked` bytes, at the usual offset.
    pub fn zimage(len: usize, unpacked: u32) -> Vec<u8> {
        let mut bytes = vec![0xa5; len.max(0x80)];
        let words = [MAGIC, 0, bytes.len() as u32, ENDIANNESS, HAS_TABLE, 0x40];
        let table = [6, TAG_SIZES, 0x60, 0x1000, TEXT_OFFSET as u32, 0x10000, 0, 0, unpacked];
        for (at, words) in [(0x24, &words[..]), (0x40, &table)] {
            for (n, word) in words.iter().enumerate() {
                bytes[at + 4 * n..at + 4 * n + 4].copy_from_slice(&word.to_le_bytes());
            }
        }
        bytes
    }

    fn with(mut bytes: Vec<u8>, at: usize, word: u32) -> Vec<u8> {
        bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
        bytes
    }

    #[test]
    fn reads_the_header_and_the_sizes() {
        let plain = zimage(0x1000, 0x10_0000);
        assert!(is_zimage(&plain));
        let expected = Zimage { len: 0x1000, unpacked_end: Some(0x10_9000), dtb: None };
        assert_eq!(parse(&plain), Ok(expected.clone()));
        let padded = [plain.clone(), vec![0; 100]].concat();
        assert_eq!(parse(&padded), Ok(expected));
        let silent = with(plain.clone(), 0x34, 0);
        assert_eq!(parse(&silent).unwrap().unpacked_end, None);
        // An older table ends with the size of the zeroed data.
        assert_eq!(parse(&with(plain, 0x40, 4)).unwrap().unpacked_end, Some(0x10_9000));
    }

    #[test]
    fn finds_the_device_tree_behind_it() {
        let blob = crate::fdt::Tree::default().to_blob().unwrap();
        let bytes = [zimage(0x1000, 0x1000), blob.clone(), vec![0; 7]].concat();
        assert_eq!(parse(&bytes).unwrap().dtb, Some(blob.clone()));
        let cut = [zimage(0x1000, 0x1000), blob[..blob.len() - 1].to_vec()].concat();
        let error = parse(&cut).unwrap_err().to_string();
        assert!(error.contains("device tree appended") && error.contains("cut short"), "{error}");
    }

    #[test]
    fn refuses_big_endian_short_and_absurd_ones() {
        let plain = zimage(0x1000, 0x1000);
        let short = Fault::Truncated { what: "arm zImage", need: 0x1000, have: 0xfff };
        assert_eq!(parse(&plain[..0xfff]), Err(short));
        assert!(matches!(parse(&plain[..0x28]), Err(Fault::Truncated { .. })));
        let big = Err(Fault::BigEndian("kernel"));
        assert_eq!(parse(&with(plain.clone(), 0x30, 0x0102_0304)), big);
        let swapped = with(plain.clone(), 0x24, MAGIC.swap_bytes());
        assert!(is_zimage(&swapped));
        assert_eq!(parse(&swapped), big);
        for (at, word) in [(0x2c, 0x10), (0x28, 0x2000), (0x48, 0xffff_fff0), (0x60, u32::MAX)] {
            let error = parse(&with(plain.clone(), at, word));
            assert!(matches!(error, Err(Fault::Corrupt { .. })), "{at:#x}: {error:?}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(edits in proptest::collection::vec((0usize..0x80, any::<u32>()), 0..6)) {
            let mut bytes = zimage(0x100, 0x1000);
            for (at, word) in edits {
                bytes = with(bytes, at & !3, word);
            }
            if let Ok(zimage) = parse(&bytes) {
                prop_assert!(zimage.len <= bytes.len());
            }
        }
    }
}
