//! Opening `/dev/kvm`, and the words for a host where that fails.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use kvm_ioctls::{Cap, Kvm};

const DEVICE: &str = "/dev/kvm";
/// Where the kernel shows the device if it has one, whatever is in `/dev`.
const REGISTERED: &str = "/sys/devices/virtual/misc/kvm";
/// There in every arm64 kernel that KVM was built into.
const BUILT_IN: &str = "/sys/module/kvm";
/// The only version of the interface there will be (KVM_GET_API_VERSION).
const API_VERSION: i32 = 12;

/// Why KVM can't be used here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}; {fix}")]
pub struct NoKvm {
    /// The fact found on this host.
    pub why: String,
    /// One thing to do about it.
    pub fix: String,
}

impl NoKvm {
    pub(crate) fn new(why: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { why: why.into(), fix: fix.into() }
    }
}

/// Opens the device and checks that it is what this crate is written for.
pub fn open() -> Result<Kvm, NoKvm> {
    let kvm = Kvm::new().map_err(|error| explain(error.errno(), &Found::here()))?;
    let version = kvm.get_api_version();
    if version != API_VERSION {
        let why = format!("{DEVICE} speaks version {version} of its interface, not {API_VERSION}");
        return Err(NoKvm::new(why, "update the host's kernel"));
    }
    match NEEDED.iter().find(|(cap, ..)| !kvm.check_extension(*cap)) {
        None => Ok(kvm),
        Some((_, what)) => {
            Err(NoKvm::new(format!("this host's KVM has no {what}"), "use a kernel of Linux 5.10 or newer"))
        }
    }
}

/// What nothing works without.
const NEEDED: &[(Cap, &str)] = &[
    (Cap::UserMemory, "memory slots (KVM_CAP_USER_MEMORY)"),
    (Cap::ReadonlyMem, "read-only memory (KVM_CAP_READONLY_MEM)"),
    (Cap::OneReg, "access to registers (KVM_CAP_ONE_REG)"),
    (Cap::ImmediateExit, "way to stop a CPU (KVM_CAP_IMMEDIATE_EXIT)"),
    (Cap::DeviceCtrl, "in-kernel devices (KVM_CAP_DEVICE_CTRL)"),
    (Cap::ArmPsci02, "PSCI 0.2 (KVM_CAP_ARM_PSCI_0_2)"),
];

/// What is to be seen of KVM from where we are.
#[derive(Default)]
struct Found {
    /// The kernel has the device.
    registered: bool,
    /// The kernel has the code.
    built_in: bool,
    container: bool,
    /// The group of `/dev/kvm`, by name or number.
    group: Option<String>,
}

impl Found {
    fn here() -> Self {
        let exists = |path: &str| Path::new(path).exists();
        let gid = std::fs::metadata(DEVICE).ok().map(|device| device.gid());
        Self {
            registered: exists(REGISTERED),
            built_in: exists(BUILT_IN),
            container: ["/.dockerenv", "/run/.containerenv", "/run/systemd/container"]
                .into_iter()
                .any(exists),
            group: gid.map(|gid| group_name(gid).unwrap_or_else(|| gid.to_string())),
        }
    }
}

/// The name of a group, if `/etc/group` has it.
fn group_name(gid: u32) -> Option<String> {
    let groups = std::fs::read_to_string("/etc/group").ok()?;
    let of = |line: &str| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?.to_owned(), fields.nth(1)?);
        (number.parse() == Ok(gid)).then_some(name)
    };
    groups.lines().find_map(of)
}

/// The cause of a failure to open the device.
fn explain(errno: i32, found: &Found) -> NoKvm {
    let group = found.group.as_deref().unwrap_or("kvm");
    match errno {
        libc::EACCES | libc::EPERM if found.container => NoKvm::new(
            format!("this container may not open {DEVICE}"),
            format!("start it with --device {DEVICE}"),
        ),
        libc::EACCES | libc::EPERM => NoKvm::new(
            format!("you may not open {DEVICE}, which belongs to the group {group}"),
            format!("run `sudo usermod -aG {group} $USER` and log in again"),
        ),
        libc::ENOENT if found.container => NoKvm::new(
            format!("there is no {DEVICE} in this container"),
            format!("start it with --device {DEVICE}"),
        ),
        libc::ENOENT if found.registered => NoKvm::new(
            format!("the kernel has KVM, but there is no {DEVICE} here"),
            format!("mount devtmpfs on /dev, or run `mknod {DEVICE} c 10 232`"),
        ),
        libc::ENOENT | libc::ENODEV | libc::ENXIO if found.built_in => NoKvm::new(
            "the kernel has KVM but was not started at EL2",
            "turn virtualization on in the firmware, and take kvm-arm.mode=none off the kernel's command line",
        ),
        libc::ENOENT | libc::ENODEV | libc::ENXIO => {
            NoKvm::new("the host's kernel is built without KVM", "use a kernel with CONFIG_KVM")
        }
        _ => {
            let error = std::io::Error::from_raw_os_error(errno);
            NoKvm::new(format!("{DEVICE} can't be opened ({error})"), "use --backend soft")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_has_its_sentence() {
        let line = |errno, found: &Found| explain(errno, found).to_string();
        let bare = Found::default();
        assert!(line(libc::ENOENT, &bare).contains("built without KVM"));
        let el1 = Found { built_in: true, ..Found::default() };
        assert!(line(libc::ENOENT, &el1).contains("not started at EL2"));
        assert!(line(libc::ENODEV, &el1).contains("firmware"));
        let no_node = Found { registered: true, built_in: true, ..Found::default() };
        assert!(line(libc::ENOENT, &no_node).contains("mknod"));
        let container = Found { container: true, registered: true, ..Found::default() };
        assert!(line(libc::ENOENT, &container).contains("--device /dev/kvm"));
        assert!(line(libc::EACCES, &container).contains("this container may not"));
        let group = Found { group: Some("virt".into()), ..Found::default() };
        assert!(line(libc::EACCES, &group).contains("usermod -aG virt"));
        assert!(line(libc::EMFILE, &bare).contains("Too many open files"));
    }
}
