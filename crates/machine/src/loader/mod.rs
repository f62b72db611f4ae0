//! What a machine starts from: kernels and programs by their content, and where they go in memory.

mod bytes;
pub mod elf;
mod fault;
pub mod foreign;
pub mod image;
mod lowmem;
mod place;
mod source;
pub mod uimage;
pub mod unpack;
pub mod zboot;
pub mod zimage;

use std::fmt;

use armlet_hv::GuestMode;

pub use elf::Elf;
pub use fault::{Fault, LoadError};
pub use image::ImageHeader;
pub use place::{Initrd, Load, Placement, Request, find_dtb_address, place};
pub use source::Source;

/// How a payload is wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PayloadKind {
    /// A raw arm64 Linux `Image`.
    Arm64Image,
    /// An `Image` inside gzip (`Image.gz`).
    GzipImage,
    /// An `Image` inside an EFI zboot program (`vmlinuz.efi`).
    ZbootImage,
    /// A raw arm Linux `zImage`.
    Zimage,
    /// A `zImage` inside gzip.
    GzipZimage,
    /// A kernel or program behind a U-Boot header (`uImage`).
    Uimage,
    /// An AArch64 ELF program.
    Elf64,
    /// An AArch32 ELF program.
    Elf32,
    /// Bytes to load at one address.
    Flat,
}

impl fmt::Display for PayloadKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Arm64Image => "arm64 Image",
            Self::GzipImage => "arm64 Image (gzip)",
            Self::ZbootImage => "arm64 Image (EFI zboot)",
            Self::Zimage => "arm zImage",
            Self::GzipZimage => "arm zImage (gzip)",
            Self::Uimage => "uImage",
            Self::Elf64 => "AArch64 ELF",
            Self::Elf32 => "AArch32 ELF",
            Self::Flat => "flat binary",
        })
    }
}

/// What the bytes of a payload mean.
#[derive(Clone, Debug)]
pub(crate) enum Format {
    Image(ImageHeader),
    Zimage(zimage::Zimage),
    Elf(Elf),
    /// The contents of a `uImage` that go to one address and start there.
    Fixed {
        load: u64,
        entry: u64,
        mode: GuestMode,
        linux: bool,
    },
    Flat,
}

/// A kernel or program, unpacked and checked.
#[derive(Clone, Debug)]
pub struct Payload {
    /// The file as the user named it, for messages.
    pub name: String,
    /// What it is.
    pub kind: PayloadKind,
    pub(crate) format: Format,
    pub(crate) bytes: Vec<u8>,
    pub(crate) source: Option<Source>,
}

impl Payload {
    /// Looks at the content and unpacks it where needed; `name` is only for messages.
    pub fn detect(name: &str, bytes: Vec<u8>) -> Result<Self, LoadError> {
        match detect(bytes) {
            Ok((kind, format, bytes)) => {
                Ok(Self { name: name.to_owned(), kind, format, bytes, source: None })
            }
            Err(fault) => Err(LoadError { name: name.to_owned(), fault }),
        }
    }

    /// A flat binary, whatever its bytes look like.
    pub fn flat(name: &str, bytes: Vec<u8>) -> Result<Self, LoadError> {
        let name = name.to_owned();
        if bytes.is_empty() {
            return Err(LoadError { name, fault: Fault::Empty });
        }
        Ok(Self { name, kind: PayloadKind::Flat, format: Format::Flat, bytes, source: None })
    }

    /// Tells the file that it came from: what is in there as it is loaded need not be kept in memory.
    pub fn from_file(mut self, source: Source) -> Self {
        let verbatim = matches!(self.kind, PayloadKind::Arm64Image | PayloadKind::Zimage | PayloadKind::Flat);
        self.source = verbatim.then(|| source.first(self.bytes.len()));
        self
    }

    /// Length in bytes once unpacked.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Always false: an empty file is refused.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// True for a Linux kernel, which wants a device tree.
    pub fn is_linux(&self) -> bool {
        matches!(self.format, Format::Image(_) | Format::Zimage(_) | Format::Fixed { linux: true, .. })
    }

    /// The state it has to start in; `None` for a flat binary, whose code is anybody's guess.
    pub fn mode(&self) -> Option<GuestMode> {
        match &self.format {
            Format::Image(_) => Some(GuestMode::A64El1),
            Format::Zimage(_) => Some(GuestMode::A32El1),
            Format::Elf(elf) => Some(elf.mode),
            Format::Fixed { mode, .. } => Some(*mode),
            Format::Flat => None,
        }
    }

    /// Takes out the device tree that was appended to a `zImage`.
    pub fn take_dtb(&mut self) -> Option<Vec<u8>> {
        match &mut self.format {
            Format::Zimage(zimage) => zimage.dtb.take(),
            _ => None,
        }
    }
}

fn detect(bytes: Vec<u8>) -> Result<(PayloadKind, Format, Vec<u8>), Fault> {
    if bytes.is_empty() {
        return Err(Fault::Empty);
    }
    if bytes::has(&bytes, 0, b"\x1f\x8b") {
        return gzip(&bytes);
    }
    if zboot::is_zboot(&bytes) {
        let inner = zboot::parse(&bytes)?;
        let image = unpack::unpack(inner.method, &bytes[inner.payload], unpack::LIMIT, false)?;
        let header = image::parse(&image).map_err(|fault| match fault {
            Fault::Truncated { .. } => {
                let why = "what it packs is not an arm64 Image".to_owned();
                Fault::Corrupt { what: "EFI zboot image", why }
            }
            other => other,
        })?;
        return Ok((PayloadKind::ZbootImage, Format::Image(header), image));
    }
    if image::is_image(&bytes) {
        return Ok((PayloadKind::Arm64Image, Format::Image(image::parse(&bytes)?), bytes));
    }
    if elf::is_elf(&bytes) {
        let elf = elf::parse(&bytes)?;
        let kind = if elf.mode.is_aarch32() { PayloadKind::Elf32 } else { PayloadKind::Elf64 };
        return Ok((kind, Format::Elf(elf), bytes));
    }
    if zimage::is_zimage(&bytes) {
        let (format, bytes) = zimage(bytes)?;
        return Ok((PayloadKind::Zimage, format, bytes));
    }
    if uimage::is_uimage(&bytes) {
        let (format, bytes) = uimage(&bytes)?;
        return Ok((PayloadKind::Uimage, format, bytes));
    }
    foreign::refuse(&bytes)?;
    Ok((PayloadKind::Flat, Format::Flat, bytes))
}

/// A `zImage` without what follows it in the file.
fn zimage(mut bytes: Vec<u8>) -> Result<(Format, Vec<u8>), Fault> {
    let zimage = zimage::parse(&bytes)?;
    bytes.truncate(zimage.len);
    Ok((Format::Zimage(zimage), bytes))
}

/// The kernel in a `uImage`. One that can be anywhere is placed by its own header; the address that U-Boot's
/// header has for it is another board's.
fn uimage(file: &[u8]) -> Result<(Format, Vec<u8>), Fault> {
    let uimage = uimage::parse(file)?;
    let bytes = uimage.bytes;
    let corrupt = |why: &str| Fault::Corrupt { what: "uImage", why: why.to_owned() };
    match (uimage.mode, uimage.at) {
        (GuestMode::A32El1, _) if zimage::is_zimage(&bytes) => zimage(bytes),
        (GuestMode::A64El1, _) if image::is_image(&bytes) => {
            Ok((Format::Image(image::parse(&bytes)?), bytes))
        }
        (_, None) => Err(corrupt("it has no load address, and what it holds is no Linux kernel")),
        (mode, Some((load, entry))) => {
            let end = load.saturating_add(bytes.len() as u64);
            if !(load..end).contains(&entry) {
                return Err(corrupt("its entry point lies outside"));
            }
            Ok((Format::Fixed { load, entry, mode, linux: uimage.linux }, bytes))
        }
    }
}

/// gzip holds an `Image` or a `zImage`, or is an initramfs passed in the wrong place.
fn gzip(packed: &[u8]) -> Result<(PayloadKind, Format, Vec<u8>), Fault> {
    use unpack::{LIMIT, Method, unpack};
    let start = unpack(Method::Gzip, packed, 0x1000, true)?;
    if zimage::is_zimage(&start) {
        let (format, bytes) = zimage(unpack(Method::Gzip, packed, LIMIT, false)?)?;
        return Ok((PayloadKind::GzipZimage, format, bytes));
    }
    if !image::is_image(&start) {
        return Err(if foreign::is_cpio(&start) {
            Fault::NotAKernel { what: "an initrd (gzip, cpio)", fix: "pass it with --initrd beside a kernel" }
        } else {
            foreign::refuse(&start).err().unwrap_or(Fault::NotAKernel {
                what: "gzip data with no Image or zImage inside",
                fix: "unpack it, or pass it with --initrd",
            })
        });
    }
    let image = unpack(Method::Gzip, packed, LIMIT, false)?;
    Ok((PayloadKind::GzipImage, Format::Image(image::parse(&image)?), image))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;

    fn image() -> Vec<u8> {
        let mut bytes = vec![0x1f; 5000];
        bytes[8..32].fill(0);
        bytes[16..24].copy_from_slice(&0x10000u64.to_le_bytes());
        bytes[56..60].copy_from_slice(b"ARM\x64");
        bytes
    }

    fn gz(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zboot(method: &str, packed: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; 64];
        bytes[..2].copy_from_slice(b"MZ");
        bytes[4..8].copy_from_slice(b"zimg");
        bytes[8] = 64;
        bytes[12..16].copy_from_slice(&(packed.len() as u32).to_le_bytes());
        bytes[24..24 + method.len()].copy_from_slice(method.as_bytes());
        bytes.extend_from_slice(packed);
        bytes
    }

    #[test]
    fn tells_payloads_by_content() {
        let plain = image();
        let level = ruzstd::encoding::CompressionLevel::Fastest;
        let zstd = ruzstd::encoding::compress_to_vec(&plain[..], level);
        for (bytes, kind) in [
            (plain.clone(), PayloadKind::Arm64Image),
            (gz(&plain), PayloadKind::GzipImage),
            (zboot("gzip", &gz(&plain)), PayloadKind::ZbootImage),
            (zboot("zstd", &zstd), PayloadKind::ZbootImage),
            (elf::tests::elf(2, 0, &[(0, 0, b"x", 1)]), PayloadKind::Elf64),
            (vec![0xd5, 3, 2, 1], PayloadKind::Flat),
            (uimage::tests::uimage([5, 22, 2, 0], 0, &plain), PayloadKind::Uimage),
        ] {
            let payload = Payload::detect("it", bytes).unwrap();
            assert_eq!(payload.kind, kind);
            assert_ne!(payload.mode(), Some(GuestMode::A32El1));
            if payload.is_linux() {
                assert_eq!(payload.bytes, plain);
            }
        }
    }

    #[test]
    fn tells_32_bit_payloads_by_content() {
        let plain = zimage::tests::zimage(0x1000, 0x10_0000);
        let blob = crate::fdt::Tree::default().to_blob().unwrap();
        for (bytes, kind) in [
            (plain.clone(), PayloadKind::Zimage),
            ([plain.clone(), blob.clone()].concat(), PayloadKind::Zimage),
            (gz(&plain), PayloadKind::GzipZimage),
            (uimage::tests::uimage([5, 2, 2, 0], 0x8000, &plain), PayloadKind::Uimage),
            (uimage::tests::uimage([5, 2, 14, 1], 0, &gz(&plain)), PayloadKind::Uimage),
            (uimage::tests::uimage([5, 2, 2, 0], 0x8000, b"raw kernel"), PayloadKind::Uimage),
            (elf::tests::elf32(2, 0, &[(0, 0, b"x", 1)]), PayloadKind::Elf32),
        ] {
            let appended = bytes.ends_with(&blob);
            let mut payload = Payload::detect("it", bytes).unwrap();
            assert_eq!((payload.kind, payload.mode()), (kind, Some(GuestMode::A32El1)));
            assert_eq!(payload.is_linux(), kind != PayloadKind::Elf32);
            assert_eq!(payload.take_dtb(), appended.then(|| blob.clone()));
            if matches!(payload.format, Format::Zimage(_)) {
                assert_eq!(payload.bytes, plain);
            }
        }
        let standalone = uimage::tests::uimage([0, 2, 1, 0], 0x8000, b"code of a program");
        assert!(!Payload::detect("it", standalone).unwrap().is_linux());
        for (nowhere, says) in [
            (uimage::tests::uimage([5, 2, 14, 0], 0, b"code of a program"), "no load address"),
            (uimage::tests::uimage([5, 2, 2, 0], 0, b"1234"), "entry point lies outside"),
        ] {
            let error = Payload::detect("it", nowhere).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn names_the_file_and_the_mistake() {
        let error = |bytes: &[u8]| Payload::detect("initrd.gz", bytes.to_vec()).unwrap_err().to_string();
        assert_eq!(
            error(&gz(b"070701000000")),
            "can't load initrd.gz: this is an initrd (gzip, cpio), not a kernel or program; \
             pass it with --initrd beside a kernel"
        );
        assert!(error(&gz(b"anything")).contains("gzip data with no Image or zImage inside"));
        assert!(error(b"").contains("the file is empty"));
        assert!(error(&zboot("gzip", &gz(b"no image"))).contains("not an arm64 Image"));
        assert!(error(&gz(&image())[..40]).contains("ends too early"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn never_panics(
            random in proptest::collection::vec(any::<u8>(), 0..200),
            edits in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..8),
        ) {
            let _ = Payload::detect("it", random);
            let plain = image();
            let arm = zimage::tests::zimage(0x200, 0x1000);
            let packed = uimage::tests::uimage([5, 2, 2, 1], 0, &gz(&arm));
            for mut bytes in [plain.clone(), gz(&plain), zboot("gzip", &gz(&plain)), arm, packed] {
                for (at, value) in &edits {
                    let at = at % bytes.len();
                    bytes[at] = *value;
                }
                let _ = Payload::detect("it", bytes);
            }
        }
    }
}
