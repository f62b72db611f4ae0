//! Guest memory that nobody needs any more: the host gets it back.

use std::sync::atomic::Ordering;

use vm_memory::VolatileSlice;

use crate::ram::GuestRam;
use crate::sys;

impl GuestRam {
    /// True on hosts where [`GuestRam::discard`] gives memory back; on others it is only cleared.
    pub const DISCARDS: bool = cfg!(target_os = "linux");

    /// Clears a piece of guest memory, and gives the pages of the host that lie within it back to the host, which
    /// provides new ones, of zeros, as soon as they are touched. It reads as zeros on every host, whatever the size of
    /// its pages, so that a run in virtual time comes out the same there.
    ///
    /// For vCPUs this is a write like any other device's: code that was there is stale until the guest says so.
    ///
    /// # Panics
    /// If the slice is not one of this memory.
    pub fn discard(&self, slice: &VolatileSlice<'_>) {
        let base = self.host_base().addr();
        let start = slice.ptr_guard_mut().as_ptr().addr() - base;
        let end = start + slice.len();
        assert!(end <= self.len(), "a slice of other memory");
        // Regions and their offsets are multiples of 4096 only, the pages of some hosts are larger.
        let whole = sys::page_size().filter(|_| self.is_own()).map(|page| {
            let first = (base + start).next_multiple_of(page) - base;
            (first, ((base + end) / page * page).saturating_sub(base))
        });
        let whole = whole.filter(|(first, last)| first < last).filter(|(first, last)| {
            // SAFETY: the range is whole pages of the anonymous private mapping that this object owns. Nobody holds
            // references into it, and all accesses bear that it changes.
            unsafe { sys::give_back(self.host_base().wrapping_add(*first), last - first) }
        });
        let (first, last) = whole.unwrap_or((end, end));
        self.clear(start, first);
        self.clear(last, end);
    }

    /// Makes zeros of what is none yet: where nothing was ever written the host has given no memory, and is asked for
    /// none.
    fn clear(&self, start: usize, end: usize) {
        let mut at = start;
        while at < end {
            if at.is_multiple_of(8) && end - at >= 8 {
                if self.load::<u64>(at, Ordering::Relaxed) != 0 {
                    self.store(at, 0_u64, Ordering::Relaxed);
                }
                at += 8;
            } else {
                if self.load::<u8>(at, Ordering::Relaxed) != 0 {
                    self.store(at, 0_u8, Ordering::Relaxed);
                }
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use vm_memory::{GuestAddress, GuestMemory, Permissions};

    use super::*;
    use crate::ram::{RamKind, RamRegion};

    const LEN: usize = 4 << 20;

    fn ram() -> GuestRam {
        let ram = GuestRam::new(&[RamRegion { gpa: 0x4000_0000, len: LEN as u64, kind: RamKind::ReadWrite }]);
        let ram = ram.unwrap();
        ram.write(0x4000_0000, &vec![0xa5; LEN]).unwrap();
        ram
    }

    fn discard(ram: &GuestRam, at: u64, len: usize) {
        for slice in ram.get_slices(GuestAddress(at), len, Permissions::Write).unwrap() {
            ram.discard(&slice.unwrap());
        }
    }

    fn zeros(ram: &GuestRam) -> std::ops::Range<usize> {
        let mut bytes = vec![0; LEN];
        ram.read(0x4000_0000, &mut bytes).unwrap();
        let first = bytes.iter().position(|byte| *byte == 0).unwrap_or(0);
        let count = bytes[first..].iter().take_while(|byte| **byte == 0).count();
        assert!(bytes[first + count..].iter().all(|byte| *byte == 0xa5));
        first..first + count
    }

    #[test]
    fn what_is_discarded_reads_as_zeros_and_all_else_stays() {
        for (start, len) in [
            (0, 1),
            (7, 18),
            (4096, 4096),
            (4095, 4098),
            (100, 0x2_0000),
            (8, 0x1_0000),
            (0x20_0000, 0x20_0000),
        ] {
            let ram = ram();
            discard(&ram, 0x4000_0000 + start as u64, len);
            assert_eq!(zeros(&ram), start..start + len);
        }
    }

    #[test]
    fn memory_of_somebody_else_is_cleared() {
        let theirs = ram();
        let region = theirs.regions().next().unwrap();
        // SAFETY: `theirs` lives longer, and gives no references.
        let ours = unsafe { GuestRam::over(theirs.host_base(), theirs.len(), vec![(region, 0)]) }.unwrap();
        discard(&ours, 0x4000_1003, 0x3000);
        assert_eq!(zeros(&theirs), 0x1003..0x4003);
    }

    /// Kilobytes of the mappings around guest memory that the host holds.
    #[cfg(target_os = "linux")]
    fn resident(ram: &GuestRam) -> usize {
        let base = ram.host_base().addr();
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let (mut inside, mut sum) = (false, 0);
        for line in maps.lines() {
            let mut words = line.split_whitespace();
            let first = words.next().unwrap_or_default();
            if let Some((start, end)) = first.split_once('-') {
                let number = |text| usize::from_str_radix(text, 16).unwrap_or(0);
                inside = number(start) < base + ram.len() && number(end) > base;
            } else if inside && first == "Rss:" {
                sum += words.next().unwrap().parse::<usize>().unwrap();
            }
        }
        sum
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_host_gets_its_memory_back() {
        // So much that what other tests do meanwhile does not count.
        const MUCH: usize = 128 << 20;
        let region = RamRegion { gpa: 0x4000_0000, len: MUCH as u64, kind: RamKind::ReadWrite };
        let ram = GuestRam::new(&[region]).unwrap();
        ram.write(0x4000_0000, &vec![0xa5; MUCH]).unwrap();
        let full = resident(&ram);
        discard(&ram, 0x4000_0000, MUCH);
        assert!(resident(&ram) + MUCH / 2048 < full, "{} of {full} kB are left", resident(&ram));
        // Clearing what is clear asks for nothing.
        ram.clear(0, MUCH);
        assert!(resident(&ram) + MUCH / 2048 < full);
    }
}
