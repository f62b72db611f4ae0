//! Developer tasks: `cargo xtask bench`, `cargo xtask payloads`, `cargo xtask rig`.
#![forbid(unsafe_code)]

mod bench;
mod rig;

use std::process::ExitCode;

use clap::Parser;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Developer tasks of armlet")]
enum Task {
    /// Run the guest workloads on armlet and on QEMU side by side; writes docs/bench/.
    Bench(bench::Options),
    /// Fetch the real guests that tests boot (Debian kernels, busybox) into target/payloads and payloads-armhf.
    Payloads,
    /// Run a command, tests or a shell on an emulated arm64 host with /dev/kvm, the program for arm64 in its path.
    Rig(rig::Options),
}

fn payloads() -> Result<(), String> {
    use armlet_testkit::payloads::{get, get32};
    println!("{}\n{}", get()?.kernel.display(), get32()?.armmp.display());
    Ok(())
}

fn main() -> ExitCode {
    let result = match Task::parse() {
        Task::Bench(options) => bench::run(&options).map(|()| 0),
        Task::Payloads => payloads().map(|()| 0),
        Task::Rig(options) => rig::run(&options),
    };
    match result {
        Ok(status) => ExitCode::from(u8::try_from(status).unwrap_or(u8::MAX)),
        Err(why) => {
            eprintln!("xtask: {why}");
            ExitCode::FAILURE
        }
    }
}
