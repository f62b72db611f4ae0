//! `--detach`: the machine in a process of its own, in the background.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Command, Stdio};

use crate::failure::{BROKEN, Failure};
use crate::sys;

/// What the program in the background says when the machine starts, before the machine's name.
const READY: &str = "ready ";

/// Starts this program once more with the same options and waits until its machine runs or it fails.
pub fn detach() -> Result<u8, Failure> {
    let fail = |error: std::io::Error| {
        Failure::broken(format_args!("can't start a machine in the background: {error}"))
    };
    let program = sys::own_program().map_err(fail)?;
    let mut command = Command::new(program);
    command.args(std::env::args_os().skip(1)).arg("--detached").stdin(Stdio::null());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(fail)?;
    let (mut said, mut errors) = (String::new(), Vec::new());
    if let Some(mut stderr) = child.stderr.take() {
        // The machine that runs has let go of both.
        stderr.read_to_end(&mut errors).map_err(fail)?;
    }
    if let Some(mut stdout) = child.stdout.take() {
        stdout.read_to_string(&mut said).map_err(fail)?;
    }
    let _ = std::io::stderr().write_all(&errors);
    let name = said.strip_prefix(READY);
    match name {
        Some(name) => {
            println!("{name}");
            Ok(0)
        }
        None => {
            let status = child.wait().map_err(fail)?;
            Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(BROKEN))
        }
    }
}

/// The program in the background, before its machine runs.
pub struct Ready;

impl Ready {
    /// Leaves the terminal's session: what is sent to its processes is not for this one.
    pub fn new() -> Result<Self, Failure> {
        rustix::process::setsid()
            .map_err(|error| Failure::broken(format_args!("can't leave the session: {error}")))?;
        Ok(Self)
    }

    /// Tells whoever started it that the machine of this name runs, and lets go of its output. From then on what it says goes to a
    /// file beside its socket.
    pub fn tell(self, name: &str) -> Result<(), Failure> {
        let fail =
            |error: std::io::Error| Failure::broken(format_args!("can't go to the background: {error}"));
        let dir = super::place::directory().map_err(fail)?;
        let log = File::create(dir.join(format!("{name}.log"))).map_err(fail)?;
        let mut stdout = std::io::stdout();
        write!(stdout, "{READY}{name}").and_then(|()| stdout.flush()).map_err(fail)?;
        let null = File::options().write(true).open("/dev/null").map_err(fail)?;
        rustix::stdio::dup2_stdout(&null).map_err(|error| fail(error.into()))?;
        rustix::stdio::dup2_stderr(&log).map_err(|error| fail(error.into()))
    }
}
