//! Loads, stores and atomics (Arm ARM C4.1.94).

use super::table::decode_table;

decode_table! {
    /// Load, store and atomic instructions.
    MemoryOp {
        LdrXImm, StrXImm,
    }
    LdrXImm "ldr" "11 111 0 01 01 iiiiiiiiiiii nnnnn ttttt";
    StrXImm "str" "11 111 0 01 00 iiiiiiiiiiii nnnnn ttttt";
}
