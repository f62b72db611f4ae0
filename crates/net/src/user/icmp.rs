//! ICMP: echo, from this network itself or through sockets of the host that need no privilege where it allows them
//! (Linux: `net.ipv4.ping_group_range`), and word of what can't be reached.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use mio::net::UdpSocket;
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    Icmpv4DstUnreachable, Icmpv4Message, Icmpv4Packet, Icmpv4Repr, Icmpv6DstUnreachable, Icmpv6Message,
    Icmpv6Packet, Icmpv6Repr, IpProtocol, Ipv4Packet, Ipv4Repr, Ipv6Packet, Ipv6Repr,
};
use socket2::{Domain, Protocol, Socket, Type};

use super::plan::{GATEWAY, GATEWAY6};
use super::port::Port;

/// Bytes of an echo's header: type, code, checksum, identifier, sequence number.
const HEADER: usize = 8;
/// The most bytes of the packet that could not be delivered in word of it.
const EXCERPT: usize = 64;

/// An echo request or reply.
#[derive(Clone, Copy)]
pub struct Echo<'a> {
    pub ident: u16,
    pub sequence: u16,
    pub data: &'a [u8],
}

impl<'a> Echo<'a> {
    /// Reads a request.
    pub fn request(packet: &'a [u8], ipv4: bool) -> Option<Self> {
        let kind =
            if ipv4 { Icmpv4Message::EchoRequest.into() } else { u8::from(Icmpv6Message::EchoRequest) };
        Self::parse(packet, kind)
    }

    fn parse(packet: &'a [u8], kind: u8) -> Option<Self> {
        let (header, data) = packet.split_first_chunk::<HEADER>()?;
        let word = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        (header[0] == kind && header[1] == 0).then_some(Self { ident: word(4), sequence: word(6), data })
    }

    /// Sends the guest the reply.
    pub fn reply(self, from: IpAddr, to: IpAddr, port: &mut Port) {
        let Self { ident, sequence: seq_no, data } = self;
        let len = HEADER + data.len();
        let caps = ChecksumCapabilities::default();
        match (from, to) {
            (IpAddr::V4(_), IpAddr::V4(_)) => port.send_ip(from, to, IpProtocol::Icmp, len, |packet| {
                Icmpv4Repr::EchoReply { ident, seq_no, data }
                    .emit(&mut Icmpv4Packet::new_unchecked(packet), &caps);
            }),
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                port.send_ip(from, to, IpProtocol::Icmpv6, len, |packet| {
                    let mut packet = Icmpv6Packet::new_unchecked(packet);
                    Icmpv6Repr::EchoReply { ident, seq_no, data }.emit(
                        &source,
                        &destination,
                        &mut packet,
                        &caps,
                    );
                });
            }
            _ => {}
        }
    }
}

/// A program of the guest's that pings.
pub struct Flow {
    pub host: UdpSocket,
    guest: IpAddr,
    ident: u16,
    ipv4: bool,
    pub used: Instant,
}

impl Flow {
    /// For echo requests with this identifier.
    ///
    /// # Errors
    /// The host doesn't allow it, or has no such sockets.
    pub fn new(guest: IpAddr, ident: u16, now: Instant) -> io::Result<Self> {
        let ipv4 = guest.is_ipv4();
        let (domain, protocol) =
            if ipv4 { (Domain::IPV4, Protocol::ICMPV4) } else { (Domain::IPV6, Protocol::ICMPV6) };
        let socket = Socket::new(domain, Type::DGRAM, Some(protocol))?;
        socket.set_nonblocking(true)?;
        Ok(Self { host: UdpSocket::from_std(socket.into()), guest, ident, ipv4, used: now })
    }

    /// Sends a request on; the host chooses another identifier.
    pub fn send(&mut self, to: IpAddr, echo: Echo, now: Instant) {
        self.used = now;
        let kind =
            if self.ipv4 { Icmpv4Message::EchoRequest.into() } else { u8::from(Icmpv6Message::EchoRequest) };
        let mut packet = vec![kind, 0, 0, 0, 0, 0];
        packet.extend(echo.sequence.to_be_bytes());
        packet.extend(echo.data);
        // It may get lost.
        let _ = self.host.send_to(&packet, SocketAddr::new(to, 0));
    }

    /// Delivers the replies that have come.
    pub fn receive(&mut self, buffer: &mut [u8], port: &mut Port, now: Instant) {
        loop {
            match self.host.recv_from(buffer) {
                Ok((len, from)) => {
                    self.used = now;
                    let kind = if self.ipv4 {
                        Icmpv4Message::EchoReply.into()
                    } else {
                        u8::from(Icmpv6Message::EchoReply)
                    };
                    if let Some(echo) = Echo::parse(&buffer[..len], kind) {
                        Echo { ident: self.ident, ..echo }.reply(from.ip(), self.guest, port);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => {}
            }
        }
    }
}

/// Why something can't be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreachable {
    Network,
    Host,
    Prohibited,
}

impl From<&io::Error> for Unreachable {
    fn from(error: &io::Error) -> Self {
        match error.kind() {
            ErrorKind::NetworkUnreachable => Self::Network,
            ErrorKind::PermissionDenied => Self::Prohibited,
            _ => Self::Host,
        }
    }
}

/// Tells the guest that a packet of its has not arrived.
pub fn unreachable(packet: &[u8], why: Unreachable, port: &mut Port) {
    let caps = ChecksumCapabilities::default();
    if let Ok(ip) = Ipv4Packet::new_checked(packet) {
        let mut ignored = ChecksumCapabilities::ignored();
        ignored.ipv4 = smoltcp::phy::Checksum::None;
        let Ok(header) = Ipv4Repr::parse(&ip, &ignored) else { return };
        let reason = match why {
            Unreachable::Network => Icmpv4DstUnreachable::NetUnreachable,
            Unreachable::Host => Icmpv4DstUnreachable::HostUnreachable,
            Unreachable::Prohibited => Icmpv4DstUnreachable::CommProhibited,
        };
        let data = &ip.payload()[..ip.payload().len().min(EXCERPT)];
        let word = Icmpv4Repr::DstUnreachable { reason, header, data };
        port.send_ip(GATEWAY.into(), header.src_addr.into(), IpProtocol::Icmp, word.buffer_len(), |packet| {
            word.emit(&mut Icmpv4Packet::new_unchecked(packet), &caps);
        });
    } else if let Ok(ip) = Ipv6Packet::new_checked(packet) {
        let Ok(header) = Ipv6Repr::parse(&ip) else { return };
        let reason = match why {
            Unreachable::Network => Icmpv6DstUnreachable::NoRoute,
            Unreachable::Host => Icmpv6DstUnreachable::AddrUnreachable,
            Unreachable::Prohibited => Icmpv6DstUnreachable::AdminProhibit,
        };
        let data = &ip.payload()[..ip.payload().len().min(EXCERPT)];
        let word = Icmpv6Repr::DstUnreachable { reason, header, data };
        port.send_ip(
            GATEWAY6.into(),
            header.src_addr.into(),
            IpProtocol::Icmpv6,
            word.buffer_len(),
            |packet| {
                word.emit(&GATEWAY6, &header.src_addr, &mut Icmpv6Packet::new_unchecked(packet), &caps);
            },
        );
    }
}
