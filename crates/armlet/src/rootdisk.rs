//! A disk as the thing to run: its kernel and ramdisk come from the file system on it.

use std::path::Path;

use armlet::{DiskConfig, Initrd, Payload};
use armlet_image::root;
use armlet_machine::disk::{self, OpenOptions};

use crate::args::RunArgs;
use crate::disks::DiskArg;
use crate::failure::Failure;

/// The first disk.
const DISK: &str = "/dev/vda";

/// A disk and what boots it.
pub struct Root {
    /// The disk.
    pub disk: DiskConfig,
    /// The kernel on it.
    pub kernel: Payload,
    /// The ramdisk on it.
    pub ramdisk: Option<Initrd>,
    /// What Linux calls its root file system.
    pub root: String,
}

/// Opens the disk at `path` and reads the kernel from it.
pub fn open(path: &Path, args: &RunArgs) -> Result<Root, Failure> {
    let fail = |error: &dyn std::error::Error| Failure::input_chain(error);
    let options = OpenOptions { overlay: args.overlay, ..OpenOptions::default() };
    let reading = OpenOptions { read_only: true, ..OpenOptions::default() };
    // The file system is read before anybody writes to it.
    let found = disk::open(path, &reading).map_err(|error| fail(&error))?;
    let found = root::boot(path, found).map_err(|error| fail(&error))?;
    let name = format!("{}: {}", path.display(), found.path);
    let kernel = Payload::detect(&name, found.kernel).map_err(|error| fail(&error))?;
    let disk = DiskArg { path: path.to_owned(), options, serial: None }.open(0)?;
    let ramdisk = found.ramdisk.map(|bytes| Initrd { bytes, source: None });
    Ok(Root { disk, kernel, ramdisk, root: found.root.unwrap_or_else(|| DISK.to_owned()) })
}

/// The kernel's command line: what the user says, or else its `consoles`, and the root unless that says it.
pub fn command_line(append: Option<&str>, consoles: &str, root: &str) -> String {
    match append {
        Some(append) if append.split_whitespace().any(|word| word.starts_with("root=")) => append.to_owned(),
        append => format!("root={root} rw {}", append.unwrap_or(consoles)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_the_disks_unless_told() {
        let command_line = |append, root| command_line(append, "console=ttyAMA0", root);
        assert_eq!(command_line(None, DISK), "root=/dev/vda rw console=ttyAMA0");
        assert_eq!(command_line(Some("quiet"), "PARTUUID=1-2"), "root=PARTUUID=1-2 rw quiet");
        assert_eq!(command_line(Some("quiet root=LABEL=x"), DISK), "quiet root=LABEL=x");
    }
}
