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
    /// Fetch the real guests that tests boot (Debian kernels, busybox) into target/payloads.
    Payloads,
}

fn main() -> ExitCode {
    let result = match Task::parse() {
        Task::Bench(options) => bench::run(&options),
        Task::Payloads => armlet_testkit::payloads::get().map(|p| println!("{}", p.kernel.display())),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("xtask: {why}");
            ExitCode::FAILURE
        }
    }
}
