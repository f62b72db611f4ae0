//! Looking into Debian packages (deb(5)) and compressed lists.

use std::fs::File;
use std::io::{BufReader, Cursor, Read};
use std::path::Path;

use crate::{ImageError, Result};

/// Dictionaries that compressed data may ask for, in KiB.
const DICTIONARY_KIB: u32 = 256 << 10;

/// Unpacks data by the end of its file's name: `.xz`, `.gz`, `.zst`, or nothing.
///
/// # Errors
/// The method is another one.
fn unpacker<'a>(name: &str, packed: impl Read + 'a) -> std::io::Result<Box<dyn Read + 'a>> {
    let packed = BufReader::with_capacity(64 << 10, packed);
    let extension = Path::new(name).extension().and_then(|extension| extension.to_str());
    Ok(match extension {
        Some("xz") => Box::new(lzma_rust2::XzReader::new_mem_limit(packed, true, DICTIONARY_KIB)),
        Some("gz") => Box::new(flate2::bufread::MultiGzDecoder::new(packed)),
        Some("zst") => {
            let size = u64::from(DICTIONARY_KIB) << 10;
            let decoder = ruzstd::decoding::StreamingDecoder::new_with_max_window_size(packed, size);
            Box::new(decoder.map_err(std::io::Error::other)?)
        }
        _ => Box::new(packed),
    })
}

/// Unpacks bytes, packed as the end of `name` says.
///
/// # Errors
/// They are damaged.
pub fn unpacked(name: &str, packed: &[u8]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    unpacker(name, packed)
        .and_then(|mut reader| reader.read_to_end(&mut bytes))
        .map_err(ImageError::damaged(name))?;
    Ok(bytes)
}

/// A list of packages in a file, packed as the end of `name` says.
///
/// # Errors
/// It can't be read, or is damaged.
pub fn list(path: &Path, name: &str) -> Result<String> {
    let file = File::open(path).map_err(ImageError::file(path))?;
    let mut text = String::new();
    unpacker(name, file).and_then(|mut r| r.read_to_string(&mut text)).map_err(ImageError::damaged(name))?;
    Ok(text)
}

/// A Debian package, unpacked into memory.
pub struct Deb {
    name: String,
    version: Vec<u8>,
    control: Vec<u8>,
    data: Vec<u8>,
}

impl Deb {
    /// Reads a package's file.
    ///
    /// # Errors
    /// It can't be read, or is no package.
    pub fn open(path: &Path) -> Result<Self> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let damaged = || ImageError::damaged(format!("the package {name}"));
        let mut archive = ar::Archive::new(BufReader::new(File::open(path).map_err(ImageError::file(path))?));
        let (mut version, mut control, mut data) = (None, None, None);
        while let Some(entry) = archive.next_entry() {
            let entry = entry.map_err(damaged())?;
            let member = String::from_utf8_lossy(entry.header().identifier()).into_owned();
            let part = match member.split('.').next() {
                Some("debian-binary") => &mut version,
                Some("control") => &mut control,
                Some("data") => &mut data,
                _ => continue,
            };
            let plain = if member == "debian-binary" { "" } else { member.as_str() };
            let bytes = part.insert(Vec::new());
            unpacker(plain, entry).and_then(|mut reader| reader.read_to_end(bytes)).map_err(damaged())?;
        }
        let lacks = || ImageError::damaged(format!("the package {name}"))("it lacks a part");
        Ok(Self {
            version: version.ok_or_else(lacks)?,
            control: control.ok_or_else(lacks)?,
            data: data.ok_or_else(lacks)?,
            name,
        })
    }

    /// The same package without compression, which a guest installs much sooner.
    ///
    /// # Errors
    /// None is to be expected: it stays in memory.
    pub fn uncompressed(&self) -> Result<Vec<u8>> {
        let mut builder = ar::Builder::new(Vec::with_capacity(self.control.len() + self.data.len() + 1024));
        for (member, bytes) in
            [("debian-binary", &self.version), ("control.tar", &self.control), ("data.tar", &self.data)]
        {
            let mut header = ar::Header::new(member.into(), bytes.len() as u64);
            header.set_mode(0o100644);
            builder.append(&header, &bytes[..]).map_err(ImageError::damaged(&self.name))?;
        }
        builder.into_inner().map_err(ImageError::damaged(&self.name))
    }

    /// The files and symbolic links that `wanted` asks for by their paths, which begin without a slash.
    ///
    /// # Errors
    /// The package is damaged.
    pub fn files(&self, wanted: impl Fn(&str) -> bool) -> Result<Vec<Entry>> {
        let damaged = || ImageError::damaged(format!("the package {}", self.name));
        let mut found = Vec::new();
        let mut archive = tar::Archive::new(Cursor::new(&self.data));
        for entry in archive.entries().map_err(damaged())? {
            let mut entry = entry.map_err(damaged())?;
            let path = entry.path().map_err(damaged())?.to_string_lossy().into_owned();
            let path = path.trim_start_matches("./").trim_start_matches('/').to_owned();
            if !wanted(&path) {
                continue;
            }
            let link = entry.link_name().map_err(damaged())?.map(|to| to.to_string_lossy().into_owned());
            match (entry.header().entry_type(), link) {
                (tar::EntryType::Symlink, Some(target)) => {
                    found.push(Entry { path, data: Data::Link(target) })
                }
                (tar::EntryType::Regular, _) => {
                    let mut bytes = Vec::new();
                    entry.read_to_end(&mut bytes).map_err(damaged())?;
                    found.push(Entry { path, data: Data::File(bytes) });
                }
                _ => {}
            }
        }
        Ok(found)
    }
}

/// A file in a package.
pub struct Entry {
    /// Its path, without a slash at the start.
    pub path: String,
    /// What it is.
    pub data: Data,
}

/// What a file is.
pub enum Data {
    /// A file with this content.
    File(Vec<u8>),
    /// A symbolic link to there.
    Link(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(members: &[(&str, &[u8])]) -> tempfile::NamedTempFile {
        let mut builder = ar::Builder::new(Vec::new());
        for (name, bytes) in members {
            builder.append(&ar::Header::new(name.as_bytes().to_vec(), bytes.len() as u64), *bytes).unwrap();
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), builder.into_inner().unwrap()).unwrap();
        file
    }

    fn data() -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(4);
        header.set_mode(0o755);
        tar.append_data(&mut header, "./usr/bin/tool", &b"tool"[..]).unwrap();
        let mut link = tar::Header::new_gnu();
        link.set_entry_type(tar::EntryType::Symlink);
        link.set_size(0);
        tar.append_link(&mut link, "./usr/bin/other", "tool").unwrap();
        tar.into_inner().unwrap()
    }

    #[test]
    fn a_package_is_read_and_comes_out_without_compression() {
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut gz, &data()).unwrap();
        let packed = gz.finish().unwrap();
        let file = package(&[("debian-binary", b"2.0\n"), ("control.tar", b"c"), ("data.tar.gz", &packed)]);
        let deb = Deb::open(file.path()).unwrap();
        let files = deb.files(|path| path.starts_with("usr/bin/")).unwrap();
        assert!(
            matches!(&files[0], Entry { path, data: Data::File(bytes) } if path == "usr/bin/tool" && bytes == b"tool")
        );
        assert!(matches!(&files[1].data, Data::Link(target) if target == "tool"));
        let plain = deb.uncompressed().unwrap();
        std::fs::write(file.path(), &plain).unwrap();
        assert_eq!(Deb::open(file.path()).unwrap().uncompressed().unwrap(), plain);
    }

    #[test]
    fn damage_is_told() {
        for members in [
            &[("debian-binary", &b"2.0\n"[..])][..],
            &[("debian-binary", b"2.0\n"), ("control.tar", b""), ("data.tar.xz", b"no")],
        ] {
            let file = package(members);
            assert!(Deb::open(file.path()).err().unwrap().to_string().contains("is damaged"));
        }
        let file = package(&[("debian-binary", b"2.0\n"), ("control.tar", b""), ("data.tar", b"rubbish")]);
        assert!(Deb::open(file.path()).unwrap().files(|_| true).is_err());
    }
}
