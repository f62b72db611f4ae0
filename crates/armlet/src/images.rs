//! The images of this user: a directory each, with a disk and the machine file that runs it.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use armlet_machine::disk::{self, OpenOptions};

use crate::failure::Failure;

/// The disk of an image.
pub const DISK: &str = "disk.raw";
/// The machine file of an image.
pub const MACHINE: &str = "machine.toml";

/// Where images are.
pub fn directory() -> Result<PathBuf, Failure> {
    base("XDG_DATA_HOME", ".local/share").map(|base| base.join("armlet/images"))
}

/// Where packages are kept.
pub fn cache() -> Result<PathBuf, Failure> {
    base("XDG_CACHE_HOME", ".cache").map(|base| base.join("armlet"))
}

/// A directory of this user (XDG Base Directory Specification); on Windows, where nothing sets these, below LOCALAPPDATA.
fn base(variable: &str, below_home: &str) -> Result<PathBuf, Failure> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let found = absolute(variable).or_else(|| absolute("HOME").map(|home| home.join(below_home)));
    found.or_else(|| absolute("LOCALAPPDATA")).ok_or_else(|| {
        Failure::input(format_args!(
            "there is no place for images: neither {variable} nor HOME is set; set one"
        ))
    })
}

/// An image's directory. A name is one word, and part of a path.
pub fn place(name: &str) -> Result<PathBuf, Failure> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.+".contains(c);
    if name.is_empty() || name.len() > 100 || name.starts_with(['.', '-']) || !name.chars().all(fits) {
        return Err(Failure::input(format_args!(
            "{name:?} can't be an image's name: it takes letters, digits, dots, dashes and underscores"
        )));
    }
    Ok(directory()?.join(name))
}

/// The machine file of the image with this name.
pub fn find(name: &str) -> Option<PathBuf> {
    place(name).ok().map(|dir| dir.join(MACHINE)).filter(|file| file.is_file())
}

/// The names of all images.
pub fn names() -> Result<Vec<String>, Failure> {
    let entries = fs::read_dir(directory()?).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<_> = names.filter(|name| find(name).is_some()).collect();
    names.sort();
    Ok(names)
}

/// Removes an image, unless a machine uses it.
pub fn remove(name: &str) -> Result<(), Failure> {
    let dir = place(name)?;
    if find(name).is_none() {
        let hint = crate::failure::did_you_mean(name, names()?.iter().map(String::as_str));
        return Err(Failure::input(format_args!(
            "there is no image {name:?}{hint}; `armlet image ls` lists them"
        )));
    }
    let in_use = disk::open(&dir.join(DISK), &OpenOptions::default()).err();
    if let Some(error) = in_use.filter(|_| dir.join(DISK).exists()) {
        return Err(Failure::input_chain(&error));
    }
    // What is half removed is no image any more.
    let doomed = dir.with_file_name(format!(".removed-{name}-{}", std::process::id()));
    fs::rename(&dir, &doomed).and_then(|()| fs::remove_dir_all(&doomed)).map_err(|error| file(&dir, &error))
}

/// A failure with a file or directory of an image.
pub fn file(path: &Path, error: &std::io::Error) -> Failure {
    Failure::broken(format_args!("{}: {error}{}", path.display(), room(error)))
}

/// What to do where a host has no room, nothing for other errors.
pub fn room(error: &std::io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "; make room there, or have XDG_DATA_HOME (images) or XDG_CACHE_HOME (packages) name a larger place"
        }
        _ => "",
    }
}
