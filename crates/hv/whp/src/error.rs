//! Failures of the platform's functions, as [`HvError`]s.

use std::fmt;

use armlet_hv::HvError;

use crate::NAME;
use crate::abi::hresult::HResult;

/// A function's failure: its result, and what to do about it.
#[derive(Clone, Copy, Debug)]
struct Failed(HResult);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.0, self.0.fix())
    }
}

impl std::error::Error for Failed {}

/// A failure of `function`, called to do `what`.
pub fn failure(result: HResult, function: &str, what: impl fmt::Display) -> HvError {
    HvError::Os { what: format!("{what} ({function})"), source: std::io::Error::other(Failed(result)) }
}

/// Turns a result of `function`, called to do `what`, into ours.
pub fn check(result: HResult, function: &str, what: impl fmt::Display) -> Result<(), HvError> {
    if result.is_ok() { Ok(()) } else { Err(failure(result, function, what)) }
}

/// The backend can't do what was asked for.
pub fn unsupported(what: impl Into<String>) -> HvError {
    HvError::Unsupported { backend: NAME, what: what.into() }
}
