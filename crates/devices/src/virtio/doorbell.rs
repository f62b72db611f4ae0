//! How a notification reaches the thread that serves a queue.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

#[derive(Default)]
struct State {
    rung: bool,
    /// The server is awake.
    serving: bool,
    quit: bool,
}

/// Rung by vCPUs, waited for by one server. Any number of rings before the server comes are one.
#[derive(Default)]
pub(super) struct Doorbell {
    state: Mutex<State>,
    changed: Condvar,
}

impl Doorbell {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There is something to serve.
    pub fn ring(&self) {
        self.state().rung = true;
        self.changed.notify_one();
    }

    /// The server is to end.
    pub fn quit(&self) {
        self.state().quit = true;
        self.changed.notify_one();
    }

    /// Waits for the next ring; false when the server is to end.
    pub fn wait(&self) -> bool {
        let mut state = self.state();
        state.serving = false;
        let wait = self.changed.wait_while(state, |state| !state.rung && !state.quit);
        let mut state = wait.unwrap_or_else(PoisonError::into_inner);
        state.rung = false;
        state.serving = true;
        !state.quit
    }

    /// True from a ring until the server waits again.
    pub fn busy(&self) -> bool {
        let state = self.state();
        state.rung || state.serving
    }
}
