//! The table walk, case by case as the architecture lists them.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use armlet_arm::FeatureSet;
use armlet_arm::mmu::{
    Access, Attributes, Fault, FaultKind, Format, Kind, Regime, Rights, Tables, Translation,
};

#[derive(Default)]
struct Memory {
    words: RefCell<HashMap<u64, u64>>,
    /// Exchanges that lose against somebody who changes the descriptor to the second word.
    races: Cell<Option<(u32, u64)>>,
}

impl Memory {
    fn put(&self, at: u64, value: u64) {
        self.words.borrow_mut().insert(at, value);
    }
    fn get(&self, at: u64) -> u64 {
        self.words.borrow()[&at]
    }
}

impl Tables for Memory {
    fn read(&self, pa: u64) -> Option<u64> {
        self.words.borrow().get(&pa).copied()
    }
    fn exchange(&self, pa: u64, old: u64, new: u64) -> Option<u64> {
        if let Some((count, other)) = self.races.take() {
            self.races.set((count > 1).then_some((count - 1, other)));
            self.put(pa, other);
        }
        let seen = self.read(pa)?;
        if seen == old {
            self.put(pa, new);
        }
        Some(seen)
    }
}

const AF: u64 = 1 << 10;
const PAGE: u64 = AF | 3;
const BLOCK: u64 = AF | 1;
const HA: u64 = 1 << 39;
const HD: u64 = 1 << 40;
const TABLE: [u64; 4] = [0x10_0000, 0x20_0000, 0x30_0000, 0x40_0000];

/// Translation on, 48 bits of input and output; attribute 0 is Write-Back, 1 Device-nGnRE.
fn regime(tcr: u64) -> Regime {
    let tcr = tcr | 16 | 16 << 16 | 2 << 30 | 5 << 32;
    Regime {
        format: Format::Vmsa64,
        sctlr: 1,
        tcr,
        mair: 0x04ff,
        ttbr: [TABLE[0]; 2],
        features: FeatureSet::ALL,
    }
}

/// Tables whose entry 0 leads down to level 3, where `leaf` is.
fn tables(leaf: u64) -> Memory {
    let memory = Memory::default();
    for level in 0..3 {
        memory.put(TABLE[level], TABLE[level + 1] | 3);
    }
    memory.put(TABLE[3], leaf);
    memory
}

fn read(r: &Regime, m: &Memory, va: u64) -> Result<Translation, (FaultKind, u8)> {
    r.translate(m, va, Access::READ).map_err(|fault| (fault.kind, fault.level))
}

fn access(kind: Kind, privileged: bool) -> Access {
    Access { kind, privileged, ..Access::READ }
}

#[test]
fn status_codes() {
    let status = |kind, level| Fault { kind, level, write: false, domain: 0 }.status();
    assert_eq!(status(FaultKind::AddressSize, 3), 0b000011);
    assert_eq!(status(FaultKind::Translation, 0), 0b000100);
    assert_eq!(status(FaultKind::AccessFlag, 2), 0b001010);
    assert_eq!(status(FaultKind::Permission, 1), 0b001101);
    assert_eq!(status(FaultKind::External, 3), 0b010111);
    assert_eq!(status(FaultKind::Alignment, 0), 0b100001);
    assert_eq!(status(FaultKind::Domain, 1), 0b111101);
    assert_eq!(status(FaultKind::Domain, 2), 0b111110);
}

#[test]
fn faults_of_every_level() {
    let r = regime(0);
    for level in 0..4u8 {
        let at = TABLE[usize::from(level)];
        for (descriptor, kind) in [
            (Some(0), FaultKind::Translation),
            (Some(2), FaultKind::Translation),
            (None, FaultKind::External),
        ] {
            let m = tables(PAGE);
            match descriptor {
                Some(value) => m.put(at, value),
                None => drop(m.words.borrow_mut().remove(&at)),
            }
            assert_eq!(read(&r, &m, 0), Err((kind, level)));
        }
        // Output beyond IPS, by a table or by a leaf.
        let mut small = r;
        small.tcr &= !(7 << 32);
        let m = tables(PAGE);
        m.put(at, PAGE | 1 << 32);
        assert_eq!(read(&small, &m, 0), Err((FaultKind::AddressSize, level)));
        // Blocks stand at levels 1 and 2.
        let m = tables(PAGE);
        m.put(at, BLOCK | 0x8000_0000);
        let block = read(&r, &m, if level == 3 { 0x456 } else { 0x12_3456 });
        match level {
            1 => assert_eq!(block.map(|t| (t.pa, t.size)), Ok((0x8012_3456, 30))),
            2 => assert_eq!(block.map(|t| (t.pa, t.size)), Ok((0x8012_3456, 21))),
            _ => assert_eq!(block, Err((FaultKind::Translation, level))),
        }
        if (1..=2).contains(&level) {
            m.put(at, 0x8000_0001);
            assert_eq!(read(&r, &m, 0), Err((FaultKind::AccessFlag, level)));
            m.put(at, BLOCK | 0x8000_0080);
            let fault = r.translate(&m, 0, access(Kind::Write, true)).unwrap_err();
            assert_eq!((fault.kind, fault.level, fault.write), (FaultKind::Permission, level, true));
        }
    }
    let mut wide = r;
    wide.tcr &= !(7 << 32);
    wide.ttbr[0] = 1 << 40;
    assert_eq!(read(&wide, &tables(PAGE), 0), Err((FaultKind::AddressSize, 0)));
    assert_eq!(read(&r, &tables(3), 0), Err((FaultKind::AccessFlag, 3)));
}

#[test]
fn input_ranges() {
    let m = tables(PAGE | 0x5000);
    let va_fault = Err((FaultKind::Translation, 0));
    let r = regime(0);
    assert_eq!(read(&r, &m, 0x123).map(|t| t.pa), Ok(0x5123));
    assert_eq!(read(&r, &m, 0xffff << 48 | 0x123).map(|t| t.pa), Ok(0x5123));
    for bad in [1 << 48, 1 << 55, 1 << 63, 0xff00 << 48, 0xfffe << 48, 0x7fff << 48] {
        assert_eq!(read(&r, &m, bad), va_fault, "{bad:#x}");
    }
    let tagged = regime(3 << 37);
    assert_eq!(read(&tagged, &m, 0xab << 56 | 0x123).map(|t| t.pa), Ok(0x5123));
    assert_eq!(read(&tagged, &m, 0x54ff << 48 | 0x123).map(|t| t.pa), Ok(0x5123));
    assert_eq!(read(&tagged, &m, 0x12fe << 48), va_fault);
    assert_eq!(read(&regime(1 << 7), &m, 0), va_fault);
    assert!(read(&regime(1 << 23), &m, 0).is_ok());
    assert_eq!(read(&regime(1 << 23), &m, 0xffff << 48), va_fault);
    // E0PD0 keeps EL0 out, and only EL0.
    let r = regime(1 << 55);
    assert!(read(&r, &m, 0).is_ok());
    let fault = r.translate(&m, 0, access(Kind::Fetch, false)).unwrap_err();
    assert_eq!((fault.kind, fault.level), (FaultKind::Translation, 0));
}

#[test]
fn granules_and_start_levels() {
    // TG0, log2 of the granule, bits per level, the highest level there is.
    for (tg0, page, stride, lowest_start) in [(0u64, 12u32, 9u32, 0u32), (2, 14, 11, 0), (1, 16, 13, 1)] {
        for tsz in 16..=39u64 {
            let input = 64 - tsz as u32;
            let mut start = 3;
            while page + stride * (4 - start) < input {
                start -= 1;
            }
            assert!(start >= lowest_start);
            // The highest address: the last entry of every table.
            let mut r = regime(0);
            r.tcr = r.tcr & !0x3f & !(3 << 14) | tsz | tg0 << 14;
            let m = Memory::default();
            let mut table = 0x1000_0000;
            r.ttbr[0] = table | 1 | 0xabcd << 48;
            for level in start..=3 {
                let low = page + stride * (3 - level);
                let entries = if level == start { input - low } else { stride };
                let last = table + (8 << entries) - 8;
                table = 0x1000_0000 * u64::from(level + 2);
                m.put(last, table | if level == 3 { PAGE } else { 3 });
            }
            let va = (1 << input) - 8;
            let got = read(&r, &m, va);
            assert_eq!(got.map(|t| (t.pa, u32::from(t.size))), Ok((table + (1 << page) - 8, page)), "{tsz}");
            assert_eq!(read(&r, &m, 1 << input), Err((FaultKind::Translation, 0)));
        }
    }
}

/// AP[2:1], then who may read and write: EL1 read, EL1 write, EL0 read, EL0 write (Table D8-58).
const AP: [(u64, [bool; 4]); 4] = [
    (0, [true, true, false, false]),
    (1, [true, true, true, true]),
    (2, [true, false, false, false]),
    (3, [true, false, true, false]),
];

#[test]
fn every_row_of_the_permission_tables() {
    for bits in 0..1u64 << 11 {
        let flag = |n: u32| bits >> n & 1 != 0;
        let (ap, ap_table) = (AP[(bits & 3) as usize], bits >> 2 & 3);
        let (pxn, uxn, pxn_table, uxn_table, wxn, pan, hpd) =
            (flag(4), flag(5), flag(6), flag(7), flag(8), flag(9), flag(10));
        let mut r = regime(if hpd { 1 << 41 } else { 0 });
        r.sctlr |= u64::from(wxn) << 19;
        let m = tables(PAGE | ap.0 << 6 | u64::from(pxn) << 53 | u64::from(uxn) << 54);
        // Spread over two levels: they add up.
        m.put(TABLE[0], TABLE[1] | 3 | (ap_table & 1) << 61 | u64::from(pxn_table) << 59);
        m.put(TABLE[2], TABLE[3] | 3 | (ap_table & 2) << 61 | u64::from(uxn_table) << 60);
        let (ap_table, pxn_table, uxn_table) =
            if hpd { (0, false, false) } else { (ap_table, pxn_table, uxn_table) };
        let mut may = ap.1;
        if ap_table & 1 != 0 {
            (may[2], may[3]) = (false, false);
        }
        if ap_table & 2 != 0 {
            (may[1], may[3]) = (false, false);
        }
        let exec = !(pxn || pxn_table || may[3] || (wxn && may[1]));
        let user_exec = !(uxn || uxn_table || (wxn && may[3]));
        let shut = pan && may[2];
        for (kind, privileged, allowed) in [
            (Kind::Read, true, may[0] && !shut),
            (Kind::Write, true, may[1] && !shut),
            (Kind::Update, true, may[1] && !shut),
            (Kind::Fetch, true, exec),
            (Kind::Read, false, may[2]),
            (Kind::Write, false, may[3]),
            (Kind::Update, false, may[3]),
            (Kind::Fetch, false, user_exec),
            (Kind::Maintain, true, true),
        ] {
            let asked = Access { pan: pan && privileged, ..access(kind, privileged) };
            let got = r.translate(&m, 0, asked).map(drop);
            let readable = if privileged { may[0] && !shut } else { may[2] };
            let write = kind == Kind::Write || (kind == Kind::Update && readable);
            let want = if allowed {
                Ok(())
            } else {
                Err(Fault { kind: FaultKind::Permission, level: 3, write, domain: 0 })
            };
            assert_eq!(got, want, "{bits:#b} {asked:?}");
        }
    }
}

#[test]
fn execute_only_pages_and_epan() {
    let m = tables(PAGE | 1 << 53);
    let mut r = regime(0);
    let with_pan = Access { pan: true, ..Access::READ };
    assert!(r.translate(&m, 0, with_pan).is_ok());
    r.sctlr |= 1 << 57;
    assert!(r.translate(&m, 0, with_pan).is_err());
    assert!(r.translate(&m, 0, Access::READ).is_ok());
    assert!(r.translate(&m, 0, access(Kind::Fetch, false)).is_ok());
}

#[test]
fn access_flag_and_dirty_state() {
    const DBM: u64 = 1 << 51;
    const READ_ONLY: u64 = 1 << 7;
    let r = regime(HA | HD);
    let m = tables(3 | DBM | READ_ONLY);
    let clean = read(&r, &m, 0).unwrap();
    assert!(!clean.rights.contains(Rights::EL1_WRITE));
    assert_eq!(m.get(TABLE[3]), PAGE | DBM | READ_ONLY);
    let probe = Access { probe: true, ..access(Kind::Write, true) };
    assert!(r.translate(&m, 0, probe).is_ok(), "allowed, but it changes nothing");
    assert_eq!(m.get(TABLE[3]), PAGE | DBM | READ_ONLY);
    let dirty = r.translate(&m, 0, access(Kind::Write, true)).unwrap();
    assert!(dirty.rights.contains(Rights::EL1_WRITE));
    assert_eq!(m.get(TABLE[3]), PAGE | DBM);
    // Without HD, or without DBM, read-only is what it says; a fault sets nothing.
    for (tcr, leaf) in [(HA, 3 | DBM | READ_ONLY), (HA | HD, 3 | READ_ONLY), (HD, PAGE | DBM | READ_ONLY)] {
        let m = tables(leaf);
        let fault = regime(tcr).translate(&m, 0, access(Kind::Write, true)).unwrap_err();
        assert_eq!((fault.kind, fault.level), (FaultKind::Permission, 3));
        assert_eq!(m.get(TABLE[3]), leaf);
    }
    // A page that can be made writable counts as such for execution.
    let mut wxn = r;
    wxn.sctlr |= 1 << 19;
    assert!(wxn.translate(&tables(PAGE | DBM | READ_ONLY), 0, access(Kind::Fetch, true)).is_err());
}

#[test]
fn an_update_that_loses_begins_again() {
    let r = regime(HA);
    let m = tables(3 | 0x5000);
    m.races.set(Some((3, 3 | 0x6000)));
    assert_eq!(read(&r, &m, 0).map(|t| t.pa), Ok(0x6000));
    assert_eq!(m.get(TABLE[3]), PAGE | 0x6000);
    m.put(TABLE[3], 3);
    m.races.set(Some((1, 0)));
    assert_eq!(read(&r, &m, 0), Err((FaultKind::Translation, 3)));
}

#[test]
fn attributes() {
    let r = regime(0);
    let m = tables(PAGE | 1 << 2 | 1 << 52 | 1 << 11);
    let device = read(&r, &m, 0).unwrap();
    assert_eq!((device.attributes.mair, device.contiguous, device.global), (4, true, false));
    assert!(device.attributes.is_device());
    assert_eq!(device.attributes.par(), 4 << 56 | 2 << 7);
    let misaligned = Access { misaligned: true, ..access(Kind::Write, false) };
    let fault = r.translate(&m, 0, misaligned).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Alignment, "before the permission fault");
    let normal = read(&r, &tables(PAGE | 3 << 8), 0).unwrap();
    assert_eq!((normal.attributes.par(), normal.global), (0xff << 56 | 3 << 7, true));
    assert_eq!(Attributes::NORMAL_NON_CACHEABLE.par(), 0x44 << 56 | 2 << 7);
}

#[test]
fn translation_off() {
    let mut r = regime(1 << 37);
    r.sctlr = 0;
    let m = Memory::default();
    let flat = read(&r, &m, 0xab << 56 | 0xffff_ffff_ffff).unwrap();
    assert_eq!(
        (flat.pa, flat.rights, flat.attributes),
        (0xffff_ffff_ffff, Rights::FLAT, Attributes::DEVICE_NGNRNE)
    );
    assert_eq!(read(&r, &m, 1 << 48), Err((FaultKind::AddressSize, 0)));
    r.tcr = 0;
    assert_eq!(read(&r, &m, 1 << 56), Err((FaultKind::AddressSize, 0)));
    let fetch = |r: &Regime| r.translate(&m, 0, access(Kind::Fetch, false)).unwrap().attributes;
    assert_eq!(fetch(&r), Attributes::NORMAL_NON_CACHEABLE);
    r.sctlr = 1 << 12;
    assert_eq!(fetch(&r), Attributes::NORMAL_WRITE_THROUGH);
}
