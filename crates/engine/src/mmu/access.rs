//! Loads, stores, atomics and fetches of the guest.
//!
//! An aligned access to a page in the soft TLB is one comparison and one host load or store. All else
//! is located by `locate`, which translates, checks and faults.

use std::sync::atomic::Ordering;

use armlet_arm::esr::fsc;
use armlet_base::BusError;
use armlet_base::ram::Word;

use crate::cpu::{Cpu, Raised};
use crate::exception::Exception;
use crate::mmu::{Set, wide};
use crate::world::{Note, World};

/// What an access does, for permissions and syndromes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Data load.
    Load,
    /// Data store.
    Store,
    /// Atomic read-modify-write: a fault is that of a load unless only the store is not allowed.
    Update,
}

/// How an access is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// What it does.
    pub kind: Kind,
    /// With EL0's permissions: LDTR and STTR at EL1. PSTATE.UAO is looked at in here.
    pub unprivileged: bool,
    /// Must be aligned to its size (or lie within 16 aligned bytes, with FEAT_LSE2) whatever SCTLR_EL1.A
    /// says: exclusives, atomics, acquire and release. Sequentially consistent.
    pub aligned: bool,
    /// Exclusive or atomic: SCTLR_EL1.nAA doesn't help it.
    pub atomic: bool,
}

impl Access {
    /// A plain load.
    pub const LOAD: Self = Self { kind: Kind::Load, unprivileged: false, aligned: false, atomic: false };
    /// A plain store.
    pub const STORE: Self = Self { kind: Kind::Store, ..Self::LOAD };
    /// LDTR.
    pub const LOAD_UNPRIVILEGED: Self = Self { unprivileged: true, ..Self::LOAD };
    /// STTR.
    pub const STORE_UNPRIVILEGED: Self = Self { unprivileged: true, ..Self::STORE };
    /// LDAR, LDAPR.
    pub const LOAD_ALIGNED: Self = Self { aligned: true, ..Self::LOAD };
    /// STLR.
    pub const STORE_ALIGNED: Self = Self { aligned: true, ..Self::STORE };
    /// LDXR and its family.
    pub const LOAD_EXCLUSIVE: Self = Self { atomic: true, ..Self::LOAD_ALIGNED };
    /// STXR and its family.
    pub const STORE_EXCLUSIVE: Self = Self { atomic: true, ..Self::STORE_ALIGNED };
    /// LSE atomics.
    pub const UPDATE: Self = Self { kind: Kind::Update, ..Self::STORE_EXCLUSIVE };
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
        let entry = self.mmu.set.data(va);
        if entry.read == Set::tag(va, T::SIZE) {
            return Ok(self.ram.load(self.offset(entry, va), Ordering::Relaxed));
        }
        self.load_as(world, va, Access::LOAD)
    }

    /// Plain store.
    #[inline(always)]
    pub fn store_mem<T: Data>(&mut self, world: &mut dyn World, va: u64, value: T) -> Result<(), Raised> {
        let entry = self.mmu.set.data(va);
        if entry.write == Set::tag(va, T::SIZE) {
            self.ram.store(self.offset(entry, va), value, Ordering::Relaxed);
            return Ok(());
        }
        self.store_as(world, va, value, Access::STORE)
    }

    /// Loads two words. Aligned to both, they are single-copy atomic in memory, as AArch32 has it (Arm ARM E2.2.1).
    #[inline]
    pub fn load_words(&mut self, world: &mut dyn World, va: u64) -> Result<(u32, u32), Raised> {
        let mut first = 0;
        for known in [false, true] {
            let entry = self.mmu.set.data(va);
            if entry.read == Set::tag(va, 8) {
                let both: u64 = self.ram.load(self.offset(entry, va), Ordering::Relaxed);
                return Ok((both as u32, (both >> 32) as u32));
            }
            if !known {
                // If that is memory, it is in the soft TLB now.
                first = self.load_mem(world, va)?;
            }
        }
        let second = self.load_mem(world, va.wrapping_add(4) & self.address_mask)?;
        Ok((first, second))
    }

    /// Stores two words, likewise; a fault of either stores none.
    #[inline]
    pub fn store_words(
        &mut self,
        world: &mut dyn World,
        va: u64,
        first: u32,
        second: u32,
    ) -> Result<(), Raised> {
        for known in [false, true] {
            let entry = self.mmu.set.data(va);
            if entry.write == Set::tag(va, 8) {
                let both = u64::from(first) | u64::from(second) << 32;
                self.ram.store(self.offset(entry, va), both, Ordering::Relaxed);
                return Ok(());
            }
            if !known && (va & 7 == 0 || va & 0xfff > 0xff8) {
                self.probe_store(world, va, 8)?;
            }
        }
        self.store_mem(world, va, first)?;
        self.store_mem(world, va.wrapping_add(4) & self.address_mask, second)
    }

    /// Load by any rule: acquire, exclusive, unprivileged, unaligned, device. Sequentially consistent if
    /// `access.aligned`.
    #[cold]
    #[inline(never)]
    pub fn load_as<T: Data>(&mut self, world: &mut dyn World, va: u64, access: Access) -> Result<T, Raised> {
        let misaligned = self.check_alignment(va, T::SIZE, access)?;
        if let Some(second) = page_split(va, T::SIZE) {
            let first = self.load_piece(world, va, second, access)?;
            let rest = self.load_piece(world, self.further(va, second), T::SIZE - second, access)?;
            return Ok(T::from_wide(first | rest << (second * 8)));
        }
        match self.locate(world, va, T::SIZE, access, misaligned)?.place {
            Place::Ram(offset) => Ok(wide::load(&self.vm.ram, offset, order(access))),
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
        let misaligned = self.check_alignment(va, T::SIZE, access)?;
        if let Some(second) = page_split(va, T::SIZE) {
            return self.store_split(world, va, second, &value.to_wide().to_le_bytes()[..T::SIZE], access);
        }
        match self.locate(world, va, T::SIZE, access, misaligned)?.place {
            Place::Ram(offset) => {
                wide::store(&self.vm.ram, offset, value, order(access));
                Ok(())
            }
            Place::Device(pa) => self.device_store(world, va, pa, T::SIZE, value.to_wide()),
        }
    }

    /// The address `bytes` beyond `va`.
    fn further(&self, va: u64, bytes: usize) -> u64 {
        va.wrapping_add(bytes as u64) & self.address_mask
    }

    fn store_split(
        &mut self,
        world: &mut dyn World,
        va: u64,
        second: usize,
        bytes: &[u8],
        access: Access,
    ) -> Result<(), Raised> {
        let second_va = self.further(va, second);
        let first = self.locate(world, va, second, access, true)?.place;
        let rest = self.locate(world, second_va, bytes.len() - second, access, true)?.place;
        for (place, va, bytes) in [(first, va, &bytes[..second]), (rest, second_va, &bytes[second..])] {
            for (i, &byte) in bytes.iter().enumerate() {
                match place {
                    Place::Ram(offset) => self.vm.ram.store(offset + i, byte, Ordering::Relaxed),
                    Place::Device(pa) => self.device_store(world, va, pa + i as u64, 1, byte.into())?,
                }
            }
        }
        Ok(())
    }

    /// Atomic read-modify-write (LSE). Returns the old value.
    pub fn atomic<T: Data>(
        &mut self,
        world: &mut dyn World,
        va: u64,
        new: impl Fn(T) -> T,
    ) -> Result<T, Raised> {
        let offset = self.atomic_place(world, va, T::SIZE, Access::UPDATE)?;
        Ok(wide::update(&self.vm.ram, offset, |old| Some(new(old))))
    }

    /// CAS and CASP. Returns the old value.
    pub fn compare_exchange<T: Data>(
        &mut self,
        world: &mut dyn World,
        va: u64,
        expected: T,
        new: T,
    ) -> Result<T, Raised> {
        let offset = self.atomic_place(world, va, T::SIZE, Access::UPDATE)?;
        Ok(self.exchange_if(offset, expected.to_wide(), new))
    }

    /// LDXR, LDAXR and the pair forms (one value of twice the size): loads and arms the local monitor.
    pub fn load_exclusive<T: Data>(&mut self, world: &mut dyn World, va: u64) -> Result<T, Raised> {
        let offset = self.atomic_place(world, va, T::SIZE, Access::LOAD_EXCLUSIVE)?;
        let value: T = wide::load(&self.vm.ram, offset, Ordering::SeqCst);
        self.exclusive.arm(self.host_of(offset), T::SIZE, value.to_wide());
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
        let offset = self.atomic_place(world, va, T::SIZE, Access::STORE_EXCLUSIVE)?;
        let armed = self.exclusive;
        self.exclusive.clear();
        if armed.at != self.host_of(offset) || armed.size != T::SIZE as u64 {
            return Ok(false);
        }
        Ok(self.exchange_if(offset, armed.value(), value).to_wide() == armed.value())
    }

    fn exchange_if<T: Data>(&self, offset: usize, expected: u128, new: T) -> T {
        wide::update(&self.vm.ram, offset, |old: T| (old.to_wide() == expected).then_some(new))
    }

    /// Checks that `len` bytes (up to a page) at `va` can be stored to, without storing: multi-register
    /// stores check all before they write any.
    #[inline]
    pub fn probe_store(&mut self, world: &mut dyn World, va: u64, len: usize) -> Result<(), Raised> {
        if self.mmu.set.data(va).write == va & !0xfff && page_split(va, len).is_none() {
            return Ok(());
        }
        let first = page_split(va, len).unwrap_or(len);
        self.locate(world, va, first, Access::STORE, false)?;
        if first < len {
            self.locate(world, self.further(va, first), len - first, Access::STORE, false)?;
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
        let place = self.locate(world, va, len, access, true)?.place;
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

    fn atomic_place(
        &mut self,
        world: &mut dyn World,
        va: u64,
        size: usize,
        access: Access,
    ) -> Result<usize, Raised> {
        let misaligned = self.check_alignment(va, size, access)?;
        match self.locate(world, va, size, access, misaligned)?.place {
            Place::Ram(offset) => Ok(offset),
            Place::Device(_) => Err(self.data_abort(va, fsc::UNSUPPORTED_ATOMIC, access.kind == Kind::Store)),
        }
    }

    pub(super) fn device_load(
        &mut self,
        world: &mut dyn World,
        va: u64,
        pa: u64,
        size: usize,
    ) -> Result<u128, Raised> {
        let pc = self.insn_pc();
        let half = size.min(8) as u8;
        self.publish_time();
        self.tell_insn(world);
        let mut read = |pa| world.mmio_read(pc, pa, half);
        let value = match size {
            16 => read(pa).and_then(|low| Ok(u128::from(low) | u128::from(read(pa + 8)?) << 64)),
            _ => read(pa).map(u128::from),
        };
        self.attend();
        value.map_err(|error| {
            self.unanswered(world, error, va, Note::Unmapped { pc, pa, fetch: false, write: false })
        })
    }

    pub(super) fn device_store(
        &mut self,
        world: &mut dyn World,
        va: u64,
        pa: u64,
        size: usize,
        value: u128,
    ) -> Result<(), Raised> {
        let pc = self.insn_pc();
        let half = size.min(8) as u8;
        self.publish_time();
        self.tell_insn(world);
        let mut done = world.mmio_write(pc, pa, half, value as u64);
        if size == 16 && done.is_ok() {
            done = world.mmio_write(pc, pa + 8, half, (value >> 64) as u64);
        }
        self.notice_memory();
        self.attend();
        done.map_err(|error| {
            self.unanswered(world, error, va, Note::Unmapped { pc, pa, fetch: false, write: true })
        })
    }

    /// No device has done the access that `note` speaks of.
    #[cold]
    fn unanswered(&mut self, world: &mut dyn World, error: BusError, va: u64, note: Note) -> Raised {
        if error == BusError::Deferred {
            self.raised = Exception { elr: self.insn_pc(), deferred: true, ..Exception::default() };
            return Raised;
        }
        let write = matches!(note, Note::Unmapped { write: true, .. });
        world.note(note);
        self.data_abort(va, fsc::EXTERNAL, write)
    }
}

/// Bytes before the page boundary, if the access crosses one.
#[inline(always)]
fn page_split(va: u64, len: usize) -> Option<usize> {
    let before = 4096 - (va & 0xfff) as usize;
    (before < len).then_some(before)
}

fn order(access: Access) -> Ordering {
    if access.aligned { Ordering::SeqCst } else { Ordering::Relaxed }
}
