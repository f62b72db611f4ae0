//! Packets (5.10.6): a header, and data behind it.

use crate::virtio::{Broken, Request};

/// Context id of the host.
pub const HOST_CID: u64 = 2;
/// The only type of socket that there is here: a stream.
pub const STREAM: u16 = 1;

/// What a packet is for.
pub mod op {
    pub const REQUEST: u16 = 1;
    pub const RESPONSE: u16 = 2;
    pub const RST: u16 = 3;
    pub const SHUTDOWN: u16 = 4;
    pub const RW: u16 = 5;
    pub const CREDIT_UPDATE: u16 = 6;
    pub const CREDIT_REQUEST: u16 = 7;
}

/// Flags of SHUTDOWN: who sends it receives no more.
pub const NO_RECEIVE: u32 = 1;
/// Who sends it sends no more.
pub const NO_SEND: u32 = 2;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    pub src_cid: u64,
    pub dst_cid: u64,
    pub src_port: u32,
    pub dst_port: u32,
    pub len: u32,
    pub kind: u16,
    pub op: u16,
    pub flags: u32,
    pub buf_alloc: u32,
    pub fwd_cnt: u32,
}

impl Header {
    pub const LEN: usize = 44;

    /// Takes the header off the front of a request.
    pub fn take(request: &mut Request) -> Result<Self, Broken> {
        let header = request.readable.split_front(Self::LEN);
        let header = header.ok_or(Broken("a vsock packet is shorter than its header"))?;
        let mut bytes = [0; Self::LEN];
        header.copy_to(&mut bytes);
        let word = |at: usize| bytes[at..].first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
        let wide = |at: usize| u64::from(word(at)) | u64::from(word(at + 4)) << 32;
        Ok(Self {
            src_cid: wide(0),
            dst_cid: wide(8),
            src_port: word(16),
            dst_port: word(20),
            len: word(24),
            kind: word(28) as u16,
            op: (word(28) >> 16) as u16,
            flags: word(32),
            buf_alloc: word(36),
            fwd_cnt: word(40),
        })
    }

    pub fn bytes(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        bytes[..8].copy_from_slice(&self.src_cid.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.dst_cid.to_le_bytes());
        let kind = u32::from(self.kind) | u32::from(self.op) << 16;
        let words = [self.src_port, self.dst_port, self.len, kind, self.flags, self.buf_alloc, self.fwd_cnt];
        for (to, word) in bytes[16..].chunks_exact_mut(4).zip(words) {
            to.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }
}
