//! The way to the guest: Ethernet frames, and the ones that wait for room in its card.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    EthernetAddress, EthernetFrame, EthernetProtocol, IPV4_HEADER_LEN, IPV6_HEADER_LEN, IpProtocol, IpRepr,
    Ipv4Packet, TcpPacket, checksum,
};

use super::plan::{self, GATEWAY_MAC};
use crate::{Card, Header, MAX_FRAME, MTU, Offloads, Segmentation};

const ETHERNET: usize = EthernetFrame::<&[u8]>::header_len();
/// Offset of the checksum in a TCP header.
const TCP_CHECKSUM: u16 = 16;
/// The most frames that wait; what comes then is lost.
const MOST_WAITING: usize = 256;
/// The most addresses of the guest that are known.
const MOST_NEIGHBOURS: usize = 256;
const FRAGMENT_HEADER: usize = 8;
const HOP_LIMIT: u8 = 64;

/// The network's end of the cable.
pub struct Port {
    card: Option<Arc<dyn Card>>,
    waiting: VecDeque<(Header, Vec<u8>)>,
    neighbours: HashMap<IpAddr, EthernetAddress>,
    /// Who was heard last: the guest, as a rule.
    heard: EthernetAddress,
    frame: Vec<u8>,
    /// Of the next packet that is sent in fragments.
    identification: u32,
}

impl Port {
    pub fn new() -> Self {
        Self {
            card: None,
            waiting: VecDeque::new(),
            neighbours: HashMap::new(),
            heard: EthernetAddress::BROADCAST,
            frame: vec![0; MAX_FRAME],
            identification: 0,
        }
    }

    pub fn attach(&mut self, card: Arc<dyn Card>) {
        self.card = Some(card);
    }

    /// Forgets the guest.
    pub fn reset(&mut self) {
        self.waiting.clear();
        self.neighbours.clear();
        self.heard = EthernetAddress::BROADCAST;
    }

    /// What the guest takes.
    pub fn offloads(&self) -> Offloads {
        self.card.as_ref().map_or(Offloads::default(), |card| card.offloads())
    }

    /// True if nothing waits for room.
    pub fn is_clear(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Delivers what waits, as far as there is room.
    pub fn flush(&mut self) {
        let Some(card) = &self.card else { return };
        while let Some((header, frame)) = self.waiting.front() {
            if !card.deliver(header, frame) {
                return;
            }
            self.waiting.pop_front();
        }
    }

    /// Remembers that `address` is at `mac`.
    pub fn learn(&mut self, address: IpAddr, mac: EthernetAddress) {
        if !mac.is_unicast() || plan::is_ours(address) || address.is_multicast() || address.is_unspecified() {
            return;
        }
        self.heard = mac;
        if self.neighbours.len() >= MOST_NEIGHBOURS && !self.neighbours.contains_key(&address) {
            self.neighbours.clear();
        }
        self.neighbours.insert(address, mac);
    }

    fn mac_of(&self, address: IpAddr) -> EthernetAddress {
        match address {
            IpAddr::V4(ip) if ip == Ipv4Addr::BROADCAST || ip == plan::BROADCAST => {
                EthernetAddress::BROADCAST
            }
            IpAddr::V6(ip) if ip.is_multicast() => {
                let [.., a, b, c, d] = ip.octets();
                EthernetAddress([0x33, 0x33, a, b, c, d])
            }
            _ => self.neighbours.get(&address).copied().unwrap_or(self.heard),
        }
    }

    /// Sends a frame of `len` bytes behind the Ethernet header, written by `fill`.
    pub fn send(
        &mut self,
        to: EthernetAddress,
        kind: EthernetProtocol,
        len: usize,
        fill: impl FnOnce(&mut [u8]),
    ) {
        self.write(len, |payload| {
            fill(payload);
            (to, kind)
        });
        self.transmit(Header::default(), ETHERNET + len);
    }

    fn write(&mut self, len: usize, fill: impl FnOnce(&mut [u8]) -> (EthernetAddress, EthernetProtocol)) {
        let frame = &mut self.frame[..ETHERNET + len];
        let (to, kind) = fill(&mut frame[ETHERNET..]);
        let mut ethernet = EthernetFrame::new_unchecked(frame);
        ethernet.set_src_addr(GATEWAY_MAC);
        ethernet.set_dst_addr(to);
        ethernet.set_ethertype(kind);
    }

    fn transmit(&mut self, header: Header, len: usize) {
        let (Some(card), frame) = (&self.card, &self.frame[..len]) else { return };
        if self.waiting.is_empty() && card.deliver(&header, frame) {
            return;
        }
        if self.waiting.len() < MOST_WAITING {
            self.waiting.push_back((header, frame.to_vec()));
        }
    }

    /// Sends a TCP packet of `len` bytes, IP header and all, written by `fill`. With a checksum left to the guest, if
    /// it takes that, and uncut.
    pub fn send_tcp<R>(&mut self, len: usize, fill: impl FnOnce(&mut [u8]) -> R) -> R {
        let left = self.offloads().checksum;
        let payload = &mut self.frame[ETHERNET..ETHERNET + len];
        let result = fill(payload);
        let Some((kind, to, ip_len)) = destination(payload) else { return result };
        let header = if left { leave_to_guest(payload, ip_len) } else { Header::default() };
        let mac = self.mac_of(to);
        self.write(len, |_| (mac, kind));
        self.transmit(header, ETHERNET + len);
        result
    }

    /// Sends a packet of another protocol; `fill` writes `len` bytes behind the IP header. Cut into fragments if it
    /// is longer than the wire takes.
    pub fn send_ip(
        &mut self,
        from: IpAddr,
        to: IpAddr,
        protocol: IpProtocol,
        len: usize,
        fill: impl FnOnce(&mut [u8]),
    ) {
        let hops = if protocol == IpProtocol::Icmpv6 { 255 } else { HOP_LIMIT };
        let header = IpRepr::new(from.into(), to.into(), protocol, len, hops);
        let kind = if from.is_ipv4() { EthernetProtocol::Ipv4 } else { EthernetProtocol::Ipv6 };
        let mac = self.mac_of(to);
        if header.buffer_len() <= MTU {
            self.send(mac, kind, header.buffer_len(), |packet| {
                header.emit(&mut *packet, &ChecksumCapabilities::default());
                fill(&mut packet[header.header_len()..]);
            });
            return;
        }
        let mut whole = vec![0; len];
        fill(&mut whole);
        self.identification = self.identification.wrapping_add(1);
        // All but the last fragment carry a multiple of eight bytes.
        let room = (MTU - header.header_len() - if from.is_ipv6() { FRAGMENT_HEADER } else { 0 }) & !7;
        for (index, piece) in whole.chunks(room).enumerate() {
            let more = (index + 1) * room < len;
            self.send_fragment(mac, &header, index * room, more, piece);
        }
    }

    fn send_fragment(
        &mut self,
        mac: EthernetAddress,
        whole: &IpRepr,
        offset: usize,
        more: bool,
        piece: &[u8],
    ) {
        let (from, to, id) = (whole.src_addr(), whole.dst_addr(), self.identification);
        if let IpRepr::Ipv4(_) = whole {
            let header = IpRepr::new(from, to, whole.next_header(), piece.len(), whole.hop_limit());
            return self.send(mac, EthernetProtocol::Ipv4, header.buffer_len(), |packet| {
                header.emit(&mut *packet, &ChecksumCapabilities::default());
                let mut ip = Ipv4Packet::new_unchecked(&mut *packet);
                ip.set_ident(id as u16);
                ip.set_dont_frag(false);
                ip.set_more_frags(more);
                ip.set_frag_offset(offset as u16);
                ip.fill_checksum();
                packet[IPV4_HEADER_LEN..].copy_from_slice(piece);
            });
        }
        let len = FRAGMENT_HEADER + piece.len();
        let header = IpRepr::new(from, to, IpProtocol::Ipv6Frag, len, whole.hop_limit());
        self.send(mac, EthernetProtocol::Ipv6, header.buffer_len(), |packet| {
            header.emit(&mut *packet, &ChecksumCapabilities::default());
            let (fragment, data) = packet[IPV6_HEADER_LEN..].split_at_mut(FRAGMENT_HEADER);
            // The offset counts in units of eight bytes, from bit 3 on (RFC 8200, 4.5).
            let place = offset as u16 | u16::from(more);
            fragment[..2].copy_from_slice(&[whole.next_header().into(), 0]);
            fragment[2..4].copy_from_slice(&place.to_be_bytes());
            fragment[4..].copy_from_slice(&id.to_be_bytes());
            data.copy_from_slice(piece);
        });
    }
}

/// Kind, destination and header length of an IP packet without options.
fn destination(packet: &[u8]) -> Option<(EthernetProtocol, IpAddr, usize)> {
    match packet.first()? >> 4 {
        4 => {
            let octets: [u8; 4] = packet.get(16..20)?.try_into().ok()?;
            Some((EthernetProtocol::Ipv4, octets.into(), IPV4_HEADER_LEN))
        }
        _ => {
            let octets: [u8; 16] = packet.get(24..40)?.try_into().ok()?;
            Some((EthernetProtocol::Ipv6, octets.into(), IPV6_HEADER_LEN))
        }
    }
}

/// Leaves the checksum of a TCP packet to the guest, and the cutting if it is too long for the wire.
fn leave_to_guest(packet: &mut [u8], ip_len: usize) -> Header {
    let (ip, tcp) = packet.split_at_mut(ip_len);
    let len = (tcp.len() as u32).to_be_bytes();
    let addresses = if ip_len == IPV4_HEADER_LEN { &ip[12..20] } else { &ip[8..40] };
    let pseudo = [checksum::data(addresses), checksum::data(&len), u8::from(IpProtocol::Tcp).into()];
    let mut segment = TcpPacket::new_unchecked(&mut *tcp);
    segment.set_checksum(checksum::combine(&pseudo));
    let headers = ip_len + usize::from(segment.header_len());
    let start = (ETHERNET + ip_len) as u16;
    let segmentation = (packet.len() > MTU).then(|| Segmentation {
        ipv6: ip_len == IPV6_HEADER_LEN,
        ecn: false,
        header_len: (ETHERNET + headers) as u16,
        size: (MTU - headers) as u16,
    });
    Header { checksum: Some((start, TCP_CHECKSUM)), segmentation }
}
