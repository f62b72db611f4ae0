//! Console device (5.3): one port, `hvc0` for Linux, with a window that has a size.
//!
//! Not offered: further ports (MULTIPORT), and writes before the driver is there (EMERG_WRITE), which a UART is for.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use virtio_bindings::virtio_ids::VIRTIO_ID_CONSOLE;

use super::{Broken, Handle, Request, VirtioDevice, Virtqueue};
use crate::pl011::SerialOutput;

// Queues (5.3.2).
const RECEIVE: u16 = 0;
const TRANSMIT: u16 = 1;

/// The configuration says how large the window is (5.3.3).
const F_SIZE: u64 = 1 << 0;

/// Bytes that wait for the guest; who has more waits too.
const WAITING: usize = 4096;
/// Bytes of the guest that are copied at once.
const PIECE: usize = 4096;

/// A console.
pub struct Console {
    output: Mutex<Box<dyn SerialOutput>>,
    input: Mutex<Input>,
    /// The guest has taken input, or no more will come.
    room: Condvar,
    window: Mutex<Window>,
    /// The driver heard of the window since it has begun to write.
    told: AtomicBool,
    handle: OnceLock<Handle>,
}

#[derive(Default)]
struct Input {
    typed: VecDeque<u8>,
    closed: bool,
}

/// Size of the window that the console is shown in, in characters; zeros if it has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// Characters in a line.
    pub columns: u16,
    /// Lines.
    pub rows: u16,
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Console {
    /// A console that writes to `output`.
    pub fn new(output: Box<dyn SerialOutput>) -> Self {
        Self {
            output: Mutex::new(output),
            input: Mutex::default(),
            room: Condvar::new(),
            window: Mutex::default(),
            told: AtomicBool::new(false),
            handle: OnceLock::new(),
        }
    }

    /// Takes `bytes` for the guest, and waits as long as too many wait already. What is taken before the driver is
    /// there is kept for it; nothing is taken after [`Self::close`].
    pub fn receive_all(&self, bytes: &[u8]) {
        for piece in bytes.chunks(WAITING) {
            let full = |input: &mut Input| !input.closed && input.typed.len() + piece.len() > WAITING;
            let wait = self.room.wait_while(lock(&self.input), full);
            let mut input = wait.unwrap_or_else(PoisonError::into_inner);
            if input.closed {
                return;
            }
            input.typed.extend(piece);
            drop(input);
            self.give();
        }
    }

    /// There will be no more input.
    pub fn close(&self) {
        lock(&self.input).closed = true;
        self.room.notify_all();
    }

    /// The window has another size now: the driver is told.
    pub fn resize(&self, window: Window) {
        let change = || *lock(&self.window) = window;
        match self.handle.get() {
            Some(handle) => handle.change_config(change),
            None => change(),
        }
    }

    /// Linux looks at the window only when it changes, and not before it has a console to give it to: what it writes
    /// first shows that it has.
    fn introduce(&self) {
        let known = *lock(&self.window) != Window::default();
        if let Some(handle) = self.handle.get().filter(|_| known && !self.told.swap(true, Ordering::Relaxed))
        {
            handle.change_config(|| {});
        }
    }

    /// Hands input to the guest, as far as it has buffers. The queue is locked first, input then.
    fn give(&self) {
        let Some(handle) = self.handle.get() else { return };
        handle.queues()[usize::from(RECEIVE)].with(|queue| {
            while !lock(&self.input).typed.is_empty() {
                let Some((ticket, request)) = queue.pop()? else { break };
                let bytes: Vec<u8> = {
                    let mut input = lock(&self.input);
                    let count = input.typed.len().min(request.writable.len());
                    input.typed.drain(..count).collect()
                };
                request.writable.copy_from(&bytes);
                queue.complete(ticket, bytes.len() as u32)?;
            }
            Ok(())
        });
        self.room.notify_all();
    }
}

impl VirtioDevice for Console {
    fn id(&self) -> u32 {
        VIRTIO_ID_CONSOLE
    }

    fn features(&self) -> u64 {
        F_SIZE
    }

    fn queue_sizes(&self) -> &[u16] {
        &[64, 64]
    }

    /// `cols` and `rows`, and one port (5.3.4).
    fn config(&self) -> Cow<'_, [u8]> {
        let Window { columns, rows } = *lock(&self.window);
        let ports = 1_u32;
        Cow::Owned([&columns.to_le_bytes()[..], &rows.to_le_bytes(), &ports.to_le_bytes()].concat())
    }

    fn attach(&self, handle: Handle) {
        // A device is put behind a transport once.
        let _ = self.handle.set(handle);
    }

    fn notified(&self, queue: &Virtqueue) {
        match queue.index() {
            RECEIVE => self.give(),
            _ => queue.serve_each(|request| self.serve(queue, request)),
        }
    }

    fn serve(&self, queue: &Virtqueue, request: Request<'_>) -> Result<u32, Broken> {
        debug_assert_eq!(queue.index(), TRANSMIT);
        self.introduce();
        let mut output = lock(&self.output);
        let mut piece = [0; PIECE];
        for slice in request.readable.slices() {
            let mut done = 0;
            while let Ok(rest) = slice.offset(done)
                && !rest.is_empty()
            {
                let count = rest.copy_to(&mut piece[..]);
                output.write(&piece[..count]);
                done += count;
            }
        }
        Ok(0)
    }

    /// Input that no driver has taken stays.
    fn reset(&self) {
        self.told.store(false, Ordering::Relaxed);
    }

    /// A guest with a driver may wait for input.
    fn awaits_host(&self) -> bool {
        !lock(&self.input).closed && self.handle.get().is_some_and(|handle| handle.features() != 0)
    }
}
