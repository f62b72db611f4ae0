//! First-boot data: what the options say, as one more disk of the machine.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;

use armlet::DiskConfig;
use armlet_image::first_boot::FirstBoot;
use armlet_machine::disk::{Disk, VolatileSlice};

use crate::args::RunArgs;
use crate::failure::Failure;
use crate::files;

/// Letters of a name, with its dots (RFC 1123, 2.1; Linux takes no more).
const HOSTNAME: usize = 64;

/// The disk with first-boot data, if the user gives any.
pub fn disk(args: &RunArgs) -> Result<Option<DiskConfig>, Failure> {
    let read =
        |what: &str, path: &Option<_>| path.as_deref().map(|path: &Path| files::read(what, path)).transpose();
    let keys = args.ssh_key.iter().map(|path| files::read("ssh key", path)).collect::<Result<Vec<_>, _>>()?;
    let keys = keys.iter().flat_map(|bytes| bytes.split(|byte| *byte == b'\n'));
    let data = FirstBoot {
        user_data: read("user-data", &args.cloud_init)?,
        meta_data: read("meta-data", &args.meta_data)?,
        hostname: args.hostname.clone(),
        ssh_keys: keys
            .filter(|line| !line.is_empty())
            .map(|line| String::from_utf8_lossy(line).into_owned())
            .collect(),
    };
    if data.is_empty() {
        return Ok(None);
    }
    let bytes = data.disk().map_err(|error| Failure::broken(crate::failure::chain(&error)))?;
    let disk = Arc::new(MemoryDisk(bytes));
    Ok(Some(DiskConfig { name: "first-boot data".to_owned(), disk, serial: "armlet-seed".to_owned() }))
}

/// Takes a machine's name for what `--hostname` wants.
pub fn parse_hostname(text: &str) -> Result<String, String> {
    let label = |label: &str| {
        let inside = |c: char| c.is_ascii_alphanumeric() || c == '-';
        !label.is_empty() && label.chars().all(inside) && !label.starts_with('-') && !label.ends_with('-')
    };
    match text.len() <= HOSTNAME && text.split('.').all(label) {
        true => Ok(text.to_owned()),
        false => Err(format!("{text:?} is not a host name: letters, digits and dashes, up to {HOSTNAME}")),
    }
}

/// A small disk that can only be read.
struct MemoryDisk(Vec<u8>);

impl Disk for MemoryDisk {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_only(&self) -> bool {
        true
    }

    fn read(&self, offset: u64, into: &[VolatileSlice]) -> io::Result<()> {
        let mut rest = usize::try_from(offset).ok().and_then(|at| self.0.get(at..)).unwrap_or_default();
        for slice in into {
            let (now, later) = rest.split_at_checked(slice.len()).ok_or(ErrorKind::UnexpectedEof)?;
            slice.copy_from(now);
            rest = later;
        }
        Ok(())
    }

    fn write(&self, _: u64, _: &[VolatileSlice]) -> io::Result<()> {
        Err(ErrorKind::ReadOnlyFilesystem.into())
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }

    fn discard(&self, _: u64, _: u64) -> io::Result<()> {
        Err(ErrorKind::ReadOnlyFilesystem.into())
    }

    fn write_zeroes(&self, _: u64, _: u64, _: bool) -> io::Result<()> {
        Err(ErrorKind::ReadOnlyFilesystem.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_are_words_of_letters_digits_and_dashes() {
        for right in ["web", "web-1.example.org", "7"] {
            assert_eq!(parse_hostname(right).as_deref(), Ok(right));
        }
        for wrong in ["", "a b", "-a", "a-", "a..b", "ä", &"x".repeat(65)] {
            assert!(parse_hostname(wrong).is_err_and(|why| why.contains("is not a host name")), "{wrong}");
        }
    }

    #[test]
    fn a_disk_in_memory_reads_within_its_bounds() {
        let disk = MemoryDisk((0..=255).collect());
        let (mut one, mut two) = ([0; 3], [0; 2]);
        disk.read(100, &[VolatileSlice::from(&mut one[..]), VolatileSlice::from(&mut two[..])]).unwrap();
        assert_eq!((one, two), ([100, 101, 102], [103, 104]));
        assert!(disk.read(254, &[VolatileSlice::from(&mut one[..])]).is_err());
        assert!(disk.read(u64::MAX, &[VolatileSlice::from(&mut one[..])]).is_err());
    }
}
