//! The modules that a kernel needs to mount a directory, and those that they need.

use std::collections::{HashMap, HashSet};

use armlet::VirtioTransport;
use armlet_machine::loader::unpack::{Method, unpack};

use super::inside::{self, Inside};
use crate::failure::Failure;

/// Without these, and the driver of the transport, there is no root directory.
const NEEDED: [&str; 2] = ["9pnet_virtio", "9p"];
/// No module unpacks to more bytes.
const LARGEST: u64 = 64 << 20;
/// Folders are no deeper than this; a loop of links would be.
const DEPTH: usize = 12;

/// A module's code, unpacked.
pub type Module = Vec<u8>;

/// The modules in `lib/modules/VERSION` that a kernel needs behind this transport, in the order in which they load; without a version, or modules
/// for it, none, for then all must be in the kernel. The inner error says what is not there.
pub fn needed(
    root: &Inside,
    version: Option<&str>,
    virtio: VirtioTransport,
) -> Result<Result<Vec<Module>, String>, Failure> {
    let Some(version) = version else { return Ok(Ok(Vec::new())) };
    let base = format!("lib/modules/{version}");
    let files = files(root, &base)?;
    if files.is_empty() {
        return Ok(Ok(Vec::new()));
    }
    let built_in = match root.file(&format!("{base}/modules.builtin"))? {
        Some(file) => String::from_utf8_lossy(&inside::read("modules.builtin", &file).unwrap_or_default())
            .lines()
            .filter_map(module_name)
            .collect(),
        None => HashSet::new(),
    };
    let mut wanted =
        Wanted { root, files: &files, built_in: &built_in, seen: HashSet::new(), order: Vec::new() };
    let driver = match virtio {
        VirtioTransport::Mmio => "virtio_mmio",
        VirtioTransport::Pci => "virtio_pci",
    };
    for name in [driver].into_iter().chain(NEEDED) {
        if let Err(missing) = wanted.add(name)? {
            return Ok(Err(format!("{base} has no module {missing}")));
        }
    }
    Ok(Ok(wanted.order))
}

/// Modules as they are collected.
struct Wanted<'a> {
    root: &'a Inside,
    files: &'a HashMap<String, String>,
    built_in: &'a HashSet<String>,
    seen: HashSet<String>,
    order: Vec<Module>,
}

impl Wanted<'_> {
    /// Adds a module behind those it depends on; the inner error is the name of one that is not there.
    fn add(&mut self, name: &str) -> Result<Result<(), String>, Failure> {
        if self.built_in.contains(name) || !self.seen.insert(name.to_owned()) {
            return Ok(Ok(()));
        }
        let Some(path) = self.files.get(name) else { return Ok(Err(name.to_owned())) };
        let Some(file) = self.root.file(path)? else { return Ok(Err(name.to_owned())) };
        let module = unpacked(path, inside::read(path, &file)?)?;
        for other in depends(&module) {
            if let Err(missing) = self.add(&other)? {
                return Ok(Err(missing));
            }
        }
        self.order.push(module);
        Ok(Ok(()))
    }
}

/// The modules below a folder by name: their paths.
fn files(root: &Inside, base: &str) -> Result<HashMap<String, String>, Failure> {
    let (mut files, mut left) = (HashMap::new(), vec![(base.to_owned(), 0)]);
    while let Some((folder, depth)) = left.pop() {
        for name in root.names(&folder)? {
            let path = format!("{folder}/{name}");
            match module_name(&name) {
                Some(module) => drop(files.insert(module, path)),
                // Names with a dot are lists; `build` and `source` lead to where the kernel was made.
                None if depth < DEPTH && !name.contains('.') && name != "build" && name != "source" => {
                    left.push((path, depth + 1));
                }
                None => {}
            }
        }
    }
    Ok(files)
}

/// The name of a module from that of its file, which has `-` where others have `_`.
fn module_name(path: &str) -> Option<String> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let (name, packed) = name.split_once(".ko")?;
    matches!(packed, "" | ".gz" | ".xz" | ".zst").then(|| name.replace('-', "_"))
}

fn unpacked(path: &str, bytes: Vec<u8>) -> Result<Module, Failure> {
    let method = match path.rsplit('.').next() {
        Some("gz") => Method::Gzip,
        Some("xz") => Method::Xz,
        Some("zst") => Method::Zstd,
        _ => return Ok(bytes),
    };
    unpack(method, &bytes, LARGEST, false).map_err(|fault| Failure::input(format_args!("{path}: {fault}")))
}

/// What a module says that it depends on, in its section `.modinfo`.
fn depends(module: &[u8]) -> Vec<String> {
    const KEY: &[u8] = b"\0depends=";
    let at = module.windows(KEY.len()).position(|bytes| bytes == KEY);
    let list = at.map(|at| &module[at + KEY.len()..]).unwrap_or_default();
    let end = list.iter().position(|byte| *byte == 0).unwrap_or(list.len());
    let names = String::from_utf8_lossy(&list[..end]).replace('-', "_");
    names.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    fn module(dir: &Path, path: &str, depends: &str) {
        let path = dir.join("lib/modules/1").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        fs::write(&path, format!("\x7fELF {name}\0depends={depends}\0name=x\0")).unwrap();
    }

    fn names(modules: Vec<Module>) -> Vec<String> {
        let text = modules.into_iter().map(|module| String::from_utf8(module).unwrap());
        text.map(|text| text[5..text.find('\0').unwrap()].to_owned()).collect()
    }

    #[test]
    fn modules_come_behind_those_they_depend_on() {
        let dir = tempfile::tempdir().unwrap();
        module(dir.path(), "kernel/fs/9p/9p.ko", "9pnet,fs-cache");
        module(dir.path(), "kernel/fs/fscache/fs_cache.ko", "");
        module(dir.path(), "kernel/net/9p/9pnet.ko", "");
        module(dir.path(), "extra/9pnet_virtio.ko", "9pnet,9p");
        fs::write(dir.path().join("lib/modules/1/modules.builtin"), "kernel/drivers/virtio/virtio-mmio.ko\n")
            .unwrap();
        let root = Inside::open(dir.path()).unwrap();
        let needed = |version| needed(&root, Some(version), VirtioTransport::Mmio).unwrap();
        let modules = needed("1").unwrap();
        assert_eq!(names(modules), ["9pnet.ko", "fs_cache.ko", "9p.ko", "9pnet_virtio.ko"]);
        fs::remove_file(dir.path().join("lib/modules/1/kernel/net/9p/9pnet.ko")).unwrap();
        let missing = needed("1").unwrap_err();
        assert!(missing.ends_with("lib/modules/1 has no module 9pnet"), "{missing}");
        assert_eq!(needed("2"), Ok(Vec::new()));
    }

    #[test]
    fn links_lead_to_places_in_the_directory() {
        let (dir, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(outside.path().join("vmlinuz-1"), "x").unwrap();
        std::os::unix::fs::symlink(outside.path(), dir.path().join("boot")).unwrap();
        let root = Inside::open(dir.path()).unwrap();
        assert!(root.names("boot").unwrap().is_empty() && root.file("boot/vmlinuz-1").unwrap().is_none());
        fs::create_dir_all(dir.path().join("usr/lib")).unwrap();
        std::os::unix::fs::symlink("/usr/lib", dir.path().join("lib")).unwrap();
        module(&dir.path().join("usr"), "kernel/9p.ko", "");
        assert_eq!(root.names("lib/modules/1/kernel").unwrap(), ["9p.ko"]);
    }
}
