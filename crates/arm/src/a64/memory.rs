//! Loads, stores and atomics (Arm ARM C4.1.94).
//!
//! One name stands for an instruction in all its addressing modes that share the mnemonic; mode, access
//! size and signedness are read off the word (bits `[31:30]` and `[23:22]` of the single-register forms).
//! Mnemonics of the atomics and of CAS, CASP, SWP are stems, without their order and size suffixes.

use super::fields::{bit, bits};
use super::table::decode_table;

decode_table! {
    /// Load, store and atomic instructions.
    MemoryOp {
        // General registers.
        Ldr, Ldrb, Ldrh, Ldrsb, Ldrsh, Ldrsw, Str, Strb, Strh,
        Ldur, Ldurb, Ldurh, Ldursb, Ldursh, Ldursw, Stur, Sturb, Sturh,
        Ldtr, Ldtrb, Ldtrh, Ldtrsb, Ldtrsh, Ldtrsw, Sttr, Sttrb, Sttrh,
        LdrLiteral, LdrswLiteral, Prfm, Prfum,
        Ldp, Ldpsw, Stp, Ldnp, Stnp,
        // Ordered and exclusive.
        Stxr, Stlxr, Ldxr, Ldaxr, Stxp, Stlxp, Ldxp, Ldaxp, Stlr, Ldar,
        Ldapr, Stlur, Ldapur, Ldapurs,
        // Atomic.
        Cas, Casp, Ldadd, Ldclr, Ldeor, Ldset, Ldsmax, Ldsmin, Ldumax, Ldumin, Swp,
        // Vector registers.
        LdrVector, StrVector, LdurVector, SturVector, LdrLiteralVector,
        LdpVector, StpVector, LdnpVector, StnpVector,
        // Structures. `Ld1x3` loads three registers; the others interleave.
        Ld1x1, Ld1x2, Ld1x3, Ld1x4, Ld2, Ld3, Ld4,
        St1x1, St1x2, St1x3, St1x4, St2, St3, St4,
        Ld1Lane, Ld2Lane, Ld3Lane, Ld4Lane, St1Lane, St2Lane, St3Lane, St4Lane,
        Ld1r, Ld2r, Ld3r, Ld4r,
    }

    // Unsigned offset.
    Strb "strb" "00 111 0 01 00 iiiiiiiiiiii nnnnn ttttt";
    Ldrb "ldrb" "00 111 0 01 01 iiiiiiiiiiii nnnnn ttttt";
    Ldrsb "ldrsb" "00 111 0 01 1x iiiiiiiiiiii nnnnn ttttt";
    Strh "strh" "01 111 0 01 00 iiiiiiiiiiii nnnnn ttttt";
    Ldrh "ldrh" "01 111 0 01 01 iiiiiiiiiiii nnnnn ttttt";
    Ldrsh "ldrsh" "01 111 0 01 1x iiiiiiiiiiii nnnnn ttttt";
    Str "str" "1z 111 0 01 00 iiiiiiiiiiii nnnnn ttttt";
    Ldr "ldr" "1z 111 0 01 01 iiiiiiiiiiii nnnnn ttttt";
    Ldrsw "ldrsw" "10 111 0 01 10 iiiiiiiiiiii nnnnn ttttt";
    Prfm "prfm" "11 111 0 01 10 iiiiiiiiiiii nnnnn ttttt";
    StrVector "str" "zz 111 1 01 z0 iiiiiiiiiiii nnnnn ttttt" if vector_size;
    LdrVector "ldr" "zz 111 1 01 z1 iiiiiiiiiiii nnnnn ttttt" if vector_size;

    // Unscaled offset.
    Sturb "sturb" "00 111 0 00 00 0 iiiiiiiii 00 nnnnn ttttt";
    Ldurb "ldurb" "00 111 0 00 01 0 iiiiiiiii 00 nnnnn ttttt";
    Ldursb "ldursb" "00 111 0 00 1x 0 iiiiiiiii 00 nnnnn ttttt";
    Sturh "sturh" "01 111 0 00 00 0 iiiiiiiii 00 nnnnn ttttt";
    Ldurh "ldurh" "01 111 0 00 01 0 iiiiiiiii 00 nnnnn ttttt";
    Ldursh "ldursh" "01 111 0 00 1x 0 iiiiiiiii 00 nnnnn ttttt";
    Stur "stur" "1z 111 0 00 00 0 iiiiiiiii 00 nnnnn ttttt";
    Ldur "ldur" "1z 111 0 00 01 0 iiiiiiiii 00 nnnnn ttttt";
    Ldursw "ldursw" "10 111 0 00 10 0 iiiiiiiii 00 nnnnn ttttt";
    Prfum "prfum" "11 111 0 00 10 0 iiiiiiiii 00 nnnnn ttttt";
    SturVector "stur" "zz 111 1 00 z0 0 iiiiiiiii 00 nnnnn ttttt" if vector_size;
    LdurVector "ldur" "zz 111 1 00 z1 0 iiiiiiiii 00 nnnnn ttttt" if vector_size;

    // Post-indexed (bit 11 clear) and pre-indexed.
    Strb "strb" "00 111 0 00 00 0 iiiiiiiii p1 nnnnn ttttt";
    Ldrb "ldrb" "00 111 0 00 01 0 iiiiiiiii p1 nnnnn ttttt";
    Ldrsb "ldrsb" "00 111 0 00 1x 0 iiiiiiiii p1 nnnnn ttttt";
    Strh "strh" "01 111 0 00 00 0 iiiiiiiii p1 nnnnn ttttt";
    Ldrh "ldrh" "01 111 0 00 01 0 iiiiiiiii p1 nnnnn ttttt";
    Ldrsh "ldrsh" "01 111 0 00 1x 0 iiiiiiiii p1 nnnnn ttttt";
    Str "str" "1z 111 0 00 00 0 iiiiiiiii p1 nnnnn ttttt";
    Ldr "ldr" "1z 111 0 00 01 0 iiiiiiiii p1 nnnnn ttttt";
    Ldrsw "ldrsw" "10 111 0 00 10 0 iiiiiiiii p1 nnnnn ttttt";
    StrVector "str" "zz 111 1 00 z0 0 iiiiiiiii p1 nnnnn ttttt" if vector_size;
    LdrVector "ldr" "zz 111 1 00 z1 0 iiiiiiiii p1 nnnnn ttttt" if vector_size;

    // Unprivileged.
    Sttrb "sttrb" "00 111 0 00 00 0 iiiiiiiii 10 nnnnn ttttt";
    Ldtrb "ldtrb" "00 111 0 00 01 0 iiiiiiiii 10 nnnnn ttttt";
    Ldtrsb "ldtrsb" "00 111 0 00 1x 0 iiiiiiiii 10 nnnnn ttttt";
    Sttrh "sttrh" "01 111 0 00 00 0 iiiiiiiii 10 nnnnn ttttt";
    Ldtrh "ldtrh" "01 111 0 00 01 0 iiiiiiiii 10 nnnnn ttttt";
    Ldtrsh "ldtrsh" "01 111 0 00 1x 0 iiiiiiiii 10 nnnnn ttttt";
    Sttr "sttr" "1z 111 0 00 00 0 iiiiiiiii 10 nnnnn ttttt";
    Ldtr "ldtr" "1z 111 0 00 01 0 iiiiiiiii 10 nnnnn ttttt";
    Ldtrsw "ldtrsw" "10 111 0 00 10 0 iiiiiiiii 10 nnnnn ttttt";

    // Register offset, extended from 32 or 64 bits.
    Strb "strb" "00 111 0 00 00 1 mmmmm o1o S 10 nnnnn ttttt";
    Ldrb "ldrb" "00 111 0 00 01 1 mmmmm o1o S 10 nnnnn ttttt";
    Ldrsb "ldrsb" "00 111 0 00 1x 1 mmmmm o1o S 10 nnnnn ttttt";
    Strh "strh" "01 111 0 00 00 1 mmmmm o1o S 10 nnnnn ttttt";
    Ldrh "ldrh" "01 111 0 00 01 1 mmmmm o1o S 10 nnnnn ttttt";
    Ldrsh "ldrsh" "01 111 0 00 1x 1 mmmmm o1o S 10 nnnnn ttttt";
    Str "str" "1z 111 0 00 00 1 mmmmm o1o S 10 nnnnn ttttt";
    Ldr "ldr" "1z 111 0 00 01 1 mmmmm o1o S 10 nnnnn ttttt";
    Ldrsw "ldrsw" "10 111 0 00 10 1 mmmmm o1o S 10 nnnnn ttttt";
    Prfm "prfm" "11 111 0 00 10 1 mmmmm o1o S 10 nnnnn ttttt";
    StrVector "str" "zz 111 1 00 z0 1 mmmmm o1o S 10 nnnnn ttttt" if vector_size;
    LdrVector "ldr" "zz 111 1 00 z1 1 mmmmm o1o S 10 nnnnn ttttt" if vector_size;

    // Literal.
    LdrLiteral "ldr" "0z 011 0 00 iiiiiiiiiiiiiiiiiii ttttt";
    LdrswLiteral "ldrsw" "10 011 0 00 iiiiiiiiiiiiiiiiiii ttttt";
    Prfm "prfm" "11 011 0 00 iiiiiiiiiiiiiiiiiii ttttt";
    LdrLiteralVector "ldr" "zz 011 1 00 iiiiiiiiiiiiiiiiiii ttttt" if |w| bits(w, 31, 30) != 3;

    // Pairs: no-allocate, then post-indexed, offset and pre-indexed ([24:23] = 1, 2, 3).
    Stnp "stnp" "z0 101 0 000 0 iiiiiii ttttt nnnnn ttttt";
    Ldnp "ldnp" "z0 101 0 000 1 iiiiiii ttttt nnnnn ttttt";
    StnpVector "stnp" "zz 101 1 000 0 iiiiiii ttttt nnnnn ttttt" if |w| bits(w, 31, 30) != 3;
    LdnpVector "ldnp" "zz 101 1 000 1 iiiiiii ttttt nnnnn ttttt" if |w| bits(w, 31, 30) != 3;
    Stp "stp" "z0 101 0 0 pp 0 iiiiiii ttttt nnnnn ttttt";
    Ldp "ldp" "z0 101 0 0 pp 1 iiiiiii ttttt nnnnn ttttt";
    Ldpsw "ldpsw" "01 101 0 0 pp 1 iiiiiii ttttt nnnnn ttttt" if |w| bits(w, 24, 23) != 0;
    StpVector "stp" "zz 101 1 0 pp 0 iiiiiii ttttt nnnnn ttttt" if |w| bits(w, 31, 30) != 3;
    LdpVector "ldp" "zz 101 1 0 pp 1 iiiiiii ttttt nnnnn ttttt" if |w| bits(w, 31, 30) != 3;

    // Exclusive. Rs of a load and Rt2 of a single should be ones; they are ignored, as CPUs do.
    Stxr "stxr" "zz 001000 0 0 0 sssss 0 xxxxx nnnnn ttttt";
    Stlxr "stlxr" "zz 001000 0 0 0 sssss 1 xxxxx nnnnn ttttt";
    Ldxr "ldxr" "zz 001000 0 1 0 xxxxx 0 xxxxx nnnnn ttttt";
    Ldaxr "ldaxr" "zz 001000 0 1 0 xxxxx 1 xxxxx nnnnn ttttt";
    Stxp "stxp" "1z 001000 0 0 1 sssss 0 ttttt nnnnn ttttt";
    Stlxp "stlxp" "1z 001000 0 0 1 sssss 1 ttttt nnnnn ttttt";
    Ldxp "ldxp" "1z 001000 0 1 1 xxxxx 0 ttttt nnnnn ttttt";
    Ldaxp "ldaxp" "1z 001000 0 1 1 xxxxx 1 ttttt nnnnn ttttt";

    // Ordered. The LORegion forms (bit 15 clear) are UNDEFINED without FEAT_LOR.
    Stlr "stlr" "zz 001000 1 0 0 xxxxx 1 xxxxx nnnnn ttttt";
    Ldar "ldar" "zz 001000 1 1 0 xxxxx 1 xxxxx nnnnn ttttt";
    Ldapr "ldapr" "zz 111 0 00 1 0 1 11111 1 100 00 nnnnn ttttt" [LRCPC];
    Stlur "stlur" "zz 011001 00 0 iiiiiiiii 00 nnnnn ttttt" [LRCPC2];
    Ldapur "ldapur" "zz 011001 01 0 iiiiiiiii 00 nnnnn ttttt" [LRCPC2];
    Ldapurs "ldapurs" "zz 011001 1x 0 iiiiiiiii 00 nnnnn ttttt" [LRCPC2] if |w| bits(w, 31, 30) + bits(w, 22, 22) < 3;

    // Compare and swap; pairs start at even registers.
    Cas "cas" "zz 001000 1 L 1 sssss o 11111 nnnnn ttttt" [LSE];
    Casp "casp" "0z 001000 0 L 1 ssss0 o 11111 nnnnn tttt0" [LSE];

    // Atomic memory operations.
    Ldadd "ldadd" "zz 111 0 00 A R 1 sssss 0 000 00 nnnnn ttttt" [LSE];
    Ldclr "ldclr" "zz 111 0 00 A R 1 sssss 0 001 00 nnnnn ttttt" [LSE];
    Ldeor "ldeor" "zz 111 0 00 A R 1 sssss 0 010 00 nnnnn ttttt" [LSE];
    Ldset "ldset" "zz 111 0 00 A R 1 sssss 0 011 00 nnnnn ttttt" [LSE];
    Ldsmax "ldsmax" "zz 111 0 00 A R 1 sssss 0 100 00 nnnnn ttttt" [LSE];
    Ldsmin "ldsmin" "zz 111 0 00 A R 1 sssss 0 101 00 nnnnn ttttt" [LSE];
    Ldumax "ldumax" "zz 111 0 00 A R 1 sssss 0 110 00 nnnnn ttttt" [LSE];
    Ldumin "ldumin" "zz 111 0 00 A R 1 sssss 0 111 00 nnnnn ttttt" [LSE];
    Swp "swp" "zz 111 0 00 A R 1 sssss 1 000 00 nnnnn ttttt" [LSE];

    // AdvSIMD multiple structures; a register of one doubleword can't interleave.
    St4 "st4" "0 Q 001100 p 0 0 mmmmm 0000 zz nnnnn ttttt" if |w| post_index(w) && interleaves(w);
    Ld4 "ld4" "0 Q 001100 p 1 0 mmmmm 0000 zz nnnnn ttttt" if |w| post_index(w) && interleaves(w);
    St1x4 "st1" "0 Q 001100 p 0 0 mmmmm 0010 zz nnnnn ttttt" if post_index;
    Ld1x4 "ld1" "0 Q 001100 p 1 0 mmmmm 0010 zz nnnnn ttttt" if post_index;
    St3 "st3" "0 Q 001100 p 0 0 mmmmm 0100 zz nnnnn ttttt" if |w| post_index(w) && interleaves(w);
    Ld3 "ld3" "0 Q 001100 p 1 0 mmmmm 0100 zz nnnnn ttttt" if |w| post_index(w) && interleaves(w);
    St1x3 "st1" "0 Q 001100 p 0 0 mmmmm 0110 zz nnnnn ttttt" if post_index;
    Ld1x3 "ld1" "0 Q 001100 p 1 0 mmmmm 0110 zz nnnnn ttttt" if post_index;
    St1x1 "st1" "0 Q 001100 p 0 0 mmmmm 0111 zz nnnnn ttttt" if post_index;
    Ld1x1 "ld1" "0 Q 001100 p 1 0 mmmmm 0111 zz nnnnn ttttt" if post_index;
    St2 "st2" "0 Q 001100 p 0 0 mmmmm 1000 zz nnnnn ttttt" if |w| post_index(w) && interleaves(w);
    Ld2 "ld2" "0 Q 001100 p 1 0 mmmmm 1000 zz nnnnn ttttt" if |w| post_index(w) && interleaves(w);
    St1x2 "st1" "0 Q 001100 p 0 0 mmmmm 1010 zz nnnnn ttttt" if post_index;
    Ld1x2 "ld1" "0 Q 001100 p 1 0 mmmmm 1010 zz nnnnn ttttt" if post_index;

    // AdvSIMD single structures: replicated, then to and from one lane.
    Ld1r "ld1r" "0 Q 001101 p 1 0 mmmmm 110 0 zz nnnnn ttttt" if post_index;
    Ld2r "ld2r" "0 Q 001101 p 1 1 mmmmm 110 0 zz nnnnn ttttt" if post_index;
    Ld3r "ld3r" "0 Q 001101 p 1 0 mmmmm 111 0 zz nnnnn ttttt" if post_index;
    Ld4r "ld4r" "0 Q 001101 p 1 1 mmmmm 111 0 zz nnnnn ttttt" if post_index;
    St1Lane "st1" "0 Q 001101 p 0 0 mmmmm oo0 S zz nnnnn ttttt" if |w| post_index(w) && lane(w);
    Ld1Lane "ld1" "0 Q 001101 p 1 0 mmmmm oo0 S zz nnnnn ttttt" if |w| post_index(w) && lane(w);
    St2Lane "st2" "0 Q 001101 p 0 1 mmmmm oo0 S zz nnnnn ttttt" if |w| post_index(w) && lane(w);
    Ld2Lane "ld2" "0 Q 001101 p 1 1 mmmmm oo0 S zz nnnnn ttttt" if |w| post_index(w) && lane(w);
    St3Lane "st3" "0 Q 001101 p 0 0 mmmmm oo1 S zz nnnnn ttttt" if |w| post_index(w) && lane(w);
    Ld3Lane "ld3" "0 Q 001101 p 1 0 mmmmm oo1 S zz nnnnn ttttt" if |w| post_index(w) && lane(w);
    St4Lane "st4" "0 Q 001101 p 0 1 mmmmm oo1 S zz nnnnn ttttt" if |w| post_index(w) && lane(w);
    Ld4Lane "ld4" "0 Q 001101 p 1 1 mmmmm oo1 S zz nnnnn ttttt" if |w| post_index(w) && lane(w);
}

/// A single vector register has 1 to 16 bytes: opc<1>:size is at most 4.
fn vector_size(w: u32) -> bool {
    !bit(w, 23) || bits(w, 31, 30) == 0
}

/// Without post-indexing (bit 23), Rm is zero.
fn post_index(w: u32) -> bool {
    bit(w, 23) || bits(w, 20, 16) == 0
}

/// Not a register of one doubleword.
fn interleaves(w: u32) -> bool {
    bits(w, 11, 10) != 3 || bit(w, 30)
}

/// opcode<2:1> is the element size; S and size hold the lane, in as many bits as there are lanes.
fn lane(w: u32) -> bool {
    match bits(w, 15, 14) {
        0 => true,
        1 => !bit(w, 10),
        2 => !(bit(w, 11) || bit(w, 10) && bit(w, 12)),
        _ => false,
    }
}

/// Size in bytes (log2) and lane number of a single structure.
pub fn lane_of(w: u32) -> (u32, u32) {
    let (q, s, size) = (bits(w, 30, 30), bits(w, 12, 12), bits(w, 11, 10));
    match bits(w, 15, 14) {
        0 => (0, q << 3 | s << 2 | size),
        1 => (1, q << 2 | s << 1 | size >> 1),
        _ if size & 1 == 0 => (2, q << 1 | s),
        _ => (3, q),
    }
}
