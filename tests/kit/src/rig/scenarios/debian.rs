//! Debian's kernels to a shell and back.

use super::super::contents::{KERNEL, KERNEL32, SHELL, SHELL32};
use super::{Case, Setting, need_parts, need_status};

/// A session a person might have, typed before the guest is there to read it.
const TYPED: &str = "uname -m
grep -c ^processor /proc/cpuinfo | sed s/^/processors=/
seq 1 1000 | sort -n | tail -n 1 | sed s/^/last=/
i=0; while [ $i -lt 300 ]; do i=$((i+1)); done; echo total=$((i*2))
dd if=/dev/urandom of=/tmp/a bs=64k count=4 2>/dev/null; gzip -c /tmp/a | gunzip | cmp - /tmp/a; echo same=$?
poweroff -f
";

/// The arm64 kernel with this many CPUs.
pub fn debian(setting: &Setting, cpus: u32) -> Case {
    session(setting, &format!("debian-{cpus}"), [KERNEL, SHELL], "\naarch64", cpus)
}

/// The armhf kernel.
pub fn debian32(setting: &Setting) -> Case {
    session(setting, "debian-armhf", [KERNEL32, SHELL32], "\narmv7l", 1)
}

fn session(
    setting: &Setting,
    name: &str,
    [kernel, shell]: [&str; 2],
    machine: &'static str,
    cpus: u32,
) -> Case {
    let script = format!(
        "cat >typed <<'END'\n{TYPED}END\narmlet run {kernel} --initrd {shell} --memory 256M --cpus {cpus} -q \
            --backend {} --append 'console=ttyAMA0 quiet loglevel=1' <typed",
        setting.backend
    );
    Case::new(name, script, move |outcome| {
        need_status(outcome, 0)?;
        let processors = format!("\nprocessors={cpus}\r");
        let parts = [machine, &processors, "\nlast=1000\r", "\ntotal=600\r", "\nsame=0\r"];
        need_parts("the console", &outcome.stdout(), &parts)
    })
}
