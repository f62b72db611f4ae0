//! Archives in the "newc" form of cpio, as the Linux kernel unpacks an initial ramdisk.

use std::path::{Path, PathBuf};

/// An archive under construction.
#[derive(Default)]
pub struct Cpio {
    bytes: Vec<u8>,
    inode: u32,
}

const DIR: u32 = 0o040755;
const EXECUTABLE: u32 = 0o100755;
const LINK: u32 = 0o120777;
const CHAR_DEVICE: u32 = 0o020600;

impl Cpio {
    /// Adds a directory.
    pub fn dir(&mut self, name: &str) -> &mut Self {
        self.entry(name, DIR, &[], (0, 0))
    }

    /// Adds an executable file.
    pub fn file(&mut self, name: &str, data: &[u8]) -> &mut Self {
        self.entry(name, EXECUTABLE, data, (0, 0))
    }

    /// Adds a symbolic link.
    pub fn link(&mut self, name: &str, target: &str) -> &mut Self {
        self.entry(name, LINK, target.as_bytes(), (0, 0))
    }

    /// Adds a character device.
    pub fn device(&mut self, name: &str, major: u32, minor: u32) -> &mut Self {
        self.entry(name, CHAR_DEVICE, &[], (major, minor))
    }

    /// Adds what lies in `base`, but for what is named in `skip`, at the root of the archive, folders before what they hold.
    ///
    /// # Errors
    /// A file can't be read.
    pub fn tree(&mut self, base: &Path, skip: &[&str]) -> Result<&mut Self, String> {
        let mut left = vec![base.to_path_buf()];
        while let Some(dir) = left.pop() {
            for path in files(&dir)? {
                let fail = |e: std::io::Error| format!("{}: {e}", path.display());
                let name =
                    path.strip_prefix(base).expect("it was found there").to_string_lossy().into_owned();
                let kind = path.symlink_metadata().map_err(fail)?.file_type();
                if skip.contains(&name.as_str()) {
                    continue;
                } else if kind.is_dir() {
                    self.dir(&name);
                    left.push(path);
                } else if kind.is_symlink() {
                    let target = std::fs::read_link(&path).map_err(fail)?;
                    self.link(&name, &target.to_string_lossy());
                } else {
                    self.file(&name, &std::fs::read(&path).map_err(fail)?);
                }
            }
        }
        Ok(self)
    }

    /// The finished archive.
    pub fn finish(&mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, &[], (0, 0));
        std::mem::take(&mut self.bytes)
    }

    fn entry(&mut self, name: &str, mode: u32, data: &[u8], device: (u32, u32)) -> &mut Self {
        self.inode += 1;
        let fields = [
            self.inode,
            mode,
            0,
            0,
            1,
            0,
            data.len() as u32,
            0,
            0,
            device.0,
            device.1,
            name.len() as u32 + 1,
            0,
        ];
        self.bytes.extend(b"070701");
        for field in fields {
            self.bytes.extend(format!("{field:08x}").bytes());
        }
        self.bytes.extend(name.bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend(data);
        self.pad();
        self
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

/// What is in a folder, in order of names.
pub(crate) fn files(dir: &Path) -> Result<Vec<PathBuf>, String> {
    let fail = |e| format!("{}: {e}", dir.display());
    let entries = std::fs::read_dir(dir).map_err(fail)?;
    let mut paths =
        entries.map(|entry| entry.map(|e| e.path())).collect::<Result<Vec<_>, _>>().map_err(fail)?;
    paths.sort();
    Ok(paths)
}

/// A ramdisk with static busybox as `/bin/sh`, `init` as its `/init` script, and further files.
pub fn busybox_ramdisk(busybox: &[u8], init: &str, files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut cpio = Cpio::default();
    for dir in ["bin", "dev", "mnt", "proc", "sys", "tmp"] {
        cpio.dir(dir);
    }
    cpio.device("dev/console", 5, 1).device("dev/null", 1, 3);
    cpio.file("bin/busybox", busybox).link("bin/sh", "busybox").file("init", init.as_bytes());
    for (name, data) in files {
        cpio.file(name, data);
    }
    cpio.finish()
}

/// A ramdisk as [`busybox_ramdisk`] makes it, whose init first loads modules.
pub fn module_ramdisk(busybox: &[u8], modules: &[(String, Vec<u8>)], init: &str) -> Vec<u8> {
    let files: Vec<_> = modules.iter().map(|(name, data)| (format!("tmp/{name}"), &data[..])).collect();
    let files: Vec<_> = files.iter().map(|(name, data)| (name.as_str(), *data)).collect();
    let load = "for module in /tmp/*.ko; do insmod $module || echo \"$module does not load\"; done";
    busybox_ramdisk(busybox, &format!("{INIT_PROLOGUE}{load}\n{init}"), &files)
}

/// The start of an `/init` script: mounts, applets in the path, a quiet console.
pub const INIT_PROLOGUE: &str = "#!/bin/sh
/bin/busybox --install -s /bin
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs dev /dev 2>/dev/null
export PATH=/bin HOME=/ PS1='guest# '
";
