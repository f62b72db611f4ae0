//! What a hostile driver does, and what devices have behind them here.

use std::io;
use std::sync::{Arc, Mutex};

use armlet_disk::VolatileSlice;
use armlet_net::{Card, Header, Network, Offloads};
use proptest::prelude::*;

use super::front::{BUFFERS, QUEUES, RAM, RAM_LEN, SIZE, TABLES};

/// One thing that it does.
#[derive(Clone, Debug)]
pub enum Act {
    /// Writes a descriptor: into the table of a queue or, as a queue that isn't there, into an indirect one.
    Describe {
        queue: u64,
        index: u64,
        at: u64,
        len: u32,
        flags: u16,
        next: u16,
    },
    /// Writes the start of a request, or anything.
    Request {
        at: u64,
        bytes: Vec<u8>,
    },
    /// Writes anywhere in the rings.
    Scribble {
        at: u64,
        value: u16,
    },
    /// Offers so many chains at once, which all begin at `head`, and notifies.
    Offer {
        queue: u64,
        head: u16,
        count: u16,
    },
    /// Offers a chain that is well made: what the device reads, then where it writes, by places and lengths.
    Chain {
        queue: u64,
        readable: Vec<(u64, u32)>,
        writable: Vec<(u64, u32)>,
    },
    /// Offers a command to a network card.
    Command {
        queue: u64,
        bytes: Vec<u8>,
    },
    Register {
        offset: u64,
        size: u8,
        value: u64,
    },
    ReadRegister {
        offset: u64,
        size: u8,
    },
    ResetQueue {
        queue: u64,
    },
    Start {
        features: u64,
    },
}

/// Where a buffer is: where it may be, over the rings, over the end of memory, where nothing is.
fn place() -> impl Strategy<Value = u64> {
    prop_oneof![
        6 => (0..0x800_u64).prop_map(|n| BUFFERS + 16 * n),
        2 => (0..QUEUES * 0x1000).prop_map(|n| RAM + n),
        2 => (0..16_u64).prop_map(|n| TABLES + 16 * n),
        1 => (0..0x100_u64).prop_map(|n| RAM + RAM_LEN - n),
        1 => prop_oneof![Just(0), Just(RAM - 1), Just(u64::MAX), Just(u64::MAX - 0xfff), any::<u64>()],
    ]
}

fn len() -> impl Strategy<Value = u32> {
    prop_oneof![
        6 => prop_oneof![Just(1_u32), Just(12), Just(16), Just(44), Just(512), 0..0x900_u32],
        1 => prop_oneof![Just(0_u32), Just(0x2_0000), Just(0x8000_0000), Just(u32::MAX), any::<u32>()],
    ]
}

/// Beginnings of requests to disks, of frames, of 9P messages, of packets of a socket.
fn request() -> impl Strategy<Value = Vec<u8>> {
    let words = |words: Vec<u32>| words.iter().flat_map(|word| word.to_le_bytes()).collect();
    prop_oneof![
        (0..16_u32, prop_oneof![0..70_u32, any::<u32>()])
            .prop_map(move |(kind, sector)| words(vec![kind, 0, sector, 0])),
        (prop_oneof![0..64_u32, any::<u32>()], 96..=126_u8, any::<[u8; 9]>())
            .prop_map(|(len, kind, rest)| { [&len.to_le_bytes()[..], &[kind, 0, 0], &rest].concat() }),
        (0..9_u32, 0..3_u32, any::<[u32; 3]>()).prop_map(move |(op, port, [len, alloc, count])| {
            words(vec![3, 0, 2, 0, port, port, len & 0xfff, 1 | op << 16, 0, alloc, count])
        }),
        proptest::collection::vec(any::<u8>(), 0..64),
    ]
}

/// Commands to a network card: its pairs of queues, its address, others, too long or too short at times.
fn command() -> impl Strategy<Value = Vec<u8>> {
    let kind = prop_oneof![4 => Just([4, 0]), 2 => Just([1, 1]), 1 => any::<[u8; 2]>().prop_map(|kind| kind.map(|n| n % 6))];
    (kind, 0..4_u8, prop_oneof![6 => Just(2), 1 => 0..7_usize]).prop_map(|(kind, first, len)| {
        let len = if kind == [1, 1] && len == 2 { 6 } else { len };
        [&kind[..], &[first, 0, 2, 0, 0, 1, 0][..len]].concat()
    })
}

pub fn act() -> impl Strategy<Value = Act> {
    let size = || prop_oneof![6 => Just(4_u8), 1 => prop_oneof![Just(1_u8), Just(2), Just(8)]];
    // Most devices have one queue or two.
    let queue = || prop_oneof![0..2_u64, 0..QUEUES];
    let next = prop_oneof![6 => 0..SIZE, 1 => any::<u16>()];
    // More often than chance there is a next one, and the device may write.
    let flags = prop_oneof![Just(0_u16), Just(1), Just(1), Just(2), Just(3), Just(4), 0..8_u16];
    let buffers = |most| {
        let start = (0..16_u64).prop_map(|n| BUFFERS + 16 * n);
        let at = prop_oneof![8 => start, 1 => place()];
        let len = prop_oneof![8 => prop_oneof![Just(16_u32), Just(44), Just(512), 1..0x900_u32], 1 => len()];
        proptest::collection::vec((at, len), 0..most)
    };
    prop_oneof![
        20 => (queue(), buffers(3), buffers(3))
            .prop_map(|(queue, readable, writable)| Act::Chain { queue, readable, writable }),
        12 => (0..=QUEUES, 0..u64::from(SIZE), place(), len(), flags, next)
            .prop_map(|(queue, index, at, len, flags, next)| Act::Describe { queue, index, at, len, flags, next }),
        12 => (prop_oneof![Just(0), 0..16_u64], request()).prop_map(|(at, bytes)| Act::Request { at: 16 * at, bytes }),
        2 => (0..QUEUES * 0x800, any::<u16>()).prop_map(|(at, value)| Act::Scribble { at: 2 * at, value }),
        10 => (queue(), prop_oneof![8 => 0..SIZE, 1 => any::<u16>()], prop_oneof![6 => Just(1_u16), 1 => 0..SIZE, 1 => any::<u16>()])
            .prop_map(|(queue, head, count)| Act::Offer { queue, head, count }),
        4 => (prop_oneof![Just(2), Just(4), queue()], command()).prop_map(|(queue, bytes)| Act::Command { queue, bytes }),
        1 => (0..0x3100_u64, size(), prop_oneof![0..16_u64, any::<u64>()])
            .prop_map(|(offset, size, value)| Act::Register { offset, size, value }),
        1 => (0..0x3100_u64, size()).prop_map(|(offset, size)| Act::ReadRegister { offset, size }),
        1 => queue().prop_map(|queue| Act::ResetQueue { queue }),
        2 => any::<u64>().prop_map(|features| Act::Start { features }),
    ]
}

/// A disk of 32 KiB whose every access is within it.
pub struct Disk;

const DISK: u64 = 0x8000;

fn inside(offset: u64, len: u64) -> io::Result<()> {
    assert!(offset.checked_add(len).is_some_and(|end| end <= DISK), "{len} bytes at {offset}");
    Ok(())
}

fn all(slices: &[VolatileSlice]) -> u64 {
    slices.iter().map(|slice| slice.len() as u64).sum()
}

impl armlet_disk::Disk for Disk {
    fn size(&self) -> u64 {
        DISK
    }
    fn read_only(&self) -> bool {
        false
    }
    fn read(&self, offset: u64, into: &[VolatileSlice]) -> io::Result<()> {
        into.iter().for_each(|slice| slice.copy_from(&vec![0xa5_u8; slice.len()]));
        inside(offset, all(into))
    }
    fn write(&self, offset: u64, from: &[VolatileSlice]) -> io::Result<()> {
        inside(offset, all(from))
    }
    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
    fn discard(&self, offset: u64, len: u64) -> io::Result<()> {
        inside(offset, len)
    }
    fn write_zeroes(&self, offset: u64, len: u64, _: bool) -> io::Result<()> {
        inside(offset, len)
    }
}

/// A network that gives every frame back, cut or whole.
#[derive(Default)]
pub struct Mirror(Mutex<Option<Arc<dyn Card>>>);

impl Network for Mirror {
    fn attach(&self, card: Arc<dyn Card>) {
        *self.0.lock().unwrap() = Some(card);
    }
    fn offloads(&self) -> Offloads {
        Offloads { checksum: true, tcp4: true, tcp6: true }
    }
    fn send(&self, _: u16, header: &Header, frame: &[u8]) {
        assert!(frame.len() <= armlet_net::MAX_FRAME);
        let card = self.0.lock().unwrap().clone();
        if let Some(card) = card {
            card.deliver(header, frame);
        }
    }
}
