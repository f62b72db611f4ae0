//! The guest's console: what it prints goes to stdout, what is typed goes to its UART.

mod escape;
#[cfg(unix)]
mod follow;
mod input;
mod screen;

pub use escape::{Action, Escape, HELP};
pub use input::start as start_input;
pub use screen::Screen;
