//! `armlet guests`, `machines` and `cpus`: what there is, as plain text for eyes and `grep`.

use std::fmt::Write;

use armlet::{Board, backends, guests};

use super::answer;
use crate::failure::Failure;
use crate::size::human;

/// Lists the embedded guests.
pub fn guests() -> Result<u8, Failure> {
    let mut text = String::new();
    for guest in guests::ALL {
        let _ = writeln!(text, "{:<11} {}", guest.name, guest.summary);
    }
    text.push_str("\nRun one with `armlet run NAME`; all are for the monitor machine.\n");
    answer(text)
}

/// Lists the machines and what is where in them.
pub fn machines() -> Result<u8, Failure> {
    let mut text = String::new();
    for board in Board::ALL {
        let _ = writeln!(text, "{}: {}", board.name(), board.description());
        for (name, start, len) in crate::boardmap::regions(*board) {
            let _ = writeln!(text, "  {start:#012x}  {:<9} {name}", human(*len));
        }
    }
    answer(text)
}

/// Lists the CPU models and their features, by backend.
pub fn cpus() -> Result<u8, Failure> {
    let mut text = String::new();
    for backend in backends::ALL {
        match backend.open() {
            Err(missing) => {
                let _ = writeln!(text, "{}: not available: {}", backend.name, missing.why);
            }
            Ok(hypervisor) => {
                let _ = writeln!(text, "{}:", backend.name);
                for (i, model) in hypervisor.capabilities().cpu_models.iter().enumerate() {
                    let _ = writeln!(text, "  {model}{}", if i == 0 { " (default)" } else { "" });
                }
            }
        }
    }
    answer(text)
}
