//! Restoring the terminal when nobody else is left to do it: after `kill -9`, or a crash.
//!
//! The guardian is this program once more, in a session of its own, so that what is sent to our process
//! group misses it, and so that it may change a terminal that is not its controlling one. It waits for the end
//! of a pipe whose other end nobody but us has. If the terminal is then as we had left it while raw, it is put
//! back as it was; a shell that was faster is not disturbed.

use std::io::{self, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

use super::unix::raw;

/// The command that runs the guardian.
const COMMAND: &str = "guard-terminal";
/// What the guardian says when it has seen the terminal.
const READY: u8 = b'.';

/// A guardian at work. Dropping it ends it.
pub struct Guardian {
    child: Child,
    pipe: Option<ChildStdin>,
}

impl Guardian {
    /// Starts one for the terminal on stdin, which must not be raw yet.
    pub fn start() -> io::Result<Self> {
        let terminal = rustix::io::fcntl_dupfd_cloexec(io::stdin(), 3)?;
        let mut child = Command::new(own_program()?)
            .arg(COMMAND)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::from(terminal))
            .spawn()?;
        let (pipe, ready) = (child.stdin.take(), child.stdout.take());
        let guardian = Self { child, pipe };
        let mut byte = [0];
        ready.ok_or(io::ErrorKind::BrokenPipe)?.read_exact(&mut byte)?;
        Ok(guardian)
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        drop(self.pipe.take());
        let _ = self.child.wait();
    }
}

/// This very program, even if its file has been replaced meanwhile.
pub fn own_program() -> io::Result<std::path::PathBuf> {
    let running = std::path::PathBuf::from("/proc/self/exe");
    if running.exists() { Ok(running) } else { std::env::current_exe() }
}

/// The guardian: the terminal is on stderr, the pipe on stdin.
pub fn guard() -> io::Result<()> {
    let before = tcgetattr(io::stderr())?;
    rustix::process::setsid()?;
    // Whoever kills all processes of our name means us, and would miss nothing by the guardian.
    let _ = std::fs::write("/proc/self/comm", "tty-guard");
    io::stdout().write_all(&[READY])?;
    io::stdout().flush()?;
    io::stdin().read_to_end(&mut Vec::new())?;
    if same(&tcgetattr(io::stderr())?, &raw(&before)) {
        tcsetattr(io::stderr(), OptionalActions::Now, &before)?;
    }
    Ok(())
}

fn same(a: &Termios, b: &Termios) -> bool {
    a.local_modes == b.local_modes && a.input_modes == b.input_modes && a.output_modes == b.output_modes
}
