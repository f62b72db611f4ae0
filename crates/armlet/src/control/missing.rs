//! Hosts where machines have no sockets.

use super::Handles;
use crate::failure::Failure;

fn refused<T>(what: &str) -> Result<T, Failure> {
    Err(Failure::input(format_args!(
        "{what} works on Unix hosts only, not on {}; run the machine in a terminal",
        std::env::consts::OS
    )))
}

/// Refuses.
pub fn ps() -> Result<u8, Failure> {
    refused("armlet ps")
}

/// Refuses.
pub fn stop(_: &str, _: bool) -> Result<u8, Failure> {
    refused("armlet stop")
}

/// Refuses.
pub fn attach(_: &str) -> Result<u8, Failure> {
    refused("armlet attach")
}

/// Refuses.
pub fn balloon(_: &str, _: Option<u64>) -> Result<u8, Failure> {
    refused("armlet balloon")
}

/// Refuses.
pub fn detach() -> Result<u8, Failure> {
    refused("--detach")
}

/// A program in the background, which there is none of.
pub struct Ready;

impl Ready {
    /// Refuses.
    pub fn new() -> Result<Self, Failure> {
        refused("--detach")
    }

    /// Does nothing.
    pub fn tell(self, _: &str) -> Result<(), Failure> {
        Ok(())
    }
}

/// A socket, which there is none of.
pub struct Server;

impl Server {
    /// None, unless the user asks for one: that is refused.
    pub fn start(chosen: Option<&str>, _: &str, _: Handles) -> Result<Option<Self>, Failure> {
        chosen.map_or(Ok(None), |_| refused("--name"))
    }

    /// The machine's name.
    pub fn name(&self) -> &str {
        ""
    }
}
