//! The network behind the card: takes the guest's frames apart, keeps the flows, and hears of the host's sockets.

use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::event::{Event, Source};
use mio::net::{TcpListener, TcpStream, UdpSocket};
use mio::{Interest, Registry, Token};
use smoltcp::time::Instant as StackInstant;
use smoltcp::wire::{
    EthernetAddress, EthernetFrame, EthernetProtocol, IpProtocol, Ipv4Packet, Ipv6Packet, TcpPacket,
    UdpPacket,
};

use super::dhcp::Leases;
use super::icmp::{Echo, Unreachable};
use super::plan::{self, GATEWAY, GUEST};
use super::port::Port;
use super::tcp::{Ends, Fate};
use super::{UserConfig, icmp, link, tcp, udp};
use crate::Card;

/// The most flows of each kind; beyond them connections are refused, and the flow that was idle longest is dropped.
const MOST_TCP: usize = 512;
const MOST_UDP: usize = 256;
const MOST_ICMP: usize = 64;
/// The longest datagram.
const DATAGRAM: usize = 65536;
/// How long the host may take, when the machine ends, for what the guest has sent. No test depends on it.
const PATIENCE: Duration = Duration::from_secs(if cfg!(test) { 60 } else { 2 });
/// How often idle flows are looked for.
const SWEEP: Duration = Duration::from_secs(10);

/// What a token of the host's events stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    Listener(usize),
    Tcp(Ends),
    Leaving(Token),
    Forward(usize),
    Udp(UdpKey),
    Icmp(IcmpKey),
}

/// A socket of the guest's, and whether its peers have IPv4 addresses on the host.
type UdpKey = (SocketAddr, bool);
/// Who pings, and the identifier.
type IcmpKey = (IpAddr, u16);

/// All state; behind one lock.
pub struct Stack {
    registry: Registry,
    config: UserConfig,
    port: Port,
    leases: Leases,
    listeners: Vec<(TcpListener, u16)>,
    forwards: Vec<udp::Flow>,
    tcp: HashMap<Ends, tcp::Flow>,
    /// Connections of a guest that is gone, of which the host is yet to take something.
    leaving: HashMap<Token, tcp::Flow>,
    udp: HashMap<UdpKey, udp::Flow>,
    icmp: HashMap<IcmpKey, icmp::Flow>,
    owners: HashMap<Token, Owner>,
    next_token: usize,
    /// Flows that have more to do.
    busy: Vec<Owner>,
    began: Instant,
    now: Instant,
    swept: Instant,
    buffer: Vec<u8>,
}

impl Stack {
    /// `first` is the first token that is free.
    pub fn new(registry: Registry, config: UserConfig, first: Token) -> Self {
        let now = Instant::now();
        Self {
            registry,
            config,
            port: Port::new(),
            leases: Leases::default(),
            listeners: Vec::new(),
            forwards: Vec::new(),
            tcp: HashMap::new(),
            leaving: HashMap::new(),
            udp: HashMap::new(),
            icmp: HashMap::new(),
            owners: HashMap::new(),
            next_token: first.0,
            busy: Vec::new(),
            began: now,
            now,
            swept: now,
            buffer: vec![0; DATAGRAM],
        }
    }

    pub fn attach(&mut self, card: Arc<dyn Card>) {
        self.port.attach(card);
    }

    /// Listens on a port of the host for connections to port `guest` of the guest.
    pub fn listen(&mut self, mut listener: TcpListener, guest: u16) -> io::Result<()> {
        self.watch(&mut listener, Owner::Listener(self.listeners.len()), Interest::READABLE)?;
        self.listeners.push((listener, guest));
        Ok(())
    }

    /// The same for datagrams.
    pub fn listen_udp(&mut self, mut socket: UdpSocket, guest: u16) -> io::Result<()> {
        self.watch(&mut socket, Owner::Forward(self.forwards.len()), Interest::READABLE)?;
        self.forwards.push(udp::Flow::forward(socket, SocketAddr::new(GUEST.into(), guest), self.now));
        Ok(())
    }

    fn watch(&mut self, source: &mut impl Source, owner: Owner, interest: Interest) -> io::Result<Token> {
        let token = Token(self.next_token);
        self.registry.register(source, token, interest)?;
        self.next_token += 1;
        self.owners.insert(token, owner);
        Ok(token)
    }

    /// Sets the clock.
    pub fn tick(&mut self) {
        self.now = Instant::now();
    }

    /// Time passes.
    #[cfg(test)]
    pub fn advance(&mut self, time: Duration) {
        self.began -= time;
        self.expire();
    }

    fn stack_now(&self) -> StackInstant {
        StackInstant::from_micros((self.now - self.began).as_micros() as i64)
    }

    /// When there is something to do that nobody asks for.
    pub fn deadline(&self) -> Option<Instant> {
        if !self.busy.is_empty() {
            return Some(self.now);
        }
        let timers = self.tcp.values().filter_map(|flow| flow.deadline);
        let timer =
            timers.min().map(|at| self.began + Duration::from_micros(at.total_micros().max(0) as u64));
        let idle = !self.udp.is_empty() || !self.icmp.is_empty();
        let sweep = idle.then_some(self.swept + SWEEP);
        timer.into_iter().chain(sweep).min()
    }

    /// The card has room again.
    pub fn ready(&mut self) {
        if self.port.is_clear() {
            return;
        }
        self.port.flush();
        if self.port.is_clear() {
            let stalled: Vec<Ends> =
                self.tcp.iter().filter(|(_, flow)| flow.stalled).map(|(ends, _)| *ends).collect();
            stalled.into_iter().for_each(|ends| self.pump(ends));
        }
    }

    /// The guest is gone: so are its connections, once the host has what the guest has sent.
    pub fn reset(&mut self) {
        for (_, mut flow) in std::mem::take(&mut self.tcp) {
            if self.leaving.len() < MOST_TCP && flow.leave() {
                self.owners.insert(flow.token, Owner::Leaving(flow.token));
                self.leaving.insert(flow.token, flow);
            } else {
                self.forget(flow);
            }
        }
        self.udp.clear();
        self.icmp.clear();
        let stays =
            |owner: &mut Owner| matches!(owner, Owner::Listener(_) | Owner::Forward(_) | Owner::Leaving(_));
        self.owners.retain(|_, owner| stays(owner));
        self.busy.clear();
        self.leases = Leases::default();
        self.port.reset();
    }

    /// The machine ends. What the guest has sent, and was told has arrived, gets to the host, unless that doesn't take it.
    pub fn finish(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        self.tcp.values_mut().chain(self.leaving.values_mut()).for_each(|flow| flow.deliver(deadline));
    }

    /// Does what is due.
    pub fn expire(&mut self) {
        for owner in std::mem::take(&mut self.busy) {
            self.attend(owner, false);
        }
        let now = self.stack_now();
        let due = |flow: &tcp::Flow| flow.deadline.is_some_and(|deadline| deadline <= now);
        let due: Vec<Ends> = self.tcp.iter().filter(|(_, flow)| due(flow)).map(|(ends, _)| *ends).collect();
        due.into_iter().for_each(|ends| self.pump(ends));
        if self.now - self.swept >= SWEEP {
            self.swept = self.now;
            let now = self.now;
            self.udp.retain(|_, flow| now - flow.used < udp::IDLE);
            self.icmp.retain(|_, flow| now - flow.used < udp::IDLE);
            let Self { owners, udp, icmp, .. } = self;
            owners.retain(|_, owner| match owner {
                Owner::Udp(key) => udp.contains_key(key),
                Owner::Icmp(key) => icmp.contains_key(key),
                _ => true,
            });
        }
    }

    /// A socket of the host is ready for something.
    pub fn event(&mut self, event: &Event) {
        let Some(owner) = self.owners.get(&event.token()).copied() else { return };
        if let Owner::Tcp(ends) = owner
            && let Some(flow) = self.tcp.get_mut(&ends)
        {
            flow.note(event.is_readable() || event.is_error(), event.is_writable() || event.is_error());
        }
        self.attend(owner, event.is_writable() || event.is_error());
    }

    fn attend(&mut self, owner: Owner, writable: bool) {
        let Self { port, buffer, now, .. } = self;
        let more = match owner {
            Owner::Listener(index) => return self.accept(index),
            Owner::Tcp(ends) => return self.attend_tcp(ends, writable),
            Owner::Leaving(token) => return self.attend_leaving(token),
            Owner::Forward(index) => {
                self.forwards.get_mut(index).map(|flow| flow.receive(buffer, port, *now))
            }
            Owner::Udp(key) => self.udp.get_mut(&key).map(|flow| flow.receive(buffer, port, *now)),
            Owner::Icmp(key) => {
                return self.icmp.get_mut(&key).map_or((), |flow| flow.receive(buffer, port, *now));
            }
        };
        if more == Some(true) {
            self.busy.push(owner);
        }
    }

    /// Takes a frame of the guest's.
    pub fn frame(&mut self, frame: &[u8]) {
        let Ok(frame) = EthernetFrame::new_checked(frame) else { return };
        let mac = frame.src_addr();
        match frame.ethertype() {
            EthernetProtocol::Arp => link::arp(frame.payload(), &mut self.port),
            EthernetProtocol::Ipv4 => self.ipv4(mac, frame.payload()),
            EthernetProtocol::Ipv6 => self.ipv6(mac, frame.payload()),
            _ => {}
        }
    }

    fn ipv4(&mut self, mac: EthernetAddress, payload: &[u8]) {
        let Ok(ip) = Ipv4Packet::new_checked(payload) else { return };
        let (from, to) = (ip.src_addr(), ip.dst_addr());
        let whole = &payload[..usize::from(ip.total_len())];
        // A fragment is of no use alone.
        if ip.version() != 4 || ip.more_frags() || ip.frag_offset() != 0 || ip.header_len() < 20 {
            return;
        }
        self.packet(mac, from.into(), to.into(), ip.next_header(), whole, ip.payload());
    }

    fn ipv6(&mut self, mac: EthernetAddress, payload: &[u8]) {
        let Ok(ip) = Ipv6Packet::new_checked(payload) else { return };
        if ip.version() != 6 {
            return;
        }
        let (from, to, inner) = (ip.src_addr(), ip.dst_addr(), ip.payload());
        if ip.next_header() == IpProtocol::Icmpv6
            && link::neighbour_discovery(from, to, inner, mac, &mut self.port)
        {
            return;
        }
        let whole = &payload[..40 + inner.len()];
        self.packet(mac, from.into(), to.into(), ip.next_header(), whole, inner);
    }

    /// Takes a packet: `whole` with its IP header, `inner` without.
    fn packet(
        &mut self,
        mac: EthernetAddress,
        from: IpAddr,
        to: IpAddr,
        protocol: IpProtocol,
        whole: &[u8],
        inner: &[u8],
    ) {
        self.port.learn(from, mac);
        match protocol {
            IpProtocol::Tcp => {
                let Ok(tcp) = TcpPacket::new_checked(inner) else { return };
                let guest = SocketAddr::new(from, tcp.src_port());
                let remote = SocketAddr::new(to, tcp.dst_port());
                self.tcp(Ends { guest, remote }, tcp.syn() && !tcp.ack(), tcp.rst(), whole);
            }
            IpProtocol::Udp => {
                let Ok(udp) = UdpPacket::new_checked(inner) else { return };
                let guest = SocketAddr::new(from, udp.src_port());
                self.udp(guest, SocketAddr::new(to, udp.dst_port()), udp.payload(), whole);
            }
            IpProtocol::Icmp | IpProtocol::Icmpv6 => {
                if let Some(echo) = Echo::request(inner, from.is_ipv4()) {
                    self.echo(from, to, echo, whole);
                }
            }
            _ => {}
        }
    }

    fn on_host(&self, to: SocketAddr) -> Option<SocketAddr> {
        plan::on_host(to, || self.config.resolver.or_else(plan::host_resolver))
    }
}

/// TCP.
impl Stack {
    fn tcp(&mut self, ends: Ends, syn: bool, rst: bool, packet: &[u8]) {
        let now = self.stack_now();
        if let Some(flow) = self.tcp.get_mut(&ends) {
            if rst && flow.is_connecting() {
                return self.drop_tcp(ends);
            }
            flow.input(packet, &mut self.port, now);
            return self.pump(ends);
        }
        if rst || !is_one(ends.guest) || !is_one(ends.remote) {
            return;
        }
        if !syn || self.tcp.len() >= MOST_TCP {
            return tcp::refuse(ends.remote, packet, &mut self.port, now);
        }
        let Some(to) = self.on_host(ends.remote) else {
            return tcp::refuse(ends.remote, packet, &mut self.port, now);
        };
        match TcpStream::connect(to) {
            Ok(host) => {
                let flow = tcp::Flow::from_guest(ends, host, packet, &mut self.port, now);
                self.add_tcp(ends, flow);
            }
            Err(error) => self.not_connected(ends.remote, packet, &error),
        }
    }

    fn add_tcp(&mut self, ends: Ends, mut flow: tcp::Flow) {
        let interest = Interest::READABLE | Interest::WRITABLE;
        // Without events of the host there is no flow; whoever asked tries again.
        if let Ok(token) = self.watch(&mut flow.host, Owner::Tcp(ends), interest) {
            flow.token = token;
            self.tcp.insert(ends, flow);
        }
    }

    /// Tells the guest what became of its attempt to connect.
    fn not_connected(&mut self, remote: SocketAddr, syn: &[u8], error: &io::Error) {
        let now = self.stack_now();
        match error.kind() {
            ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset => {
                tcp::refuse(remote, syn, &mut self.port, now)
            }
            // The guest has waited long enough itself.
            ErrorKind::TimedOut => {}
            _ => icmp::unreachable(syn, Unreachable::from(error), &mut self.port),
        }
    }

    fn attend_tcp(&mut self, ends: Ends, writable: bool) {
        let now = self.stack_now();
        let Some(flow) = self.tcp.get_mut(&ends) else { return };
        if !flow.is_connecting() {
            return self.pump(ends);
        }
        if !writable {
            return;
        }
        match flow.connected(&mut self.port, now) {
            Ok(true) => self.pump(ends),
            Ok(false) => {}
            Err(error) => {
                let syn = flow.syn().unwrap_or_default().to_vec();
                self.not_connected(ends.remote, &syn, &error);
                self.drop_tcp(ends);
            }
        }
    }

    fn pump(&mut self, ends: Ends) {
        let now = self.stack_now();
        let Some(flow) = self.tcp.get_mut(&ends) else { return };
        match flow.pump(&mut self.port, now) {
            Fate::Alive => {}
            Fate::Busy => self.busy.push(Owner::Tcp(ends)),
            Fate::Over => self.drop_tcp(ends),
        }
    }

    fn drop_tcp(&mut self, ends: Ends) {
        if let Some(flow) = self.tcp.remove(&ends) {
            self.forget(flow);
        }
    }

    fn forget(&mut self, mut flow: tcp::Flow) {
        // It is closed in a moment.
        let _ = self.registry.deregister(&mut flow.host);
        self.owners.remove(&flow.token);
    }

    fn attend_leaving(&mut self, token: Token) {
        if let Some(flow) = self.leaving.get_mut(&token)
            && !flow.leave()
            && let Some(flow) = self.leaving.remove(&token)
        {
            self.forget(flow);
        }
    }

    fn accept(&mut self, index: usize) {
        loop {
            let (listener, guest) = &self.listeners[index];
            let guest = SocketAddr::new(GUEST.into(), *guest);
            match listener.accept() {
                Ok((host, from)) => self.lead_in(guest, host, from),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                // The one who called has given up already, or the host has no more descriptors: others may be served.
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
                Err(_) => return,
            }
        }
    }

    /// Connects somebody to the guest.
    fn lead_in(&mut self, guest: SocketAddr, host: TcpStream, from: SocketAddr) {
        let now = self.stack_now();
        if self.tcp.len() >= MOST_TCP {
            return;
        }
        // The guest sees the gateway, at the same port if that is free.
        let first = from.port().max(1024);
        let remotes = (first..=u16::MAX).chain(1024..first).map(|port| SocketAddr::new(GATEWAY.into(), port));
        let ends = remotes.map(|remote| Ends { guest, remote }).find(|ends| !self.tcp.contains_key(ends));
        let Some(ends) = ends else { return };
        if let Some(flow) = tcp::Flow::to_guest(ends, host, &mut self.port, now) {
            self.add_tcp(ends, flow);
            self.pump(ends);
        }
    }
}

/// UDP and ICMP.
impl Stack {
    fn udp(&mut self, guest: SocketAddr, to: SocketAddr, data: &[u8], packet: &[u8]) {
        if to.port() == Leases::PORT && to.is_ipv4() {
            return self.leases.answer(data, &mut self.port);
        }
        let now = self.now;
        let answers = |flow: &&mut udp::Flow| flow.guest.port() == guest.port() && flow.knows(to);
        if let Some(flow) = self.forwards.iter_mut().find(answers) {
            return flow.send(to, None, data, now);
        }
        let Some(host) = self.on_host(to).filter(|_| guest.port() != 0) else { return };
        let key = (guest, host.is_ipv4());
        if !self.udp.contains_key(&key) {
            if self.udp.len() >= MOST_UDP {
                drop_oldest(&mut self.udp, |flow| flow.used);
            }
            let flow = udp::Flow::new(guest, host, now).and_then(|mut flow| {
                self.watch(&mut flow.host, Owner::Udp(key), Interest::READABLE)?;
                Ok(flow)
            });
            match flow {
                Ok(flow) => drop(self.udp.insert(key, flow)),
                Err(error) => return icmp::unreachable(packet, Unreachable::from(&error), &mut self.port),
            }
        }
        if let Some(flow) = self.udp.get_mut(&key) {
            flow.send(to, Some(host), data, now);
        }
    }

    fn echo(&mut self, from: IpAddr, to: IpAddr, echo: Echo, packet: &[u8]) {
        if plan::is_ours(to) {
            return echo.reply(to, from, &mut self.port);
        }
        let now = self.now;
        let Some(host) = self.on_host(SocketAddr::new(to, 0)) else { return };
        let key = (from, echo.ident);
        if !self.icmp.contains_key(&key) {
            if self.icmp.len() >= MOST_ICMP {
                drop_oldest(&mut self.icmp, |flow| flow.used);
            }
            let flow = icmp::Flow::new(from, echo.ident, now).and_then(|mut flow| {
                self.watch(&mut flow.host, Owner::Icmp(key), Interest::READABLE)?;
                Ok(flow)
            });
            match flow {
                Ok(flow) => drop(self.icmp.insert(key, flow)),
                Err(error) => return icmp::unreachable(packet, Unreachable::from(&error), &mut self.port),
            }
        }
        if let Some(flow) = self.icmp.get_mut(&key) {
            flow.send(host.ip(), echo, now);
        }
    }
}

/// True if the address is one socket's.
fn is_one(end: SocketAddr) -> bool {
    let broadcast = end.ip() == IpAddr::V4(Ipv4Addr::BROADCAST);
    end.port() != 0 && !broadcast && !end.ip().is_unspecified() && !end.ip().is_multicast()
}

fn drop_oldest<K: Copy + Eq + std::hash::Hash, F>(flows: &mut HashMap<K, F>, used: impl Fn(&F) -> Instant) {
    let oldest = flows.iter().min_by_key(|(_, flow)| used(flow)).map(|(key, _)| *key);
    if let Some(key) = oldest {
        flows.remove(&key);
    }
}
