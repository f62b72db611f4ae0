//! Decompression with a bound, for kernels that come packed.

use std::io::Read;

use super::fault::Fault;

/// No kernel unpacks to more bytes than this.
pub const LIMIT: u64 = 512 << 20;
/// Dictionaries and windows a packed kernel may ask for, in KiB.
const DICTIONARY_KIB: u32 = 256 << 10;

/// A packing method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
    /// The .xz container.
    Xz,
    /// The older .lzma container.
    Lzma,
}

impl Method {
    /// The method by the name an EFI zboot header gives it.
    pub fn by_name(name: &str) -> Option<Self> {
        Some(match name {
            "gzip" => Self::Gzip,
            "zstd" | "zstd22" => Self::Zstd,
            "xz" | "xzkern" => Self::Xz,
            "lzma" => Self::Lzma,
            _ => return None,
        })
    }

    fn what(self) -> &'static str {
        match self {
            Self::Gzip => "gzip data",
            Self::Zstd => "zstd data",
            Self::Xz => "xz data",
            Self::Lzma => "lzma data",
        }
    }
}

/// Unpacks at most `limit` bytes of `packed`.
///
/// With `prefix` the result stops there, to look at what is inside; otherwise more than `limit` is a
/// [`Fault::Bomb`].
pub fn unpack(method: Method, packed: &[u8], limit: u64, prefix: bool) -> Result<Vec<u8>, Fault> {
    let what = method.what();
    let corrupt = |why: String| Fault::Corrupt { what, why };
    let mut out = Vec::new();
    let mut take = |reader: &mut dyn Read| -> Result<(), Fault> {
        match reader.take(if prefix { limit } else { limit + 1 }).read_to_end(&mut out) {
            Ok(_) => Ok(()),
            Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
                Err(corrupt("it ends too early".into()))
            }
            Err(e) => Err(corrupt(first_line(&e.to_string()))),
        }
    };
    match method {
        Method::Gzip => take(&mut flate2::bufread::GzDecoder::new(packed))?,
        Method::Zstd => {
            let mut decoder = ruzstd::decoding::StreamingDecoder::new_with_max_window_size(
                packed,
                u64::from(DICTIONARY_KIB) << 10,
            )
            .map_err(|e| corrupt(first_line(&e.to_string())))?;
            take(&mut decoder)?;
        }
        Method::Xz => take(&mut lzma_rust2::XzReader::new_mem_limit(packed, false, DICTIONARY_KIB))?,
        Method::Lzma => {
            let mut decoder = lzma_rust2::LzmaReader::new_mem_limit(packed, DICTIONARY_KIB, None)
                .map_err(|e| corrupt(first_line(&e.to_string())))?;
            take(&mut decoder)?;
        }
    }
    if out.len() as u64 > limit {
        return Err(Fault::Bomb { what, limit: limit >> 20 });
    }
    Ok(out)
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn stops_at_the_bound() {
        let packed = gzip(&vec![0; 1 << 20]);
        assert_eq!(unpack(Method::Gzip, &packed, 1 << 20, false).unwrap().len(), 1 << 20);
        assert!(matches!(unpack(Method::Gzip, &packed, (1 << 20) - 1, false), Err(Fault::Bomb { .. })));
        assert_eq!(unpack(Method::Gzip, &packed, 64, true).unwrap().len(), 64);
    }

    #[test]
    fn says_when_data_ends_too_early() {
        let packed = gzip(b"a kernel of some length, honestly");
        let error = unpack(Method::Gzip, &packed[..packed.len() / 2], 1 << 20, false).unwrap_err();
        assert!(error.to_string().contains("ends too early"), "{error}");
    }

    // A 5000-byte Image header and filler, by `xz --check=crc32`, `lzma` and `zstd -22 --ultra`.
    const XZ: &str = "fd377a585a0000016922de360200210110000000a8708e86e01387002d5d000fea7c35ce34b972fe9c6111b7524cd4a571dc350d13b308a83e4e2562c09411692bf61dab9cfcdc7c9a35e400000000003580fac30001458827000000d623b3203e300d8b020000000001595a";
    const LZMA: &str = "5d00008000ffffffffffffffff000fea7c35ce34b972fe9c6111b7524cd4a571dc350d13b308a83e4e2562c09411692bf61dab9cfcdc7ca6c1f789fffb6be000";
    const ZSTD: &str = "28b52ffd648812e50000881f1f1f1f1f1f1f1f0001001f41524d641f04100048d36bcd782be411738c77";

    fn bytes_of(hex: &str) -> Vec<u8> {
        let digit = |i: usize| u8::from_str_radix(&hex[i..i + 2], 16).unwrap();
        (0..hex.len()).step_by(2).map(digit).collect()
    }

    #[test]
    fn unpacks_what_other_tools_packed() {
        for (method, packed) in [(Method::Xz, XZ), (Method::Lzma, LZMA), (Method::Zstd, ZSTD)] {
            let packed = bytes_of(packed);
            let image = unpack(method, &packed, LIMIT, false).unwrap();
            assert_eq!((image.len(), &image[56..60]), (5000, &b"ARM\x64"[..]));
            assert!(matches!(unpack(method, &packed, 4999, false), Err(Fault::Bomb { .. })));
            assert!(unpack(method, &packed[..packed.len() / 2], LIMIT, false).is_err());
        }
    }

    #[test]
    fn zstd_round_trip() {
        let data: Vec<u8> = (0..100_000u32).flat_map(|i| (i / 3).to_le_bytes()).collect();
        let level = ruzstd::encoding::CompressionLevel::Fastest;
        let packed = ruzstd::encoding::compress_to_vec(&data[..], level);
        assert_eq!(unpack(Method::Zstd, &packed, LIMIT, false).unwrap(), data);
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300), at in 0usize..64, to: u8) {
            let mut packed = gzip(&bytes);
            let at = at % packed.len();
            packed[at] = to;
            for method in [Method::Gzip, Method::Zstd, Method::Xz, Method::Lzma] {
                let _ = unpack(method, &bytes, 1 << 20, false);
                let _ = unpack(method, &packed, 1 << 20, false);
            }
        }

        #[test]
        fn never_panics_on_damaged_data(edits in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..6)) {
            for (method, packed) in [(Method::Xz, XZ), (Method::Lzma, LZMA), (Method::Zstd, ZSTD)] {
                let mut packed = bytes_of(packed);
                for (at, value) in &edits {
                    let at = at % packed.len();
                    packed[at] = *value;
                }
                let _ = unpack(method, &packed, 1 << 20, false);
            }
        }
    }
}
