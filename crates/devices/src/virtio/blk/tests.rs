//! A disk in memory behind the device, and a driver in front of it.

use std::io;
use std::sync::{Arc, Mutex};

use armlet_disk::VolatileSlice;
use proptest::prelude::*;
use virtio_bindings::virtio_blk::*;
use virtio_bindings::virtio_mmio::VIRTIO_MMIO_DEVICE_FEATURES;

use super::*;
use crate::virtio::Service;
use crate::virtio::testing::*;

const SECTORS: u64 = 64;
const HEADER: u64 = DATA;
const BUFFER: u64 = DATA + 0x1000;
const STATUS: u64 = DATA + 0x800;
const FLUSH: u64 = 1 << VIRTIO_BLK_F_FLUSH;

/// What was done to a disk.
#[derive(Default)]
struct Log {
    bytes: Vec<u8>,
    flushes: usize,
    discarded: Vec<(u64, u64)>,
    fails: bool,
}

#[derive(Clone)]
struct Memory {
    log: Arc<Mutex<Log>>,
    read_only: bool,
}

impl Memory {
    fn new(read_only: bool) -> Self {
        let bytes = (0..SECTORS * SECTOR).map(|at| (at / SECTOR) as u8).collect();
        Self { log: Arc::new(Mutex::new(Log { bytes, ..Log::default() })), read_only }
    }

    fn act<T>(&self, act: impl FnOnce(&mut Log) -> T) -> io::Result<T> {
        let mut log = self.log.lock().unwrap();
        if log.fails { Err(io::ErrorKind::StorageFull.into()) } else { Ok(act(&mut log)) }
    }
}

impl Disk for Memory {
    fn size(&self) -> u64 {
        SECTORS * SECTOR
    }
    fn read_only(&self) -> bool {
        self.read_only
    }
    fn read(&self, offset: u64, into: &[VolatileSlice]) -> io::Result<()> {
        self.act(|log| {
            let mut at = offset as usize;
            for slice in into {
                slice.copy_from(&log.bytes[at..at + slice.len()]);
                at += slice.len();
            }
        })
    }
    fn write(&self, offset: u64, from: &[VolatileSlice]) -> io::Result<()> {
        self.act(|log| {
            let mut at = offset as usize;
            for slice in from {
                slice.copy_to(&mut log.bytes[at..at + slice.len()]);
                at += slice.len();
            }
        })
    }
    fn flush(&self) -> io::Result<()> {
        self.act(|log| log.flushes += 1)
    }
    fn discard(&self, offset: u64, len: u64) -> io::Result<()> {
        self.act(|log| log.discarded.push((offset, len)))
    }
    fn write_zeroes(&self, offset: u64, len: u64, _unmap: bool) -> io::Result<()> {
        self.act(|log| log.bytes[offset as usize..(offset + len) as usize].fill(0))
    }
}

struct Rig {
    driver: Driver,
    disk: Memory,
}

impl Rig {
    fn new(read_only: bool, features: u64) -> Self {
        let disk = Memory::new(read_only);
        let blk = Blk::new(Arc::new(disk.clone()), "serial", 2);
        Self { driver: Driver::started(blk, Service::Inline, features), disk }
    }

    /// Sends a request with these buffers between header and status; the status and the bytes written.
    fn ask(&mut self, kind: u32, sector: u64, data: &[(u64, u32, u16)]) -> (u8, u32) {
        self.driver.put(HEADER, &kind.to_le_bytes());
        self.driver.put(HEADER + 8, &sector.to_le_bytes());
        self.driver.put(STATUS, &[0xff]);
        let request = [&[(HEADER, 16, 0)][..], data, &[(STATUS, 1, WRITE)]].concat();
        self.driver.request(1, &request);
        let (_, written) = self.driver.used(1).expect("every request is answered");
        (self.driver.get(STATUS, 1)[0], written)
    }

    /// Discards or zeroes ranges of sector, count and flags.
    fn ranges(&mut self, kind: u32, ranges: &[(u64, u32, u32)]) -> u8 {
        let bytes: Vec<u8> = ranges
            .iter()
            .flat_map(|(sector, count, flags)| {
                [&sector.to_le_bytes()[..], &count.to_le_bytes(), &flags.to_le_bytes()].concat()
            })
            .collect();
        self.driver.put(BUFFER, &bytes);
        self.ask(kind, 0, &[(BUFFER, bytes.len() as u32, 0)]).0
    }
}

const OK: u8 = VIRTIO_BLK_S_OK as u8;
const IOERR: u8 = VIRTIO_BLK_S_IOERR as u8;
const UNSUPP: u8 = VIRTIO_BLK_S_UNSUPP as u8;

#[test]
fn sectors_go_both_ways() {
    let mut rig = Rig::new(false, FLUSH);
    assert_eq!(
        rig.ask(VIRTIO_BLK_T_IN, 3, &[(BUFFER, 512, WRITE), (BUFFER + 0x800, 1024, WRITE)]),
        (OK, 1537)
    );
    assert_eq!(rig.driver.get(BUFFER, 512), [3; 512]);
    assert_eq!(rig.driver.get(BUFFER + 0x800 + 512, 512), [5; 512]);
    rig.driver.put(BUFFER, &[0xaa; 1024]);
    assert_eq!(rig.ask(VIRTIO_BLK_T_OUT, 62, &[(BUFFER, 1000, 0), (BUFFER + 1000, 24, 0)]), (OK, 1));
    assert_eq!(rig.disk.log.lock().unwrap().bytes[62 * 512..], [0xaa; 1024]);
    assert_eq!(rig.disk.log.lock().unwrap().flushes, 0);
    assert_eq!(rig.ask(VIRTIO_BLK_T_FLUSH, 0, &[]), (OK, 1));
    assert_eq!(rig.disk.log.lock().unwrap().flushes, 1);
    assert_eq!(rig.ask(VIRTIO_BLK_T_GET_ID, 0, &[(BUFFER, 20, WRITE)]), (OK, 21));
    assert_eq!(rig.driver.get(BUFFER, 20), b"serial\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
}

#[test]
fn what_lies_outside_or_is_no_whole_sector_is_an_error() {
    let mut rig = Rig::new(false, FLUSH);
    for (sector, len) in [(64, 512), (63, 1024), (u64::MAX, 512), (1 << 55, 512), (0, 511), (0, 513)] {
        assert_eq!(rig.ask(VIRTIO_BLK_T_IN, sector, &[(BUFFER, len, WRITE)]), (IOERR, 0), "{sector}");
        assert_eq!(rig.ask(VIRTIO_BLK_T_OUT, sector, &[(BUFFER, len, 0)]).0, IOERR, "{sector}");
    }
    assert_eq!(rig.ask(99, 0, &[(BUFFER, 512, WRITE)]).0, UNSUPP);
    assert_eq!(rig.ask(VIRTIO_BLK_T_IN, 64, &[]), (OK, 1), "nothing, at the end");
}

#[test]
fn requests_without_header_or_status_stop_the_device() {
    for buffers in [&[(HEADER, 16, 0)][..], &[(HEADER, 15, 0), (STATUS, 1, WRITE)], &[(STATUS, 1, WRITE)]] {
        let mut rig = Rig::new(false, FLUSH);
        rig.driver.request(0, buffers);
        assert!(rig.driver.needs_reset() && rig.driver.used(0).is_none());
    }
}

#[test]
fn a_header_in_pieces_is_one() {
    let mut rig = Rig::new(false, FLUSH);
    rig.driver.put(HEADER, &[0; 16]);
    rig.driver.put(HEADER + 8, &[7]);
    let pieces = [(HEADER, 3, 0), (HEADER + 3, 13, 0), (BUFFER, 100, WRITE), (BUFFER + 100, 413, WRITE)];
    rig.driver.request(0, &pieces);
    assert_eq!(rig.driver.used(0), Some((0, 513)));
    assert_eq!(rig.driver.get(BUFFER, 513), [&[7; 512][..], &[0]].concat());
}

#[test]
fn ranges_are_discarded_and_zeroed() {
    let mut rig = Rig::new(false, FLUSH);
    assert_eq!(rig.ranges(VIRTIO_BLK_T_DISCARD, &[(1, 2, 0), (10, 0, 0), (62, 2, 0)]), OK);
    assert_eq!(rig.disk.log.lock().unwrap().discarded, [(512, 1024), (62 * 512, 1024)]);
    assert_eq!(rig.ranges(VIRTIO_BLK_T_WRITE_ZEROES, &[(5, 1, 0), (7, 1, 1)]), OK);
    let bytes = rig.disk.log.lock().unwrap().bytes.clone();
    assert_eq!([4, 5, 6, 7, 8].map(|sector| bytes[sector * 512]), [4, 0, 6, 0, 8]);
    for kind in [VIRTIO_BLK_T_DISCARD, VIRTIO_BLK_T_WRITE_ZEROES] {
        assert_eq!(rig.ranges(kind, &[(63, 2, 0)]), IOERR);
        assert_eq!(rig.ranges(kind, &[(u64::MAX, 1, 0)]), IOERR);
        assert_eq!(rig.ranges(kind, &[(0, u32::MAX, 0)]), IOERR);
        assert_eq!(rig.ranges(kind, &[(0, 1, 2)]), UNSUPP);
        assert_eq!(rig.ranges(kind, &[(0, 1, 0); 65]), IOERR);
        assert_eq!(rig.ask(kind, 0, &[(BUFFER, 15, 0)]).0, IOERR);
    }
    assert_eq!(rig.ranges(VIRTIO_BLK_T_DISCARD, &[(0, 1, 1)]), UNSUPP);
}

#[test]
fn a_failing_host_is_an_error_of_each_request() {
    let mut rig = Rig::new(false, FLUSH);
    rig.disk.log.lock().unwrap().fails = true;
    assert_eq!(rig.ask(VIRTIO_BLK_T_IN, 0, &[(BUFFER, 512, WRITE)]), (IOERR, 0));
    assert_eq!(rig.ask(VIRTIO_BLK_T_OUT, 0, &[(BUFFER, 512, 0)]).0, IOERR);
    assert_eq!(rig.ask(VIRTIO_BLK_T_FLUSH, 0, &[]).0, IOERR);
    assert_eq!(rig.ranges(VIRTIO_BLK_T_DISCARD, &[(0, 1, 0)]), IOERR);
    rig.disk.log.lock().unwrap().fails = false;
    assert_eq!(rig.ask(VIRTIO_BLK_T_IN, 0, &[(BUFFER, 512, WRITE)]).0, OK);
    assert!(!rig.driver.needs_reset());
}

#[test]
fn a_read_only_disk_says_so_and_takes_no_writes() {
    let mut rig = Rig::new(true, 0);
    let features = rig.driver.r(VIRTIO_MMIO_DEVICE_FEATURES);
    assert_eq!(features >> VIRTIO_BLK_F_RO & 1, 1);
    assert_eq!(features & (1 << VIRTIO_BLK_F_DISCARD | 1 << VIRTIO_BLK_F_WRITE_ZEROES), 0);
    assert_eq!(rig.ask(VIRTIO_BLK_T_OUT, 0, &[(BUFFER, 512, 0)]).0, IOERR);
    assert_eq!(rig.ranges(VIRTIO_BLK_T_WRITE_ZEROES, &[(0, 1, 0)]), IOERR);
    assert_eq!(rig.ask(VIRTIO_BLK_T_FLUSH, 0, &[]).0, OK);
    assert_eq!(rig.disk.log.lock().unwrap().bytes, Memory::new(true).log.lock().unwrap().bytes);
}

#[test]
fn without_flush_writes_are_stable_when_they_complete() {
    let mut rig = Rig::new(false, 0);
    assert_eq!(rig.ask(VIRTIO_BLK_T_OUT, 0, &[(BUFFER, 512, 0)]).0, OK);
    assert_eq!(rig.ranges(VIRTIO_BLK_T_WRITE_ZEROES, &[(0, 1, 0)]), OK);
    assert_eq!(rig.ask(VIRTIO_BLK_T_IN, 0, &[(BUFFER, 512, WRITE)]).0, OK);
    assert_eq!(rig.disk.log.lock().unwrap().flushes, 2);
}

#[test]
fn the_configuration_is_laid_out_as_the_specification_has_it() {
    let config = configuration(0x1234_5678_9abc, 3);
    // The bindings' structure, read as bytes, says where each field is.
    let at = |offset: usize, len: usize| {
        config[offset..offset + len].iter().rev().fold(0u64, |value, byte| value << 8 | u64::from(*byte))
    };
    use std::mem::offset_of;
    type Config = virtio_blk_config;
    assert_eq!(at(offset_of!(Config, capacity), 8), 0x1234_5678_9abc);
    assert_eq!(at(offset_of!(Config, seg_max), 4), 254);
    assert_eq!(at(offset_of!(Config, blk_size), 4), 512);
    assert_eq!(at(offset_of!(Config, num_queues), 2), 3);
    assert_eq!(at(offset_of!(Config, max_discard_sectors), 4), u64::from(RANGE_SECTORS));
    assert_eq!(at(offset_of!(Config, max_discard_seg), 4), u64::from(RANGES));
    assert_eq!(at(offset_of!(Config, discard_sector_alignment), 4), 1);
    assert_eq!(at(offset_of!(Config, max_write_zeroes_sectors), 4), u64::from(RANGE_SECTORS));
    assert_eq!(at(offset_of!(Config, max_write_zeroes_seg), 4), u64::from(RANGES));
    assert_eq!(at(offset_of!(Config, write_zeroes_may_unmap), 1), 1);
}

proptest! {
    /// A model of a disk and the device agree on any sequence of requests.
    #[test]
    fn any_requests_leave_the_disk_as_a_model_says(
        requests in proptest::collection::vec((0..3_u8, 0..70_u64, 0..6_u32, any::<u8>()), 1..40)
    ) {
        let mut rig = Rig::new(false, FLUSH);
        let mut model = rig.disk.log.lock().unwrap().bytes.clone();
        for (kind, sector, count, byte) in requests {
            let (from, len) = ((sector * SECTOR) as usize, count as usize * SECTOR as usize);
            let fits = from + len <= model.len();
            rig.driver.put(BUFFER, &vec![byte; len]);
            let expected = if fits { OK } else { IOERR };
            match kind {
                0 => {
                    let (status, _) = rig.ask(VIRTIO_BLK_T_IN, sector, &[(BUFFER, len as u32, WRITE)]);
                    prop_assert_eq!(status, expected);
                    if fits {
                        prop_assert_eq!(&rig.driver.get(BUFFER, len)[..], &model[from..from + len]);
                    }
                }
                1 => {
                    prop_assert_eq!(rig.ask(VIRTIO_BLK_T_OUT, sector, &[(BUFFER, len as u32, 0)]).0, expected);
                    if fits {
                        model[from..from + len].fill(byte);
                    }
                }
                _ => {
                    prop_assert_eq!(rig.ranges(VIRTIO_BLK_T_WRITE_ZEROES, &[(sector, count, 1)]), expected);
                    if fits {
                        model[from..from + len].fill(0);
                    }
                }
            }
        }
        prop_assert_eq!(&rig.disk.log.lock().unwrap().bytes, &model);
    }
}
