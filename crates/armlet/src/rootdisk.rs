//! A disk as the thing to run: its kernel and ramdisk come from the file system on it.

use std::path::Path;

use armlet::{DiskConfig, Initrd, Payload};
use armlet_image::root;
use armlet_machine::disk::{self, OpenOptions};

use crate::args::RunArgs;
use crate::disks::DiskArg;
use crate::failure::Failure;

/// What makes the kernel take the first disk as its root.
const ROOT: &str = "root=/dev/vda rw";
/// What else it is told, where the user doesn't say.
const CONSOLE: &str = "console=ttyAMA0";

/// A disk and what boots it.
pub struct Root {
    /// The disk.
    pub disk: DiskConfig,
    /// The kernel on it.
    pub kernel: Payload,
    /// The ramdisk on it.
    pub ramdisk: Option<Initrd>,
}

/// Opens the disk at `path` and reads the kernel from it.
pub fn open(path: &Path, args: &RunArgs) -> Result<Root, Failure> {
    let fail = |error: &dyn std::error::Error| Failure::input_chain(error);
    let options = OpenOptions { overlay: args.overlay, ..OpenOptions::default() };
    let reading = OpenOptions { read_only: true, ..OpenOptions::default() };
    // The file system is read before anybody writes to it.
    let found = disk::open(path, &reading).map_err(|error| fail(&error))?;
    let found = root::boot(path, found).map_err(|error| fail(&error))?;
    let name = format!("{}:/vmlinuz", path.display());
    let kernel = Payload::detect(&name, found.kernel).map_err(|error| fail(&error))?;
    let disk = DiskArg { path: path.to_owned(), options, serial: None }.open(0)?;
    Ok(Root { disk, kernel, ramdisk: found.ramdisk.map(|bytes| Initrd { bytes, source: None }) })
}

/// The kernel's command line: what the user says, and the root unless that says it.
pub fn command_line(append: Option<&str>) -> String {
    match append {
        Some(append) if append.split_whitespace().any(|word| word.starts_with("root=")) => append.to_owned(),
        append => format!("{ROOT} {}", append.unwrap_or(CONSOLE)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_the_first_disk_unless_told() {
        assert_eq!(command_line(None), "root=/dev/vda rw console=ttyAMA0");
        assert_eq!(command_line(Some("quiet")), "root=/dev/vda rw quiet");
        assert_eq!(command_line(Some("quiet root=LABEL=x")), "quiet root=LABEL=x");
    }
}
