//! Exit statuses, and the one line that goes with a bad one.

use std::error::Error;
use std::fmt::Display;

use armlet::nearest;

/// The guest is dead or hung, or the host failed underneath it.
pub const BROKEN: u8 = 1;
/// The command line or a file it names can't be used.
pub const BAD_INPUT: u8 = 2;
/// Added to the number of the signal that ended us, as shells do.
pub const SIGNAL: u8 = 128;

/// Why the program ends early: printed as `armlet: message`, then the status.
#[derive(Debug)]
pub struct Failure {
    /// The process's exit status.
    pub status: u8,
    /// One line.
    pub message: String,
}

impl Failure {
    /// The user's input can't be used.
    pub fn input(message: impl Display) -> Self {
        Self { status: BAD_INPUT, message: message.to_string() }
    }

    /// As [`Self::input`], from an error and what caused it.
    pub fn input_chain(error: &dyn Error) -> Self {
        Self::input(chain(error))
    }

    /// The machine or the host failed.
    pub fn broken(message: impl Display) -> Self {
        Self { status: BROKEN, message: message.to_string() }
    }
}

/// An error and its causes in one line; a cause that the line already tells is not told twice.
pub fn chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !line.contains(&text) {
            line = format!("{line}: {text}");
        }
        cause = error.source();
    }
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// ` (did you mean this?)` where one of `candidates` is near enough to `name`, else nothing.
pub fn did_you_mean<'a, S: AsRef<str> + ?Sized + 'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a S>,
) -> String {
    nearest(name, candidates).map(|name| format!(" (did you mean {name}?)")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Step(&'static str, #[source] Option<Box<Step>>);

    #[test]
    fn a_chain_is_one_line_without_repeats() {
        let deep = Step(
            "can't open\nx: gone",
            Some(Box::new(Step("gone", Some(Box::new(Step("disk full", None)))))),
        );
        assert_eq!(chain(&deep), "can't open x: gone: disk full");
    }
}
