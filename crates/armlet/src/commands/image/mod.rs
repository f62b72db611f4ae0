//! `armlet image`: images of whole machines.

mod build;
mod partial;
mod pull;
mod report;

use std::fmt::Write;

use super::answer;
use crate::args::ImageCommand;
use crate::failure::Failure;
use crate::images::{self, DISK};
use crate::size::human;
use crate::sys;

/// Carries out a command.
pub fn image(command: ImageCommand) -> Result<u8, Failure> {
    match command {
        ImageCommand::Pull(args) => pull::pull(&args),
        ImageCommand::Ls => list(),
        ImageCommand::Rm { name } => images::remove(&name).map(|()| 0),
    }
}

fn list() -> Result<u8, Failure> {
    let names = images::names()?;
    let mut text = String::new();
    for name in &names {
        let disk = images::place(name)?.join(DISK);
        let metadata = std::fs::metadata(&disk).map_err(|error| images::file(&disk, &error))?;
        let (taken, size) = (human(sys::allocated(&metadata)), human(metadata.len()));
        let _ = writeln!(text, "{name:<24} {taken} of {size}");
    }
    if names.is_empty() {
        let can = armlet_image::recipe::names().join(", ");
        let _ = writeln!(text, "There are none. `armlet image pull NAME` makes one: {can}.");
    }
    answer(text)
}
