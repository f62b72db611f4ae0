//! AArch32's loads and stores of extension registers.

use armlet_arm::esr::fsc;

use super::memory::{SPAN, load_span, store_span};
use crate::cpu::{Cpu, Raised};
use crate::uop::{Arrangement, Elements, Extension, MemoryOp, Uop};
use crate::world::World;

/// log2 of the size of a D register in bytes.
const DOUBLE: u8 = 3;

/// Address `base` plus `offset`, if it is a multiple of `1 << align`.
fn address(cpu: &mut Cpu, base: u64, offset: i32, align: u8, store: bool) -> Result<u64, Raised> {
    let va = base.wrapping_add(offset as u64) & cpu.address_mask;
    if va & ((1 << (align & 7)) - 1) != 0 {
        return Err(cpu.data_abort(va, fsc::ALIGNMENT, store));
    }
    Ok(va)
}

/// Element `n` of `1 << size` bytes, counted over all vector slots from the first one on.
fn element(cpu: &Cpu, n: usize, size: u8) -> u64 {
    let (slot, shift) = place(n, size);
    (cpu.v[slot] >> shift) as u64 & u64::MAX >> (64 - (8 << size))
}

fn set_element(cpu: &mut Cpu, n: usize, size: u8, value: u64) {
    let (slot, shift) = place(n, size);
    let mask = u128::from(u64::MAX >> (64 - (8 << size)));
    cpu.v[slot] = cpu.v[slot] & !(mask << shift) | (u128::from(value) & mask) << shift;
}

fn place(n: usize, size: u8) -> (usize, usize) {
    let (slot, within) = (n >> (4 - size), n & ((16 >> size) - 1));
    (slot & 31, (within << size) * 8)
}

/// An element from memory or for it.
fn from_bytes(bytes: &[u8], big: bool) -> u64 {
    let fold = |value: u64, &byte: &u8| value << 8 | u64::from(byte);
    if big { bytes.iter().fold(0, fold) } else { bytes.iter().rev().fold(0, fold) }
}

fn to_bytes(value: u64, bytes: &mut [u8], big: bool) {
    bytes.copy_from_slice(&value.to_le_bytes()[..bytes.len()]);
    if big {
        bytes.reverse();
    }
}

fn is_big(u: &Uop) -> bool {
    u.flags & MemoryOp::BIG != 0
}

/// Most bytes of VLDM.
const MOST: usize = 2 * SPAN;

/// The slot that an address is in.
fn base(cpu: &Cpu, u: &Uop) -> u64 {
    cpu.x[usize::from(u.a & 63)]
}

/// Where S or D registers are in memory, as words, and how many bytes they have.
fn span(cpu: &mut Cpu, u: &Uop, extension: Extension, store: bool) -> Result<(u64, usize), Raised> {
    let base = if extension.literal { cpu.pc } else { base(cpu, u) };
    let va = address(cpu, base, extension.offset, 2, store)?;
    Ok((va, (usize::from(extension.count.max(1)) << (u.flags & 3)).min(MOST)))
}

/// VLDR, VLDM. Memory is accessed by words.
pub fn load_extension(cpu: &mut Cpu, world: &mut dyn World, u: &Uop) -> Result<(), Raised> {
    let extension = Extension::of(u.imm);
    let Extension { first, count, .. } = extension;
    let size = u.flags & 3;
    let (va, len) = span(cpu, u, extension, false)?;
    let mut bytes = [0; MOST];
    for at in (0..len).step_by(SPAN) {
        let part = (len - at).min(SPAN);
        let loaded = load_span(cpu, world, va.wrapping_add(at as u64), part, 2)?;
        bytes[at..at + part].copy_from_slice(&loaded[..part]);
    }
    if count == 0 {
        cpu.v[usize::from(u.dst & 63)] = from_bytes(&bytes[..1 << size], is_big(u)).into();
        return Ok(());
    }
    for (n, bytes) in bytes[..len].chunks_exact(1 << size).enumerate() {
        set_element(cpu, usize::from(first) + n, size, from_bytes(bytes, is_big(u)));
    }
    Ok(())
}

/// VSTR, VSTM.
pub fn store_extension(cpu: &mut Cpu, world: &mut dyn World, u: &Uop) -> Result<(), Raised> {
    let extension = Extension::of(u.imm);
    let Extension { first, count, .. } = extension;
    let size = u.flags & 3;
    let (va, len) = span(cpu, u, extension, true)?;
    let mut bytes = [0; MOST];
    for (n, bytes) in bytes[..len].chunks_exact_mut(1 << size).enumerate() {
        let value = match count {
            0 => cpu.v[usize::from(u.c & 63)] as u64,
            _ => element(cpu, usize::from(first) + n, size),
        };
        to_bytes(value, bytes, is_big(u));
    }
    for at in (0..len).step_by(SPAN) {
        let part = &bytes[at..len.min(at + SPAN)];
        store_span(cpu, world, va.wrapping_add(at as u64), part, 2)?;
    }
    Ok(())
}

/// Calls `each` with the place in memory, counted in elements, and in registers, counted likewise, of all elements.
fn for_elements(elements: Elements, size: u8, mut each: impl FnMut(usize, usize)) {
    let in_register = 8usize >> size;
    let at = |register: u8, lane: usize| usize::from(register) * in_register + lane;
    for n in 0..elements.elements {
        match elements.arrangement {
            Arrangement::Lane(lane) => each(n.into(), at(elements.register(n, 0), lane.into())),
            _ => {
                for after in 0..elements.registers {
                    for lane in 0..in_register {
                        let structure = usize::from(after) * in_register + lane;
                        let all = elements.arrangement == Arrangement::All;
                        let from = if all { 0 } else { structure * usize::from(elements.elements) };
                        each(from + usize::from(n), at(elements.register(n, after), lane));
                    }
                }
            }
        }
    }
}

/// VLD1 to VLD4.
pub fn load_elements(cpu: &mut Cpu, world: &mut dyn World, u: &Uop) -> Result<(), Raised> {
    let (elements, size) = (Elements::of(u.imm), u.flags & DOUBLE);
    let base = base(cpu, u);
    let va = address(cpu, base, 0, elements.align, false)?;
    let bytes = load_span(cpu, world, va, elements.bytes(size), size)?;
    for_elements(elements, size, |from, to| {
        let bytes = &bytes[from << size..][..1 << size];
        set_element(cpu, to, size, from_bytes(bytes, is_big(u)));
    });
    Ok(())
}

/// VST1 to VST4.
pub fn store_elements(cpu: &mut Cpu, world: &mut dyn World, u: &Uop) -> Result<(), Raised> {
    let (elements, size) = (Elements::of(u.imm), u.flags & DOUBLE);
    let base = base(cpu, u);
    let va = address(cpu, base, 0, elements.align, true)?;
    let mut bytes = [0; SPAN];
    for_elements(elements, size, |to, from| {
        to_bytes(element(cpu, from, size), &mut bytes[to << size..][..1 << size], is_big(u));
    });
    store_span(cpu, world, va, &bytes[..elements.bytes(size)], size)
}
