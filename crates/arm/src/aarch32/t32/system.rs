//! 32-bit T32 branches, exceptions, status and system registers, hints (Arm ARM F3.3.6 to F3.3.11).

use super::operands::*;
use crate::aarch32::a32::operands::{
    debug_transfer, hint, move_coprocessor, move_coprocessor64, option, transfer_coprocessor,
};
use crate::aarch32::fields::{none, reg};
use crate::aarch32::insn::Insn;
use crate::aarch32::rows::{Rows, rows};

pub const ROWS: Rows = rows! { 32
    // Branches.
    B "11110 s cccc iiiiii 10 j 0 j iiiiiiiiiii" branch_if if is_conditional;
    B "11110 s iiiiiiiiii 10 j 1 j iiiiiiiiiii" branch;
    Bl "11110 s iiiiiiiiii 11 j 1 j iiiiiiiiiii" branch;
    Blx "11110 s iiiiiiiiii 11 j 0 j iiiiiiiiii 0" branch;
    Bxj "11110 0111100 MMMM 1000 1111 0000 0000" jazelle;

    // Exceptions; SUBS PC, LR, #0 is ERET.
    Eret "11110 0111101 1110 1000 1111 0000 0000" none;
    Sub "11110 0111101 1110 1000 1111 iiiiiiii" return_minus;
    Hvc "11110 1111110 iiii 1000 iiiiiiiiiiii" comment16;
    Smc "11110 1111111 iiii 1000 0000 0000 0000" comment4;
    Udf "11110 1111111 iiii 1010 iiiiiiiiiiii" comment16;

    // Status registers.
    MrsBanked "11110 011111 r bbbb 1000 DDDD 001 b 0000" read_banked if is_banked_source;
    MsrBanked "11110 011100 r NNNN 1000 bbbb 001 b 0000" write_banked if is_banked_target;
    Mrs "11110 011111 r 1111 1000 DDDD 0000 0000" read_status;
    Msr "11110 011100 r NNNN 1000 ffff 0000 0000" write_status if some_field;

    // Hints.
    Yield "11110 0111010 1111 1000 0000 00000001" hint;
    Wfe "11110 0111010 1111 1000 0000 00000010" hint;
    Wfi "11110 0111010 1111 1000 0000 00000011" hint;
    Sev "11110 0111010 1111 1000 0000 00000100" hint;
    Sevl "11110 0111010 1111 1000 0000 00000101" hint;
    Esb "11110 0111010 1111 1000 0000 00010000" hint;
    Csdb "11110 0111010 1111 1000 0000 00010100" hint;
    Dbg "11110 0111010 1111 1000 0000 1111oooo" option;
    Nop "11110 0111010 1111 1000 0000 hhhhhhhh" hint;
    Cps "11110 0111010 1111 1000 0 oo m aif mmmmm" change_state if changes_state;

    // Barriers.
    Clrex "11110 0111011 1111 1000 1111 0010 1111" none;
    Dsb "11110 0111011 1111 1000 1111 0100 oooo" option;
    Dmb "11110 0111011 1111 1000 1111 0101 oooo" option;
    Isb "11110 0111011 1111 1000 1111 0110 oooo" option;
    Sb "11110 0111011 1111 1000 1111 0111 0000" none [SB];

    // Coprocessors 14 and 15, as in A32.
    Mcr "1110 1110 ooo 0 nnnn TTTT 111p ooo 1 mmmm" move_coprocessor;
    Mrc "1110 1110 ooo 1 nnnn tttt 111p ooo 1 mmmm" move_coprocessor;
    Mcrr "1110 11000100 UUUU TTTT 111p oooo mmmm" move_coprocessor64;
    Mrrc "1110 11000101 UUUU TTTT 111p oooo mmmm" move_coprocessor64;
    Stc "1110 110 p u 0 w 0 NNNN 0101 1110 iiiiiiii" transfer_coprocessor if debug_transfer;
    Ldc "1110 110 p u 0 w 1 nnnn 0101 1110 iiiiiiii" transfer_coprocessor if debug_transfer;
};

/// Rm of BXJ.
fn jazelle(word: u32) -> Insn {
    Insn { m: reg(word, 16), ..Insn::NONE }
}
