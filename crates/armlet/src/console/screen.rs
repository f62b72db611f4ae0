//! Everything that reaches the user's eyes: the guest's bytes on stdout, armlet's lines on stderr, and
//! the one line of progress that is rewritten until the guest speaks.
//!
//! The guest's bytes go through a queue to a thread that writes them. A vCPU that prints a byte at a
//! time waits for the host only when the queue is full, and many bytes become one write.

use std::collections::VecDeque;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use armlet::SerialOutput;

use crate::sys;

/// Bytes that may wait; more make the guest wait.
pub(super) const CAPACITY: usize = 64 << 10;

/// How long those who follow may take to see the end.
const FAREWELL: Duration = Duration::from_secs(1);

/// Takes the cursor to the start of the line and clears it.
const ERASE: &[u8] = b"\r\x1b[K";

#[derive(Default)]
pub(super) struct State {
    queue: Vec<u8>,
    /// The writer is at work on bytes it took out of the queue.
    writing: bool,
    /// No more bytes will come.
    pub(super) finished: bool,
    /// stdout is gone: bytes are dropped.
    pub(super) broken: Option<io::ErrorKind>,
    /// The guest has printed something.
    spoken: bool,
    /// A progress line is on the screen.
    progress: bool,
    /// The last byte on stdout did not end a line.
    mid_line: bool,
    /// What the guest printed since the tap was read; `None` if nobody listens.
    tap: Option<Vec<u8>>,
    /// The last that the guest printed, if others may want to see it.
    pub(super) kept: Option<VecDeque<u8>>,
    /// Bytes that the guest printed since it is kept.
    pub(super) printed: u64,
    /// How many follow.
    pub(super) followers: usize,
}

/// The screen. One per process, shared by the guest's UART, the narrator, the log and the progress line.
pub struct Screen {
    state: Mutex<State>,
    /// The queue, or what became of it, has changed.
    pub(super) changed: Condvar,
    /// Both outputs are one terminal, as far as anyone can tell.
    shared: bool,
}

impl Screen {
    /// A screen that nothing is written to yet, and the thread that writes. `on_broken` is called once if
    /// stdout goes away.
    pub fn start(on_broken: impl FnOnce() + Send + 'static) -> io::Result<(Arc<Self>, JoinHandle<()>)> {
        let shared = io::stdout().is_terminal() && io::stderr().is_terminal();
        let screen = Arc::new(Self { state: Mutex::default(), changed: Condvar::new(), shared });
        let writer = screen.clone();
        let thread = std::thread::Builder::new()
            .name("stdout".into())
            .spawn(move || writer.write_out(&mut sys::stdout(), on_broken))?;
        Ok((screen, thread))
    }

    /// The guest's end of it.
    pub fn console(self: &Arc<Self>) -> Box<dyn SerialOutput> {
        Box::new(Console(self.clone()))
    }

    /// Makes [`Self::take_tap`] work.
    pub fn listen(&self) {
        self.lock().tap = Some(Vec::new());
    }

    /// What the guest printed since the last call.
    pub fn take_tap(&self) -> Vec<u8> {
        self.lock().tap.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Gives followers a moment to see the end. To be called after [`Self::finish`].
    pub fn farewell(&self) {
        let state = self.lock();
        let _ = self.changed.wait_timeout_while(state, FAREWELL, |state| state.followers > 0);
    }

    /// True once the guest has printed something.
    pub fn has_spoken(&self) -> bool {
        self.lock().spoken
    }

    /// Prints lines of armlet's own on stderr, after everything the guest printed before.
    pub fn say(&self, text: &str) {
        let mut state = self.drain();
        let mut line = Vec::new();
        self.erase_progress(&mut state, &mut line);
        if self.shared && std::mem::take(&mut state.mid_line) {
            line.push(b'\n');
        }
        line.extend(text.as_bytes());
        let _ = sys::stderr().write_all(&line);
    }

    /// Shows or replaces the progress line; an empty one erases it. Nothing once the guest has spoken.
    pub fn progress(&self, text: &str) {
        let mut state = self.lock();
        if state.spoken && !state.progress {
            return;
        }
        let mut line = Vec::new();
        self.erase_progress(&mut state, &mut line);
        if !state.spoken {
            line.extend(text.as_bytes());
            state.progress = !text.is_empty();
        }
        let _ = sys::stderr().write_all(&line);
    }

    /// Waits until all is written, then ends the writer. What stdout answered, if it is gone.
    pub fn finish(&self) -> Option<io::ErrorKind> {
        self.progress("");
        let mut state = self.drain();
        state.finished = true;
        self.changed.notify_all();
        state.broken
    }

    fn erase_progress(&self, state: &mut State, line: &mut Vec<u8>) {
        if std::mem::take(&mut state.progress) {
            line.extend(ERASE);
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the writer has nothing to do.
    fn drain(&self) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        while state.broken.is_none() && (state.writing || !state.queue.is_empty()) {
            state = self.wait(state);
        }
        state
    }

    fn push(&self, bytes: &[u8]) {
        let mut state = self.lock();
        while state.broken.is_none() && state.queue.len() >= CAPACITY {
            state = self.wait(state);
        }
        if let Some(tap) = &mut state.tap {
            tap.extend(bytes);
        }
        if let Some(kept) = &mut state.kept {
            kept.extend(bytes);
            let surplus = kept.len().saturating_sub(CAPACITY);
            kept.drain(..surplus);
            state.printed += bytes.len() as u64;
            self.changed.notify_all();
        }
        if state.broken.is_some() || bytes.is_empty() {
            return;
        }
        if !state.spoken {
            state.spoken = true;
            let mut line = Vec::new();
            self.erase_progress(&mut state, &mut line);
            let _ = sys::stderr().write_all(&line);
        }
        if state.queue.is_empty() {
            self.changed.notify_all();
        }
        state.queue.extend(bytes);
    }

    /// The writer: takes what is there, writes it without holding the lock, and again.
    fn write_out(&self, out: &mut impl Write, on_broken: impl FnOnce()) {
        let mut bytes = Vec::new();
        let mut state = self.lock();
        loop {
            if state.queue.is_empty() {
                if state.finished {
                    return;
                }
                state = self.wait(state);
                continue;
            }
            bytes.clear();
            std::mem::swap(&mut bytes, &mut state.queue);
            state.mid_line = bytes.last() != Some(&b'\n');
            state.writing = true;
            self.changed.notify_all();
            drop(state);
            let result = out.write_all(&bytes).and_then(|()| out.flush());
            state = self.lock();
            state.writing = false;
            if let Err(error) = result {
                state.broken = Some(error.kind());
                state.queue.clear();
            }
            self.changed.notify_all();
            if state.broken.is_some() {
                drop(state);
                return on_broken();
            }
        }
    }
}

struct Console(Arc<Screen>);

impl SerialOutput for Console {
    fn write(&mut self, bytes: &[u8]) {
        self.0.push(bytes);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    struct Gone;
    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    pub fn screen() -> Arc<Screen> {
        Arc::new(Screen { state: Mutex::default(), changed: Condvar::new(), shared: false })
    }

    #[test]
    fn all_bytes_arrive_in_order_however_many() {
        let screen = screen();
        let writer = screen.clone();
        let thread = std::thread::spawn(move || {
            let mut out = Vec::new();
            writer.write_out(&mut out, || panic!("nothing broke"));
            out
        });
        screen.listen();
        let mut console = screen.console();
        let mut sent = Vec::new();
        for i in 0..3 * CAPACITY {
            console.write(&[i as u8]);
            sent.push(i as u8);
        }
        assert_eq!(screen.finish(), None);
        assert_eq!(thread.join().unwrap(), sent);
        assert_eq!(screen.take_tap(), sent);
        assert!(screen.has_spoken());
    }

    #[test]
    fn a_broken_pipe_is_told_once_and_blocks_nobody() {
        let screen = screen();
        let writer = screen.clone();
        let told = Arc::new(Mutex::new(0));
        let count = told.clone();
        let thread = std::thread::spawn(move || writer.write_out(&mut Gone, || *count.lock().unwrap() += 1));
        let mut console = screen.console();
        for _ in 0..5 {
            console.write(&[b'x'; CAPACITY]);
        }
        assert_eq!(screen.finish(), Some(io::ErrorKind::BrokenPipe));
        thread.join().unwrap();
        assert_eq!(*told.lock().unwrap(), 1);
    }
}
