//! Debian's kernels with virtio devices behind PCI: found on the bus, reached where the kernel puts them, and interrupting by
//! message.

use std::fs;
use std::process::Command;
use std::time::Duration;

use armlet_testkit::payloads::{self, Kernel};
use armlet_testkit::session::Session;
use armlet_testkit::{cpio, skip};

/// Generous: CI machines are slow and shared, and tests measure nothing.
const LIMIT: Duration = Duration::from_secs(240);
/// Bytes of the disk.
const LEN: usize = 4 << 20;

/// Lists what is on the bus as lspci does, works on the disk, and shows how that interrupted.
const INIT: &str = "
for d in /sys/bus/pci/devices/*; do
    echo function ${d##*/} $(cat $d/vendor) $(cat $d/device) $(cat $d/class) msi=$(ls $d/msi_irqs 2>/dev/null | wc -l)
done
dd if=/dev/vda of=/tmp/a bs=64k 2>/dev/null; md5sum </tmp/a | sed s/^/read=/
dd if=/tmp/a of=/tmp/b bs=1024k count=1 2>/dev/null
dd if=/tmp/b of=/dev/vda bs=64k seek=48 conv=fsync 2>/dev/null && echo wrote
dd if=/dev/hwrng bs=32 count=1 2>/dev/null | wc -c | sed s/^/random=/
sed s/^/irq:/ /proc/interrupts
poweroff -f
";

/// Moves an interrupt from CPU to CPU, as an administrator does and as a CPU that goes off does.
const MOVE: &str = "
irq=$(sed -n 's/^ *\\([0-9]*\\):.*virtio1-input/\\1/p' /proc/interrupts)
count() { sed -n 's/.*: *\\([0-9]*\\) *\\([0-9]*\\) .*virtio1-input/\\1 \\2/p' /proc/interrupts; }
echo 2 >/proc/irq/$irq/smp_affinity; before=$(count)
dd if=/dev/hwrng of=/dev/null bs=2048 count=1 2>/dev/null; after=$(count)
[ ${before% *} = ${after% *} ] && [ ${before#* } != ${after#* } ] && echo moved
echo 0 >/sys/devices/system/cpu/cpu1/online
dd if=/dev/hwrng bs=64 count=1 2>/dev/null | wc -c | sed s/^/alone=/
echo 1 >/sys/devices/system/cpu/cpu1/online
";

fn content() -> Vec<u8> {
    (0..LEN as u32 / 4).flat_map(|word| word.wrapping_mul(0x9e37_79b9).to_le_bytes()).collect()
}

/// Boots a kernel with a disk behind PCI; what it printed, once the disk holds what it should.
fn run(kernel: &Kernel, options: &[&str]) -> String {
    run_with(kernel, "", options)
}

/// The same with a script before the rest.
fn run_with(kernel: &Kernel, script: &str, options: &[&str]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let (ramdisk, disk) = (dir.path().join("ramdisk"), dir.path().join("disk"));
    fs::write(&ramdisk, cpio::module_ramdisk(kernel.busybox, &kernel.modules(), &format!("{script}{INIT}")))
        .unwrap();
    let mut content = content();
    fs::write(&disk, &content).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_armlet"));
    command.arg("run").arg(kernel.image).arg("--initrd").arg(&ramdisk).arg("--disk").arg(&disk);
    command.args(["--virtio", "pci", "--memory", "256M"]).args(options);
    if !options.contains(&"--append") {
        command.args(["--append", "console=ttyAMA0 quiet"]);
    }
    let (status, text) = Session::start(&mut command).unwrap().finish(LIMIT);
    assert!(status.success() && !text.contains("does not load"), "{status}: {text}");
    content.copy_within(0..1 << 20, 48 << 16);
    assert!(fs::read(&disk).unwrap() == content, "the disk holds something else: {text}");
    for says in [
        "function 0000:00:00.0 0x1b36 0x0008 0x060000 msi=0",
        "function 0000:00:01.0 0x1af4 0x1042 0x010000 msi=",
        "function 0000:00:1f.0 0x1af4 0x1044 0xff0000 msi=",
        "\nwrote\r",
        "\nrandom=32\r",
    ] {
        assert!(text.contains(says), "no {says:?} in:\n{text}");
    }
    text
}

/// The lines of /proc/interrupts that are about requests of the disk: who brought them.
fn chips(text: &str) -> Vec<&str> {
    let lines = text.lines().filter(|line| line.starts_with("irq:") && line.contains("virtio0-req"));
    lines
        .flat_map(|line| line.split_whitespace().find(|word| word.contains("MSI") || word.contains("GIC")))
        .collect()
}

fn cloud() -> Option<Kernel> {
    let p = payloads::get().map_err(|why| skip(&why)).ok()?;
    let modules = [&p.cloud_modules, &p.cloud_pci_modules];
    Some(Kernel { image: &p.cloud_kernel, modules, busybox: &p.busybox })
}

#[test]
fn arm64_with_gicv2_interrupts_by_its_frame_of_messages() {
    let Some(kernel) = cloud() else { return };
    let text = run(&kernel, &["--gic", "2", "--cpus", "2"]);
    assert_eq!(chips(&text), ["MSI", "MSI"], "{text}");
}

#[test]
fn arm64_with_gicv3_interrupts_by_its_translation_service() {
    let Some(kernel) = cloud() else { return };
    let text = run_with(&kernel, MOVE, &["--cpus", "2"]);
    assert_eq!(chips(&text), ["ITS-MSI", "ITS-MSI"], "{text}");
    assert!(text.contains("moved") && text.contains("alone=64"), "{text}");
}

#[test]
fn a_kernel_that_wants_no_messages_has_four_wires() {
    let Some(kernel) = cloud() else { return };
    let text = run(&kernel, &["--append", "console=ttyAMA0 quiet pci=nomsi"]);
    let wires = text.lines().filter(|line| line.contains("GICv3  36 ") || line.contains("GICv3  38 "));
    assert_eq!(wires.filter(|line| line.contains("virtio")).count(), 2, "{text}");
}

#[test]
fn armhf_finds_its_devices_below_4_gib() {
    let Ok(p) = payloads::get32().map_err(|why| skip(&why)) else { return };
    for (image, modules) in [
        (&p.armmp, [&p.armmp_modules, &p.armmp_pci_modules]),
        (&p.armmp_lpae, [&p.armmp_lpae_modules, &p.armmp_lpae_pci_modules]),
    ] {
        let text = run(&Kernel { image, modules, busybox: &p.busybox }, &[]);
        assert_eq!(chips(&text), ["MSI"], "{text}");
    }
}

#[test]
fn a_deterministic_run_is_the_same_again() {
    let Some(kernel) = cloud() else { return };
    let dir = tempfile::tempdir().unwrap();
    let run = |name: &str| {
        let hashes = dir.path().join(name);
        let file = format!("--hash-file={}", hashes.display());
        let text = run(&kernel, &["--deterministic", "--hash-every", "5000000", "--hash-memory=20", &file]);
        (text, fs::read_to_string(hashes).unwrap())
    };
    let (first, again) = (run("first"), run("again"));
    assert!(first.1.lines().count() > 100 && first.1 == again.1, "the hashes differ");
}
