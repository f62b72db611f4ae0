//! Debian's kernels with directories of the host: what programs do in a guest is what the host finds.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use armlet_testkit::payloads::{self, Kernel};
use armlet_testkit::programs::Arch;
use armlet_testkit::session::Session;
use armlet_testkit::{cpio, skip};

/// Generous: CI machines are slow and shared, and tests measure nothing.
const LIMIT: Duration = Duration::from_secs(240);
const EXERCISE: &str = include_str!("exercise.py");

fn arm64() -> Option<Kernel<3>> {
    let p = payloads::get().map_err(|why| skip(&why)).ok()?;
    let modules = [&p.modules, &p.more_modules, &p.pci_modules];
    Some(Kernel { image: &p.kernel, modules, busybox: &p.busybox })
}

fn armhf() -> Option<Kernel<3>> {
    let p = payloads::get32().map_err(|why| skip(&why)).ok()?;
    let modules = [&p.armmp_lpae_modules, &p.armmp_lpae_more_modules, &p.armmp_lpae_pci_modules];
    Some(Kernel { image: &p.armmp_lpae, modules, busybox: &p.busybox })
}

/// Runs `init` in a guest to its end; what it printed. Options are words of the command line.
fn run(guest: &Kernel<3>, init: &str, options: &[&str]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let ramdisk = dir.path().join("ramdisk");
    let mut modules = guest.modules();
    modules.retain(|(name, _)| !name.contains("ext4"));
    fs::write(&ramdisk, cpio::module_ramdisk(guest.busybox, &modules, init)).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_armlet"));
    command.arg("run").arg(guest.image).arg("--initrd").arg(&ramdisk).args(options);
    command.args(["--memory", "512M", "--append", "console=ttyAMA0 quiet"]);
    let (status, text) = Session::start(&mut command).unwrap().finish(LIMIT);
    assert!(status.success() && !text.contains("does not load"), "{status}: {text}");
    text
}

/// What `exercise.py` tells of each name, as the host sees it.
fn view(root: &Path) -> Vec<String> {
    let (mut lines, mut left) = (Vec::new(), vec![root.to_path_buf()]);
    while let Some(dir) = left.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let info = path.symlink_metadata().unwrap();
            let what = match info.file_type() {
                kind if kind.is_symlink() => fs::read_link(&path).unwrap().to_string_lossy().into_owned(),
                kind if kind.is_file() => adler32(&fs::read(&path).unwrap()).to_string(),
                _ => "-".to_owned(),
            };
            let size = if info.is_dir() { 0 } else { info.len() };
            let name = path.strip_prefix(root).unwrap().display();
            lines.push(format!("{:o} {} {size} {what} {name}", info.mode(), info.nlink()));
            if info.is_dir() {
                left.push(path);
            }
        }
    }
    lines.sort();
    lines
}

/// RFC 1950.
fn adler32(bytes: &[u8]) -> u32 {
    let (a, b) = bytes.iter().fold((1, 0), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65521;
        (a, (b + a) % 65521)
    });
    b << 16 | a
}

fn exercise(guest: &Kernel<3>, arch: Arch, options: &[&str]) {
    let Ok(trees) = arch.trees().map_err(|why| skip(&why)) else { return };
    let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let [host, mapped] = dirs.each_ref().map(|dir| dir.path());
    fs::write(host.join("exercise.py"), EXERCISE).unwrap();
    let init = "
mount -t 9p -o trans=virtio,msize=512000,cache=loose tree /mnt
mount -t 9p -o trans=virtio,msize=512000,cache=mmap share /mnt/etc
mount -t 9p -o trans=virtio,msize=512000 share1 /mnt/sbin
for way in 'etc host' 'sbin mapped'; do
    set $way; chroot /mnt /usr/bin/python3 /etc/exercise.py /$1/work $2
done
poweroff -f
";
    let tree = format!("{},ro,tag=tree", trees.join("python").display());
    let (first, second) = (host.display().to_string(), format!("{},mapped", mapped.display()));
    let shares = ["--share", &first, "--share", &second, "--share", &tree];
    let text = run(guest, init, &[&shares, options].concat());
    assert!(text.contains("exercised host") && text.contains("exercised mapped"), "{text}");

    let told = |dir: &Path| -> Vec<String> {
        fs::read_to_string(dir.join("work.txt")).unwrap().lines().map(str::to_owned).collect()
    };
    assert_eq!(told(host), view(&host.join("work")));
    // The modes that the host has are its own; all else is the same, but for what is a file there only.
    let rest = |lines: Vec<String>| -> Vec<String> {
        let rest = lines.iter().filter_map(|line| line.split_once(' ')).map(|(_, rest)| rest.to_owned());
        let mut rest: Vec<_> =
            rest.filter(|line| !line.ends_with("fifo") && !line.ends_with("socket")).collect();
        rest.retain(|line| !line.ends_with(" null"));
        rest.sort();
        rest
    };
    assert_eq!(rest(told(mapped)), rest(view(&mapped.join("work"))));
    let special = ["fifo", "socket", "null", "owned"].map(|name| mapped.join("work").join(name));
    for path in special {
        let info = fs::symlink_metadata(&path).unwrap();
        assert!(info.is_file() && info.mode() & 0o6000 == 0, "{}", path.display());
    }
}

#[test]
fn programs_find_a_file_system_in_a_shared_directory_by_pci() {
    let Some(guest) = arm64() else { return };
    exercise(&guest, Arch::Arm64, &["--cpus", "2", "--virtio", "pci"]);
}

#[test]
fn armhf_programs_find_one_by_mmio() {
    let Some(guest) = armhf() else { return };
    exercise(&guest, Arch::Armhf, &[]);
}

#[test]
fn a_guest_stays_inside_and_sees_what_the_host_does() {
    let Some(guest) = arm64() else { return };
    let (shared, outside, fixed) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(outside.path().join("secret"), "not for guests").unwrap();
    symlink(outside.path(), shared.path().join("out")).unwrap();
    fs::write(shared.path().join("note"), "from the host").unwrap();
    fs::write(fixed.path().join("constant"), "x").unwrap();
    let init = "
mkdir /a /b
mount -t 9p -o trans=virtio share /a; mount -t 9p -o trans=virtio fixed /b
cat /a/note; echo; cat /a/out/secret 2>&1 | grep -c -i 'no such'
(cd /a && cat ../../../a/note && ls -d .. ) >/dev/null && echo above
(echo y >/b/new; echo y >/b/constant; rm /b/constant; mkdir /b/dir; chmod 777 /b/constant) 2>&1 | grep -c -i read-only
echo changed >/a/note; umount /a; mount -t 9p -o trans=virtio share /a; cat /a/note
poweroff -f
";
    let (first, second) =
        (shared.path().display().to_string(), format!("{},ro,tag=fixed", fixed.path().display()));
    let text = run(&guest, init, &["--share", &first, "--share", &second]);
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    for expected in ["from the host", "1", "above", "5", "changed"] {
        assert!(lines.contains(&expected), "{expected}: {text}");
    }
    assert_eq!(fs::read(shared.path().join("note")).unwrap(), b"changed\n");
    assert_eq!(fs::read(fixed.path().join("constant")).unwrap(), b"x");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
}
