//! A guest made of a TCP stack on one side, sockets of the host on the other.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{ChecksumCapabilities, Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::socket::tcp::{Socket, SocketBuffer, State};
use smoltcp::wire::{
    EthernetAddress, EthernetFrame, EthernetProtocol, IpCidr, IpProtocol, IpRepr, Ipv4Packet, UDP_HEADER_LEN,
    UdpPacket, UdpRepr,
};

use super::plan::{GATEWAY, GATEWAY_MAC, GUEST};
use super::*;
use socket2::SockRef;

const MAC: EthernetAddress = EthernetAddress([0x52, 0x54, 0, 0, 0, 1]);
const PATIENCE: Duration = Duration::from_secs(30);
/// What doesn't move for so long is stuck.
const STILL: Duration = Duration::from_millis(200);
/// More than a guest has buffers for, less than there are on the way.
const ROOM: usize = 200 << 10;

/// A card that keeps frames, as many as it has room for.
struct Slot {
    frames: Mutex<(VecDeque<Vec<u8>>, usize)>,
    came: Condvar,
    takes: Offloads,
}

impl Card for Slot {
    fn offloads(&self) -> Offloads {
        self.takes
    }
    fn deliver(&self, header: &Header, frame: &[u8]) -> bool {
        assert!(self.takes.checksum || *header == Header::default());
        assert!(frame.len() <= 14 + crate::MTU || header.segmentation.is_some());
        let mut frames = self.frames.lock().unwrap();
        let room = frames.0.len() < frames.1;
        if room {
            frames.0.push_back(frame.to_vec());
            self.came.notify_all();
        }
        room
    }
}

struct Cable {
    net: UserNet,
    slot: Arc<Slot>,
}

impl Cable {
    fn new(room: usize, takes: Offloads) -> Self {
        let net = UserNet::new(UserConfig::default()).unwrap();
        let slot =
            Arc::new(Slot { frames: Mutex::new((VecDeque::new(), room)), came: Condvar::new(), takes });
        net.attach(slot.clone());
        Self { net, slot }
    }

    fn next(&self) -> Option<Vec<u8>> {
        let frame = self.slot.frames.lock().unwrap().0.pop_front();
        if frame.is_some() {
            self.net.ready();
        }
        frame
    }

    /// Waits for a frame.
    fn expect(&self) -> Vec<u8> {
        let frames = self.slot.frames.lock().unwrap();
        drop(self.slot.came.wait_timeout_while(frames, PATIENCE, |frames| frames.0.is_empty()).unwrap());
        self.next().expect("a frame in time")
    }

    fn send(&self, frame: &[u8]) {
        self.net.send(0, &Header::default(), frame);
    }

    fn send_udp(&self, from: u16, to: SocketAddr, data: &[u8]) {
        let SocketAddr::V4(to) = to else { panic!("IPv4 only") };
        let (source, destination) = (GUEST.into(), (*to.ip()).into());
        let caps = ChecksumCapabilities::default();
        let ip = IpRepr::new(source, destination, IpProtocol::Udp, UDP_HEADER_LEN + data.len(), 64);
        let mut frame = vec![0; 14 + ip.buffer_len()];
        let mut ethernet = EthernetFrame::new_unchecked(&mut frame[..]);
        ethernet.set_src_addr(MAC);
        ethernet.set_dst_addr(GATEWAY_MAC);
        ethernet.set_ethertype(EthernetProtocol::Ipv4);
        ip.emit(ethernet.payload_mut(), &caps);
        let udp = UdpRepr { src_port: from, dst_port: to.port() };
        let mut packet = UdpPacket::new_unchecked(&mut frame[34..]);
        udp.emit(&mut packet, &source, &destination, data.len(), |room| room.copy_from_slice(data), &caps);
        self.send(&frame);
    }
}

struct Taken(Vec<u8>);
struct Sent<'a>(&'a Cable);

impl RxToken for Taken {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(&self.0)
    }
}

impl TxToken for Sent<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, fill: F) -> R {
        let mut frame = vec![0; len];
        let result = fill(&mut frame);
        self.0.send(&frame);
        result
    }
}

impl Device for &Cable {
    type RxToken<'a>
        = Taken
    where
        Self: 'a;
    type TxToken<'a>
        = Sent<'a>
    where
        Self: 'a;

    fn receive(&mut self, _: smoltcp::time::Instant) -> Option<(Taken, Sent<'_>)> {
        self.next().map(|frame| (Taken(frame), Sent(self)))
    }
    fn transmit(&mut self, _: smoltcp::time::Instant) -> Option<Sent<'_>> {
        Some(Sent(self))
    }
    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = 14 + crate::MTU;
        if self.slot.takes.checksum {
            capabilities.checksum.tcp = smoltcp::phy::Checksum::Tx;
        }
        capabilities
    }
}

/// A guest with one TCP socket.
struct Guest {
    cable: Cable,
    interface: Interface,
    sockets: SocketSet<'static>,
    socket: SocketHandle,
}

impl Guest {
    /// That connects to a port of the host.
    fn connecting(port: u16, room: usize, takes: Offloads) -> Self {
        let cable = Cable::new(room, takes);
        let now = smoltcp::time::Instant::now();
        let mut interface = Interface::new(Config::new(MAC.into()), &mut &cable, now);
        interface.update_ip_addrs(|addresses| addresses.push(IpCidr::new(GUEST.into(), 24)).unwrap());
        let mut sockets = SocketSet::new(Vec::new());
        let buffer = || SocketBuffer::new(vec![0; 1 << 16]);
        let socket = sockets.add(Socket::new(buffer(), buffer()));
        let tcp = sockets.get_mut::<Socket>(socket);
        tcp.connect(interface.context(), (GATEWAY, port), 40_000).unwrap();
        Self { cable, interface, sockets, socket }
    }

    /// Lets the guest run until `done` has what it waits for.
    fn until<R>(&mut self, mut done: impl FnMut(&mut Socket) -> Option<R>) -> R {
        let start = Instant::now();
        loop {
            self.interface.poll(smoltcp::time::Instant::now(), &mut &self.cable, &mut self.sockets);
            if let Some(result) = done(self.sockets.get_mut(self.socket)) {
                self.interface.poll(smoltcp::time::Instant::now(), &mut &self.cable, &mut self.sockets);
                return result;
            }
            assert!(start.elapsed() < PATIENCE, "{}", self.sockets.get::<Socket>(self.socket).state());
            std::thread::sleep(Duration::from_micros(100));
        }
    }
}

fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

fn content() -> Vec<u8> {
    (0..200_000u32).flat_map(u32::to_le_bytes).collect()
}

/// A connection that the host has accepted.
fn connected(room: usize, takes: Offloads) -> (Guest, TcpStream) {
    connected_by(listener(), room, takes)
}

fn connected_by((listener, port): (TcpListener, u16), room: usize, takes: Offloads) -> (Guest, TcpStream) {
    let mut guest = Guest::connecting(port, room, takes);
    guest.until(|socket| socket.may_send().then_some(()));
    let host = listener.accept().unwrap().0;
    host.set_read_timeout(Some(PATIENCE)).unwrap();
    (guest, host)
}

/// Makes the port of a destination one that nobody listens on.
fn to_nobody(protocol: u8, mut payload: Vec<u8>) -> Vec<u8> {
    if matches!(protocol, 6 | 17) && payload.len() >= 4 {
        payload[2..4].copy_from_slice(&[0, 1]);
    }
    payload
}

/// Sends everything to the guest and gets it back, with each side saying when it is at the end.
fn there_and_back(room: usize, takes: Offloads) {
    let (mut guest, mut host) = connected(room, takes);
    let mut back = host.try_clone().unwrap();
    let sender = std::thread::spawn(move || {
        host.write_all(&content()).unwrap();
        host.shutdown(Shutdown::Write).unwrap();
    });
    let (mut all, mut sent) = (Vec::new(), 0);
    guest.until(|socket| {
        while socket.can_recv() {
            socket.recv(|data| (data.len(), all.extend_from_slice(data))).unwrap();
        }
        (!socket.may_recv()).then_some(())
    });
    assert!(all == content());
    sender.join().unwrap();
    let receiver = std::thread::spawn(move || {
        let mut all = Vec::new();
        back.read_to_end(&mut all).unwrap();
        all
    });
    guest.until(|socket| {
        if sent < all.len() {
            sent += socket.send_slice(&all[sent..]).unwrap();
            return None;
        }
        socket.close();
        (socket.state() == State::Closed).then_some(())
    });
    assert!(receiver.join().unwrap() == content());
}

#[test]
fn data_and_its_end_go_both_ways() {
    there_and_back(usize::MAX, Offloads::default());
}

#[test]
fn a_card_without_room_delays_and_loses_nothing() {
    there_and_back(1, Offloads::default());
    there_and_back(2, Offloads { checksum: true, tcp4: true, tcp6: true });
}

#[test]
fn nobody_who_listens_is_a_reset() {
    let (listener, port) = listener();
    drop(listener);
    let mut guest = Guest::connecting(port, usize::MAX, Offloads::default());
    guest.until(|socket| (socket.state() == State::Closed).then_some(()));
}

#[test]
fn resets_are_passed_on() {
    let (mut guest, mut host) = connected(usize::MAX, Offloads::default());
    guest.until(|socket| {
        socket.abort();
        Some(())
    });
    assert_eq!(host.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionReset);

    let (mut guest, mut host) = connected(usize::MAX, Offloads::default());
    host.shutdown(Shutdown::Write).unwrap();
    guest.until(|socket| (!socket.may_recv()).then(|| socket.abort()));
    assert_eq!(host.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionReset);

    let (mut guest, host) = connected(usize::MAX, Offloads::default());
    SockRef::from(&host).set_linger(Some(Duration::ZERO)).unwrap();
    drop(host);
    guest.until(|socket| (socket.state() == State::Closed).then_some(()));
}

/// A guest that has said all, and a host that has said all and read nothing yet. And what it is still to
/// read.
fn unread() -> (Guest, TcpStream, Vec<u8>) {
    let (listener, port) = listener();
    // The host's kernel takes little.
    SockRef::from(&listener).set_recv_buffer_size(4096).unwrap();
    let (mut guest, mut host) = connected_by((listener, port), usize::MAX, Offloads::default());
    host.shutdown(Shutdown::Write).unwrap();
    let (mut sent, mut moved) = (Vec::new(), Instant::now());
    // Until all buffers are full; on a slow host perhaps not quite.
    guest.until(|socket| {
        let piece: Vec<u8> =
            (sent.len() / 4..sent.len() / 4 + 4096).flat_map(|n| (n as u32).to_le_bytes()).collect();
        let count = socket.send_slice(&piece).unwrap();
        sent.extend_from_slice(&piece[..count]);
        if count > 0 {
            moved = Instant::now();
        }
        (moved.elapsed() > STILL).then_some(())
    });
    // Then the guest's end gets in, and most of what is on the way is so still.
    let mut first = vec![0; ROOM];
    host.read_exact(&mut first).unwrap();
    guest.until(|socket| {
        socket.close();
        (socket.state() == State::Closed).then_some(())
    });
    let rest = sent.split_off(ROOM);
    assert!(first == sent);
    (guest, host, rest)
}

#[test]
fn a_host_that_takes_its_time_gets_all() {
    let (guest, mut host, sent) = unread();
    guest.cable.net.shared.act(|stack| stack.advance(Duration::from_secs(3600)));
    let mut rest = Vec::new();
    host.read_to_end(&mut rest).unwrap();
    assert!(rest == sent, "{} bytes, not {}", rest.len(), sent.len());
}

#[test]
fn what_was_sent_before_the_machine_ended_arrives() {
    let ends: [fn(Guest) -> Option<Guest>; 2] = [
        |_| None,
        |guest| {
            guest.cable.net.reset();
            Some(guest)
        },
    ];
    for end in ends {
        let (guest, mut host, sent) = unread();
        let reader = std::thread::spawn(move || {
            let mut rest = Vec::new();
            host.read_to_end(&mut rest).map(|_| rest)
        });
        let _guest = end(guest);
        let rest = reader.join().unwrap().unwrap();
        assert!(rest == sent, "{} bytes, not {}", rest.len(), sent.len());
    }
}

#[test]
fn a_machine_that_ends_resets_what_has_no_end() {
    let (guest, mut host) = connected(usize::MAX, Offloads::default());
    drop(guest);
    assert_eq!(host.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[test]
fn a_reset_of_the_card_ends_connections() {
    let (guest, mut host) = connected(usize::MAX, Offloads::default());
    guest.cable.net.reset();
    assert_eq!(host.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[test]
fn large_datagrams_come_in_fragments() {
    let cable = Cable::new(usize::MAX, Offloads::default());
    let host = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = host.local_addr().unwrap().port();
    cable.send_udp(5000, (GATEWAY, port).into(), b"ask");
    let mut buffer = [0; 8];
    let (len, from) = host.recv_from(&mut buffer).unwrap();
    assert_eq!(&buffer[..len], b"ask");
    let answer: Vec<u8> = (0..4000).map(|at| (at / 16) as u8).collect();
    host.send_to(&answer, from).unwrap();
    let mut whole = Vec::new();
    loop {
        let frame = cable.expect();
        let ip = Ipv4Packet::new_checked(&frame[14..]).unwrap();
        assert!(ip.verify_checksum() && frame.len() <= 14 + crate::MTU);
        assert_eq!(
            (usize::from(ip.frag_offset()), ip.src_addr(), ip.dst_addr()),
            (whole.len(), GATEWAY, GUEST)
        );
        whole.extend_from_slice(ip.payload());
        if !ip.more_frags() {
            break;
        }
    }
    let udp = UdpPacket::new_checked(&whole[..]).unwrap();
    assert!(udp.verify_checksum(&GATEWAY.into(), &GUEST.into()));
    assert_eq!((udp.src_port(), udp.dst_port(), udp.payload()), (port, 5000, &answer[..]));
}

#[test]
fn strangers_reach_nobody() {
    let cable = Cable::new(usize::MAX, Offloads::default());
    let (host, stranger) = ([0; 2].map(|_| UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap())).into();
    let port = host.local_addr().unwrap().port();
    cable.send_udp(5000, (GATEWAY, port).into(), b"ask");
    let (_, from) = host.recv_from(&mut [0; 8]).unwrap();
    stranger.send_to(b"unasked", from).unwrap();
    host.send_to(b"answer", from).unwrap();
    assert_eq!(&cable.expect()[42..], b"answer");
    assert!(cable.next().is_none());
}

fn frame() -> impl Strategy<Value = Vec<u8>> {
    let head = |kind: [u8; 2], rest: Vec<u8>| {
        [&[0x52, 0x55, 10, 0, 2, 2, 0x52, 0x54, 0, 0, 0, 1][..], &kind, &rest].concat()
    };
    let payload = || proptest::collection::vec(any::<u8>(), 0..200);
    let ip4 = (
        payload(),
        prop_oneof![Just(1u8), Just(6), Just(17), any::<u8>()],
        prop_oneof![Just(2u8), Just(3), any::<u8>()],
    );
    prop_oneof![
        payload(),
        payload().prop_map(move |rest| head([8, 6], [&[0, 1, 8, 0, 6, 4, 0, 1][..], &rest].concat())),
        ip4.prop_map(move |(rest, protocol, to)| {
            let rest = to_nobody(protocol, rest);
            let len = (20 + rest.len() as u16).to_be_bytes();
            let ip = [0x45, 0, len[0], len[1], 0, 0, 0, 0, 64, protocol, 0, 0, 10, 0, 2, 15, 10, 0, 2, to];
            head([8, 0], [&ip[..], &rest].concat())
        }),
        (payload(), prop_oneof![Just(6u8), Just(17), Just(58)]).prop_map(move |(rest, protocol)| {
            let rest = to_nobody(protocol, rest);
            let len = (rest.len() as u16).to_be_bytes();
            let mut ip = vec![0x60, 0, 0, 0, len[0], len[1], protocol, 255];
            ip.extend(super::plan::ROUTER6.octets());
            ip.extend(super::plan::GATEWAY6.octets());
            ip[23] = 9;
            head([0x86, 0xdd], [&ip[..], &rest].concat())
        }),
    ]
}

/// A TCP segment on the connection from port 40000 to the listener's.
fn segment() -> impl Strategy<Value = Vec<u8>> {
    let number = || prop_oneof![4 => (0..4u32).prop_map(|n| n * 1000), 1 => any::<u32>()];
    let bytes = |most| proptest::collection::vec(any::<u8>(), 0..most);
    // Flags: FIN, SYN, RST, PSH, ACK. A handshake is likely enough.
    let flags = prop_oneof![3 => Just(0x10u8), 2 => Just(0x02u8), 1 => any::<u8>()];
    (number(), number(), flags, any::<u16>(), bytes(40), bytes(1400)).prop_map(
        |(sequence, acknowledged, flags, window, mut options, data)| {
            options.resize(options.len().next_multiple_of(4), 0);
            let header = (20 + options.len() as u8) << 2;
            let mut segment = vec![0x9c, 0x40, 0, 0];
            segment.extend(sequence.to_be_bytes());
            segment.extend(acknowledged.to_be_bytes());
            segment.extend([header, flags]);
            segment.extend(window.to_be_bytes());
            segment.extend([0; 4]);
            segment.extend(options);
            segment.extend(data);
            segment
        },
    )
}

/// The frame that carries a segment to a port of the host.
fn framed(mut segment: Vec<u8>, port: u16) -> Vec<u8> {
    segment[2..4].copy_from_slice(&port.to_be_bytes());
    let ip = IpRepr::new(GUEST.into(), GATEWAY.into(), IpProtocol::Tcp, segment.len(), 64);
    let mut frame = vec![0; 34];
    let mut ethernet = EthernetFrame::new_unchecked(&mut frame[..]);
    ethernet.set_src_addr(MAC);
    ethernet.set_dst_addr(GATEWAY_MAC);
    ethernet.set_ethertype(EthernetProtocol::Ipv4);
    ip.emit(ethernet.payload_mut(), &ChecksumCapabilities::default());
    [frame, segment].concat()
}

proptest! {
    #[test]
    fn no_segment_does_harm(segments in proptest::collection::vec(segment(), 1..30), uncut in any::<bool>()) {
        let (listener, port) = listener();
        let cable = Cable::new(usize::MAX, Offloads { checksum: uncut, tcp4: uncut, tcp6: uncut });
        let mut syn = vec![0x9c, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 2, 0xff, 0xff, 0, 0, 0, 0];
        cable.send(&framed(syn.clone(), port));
        let answer = cable.expect();
        let theirs = u32::from_be_bytes(answer[38..42].try_into().unwrap()).wrapping_add(1);
        (syn[7], syn[13]) = (1, 0x10);
        for mut segment in std::iter::once(syn).chain(segments) {
            let acknowledged = u32::from_be_bytes(segment[8..12].try_into().unwrap());
            segment[8..12].copy_from_slice(&theirs.wrapping_add(acknowledged).to_be_bytes());
            cable.send(&framed(segment, port));
        }
        drop(listener);
        // Neither thread has panicked with the state in its hands.
        prop_assert!(!cable.net.shared.state.is_poisoned());
    }
}

proptest! {
    #[test]
    fn no_frame_does_harm(frames in proptest::collection::vec(frame(), 1..40)) {
        let cable = Cable::new(8, Offloads::default());
        for frame in &frames {
            cable.send(frame);
        }
        while cable.next().is_some() {}
        prop_assert!(!cable.net.shared.state.is_poisoned());
    }
}
