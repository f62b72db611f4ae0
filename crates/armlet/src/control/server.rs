//! The machine's end of its socket.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};

use super::balloon;
use super::place::{self, Bound};
use super::{Facts, Handles};
use crate::failure::Failure;
use crate::stop::Why;

/// No request is longer.
const LINE: u64 = 4096;

/// A machine's socket, as long as this lives.
pub struct Server {
    path: PathBuf,
    name: String,
}

impl Server {
    /// Makes the socket. With no name that the user chose, the machine is called after what it runs, and goes without a socket
    /// where the host gives no place for one.
    pub fn start(chosen: Option<&str>, thing: &str, handles: Handles) -> Result<Option<Self>, Failure> {
        let bound = match chosen {
            Some(name) => place::bind(name, false)?,
            None => match place::bind(&place::name_of(thing), true) {
                Ok(bound) => bound,
                Err(_) => return Ok(None),
            },
        };
        let Bound { listener, path, name } = bound;
        let server = Self { path, name: name.clone() };
        handles.screen.keep();
        let shared = Arc::new(Session { name, began: Instant::now(), handles });
        let accept = move || {
            for stream in listener.incoming().flatten() {
                let session = shared.clone();
                // A machine that can start no thread serves no request.
                let _ =
                    std::thread::Builder::new().name("control".into()).spawn(move || session.serve(stream));
            }
        };
        std::thread::Builder::new().name("control".into()).spawn(accept).map_err(Failure::broken)?;
        Ok(Some(server))
    }

    /// The machine's name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

struct Session {
    name: String,
    began: Instant,
    handles: Handles,
}

impl Session {
    /// Answers the requests of a connection until its end. Who goes away in the middle is no concern of the machine's.
    fn serve(&self, stream: UnixStream) {
        let Ok(reading) = stream.try_clone() else { return };
        let mut reader = BufReader::new(reading);
        loop {
            let mut line = Vec::new();
            match (&mut reader).take(LINE).read_until(b'\n', &mut line) {
                Ok(n) if n > 0 => {}
                _ => return,
            }
            let request: Value = serde_json::from_slice(&line).unwrap_or_default();
            let answer = match request["command"].as_str() {
                Some("status") => self.status(),
                Some("stop") => self.stop(request["force"].as_bool().unwrap_or(false)),
                Some("balloon") => balloon::answer(&self.handles.control, &request),
                Some("attach") => {
                    if say(&stream, &json!({ "ok": true })).is_ok() {
                        self.attach(&stream, reader);
                    }
                    return;
                }
                _ => {
                    json!({ "ok": false, "error": "there is no such command; there are status, stop, balloon and attach" })
                }
            };
            if say(&stream, &answer).is_err() {
                return;
            }
        }
    }

    fn status(&self) -> Value {
        let Facts { cpus, memory, backend } = &self.handles.facts;
        json!({
            "ok": true, "name": self.name, "pid": std::process::id(), "cpus": cpus, "memory": memory,
            "backend": backend, "uptime": self.began.elapsed().as_secs(),
        })
    }

    fn stop(&self, force: bool) -> Value {
        if force {
            self.handles.stopper.stop(Why::Told);
            return json!({ "ok": true });
        }
        match self.handles.control.press_power_button() {
            true => json!({ "ok": true }),
            false => {
                json!({ "ok": false, "error": "the machine has no power button; --force ends it as it is" })
            }
        }
    }

    /// The console, both ways, until either side is gone.
    fn attach(&self, mut stream: &UnixStream, mut typed: BufReader<UnixStream>) {
        let input = self.handles.input.clone();
        let feed = move || {
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = typed.read(&mut buffer) {
                input.feed(&buffer[..n]);
            }
        };
        if std::thread::Builder::new().name("typed".into()).spawn(feed).is_err() {
            return;
        }
        let (mut follower, mut bytes) = (self.handles.screen.follow(), Vec::new());
        while follower.next(&mut bytes) {
            if stream.write_all(&bytes).is_err() {
                return;
            }
        }
        let _ = stream.shutdown(std::net::Shutdown::Write);
    }
}

fn say(mut stream: &UnixStream, answer: &Value) -> io::Result<()> {
    stream.write_all(format!("{answer}\n").as_bytes())
}
