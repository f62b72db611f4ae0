//! Reading the files a command line names, each refusal one clear line.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use armlet::{Source, guests};
use armlet_image::root;
use armlet_machine::disk;

use crate::failure::{Failure, did_you_mean};
use crate::size::human;

/// No kernel, initrd or device tree is larger; a larger file is a mistake that would only fill the
/// host's memory.
const LIMIT: u64 = 4 << 30;

/// Reads all of a file. `what` says what it was to be, for messages.
pub fn read(what: &str, path: &Path) -> Result<Vec<u8>, Failure> {
    read_and_keep(what, path).map(|(bytes, _)| bytes)
}

/// The same, and keeps the file at hand to be read again.
pub fn read_and_keep(what: &str, path: &Path) -> Result<(Vec<u8>, Source), Failure> {
    let fail = |why: String| Failure::input(format_args!("can't read the {what} {}: {why}", path.display()));
    let reason = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => fail("there is no such file".into()),
        ErrorKind::PermissionDenied => fail("permission denied".into()),
        _ => fail(error.to_string()),
    };
    // Asked before opening: opening a pipe with no writer would wait for one.
    let metadata = fs::metadata(path).map_err(reason)?;
    if metadata.is_dir() {
        return Err(fail("it is a directory".into()));
    }
    if !metadata.is_file() {
        return Err(fail("it is not a regular file".into()));
    }
    if metadata.len() > LIMIT {
        return Err(fail(format!("it has {}, more than any {what}", human(metadata.len()))));
    }
    let mut bytes = Vec::with_capacity(metadata.len() as usize);
    let file = File::open(path).map_err(reason)?;
    (&file).take(LIMIT).read_to_end(&mut bytes).map_err(reason)?;
    if bytes.is_empty() {
        return Err(fail("it is empty".into()));
    }
    Ok((bytes, Source::new(file).map_err(reason)?))
}

/// What to run.
pub enum Thing {
    /// A guest inside the program.
    Guest(&'static guests::Guest),
    /// A file's name, its content, and the file.
    File(String, Vec<u8>, Source),
    /// A directory, to be the root of a guest.
    Directory(PathBuf),
    /// A disk image.
    Disk(PathBuf),
}

/// Finds out what the user means: nothing is `hello`, then files, then embedded guests.
pub fn thing(name: Option<&Path>) -> Result<Thing, Failure> {
    let Some(path) = name else {
        return Ok(Thing::Guest(&guests::ALL[0]));
    };
    let text = path.to_string_lossy();
    if text == "-" {
        return Err(Failure::input(
            "a guest can't come from standard input, which is its console; name a file",
        ));
    }
    if path.is_dir() {
        return Ok(Thing::Directory(path.to_owned()));
    }
    if is_disk(path) {
        return Ok(Thing::Disk(path.to_owned()));
    }
    if path.exists() {
        let (bytes, source) = read_and_keep("guest", path)?;
        return Ok(Thing::File(text.into_owned(), bytes, source));
    }
    if let Some(guest) = guests::find(&text) {
        return Ok(Thing::Guest(guest));
    }
    if armlet_image::recipe::names().iter().any(|name| *name == *text) {
        return Err(Failure::input(format_args!(
            "the image {text} is not there yet; make it with: armlet image pull {text}"
        )));
    }
    let hint = did_you_mean(&text, guests::ALL.iter().map(|guest| guest.name));
    if path.components().count() > 1 {
        let (bytes, source) = read_and_keep("guest", path)?;
        return Ok(Thing::File(text.into_owned(), bytes, source));
    }
    Err(Failure::input(format_args!(
        "there is no file, no image and no embedded guest {text:?}{hint}; `armlet guests` lists the guests, `armlet image ls` the images"
    )))
}

/// True for a disk of the host's and what begins as a disk does. What can't be read is told when it is to be read whole.
fn is_disk(path: &Path) -> bool {
    if disk::is_device(path) {
        return true;
    }
    let mut start = Vec::new();
    let regular = fs::metadata(path).is_ok_and(|metadata| metadata.is_file());
    let file = regular.then(|| File::open(path).ok()).flatten();
    file.is_some_and(|file| {
        file.take(root::START as u64).read_to_end(&mut start).is_ok() && root::is_disk(&start)
    })
}

/// Creates the file of `option` for writing.
pub fn create(option: &str, path: &Path) -> Result<File, Failure> {
    File::create(path)
        .map_err(|error| Failure::input(format_args!("{option}: can't write {}: {error}", path.display())))
}
