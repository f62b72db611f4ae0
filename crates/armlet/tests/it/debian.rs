//! Debian's own kernels to a busybox shell, driven through the command line as a person would.

use std::path::Path;
use std::time::Duration;

use armlet_testkit::session::Session;
use armlet_testkit::{cpio, payloads, skip};

use crate::common::converse;

/// Generous: CI machines are slow and shared, and tests measure nothing.
const LIMIT: Duration = Duration::from_secs(240);

fn boot(kernel: &Path, ramdisk: &Path, options: &[&str]) -> Session {
    let mut command = armlet_testkit::program(env!("CARGO_BIN_EXE_armlet"));
    command.arg("run").arg(kernel).arg("--initrd").arg(ramdisk).args(options);
    Session::start(&mut command).expect("armlet starts")
}

fn shell_ramdisk(name: &str) -> std::path::PathBuf {
    let payloads = payloads::get().expect("checked before");
    let init = format!("{}exec setsid cttyhack sh\n", cpio::INIT_PROLOGUE);
    let path = std::env::temp_dir().join(format!("armlet-{}-{name}.cpio", std::process::id()));
    std::fs::write(&path, cpio::busybox_ramdisk(&payloads.busybox, &init, &[]))
        .expect("the ramdisk can be written");
    path
}

/// A session a person might have: look around, use pipes and loops, power off.
fn scripted_session(kernel: &Path, name: &str, cpus: usize, options: &[&str]) {
    let ramdisk = shell_ramdisk(name);
    let cpus_text = cpus.to_string();
    let options: Vec<&str> = [&["--cpus", &cpus_text], options].concat();
    converse(boot(kernel, &ramdisk, &options), "aarch64 GNU/Linux", cpus, &[]);
    let _ = std::fs::remove_file(ramdisk);
}

fn with_payloads(test: impl FnOnce(&'static payloads::Payloads)) {
    match payloads::get() {
        Ok(payloads) => test(payloads),
        Err(why) => skip(&why),
    }
}

#[test]
fn debian_kernel_to_a_shell_and_back() {
    with_payloads(|p| scripted_session(&p.kernel, "full-1", 1, &[]));
}

#[test]
fn debian_kernel_with_four_cpus() {
    with_payloads(|p| scripted_session(&p.kernel, "full-4", 4, &[]));
}

#[test]
fn debian_cloud_kernel_with_gicv2_on_a_cortex_a72() {
    with_payloads(|p| {
        scripted_session(&p.cloud_kernel, "cloud-1", 1, &["--gic", "2", "--cpu", "cortex-a72"])
    });
}

#[test]
fn debian_cloud_kernel_with_four_cpus_on_a_neoverse_n1() {
    with_payloads(|p| scripted_session(&p.cloud_kernel, "cloud-4", 4, &["--cpu", "neoverse-n1"]));
}

#[test]
fn debian_cloud_kernel_with_the_least_code_memory() {
    with_payloads(|p| scripted_session(&p.cloud_kernel, "small", 2, &["--code-cache", "1M"]));
}

#[test]
fn debian_cloud_kernel_whose_code_is_watched() {
    with_payloads(|p| scripted_session(&p.cloud_kernel, "strict", 2, &["--strict-code"]));
}

#[test]
fn typing_ahead_is_kept_and_a_reboot_comes_up_again() {
    with_payloads(|p| {
        let ramdisk = shell_ramdisk("reboot");
        let mut session = boot(&p.cloud_kernel, &ramdisk, &[]);
        // Long before the kernel opens the UART.
        session.type_line("echo typed=$((40+2)); reboot -f");
        session.expect("Booting Linux", LIMIT);
        session.expect("\ntyped=42\r", LIMIT);
        session.expect("Booting Linux", LIMIT);
        session.expect("guest# ", LIMIT);
        session.type_line("poweroff -f");
        let (status, text) = session.finish(LIMIT);
        assert!(status.success(), "{status}:\n{text}");
        let _ = std::fs::remove_file(ramdisk);
    });
}

#[test]
fn a_kernel_without_init_resets_or_ends() {
    with_payloads(|p| {
        let mut command = armlet_testkit::program(env!("CARGO_BIN_EXE_armlet"));
        command.arg("run").arg(&p.cloud_kernel).args(["--append", "panic=-1", "--no-reboot"]);
        let (status, text) = Session::start(&mut command).expect("armlet starts").finish(LIMIT);
        assert!(status.success() && text.contains("Kernel panic"), "{status}:\n{text}");
    });
}
