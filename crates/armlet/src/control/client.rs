//! `ps`, `stop` and `attach`.

use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use serde_json::{Value, json};

use super::place;
use crate::commands::answer;
use crate::console::{Action, Escape};
use crate::failure::Failure;
use crate::sys;
use crate::terminal;

/// How long a machine may take to say who it is.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// How long a guest may take to shut down before `stop` gives up on it.
const SHUTDOWN: Duration = Duration::from_secs(120);

/// What Ctrl-A h prints while attached.
const HELP: &str = "\
Ctrl-A d       leave the console; the machine goes on
Ctrl-A h       this help
Ctrl-A Ctrl-A  send Ctrl-A to the guest
";

/// Why a request has no good answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoAnswer {
    /// There is no such machine any more.
    #[error("it has ended")]
    Ended,
    /// It takes too long.
    #[error("it does not answer")]
    Silent,
    /// The machine says why.
    #[error("{0}")]
    Refused(String),
    /// The connection fails.
    #[error("{0}")]
    Os(io::Error),
}

impl From<io::Error> for NoAnswer {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::WouldBlock => Self::Silent,
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Self::Ended,
            _ => Self::Os(error),
        }
    }
}

/// A connection to a machine.
pub(super) struct Client(BufReader<UnixStream>);

impl Client {
    /// Sends a request and returns its answer, or why it was refused.
    pub fn ask(&mut self, request: &Value, patience: Duration) -> Result<Value, NoAnswer> {
        self.0.get_ref().set_read_timeout(Some(patience))?;
        self.0.get_ref().write_all(format!("{request}\n").as_bytes())?;
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        let answer: Value = serde_json::from_str(&line).map_err(|_| NoAnswer::Ended)?;
        match answer["ok"].as_bool() {
            Some(true) => Ok(answer),
            _ => Err(NoAnswer::Refused(answer["error"].as_str().unwrap_or("it gives no reason").to_owned())),
        }
    }

    /// Connects to the machine of a name.
    pub fn of(name: &str) -> Result<Self, Failure> {
        place::machine(name).map(|stream| Self(BufReader::new(stream)))
    }
}

/// Lists the machines that run.
pub fn ps() -> Result<u8, Failure> {
    let all =
        place::all().map_err(|error| Failure::broken(format_args!("can't look for machines: {error}")))?;
    let mut text = String::new();
    for (name, stream) in all {
        let status = match Client(BufReader::new(stream)).ask(&json!({ "command": "status" }), PATIENCE) {
            Ok(status) => status,
            Err(NoAnswer::Ended) => continue,
            Err(_) => {
                let _ = writeln!(text, "{name:<24} does not answer");
                continue;
            }
        };
        let cpus = match status["cpus"].as_u64() {
            Some(1) => "1 CPU".to_owned(),
            cpus => format!("{} CPUs", cpus.unwrap_or_default()),
        };
        let word = |key: &str| status[key].as_str().unwrap_or("?").to_owned();
        let (pid, uptime) = (&status["pid"], uptime(status["uptime"].as_u64().unwrap_or_default()));
        let _ = writeln!(
            text,
            "{name:<24} pid {pid:<8} {cpus:<7} {:<9} {:<5} up {uptime}",
            word("memory"),
            word("backend")
        );
    }
    if text.is_empty() {
        text.push_str("No machine runs.\n");
    }
    answer(text)
}

/// `59 s`, `12 min`, `3 h 5 min`
fn uptime(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// Asks the guest to shut down, or ends the machine at once, and waits until it is gone.
pub fn stop(name: &str, force: bool) -> Result<u8, Failure> {
    let mut client = Client::of(name)?;
    let fail = |why: NoAnswer| Failure::broken(format_args!("can't stop {name}: {why}"));
    client.ask(&json!({ "command": "stop", "force": force }), PATIENCE).map_err(fail)?;
    client.0.get_ref().set_read_timeout(Some(SHUTDOWN)).map_err(|error| fail(error.into()))?;
    match client.0.read(&mut [0]) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(Failure::broken(format_args!(
            "can't stop {name}: its guest has not shut down within {} s; --force ends it as it is",
            SHUTDOWN.as_secs()
        ))),
        // Gone, one way or another.
        _ => Ok(0),
    }
}

/// Connects the terminal, or whatever stdin and stdout are, to a machine's console, until it ends or the user leaves.
pub fn attach(name: &str) -> Result<u8, Failure> {
    let mut client = Client::of(name)?;
    let fail = |why: NoAnswer| Failure::broken(format_args!("can't attach to {name}: {why}"));
    client.ask(&json!({ "command": "attach" }), PATIENCE).map_err(fail)?;
    let io_fail = |error: io::Error| fail(error.into());
    client.0.get_ref().set_read_timeout(None).map_err(io_fail)?;
    let terminal = io::stdin().is_terminal();
    if terminal {
        eprintln!("armlet: attached to {name}; Ctrl-A d leaves, the machine goes on");
    }
    let raw = terminal::Guard::enter().map_err(io_fail)?;
    let typed = client.0.get_ref().try_clone().map_err(io_fail)?;
    std::thread::Builder::new()
        .name("stdin".into())
        .spawn(move || type_into(&typed, terminal))
        .map_err(io_fail)?;
    let (mut stdout, mut buffer) = (sys::stdout(), [0; 4096]);
    let read = loop {
        match client.0.read(&mut buffer) {
            Ok(0) => break Ok(()),
            // A reader that went away has seen enough.
            Ok(n) if stdout.write_all(&buffer[..n]).and_then(|()| stdout.flush()).is_err() => break Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => break Ok(()),
            Err(error) => break Err(io_fail(error)),
        }
    };
    drop(raw);
    read.map(|()| 0)
}

/// Sends what is typed. The end of a file or pipe ends only that; leaving ends the connection.
fn type_into(mut stream: &UnixStream, terminal: bool) {
    let (mut escape, mut stdin, mut buffer) = (Escape::default(), sys::stdin(), [0; 4096]);
    while let Ok(n @ 1..) = stdin.read(&mut buffer) {
        let (mut typed, mut guest) = (&buffer[..n], Vec::new());
        if !terminal {
            guest.extend(std::mem::take(&mut typed));
        }
        while !typed.is_empty() {
            let (used, action) = escape.filter(typed, &mut guest);
            typed = &typed[used..];
            match action {
                Some(Action::Detach | Action::Quit) => {
                    let _ = stream.shutdown(Shutdown::Both);
                    return;
                }
                Some(Action::Help) => eprint!("{HELP}"),
                _ => {}
            }
        }
        if stream.write_all(&guest).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn uptimes_are_short() {
        assert_eq!([0, 59, 60, 7500].map(super::uptime), ["0 s", "59 s", "1 min", "2 h 5 min"]);
    }
}
