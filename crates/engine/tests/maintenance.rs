//! TLB and cache maintenance, address translation instructions, address space switches.

mod common;

use armlet_arm::sysreg::Encoding;
use armlet_arm::{Pstate, SysReg};
use armlet_engine::Code;
use common::*;

const VA: u64 = 0x12_3456_7000;
const KERNEL: u64 = 0xffff_8000_1000_0000;
const CM_WNR: u64 = 1 << 8 | 1 << 6;

/// Maps `va` and reads it, so that it is cached, then points its descriptor to another page.
fn go_stale(m: &mut Machine, va: u64, bits: u64) {
    m.poke(RAM, 1);
    m.poke(RAM + 0x1000, 2);
    m.map(va, RAM, bits);
    assert_eq!(m.load(va), Ok(1));
    m.map(va, RAM + 0x1000, bits);
    assert_eq!(m.load(va), Ok(1), "nothing was said yet");
}

#[test]
fn each_tlbi_removes_what_it_names() {
    const ASID: u64 = 3;
    let range = |va: u64| va >> 12 & 0x1f_ffff_ffff | 1 << 46;
    // (CRm, op2, register, removes VA private to the ASID, global VA)
    let mut cases = vec![];
    for crm in [1, 3, 7] {
        cases.extend([
            (crm, 0, 0, true, true),
            (crm, 1, ASID << 48 | VA >> 12, true, false),
            (crm, 1, (ASID + 1) << 48 | VA >> 12, false, false),
            (crm, 1, (ASID + 1) << 48 | KERNEL << 8 >> 20, false, true),
            (crm, 2, ASID << 48, true, false),
            (crm, 2, (ASID + 1) << 48, false, false),
            (crm, 3, VA >> 12, true, false),
            (crm, 3, KERNEL << 8 >> 20 | 7 << 44, false, true),
            (crm, 5, ASID << 48 | VA >> 12, true, false),
            (crm, 7, KERNEL << 8 >> 20, false, true),
        ]);
    }
    for crm in [2, 5, 6] {
        cases.extend([
            (crm, 1, ASID << 48 | range(VA - 0x1000), true, false),
            (crm, 1, ASID << 48 | range(VA - 0x2000), false, false),
            (crm, 1, ASID << 48 | range(VA - 0x3000) | 1 << 39, true, false),
            (crm, 3, range(KERNEL), false, true),
            (crm, 5, ASID << 48 | range(VA), true, false),
            (crm, 7, range(KERNEL - 0x1000), false, true),
            (crm, 7, range(KERNEL - 0x10_0000) | 3 << 44, false, true),
        ]);
    }
    for (crm, op2, value, private, global) in cases {
        let mut m = Machine::new();
        m.set(SysReg::TTBR0_EL1, m.roots[0] | ASID << 48);
        go_stale(&mut m, VA, NG);
        go_stale(&mut m, KERNEL, 0);
        m.tlbi(crm, op2, value);
        let fresh = |stale| if stale { Ok(2) } else { Ok(1) };
        // Wrong ASIDs may take away the first level, but must leave the second.
        assert_eq!(m.load(VA), fresh(private), "{crm} {op2} {value:#x}");
        assert_eq!(m.load(KERNEL), fresh(global), "{crm} {op2} {value:#x}");
    }
}

#[test]
fn one_address_removes_its_whole_block() {
    for op2 in [1, 3, 5, 7] {
        let mut m = Machine::new();
        m.map_block(KERNEL, RAM, 0);
        let pages = [0, 0x5000, 0x10_0000, 0x1f_f000];
        for (n, page) in pages.into_iter().enumerate() {
            m.poke(RAM + page, n as u64);
            m.poke(RAM + 0x20_0000 + page, 100 + n as u64);
            assert_eq!(m.load(KERNEL + page), Ok(n as u64));
        }
        m.map_block(KERNEL, RAM + 0x20_0000, 0);
        m.tlbi(7, op2, (KERNEL + 0x7000) << 8 >> 20);
        for (n, page) in pages.into_iter().enumerate() {
            assert_eq!(m.load(KERNEL + page), Ok(100 + n as u64));
        }
    }
}

#[test]
fn address_spaces_are_switched_without_a_flush() {
    let mut m = Machine::new();
    let mut roots = vec![];
    for n in 0..12u64 {
        let root = m.table();
        let slot = m.slot_in(root, VA, 3);
        m.poke(slot, RAM + (n << 12) | NG | USER | AF | 3);
        m.poke(RAM + (n << 12), n);
        roots.push((root, slot));
    }
    m.map(KERNEL, RAM + 0x20_0000, 0);
    for round in 0..3 {
        for (n, &(root, slot)) in roots.iter().enumerate() {
            m.set(SysReg::TTBR0_EL1, root | (n as u64 + 1) << 48);
            // EL1 sees the new space at once, EL0 too, and unprivileged accesses.
            assert_eq!(m.load(VA), Ok(n as u64));
            let unprivileged = armlet_engine::mmu::Access::LOAD_UNPRIVILEGED;
            assert_eq!(m.cpu.load_as::<u64>(&mut m.world, VA, unprivileged), Ok(n as u64));
            m.el0();
            assert_eq!(m.load(VA), Ok(n as u64));
            assert_eq!(m.fetch(VA), Ok(RAM + ((n as u64) << 12)));
            m.el1();
            // Nothing is walked again after the first round.
            if round == 0 {
                m.poke(slot, 0);
            }
        }
    }
    m.tlbi(7, 2, 5 << 48);
    for (n, &(root, _)) in roots.iter().enumerate() {
        m.set(SysReg::TTBR0_EL1, root | (n as u64 + 1) << 48);
        assert_eq!(m.load(VA).is_err(), n == 4);
        m.el0();
        assert_eq!(m.load(VA).is_err(), n == 4);
        m.el1();
    }
}

#[test]
fn many_private_pages_leave_el1_at_a_switch() {
    let mut m = Machine::new();
    let other = m.table();
    for n in 0..100 {
        m.map(VA + (n << 12), RAM, NG);
        assert_eq!(m.load(VA + (n << 12)), Ok(0));
    }
    m.set(SysReg::TTBR0_EL1, other | 1 << 48);
    for n in 0..100 {
        assert!(m.load(VA + (n << 12)).is_err());
    }
}

#[test]
fn address_translation_instructions() {
    let mut m = Machine::new();
    m.map(VA, RAM + 0x3000, USER | READ_ONLY | 3 << 8);
    m.map(VA + 0x1000, 0x900_0000, DEVICE);
    let mut at = |crm, op2, va| {
        m.cpu.at(&mut m.world, Encoding::new(1, 0, 7, crm, op2), va).map(|()| m.cpu.sys[SysReg::PAR_EL1])
    };
    let good = 0xff << 56 | (RAM + 0x3000) | 1 << 11 | 1 << 9 | 3 << 7;
    assert_eq!(at(8, 0, VA + 0x123), Ok(good));
    assert_eq!(at(8, 2, VA), Ok(good));
    assert_eq!(at(8, 1, VA), Ok(1 << 11 | 0xf << 1 | 1));
    assert_eq!(at(8, 3, VA), Ok(1 << 11 | 0xf << 1 | 1));
    assert_eq!(at(8, 1, VA + 0x1000), Ok(0x04 << 56 | 0x900_0000 | 1 << 11 | 1 << 9 | 2 << 7));
    assert_eq!(at(8, 2, VA + 0x1000), Ok(1 << 11 | 0xf << 1 | 1));
    assert_eq!(at(8, 0, VA + 0x2000), Ok(1 << 11 | 7 << 1 | 1));
    assert_eq!(at(9, 0, VA), Ok(good), "PSTATE.PAN is clear");
    m.pstate(armlet_arm::Pstate::RESET_EL1H | armlet_arm::Pstate::PAN);
    let mut at = |crm, op2, va| {
        m.cpu.at(&mut m.world, Encoding::new(1, 0, 7, crm, op2), va).map(|()| m.cpu.sys[SysReg::PAR_EL1])
    };
    assert_eq!(at(9, 0, VA), Ok(1 << 11 | 0xf << 1 | 1));
    assert_eq!(at(8, 0, VA), Ok(good));
    let slot = m.slot(VA, 2);
    m.poke(slot, 0xdead_0003);
    let r = m.cpu.at(&mut m.world, Encoding::new(1, 0, 7, 8, 0), VA);
    assert_eq!(m.fault(r), (esr(0x25, CM_WNR | 0b010111), VA));
}

#[test]
fn cache_maintenance_faults() {
    let mut m = Machine::new();
    m.map(VA, RAM, READ_ONLY);
    let dc =
        |m: &mut Machine, op1, crm, op2, va| m.cpu.dc(&mut m.world, Encoding::new(1, op1, 7, crm, op2), va);
    assert!(dc(&mut m, 3, 10, 1, VA + 5).is_ok());
    let r = dc(&mut m, 0, 6, 1, VA + 5);
    assert_eq!(m.fault(r), (esr(0x25, CM_WNR | 0xf), VA + 5));
    let r = dc(&mut m, 3, 14, 1, VA + 0x1005);
    assert_eq!(m.fault(r), (esr(0x25, CM_WNR | 7), VA + 0x1005));
    assert!(dc(&mut m, 0, 14, 2, VA + 0x1005).is_ok(), "by set and way");
    let r = m.cpu.ic(&mut m.world, Encoding::new(1, 3, 7, 5, 1), VA + 0x1005);
    assert_eq!(m.fault(r), (esr(0x25, CM_WNR | 7), VA + 0x1005));
    m.el0();
    let r = dc(&mut m, 3, 10, 1, VA + 5);
    assert_eq!(m.fault(r), (esr(0x24, CM_WNR | 0xf), VA + 5));
}

#[test]
fn zeroing_blocks() {
    let mut m = Machine::new();
    m.map(VA, RAM, 0);
    m.map(VA + 0x1000, RAM + 0x1000, DEVICE);
    m.map(VA + 0x2000, RAM + 0x1000, READ_ONLY);
    m.ram.write(RAM, &[0xff; 0x1000]).unwrap();
    assert!(m.cpu.dc_zva(&mut m.world, VA + 0x923).is_ok());
    // A block has 512 bytes.
    let around = [0x7f8, 0x800, 0x9f8, 0xa00].map(|at| m.peek(RAM + at));
    assert_eq!(around, [!0, 0, 0, !0]);
    let r = m.cpu.dc_zva(&mut m.world, VA + 0x1123);
    assert_eq!(m.fault(r), (esr(0x25, 1 << 6 | 0x21), VA + 0x1123));
    let r = m.cpu.dc_zva(&mut m.world, VA + 0x2123);
    assert_eq!(m.fault(r), (esr(0x25, 1 << 6 | 0xf), VA + 0x2123), "not cache maintenance");
}

#[test]
fn a_watchpoint_sees_the_whole_block_that_dc_zva_zeroes() {
    use SysReg::*;
    let mut m = Machine::new();
    m.map(VA, RAM, 0);
    m.cpu.pstate.remove(Pstate::D);
    m.cpu.sys[OSLSR_EL1] = 1 << 3;
    m.cpu.sys[MDSCR_EL1] = 1 << 15 | 1 << 13; // MDE, KDE
    m.cpu.sys[DBGWCR0_EL1] = 1 | 1 << 1 | 0b10 << 3 | 0xff << 5; // stores of EL1
    for (at, watched, hit) in
        [(0x100, 0, true), (0x1f8, 0, true), (0x100, 0x200, false), (0x240, 0x1f8, false)]
    {
        m.cpu.sys[DBGWVR0_EL1] = VA + watched;
        m.cpu.state_replaced();
        m.ram.write(RAM, &[0xff; 0x1000]).unwrap();
        let r = m.cpu.dc_zva(&mut m.world, VA + at);
        assert_eq!(m.peek(RAM + at) != 0, hit, "{at:#x}");
        assert_eq!(r.is_err(), hit, "{at:#x}");
        if hit {
            assert_eq!(m.fault(r), (esr(0x35, 1 << 6 | 0x22), VA + at));
        }
    }
}

#[test]
fn code_changes_when_the_instruction_cache_is_told() {
    const CODE: u64 = RAM + 0x6000;
    let mov = |n: u64| 0xd280_0000 | n << 5 | 0xd400_0002 << 32; // mov x0, #n; hvc #0
    let mut m = Machine::new();
    m.map(KERNEL, CODE, 0);
    let mut code = Code::default();
    let mut run = |m: &mut Machine, offset| {
        m.cpu.pc = KERNEL + offset;
        m.cpu.run(&mut code, &mut m.world);
        m.cpu.x[0]
    };
    for offset in [0, 64, 0x800] {
        m.poke(CODE + offset, mov(1));
        assert_eq!(run(&mut m, offset), 1);
        m.poke(CODE + offset, mov(2));
        assert_eq!(run(&mut m, offset), 1);
    }
    m.cpu.ic(&mut m.world, Encoding::new(1, 3, 7, 5, 1), KERNEL + 64 + 20).unwrap();
    assert_eq!([0, 64, 0x800].map(|offset| run(&mut m, offset)), [1, 2, 1]);
    m.cpu.ic(&mut m.world, Encoding::new(1, 0, 7, 5, 0), 0).unwrap();
    assert_eq!([0, 64, 0x800].map(|offset| run(&mut m, offset)), [2, 2, 2]);
}
