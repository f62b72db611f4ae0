//! What tests and benchmarks share: real guests from Debian packages, initial ramdisks made on the
//! spot, and scripted sessions on a guest's console.
#![forbid(unsafe_code)]

pub mod cpio;
pub mod firmware;
pub mod images;
pub mod partitions;
pub mod payloads;
pub mod programs;
pub mod rig;
pub mod session;
pub mod windows;

use std::path::{Path, PathBuf};
use std::process::Command;

/// A script of this tree that builds other programs, without what cargo tells a test of its own package: build scripts
/// that look at that (ring's does) would run again, and all that depends on them be compiled again.
pub fn builder(script: &str) -> Command {
    let mut command = Command::new(root().join(script));
    let of_test = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_"];
    let names = std::env::vars_os().map(|(name, _)| name);
    let told = names.filter(|name| of_test.iter().any(|start| name.to_string_lossy().starts_with(start)));
    for name in told {
        command.env_remove(name);
    }
    command
}

/// The root of the source tree.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("tests/kit lies two levels down").into()
}

/// The program that tests run: the one just built, or the command line in `ARMLET_TESTED`, words apart by spaces, if
/// another build is to be tested (for another system, under an emulator).
pub fn program(built: &str) -> Command {
    let Ok(other) = std::env::var("ARMLET_TESTED") else { return Command::new(built) };
    let mut words = other.split_whitespace();
    let mut command = Command::new(words.next().expect("ARMLET_TESTED is not empty"));
    command.args(words);
    command
}

/// True if a missing oracle or payload must fail a test instead of skipping it (CI sets it).
pub fn oracles_required() -> bool {
    std::env::var_os("ARMLET_REQUIRE_ORACLES").is_some()
}

/// Says on standard error that a comparison is skipped and why; fails if CI requires it.
pub fn skip(why: &str) {
    assert!(!oracles_required(), "ARMLET_REQUIRE_ORACLES is set, but {why}");
    eprintln!("skipped: {why}");
}
