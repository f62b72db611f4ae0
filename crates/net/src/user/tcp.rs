//! A TCP connection of the guest's: one end is a stack of its own that faces the guest (smoltcp), the other a socket
//! of the host. What one side does is done to the other: data, the end of data, resets.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::time::{Duration, Instant as HostInstant};

use mio::Token;
use mio::net::TcpStream;
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::socket::tcp::{Socket, SocketBuffer, State};
use smoltcp::time::Instant;
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr};
use socket2::SockRef;

use super::phy::Phy;
use super::port::Port;
use crate::Offloads;

/// Bytes on their way in each direction. The host gives memory only for what is really used.
const BUFFER: usize = 512 << 10;
/// How often data moves in a row before others have their turn.
const TURNS: usize = 16;

/// The two ends of a connection as the guest knows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ends {
    pub guest: SocketAddr,
    pub remote: SocketAddr,
}

/// A stack that speaks for one remote end.
struct Stack {
    interface: Interface,
    sockets: SocketSet<'static>,
    offloads: Offloads,
}

impl Stack {
    fn new(remote: SocketAddr, port: &mut Port, now: Instant) -> Self {
        let offloads = port.offloads();
        let mut config = Config::new(HardwareAddress::Ip);
        config.random_seed = super::random();
        let mut interface = Interface::new(config, &mut Phy::new(port, offloads, None), now);
        let address = IpAddress::from(remote.ip());
        let whole = if remote.is_ipv4() { 32 } else { 128 };
        interface.update_ip_addrs(|addresses| {
            // There is room for one.
            let _ = addresses.push(IpCidr::new(address, whole));
        });
        Self { interface, sockets: SocketSet::new(Vec::with_capacity(1)), offloads }
    }

    /// Takes a packet, sends what is to be sent; true if there was no room.
    fn poll(&mut self, port: &mut Port, now: Instant, input: Option<&[u8]>) -> bool {
        let mut phy = Phy::new(port, self.offloads, input);
        self.interface.poll(now, &mut phy, &mut self.sockets);
        phy.stalled
    }
}

/// Answers a packet that belongs to no connection with a reset, as a host does that does not listen.
pub fn refuse(remote: SocketAddr, packet: &[u8], port: &mut Port, now: Instant) {
    Stack::new(remote, port, now).poll(port, now, Some(packet));
}

/// What becomes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Alive,
    /// There is more to do: others first.
    Busy,
    /// Both sides know the end.
    Over,
}

/// A connection.
pub struct Flow {
    pub host: TcpStream,
    /// What events of the host's socket are told by.
    pub token: Token,
    stack: Stack,
    socket: SocketHandle,
    /// What the guest began with, while the host is yet to connect.
    syn: Option<Vec<u8>>,
    readable: bool,
    writable: bool,
    /// The guest has said that no more data comes.
    ended: bool,
    /// The host side knows that no more data comes.
    shut: bool,
    /// The guest side knows it.
    closed: bool,
    /// There was no room in the guest's card.
    pub stalled: bool,
    /// When something is to be sent again.
    pub deadline: Option<Instant>,
    /// The time, as the stack knows it.
    clock: Instant,
}

impl Flow {
    fn new(ends: Ends, host: TcpStream, port: &mut Port, now: Instant) -> Self {
        let mut stack = Stack::new(ends.remote, port, now);
        let mut socket = Socket::new(SocketBuffer::new(vec![0; BUFFER]), SocketBuffer::new(vec![0; BUFFER]));
        socket.set_ack_delay(None);
        socket.set_nagle_enabled(false);
        let socket = stack.sockets.add(socket);
        // A gateway adds no delay of its own.
        let _ = host.set_nodelay(true);
        // In tests the host's kernel takes little, so that much stays here.
        #[cfg(test)]
        let _ = SockRef::from(&host).set_send_buffer_size(4096);
        Self {
            host,
            token: Token(0),
            stack,
            socket,
            syn: None,
            readable: false,
            writable: false,
            ended: false,
            shut: false,
            closed: false,
            stalled: false,
            deadline: None,
            clock: now,
        }
    }

    /// A connection that the guest has asked for by `syn`. It hears nothing until [`Self::connected`].
    pub fn from_guest(ends: Ends, host: TcpStream, syn: &[u8], port: &mut Port, now: Instant) -> Self {
        let mut flow = Self::new(ends, host, port, now);
        flow.syn = Some(syn.to_vec());
        // Nobody can listen on port 0; the guest is refused then.
        let _ = flow.socket().listen((IpAddress::from(ends.remote.ip()), ends.remote.port()));
        flow
    }

    /// A connection that somebody has made to a port of the host that leads into the guest.
    pub fn to_guest(ends: Ends, host: TcpStream, port: &mut Port, now: Instant) -> Option<Self> {
        let mut flow = Self::new(ends, host, port, now);
        let socket = flow.stack.sockets.get_mut::<Socket>(flow.socket);
        let local = (IpAddress::from(ends.remote.ip()), ends.remote.port());
        let remote = (IpAddress::from(ends.guest.ip()), ends.guest.port());
        socket.connect(flow.stack.interface.context(), remote, local).ok()?;
        (flow.readable, flow.writable) = (true, true);
        Some(flow)
    }

    fn socket(&mut self) -> &mut Socket<'static> {
        self.stack.sockets.get_mut(self.socket)
    }

    /// True while the host is yet to connect.
    pub fn is_connecting(&self) -> bool {
        self.syn.is_some()
    }

    /// What the guest began with.
    pub fn syn(&self) -> Option<&[u8]> {
        self.syn.as_deref()
    }

    /// Whether the host has connected by now.
    ///
    /// # Errors
    /// It never will.
    pub fn connected(&mut self, port: &mut Port, now: Instant) -> io::Result<bool> {
        if let Some(error) = self.host.take_error()? {
            return Err(error);
        }
        match self.host.peer_addr() {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotConnected => return Ok(false),
            Err(error) => return Err(error),
        }
        (self.readable, self.writable) = (true, true);
        if let Some(syn) = self.syn.take() {
            self.input(&syn, port, now);
        }
        Ok(true)
    }

    /// Notes what the host's socket is ready for.
    pub fn note(&mut self, readable: bool, writable: bool) {
        self.readable |= readable;
        self.writable |= writable;
    }

    /// Takes a packet from the guest. [`Self::pump`] is to follow.
    pub fn input(&mut self, packet: &[u8], port: &mut Port, now: Instant) {
        if self.syn.is_none() {
            let now = self.time(now);
            self.stalled |= self.stack.poll(port, now, Some(packet));
        }
    }

    /// True if both sides have said all, and the host is yet to take some of it.
    fn lingers(&mut self) -> bool {
        let socket = self.socket();
        socket.state() == State::TimeWait && socket.can_recv()
    }

    /// The time for the stack, which forgets everything 10 s after both sides have said all. It has none as long as the host
    /// takes.
    fn time(&mut self, now: Instant) -> Instant {
        if !self.lingers() {
            self.clock = now;
        }
        self.clock
    }

    /// Moves data as far as it goes.
    pub fn pump(&mut self, port: &mut Port, now: Instant) -> Fate {
        if self.syn.is_some() {
            return Fate::Alive;
        }
        let mut busy = true;
        for _ in 0..TURNS {
            let moved = self.guest_to_host().and_then(|moved| Ok(moved | self.host_to_guest()?));
            let moved = moved.unwrap_or_else(|_| {
                self.socket().abort();
                false
            });
            let now = self.time(now);
            self.stalled = self.stack.poll(port, now, None);
            if !moved {
                busy = false;
                break;
            }
        }
        let waits = self.stalled || self.lingers();
        let Stack { interface, sockets, .. } = &mut self.stack;
        self.deadline = interface.poll_at(now, sockets).filter(|_| !waits);
        match (self.is_over(), busy) {
            (true, _) => Fate::Over,
            (_, true) => Fate::Busy,
            _ => Fate::Alive,
        }
    }

    fn is_over(&mut self) -> bool {
        let ended = self.ended;
        let socket = self.socket();
        let over = match socket.state() {
            // A reset of our own has to be sent first, and what came before the end of data has to arrive.
            State::Closed => socket.remote_endpoint().is_none() && !(ended && socket.can_recv()),
            // A reset took back what the guest had asked for.
            State::Listen => true,
            // Nothing is lost between here and the guest that it would have to repeat.
            State::TimeWait => !socket.can_recv(),
            _ => false,
        };
        if over && !self.closed {
            self.reset_host();
        }
        over
    }

    /// One side has reset the connection, or is gone: the other is to know that there was no end.
    fn reset_host(&self) {
        let _ = SockRef::from(&self.host).set_linger(Some(Duration::ZERO));
    }

    /// The guest is gone, and the host's socket may be ready: writes what the guest was told has arrived. False once nothing
    /// is left, or nobody takes it.
    pub fn leave(&mut self) -> bool {
        self.writable = true;
        self.guest_to_host().is_ok() && self.socket().can_recv()
    }

    /// Writes what is left of what the guest has sent, and was told has arrived, waiting for the host until `deadline`.
    pub fn deliver(&mut self, deadline: HostInstant) {
        let left =
            || Some(deadline.saturating_duration_since(HostInstant::now())).filter(|left| !left.is_zero());
        let mut moved = SockRef::from(&self.host).set_nonblocking(false).is_ok();
        while moved
            && let Some(left) = left()
            && SockRef::from(&self.host).set_write_timeout(Some(left)).is_ok()
        {
            self.writable = true;
            moved = self.guest_to_host().unwrap_or(false);
        }
    }

    /// Writes what the guest has sent; true if anything moved.
    fn guest_to_host(&mut self) -> io::Result<bool> {
        let socket = self.stack.sockets.get_mut::<Socket>(self.socket);
        let mut moved = false;
        while self.writable && socket.can_recv() {
            let host = &mut self.host;
            let written = socket.recv(|data| match host.write(data) {
                Ok(count) => (count, Ok(count)),
                Err(error) => (0, Err(error)),
            });
            match written {
                Ok(Ok(_)) => moved = true,
                Ok(Err(error)) => self.writable = !waits(error)?,
                Err(_) => break,
            }
        }
        self.ended |=
            matches!(socket.state(), State::CloseWait | State::LastAck | State::Closing | State::TimeWait);
        if self.ended && !socket.can_recv() && !self.shut {
            self.shut = true;
            // It fails where the peer is gone already, which reading tells.
            let _ = self.host.shutdown(Shutdown::Write);
        }
        Ok(moved)
    }

    /// Reads what the guest is to get; true if anything moved.
    fn host_to_guest(&mut self) -> io::Result<bool> {
        let socket = self.stack.sockets.get_mut::<Socket>(self.socket);
        let mut moved = false;
        while self.readable && !self.closed && socket.can_send() {
            let host = &mut self.host;
            let read = socket.send(|room| match host.read(room) {
                Ok(count) => (count, Ok(count)),
                Err(error) => (0, Err(error)),
            });
            match read {
                Ok(Ok(0)) => {
                    socket.close();
                    (self.closed, moved) = (true, true);
                }
                Ok(Ok(_)) => moved = true,
                Ok(Err(error)) => self.readable = !waits(error)?,
                Err(_) => break,
            }
        }
        Ok(moved)
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        if !self.shut {
            self.reset_host();
        }
    }
}

/// True if the error only says to wait.
fn waits(error: io::Error) -> io::Result<bool> {
    match error.kind() {
        ErrorKind::WouldBlock => Ok(true),
        ErrorKind::Interrupted => Ok(false),
        _ => Err(error),
    }
}
