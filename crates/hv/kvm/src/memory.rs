//! Guest memory as KVM's memory slots, one for each region, and the log of pages written.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicBool, Ordering};

use armlet_base::{GuestRam, RamKind, RamRegion};
use armlet_hv::{DirtyLog, HvError, RegionSwitch};
use kvm_bindings::{KVM_MEM_LOG_DIRTY_PAGES, KVM_MEM_READONLY, kvm_userspace_memory_region};
use kvm_ioctls::VmFd;

use crate::vm::Shared;
use crate::{os, unsupported};

/// A region as a slot: where it is, and how long with the host's pages.
struct Slot {
    region: RamRegion,
    number: u32,
    len: u64,
    host: u64,
}

/// Bytes of a page of the host, which slots are made of.
pub fn host_page() -> u64 {
    // SAFETY: has no preconditions.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    u64::try_from(size).unwrap_or(4096)
}

/// The slots of `ram`. The last region may end within a page of the host: the rest of that is mapped and nobody's.
fn slots(ram: &GuestRam, page: u64) -> Result<Vec<Slot>, HvError> {
    let regions: Vec<_> = ram.regions().collect();
    let last = ram.len() as u64;
    let mut slots = Vec::with_capacity(regions.len());
    for (number, region) in (0..).zip(regions) {
        let offset = ram.find(region.gpa).map_or(0, |(_, offset, _)| offset as u64);
        let ends_mapping = offset + region.len == last;
        let whole = region.len.is_multiple_of(page) || ends_mapping;
        if !(region.gpa.is_multiple_of(page) && offset.is_multiple_of(page) && whole) {
            return Err(unsupported(format!(
                "memory at {:#x} of {} KiB on a host with pages of {} KiB",
                region.gpa,
                region.len >> 10,
                page >> 10
            )));
        }
        let len = region.len.next_multiple_of(page);
        slots.push(Slot { region, number, len, host: ram.host_base() as u64 + offset });
    }
    Ok(slots)
}

/// Gives the VM its memory, for as long as `ram` lives.
pub fn map(vm: &VmFd, ram: &GuestRam) -> Result<(), HvError> {
    for slot in slots(ram, host_page())? {
        want_large_pages(&slot);
        set(vm, &slot, false)?;
    }
    Ok(())
}

/// Asks for large pages: a fault of the guest's, and a walk of two stages, for each of them rather than for each 4 KiB.
fn want_large_pages(slot: &Slot) {
    // SAFETY: the range is guest memory, whose contents the advice leaves alone. A kernel without large pages refuses it.
    unsafe { libc::madvise(slot.host as *mut libc::c_void, slot.region.len as usize, libc::MADV_HUGEPAGE) };
}

/// Makes a slot, or changes whether it is logged.
fn set(vm: &VmFd, slot: &Slot, log: bool) -> Result<(), HvError> {
    let read_only = slot.region.kind == RamKind::ReadOnly;
    let flags = if read_only { KVM_MEM_READONLY } else { 0 };
    let flags = flags | if log && !read_only { KVM_MEM_LOG_DIRTY_PAGES } else { 0 };
    let region = kvm_userspace_memory_region {
        slot: slot.number,
        flags,
        guest_phys_addr: slot.region.gpa,
        memory_size: slot.len,
        userspace_addr: slot.host,
    };
    // SAFETY: the range lies in the mapping of guest memory, which `Shared` keeps longer than the VM.
    unsafe { vm.set_user_memory_region(region) }.map_err(os(format!(
        "KVM does not take {} MiB of guest memory at {:#x}",
        slot.len >> 20,
        slot.region.gpa
    )))
}

impl RegionSwitch for Shared {
    /// A slot that shall hide is deleted: the kernel has no other way to make loads exits. Its memory stays ours.
    fn show(&self, gpa: u64, shown: bool) -> Result<(), HvError> {
        let slots = slots(&self.ram, host_page())?;
        let slot = slots.into_iter().find(|slot| slot.region.gpa == gpa);
        let slot = slot.ok_or_else(|| unsupported(format!("hiding {gpa:#x}, where no memory starts")))?;
        self.ram.set_hidden(gpa, !shown).map_err(|error| unsupported(error.to_string()))?;
        set(&self.fd, &Slot { len: if shown { slot.len } else { 0 }, ..slot }, false)
    }
}

/// The log of pages written.
#[derive(Default)]
pub struct Log {
    on: AtomicBool,
}

impl DirtyLog for Shared {
    fn enable(&self, on: bool) -> Result<(), HvError> {
        // Read-only memory is not logged, and may be hidden.
        let writable = |slot: &Slot| slot.region.kind == RamKind::ReadWrite;
        for slot in slots(&self.ram, host_page())?.into_iter().filter(writable) {
            set(&self.fd, &slot, on)?;
        }
        self.log.on.store(on, Ordering::SeqCst);
        Ok(())
    }

    fn page_size(&self) -> u64 {
        host_page()
    }

    fn take(&self, gpa: u64) -> Result<Vec<u64>, HvError> {
        if !self.log.on.load(Ordering::SeqCst) {
            return Err(unsupported("asking for written pages that were not logged"));
        }
        let slots = slots(&self.ram, host_page())?;
        let writable = |slot: &&Slot| slot.region.gpa == gpa && slot.region.kind == RamKind::ReadWrite;
        let slot = slots.iter().find(writable);
        let slot = slot.ok_or_else(|| unsupported(format!("a log of {gpa:#x}, where no memory starts")))?;
        self.fd
            .get_dirty_log(slot.number, slot.len as usize)
            .map_err(os("KVM does not tell which pages were written"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ram(regions: &[(u64, u64)]) -> GuestRam {
        let regions: Vec<_> =
            regions.iter().map(|&(gpa, len)| RamRegion { gpa, len, kind: RamKind::ReadWrite }).collect();
        GuestRam::new(&regions).unwrap()
    }

    #[test]
    fn slots_are_whole_pages_of_the_host() {
        let hvio = ram(&[(0x4000_0000, 0x10_0000), (0x5000_0000, 0x1000)]);
        let lens = |page| slots(&hvio, page).unwrap().iter().map(|slot| slot.len).collect::<Vec<_>>();
        assert_eq!(lens(0x1000), [0x10_0000, 0x1000]);
        assert_eq!(lens(0x1_0000), [0x10_0000, 0x1_0000]);
        let odd = ram(&[(0x1000_1000, 0x1000), (0x4000_0000, 0x10_0000)]);
        assert_eq!(slots(&odd, 0x1000).unwrap().len(), 2);
        let refused = slots(&odd, 0x1_0000).err().unwrap().to_string();
        assert!(refused.contains("pages of 64 KiB"), "{refused}");
    }
}
