//! A directory of the host as the root of a guest, with Debian's kernels.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use armlet_testkit::payloads::{self, Modules};
use armlet_testkit::session::Session;
use armlet_testkit::skip;

/// Generous: CI machines are slow and shared, and tests measure nothing.
const LIMIT: Duration = Duration::from_secs(240);

/// What the guest runs in place of services.
const SCRIPT: &str = "#!/bin/sh
/bin/busybox --install -s /bin
export PATH=/bin
grep -o ' / 9p rw' /proc/mounts; [ -c /dev/ttyAMA0 ] && [ -d /sys/class ] && [ -d /run ] && echo mounted
echo started by $(cat /proc/1/comm), $(cat /proc/cmdline)
stat -c 'busybox %u:%g %a' /bin/busybox
adduser -D -H -u 1000 somebody 2>/dev/null
chmod 4755 /bin/busybox; chown 1000:1000 /data; echo kept >/data/file; chown 1000 /data/file; chmod 0400 /data/file
mknod /data/null c 1 3 && echo x >/data/null && ln -s /data/file /data/link && cat /data/link
stat -c '%n %u %a' /bin/busybox /data /data/file
sync; poweroff -f
";

/// A root tree of one program.
fn tree(busybox: &[u8], kernel: Option<&Path>, modules: [&Modules; 3]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    for name in
        ["bin", "boot", "data", "dev", "etc", "proc", "run", "sbin", "sys", "usr/lib/modules/6.1-test/kernel"]
    {
        fs::create_dir_all(at(name)).unwrap();
    }
    // An absolute link, which is one within the tree.
    symlink("/usr/lib", at("lib")).unwrap();
    for (name, module) in modules.into_iter().flatten() {
        let (_, name) = name.split_once('-').unwrap();
        fs::write(at("usr/lib/modules/6.1-test/kernel").join(name), module).unwrap();
    }
    if let Some(kernel) = kernel {
        fs::copy(kernel, at("boot/vmlinuz-6.1-test")).unwrap();
        // An older one, which is none.
        fs::write(at("boot/vmlinuz-6.0-9"), "x").unwrap();
    }
    fs::write(at("bin/busybox"), busybox).unwrap();
    fs::write(at("etc/inittab"), "::sysinit:/etc/rc\n").unwrap();
    fs::write(at("etc/rc"), SCRIPT).unwrap();
    fs::write(at("etc/passwd"), "root:x:0:0:root:/:/bin/sh\n").unwrap();
    for name in ["bin/busybox", "etc/rc"] {
        fs::set_permissions(at(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    symlink("busybox", at("bin/sh")).unwrap();
    symlink("/bin/busybox", at("sbin/init")).unwrap();
    dir
}

fn run(dir: &Path, options: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_armlet"));
    command.arg("run").arg(dir).args(options);
    let (status, text) = Session::start(&mut command).unwrap().finish(LIMIT);
    assert!(status.success(), "{status}: {text}");
    text
}

fn shows(text: &str, all: &[&str]) {
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    for one in all {
        assert!(lines.contains(one), "no {one:?} in {text}");
    }
}

/// What every run of [`SCRIPT`] shows, and leaves behind.
fn as_expected(dir: &Path, text: &str) {
    shows(text, &["/ 9p rw", "mounted", "busybox 0:0 755", "kept"]);
    shows(text, &["/bin/busybox 0 4755", "/data 1000 755", "/data/file 1000 400"]);
    assert_eq!(fs::read(dir.join("data/file")).unwrap(), b"kept\n");
    assert!(fs::metadata(dir.join("data/null")).unwrap().is_file());
    assert_eq!(fs::metadata(dir.join("bin/busybox")).unwrap().mode() & 0o7777, 0o755);
}

#[test]
fn an_arm64_directory_is_run() {
    let Ok(p) = payloads::get().map_err(|why| skip(&why)) else { return };
    let dir = tree(&p.busybox, Some(&p.kernel), [&p.modules, &p.more_modules, &p.pci_modules]);
    let text = run(dir.path(), &["--cpus", "2"]);
    as_expected(dir.path(), &text);
    shows(&text, &["started by init, console=ttyAMA0"]);
    // What the guest changed is there at its next start, and behind PCI.
    fs::write(
        dir.path().join("etc/again"),
        "#!/bin/busybox sh\n/bin/busybox stat -c '%n %u %a' /data/file; /bin/busybox poweroff -f\n",
    )
    .unwrap();
    fs::set_permissions(dir.path().join("etc/again"), fs::Permissions::from_mode(0o755)).unwrap();
    let again = "console=ttyAMA0 quiet init=/etc/again";
    let text = run(dir.path(), &["--virtio", "pci", "--append", again]);
    shows(&text, &["/data/file 1000 400"]);
    // The programs that busybox installed are links to it.
    fs::remove_dir_all(dir.path().join("bin")).unwrap();
    assert!(run(dir.path(), &[]).contains("armlet: the directory has no program to start"));
}

#[test]
fn an_armhf_directory_is_run() {
    let Ok(p) = payloads::get32().map_err(|why| skip(&why)) else { return };
    let dir = tree(
        &p.busybox,
        None,
        [&p.armmp_lpae_modules, &p.armmp_lpae_more_modules, &p.armmp_lpae_pci_modules],
    );
    let kernel = p.armmp_lpae.display().to_string();
    as_expected(dir.path(), &run(dir.path(), &["--kernel", &kernel]));
}

#[test]
fn directories_without_a_kernel_are_refused() {
    let refused = |dir: &Path, options: &[&str], says: &[&str]| {
        let mut args = vec![dir.to_str().unwrap()];
        args.extend(options);
        let (status, _, stderr) = crate::common::run(&args);
        let all = says.iter().all(|word| stderr.contains(word));
        assert!(status == Some(2) && all && stderr.lines().count() == 1, "{status:?} {stderr}");
    };
    let dir = tempfile::tempdir().unwrap();
    let empty = dir.path();
    refused(empty, &[], &["no Linux kernel in boot", "--kernel FILE"]);
    fs::create_dir_all(empty.join("lib/modules/6.1/kernel")).unwrap();
    fs::create_dir_all(empty.join("boot")).unwrap();
    fs::write(empty.join("lib/modules/6.1/kernel/virtio_mmio.ko"), "x").unwrap();
    fs::write(empty.join("boot/vmlinuz-6.1"), "x").unwrap();
    refused(
        empty,
        &[],
        &["boot/vmlinuz-6.1: lib/modules/6.1 has no module 9pnet_virtio", "linux-image-arm64"],
    );
    let lacks = ["lib/modules/6.1 has no module virtio_pci"];
    refused(empty, &["--virtio", "pci"], &lacks);
    fs::remove_dir_all(empty.join("lib")).unwrap();
    refused(empty, &[], &["boot/vmlinuz-6.1 is no Linux kernel"]);
    refused(empty, &["--initrd", "x"], &["leave --initrd out"]);
    refused(empty, &["-M", "monitor"], &["boot/vmlinuz-6.1 is no Linux kernel"]);
    refused(empty, &["--kernel", "/no/such"], &["can't read the kernel /no/such"]);
    refused(&empty.join("boot/vmlinuz-6.1"), &["--kernel", "x"], &["--kernel is for a directory"]);
}
