//! System instructions, the SYS space (Arm ARM C5.1.3, C5.3 to C5.6): which there are and who may use them.

use armlet_arm::feature::{Feature, FeatureSet};
use armlet_arm::sysreg::Encoding;

use super::bits::sctlr;

/// What a SYS instruction does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SysOp {
    /// Instruction cache maintenance.
    Ic,
    /// Data cache maintenance.
    Dc,
    /// DC ZVA.
    DcZva,
    /// Address translation.
    At,
    /// TLB maintenance.
    Tlbi,
    /// Nothing that can be seen: prediction restriction.
    Nothing,
}

/// One instruction: CRn is 7 but for TLBI, where it is 8.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Its encoding; op0 is 1.
    pub reg: Encoding,
    /// Arm's name.
    pub name: &'static str,
    /// What it does.
    pub op: SysOp,
    /// The feature that brings it.
    pub feature: Option<Feature>,
    /// The bit of SCTLR_EL1 that lets EL0 use it; 0 if it is UNDEFINED there.
    pub el0: u64,
}

/// The row of `reg` on a CPU with `features`.
pub fn find(reg: Encoding, features: FeatureSet) -> Option<&'static Row> {
    let row = ROWS.iter().find(|row| row.reg == reg)?;
    row.feature.is_none_or(|feature| features.has(feature)).then_some(row)
}

macro_rules! rows {
    ($($name:literal $op:ident ($op1:literal, $crn:literal, $crm:literal, $op2:literal)
        $([$feature:ident])? $(el0 $bit:ident)?;)*) => {
        /// All SYS instructions.
        pub const ROWS: &[Row] = &[$({
            #[allow(unused_mut, unused_assignments)]
            let mut feature = None;
            $(feature = Some(Feature::$feature);)?
            #[allow(unused_mut, unused_assignments)]
            let mut el0 = 0;
            $(el0 = sctlr::$bit;)?
            Row { reg: Encoding::new(1, $op1, $crn, $crm, $op2), name: $name, op: SysOp::$op, feature, el0 }
        }),*];
    };
}

rows! {
    "ic ialluis" Ic (0, 7, 1, 0);
    "ic iallu" Ic (0, 7, 5, 0);
    "ic ivau" Ic (3, 7, 5, 1) el0 UCI;
    "dc ivac" Dc (0, 7, 6, 1);
    "dc isw" Dc (0, 7, 6, 2);
    "dc csw" Dc (0, 7, 10, 2);
    "dc cisw" Dc (0, 7, 14, 2);
    "dc cvac" Dc (3, 7, 10, 1) el0 UCI;
    "dc cvau" Dc (3, 7, 11, 1) el0 UCI;
    "dc cvap" Dc (3, 7, 12, 1) [DPB] el0 UCI;
    "dc cvadp" Dc (3, 7, 13, 1) [DPB2] el0 UCI;
    "dc civac" Dc (3, 7, 14, 1) el0 UCI;
    "dc zva" DcZva (3, 7, 4, 1) el0 DZE;
    "at s1e1r" At (0, 7, 8, 0);
    "at s1e1w" At (0, 7, 8, 1);
    "at s1e0r" At (0, 7, 8, 2);
    "at s1e0w" At (0, 7, 8, 3);
    "at s1e1rp" At (0, 7, 9, 0) [PAN2];
    "at s1e1wp" At (0, 7, 9, 1) [PAN2];
    "cfp rctx" Nothing (3, 7, 3, 4) [SPECRES] el0 ENRCTX;
    "dvp rctx" Nothing (3, 7, 3, 5) [SPECRES] el0 ENRCTX;
    "cpp rctx" Nothing (3, 7, 3, 7) [SPECRES] el0 ENRCTX;

    "tlbi vmalle1os" Tlbi (0, 8, 1, 0) [TLBIOS];
    "tlbi vae1os" Tlbi (0, 8, 1, 1) [TLBIOS];
    "tlbi aside1os" Tlbi (0, 8, 1, 2) [TLBIOS];
    "tlbi vaae1os" Tlbi (0, 8, 1, 3) [TLBIOS];
    "tlbi vale1os" Tlbi (0, 8, 1, 5) [TLBIOS];
    "tlbi vaale1os" Tlbi (0, 8, 1, 7) [TLBIOS];
    "tlbi rvae1is" Tlbi (0, 8, 2, 1) [TLBIRANGE];
    "tlbi rvaae1is" Tlbi (0, 8, 2, 3) [TLBIRANGE];
    "tlbi rvale1is" Tlbi (0, 8, 2, 5) [TLBIRANGE];
    "tlbi rvaale1is" Tlbi (0, 8, 2, 7) [TLBIRANGE];
    "tlbi vmalle1is" Tlbi (0, 8, 3, 0);
    "tlbi vae1is" Tlbi (0, 8, 3, 1);
    "tlbi aside1is" Tlbi (0, 8, 3, 2);
    "tlbi vaae1is" Tlbi (0, 8, 3, 3);
    "tlbi vale1is" Tlbi (0, 8, 3, 5);
    "tlbi vaale1is" Tlbi (0, 8, 3, 7);
    "tlbi rvae1os" Tlbi (0, 8, 5, 1) [TLBIRANGE];
    "tlbi rvaae1os" Tlbi (0, 8, 5, 3) [TLBIRANGE];
    "tlbi rvale1os" Tlbi (0, 8, 5, 5) [TLBIRANGE];
    "tlbi rvaale1os" Tlbi (0, 8, 5, 7) [TLBIRANGE];
    "tlbi rvae1" Tlbi (0, 8, 6, 1) [TLBIRANGE];
    "tlbi rvaae1" Tlbi (0, 8, 6, 3) [TLBIRANGE];
    "tlbi rvale1" Tlbi (0, 8, 6, 5) [TLBIRANGE];
    "tlbi rvaale1" Tlbi (0, 8, 6, 7) [TLBIRANGE];
    "tlbi vmalle1" Tlbi (0, 8, 7, 0);
    "tlbi vae1" Tlbi (0, 8, 7, 1);
    "tlbi aside1" Tlbi (0, 8, 7, 2);
    "tlbi vaae1" Tlbi (0, 8, 7, 3);
    "tlbi vale1" Tlbi (0, 8, 7, 5);
    "tlbi vaale1" Tlbi (0, 8, 7, 7);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_distinct() {
        for (n, row) in ROWS.iter().enumerate() {
            assert!(ROWS[..n].iter().all(|other| other.reg != row.reg), "{}", row.name);
            assert_eq!(row.el0 != 0, row.reg.op1() == 3, "{}", row.name);
            assert_eq!(row.op == SysOp::Tlbi, row.reg.crn() == 8, "{}", row.name);
        }
    }
}
