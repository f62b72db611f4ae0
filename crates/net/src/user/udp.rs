//! UDP: a socket of the host for each socket of the guest, or for each port that leads into the guest.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use mio::net::UdpSocket;
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{IpProtocol, UDP_HEADER_LEN, UdpPacket, UdpRepr};

use super::plan::GATEWAY;
use super::port::Port;

/// How long a flow is kept without traffic.
pub const IDLE: Duration = Duration::from_secs(120);
/// The most peers of a flow.
const MOST_PEERS: usize = 256;
/// The most datagrams taken in a row before others have their turn.
const TURNS: usize = 64;

/// Somebody whom the guest talks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Peer {
    /// As the host knows it.
    host: SocketAddr,
    /// As the guest does.
    guest: SocketAddr,
}

/// A socket of the guest.
pub struct Flow {
    pub host: UdpSocket,
    pub guest: SocketAddr,
    peers: Vec<Peer>,
    /// Anybody may write to it.
    open: bool,
    pub used: Instant,
}

impl Flow {
    /// For a socket of the guest's that sends to addresses of the host that are like `like`.
    ///
    /// # Errors
    /// Those of the host.
    pub fn new(guest: SocketAddr, like: SocketAddr, now: Instant) -> io::Result<Self> {
        let any = if like.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        Ok(Self::over(UdpSocket::bind(SocketAddr::new(any, 0))?, guest, false, now))
    }

    /// For a port of the host that leads into the guest.
    pub fn forward(host: UdpSocket, guest: SocketAddr, now: Instant) -> Self {
        Self::over(host, guest, true, now)
    }

    fn over(host: UdpSocket, guest: SocketAddr, open: bool, used: Instant) -> Self {
        Self { host, guest, peers: Vec::new(), open, used }
    }

    /// True if the guest answers somebody who has written to it.
    pub fn knows(&self, to: SocketAddr) -> bool {
        self.peers.iter().any(|peer| peer.guest == to)
    }

    /// Sends to whom the guest calls `guest`, at `host`; where that is known already, to whom it was then.
    pub fn send(&mut self, guest: SocketAddr, host: Option<SocketAddr>, data: &[u8], now: Instant) {
        self.used = now;
        let known = self.peers.iter().find(|peer| peer.guest == guest).map(|peer| peer.host);
        let Some(to) = known.or(host) else { return };
        if known.is_none() {
            self.remember(Peer { host: to, guest });
        }
        // What can't be sent is lost, as datagrams may be.
        let _ = self.host.send_to(data, to);
    }

    fn remember(&mut self, peer: Peer) {
        if self.peers.len() >= MOST_PEERS {
            self.peers.remove(0);
        }
        self.peers.push(peer);
    }

    /// Whom the guest takes the sender for.
    fn sender(&mut self, host: SocketAddr) -> Option<SocketAddr> {
        if let Some(peer) = self.peers.iter().find(|peer| peer.host == host) {
            return Some(peer.guest);
        }
        if !self.open {
            return None;
        }
        // The guest has an IPv4 address for sure, and there only the gateway to answer to.
        let guest = match host {
            SocketAddr::V4(from) if !from.ip().is_loopback() => host,
            _ => SocketAddr::new(GATEWAY.into(), host.port()),
        };
        self.peers.retain(|peer| peer.guest != guest);
        self.remember(Peer { host, guest });
        Some(guest)
    }

    /// Delivers what has come; true if there may be more.
    pub fn receive(&mut self, buffer: &mut [u8], port: &mut Port, now: Instant) -> bool {
        for _ in 0..TURNS {
            match self.host.recv_from(buffer) {
                Ok((len, from)) => {
                    if let Some(from) = self.sender(from) {
                        self.used = now;
                        deliver(from, self.guest, &buffer[..len], port);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                // An answer to something sent earlier could not be delivered; others may.
                Err(_) => {}
            }
        }
        true
    }
}

/// Sends the guest a datagram.
pub fn deliver(from: SocketAddr, to: SocketAddr, data: &[u8], port: &mut Port) {
    let len = UDP_HEADER_LEN + data.len();
    if from.is_ipv4() != to.is_ipv4() || len > usize::from(u16::MAX) {
        return;
    }
    let (source, destination) = (from.ip().into(), to.ip().into());
    port.send_ip(from.ip(), to.ip(), IpProtocol::Udp, len, |packet| {
        let header = UdpRepr { src_port: from.port(), dst_port: to.port() };
        let mut packet = UdpPacket::new_unchecked(packet);
        let fill = |room: &mut [u8]| room.copy_from_slice(data);
        header.emit(&mut packet, &source, &destination, data.len(), fill, &ChecksumCapabilities::default());
    });
}
