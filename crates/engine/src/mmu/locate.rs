//! The slow path of every access: alignment, translation, permissions, faults; fills the soft TLB.

use std::sync::atomic::Ordering;

use armlet_arm::esr::{Ec, fsc, iss};
use armlet_arm::feature::Feature;
use armlet_arm::mmu::{self, Fault, FaultKind, Tables, sctlr};
use armlet_arm::{Pstate, SysReg};
use armlet_base::{BusError, GuestRam, RamKind};

use super::access::{Access, Kind, Place};
use super::second::Found;
use super::tlb::{ALIGNED_ONLY, Entry, NONE, NORMAL, PRIVATE, Set};
use crate::block::Mode;
use crate::cpu::{Cpu, Raised};
use crate::exception::Exception;
use crate::world::{Note, World};

/// Guest memory as table walks see it.
struct Physical<'a>(&'a GuestRam);

impl Tables for Physical<'_> {
    fn read(&self, pa: u64) -> Option<u64> {
        let (_, offset, _) = self.0.find(pa)?;
        Some(self.0.load(offset, Ordering::Acquire))
    }
    fn exchange(&self, pa: u64, old: u64, new: u64) -> Option<u64> {
        match self.0.find(pa)? {
            (RamKind::ReadWrite, offset, _) => Some(self.0.compare_exchange(offset, old, new)),
            _ => None,
        }
    }
}

/// Where an access within one page lands, and its physical address.
#[derive(Clone, Copy)]
pub struct Located {
    /// Memory or not.
    pub place: Place,
    /// Guest physical address.
    pub pa: u64,
}

impl Cpu {
    /// Offset in guest memory of `va`, which lies in the page of `entry`.
    #[inline(always)]
    pub(crate) fn offset(&self, entry: Entry, va: u64) -> usize {
        entry.host.wrapping_add(va).wrapping_sub(self.ram.host_base() as u64) as usize
    }

    /// Host address of an offset in guest memory.
    pub(super) fn host_of(&self, offset: usize) -> u64 {
        (self.ram.host_base() as u64).wrapping_add(offset as u64)
    }

    /// Translates and checks an access of `size` bytes within one page; fills the soft TLB.
    pub fn place(
        &mut self,
        world: &mut dyn World,
        va: u64,
        size: usize,
        access: Access,
    ) -> Result<Place, Raised> {
        let misaligned = self.check_alignment(va, size, access)?;
        Ok(self.locate(world, va, size, access, misaligned)?.place)
    }

    /// Alignment faults that don't depend on the memory type (AArch64.UnalignedAccessFaults). Whether the
    /// access is unaligned, if there is none.
    #[inline]
    pub(super) fn check_alignment(&mut self, va: u64, size: usize, access: Access) -> Result<bool, Raised> {
        if va & (size as u64 - 1) == 0 {
            return Ok(false);
        }
        let control = self.sys[SysReg::SCTLR_EL1];
        let faults = if control & sctlr::A != 0 {
            true
        } else if access.aligned {
            // With FEAT_LSE2, anything within 16 aligned bytes will do.
            let free = control & sctlr::NAA != 0 && !access.atomic;
            let fits = (va & 15) + size as u64 <= 16;
            !self.model().features.has(Feature::LSE2) || !(fits || free)
        } else {
            false
        };
        if faults {
            return Err(self.data_abort(va, fsc::ALIGNMENT, access.kind == Kind::Store));
        }
        Ok(true)
    }

    /// As [`Cpu::place`], alignment checked but for what the memory type has to say.
    #[inline]
    pub(super) fn locate(
        &mut self,
        world: &mut dyn World,
        va: u64,
        len: usize,
        access: Access,
        misaligned: bool,
    ) -> Result<Located, Raised> {
        let unprivileged = access.unprivileged && self.pstate.el() != 0 && !self.overrides_user();
        let entry = self.mmu.set_for(unprivileged).data(va);
        let tag = if access.kind == Kind::Load { entry.read } else { entry.write };
        if tag & !ALIGNED_ONLY == va & !0xfff && (!misaligned || entry.pa & NORMAL != 0) {
            let offset = self.offset(entry, va);
            return Ok(Located { place: Place::Ram(offset), pa: entry.pa_of(va) });
        }
        self.locate_slow(world, va, len, access, misaligned, unprivileged)
    }

    #[cold]
    #[inline(never)]
    fn locate_slow(
        &mut self,
        _world: &mut dyn World,
        va: u64,
        len: usize,
        access: Access,
        misaligned: bool,
        unprivileged: bool,
    ) -> Result<Located, Raised> {
        self.mmu.counters.data_misses += 1;
        let kind = match access.kind {
            Kind::Load => mmu::Kind::Read,
            Kind::Store => mmu::Kind::Write,
            Kind::Update => mmu::Kind::Update,
        };
        let privileged = self.pstate.el() != 0 && !unprivileged;
        let pan = privileged && self.pstate.contains(Pstate::PAN);
        let asked = mmu::Access { kind, privileged, pan, misaligned, probe: false };
        let found = match self.translate(va, asked) {
            Ok(found) => found,
            Err(fault) => return Err(self.data_abort_of(va, fault)),
        };
        let watched = self.watched_page(va);
        if watched && self.watch_hit(va, len, access.kind != Kind::Load) {
            return Err(self.watchpoint(va, access.kind == Kind::Store));
        }
        let pa = found.pa;
        let place = match self.vm.ram.find(pa) {
            Some((region, offset, _)) if region != RamKind::Hidden => {
                if !watched {
                    // Without alignment checks at large, Device memory has its own.
                    let strict = if found.normal || self.mode().has(Mode::ALIGN) { 0 } else { ALIGNED_ONLY };
                    let tag = |kind| {
                        let refused = mmu::Access { kind, ..asked }.refused(found.rights).is_some();
                        if refused { NONE } else { va & !0xfff | strict }
                    };
                    let slow = self.vm.code_pages().is_some_and(|pages| pages.has(offset));
                    let write =
                        if region == RamKind::ReadWrite && !slow { tag(mmu::Kind::Write) } else { NONE };
                    let read = tag(mmu::Kind::Read);
                    let host = self.host_of(offset).wrapping_sub(va);
                    self.mmu.fill_data(unprivileged, va, Entry { read, write, host, pa: page(&found) });
                }
                if access.kind != Kind::Load {
                    self.note_store(pa, offset, len);
                }
                if region == RamKind::ReadWrite || access.kind == Kind::Load {
                    Place::Ram(offset)
                } else {
                    Place::Device(pa)
                }
            }
            _ => Place::Device(pa),
        };
        Ok(Located { place, pa })
    }

    /// Translates `va` by the second-level TLB, or by a walk where that doesn't know or would refuse. The rights are
    /// those that count, DACR considered.
    pub(super) fn translate(&mut self, va: u64, access: mmu::Access) -> Result<Found, Fault> {
        let regime = &self.mmu.regime;
        let plain = regime.untag(va).filter(|_| regime.enabled());
        let allowed = |found: Found| Found { rights: regime.allowed(found.rights, found.domain), ..found };
        if let Some(found) = plain.and_then(|va| self.mmu.recall(va)).map(allowed)
            && access.refused(found.rights).is_none()
            && (found.normal || !access.misaligned)
        {
            self.mmu.counters.second_hits += 1;
            return Ok(found);
        }
        self.mmu.counters.walks += 1;
        let regime = &self.mmu.regime;
        let translation = regime.translate(&Physical(&self.vm.ram), va, access)?;
        if let Some(va) = plain {
            self.mmu.remember(va, &translation);
        }
        let found = Found::new(&translation);
        Ok(Found { rights: self.mmu.regime.allowed(found.rights, found.domain), ..found })
    }

    /// Translates by a walk and leaves all TLBs alone, for AT.
    pub(super) fn walk(&self, va: u64, access: mmu::Access) -> Result<mmu::Translation, Fault> {
        self.mmu.regime.translate(&Physical(&self.vm.ram), va, access)
    }

    /// Guest physical address of pc, if the soft TLB has it for execution and it is aligned.
    #[inline(always)]
    pub fn fetched(&self) -> Option<u64> {
        let entry = self.mmu.set.code(self.pc);
        (entry.read == Set::tag(self.pc, 4)).then(|| entry.pa_of(self.pc))
    }

    /// Translates pc for execution: guest physical address and offset in guest memory.
    #[inline]
    pub fn fetch(&mut self, world: &mut dyn World) -> Result<(u64, usize), Raised> {
        let entry = self.mmu.set.code(self.pc);
        if entry.read == self.pc & !0xfff {
            return Ok((entry.pa_of(self.pc), self.offset(*entry, self.pc)));
        }
        self.fetch_slow(world)
    }

    #[cold]
    fn fetch_slow(&mut self, world: &mut dyn World) -> Result<(u64, usize), Raised> {
        self.mmu.counters.fetch_misses += 1;
        let va = self.pc;
        let privileged = self.pstate.el() != 0;
        let asked =
            mmu::Access { kind: mmu::Kind::Fetch, privileged, pan: false, misaligned: false, probe: false };
        let found = match self.translate(va, asked) {
            Ok(found) => found,
            Err(fault) => return Err(self.insn_abort(fault.status())),
        };
        let memory = self.vm.ram.find(found.pa).filter(|(kind, ..)| *kind != RamKind::Hidden);
        let Some((_, offset, _)) = memory else {
            if world.refuse_fetch(found.pa) == BusError::Deferred {
                self.raised = Exception { elr: va, deferred: true, ..Exception::default() };
                return Err(Raised);
            }
            world.note(Note::Unmapped { pc: va, pa: found.pa, fetch: true, write: false });
            return Err(self.insn_abort(fsc::EXTERNAL));
        };
        let host = self.host_of(offset).wrapping_sub(va);
        self.mmu.fill_code(va, Entry { read: va & !0xfff, write: NONE, host, pa: page(&found) });
        Ok((found.pa, offset))
    }

    fn insn_abort(&mut self, status: u8) -> Raised {
        let ec = if self.pstate.el() == 0 { Ec::InsnAbortLower } else { Ec::InsnAbort };
        self.raise(ec, u64::from(status), Some(self.pc))
    }

    /// Raises a data abort.
    #[cold]
    pub fn data_abort(&mut self, va: u64, status: u8, write: bool) -> Raised {
        let wnr = if write { iss::WNR } else { 0 };
        self.raise_data(va, wnr | u64::from(status))
    }

    /// Raises the data abort of a failed translation.
    #[cold]
    fn data_abort_of(&mut self, va: u64, fault: Fault) -> Raised {
        let raised = self.data_abort(va, fault.status(), fault.write);
        self.raised.domain = fault.domain;
        raised
    }

    /// Raises the data abort of a cache maintenance or address translation instruction.
    #[cold]
    pub(super) fn maintenance_abort(&mut self, va: u64, fault: Fault) -> Raised {
        let status = u64::from(fault.status());
        let raised = self.raise_data(va, iss::CM | iss::WNR | status);
        self.raised.domain = fault.domain;
        raised
    }

    fn raise_data(&mut self, va: u64, iss: u64) -> Raised {
        let ec = if self.pstate.el() == 0 { Ec::DataAbortLower } else { Ec::DataAbort };
        self.raise(ec, iss, Some(va))
    }
}

/// [`Entry::pa`] of a translation.
fn page(found: &Found) -> u64 {
    let normal = if found.normal { NORMAL } else { 0 };
    let private = if found.global { 0 } else { PRIVATE };
    found.pa & !0xfff | normal | private
}

/// True if AT reports the fault in PAR_EL1 rather than by an exception.
pub(super) fn goes_to_par(fault: Fault) -> bool {
    fault.kind != FaultKind::External
}
