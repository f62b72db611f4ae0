//! A32 data processing, multiplies and other arithmetic outside the media space (Arm ARM F4.1.2 to F4.1.13).

use super::operands::*;
use crate::aarch32::rows::{Rows, rows};

pub const ROWS: Rows = rows! { 32
    // Register shifted by a constant.
    And "cccc 000 0000 s nnnn dddd iiiii tt 0 mmmm" shifted;
    Eor "cccc 000 0001 s nnnn dddd iiiii tt 0 mmmm" shifted;
    Sub "cccc 000 0010 s nnnn dddd iiiii tt 0 mmmm" shifted;
    Rsb "cccc 000 0011 s nnnn dddd iiiii tt 0 mmmm" shifted;
    Add "cccc 000 0100 s nnnn dddd iiiii tt 0 mmmm" shifted;
    Adc "cccc 000 0101 s nnnn dddd iiiii tt 0 mmmm" shifted;
    Sbc "cccc 000 0110 s nnnn dddd iiiii tt 0 mmmm" shifted;
    Rsc "cccc 000 0111 s nnnn dddd iiiii tt 0 mmmm" shifted;
    Orr "cccc 000 1100 s nnnn dddd iiiii tt 0 mmmm" shifted;
    Bic "cccc 000 1110 s nnnn dddd iiiii tt 0 mmmm" shifted;
    Tst "cccc 000 1000 1 nnnn 0000 iiiii tt 0 mmmm" shifted;
    Teq "cccc 000 1001 1 nnnn 0000 iiiii tt 0 mmmm" shifted;
    Cmp "cccc 000 1010 1 nnnn 0000 iiiii tt 0 mmmm" shifted;
    Cmn "cccc 000 1011 1 nnnn 0000 iiiii tt 0 mmmm" shifted;
    Mov "cccc 000 1101 s 0000 dddd iiiii tt 0 mmmm" shifted;
    Mvn "cccc 000 1111 s 0000 dddd iiiii tt 0 mmmm" shifted;

    // Register shifted by a register.
    And "cccc 000 0000 s NNNN DDDD SSSS 0 tt 1 MMMM" shifted_by;
    Eor "cccc 000 0001 s NNNN DDDD SSSS 0 tt 1 MMMM" shifted_by;
    Sub "cccc 000 0010 s NNNN DDDD SSSS 0 tt 1 MMMM" shifted_by;
    Rsb "cccc 000 0011 s NNNN DDDD SSSS 0 tt 1 MMMM" shifted_by;
    Add "cccc 000 0100 s NNNN DDDD SSSS 0 tt 1 MMMM" shifted_by;
    Adc "cccc 000 0101 s NNNN DDDD SSSS 0 tt 1 MMMM" shifted_by;
    Sbc "cccc 000 0110 s NNNN DDDD SSSS 0 tt 1 MMMM" shifted_by;
    Rsc "cccc 000 0111 s NNNN DDDD SSSS 0 tt 1 MMMM" shifted_by;
    Orr "cccc 000 1100 s NNNN DDDD SSSS 0 tt 1 MMMM" shifted_by;
    Bic "cccc 000 1110 s NNNN DDDD SSSS 0 tt 1 MMMM" shifted_by;
    Tst "cccc 000 1000 1 NNNN 0000 SSSS 0 tt 1 MMMM" shifted_by;
    Teq "cccc 000 1001 1 NNNN 0000 SSSS 0 tt 1 MMMM" shifted_by;
    Cmp "cccc 000 1010 1 NNNN 0000 SSSS 0 tt 1 MMMM" shifted_by;
    Cmn "cccc 000 1011 1 NNNN 0000 SSSS 0 tt 1 MMMM" shifted_by;
    Mov "cccc 000 1101 s 0000 DDDD SSSS 0 tt 1 MMMM" shifted_by;
    Mvn "cccc 000 1111 s 0000 DDDD SSSS 0 tt 1 MMMM" shifted_by;

    // Constant.
    And "cccc 001 0000 s nnnn dddd rrrr iiiiiiii" immediate;
    Eor "cccc 001 0001 s nnnn dddd rrrr iiiiiiii" immediate;
    Sub "cccc 001 0010 s nnnn dddd rrrr iiiiiiii" immediate;
    Rsb "cccc 001 0011 s nnnn dddd rrrr iiiiiiii" immediate;
    Add "cccc 001 0100 s nnnn dddd rrrr iiiiiiii" immediate;
    Adc "cccc 001 0101 s nnnn dddd rrrr iiiiiiii" immediate;
    Sbc "cccc 001 0110 s nnnn dddd rrrr iiiiiiii" immediate;
    Rsc "cccc 001 0111 s nnnn dddd rrrr iiiiiiii" immediate;
    Orr "cccc 001 1100 s nnnn dddd rrrr iiiiiiii" immediate;
    Bic "cccc 001 1110 s nnnn dddd rrrr iiiiiiii" immediate;
    Tst "cccc 001 1000 1 nnnn 0000 rrrr iiiiiiii" immediate;
    Teq "cccc 001 1001 1 nnnn 0000 rrrr iiiiiiii" immediate;
    Cmp "cccc 001 1010 1 nnnn 0000 rrrr iiiiiiii" immediate;
    Cmn "cccc 001 1011 1 nnnn 0000 rrrr iiiiiiii" immediate;
    Mov "cccc 001 1101 s 0000 dddd rrrr iiiiiiii" immediate;
    Mvn "cccc 001 1111 s 0000 dddd rrrr iiiiiiii" immediate;

    Movw "cccc 00110000 iiii DDDD iiiiiiiiiiii" move_wide;
    Movt "cccc 00110100 iiii DDDD iiiiiiiiiiii" move_wide;

    // Multiplies.
    Mul "cccc 0000000 s DDDD 0000 MMMM 1001 NNNN" multiply_s;
    Mla "cccc 0000001 s DDDD AAAA MMMM 1001 NNNN" multiply_s;
    Umaal "cccc 0000010 0 HHHH LLLL MMMM 1001 NNNN" multiply_long;
    Mls "cccc 0000011 0 DDDD AAAA MMMM 1001 NNNN" multiply;
    Umull "cccc 0000100 s HHHH LLLL MMMM 1001 NNNN" multiply_long_s;
    Umlal "cccc 0000101 s HHHH LLLL MMMM 1001 NNNN" multiply_long_s;
    Smull "cccc 0000110 s HHHH LLLL MMMM 1001 NNNN" multiply_long_s;
    Smlal "cccc 0000111 s HHHH LLLL MMMM 1001 NNNN" multiply_long_s;

    // Halfword multiplies.
    Smlabb "cccc 00010000 DDDD AAAA MMMM 1000 NNNN" multiply;
    Smlabt "cccc 00010000 DDDD AAAA MMMM 1100 NNNN" multiply;
    Smlatb "cccc 00010000 DDDD AAAA MMMM 1010 NNNN" multiply;
    Smlatt "cccc 00010000 DDDD AAAA MMMM 1110 NNNN" multiply;
    Smlalbb "cccc 00010100 HHHH LLLL MMMM 1000 NNNN" multiply_long;
    Smlalbt "cccc 00010100 HHHH LLLL MMMM 1100 NNNN" multiply_long;
    Smlaltb "cccc 00010100 HHHH LLLL MMMM 1010 NNNN" multiply_long;
    Smlaltt "cccc 00010100 HHHH LLLL MMMM 1110 NNNN" multiply_long;
    Smulbb "cccc 00010110 DDDD 0000 MMMM 1000 NNNN" multiply;
    Smulbt "cccc 00010110 DDDD 0000 MMMM 1100 NNNN" multiply;
    Smultb "cccc 00010110 DDDD 0000 MMMM 1010 NNNN" multiply;
    Smultt "cccc 00010110 DDDD 0000 MMMM 1110 NNNN" multiply;
    Smlawb "cccc 00010010 DDDD AAAA MMMM 1000 NNNN" multiply;
    Smlawt "cccc 00010010 DDDD AAAA MMMM 1100 NNNN" multiply;
    Smulwb "cccc 00010010 DDDD 0000 MMMM 1010 NNNN" multiply;
    Smulwt "cccc 00010010 DDDD 0000 MMMM 1110 NNNN" multiply;

    // Saturating addition and subtraction.
    Qadd "cccc 00010000 NNNN DDDD 0000 0101 MMMM" three;
    Qsub "cccc 00010010 NNNN DDDD 0000 0101 MMMM" three;
    Qdadd "cccc 00010100 NNNN DDDD 0000 0101 MMMM" three;
    Qdsub "cccc 00010110 NNNN DDDD 0000 0101 MMMM" three;

    // Cyclic redundancy checks; they have no condition.
    Crc32b "1110 00010 00 0 NNNN DDDD 0000 0100 MMMM" three [CRC32];
    Crc32h "1110 00010 01 0 NNNN DDDD 0000 0100 MMMM" three [CRC32];
    Crc32w "1110 00010 10 0 NNNN DDDD 0000 0100 MMMM" three [CRC32];
    Crc32cb "1110 00010 00 0 NNNN DDDD 0010 0100 MMMM" three [CRC32];
    Crc32ch "1110 00010 01 0 NNNN DDDD 0010 0100 MMMM" three [CRC32];
    Crc32cw "1110 00010 10 0 NNNN DDDD 0010 0100 MMMM" three [CRC32];

    Clz "cccc 00010110 1111 DDDD 1111 0001 MMMM" two;
};
