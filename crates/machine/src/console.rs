//! The guest's text on its way out: shared by the UART and the firmware, and flushed soon after it was
//! written even if no newline comes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use armlet_devices::pl011::{Pl011, SerialOutput};

/// How long text may wait for more of it.
const TICK: Duration = Duration::from_millis(20);

struct Output {
    /// `None` once it panicked: the guest goes on unheard.
    sink: Option<Box<dyn SerialOutput>>,
    dirty: bool,
}

impl Output {
    fn guarded(&mut self, act: impl FnOnce(&mut dyn SerialOutput)) {
        if let Some(sink) = &mut self.sink
            && catch_unwind(AssertUnwindSafe(|| act(sink.as_mut()))).is_err()
        {
            self.sink = None;
        }
    }
}

/// The one way out for all text of a guest.
pub struct Console {
    output: Mutex<Output>,
    /// The UART in front, which gathers bytes too.
    uart: OnceLock<Arc<Pl011>>,
    closed: Mutex<bool>,
    changed: Condvar,
}

impl Console {
    /// A console that writes to `sink`.
    pub fn new(sink: Box<dyn SerialOutput>) -> Self {
        Self {
            output: Mutex::new(Output { sink: Some(sink), dirty: false }),
            uart: OnceLock::new(),
            closed: Mutex::new(false),
            changed: Condvar::new(),
        }
    }

    /// Names the UART that writes here, so that [`Console::flush`] reaches what it holds.
    pub fn attach(&self, uart: Arc<Pl011>) {
        // A board attaches one UART; a second one would only be flushed by itself.
        let _ = self.uart.set(uart);
    }

    /// Writes bytes that do not come from the UART, after all that did so far.
    pub fn print(&self, bytes: &[u8]) {
        self.flush_uart();
        self.write(bytes);
    }

    /// Flushes what was written.
    pub fn flush(&self) {
        self.flush_uart();
        let mut output = lock(&self.output);
        if std::mem::take(&mut output.dirty) {
            output.guarded(|sink| sink.flush());
        }
    }

    /// Flushes again and again until [`Console::close`]. For a thread of its own.
    pub fn keep_flushed(&self) {
        let mut closed = false;
        while !closed {
            let guard = lock(&self.closed);
            let wait = self.changed.wait_timeout_while(guard, TICK, |closed| !*closed);
            closed = *wait.unwrap_or_else(PoisonError::into_inner).0;
            self.flush();
        }
    }

    /// Ends [`Console::keep_flushed`].
    pub fn close(&self) {
        *lock(&self.closed) = true;
        self.changed.notify_all();
    }

    fn write(&self, bytes: &[u8]) {
        let mut output = lock(&self.output);
        output.guarded(|sink| sink.write(bytes));
        output.dirty = true;
    }

    fn flush_uart(&self) {
        if let Some(uart) = self.uart.get() {
            uart.flush();
        }
    }
}

/// The console as a UART's output.
pub(crate) struct UartOutput(pub(crate) Arc<Console>);

impl SerialOutput for UartOutput {
    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    /// Not [`Console::flush`]: that would come back to the UART.
    fn flush(&mut self) {
        let mut output = lock(&self.0.output);
        output.dirty = false;
        output.guarded(|sink| sink.flush());
    }
}

/// Locks even if another thread panicked with the lock: the machine is about to end and says why.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use armlet_base::{Access, IrqLine, MmioDevice};

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
    fn an_output_that_panics_is_dropped() {
        struct Broken;
        impl SerialOutput for Broken {
            fn write(&mut self, _: &[u8]) {
                panic!("broken pipe");
            }
        }
        let console = Console::new(Box::new(Broken));
        console.print(b"a");
        console.print(b"b");
        console.flush();
    }

    #[test]
    fn text_is_flushed_while_nothing_more_comes_and_stays_in_order() {
        let captured = Captured::default();
        let console = Arc::new(Console::new(Box::new(captured.clone())));
        let uart = Pl011::new(Box::new(UartOutput(console.clone())), IrqLine::unconnected());
        let uart = Arc::new(uart);
        console.attach(uart.clone());
        let flusher = std::thread::spawn({
            let console = console.clone();
            move || console.keep_flushed()
        });
        uart.write(Access { cpu: 0, size: 1 }, 0, b'a'.into());
        console.print(b"b");
        uart.write(Access { cpu: 0, size: 1 }, 0, b'c'.into());
        let start = std::time::Instant::now();
        while captured.flushed() < 3 {
            assert!(start.elapsed() < Duration::from_secs(10));
            std::thread::yield_now();
        }
        uart.write(Access { cpu: 0, size: 1 }, 0, b'd'.into());
        console.close();
        flusher.join().unwrap();
        assert_eq!((captured.text().as_str(), captured.flushed()), ("abcd", 4));
    }
}
