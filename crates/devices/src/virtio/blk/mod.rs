//! Block device (5.2): a disk in sectors of 512 bytes, several queues, flush, discard, write zeroes.
//!
//! Data goes between the image and the driver's buffers directly. What the host can't do (a full file system, a
//! failing device) is an I/O error of that request. A driver that has not accepted VIRTIO_BLK_F_FLUSH gets a disk
//! whose writes are on stable storage when they complete (5.2.6.2).

mod request;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::sync::Arc;

use armlet_disk::{Disk, SECTOR};
use virtio_bindings::virtio_blk::*;
use virtio_bindings::virtio_ids::VIRTIO_ID_BLOCK;

use super::{Broken, Request, VirtioDevice, Virtqueue};
use request::Header;

/// Elements of each queue.
const QUEUE_SIZE: u16 = 256;
/// Descriptors that a request has besides its data.
const OVERHEAD: u32 = 2;
/// The most sectors of one range to discard or zero: 2 GiB less a sector.
const RANGE_SECTORS: u32 = 0x3f_ffff;
/// The most ranges of one such request.
const RANGES: u32 = 64;
/// Bytes of a range to discard or zero: sector, count, flags.
const RANGE_LEN: usize = 16;
/// The most bytes that a vCPU reads or writes itself: what is longer, others had better do meanwhile.
const SHORT: usize = 64 << 10;
/// Requests of a queue that are in the host's hands at a time: what an SSD has use for.
const AT_A_TIME: usize = 16;
/// Bytes of the serial number.
pub const SERIAL_LEN: usize = VIRTIO_BLK_ID_BYTES as usize;

/// A disk.
pub struct Blk {
    disk: Arc<dyn Disk>,
    serial: [u8; SERIAL_LEN],
    queues: Vec<u16>,
    config: Vec<u8>,
}

impl Blk {
    /// The device for `disk`, with `queues` queues. The serial number is cut after [`SERIAL_LEN`] bytes.
    pub fn new(disk: Arc<dyn Disk>, serial: &str, queues: u16) -> Self {
        let mut id = [0; SERIAL_LEN];
        for (to, from) in id.iter_mut().zip(serial.bytes()) {
            *to = from;
        }
        let config = configuration(disk.size() / SECTOR, queues);
        Self { disk, serial: id, queues: vec![QUEUE_SIZE; queues.into()], config }
    }

    /// True of a request that the host does from memory, as a rule.
    fn is_quick(&self, features: u64, request: &Request) -> bool {
        let mut kind = [0; 4];
        request.readable.copy_to(&mut kind);
        match u32::from_le_bytes(kind) {
            VIRTIO_BLK_T_IN => request.writable.len() <= SHORT,
            VIRTIO_BLK_T_OUT => request.readable.len() <= SHORT && features & 1 << VIRTIO_BLK_F_FLUSH != 0,
            kind => kind == VIRTIO_BLK_T_GET_ID,
        }
    }

    /// Does what a request asks for; its status and the bytes written before it.
    fn perform(&self, features: u64, header: Header, request: &Request) -> (u32, usize) {
        let done = match header.kind {
            VIRTIO_BLK_T_IN => {
                return match self.read(header.sector, request) {
                    Ok(()) => (VIRTIO_BLK_S_OK, request.writable.len()),
                    Err(status) => (status, 0),
                };
            }
            VIRTIO_BLK_T_GET_ID => return (VIRTIO_BLK_S_OK, request.writable.copy_from(&self.serial)),
            VIRTIO_BLK_T_OUT => self.write(header.sector, request),
            VIRTIO_BLK_T_FLUSH => status(if self.disk.read_only() { Ok(()) } else { self.disk.flush() }),
            VIRTIO_BLK_T_DISCARD | VIRTIO_BLK_T_WRITE_ZEROES => self.ranges(header.kind, request),
            _ => Err(VIRTIO_BLK_S_UNSUPP),
        };
        let writes = header.kind == VIRTIO_BLK_T_OUT || header.kind == VIRTIO_BLK_T_WRITE_ZEROES;
        let through = writes && features & 1 << VIRTIO_BLK_F_FLUSH == 0;
        let done = done.and_then(|()| if through { status(self.disk.flush()) } else { Ok(()) });
        (done.err().unwrap_or(VIRTIO_BLK_S_OK), 0)
    }

    fn read(&self, sector: u64, request: &Request) -> Result<(), u32> {
        let offset = self.within(sector, request.writable.len() as u64)?;
        status(self.disk.read(offset, request.writable.slices()))
    }

    fn write(&self, sector: u64, request: &Request) -> Result<(), u32> {
        self.writable()?;
        let offset = self.within(sector, request.readable.len() as u64)?;
        status(self.disk.write(offset, request.readable.slices()))
    }

    /// Discards or zeroes ranges (5.2.6.2).
    fn ranges(&self, kind: u32, request: &Request) -> Result<(), u32> {
        self.writable()?;
        let mut bytes = [0; RANGE_LEN * RANGES as usize];
        if request.readable.len() > bytes.len() || !request.readable.len().is_multiple_of(RANGE_LEN) {
            return Err(VIRTIO_BLK_S_IOERR);
        }
        let count = request.readable.copy_to(&mut bytes);
        for range in bytes[..count].as_chunks::<RANGE_LEN>().0 {
            let (sector, sectors, flags) = request::range(range);
            let unmap = flags & VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP != 0;
            if flags & !VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP != 0 || (unmap && kind == VIRTIO_BLK_T_DISCARD) {
                return Err(VIRTIO_BLK_S_UNSUPP);
            }
            if sectors > RANGE_SECTORS {
                return Err(VIRTIO_BLK_S_IOERR);
            }
            let len = u64::from(sectors) * SECTOR;
            let offset = self.within(sector, len)?;
            if len == 0 {
                continue;
            }
            status(match kind {
                VIRTIO_BLK_T_DISCARD => self.disk.discard(offset, len),
                _ => self.disk.write_zeroes(offset, len, unmap),
            })?;
        }
        Ok(())
    }

    fn writable(&self) -> Result<(), u32> {
        if self.disk.read_only() { Err(VIRTIO_BLK_S_IOERR) } else { Ok(()) }
    }

    /// The offset in bytes of `len` bytes at `sector`, if they are whole sectors of the disk.
    fn within(&self, sector: u64, len: u64) -> Result<u64, u32> {
        let size = self.disk.size();
        let offset = sector.checked_mul(SECTOR).filter(|offset| *offset <= size && len <= size - offset);
        offset.filter(|_| len.is_multiple_of(SECTOR)).ok_or(VIRTIO_BLK_S_IOERR)
    }
}

fn status(result: std::io::Result<()>) -> Result<(), u32> {
    result.map_err(|_| VIRTIO_BLK_S_IOERR)
}

impl VirtioDevice for Blk {
    fn id(&self) -> u32 {
        VIRTIO_ID_BLOCK
    }

    fn features(&self) -> u64 {
        let always = 1 << VIRTIO_BLK_F_SEG_MAX | 1 << VIRTIO_BLK_F_BLK_SIZE;
        let write = 1 << VIRTIO_BLK_F_FLUSH | 1 << VIRTIO_BLK_F_DISCARD | 1 << VIRTIO_BLK_F_WRITE_ZEROES;
        let queues = if self.queues.len() > 1 { 1 << VIRTIO_BLK_F_MQ } else { 0 };
        always | queues | if self.disk.read_only() { 1 << VIRTIO_BLK_F_RO } else { write }
    }

    fn queue_sizes(&self) -> &[u16] {
        &self.queues
    }

    fn config(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.config)
    }

    fn at_a_time(&self) -> usize {
        AT_A_TIME
    }

    fn notified_by_vcpu(&self, queue: &Virtqueue) -> bool {
        let quick = |request: &Request<'_>| self.is_quick(queue.features(), request);
        queue.serve_at_once(quick, |request| self.serve(queue, request))
    }

    fn serve(&self, queue: &Virtqueue, mut request: Request) -> Result<u32, Broken> {
        let header = Header::take(&mut request)?;
        let room = request.writable.len().checked_sub(1);
        let answer = room.and_then(|data| request.writable.split_off(data));
        let answer = answer.ok_or(Broken("a block request has no room for its status"))?;
        let (status, written) = self.perform(queue.features(), header, &request);
        answer.copy_from(&[status as u8]);
        // Everything up to the status counts as written only if it is (2.7.8).
        let whole = written == request.writable.len();
        Ok(if whole { written as u32 + 1 } else { written as u32 })
    }
}

/// The configuration space (5.2.4).
fn configuration(capacity: u64, queues: u16) -> Vec<u8> {
    let mut config = vec![0; 60];
    let mut put = |at: usize, bytes: &[u8]| config[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &capacity.to_le_bytes());
    put(12, &(u32::from(QUEUE_SIZE) - OVERHEAD).to_le_bytes());
    put(20, &(SECTOR as u32).to_le_bytes());
    put(34, &queues.to_le_bytes());
    // Sectors and ranges of a request to discard, and its alignment in sectors.
    put(36, &RANGE_SECTORS.to_le_bytes());
    put(40, &RANGES.to_le_bytes());
    put(44, &1u32.to_le_bytes());
    // The same to write zeros, which may give storage back.
    put(48, &RANGE_SECTORS.to_le_bytes());
    put(52, &RANGES.to_le_bytes());
    put(56, &[1]);
    config
}
