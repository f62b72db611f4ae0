//! The initial ramdisk (cpio, "newc") that mounts a directory.

use std::io::{self, Write};

use cpio::newc::{Builder, trailer};

use super::modules::Module;

const INIT: &[u8] = include_bytes!("../../../../guests/prebuilt/init.bin");
const INIT32: &[u8] = include_bytes!("../../../../guests/prebuilt/init32.bin");

/// As many modules as `guests/init.inc` looks for.
const MOST_MODULES: usize = 40;

const DIR: u32 = 0o040_755;
const FILE: u32 = 0o100_755;
const CHARACTER_DEVICE: u32 = 0o020_600;

/// Makes the ramdisk. `next` is the program to start, unless it is the usual one.
pub fn make(aarch32: bool, modules: Vec<Module>, next: Option<&str>) -> io::Result<Vec<u8>> {
    if modules.len() > MOST_MODULES {
        return Err(io::Error::other("the kernel needs too many modules"));
    }
    let mut archive = Vec::new();
    for dir in ["dev", "m", "root"] {
        add(&mut archive, Builder::new(dir).mode(DIR), b"")?;
    }
    let console = Builder::new("dev/console").mode(CHARACTER_DEVICE).rdev_major(5).rdev_minor(1);
    add(&mut archive, console, b"")?;
    add(&mut archive, Builder::new("init").mode(FILE), if aarch32 { INIT32 } else { INIT })?;
    for (index, module) in modules.iter().enumerate() {
        add(&mut archive, Builder::new(&format!("m/{index:02}")).mode(FILE), module)?;
    }
    if let Some(next) = next {
        add(&mut archive, Builder::new("next").mode(FILE), next.as_bytes())?;
    }
    trailer(archive)
}

fn add(archive: &mut Vec<u8>, entry: Builder, content: &[u8]) -> io::Result<()> {
    let size = u32::try_from(content.len()).map_err(io::Error::other)?;
    let mut writer = entry.nlink(1).write(archive, size);
    writer.write_all(content)?;
    writer.finish().map(drop)
}

/// The program that a command line names by `init=`, which the kernel does not tell the first one.
pub fn next(append: &str) -> Option<&str> {
    let mut named = append.split_ascii_whitespace().filter_map(|word| word.strip_prefix("init="));
    named.next_back().filter(|path| (1..256).contains(&path.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_names_the_program() {
        assert_eq!(next("console=ttyAMA0 init=/bin/sh rw"), Some("/bin/sh"));
        assert_eq!(next("noinit=1 systemd.unit=x"), None);
        let archive = make(false, vec![vec![1; 5]], Some("/bin/sh")).unwrap();
        assert!(archive.len().is_multiple_of(4) && archive.starts_with(b"070701"));
        assert!(make(true, vec![Vec::new(); 41], None).is_err());
    }
}
