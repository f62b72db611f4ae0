//! An image that is being made, in a directory that nobody sees: it becomes an image by its name, or it goes.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::images;
use crate::sys::{self, Signal};

/// What follows an image's name, behind a dot, in the names of its directory and lock.
const PARTIAL: &str = ".partial";
const LOCK: &str = ".lock";
/// Bytes that a host has which has room.
const ROOM: usize = 1 << 20;
/// How the name of what is being removed begins.
const REMOVED: &str = ".removed-";

/// The directory, for as long as the image is being made.
pub struct Partial {
    /// What will be the image's directory.
    pub dir: PathBuf,
    _lock: File,
}

impl Partial {
    /// Makes the directory of the image that is to be `place`. What tries that were killed have left, of any image, goes
    /// first; on a signal this one goes, and the program ends.
    pub fn new(place: &Path, name: &str) -> Result<Self, Failure> {
        let parent = place.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(|error| images::file(parent, &error))?;
        let lock = lock(parent, name).map_err(|error| images::file(parent, &error))?.ok_or_else(|| {
            Failure::input(format_args!("another armlet is making the image {name}; wait for it"))
        })?;
        let dir = parent.join(format!(".{name}{PARTIAL}"));
        let made = if dir.exists() { fs::remove_dir_all(&dir) } else { Ok(()) };
        made.and_then(|()| fs::create_dir(&dir)).map_err(|error| images::file(&dir, &error))?;
        sweep(parent, name);
        let doomed = dir.clone();
        sys::on_signal(move |signal| {
            if let Signal::End(number) = signal {
                let _ = fs::remove_dir_all(&doomed);
                eprintln!("\narmlet: interrupted; what was downloaded is kept for the next time");
                std::process::exit(128 + i32::from(number));
            }
        })
        .map_err(Failure::broken)?;
        Ok(Self { dir, _lock: lock })
    }

    /// The disk with packages.
    pub fn packages(&self) -> PathBuf {
        self.dir.join("packages.raw")
    }

    /// The failure of a host that has no room left, if this is one.
    pub fn no_room(&self) -> Option<Failure> {
        let probe = self.dir.join("room");
        let error = fs::write(&probe, vec![1; ROOM]).err()?;
        (!images::room(&error).is_empty()).then(|| images::file(&self.dir, &error))
    }

    /// Makes it an image.
    pub fn finish(self, place: &Path) -> Result<(), Failure> {
        let packages = self.packages();
        let removed = if packages.exists() { fs::remove_file(packages) } else { Ok(()) };
        removed.and_then(|()| fs::rename(&self.dir, place)).map_err(|error| images::file(place, &error))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// The lock of the image with this name, if nobody else has it.
fn lock(parent: &Path, name: &str) -> std::io::Result<Option<File>> {
    let lock = File::create(parent.join(format!(".{name}{LOCK}")))?;
    Ok(lock.try_lock().is_ok().then_some(lock))
}

/// Removes what nobody works on any more. A failure here is told when it matters.
fn sweep(parent: &Path, own: &str) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name().into_string().unwrap_or_default();
        let partial = name.strip_prefix('.').and_then(|name| name.strip_suffix(PARTIAL));
        let left = partial.is_some_and(|image| image != own && matches!(lock(parent, image), Ok(Some(_))));
        if left || name.starts_with(REMOVED) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_killed_is_cleared_and_what_is_being_made_is_not() {
        let dir = tempfile::tempdir().unwrap();
        for left in [".old.partial", ".busy.partial", ".removed-x-1", "kept"] {
            fs::create_dir(dir.path().join(left)).unwrap();
            fs::write(dir.path().join(left).join("disk.raw"), "").unwrap();
        }
        let busy = lock(dir.path(), "busy").unwrap();
        assert!(busy.is_some() && lock(dir.path(), "busy").unwrap().is_none());
        let partial = Partial::new(&dir.path().join("new"), "new").unwrap();
        let names = || {
            let entries = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name());
            let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
            names.retain(|name| !name.ends_with(LOCK));
            names.sort();
            names
        };
        assert_eq!(names(), [".busy.partial", ".new.partial", "kept"]);
        assert!(Partial::new(&dir.path().join("busy"), "busy").is_err_and(|error| error.status == 2));
        partial.finish(&dir.path().join("new")).unwrap();
        assert_eq!(names(), [".busy.partial", "kept", "new"]);
    }
}
