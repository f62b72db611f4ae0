//! Exception generating and system instructions, hints and barriers (Arm ARM C4.1.87).

use super::table::decode_table;

decode_table! {
    /// Exception generating and system instructions.
    SystemOp {
        Svc, Hvc,
    }
    Svc "svc" "11010100 000 iiiiiiiiiiiiiiii 00001";
    Hvc "hvc" "11010100 000 iiiiiiiiiiiiiiii 00010";
}
