//! The table walk of VMSAv8-32 with short descriptors (Arm ARM G5.4; pseudocode AArch32.S1TranslateSD).

use super::registers::{Format, Regime, sctlr, sctlr32, ttbcr};
use super::{Access, Attributes, Fault, FaultKind, Rights, Tables, Translation};

/// What a descriptor of either level says of what it maps, fields in the same places for all.
struct Leaf {
    /// Physical address of what it maps.
    base: u64,
    /// log2 of its size.
    size: u8,
    level: u8,
    domain: u8,
    /// AP[2:0].
    ap: u32,
    /// TEX[2:0]:C:B.
    texcb: u32,
    shareable: bool,
    global: bool,
    xn: bool,
    pxn: bool,
}

/// What the AP bits allow: EL1's reads and writes, then EL0's.
pub(super) struct Permissions {
    pub el1: (bool, bool),
    pub el0: (bool, bool),
    pub xn: bool,
    pub pxn: bool,
}

impl Leaf {
    fn section(d: u32) -> Self {
        let (base, size, domain) = if bit(d, 18) {
            let extended = u64::from(d >> 20 & 15) << 32 | u64::from(d >> 5 & 15) << 36;
            (extended | u64::from(d & 0xff00_0000), 24, 0)
        } else {
            (u64::from(d & 0xfff0_0000), 20, domain(d))
        };
        Self {
            base,
            size,
            level: 1,
            domain,
            ap: d >> 13 & 4 | d >> 10 & 3,
            texcb: d >> 10 & 0x1c | d >> 2 & 3,
            shareable: bit(d, 16),
            global: !bit(d, 17),
            xn: bit(d, 4),
            pxn: bit(d, 0),
        }
    }

    /// A large or small page below the level 1 descriptor `table`.
    fn page(table: u32, d: u32) -> Self {
        let large = !bit(d, 1);
        Self {
            base: u64::from(d & if large { 0xffff_0000 } else { 0xffff_f000 }),
            size: if large { 16 } else { 12 },
            level: 2,
            domain: domain(table),
            ap: d >> 7 & 4 | d >> 4 & 3,
            texcb: if large { d >> 10 & 0x1c } else { d >> 4 & 0x1c } | d >> 2 & 3,
            shareable: bit(d, 10),
            global: !bit(d, 11),
            xn: bit(d, if large { 15 } else { 0 }),
            pxn: bit(table, 2),
        }
    }
}

impl Regime {
    pub(super) fn walk_short(
        &self,
        tables: &impl Tables,
        va: u32,
        access: Access,
    ) -> Result<Translation, Fault> {
        let leaf = self.find_short(tables, va, access)?;
        let fault = |kind, level| Err(Fault { domain: leaf.domain, ..Fault::of(kind, level, access) });
        if self.sctlr & sctlr32::AFE != 0 && leaf.ap & 1 == 0 {
            return fault(FaultKind::AccessFlag, leaf.level);
        }
        let attributes = self.short_attributes(&leaf);
        if access.misaligned && attributes.is_device() {
            return fault(FaultKind::Alignment, 0);
        }
        let rights = self.short_rights(&leaf);
        match self.domain_field(leaf.domain) {
            CLIENT | MANAGER => {}
            _ => return fault(FaultKind::Domain, leaf.level),
        }
        if let Some(write) = access.refused(self.allowed(rights, leaf.domain)) {
            let domain = leaf.domain;
            return Err(Fault { kind: FaultKind::Permission, level: leaf.level, write, domain });
        }
        let within = (1 << leaf.size) - 1;
        Ok(Translation {
            pa: leaf.base | u64::from(va) & within,
            size: leaf.size,
            contiguous: false,
            global: leaf.global,
            rights,
            domain: leaf.domain,
            attributes,
        })
    }

    /// Finds the descriptor that maps `va`.
    fn find_short(&self, tables: &impl Tables, va: u32, access: Access) -> Result<Leaf, Fault> {
        let n = (self.tcr & ttbcr::N) as u32;
        let upper = n != 0 && va >> (32 - n) != 0;
        let (ttbr, disabled, n) = match upper {
            true => (self.ttbr[1], ttbcr::PD1, 0),
            false => (self.ttbr[0], ttbcr::PD0, n),
        };
        let translation =
            |level, domain| Err(Fault { domain, ..Fault::of(FaultKind::Translation, level, access) });
        if self.tcr & disabled != 0 {
            return translation(1, 0);
        }
        let bits = 14 - n;
        let base = ttbr as u32 >> bits << bits;
        // Above its first N bits, which are zero.
        let at = base | va >> 18 & !3;
        let external = |level, domain| Fault { domain, ..Fault::of(FaultKind::External, level, access) };
        let first = self.word(tables, at).ok_or(external(1, 0))?;
        match first & 3 {
            0 => translation(1, 0),
            1 => {
                let at = first & !0x3ff | va >> 10 & 0x3fc;
                let second = self.word(tables, at).ok_or(external(2, domain(first)))?;
                match second & 3 {
                    0 => translation(2, domain(first)),
                    _ => Ok(Leaf::page(first, second)),
                }
            }
            _ => Ok(Leaf::section(first)),
        }
    }

    /// The descriptor at `at`, in the byte order of SCTLR.EE.
    fn word(&self, tables: &impl Tables, at: u32) -> Option<u32> {
        let pair = tables.read(u64::from(at & !7))?;
        let word = (pair >> ((at & 4) * 8)) as u32;
        Some(if self.sctlr & sctlr32::EE != 0 { word.swap_bytes() } else { word })
    }

    /// Permissions of the page, whatever its domain (G5.7.1).
    fn short_rights(&self, leaf: &Leaf) -> Rights {
        let ap = if self.sctlr & sctlr32::AFE != 0 { leaf.ap | 1 } else { leaf.ap };
        let (el1, el0) = match ap {
            0b001 => ((true, true), (false, false)),
            0b010 => ((true, true), (true, false)),
            0b011 => ((true, true), (true, true)),
            0b101 => ((true, false), (false, false)),
            0b110 | 0b111 => ((true, false), (true, false)),
            _ => ((false, false), (false, false)),
        };
        self.rights32(Permissions { el1, el0, xn: leaf.xn, pxn: leaf.pxn })
    }

    /// Rights of AArch32: what can't be read can't be executed (G5.7.2).
    pub(super) fn rights32(&self, page: Permissions) -> Rights {
        let wxn = self.sctlr & sctlr::WXN != 0;
        let uwxn = self.sctlr & sctlr32::UWXN != 0;
        let Permissions { el1, el0, xn, pxn } = page;
        let el1_exec = el1.0 && !(xn || pxn || el1.1 && wxn || el0.1 && uwxn);
        let el0_exec = el0.0 && !(xn || el0.1 && wxn);
        let mut rights = Rights::empty();
        rights.set(Rights::EL1_READ, el1.0);
        rights.set(Rights::EL1_WRITE, el1.1);
        rights.set(Rights::EL1_EXEC, el1_exec);
        rights.set(Rights::EL0_READ, el0.0);
        rights.set(Rights::EL0_WRITE, el0.1);
        rights.set(Rights::EL0_EXEC, el0_exec);
        rights.set(Rights::USER, el0.0);
        rights
    }

    /// What DACR makes of a page's rights; without domains they are what they are.
    #[inline]
    pub fn allowed(&self, rights: Rights, domain: u8) -> Rights {
        match self.format {
            Format::Short { .. } if self.enabled() => match self.domain_field(domain) {
                CLIENT => rights,
                MANAGER => Rights::FLAT,
                _ => Rights::empty(),
            },
            _ => rights,
        }
    }

    /// DACR.Dn; what has no domains is a client.
    fn domain_field(&self, domain: u8) -> u32 {
        match self.format {
            Format::Short { dacr, .. } => dacr >> (2 * (domain & 15)) & 3,
            _ => CLIENT,
        }
    }

    /// Memory type and shareability by TEX, C, B and S: as they are, or remapped (G5.7.4, G5.7.5).
    fn short_attributes(&self, leaf: &Leaf) -> Attributes {
        if self.sctlr & sctlr32::TRE != 0 {
            return self.remapped(leaf.texcb & 7, leaf.shareable);
        }
        let mair = match leaf.texcb {
            0b00000 => 0x00,
            0b00001 | 0b01000 => 0x04,
            0b00010 => cacheability(0b10) * 0x11,
            0b00011 => cacheability(0b11) * 0x11,
            0b00111 => cacheability(0b01) * 0x11,
            texcb if texcb & 0x10 != 0 => cacheability(texcb >> 2) << 4 | cacheability(texcb),
            _ => cacheability(0) * 0x11,
        };
        Attributes { mair, shareability: if leaf.shareable { 2 } else { 0 } }
    }

    /// By PRRR and NMRR, in the halves of MAIR_EL1.
    fn remapped(&self, n: u32, s: bool) -> Attributes {
        let (prrr, nmrr) = (self.mair as u32, (self.mair >> 32) as u32);
        let mair = match prrr >> (2 * n) & 3 {
            0 => 0x00,
            1 => 0x04,
            2 => cacheability(nmrr >> (2 * n + 16)) << 4 | cacheability(nmrr >> (2 * n)),
            _ => cacheability(0) * 0x11,
        };
        // NS0 and NS1; Device memory is Outer Shareable anyway.
        let shareable = bit(prrr, if s { 19 } else { 18 });
        let inner = bit(prrr, 24 + n);
        let shareability = match (shareable, inner) {
            (false, _) => 0,
            (true, false) => 2,
            (true, true) => 3,
        };
        Attributes { mair, shareability }
    }
}

/// DACR: accesses are checked against the page's permissions.
const CLIENT: u32 = 0b01;
/// DACR: accesses are not checked.
const MANAGER: u32 = 0b11;

/// A nibble of MAIR for the two bits that short descriptors and NMRR have for it.
fn cacheability(bits: u32) -> u8 {
    match bits & 3 {
        0b00 => 0b0100,
        0b01 => 0b1111,
        0b10 => 0b1010,
        _ => 0b1110,
    }
}

fn bit(word: u32, n: u32) -> bool {
    word >> n & 1 != 0
}

/// The domain of a level 1 descriptor.
fn domain(first: u32) -> u8 {
    (first >> 5 & 15) as u8
}
