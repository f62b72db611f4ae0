//! A32 loads and stores (Arm ARM F4.1.3, F4.1.8, F4.1.15 and F4.1.16).

use super::operands::*;
use crate::aarch32::fields::{bit, bits, reg};
use crate::aarch32::rows::{Rows, rows};

pub const ROWS: Rows = rows! { 32
    // Words and bytes, a constant and then a register as offset. P = 0 with W = 1 is unprivileged.
    Strt "cccc 010 0 u 0 1 0 NNNN dddd iiiiiiiiiiii" load_imm;
    Str "cccc 010 p u 0 w 0 nnnn dddd iiiiiiiiiiii" load_imm if base;
    Strt "cccc 011 0 u 0 1 0 NNNN dddd iiiii tt 0 MMMM" load_reg;
    Str "cccc 011 p u 0 w 0 nnnn dddd iiiii tt 0 MMMM" load_reg if base;
    Ldrt "cccc 010 0 u 0 1 1 NNNN DDDD iiiiiiiiiiii" load_imm;
    Ldr "cccc 010 p u 0 w 1 nnnn dddd iiiiiiiiiiii" load_imm if base;
    Ldrt "cccc 011 0 u 0 1 1 NNNN DDDD iiiii tt 0 MMMM" load_reg;
    Ldr "cccc 011 p u 0 w 1 nnnn dddd iiiii tt 0 MMMM" load_reg if base;
    Strbt "cccc 010 0 u 1 1 0 NNNN DDDD iiiiiiiiiiii" load_imm;
    Strb "cccc 010 p u 1 w 0 nnnn DDDD iiiiiiiiiiii" load_imm if base;
    Strbt "cccc 011 0 u 1 1 0 NNNN DDDD iiiii tt 0 MMMM" load_reg;
    Strb "cccc 011 p u 1 w 0 nnnn DDDD iiiii tt 0 MMMM" load_reg if base;
    Ldrbt "cccc 010 0 u 1 1 1 NNNN DDDD iiiiiiiiiiii" load_imm;
    Ldrb "cccc 010 p u 1 w 1 nnnn DDDD iiiiiiiiiiii" load_imm if base;
    Ldrbt "cccc 011 0 u 1 1 1 NNNN DDDD iiiii tt 0 MMMM" load_reg;
    Ldrb "cccc 011 p u 1 w 1 nnnn DDDD iiiii tt 0 MMMM" load_reg if base;

    // Halfwords, signed bytes, pairs.
    Strht "cccc 000 0 u 1 1 0 NNNN DDDD iiii 1011 iiii" load_imm8;
    Strh "cccc 000 p u 1 w 0 nnnn DDDD iiii 1011 iiii" load_imm8 if base;
    Strht "cccc 000 0 u 0 1 0 NNNN DDDD 0000 1011 MMMM" load_plain;
    Strh "cccc 000 p u 0 w 0 nnnn DDDD 0000 1011 MMMM" load_plain if base;
    Ldrht "cccc 000 0 u 1 1 1 NNNN DDDD iiii 1011 iiii" load_imm8;
    Ldrh "cccc 000 p u 1 w 1 nnnn DDDD iiii 1011 iiii" load_imm8 if base;
    Ldrht "cccc 000 0 u 0 1 1 NNNN DDDD 0000 1011 MMMM" load_plain;
    Ldrh "cccc 000 p u 0 w 1 nnnn DDDD 0000 1011 MMMM" load_plain if base;
    Ldrsbt "cccc 000 0 u 1 1 1 NNNN DDDD iiii 1101 iiii" load_imm8;
    Ldrsb "cccc 000 p u 1 w 1 nnnn DDDD iiii 1101 iiii" load_imm8 if base;
    Ldrsbt "cccc 000 0 u 0 1 1 NNNN DDDD 0000 1101 MMMM" load_plain;
    Ldrsb "cccc 000 p u 0 w 1 nnnn DDDD 0000 1101 MMMM" load_plain if base;
    Ldrsht "cccc 000 0 u 1 1 1 NNNN DDDD iiii 1111 iiii" load_imm8;
    Ldrsh "cccc 000 p u 1 w 1 nnnn DDDD iiii 1111 iiii" load_imm8 if base;
    Ldrsht "cccc 000 0 u 0 1 1 NNNN DDDD 0000 1111 MMMM" load_plain;
    Ldrsh "cccc 000 p u 0 w 1 nnnn DDDD 0000 1111 MMMM" load_plain if base;
    Ldrd "cccc 000 p u 1 w 0 nnnn ddd0 iiii 1101 iiii" dual_imm8 if pair;
    Ldrd "cccc 000 p u 0 w 0 nnnn ddd0 0000 1101 MMMM" dual_plain if pair;
    Strd "cccc 000 p u 1 w 0 nnnn ddd0 iiii 1111 iiii" dual_imm8 if pair;
    Strd "cccc 000 p u 0 w 0 nnnn ddd0 0000 1111 MMMM" dual_plain if pair;

    // Multiple registers.
    Stm "cccc 100 p u 0 w 0 NNNN rrrrrrrrrrrrrrrr" multiple if some;
    Ldm "cccc 100 p u 0 w 1 NNNN rrrrrrrrrrrrrrrr" multiple if some;
    StmUser "cccc 100 p u 1 0 0 NNNN rrrrrrrrrrrrrrrr" multiple if some;
    LdmExcept "cccc 100 p u 1 w 1 NNNN 1rrrrrrrrrrrrrrr" multiple;
    LdmUser "cccc 100 p u 1 0 1 NNNN 0rrrrrrrrrrrrrrr" multiple if some;

    // Swaps, exclusives, acquire and release.
    Swp "cccc 00010000 NNNN DDDD 0000 1001 MMMM" three without V8;
    Swpb "cccc 00010100 NNNN DDDD 0000 1001 MMMM" three without V8;
    Strex "cccc 00011 00 0 NNNN DDDD 1111 1001 TTTT" three;
    Ldrex "cccc 00011 00 1 NNNN TTTT 1111 1001 1111" acquire;
    Strexd "cccc 00011 01 0 NNNN DDDD 1111 1001 ttt0" store_exclusive_dual if |w| reg(w, 0) != 14;
    Ldrexd "cccc 00011 01 1 NNNN ttt0 1111 1001 1111" acquire_dual if |w| reg(w, 12) != 14;
    Strexb "cccc 00011 10 0 NNNN DDDD 1111 1001 TTTT" three;
    Ldrexb "cccc 00011 10 1 NNNN TTTT 1111 1001 1111" acquire;
    Strexh "cccc 00011 11 0 NNNN DDDD 1111 1001 TTTT" three;
    Ldrexh "cccc 00011 11 1 NNNN TTTT 1111 1001 1111" acquire;
    Stlex "cccc 00011 00 0 NNNN DDDD 1110 1001 TTTT" three [V8];
    Ldaex "cccc 00011 00 1 NNNN TTTT 1110 1001 1111" acquire [V8];
    Stlexd "cccc 00011 01 0 NNNN DDDD 1110 1001 ttt0" store_exclusive_dual [V8] if |w| reg(w, 0) != 14;
    Ldaexd "cccc 00011 01 1 NNNN ttt0 1110 1001 1111" acquire_dual [V8] if |w| reg(w, 12) != 14;
    Stlexb "cccc 00011 10 0 NNNN DDDD 1110 1001 TTTT" three [V8];
    Ldaexb "cccc 00011 10 1 NNNN TTTT 1110 1001 1111" acquire [V8];
    Stlexh "cccc 00011 11 0 NNNN DDDD 1110 1001 TTTT" three [V8];
    Ldaexh "cccc 00011 11 1 NNNN TTTT 1110 1001 1111" acquire [V8];
    Stl "cccc 00011 00 0 NNNN 1111 1100 1001 TTTT" release [V8];
    Lda "cccc 00011 00 1 NNNN TTTT 1100 1001 1111" acquire [V8];
    Stlb "cccc 00011 10 0 NNNN 1111 1100 1001 TTTT" release [V8];
    Ldab "cccc 00011 10 1 NNNN TTTT 1100 1001 1111" acquire [V8];
    Stlh "cccc 00011 11 0 NNNN 1111 1100 1001 TTTT" release [V8];
    Ldah "cccc 00011 11 1 NNNN TTTT 1100 1001 1111" acquire [V8];
};

/// The program counter gets no writeback.
fn base(word: u32) -> bool {
    let wback = !bit(word, 24) || bit(word, 21);
    !wback || reg(word, 16) != 15
}

/// The same, and the pair isn't R14 and R15; there is no unprivileged form.
fn pair(word: u32) -> bool {
    base(word) && reg(word, 12) != 14 && (bit(word, 24) || !bit(word, 21))
}

/// The list has a register.
fn some(word: u32) -> bool {
    bits(word, 15, 0) != 0
}
