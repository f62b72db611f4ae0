//! What tests and benchmarks share: real guests from Debian packages, initial ramdisks made on the
//! spot, and scripted sessions on a guest's console.
#![forbid(unsafe_code)]

pub mod cpio;
pub mod firmware;
pub mod partitions;
pub mod payloads;
pub mod programs;
pub mod rig;
pub mod session;
pub mod windows;

use std::path::{Path, PathBuf};
use std::process::Command;

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
