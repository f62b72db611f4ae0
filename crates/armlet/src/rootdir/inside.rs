//! Files in a directory as a guest will find them: links lead to other places in it, never out of it.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{Dir, Mode, OFlags, ResolveFlags, open, openat2};

use crate::failure::Failure;

/// No kernel or module is larger.
const LIMIT: u64 = 1 << 30;

/// A directory.
pub struct Inside {
    dir: OwnedFd,
    /// As the user named it.
    pub path: PathBuf,
}

impl Inside {
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = open(path, flags, Mode::empty());
        let fail =
            |error| Failure::input(format_args!("can't run the directory {}: {error}", path.display()));
        Ok(Self { dir: dir.map_err(fail)?, path: path.to_owned() })
    }

    fn at(&self, path: &str, flags: OFlags) -> std::io::Result<OwnedFd> {
        // Whoever opens a pipe with no writer does not wait for one.
        let flags = flags | OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        let within = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        Ok(openat2(&self.dir, path, flags, Mode::empty(), within)?)
    }

    /// The file `path` in it; `None` if there is none, or no regular one.
    pub fn file(&self, path: &str) -> Result<Option<File>, Failure> {
        let opened = self.at(path, OFlags::empty()).map(File::from);
        let regular = |file: File| Ok(file.metadata()?.is_file().then_some(file));
        match opened.and_then(regular) {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(self.fail(path, &error)),
            Ok(file) => Ok(file),
        }
    }

    /// Names in the folder `path`, in no order; none if it is not there.
    pub fn names(&self, path: &str) -> Result<Vec<String>, Failure> {
        let dir = self.at(path, OFlags::DIRECTORY).and_then(|folder| Ok(Dir::new(folder)?));
        let names = dir.and_then(|entries| {
            let names = entries.map(|entry| Ok(entry?.file_name().to_str().ok().map(str::to_owned)));
            names.filter_map(Result::transpose).collect::<std::io::Result<Vec<String>>>()
        });
        match names {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                Ok(Vec::new())
            }
            Err(error) => Err(self.fail(path, &error)),
            Ok(names) => Ok(names.into_iter().filter(|name| name != "." && name != "..").collect()),
        }
    }

    fn fail(&self, path: &str, error: &std::io::Error) -> Failure {
        Failure::input(format_args!("can't read {path} in the directory {}: {error}", self.path.display()))
    }
}

/// All of a file. `name` is for messages.
pub fn read(name: &str, mut file: &File) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let count = file.take(LIMIT + 1).read_to_end(&mut bytes);
    let count = count.map_err(|error| Failure::input(format_args!("can't read {name}: {error}")))?;
    match count as u64 {
        0 => Err(Failure::input(format_args!("can't read {name}: it is empty"))),
        count if count > LIMIT => Err(Failure::input(format_args!("can't read {name}: it is too large"))),
        _ => {
            // The caller may want to read it again.
            let start = std::io::Seek::rewind(&mut file);
            start.map_err(|error| Failure::input(format_args!("can't read {name}: {error}")))?;
            Ok(bytes)
        }
    }
}
