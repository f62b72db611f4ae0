//! TLB maintenance and address translation operations of AArch32 (Arm ARM G8.2, G5.9, G5.13).

use armlet_arm::mmu::{self, Fault, Kind, Translation};
use armlet_arm::{Pstate, SysReg};

use super::locate::goes_to_par;
use super::requests::Invalidate;
use crate::cpu::{Cpu, Raised};
use crate::sys::aarch32::short_status;
use crate::sys::bits::ttbcr;
use crate::sys::regs32::Name;

/// PAR bits (G8.2.115).
mod par {
    pub const F: u64 = 1 << 0;
    pub const FST_SHIFT: u32 = 1;
    /// With short descriptors: the translation is by a supersection.
    pub const SS: u64 = 1 << 1;
    pub const OUTER_SHIFT: u32 = 2;
    pub const INNER_SHIFT: u32 = 4;
    pub const SH: u64 = 1 << 7;
    pub const NS: u64 = 1 << 9;
    pub const NOS: u64 = 1 << 10;
    pub const LPAE: u64 = 1 << 11;
    pub const PA: u64 = 0xff_ffff_f000;
}

impl Cpu {
    /// TLBI in any form, by the name of its register: CRm 3 is broadcast, 5 and 6 are for one of two TLBs that are one
    /// here. Last-level forms do what the others do, since nothing but last levels is cached.
    pub(crate) fn tlbi32(&mut self, key: Name, value: u64) -> Result<(), Raised> {
        let (va, asid) = (value & 0xffff_f000, (value & 0xff) as u16);
        let pages = |asid| Invalidate::Pages { va, count: 1, asid };
        let what = match key.opc2() {
            0 => Invalidate::All,
            1 | 5 => pages(Some(asid)),
            2 => Invalidate::Asid(asid),
            _ => pages(None),
        };
        self.mmu.invalidate(what);
        if key.crm() == 3 && self.vm.ports.len() > 1 {
            self.mmu.outbox.push_tlb(what);
            self.mmu.unsent = 1;
        }
        Ok(())
    }

    /// ATS1C*: translates and reports in PAR, in the format of the descriptors. Only an external abort on the walk is
    /// an exception.
    pub(crate) fn at32(&mut self, key: Name, value: u64) -> Result<(), Raised> {
        let va = value & 0xffff_ffff;
        let access = mmu::Access {
            kind: if key.opc2() & 1 != 0 { Kind::Write } else { Kind::Read },
            privileged: key.opc2() & 2 == 0,
            // ATS1CPRP and ATS1CPWP.
            pan: key.crm() == 9 && self.pstate.contains(Pstate::PAN),
            misaligned: false,
            probe: true,
        };
        let long = self.sys[SysReg::TCR_EL1] & ttbcr::EAE != 0;
        let result = match self.walk(va, access) {
            Ok(found) if long => found.pa & par::PA | par::NS | par::LPAE | found.attributes.par(),
            Ok(found) => short_par(&found),
            Err(fault) if !goes_to_par(fault) => return Err(self.maintenance_abort(va, fault)),
            Err(fault) if long => par::F | u64::from(fault.status()) << par::FST_SHIFT | par::LPAE,
            Err(fault) => short_fault(fault),
        };
        self.sys[SysReg::PAR_EL1] = result;
        Ok(())
    }
}

/// PAR of a translation with short descriptors.
fn short_par(found: &Translation) -> u64 {
    let supersection = found.size == 24;
    let address = match supersection {
        // PA[39:32] take the place of bits that are zero.
        true => found.pa & 0xff00_0000 | (found.pa >> 32 & 0xff) << 16 | par::SS,
        false => found.pa & 0xffff_f000,
    };
    let attributes = found.attributes;
    let (inner, outer) = match (attributes.mair, attributes.is_device()) {
        (0, _) => (0b001, 0),
        (_, true) => (0b011, 0),
        (mair, _) => (inner(mair & 15), inner(mair >> 4) & 3),
    };
    // NOS: not outer shareable.
    let shareability = match attributes.par() >> 7 & 3 {
        0 => 0,
        3 => par::SH | par::NOS,
        _ => par::SH,
    };
    address | shareability | par::NS | inner << par::INNER_SHIFT | outer << par::OUTER_SHIFT
}

/// PAR.Inner, of whose three bits PAR.Outer has the lower two, for a nibble of MAIR of Normal memory.
fn inner(nibble: u8) -> u64 {
    match nibble {
        0b1111 => 0b101,
        0b1010 => 0b110,
        0b1110 => 0b111,
        _ => 0b000,
    }
}

/// PAR of a fault with short descriptors: FS with its upper bit beside.
fn short_fault(fault: Fault) -> u64 {
    let fs = short_status(fault.status());
    par::F | fs << par::FST_SHIFT
}

#[cfg(test)]
mod tests {
    use armlet_arm::mmu::{Attributes, FaultKind, Rights};

    use super::*;

    fn found(pa: u64, size: u8, mair: u8, shareability: u8) -> Translation {
        Translation {
            pa,
            size,
            contiguous: false,
            global: true,
            rights: Rights::FLAT,
            domain: 0,
            attributes: Attributes { mair, shareability },
        }
    }

    #[test]
    fn short_formats() {
        assert_eq!(
            short_par(&found(0x1234_5678, 12, 0xff, 3)),
            0x1234_5000 | 1 << 10 | 1 << 9 | 1 << 7 | 5 << 4 | 1 << 2
        );
        assert_eq!(short_par(&found(0x1234_5678, 20, 0xff, 2)) & (1 << 10 | 1 << 7), 1 << 7);
        assert_eq!(
            short_par(&found(0x1234_5678, 12, 0x44, 0)) & 0xff,
            0x80,
            "not cacheable: outer shareable"
        );
        assert_eq!(short_par(&found(0x1234_5678, 12, 0xaa, 0)) & 0xff, 6 << 4 | 2 << 2);
        assert_eq!(short_par(&found(0x1234_5678, 12, 0, 0)) & 0x7c, 1 << 4);
        assert_eq!(short_par(&found(0x1234_5678, 12, 4, 0)) & 0x7c, 3 << 4);
        let by_supersection = short_par(&found(0x5a_1234_5678, 24, 0xff, 0));
        assert_eq!(by_supersection & !0xfff, 0x125a_0000);
        assert_eq!(by_supersection & 2, 2);
        let fault = |kind, level| short_fault(Fault { kind, level, write: false, domain: 0 });
        assert_eq!(fault(FaultKind::Translation, 1), 0b00101 << 1 | 1);
        assert_eq!(fault(FaultKind::Domain, 2), 0b01011 << 1 | 1);
        assert_eq!(fault(FaultKind::Permission, 2), 0b01111 << 1 | 1);
    }
}
