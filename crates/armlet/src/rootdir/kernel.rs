//! Which kernel a directory is run with: the one that the user names, or the newest of its own that can mount it.

use std::cmp::Ordering;
use std::fs::File;
use std::path::Path;

use armlet::VirtioTransport;

use super::inside::Inside;
use super::modules::{self, Module};
use crate::failure::Failure;

/// Where kernels are whose names don't end in a version.
const OTHERS: [&str; 6] =
    ["boot/vmlinuz", "boot/Image", "boot/Image.gz", "boot/zImage", "vmlinuz", "boot/vmlinuz.efi"];
/// How names of kernels with versions begin.
const PREFIXES: [&str; 4] = ["vmlinuz-", "vmlinux-", "Image-", "zImage-"];

/// A kernel's name and file, and the modules that it needs.
pub type Choice = (String, File, Vec<Module>);

/// Chooses the kernel of `root`, which must have drivers for this transport; `named` is the user's own.
pub fn choose(root: &Inside, named: Option<&Path>, virtio: VirtioTransport) -> Result<Choice, Failure> {
    let folders = root.names("lib/modules")?;
    if let Some(path) = named {
        let name = path.display().to_string();
        let file = File::open(path)
            .map_err(|error| Failure::input(format_args!("can't read the kernel {name}: {error}")))?;
        let version = version(&name).filter(|version| folders.iter().any(|folder| folder == version));
        let only = || (folders.len() == 1).then(|| folders[0].as_str());
        let modules = modules::needed(root, version.or_else(only), virtio)?;
        return Ok((name, file, modules.map_err(Failure::input)?));
    }
    let mut names: Vec<_> = root.names("boot")?.into_iter().filter(|name| version(name).is_some()).collect();
    names.sort_by(|one, other| newer(other, one));
    let names = names.iter().map(|name| format!("boot/{name}")).chain(OTHERS.map(str::to_owned));
    let mut lacks = None;
    for name in names {
        let Some(file) = root.file(&name)? else { continue };
        let version = version(&name).or_else(|| (folders.len() == 1).then(|| folders[0].as_str()));
        match modules::needed(root, version, virtio)? {
            Ok(modules) => return Ok((name, file, modules)),
            Err(why) => lacks = lacks.or(Some(format!("{name}: {why}"))),
        }
    }
    let dir = root.path.display();
    Err(Failure::input(match lacks {
        Some(why) => {
            format!(
                "no kernel in the directory {dir} can mount it: {why}; install Debian's linux-image-arm64 there, or name a kernel with --kernel FILE"
            )
        }
        None => format!(
            "the directory {dir} has no Linux kernel in boot; install one there, or name one with --kernel FILE"
        ),
    }))
}

/// What follows the prefix in a kernel's name.
fn version(path: &str) -> Option<&str> {
    let name = path.rsplit('/').next().unwrap_or(path);
    PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)).filter(|version| !version.is_empty())
}

/// Compares versions: digits by their value, all else by character.
fn newer(one: &str, other: &str) -> Ordering {
    let (one, other) = (pieces(one), pieces(other));
    one.cmp(&other)
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Piece {
    Text(char),
    Number(u64),
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for character in text.chars() {
        match (pieces.last_mut(), character.to_digit(10)) {
            (Some(Piece::Number(number)), Some(digit)) => {
                *number = number.saturating_mul(10).saturating_add(digit.into());
            }
            (_, Some(digit)) => pieces.push(Piece::Number(digit.into())),
            (_, None) => pieces.push(Piece::Text(character)),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbers() {
        assert_eq!(newer("vmlinuz-6.1.0-9-arm64", "vmlinuz-6.1.0-10-arm64"), Ordering::Less);
        assert_eq!(newer("vmlinuz-6.12", "vmlinuz-6.2.99"), Ordering::Greater);
        assert_eq!(version("boot/vmlinuz-6.1.0-9-arm64"), Some("6.1.0-9-arm64"));
        assert_eq!((version("boot/vmlinuz"), version("boot/initrd.img-6.1")), (None, None));
    }
}
