//! EFI zboot images: a packed kernel behind a small EFI program (drivers/firmware/efi/libstub/zboot-header.S).

use std::ops::Range;

use super::bytes::{has, u16, u32};
use super::fault::Fault;
use super::unpack::Method;

/// Where the packed kernel is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zboot {
    /// Bytes of the file.
    pub payload: Range<usize>,
    /// How it is packed.
    pub method: Method,
}

/// True if `bytes` start like an EFI zboot image.
pub fn is_zboot(bytes: &[u8]) -> bool {
    has(bytes, 0, b"MZ") && has(bytes, 4, b"zimg")
}

/// Reads the header of an EFI zboot image.
pub fn parse(bytes: &[u8]) -> Result<Zboot, Fault> {
    let have = bytes.len() as u64;
    let short = |need| Fault::Truncated { what: "EFI zboot image", need, have };
    let (offset, size) = u32(bytes, 8).zip(u32(bytes, 12)).ok_or_else(|| short(64))?;
    let name = bytes.get(24..56).ok_or_else(|| short(64))?;
    let name = name.split(|b| *b == 0).next().unwrap_or_default();
    if let Some(machine) = u32(bytes, 60).and_then(|pe| u16(bytes, (pe as usize).checked_add(4)?)) {
        let foreign = match machine {
            0x5064 => Some("a RISC-V EFI zboot kernel"),
            0x6264 => Some("a LoongArch EFI zboot kernel"),
            _ => None,
        };
        if let Some(what) = foreign {
            return Err(Fault::Foreign { what: what.into() });
        }
    }
    let end = u64::from(offset) + u64::from(size);
    if end > have {
        return Err(short(end));
    }
    let name = String::from_utf8_lossy(name).into_owned();
    let method = Method::by_name(&name).ok_or(Fault::Compression(name))?;
    Ok(Zboot { payload: offset as usize..end as usize, method })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn header(offset: u32, size: u32, name: &[u8], len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        bytes[..2].copy_from_slice(b"MZ");
        bytes[4..8].copy_from_slice(b"zimg");
        bytes[8..12].copy_from_slice(&offset.to_le_bytes());
        bytes[12..16].copy_from_slice(&size.to_le_bytes());
        bytes[24..24 + name.len()].copy_from_slice(name);
        bytes
    }

    #[test]
    fn finds_the_payload() {
        let bytes = header(64, 36, b"zstd22", 100);
        assert!(is_zboot(&bytes));
        assert_eq!(parse(&bytes), Ok(Zboot { payload: 64..100, method: Method::Zstd }));
    }

    #[test]
    fn names_the_method_it_does_not_know_and_the_missing_bytes() {
        assert_eq!(parse(&header(64, 36, b"lz4", 100)), Err(Fault::Compression("lz4".into())));
        let short = Fault::Truncated { what: "EFI zboot image", need: 101, have: 100 };
        assert_eq!(parse(&header(64, 37, b"gzip", 100)), Err(short));
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }
    }
}
