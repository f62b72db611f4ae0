//! Guest memory as devices reach it: `vm-memory`'s view of [`GuestRam`], without copies.
//!
//! A read-only region takes no writes of devices either. Loads and stores of aligned integers are atomic, as the
//! driver on the other side of a ring expects; buffers are volatile slices, which vCPUs may change meanwhile.
#![forbid(unsafe_code)]

use std::iter::FusedIterator;

use vm_memory::bitmap::BS;
use vm_memory::guest_memory::{Error, GuestMemorySliceIterator, Result};
use vm_memory::{GuestAddress, GuestMemory, GuestMemoryMmap, Permissions, VolatileSlice};

use crate::ram::{GuestRam, RamKind};

impl GuestMemory for GuestRam {
    /// Never handed out: [`GuestRam`] is no collection of regions with mappings of their own.
    type PhysicalMemory = GuestMemoryMmap;
    type Bitmap = ();

    fn check_range(&self, addr: GuestAddress, count: usize, access: Permissions) -> bool {
        Slices { ram: self, at: addr.0, left: count, access }.all(|slice| slice.is_ok())
    }

    fn get_slices<'a>(
        &'a self,
        addr: GuestAddress,
        count: usize,
        access: Permissions,
    ) -> Result<impl GuestMemorySliceIterator<'a, BS<'a, ()>>> {
        Ok(Slices { ram: self, at: addr.0, left: count, access })
    }
}

/// The pieces of a range of guest memory, one for each region it spans. Ends after an error.
struct Slices<'a> {
    ram: &'a GuestRam,
    at: u64,
    left: usize,
    access: Permissions,
}

impl<'a> Slices<'a> {
    fn piece(&self) -> Result<VolatileSlice<'a>> {
        let nowhere = Error::InvalidGuestAddress(GuestAddress(self.at));
        let Some((kind, offset, len)) = self.ram.find(self.at) else { return Err(nowhere) };
        if kind != RamKind::ReadWrite && !Permissions::Read.allow(self.access) {
            return Err(nowhere);
        }
        let len = usize::try_from(len).unwrap_or(usize::MAX).min(self.left);
        Ok(self.ram.slice(offset, len))
    }
}

impl<'a> Iterator for Slices<'a> {
    type Item = Result<VolatileSlice<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        let piece = self.piece();
        match &piece {
            Ok(slice) => {
                self.left -= slice.len();
                // Past the last address there is no memory, and none before the first.
                self.at = self.at.saturating_add(slice.len() as u64);
            }
            Err(_) => self.left = 0,
        }
        Some(piece)
    }
}

impl FusedIterator for Slices<'_> {}

impl<'a> GuestMemorySliceIterator<'a, ()> for Slices<'a> {}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use vm_memory::Bytes;

    use super::*;
    use crate::ram::RamRegion;

    fn ram() -> GuestRam {
        let region = |gpa, kind| RamRegion { gpa, len: 0x1000, kind };
        GuestRam::new(&[
            region(0x1000, RamKind::ReadOnly),
            region(0x2000, RamKind::ReadWrite),
            region(0x3000, RamKind::ReadWrite),
            region(0x8000, RamKind::ReadWrite),
        ])
        .unwrap()
    }

    #[test]
    fn devices_write_what_vcpus_read() {
        let ram = ram();
        ram.write_slice(&[1, 2, 3, 4], GuestAddress(0x2ffe)).unwrap();
        let mut back = [0; 4];
        ram.read(0x2ffe, &mut back).unwrap();
        assert_eq!(back, [1, 2, 3, 4]);
        Bytes::store(&ram, 0x1234u16, GuestAddress(0x8000), Ordering::Release).unwrap();
        let (_, offset, _) = ram.find(0x8000).unwrap();
        assert_eq!(ram.load::<u16>(offset, Ordering::Acquire), 0x1234);
        assert!(Bytes::load::<u32>(&ram, GuestAddress(0x8002), Ordering::Acquire).is_err(), "unaligned");
    }

    #[test]
    fn holes_ends_and_read_only_memory_are_refused() {
        let ram = ram();
        let check = |at, len, access| ram.check_range(GuestAddress(at), len, access);
        assert!(check(0x1000, 0x3000, Permissions::Read));
        assert!(!check(0x1fff, 2, Permissions::Write), "its first byte is read-only");
        assert!(check(0x2000, 0x2000, Permissions::ReadWrite));
        for (at, len) in
            [(0x3fff, 2), (0x4000, 1), (0x7fff, 1), (0x8000, 0x1001), (u64::MAX, 2), (0, usize::MAX)]
        {
            assert!(!check(at, len, Permissions::Read), "{at:#x} {len:#x}");
        }
        assert!(check(0x5000, 0, Permissions::Write), "nothing is everywhere");
        assert!(ram.write_slice(&[0], GuestAddress(0x1000)).is_err());
        assert!(ram.write_slice(&[0; 0x1001], GuestAddress(0x8000)).is_err());
    }
}
