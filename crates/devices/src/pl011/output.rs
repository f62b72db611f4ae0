//! Where a UART's bytes go: gathered, so that a line costs the host one write and not one a byte.

use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes that are gathered at most.
const GATHER: usize = 256;

/// Takes what a guest sends.
pub trait SerialOutput: Send {
    /// Takes bytes. What the host does not accept is the output's own problem: a UART has no one to
    /// tell.
    fn write(&mut self, bytes: &[u8]);
    /// Makes everything written so far visible. Called after a line and when the guest idles.
    fn flush(&mut self) {}
}

/// Output to anything that is [`Write`], such as standard output. Errors are ignored: a guest goes on
/// when nobody listens any more.
pub struct WriterOutput<W>(pub W);

impl<W: Write + Send> SerialOutput for WriterOutput<W> {
    fn write(&mut self, bytes: &[u8]) {
        let _ = self.0.write_all(bytes);
    }

    fn flush(&mut self) {
        let _ = self.0.flush();
    }
}

struct Gathered {
    output: Box<dyn SerialOutput>,
    bytes: Vec<u8>,
}

impl Gathered {
    fn hand_over(&mut self) {
        if !self.bytes.is_empty() {
            self.output.write(&self.bytes);
            self.bytes.clear();
        }
    }
}

/// The transmitter behind the registers. It has a lock of its own, so that a slow host holds up the
/// sender only.
pub(super) struct Transmitter {
    gathered: Mutex<Gathered>,
    /// Whether bytes were sent since the last flush.
    unflushed: AtomicBool,
}

impl Transmitter {
    pub fn new(output: Box<dyn SerialOutput>) -> Self {
        let bytes = Vec::with_capacity(GATHER);
        Self { gathered: Mutex::new(Gathered { output, bytes }), unflushed: AtomicBool::new(false) }
    }

    pub fn send(&self, byte: u8) {
        let mut gathered = self.gathered.lock().unwrap();
        gathered.bytes.push(byte);
        if byte == b'\n' {
            gathered.hand_over();
            gathered.output.flush();
            self.unflushed.store(false, Ordering::Release);
        } else {
            self.unflushed.store(true, Ordering::Release);
            if gathered.bytes.len() >= GATHER {
                gathered.hand_over();
            }
        }
    }

    pub fn flush(&self) {
        if self.unflushed.load(Ordering::Acquire) {
            let mut gathered = self.gathered.lock().unwrap();
            gathered.hand_over();
            gathered.output.flush();
            self.unflushed.store(false, Ordering::Release);
        }
    }
}

impl Drop for Transmitter {
    fn drop(&mut self) {
        self.flush();
    }
}
