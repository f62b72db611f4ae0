use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};

use super::connection::BUFFER;
use super::packet::{NO_RECEIVE, NO_SEND, STREAM, op};
use super::*;
use crate::virtio::Service;
use crate::virtio::testing::*;

const CID: u64 = 9;
/// How long tests wait.
const LIMIT: Duration = Duration::from_secs(30);
/// Packets of 4 KiB: more than a socket of the host keeps unread, and less than that and [`BUFFER`].
const PACKETS: usize = 60;

struct Guest {
    driver: Driver,
    dir: tempfile::TempDir,
}

impl Guest {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let device = Vsock::new(CID as u32, &dir.path().join("s")).unwrap();
        Self { driver: Driver::started(device, Service::Threads, 0), dir }
    }

    fn host(&self) -> UnixStream {
        let stream = UnixStream::connect(self.dir.path().join("s")).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream
    }

    fn listen(&self, port: u32) -> UnixListener {
        UnixListener::bind(self.dir.path().join(format!("s_{port}"))).unwrap()
    }

    fn used(&mut self, queue: u32) -> u32 {
        let start = Instant::now();
        loop {
            match self.driver.used(queue) {
                Some((_, written)) => return written,
                None if start.elapsed() > LIMIT => panic!("nothing comes"),
                None => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }

    fn send(&mut self, op: u16, ports: (u32, u32), flags: u32, data: &[u8]) {
        let header = Header {
            src_cid: CID,
            dst_cid: 2,
            src_port: ports.1,
            dst_port: ports.0,
            len: data.len() as u32,
            kind: STREAM,
            op,
            flags,
            buf_alloc: 1000,
            fwd_cnt: 0,
        };
        self.send_header(header, data);
    }

    fn send_header(&mut self, header: Header, data: &[u8]) {
        self.driver.put(DATA, &[&header.bytes()[..], data].concat());
        self.driver.request(1, &[(DATA, 44 + data.len() as u32, 0)]);
        self.used(1);
    }

    /// Offers a buffer and waits for a packet in it.
    fn receive(&mut self, room: u32) -> (Header, Vec<u8>) {
        let at = DATA + 0x4_0000;
        self.driver.request(0, &[(at, room, WRITE)]);
        let written = self.used(0) as usize;
        let bytes = self.driver.get(at, written);
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        let header = Header {
            src_cid: word(0).into(),
            dst_cid: word(8).into(),
            src_port: word(16),
            dst_port: word(20),
            len: word(24),
            kind: word(28) as u16,
            op: (word(28) >> 16) as u16,
            flags: word(32),
            buf_alloc: word(36),
            fwd_cnt: word(40),
        };
        assert_eq!((header.src_cid, header.dst_cid, header.kind), (2, CID, STREAM));
        assert_eq!(header.len as usize, written - 44);
        (header, bytes[44..].to_vec())
    }

    /// A connection from the guest to port 80.
    fn connected(&mut self) -> UnixStream {
        let listener = self.listen(80);
        self.send(op::REQUEST, (80, 5), 0, b"");
        assert_eq!(self.receive(100).0.op, op::RESPONSE);
        let stream = listener.accept().unwrap().0;
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream
    }
}

#[test]
fn the_guest_reaches_a_program_of_the_host() {
    let mut guest = Guest::new();
    assert_eq!(guest.driver.r(0x100), CID as u32);
    guest.send(op::REQUEST, (80, 5), 0, b"");
    assert_eq!(guest.receive(100).0.op, op::RST, "nobody is there");
    let mut host = guest.connected();
    guest.send(op::RW, (80, 5), 0, b"question");
    let mut bytes = [0; 8];
    host.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"question");
    host.write_all(b"answer").unwrap();
    let (header, data) = guest.receive(100);
    assert_eq!((header.op, header.src_port, header.dst_port, &data[..]), (op::RW, 80, 5, &b"answer"[..]));
    assert_eq!((header.fwd_cnt, header.buf_alloc), (8, BUFFER));
    // What is too long for a buffer comes in pieces.
    host.write_all(&[7; 30]).unwrap();
    assert_eq!([0; 3].map(|_| guest.receive(54).1.len()), [10; 3]);
    host.shutdown(std::net::Shutdown::Write).unwrap();
    let (header, _) = guest.receive(100);
    assert_eq!((header.op, header.flags), (op::SHUTDOWN, NO_SEND));
    guest.send(op::RW, (80, 5), 0, b"still");
    host.read_exact(&mut bytes[..5]).unwrap();
    guest.send(op::SHUTDOWN, (80, 5), NO_RECEIVE | NO_SEND, b"");
    assert_eq!(guest.receive(100).0.op, op::RST);
    assert_eq!(host.read(&mut bytes).unwrap(), 0);
}

#[test]
fn the_host_reaches_a_program_of_the_guest() {
    let mut guest = Guest::new();
    let mut host = guest.host();
    host.write_all(b"CONNECT 1234\nearly").unwrap();
    let (header, _) = guest.receive(100);
    assert_eq!((header.op, header.dst_port, header.src_port), (op::REQUEST, 1234, 1 << 30));
    let ports = (header.src_port, 1234);
    guest.send(op::RESPONSE, ports, 0, b"");
    let mut line = String::new();
    BufReader::new(&host).read_line(&mut line).unwrap();
    assert_eq!(line, "OK 1073741824\n");
    assert_eq!(guest.receive(100).1, b"early");
    guest.send(op::RST, ports, 0, b"");
    assert_eq!(host.read(&mut [0]).unwrap(), 0);
    for line in ["CONNECT x\n", "HELLO\n", "CONNECT 1\u{7}\n", &"C".repeat(100)] {
        let mut host = guest.host();
        host.write_all(line.as_bytes()).unwrap();
        // Bytes that nobody has read make the end an error.
        assert!(matches!(host.read(&mut [0]), Ok(0) | Err(_)), "{line:?}");
    }
}

#[test]
fn nobody_gets_more_than_there_is_room_for() {
    let mut guest = Guest::new();
    let mut host = guest.connected();
    host.write_all(&[1; 3000]).unwrap();
    let mut got = 0;
    while got < 1000 {
        let (header, data) = guest.receive(400);
        assert_eq!(header.op, op::RW);
        got += data.len();
    }
    assert_eq!(got, 1000);
    assert_eq!(guest.receive(400).0.op, op::CREDIT_REQUEST);
    let header = Header {
        src_cid: CID,
        dst_cid: 2,
        src_port: 5,
        dst_port: 80,
        kind: STREAM,
        op: op::CREDIT_UPDATE,
        buf_alloc: 1000,
        fwd_cnt: 1000,
        ..Header::default()
    };
    guest.send_header(header, b"");
    assert_eq!(guest.receive(4000).1.len(), 1000);
    // The host's program reads nothing: beyond the buffer the guest breaks the rules.
    for _ in 0..100 {
        guest.send(op::RW, (80, 5), 0, &[0; 4096]);
    }
    let mut last = guest.receive(100).0;
    while last.op == op::CREDIT_UPDATE {
        last = guest.receive(100).0;
    }
    assert_eq!(last.op, op::RST);
}

#[test]
fn what_the_guest_has_sent_arrives_whatever_becomes_of_the_guest() {
    let ends: [fn(Guest) -> Option<Guest>; 3] = [
        |mut guest| {
            guest.send(op::RST, (80, 5), 0, b"");
            Some(guest)
        },
        |guest| {
            guest.driver.w(virtio_bindings::virtio_mmio::VIRTIO_MMIO_STATUS, 0);
            Some(guest)
        },
        |_| None,
    ];
    for end in ends {
        let mut guest = Guest::new();
        let mut host = guest.connected();
        let packet = |n: usize| [n as u8; 4096];
        (0..PACKETS).for_each(|n| guest.send(op::RW, (80, 5), 0, &packet(n)));
        let reader = std::thread::spawn(move || {
            // By then the guest has ended, mostly.
            std::thread::sleep(Duration::from_millis(50));
            let mut all = Vec::new();
            host.read_to_end(&mut all).unwrap();
            all
        });
        let _guest = end(guest);
        assert!(reader.join().unwrap() == (0..PACKETS).flat_map(packet).collect::<Vec<_>>());
    }
}

#[test]
fn packets_that_make_no_sense_are_answered_or_dropped() {
    let mut guest = Guest::new();
    for wrong in [op::RESPONSE, op::RW, op::SHUTDOWN, op::CREDIT_UPDATE, op::CREDIT_REQUEST, 77] {
        guest.send(wrong, (80, 5), 0, b"");
        assert_eq!(guest.receive(100).0.op, op::RST, "{wrong}");
    }
    let stranger = Header { src_cid: 4, dst_cid: 2, kind: STREAM, op: op::REQUEST, ..Header::default() };
    guest.send_header(stranger, b"");
    let _host = guest.connected();
    guest.send(op::REQUEST, (80, 5), 0, b"");
    assert_eq!(guest.receive(100).0.op, op::RST, "one connection for a pair of ports");
    guest.driver.request(1, &[(DATA, 20, 0)]);
    let start = Instant::now();
    while !guest.driver.needs_reset() {
        assert!(start.elapsed() < LIMIT, "a short packet passes");
    }
}

#[test]
fn a_reset_ends_all_connections_and_a_dead_socket_is_in_nobodys_way() {
    let mut guest = Guest::new();
    let mut host = guest.connected();
    guest.driver.w(virtio_bindings::virtio_mmio::VIRTIO_MMIO_STATUS, 0);
    assert_eq!(host.read(&mut [0]).unwrap(), 0);
    let path = guest.dir.path().join("s");
    assert!(Vsock::new(3, &path).is_err(), "it is in use");
    let Guest { driver, dir } = guest;
    drop(driver);
    assert!(!path.exists());
    drop(UnixListener::bind(&path).unwrap());
    drop(Vsock::new(3, &path).unwrap());
    std::fs::write(&path, "no socket").unwrap();
    assert!(Vsock::new(3, &path).is_err());
    drop(dir);
}
