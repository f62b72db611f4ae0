//! A guest that means harm to all its devices at once, from two CPUs: `guests/hostile`, compiled here, runs without any system.
//! Whatever the devices make of it, the machine goes on until the guest turns it off.
#![cfg(target_os = "linux")]

use std::fs;
use std::process::Command;
use std::time::Duration;

use armlet_testkit::session::Session;
use armlet_testkit::{root, skip};

const COMPILER: &str = "aarch64-linux-gnu-gcc";
/// Generous: CI machines are slow and shared, and tests measure nothing.
const LIMIT: Duration = Duration::from_secs(240);

#[test]
fn a_hostile_guest_ends_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let options = "-O1 -ffreestanding -nostdlib -static -fno-pic -mstrict-align -mgeneral-regs-only -mno-outline-atomics \
                   -march=armv8-a+nolse -Wl,-Ttext=0x40080000,-e,first,--build-id=none";
    let compiler = Command::new(COMPILER)
        .args(options.split_whitespace())
        .arg(root().join("guests/hostile/hostile.c"))
        .arg("-o")
        .arg(at("guest"))
        .output();
    let output = match compiler {
        Ok(output) => output,
        Err(error) => return skip(&format!("{COMPILER} does not start: {error}")),
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::write(at("disk"), vec![0xa5; 1 << 20]).unwrap();
    fs::create_dir(at("share")).unwrap();
    let mut command = armlet_testkit::program(env!("CARGO_BIN_EXE_armlet"));
    command.arg("run").arg(at("guest")).args(["--cpus", "2", "--memory", "128M", "--net", "user"]);
    command.args(["--virtio", "mmio"]);
    command.arg("--disk").arg(at("disk")).arg("--share").arg(at("share"));
    command.arg("--vsock").arg(format!("5,socket={}", at("socket").display()));
    let (status, text) = Session::start(&mut command).expect("armlet starts").finish(LIMIT);
    assert!(status.success() && text.contains("survived"), "{status}:\n{text}");
    // The guest has read and written its disk, as far as its requests went.
    assert_eq!(fs::metadata(at("disk")).unwrap().len(), 1 << 20);
    assert_ne!(fs::read(at("disk")).unwrap(), vec![0xa5; 1 << 20]);
}
