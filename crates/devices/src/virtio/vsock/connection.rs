//! One connection between a program of the guest and one of the host.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Instant;

use super::packet::{Header, NO_RECEIVE, NO_SEND};

/// Bytes from the guest that wait for the host's program.
pub const BUFFER: u32 = 128 << 10;

pub struct Connection {
    pub stream: Arc<UnixStream>,
    /// The guest has accepted it, or made it.
    pub established: bool,
    /// The stream has something to read, or has ended: it is looked at once the guest has room.
    pub readable: bool,
    /// The host's program sends no more, and the guest knows.
    pub ended: bool,
    /// Flags of SHUTDOWN that the guest has sent.
    pub shut: u32,
    /// The host's program takes no more: what the guest sends is dropped.
    deaf: bool,
    backlog: VecDeque<u8>,
    /// Bytes from the guest that have gone to the host, and how many it was told of.
    forwarded: u32,
    told: u32,
    /// Bytes sent to the guest, and what it says of its buffer.
    sent: u32,
    peer_alloc: u32,
    peer_forwarded: u32,
    /// The guest was asked for room.
    pub asked: bool,
}

impl Connection {
    pub fn new(stream: Arc<UnixStream>, established: bool) -> Self {
        Self {
            stream,
            established,
            readable: false,
            ended: false,
            shut: 0,
            deaf: false,
            backlog: VecDeque::new(),
            forwarded: 0,
            told: 0,
            sent: 0,
            peer_alloc: 0,
            peer_forwarded: 0,
            asked: false,
        }
    }

    /// Takes what every packet of the guest says of its buffer.
    pub fn learn(&mut self, header: &Header) {
        (self.peer_alloc, self.peer_forwarded) = (header.buf_alloc, header.fwd_cnt);
        self.asked = false;
    }

    /// Bytes that the guest has room for.
    pub fn credit(&self) -> u32 {
        self.peer_alloc.saturating_sub(self.sent.wrapping_sub(self.peer_forwarded))
    }

    /// Puts what the host says of its buffer into a packet.
    pub fn tell(&mut self, header: &mut Header) {
        (header.buf_alloc, header.fwd_cnt) = (BUFFER, self.forwarded);
        self.told = self.forwarded;
    }

    /// True if the guest should hear that there is room again.
    pub fn owes_credit(&self) -> bool {
        self.forwarded.wrapping_sub(self.told) >= BUFFER / 2
    }

    /// Takes data of the guest; false if it sends more than there is room for.
    pub fn take(&mut self, data: &[u8]) -> bool {
        let fits = data.len() <= BUFFER as usize - self.backlog.len();
        match (fits, self.deaf) {
            (true, true) => self.forwarded = self.forwarded.wrapping_add(data.len() as u32),
            (true, false) => self.backlog.extend(data),
            (false, _) => {}
        }
        fits
    }

    /// The host's program can't be written to any more; it may still have something for the guest.
    pub fn give_up_writing(&mut self) {
        self.forwarded = self.forwarded.wrapping_add(self.backlog.len() as u32);
        self.backlog.clear();
        (self.deaf, self.readable) = (true, true);
    }

    /// Writes as much of the backlog as goes. Once it is empty, ends what the guest has ended.
    pub fn flush(&mut self) -> io::Result<()> {
        while !self.backlog.is_empty() {
            match (&*self.stream).write(self.backlog.as_slices().0) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => {
                    self.backlog.drain(..count);
                    self.forwarded = self.forwarded.wrapping_add(count as u32);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        if self.shut & NO_SEND != 0 {
            // It may have gone already.
            let _ = self.stream.shutdown(Shutdown::Write);
        }
        Ok(())
    }

    /// Writes the backlog, waiting for the host's program until `deadline`.
    pub fn deliver(&mut self, deadline: Instant) {
        let mut waits = self.stream.set_nonblocking(false).is_ok();
        while waits && self.has_backlog() {
            let left = deadline.saturating_duration_since(Instant::now());
            waits =
                !left.is_zero() && self.stream.set_write_timeout(Some(left)).is_ok() && self.flush().is_ok();
        }
    }

    pub fn has_backlog(&self) -> bool {
        !self.backlog.is_empty()
    }

    /// True once the guest has ended both ways and the host has all that was sent.
    pub fn is_over(&self) -> bool {
        self.shut & (NO_RECEIVE | NO_SEND) == NO_RECEIVE | NO_SEND && self.backlog.is_empty()
    }

    /// Reads for the guest, as much as it has room for; `None` if there is nothing now, nothing at all at the end.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let most = buffer.len().min(self.credit() as usize);
        match (&*self.stream).read(&mut buffer[..most]) {
            Ok(count) => {
                self.sent = self.sent.wrapping_add(count as u32);
                Ok(Some(count))
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                self.readable = false;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// True if the stream is to be watched for something to read.
    pub fn wants_input(&self) -> bool {
        self.established && !self.readable && !self.ended && self.shut & NO_RECEIVE == 0
    }
}
