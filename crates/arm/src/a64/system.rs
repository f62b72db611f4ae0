//! Exception generating and system instructions, hints and barriers (Arm ARM C4.1.87).

use super::table::decode_table;

decode_table! {
    /// Exception generating and system instructions.
    SystemOp {
        Svc, Hvc, Smc, Brk, Hlt, Dcps1, Dcps2, Dcps3,
        Nop, Yield, Wfe, Wfi, Sev, Sevl,
        Clrex, Dsb, Dmb, Isb, Sb,
        Cfinv, Xaflag, Axflag,
        MsrUao, MsrPan, MsrSpSel, MsrSsbs, MsrDit, MsrDaifSet, MsrDaifClr,
        Sys, Sysl, Msr, Mrs,
        Eret,
    }
    Svc "svc" "11010100 000 iiiiiiiiiiiiiiii 00001";
    Hvc "hvc" "11010100 000 iiiiiiiiiiiiiiii 00010";
    Smc "smc" "11010100 000 iiiiiiiiiiiiiiii 00011";
    Brk "brk" "11010100 001 iiiiiiiiiiiiiiii 00000";
    Hlt "hlt" "11010100 010 iiiiiiiiiiiiiiii 00000";
    Dcps1 "dcps1" "11010100 101 iiiiiiiiiiiiiiii 00001";
    Dcps2 "dcps2" "11010100 101 iiiiiiiiiiiiiiii 00010";
    Dcps3 "dcps3" "11010100 101 iiiiiiiiiiiiiiii 00011";

    Yield "yield" "1101010100 0 00 011 0010 0000 001 11111";
    Wfe "wfe" "1101010100 0 00 011 0010 0000 010 11111";
    Wfi "wfi" "1101010100 0 00 011 0010 0000 011 11111";
    Sev "sev" "1101010100 0 00 011 0010 0000 100 11111";
    Sevl "sevl" "1101010100 0 00 011 0010 0000 101 11111";
    Nop "hint" "1101010100 0 00 011 0010 mmmm ooo 11111";

    Clrex "clrex" "1101010100 0 00 011 0011 mmmm 010 11111";
    Dsb "dsb" "1101010100 0 00 011 0011 mmmm 100 11111";
    Dmb "dmb" "1101010100 0 00 011 0011 mmmm 101 11111";
    Isb "isb" "1101010100 0 00 011 0011 mmmm 110 11111";
    Sb "sb" "1101010100 0 00 011 0011 mmmm 111 11111" [SB];

    // In the space of MSR (immediate). CRm should be zero; XAFLAG and AXFLAG ignore it, as LLVM does.
    Cfinv "cfinv" "1101010100 0 00 000 0100 0000 000 11111" [FlagM];
    Xaflag "xaflag" "1101010100 0 00 000 0100 xxxx 001 11111" [FlagM2];
    Axflag "axflag" "1101010100 0 00 000 0100 xxxx 010 11111" [FlagM2];
    MsrUao "msr" "1101010100 0 00 000 0100 mmmm 011 11111" [UAO];
    MsrPan "msr" "1101010100 0 00 000 0100 mmmm 100 11111" [PAN];
    MsrSpSel "msr" "1101010100 0 00 000 0100 mmmm 101 11111";
    MsrSsbs "msr" "1101010100 0 00 011 0100 mmmm 001 11111" [SSBS2];
    MsrDit "msr" "1101010100 0 00 011 0100 mmmm 010 11111" [DIT];
    MsrDaifSet "msr" "1101010100 0 00 011 0100 mmmm 110 11111";
    MsrDaifClr "msr" "1101010100 0 00 011 0100 mmmm 111 11111";

    Sys "sys" "1101010100 0 01 ooo nnnn mmmm ppp ttttt";
    Sysl "sysl" "1101010100 1 01 ooo nnnn mmmm ppp ttttt";
    Msr "msr" "1101010100 0 1 s ooo nnnn mmmm ppp ttttt";
    Mrs "mrs" "1101010100 1 1 s ooo nnnn mmmm ppp ttttt";

    Eret "eret" "1101011 0100 11111 000000 11111 00000";
}
