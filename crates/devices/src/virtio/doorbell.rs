//! How a notification reaches the thread that serves a queue.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

#[cfg(target_os = "linux")]
use super::event::Event;

#[derive(Default)]
struct State {
    rung: bool,
    /// Servers that are awake.
    awake: usize,
    quit: bool,
}

/// Rung by vCPUs, waited for by servers, one of which comes. Any number of rings before it does are one.
///
/// With an event of the host ([`Doorbell::event`]) they wait for that, and a hypervisor in the kernel can ring.
#[derive(Default)]
pub(super) struct Doorbell {
    state: Mutex<State>,
    changed: Condvar,
    #[cfg(target_os = "linux")]
    event: std::sync::OnceLock<Event>,
}

impl Doorbell {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There is something to serve.
    pub fn ring(&self) {
        self.state().rung = true;
        self.wake();
    }

    /// The servers are to end.
    pub fn quit(&self) {
        self.state().quit = true;
        self.wake();
    }

    /// Waits for the next ring; `None` when the server is to end.
    pub fn wait(&self) -> Option<Awake<'_>> {
        self.sleep();
        let mut state = self.state();
        state.rung = false;
        if state.quit {
            drop(state);
            // Each tells the next.
            self.wake();
            return None;
        }
        state.awake += 1;
        Some(Awake(self))
    }

    /// How many servers are awake.
    pub fn awake(&self) -> usize {
        self.state().awake
    }

    /// True from a ring until all servers wait again.
    pub fn busy(&self) -> bool {
        let state = self.state();
        state.rung || state.awake > 0 || self.signalled()
    }

    fn wake(&self) {
        #[cfg(target_os = "linux")]
        if let Some(event) = self.event.get() {
            return event.signal();
        }
        self.changed.notify_one();
    }

    fn sleep(&self) {
        #[cfg(target_os = "linux")]
        if let Some(event) = self.event.get() {
            return event.wait();
        }
        drop(self.changed.wait_while(self.state(), |state| !state.rung && !state.quit));
    }

    #[cfg(target_os = "linux")]
    fn signalled(&self) -> bool {
        self.event.get().is_some_and(Event::is_signalled)
    }

    #[cfg(not(target_os = "linux"))]
    fn signalled(&self) -> bool {
        false
    }

    /// The event that rings from now on. To be asked for before there is a server.
    #[cfg(target_os = "linux")]
    pub fn event(&self) -> std::io::Result<std::os::fd::BorrowedFd<'_>> {
        if self.event.get().is_none() {
            // Another thread's event would do as well.
            let _ = self.event.set(Event::new()?);
        }
        Ok(self.event.get().expect("one was set").descriptor())
    }
}

/// A server that is awake, until this is dropped.
pub(super) struct Awake<'a>(&'a Doorbell);

impl Drop for Awake<'_> {
    fn drop(&mut self) {
        self.0.state().awake -= 1;
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn an_event_of_the_host_rings() {
        let bell = Doorbell::default();
        let event = bell.event().unwrap();
        assert!(!bell.busy());
        rustix::io::write(event, &1_u64.to_ne_bytes()).unwrap();
        assert!(bell.busy());
        let server = bell.wait();
        assert!(server.is_some() && bell.busy());
        bell.ring();
        bell.ring();
        let another = bell.wait();
        assert_eq!(bell.awake(), 2);
        drop(server);
        assert!(bell.busy());
        drop(another);
        assert!(!bell.busy());
        bell.quit();
        assert!(bell.wait().is_none() && bell.wait().is_none(), "all hear of the end");
    }
}
