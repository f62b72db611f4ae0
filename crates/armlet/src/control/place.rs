//! Where the sockets are.

use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;

use crate::failure::Failure;

/// The end of a socket's file name.
const SOCKET: &str = "sock";
/// A default name that is taken gets a number, up to this one.
const MOST: usize = 1000;

/// The directory with a socket for each machine, which nobody else can enter. It is made.
pub fn directory() -> io::Result<PathBuf> {
    let user = rustix::process::getuid().as_raw();
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|dir| dir.is_absolute());
    let dir = runtime.map_or_else(
        || std::env::temp_dir().join(format!("armlet-{user}")),
        |runtime| runtime.join("armlet"),
    );
    match DirBuilder::new().mode(0o700).create(&dir) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    // In a directory that all may write to, somebody else may have made it.
    let metadata = fs::symlink_metadata(&dir)?;
    if !metadata.is_dir() || metadata.uid() != user || metadata.mode() & 0o077 != 0 {
        let why = format!("{} is not a directory that belongs to this user alone", dir.display());
        return Err(io::Error::new(ErrorKind::PermissionDenied, why));
    }
    Ok(dir)
}

/// A machine's socket, and the name that it got.
pub struct Bound {
    /// Who connects comes here.
    pub listener: UnixListener,
    /// The file.
    pub path: PathBuf,
    /// The machine's name.
    pub name: String,
}

/// Makes the socket of a machine called `name`, or, if that may be `changed`, `name-2` and so on where it is taken.
pub fn bind(name: &str, changed: bool) -> Result<Bound, Failure> {
    if !fits(name) {
        return Err(Failure::input(format_args!(
            "--name: {name:?} can't be a machine's name: it takes up to 60 letters, digits, dots, dashes and underscores"
        )));
    }
    let host = |error: io::Error| {
        Failure::broken(format_args!("can't make a socket for the machine {name}: {error}"))
    };
    let dir = directory().map_err(host)?;
    // Two that start at once must not take each other for dead.
    let lock = File::create(dir.join(".lock")).map_err(host)?;
    lock.lock().map_err(host)?;
    let numbered = (2..MOST).map(|number| format!("{name}-{number}"));
    for name in [name.to_owned()].into_iter().chain(numbered.filter(|_| changed)) {
        let path = dir.join(format!("{name}.{SOCKET}"));
        if connect(&path).map_err(host)?.is_none() {
            let listener = UnixListener::bind(&path).map_err(host)?;
            return Ok(Bound { listener, path, name });
        }
    }
    Err(Failure::input(format_args!(
        "--name: a machine called {name} runs already; choose another name, or stop it"
    )))
}

/// A name for a machine, of whatever it runs.
pub fn name_of(thing: &str) -> String {
    let name: String = thing.chars().map(|c| if allowed(c) { c } else { '-' }).take(50).collect();
    let name = name.trim_matches(['-', '.']);
    if name.is_empty() { "machine".to_owned() } else { name.to_owned() }
}

fn allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.+".contains(c)
}

fn fits(name: &str) -> bool {
    (1..=60).contains(&name.len()) && !name.starts_with(['.', '-']) && name.chars().all(allowed)
}

/// Connects to a socket. `None` if nobody is there any more; then the file is removed.
pub fn connect(path: &std::path::Path) -> io::Result<Option<UnixStream>> {
    match UnixStream::connect(path) {
        Ok(stream) => Ok(Some(stream)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            fs::remove_file(path).or_else(|error| match error.kind() {
                ErrorKind::NotFound => Ok(()),
                _ => Err(error),
            })?;
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The machine of a name.
pub fn machine(name: &str) -> Result<UnixStream, Failure> {
    let host = |error: io::Error| Failure::broken(format_args!("can't reach the machine {name}: {error}"));
    let path = directory().map_err(host)?.join(format!("{name}.{SOCKET}"));
    let found = if fits(name) { connect(&path).map_err(host)? } else { None };
    found.ok_or_else(|| {
        let names: Vec<_> = all().unwrap_or_default().into_iter().map(|(name, _)| name).collect();
        let hint = crate::failure::did_you_mean(name, names.iter().map(String::as_str));
        Failure::input(format_args!("no machine called {name:?} runs{hint}; `armlet ps` lists them"))
    })
}

/// All machines that run, in order of their names.
pub fn all() -> io::Result<Vec<(String, UnixStream)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory()?)? {
        let path = entry?.path();
        let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
        if path.extension().is_some_and(|extension| extension == SOCKET)
            && let Some(stream) = connect(&path)?
        {
            found.push((name, stream));
        }
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_of_what_runs() {
        assert_eq!(name_of("debian-12-arm64"), "debian-12-arm64");
        assert_eq!(name_of("my disk (1)"), "my-disk--1");
        assert_eq!((name_of("..."), name_of("")), ("machine".into(), "machine".into()));
        assert!(fits(&name_of(&"x".repeat(200))) && !fits("../x") && !fits("") && !fits("-x"));
    }
}
