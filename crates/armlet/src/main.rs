//! The `armlet` program. The work is in the library crates; here are the command line, the terminal
//! and the words on the screen.
#![deny(unsafe_code)]

mod args;
mod boardmap;
mod commands;
mod console;
mod control;
mod disks;
mod dts;
mod failure;
mod files;
mod firmware;
mod images;
mod machine_file;
mod nets;
mod observe;
mod plan;
mod progress;
#[cfg(target_os = "linux")]
mod rootdir;
mod rootdisk;
mod seed;
mod shares;
mod size;
mod stop;
mod sys;
mod terminal;
mod vsock;

use std::process::ExitCode;

use args::{Command, RunArgs};
use failure::Failure;

fn main() -> ExitCode {
    terminal::restore_on_panic();
    match dispatch() {
        Ok(status) => ExitCode::from(status),
        Err(failure) => {
            eprintln!("armlet: {}", failure.message);
            ExitCode::from(failure.status)
        }
    }
}

fn dispatch() -> Result<u8, Failure> {
    let Some(cli) = args::parse(std::env::args_os())? else {
        return Ok(0);
    };
    match cli.command {
        None => {
            eprintln!("armlet: running the embedded guest `hello`; `armlet --help` tells what else there is");
            commands::run::run(RunArgs::default())
        }
        Some(Command::Run(args)) if args.detach && !args.detached => control::detach(),
        Some(Command::Run(args)) => commands::run::run(*args),
        Some(Command::Image(command)) => commands::image::image(command),
        Some(Command::Ps) => control::ps(),
        Some(Command::Stop { name, force }) => control::stop(&name, force),
        Some(Command::Attach { name }) => control::attach(&name),
        Some(Command::Balloon { name, size }) => control::balloon(&name, size),
        Some(Command::Guests) => commands::lists::guests(),
        Some(Command::Machines) => commands::lists::machines(),
        Some(Command::Cpus) => commands::lists::cpus(),
        Some(Command::Doctor) => commands::doctor::doctor(),
        // Nobody reads what it might say.
        Some(Command::GuardTerminal) => Ok(sys::guard().map_or(failure::BROKEN, |()| 0)),
        Some(Command::Completions { shell }) => commands::completions::completions(shell),
    }
}
