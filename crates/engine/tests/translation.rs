//! Loads, stores and fetches through translation tables: faults, permissions, views of memory.

mod common;

use armlet_arm::{Pstate, SysReg};
use armlet_engine::mmu::{Access, Kind};
use common::*;

const VA: u64 = 0x12_3456_7000;
const KERNEL: u64 = 0xffff_8000_1000_0000;
const DATA: u64 = 0x25;
const DATA_LOWER: u64 = 0x24;
const WNR: u64 = 1 << 6;

#[test]
fn translation_faults_name_their_level() {
    let mut m = Machine::new();
    for level in 0..4 {
        let r = m.load(VA + 8);
        assert_eq!(m.fault(r), (esr(DATA, 4 + level), VA + 8));
        let r = m.store(VA + 8, 0);
        assert_eq!(m.fault(r), (esr(DATA, WNR | 4 + level), VA + 8));
        let r = m.fetch(VA + 8);
        assert_eq!(m.fault(r), (esr(0x21, 4 + level), VA + 8));
        m.el0();
        let r = m.load(VA);
        assert_eq!(m.fault(r), (esr(DATA_LOWER, 4 + level), VA));
        let r = m.fetch(VA);
        assert_eq!(m.fault(r), (esr(0x20, 4 + level), VA));
        m.el1();
        // An atomic faults as the load it begins with.
        let r = m.cpu.atomic(&mut m.world, VA, |old: u32| old + 1);
        assert_eq!(m.fault(r), (esr(DATA, 4 + level), VA));
        if level < 3 {
            m.slot(VA, level as u32 + 1);
        }
    }
    m.map(VA, RAM, 0);
    m.poke(RAM + 8, 77);
    assert_eq!(m.load(VA + 8), Ok(77));
    assert_eq!(m.load(VA + 8 | 0x5a << 56), Ok(77), "TBI0 is set");
    let r = m.load(KERNEL & !(1 << 60));
    assert_eq!(m.fault(r), (esr(DATA, 4), KERNEL & !(1 << 60)), "TBI1 is not");
    m.tlbi(7, 1, VA >> 12);
    let slot = m.slot(VA, 3);
    m.poke(slot, 0);
    let r = m.load(VA + 8 | 0x5a << 56);
    assert_eq!(m.fault(r), (esr(DATA, 7), VA + 8 | 0x5a << 56), "under any tag, and FAR keeps it");
}

#[test]
fn other_faults_of_walks() {
    let mut m = Machine::new();
    let slot = m.slot(VA, 3);
    m.poke(slot, RAM | 3);
    let r = m.load(VA);
    assert_eq!(m.fault(r).0, esr(DATA, 0b001011), "access flag");
    m.set(SysReg::TCR_EL1, m.cpu.sys[SysReg::TCR_EL1] & !(7 << 32));
    m.poke(slot, 1 << 32 | AF | 3);
    let r = m.load(VA);
    assert_eq!(m.fault(r).0, esr(DATA, 0b000011), "address size");
    let slot = m.slot(VA, 2);
    m.poke(slot, 0xdead_0000 | 3);
    let r = m.load(VA);
    assert_eq!(m.fault(r).0, esr(DATA, 0b010111), "external abort on the walk");
    let r = m.fetch(VA);
    assert_eq!(m.fault(r).0, esr(0x21, 0b010111));
    m.map(VA + 0x20_0000, 0x7000_0000, 0);
    let r = m.store(VA + 0x20_0000, 1);
    assert_eq!(m.fault(r).0, esr(DATA, WNR | 0b010000), "external abort of the access");
    let r = m.fetch(VA + 0x20_0000);
    assert_eq!(m.fault(r).0, esr(0x21, 0b010000));
    let r = m.cpu.atomic(&mut m.world, VA + 0x20_0000, |old: u32| old + 1);
    assert_eq!(m.fault(r).0, esr(DATA, 0b110101), "unsupported atomic");
}

/// (descriptor bits, EL1 load, store, fetch, load with PAN, EL0 load, store, fetch)
const PERMISSIONS: &[(u64, [bool; 7])] = &[
    (0, [true, true, true, true, false, false, true]),
    (UXN, [true, true, true, true, false, false, false]),
    (PXN, [true, true, false, true, false, false, true]),
    (READ_ONLY, [true, false, true, true, false, false, true]),
    (USER, [true, true, false, false, true, true, true]),
    (USER | UXN, [true, true, false, false, true, true, false]),
    (USER | READ_ONLY, [true, false, true, false, true, false, true]),
    (USER | READ_ONLY | PXN | UXN, [true, false, false, false, true, false, false]),
];

#[test]
fn permissions_hold_in_every_view() {
    // In any order of views, so that what one fills doesn't leak into another.
    for first in 0..7 {
        for &(bits, allowed) in PERMISSIONS {
            let mut m = Machine::new();
            m.map(VA, RAM, bits);
            for n in 0..7 {
                let what = (first + n) % 7;
                match what {
                    3 => m.pstate(Pstate::RESET_EL1H | Pstate::PAN),
                    0..3 => m.el1(),
                    _ => m.el0(),
                }
                let (result, ec, wnr) = match what {
                    0 | 3 => (m.load(VA).map(drop), DATA, 0),
                    1 => (m.store(VA, 1), DATA, WNR),
                    2 => (m.fetch(VA).map(drop), 0x21, 0),
                    4 => (m.load(VA).map(drop), DATA_LOWER, 0),
                    5 => (m.store(VA, 1), DATA_LOWER, WNR),
                    _ => (m.fetch(VA).map(drop), 0x20, 0),
                };
                assert_eq!(result.is_ok(), allowed[what], "{bits:#x} {what}");
                if result.is_err() {
                    assert_eq!(m.fault(result), (esr(ec, wnr | 0xf), VA));
                }
            }
        }
    }
}

#[test]
fn unprivileged_accesses_use_the_rights_of_el0() {
    let mut m = Machine::new();
    m.map(VA, RAM, 0);
    m.map(VA + 0x1000, RAM + 0x1000, USER);
    let load = |m: &mut Machine, va| m.cpu.load_as::<u64>(&mut m.world, va, Access::LOAD_UNPRIVILEGED);
    for pan in [Pstate::empty(), Pstate::PAN] {
        m.pstate(Pstate::RESET_EL1H | pan);
        assert_eq!(m.load(VA), Ok(0));
        let r = load(&mut m, VA);
        assert_eq!(m.fault(r), (esr(DATA, 0xf), VA), "the class is that of EL1");
        let r = m.cpu.store_as(&mut m.world, VA, 0u8, Access::STORE_UNPRIVILEGED);
        assert_eq!(m.fault(r), (esr(DATA, WNR | 0xf), VA));
        assert_eq!(load(&mut m, VA + 0x1000), Ok(0), "PAN does not matter");
        m.pstate(Pstate::RESET_EL1H | Pstate::UAO | pan);
        assert_eq!(load(&mut m, VA), Ok(0));
        assert_eq!(load(&mut m, VA + 0x1000).is_err(), !pan.is_empty(), "PAN does with UAO");
    }
}

#[test]
fn clean_pages_become_dirty_by_the_first_store() {
    let mut m = Machine::new();
    m.set_bits(SysReg::TCR_EL1, 3 << 39);
    let slot = m.slot(VA, 3);
    m.poke(slot, RAM | DBM | READ_ONLY | 3);
    assert_eq!(m.load(VA), Ok(0));
    assert_eq!(m.peek(slot), RAM | DBM | READ_ONLY | AF | 3);
    assert!(m.cpu.probe_store(&mut m.world, VA, 16).is_ok());
    assert_eq!(m.peek(slot), RAM | DBM | AF | 3);
    // Made clean again, it takes a TLBI to notice.
    m.poke(slot, RAM | DBM | READ_ONLY | AF | 3);
    m.tlbi(7, 5, VA >> 12);
    assert_eq!(m.cpu.atomic(&mut m.world, VA, |old: u64| old + 5), Ok(0));
    assert_eq!(m.peek(slot), RAM | DBM | AF | 3);
    assert_eq!(m.peek(RAM), 5);
}

#[test]
fn alignment() {
    let mut m = Machine::new();
    m.map(VA, RAM, 0);
    m.map(VA + 0x1000, RAM + 0x1000, DEVICE);
    m.map(VA + 0x2000, RAM + 0x2000, DEVICE | READ_ONLY);
    let device = VA + 0x1000;
    m.poke(RAM, 0x1122_3344_5566_7788);
    for _ in 0..2 {
        assert_eq!(m.cpu.load_mem::<u32>(&mut m.world, VA + 2), Ok(0x3344_5566));
        assert_eq!(m.load(device + 8), Ok(0), "aligned accesses to Device memory are fine");
        let r = m.cpu.load_mem::<u16>(&mut m.world, device + 1);
        assert_eq!(m.fault(r), (esr(DATA, 0x21), device + 1));
    }
    let r = m.store(VA + 0x2001, 0);
    assert_eq!(m.fault(r), (esr(DATA, WNR | 0x21), VA + 0x2001), "alignment comes before permission");
    let r = m.store(VA + 0x3001, 0);
    assert_eq!(m.fault(r), (esr(DATA, WNR | 7), VA + 0x3001), "translation comes before alignment");
    // Across pages into Device memory: nothing is stored.
    m.poke(RAM + 0xff8, 7);
    let r = m.store(device - 4, !0);
    assert_eq!(m.fault(r), (esr(DATA, WNR | 0x21), device));
    assert_eq!(m.peek(RAM + 0xff8), 7);
    m.set_bits(SysReg::SCTLR_EL1, 2);
    let r = m.store(VA + 0x3001, 0);
    assert_eq!(m.fault(r), (esr(DATA, WNR | 0x21), VA + 0x3001), "SCTLR.A comes before translation");
    assert_eq!(m.load(VA), Ok(0x1122_3344_5566_7788));
    let r = m.load(VA + 4);
    assert_eq!(m.fault(r).0, esr(DATA, 0x21));
}

#[test]
fn atomics_within_sixteen_bytes() {
    let mut m = Machine::new();
    m.map(VA, RAM, 0);
    assert_eq!(m.cpu.atomic(&mut m.world, VA + 3, |old: u64| old + 0x0102_0304_0506_0708), Ok(0));
    assert_eq!(m.cpu.load_exclusive::<u64>(&mut m.world, VA + 3), Ok(0x0102_0304_0506_0708));
    assert_eq!(m.cpu.store_exclusive(&mut m.world, VA + 3, 9u64), Ok(true));
    assert_eq!(m.cpu.compare_exchange(&mut m.world, VA + 3, 8u64, 1), Ok(9));
    assert_eq!(m.cpu.compare_exchange(&mut m.world, VA + 3, 9u64, 1), Ok(9));
    assert_eq!((m.peek(RAM), m.peek(RAM + 8)), (1 << 24, 0));
    let r = m.cpu.atomic(&mut m.world, VA + 13, |old: u32| old);
    assert_eq!(m.fault(r), (esr(DATA, 0x21), VA + 13));
    let acquire = |m: &mut Machine| m.cpu.load_as::<u32>(&mut m.world, VA + 13, Access::LOAD_ALIGNED);
    let r = acquire(&mut m);
    assert_eq!(m.fault(r).0, esr(DATA, 0x21));
    m.set_bits(SysReg::SCTLR_EL1, 1 << 6);
    assert_eq!(acquire(&mut m), Ok(0), "SCTLR.nAA is for ordered accesses");
    let r = m.cpu.load_exclusive::<u32>(&mut m.world, VA + 13);
    assert_eq!(m.fault(r).0, esr(DATA, 0x21), "not for exclusive ones");
}

#[test]
fn crossing_pages() {
    let mut m = Machine::new();
    m.map(VA, RAM + 0x5000, 0);
    m.map(VA + 0x1000, RAM + 0x3000, READ_ONLY);
    m.poke(RAM + 0x5ff8, 0x1111_1111_1111_1111);
    m.poke(RAM + 0x3000, 0x2222_2222_2222_2222);
    assert_eq!(m.load(VA + 0xffd), Ok(0x2222_2222_2211_1111));
    let r = m.store(VA + 0xffd, 0);
    assert_eq!(m.fault(r), (esr(DATA, WNR | 0xf), VA + 0x1000));
    assert_eq!(m.peek(RAM + 0x5ff8), 0x1111_1111_1111_1111, "no partial store");
    let r = m.load(VA + 0x1ffd);
    assert_eq!(m.fault(r), (esr(DATA, 7), VA + 0x2000));
    let r = m.cpu.probe_store(&mut m.world, VA + 0xff0, 32);
    assert_eq!(m.fault(r), (esr(DATA, WNR | 0xf), VA + 0x1000));
    let r = m.load(u64::MAX - 3);
    assert_eq!(m.fault(r), (esr(DATA, 4), u64::MAX - 3));
}

#[test]
fn translation_off() {
    let mut m = Machine::new();
    m.set(SysReg::SCTLR_EL1, 0);
    m.poke(RAM, 5);
    assert_eq!(m.load(RAM), Ok(5));
    let r = m.load(RAM + 1);
    assert_eq!(m.fault(r).0, esr(DATA, 0x21), "data is Device memory");
    let r = m.load(1 << 48);
    assert_eq!(m.fault(r), (esr(DATA, 0), 1 << 48));
    assert_eq!(m.load(RAM | 0x77 << 56), Ok(5));
    m.el0();
    assert_eq!(m.fetch(ROM), Ok(ROM));
    assert_eq!(m.load(RAM), Ok(5));
    m.el1();
    m.set(SysReg::SCTLR_EL1, 1);
    assert!(m.load(RAM).is_err());
}

#[test]
fn what_is_not_memory_goes_to_the_world() {
    let mut m = Machine::new();
    m.map(VA, 0, DEVICE);
    m.map(VA + 0x1000, ROM, 0);
    m.ram.write(ROM, &[1, 2, 3, 4, 5, 6, 7, 8]).unwrap();
    assert_eq!(m.load(VA + 0x10), Ok(0x1122_3344_5566_7788));
    assert_eq!(m.cpu.store_mem(&mut m.world, VA + 4, 0xabcd_u16), Ok(()));
    assert_eq!(m.load(VA + 0x1000), Ok(0x0807_0605_0403_0201));
    for _ in 0..2 {
        assert_eq!(m.store(VA + 0x1008, 9), Ok(()));
    }
    let rom = ('w', ROM + 8, 8, 9);
    assert_eq!(m.world.0, [('r', 0x10, 8, 0), ('w', 4, 2, 0xabcd), rom, rom]);
    let r = m.cpu.load_exclusive::<u64>(&mut m.world, VA);
    assert_eq!(m.fault(r).0, esr(DATA, 0b110101));
    let access = Access { kind: Kind::Store, ..Access::LOAD };
    assert_eq!(access, Access::STORE);
}
