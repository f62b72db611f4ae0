//! Ending the machine from outside: a key, a signal, or a reader that went away.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use armlet::MachineControl;

use crate::failure::SIGNAL;
use crate::terminal;

/// How long the machine gets to end in good order.
const GRACE: Duration = Duration::from_secs(2);

/// Why the machine was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Ctrl-A x.
    Quit,
    /// The signal with this number.
    Signal(u8),
    /// `armlet stop --force`.
    #[cfg_attr(not(unix), expect(dead_code, reason = "only a socket of the machine makes use of it"))]
    Told,
    /// Nobody reads our output any more.
    BrokenPipe,
}

impl Why {
    /// The exit status that goes with it.
    pub fn status(self) -> u8 {
        match self {
            Self::Quit | Self::Told | Self::BrokenPipe => 0,
            Self::Signal(number) => SIGNAL + number,
        }
    }

    /// What to say about it, if anything.
    pub fn remark(self) -> Option<String> {
        match self {
            Self::Quit => Some("quit".to_owned()),
            Self::Told => Some("stopped".to_owned()),
            Self::Signal(number) => Some(format!("ended by signal {number}")),
            Self::BrokenPipe => None,
        }
    }
}

/// Stops the machine once; the first reason counts.
#[derive(Default)]
pub struct Stopper(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    why: Option<Why>,
    control: Option<MachineControl>,
}

impl Stopper {
    /// Gives it the machine to stop.
    pub fn arm(&self, control: MachineControl) {
        let mut inner = self.lock();
        if inner.why.is_some() {
            control.stop();
        }
        inner.control = Some(control);
    }

    /// Stops the machine. If it has not ended soon after, for instance because whoever reads its output
    /// has fallen asleep, or if it is asked for twice, the process ends without it.
    pub fn stop(&self, why: Why) {
        let mut inner = self.lock();
        if inner.why.is_some() && why != Why::BrokenPipe {
            leave(why);
        }
        inner.why.get_or_insert(why);
        if let Some(control) = &inner.control {
            control.stop();
        }
        drop(inner);
        let watch = move || {
            std::thread::sleep(GRACE);
            leave(why);
        };
        if std::thread::Builder::new().name("grace".into()).spawn(watch).is_err() {
            leave(why);
        }
    }

    /// The reason, if the machine was stopped.
    pub fn why(&self) -> Option<Why> {
        self.lock().why
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn leave(why: Why) -> ! {
    terminal::restore();
    std::process::exit(i32::from(why.status()))
}
