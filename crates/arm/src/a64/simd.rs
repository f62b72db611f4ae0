//! Floating point and AdvSIMD data processing (Arm ARM C4.1.96).

use super::table::decode_table;

decode_table! {
    /// Floating-point and AdvSIMD data-processing instructions.
    SimdOp {
        MoviZero,
    }
    MoviZero "movi" "0 1 1 0111100000 000 1110 01 00000 ddddd";
}
