//! Identification registers of AArch32 (Arm ARM G8.2), computed from a model's feature set. AArch64 sees
//! most of them too, as `ID_*_EL1` and `MVFRn_EL1` (D24.2).

use super::CpuModel;
use super::id::{BREAKPOINTS, FIRST_CONTEXT_BREAKPOINT, WATCHPOINTS, at};
use crate::feature::Feature::*;

impl CpuModel {
    /// Value of a register of the ID space of CP15: c0, with CRm 1 to 7 and opc2. Unallocated ones are RAZ.
    /// ID_PFR1 is without its GIC field, which the machine decides.
    pub fn id_register32(&self, crm: u8, opc2: u8) -> u64 {
        match (crm, opc2) {
            (1, 0) => self.id_pfr0(),
            (1, 1) => at(self.level(&[(AA32EL1, 1)]), 0) | at(1, 16),
            (1, 2) => self.id_dfr0(),
            (1, 4) => 0x1020_1105,
            (1, 5) => 0x4000_0000,
            (1, 6) => 0x0124_0000 | at(self.level(&[(V8, 2)]), 16),
            (1, 7) => 0x0210_2211 | at(self.level(&[(PAN, 1), (PAN2, 2)]), 16),
            (2, 0) => 0x0210_1110,
            (2, 1) => 0x1311_2111,
            (2, 2) => 0x2123_2041 + self.level(&[(V8, 1)]),
            (2, 3) => 0x0111_2131,
            (2, 4) => self.id_isar4(),
            (2, 5) => self.id_isar5(),
            (2, 6) => at(self.level(&[(TTCNP, 1)]), 12),
            (2, 7) => self.id_isar6(),
            (3, 4) => self.level(&[(CSV3, 1)]),
            _ => 0,
        }
    }

    /// ID_PFR0: A32, T32, trivial Jazelle, no T32EE.
    fn id_pfr0(&self) -> u64 {
        0x131 | at(self.level(&[(CSV2, 1)]), 16) | at(self.level(&[(DIT, 1)]), 24)
    }

    /// ID_DFR0: debug by CP14 and the performance monitors by CP15; nothing of either in memory.
    fn id_dfr0(&self) -> u64 {
        let monitors = self.level(&[(PMUv3, 2), (V8, 3), (PMUv3p1, 4)]);
        at(self.debug_version(), 0) | at(monitors, 24)
    }

    /// The version of the debug architecture, as DBGDIDR and ID_DFR0 tell it: 5 is v7.1.
    fn debug_version(&self) -> u64 {
        if self.has_aarch64() { self.id_aa64dfr0() & 0xf } else { 5 }
    }

    /// ID_ISAR4: SWP is there before Armv8 only, SMC where EL1 can be in AArch32 state.
    fn id_isar4(&self) -> u64 {
        0x0001_0142 | at(self.level(&[(AA32EL1, 1)]), 12) | at(1 - self.level(&[(V8, 1)]), 28)
    }

    fn id_isar5(&self) -> u64 {
        at(self.level(&[(V8, 1)]), 0)
            | at(self.level(&[(AES, 1), (PMULL, 2)]), 4)
            | at(self.level(&[(SHA1, 1)]), 8)
            | at(self.level(&[(SHA256, 1)]), 12)
            | at(self.level(&[(CRC32, 1)]), 16)
            | at(self.level(&[(RDM, 1)]), 24)
            | at(self.level(&[(FCMA, 1)]), 28)
    }

    fn id_isar6(&self) -> u64 {
        at(self.level(&[(JSCVT, 1)]), 0)
            | at(self.level(&[(DotProd, 1)]), 4)
            | at(self.level(&[(SB, 1)]), 12)
            | at(self.level(&[(SPECRES, 1)]), 16)
    }

    /// MVFR0, MVFR1 or MVFR2; Armv7 has no MVFR2.
    pub fn mvfr(&self, n: u8) -> Option<u64> {
        let v8 = self.level(&[(V8, 1)]);
        match n {
            0 => Some(0x1011_0222),
            1 => Some(0x1111_1111 + at(v8, 24) + self.level(&[(FP16, 0x0110_0000)])),
            2 if v8 != 0 => Some(0x43),
            _ => None,
        }
    }

    /// DBGDIDR: as many breakpoints and watchpoints as AArch64 has.
    pub fn dbgdidr(&self) -> u64 {
        let revision = if self.has_aarch64() { 0 } else { self.midr >> 16 & 0xf0 | self.midr & 0xf };
        at(WATCHPOINTS as u64 - 1, 28)
            | at(BREAKPOINTS as u64 - 1, 24)
            | at((BREAKPOINTS - FIRST_CONTEXT_BREAKPOINT) as u64 - 1, 20)
            | at(self.debug_version(), 16)
            | 1 << 15
            | revision
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::{CpuModel, model};

    /// ID_PFR0 to ID_MMFR3, ID_ISAR0 to ID_ISAR5.
    fn all(model: &CpuModel) -> [u64; 14] {
        std::array::from_fn(|n| match n as u8 {
            n @ 0..8 => model.id_register32(1, n),
            n => model.id_register32(2, n - 8),
        })
    }

    /// What the manuals say (Cortex-A15: DDI 0438, 4.2; Cortex-A7: DDI 0464, 4.2), but for what armlet leaves
    /// out: T32EE, EL2 and EL3 (ID_PFR1), debug and trace in memory (ID_DFR0).
    #[test]
    fn armv7_models_say_what_their_manuals_do() {
        let expected = [
            0x0000_1131 & !0x1000,
            0x0001_1011 & !0x1010,
            0x0201_0555 & !0x1_0f50,
            0,
            0x1020_1105,
            0x4000_0000,
            0x0124_0000,
            0x0210_2211,
            0x0210_1110,
            0x1311_2111,
            0x2123_2041,
            0x1111_2131 & !(1 << 28),
            0x1001_1142,
            0,
        ];
        for name in ["cortex-a7", "cortex-a15"] {
            let model = model(name).unwrap();
            assert_eq!(all(model), expected, "{name}");
            assert_eq!([0, 1, 2].map(|n| model.mvfr(n)), [Some(0x1011_0222), Some(0x1111_1111), None]);
        }
        assert_eq!(model("cortex-a15").unwrap().dbgdidr(), 0x3515_f040 & !0x7000);
        assert_eq!(model("cortex-a7").unwrap().dbgdidr(), 0x3515_f005 & !0x7000);
        assert_eq!(model("cortex-a15").unwrap().ctr(), 0x8444_c004);
    }

    /// Cortex-A72 TRM (100095, 4.3), with its crypto extension, but for EL2 and EL3 and debug in memory.
    #[test]
    fn cortex_a72_says_what_its_manual_does() {
        let a72 = model("cortex-a72").unwrap();
        let expected = [
            0x131,
            0x0001_0001,
            0x0301_0066 & !0x1_0060,
            0,
            0x1020_1105,
            0x4000_0000,
            0x0126_0000,
            0x0210_2211,
            0x0210_1110,
            0x1311_2111,
            0x2123_2042,
            0x0111_2131,
            0x0001_1142,
            0x0001_1121,
        ];
        assert_eq!(all(a72), expected);
        assert_eq!([0, 1, 2].map(|n| a72.mvfr(n)), [Some(0x1011_0222), Some(0x1211_1111), Some(0x43)]);
        assert_eq!(a72.dbgdidr(), 0x3516_d000 & !0x5000);
    }

    /// Neoverse N1 TRM (100616, B2): EL1 is never in AArch32 state. Left out: RAS, half precision, SSBS of
    /// AArch32, HPDS2 and XNX.
    #[test]
    fn neoverse_n1_says_what_its_manual_does() {
        let n1 = model("neoverse-n1").unwrap();
        assert_eq!(n1.id_register32(1, 0), 0x1001_0131 & !(1 << 28));
        assert_eq!(n1.id_register32(1, 1), 0x0001_0000);
        assert_eq!(n1.id_register32(1, 7), 0x0212_2211);
        assert_eq!(n1.id_register32(2, 4), 0x0001_0142);
        assert_eq!(n1.id_register32(2, 5), 0x0101_1121);
        assert_eq!(n1.id_register32(2, 6), 0x0002_1110 & !0x2_0110);
        assert_eq!(n1.id_register32(2, 7), 0x10);
        assert_eq!(n1.id_register32(3, 4), 0x11 & !0x10);
    }
}
