//! One module for each command.

pub mod completions;
pub mod doctor;
pub mod image;
pub mod lists;
pub mod run;

use std::io::{ErrorKind, Write};

use crate::failure::Failure;
use crate::sys;

/// Writes a command's whole answer to stdout. A reader that has seen enough is no error.
pub fn answer(text: impl AsRef<[u8]>) -> Result<u8, Failure> {
    let mut stdout = sys::stdout();
    match stdout.write_all(text.as_ref()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::broken(format_args!("can't write to standard output: {error}")))
        }
        _ => Ok(0),
    }
}
