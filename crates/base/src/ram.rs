//! Guest memory: one host mapping that holds every RAM and ROM region of a machine.
//!
//! All regions live in a single anonymous mapping, so that a byte of guest memory has one *offset*,
//! and an access by offset is one bounds check and one host load or store. The CPU engine's soft TLB
//! caches guest-virtual to offset; loaders and devices use guest physical addresses.
//!
//! Guest memory is shared between vCPU threads that follow no Rust rule, so every access here is
//! atomic (aligned) or bytewise volatile (unaligned, for which Arm promises only byte atomicity).

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};

use portable_atomic::AtomicU128;
use vm_memory::MmapRegion;
use vm_memory::VolatileSlice;

/// What a region lets the guest do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RamKind {
    /// Ordinary memory.
    ReadWrite,
    /// Reads are memory; a guest write is an exit (flash, the hvio request region).
    ReadOnly,
    /// Reads and fetches are exits too, as where no memory is: a region made as [`RamKind::ReadOnly`] is so while it
    /// is hidden ([`GuestRam::set_hidden`]).
    Hidden,
}

/// A region of guest memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RamRegion {
    /// Guest physical address of the first byte; a multiple of 4096.
    pub gpa: u64,
    /// Length in bytes; a multiple of 4096, not zero.
    pub len: u64,
    /// What the guest may do with it.
    pub kind: RamKind,
}

/// Why guest memory could not be made or reached.
#[derive(Debug, thiserror::Error)]
pub enum RamError {
    /// A region is empty, unaligned, beyond the address space, or overlaps another.
    #[error("bad memory region at {gpa:#x}, {len:#x} bytes: {why}")]
    BadRegion {
        /// Start of the region.
        gpa: u64,
        /// Its length.
        len: u64,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The host did not give the memory.
    #[error("the host has no {0} MiB of memory for the guest")]
    NoMemory(u64, #[source] vm_memory::mmap::MmapRegionError),
    /// An access outside every region.
    #[error("no guest memory at {gpa:#x} (+{len:#x})")]
    OutOfRange {
        /// Start of the access.
        gpa: u64,
        /// Its length in bytes.
        len: u64,
    },
}

/// All memory of one machine.
pub struct GuestRam {
    /// Start of the memory.
    base: *mut u8,
    /// Owns it, if it is not somebody else's.
    mapping: Option<MmapRegion<()>>,
    len: usize,
    /// Ordered by guest address; `.1` is the offset of the region's first byte in the mapping.
    regions: Vec<(RamRegion, usize)>,
    /// For each region, whether it is hidden from the guest.
    hidden: Vec<AtomicBool>,
}

// SAFETY: the memory belongs to this object, or lives at least as long by the contract of `GuestRam::over`, and all
// accesses to it are atomic or volatile.
unsafe impl Send for GuestRam {}
// SAFETY: as above.
unsafe impl Sync for GuestRam {}

/// An integer that guest memory can hold; sealed by being implementable only over atomics here.
pub trait Word: Copy + sealed::Sealed {
    /// Size in bytes.
    const SIZE: usize;
}

mod sealed {
    use std::sync::atomic::Ordering;

    pub trait Sealed: Sized {
        /// # Safety
        /// `at` is valid for reads of `Self` and aligned to its size.
        unsafe fn load(at: *mut u8, order: Ordering) -> Self;
        /// # Safety
        /// `at` is valid for writes of `Self` and aligned to its size.
        unsafe fn store(at: *mut u8, value: Self, order: Ordering);
        /// # Safety
        /// As for `store`. Returns the old value; the exchange happened if it equals `current`.
        unsafe fn compare_exchange(at: *mut u8, current: Self, new: Self) -> Self;
        fn from_bytes(bytes: [u8; 16]) -> Self;
        fn to_bytes(self) -> [u8; 16];
    }
}

macro_rules! word {
    ($($int:ty => $atomic:ty),*) => {$(
        impl Word for $int {
            const SIZE: usize = size_of::<$int>();
        }
        impl sealed::Sealed for $int {
            #[inline(always)]
            unsafe fn load(at: *mut u8, order: Ordering) -> Self {
                // SAFETY: by the caller's contract; the memory outlives the borrow made here.
                unsafe { <$atomic>::from_ptr(at.cast()) }.load(order)
            }
            #[inline(always)]
            unsafe fn store(at: *mut u8, value: Self, order: Ordering) {
                // SAFETY: by the caller's contract.
                unsafe { <$atomic>::from_ptr(at.cast()) }.store(value, order)
            }
            #[inline(always)]
            unsafe fn compare_exchange(at: *mut u8, current: Self, new: Self) -> Self {
                // SAFETY: by the caller's contract.
                let cell = unsafe { <$atomic>::from_ptr(at.cast()) };
                match cell.compare_exchange(current, new, Ordering::SeqCst, Ordering::SeqCst) {
                    Ok(old) | Err(old) => old,
                }
            }
            #[inline(always)]
            fn from_bytes(bytes: [u8; 16]) -> Self {
                u128::from_le_bytes(bytes) as $int
            }
            #[inline(always)]
            fn to_bytes(self) -> [u8; 16] {
                (self as u128).to_le_bytes()
            }
        }
    )*};
}
word!(u8 => AtomicU8, u16 => AtomicU16, u32 => AtomicU32, u64 => AtomicU64, u128 => AtomicU128);

/// Bytes of a large page, as most hosts have them.
const LARGE_PAGE: usize = 2 << 20;

impl GuestRam {
    /// Allocates zeroed memory for `regions`. The host commits pages as they are touched.
    pub fn new(regions: &[RamRegion]) -> Result<Self, RamError> {
        let (sorted, len) = Self::check(regions)?;
        // Address space to move the first region to a boundary, where large pages of host and guest can meet.
        let room = len.checked_add(LARGE_PAGE).filter(|room| *room <= isize::MAX as usize).unwrap_or(len);
        let mapping = MmapRegion::new(room).map_err(|e| RamError::NoMemory(len as u64 >> 20, e))?;
        let start = mapping.as_ptr();
        let skip = if room == len { 0 } else { start.align_offset(LARGE_PAGE) };
        let hidden = sorted.iter().map(|_| AtomicBool::new(false)).collect();
        let base = start.wrapping_add(skip);
        Ok(Self { base, mapping: Some(mapping), len, regions: place(sorted), hidden })
    }

    /// Takes memory that is somebody else's: `len` bytes from `base` on, with an offset in them for each region.
    ///
    /// # Safety
    /// The memory is there as long as this object lives, and `base` is a multiple of 4096. Nobody holds a reference
    /// into it.
    pub unsafe fn over(
        base: *mut u8,
        len: usize,
        mut regions: Vec<(RamRegion, usize)>,
    ) -> Result<Self, RamError> {
        regions.sort_by_key(|(region, _)| region.gpa);
        Self::check(&regions.iter().map(|(region, _)| *region).collect::<Vec<_>>())?;
        let outside = |(region, offset): &&(RamRegion, usize)| {
            let inside = len.checked_sub(*offset).is_some_and(|left| region.len <= left as u64);
            !(inside && offset.is_multiple_of(4096))
        };
        if let Some((region, _)) = regions.iter().find(outside) {
            let (gpa, len) = (region.gpa, region.len);
            return Err(RamError::BadRegion { gpa, len, why: "it is not within the memory given" });
        }
        let hidden = regions.iter().map(|_| AtomicBool::new(false)).collect();
        Ok(Self { base, mapping: None, len, regions, hidden })
    }

    /// The regions in order of their addresses, and the length of all.
    fn check(regions: &[RamRegion]) -> Result<(Vec<RamRegion>, usize), RamError> {
        let mut sorted: Vec<RamRegion> = regions.to_vec();
        sorted.sort_by_key(|r| r.gpa);
        let (mut total, mut end) = (0u64, 0u64);
        for region in &sorted {
            let bad = |why| RamError::BadRegion { gpa: region.gpa, len: region.len, why };
            if region.len == 0 || region.len % 4096 != 0 || region.gpa % 4096 != 0 {
                return Err(bad("start and length must be multiples of 4096, length not zero"));
            }
            if region.gpa < end {
                return Err(bad("it overlaps another region"));
            }
            end = region.gpa.checked_add(region.len).ok_or_else(|| bad("it wraps around"))?;
            total = total.checked_add(region.len).ok_or_else(|| bad("it is too large"))?;
        }
        let len = usize::try_from(total)
            .ok()
            .filter(|len| *len <= isize::MAX as usize)
            .ok_or(RamError::BadRegion { gpa: 0, len: total, why: "it is too large for this host" })?;
        Ok((sorted, len))
    }

    /// The regions in address order.
    pub fn regions(&self) -> impl Iterator<Item = RamRegion> + '_ {
        self.regions.iter().map(|(region, _)| *region)
    }

    /// Total bytes over all regions; every offset is below this.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True if there is no memory at all.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// True if the memory was made here, and is not somebody else's ([`GuestRam::over`]).
    pub(crate) fn is_own(&self) -> bool {
        self.mapping.is_some()
    }

    /// Host address of the first byte, for backends that map guest memory into a hypervisor and for
    /// generated code. Offsets count from here.
    pub fn host_base(&self) -> *mut u8 {
        self.base
    }

    /// A piece of memory that others may change meanwhile.
    ///
    /// # Panics
    /// Outside guest memory.
    pub(crate) fn slice(&self, offset: usize, len: usize) -> VolatileSlice<'_> {
        let at = self.at(offset, len);
        // SAFETY: in range by `at`, and there as long as this object is; all who access it do so by pointers.
        unsafe { VolatileSlice::new(at, len) }
    }

    /// Finds the region that holds `gpa`: its kind, the offset of `gpa`, and the bytes left from there.
    pub fn find(&self, gpa: u64) -> Option<(RamKind, usize, u64)> {
        let at = self.regions.partition_point(|(r, _)| r.gpa <= gpa).checked_sub(1)?;
        let (region, offset) = self.regions.get(at)?;
        let within = gpa - region.gpa;
        let kind = if self.hidden[at].load(Ordering::Acquire) { RamKind::Hidden } else { region.kind };
        (within < region.len).then(|| (kind, offset + within as usize, region.len - within))
    }

    /// Hides the read-only region at `gpa` from the guest, or shows it again. Who runs the guest has to forget what it
    /// knows of the region: this is for backends, under `RegionSwitch`.
    ///
    /// # Errors
    /// If no read-only region starts there.
    pub fn set_hidden(&self, gpa: u64, hidden: bool) -> Result<(), RamError> {
        let at = self.regions.iter().position(|(r, _)| r.gpa == gpa && r.kind == RamKind::ReadOnly);
        let at = at.ok_or(RamError::OutOfRange { gpa, len: 0 })?;
        self.hidden[at].store(hidden, Ordering::Release);
        Ok(())
    }

    #[inline(always)]
    fn at(&self, offset: usize, size: usize) -> *mut u8 {
        assert!(offset < self.len && size <= self.len - offset, "guest memory offset out of range");
        // SAFETY: the offset lies inside the mapping, checked on the line above.
        unsafe { self.base.add(offset) }
    }

    /// Where an aligned word at `offset` is, if it is one inside: regions are whole pages, so a word that
    /// begins inside also ends there.
    #[inline(always)]
    fn aligned<T: Word>(&self, offset: usize) -> Option<*mut u8> {
        // SAFETY: the offset lies inside the mapping.
        (offset < self.len && offset.is_multiple_of(T::SIZE)).then(|| unsafe { self.base.add(offset) })
    }

    /// Loads a little-endian word. Atomic with `order` if `offset` is aligned to its size, else bytewise.
    ///
    /// # Panics
    /// Outside guest memory: the soft TLB only caches offsets inside.
    #[inline(always)]
    pub fn load<T: Word>(&self, offset: usize, order: Ordering) -> T {
        match self.aligned::<T>(offset) {
            // SAFETY: in range and aligned, and the mapping is page-aligned.
            Some(at) => unsafe { T::load(at, order) },
            None => self.load_bytes(offset),
        }
    }

    #[cold]
    #[inline(never)]
    fn load_bytes<T: Word>(&self, offset: usize) -> T {
        let at = self.at(offset, T::SIZE);
        let mut bytes = [0; 16];
        for (i, byte) in bytes.iter_mut().enumerate().take(T::SIZE) {
            // SAFETY: in range by `at`; volatile because other threads may write it.
            *byte = unsafe { at.add(i).read_volatile() };
        }
        T::from_bytes(bytes)
    }

    /// Stores a little-endian word. Atomic with `order` if `offset` is aligned to its size, else bytewise.
    ///
    /// # Panics
    /// Outside guest memory.
    #[inline(always)]
    pub fn store<T: Word>(&self, offset: usize, value: T, order: Ordering) {
        match self.aligned::<T>(offset) {
            // SAFETY: in range and aligned, and the mapping is page-aligned.
            Some(at) => unsafe { T::store(at, value, order) },
            None => self.store_bytes(offset, value),
        }
    }

    #[cold]
    #[inline(never)]
    fn store_bytes<T: Word>(&self, offset: usize, value: T) {
        let at = self.at(offset, T::SIZE);
        for (i, byte) in value.to_bytes().into_iter().enumerate().take(T::SIZE) {
            // SAFETY: in range by `at`; volatile because other threads may read it.
            unsafe { at.add(i).write_volatile(byte) };
        }
    }

    /// Sequentially consistent compare-and-exchange; returns the old value.
    ///
    /// # Panics
    /// Outside guest memory, or if `offset` is not aligned to the size of the word.
    #[inline]
    pub fn compare_exchange<T: Word>(&self, offset: usize, current: T, new: T) -> T {
        let at = self.at(offset, T::SIZE);
        assert!(offset.is_multiple_of(T::SIZE), "unaligned atomic access to guest memory");
        // SAFETY: in range by `at`; aligned by the line above and the page-aligned mapping.
        unsafe { T::compare_exchange(at, current, new) }
    }

    /// Copies guest memory at `gpa` into `out`. The range may span adjacent regions.
    pub fn read(&self, gpa: u64, out: &mut [u8]) -> Result<(), RamError> {
        self.each_piece(gpa, out.len(), |offset, range| {
            for (i, byte) in out[range].iter_mut().enumerate() {
                *byte = self.load(offset + i, Ordering::Relaxed);
            }
        })
    }

    /// Copies `data` to guest memory at `gpa`, read-only regions included (loaders fill them).
    pub fn write(&self, gpa: u64, data: &[u8]) -> Result<(), RamError> {
        self.each_piece(gpa, data.len(), |offset, range| {
            let piece = &data[range];
            let at = self.at(offset, piece.len());
            // SAFETY: in range by `at`; `piece` is host memory and cannot overlap the mapping. A vCPU
            // that runs meanwhile sees some mix of old and new bytes, as with any DMA.
            unsafe { std::ptr::copy_nonoverlapping(piece.as_ptr(), at, piece.len()) };
        })
    }

    /// Fills `len` bytes at `gpa` with zeros.
    pub fn zero(&self, gpa: u64, len: usize) -> Result<(), RamError> {
        self.each_piece(gpa, len, |offset, range| {
            let at = self.at(offset, range.len());
            // SAFETY: in range by `at`.
            unsafe { std::ptr::write_bytes(at, 0, range.len()) };
        })
    }

    fn each_piece(
        &self,
        gpa: u64,
        len: usize,
        mut piece: impl FnMut(usize, std::ops::Range<usize>),
    ) -> Result<(), RamError> {
        let out_of_range = || RamError::OutOfRange { gpa, len: len as u64 };
        for pass in 0..2 {
            let mut done = 0;
            while done < len {
                let here = gpa.checked_add(done as u64).ok_or_else(out_of_range)?;
                let (_, offset, left) = self.find(here).ok_or_else(out_of_range)?;
                let n = (len - done).min(usize::try_from(left).unwrap_or(usize::MAX));
                if pass == 1 {
                    piece(offset, done..done + n);
                }
                done += n;
            }
        }
        Ok(())
    }
}

/// Gives each region its offset, the longest first: so regions of whole pages of a host begin at one, whatever
/// small ones there are, and large ones where the host can use large pages.
fn place(sorted: Vec<RamRegion>) -> Vec<(RamRegion, usize)> {
    let mut by_length: Vec<_> = (0..sorted.len()).collect();
    by_length.sort_by_key(|&index| std::cmp::Reverse(sorted[index].len));
    let mut placed: Vec<_> = sorted.into_iter().map(|region| (region, 0)).collect();
    let mut offset = 0;
    for index in by_length {
        placed[index].1 = offset;
        offset += placed[index].0.len as usize;
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(gpa: u64, len: u64, kind: RamKind) -> RamRegion {
        RamRegion { gpa, len, kind }
    }

    fn two() -> GuestRam {
        GuestRam::new(&[
            region(0x8000, 0x1000, RamKind::ReadWrite),
            region(0x7000, 0x1000, RamKind::ReadOnly),
            region(0x10000, 0x1000, RamKind::ReadWrite),
        ])
        .unwrap()
    }

    #[test]
    fn copies_across_adjacent_regions_and_refuses_holes() {
        let ram = two();
        let data: Vec<u8> = (0..=255).collect();
        ram.write(0x7f80, &data).unwrap();
        let mut back = vec![0; 256];
        ram.read(0x7f80, &mut back).unwrap();
        assert_eq!(back, data);
        assert!(ram.write(0x8f80, &data).is_err());
        assert!(ram.read(u64::MAX - 3, &mut back).is_err());
        assert_eq!(ram.find(0x7fff).map(|f| f.0), Some(RamKind::ReadOnly));
        assert!(ram.find(0x9000).is_none());
    }

    #[test]
    fn a_read_only_region_can_hide_and_keeps_its_contents() {
        let ram = two();
        ram.write(0x7000, b"flash").unwrap();
        ram.set_hidden(0x7000, true).unwrap();
        assert_eq!(ram.find(0x7004).map(|f| f.0), Some(RamKind::Hidden));
        assert_eq!(ram.regions().next().map(|r| r.kind), Some(RamKind::ReadOnly));
        let mut back = [0; 5];
        ram.read(0x7000, &mut back).unwrap();
        assert_eq!(&back, b"flash");
        ram.set_hidden(0x7000, false).unwrap();
        assert_eq!(ram.find(0x7004).map(|f| f.0), Some(RamKind::ReadOnly));
        assert!(ram.set_hidden(0x8000, true).is_err(), "it is writable");
        assert!(ram.set_hidden(0x7800, true).is_err(), "no region starts there");
    }

    #[test]
    fn small_regions_come_behind_large_ones() {
        let ram = GuestRam::new(&[
            region(0x1000, 0x1000, RamKind::ReadOnly),
            region(0x4000_0000, 0x20_0000, RamKind::ReadWrite),
            region(0x8000_0000, 0x1_0000, RamKind::ReadWrite),
        ])
        .unwrap();
        let offset = |gpa| ram.find(gpa).map(|(_, offset, _)| offset);
        assert_eq!([0x4000_0000, 0x8000_0000, 0x1234].map(offset), [0, 0x20_0000, 0x21_0234].map(Some));
        assert_eq!(ram.regions().next().map(|region| region.gpa), Some(0x1000));
        assert_eq!(ram.len(), 0x21_1000);
    }

    #[test]
    fn words_are_little_endian_at_any_alignment() {
        let ram = two();
        for offset in 0..32 {
            ram.store(offset, 0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10_u128, Ordering::Relaxed);
            assert_eq!(
                ram.load::<u128>(offset, Ordering::Relaxed),
                0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10
            );
            assert_eq!(ram.load::<u16>(offset, Ordering::Relaxed), 0x0f10);
            assert_eq!(ram.load::<u64>(offset + 8, Ordering::Relaxed), 0x0102_0304_0506_0708);
        }
        assert_eq!(ram.compare_exchange(0x100, 0u32, 7), 0);
        assert_eq!(ram.compare_exchange(0x100, 0u32, 9), 7);
        assert_eq!(ram.load::<u32>(0x100, Ordering::SeqCst), 7);
    }

    #[test]
    #[should_panic(expected = "out of range")]
    fn an_offset_outside_panics() {
        let ram = two();
        ram.load::<u64>(ram.len() - 4, Ordering::Relaxed);
    }

    #[test]
    fn memory_of_somebody_else_is_used_where_it_is() {
        let theirs = two();
        let regions = theirs.regions().map(|region| (region, theirs.find(region.gpa).unwrap().1)).collect();
        // SAFETY: `theirs` lives longer, and gives no references.
        let ours = unsafe { GuestRam::over(theirs.host_base(), theirs.len(), regions) }.unwrap();
        ours.write(0x10000, b"seen").unwrap();
        let mut back = [0; 4];
        theirs.read(0x10000, &mut back).unwrap();
        assert_eq!((&back, ours.len()), (b"seen", theirs.len()));
        let outside = vec![(region(0, 0x1000, RamKind::ReadWrite), theirs.len())];
        // SAFETY: as above.
        assert!(unsafe { GuestRam::over(theirs.host_base(), theirs.len(), outside) }.is_err());
    }

    #[test]
    fn refuses_bad_regions() {
        let rw = RamKind::ReadWrite;
        for bad in [
            vec![region(0, 0, rw)],
            vec![region(1, 4096, rw)],
            vec![region(0, 8192, rw), region(4096, 4096, rw)],
            vec![region(u64::MAX - 4095, 8192, rw)],
            vec![region(0, 1 << 63, rw)],
        ] {
            assert!(matches!(GuestRam::new(&bad), Err(RamError::BadRegion { .. })));
        }
    }
}
