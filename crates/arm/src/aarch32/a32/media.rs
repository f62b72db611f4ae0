//! A32's media instructions (Arm ARM F4.1.14).

use super::operands::*;
use crate::aarch32::fields::bits;
use crate::aarch32::rows::{Rows, rows};

pub const ROWS: Rows = rows! { 32
    // Parallel addition and subtraction.
    Sadd16 "cccc 01100 001 NNNN DDDD 1111 000 1 MMMM" three;
    Sasx "cccc 01100 001 NNNN DDDD 1111 001 1 MMMM" three;
    Ssax "cccc 01100 001 NNNN DDDD 1111 010 1 MMMM" three;
    Ssub16 "cccc 01100 001 NNNN DDDD 1111 011 1 MMMM" three;
    Sadd8 "cccc 01100 001 NNNN DDDD 1111 100 1 MMMM" three;
    Ssub8 "cccc 01100 001 NNNN DDDD 1111 111 1 MMMM" three;
    Qadd16 "cccc 01100 010 NNNN DDDD 1111 000 1 MMMM" three;
    Qasx "cccc 01100 010 NNNN DDDD 1111 001 1 MMMM" three;
    Qsax "cccc 01100 010 NNNN DDDD 1111 010 1 MMMM" three;
    Qsub16 "cccc 01100 010 NNNN DDDD 1111 011 1 MMMM" three;
    Qadd8 "cccc 01100 010 NNNN DDDD 1111 100 1 MMMM" three;
    Qsub8 "cccc 01100 010 NNNN DDDD 1111 111 1 MMMM" three;
    Shadd16 "cccc 01100 011 NNNN DDDD 1111 000 1 MMMM" three;
    Shasx "cccc 01100 011 NNNN DDDD 1111 001 1 MMMM" three;
    Shsax "cccc 01100 011 NNNN DDDD 1111 010 1 MMMM" three;
    Shsub16 "cccc 01100 011 NNNN DDDD 1111 011 1 MMMM" three;
    Shadd8 "cccc 01100 011 NNNN DDDD 1111 100 1 MMMM" three;
    Shsub8 "cccc 01100 011 NNNN DDDD 1111 111 1 MMMM" three;
    Uadd16 "cccc 01100 101 NNNN DDDD 1111 000 1 MMMM" three;
    Uasx "cccc 01100 101 NNNN DDDD 1111 001 1 MMMM" three;
    Usax "cccc 01100 101 NNNN DDDD 1111 010 1 MMMM" three;
    Usub16 "cccc 01100 101 NNNN DDDD 1111 011 1 MMMM" three;
    Uadd8 "cccc 01100 101 NNNN DDDD 1111 100 1 MMMM" three;
    Usub8 "cccc 01100 101 NNNN DDDD 1111 111 1 MMMM" three;
    Uqadd16 "cccc 01100 110 NNNN DDDD 1111 000 1 MMMM" three;
    Uqasx "cccc 01100 110 NNNN DDDD 1111 001 1 MMMM" three;
    Uqsax "cccc 01100 110 NNNN DDDD 1111 010 1 MMMM" three;
    Uqsub16 "cccc 01100 110 NNNN DDDD 1111 011 1 MMMM" three;
    Uqadd8 "cccc 01100 110 NNNN DDDD 1111 100 1 MMMM" three;
    Uqsub8 "cccc 01100 110 NNNN DDDD 1111 111 1 MMMM" three;
    Uhadd16 "cccc 01100 111 NNNN DDDD 1111 000 1 MMMM" three;
    Uhasx "cccc 01100 111 NNNN DDDD 1111 001 1 MMMM" three;
    Uhsax "cccc 01100 111 NNNN DDDD 1111 010 1 MMMM" three;
    Uhsub16 "cccc 01100 111 NNNN DDDD 1111 011 1 MMMM" three;
    Uhadd8 "cccc 01100 111 NNNN DDDD 1111 100 1 MMMM" three;
    Uhsub8 "cccc 01100 111 NNNN DDDD 1111 111 1 MMMM" three;

    // Packing, saturating, extending, reversing.
    Pkhbt "cccc 01101000 NNNN DDDD iiiii 001 MMMM" pack;
    Pkhtb "cccc 01101000 NNNN DDDD iiiii 101 MMMM" pack;
    Sel "cccc 01101000 NNNN DDDD 1111 1011 MMMM" three;
    Ssat "cccc 0110101 sssss DDDD iiiii t01 MMMM" saturate;
    Usat "cccc 0110111 sssss DDDD iiiii t01 MMMM" saturate;
    Ssat16 "cccc 01101010 ssss DDDD 1111 0011 MMMM" saturate16;
    Usat16 "cccc 01101110 ssss DDDD 1111 0011 MMMM" saturate16;
    Sxtb16 "cccc 01101 000 1111 DDDD rr00 0111 MMMM" extend;
    Sxtab16 "cccc 01101 000 NNNN DDDD rr00 0111 MMMM" extend;
    Sxtb "cccc 01101 010 1111 DDDD rr00 0111 MMMM" extend;
    Sxtab "cccc 01101 010 NNNN DDDD rr00 0111 MMMM" extend;
    Sxth "cccc 01101 011 1111 DDDD rr00 0111 MMMM" extend;
    Sxtah "cccc 01101 011 NNNN DDDD rr00 0111 MMMM" extend;
    Uxtb16 "cccc 01101 100 1111 DDDD rr00 0111 MMMM" extend;
    Uxtab16 "cccc 01101 100 NNNN DDDD rr00 0111 MMMM" extend;
    Uxtb "cccc 01101 110 1111 DDDD rr00 0111 MMMM" extend;
    Uxtab "cccc 01101 110 NNNN DDDD rr00 0111 MMMM" extend;
    Uxth "cccc 01101 111 1111 DDDD rr00 0111 MMMM" extend;
    Uxtah "cccc 01101 111 NNNN DDDD rr00 0111 MMMM" extend;
    Rev "cccc 01101011 1111 DDDD 1111 0011 MMMM" two;
    Rev16 "cccc 01101011 1111 DDDD 1111 1011 MMMM" two;
    Rbit "cccc 01101111 1111 DDDD 1111 0011 MMMM" two;
    Revsh "cccc 01101111 1111 DDDD 1111 1011 MMMM" two;

    // Signed multiplies and division; without an addend Ra is 15.
    Smuad "cccc 01110000 DDDD 1111 MMMM 0001 NNNN" multiply;
    Smlad "cccc 01110000 DDDD AAAA MMMM 0001 NNNN" multiply;
    Smuadx "cccc 01110000 DDDD 1111 MMMM 0011 NNNN" multiply;
    Smladx "cccc 01110000 DDDD AAAA MMMM 0011 NNNN" multiply;
    Smusd "cccc 01110000 DDDD 1111 MMMM 0101 NNNN" multiply;
    Smlsd "cccc 01110000 DDDD AAAA MMMM 0101 NNNN" multiply;
    Smusdx "cccc 01110000 DDDD 1111 MMMM 0111 NNNN" multiply;
    Smlsdx "cccc 01110000 DDDD AAAA MMMM 0111 NNNN" multiply;
    Smlald "cccc 01110100 HHHH LLLL MMMM 0001 NNNN" multiply_long;
    Smlaldx "cccc 01110100 HHHH LLLL MMMM 0011 NNNN" multiply_long;
    Smlsld "cccc 01110100 HHHH LLLL MMMM 0101 NNNN" multiply_long;
    Smlsldx "cccc 01110100 HHHH LLLL MMMM 0111 NNNN" multiply_long;
    Smmul "cccc 01110101 DDDD 1111 MMMM 0001 NNNN" multiply;
    Smmla "cccc 01110101 DDDD AAAA MMMM 0001 NNNN" multiply;
    Smmls "cccc 01110101 DDDD AAAA MMMM 1101 NNNN" multiply;
    Smmulr "cccc 01110101 DDDD 1111 MMMM 0011 NNNN" multiply;
    Smmlar "cccc 01110101 DDDD AAAA MMMM 0011 NNNN" multiply;
    Smmlsr "cccc 01110101 DDDD AAAA MMMM 1111 NNNN" multiply;
    Sdiv "cccc 01110001 DDDD 1111 MMMM 0001 NNNN" multiply;
    Udiv "cccc 01110011 DDDD 1111 MMMM 0001 NNNN" multiply;
    Usad8 "cccc 01111000 DDDD 1111 MMMM 0001 NNNN" multiply;
    Usada8 "cccc 01111000 DDDD AAAA MMMM 0001 NNNN" multiply;

    // Bit fields.
    Sbfx "cccc 0111101 wwwww DDDD lllll 101 NNNN" extract if fits;
    Ubfx "cccc 0111111 wwwww DDDD lllll 101 NNNN" extract if fits;
    Bfc "cccc 0111110 hhhhh DDDD lllll 001 1111" insert if in_order;
    Bfi "cccc 0111110 hhhhh DDDD lllll 001 NNNN" insert if in_order;

    Udf "1110 01111111 iiiiiiiiiiii 1111 iiii" comment16;
};

/// A field ends within the register.
fn fits(word: u32) -> bool {
    bits(word, 11, 7) + bits(word, 20, 16) < 32
}

/// The highest bit of a field is not below its lowest.
fn in_order(word: u32) -> bool {
    bits(word, 20, 16) >= bits(word, 11, 7)
}
