//! `armlet guests`, `machines` and `cpus`: what there is, as plain text for eyes and `grep`.

use std::fmt::Write;

use armlet::{Board, backends, guests};
use armlet_arm::feature::FeatureSet;

use super::answer;
use crate::boardmap;
use crate::failure::Failure;
use crate::observe::address;
use crate::size::human;

/// Lists the embedded guests.
pub fn guests() -> Result<u8, Failure> {
    let mut text = String::new();
    for guest in guests::ALL {
        let _ = writeln!(text, "{:<15} {:<8} {}", guest.name, guest.board.name(), guest.summary);
    }
    text.push_str("\nRun one with `armlet run NAME`, on the machine it is for.\n");
    answer(text)
}

/// Lists the machines and what is where in them.
pub fn machines() -> Result<u8, Failure> {
    let mut text = String::new();
    for board in Board::ALL {
        let _ = writeln!(text, "{}: {}", board.name(), board.description());
        for (name, start, len) in boardmap::regions(*board, None) {
            let what = boardmap::describe(name);
            let _ = writeln!(text, "  {}  {:<9} {name:<8} {what}", address(start), human(len));
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
                for (i, info) in hypervisor.capabilities().cpu_models.iter().enumerate() {
                    let default = if i == 0 { " (default)" } else { "" };
                    let modes: Vec<_> = info.modes.iter().map(|mode| mode.name()).collect();
                    let _ = writeln!(text, "  {}{default}: {}", info.name, modes.join(", "));
                    if let Some(model) = armlet_arm::cpu::model(&info.name) {
                        let _ = writeln!(text, "    {}", model.description);
                        wrap(&mut text, &model.features);
                    }
                }
            }
        }
    }
    answer(text)
}

/// Feature names without `FEAT_`, in lines of a terminal's width.
fn wrap(text: &mut String, features: &FeatureSet) {
    let mut line = String::new();
    for feature in features.iter() {
        if line.len() + feature.name().len() > 90 {
            let _ = writeln!(text, "   {line}");
            line.clear();
        }
        line.push(' ');
        line.push_str(feature.name());
    }
    if !line.is_empty() {
        let _ = writeln!(text, "   {line}");
    }
}
