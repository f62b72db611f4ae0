//! `armlet run DIR`: a directory of the host as the root of a guest, by 9P.
//!
//! The kernel comes from the directory (or from `--kernel`), and so do the modules that it takes to mount it. They go into a ramdisk
//! with a program of armlet's own (`guests/init.S`), which loads them, mounts the directory, and starts what is
//! there to be started. Nothing of all that is outside the directory: links in it lead to other places in it.

mod inside;
mod kernel;
mod modules;
mod ramdisk;

use std::path::Path;

use armlet::{GuestMode, Initrd, Payload, ShareConfig, Source};
use armlet_machine::ROOT_TAG;
use armlet_machine::ninep::{self, Options, Owners};

use crate::args::RunArgs;
use crate::failure::Failure;
use inside::Inside;

/// What a machine needs to run a directory.
pub struct RootDir {
    pub kernel: Payload,
    pub initrd: Initrd,
    pub share: ShareConfig,
    pub append: String,
}

/// Looks at a directory.
///
/// # Errors
/// It has no kernel that can mount it, or an option is of no use with it.
pub fn open(path: &Path, args: &RunArgs) -> Result<RootDir, Failure> {
    if args.initrd.is_some() {
        return Err(Failure::input("a directory is run with a ramdisk of armlet's own; leave --initrd out"));
    }
    let root = Inside::open(path)?;
    let (name, file, modules) =
        kernel::choose(&root, args.kernel.as_deref(), args.virtio.unwrap_or_default())?;
    let bytes = inside::read(&name, &file)?;
    let source = Source::new(file).map_err(|error| Failure::input(format_args!("{name}: {error}")))?;
    let payload = Payload::detect(&name, bytes).map_err(|error| Failure::input_chain(&error))?;
    let payload = payload.from_file(source);
    if !payload.is_linux() {
        return Err(Failure::input(format_args!("{name} is no Linux kernel, which a directory is run with")));
    }
    let aarch32 = payload.mode() == Some(GuestMode::A32El1);
    let append = args.append.clone().unwrap_or_else(|| args.console_words().to_owned());
    let bytes = ramdisk::make(aarch32, modules, ramdisk::next(&append))
        .map_err(|error| Failure::broken(format_args!("can't make a ramdisk: {error}")))?;
    // A file system without attributes can only show what the host has.
    let owners = if ninep::keeps_owners(path) { Owners::Mapped } else { Owners::Host };
    let options = Options { read_only: false, owners };
    let share = ShareConfig { path: path.to_owned(), tag: ROOT_TAG.to_owned(), options };
    Ok(RootDir { kernel: payload, initrd: Initrd { bytes, source: None }, share, append })
}
