//! The guest's text on its way out: shared by the UART and the firmware, flushed soon after it was written.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::SerialOutput;

/// How long text may wait for more of it.
const LINGER: Duration = Duration::from_millis(4);

#[derive(Default)]
struct Flushing {
    dirty: bool,
    closed: bool,
}

/// The one way out for all text of a guest.
pub struct Console {
    output: Mutex<Box<dyn SerialOutput>>,
    flushing: Mutex<Flushing>,
    changed: Condvar,
}

impl Console {
    /// A console that writes to `output`.
    pub fn new(output: Box<dyn SerialOutput>) -> Self {
        Self { output: Mutex::new(output), flushing: Mutex::default(), changed: Condvar::new() }
    }

    /// Writes bytes; they are flushed a few milliseconds later.
    pub fn write(&self, bytes: &[u8]) {
        lock(&self.output).write(bytes);
        let mut flushing = lock(&self.flushing);
        if !flushing.dirty {
            flushing.dirty = true;
            self.changed.notify_all();
        }
    }

    /// Flushes what was written.
    pub fn flush(&self) {
        lock(&self.flushing).dirty = false;
        lock(&self.output).flush();
    }

    /// Flushes whenever there is something to flush, until [`Console::close`]. For a thread of its own.
    pub fn keep_flushed(&self) {
        loop {
            let flushing = lock(&self.flushing);
            let flushing = self.changed.wait_while(flushing, |f| !f.dirty && !f.closed);
            if flushing.unwrap_or_else(PoisonError::into_inner).closed {
                break;
            }
            let flushing = lock(&self.flushing);
            drop(self.changed.wait_timeout_while(flushing, LINGER, |f| !f.closed));
            self.flush();
        }
        self.flush();
    }

    /// Ends [`Console::keep_flushed`].
    pub fn close(&self) {
        lock(&self.flushing).closed = true;
        self.changed.notify_all();
    }
}

/// The console as a UART's output.
pub(crate) struct UartOutput(pub(crate) Arc<Console>);

impl SerialOutput for UartOutput {
    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    fn flush(&mut self) {
        self.0.flush();
    }
}

/// Locks even if another thread panicked with the lock: the machine is about to end and says why.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// An output that keeps what it gets: bytes written, and how many of them were flushed.
    #[derive(Clone, Default)]
    pub struct Captured(Arc<Mutex<(Vec<u8>, usize)>>);

    impl Captured {
        pub fn text(&self) -> String {
            String::from_utf8_lossy(&lock(&self.0).0).into_owned()
        }

        pub fn flushed(&self) -> usize {
            lock(&self.0).1
        }
    }

    impl SerialOutput for Captured {
        fn write(&mut self, bytes: &[u8]) {
            lock(&self.0).0.extend_from_slice(bytes);
        }

        fn flush(&mut self) {
            let mut state = lock(&self.0);
            state.1 = state.0.len();
        }
    }

    #[test]
    fn text_is_flushed_while_nothing_more_comes() {
        let captured = Captured::default();
        let console = Arc::new(Console::new(Box::new(captured.clone())));
        let flusher = std::thread::spawn({
            let console = console.clone();
            move || console.keep_flushed()
        });
        console.write(b"prompt> ");
        let start = std::time::Instant::now();
        while captured.flushed() < 8 {
            assert!(start.elapsed() < Duration::from_secs(10));
            std::thread::yield_now();
        }
        console.write(b"bye");
        console.close();
        flusher.join().unwrap();
        assert_eq!(captured.flushed(), 11);
    }
}
