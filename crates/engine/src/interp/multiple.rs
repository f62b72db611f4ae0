//! AArch32's loads and stores of register lists.

use std::sync::atomic::Ordering;

use armlet_arm::esr::fsc;

use crate::aarch32;
use crate::cpu::{Cpu, Raised};
use crate::mmu::Set;
use crate::uop::{MemoryOp, Slot, Uop};
use crate::world::World;

/// Most words of a list.
const MOST: usize = 16;

/// `LoadMultiple`. The words are all there before a register changes.
pub fn load(cpu: &mut Cpu, world: &mut dyn World, u: &Uop) -> Result<(), Raised> {
    let va = base(cpu, u, false)?;
    let count = count(u);
    let mut words = [0u32; MOST];
    let entry = cpu.mmu.set.data(va);
    if entry.read == Set::tag(va, 4) && before_boundary(va) >= count {
        let offset = cpu.offset(entry, va);
        for (i, word) in words[..count].iter_mut().enumerate() {
            *word = cpu.ram.load(offset + i * 4, Ordering::Relaxed);
        }
    } else {
        for (i, word) in words[..count].iter_mut().enumerate() {
            *word = cpu.load_mem(world, address(va, i))?;
        }
    }
    for (slot, word) in slots(u, u.dst).zip(words) {
        cpu.x[usize::from(slot & 63)] = ordered(u, word).into();
    }
    Ok(())
}

/// `StoreMultiple`. Both pages are found writable before a word is written.
pub fn store(cpu: &mut Cpu, world: &mut dyn World, u: &Uop) -> Result<(), Raised> {
    let va = base(cpu, u, true)?;
    let (count, before) = (count(u), before_boundary(va));
    let mut words = [0u32; MOST];
    for (slot, word) in slots(u, u.c).zip(&mut words) {
        *word = ordered(u, cpu.x[usize::from(slot & 63)] as u32);
    }
    let entry = cpu.mmu.set.data(va);
    if entry.write == Set::tag(va, 4) && before >= count {
        let offset = cpu.offset(entry, va);
        for (i, &word) in words[..count].iter().enumerate() {
            cpu.ram.store(offset + i * 4, word, Ordering::Relaxed);
        }
        return Ok(());
    }
    if before < count {
        cpu.probe_store(world, va, before * 4)?;
        cpu.probe_store(world, address(va, before), (count - before) * 4)?;
    }
    for (i, &word) in words[..count].iter().enumerate() {
        cpu.store_mem(world, address(va, i), word)?;
    }
    Ok(())
}

/// The lowest address; it must be that of a word.
fn base(cpu: &mut Cpu, u: &Uop, write: bool) -> Result<u64, Raised> {
    let va = cpu.x[usize::from(u.a & 63)] & 0xffff_ffff;
    if va & 3 == 0 { Ok(va) } else { Err(cpu.data_abort(va, fsc::ALIGNMENT, write)) }
}

/// The address of word `i`; addresses wrap.
fn address(va: u64, i: usize) -> u64 {
    va.wrapping_add(i as u64 * 4) & 0xffff_ffff
}

/// Words from `va` to the end of its page.
fn before_boundary(va: u64) -> usize {
    (4096 - (va & 0xfff) as usize) / 4
}

fn count(u: &Uop) -> usize {
    (u.imm as u16).count_ones() as usize
}

/// The slots of the list, R15's word in or from slot `last`.
fn slots(u: &Uop, last: Slot) -> impl Iterator<Item = Slot> {
    let list = u.imm as u16;
    (0..16).filter(move |n| list >> n & 1 != 0).map(move |n| if n == 15 { last } else { aarch32::slot(n) })
}

/// A word in the byte order of the list.
fn ordered(u: &Uop, word: u32) -> u32 {
    if u.flags & MemoryOp::REVERSED != 0 { word.swap_bytes() } else { word }
}
