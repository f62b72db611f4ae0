//! Debian's own 32-bit kernels to a busybox shell, driven through the command line as a person would.

use std::path::Path;
use std::time::Duration;

use armlet_testkit::session::Session;
use armlet_testkit::{cpio, payloads, skip};

use crate::common::converse;

/// Generous: CI machines are slow and shared, and tests measure nothing.
const LIMIT: Duration = Duration::from_secs(240);

/// CRC-32 as U-Boot's headers have it.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| crc >> 1 ^ 0xedb8_8320 * (crc & 1))
    })
}

/// A `uImage` of a Linux kernel for arm, not packed.
fn uimage(kernel: &[u8]) -> Vec<u8> {
    let mut header = vec![0; 64];
    for (at, word) in
        [(0, 0x2705_1956), (12, kernel.len() as u32), (16, 0x8000), (20, 0x8000), (24, crc32(kernel))]
    {
        header[at..at + 4].copy_from_slice(&word.to_be_bytes());
    }
    header[28..31].copy_from_slice(&[5, 2, 2]);
    let sum = crc32(&header);
    header[4..8].copy_from_slice(&sum.to_be_bytes());
    [&header, kernel].concat()
}

/// A session a person might have: look around, use pipes, loops and arithmetic, power off.
fn scripted_session(kernel: &Path, busybox: &[u8], name: &str, cpus: usize, options: &[&str]) {
    let init = format!("{}exec setsid cttyhack sh\n", cpio::INIT_PROLOGUE);
    let ramdisk = std::env::temp_dir().join(format!("armlet-{}-32-{name}.cpio", std::process::id()));
    std::fs::write(&ramdisk, cpio::busybox_ramdisk(busybox, &init, &[])).expect("the ramdisk can be written");
    let mut command = armlet_testkit::program(env!("CARGO_BIN_EXE_armlet"));
    command.arg("run").arg(kernel).arg("--initrd").arg(&ramdisk);
    let session =
        Session::start(command.args(["--cpus", &cpus.to_string()]).args(options)).expect("armlet starts");
    let arithmetic = [
        ("echo 'scale=20; 4*a(1)' | bc -l | cut -c 1-12", "\n3.1415926535\r"),
        (
            "awk 'BEGIN { for (i = 1; i <= 1000; i++) s += 1 / (i * i); printf \"sum=%.6f\\n\", s }'",
            "\nsum=1.643935\r",
        ),
    ];
    converse(session, "armv7l GNU/Linux", cpus, &arithmetic);
    let _ = std::fs::remove_file(ramdisk);
}

fn with_payloads(test: impl FnOnce(&'static payloads::Payloads32)) {
    match payloads::get32() {
        Ok(payloads) => test(payloads),
        Err(why) => skip(&why),
    }
}

#[test]
fn debian_armmp_kernel_on_a_cortex_a15() {
    with_payloads(|p| scripted_session(&p.armmp, &p.busybox, "1", 1, &["--cpu", "cortex-a15"]));
}

#[test]
fn debian_armmp_kernel_with_four_cpus() {
    with_payloads(|p| scripted_session(&p.armmp, &p.busybox, "4", 4, &[]));
}

#[test]
fn debian_lpae_kernel_with_gicv3_on_a_cortex_a72() {
    let options = ["--gic", "3", "--cpu", "cortex-a72", "--memory", "4G"];
    with_payloads(|p| scripted_session(&p.armmp_lpae, &p.busybox, "lpae-1", 1, &options));
}

#[test]
fn debian_lpae_kernel_with_four_cpus_on_a_cortex_a7() {
    with_payloads(|p| scripted_session(&p.armmp_lpae, &p.busybox, "lpae-4", 4, &["--cpu", "cortex-a7"]));
}

#[test]
fn debian_armmp_kernel_in_little_memory() {
    with_payloads(|p| scripted_session(&p.armmp, &p.busybox, "little", 1, &["--memory", "64M"]));
}

#[test]
fn a_uimage_with_an_appended_device_tree() {
    with_payloads(|p| {
        let dir = tempfile::tempdir().unwrap();
        let (tree, kernel) = (dir.path().join("dtb"), dir.path().join("uImage"));
        let mut command = armlet_testkit::program(env!("CARGO_BIN_EXE_armlet"));
        command.arg("run").arg(&p.armmp).args(["--append", "console=ttyAMA0 from=appended"]);
        assert!(command.arg(format!("--show-dtb={}", tree.display())).status().unwrap().success());
        let zimage = [std::fs::read(&p.armmp).unwrap(), std::fs::read(tree).unwrap()].concat();
        std::fs::write(&kernel, uimage(&zimage)).unwrap();
        let mut command = armlet_testkit::program(env!("CARGO_BIN_EXE_armlet"));
        command.arg("run").arg(&kernel).arg("--no-reboot");
        let mut session = Session::start(&mut command).expect("armlet starts");
        session.expect("Kernel command line: console=ttyAMA0 from=appended", LIMIT);
        session.expect("Kernel panic", LIMIT);
    });
}
