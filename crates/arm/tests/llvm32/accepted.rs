//! Where the tables and LLVM differ as they should: mostly UNPREDICTABLE words, which the tables refuse and LLVM knows.

use armlet_arm::aarch32::{Insn, Op};

/// The differences that are as they should be.
pub struct Accepted {
    /// LLVM, whose text this is, knows the word and warns of nothing; the table refuses it.
    pub refused: fn(u32, &str) -> bool,
    /// The table knows the word; LLVM does not.
    pub added: fn(u32, Insn) -> bool,
}

/// The mnemonic of an A32 word without its condition.
fn stem(word: u32, mnemonic: &str) -> &str {
    if word >> 28 < 14 { &mnemonic[..mnemonic.len() - 2] } else { mnemonic }
}

/// Should-be-zero and should-be-one bits that LLVM overlooks: where (mask, value), and what should be (mask, value).
const A32_SHOULD_BE: &[(u32, u32, u32, u32)] = &[
    // MOV and MVN have no Rn, TST, TEQ, CMP and CMN no Rd.
    (0x0da0_0000, 0x01a0_0000, 0x000f_0000, 0),
    (0x0d90_0000, 0x0110_0000, 0x0000_f000, 0),
    // LDRH, STRH, LDRSB, LDRSH, LDRD and STRD with a register.
    (0x0e40_0090, 0x0000_0090, 0x0000_0f00, 0),
    // SMUL<x><y> and SMULW<y> have no Ra.
    (0x0ff0_0090, 0x0160_0080, 0x0000_f000, 0),
    (0x0ff0_00b0, 0x0120_00a0, 0x0000_f000, 0),
    // CPS; RFE.
    (0xfff1_0020, 0xf100_0000, 0x0000_fe00, 0),
    (0xfe50_0000, 0xf810_0000, 0x0000_ffff, 0x0a00),
];

/// True for words that LLVM knows without a warning and the table refuses, because they are UNPREDICTABLE, or
/// instructions of coprocessors that Armv8 has no more.
pub fn a32_refused(word: u32, text: &str) -> bool {
    let mnemonic = stem(word, text.split(' ').next().unwrap_or(""));
    if mentions_pc(text) && !pc_is_fine(mnemonic, text) {
        return true;
    }
    for &(mask, value, should, be) in A32_SHOULD_BE {
        if word & mask == value && word & should != be {
            return true;
        }
    }
    match mnemonic {
        // The bit field ends outside the register.
        "sbfx" | "ubfx" => (word >> 7 & 31) + (word >> 16 & 31) > 31,
        // There is no writeback with the registers of User mode.
        _ if mnemonic.starts_with("ldm") || mnemonic.starts_with("stm") => {
            text.ends_with('^') && text.contains('!') && (mnemonic.starts_with('s') || word & 1 << 15 == 0)
        }
        // No field is written.
        "msr" => word & 0xf_0000 == 0,
        // CPS that changes masks without naming one.
        "cpsie" | "cpsid" => word & 0x1c0 == 0,
        _ => is_gone(word, mnemonic),
    }
}

/// True if an A32 instruction that mentions PC may do so.
fn pc_is_fine(mnemonic: &str, text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().collect();
    let shifted_by_register =
        matches!(words[words.len() - 2], "lsl" | "lsr" | "asr" | "ror") && !text.contains('#');
    let writeback = text.contains('!') || text.contains("],");
    let is_index = text.contains(", pc") || text.contains("-pc");
    match mnemonic.trim_end_matches('s') {
        "and" | "eor" | "sub" | "rsb" | "add" | "adc" | "sbc" | "rsc" | "tst" | "teq" | "cmp" | "cmn"
        | "orr" | "mov" | "bic" | "mvn" | "t" => !shifted_by_register,
        "lsl" | "lsr" | "asr" | "ror" | "rrx" => text.contains('#') || mnemonic.starts_with("rrx"),
        "ldr" | "str" => !(is_index || text.contains("[pc") && writeback),
        "ldrb" | "ldrh" | "ldrsb" | "ldrsh" | "strb" | "strh" | "ldrd" | "strd" | "pld" | "pli" | "ldc"
        | "stc" => text.contains("[pc") && !writeback && !is_index && !text.contains(" pc"),
        "ldm" | "ldmib" | "ldmda" | "ldmdb" | "stm" | "stmib" | "stmda" | "stmdb" | "push" | "pop" => {
            !text.contains(" pc,") && !text.contains(" pc!")
        }
        "bx" => true,
        _ => false,
    }
}

/// True for words of A32 that the table knows and LLVM does not.
pub fn a32_added(word: u32, insn: Insn) -> bool {
    // Unallocated hints about memory.
    word >> 28 == 15 && insn.op == Op::Nop
}

/// True for 16-bit instructions that LLVM knows and the table refuses, because they are UNPREDICTABLE.
pub fn t16_refused(half: u32, text: &str) -> bool {
    match text.split(' ').next().unwrap_or("") {
        "add" => text == "add pc, pc",
        "blx" => text == "blx pc",
        // CMP of R15, or of two low registers in the form that is there for high ones.
        "cmp" => half >> 8 == 0x45 && (text.contains("pc") || half & 0xc0 == 0),
        "cpsie" | "cpsid" => half & 7 == 0,
        _ => false,
    }
}

/// The like of [`A32_SHOULD_BE`] for 32-bit T32 instructions.
const T32_SHOULD_BE: &[(u32, u32, u32, u32)] = &[
    // Data processing with a shifted register.
    (0xfe00_0000, 0xea00_0000, 0x0000_8000, 0),
    // Extension.
    (0xff80_f080, 0xfa00_f080, 0x0000_0040, 0),
    // Saturation and bit fields.
    (0xfb00_8000, 0xf300_0000, 0x0400_0020, 0),
    // SMC.
    (0xfff0_f000, 0xf7f0_8000, 0x0000_0fff, 0),
];

/// [`a32_refused`] for 32-bit T32 instructions.
pub fn t32_refused(word: u32, text: &str) -> bool {
    let mnemonic = text.split(' ').next().unwrap_or("");
    if mentions_pc(text) && !pc_is_fine_in_t32(mnemonic, text) {
        return true;
    }
    if T32_SHOULD_BE.iter().any(|&(mask, value, should, be)| word & mask == value && word & should != be) {
        return true;
    }
    match mnemonic {
        // A byte to repeat that is zero.
        _ if word >> 27 == 0b11110 && word & 0x0200_8000 == 0 => {
            word & 0x0400_00ff == 0 && (1..=3).contains(&(word >> 12 & 7))
        }
        // The bit field ends outside the register.
        "sbfx" | "ubfx" => (word >> 12 & 7) * 4 + (word >> 6 & 3) + (word & 31) > 31,
        // The two fields of the source differ.
        "rev" | "rev16" | "revsh" | "rbit" | "clz" => word >> 16 & 15 != word & 15,
        // Lists have neither SP nor LR and PC together, and two registers at least.
        "ldm" | "ldmdb" | "pop" => {
            word & 1 << 13 != 0 || word >> 14 & 3 == 3 || (word & 0xffff).count_ones() < 2
        }
        "stm" | "stmdb" | "push" => word & 0xa000 != 0 || (word & 0xffff).count_ones() < 2,
        "msr" => word & 0x0f00 == 0,
        "cpsie" | "cpsid" => word & 0xe0 == 0,
        _ => is_gone(word, mnemonic),
    }
}

/// True for instructions of coprocessors that no CPU of ours has.
fn is_gone(word: u32, mnemonic: &str) -> bool {
    match mnemonic {
        "mcr" | "mrc" | "mcrr" | "mrrc" => word >> 9 & 7 != 7,
        // DBGDTRTXint and DBGDTRRXint.
        "ldc" | "stc" => word & 0xff00 != 0x5e00,
        "cdp" | "ldcl" | "stcl" | "mcr2" | "mrc2" | "mcrr2" | "mrrc2" | "cdp2" | "ldc2" | "ldc2l"
        | "stc2" | "stc2l" => true,
        _ => false,
    }
}

fn mentions_pc(text: &str) -> bool {
    ["pc,", "pc]", "pc!"].iter().any(|pc| text.contains(pc)) || text.ends_with("pc")
}

/// True if a 32-bit T32 instruction that mentions PC may do so.
fn pc_is_fine_in_t32(mnemonic: &str, text: &str) -> bool {
    let writeback = text.contains('!') || text.contains("],");
    let is_base = text.contains("[pc") && !writeback;
    match mnemonic {
        "ldr" => (is_base || !text.contains("[pc")) && !text.contains(", pc"),
        "ldrb" | "ldrh" | "ldrsb" | "ldrsh" | "ldrd" | "ldc" => is_base && !text.contains(" pc"),
        "pld" | "pli" => is_base && !text.contains(", pc"),
        "tbb" | "tbh" => !text.contains(", pc"),
        "ldm" | "ldmdb" | "pop" => !text.contains(" pc,") && !text.contains(" pc!"),
        "subs" => text.starts_with("subs pc, lr, #"),
        _ => false,
    }
}

/// True for 32-bit words of T32 that the table knows and LLVM does not.
pub fn t32_added(word: u32, insn: Insn) -> bool {
    // Unallocated hints about memory, and PLD of a literal with a should-be-zero bit that is one.
    word >> 25 == 0b1111100 && (insn.op == Op::Nop || word & 0xff7f_f000 == 0xf83f_f000)
}
