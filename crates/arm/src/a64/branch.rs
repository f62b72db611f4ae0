//! Branches (Arm ARM C4.1.87). The pointer-authenticating forms are absent.

use super::table::decode_table;

decode_table! {
    /// Branch instructions.
    BranchOp {
        B, Bl, BCond, Cbz, Cbnz, Tbz, Tbnz, Br, Blr, Ret,
    }
    B "b" "0 00101 iiiiiiiiiiiiiiiiiiiiiiiiii";
    Bl "bl" "1 00101 iiiiiiiiiiiiiiiiiiiiiiiiii";
    BCond "b." "0101010 0 iiiiiiiiiiiiiiiiiii 0 cccc";
    Cbz "cbz" "s 011010 0 iiiiiiiiiiiiiiiiiii ttttt";
    Cbnz "cbnz" "s 011010 1 iiiiiiiiiiiiiiiiiii ttttt";
    Tbz "tbz" "b 011011 0 bbbbb iiiiiiiiiiiiii ttttt";
    Tbnz "tbnz" "b 011011 1 bbbbb iiiiiiiiiiiiii ttttt";
    Br "br" "1101011 0000 11111 000000 nnnnn 00000";
    Blr "blr" "1101011 0001 11111 000000 nnnnn 00000";
    Ret "ret" "1101011 0010 11111 000000 nnnnn 00000";
}
