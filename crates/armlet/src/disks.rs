//! `--disk`: what can be said about a disk, and opening its image.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use armlet::DiskConfig;
use armlet_machine::disk::{self, Format, OpenOptions};

use crate::failure::{Failure, did_you_mean};
use crate::machine_file::split;

/// The options after the file's name.
const OPTIONS: [&str; 5] = ["ro", "overlay", "direct", "serial", "format"];
/// Bytes of a serial number that a guest sees.
const SERIAL_LEN: usize = 20;

/// A disk as the command line has it: `FILE[,ro][,overlay][,direct][,serial=NAME][,format=raw|qcow2]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskArg {
    /// The image.
    pub path: PathBuf,
    /// How to open it.
    pub options: OpenOptions,
    /// The serial number, if the user chose one.
    pub serial: Option<String>,
}

impl FromStr for DiskArg {
    type Err = String;

    /// A comma in a file's name is doubled.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = split(text).into_iter();
        let file = parts.next().unwrap_or_default();
        if let Some(name) = file.strip_prefix("file=").or(file.strip_prefix("path=")) {
            return Err(format!("write the file's name alone: {name}"));
        }
        if file.is_empty() {
            return Err("name a file or a block device".to_owned());
        }
        let mut disk = Self { path: file.into(), options: OpenOptions::default(), serial: None };
        parts.try_for_each(|option| disk.set(&option))?;
        if disk.options.read_only && disk.options.overlay {
            return Err(
                "ro and overlay can't both be: with overlay the guest writes, and the image stays".into()
            );
        }
        Ok(disk)
    }
}

impl DiskArg {
    fn set(&mut self, option: &str) -> Result<(), String> {
        match option.split_once('=').map_or((option, None), |(name, value)| (name, Some(value))) {
            ("ro", None) => self.options.read_only = true,
            ("direct", None) => self.options.direct = true,
            ("overlay", None) => self.options.overlay = true,
            ("serial", Some(serial)) if (1..=SERIAL_LEN).contains(&serial.len()) && serial.is_ascii() => {
                self.serial = Some(serial.to_owned());
            }
            ("serial", _) => return Err(format!("serial= wants 1 to {SERIAL_LEN} ASCII characters")),
            ("format", Some("raw")) => self.options.format = Some(Format::Raw),
            ("format", Some("qcow2")) => self.options.format = Some(Format::Qcow2),
            ("format", _) => return Err("the formats are raw and qcow2".to_owned()),
            ("readonly" | "read-only", _) => return Err(format!("{option:?} is for others; write ro")),
            ("snapshot", _) => return Err(format!("{option:?} is for others; write overlay")),
            ("cache", Some("none" | "directsync")) => {
                return Err(format!("{option:?} is for others; write direct"));
            }
            ("if" | "media" | "id" | "cache" | "aio", _) => {
                return Err(format!("{option:?} is for others; every disk is a virtio one, leave it out"));
            }
            (name, _) => {
                let hint = did_you_mean(name, OPTIONS);
                return Err(format!(
                    "there is no disk option {option:?}{hint}; the options are ro, overlay, direct, \
                     serial=NAME and format=raw|qcow2"
                ));
            }
        }
        Ok(())
    }

    /// Opens the image. `index` makes the serial number where the user chose none.
    pub fn open(&self, index: usize) -> Result<DiskConfig, Failure> {
        let disk = disk::open(&self.path, &self.options).map_err(|error| Failure::input_chain(&error))?;
        let name = self.path.file_name().unwrap_or(self.path.as_os_str()).to_string_lossy();
        let overlay = if self.options.overlay { " under an overlay" } else { "" };
        let serial = self.serial.clone().unwrap_or_else(|| format!("armlet-disk{index}"));
        Ok(DiskConfig { name: format!("{name}{overlay}"), disk: Arc::from(disk), serial })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_separate_options_and_are_doubled_in_names() {
        let disk: DiskArg = "/d/a,,b.img,serial=x=1,format=raw,ro".parse().unwrap();
        assert_eq!(disk.path, PathBuf::from("/d/a,b.img"));
        assert_eq!(disk.serial.as_deref(), Some("x=1"));
        assert_eq!(
            disk.options,
            OpenOptions { read_only: true, format: Some(Format::Raw), ..OpenOptions::default() }
        );
        let disk: DiskArg = "b.qcow2,overlay".parse().unwrap();
        assert!(disk.options.overlay && disk.serial.is_none() && !disk.options.direct);
        assert!("b.qcow2,direct".parse::<DiskArg>().unwrap().options.direct);
        assert!("b.qcow2,cache=none".parse::<DiskArg>().unwrap_err().ends_with("write direct"));
        assert!("a,serial=123456789012345678901".parse::<DiskArg>().is_err());
    }
}
