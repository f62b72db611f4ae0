//! Developer tasks: `cargo xtask bench`, `cargo xtask payloads`.
#![forbid(unsafe_code)]

mod bench;

use std::process::ExitCode;

use clap::Parser;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Developer tasks of armlet")]
enum Task {
    /// Run the guest workloads on armlet and on QEMU side by side; writes docs/bench/.
    Bench(bench::Options),
    /// Fetch the real guests that tests boot (Debian kernels, busybox) into target/payloads and payloads-armhf.
    Payloads,
}

fn payloads() -> Result<(), String> {
    use armlet_testkit::payloads::{get, get32};
    println!("{}\n{}", get()?.kernel.display(), get32()?.armmp.display());
    Ok(())
}

fn main() -> ExitCode {
    let result = match Task::parse() {
        Task::Bench(options) => bench::run(&options),
        Task::Payloads => payloads(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("xtask: {why}");
            ExitCode::FAILURE
        }
    }
}
