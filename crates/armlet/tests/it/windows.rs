//! The programs for Windows, cross-built and run by Wine: that for x64 with `soft`; that for ARM64 under qemu-aarch64, and, with its
//! backend `whp`, above the KVM of an arm64 host that QEMU emulates.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use armlet_testkit::rig::scenarios::{self, Setting};
use armlet_testkit::rig::{Host, wine as rig_wine};
use armlet_testkit::windows::{self, Windows, wine};
use armlet_testkit::{cpio, payloads, skip};

/// All guests for AArch64 that need no other host to compare with.
const GUESTS: [&str; 8] = ["hello", "timer", "wfi", "data-abort", "insn-abort", "sysreg", "el0", "hvio"];

/// The programs, or nothing where they can't be made.
fn made() -> Option<&'static Windows> {
    if let Err(why) = windows::check() {
        skip(&why);
        return None;
    }
    Some(windows::get().unwrap())
}

fn output(command: &mut Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).replace("\r\n", "\n");
    (status.code(), text(stdout), text(stderr))
}

/// Times and counts differ from run to run.
fn without_digits(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_digit()).collect()
}

fn reference(guest: &str) -> String {
    let here = Path::new(env!("CARGO_BIN_EXE_armlet"));
    output(Command::new(here).args(["run", "-q", guest, "--backend", "soft"])).1
}

#[test]
fn the_program_for_x64_runs_guests_on_soft() {
    let Some(made) = made() else { return };
    for guest in GUESTS {
        let (status, shown, said) = output(wine("x64", &made.x64).args(["run", "-q", guest]));
        assert_eq!(status, Some(0), "{guest}: {shown}{said}");
        assert_eq!(without_digits(&shown), without_digits(&reference(guest)), "{guest}: {said}");
    }
    let (status, shown, said) = output(wine("x64", &made.x64).arg("doctor"));
    assert_eq!(status, Some(0), "{shown}{said}");
    for part in ["[ok] soft: ", "[ok] JIT of soft: ", "[--] whp: "] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}

#[test]
fn the_program_for_x64_boots_debian_with_a_disk() {
    let Some(made) = made() else { return };
    let payloads = match payloads::get() {
        Ok(payloads) => payloads,
        Err(why) => return skip(&why),
    };
    let dir = tempfile::tempdir().unwrap();
    let script =
        "head -c 12 /dev/vda; printf 'and back' | dd of=/dev/vda bs=512 seek=100 conv=sync,fsync 2>/dev/null
dd if=/dev/vdb bs=512 count=1 2>/dev/null | head -c 9; echo kept >/dev/vdb; poweroff -f";
    let ramdisk = cpio::module_ramdisk(&payloads.busybox, &payloads.cloud_modules, script);
    std::fs::write(dir.path().join("initrd"), ramdisk).unwrap();
    let mut image = vec![0; 1 << 20];
    image[..12].copy_from_slice(b"from a file\n");
    std::fs::write(dir.path().join("disk"), &image).unwrap();
    image[..9].copy_from_slice(b"the base\n");
    std::fs::write(dir.path().join("base"), &image).unwrap();
    let mut command = wine("x64", &made.x64);
    command.current_dir(dir.path()).arg("run").arg(&payloads.cloud_kernel);
    command.args(["--initrd", "initrd", "-q", "--cpus", "2", "--disk", "disk", "--disk", "base,overlay"]);
    let (status, shown, said) = output(command.args(["--append", "console=ttyAMA0 quiet loglevel=1"]));
    assert_eq!(status, Some(0), "{shown}{said}");
    assert!(shown.contains("from a file") && shown.contains("the base"), "{shown}{said}");
    let written = std::fs::read(dir.path().join("disk")).unwrap();
    assert_eq!(&written[51200..51209], b"and back\0");
    assert_eq!(std::fs::read(dir.path().join("base")).unwrap(), image, "what goes to an overlay is gone");
}

#[test]
fn the_program_for_arm64_says_what_its_host_lacks_and_runs_where_nothing_does() {
    let Some(made) = made() else { return };
    let armlet = |args: &[&str]| output(wine("arm64", &made.arm64).args(args));
    let (status, shown, said) = armlet(&["doctor"]);
    assert_eq!(status, Some(0), "{shown}{said}");
    for part in ["[--] whp: ", "Windows has no WinHvPlatform.dll; enable it as administrator", "[ok] soft: "]
    {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let (status, shown, said) = armlet(&["run", "-q", "hello", "--backend", "whp"]);
    assert_eq!((status, shown.as_str()), (Some(2), ""), "{said}");
    assert!(said.contains("Windows has no WinHvPlatform.dll") && said.lines().count() == 1, "{said}");
    let (status, shown, said) = armlet(&["run", "-q", "hello", "--backend", "soft"]);
    assert_eq!((status, shown), (Some(0), reference("hello")), "{said}");
    // The stand-in over armlet's own CPU.
    let platform = made.system32().join("WinHvPlatform.dll");
    std::fs::copy(&made.platform, &platform).unwrap();
    let (status, shown, said) = armlet(&["run", "-q", "hello", "--backend", "whp"]);
    let doctor = armlet(&["doctor"]).1;
    std::fs::remove_file(platform).unwrap();
    assert_eq!((status, shown), (Some(0), reference("hello")), "{said}");
    assert!(doctor.contains("[ok] whp: ") && doctor.contains("MIDR_EL1: 0x413fd0c1"), "{doctor}");
}

#[test]
fn the_program_for_arm64_runs_guests_on_whp_above_kvm() {
    let Some(_) = made() else { return };
    let host = match Host::new("cortex-a57", 3) {
        Ok(host) => host,
        Err(why) => return skip(&why),
    };
    let setting = Setting {
        backend: "whp".into(),
        gic: 3,
        aarch32: false,
        reference: env!("CARGO_BIN_EXE_armlet").into(),
    };
    let cases = scenarios::on_windows(&setting).unwrap();
    let rig = rig_wine::with_armlet(host).unwrap();
    let report = |name: &str, seconds: f64| eprintln!("whp above KVM: {name} took {seconds:.1} s");
    let failures = scenarios::run(rig, &cases, |outcome| report(&outcome.name, outcome.seconds)).unwrap();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}
