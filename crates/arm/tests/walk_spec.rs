//! The table walk against a second, plainer reading of the architecture on random tables.

use std::cell::RefCell;
use std::collections::HashMap;

use armlet_arm::FeatureSet;
use armlet_arm::mmu::{Access, Fault, FaultKind, Format, Kind, Regime, Rights, Tables};
use proptest::prelude::*;

/// Memory whose descriptors are made up as they are read, from a seed, with likely fields.
#[derive(Clone)]
struct Random {
    seed: u64,
    written: RefCell<HashMap<u64, u64>>,
}

impl Random {
    fn mix(&self, pa: u64, salt: u64) -> u64 {
        let mut x = self.seed ^ pa.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ salt << 32;
        for _ in 0..3 {
            x ^= x >> 31;
            x = x.wrapping_mul(0xd6e8_feb8_6659_fd93);
        }
        x ^ x >> 32
    }
}

impl Tables for Random {
    fn read(&self, pa: u64) -> Option<u64> {
        assert_eq!(pa % 8, 0);
        if let Some(&value) = self.written.borrow().get(&pa) {
            return Some(value);
        }
        let choice = self.mix(pa, 1);
        if choice.is_multiple_of(37) {
            return None;
        }
        let mut value = self.mix(pa, 2);
        let unlikely = |salt: u64, odds: u64| self.mix(pa, salt).is_multiple_of(odds);
        value |= 1;
        if unlikely(3, 16) {
            value &= !1;
        }
        if !unlikely(4, 4) {
            value |= 2;
        }
        if !unlikely(5, 4) {
            value |= 1 << 10;
        }
        // Few hierarchical bits, and addresses that mostly fit.
        if !unlikely(6, 3) {
            value &= !(0xf << 59);
        }
        if !unlikely(7, 3) {
            value &= !(0xffff << 32);
        }
        Some(value)
    }
    fn exchange(&self, pa: u64, old: u64, new: u64) -> Option<u64> {
        if self.mix(pa, 8).is_multiple_of(41) {
            return None;
        }
        let seen = self.read(pa).unwrap();
        if seen == old {
            self.written.borrow_mut().insert(pa, new);
        }
        Some(seen)
    }
}

fn bits(value: u64, hi: u32, lo: u32) -> u64 {
    (u128::from(value) >> lo & ((1 << (hi - lo + 1)) - 1)) as u64
}

type Outcome = Result<(u64, u32, bool, bool, u8, u8), (FaultKind, u8, bool)>;

/// What the architecture says: (pa, size, contiguous, global, MAIR byte, SH) or the fault.
fn spec(r: &Regime, m: &Random, va: u64, a: Access) -> Outcome {
    let plain = a.kind == Kind::Write;
    let upper = bits(va, 55, 55) == 1;
    let tbi = if upper { bits(r.tcr, 38, 38) } else { bits(r.tcr, 37, 37) } == 1;
    let top = if tbi { 55 } else { 63 };
    if bits(r.sctlr, 0, 0) == 0 {
        if bits(va, top, 48) != 0 {
            return Err((FaultKind::AddressSize, 0, plain));
        }
        let attr = match (a.kind, bits(r.sctlr, 12, 12)) {
            (Kind::Fetch, 1) => 0xaa,
            (Kind::Fetch, _) => 0x44,
            _ => 0,
        };
        if attr == 0 && a.misaligned {
            return Err((FaultKind::Alignment, 0, plain));
        }
        return Ok((bits(va, 47, 0), 12, false, true, attr, 2));
    }
    let tsz = if upper { bits(r.tcr, 21, 16) } else { bits(r.tcr, 5, 0) };
    let ia = 64 - tsz.clamp(16, 39) as u32;
    let (disabled, e0pd) = if upper {
        (bits(r.tcr, 23, 23) == 1, bits(r.tcr, 56, 56) == 1)
    } else {
        (bits(r.tcr, 7, 7) == 1, bits(r.tcr, 55, 55) == 1)
    };
    let outside = (ia..=top).any(|n| (bits(va, n, n) == 1) != upper);
    if outside || disabled || (e0pd && !a.privileged) {
        return Err((FaultKind::Translation, 0, plain));
    }
    // Index bits per level, highest level first, for a full 48-bit address (D8.2.1).
    let levels: &[(u8, u32, u32)] = match (upper, bits(r.tcr, 15, 14), bits(r.tcr, 31, 30)) {
        (false, 1, _) | (true, _, 3) => &[(1, 47, 42), (2, 41, 29), (3, 28, 16)],
        (false, 2, _) | (true, _, 1) => &[(0, 47, 47), (1, 46, 36), (2, 35, 25), (3, 24, 14)],
        _ => &[(0, 47, 39), (1, 38, 30), (2, 29, 21), (3, 20, 12)],
    };
    let page = levels.last().unwrap().2;
    let pa_size = [32, 36, 40, 42, 44, 48, 48, 48][bits(r.tcr, 34, 32) as usize];
    let ttbr = r.ttbr[usize::from(upper)];
    if pa_size < 48 && bits(ttbr, 47, pa_size) != 0 {
        return Err((FaultKind::AddressSize, 0, plain));
    }
    let hpd = if upper { bits(r.tcr, 42, 42) } else { bits(r.tcr, 41, 41) } == 1;
    let (mut table, mut ap_table, mut xn_table, mut pxn_table) = (ttbr, 0, false, false);
    let mut first = true;
    for &(level, hi, lo) in levels {
        if lo >= ia {
            continue;
        }
        let hi = hi.min(ia - 1);
        let aligned = if first { hi - lo + 1 + 3 } else { page };
        first = false;
        let at = (bits(table, 47, aligned) << aligned) + bits(va, hi, lo) * 8;
        let Some(d) = m.read(at) else { return Err((FaultKind::External, level, plain)) };
        let block_ok = matches!((page, level), (12, 1 | 2) | (14, 2) | (16, 2));
        match (bits(d, 1, 0), level) {
            (0 | 2, _) | (1, 3) => return Err((FaultKind::Translation, level, plain)),
            (1, _) if !block_ok => return Err((FaultKind::Translation, level, plain)),
            (3, 0..=2) => {
                if pa_size < 48 && bits(d, 47, pa_size) != 0 {
                    return Err((FaultKind::AddressSize, level, plain));
                }
                if !hpd {
                    ap_table |= bits(d, 62, 61);
                    xn_table |= bits(d, 60, 60) == 1;
                    pxn_table |= bits(d, 59, 59) == 1;
                }
                table = d;
                continue;
            }
            _ => {}
        }
        if pa_size < 48 && bits(d, 47, pa_size.max(lo)) != 0 {
            return Err((FaultKind::AddressSize, level, plain));
        }
        let ha = bits(r.tcr, 39, 39) == 1;
        let hd = ha && bits(r.tcr, 40, 40) == 1;
        if bits(d, 10, 10) == 0 && !ha {
            return Err((FaultKind::AccessFlag, level, plain));
        }
        let attr = (r.mair >> (bits(d, 4, 2) * 8)) as u8;
        if a.misaligned && attr < 0x10 {
            return Err((FaultKind::Alignment, 0, plain));
        }
        let dirtyable = hd && bits(d, 51, 51) == 1;
        let mut ap = bits(d, 7, 6);
        if dirtyable {
            ap &= 1;
        }
        // Tables D8-58 and D8-59.
        let (mut pr, mut pw, mut ur, mut uw) = match ap {
            0 => (true, true, false, false),
            1 => (true, true, true, true),
            2 => (true, false, false, false),
            _ => (true, false, true, false),
        };
        if ap_table & 1 != 0 {
            (ur, uw) = (false, false);
        }
        if ap_table & 2 != 0 {
            (pw, uw) = (false, false);
        }
        let wxn = bits(r.sctlr, 19, 19) == 1;
        let mut px = !(bits(d, 53, 53) == 1 || pxn_table || uw);
        let mut ux = !(bits(d, 54, 54) == 1 || xn_table);
        px &= !(wxn && pw);
        ux &= !(wxn && uw);
        if a.pan && (ur || (bits(r.sctlr, 57, 57) == 1 && ux)) {
            (pr, pw) = (false, false);
        }
        let (read, write, exec) = if a.privileged { (pr, pw, px) } else { (ur, uw, ux) };
        let refused = match a.kind {
            Kind::Read => (!read).then_some(false),
            Kind::Write => (!write).then_some(true),
            Kind::Update => (!read || !write).then_some(read),
            Kind::Fetch => (!exec).then_some(false),
            Kind::Maintain => None,
        };
        if let Some(wnr) = refused {
            return Err((FaultKind::Permission, level, wnr));
        }
        let mut new = d | 1 << 10;
        if dirtyable && matches!(a.kind, Kind::Write | Kind::Update) && !a.probe {
            new &= !(1 << 7);
        }
        if new != d && m.exchange(at, d, new).is_none() {
            return Err((FaultKind::External, level, plain));
        }
        let pa = bits(d, 47, lo) << lo | bits(va, lo - 1, 0);
        let (sh, global) = (bits(d, 9, 8) as u8, bits(d, 11, 11) == 0);
        return Ok((pa, lo, bits(d, 52, 52) == 1, global, attr, sh));
    }
    unreachable!()
}

fn address(tcr: u64) -> impl Strategy<Value = u64> {
    // Mostly in range of one half or the other; sometimes tagged or wild.
    let low = 64 - (tcr & 0x3f).clamp(16, 39);
    let high = 64 - (tcr >> 16 & 0x3f).clamp(16, 39);
    prop_oneof![
        8 => any::<u64>().prop_map(move |v| v & ((1 << low) - 1)),
        8 => any::<u64>().prop_map(move |v| v | !((1 << high) - 1)),
        2 => any::<u64>().prop_map(move |v| v & ((1 << low) - 1 | 0xff << 56)),
        2 => any::<u64>().prop_map(move |v| (v | !((1 << high) - 1)) & !(0x55 << 56)),
        1 => any::<u64>(),
    ]
}

fn regime() -> impl Strategy<Value = Regime> {
    let any = any::<u64>();
    (any, any, any, any, any, any).prop_map(|(s, t, mair, ttbr0, ttbr1, odds)| {
        let rarely = |value: u64, mask: u64, shift: u32| {
            if odds >> shift & 7 == 0 { value } else { value & !mask }
        };
        let mut sctlr = s | 1;
        if odds >> 40 & 15 == 0 {
            sctlr &= !1;
        }
        let mut tcr = rarely(t, 1 << 7 | 1 << 23, 0);
        tcr = rarely(tcr, 1 << 55 | 1 << 56, 3);
        // Sizes in the legal range, mostly, and wide outputs.
        if odds >> 6 & 7 != 0 {
            tcr = tcr & !0x3f_003f | (16 + (t & 0x3f) % 24) | (16 + (t >> 16 & 0x3f) % 24) << 16;
        }
        if odds >> 9 & 1 != 0 {
            tcr = tcr & !(7 << 32) | 5 << 32;
        }
        let ttbr0 = rarely(ttbr0, 0xffff << 32, 12);
        let ttbr1 = rarely(ttbr1, 0xffff << 32, 15);
        Regime { format: Format::Vmsa64, sctlr, tcr, mair, ttbr: [ttbr0, ttbr1], features: FeatureSet::ALL }
    })
}

fn access() -> impl Strategy<Value = Access> {
    let kind = prop_oneof![
        Just(Kind::Read),
        Just(Kind::Write),
        Just(Kind::Update),
        Just(Kind::Fetch),
        Just(Kind::Maintain)
    ];
    (kind, any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(kind, privileged, pan, misaligned, probe)| Access {
            kind,
            privileged,
            pan: pan && privileged && kind != Kind::Fetch,
            misaligned,
            probe,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn walks_as_the_architecture_says(
        (regime, va) in regime().prop_flat_map(|r| (Just(r), address(r.tcr))),
        access in access(),
        seed in any::<u64>(),
    ) {
        let memory = Random { seed, written: RefCell::default() };
        let expected_memory = memory.clone();
        let expected = spec(&regime, &expected_memory, va, access);
        let got = regime.translate(&memory, va, access);
        let simple = got
            .map(|t| {
                let (mair, sh) = (t.attributes.mair, t.attributes.shareability);
                (t.pa, u32::from(t.size), t.contiguous, t.global, mair, sh)
            })
            .map_err(|Fault { kind, level, write, .. }| (kind, level, write));
        prop_assert_eq!(simple, expected);
        prop_assert_eq!(&*memory.written.borrow(), &*expected_memory.written.borrow());

        // The rights of a translation are what every other kind of access then meets, but for pages that
        // writing makes dirty.
        let Ok(translation) = got else { return Ok(()) };
        for kind in [Kind::Read, Kind::Fetch, Kind::Write] {
            for privileged in [false, true] {
                let other = Access { kind, privileged, pan: false, misaligned: false, probe: false };
                let walked = regime.translate(&memory.clone(), va, other);
                let dirties = kind == Kind::Write && regime.tcr >> 39 & 3 == 3;
                if other.refused(translation.rights).is_some() {
                    prop_assert!(walked.is_err() || dirties);
                } else {
                    prop_assert!(walked.is_ok(), "{:?} {:?}", other, walked);
                }
            }
        }
        prop_assert!(translation.rights.contains(Rights::EL1_READ));
    }
}
