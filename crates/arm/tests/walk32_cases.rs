//! The table walks of AArch32, case by case as the architecture lists them.

use std::cell::RefCell;
use std::collections::HashMap;

use armlet_arm::FeatureSet;
use armlet_arm::mmu::{Access, Attributes, FaultKind, Format, Kind, Regime, Rights, Tables, Translation};

/// Words of memory by address.
#[derive(Default)]
struct Memory(RefCell<HashMap<u64, u32>>);

impl Memory {
    fn of(words: &[(u64, u32)]) -> Self {
        Self(RefCell::new(words.iter().copied().collect()))
    }
    fn long(words: &[(u64, u64)]) -> Self {
        let halves = words.iter().flat_map(|&(at, d)| [(at, d as u32), (at + 4, (d >> 32) as u32)]);
        Self(RefCell::new(halves.collect()))
    }
}

impl Tables for Memory {
    fn read(&self, pa: u64) -> Option<u64> {
        let words = self.0.borrow();
        let word = |at| words.get(&at).copied();
        // One of the two is enough to be there.
        let (low, high) = (word(pa), word(pa + 4));
        (low.is_some() || high.is_some())
            .then(|| u64::from(low.unwrap_or(0)) | u64::from(high.unwrap_or(0)) << 32)
    }
    fn exchange(&self, _: u64, _: u64, _: u64) -> Option<u64> {
        unreachable!()
    }
}

const M: u64 = 1;
const AFE: u64 = 1 << 29;
const TRE: u64 = 1 << 28;
const TTBR0: u64 = 0x10_0000;
const TTBR1: u64 = 0x20_0000;
const TABLE: u32 = 0x30_0000;

fn short(sctlr: u64, tcr: u64, dacr: u32) -> Regime {
    let format = Format::Short { dacr, contextidr: 0x1234_5607 };
    let ttbr = [TTBR0, TTBR1];
    Regime { format, sctlr: M | sctlr, tcr, mair: 0, ttbr, features: FeatureSet::ALL }
}

fn long(tcr: u64) -> Regime {
    let (mair, ttbr) = (0x04ff, [TTBR0, TTBR1 | 0x5a << 48]);
    Regime { format: Format::Long, sctlr: M, tcr: tcr | 1 << 31, mair, ttbr, features: FeatureSet::ALL }
}

fn access(kind: Kind, privileged: bool) -> Access {
    Access { kind, privileged, ..Access::READ }
}

fn read(r: &Regime, m: &Memory, va: u64) -> Result<Translation, (FaultKind, u8)> {
    r.translate(m, va, Access::READ).map_err(|fault| (fault.kind, fault.level))
}

/// AP[2:0], then who may read and write: EL1 read, EL1 write, EL0 read, EL0 write (table G5-8).
const AP: [(u32, [bool; 4]); 8] = [
    (0, [false, false, false, false]),
    (1, [true, true, false, false]),
    (2, [true, true, true, false]),
    (3, [true, true, true, true]),
    (4, [false, false, false, false]),
    (5, [true, false, false, false]),
    (6, [true, false, true, false]),
    (7, [true, false, true, false]),
];

/// The bits of section and small page descriptors for AP, XN and PXN; the latter is the table's for a page.
fn descriptors(ap: u32, xn: u32, pxn: u32) -> [(u64, Memory, u8); 2] {
    let section = 0x4000_0000 | 2 | (ap & 4) << 13 | (ap & 3) << 10 | xn << 4 | pxn | 3 << 5;
    let page = 0x4000_0000 | 2 | (ap & 4) << 7 | (ap & 3) << 4 | xn;
    let table = TABLE | 1 | pxn << 2 | 3 << 5;
    [
        (0x12_3456, Memory::of(&[(TTBR0 + 4, section)]), 1),
        (0x12_3456, Memory::of(&[(TTBR0 + 4, table), (u64::from(TABLE) + 0x23 * 4, page)]), 2),
    ]
}

#[test]
fn every_row_of_the_permission_table() {
    for (ap, may) in AP {
        for flags in 0..1u32 << 5 {
            let flag = |n: u32| flags >> n & 1;
            let (xn, pxn, wxn, uwxn, pan) = (flag(0), flag(1), flag(2), flag(3), flag(4) != 0);
            let r = short(u64::from(wxn) << 19 | u64::from(uwxn) << 20, 0, 1 << 6);
            let exec = may[0] && xn == 0 && pxn == 0 && !(wxn != 0 && may[1]) && !(uwxn != 0 && may[3]);
            let user_exec = may[2] && xn == 0 && !(wxn != 0 && may[3]);
            let shut = pan && may[2];
            for (kind, privileged, allowed) in [
                (Kind::Read, true, may[0] && !shut),
                (Kind::Write, true, may[1] && !shut),
                (Kind::Fetch, true, exec),
                (Kind::Read, false, may[2]),
                (Kind::Write, false, may[3]),
                (Kind::Fetch, false, user_exec),
                (Kind::Maintain, true, true),
            ] {
                for (va, m, level) in descriptors(ap, xn, pxn) {
                    let asked = Access { pan: pan && privileged, ..access(kind, privileged) };
                    let got = r.translate(&m, va, asked);
                    let got = got.map(|t| t.pa).map_err(|f| (f.kind, f.level, f.write, f.domain));
                    let pa = if level == 1 { 0x4002_3456 } else { 0x4000_0456 };
                    let fault = (FaultKind::Permission, level, kind == Kind::Write, 3);
                    assert_eq!(got, if allowed { Ok(pa) } else { Err(fault) }, "{ap} {flags:#b} {asked:?}");
                }
            }
        }
    }
}

#[test]
fn the_access_flag_replaces_ap0() {
    for (va, m, level) in descriptors(2, 0, 0) {
        let r = short(AFE, 0, 1 << 6);
        assert_eq!(read(&r, &m, va), Err((FaultKind::AccessFlag, level)));
    }
    for (va, m, _) in descriptors(7, 0, 0) {
        let rights = read(&short(AFE, 0, 1 << 6), &m, va).unwrap().rights;
        assert_eq!(rights & (Rights::EL1_WRITE | Rights::EL0_READ), Rights::EL0_READ);
    }
}

#[test]
fn domains_forbid_check_and_waive() {
    for (va, m, level) in descriptors(0, 1, 1) {
        for forbidden in [0, 2] {
            let fault = short(0, 0, forbidden << 6).translate(&m, va, Access::READ).unwrap_err();
            assert_eq!((fault.kind, fault.level, fault.domain), (FaultKind::Domain, level, 3));
        }
        for kind in [Kind::Read, Kind::Write, Kind::Fetch] {
            for privileged in [true, false] {
                let asked = access(kind, privileged);
                let client = short(0, 0, 1 << 6).translate(&m, va, asked);
                assert_eq!(client.unwrap_err().kind, FaultKind::Permission);
                let manager = short(0, 0, 3 << 6);
                let page = manager.translate(&m, va, Access { pan: true, ..asked }).unwrap();
                assert_eq!(manager.allowed(page.rights, page.domain), Rights::FLAT);
            }
        }
    }
}

#[test]
fn sizes_and_where_they_lie() {
    let r = short(0, 0, 1);
    let supersection = 0x8000_0000 | 1 << 18 | 0xa << 20 | 0x5 << 5 | 1 << 10 | 2;
    let m = Memory::of(&[(TTBR0 + 0x123 * 4, supersection)]);
    let found = read(&r, &m, 0x1234_5678).unwrap();
    assert_eq!((found.pa, found.size, found.domain), (0x5a_8034_5678, 24, 0));
    let large = 0x7654_0000 | 1 << 4 | 1 << 11 | 1;
    let table = u64::from(TABLE);
    let m = Memory::of(&[(TTBR0 + 0x123 * 4, TABLE | 1), (table + 0x45 * 4, large)]);
    let found = read(&r, &m, 0x1234_5678).unwrap();
    assert_eq!((found.pa, found.size, found.global), (0x7654_5678, 16, false));
    assert_eq!(read(&r, &m, 0x1234_4000), Err((FaultKind::Translation, 2)));
    assert_eq!(read(&r, &m, 0x1234_6000), Err((FaultKind::External, 2)));
    assert_eq!(read(&r, &m, 0), Err((FaultKind::External, 1)));
    assert_eq!(r.asid(), 7);
}

#[test]
fn two_tables_share_the_address_space() {
    for n in 0..8u64 {
        let m = Memory::default();
        let section = |n: u32| n << 20 | 1 << 10 | 2;
        let last_low = 0xffff_ffff_u64 >> n;
        m.0.borrow_mut().insert(TTBR0 + (last_low >> 20) * 4, section(1));
        m.0.borrow_mut().insert(TTBR1 + 0xfff * 4, section(2));
        let r = short(0, n, 1);
        assert_eq!(read(&r, &m, last_low).map(|t| t.pa >> 20), Ok(1), "{n}");
        if n != 0 {
            assert_eq!(read(&r, &m, 0xffff_ffff).map(|t| t.pa >> 20), Ok(2), "{n}");
            let upper = last_low + 1;
            assert_eq!(read(&r, &m, upper), Err((FaultKind::External, 1)), "{n}");
        }
        assert_eq!(read(&short(0, n | 1 << 4, 1), &m, last_low), Err((FaultKind::Translation, 1)));
        if n != 0 {
            assert_eq!(read(&short(0, n | 1 << 5, 1), &m, 0xffff_ffff), Err((FaultKind::Translation, 1)));
        }
    }
}

#[test]
fn memory_types() {
    let section = |texcb: u32, s: u32| 2 | 1 << 10 | (texcb >> 2) << 12 | (texcb & 3) << 2 | s << 16;
    let attributes = |r: &Regime, texcb, s| {
        let m = Memory::of(&[(TTBR0, section(texcb, s))]);
        let Attributes { mair, shareability } = read(r, &m, 0).unwrap().attributes;
        (mair, shareability)
    };
    let plain = short(0, 0, 1);
    for (texcb, mair) in [
        (0, 0),
        (1, 4),
        (2, 0xaa),
        (3, 0xee),
        (4, 0x44),
        (7, 0xff),
        (8, 4),
        (0x10, 0x44),
        (0x16, 0xfa),
        (0x1f, 0xee),
    ] {
        assert_eq!(attributes(&plain, texcb, 0), (mair, 0), "{texcb:#x}");
        assert_eq!(attributes(&plain, texcb, 1), (mair, 2), "{texcb:#x}");
    }
    // What Linux sets: PRRR 0xff0a81a8, NMRR 0x40e040e0.
    let linux = Regime { mair: 0x40e0_40e0_ff0a_81a8, ..short(TRE, 0, 1) };
    for (n, mair) in [(0, 0x00), (1, 0x44), (2, 0xaa), (3, 0xee), (4, 0x04), (7, 0xff)] {
        // NS1 and all of NOSn are set, NS0 is not.
        assert_eq!(attributes(&linux, n, 0), (mair, 0), "{n}");
        assert_eq!(attributes(&linux, n, 1), (mair, 3), "{n}");
    }
}

#[test]
fn long_descriptors() {
    const LEAF: u64 = 1 << 10 | 1;
    let m = Memory::long(&[
        (TTBR0, u64::from(TABLE) | 3),
        (TTBR0 + 8, 0x12_4000_0000 | LEAF),
        (u64::from(TABLE) + 8, 0x34_5620_0000 | LEAF | 1 << 6),
        (u64::from(TABLE), 0x40_0003),
        (0x40_0000 + 8 * 5, 0x7_8000_0002 | LEAF | 1 << 11),
        (TTBR0 + 24, 1 << 40 | LEAF),
    ]);
    let r = long(0);
    let found = |va| read(&r, &m, va).map(|t| (t.pa, t.size));
    assert_eq!(found(0x5678_1234), Ok((0x12_5678_1234, 30)));
    assert_eq!(found(0x0021_2345), Ok((0x34_5621_2345, 21)));
    assert_eq!(found(0x0000_5678), Ok((0x7_8000_0678, 12)));
    assert_eq!(found(0xc000_0000), Err((FaultKind::AddressSize, 1)));
    assert_eq!(found(0x0000_6000), Err((FaultKind::External, 3)));
    assert!(!read(&r, &m, 0x5000).unwrap().global);
    // EL1 executes what EL0 can write, unlike in AArch64, unless UWXN says no.
    assert!(read(&r, &m, 0x20_0000).unwrap().rights.contains(Rights::EL1_EXEC | Rights::EL0_WRITE));
    let uwxn = Regime { sctlr: M | 1 << 20, ..r };
    assert!(!read(&uwxn, &m, 0x20_0000).unwrap().rights.contains(Rights::EL1_EXEC));
    assert_eq!((r.asid(), long(1 << 22).asid()), (0, 0x5a));
    // T0SZ and T1SZ leave a hole; T0SZ 2 starts at level 2.
    let holed = long(2 | 2 << 16);
    assert_eq!(read(&holed, &m, 0x4000_0000), Err((FaultKind::Translation, 1)));
    assert_eq!(read(&holed, &m, 0xc000_0000), Err((FaultKind::External, 2)));
    assert_eq!(read(&holed, &m, 0x20_0000).map(|t| (t.pa, t.size)), Ok((0x12_4000_0000, 21)));
    assert_eq!(read(&long(1 << 7), &m, 0), Err((FaultKind::Translation, 1)));
}

#[test]
fn big_endian_tables() {
    let section: u32 = 0x4560_0000 | 1 << 10 | 2;
    let r = short(1 << 25, 0, 1);
    let m = Memory::of(&[(TTBR0, section.swap_bytes())]);
    assert_eq!(read(&r, &m, 0x1234).map(|t| t.pa), Ok(0x4560_1234));
}

#[test]
fn translation_off() {
    let r = Regime { sctlr: 0, ..short(0, 0, 0) };
    let flat = read(&r, &Memory::default(), 0x1_ffff_fff0).unwrap();
    assert_eq!(
        (flat.pa, flat.rights, flat.attributes),
        (0xffff_fff0, Rights::FLAT, Attributes::DEVICE_NGNRNE)
    );
    assert_eq!(r.allowed(flat.rights, flat.domain), Rights::FLAT);
}
