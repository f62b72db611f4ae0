//! Integers, strings and qids as messages have them: little-endian, strings with their length in front.

use rustix::io::Errno;

/// What requests end in: an error number as Linux has it on nearly every architecture.
pub type Result<T> = std::result::Result<T, Errno>;

/// Bytes of a message before its body: size, type, tag.
pub const HEADER: usize = 7;

/// A request, read from the front. One that ends too early is EBADMSG.
pub struct Input<'a>(pub &'a [u8]);

impl<'a> Input<'a> {
    pub fn bytes(&mut self, count: usize) -> Result<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(count).ok_or(Errno::BADMSG)?;
        self.0 = rest;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(Errno::BADMSG)?;
        self.0 = rest;
        Ok(*bytes)
    }

    pub fn u8(&mut self) -> Result<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub fn u16(&mut self) -> Result<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub fn u32(&mut self) -> Result<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub fn u64(&mut self) -> Result<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// A string without NUL bytes.
    pub fn string(&mut self) -> Result<&'a [u8]> {
        let len = self.u16()?;
        let bytes = self.bytes(len.into())?;
        if bytes.contains(&0) { Err(Errno::INVAL) } else { Ok(bytes) }
    }

    /// One component of a path, which is neither `.` nor `..`.
    pub fn name(&mut self) -> Result<&'a [u8]> {
        let name = self.string()?;
        match name {
            b"" | b"." | b".." => Err(Errno::INVAL),
            _ if name.contains(&b'/') => Err(Errno::INVAL),
            _ => Ok(name),
        }
    }
}

/// What a file is: the type bits of its qid, a number that changes with it, and one that no other file of the share has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Qid {
    pub kind: u8,
    pub version: u32,
    pub path: u64,
}

/// A reply under construction, in a buffer of fixed length. What doesn't fit is EMSGSIZE.
pub struct Output<'a> {
    buffer: &'a mut [u8],
    len: usize,
}

impl<'a> Output<'a> {
    /// Leaves room for the header.
    pub fn new(buffer: &'a mut [u8]) -> Self {
        Self { buffer, len: HEADER }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    /// Back to an empty body.
    pub fn clear(&mut self) {
        self.len = HEADER;
    }

    /// Bytes that still fit.
    pub fn room(&self) -> usize {
        self.buffer.len().saturating_sub(self.len)
    }

    pub fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        let to = self.buffer.get_mut(self.len..self.len + bytes.len()).ok_or(Errno::MSGSIZE)?;
        to.copy_from_slice(bytes);
        self.len += bytes.len();
        Ok(())
    }

    pub fn u8(&mut self, value: u8) -> Result<()> {
        self.bytes(&[value])
    }

    pub fn u16(&mut self, value: u16) -> Result<()> {
        self.bytes(&value.to_le_bytes())
    }

    pub fn u32(&mut self, value: u32) -> Result<()> {
        self.bytes(&value.to_le_bytes())
    }

    pub fn u64(&mut self, value: u64) -> Result<()> {
        self.bytes(&value.to_le_bytes())
    }

    pub fn string(&mut self, bytes: &[u8]) -> Result<()> {
        self.u16(u16::try_from(bytes.len()).map_err(|_| Errno::MSGSIZE)?)?;
        self.bytes(bytes)
    }

    pub fn qid(&mut self, qid: Qid) -> Result<()> {
        self.u8(qid.kind)?;
        self.u32(qid.version)?;
        self.u64(qid.path)
    }

    /// A counted piece of at most `count` bytes, of which `fill` says how many it wrote.
    pub fn counted(&mut self, count: u32, fill: impl FnOnce(&mut [u8]) -> Result<usize>) -> Result<()> {
        let at = self.len + 4;
        let count = (count as usize).min(self.buffer.len().checked_sub(at).ok_or(Errno::MSGSIZE)?);
        let done = fill(&mut self.buffer[at..at + count])?;
        self.u32(done as u32)?;
        self.len += done;
        Ok(())
    }

    /// Writes the header; the length of the message.
    pub fn seal(self, kind: u8, tag: u16) -> usize {
        self.buffer[..4].copy_from_slice(&(self.len as u32).to_le_bytes());
        self.buffer[4] = kind;
        self.buffer[5..7].copy_from_slice(&tag.to_le_bytes());
        self.len
    }
}
