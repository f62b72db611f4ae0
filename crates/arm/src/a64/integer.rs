//! Data processing, immediate and register (Arm ARM C4.1.86 and C4.1.93).

use super::table::decode_table;

decode_table! {
    /// Integer data-processing instructions.
    IntegerOp {
        AddImm, AddsImm, SubImm, SubsImm, Movz,
    }
    AddImm "add" "s 0 0 100010 h iiiiiiiiiiii nnnnn ddddd";
    AddsImm "adds" "s 0 1 100010 h iiiiiiiiiiii nnnnn ddddd";
    SubImm "sub" "s 1 0 100010 h iiiiiiiiiiii nnnnn ddddd";
    SubsImm "subs" "s 1 1 100010 h iiiiiiiiiiii nnnnn ddddd";
    Movz "movz" "s 10 100101 hh iiiiiiiiiiiiiiii ddddd" if |w| w >> 31 == 1 || w >> 22 & 1 == 0;
}
