//! TLB maintenance and address translation instructions (Arm ARM C5.4, C5.5).

use armlet_arm::feature::Feature;
use armlet_arm::mmu::{self, Kind, Translation};
use armlet_arm::sysreg::Encoding;
use armlet_arm::{Pstate, SysReg};

use super::locate::goes_to_par;
use super::requests::Invalidate;
use crate::cpu::{Cpu, Raised};
use crate::world::World;

/// PAR_EL1 bits (D24.2.127).
mod par {
    pub const F: u64 = 1 << 0;
    pub const FST_SHIFT: u32 = 1;
    /// The translation is to Non-secure memory.
    pub const NS: u64 = 1 << 9;
    pub const RES1: u64 = 1 << 11;
    pub const PA: u64 = 0xffff_ffff_f000;
}

impl Cpu {
    /// TLBI of EL1&0 in any form: `op` is its encoding, `value` the register. Last-level forms do what the
    /// others do, since nothing but last levels is cached; TTL is a hint that isn't taken.
    pub fn tlbi(&mut self, op: Encoding, value: u64) {
        let asid = (value >> 48) as u16 & if self.has_wide_asids() { 0xffff } else { 0xff };
        // CRm: 1 outer, 3 inner, 7 not shareable; 5, 2 and 6 the same by range.
        let by_range = matches!(op.crm(), 2 | 5 | 6);
        let (va, count) = if by_range { range(value) } else { ((value << 20) as i64 >> 8, 1) };
        let pages = |asid| Invalidate::Pages { va: va as u64 & !0xfff, count, asid };
        let what = match op.op2() {
            0 => Invalidate::All,
            1 | 5 => pages(Some(asid)),
            2 => Invalidate::Asid(asid),
            _ => pages(None),
        };
        self.mmu.invalidate(what);
        if !matches!(op.crm(), 6 | 7) && self.vm.ports.len() > 1 {
            self.mmu.outbox.push_tlb(what);
            self.mmu.unsent = 1;
        }
    }

    fn has_wide_asids(&self) -> bool {
        self.model().features.has(Feature::ASID16)
    }

    /// AT: translates and reports in PAR_EL1. Only an external abort on the walk is an exception.
    pub fn at(&mut self, _world: &mut dyn World, op: Encoding, va: u64) -> Result<(), Raised> {
        let access = mmu::Access {
            kind: if op.op2() & 1 != 0 { Kind::Write } else { Kind::Read },
            privileged: op.op2() & 2 == 0,
            // S1E1RP and S1E1WP.
            pan: op.crm() == 9 && self.pstate.contains(Pstate::PAN),
            misaligned: false,
            probe: true,
        };
        self.sys[SysReg::PAR_EL1] = match self.walk(va, access) {
            Ok(Translation { pa, attributes, .. }) => pa & par::PA | par::NS | par::RES1 | attributes.par(),
            Err(fault) if goes_to_par(fault) => {
                par::F | u64::from(fault.status()) << par::FST_SHIFT | par::RES1
            }
            Err(fault) => return Err(self.maintenance_abort(va, fault)),
        };
        Ok(())
    }
}

/// The register of a TLBI by range: first address and number of 4 KiB pages.
fn range(value: u64) -> (i64, u64) {
    let granule = match value >> 46 & 3 {
        2 => 14,
        3 => 16,
        _ => 12,
    };
    let scale = value >> 44 & 3;
    let units = ((value >> 39 & 0x1f) + 1) << (5 * scale + 1);
    let base = (value << 27) as i64 >> 27;
    (base << granule, units << (granule - 12))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_decode() {
        // BaseADDR is signed; NUM 0 with SCALE 0 is two granules.
        let base = 0xffff_8000_1234_5000_u64 >> 12 & 0x1f_ffff_ffff;
        assert_eq!(range(base | 1 << 46), (0xffff_8000_1234_5000_u64 as i64, 2));
        assert_eq!(range(1 | 1 << 46 | 31 << 39 | 3 << 44), (0x1000, 32 << 16));
        assert_eq!(range(1 | 2 << 46 | 1 << 39), (0x4000, 4 * 4));
        assert_eq!(range(3 | 3 << 46 | 1 << 44), (0x3_0000, 64 * 16));
    }
}
