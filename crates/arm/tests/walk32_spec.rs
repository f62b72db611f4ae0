//! The table walks of AArch32 against a second, plainer reading of the architecture on random tables.

use armlet_arm::FeatureSet;
use armlet_arm::mmu::{Access, Fault, FaultKind, Format, Kind, Regime, Rights, Tables};
use proptest::prelude::*;

/// Memory whose descriptors are made up as they are read, from a seed, with likely fields.
#[derive(Clone, Copy)]
struct Random {
    seed: u64,
    long: bool,
    big: bool,
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

    fn long(&self, pa: u64) -> u64 {
        let odds = |salt, n| self.mix(pa, salt).is_multiple_of(n);
        let mut d = self.mix(pa, 2) | 1;
        if odds(3, 16) {
            d &= !1;
        }
        if !odds(4, 4) {
            d |= 2;
        }
        if !odds(5, 4) {
            d |= 1 << 10;
        }
        if !odds(6, 3) {
            d &= !(0xf << 59);
        }
        if !odds(7, 5) {
            d &= !(0xff << 40);
        }
        d
    }

    fn short(&self, pa: u64) -> u32 {
        let d = self.mix(pa, 2) as u32;
        // Not too many faults.
        if d & 3 == 0 && !self.mix(pa, 3).is_multiple_of(4) { d | 1 } else { d }
    }

    fn word(&self, pa: u64) -> u32 {
        if self.big { self.short(pa).swap_bytes() } else { self.short(pa) }
    }
}

impl Tables for Random {
    fn read(&self, pa: u64) -> Option<u64> {
        assert_eq!(pa % 8, 0);
        if self.mix(pa, 1).is_multiple_of(37) {
            return None;
        }
        if self.long {
            let d = self.long(pa);
            return Some(if self.big { d.swap_bytes() } else { d });
        }
        Some(u64::from(self.word(pa)) | u64::from(self.word(pa + 4)) << 32)
    }
    fn exchange(&self, _: u64, _: u64, _: u64) -> Option<u64> {
        panic!("AArch32 updates no descriptors")
    }
}

fn bits(value: u64, hi: u32, lo: u32) -> u64 {
    (u128::from(value) >> lo & ((1 << (hi - lo + 1)) - 1)) as u64
}

/// The parts of a page that both formats have, in the order of pseudocode's Permissions.
struct Page {
    pa: u64,
    size: u32,
    contiguous: bool,
    global: bool,
    attr: u8,
    sh: u8,
    /// AP[2:0], AP[0] being 1 with long descriptors.
    ap: u64,
    xn: bool,
    pxn: bool,
    level: u8,
    domain: Option<u8>,
}

/// (pa, size, contiguous, global, MAIR byte, SH), or kind, level, WnR, and the domain where it is known.
type Outcome = Result<(u64, u32, bool, bool, u8, u8), (FaultKind, u8, bool, Option<u8>)>;

fn spec(r: &Regime, m: &Random, va: u64, a: Access) -> Outcome {
    let plain = a.kind == Kind::Write;
    let va = bits(va, 31, 0);
    if bits(r.sctlr, 0, 0) == 0 {
        let attr = match (a.kind, bits(r.sctlr, 12, 12)) {
            (Kind::Fetch, 1) => 0xaa,
            (Kind::Fetch, _) => 0x44,
            _ => 0,
        };
        if attr == 0 && a.misaligned {
            return Err((FaultKind::Alignment, 0, plain, None));
        }
        return Ok((va, 12, false, true, attr, 2));
    }
    let page = match r.format {
        Format::Long => long(r, m, va),
        _ => short(r, m, va),
    }
    .map_err(|(kind, level)| (kind, level, plain, None))?;
    if page.attr < 0x10 && a.misaligned {
        return Err((FaultKind::Alignment, 0, plain, page.domain));
    }
    let mut check = true;
    if let (Some(domain), Format::Short { dacr, .. }) = (page.domain, r.format) {
        match bits(dacr.into(), u32::from(domain) * 2 + 1, u32::from(domain) * 2) {
            1 => {}
            3 => check = false,
            _ => return Err((FaultKind::Domain, page.level, plain, page.domain)),
        }
    }
    if check && let Some(wnr) = refused(r, &page, a) {
        return Err((FaultKind::Permission, page.level, wnr, page.domain));
    }
    Ok((page.pa, page.size, page.contiguous, page.global, page.attr, page.sh))
}

/// CheckPermission.
fn refused(r: &Regime, page: &Page, a: Access) -> Option<bool> {
    let wxn = bits(r.sctlr, 19, 19) == 1;
    let uwxn = bits(r.sctlr, 20, 20) == 1;
    let ap = |hi, lo| bits(page.ap, hi, lo);
    let (mut priv_r, mut priv_w, user_r, user_w);
    if ap(2, 0) == 0b100 {
        // Reserved.
        (priv_r, priv_w, user_r, user_w) = (false, false, false, false);
    } else if ap(0, 0) == 1 {
        priv_r = true;
        priv_w = ap(2, 2) == 0;
        user_r = ap(1, 1) == 1;
        user_w = ap(2, 1) == 0b01;
    } else {
        priv_r = ap(2, 1) != 0b00;
        priv_w = ap(2, 1) == 0b01;
        user_r = ap(1, 1) == 1;
        user_w = false;
    }
    let user_xn = !user_r || page.xn || (user_w && wxn);
    let priv_xn = !priv_r || page.xn || page.pxn || (priv_w && wxn) || (user_w && uwxn);
    if a.pan && user_r && a.privileged {
        (priv_r, priv_w) = (false, false);
    }
    let (read, write, xn) = if a.privileged { (priv_r, priv_w, priv_xn) } else { (user_r, user_w, user_xn) };
    match a.kind {
        Kind::Read => (!read).then_some(false),
        Kind::Write => (!write).then_some(true),
        Kind::Update => (!read || !write).then_some(read),
        Kind::Fetch => xn.then_some(false),
        Kind::Maintain => None,
    }
}

fn short(r: &Regime, m: &Random, va: u64) -> Result<Page, (FaultKind, u8)> {
    let n = bits(r.tcr, 2, 0) as u32;
    let low = n == 0 || bits(va, 31, 32 - n) == 0;
    let (base, pd, n) =
        if low { (r.ttbr[0], bits(r.tcr, 4, 4), n) } else { (r.ttbr[1], bits(r.tcr, 5, 5), 0) };
    if pd == 1 {
        return Err((FaultKind::Translation, 1));
    }
    let load = |at: u64| m.read(at & !7).map(|_| u64::from(m.short(at)));
    let at = bits(base, 31, 14 - n) << (14 - n) | bits(va, 31 - n, 20) << 2;
    let l1 = load(at).ok_or((FaultKind::External, 1))?;
    let (domain, l2, level);
    let (pa, size, tex, c, b, s, ng, ap, xn, pxn);
    match (bits(l1, 1, 0), bits(l1, 18, 18)) {
        (0, _) => return Err((FaultKind::Translation, 1)),
        (1, _) => {
            domain = bits(l1, 8, 5);
            level = 2;
            l2 = load(bits(l1, 31, 10) << 10 | bits(va, 19, 12) << 2).ok_or((FaultKind::External, 2))?;
            pxn = bits(l1, 2, 2);
            match bits(l2, 1, 0) {
                0 => return Err((FaultKind::Translation, 2)),
                1 => {
                    (pa, size) = (bits(l2, 31, 16) << 16 | bits(va, 15, 0), 16);
                    (tex, xn) = (bits(l2, 14, 12), bits(l2, 15, 15));
                }
                _ => {
                    (pa, size) = (bits(l2, 31, 12) << 12 | bits(va, 11, 0), 12);
                    (tex, xn) = (bits(l2, 8, 6), bits(l2, 0, 0));
                }
            }
            (c, b, s, ng) = (bits(l2, 3, 3), bits(l2, 2, 2), bits(l2, 10, 10), bits(l2, 11, 11));
            ap = bits(l2, 9, 9) << 2 | bits(l2, 5, 4);
        }
        (_, supersection) => {
            level = 1;
            if supersection == 1 {
                domain = 0;
                pa = bits(l1, 8, 5) << 36 | bits(l1, 23, 20) << 32 | bits(l1, 31, 24) << 24 | bits(va, 23, 0);
                size = 24;
            } else {
                domain = bits(l1, 8, 5);
                (pa, size) = (bits(l1, 31, 20) << 20 | bits(va, 19, 0), 20);
            }
            (tex, c, b) = (bits(l1, 14, 12), bits(l1, 3, 3), bits(l1, 2, 2));
            (s, ng, xn, pxn) = (bits(l1, 16, 16), bits(l1, 17, 17), bits(l1, 4, 4), bits(l1, 0, 0));
            ap = bits(l1, 15, 15) << 2 | bits(l1, 11, 10);
        }
    }
    let afe = bits(r.sctlr, 29, 29) == 1;
    if afe && bits(ap, 0, 0) == 0 {
        return Err((FaultKind::AccessFlag, level));
    }
    let (attr, sh) = attributes(r, tex, c, b, s);
    Ok(Page {
        pa,
        size,
        contiguous: false,
        global: ng == 0,
        attr,
        sh,
        ap,
        xn: xn == 1,
        pxn: pxn == 1,
        level,
        domain: Some(domain as u8),
    })
}

/// A region's attributes by TEX, C, B and S: tables G5-11 and G5-13.
fn attributes(r: &Regime, tex: u64, c: u64, b: u64, s: u64) -> (u8, u8) {
    // ShortConvertAttrsHints as a nibble of MAIR.
    const HINTS: [u8; 4] = [0x4, 0xf, 0xa, 0xe];
    let outer_shareable = if s == 1 { 2 } else { 0 };
    if bits(r.sctlr, 28, 28) == 1 {
        let n = ((tex & 1) << 2 | c << 1 | b) as u32;
        let (prrr, nmrr) = (bits(r.mair, 31, 0), bits(r.mair, 63, 32));
        let attr = match bits(prrr, 2 * n + 1, 2 * n) {
            0 => 0,
            1 => 4,
            2 => {
                let inner = HINTS[bits(nmrr, 2 * n + 1, 2 * n) as usize];
                let outer = HINTS[bits(nmrr, 2 * n + 17, 2 * n + 16) as usize];
                outer << 4 | inner
            }
            _ => 0x44,
        };
        let shareable = if s == 1 { bits(prrr, 19, 19) } else { bits(prrr, 18, 18) } == 1;
        let sh = if !shareable { 0 } else { 2 | bits(prrr, 24 + n, 24 + n) as u8 };
        return (attr, sh);
    }
    let attr = match (tex, c, b) {
        (0, 0, 0) => 0,
        (0, 0, 1) | (2, 0, 0) => 4,
        (0, 1, 0) => 0xaa,
        (0, 1, 1) => 0xee,
        (1, 1, 1) => 0xff,
        (4..=7, ..) => HINTS[(tex & 3) as usize] << 4 | HINTS[(c << 1 | b) as usize],
        _ => 0x44,
    };
    (attr, outer_shareable)
}

fn long(r: &Regime, m: &Random, va: u64) -> Result<Page, (FaultKind, u8)> {
    let (t0, t1) = (bits(r.tcr, 2, 0) as u32, bits(r.tcr, 18, 16) as u32);
    let mut found = None;
    if t0 == 0 || bits(va, 31, 32 - t0) == 0 {
        found = Some((r.ttbr[0], t0, bits(r.tcr, 7, 7)));
    }
    if t1 == 0 && found.is_none() || t1 > 0 && bits(!va, 31, 32 - t1) == 0 {
        found = Some((r.ttbr[1], t1, bits(r.tcr, 23, 23)));
    }
    let Some((mut table, size, 0)) = found else { return Err((FaultKind::Translation, 1)) };
    if bits(table, 47, 40) != 0 {
        return Err((FaultKind::AddressSize, 0));
    }
    let input = 32 - size;
    let (mut ap_table, mut xn_table, mut pxn_table) = (0, false, false);
    let mut aligned = 0;
    for (level, hi, lo) in [(1u8, 31, 30), (2, 29, 21), (3, 20, 12)] {
        if lo >= input {
            continue;
        }
        let hi = hi.min(input - 1);
        if aligned == 0 {
            aligned = hi - lo + 1 + 3;
        }
        let at = (bits(table, 39, aligned) << aligned) + bits(va, hi, lo) * 8;
        aligned = 12;
        m.read(at).ok_or((FaultKind::External, level))?;
        let d = m.long(at);
        match (bits(d, 1, 0), level) {
            (0 | 2, _) | (1, 3) => return Err((FaultKind::Translation, level)),
            _ if bits(d, 47, 40) != 0 => return Err((FaultKind::AddressSize, level)),
            (3, 1 | 2) => {
                ap_table |= bits(d, 62, 61);
                xn_table |= bits(d, 60, 60) == 1;
                pxn_table |= bits(d, 59, 59) == 1;
                table = d;
                continue;
            }
            _ => {}
        }
        if bits(d, 10, 10) == 0 {
            return Err((FaultKind::AccessFlag, level));
        }
        let ap2 = bits(d, 7, 7) | ap_table >> 1;
        let ap1 = bits(d, 6, 6) & !ap_table & 1;
        return Ok(Page {
            pa: bits(d, 39, lo) << lo | bits(va, lo - 1, 0),
            size: lo,
            contiguous: bits(d, 52, 52) == 1,
            global: bits(d, 11, 11) == 0,
            attr: (r.mair >> (bits(d, 4, 2) * 8)) as u8,
            sh: bits(d, 9, 8) as u8,
            ap: ap2 << 2 | ap1 << 1 | 1,
            xn: bits(d, 54, 54) == 1 || xn_table,
            pxn: bits(d, 53, 53) == 1 || pxn_table,
            level,
            domain: None,
        });
    }
    unreachable!()
}

fn regime() -> impl Strategy<Value = Regime> {
    let any = any::<u64>();
    (any, any, any, any, any, any, any).prop_map(|(s, t, mair, ttbr0, ttbr1, dacr, odds)| {
        let one_in = |n: u64, salt: u32| (odds >> salt).is_multiple_of(n);
        let mut sctlr = s | 1;
        if one_in(16, 0) {
            sctlr &= !1;
        }
        let mut tcr = t;
        if !one_in(8, 4) {
            tcr &= !(1 << 4 | 1 << 5 | 1 << 7 | 1 << 23);
        }
        let long = one_in(2, 12);
        let format = match long {
            true => Format::Long,
            // Mostly clients.
            false => Format::Short {
                dacr: if one_in(2, 16) { 0x5555_5555 | dacr as u32 & 0xff } else { dacr as u32 },
                contextidr: odds as u32,
            },
        };
        tcr = tcr & !(1 << 31) | u64::from(long) << 31;
        let high = if one_in(8, 20) { u64::MAX } else { !(0xff << 40) };
        let ttbr = [ttbr0 & high, ttbr1 & high];
        Regime { format, sctlr, tcr, mair, ttbr, features: FeatureSet::ALL }
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
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (kind, flags).prop_map(|(kind, (privileged, pan, misaligned, probe))| Access {
        kind,
        privileged,
        pan: pan && privileged && kind != Kind::Fetch,
        misaligned,
        probe,
    })
}

/// Mostly addresses that some table translates.
fn address() -> impl Strategy<Value = u64> {
    prop_oneof![any::<u64>(), 0..=0xffff_ffff_u64, 0..0x0400_0000_u64, 0xfe00_0000..=0xffff_ffff_u64]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 30_000, ..ProptestConfig::default() })]

    #[test]
    fn walks_as_the_architecture_says(
        regime in regime(), va in address(), access in access(), seed in any::<u64>(),
    ) {
        let big = regime.sctlr >> 25 & 1 != 0;
        let memory = Random { seed, long: regime.format == Format::Long, big };
        let expected = spec(&regime, &memory, va, access);
        let got = regime.translate(&memory, va, access);
        let simple = got
            .map(|t| {
                let (mair, sh) = (t.attributes.mair, t.attributes.shareability);
                (t.pa, u32::from(t.size), t.contiguous, t.global, mair, sh)
            })
            .map_err(|Fault { kind, level, write, domain }| {
                let known = expected.err().and_then(|fault| fault.3);
                (kind, level, write, known.map(|_| domain))
            });
        prop_assert_eq!(simple, expected);

        // The rights of a translation, as DACR has it, are what every other kind of access then meets.
        let Ok(translation) = got else { return Ok(()) };
        let rights = regime.allowed(translation.rights, translation.domain);
        for kind in [Kind::Read, Kind::Fetch, Kind::Write, Kind::Update] {
            for (privileged, pan) in [(false, false), (true, false), (true, true)] {
                let pan = pan && kind != Kind::Fetch;
                let other = Access { kind, privileged, pan, misaligned: false, probe: false };
                let walked = regime.translate(&memory, va, other);
                prop_assert_eq!(other.refused(rights).is_some(), walked.is_err(), "{:?}", other);
            }
        }
        prop_assert!(rights.contains(Rights::EL1_READ) || !rights.intersects(Rights::EL0));
    }
}
