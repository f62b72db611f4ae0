//! Running machines by name: each has a socket in a directory of this user's, `ps`, `stop` and `attach` talk to it.
//!
//! A request is one line of JSON, and so is its answer, which has `"ok"` and, if that is false, `"error"`:
//!
//! | request | answer |
//! |---|---|
//! | `{"command":"status"}` | `name`, `pid`, `cpus`, `memory` and `backend`, and `uptime` in seconds |
//! | `{"command":"stop"}` | presses the power button; the connection stays until the machine has ended |
//! | `{"command":"stop","force":true}` | ends the machine as it is |
//! | `{"command":"balloon"}` | sizes in bytes, those that are known: `memory`, `balloon`, `target`, `host`, and of the guest `total`, `available`, `free`, `caches` |
//! | `{"command":"balloon","target":N}` | the same, once the guest was told to have a balloon of N bytes |
//! | `{"command":"attach"}` | from then on the connection is the guest's console, byte for byte |

#[cfg(unix)]
mod balloon;
#[cfg(unix)]
mod client;
#[cfg(unix)]
mod detach;
#[cfg(not(unix))]
mod missing;
#[cfg(unix)]
mod place;
#[cfg(unix)]
mod server;

use std::sync::Arc;

use armlet::{ConsoleInput, MachineControl};

#[cfg(unix)]
pub use balloon::balloon;
#[cfg(unix)]
pub use client::{attach, ps, stop};
#[cfg(unix)]
pub use detach::{Ready, detach};
#[cfg(not(unix))]
pub use missing::{Ready, Server, attach, balloon, detach, ps, stop};
#[cfg(unix)]
pub use server::Server;

use crate::console::Screen;
use crate::stop::Stopper;

/// What `ps` tells of a machine.
#[cfg_attr(not(unix), expect(dead_code, reason = "only a socket of the machine makes use of it"))]
pub struct Facts {
    /// CPUs.
    pub cpus: usize,
    /// Memory, as people read it.
    pub memory: String,
    /// The backend that runs it.
    pub backend: &'static str,
}

/// A machine about to run, as far as others can do something to it.
#[cfg_attr(not(unix), expect(dead_code, reason = "only a socket of the machine makes use of it"))]
pub struct Handles {
    /// What it is.
    pub facts: Facts,
    /// Its power button.
    pub control: MachineControl,
    /// Its console's input.
    pub input: ConsoleInput,
    /// What ends it.
    pub stopper: Arc<Stopper>,
    /// Its console's output.
    pub screen: Arc<Screen>,
}
