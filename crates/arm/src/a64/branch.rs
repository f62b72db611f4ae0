//! Branches (Arm ARM C4.1.87).

use super::table::decode_table;

decode_table! {
    /// Branch instructions.
    BranchOp {
        B, Bl, BCond,
    }
    B "b" "0 00101 iiiiiiiiiiiiiiiiiiiiiiiiii";
    Bl "bl" "1 00101 iiiiiiiiiiiiiiiiiiiiiiiiii";
    BCond "b." "0101010 0 iiiiiiiiiiiiiiiiiii 0 cccc";
}
