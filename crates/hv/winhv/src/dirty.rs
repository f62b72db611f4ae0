//! Which pages of memory mapped to be tracked were written: by the inner backend's log, or, where it has none, by
//! comparison with a copy, which misses what is written as it was.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use armlet_base::{GuestRam, RamKind};
use armlet_hv::{HvError, Vm};
use armlet_hv_whp::abi::hresult::HResult;

use crate::vp::lock;

/// Bytes of a page.
const PAGE: u64 = 4096;

/// A tracked range, by its start.
struct Tracked {
    len: u64,
    /// A bit for each page that was written and not told yet.
    written: Vec<u64>,
    /// What was in it when it was last looked at, without a log of the inner backend's.
    copy: Option<Vec<u8>>,
}

/// The tracked ranges.
#[derive(Default)]
pub struct Dirty(Mutex<HashMap<u64, Tracked>>);

impl Dirty {
    fn ranges(&self) -> MutexGuard<'_, HashMap<u64, Tracked>> {
        lock(&self.0)
    }

    /// Tracks exactly the ranges that `flags` says so of.
    pub fn track(&self, vm: &dyn Vm, ram: &GuestRam, wanted: impl Fn(u64) -> bool) -> Result<(), HvError> {
        let mut ranges = self.ranges();
        let writable = ram.regions().filter(|region| region.kind == RamKind::ReadWrite);
        let (on, off): (Vec<_>, Vec<_>) = writable.partition(|region| wanted(region.gpa));
        off.iter().for_each(|region| drop(ranges.remove(&region.gpa)));
        if let Some(log) = vm.as_dirty_log() {
            log.enable(!on.is_empty())?;
        }
        for region in on {
            ranges.entry(region.gpa).or_insert_with(|| Tracked {
                len: region.len,
                written: vec![0; (region.len / PAGE).div_ceil(64) as usize],
                copy: vm.as_dirty_log().is_none().then(|| read(ram, region.gpa, region.len)),
            });
        }
        Ok(())
    }

    /// Takes the pages of a range that were written.
    pub fn take(&self, vm: &dyn Vm, ram: &GuestRam, gpa: u64, len: u64) -> Result<Vec<u64>, HResult> {
        let mut ranges = self.ranges();
        let within = |(start, range): &(&u64, &mut Tracked)| {
            gpa >= **start && gpa.checked_add(len).is_some_and(|end| end <= **start + range.len)
        };
        let (start, range) = ranges.iter_mut().find(within).ok_or(HResult::WHV_E_GPA_RANGE_NOT_FOUND)?;
        let new = match &mut range.copy {
            None => {
                let log = vm.as_dirty_log().ok_or(HResult::WHV_E_GPA_RANGE_NOT_FOUND)?;
                log.take(*start).map_err(|_| HResult::ERROR_HV_OPERATION_DENIED)?
            }
            Some(copy) => {
                let now = read(ram, *start, range.len);
                let bits = differences(copy, &now);
                *copy = now;
                bits
            }
        };
        range.written.iter_mut().zip(new).for_each(|(all, new)| *all |= new);
        let first = (gpa - start) / PAGE;
        let mut bits = vec![0u64; (len / PAGE).div_ceil(64) as usize];
        for page in 0..len / PAGE {
            let (word, bit) = (((first + page) / 64) as usize, (first + page) % 64);
            let set = range.written[word] >> bit & 1;
            bits[(page / 64) as usize] |= set << (page % 64);
            range.written[word] &= !(set << bit);
        }
        Ok(bits)
    }
}

fn read(ram: &GuestRam, gpa: u64, len: u64) -> Vec<u8> {
    let mut bytes = vec![0; len as usize];
    ram.read(gpa, &mut bytes).expect("a region is in memory");
    bytes
}

/// A bit for each page that differs.
fn differences(one: &[u8], other: &[u8]) -> Vec<u64> {
    let pages: Vec<bool> =
        one.chunks(PAGE as usize).zip(other.chunks(PAGE as usize)).map(|(one, other)| one != other).collect();
    let word = |bits: &[bool]| bits.iter().rev().fold(0, |word, bit| word << 1 | u64::from(*bit));
    pages.chunks(64).map(word).collect()
}
