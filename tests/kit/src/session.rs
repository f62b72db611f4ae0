//! A scripted session on the console of a program that runs a guest: wait for a text, type a line.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// A running program and what its console has shown.
pub struct Session {
    child: Child,
    stdin: Option<ChildStdin>,
    output: Receiver<Vec<u8>>,
    /// Everything on standard output so far.
    pub seen: Vec<u8>,
    /// Where the next [`Session::expect`] starts to look.
    mark: usize,
    started: Instant,
}

impl Session {
    /// Starts `command` with its standard input and output on pipes.
    pub fn start(command: &mut Command) -> std::io::Result<Self> {
        let started = Instant::now();
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut stdout = child.stdout.take().expect("stdout is piped");
        let (to, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = stdout.read(&mut buffer) {
                if to.send(buffer[..n].to_vec()).is_err() {
                    break;
                }
            }
        });
        let stdin = child.stdin.take();
        Ok(Self { child, stdin, output, seen: Vec::new(), mark: 0, started })
    }

    /// Waits until `text` shows after the last one expected; returns the time since the start.
    ///
    /// # Panics
    /// If the program ends or `limit` passes first: with what the console showed.
    pub fn expect(&mut self, text: &str, limit: Duration) -> Duration {
        let deadline = Instant::now() + limit;
        loop {
            let found = self.seen[self.mark..].windows(text.len()).position(|w| w == text.as_bytes());
            if let Some(at) = found {
                self.mark += at + text.len();
                return self.started.elapsed();
            }
            match self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.seen.extend(bytes),
                Err(RecvTimeoutError::Timeout) => {
                    panic!("no {text:?} within {limit:?}; console:\n{}", self.text())
                }
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("ended before {text:?}; console:\n{}", self.text())
                }
            }
        }
    }

    /// Types `line` and Enter.
    pub fn type_line(&mut self, line: &str) {
        self.type_text(&format!("{line}\n"));
    }

    /// Types `text`.
    pub fn type_text(&mut self, text: &str) {
        let stdin = self.stdin.as_mut().expect("standard input is open");
        stdin
            .write_all(text.as_bytes())
            .and_then(|()| stdin.flush())
            .expect("the guest's console takes input");
    }

    /// Waits for the program to end by itself and returns its status and all it showed.
    ///
    /// # Panics
    /// If `limit` passes first.
    pub fn finish(mut self, limit: Duration) -> (ExitStatus, String) {
        let deadline = Instant::now() + limit;
        loop {
            match self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.seen.extend(bytes),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    panic!("still running after {limit:?}; console:\n{}", self.text())
                }
            }
        }
        let status = self.child.wait().expect("the child can be waited for");
        (status, self.text())
    }

    /// Process id, for measurements.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What the console has shown.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.seen).into_owned()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
