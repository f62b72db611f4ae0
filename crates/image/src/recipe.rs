//! What can be pulled: Debian releases by name, and the packages that go into them.

use crate::mirror::Mirror;
use crate::package::Index;
use crate::resolve::Selection;
use crate::{ImageError, Result};

/// Debian's releases: number and code name.
const RELEASES: [(&str, &str); 2] = [("12", "bookworm"), ("13", "trixie")];
/// Architectures and their kernels' packages.
const KERNELS: [(&str, &str); 2] =
    [("arm64", "linux-image-cloud-arm64"), ("armhf", "linux-image-armmp-lpae")];

/// What no machine can be without: it boots to a login on its console.
const MINIMAL: [&str; 9] =
    ["systemd-sysv", "udev", "kmod", "e2fsprogs", "initramfs-tools", "zstd", "apt", "dbus", "gpiod"];
/// What a person expects beside that: a network, ssh, an editor.
const STANDARD: [&str; 12] = [
    "libpam-systemd",
    "systemd-resolved",
    "iproute2",
    "iputils-ping",
    "netbase",
    "openssh-server",
    "ca-certificates",
    "procps",
    "less",
    "nano",
    "bash-completion",
    "sudo",
];
/// Packages whose files the ramdisk is made of, though not all of them are installed.
const TOOLS: [&str; 1] = ["busybox-static"];

/// How much goes in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Variant {
    /// A machine as a person expects it.
    #[default]
    Standard,
    /// The least that boots to a login: no network.
    Minimal,
}

/// An image that can be made.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// The name it was asked for by: `debian-12-arm64`.
    pub name: String,
    /// The release's code name.
    pub codename: &'static str,
    /// Debian's name of the architecture.
    pub arch: &'static str,
    /// How much goes in.
    pub variant: Variant,
    /// Further packages.
    pub include: Vec<String>,
}

/// The names of all images that can be made.
pub fn names() -> Vec<String> {
    let of = |(number, _): &(&str, &str)| KERNELS.map(|(arch, _)| format!("debian-{number}-{arch}"));
    RELEASES.iter().flat_map(of).collect()
}

/// Why there is no recipe of this name.
fn unknown(name: &str) -> String {
    if name.contains("://") {
        return format!(
            "images are made of packages, by name; download {name} yourself, then: armlet run FILE"
        );
    }
    format!("there is no image {name:?} to pull; there are {}", names().join(", "))
}

impl Recipe {
    /// The recipe of a name.
    ///
    /// # Errors
    /// There is none.
    pub fn named(name: &str, variant: Variant, include: Vec<String>) -> Result<Self> {
        let found =
            name.strip_prefix("debian-").and_then(|rest| rest.split_once('-')).and_then(|(number, arch)| {
                let codename = RELEASES.iter().find(|release| release.0 == number)?.1;
                let arch = KERNELS.iter().find(|kernel| kernel.0 == arch)?.0;
                Some((codename, arch))
            });
        let Some((codename, arch)) = found else {
            return Err(ImageError::Asked(unknown(name)));
        };
        Ok(Self { name: name.to_owned(), codename, arch, variant, include })
    }

    /// The suites to take packages from: archive and suite, and whether the image can do without it.
    pub fn suites(&self, mirror: &Mirror) -> Vec<(String, String, bool)> {
        let name = self.codename;
        let mut suites = vec![
            (mirror.archive.clone(), name.to_owned(), false),
            (mirror.archive.clone(), format!("{name}-updates"), true),
        ];
        suites.extend(mirror.security.clone().map(|archive| (archive, format!("{name}-security"), true)));
        suites
    }

    /// Chooses the packages.
    ///
    /// # Errors
    /// The mirror lacks some, or they can't be together.
    pub fn choose<'a>(&self, index: &'a Index) -> Result<Choice<'a>> {
        let names = |wanted: fn(&crate::package::Package) -> bool| {
            let found = index.packages().iter().filter(move |package| wanted(package));
            let mut names: Vec<_> = found.map(|package| package.name.clone()).collect();
            names.sort();
            names
        };
        let mut tools = Selection::new(index);
        tools.add(TOOLS)?;
        let mut selection = Selection::new(index);
        selection.add(names(|package| package.essential))?;
        let first = selection.packages().len();
        selection.add(names(|package| package.required))?;
        selection.add(MINIMAL)?;
        if self.variant == Variant::Standard {
            selection.add(STANDARD)?;
        }
        selection.add(&self.include)?;
        // A kernel that the user names is in place of the usual one.
        if !self.include.iter().any(|name| name.starts_with("linux-image-")) {
            let kernel = KERNELS.iter().find(|kernel| kernel.0 == self.arch).map(|kernel| kernel.1);
            selection.add(kernel)?;
        }
        let (essential, rest) = selection.packages().split_at(first);
        Ok(Choice { essential: essential.to_vec(), rest: rest.to_vec(), tools: tools.packages().to_vec() })
    }
}

/// The packages of an image.
pub struct Choice<'a> {
    /// What dpkg itself needs to run.
    pub essential: Vec<&'a crate::package::Package>,
    /// All others.
    pub rest: Vec<&'a crate::package::Package>,
    /// What is not installed but used to install.
    pub tools: Vec<&'a crate::package::Package>,
}
