//! Ordered, exclusive, unprivileged and atomic accesses, and vector structures.

use std::sync::atomic::Ordering;

use super::{extension, multiple};
use crate::cpu::{Cpu, Raised};
use crate::mmu::access::Data;
use crate::mmu::{Access, Set};
use crate::uop::{MemoryOp, SINK, Slot, Uop, ZERO};
use crate::world::World;

/// Runs one memory uop.
pub fn exec(cpu: &mut Cpu, world: &mut dyn World, op: MemoryOp, u: &Uop) -> Result<(), Raised> {
    match op {
        MemoryOp::LoadStructures => return load_structures(cpu, world, u),
        MemoryOp::StoreStructures => return store_structures(cpu, world, u),
        MemoryOp::LoadReplicate => return load_replicate(cpu, world, u),
        MemoryOp::LoadLane => return load_lane(cpu, world, u),
        MemoryOp::StoreLane => return store_lane(cpu, world, u),
        MemoryOp::LoadMultiple => return multiple::load(cpu, world, u),
        MemoryOp::StoreMultiple => return multiple::store(cpu, world, u),
        MemoryOp::LoadExtension => return extension::load_extension(cpu, world, u),
        MemoryOp::StoreExtension => return extension::store_extension(cpu, world, u),
        MemoryOp::LoadElements => return extension::load_elements(cpu, world, u),
        MemoryOp::StoreElements => return extension::store_elements(cpu, world, u),
        _ => {}
    }
    match u.flags & 3 {
        0 => sized::<u8, u16>(cpu, world, op, u),
        1 => sized::<u16, u32>(cpu, world, op, u),
        2 => sized::<u32, u64>(cpu, world, op, u),
        _ => sized::<u64, u128>(cpu, world, op, u),
    }
}

fn get(cpu: &Cpu, slot: Slot) -> u64 {
    cpu.x[usize::from(slot & 63)]
}

fn set(cpu: &mut Cpu, slot: Slot, value: u64) {
    cpu.x[usize::from(slot & 63)] = value;
}

/// An access to a register's `T` or to a pair's `P`.
fn sized<T: Data, P: Data>(
    cpu: &mut Cpu,
    world: &mut dyn World,
    op: MemoryOp,
    u: &Uop,
) -> Result<(), Raised> {
    let bits = T::SIZE * 8;
    let va = get(cpu, u.a);
    let (b, c) = (T::from_wide(get(cpu, u.b).into()), T::from_wide(get(cpu, u.c).into()));
    let pair = |low: u64, high: u64| {
        let low = T::from_wide(low.into()).to_wide();
        P::from_wide(low | u128::from(high) << bits)
    };
    let unpaired = |value: P| {
        let value = value.to_wide();
        (T::from_wide(value).to_wide() as u64, T::from_wide(value >> bits).to_wide() as u64)
    };
    let old = match op {
        MemoryOp::LoadAcquire => {
            let value = load_acquire::<T>(cpu, world, va.wrapping_add(u.imm as u64))?;
            set(cpu, u.dst, extend(value, u.flags));
            return Ok(());
        }
        MemoryOp::LoadUnprivileged => {
            let va = va.wrapping_add(u.imm as u64);
            let value = cpu.load_as::<T>(world, va, Access::LOAD_UNPRIVILEGED)?;
            set(cpu, u.dst, extend(value, u.flags));
            return Ok(());
        }
        MemoryOp::StoreRelease => return store_release(cpu, world, va.wrapping_add(u.imm as u64), c),
        MemoryOp::StoreUnprivileged => {
            return cpu.store_as(world, va.wrapping_add(u.imm as u64), c, Access::STORE_UNPRIVILEGED);
        }
        MemoryOp::LoadExclusive => cpu.load_exclusive::<T>(world, va)?,
        MemoryOp::LoadExclusivePair => {
            let (low, high) = unpaired(cpu.load_exclusive::<P>(world, va)?);
            set(cpu, u.dst, low);
            set(cpu, u.c, high);
            return Ok(());
        }
        MemoryOp::StoreExclusive => {
            let stored = cpu.store_exclusive(world, va, c)?;
            set(cpu, u.dst, (!stored).into());
            return Ok(());
        }
        MemoryOp::StoreExclusivePair => {
            let value = pair(get(cpu, u.c), get(cpu, u.b));
            let stored = cpu.store_exclusive(world, va, value)?;
            set(cpu, u.dst, (!stored).into());
            return Ok(());
        }
        MemoryOp::Cas => cpu.compare_exchange(world, va, b, c)?,
        MemoryOp::Casp => {
            let odd = |even: Slot, zero: Slot| if even == 30 { zero } else { even + 1 };
            let expected = pair(get(cpu, u.b), get(cpu, odd(u.b, ZERO)));
            let new = pair(get(cpu, u.c), get(cpu, odd(u.c, ZERO)));
            let (low, high) = unpaired(cpu.compare_exchange(world, va, expected, new)?);
            set(cpu, u.dst, low);
            set(cpu, odd(u.dst, SINK), high);
            return Ok(());
        }
        _ => {
            let operand = c.to_wide() as u64;
            let modify = |old: T| {
                let new = modified(op, old.to_wide() as u64, operand, bits as u32);
                T::from_wide(new.into())
            };
            cpu.atomic(world, va, modify)?
        }
    };
    set(cpu, u.dst, old.to_wide() as u64);
    Ok(())
}

/// What an atomic operation stores; `old` and `operand` are zero-extended from `bits`.
fn modified(op: MemoryOp, old: u64, operand: u64, bits: u32) -> u64 {
    // Shifted to the top, numbers of any width compare as signed.
    let less = ((old << (64 - bits)) as i64) < (operand << (64 - bits)) as i64;
    match op {
        MemoryOp::Add => old.wrapping_add(operand),
        MemoryOp::Clr => old & !operand,
        MemoryOp::Eor => old ^ operand,
        MemoryOp::Set => old | operand,
        MemoryOp::Smax if less => operand,
        MemoryOp::Smin if !less => operand,
        MemoryOp::Smax | MemoryOp::Smin => old,
        MemoryOp::Umax => old.max(operand),
        MemoryOp::Umin => old.min(operand),
        _ => operand,
    }
}

/// Extends a loaded value as `flags` of the uop say.
fn extend<T: Data>(value: T, flags: u8) -> u64 {
    let value = value.to_wide() as u64;
    if flags & MemoryOp::SIGNED == 0 {
        return value;
    }
    let unused = 64 - T::SIZE as u32 * 8;
    let value = ((value << unused) as i64 >> unused) as u64;
    if flags & MemoryOp::TO64 == 0 { value & 0xffff_ffff } else { value }
}

#[inline]
fn load_acquire<T: Data>(cpu: &mut Cpu, world: &mut dyn World, va: u64) -> Result<T, Raised> {
    let entry = cpu.mmu.set.data(va);
    if entry.read == Set::tag(va, T::SIZE) {
        return Ok(cpu.ram.load(cpu.offset(entry, va), Ordering::SeqCst));
    }
    cpu.load_as(world, va, Access::LOAD_ALIGNED)
}

#[inline]
fn store_release<T: Data>(cpu: &mut Cpu, world: &mut dyn World, va: u64, value: T) -> Result<(), Raised> {
    let entry = cpu.mmu.set.data(va);
    if entry.write == Set::tag(va, T::SIZE) {
        cpu.ram.store(cpu.offset(entry, va), value, Ordering::SeqCst);
        return Ok(());
    }
    cpu.store_as(world, va, value, Access::STORE_ALIGNED)
}

/// Bytes of the largest access: four registers.
pub(super) const SPAN: usize = 64;

/// Loads `len` bytes by elements of `1 << size` bytes.
pub(super) fn load_span(
    cpu: &mut Cpu,
    world: &mut dyn World,
    va: u64,
    len: usize,
    size: u8,
) -> Result<[u8; SPAN], Raised> {
    let mut bytes = [0; SPAN];
    let element = 1 << (size & 3);
    let entry = cpu.mmu.set.data(va);
    if len.is_multiple_of(8) && in_page(va, len) && entry.read == Set::tag(va, element) {
        let offset = cpu.offset(entry, va);
        for (i, chunk) in bytes[..len].chunks_exact_mut(8).enumerate() {
            chunk.copy_from_slice(&cpu.ram.load::<u64>(offset + i * 8, Ordering::Relaxed).to_le_bytes());
        }
        return Ok(bytes);
    }
    for (i, chunk) in bytes[..len].chunks_exact_mut(element).enumerate() {
        let at = va.wrapping_add((i * element) as u64) & cpu.address_mask;
        match element {
            1 => chunk[0] = cpu.load_mem::<u8>(world, at)?,
            2 => chunk.copy_from_slice(&cpu.load_mem::<u16>(world, at)?.to_le_bytes()),
            4 => chunk.copy_from_slice(&cpu.load_mem::<u32>(world, at)?.to_le_bytes()),
            _ => chunk.copy_from_slice(&cpu.load_mem::<u64>(world, at)?.to_le_bytes()),
        }
    }
    Ok(bytes)
}

/// Stores `bytes` by elements of `1 << size` bytes; checks both pages before it writes to the first.
pub(super) fn store_span(
    cpu: &mut Cpu,
    world: &mut dyn World,
    va: u64,
    bytes: &[u8],
    size: u8,
) -> Result<(), Raised> {
    let element = 1 << (size & 3);
    let len = bytes.len();
    let entry = cpu.mmu.set.data(va);
    if !in_page(va, len) {
        cpu.probe_store(world, va, len)?;
    } else if len.is_multiple_of(8) && entry.write == Set::tag(va, element) {
        let offset = cpu.offset(entry, va);
        for (i, chunk) in bytes.chunks_exact(8).enumerate() {
            cpu.ram.store(offset + i * 8, wide(chunk) as u64, Ordering::Relaxed);
        }
        return Ok(());
    }
    for (i, chunk) in bytes.chunks_exact(element).enumerate() {
        let at = va.wrapping_add((i * element) as u64) & cpu.address_mask;
        let value = wide(chunk);
        match element {
            1 => cpu.store_mem(world, at, value as u8)?,
            2 => cpu.store_mem(world, at, value as u16)?,
            4 => cpu.store_mem(world, at, value as u32)?,
            _ => cpu.store_mem(world, at, value as u64)?,
        }
    }
    Ok(())
}

fn in_page(va: u64, len: usize) -> bool {
    (va & 0xfff) as usize + len <= 4096
}

/// The little-endian number in at most 16 bytes.
fn wide(bytes: &[u8]) -> u128 {
    bytes.iter().rev().fold(0, |value, &byte| value << 8 | u128::from(byte))
}

/// Element size (log2), bytes per register and registers of a structure uop.
fn shape(u: &Uop) -> (u8, usize, usize) {
    (u.flags & 3, if u.flags & 4 != 0 { 16 } else { 8 }, (u.imm & 7).min(4) as usize)
}

/// Where in memory byte `byte` of register `register` lies, counted from the address.
fn place(u: &Uop, register: usize, byte: usize) -> usize {
    let (size, bytes, count) = shape(u);
    if u.flags & MemoryOp::INTERLEAVED == 0 {
        return register * bytes + byte;
    }
    let (element, within) = (byte >> size, byte & ((1 << size) - 1));
    ((element * count + register) << size) + within
}

/// Vector slot `n` registers after `first`; the list wraps around.
fn register(first: Slot, n: usize) -> usize {
    (usize::from(first) + n) % 32
}

fn load_structures(cpu: &mut Cpu, world: &mut dyn World, u: &Uop) -> Result<(), Raised> {
    let (size, bytes, count) = shape(u);
    let va = get(cpu, u.a);
    let span = load_span(cpu, world, va, bytes * count, size)?;
    for n in 0..count {
        let mut value = [0; 16];
        for (byte, out) in value[..bytes].iter_mut().enumerate() {
            *out = span[place(u, n, byte) % SPAN];
        }
        cpu.v[register(u.dst, n)] = u128::from_le_bytes(value);
    }
    Ok(())
}

fn store_structures(cpu: &mut Cpu, world: &mut dyn World, u: &Uop) -> Result<(), Raised> {
    let (size, bytes, count) = shape(u);
    let mut span = [0; SPAN];
    for n in 0..count {
        let value = cpu.v[register(u.c, n)].to_le_bytes();
        for (byte, &from) in value[..bytes].iter().enumerate() {
            span[place(u, n, byte) % SPAN] = from;
        }
    }
    let va = get(cpu, u.a);
    store_span(cpu, world, va, &span[..bytes * count], size)
}

fn load_replicate(cpu: &mut Cpu, world: &mut dyn World, u: &Uop) -> Result<(), Raised> {
    let (size, bytes, count) = shape(u);
    let va = get(cpu, u.a);
    let span = load_span(cpu, world, va, count << size, size)?;
    for n in 0..count {
        let mut value = [0; 16];
        for chunk in value[..bytes].chunks_exact_mut(1 << size) {
            chunk.copy_from_slice(&span[n << size..(n + 1) << size]);
        }
        cpu.v[register(u.dst, n)] = u128::from_le_bytes(value);
    }
    Ok(())
}

/// Lane number, element size (log2) and registers of a lane uop.
fn lane(u: &Uop) -> (usize, u8, usize) {
    ((u.imm >> 8 & 15) as usize, u.flags & 3, (u.imm & 7).min(4) as usize)
}

fn load_lane(cpu: &mut Cpu, world: &mut dyn World, u: &Uop) -> Result<(), Raised> {
    let (lane, size, count) = lane(u);
    let va = get(cpu, u.a);
    let span = load_span(cpu, world, va, count << size, size)?;
    let shift = (lane << size) * 8 % 128;
    let ones = u128::MAX >> (128 - (8 << size));
    for n in 0..count {
        let element = wide(&span[n << size..(n + 1) << size]);
        let value = &mut cpu.v[register(u.dst, n)];
        *value = *value & !(ones << shift) | element << shift;
    }
    Ok(())
}

fn store_lane(cpu: &mut Cpu, world: &mut dyn World, u: &Uop) -> Result<(), Raised> {
    let (lane, size, count) = lane(u);
    let mut span = [0; SPAN];
    for n in 0..count {
        let value = cpu.v[register(u.c, n)] >> ((lane << size) * 8 % 128);
        span[n << size..(n + 1) << size].copy_from_slice(&value.to_le_bytes()[..1 << size]);
    }
    let va = get(cpu, u.a);
    store_span(cpu, world, va, &span[..count << size], size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signed_atomics_compare_at_their_width() {
        for (bits, minus) in [(8, 0x80), (16, 0x8610), (32, 0x8000_0000), (64, 1 << 63)] {
            assert_eq!(modified(MemoryOp::Smax, minus, 0, bits), 0);
            assert_eq!(modified(MemoryOp::Smax, 0, minus, bits), 0);
            assert_eq!(modified(MemoryOp::Smin, minus, 0, bits), minus);
            assert_eq!(modified(MemoryOp::Smin, 0, minus, bits), minus);
            assert_eq!(modified(MemoryOp::Umax, minus, 1, bits), minus);
            assert_eq!(modified(MemoryOp::Umin, 1, minus, bits), 1);
        }
    }
}
