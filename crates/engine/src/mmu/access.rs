//! Loads, stores, atomics and fetches of the guest.
//!
//! An aligned access to a page in the soft TLB is one comparison and one host load or store. All else
//! goes through [`Cpu::place`], which translates, checks and faults.

use std::sync::atomic::Ordering;

use armlet_arm::esr::{Ec, fsc, iss};
use armlet_base::RamKind;
use armlet_base::ram::Word;

use crate::cpu::{Cpu, Raised};
use crate::mmu::{Entry, Tlb};
use crate::world::{Note, World};

/// What an access does, for permissions and syndromes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Data load.
    Load,
    /// Data store, and atomics (which report a write whichever half faults first).
    Store,
    /// Instruction fetch.
    Fetch,
}

/// How an access is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// What it does.
    pub kind: Kind,
    /// With EL0's permissions: LDTR and STTR at EL1 unless PSTATE.UAO is set.
    pub unprivileged: bool,
    /// Must be aligned to its size whatever SCTLR_EL1.A says: exclusives, atomics, acquire and release.
    pub aligned: bool,
}

impl Access {
    /// A plain load.
    pub const LOAD: Self = Self { kind: Kind::Load, unprivileged: false, aligned: false };
    /// A plain store.
    pub const STORE: Self = Self { kind: Kind::Store, unprivileged: false, aligned: false };
    /// LDTR.
    pub const LOAD_UNPRIVILEGED: Self = Self { unprivileged: true, ..Self::LOAD };
    /// STTR.
    pub const STORE_UNPRIVILEGED: Self = Self { unprivileged: true, ..Self::STORE };
    /// LDAR, LDAPR, LDXR.
    pub const LOAD_ALIGNED: Self = Self { aligned: true, ..Self::LOAD };
    /// STLR, STXR and atomics.
    pub const STORE_ALIGNED: Self = Self { aligned: true, ..Self::STORE };
}

/// Where an access within one page lands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Offset in guest memory.
    Ram(usize),
    /// Guest physical address with no memory that allows the access.
    Device(u64),
}

/// An integer the guest loads and stores: [`Word`] with conversions the slow path needs.
pub trait Data: Word {
    /// From little-endian bytes; those above the size are ignored.
    fn from_wide(value: u128) -> Self;
    /// Zero-extended.
    fn to_wide(self) -> u128;
}

macro_rules! data {
    ($($int:ty),*) => {$(
        impl Data for $int {
            #[inline(always)]
            fn from_wide(value: u128) -> Self { value as $int }
            #[inline(always)]
            fn to_wide(self) -> u128 { self.into() }
        }
    )*};
}
data!(u8, u16, u32, u64, u128);

impl Cpu {
    /// Plain load.
    #[inline(always)]
    pub fn load_mem<T: Data>(&mut self, world: &mut dyn World, va: u64) -> Result<T, Raised> {
        let entry = self.mmu.data.entry(va);
        if entry.read == Tlb::tag(va, T::SIZE) {
            return Ok(self.ram.load(entry.addend.wrapping_add(va) as usize, Ordering::Relaxed));
        }
        self.load_as(world, va, Access::LOAD)
    }

    /// Plain store.
    #[inline(always)]
    pub fn store_mem<T: Data>(&mut self, world: &mut dyn World, va: u64, value: T) -> Result<(), Raised> {
        let entry = self.mmu.data.entry(va);
        if entry.write == Tlb::tag(va, T::SIZE) {
            self.ram.store(entry.addend.wrapping_add(va) as usize, value, Ordering::Relaxed);
            return Ok(());
        }
        self.store_as(world, va, value, Access::STORE)
    }

    /// Load by any rule: acquire, exclusive, unprivileged, unaligned, device. Sequentially consistent if
    /// `access.aligned`.
    #[cold]
    #[inline(never)]
    pub fn load_as<T: Data>(&mut self, world: &mut dyn World, va: u64, access: Access) -> Result<T, Raised> {
        if let Some(second) = page_split(va, T::SIZE) {
            let first = self.load_piece(world, va, second, access)?;
            let rest = self.load_piece(world, va.wrapping_add(second as u64), T::SIZE - second, access)?;
            return Ok(T::from_wide(first | rest << (second * 8)));
        }
        match self.place(world, va, T::SIZE, access)? {
            Place::Ram(offset) => Ok(self.vm.ram.load(offset, order(access, Ordering::SeqCst))),
            Place::Device(pa) => self.device_load(world, va, pa, T::SIZE).map(T::from_wide),
        }
    }

    /// Store by any rule; sequentially consistent if `access.aligned`. A store that crosses pages checks
    /// both before it writes.
    #[cold]
    #[inline(never)]
    pub fn store_as<T: Data>(
        &mut self,
        world: &mut dyn World,
        va: u64,
        value: T,
        access: Access,
    ) -> Result<(), Raised> {
        if let Some(second) = page_split(va, T::SIZE) {
            let second_va = va.wrapping_add(second as u64);
            let places = [
                (self.place(world, va, second, access)?, va, 0, second),
                (
                    self.place(world, second_va, T::SIZE - second, access)?,
                    second_va,
                    second,
                    T::SIZE - second,
                ),
            ];
            for (place, va, from, len) in places {
                let bytes = &value.to_wide().to_le_bytes()[from..from + len];
                for (i, &byte) in bytes.iter().enumerate() {
                    match place {
                        Place::Ram(offset) => self.vm.ram.store(offset + i, byte, Ordering::Relaxed),
                        Place::Device(pa) => self.device_store(world, va, pa + i as u64, 1, byte.into())?,
                    }
                }
            }
            return Ok(());
        }
        match self.place(world, va, T::SIZE, access)? {
            Place::Ram(offset) => {
                self.vm.ram.store(offset, value, order(access, Ordering::SeqCst));
                Ok(())
            }
            Place::Device(pa) => self.device_store(world, va, pa, T::SIZE, value.to_wide()),
        }
    }

    /// Atomic read-modify-write (LSE). Returns the old value.
    pub fn atomic<T: Data>(
        &mut self,
        world: &mut dyn World,
        va: u64,
        new: impl Fn(T) -> T,
    ) -> Result<T, Raised> {
        let offset = self.atomic_place(world, va, T::SIZE)?;
        let mut old: T = self.vm.ram.load(offset, Ordering::Relaxed);
        loop {
            let seen = self.vm.ram.compare_exchange(offset, old, new(old));
            if seen.to_wide() == old.to_wide() {
                return Ok(old);
            }
            old = seen;
        }
    }

    /// CAS and CASP. Returns the old value.
    pub fn compare_exchange<T: Data>(
        &mut self,
        world: &mut dyn World,
        va: u64,
        expected: T,
        new: T,
    ) -> Result<T, Raised> {
        let offset = self.atomic_place(world, va, T::SIZE)?;
        Ok(self.vm.ram.compare_exchange(offset, expected, new))
    }

    /// LDXR, LDAXR and the pair forms (one value of twice the size): loads and arms the local monitor.
    pub fn load_exclusive<T: Data>(&mut self, world: &mut dyn World, va: u64) -> Result<T, Raised> {
        let Place::Ram(offset) = self.place(world, va, T::SIZE, Access::LOAD_ALIGNED)? else {
            return Err(self.data_abort(va, fsc::UNSUPPORTED_ATOMIC, false));
        };
        let value: T = self.vm.ram.load(offset, Ordering::SeqCst);
        self.exclusive = Some((offset as u64, T::SIZE as u8, value.to_wide()));
        Ok(value)
    }

    /// STXR, STLXR and the pair forms. True if the store happened. The monitor compares by value, which
    /// the architecture's rules for the global monitor permit software to notice only by ABA writes.
    pub fn store_exclusive<T: Data>(
        &mut self,
        world: &mut dyn World,
        va: u64,
        value: T,
    ) -> Result<bool, Raised> {
        let offset = self.atomic_place(world, va, T::SIZE)?;
        match self.exclusive.take() {
            Some((armed, size, old)) if armed == offset as u64 && usize::from(size) == T::SIZE => {
                Ok(self.vm.ram.compare_exchange(offset, T::from_wide(old), value).to_wide() == old)
            }
            _ => Ok(false),
        }
    }

    /// Checks that `len` bytes (up to a page) at `va` can be stored to, without storing: multi-register
    /// stores check all before they write any.
    #[inline]
    pub fn probe_store(&mut self, world: &mut dyn World, va: u64, len: usize) -> Result<(), Raised> {
        if self.mmu.data.entry(va).write == va & !0xfff && page_split(va, len).is_none() {
            return Ok(());
        }
        let first = page_split(va, len).unwrap_or(len);
        self.place(world, va, first, Access::STORE)?;
        if first < len {
            self.place(world, va.wrapping_add(first as u64), len - first, Access::STORE)?;
        }
        Ok(())
    }

    fn load_piece(
        &mut self,
        world: &mut dyn World,
        va: u64,
        len: usize,
        access: Access,
    ) -> Result<u128, Raised> {
        let place = self.place(world, va, len, access)?;
        let mut value = 0;
        for i in 0..len {
            let byte = match place {
                Place::Ram(offset) => self.vm.ram.load::<u8>(offset + i, Ordering::Relaxed).into(),
                Place::Device(pa) => self.device_load(world, va, pa + i as u64, 1)?,
            };
            value |= byte << (i * 8);
        }
        Ok(value)
    }

    fn atomic_place(&mut self, world: &mut dyn World, va: u64, size: usize) -> Result<usize, Raised> {
        match self.place(world, va, size, Access::STORE_ALIGNED)? {
            Place::Ram(offset) => Ok(offset),
            Place::Device(_) => Err(self.data_abort(va, fsc::UNSUPPORTED_ATOMIC, true)),
        }
    }

    fn device_load(&mut self, world: &mut dyn World, va: u64, pa: u64, size: usize) -> Result<u128, Raised> {
        let pc = self.insn_pc();
        let half = size.min(8) as u8;
        let mut read = |pa| world.mmio_read(pc, pa, half);
        let value = match size {
            16 => read(pa).and_then(|low| Ok(u128::from(low) | u128::from(read(pa + 8)?) << 64)),
            _ => read(pa).map(u128::from),
        };
        value.map_err(|_| {
            world.note(Note::Unmapped { pc, pa, fetch: false, write: false });
            self.data_abort(va, fsc::EXTERNAL, false)
        })
    }

    fn device_store(
        &mut self,
        world: &mut dyn World,
        va: u64,
        pa: u64,
        size: usize,
        value: u128,
    ) -> Result<(), Raised> {
        let pc = self.insn_pc();
        let half = size.min(8) as u8;
        let mut done = world.mmio_write(pc, pa, half, value as u64);
        if size == 16 && done.is_ok() {
            done = world.mmio_write(pc, pa + 8, half, (value >> 64) as u64);
        }
        done.map_err(|_| {
            world.note(Note::Unmapped { pc, pa, fetch: false, write: true });
            self.data_abort(va, fsc::EXTERNAL, true)
        })
    }

    /// Raises a data abort.
    #[cold]
    pub fn data_abort(&mut self, va: u64, status: u8, write: bool) -> Raised {
        let ec = if self.pstate.el() == 0 { Ec::DataAbortLower } else { Ec::DataAbort };
        let wnr = if write { iss::WNR } else { 0 };
        self.raise(ec, wnr | u64::from(status), Some(va))
    }

    /// Translates and checks an access of `size` bytes within one page; fills the soft TLB.
    pub fn place(
        &mut self,
        _world: &mut dyn World,
        va: u64,
        size: usize,
        access: Access,
    ) -> Result<Place, Raised> {
        let write = access.kind == Kind::Store;
        if access.aligned && !va.is_multiple_of(size as u64) {
            return Err(self.data_abort(va, fsc::ALIGNMENT, write));
        }
        match self.vm.ram.find(va) {
            Some((kind, offset, _)) if !write || kind == RamKind::ReadWrite => {
                let page = va & !0xfff;
                let store = if kind == RamKind::ReadWrite { page } else { !0 };
                let addend = (offset as u64).wrapping_sub(va);
                *self.mmu.data.entry_mut(va) = Entry { read: page, write: store, addend, pa: page };
                Ok(Place::Ram(offset))
            }
            _ => Ok(Place::Device(va)),
        }
    }

    /// Translates pc for execution: guest physical address and offset in guest memory.
    pub fn fetch(&mut self, world: &mut dyn World) -> Result<(u64, usize), Raised> {
        match self.vm.ram.find(self.pc) {
            Some((_, offset, _)) => Ok((self.pc, offset)),
            None => {
                world.note(Note::Unmapped { pc: self.pc, pa: self.pc, fetch: true, write: false });
                let ec = if self.pstate.el() == 0 { Ec::InsnAbortLower } else { Ec::InsnAbort };
                Err(self.raise(ec, u64::from(fsc::EXTERNAL), Some(self.pc)))
            }
        }
    }
}

/// Bytes before the page boundary, if the access crosses one.
#[inline(always)]
fn page_split(va: u64, len: usize) -> Option<usize> {
    let before = 4096 - (va & 0xfff) as usize;
    (before < len).then_some(before)
}

fn order(access: Access, strong: Ordering) -> Ordering {
    if access.aligned { strong } else { Ordering::Relaxed }
}
