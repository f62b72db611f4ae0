//! 32-bit T32 data processing and multiplies (Arm ARM F3.3.1, F3.3.5 and F3.3.13 to F3.3.17).

use super::operands::*;
use crate::aarch32::rows::{Rows, rows};

pub const ROWS: Rows = rows! { 32
    // Register shifted by a constant.
    Tst "1110101 0000 1 NNNN 0 iii 1111 ii tt MMMM" shifted;
    And "1110101 0000 s NNNN 0 iii DDDD ii tt MMMM" shifted;
    Bic "1110101 0001 s NNNN 0 iii DDDD ii tt MMMM" shifted;
    Mov "1110101 0010 s 1111 0 iii DDDD ii tt MMMM" shifted;
    Orr "1110101 0010 s NNNN 0 iii DDDD ii tt MMMM" shifted;
    Mvn "1110101 0011 s 1111 0 iii DDDD ii tt MMMM" shifted;
    Orn "1110101 0011 s NNNN 0 iii DDDD ii tt MMMM" shifted;
    Teq "1110101 0100 1 NNNN 0 iii 1111 ii tt MMMM" shifted;
    Eor "1110101 0100 s NNNN 0 iii DDDD ii tt MMMM" shifted;
    Cmn "1110101 1000 1 NNNN 0 iii 1111 ii tt MMMM" shifted;
    Add "1110101 1000 s NNNN 0 iii DDDD ii tt MMMM" shifted;
    Adc "1110101 1010 s NNNN 0 iii DDDD ii tt MMMM" shifted;
    Sbc "1110101 1011 s NNNN 0 iii DDDD ii tt MMMM" shifted;
    Cmp "1110101 1101 1 NNNN 0 iii 1111 ii tt MMMM" shifted;
    Sub "1110101 1101 s NNNN 0 iii DDDD ii tt MMMM" shifted;
    Rsb "1110101 1110 s NNNN 0 iii DDDD ii tt MMMM" shifted;

    // Modified constant.
    Tst "11110 i 0 0000 1 NNNN 0 iii 1111 iiiiiiii" immediate if expands;
    And "11110 i 0 0000 s NNNN 0 iii DDDD iiiiiiii" immediate if expands;
    Bic "11110 i 0 0001 s NNNN 0 iii DDDD iiiiiiii" immediate if expands;
    Mov "11110 i 0 0010 s 1111 0 iii DDDD iiiiiiii" immediate if expands;
    Orr "11110 i 0 0010 s NNNN 0 iii DDDD iiiiiiii" immediate if expands;
    Mvn "11110 i 0 0011 s 1111 0 iii DDDD iiiiiiii" immediate if expands;
    Orn "11110 i 0 0011 s NNNN 0 iii DDDD iiiiiiii" immediate if expands;
    Teq "11110 i 0 0100 1 NNNN 0 iii 1111 iiiiiiii" immediate if expands;
    Eor "11110 i 0 0100 s NNNN 0 iii DDDD iiiiiiii" immediate if expands;
    Cmn "11110 i 0 1000 1 NNNN 0 iii 1111 iiiiiiii" immediate if expands;
    Add "11110 i 0 1000 s NNNN 0 iii DDDD iiiiiiii" immediate if expands;
    Adc "11110 i 0 1010 s NNNN 0 iii DDDD iiiiiiii" immediate if expands;
    Sbc "11110 i 0 1011 s NNNN 0 iii DDDD iiiiiiii" immediate if expands;
    Cmp "11110 i 0 1101 1 NNNN 0 iii 1111 iiiiiiii" immediate if expands;
    Sub "11110 i 0 1101 s NNNN 0 iii DDDD iiiiiiii" immediate if expands;
    Rsb "11110 i 0 1110 s NNNN 0 iii DDDD iiiiiiii" immediate if expands;

    Pkhbt "1110101 0110 0 NNNN 0 iii DDDD ii 00 MMMM" pack;
    Pkhtb "1110101 0110 0 NNNN 0 iii DDDD ii 10 MMMM" pack;

    // Plain constant.
    Adr "11110 i 1 0000 0 1111 0 iii DDDD iiiiiiii" address_after;
    Add "11110 i 1 0000 0 nnnn 0 iii DDDD iiiiiiii" immediate12;
    Adr "11110 i 1 0101 0 1111 0 iii DDDD iiiiiiii" address_before;
    Sub "11110 i 1 0101 0 nnnn 0 iii DDDD iiiiiiii" immediate12;
    Movw "11110 i 1 0010 0 iiii 0 iii DDDD iiiiiiii" move_wide;
    Movt "11110 i 1 0110 0 iiii 0 iii DDDD iiiiiiii" move_wide;

    // Saturation; ASR by 0 is that of halves.
    Ssat16 "11110 0 11 0010 NNNN 0 000 DDDD 00 00 ssss" saturate16;
    Ssat "11110 0 11 0000 NNNN 0 iii DDDD ii 0 sssss" saturate;
    Ssat "11110 0 11 0010 NNNN 0 iii DDDD ii 0 sssss" saturate if shifts;
    Usat16 "11110 0 11 1010 NNNN 0 000 DDDD 00 00 ssss" saturate16;
    Usat "11110 0 11 1000 NNNN 0 iii DDDD ii 0 sssss" saturate;
    Usat "11110 0 11 1010 NNNN 0 iii DDDD ii 0 sssss" saturate if shifts;

    // Bit fields.
    Sbfx "11110 0 11 0100 NNNN 0 iii DDDD ii 0 wwwww" extract if fits;
    Ubfx "11110 0 11 1100 NNNN 0 iii DDDD ii 0 wwwww" extract if fits;
    Bfc "11110 0 11 0110 1111 0 iii DDDD ii 0 hhhhh" insert if in_order;
    Bfi "11110 0 11 0110 NNNN 0 iii DDDD ii 0 hhhhh" insert if in_order;

    // Register shifted by a register.
    Mov "11111010 0 tt s MMMM 1111 DDDD 0000 SSSS" shifted_by;

    // Extension; without an addend Rn is 15.
    Sxth "11111010 0000 1111 1111 DDDD 10 rr MMMM" extend;
    Sxtah "11111010 0000 NNNN 1111 DDDD 10 rr MMMM" extend;
    Uxth "11111010 0001 1111 1111 DDDD 10 rr MMMM" extend;
    Uxtah "11111010 0001 NNNN 1111 DDDD 10 rr MMMM" extend;
    Sxtb16 "11111010 0010 1111 1111 DDDD 10 rr MMMM" extend;
    Sxtab16 "11111010 0010 NNNN 1111 DDDD 10 rr MMMM" extend;
    Uxtb16 "11111010 0011 1111 1111 DDDD 10 rr MMMM" extend;
    Uxtab16 "11111010 0011 NNNN 1111 DDDD 10 rr MMMM" extend;
    Sxtb "11111010 0100 1111 1111 DDDD 10 rr MMMM" extend;
    Sxtab "11111010 0100 NNNN 1111 DDDD 10 rr MMMM" extend;
    Uxtb "11111010 0101 1111 1111 DDDD 10 rr MMMM" extend;
    Uxtab "11111010 0101 NNNN 1111 DDDD 10 rr MMMM" extend;

    // Parallel addition and subtraction.
    Sadd16 "11111010 1001 NNNN 1111 DDDD 0000 MMMM" three;
    Sasx "11111010 1010 NNNN 1111 DDDD 0000 MMMM" three;
    Ssax "11111010 1110 NNNN 1111 DDDD 0000 MMMM" three;
    Ssub16 "11111010 1101 NNNN 1111 DDDD 0000 MMMM" three;
    Sadd8 "11111010 1000 NNNN 1111 DDDD 0000 MMMM" three;
    Ssub8 "11111010 1100 NNNN 1111 DDDD 0000 MMMM" three;
    Qadd16 "11111010 1001 NNNN 1111 DDDD 0001 MMMM" three;
    Qasx "11111010 1010 NNNN 1111 DDDD 0001 MMMM" three;
    Qsax "11111010 1110 NNNN 1111 DDDD 0001 MMMM" three;
    Qsub16 "11111010 1101 NNNN 1111 DDDD 0001 MMMM" three;
    Qadd8 "11111010 1000 NNNN 1111 DDDD 0001 MMMM" three;
    Qsub8 "11111010 1100 NNNN 1111 DDDD 0001 MMMM" three;
    Shadd16 "11111010 1001 NNNN 1111 DDDD 0010 MMMM" three;
    Shasx "11111010 1010 NNNN 1111 DDDD 0010 MMMM" three;
    Shsax "11111010 1110 NNNN 1111 DDDD 0010 MMMM" three;
    Shsub16 "11111010 1101 NNNN 1111 DDDD 0010 MMMM" three;
    Shadd8 "11111010 1000 NNNN 1111 DDDD 0010 MMMM" three;
    Shsub8 "11111010 1100 NNNN 1111 DDDD 0010 MMMM" three;
    Uadd16 "11111010 1001 NNNN 1111 DDDD 0100 MMMM" three;
    Uasx "11111010 1010 NNNN 1111 DDDD 0100 MMMM" three;
    Usax "11111010 1110 NNNN 1111 DDDD 0100 MMMM" three;
    Usub16 "11111010 1101 NNNN 1111 DDDD 0100 MMMM" three;
    Uadd8 "11111010 1000 NNNN 1111 DDDD 0100 MMMM" three;
    Usub8 "11111010 1100 NNNN 1111 DDDD 0100 MMMM" three;
    Uqadd16 "11111010 1001 NNNN 1111 DDDD 0101 MMMM" three;
    Uqasx "11111010 1010 NNNN 1111 DDDD 0101 MMMM" three;
    Uqsax "11111010 1110 NNNN 1111 DDDD 0101 MMMM" three;
    Uqsub16 "11111010 1101 NNNN 1111 DDDD 0101 MMMM" three;
    Uqadd8 "11111010 1000 NNNN 1111 DDDD 0101 MMMM" three;
    Uqsub8 "11111010 1100 NNNN 1111 DDDD 0101 MMMM" three;
    Uhadd16 "11111010 1001 NNNN 1111 DDDD 0110 MMMM" three;
    Uhasx "11111010 1010 NNNN 1111 DDDD 0110 MMMM" three;
    Uhsax "11111010 1110 NNNN 1111 DDDD 0110 MMMM" three;
    Uhsub16 "11111010 1101 NNNN 1111 DDDD 0110 MMMM" three;
    Uhadd8 "11111010 1000 NNNN 1111 DDDD 0110 MMMM" three;
    Uhsub8 "11111010 1100 NNNN 1111 DDDD 0110 MMMM" three;

    // Two registers, the source in two places.
    Rev "11111010 1001 MMMM 1111 DDDD 1000 MMMM" two if same_source;
    Rev16 "11111010 1001 MMMM 1111 DDDD 1001 MMMM" two if same_source;
    Rbit "11111010 1001 MMMM 1111 DDDD 1010 MMMM" two if same_source;
    Revsh "11111010 1001 MMMM 1111 DDDD 1011 MMMM" two if same_source;
    Clz "11111010 1011 MMMM 1111 DDDD 1000 MMMM" two if same_source;

    // Three registers.
    Qadd "11111010 1000 NNNN 1111 DDDD 1000 MMMM" three;
    Qdadd "11111010 1000 NNNN 1111 DDDD 1001 MMMM" three;
    Qsub "11111010 1000 NNNN 1111 DDDD 1010 MMMM" three;
    Qdsub "11111010 1000 NNNN 1111 DDDD 1011 MMMM" three;
    Sel "11111010 1010 NNNN 1111 DDDD 1000 MMMM" three;
    Crc32b "11111010 1100 NNNN 1111 DDDD 1000 MMMM" three [CRC32];
    Crc32h "11111010 1100 NNNN 1111 DDDD 1001 MMMM" three [CRC32];
    Crc32w "11111010 1100 NNNN 1111 DDDD 1010 MMMM" three [CRC32];
    Crc32cb "11111010 1101 NNNN 1111 DDDD 1000 MMMM" three [CRC32];
    Crc32ch "11111010 1101 NNNN 1111 DDDD 1001 MMMM" three [CRC32];
    Crc32cw "11111010 1101 NNNN 1111 DDDD 1010 MMMM" three [CRC32];

    // Multiplies; without an addend Ra is 15.
    Mul "11111011 0000 NNNN 1111 DDDD 0000 MMMM" multiply;
    Mla "11111011 0000 NNNN AAAA DDDD 0000 MMMM" multiply;
    Mls "11111011 0000 NNNN AAAA DDDD 0001 MMMM" multiply;
    Smulbb "11111011 0001 NNNN 1111 DDDD 0000 MMMM" multiply;
    Smlabb "11111011 0001 NNNN AAAA DDDD 0000 MMMM" multiply;
    Smulbt "11111011 0001 NNNN 1111 DDDD 0001 MMMM" multiply;
    Smlabt "11111011 0001 NNNN AAAA DDDD 0001 MMMM" multiply;
    Smultb "11111011 0001 NNNN 1111 DDDD 0010 MMMM" multiply;
    Smlatb "11111011 0001 NNNN AAAA DDDD 0010 MMMM" multiply;
    Smultt "11111011 0001 NNNN 1111 DDDD 0011 MMMM" multiply;
    Smlatt "11111011 0001 NNNN AAAA DDDD 0011 MMMM" multiply;
    Smuad "11111011 0010 NNNN 1111 DDDD 0000 MMMM" multiply;
    Smlad "11111011 0010 NNNN AAAA DDDD 0000 MMMM" multiply;
    Smuadx "11111011 0010 NNNN 1111 DDDD 0001 MMMM" multiply;
    Smladx "11111011 0010 NNNN AAAA DDDD 0001 MMMM" multiply;
    Smulwb "11111011 0011 NNNN 1111 DDDD 0000 MMMM" multiply;
    Smlawb "11111011 0011 NNNN AAAA DDDD 0000 MMMM" multiply;
    Smulwt "11111011 0011 NNNN 1111 DDDD 0001 MMMM" multiply;
    Smlawt "11111011 0011 NNNN AAAA DDDD 0001 MMMM" multiply;
    Smusd "11111011 0100 NNNN 1111 DDDD 0000 MMMM" multiply;
    Smlsd "11111011 0100 NNNN AAAA DDDD 0000 MMMM" multiply;
    Smusdx "11111011 0100 NNNN 1111 DDDD 0001 MMMM" multiply;
    Smlsdx "11111011 0100 NNNN AAAA DDDD 0001 MMMM" multiply;
    Smmul "11111011 0101 NNNN 1111 DDDD 0000 MMMM" multiply;
    Smmla "11111011 0101 NNNN AAAA DDDD 0000 MMMM" multiply;
    Smmulr "11111011 0101 NNNN 1111 DDDD 0001 MMMM" multiply;
    Smmlar "11111011 0101 NNNN AAAA DDDD 0001 MMMM" multiply;
    Smmls "11111011 0110 NNNN AAAA DDDD 0000 MMMM" multiply;
    Smmlsr "11111011 0110 NNNN AAAA DDDD 0001 MMMM" multiply;
    Usad8 "11111011 0111 NNNN 1111 DDDD 0000 MMMM" multiply;
    Usada8 "11111011 0111 NNNN AAAA DDDD 0000 MMMM" multiply;

    // Long multiplies and division.
    Smull "11111011 1000 NNNN LLLL HHHH 0000 MMMM" multiply_long;
    Sdiv "11111011 1001 NNNN 1111 DDDD 1111 MMMM" three;
    Umull "11111011 1010 NNNN LLLL HHHH 0000 MMMM" multiply_long;
    Udiv "11111011 1011 NNNN 1111 DDDD 1111 MMMM" three;
    Smlal "11111011 1100 NNNN LLLL HHHH 0000 MMMM" multiply_long;
    Smlalbb "11111011 1100 NNNN LLLL HHHH 1000 MMMM" multiply_long;
    Smlalbt "11111011 1100 NNNN LLLL HHHH 1001 MMMM" multiply_long;
    Smlaltb "11111011 1100 NNNN LLLL HHHH 1010 MMMM" multiply_long;
    Smlaltt "11111011 1100 NNNN LLLL HHHH 1011 MMMM" multiply_long;
    Smlald "11111011 1100 NNNN LLLL HHHH 1100 MMMM" multiply_long;
    Smlaldx "11111011 1100 NNNN LLLL HHHH 1101 MMMM" multiply_long;
    Smlsld "11111011 1101 NNNN LLLL HHHH 1100 MMMM" multiply_long;
    Smlsldx "11111011 1101 NNNN LLLL HHHH 1101 MMMM" multiply_long;
    Umlal "11111011 1110 NNNN LLLL HHHH 0000 MMMM" multiply_long;
    Umaal "11111011 1110 NNNN LLLL HHHH 0110 MMMM" multiply_long;
};

/// The amount of an ASR isn't zero.
fn shifts(word: u32) -> bool {
    word & 0x70c0 != 0
}
