//! Floating-point data processing, scalar and AdvSIMD (Arm ARM C4.1.96).
//!
//! Half precision takes part only in conversions: rows of FEAT_FP16 are absent, so they are UNDEFINED. The
//! three forms of an instruction (scalar, AdvSIMD scalar, vector) share a name where they share operand fields:
//! bit 22 is `sz` in all of them, and bit 28 tells scalars from vectors. Names in `X` have a general register.

use super::fields::{bit, bits};
use super::table::decode_table;

/// Not `sz:Q == 10`, a vector of one double. Bit 30 is also set in all AdvSIMD scalar forms.
fn not_1d(w: u32) -> bool {
    bit(w, 30) || !bit(w, 22)
}

/// Four singles, the only arrangement reduced across lanes.
fn is_4s(w: u32) -> bool {
    bit(w, 30) && !bit(w, 22)
}

/// An element of doubles has its index in H alone, so L is 0.
fn element(w: u32) -> bool {
    not_1d(w) && !(bit(w, 22) && bit(w, 21))
}

/// immh of a single or double. Smaller ones are halves, reserved, or the modified immediates (immh 0).
fn fixed(w: u32) -> bool {
    bits(w, 22, 21) != 0 && not_1d(w)
}

/// A word has at most 32 fraction bits: `scale` is 64 minus their number.
fn scale(w: u32) -> bool {
    bit(w, 31) || bit(w, 15)
}

decode_table! {
    /// Floating-point instructions.
    FloatOp {
        FmovReg, FmovImm, FmovToX, FmovFromX, FmovTopToX, FmovTopFromX,
        Fabs, Fneg, Fsqrt, Fadd, Fsub, Fmul, Fnmul, Fdiv, Fmulx, Fabd,
        Fmax, Fmin, Fmaxnm, Fminnm, Faddp, Fmaxp, Fminp, Fmaxnmp, Fminnmp,
        FaddpScalar, FmaxpScalar, FminpScalar, FmaxnmpScalar, FminnmpScalar,
        Fmaxv, Fminv, Fmaxnmv, Fminnmv,
        Fmadd, Fmsub, Fnmadd, Fnmsub, Fmla, Fmls,
        FmulElement, FmulxElement, FmlaElement, FmlsElement,
        Fcmla, FcmlaElement, Fcadd,
        Frecpe, Frsqrte, Frecps, Frsqrts, Frecpx, Urecpe, Ursqrte,
        Frintn, Frintp, Frintm, Frintz, Frinta, Frintx, Frinti,
        Frint32z, Frint32x, Frint64z, Frint64x,
        Fcmp, Fcmpe, Fccmp, Fccmpe, Fcsel,
        Fcmeq, Fcmge, Fcmgt, FcmeqZero, FcmgeZero, FcmgtZero, FcmleZero, FcmltZero, Facge, Facgt,
        Fcvt, Fcvtl, Fcvtn, Fcvtxn,
        Fcvtns, Fcvtnu, Fcvtps, Fcvtpu, Fcvtms, Fcvtmu, Fcvtzs, Fcvtzu, Fcvtas, Fcvtau, Scvtf, Ucvtf,
        FcvtzsFixed, FcvtzuFixed, ScvtfFixed, UcvtfFixed,
        FcvtnsX, FcvtnuX, FcvtpsX, FcvtpuX, FcvtmsX, FcvtmuX, FcvtzsX, FcvtzuX, FcvtasX, FcvtauX, ScvtfX, UcvtfX,
        FcvtzsFixedX, FcvtzuFixedX, ScvtfFixedX, UcvtfFixedX,
        Fjcvtzs,
    }

    // Floating-point data-processing, one source.
    FmovReg "fmov" "0 0 0 11110 0z 1 000000 10000 nnnnn ddddd";
    Fabs "fabs" "0 0 0 11110 0z 1 000001 10000 nnnnn ddddd";
    Fneg "fneg" "0 0 0 11110 0z 1 000010 10000 nnnnn ddddd";
    Fsqrt "fsqrt" "0 0 0 11110 0z 1 000011 10000 nnnnn ddddd";
    Fcvt "fcvt" "0 0 0 11110 00 1 000101 10000 nnnnn ddddd";
    Fcvt "fcvt" "0 0 0 11110 00 1 000111 10000 nnnnn ddddd";
    Fcvt "fcvt" "0 0 0 11110 01 1 000100 10000 nnnnn ddddd";
    Fcvt "fcvt" "0 0 0 11110 01 1 000111 10000 nnnnn ddddd";
    Fcvt "fcvt" "0 0 0 11110 11 1 00010o 10000 nnnnn ddddd";
    Frintn "frintn" "0 0 0 11110 0z 1 001000 10000 nnnnn ddddd";
    Frintp "frintp" "0 0 0 11110 0z 1 001001 10000 nnnnn ddddd";
    Frintm "frintm" "0 0 0 11110 0z 1 001010 10000 nnnnn ddddd";
    Frintz "frintz" "0 0 0 11110 0z 1 001011 10000 nnnnn ddddd";
    Frinta "frinta" "0 0 0 11110 0z 1 001100 10000 nnnnn ddddd";
    Frintx "frintx" "0 0 0 11110 0z 1 001110 10000 nnnnn ddddd";
    Frinti "frinti" "0 0 0 11110 0z 1 001111 10000 nnnnn ddddd";
    Frint32z "frint32z" "0 0 0 11110 0z 1 010000 10000 nnnnn ddddd" [FRINTTS];
    Frint32x "frint32x" "0 0 0 11110 0z 1 010001 10000 nnnnn ddddd" [FRINTTS];
    Frint64z "frint64z" "0 0 0 11110 0z 1 010010 10000 nnnnn ddddd" [FRINTTS];
    Frint64x "frint64x" "0 0 0 11110 0z 1 010011 10000 nnnnn ddddd" [FRINTTS];

    // Floating-point data-processing, two and three sources.
    Fmul "fmul" "0 0 0 11110 0z 1 mmmmm 0000 10 nnnnn ddddd";
    Fdiv "fdiv" "0 0 0 11110 0z 1 mmmmm 0001 10 nnnnn ddddd";
    Fadd "fadd" "0 0 0 11110 0z 1 mmmmm 0010 10 nnnnn ddddd";
    Fsub "fsub" "0 0 0 11110 0z 1 mmmmm 0011 10 nnnnn ddddd";
    Fmax "fmax" "0 0 0 11110 0z 1 mmmmm 0100 10 nnnnn ddddd";
    Fmin "fmin" "0 0 0 11110 0z 1 mmmmm 0101 10 nnnnn ddddd";
    Fmaxnm "fmaxnm" "0 0 0 11110 0z 1 mmmmm 0110 10 nnnnn ddddd";
    Fminnm "fminnm" "0 0 0 11110 0z 1 mmmmm 0111 10 nnnnn ddddd";
    Fnmul "fnmul" "0 0 0 11110 0z 1 mmmmm 1000 10 nnnnn ddddd";
    Fmadd "fmadd" "0 0 0 11111 0z 0 mmmmm 0 aaaaa nnnnn ddddd";
    Fmsub "fmsub" "0 0 0 11111 0z 0 mmmmm 1 aaaaa nnnnn ddddd";
    Fnmadd "fnmadd" "0 0 0 11111 0z 1 mmmmm 0 aaaaa nnnnn ddddd";
    Fnmsub "fnmsub" "0 0 0 11111 0z 1 mmmmm 1 aaaaa nnnnn ddddd";

    // Floating-point compare, conditional compare, conditional select, immediate. Bit 3 compares with zero.
    Fcmp "fcmp" "0 0 0 11110 0z 1 mmmmm 00 1000 nnnnn 0 k 000";
    Fcmpe "fcmpe" "0 0 0 11110 0z 1 mmmmm 00 1000 nnnnn 1 k 000";
    Fccmp "fccmp" "0 0 0 11110 0z 1 mmmmm cccc 01 nnnnn 0 ffff";
    Fccmpe "fccmpe" "0 0 0 11110 0z 1 mmmmm cccc 01 nnnnn 1 ffff";
    Fcsel "fcsel" "0 0 0 11110 0z 1 mmmmm cccc 11 nnnnn ddddd";
    FmovImm "fmov" "0 0 0 11110 0z 1 iiiiiiii 100 00000 ddddd";

    // Conversion between floating-point and integer.
    FcvtnsX "fcvtns" "x 0 0 11110 0z 1 00 000 000000 nnnnn ddddd";
    FcvtnuX "fcvtnu" "x 0 0 11110 0z 1 00 001 000000 nnnnn ddddd";
    ScvtfX "scvtf" "x 0 0 11110 0z 1 00 010 000000 nnnnn ddddd";
    UcvtfX "ucvtf" "x 0 0 11110 0z 1 00 011 000000 nnnnn ddddd";
    FcvtasX "fcvtas" "x 0 0 11110 0z 1 00 100 000000 nnnnn ddddd";
    FcvtauX "fcvtau" "x 0 0 11110 0z 1 00 101 000000 nnnnn ddddd";
    FcvtpsX "fcvtps" "x 0 0 11110 0z 1 01 000 000000 nnnnn ddddd";
    FcvtpuX "fcvtpu" "x 0 0 11110 0z 1 01 001 000000 nnnnn ddddd";
    FcvtmsX "fcvtms" "x 0 0 11110 0z 1 10 000 000000 nnnnn ddddd";
    FcvtmuX "fcvtmu" "x 0 0 11110 0z 1 10 001 000000 nnnnn ddddd";
    FcvtzsX "fcvtzs" "x 0 0 11110 0z 1 11 000 000000 nnnnn ddddd";
    FcvtzuX "fcvtzu" "x 0 0 11110 0z 1 11 001 000000 nnnnn ddddd";
    FmovToX "fmov" "0 0 0 11110 00 1 00 110 000000 nnnnn ddddd";
    FmovToX "fmov" "1 0 0 11110 01 1 00 110 000000 nnnnn ddddd";
    FmovFromX "fmov" "0 0 0 11110 00 1 00 111 000000 nnnnn ddddd";
    FmovFromX "fmov" "1 0 0 11110 01 1 00 111 000000 nnnnn ddddd";
    FmovTopToX "fmov" "1 0 0 11110 10 1 01 110 000000 nnnnn ddddd";
    FmovTopFromX "fmov" "1 0 0 11110 10 1 01 111 000000 nnnnn ddddd";
    Fjcvtzs "fjcvtzs" "0 0 0 11110 01 1 11 110 000000 nnnnn ddddd" [JSCVT];

    // Conversion between floating-point and fixed-point.
    ScvtfFixedX "scvtf" "x 0 0 11110 0z 0 00 010 ssssss nnnnn ddddd" if scale;
    UcvtfFixedX "ucvtf" "x 0 0 11110 0z 0 00 011 ssssss nnnnn ddddd" if scale;
    FcvtzsFixedX "fcvtzs" "x 0 0 11110 0z 0 11 000 ssssss nnnnn ddddd" if scale;
    FcvtzuFixedX "fcvtzu" "x 0 0 11110 0z 0 11 001 ssssss nnnnn ddddd" if scale;

    // AdvSIMD three same.
    Fmaxnm "fmaxnm" "0 q 0 01110 0z 1 mmmmm 11000 1 nnnnn ddddd" if not_1d;
    Fmla "fmla" "0 q 0 01110 0z 1 mmmmm 11001 1 nnnnn ddddd" if not_1d;
    Fadd "fadd" "0 q 0 01110 0z 1 mmmmm 11010 1 nnnnn ddddd" if not_1d;
    Fmulx "fmulx" "0 q 0 01110 0z 1 mmmmm 11011 1 nnnnn ddddd" if not_1d;
    Fcmeq "fcmeq" "0 q 0 01110 0z 1 mmmmm 11100 1 nnnnn ddddd" if not_1d;
    Fmax "fmax" "0 q 0 01110 0z 1 mmmmm 11110 1 nnnnn ddddd" if not_1d;
    Frecps "frecps" "0 q 0 01110 0z 1 mmmmm 11111 1 nnnnn ddddd" if not_1d;
    Fminnm "fminnm" "0 q 0 01110 1z 1 mmmmm 11000 1 nnnnn ddddd" if not_1d;
    Fmls "fmls" "0 q 0 01110 1z 1 mmmmm 11001 1 nnnnn ddddd" if not_1d;
    Fsub "fsub" "0 q 0 01110 1z 1 mmmmm 11010 1 nnnnn ddddd" if not_1d;
    Fmin "fmin" "0 q 0 01110 1z 1 mmmmm 11110 1 nnnnn ddddd" if not_1d;
    Frsqrts "frsqrts" "0 q 0 01110 1z 1 mmmmm 11111 1 nnnnn ddddd" if not_1d;
    Fmaxnmp "fmaxnmp" "0 q 1 01110 0z 1 mmmmm 11000 1 nnnnn ddddd" if not_1d;
    Faddp "faddp" "0 q 1 01110 0z 1 mmmmm 11010 1 nnnnn ddddd" if not_1d;
    Fmul "fmul" "0 q 1 01110 0z 1 mmmmm 11011 1 nnnnn ddddd" if not_1d;
    Fcmge "fcmge" "0 q 1 01110 0z 1 mmmmm 11100 1 nnnnn ddddd" if not_1d;
    Facge "facge" "0 q 1 01110 0z 1 mmmmm 11101 1 nnnnn ddddd" if not_1d;
    Fmaxp "fmaxp" "0 q 1 01110 0z 1 mmmmm 11110 1 nnnnn ddddd" if not_1d;
    Fdiv "fdiv" "0 q 1 01110 0z 1 mmmmm 11111 1 nnnnn ddddd" if not_1d;
    Fminnmp "fminnmp" "0 q 1 01110 1z 1 mmmmm 11000 1 nnnnn ddddd" if not_1d;
    Fabd "fabd" "0 q 1 01110 1z 1 mmmmm 11010 1 nnnnn ddddd" if not_1d;
    Fcmgt "fcmgt" "0 q 1 01110 1z 1 mmmmm 11100 1 nnnnn ddddd" if not_1d;
    Facgt "facgt" "0 q 1 01110 1z 1 mmmmm 11101 1 nnnnn ddddd" if not_1d;
    Fminp "fminp" "0 q 1 01110 1z 1 mmmmm 11110 1 nnnnn ddddd" if not_1d;

    // AdvSIMD scalar three same.
    Fmulx "fmulx" "01 0 11110 0z 1 mmmmm 11011 1 nnnnn ddddd";
    Fcmeq "fcmeq" "01 0 11110 0z 1 mmmmm 11100 1 nnnnn ddddd";
    Frecps "frecps" "01 0 11110 0z 1 mmmmm 11111 1 nnnnn ddddd";
    Frsqrts "frsqrts" "01 0 11110 1z 1 mmmmm 11111 1 nnnnn ddddd";
    Fcmge "fcmge" "01 1 11110 0z 1 mmmmm 11100 1 nnnnn ddddd";
    Facge "facge" "01 1 11110 0z 1 mmmmm 11101 1 nnnnn ddddd";
    Fabd "fabd" "01 1 11110 1z 1 mmmmm 11010 1 nnnnn ddddd";
    Fcmgt "fcmgt" "01 1 11110 1z 1 mmmmm 11100 1 nnnnn ddddd";
    Facgt "facgt" "01 1 11110 1z 1 mmmmm 11101 1 nnnnn ddddd";

    // AdvSIMD three-register extension. Doubles need Q.
    Fcmla "fcmla" "0 q 1 01110 10 0 mmmmm 1 10 rr 1 nnnnn ddddd" [FCMA];
    Fcmla "fcmla" "0 1 1 01110 11 0 mmmmm 1 10 rr 1 nnnnn ddddd" [FCMA];
    Fcadd "fcadd" "0 q 1 01110 10 0 mmmmm 1 11 r 0 1 nnnnn ddddd" [FCMA];
    Fcadd "fcadd" "0 1 1 01110 11 0 mmmmm 1 11 r 0 1 nnnnn ddddd" [FCMA];

    // AdvSIMD two-register miscellaneous.
    Frintn "frintn" "0 q 0 01110 0z 10000 11000 10 nnnnn ddddd" if not_1d;
    Frintm "frintm" "0 q 0 01110 0z 10000 11001 10 nnnnn ddddd" if not_1d;
    Fcvtns "fcvtns" "0 q 0 01110 0z 10000 11010 10 nnnnn ddddd" if not_1d;
    Fcvtms "fcvtms" "0 q 0 01110 0z 10000 11011 10 nnnnn ddddd" if not_1d;
    Fcvtas "fcvtas" "0 q 0 01110 0z 10000 11100 10 nnnnn ddddd" if not_1d;
    Scvtf "scvtf" "0 q 0 01110 0z 10000 11101 10 nnnnn ddddd" if not_1d;
    Frint32z "frint32z" "0 q 0 01110 0z 10000 11110 10 nnnnn ddddd" [FRINTTS] if not_1d;
    Frint64z "frint64z" "0 q 0 01110 0z 10000 11111 10 nnnnn ddddd" [FRINTTS] if not_1d;
    FcmgtZero "fcmgt" "0 q 0 01110 1z 10000 01100 10 nnnnn ddddd" if not_1d;
    FcmeqZero "fcmeq" "0 q 0 01110 1z 10000 01101 10 nnnnn ddddd" if not_1d;
    FcmltZero "fcmlt" "0 q 0 01110 1z 10000 01110 10 nnnnn ddddd" if not_1d;
    Fabs "fabs" "0 q 0 01110 1z 10000 01111 10 nnnnn ddddd" if not_1d;
    Frintp "frintp" "0 q 0 01110 1z 10000 11000 10 nnnnn ddddd" if not_1d;
    Frintz "frintz" "0 q 0 01110 1z 10000 11001 10 nnnnn ddddd" if not_1d;
    Fcvtps "fcvtps" "0 q 0 01110 1z 10000 11010 10 nnnnn ddddd" if not_1d;
    Fcvtzs "fcvtzs" "0 q 0 01110 1z 10000 11011 10 nnnnn ddddd" if not_1d;
    Urecpe "urecpe" "0 q 0 01110 10 10000 11100 10 nnnnn ddddd";
    Frecpe "frecpe" "0 q 0 01110 1z 10000 11101 10 nnnnn ddddd" if not_1d;
    Frinta "frinta" "0 q 1 01110 0z 10000 11000 10 nnnnn ddddd" if not_1d;
    Frintx "frintx" "0 q 1 01110 0z 10000 11001 10 nnnnn ddddd" if not_1d;
    Fcvtnu "fcvtnu" "0 q 1 01110 0z 10000 11010 10 nnnnn ddddd" if not_1d;
    Fcvtmu "fcvtmu" "0 q 1 01110 0z 10000 11011 10 nnnnn ddddd" if not_1d;
    Fcvtau "fcvtau" "0 q 1 01110 0z 10000 11100 10 nnnnn ddddd" if not_1d;
    Ucvtf "ucvtf" "0 q 1 01110 0z 10000 11101 10 nnnnn ddddd" if not_1d;
    Frint32x "frint32x" "0 q 1 01110 0z 10000 11110 10 nnnnn ddddd" [FRINTTS] if not_1d;
    Frint64x "frint64x" "0 q 1 01110 0z 10000 11111 10 nnnnn ddddd" [FRINTTS] if not_1d;
    FcmgeZero "fcmge" "0 q 1 01110 1z 10000 01100 10 nnnnn ddddd" if not_1d;
    FcmleZero "fcmle" "0 q 1 01110 1z 10000 01101 10 nnnnn ddddd" if not_1d;
    Fneg "fneg" "0 q 1 01110 1z 10000 01111 10 nnnnn ddddd" if not_1d;
    Frinti "frinti" "0 q 1 01110 1z 10000 11001 10 nnnnn ddddd" if not_1d;
    Fcvtpu "fcvtpu" "0 q 1 01110 1z 10000 11010 10 nnnnn ddddd" if not_1d;
    Fcvtzu "fcvtzu" "0 q 1 01110 1z 10000 11011 10 nnnnn ddddd" if not_1d;
    Ursqrte "ursqrte" "0 q 1 01110 10 10000 11100 10 nnnnn ddddd";
    Frsqrte "frsqrte" "0 q 1 01110 1z 10000 11101 10 nnnnn ddddd" if not_1d;
    Fsqrt "fsqrt" "0 q 1 01110 1z 10000 11111 10 nnnnn ddddd" if not_1d;
    // Here sz is the larger format and Q the half of the narrower vector: half-single or single-double.
    Fcvtn "fcvtn" "0 q 0 01110 0z 10000 10110 10 nnnnn ddddd";
    Fcvtl "fcvtl" "0 q 0 01110 0z 10000 10111 10 nnnnn ddddd";
    Fcvtxn "fcvtxn" "0 q 1 01110 01 10000 10110 10 nnnnn ddddd";

    // AdvSIMD scalar two-register miscellaneous.
    Fcvtns "fcvtns" "01 0 11110 0z 10000 11010 10 nnnnn ddddd";
    Fcvtms "fcvtms" "01 0 11110 0z 10000 11011 10 nnnnn ddddd";
    Fcvtas "fcvtas" "01 0 11110 0z 10000 11100 10 nnnnn ddddd";
    Scvtf "scvtf" "01 0 11110 0z 10000 11101 10 nnnnn ddddd";
    FcmgtZero "fcmgt" "01 0 11110 1z 10000 01100 10 nnnnn ddddd";
    FcmeqZero "fcmeq" "01 0 11110 1z 10000 01101 10 nnnnn ddddd";
    FcmltZero "fcmlt" "01 0 11110 1z 10000 01110 10 nnnnn ddddd";
    Fcvtps "fcvtps" "01 0 11110 1z 10000 11010 10 nnnnn ddddd";
    Fcvtzs "fcvtzs" "01 0 11110 1z 10000 11011 10 nnnnn ddddd";
    Frecpe "frecpe" "01 0 11110 1z 10000 11101 10 nnnnn ddddd";
    Frecpx "frecpx" "01 0 11110 1z 10000 11111 10 nnnnn ddddd";
    Fcvtxn "fcvtxn" "01 1 11110 01 10000 10110 10 nnnnn ddddd";
    Fcvtnu "fcvtnu" "01 1 11110 0z 10000 11010 10 nnnnn ddddd";
    Fcvtmu "fcvtmu" "01 1 11110 0z 10000 11011 10 nnnnn ddddd";
    Fcvtau "fcvtau" "01 1 11110 0z 10000 11100 10 nnnnn ddddd";
    Ucvtf "ucvtf" "01 1 11110 0z 10000 11101 10 nnnnn ddddd";
    FcmgeZero "fcmge" "01 1 11110 1z 10000 01100 10 nnnnn ddddd";
    FcmleZero "fcmle" "01 1 11110 1z 10000 01101 10 nnnnn ddddd";
    Fcvtpu "fcvtpu" "01 1 11110 1z 10000 11010 10 nnnnn ddddd";
    Fcvtzu "fcvtzu" "01 1 11110 1z 10000 11011 10 nnnnn ddddd";
    Frsqrte "frsqrte" "01 1 11110 1z 10000 11101 10 nnnnn ddddd";

    // AdvSIMD scalar pairwise, AdvSIMD across lanes.
    FmaxnmpScalar "fmaxnmp" "01 1 11110 0z 11000 01100 10 nnnnn ddddd";
    FaddpScalar "faddp" "01 1 11110 0z 11000 01101 10 nnnnn ddddd";
    FmaxpScalar "fmaxp" "01 1 11110 0z 11000 01111 10 nnnnn ddddd";
    FminnmpScalar "fminnmp" "01 1 11110 1z 11000 01100 10 nnnnn ddddd";
    FminpScalar "fminp" "01 1 11110 1z 11000 01111 10 nnnnn ddddd";
    Fmaxnmv "fmaxnmv" "0 q 1 01110 0z 11000 01100 10 nnnnn ddddd" if is_4s;
    Fmaxv "fmaxv" "0 q 1 01110 0z 11000 01111 10 nnnnn ddddd" if is_4s;
    Fminnmv "fminnmv" "0 q 1 01110 1z 11000 01100 10 nnnnn ddddd" if is_4s;
    Fminv "fminv" "0 q 1 01110 1z 11000 01111 10 nnnnn ddddd" if is_4s;

    // AdvSIMD vector and scalar by indexed element.
    FmlaElement "fmla" "0 q 0 01111 1z lmmmmm 0001 h 0 nnnnn ddddd" if element;
    FmlsElement "fmls" "0 q 0 01111 1z lmmmmm 0101 h 0 nnnnn ddddd" if element;
    FmulElement "fmul" "0 q 0 01111 1z lmmmmm 1001 h 0 nnnnn ddddd" if element;
    FmulxElement "fmulx" "0 q 1 01111 1z lmmmmm 1001 h 0 nnnnn ddddd" if element;
    FcmlaElement "fcmla" "0 1 1 01111 10 0mmmmm 0 rr 1 h 0 nnnnn ddddd" [FCMA];
    FmlaElement "fmla" "01 0 11111 1z lmmmmm 0001 h 0 nnnnn ddddd" if element;
    FmlsElement "fmls" "01 0 11111 1z lmmmmm 0101 h 0 nnnnn ddddd" if element;
    FmulElement "fmul" "01 0 11111 1z lmmmmm 1001 h 0 nnnnn ddddd" if element;
    FmulxElement "fmulx" "01 1 11111 1z lmmmmm 1001 h 0 nnnnn ddddd" if element;

    // AdvSIMD vector and scalar shift by immediate: fixed-point conversions.
    ScvtfFixed "scvtf" "0 q 0 011110 hhhhbbb 11100 1 nnnnn ddddd" if fixed;
    FcvtzsFixed "fcvtzs" "0 q 0 011110 hhhhbbb 11111 1 nnnnn ddddd" if fixed;
    UcvtfFixed "ucvtf" "0 q 1 011110 hhhhbbb 11100 1 nnnnn ddddd" if fixed;
    FcvtzuFixed "fcvtzu" "0 q 1 011110 hhhhbbb 11111 1 nnnnn ddddd" if fixed;
    ScvtfFixed "scvtf" "01 0 111110 hhhhbbb 11100 1 nnnnn ddddd" if fixed;
    FcvtzsFixed "fcvtzs" "01 0 111110 hhhhbbb 11111 1 nnnnn ddddd" if fixed;
    UcvtfFixed "ucvtf" "01 1 111110 hhhhbbb 11100 1 nnnnn ddddd" if fixed;
    FcvtzuFixed "fcvtzu" "01 1 111110 hhhhbbb 11111 1 nnnnn ddddd" if fixed;
}
