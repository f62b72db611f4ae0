//! A32 branches, exceptions, status and system registers, hints, and the unconditional space (Arm ARM F4.1.4 to F4.1.7
//! and F4.1.17 to F4.1.22).

use super::operands::*;
use crate::aarch32::fields::{bit, bits, none};
use crate::aarch32::rows::{Rows, rows};

pub const ROWS: Rows = rows! { 32
    // Branches.
    B "cccc 1010 iiiiiiiiiiiiiiiiiiiiiiii" branch;
    Bl "cccc 1011 iiiiiiiiiiiiiiiiiiiiiiii" branch;
    Bx "cccc 00010010 1111 1111 1111 0001 mmmm" register;
    Bxj "cccc 00010010 1111 1111 1111 0010 MMMM" register;
    BlxReg "cccc 00010010 1111 1111 1111 0011 MMMM" register;

    // Exceptions.
    Svc "cccc 1111 iiiiiiiiiiiiiiiiiiiiiiii" comment24;
    Hlt "1110 00010000 iiiiiiiiiiii 0111 iiii" comment16 [V8];
    Bkpt "1110 00010010 iiiiiiiiiiii 0111 iiii" comment16;
    Hvc "1110 00010100 iiiiiiiiiiii 0111 iiii" comment16;
    Smc "cccc 00010110 000000000000 0111 iiii" option;
    Eret "cccc 00010110 000000000000 0110 1110" none;

    // Status registers.
    Mrs "cccc 00010 r 00 1111 DDDD 0000 0000 0000" read_status;
    Msr "cccc 00010 r 10 ffff 1111 0000 0000 MMMM" write_status if some_field;
    MrsBanked "cccc 00010 r 00 bbbb DDDD 001b 0000 0000" banked_register if is_banked;
    MsrBanked "cccc 00010 r 10 bbbb 1111 001b 0000 MMMM" banked_register if is_banked;
    Msr "cccc 00110 r 10 ffff 1111 rrrr iiiiiiii" write_status_imm if some_field;

    // Hints.
    Yield "cccc 00110010 0000 1111 0000 00000001" hint;
    Wfe "cccc 00110010 0000 1111 0000 00000010" hint;
    Wfi "cccc 00110010 0000 1111 0000 00000011" hint;
    Sev "cccc 00110010 0000 1111 0000 00000100" hint;
    Sevl "cccc 00110010 0000 1111 0000 00000101" hint;
    Esb "cccc 00110010 0000 1111 0000 00010000" hint;
    Csdb "cccc 00110010 0000 1111 0000 00010100" hint;
    Dbg "cccc 00110010 0000 1111 0000 1111oooo" option;
    Nop "cccc 00110010 0000 1111 0000 hhhhhhhh" hint;

    // Coprocessors 14 and 15; there is no other.
    Mcr "cccc 1110 ooo 0 nnnn TTTT 111p ooo 1 mmmm" move_coprocessor;
    Mrc "cccc 1110 ooo 1 nnnn tttt 111p ooo 1 mmmm" move_coprocessor;
    Mcrr "cccc 11000100 UUUU TTTT 111p oooo mmmm" move_coprocessor64;
    Mrrc "cccc 11000101 UUUU TTTT 111p oooo mmmm" move_coprocessor64;
    Stc "cccc 110 p u 0 w 0 nnnn 0101 1110 iiiiiiii" transfer_coprocessor if debug_transfer;
    Ldc "cccc 110 p u 0 w 1 nnnn 0101 1110 iiiiiiii" transfer_coprocessor if debug_transfer;
};

/// Words whose condition is 15.
pub const UNCONDITIONAL: Rows = rows! { 32
    Cps "1111 00010000 oo m 0 0000000 aif 0 mmmmm" change_state if changes_state;
    Setend "1111 00010000 0001 000000 e 0 0000 0000" bit9;
    Setpan "1111 00010001 0000 000000 p 0 0000 0000" bit9 [PAN];

    // Hints about memory; those without a meaning do nothing.
    Pli "1111 0100 u 101 nnnn 1111 iiiiiiiiiiii" preload_imm;
    Pli "1111 0110 u 101 nnnn 1111 iiiii tt 0 MMMM" preload_reg;
    Pld "1111 0101 u 101 nnnn 1111 iiiiiiiiiiii" preload_imm;
    Pld "1111 0111 u 101 nnnn 1111 iiiii tt 0 MMMM" preload_reg;
    Pldw "1111 0101 u 001 NNNN 1111 iiiiiiiiiiii" preload_imm;
    Pldw "1111 0111 u 001 NNNN 1111 iiiii tt 0 MMMM" preload_reg;
    Nop "1111 0100 u 001 nnnn 1111 iiiiiiiiiiii" none;
    Nop "1111 0110 u 001 nnnn 1111 iiiii tt 0 mmmm" none;

    // Barriers.
    Clrex "1111 01010111 1111 1111 0000 0001 1111" none;
    Dsb "1111 01010111 1111 1111 0000 0100 oooo" option;
    Dmb "1111 01010111 1111 1111 0000 0101 oooo" option;
    Isb "1111 01010111 1111 1111 0000 0110 oooo" option;
    Sb "1111 01010111 1111 1111 0000 0111 0000" none [SB];

    Srs "1111 100 p u 1 w 0 1101 0000 0101 000 mmmmm" store_return;
    Rfe "1111 100 p u 0 w 1 NNNN 0000 1010 0000 0000" return_from;
    Blx "1111 101 h iiiiiiiiiiiiiiiiiiiiiiii" branch_exchange;
};

/// MSR writes a field of the status register.
fn some_field(word: u32) -> bool {
    bits(word, 19, 16) != 0
}

/// CPS changes masks if it names some, and the mode if it names one, and at least one of both.
fn changes_state(word: u32) -> bool {
    let (imod, masks) = (bits(word, 19, 18), bits(word, 8, 6));
    let (change_mode, mode) = (bit(word, 17), bits(word, 4, 0));
    imod != 1 && (imod != 0) == (masks != 0) && (change_mode || mode == 0) && (change_mode || imod != 0)
}
