//! Debian's kernels to a shell and back.

use super::super::contents::{KERNEL, KERNEL32, SHELL, SHELL32};
use super::{Case, Setting, need_parts, need_status};

/// A session a person might have, typed before the guest is there to read it.
const TYPED: &str = "uname -m
grep -c ^processor /proc/cpuinfo | sed s/^/processors=/
seq 1 1000 | sort -n | tail -n 1 | sed s/^/last=/
i=0; while [ $i -lt 300 ]; do i=$((i+1)); done; echo total=$((i*2))
dd if=/dev/urandom of=/tmp/a bs=64k count=4 2>/dev/null; gzip -c /tmp/a | gunzip | cmp - /tmp/a; echo same=$?
";

/// Defines `fill FROM FILE`: half a MiB or more in which no two sectors are the same. A few thousand numbers are doubled:
/// busybox writes each by itself, which takes long in a guest of an emulated host.
const FILL: &str =
    "fill() { seq $1 2000 >$2; for i in 1 2 3 4 5 6 7; do cat $2 $2 >$2.2; mv $2.2 $2; done; }";

/// The arm64 kernel with this many CPUs and a disk: what the host wrote there the guest reads, and the other way round.
pub fn debian(setting: &Setting, cpus: u32) -> Case {
    with_disk(setting, &format!("debian-{cpus}"), cpus, "", "", &[])
}

/// The same with the disk behind PCI, whose interrupts are messages.
pub fn debian_pci(setting: &Setting, cpus: u32) -> Case {
    let chip = if setting.gic == 3 { "ITS-MSI" } else { "MSI" };
    let typed = format!("grep -q ' {chip} .*virtio0-req' /proc/interrupts && echo by=message\n");
    with_disk(setting, &format!("debian-pci-{cpus}"), cpus, "--virtio pci", &typed, &["\nby=message\r"])
}

/// A session with a disk; `more` is to be typed too, and brings something.
fn with_disk(
    setting: &Setting,
    name: &str,
    cpus: u32,
    options: &str,
    more: &str,
    brings: &'static [&'static str],
) -> Case {
    let before = "fill 1 all; head -c 1048576 all >disk; rm all; md5sum <disk | sed s/-$/disk/ >sum";
    let typed = format!(
        "md5sum </dev/vda | sed s/-$/disk/\n{FILL}\nfill 1000 /tmp/b\n\
         dd if=/tmp/b of=/dev/vda bs=64k conv=fsync 2>/dev/null; echo wrote=$?\n"
    );
    // The kernel's own driver finds the tables of an ITS to its liking.
    let its = setting.gic == 3 && setting.backend == "kvm";
    let typed = format!("{typed}dmesg | grep -q ITS@0x0000000008080000 && echo its=found\n{more}");
    let after = "fill 1000 expected; cmp -n $(wc -c <expected) disk expected && cat sum && rm disk expected";
    let run = run(setting, [KERNEL, SHELL], &format!("--cpus {cpus} --disk disk {options}"), &typed);
    Case::new(name, format!("{FILL}\n{before}\n{run} >console || exit\n{after}"), move |outcome| {
        need_status(outcome, 0)?;
        let console = outcome.text("console");
        need_session(&console, "aarch64", cpus)?;
        // The last line of standard output is the sum that the guest should have found.
        need_parts("the console", &console, &[outcome.stdout().trim_end(), "\nwrote=0\r"])?;
        need_parts("the console", &console, if its { &["\nits=found\r"] } else { &[] })?;
        need_parts("the console", &console, brings)
    })
}

/// The armhf kernel, with its source of entropy behind PCI.
pub fn debian32(setting: &Setting) -> Case {
    let typed = "grep -q 'MSI .*virtio[0-9]-input' /proc/interrupts && echo by=message\n";
    Case::new("debian-armhf", run(setting, [KERNEL32, SHELL32], "--virtio pci", typed), |outcome| {
        need_status(outcome, 0)?;
        let console = outcome.stdout();
        need_session(&console, "armv7l", 1)?;
        need_parts("the console", &console, &["\nby=message\r"])
    })
}

/// A script that types the session, and more.
fn run(setting: &Setting, [kernel, shell]: [&str; 2], options: &str, more: &str) -> String {
    format!(
        "cat >typed <<'END'\n{TYPED}{more}poweroff -f\nEND\narmlet run {kernel} --initrd {shell} --memory 256M -q \
            --backend {} --append 'console=ttyAMA0 quiet loglevel=1' {options} <typed",
        setting.backend
    )
}

/// An error unless the console shows what the session should bring.
fn need_session(console: &str, machine: &str, cpus: u32) -> Result<(), String> {
    let (machine, processors) = (format!("\n{machine}\r"), format!("\nprocessors={cpus}\r"));
    let parts = [&machine, &processors, "\nlast=1000\r", "\ntotal=600\r", "\nsame=0\r"];
    need_parts("the console", console, &parts)
}
