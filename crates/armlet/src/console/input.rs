//! stdin to the guest's UART.

use std::io;
use std::sync::mpsc;
use std::thread;

use armlet::ConsoleInput;

use super::{Action, Escape};
use crate::sys;

/// Starts feeding stdin to the guest. From a terminal, Ctrl-A is armlet's and `act` hears of it; from a
/// file or pipe every byte is the guest's. The end of stdin does not end the guest.
pub fn start(to: ConsoleInput, terminal: bool, act: impl FnMut(Action) + Send + 'static) -> io::Result<()> {
    if !terminal {
        // A guest that does not read makes us wait, and that makes whoever writes to us wait.
        return spawn("stdin", move || {
            each_read(|bytes| to.feed(bytes));
            to.eof();
        });
    }
    // A guest that does not read must not keep us from hearing Ctrl-A x: what is typed queues up here.
    let (typed, queue) = mpsc::channel::<Vec<u8>>();
    spawn("typed", move || {
        for bytes in queue {
            to.feed(&bytes);
        }
        to.eof();
    })?;
    spawn("stdin", move || listen(typed, act))
}

fn listen(typed: mpsc::Sender<Vec<u8>>, mut act: impl FnMut(Action)) {
    let mut escape = Escape::default();
    each_read(|mut bytes| {
        let mut guest = Vec::new();
        while !bytes.is_empty() {
            let (used, action) = escape.filter(bytes, &mut guest);
            bytes = &bytes[used..];
            if let Some(action) = action {
                act(action);
            }
        }
        if !guest.is_empty() {
            // The other side only goes away with the machine.
            let _ = typed.send(guest);
        }
    });
}

/// Calls `take` with what each read of stdin brings, until its end.
fn each_read(mut take: impl FnMut(&[u8])) {
    let mut stdin = sys::stdin();
    let mut buffer = [0; 4096];
    loop {
        match stdin.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => take(&buffer[..n]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.to_owned()).spawn(run).map(drop)
}
