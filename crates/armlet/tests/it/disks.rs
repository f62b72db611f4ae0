//! Debian's kernels with virtio disks: what a guest writes is what the host finds in the image, whatever happens.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use armlet_testkit::payloads::{self, Modules};
use armlet_testkit::session::Session;
use armlet_testkit::{cpio, skip};

/// Generous: CI machines are slow and shared, and tests measure nothing.
const LIMIT: Duration = Duration::from_secs(240);
const MIB: u64 = 1 << 20;
/// Sixteen files of a MiB each, `data/0` to `data/15`.
const FILES: usize = 16;

/// A kernel with what goes into its ramdisk.
struct Kernel<'a>(&'a Path, &'a Modules, &'a [u8]);

fn cloud() -> Option<Kernel<'static>> {
    payloads::get()
        .map_err(|why| skip(&why))
        .ok()
        .map(|p| Kernel(&p.cloud_kernel, &p.cloud_modules, &p.busybox))
}

/// A tool of e2fsprogs, which users don't always have in their path.
fn tool(name: &str) -> Option<Command> {
    let places = ["", "/usr/sbin/", "/sbin/"].map(|dir| format!("{dir}{name}"));
    let there = places.into_iter().find(|place| Command::new(place).arg("-V").output().is_ok());
    if there.is_none() {
        skip(&format!("{name} (of e2fsprogs) is not installed"));
    }
    there.map(Command::new)
}

fn ran(command: &mut Command) -> String {
    let output = command.output().expect("it was there");
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {text}");
    text
}

/// A directory with a root image.
struct Image {
    dir: tempfile::TempDir,
    path: PathBuf,
}

impl Image {
    /// An ext4 file system of 96 MiB with [`FILES`]; `None` if the host can't make one.
    fn ext4() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let (tree, path) = (dir.path().join("tree"), dir.path().join("disk.img"));
        fs::create_dir_all(tree.join("data")).unwrap();
        for index in 0..FILES {
            fs::write(tree.join(format!("data/{index}")), content(index)).unwrap();
        }
        ran(tool("mke2fs")?.args(["-q", "-F", "-t", "ext4", "-d"]).arg(&tree).arg(&path).arg("96M"));
        tool("e2fsck").and(tool("debugfs")).map(|_| Self { dir, path })
    }

    fn disk(&self, options: &str) -> String {
        format!("{}{options}", self.path.display())
    }

    fn boot(&self, kernel: &Kernel, init: &str, options: &[&str]) -> Session {
        let mut command = Command::new(env!("CARGO_BIN_EXE_armlet"));
        self.boot_with(&mut command, kernel, init, options)
    }

    fn boot_with(&self, command: &mut Command, kernel: &Kernel, init: &str, options: &[&str]) -> Session {
        let ramdisk = self.dir.path().join("ramdisk");
        fs::write(&ramdisk, cpio::module_ramdisk(kernel.2, kernel.1, init)).unwrap();
        command.arg("run").arg(kernel.0).arg("--initrd").arg(&ramdisk).args(options);
        Session::start(command.args(["--memory", "256M", "--append", "console=ttyAMA0 quiet"])).unwrap()
    }

    /// Runs a guest to its end; what it printed.
    fn run(&self, kernel: &Kernel, init: &str, options: &[&str]) -> String {
        let (status, text) = self.boot(kernel, init, options).finish(LIMIT);
        assert!(status.success() && !text.contains("does not load"), "{status}: {text}");
        text
    }

    /// Checks the file system, which must be without a fault.
    fn check(&self) {
        ran(tool("e2fsck").unwrap().arg("-fn").arg(&self.path));
    }

    /// A file in the file system.
    fn read(&self, name: &str) -> Vec<u8> {
        let to = self.dir.path().join("dumped");
        let _ = fs::remove_file(&to);
        ran(tool("debugfs").unwrap().args(["-R", &format!("dump {name} {}", to.display())]).arg(&self.path));
        fs::read(&to).unwrap_or_default()
    }
}

/// The content of `data/INDEX`: numbers that repeat nowhere.
fn content(index: usize) -> Vec<u8> {
    (0..MIB as u32 / 4).flat_map(|word| (word ^ (index as u32) << 24).to_le_bytes()).collect()
}

/// Copies every file and takes the sum of the copies as read back from the disk.
const COPY: &str = "
mount -t ext4 /dev/vda /mnt
for i in $(seq 0 15); do cp /mnt/data/$i /mnt/data/copy-$i & done; wait; sync
echo 3 >/proc/sys/vm/drop_caches
cat /mnt/data/copy-* | wc -c | sed s/^/copied=/
for i in $(seq 0 15); do cmp /mnt/data/$i /mnt/data/copy-$i || echo differs; done
rm /mnt/data/3; mkdir /mnt/new; dd if=/dev/urandom of=/mnt/new/random bs=64k count=32 conv=fsync 2>/dev/null
md5sum /mnt/new/random | cut -c 1-32 | sed s/^/random=/
umount /mnt; echo unmounted; poweroff -f
";

fn copies(kernel: &Kernel, options: &[&str]) {
    let Some(image) = Image::ext4() else { return };
    let disk = image.disk("");
    let text = image.run(kernel, COPY, &[&["--disk", &disk], options].concat());
    assert!(text.contains(&format!("copied={}", FILES as u64 * MIB)) && text.contains("unmounted"), "{text}");
    assert!(!text.contains("differs"), "{text}");
    image.check();
    for index in 0..FILES {
        assert!(image.read(&format!("/data/copy-{index}")) == content(index), "copy {index}");
    }
    assert_eq!(image.read("/data/3"), []);
    assert_eq!(image.read("/new/random").len(), 32 << 16);
}

#[test]
fn arm64_reads_and_writes_ext4() {
    let Ok(p) = payloads::get().map_err(|why| skip(&why)) else { return };
    copies(&Kernel(&p.kernel, &p.modules, &p.busybox), &["--cpus", "1"]);
    copies(&Kernel(&p.cloud_kernel, &p.cloud_modules, &p.busybox), &["--cpus", "4", "--gic", "2"]);
}

#[test]
fn armhf_reads_and_writes_ext4() {
    let Ok(p) = payloads::get32().map_err(|why| skip(&why)) else { return };
    copies(&Kernel(&p.armmp, &p.armmp_modules, &p.busybox), &["--cpus", "1", "--cpu", "cortex-a15"]);
    copies(&Kernel(&p.armmp_lpae, &p.armmp_lpae_modules, &p.busybox), &["--cpus", "4"]);
}

#[test]
fn disks_come_in_order_with_their_serial_numbers_and_an_entropy_source() {
    let (Some(kernel), Some(image)) = (cloud(), Image::ext4()) else { return };
    let small = image.dir.path().join("small.img");
    fs::write(&small, [7; 3 * 512 + 1]).unwrap();
    let init = "
for disk in vda vdb; do echo $disk $(cat /sys/block/$disk/size) $(cat /sys/block/$disk/serial) $(cat /sys/block/$disk/ro); done
md5sum </dev/vdb; cat /sys/class/misc/hw_random/rng_current; dd if=/dev/hwrng bs=32 count=1 2>/dev/null | wc -c
poweroff -f
";
    let (first, second) = (image.disk(",serial=root disk"), format!("{},ro", small.display()));
    let text = image.run(&kernel, init, &["--disk", &first, "--disk", &second, "--cpus", "2"]);
    assert!(text.contains("vda 196608 root disk 0"), "{text}");
    assert!(text.contains("vdb 4 armlet-disk1 1"), "{text}");
    // md5sum of 1537 sevens and 511 zeros.
    assert!(text.contains("virtio_rng.0") && text.contains("\n32\r"), "{text}");
}

#[test]
fn a_read_only_disk_and_the_base_of_an_overlay_stay_as_they_are() {
    let (Some(kernel), Some(image)) = (cloud(), Image::ext4()) else { return };
    let before = fs::read(&image.path).unwrap();
    let init = "
mount -t ext4 -o rw /dev/vda /mnt && touch /mnt/touched && echo written
dd if=/dev/zero of=/dev/vda bs=4k count=1 conv=fsync 2>&1 | grep -c -i 'not permitted\\|read-only\\|error'
umount /mnt; poweroff -f
";
    let text = image.run(&kernel, init, &["--disk", &image.disk(",ro")]);
    assert!(!text.contains("written"), "{text}");
    assert!(fs::read(&image.path).unwrap() == before);
    let text = image.run(&kernel, COPY, &["--disk", &image.disk(",overlay"), "--cpus", "2"]);
    assert!(text.contains("unmounted") && !text.contains("differs"), "{text}");
    assert!(fs::read(&image.path).unwrap() == before);
}

#[test]
fn what_the_guest_discards_the_host_gets_back() {
    let (Some(kernel), Some(image)) = (cloud(), Image::ext4()) else { return };
    let blocks = || fs::metadata(&image.path).unwrap().blocks();
    let before = blocks();
    let init = "mount -t ext4 /dev/vda /mnt; rm -r /mnt/data; sync; fstrim -v /mnt; umount /mnt; poweroff -f";
    let text = image.run(&kernel, init, &["--disk", &image.disk("")]);
    image.check();
    // Of the sixteen MiB that were freed.
    assert!(blocks() + 15 * (MIB / 512) < before, "{} of {before} blocks: {text}", blocks());
    image.run(&kernel, "blkdiscard /dev/vda; poweroff -f", &["--disk", &image.disk("")]);
    assert!(blocks() < 64, "{}", blocks());
    assert_eq!(fs::metadata(&image.path).unwrap().len(), 96 * MIB);
}

#[test]
fn what_was_synced_survives_kill() {
    let (Some(kernel), Some(image)) = (cloud(), Image::ext4()) else { return };
    let init = "
mount -t ext4 /dev/vda /mnt
i=0; while true; do
    yes round-$i | dd of=/mnt/round-$i bs=4k count=20 iflag=fullblock conv=fsync 2>/dev/null
    sync /mnt /mnt/round-$i; echo synced-$i.; rm -f /mnt/round-$((i-10)); i=$((i+1))
done
";
    for (rounds, cpus) in [(3, "1"), (25, "4")] {
        let mut session = image.boot(&kernel, init, &["--disk", &image.disk(""), "--cpus", cpus]);
        session.expect(&format!("synced-{rounds}."), LIMIT);
        // Kills it at once, with the guest in the midst of the next rounds.
        let console = session.text();
        drop(session);
        let synced = console.matches("synced-").count();
        // Replays the journal, as a mount would.
        let status = tool("e2fsck").unwrap().arg("-fy").arg(&image.path).output().unwrap().status;
        assert!(matches!(status.code(), Some(0 | 1)), "{status}");
        image.check();
        for round in (synced - 1).saturating_sub(8)..synced {
            let line = format!("round-{round}\n");
            let expected: Vec<u8> = line.bytes().cycle().take(20 * 4096).collect();
            let found = image.read(&format!("/round-{round}"));
            assert!(found == expected, "round {round} of {synced}: {} bytes", found.len());
        }
    }
}

#[test]
fn a_host_without_room_is_an_error_in_the_guest_and_no_more() {
    let Some(kernel) = cloud() else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("disk.img");
    File::create(&path).unwrap().set_len(64 * MIB).unwrap();
    let image = Image { dir, path };
    // No file may grow beyond 16 MiB, and the signal that comes with it is ignored.
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f 32768; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_armlet")]);
    let init = "
dd if=/dev/urandom of=/dev/vda bs=1M count=8 conv=fsync 2>/dev/null && echo fits
dd if=/dev/urandom of=/dev/vda bs=1M count=8 seek=32 conv=fsync 2>/dev/null || echo fails
dd if=/dev/urandom of=/dev/vda bs=1M count=4 conv=fsync 2>/dev/null && echo lives
poweroff -f
";
    let session = image.boot_with(&mut command, &kernel, init, &["--disk", &image.disk("")]);
    let (status, text) = session.finish(LIMIT);
    let all = ["fits", "fails", "lives"].iter().all(|word| text.contains(word));
    assert!(status.success() && all, "{status}: {text}");
}

#[test]
fn a_deterministic_run_with_a_disk_is_the_same_again() {
    let (Some(kernel), Some(image)) = (cloud(), Image::ext4()) else { return };
    let hashes = image.dir.path().join("hashes");
    let file = format!("--hash-file={}", hashes.display());
    let options = ["--deterministic", "--hash-every", "5000000", "--hash-memory=20", &file];
    let run = |engine| {
        let disk = image.disk(",overlay");
        let options = [&["--disk", &disk, "--engine", engine][..], &options].concat();
        (image.run(&kernel, COPY, &options), fs::read_to_string(&hashes).unwrap())
    };
    let (text, first) = run("jit");
    assert!(text.contains("unmounted") && first.lines().count() > 100, "{text}");
    let (again, second) = run("jit");
    assert!(first == second, "the hashes differ");
    assert_eq!(text, again);
}
