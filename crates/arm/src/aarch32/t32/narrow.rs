//! 16-bit T32 instructions (Arm ARM F3.2).

use super::narrow_operands::*;
use crate::aarch32::fields::{bits, reg};
use crate::aarch32::rows::{Rows, rows};

pub const ROWS: Rows = rows! { 16
    // Shift by a constant, add, subtract, move, compare.
    Mov "000 00 iiiii mmm ddd" shift;
    Mov "000 01 iiiii mmm ddd" shift;
    Mov "000 10 iiiii mmm ddd" shift;
    Add "000 11 0 0 mmm nnn ddd" three;
    Sub "000 11 0 1 mmm nnn ddd" three;
    Add "000 11 1 0 iii nnn ddd" imm3;
    Sub "000 11 1 1 iii nnn ddd" imm3;
    Mov "001 00 ddd iiiiiiii" imm8;
    Cmp "001 01 nnn iiiiiiii" compare_imm8;
    Add "001 10 ddd iiiiiiii" imm8;
    Sub "001 11 ddd iiiiiiii" imm8;

    // Data processing.
    And "010000 0000 mmm ddd" two;
    Eor "010000 0001 mmm ddd" two;
    Mov "010000 0010 mmm ddd" lsl;
    Mov "010000 0011 mmm ddd" lsr;
    Mov "010000 0100 mmm ddd" asr;
    Adc "010000 0101 mmm ddd" two;
    Sbc "010000 0110 mmm ddd" two;
    Mov "010000 0111 mmm ddd" ror;
    Tst "010000 1000 mmm nnn" compare;
    Rsb "010000 1001 nnn ddd" negate;
    Cmp "010000 1010 mmm nnn" compare;
    Cmn "010000 1011 mmm nnn" compare;
    Orr "010000 1100 mmm ddd" two;
    Mul "010000 1101 nnn ddd" multiply;
    Bic "010000 1110 mmm ddd" two;
    Mvn "010000 1111 mmm ddd" two;

    // All sixteen registers.
    Add "010001 00 d mmmm ddd" high if |h| h & 0xff != 0xff;
    Cmp "010001 01 n MMMM nnn" compare_high if compares_high;
    Mov "010001 10 d mmmm ddd" high;
    Bx "010001 11 0 mmmm 000" register;
    BlxReg "010001 11 1 MMMM 000" register;

    // Loads and stores.
    Ldr "01001 ttt iiiiiiii" literal;
    Str "0101 000 mmm nnn ttt" load_reg;
    Strh "0101 001 mmm nnn ttt" load_reg;
    Strb "0101 010 mmm nnn ttt" load_reg;
    Ldrsb "0101 011 mmm nnn ttt" load_reg;
    Ldr "0101 100 mmm nnn ttt" load_reg;
    Ldrh "0101 101 mmm nnn ttt" load_reg;
    Ldrb "0101 110 mmm nnn ttt" load_reg;
    Ldrsh "0101 111 mmm nnn ttt" load_reg;
    Str "0110 0 iiiii nnn ttt" load_words;
    Ldr "0110 1 iiiii nnn ttt" load_words;
    Strb "0111 0 iiiii nnn ttt" load_bytes;
    Ldrb "0111 1 iiiii nnn ttt" load_bytes;
    Strh "1000 0 iiiii nnn ttt" load_halfwords;
    Ldrh "1000 1 iiiii nnn ttt" load_halfwords;
    Str "1001 0 ttt iiiiiiii" from_sp;
    Ldr "1001 1 ttt iiiiiiii" from_sp;

    Adr "1010 0 ddd iiiiiiii" address;
    Add "1010 1 ddd iiiiiiii" from_sp;

    // Miscellaneous.
    Add "1011 0000 0 iiiiiii" adjust_sp;
    Sub "1011 0000 1 iiiiiii" adjust_sp;
    Cbz "1011 0 0 i 1 iiiii nnn" compare_branch;
    Cbnz "1011 1 0 i 1 iiiii nnn" compare_branch;
    Sxth "1011 0010 00 mmm ddd" plain;
    Sxtb "1011 0010 01 mmm ddd" plain;
    Uxth "1011 0010 10 mmm ddd" plain;
    Uxtb "1011 0010 11 mmm ddd" plain;
    Setpan "1011 0110 0001 p 000" bit3 [PAN];
    Setend "1011 0110 0101 e 000" bit3;
    Cps "1011 0110 011 i 0 aif" change_state if |h| h & 7 != 0;
    Rev "1011 1010 00 mmm ddd" plain;
    Rev16 "1011 1010 01 mmm ddd" plain;
    Hlt "1011 1010 10 iiiiii" comment6 [V8];
    Revsh "1011 1010 11 mmm ddd" plain;
    Stm "1011 0 10 r rrrrrrrr" push if |h| h & 0x1ff != 0;
    Ldm "1011 1 10 r rrrrrrrr" pop if |h| h & 0x1ff != 0;
    Bkpt "1011 1110 iiiiiiii" comment8;
    Yield "1011 1111 0001 0000" hint;
    Wfe "1011 1111 0010 0000" hint;
    Wfi "1011 1111 0011 0000" hint;
    Sev "1011 1111 0100 0000" hint;
    Sevl "1011 1111 0101 0000" hint;
    Nop "1011 1111 hhhh 0000" hint;
    It "1011 1111 cccc mmmm" comment8 if starts_block;

    Stm "1100 0 nnn rrrrrrrr" multiple if |h| h & 0xff != 0;
    Ldm "1100 1 nnn rrrrrrrr" multiple if |h| h & 0xff != 0;

    // Branches and exceptions.
    Udf "1101 1110 iiiiiiii" comment8;
    Svc "1101 1111 iiiiiiii" comment8;
    B "1101 cccc iiiiiiii" branch_if;
    B "11100 iiiiiiiiiii" branch;
};

/// The comparison of high registers has one of them, and not R15.
fn compares_high(half: u32) -> bool {
    let n = bits(half, 7, 7) << 3 | bits(half, 2, 0);
    n != 15 && (n >= 8 || reg(half, 3) >= 8)
}

/// IT has a condition; an unconditional block is all THEN.
fn starts_block(half: u32) -> bool {
    match bits(half, 7, 4) {
        15 => false,
        14 => bits(half, 3, 0).is_power_of_two(),
        _ => true,
    }
}
