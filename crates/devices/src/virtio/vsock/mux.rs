//! All connections, and what becomes of packets.
//!
//! As other virtual machine monitors have it: a program of the host connects to the socket `PATH`, says `CONNECT 1234` and a newline, and
//! reads `OK` and a port once a program of the guest has accepted on port 1234. What the guest connects to on port
//! 1234 of the host goes to the socket `PATH_1234`.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};

use super::connection::Connection;
use super::packet::{HOST_CID, Header, NO_RECEIVE, NO_SEND, STREAM, op};

/// The most connections, those about to be made among them.
const MOST: usize = 512;
/// Answers that wait for a buffer of the guest; with more no packet is taken.
const MOST_ANSWERS: usize = 256;
/// The first port of the host for a connection to the guest.
const FIRST_PORT: u32 = 1 << 30;
/// Bytes of the longest `CONNECT` line.
const LONGEST_LINE: usize = 32;

/// The port of the host, and that of the guest.
type Ports = (u32, u32);

/// A program of the host that has not said yet where it wants to go.
struct Greeting {
    stream: Arc<UnixStream>,
    line: Vec<u8>,
}

/// What a descriptor is that is watched.
#[derive(Clone, Copy)]
pub enum Watched {
    Greeting(usize),
    Connection(Ports),
    Leaving(usize),
}

/// A stream to watch, for what, and what it is.
pub type Watch = (Arc<UnixStream>, PollFlags, Watched);

pub struct Mux {
    cid: u64,
    path: PathBuf,
    listener: Arc<UnixListener>,
    greetings: Vec<Greeting>,
    connections: BTreeMap<Ports, Connection>,
    /// Connections that the guest knows no more, of which the host is yet to take something.
    leaving: Vec<Connection>,
    answers: VecDeque<Header>,
    next_port: u32,
    /// The connection that was served last: others come first.
    last: Ports,
}

impl Mux {
    pub fn new(cid: u64, path: PathBuf, listener: UnixListener) -> Self {
        let (greetings, connections, answers) = (Vec::new(), BTreeMap::new(), VecDeque::new());
        let (listener, leaving, next_port) = (Arc::new(listener), Vec::new(), FIRST_PORT);
        Self { cid, path, listener, greetings, connections, leaving, answers, next_port, last: (0, 0) }
    }

    /// All connections end.
    pub fn reset(&mut self) {
        self.greetings.clear();
        std::mem::take(&mut self.connections).into_values().for_each(|connection| self.leave(connection));
        self.answers.clear();
    }

    /// The host gets what the guest has sent, whatever has become of that.
    fn leave(&mut self, connection: Connection) {
        if connection.has_backlog() {
            self.leaving.push(connection);
        }
    }

    /// The machine ends: the host's programs have until `deadline` for what the guest has sent.
    pub fn finish(&mut self, deadline: Instant) {
        let all = self.connections.values_mut().chain(&mut self.leaving);
        all.for_each(|connection| connection.deliver(deadline));
    }

    pub fn listener(&self) -> Arc<UnixListener> {
        self.listener.clone()
    }

    fn is_full(&self) -> bool {
        self.connections.len() + self.leaving.len() + self.greetings.len() >= MOST
    }

    /// True if packets of the guest can be taken.
    pub fn takes_packets(&self) -> bool {
        self.answers.len() < MOST_ANSWERS
    }

    /// A packet for the guest about a connection.
    fn header(&self, (host, guest): Ports, op: u16, flags: u32) -> Header {
        Header {
            src_cid: HOST_CID,
            dst_cid: self.cid,
            src_port: host,
            dst_port: guest,
            kind: STREAM,
            op,
            flags,
            ..Header::default()
        }
    }

    fn answer(&mut self, ports: Ports, op: u16, flags: u32) {
        let mut header = self.header(ports, op, flags);
        if let Some(connection) = self.connections.get_mut(&ports) {
            connection.tell(&mut header);
        }
        self.answers.push_back(header);
    }

    /// Ends a connection at once.
    fn abort(&mut self, ports: Ports) {
        self.connections.remove(&ports);
        self.answer(ports, op::RST, 0);
    }

    /// Takes a packet of the guest.
    pub fn packet(&mut self, header: &Header, data: &[u8]) {
        let ports = (header.dst_port, header.src_port);
        if header.src_cid != self.cid || header.dst_cid != HOST_CID {
            // Nobody to answer.
            return;
        }
        if header.kind != STREAM {
            let refusal = Header { kind: header.kind, ..self.header(ports, op::RST, 0) };
            return self.answers.push_back(refusal);
        }
        if let Some(connection) = self.connections.get_mut(&ports) {
            connection.learn(header);
        }
        match header.op {
            op::REQUEST => self.connect(ports, header),
            op::RST => {
                if let Some(connection) = self.connections.remove(&ports) {
                    self.leave(connection);
                }
            }
            _ if !self.connections.contains_key(&ports) => self.answer(ports, op::RST, 0),
            op::RESPONSE => self.accepted(ports),
            op::RW => self.data(ports, data),
            op::SHUTDOWN => self.shut(ports, header.flags),
            op::CREDIT_REQUEST => self.answer(ports, op::CREDIT_UPDATE, 0),
            op::CREDIT_UPDATE => {}
            _ => self.abort(ports),
        }
    }

    /// A program of the guest wants to reach one of the host.
    fn connect(&mut self, ports: Ports, header: &Header) {
        let mut path = OsString::from(&self.path);
        path.push(format!("_{}", ports.0));
        if self.connections.contains_key(&ports) || self.is_full() {
            return self.abort(ports);
        }
        let Ok(stream) = reach(Path::new(&path)) else { return self.answer(ports, op::RST, 0) };
        let mut connection = Connection::new(Arc::new(stream), true);
        connection.learn(header);
        self.connections.insert(ports, connection);
        self.answer(ports, op::RESPONSE, 0);
    }

    /// A program of the guest has accepted one of the host.
    fn accepted(&mut self, ports: Ports) {
        let Some(connection) = self.connections.get_mut(&ports) else { return };
        if connection.established {
            return self.abort(ports);
        }
        connection.established = true;
        // There is room for a line in a stream that nothing was written to.
        if (&*connection.stream).write_all(format!("OK {}\n", ports.0).as_bytes()).is_err() {
            self.abort(ports);
        }
    }

    fn data(&mut self, ports: Ports, data: &[u8]) {
        let Some(connection) = self.connections.get_mut(&ports) else { return };
        let allowed = connection.established && connection.shut & NO_SEND == 0;
        if allowed && connection.take(data) { self.flush(ports) } else { self.abort(ports) }
    }

    fn shut(&mut self, ports: Ports, flags: u32) {
        let Some(connection) = self.connections.get_mut(&ports) else { return };
        connection.shut |= flags & (NO_RECEIVE | NO_SEND);
        self.flush(ports);
    }

    /// Writes what the guest has sent, and sees what follows from that.
    fn flush(&mut self, ports: Ports) {
        let Some(connection) = self.connections.get_mut(&ports) else { return };
        if connection.flush().is_err() {
            match connection.ended {
                true => return self.abort(ports),
                false => connection.give_up_writing(),
            }
        }
        if connection.is_over() {
            self.abort(ports);
        } else if connection.owes_credit() {
            self.answer(ports, op::CREDIT_UPDATE, 0);
        }
    }

    /// The next packet for the guest, its data in `buffer`.
    pub fn next(&mut self, buffer: &mut [u8]) -> Option<Header> {
        if let Some(header) = self.answers.pop_front() {
            return Some(header);
        }
        let after =
            self.connections.range((std::ops::Bound::Excluded(self.last), std::ops::Bound::Unbounded));
        let before = self.connections.range(..=self.last);
        let ready = |(_, connection): &(&Ports, &Connection)| connection.readable && !connection.ended;
        let ready: Vec<Ports> = after.chain(before).filter(ready).map(|(ports, _)| *ports).collect();
        ready.into_iter().find_map(|ports| self.next_of(ports, buffer))
    }

    fn next_of(&mut self, ports: Ports, buffer: &mut [u8]) -> Option<Header> {
        let connection = self.connections.get_mut(&ports)?;
        if connection.credit() == 0 {
            if std::mem::replace(&mut connection.asked, true) {
                return None;
            }
            self.answer(ports, op::CREDIT_REQUEST, 0);
            return self.answers.pop_front();
        }
        match connection.read(buffer) {
            Ok(None) => return None,
            Ok(Some(0)) => {
                connection.ended = true;
                self.answer(ports, op::SHUTDOWN, NO_SEND);
            }
            Ok(Some(count)) => {
                self.last = ports;
                let mut header = self.header(ports, op::RW, 0);
                header.len = count as u32;
                self.connections.get_mut(&ports)?.tell(&mut header);
                return Some(header);
            }
            Err(_) => self.abort(ports),
        }
        self.answers.pop_front()
    }

    /// What is to be watched.
    pub fn watches(&self) -> Vec<Watch> {
        let greetings = self.greetings.iter().enumerate();
        let greetings = greetings.map(|(at, g)| (g.stream.clone(), PollFlags::IN, Watched::Greeting(at)));
        // One that is readable already would only be told again, at once.
        let connections = self.connections.iter().filter(|(_, c)| !c.readable || c.ended || c.has_backlog());
        let connections = connections.map(|(ports, connection)| {
            let mut flags = PollFlags::empty();
            flags.set(PollFlags::IN, connection.wants_input());
            flags.set(PollFlags::OUT, connection.has_backlog());
            (connection.stream.clone(), flags, Watched::Connection(*ports))
        });
        let leaving = self.leaving.iter().enumerate();
        let leaving = leaving.map(|(at, c)| (c.stream.clone(), PollFlags::OUT, Watched::Leaving(at)));
        greetings.chain(connections).chain(leaving).collect()
    }

    /// Something has happened to what was watched.
    pub fn happened(&mut self, watched: Watched, flags: PollFlags) {
        match watched {
            Watched::Greeting(at) => self.listen(at),
            Watched::Leaving(at) => {
                let over =
                    |connection: &mut Connection| connection.flush().is_err() || !connection.has_backlog();
                if self.leaving.get_mut(at).is_some_and(over) {
                    self.leaving.remove(at);
                }
            }
            Watched::Connection(ports) => {
                let Some(connection) = self.connections.get_mut(&ports) else { return };
                let gone = flags.intersects(PollFlags::HUP | PollFlags::ERR);
                if gone && (connection.ended || !connection.established) {
                    return self.abort(ports);
                }
                connection.readable |= gone || flags.contains(PollFlags::IN);
                if flags.contains(PollFlags::OUT) || gone && connection.has_backlog() {
                    self.flush(ports);
                }
            }
        }
    }

    /// Takes in whoever has come to the listening socket.
    ///
    /// # Errors
    /// The host has no descriptor for one, who still waits.
    pub fn accept(&mut self) -> io::Result<()> {
        loop {
            let stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            if !self.is_full() && stream.set_nonblocking(true).is_ok() {
                self.greetings.push(Greeting { stream: Arc::new(stream), line: Vec::new() });
            }
        }
    }

    /// Reads where a program of the host wants to go, and no byte more. It is gone if that is no line as it should be.
    fn listen(&mut self, at: usize) {
        let Some(greeting) = self.greetings.get_mut(at) else { return };
        let mut byte = [0];
        loop {
            match (&*greeting.stream).read(&mut byte) {
                Ok(1) if byte[0] == b'\n' => break,
                Ok(1) if greeting.line.len() < LONGEST_LINE => greeting.line.push(byte[0]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                _ => {
                    greeting.line.clear();
                    break;
                }
            }
        }
        let Greeting { stream, line } = self.greetings.remove(at);
        let port = std::str::from_utf8(&line).ok().and_then(|line| line.strip_prefix("CONNECT "));
        let port = port.and_then(|port| port.trim_end_matches('\r').parse::<u32>().ok());
        let Some(port) = port else { return };
        let ports = (self.free_port(port), port);
        self.connections.insert(ports, Connection::new(stream, false));
        self.answer(ports, op::REQUEST, 0);
    }

    /// A port of the host that has no connection with this one of the guest.
    fn free_port(&mut self, guest: u32) -> u32 {
        loop {
            let port = self.next_port;
            self.next_port = port.wrapping_add(1).max(FIRST_PORT);
            if !self.connections.contains_key(&(port, guest)) {
                return port;
            }
        }
    }
}

/// Connects to a socket of the host, at once or not at all: who does not accept is not waited for.
fn reach(path: &Path) -> io::Result<UnixStream> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(UnixStream::from(socket))
}

/// What a thread waits for.
pub fn poll_fd<'a>(fd: BorrowedFd<'a>, flags: PollFlags) -> PollFd<'a> {
    PollFd::from_borrowed_fd(fd, flags)
}

/// The descriptor of a watch.
pub fn watch_fd((stream, flags, _): &Watch) -> PollFd<'_> {
    poll_fd(stream.as_fd(), *flags)
}
