//! Data processing, immediate and register (Arm ARM C4.1.86 and C4.1.93).

use super::fields::{bit, bit_masks, bits};
use super::table::decode_table;

decode_table! {
    /// Integer data-processing instructions.
    IntegerOp {
        Adr, Adrp,
        AddImm, AddsImm, SubImm, SubsImm,
        AndImm, OrrImm, EorImm, AndsImm,
        Movn, Movz, Movk,
        Sbfm, Bfm, Ubfm, Extr,
        And, Bic, Orr, Orn, Eor, Eon, Ands, Bics,
        AddShifted, AddsShifted, SubShifted, SubsShifted,
        AddExtended, AddsExtended, SubExtended, SubsExtended,
        Adc, Adcs, Sbc, Sbcs,
        Rmif, Setf8, Setf16,
        Ccmn, Ccmp, CcmnImm, CcmpImm,
        Csel, Csinc, Csinv, Csneg,
        Udiv, Sdiv, Lslv, Lsrv, Asrv, Rorv,
        Crc32b, Crc32h, Crc32w, Crc32x, Crc32cb, Crc32ch, Crc32cw, Crc32cx,
        Rbit, Rev16, Rev32, Rev, Clz, Cls,
        Madd, Msub, Smaddl, Smsubl, Smulh, Umaddl, Umsubl, Umulh,
    }

    // PC-relative addressing.
    Adr "adr" "0 ii 10000 iiiiiiiiiiiiiiiiiii ddddd";
    Adrp "adrp" "1 ii 10000 iiiiiiiiiiiiiiiiiii ddddd";

    // Add and subtract, immediate.
    AddImm "add" "s 0 0 100010 h iiiiiiiiiiii nnnnn ddddd";
    AddsImm "adds" "s 0 1 100010 h iiiiiiiiiiii nnnnn ddddd";
    SubImm "sub" "s 1 0 100010 h iiiiiiiiiiii nnnnn ddddd";
    SubsImm "subs" "s 1 1 100010 h iiiiiiiiiiii nnnnn ddddd";

    // Logical, immediate.
    AndImm "and" "s 00 100100 N rrrrrr ssssss nnnnn ddddd" if logical_immediate;
    OrrImm "orr" "s 01 100100 N rrrrrr ssssss nnnnn ddddd" if logical_immediate;
    EorImm "eor" "s 10 100100 N rrrrrr ssssss nnnnn ddddd" if logical_immediate;
    AndsImm "ands" "s 11 100100 N rrrrrr ssssss nnnnn ddddd" if logical_immediate;

    // Move wide; a 32-bit register has two halfwords.
    Movn "movn" "s 00 100101 hh iiiiiiiiiiiiiiii ddddd" if move_wide;
    Movz "movz" "s 10 100101 hh iiiiiiiiiiiiiiii ddddd" if move_wide;
    Movk "movk" "s 11 100101 hh iiiiiiiiiiiiiiii ddddd" if move_wide;

    // Bitfield and extract: N is sf, and positions lie within the register.
    Sbfm "sbfm" "s 00 100110 N rrrrrr ssssss nnnnn ddddd" if bitfield;
    Bfm "bfm" "s 01 100110 N rrrrrr ssssss nnnnn ddddd" if bitfield;
    Ubfm "ubfm" "s 10 100110 N rrrrrr ssssss nnnnn ddddd" if bitfield;
    Extr "extr" "s 00 100111 N 0 mmmmm ssssss nnnnn ddddd" if |w| bit(w, 31) == bit(w, 22) && shift_amount(w);

    // Logical, shifted register.
    And "and" "s 00 01010 tt 0 mmmmm iiiiii nnnnn ddddd" if shift_amount;
    Bic "bic" "s 00 01010 tt 1 mmmmm iiiiii nnnnn ddddd" if shift_amount;
    Orr "orr" "s 01 01010 tt 0 mmmmm iiiiii nnnnn ddddd" if shift_amount;
    Orn "orn" "s 01 01010 tt 1 mmmmm iiiiii nnnnn ddddd" if shift_amount;
    Eor "eor" "s 10 01010 tt 0 mmmmm iiiiii nnnnn ddddd" if shift_amount;
    Eon "eon" "s 10 01010 tt 1 mmmmm iiiiii nnnnn ddddd" if shift_amount;
    Ands "ands" "s 11 01010 tt 0 mmmmm iiiiii nnnnn ddddd" if shift_amount;
    Bics "bics" "s 11 01010 tt 1 mmmmm iiiiii nnnnn ddddd" if shift_amount;

    // Add and subtract, shifted register; there is no rotate.
    AddShifted "add" "s 0 0 01011 tt 0 mmmmm iiiiii nnnnn ddddd" if |w| bits(w, 23, 22) != 3 && shift_amount(w);
    AddsShifted "adds" "s 0 1 01011 tt 0 mmmmm iiiiii nnnnn ddddd" if |w| bits(w, 23, 22) != 3 && shift_amount(w);
    SubShifted "sub" "s 1 0 01011 tt 0 mmmmm iiiiii nnnnn ddddd" if |w| bits(w, 23, 22) != 3 && shift_amount(w);
    SubsShifted "subs" "s 1 1 01011 tt 0 mmmmm iiiiii nnnnn ddddd" if |w| bits(w, 23, 22) != 3 && shift_amount(w);

    // Add and subtract, extended register; shifts go up to 4.
    AddExtended "add" "s 0 0 01011 00 1 mmmmm ooo iii nnnnn ddddd" if |w| bits(w, 12, 10) <= 4;
    AddsExtended "adds" "s 0 1 01011 00 1 mmmmm ooo iii nnnnn ddddd" if |w| bits(w, 12, 10) <= 4;
    SubExtended "sub" "s 1 0 01011 00 1 mmmmm ooo iii nnnnn ddddd" if |w| bits(w, 12, 10) <= 4;
    SubsExtended "subs" "s 1 1 01011 00 1 mmmmm ooo iii nnnnn ddddd" if |w| bits(w, 12, 10) <= 4;

    // Add and subtract with carry.
    Adc "adc" "s 0 0 11010000 mmmmm 000000 nnnnn ddddd";
    Adcs "adcs" "s 0 1 11010000 mmmmm 000000 nnnnn ddddd";
    Sbc "sbc" "s 1 0 11010000 mmmmm 000000 nnnnn ddddd";
    Sbcs "sbcs" "s 1 1 11010000 mmmmm 000000 nnnnn ddddd";

    // Flag manipulation.
    Rmif "rmif" "1 0 1 11010000 iiiiii 00001 nnnnn 0 ffff" [FlagM];
    Setf8 "setf8" "0 0 1 11010000 000000 0 0010 nnnnn 01101" [FlagM];
    Setf16 "setf16" "0 0 1 11010000 000000 1 0010 nnnnn 01101" [FlagM];

    // Conditional compare.
    Ccmn "ccmn" "s 0 1 11010010 mmmmm cccc 00 nnnnn 0 ffff";
    Ccmp "ccmp" "s 1 1 11010010 mmmmm cccc 00 nnnnn 0 ffff";
    CcmnImm "ccmn" "s 0 1 11010010 iiiii cccc 10 nnnnn 0 ffff";
    CcmpImm "ccmp" "s 1 1 11010010 iiiii cccc 10 nnnnn 0 ffff";

    // Conditional select.
    Csel "csel" "s 00 11010100 mmmmm cccc 00 nnnnn ddddd";
    Csinc "csinc" "s 00 11010100 mmmmm cccc 01 nnnnn ddddd";
    Csinv "csinv" "s 10 11010100 mmmmm cccc 00 nnnnn ddddd";
    Csneg "csneg" "s 10 11010100 mmmmm cccc 01 nnnnn ddddd";

    // Two sources. CRC32 of a doubleword has sf set, the smaller ones don't.
    Udiv "udiv" "s 00 11010110 mmmmm 000010 nnnnn ddddd";
    Sdiv "sdiv" "s 00 11010110 mmmmm 000011 nnnnn ddddd";
    Lslv "lslv" "s 00 11010110 mmmmm 001000 nnnnn ddddd";
    Lsrv "lsrv" "s 00 11010110 mmmmm 001001 nnnnn ddddd";
    Asrv "asrv" "s 00 11010110 mmmmm 001010 nnnnn ddddd";
    Rorv "rorv" "s 00 11010110 mmmmm 001011 nnnnn ddddd";
    Crc32b "crc32b" "0 00 11010110 mmmmm 0100 00 nnnnn ddddd" [CRC32];
    Crc32h "crc32h" "0 00 11010110 mmmmm 0100 01 nnnnn ddddd" [CRC32];
    Crc32w "crc32w" "0 00 11010110 mmmmm 0100 10 nnnnn ddddd" [CRC32];
    Crc32x "crc32x" "1 00 11010110 mmmmm 0100 11 nnnnn ddddd" [CRC32];
    Crc32cb "crc32cb" "0 00 11010110 mmmmm 0101 00 nnnnn ddddd" [CRC32];
    Crc32ch "crc32ch" "0 00 11010110 mmmmm 0101 01 nnnnn ddddd" [CRC32];
    Crc32cw "crc32cw" "0 00 11010110 mmmmm 0101 10 nnnnn ddddd" [CRC32];
    Crc32cx "crc32cx" "1 00 11010110 mmmmm 0101 11 nnnnn ddddd" [CRC32];

    // One source.
    Rbit "rbit" "s 10 11010110 00000 000000 nnnnn ddddd";
    Rev16 "rev16" "s 10 11010110 00000 000001 nnnnn ddddd";
    Rev "rev" "0 10 11010110 00000 000010 nnnnn ddddd";
    Rev32 "rev32" "1 10 11010110 00000 000010 nnnnn ddddd";
    Rev "rev" "1 10 11010110 00000 000011 nnnnn ddddd";
    Clz "clz" "s 10 11010110 00000 000100 nnnnn ddddd";
    Cls "cls" "s 10 11010110 00000 000101 nnnnn ddddd";

    // Three sources. Ra of SMULH and UMULH should be ones; it is ignored, as CPUs do.
    Madd "madd" "s 00 11011 000 mmmmm 0 aaaaa nnnnn ddddd";
    Msub "msub" "s 00 11011 000 mmmmm 1 aaaaa nnnnn ddddd";
    Smaddl "smaddl" "1 00 11011 001 mmmmm 0 aaaaa nnnnn ddddd";
    Smsubl "smsubl" "1 00 11011 001 mmmmm 1 aaaaa nnnnn ddddd";
    Smulh "smulh" "1 00 11011 010 mmmmm 0 aaaaa nnnnn ddddd";
    Umaddl "umaddl" "1 00 11011 101 mmmmm 0 aaaaa nnnnn ddddd";
    Umsubl "umsubl" "1 00 11011 101 mmmmm 1 aaaaa nnnnn ddddd";
    Umulh "umulh" "1 00 11011 110 mmmmm 0 aaaaa nnnnn ddddd";
}

/// N:immr:imms is a bit mask of the operation's width.
fn logical_immediate(w: u32) -> bool {
    let width = if bit(w, 31) { 64 } else { 32 };
    bit_masks(bits(w, 22, 22), bits(w, 15, 10), bits(w, 21, 16), true, width).is_some()
}

/// The halfword lies in the register.
fn move_wide(w: u32) -> bool {
    bit(w, 31) || !bit(w, 22)
}

/// N equals sf; both positions lie in the register.
fn bitfield(w: u32) -> bool {
    bit(w, 31) == bit(w, 22) && (bit(w, 31) || (!bit(w, 21) && !bit(w, 15)))
}

/// imm6, a shift amount or the lowest bit of an extract, lies in the register.
fn shift_amount(w: u32) -> bool {
    bit(w, 31) || !bit(w, 15)
}
