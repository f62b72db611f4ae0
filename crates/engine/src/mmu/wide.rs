//! Unaligned accesses to guest memory that are single-copy atomic where FEAT_LSE2 has them so: within
//! an aligned quantity of 16 bytes (Arm ARM B2.2.1). They go through the aligned word around them.

use std::sync::atomic::Ordering;

use armlet_base::GuestRam;
use armlet_base::ram::Word;

use super::access::Data;

/// Loads at any alignment.
#[inline]
pub fn load<T: Data>(ram: &GuestRam, offset: usize, order: Ordering) -> T {
    if offset.is_multiple_of(T::SIZE) {
        return ram.load(offset, order);
    }
    match container(offset, T::SIZE) {
        Some(8) => T::from_wide(u128::from(ram.load::<u64>(offset & !7, order) >> (offset % 8 * 8))),
        Some(_) => T::from_wide(ram.load::<u128>(offset & !15, order) >> (offset % 16 * 8)),
        None => ram.load(offset, order),
    }
}

/// Stores at any alignment.
#[inline]
pub fn store<T: Data>(ram: &GuestRam, offset: usize, value: T, order: Ordering) {
    if offset.is_multiple_of(T::SIZE) || container(offset, T::SIZE).is_none() {
        ram.store(offset, value, order);
    } else {
        update::<T>(ram, offset, |_| Some(value));
    }
}

/// Replaces the value at `offset` by `new` of it, atomically, unless that is `None`. Returns the old one.
/// Unaligned, it must lie within 16 aligned bytes, else it falls apart into bytes.
#[inline]
pub fn update<T: Data>(ram: &GuestRam, offset: usize, new: impl Fn(T) -> Option<T>) -> T {
    if offset.is_multiple_of(T::SIZE) {
        return exchange(ram, offset, new);
    }
    match container(offset, T::SIZE) {
        Some(8) => within::<T, u64>(ram, offset, new),
        Some(_) => within::<T, u128>(ram, offset, new),
        None => {
            let old = ram.load(offset, Ordering::Relaxed);
            if let Some(value) = new(old) {
                ram.store(offset, value, Ordering::Relaxed);
            }
            old
        }
    }
}

fn exchange<T: Data>(ram: &GuestRam, offset: usize, new: impl Fn(T) -> Option<T>) -> T {
    let mut old: T = ram.load(offset, Ordering::SeqCst);
    while let Some(value) = new(old) {
        let seen = ram.compare_exchange(offset, old, value);
        if seen.to_wide() == old.to_wide() {
            break;
        }
        old = seen;
    }
    old
}

fn within<T: Data, C: Data>(ram: &GuestRam, offset: usize, new: impl Fn(T) -> Option<T>) -> T {
    let base = offset / C::SIZE * C::SIZE;
    let shift = (offset - base) * 8;
    let mask = (u128::MAX >> (128 - T::SIZE * 8)) << shift;
    let part = |whole: C| T::from_wide(whole.to_wide() >> shift);
    let old = exchange(ram, base, |whole: C| {
        let value = new(part(whole))?;
        Some(C::from_wide(whole.to_wide() & !mask | value.to_wide() << shift))
    });
    part(old)
}

/// Size of the aligned word that holds all of an unaligned one, 8 or 16.
#[inline(always)]
fn container(offset: usize, size: usize) -> Option<usize> {
    [8, 16].into_iter().find(|within| offset % within + size <= *within)
}

const _: () = assert!(<u128 as Word>::SIZE == 16);

#[cfg(test)]
mod tests {
    use armlet_base::{RamKind, RamRegion};

    use super::*;

    fn check<T: Data>(ram: &GuestRam, value: u128) {
        for offset in 0..32 {
            let around: [u8; 2] = [0x5a, 0xa5];
            ram.zero(0, 64).unwrap();
            if offset > 0 {
                ram.store(offset - 1, around[0], Ordering::Relaxed);
            }
            ram.store(offset + T::SIZE, around[1], Ordering::Relaxed);
            store(ram, offset, T::from_wide(value), Ordering::Relaxed);
            let want = T::from_wide(value).to_wide();
            assert_eq!(load::<T>(ram, offset, Ordering::Relaxed).to_wide(), want);
            assert_eq!(ram.load::<T>(offset, Ordering::Relaxed).to_wide(), want);
            let old = update::<T>(ram, offset, |old| Some(T::from_wide(!old.to_wide())));
            assert_eq!(old.to_wide(), want);
            assert_eq!(load::<T>(ram, offset, Ordering::Relaxed).to_wide(), T::from_wide(!want).to_wide());
            assert!(offset == 0 || ram.load::<u8>(offset - 1, Ordering::Relaxed) == around[0]);
            assert_eq!(ram.load::<u8>(offset + T::SIZE, Ordering::Relaxed), around[1]);
        }
    }

    #[test]
    fn all_sizes_at_all_offsets() {
        let ram = GuestRam::new(&[RamRegion { gpa: 0, len: 4096, kind: RamKind::ReadWrite }]).unwrap();
        let value = 0x0123_4567_89ab_cdef_1122_3344_5566_7788;
        check::<u8>(&ram, value);
        check::<u16>(&ram, value);
        check::<u32>(&ram, value);
        check::<u64>(&ram, value);
        check::<u128>(&ram, value);
    }
}
