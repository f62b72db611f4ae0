//! An image as `armlet image pull` makes it, from systemd to the login and back.

use std::path::{Path, PathBuf};

use super::{Case, Setting, TALK, need_parts, need_status};
use crate::{images, root};

/// The scenario's name. It is for a host that has [`disk`] as its disk, and drivers for it.
pub const LOGIN: &str = "login";

/// The disk of a small image with a network, in `target/images`: making it takes some minutes, once.
///
/// # Errors
/// It can't be pulled.
pub fn disk(armlet: &Path) -> Result<PathBuf, String> {
    let options = ["--variant", "minimal", "--include", "systemd-resolved,iproute2", "--size", "1G"];
    images::pulled(armlet, &root().join("target/images"), "rig", "debian-12-arm64", &options)
}

/// The kernel's command line. Page tables of the kernel's own (KPTI) double the time: every system call of the guest then
/// changes the ASID, at which the emulated host forgets all translations. A busy host must not make systemd give up.
const APPEND: &str = "console=ttyAMA0 quiet kpti=off fsck.mode=skip systemd.default_device_timeout_sec=500 \
    systemd.default_timeout_start_sec=500";

/// Typed at the prompt: all is up, an address was got by DHCP, bytes go to the host and back, and some onto the disk.
const TYPED: &str = "echo; systemctl is-system-running --wait; \
    /lib/systemd/systemd-networkd-wait-online --timeout=300 && ip -4 addr show scope global; \
    exec 5<>/dev/tcp/10.0.2.2/8000; echo around >&5; head -n 1 <&5; \
    echo cpus=$(nproc) root=$(findmnt -n -o SOURCE /); echo a note of the guest >note; poweroff";

/// Boots the host's disk with two CPUs, logs in, looks around and turns the machine off; the host reads the file that the
/// guest left on the disk. It takes some 25 seconds on two quiet cores.
pub fn login(setting: &Setting) -> Case {
    let script = format!(
        "{TALK}
        nc -l -p 8000 -e cat &
        begin console armlet run /dev/vda --backend {} --cpus 2 --memory 512M --virtio pci --net user -q --append '{APPEND}'
        hear 'login: '; say 'root\\n'; hear ':~# '; say '{TYPED}\\n'
        end || exit
        mkdir /tmp/disk && mount -t ext4 -o ro /dev/vda /tmp/disk && cat /tmp/disk/root/note; umount /tmp/disk",
        setting.backend
    );
    Case::new(LOGIN, script, |outcome| {
        need_status(outcome, 0)?;
        let all = [
            "rig login: ",
            "\nrunning\r",
            "inet 10.0.2.15/24 ",
            "\naround\r",
            "\ncpus=2 root=/dev/vda\r",
            "reboot: Power down",
        ];
        need_parts("the console", &outcome.text("console"), &all)?;
        need_parts("the file on the disk", &outcome.stdout(), &["a note of the guest\n"])
    })
}
