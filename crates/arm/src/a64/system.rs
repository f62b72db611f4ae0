//! Exception generating and system instructions, hints and barriers (Arm ARM C4.1.87).

use super::table::decode_table;

decode_table! {
    /// Exception generating and system instructions.
    SystemOp {
        Svc, Hvc,
        Cfinv, Xaflag, Axflag,
    }
    Svc "svc" "11010100 000 iiiiiiiiiiiiiiii 00001";
    Hvc "hvc" "11010100 000 iiiiiiiiiiiiiiii 00010";

    // Flag manipulation, in the encoding space of MSR (immediate). CRm should be zero; XAFLAG and
    // AXFLAG ignore it, as LLVM does.
    Cfinv "cfinv" "1101010100 0 00 000 0100 0000 000 11111" [FlagM];
    Xaflag "xaflag" "1101010100 0 00 000 0100 xxxx 001 11111" [FlagM2];
    Axflag "axflag" "1101010100 0 00 000 0100 xxxx 010 11111" [FlagM2];
}
