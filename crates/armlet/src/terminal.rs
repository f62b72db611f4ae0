//! The user's terminal: raw while a guest runs, as it was before on every way out.

use std::io::{self, IsTerminal};
use std::sync::Mutex;

use crate::sys::{Guardian, RawMode};

/// Set while the terminal is raw. Global, because a panic or a signal must find it too.
static RAW: Mutex<Option<Raw>> = Mutex::new(None);

/// The terminal while it is raw.
struct Raw {
    mode: RawMode,
    /// Restores it if we are killed. Without one, where no process can be started, that has to be borne.
    _guardian: Option<Guardian>,
}

/// Keeps the terminal raw as long as it lives.
pub struct Guard(());

impl Guard {
    /// Makes the terminal raw, if stdin is one.
    pub fn enter() -> io::Result<Option<Self>> {
        if !io::stdin().is_terminal() {
            return Ok(None);
        }
        let _guardian = Guardian::start().ok();
        *lock() = Some(Raw { mode: RawMode::enter()?, _guardian });
        Ok(Some(Self(())))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        restore();
    }
}

/// Puts the terminal back as it was. Does nothing where nothing was changed, so it can be called twice.
pub fn restore() {
    if let Some(raw) = lock().take() {
        // Nobody is left to tell if the terminal is gone.
        let _ = raw.mode.leave();
    }
}

/// Makes the terminal raw again if it should be: the program was stopped and goes on.
pub fn resume() {
    if let Some(raw) = lock().as_ref() {
        let _ = raw.mode.again();
    }
}

/// Restores the terminal before a panic prints its message, on whatever thread.
pub fn restore_on_panic() {
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        restore();
        print(info);
    }));
}

fn lock() -> std::sync::MutexGuard<'static, Option<Raw>> {
    RAW.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #[test]
    fn restoring_an_untouched_terminal_does_nothing() {
        super::restore();
        super::resume();
        super::restore();
    }
}
