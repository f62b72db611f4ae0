//! Terminals and signals of Unix systems.

use std::io::{self, Read, Write};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM, SIGWINCH};
use signal_hook::iterator::Signals;

use super::patient::Patient;

/// The settings of the terminal on stdin, before and during raw mode.
pub struct RawMode {
    before: Termios,
    raw: Termios,
}

impl RawMode {
    /// Switches stdin to raw mode: every key goes to the guest at once, unechoed, Ctrl-C included.
    /// Output keeps its line endings, for the guest's console and our own lines share the screen.
    pub fn enter() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let raw = raw(&before);
        let mode = Self { before, raw };
        mode.again()?;
        Ok(mode)
    }

    /// Enters raw mode once more, after somebody else changed the terminal.
    pub fn again(&self) -> io::Result<()> {
        Ok(tcsetattr(io::stdin(), OptionalActions::Drain, &self.raw)?)
    }

    /// Puts the terminal back as it was.
    pub fn leave(&self) -> io::Result<()> {
        Ok(tcsetattr(io::stdin(), OptionalActions::Drain, &self.before)?)
    }
}

/// The settings of raw mode, from those before.
pub(super) fn raw(before: &Termios) -> Termios {
    let mut raw = before.clone();
    raw.make_raw();
    raw.output_modes = before.output_modes;
    debug_assert!(!raw.local_modes.contains(LocalModes::ISIG));
    raw
}

/// What is typed or piped in.
pub fn stdin() -> Box<dyn Read> {
    Box::new(Patient(io::stdin().lock()))
}

/// Where the guest's output goes.
pub fn stdout() -> Box<dyn Write> {
    Box::new(Patient(io::stdout()))
}

/// Where armlet's own lines go.
pub fn stderr() -> impl Write {
    Patient(io::stderr())
}

/// What the system asks of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// End, because of the signal with this number.
    End(u8),
    /// We were stopped and go on: the shell has changed the terminal meanwhile.
    Resumed,
    /// The terminal's window has another size.
    Resized,
}

/// Calls `handler` on a thread of its own for every signal that concerns us. Signals that we were started
/// to ignore (`nohup`, a script's background job) stay ignored.
pub fn on_signal(mut handler: impl FnMut(Signal) + Send + 'static) -> io::Result<()> {
    let ignored = ignored_signals();
    let ours = [SIGINT, SIGTERM, SIGHUP, SIGCONT, SIGWINCH];
    let mut signals = Signals::new(ours.iter().filter(|signal| ignored >> (**signal - 1) & 1 == 0))?;
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        for signal in signals.forever() {
            handler(match signal {
                SIGCONT => Signal::Resumed,
                SIGWINCH => Signal::Resized,
                end => Signal::End(end as u8),
            });
        }
    })?;
    Ok(())
}

/// Size of the window of the terminal on stdout; `None` if that is no terminal.
pub fn window() -> Option<armlet::Window> {
    let size = tcgetwinsize(io::stdout()).ok()?;
    Some(armlet::Window { columns: size.ws_col, rows: size.ws_row })
}

/// The set of ignored signals, bit n - 1 for signal n, where the system tells it in a file; else none.
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

/// The host's memory in bytes, all of it and what is free for use, where the system tells it in a file.
pub fn memory_size() -> Option<(u64, u64)> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim_start_matches(':').split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib << 10)
    };
    Some((field("MemTotal")?, field("MemAvailable")?))
}

/// Bytes of this process that are in the host's memory, where the host tells.
pub fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    kilobytes.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes << 10)
}

/// Bytes of the host's disk that a file takes.
pub fn allocated(metadata: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::blocks(metadata) * 512
}
