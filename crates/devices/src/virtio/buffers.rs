//! The buffers of a request: pieces of guest memory, checked before anything is done with them.

use armlet_base::GuestRam;
use vm_memory::{GuestMemory, Permissions, VolatileSlice};

use super::device::Broken;
use super::queue::DescriptorChain;

/// Bytes of guest memory in order. The guest may change them at any time.
#[derive(Default)]
pub struct Buffers<'a> {
    slices: Vec<VolatileSlice<'a>>,
    len: usize,
}

impl<'a> Buffers<'a> {
    fn push(&mut self, slice: VolatileSlice<'a>) {
        self.len += slice.len();
        self.slices.push(slice);
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True without a byte.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The pieces, none of them empty.
    pub fn slices(&self) -> &[VolatileSlice<'a>] {
        &self.slices
    }

    /// Cuts the first `count` bytes off and returns them; `None` if there are fewer.
    pub fn split_front(&mut self, count: usize) -> Option<Self> {
        let rest = self.split_off(count)?;
        Some(std::mem::replace(self, rest))
    }

    /// Cuts off what follows the first `count` bytes and returns it; `None` if there are fewer.
    pub fn split_off(&mut self, count: usize) -> Option<Self> {
        let rest_len = self.len.checked_sub(count)?;
        let (mut index, mut before) = (0, 0);
        while index < self.slices.len() && before + self.slices[index].len() <= count {
            before += self.slices[index].len();
            index += 1;
        }
        let mut rest = self.slices.split_off(index);
        if count > before {
            self.slices.push(rest[0].subslice(0, count - before).ok()?);
            rest[0] = rest[0].offset(count - before).ok()?;
        }
        self.len = count;
        Some(Self { slices: rest, len: rest_len })
    }

    /// Copies bytes from the front to `out`; returns how many.
    pub fn copy_to(&self, out: &mut [u8]) -> usize {
        self.slices.iter().fold(0, |done, slice| done + slice.copy_to(&mut out[done..]))
    }

    /// Copies `data` to the front; returns how many bytes fitted.
    pub fn copy_from(&self, data: &[u8]) -> usize {
        let mut done = 0;
        for slice in &self.slices {
            let count = slice.len().min(data.len() - done);
            slice.copy_from(&data[done..done + count]);
            done += count;
        }
        done
    }
}

/// What a driver has put into a queue: what the device reads, and where it writes.
#[derive(Default)]
pub struct Request<'a> {
    /// Bytes for the device.
    pub readable: Buffers<'a>,
    /// Room for its answer.
    pub writable: Buffers<'a>,
}

impl<'a> Request<'a> {
    /// Collects the buffers of a chain.
    ///
    /// # Errors
    /// The chain is empty, endless or cut short, a writable buffer comes before a readable one (2.7.4.2), or a buffer
    /// lies where no memory is.
    pub(super) fn gather(ram: &'a GuestRam, chain: DescriptorChain<&'a GuestRam>) -> Result<Self, Broken> {
        let mut request = Self::default();
        let mut ended = false;
        for descriptor in chain {
            let writable = descriptor.is_write_only();
            if !writable && !request.writable.is_empty() {
                return Err(Broken("a readable buffer follows a writable one"));
            }
            let (into, access) = match writable {
                true => (&mut request.writable, Permissions::Write),
                false => (&mut request.readable, Permissions::Read),
            };
            for slice in ram.get_slices(descriptor.addr(), descriptor.len() as usize, access)? {
                into.push(slice?);
            }
            ended = !descriptor.has_next();
        }
        // The iterator also ends where a chain loops, points outside its table or grows beyond all bounds.
        if ended { Ok(request) } else { Err(Broken("a descriptor chain has no end")) }
    }
}
