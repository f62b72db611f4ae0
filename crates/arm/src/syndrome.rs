//! What a hypervisor learns of a load or store that it has to do for the guest: the syndrome of a data abort taken
//! to it (Arm ARM D24.2.39 "ESR_EL2", ISS encoding for an exception from a Data Abort).
//!
//! Only plain loads and stores of one general register are described; for all others (pairs and lists of
//! registers, writeback, exclusives, vectors) the syndrome is not valid, and a hypervisor has to read the code.

use crate::FeatureSet;
use crate::aarch32::{Insn, Op, a32, t32};
use crate::esr::{self, Ec, iss};

/// A load or store of one general register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// log2 of the width in bytes, ISS.SAS.
    pub sas: u8,
    /// A load that extends the sign, ISS.SSE.
    pub sign: bool,
    /// Number of the register, ISS.SRT: 31 is XZR.
    pub rt: u8,
    /// The register is one of 64 bits, ISS.SF.
    pub wide: bool,
    /// Acquire or release, ISS.AR.
    pub ordered: bool,
}

impl Transfer {
    /// The A64 instruction, if it is one that a syndrome describes.
    pub fn of_a64(word: u32) -> Option<Self> {
        let (size, rt) = ((word >> 30) as u8, (word & 31) as u8);
        let opc = (word >> 22 & 3) as u8;
        let plain = word & 0x3f00_0000 == 0x3900_0000 // LDR, STR (unsigned immediate)
            || matches!(word & 0x3f20_0c00, 0x3800_0000 | 0x3800_0800 | 0x3820_0800); // LDUR, LDTR, LDR (register)
        let unscaled_ordered = word & 0x3f20_0c00 == 0x1900_0000; // LDAPUR, STLUR
        let ordered = matches!(word & 0x3fa0_0000, 0x0880_0000) // LDAR, STLR, LDLAR, STLLR
            || word & 0x3fff_fc00 == 0x38bf_c000; // LDAPR
        if ordered {
            return Some(Self { sas: size, sign: false, rt, wide: size == 3, ordered });
        }
        // A signed load extends to 64 bits, or to 32; that of 64 bits is a prefetch.
        let (sign, wide) = match opc {
            0 | 1 => (false, size == 3),
            2 if size < 3 => (true, true),
            3 if size < 2 => (true, false),
            _ => return None,
        };
        let ordered = unscaled_ordered;
        (plain || ordered).then_some(Self { sas: size, sign, rt, wide, ordered })
    }

    /// The A32 instruction, if it is one that a syndrome describes.
    pub fn of_a32(word: u32) -> Option<Self> {
        a32::decode(word, FeatureSet::ALL).and_then(|insn| Self::of_aarch32(&insn))
    }

    /// The T32 instruction, of 16 bits or with its first half in the upper half of the word, if it is one that a
    /// syndrome describes.
    pub fn of_t32(word: u32) -> Option<Self> {
        let insn = match u16::try_from(word) {
            Ok(half) => t32::decode16(half, FeatureSet::ALL),
            Err(_) => t32::decode32(word, FeatureSet::ALL),
        };
        insn.and_then(|insn| Self::of_aarch32(&insn))
    }

    fn of_aarch32(insn: &Insn) -> Option<Self> {
        let (sas, sign, ordered) = match insn.op {
            Op::Ldr | Op::Str | Op::Ldrt | Op::Strt => (2, false, false),
            Op::Ldrh | Op::Strh | Op::Ldrht | Op::Strht => (1, false, false),
            Op::Ldrb | Op::Strb | Op::Ldrbt | Op::Strbt => (0, false, false),
            Op::Ldrsh | Op::Ldrsht => (1, true, false),
            Op::Ldrsb | Op::Ldrsbt => (0, true, false),
            Op::Lda | Op::Stl => (2, false, true),
            Op::Ldah | Op::Stlh => (1, false, true),
            Op::Ldab | Op::Stlb => (0, false, true),
            _ => return None,
        };
        let writes_back = insn.index.wback || !insn.index.pre;
        let usable = !writes_back && insn.d != 15;
        usable.then_some(Self { sas, sign, rt: insn.d, wide: false, ordered })
    }
}

/// ESR_EL2 of a data abort from EL1 or EL0 with this fault status; `narrow` for a T32 instruction of 16 bits.
pub fn data_abort(transfer: Option<Transfer>, write: bool, status: u8, narrow: bool) -> u64 {
    let flag = |set: bool, at: u32| u64::from(set) << at;
    let access = transfer.map_or(0, |t| {
        iss::ISV
            | u64::from(t.sas & 3) << 22
            | flag(t.sign, 21)
            | u64::from(t.rt & 31) << 16
            | flag(t.wide, 15)
            | flag(t.ordered, 14)
    });
    let wnr = if write { iss::WNR } else { 0 };
    let esr = esr::esr(Ec::DataAbortLower, access | wnr | u64::from(status));
    if narrow { esr & !esr::IL } else { esr }
}

/// The transfer that the syndrome of a data abort describes, if that is valid.
pub fn transfer(esr: u64) -> Option<Transfer> {
    let bit = |at: u32| esr >> at & 1 != 0;
    (esr & iss::ISV != 0).then(|| Transfer {
        sas: (esr >> 22 & 3) as u8,
        sign: bit(21),
        rt: (esr >> 16 & 31) as u8,
        wide: bit(15),
        ordered: bit(14),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aarch32::{Index, Operand};

    #[test]
    fn a64_loads_and_stores() {
        let plain = |sas, rt, wide| Some(Transfer { sas, sign: false, rt, wide, ordered: false });
        let signed = |sas, wide| Some(Transfer { sas, sign: true, rt: 1, wide, ordered: false });
        let ordered = |sas, wide| Some(Transfer { sas, sign: false, rt: 1, wide, ordered: true });
        for (word, expected) in [
            (0xb900_0001, plain(2, 1, false)), // str w1, [x0]
            (0xf900_041f, plain(3, 31, true)), // str xzr, [x0, #8]
            (0x3860_6802, plain(0, 2, false)), // ldrb w2, [x0, x0]: register offset
            (0xb841_f002, plain(2, 2, false)), // ldur w2, [x0, #31]
            (0x7840_0803, plain(1, 3, false)), // ldtrh w3, [x0]
            (0xb980_0001, signed(2, true)),    // ldrsw x1, [x0]
            (0x39c0_0001, signed(0, false)),   // ldrsb w1, [x0]
            (0x88df_fc01, ordered(2, false)),  // ldar w1, [x0]
            (0xc89f_fc01, ordered(3, true)),   // stlr x1, [x0]
            (0xb8bf_c001, ordered(2, false)),  // ldapr w1, [x0]
            (0x9900_0001, ordered(2, false)),  // stlur w1, [x0]
            (0xb800_4401, None),               // str w1, [x0], #4
            (0xb800_4c01, None),               // str w1, [x0, #4]!
            (0x2900_0801, None),               // stp w1, w2, [x0]
            (0x885f_7c01, None),               // ldxr w1, [x0]
            (0xbd00_0001, None),               // str s1, [x0]
            (0xf980_0001, None),               // prfm
            (0xb820_0001, None),               // ldadd w0, w1, [x0]
            (0x9100_0001, None),               // add x1, x0, #0
        ] {
            assert_eq!(Transfer::of_a64(word), expected, "{word:#x}");
        }
    }

    #[test]
    fn aarch32_loads_and_stores() {
        let insn = |op, d| Insn { op, d, operand: Operand::Imm { value: 0, carry: None }, ..Insn::NONE };
        let word = Transfer { sas: 2, sign: false, rt: 1, wide: false, ordered: false };
        assert_eq!(Transfer::of_aarch32(&insn(Op::Str, 1)), Some(word));
        assert_eq!(Transfer::of_aarch32(&insn(Op::Stl, 1)), Some(Transfer { ordered: true, ..word }));
        let signed = Transfer { sas: 1, sign: true, ..word };
        assert_eq!(Transfer::of_aarch32(&insn(Op::Ldrsh, 1)), Some(signed));
        let wback = Insn { index: Index { wback: true, ..Index::OFFSET }, ..insn(Op::Str, 1) };
        let post = Insn { index: Index { pre: false, ..Index::OFFSET }, ..insn(Op::Ldrt, 1) };
        for none in [wback, post, insn(Op::Ldr, 15), insn(Op::Strd, 2), insn(Op::Stm, 0), insn(Op::Mov, 0)] {
            assert_eq!(Transfer::of_aarch32(&none), None, "{none:?}");
        }
    }

    #[test]
    fn words_of_a32_and_t32() {
        let plain = |sas, rt| Some(Transfer { sas, sign: false, rt, wide: false, ordered: false });
        for (word, expected) in [
            (0xe580_1008, plain(2, 1)), // str r1, [r0, #8]
            (0xe1c0_30b0, plain(1, 3)), // strh r3, [r0]
            (0xe7d0_2001, plain(0, 2)), // ldrb r2, [r0, r1]
            (0xe480_1004, None),        // str r1, [r0], #4
            (0xe880_0006, None),        // stm r0, {r1, r2}
            (0xed80_0a00, None),        // vstr s0, [r0]
        ] {
            assert_eq!(Transfer::of_a32(word), expected, "{word:#x}");
        }
        for (word, expected) in [
            (0x6081, plain(2, 1)),      // str r1, [r0, #8]
            (0x9102, plain(2, 1)),      // str r1, [sp, #8]
            (0xf8c0_9008, plain(2, 9)), // str.w r9, [r0, #8]
            (0xf840_1b04, None),        // str r1, [r0], #4
            (0xc006, None),             // stm r0!, {r1, r2}
        ] {
            assert_eq!(Transfer::of_t32(word), expected, "{word:#x}");
        }
    }

    #[test]
    fn syndromes_are_put_together_and_taken_apart() {
        let word = Transfer { sas: 2, sign: false, rt: 1, wide: false, ordered: false };
        let esr = data_abort(Some(word), true, esr::fsc::PERMISSION | 3, false);
        assert_eq!(esr, 0x9381_004f);
        assert_eq!(transfer(esr), Some(word));
        assert_eq!(data_abort(None, false, esr::fsc::TRANSLATION | 3, true), 0x9000_0007);
        assert_eq!(transfer(0x9200_0007), None);
        let all = Transfer { sas: 3, sign: true, rt: 31, wide: true, ordered: true };
        assert_eq!(transfer(data_abort(Some(all), false, 0, false)), Some(all));
    }
}
