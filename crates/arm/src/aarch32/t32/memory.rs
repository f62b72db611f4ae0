//! 32-bit T32 loads and stores (Arm ARM F3.3.2 to F3.3.4 and F3.3.12).

use super::operands::*;
use crate::aarch32::a32::operands::multiple;
use crate::aarch32::fields::none;
use crate::aarch32::rows::{Rows, rows};

pub const ROWS: Rows = rows! { 32
    // Multiple registers, of two up; exception entry and return.
    Srs "1110100 00 0 w 0 1101 1100 0000 000 mmmmm" store_before;
    Srs "1110100 11 0 w 0 1101 1100 0000 000 mmmmm" store_after;
    Rfe "1110100 00 0 w 1 NNNN 1100 0000 0000 0000" return_before;
    Rfe "1110100 11 0 w 1 NNNN 1100 0000 0000 0000" return_after;
    Stm "1110100 01 0 w 0 NNNN 0 r 0 rrrrrrrrrrrrr" multiple if some;
    Ldm "1110100 01 0 w 1 NNNN r r 0 rrrrrrrrrrrrr" multiple if some;
    Stm "1110100 10 0 w 0 NNNN 0 r 0 rrrrrrrrrrrrr" multiple if some;
    Ldm "1110100 10 0 w 1 NNNN r r 0 rrrrrrrrrrrrr" multiple if some;

    // Exclusives, acquire and release, table branches: P and W are zero.
    Strex "1110100 0010 0 NNNN TTTT DDDD iiiiiiii" store_exclusive;
    Ldrex "1110100 0010 1 NNNN TTTT 1111 iiiiiiii" load_exclusive;
    Tbb "1110100 0110 1 nnnn 1111 0000 0000 MMMM" table_branch;
    Tbh "1110100 0110 1 nnnn 1111 0000 0001 MMMM" table_branch;
    Strexb "1110100 0110 0 NNNN TTTT 1111 0100 DDDD" store_exclusive_plain;
    Ldrexb "1110100 0110 1 NNNN TTTT 1111 0100 1111" acquire;
    Strexh "1110100 0110 0 NNNN TTTT 1111 0101 DDDD" store_exclusive_plain;
    Ldrexh "1110100 0110 1 NNNN TTTT 1111 0101 1111" acquire;
    Strexd "1110100 0110 0 NNNN TTTT UUUU 0111 DDDD" store_exclusive_dual;
    Ldrexd "1110100 0110 1 NNNN TTTT UUUU 0111 1111" acquire_dual;
    Stlb "1110100 0110 0 NNNN TTTT 1111 1000 1111" acquire [V8];
    Ldab "1110100 0110 1 NNNN TTTT 1111 1000 1111" acquire [V8];
    Stlh "1110100 0110 0 NNNN TTTT 1111 1001 1111" acquire [V8];
    Ldah "1110100 0110 1 NNNN TTTT 1111 1001 1111" acquire [V8];
    Stl "1110100 0110 0 NNNN TTTT 1111 1010 1111" acquire [V8];
    Lda "1110100 0110 1 NNNN TTTT 1111 1010 1111" acquire [V8];
    Stlexb "1110100 0110 0 NNNN TTTT 1111 1100 DDDD" store_exclusive_plain [V8];
    Ldaexb "1110100 0110 1 NNNN TTTT 1111 1100 1111" acquire [V8];
    Stlexh "1110100 0110 0 NNNN TTTT 1111 1101 DDDD" store_exclusive_plain [V8];
    Ldaexh "1110100 0110 1 NNNN TTTT 1111 1101 1111" acquire [V8];
    Stlex "1110100 0110 0 NNNN TTTT 1111 1110 DDDD" store_exclusive_plain [V8];
    Ldaex "1110100 0110 1 NNNN TTTT 1111 1110 1111" acquire [V8];
    Stlexd "1110100 0110 0 NNNN TTTT UUUU 1111 DDDD" store_exclusive_dual [V8];
    Ldaexd "1110100 0110 1 NNNN TTTT UUUU 1111 1111" acquire_dual [V8];

    // Pairs.
    Strd "1110100 p u 1 w 0 NNNN TTTT UUUU iiiiiiii" dual if is_dual;
    Ldrd "1110100 p u 1 w 1 nnnn TTTT UUUU iiiiiiii" dual if is_dual;

    // Stores.
    Strb "11111000 1 00 0 NNNN TTTT iiiiiiiiiiii" load_imm12;
    Strbt "11111000 0 00 0 NNNN TTTT 1110 iiiiiiii" load_imm8;
    Strb "11111000 0 00 0 NNNN TTTT 1 puw iiiiiiii" load_imm8 if is_indexed;
    Strb "11111000 0 00 0 NNNN TTTT 000000 ii MMMM" load_reg;
    Strh "11111000 1 01 0 NNNN TTTT iiiiiiiiiiii" load_imm12;
    Strht "11111000 0 01 0 NNNN TTTT 1110 iiiiiiii" load_imm8;
    Strh "11111000 0 01 0 NNNN TTTT 1 puw iiiiiiii" load_imm8 if is_indexed;
    Strh "11111000 0 01 0 NNNN TTTT 000000 ii MMMM" load_reg;
    Str "11111000 1 10 0 NNNN TTTT iiiiiiiiiiii" load_imm12;
    Strt "11111000 0 10 0 NNNN TTTT 1110 iiiiiiii" load_imm8;
    Str "11111000 0 10 0 NNNN TTTT 1 puw iiiiiiii" load_imm8 if is_indexed;
    Str "11111000 0 10 0 NNNN TTTT 000000 ii MMMM" load_reg;

    // Loads; to R15, those of bytes and halfwords are hints, which have no writeback.
    Pld "1111100 0 u 00 1 1111 1111 iiiiiiiiiiii" literal;
    Pld "1111100 0 1 00 1 nnnn 1111 iiiiiiiiiiii" load_imm12;
    Pld "1111100 0 0 00 1 nnnn 1111 1100 iiiiiiii" load_imm8;
    Pld "1111100 0 0 00 1 nnnn 1111 000000 ii MMMM" load_reg;
    Ldrb "1111100 0 u 00 1 1111 TTTT iiiiiiiiiiii" literal;
    Ldrb "1111100 0 1 00 1 nnnn TTTT iiiiiiiiiiii" load_imm12;
    Ldrbt "1111100 0 0 00 1 nnnn TTTT 1110 iiiiiiii" load_imm8;
    Ldrb "1111100 0 0 00 1 nnnn TTTT 1 puw iiiiiiii" load_imm8 if is_indexed;
    Ldrb "1111100 0 0 00 1 nnnn TTTT 000000 ii MMMM" load_reg;
    Pld "1111100 0 u 01 1 1111 1111 iiiiiiiiiiii" literal;
    Pldw "1111100 0 1 01 1 nnnn 1111 iiiiiiiiiiii" load_imm12;
    Pldw "1111100 0 0 01 1 nnnn 1111 1100 iiiiiiii" load_imm8;
    Pldw "1111100 0 0 01 1 nnnn 1111 000000 ii MMMM" load_reg;
    Ldrh "1111100 0 u 01 1 1111 TTTT iiiiiiiiiiii" literal;
    Ldrh "1111100 0 1 01 1 nnnn TTTT iiiiiiiiiiii" load_imm12;
    Ldrht "1111100 0 0 01 1 nnnn TTTT 1110 iiiiiiii" load_imm8;
    Ldrh "1111100 0 0 01 1 nnnn TTTT 1 puw iiiiiiii" load_imm8 if is_indexed;
    Ldrh "1111100 0 0 01 1 nnnn TTTT 000000 ii MMMM" load_reg;
    Pli "1111100 1 u 00 1 1111 1111 iiiiiiiiiiii" literal;
    Pli "1111100 1 1 00 1 nnnn 1111 iiiiiiiiiiii" load_imm12;
    Pli "1111100 1 0 00 1 nnnn 1111 1100 iiiiiiii" load_imm8;
    Pli "1111100 1 0 00 1 nnnn 1111 000000 ii MMMM" load_reg;
    Ldrsb "1111100 1 u 00 1 1111 TTTT iiiiiiiiiiii" literal;
    Ldrsb "1111100 1 1 00 1 nnnn TTTT iiiiiiiiiiii" load_imm12;
    Ldrsbt "1111100 1 0 00 1 nnnn TTTT 1110 iiiiiiii" load_imm8;
    Ldrsb "1111100 1 0 00 1 nnnn TTTT 1 puw iiiiiiii" load_imm8 if is_indexed;
    Ldrsb "1111100 1 0 00 1 nnnn TTTT 000000 ii MMMM" load_reg;
    Nop "1111100 1 u 01 1 1111 1111 iiiiiiiiiiii" none;
    Nop "1111100 1 1 01 1 nnnn 1111 iiiiiiiiiiii" none;
    Nop "1111100 1 0 01 1 nnnn 1111 1100 iiiiiiii" none;
    Nop "1111100 1 0 01 1 nnnn 1111 000000 ii MMMM" none;
    Ldrsh "1111100 1 u 01 1 1111 TTTT iiiiiiiiiiii" literal;
    Ldrsh "1111100 1 1 01 1 nnnn TTTT iiiiiiiiiiii" load_imm12;
    Ldrsht "1111100 1 0 01 1 nnnn TTTT 1110 iiiiiiii" load_imm8;
    Ldrsh "1111100 1 0 01 1 nnnn TTTT 1 puw iiiiiiii" load_imm8 if is_indexed;
    Ldrsh "1111100 1 0 01 1 nnnn TTTT 000000 ii MMMM" load_reg;
    Ldr "1111100 0 u 10 1 1111 tttt iiiiiiiiiiii" literal;
    Ldr "1111100 0 1 10 1 nnnn tttt iiiiiiiiiiii" load_imm12;
    Ldrt "1111100 0 0 10 1 nnnn TTTT 1110 iiiiiiii" load_imm8;
    Ldr "1111100 0 0 10 1 nnnn tttt 1 puw iiiiiiii" load_imm8 if is_indexed;
    Ldr "1111100 0 0 10 1 nnnn tttt 000000 ii MMMM" load_reg;
};
