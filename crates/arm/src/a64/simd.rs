//! AdvSIMD data processing that is not floating point, and the cryptographic instructions
//! (Arm ARM C4.1.96). Vector and scalar forms of an instruction carry one name: bit 28 tells them apart.
//! By-element forms end in `Elem`, shifts by immediate in `Imm` where a form by register exists.

use super::fields::{bit, bits};
use super::table::decode_table;

decode_table! {
    /// AdvSIMD data-processing instructions that are not floating point.
    SimdOp {
        // Three registers of the same type.
        Shadd, Uhadd, Sqadd, Uqadd, Srhadd, Urhadd, Shsub, Uhsub, Sqsub, Uqsub,
        And, Bic, Orr, Orn, Eor, Bsl, Bit, Bif,
        Cmgt, Cmhi, Cmge, Cmhs, Cmtst, Cmeq,
        Sshl, Ushl, Sqshl, Uqshl, Srshl, Urshl, Sqrshl, Uqrshl,
        Smax, Umax, Smin, Umin, Sabd, Uabd, Saba, Uaba,
        Add, Sub, Mla, Mls, Mul, Pmul, Smaxp, Umaxp, Sminp, Uminp, Sqdmulh, Sqrdmulh, Addp,
        Sqrdmlah, Sqrdmlsh, Sdot, Udot,
        // Three registers of different types.
        Saddl, Uaddl, Saddw, Uaddw, Ssubl, Usubl, Ssubw, Usubw, Addhn, Raddhn, Subhn, Rsubhn,
        Sabal, Uabal, Sabdl, Uabdl, Smlal, Umlal, Smlsl, Umlsl, Smull, Umull,
        Sqdmlal, Sqdmlsl, Sqdmull, Pmull,
        // Two registers.
        Rev64, Rev32, Rev16, Saddlp, Uaddlp, Sadalp, Uadalp, Suqadd, Usqadd, Cls, Clz, Cnt, Not, Rbit,
        Sqabs, Sqneg, Abs, Neg, Cmgt0, Cmge0, Cmeq0, Cmle0, Cmlt0,
        Xtn, Sqxtn, Sqxtun, Uqxtn, Shll,
        // Across lanes.
        Saddlv, Uaddlv, Smaxv, Umaxv, Sminv, Uminv, Addv, AddpScalar,
        // By element.
        SmlalElem, UmlalElem, SmlslElem, UmlslElem, SmullElem, UmullElem,
        SqdmlalElem, SqdmlslElem, SqdmullElem, MulElem, MlaElem, MlsElem,
        SqdmulhElem, SqrdmulhElem, SqrdmlahElem, SqrdmlshElem, SdotElem, UdotElem,
        // Shifts by immediate.
        Sshr, Ushr, Ssra, Usra, Srshr, Urshr, Srsra, Ursra, Sri, Shl, Sli, Sqshlu, SqshlImm, UqshlImm,
        Shrn, Rshrn, Sqshrn, Uqshrn, Sqrshrn, Uqrshrn, Sqshrun, Sqrshrun, Sshll, Ushll,
        // Copies, immediates, permutes.
        DupElem, DupGeneral, InsGeneral, InsElem, Smov, Umov,
        Movi, Mvni, OrrImm, BicImm, FmovImm,
        Ext, Tbl, Tbx, Zip1, Zip2, Uzp1, Uzp2, Trn1, Trn2,
        // Cryptography.
        Aese, Aesd, Aesmc, Aesimc,
        Sha1c, Sha1p, Sha1m, Sha1su0, Sha1h, Sha1su1, Sha256h, Sha256h2, Sha256su0, Sha256su1,
        Sha512h, Sha512h2, Sha512su0, Sha512su1, Eor3, Bcax, Rax1, Xar,
    }

    // Three same, vector.
    Shadd "shadd" "0q0 01110 ss 1 mmmmm 00000 1 nnnnn ddddd" if up_to_s;
    Uhadd "uhadd" "0q1 01110 ss 1 mmmmm 00000 1 nnnnn ddddd" if up_to_s;
    Sqadd "sqadd" "0q0 01110 ss 1 mmmmm 00001 1 nnnnn ddddd" if not_1d;
    Uqadd "uqadd" "0q1 01110 ss 1 mmmmm 00001 1 nnnnn ddddd" if not_1d;
    Srhadd "srhadd" "0q0 01110 ss 1 mmmmm 00010 1 nnnnn ddddd" if up_to_s;
    Urhadd "urhadd" "0q1 01110 ss 1 mmmmm 00010 1 nnnnn ddddd" if up_to_s;
    And "and" "0q0 01110 00 1 mmmmm 00011 1 nnnnn ddddd";
    Bic "bic" "0q0 01110 01 1 mmmmm 00011 1 nnnnn ddddd";
    Orr "orr" "0q0 01110 10 1 mmmmm 00011 1 nnnnn ddddd";
    Orn "orn" "0q0 01110 11 1 mmmmm 00011 1 nnnnn ddddd";
    Eor "eor" "0q1 01110 00 1 mmmmm 00011 1 nnnnn ddddd";
    Bsl "bsl" "0q1 01110 01 1 mmmmm 00011 1 nnnnn ddddd";
    Bit "bit" "0q1 01110 10 1 mmmmm 00011 1 nnnnn ddddd";
    Bif "bif" "0q1 01110 11 1 mmmmm 00011 1 nnnnn ddddd";
    Shsub "shsub" "0q0 01110 ss 1 mmmmm 00100 1 nnnnn ddddd" if up_to_s;
    Uhsub "uhsub" "0q1 01110 ss 1 mmmmm 00100 1 nnnnn ddddd" if up_to_s;
    Sqsub "sqsub" "0q0 01110 ss 1 mmmmm 00101 1 nnnnn ddddd" if not_1d;
    Uqsub "uqsub" "0q1 01110 ss 1 mmmmm 00101 1 nnnnn ddddd" if not_1d;
    Cmgt "cmgt" "0q0 01110 ss 1 mmmmm 00110 1 nnnnn ddddd" if not_1d;
    Cmhi "cmhi" "0q1 01110 ss 1 mmmmm 00110 1 nnnnn ddddd" if not_1d;
    Cmge "cmge" "0q0 01110 ss 1 mmmmm 00111 1 nnnnn ddddd" if not_1d;
    Cmhs "cmhs" "0q1 01110 ss 1 mmmmm 00111 1 nnnnn ddddd" if not_1d;
    Sshl "sshl" "0q0 01110 ss 1 mmmmm 01000 1 nnnnn ddddd" if not_1d;
    Ushl "ushl" "0q1 01110 ss 1 mmmmm 01000 1 nnnnn ddddd" if not_1d;
    Sqshl "sqshl" "0q0 01110 ss 1 mmmmm 01001 1 nnnnn ddddd" if not_1d;
    Uqshl "uqshl" "0q1 01110 ss 1 mmmmm 01001 1 nnnnn ddddd" if not_1d;
    Srshl "srshl" "0q0 01110 ss 1 mmmmm 01010 1 nnnnn ddddd" if not_1d;
    Urshl "urshl" "0q1 01110 ss 1 mmmmm 01010 1 nnnnn ddddd" if not_1d;
    Sqrshl "sqrshl" "0q0 01110 ss 1 mmmmm 01011 1 nnnnn ddddd" if not_1d;
    Uqrshl "uqrshl" "0q1 01110 ss 1 mmmmm 01011 1 nnnnn ddddd" if not_1d;
    Smax "smax" "0q0 01110 ss 1 mmmmm 01100 1 nnnnn ddddd" if up_to_s;
    Umax "umax" "0q1 01110 ss 1 mmmmm 01100 1 nnnnn ddddd" if up_to_s;
    Smin "smin" "0q0 01110 ss 1 mmmmm 01101 1 nnnnn ddddd" if up_to_s;
    Umin "umin" "0q1 01110 ss 1 mmmmm 01101 1 nnnnn ddddd" if up_to_s;
    Sabd "sabd" "0q0 01110 ss 1 mmmmm 01110 1 nnnnn ddddd" if up_to_s;
    Uabd "uabd" "0q1 01110 ss 1 mmmmm 01110 1 nnnnn ddddd" if up_to_s;
    Saba "saba" "0q0 01110 ss 1 mmmmm 01111 1 nnnnn ddddd" if up_to_s;
    Uaba "uaba" "0q1 01110 ss 1 mmmmm 01111 1 nnnnn ddddd" if up_to_s;
    Add "add" "0q0 01110 ss 1 mmmmm 10000 1 nnnnn ddddd" if not_1d;
    Sub "sub" "0q1 01110 ss 1 mmmmm 10000 1 nnnnn ddddd" if not_1d;
    Cmtst "cmtst" "0q0 01110 ss 1 mmmmm 10001 1 nnnnn ddddd" if not_1d;
    Cmeq "cmeq" "0q1 01110 ss 1 mmmmm 10001 1 nnnnn ddddd" if not_1d;
    Mla "mla" "0q0 01110 ss 1 mmmmm 10010 1 nnnnn ddddd" if up_to_s;
    Mls "mls" "0q1 01110 ss 1 mmmmm 10010 1 nnnnn ddddd" if up_to_s;
    Mul "mul" "0q0 01110 ss 1 mmmmm 10011 1 nnnnn ddddd" if up_to_s;
    Pmul "pmul" "0q1 01110 00 1 mmmmm 10011 1 nnnnn ddddd";
    Smaxp "smaxp" "0q0 01110 ss 1 mmmmm 10100 1 nnnnn ddddd" if up_to_s;
    Umaxp "umaxp" "0q1 01110 ss 1 mmmmm 10100 1 nnnnn ddddd" if up_to_s;
    Sminp "sminp" "0q0 01110 ss 1 mmmmm 10101 1 nnnnn ddddd" if up_to_s;
    Uminp "uminp" "0q1 01110 ss 1 mmmmm 10101 1 nnnnn ddddd" if up_to_s;
    Sqdmulh "sqdmulh" "0q0 01110 ss 1 mmmmm 10110 1 nnnnn ddddd" if h_or_s;
    Sqrdmulh "sqrdmulh" "0q1 01110 ss 1 mmmmm 10110 1 nnnnn ddddd" if h_or_s;
    Addp "addp" "0q0 01110 ss 1 mmmmm 10111 1 nnnnn ddddd" if not_1d;
    Sqrdmlah "sqrdmlah" "0q1 01110 ss 0 mmmmm 10000 1 nnnnn ddddd" [RDM] if h_or_s;
    Sqrdmlsh "sqrdmlsh" "0q1 01110 ss 0 mmmmm 10001 1 nnnnn ddddd" [RDM] if h_or_s;
    Sdot "sdot" "0q0 01110 10 0 mmmmm 10010 1 nnnnn ddddd" [DotProd];
    Udot "udot" "0q1 01110 10 0 mmmmm 10010 1 nnnnn ddddd" [DotProd];

    // Three same, scalar.
    Sqadd "sqadd" "010 11110 ss 1 mmmmm 00001 1 nnnnn ddddd";
    Uqadd "uqadd" "011 11110 ss 1 mmmmm 00001 1 nnnnn ddddd";
    Sqsub "sqsub" "010 11110 ss 1 mmmmm 00101 1 nnnnn ddddd";
    Uqsub "uqsub" "011 11110 ss 1 mmmmm 00101 1 nnnnn ddddd";
    Cmgt "cmgt" "010 11110 11 1 mmmmm 00110 1 nnnnn ddddd";
    Cmhi "cmhi" "011 11110 11 1 mmmmm 00110 1 nnnnn ddddd";
    Cmge "cmge" "010 11110 11 1 mmmmm 00111 1 nnnnn ddddd";
    Cmhs "cmhs" "011 11110 11 1 mmmmm 00111 1 nnnnn ddddd";
    Sshl "sshl" "010 11110 11 1 mmmmm 01000 1 nnnnn ddddd";
    Ushl "ushl" "011 11110 11 1 mmmmm 01000 1 nnnnn ddddd";
    Sqshl "sqshl" "010 11110 ss 1 mmmmm 01001 1 nnnnn ddddd";
    Uqshl "uqshl" "011 11110 ss 1 mmmmm 01001 1 nnnnn ddddd";
    Srshl "srshl" "010 11110 11 1 mmmmm 01010 1 nnnnn ddddd";
    Urshl "urshl" "011 11110 11 1 mmmmm 01010 1 nnnnn ddddd";
    Sqrshl "sqrshl" "010 11110 ss 1 mmmmm 01011 1 nnnnn ddddd";
    Uqrshl "uqrshl" "011 11110 ss 1 mmmmm 01011 1 nnnnn ddddd";
    Add "add" "010 11110 11 1 mmmmm 10000 1 nnnnn ddddd";
    Sub "sub" "011 11110 11 1 mmmmm 10000 1 nnnnn ddddd";
    Cmtst "cmtst" "010 11110 11 1 mmmmm 10001 1 nnnnn ddddd";
    Cmeq "cmeq" "011 11110 11 1 mmmmm 10001 1 nnnnn ddddd";
    Sqdmulh "sqdmulh" "010 11110 ss 1 mmmmm 10110 1 nnnnn ddddd" if h_or_s;
    Sqrdmulh "sqrdmulh" "011 11110 ss 1 mmmmm 10110 1 nnnnn ddddd" if h_or_s;
    Sqrdmlah "sqrdmlah" "011 11110 ss 0 mmmmm 10000 1 nnnnn ddddd" [RDM] if h_or_s;
    Sqrdmlsh "sqrdmlsh" "011 11110 ss 0 mmmmm 10001 1 nnnnn ddddd" [RDM] if h_or_s;

    // Three different, vector and scalar.
    Saddl "saddl" "0q0 01110 ss 1 mmmmm 0000 00 nnnnn ddddd" if up_to_s;
    Uaddl "uaddl" "0q1 01110 ss 1 mmmmm 0000 00 nnnnn ddddd" if up_to_s;
    Saddw "saddw" "0q0 01110 ss 1 mmmmm 0001 00 nnnnn ddddd" if up_to_s;
    Uaddw "uaddw" "0q1 01110 ss 1 mmmmm 0001 00 nnnnn ddddd" if up_to_s;
    Ssubl "ssubl" "0q0 01110 ss 1 mmmmm 0010 00 nnnnn ddddd" if up_to_s;
    Usubl "usubl" "0q1 01110 ss 1 mmmmm 0010 00 nnnnn ddddd" if up_to_s;
    Ssubw "ssubw" "0q0 01110 ss 1 mmmmm 0011 00 nnnnn ddddd" if up_to_s;
    Usubw "usubw" "0q1 01110 ss 1 mmmmm 0011 00 nnnnn ddddd" if up_to_s;
    Addhn "addhn" "0q0 01110 ss 1 mmmmm 0100 00 nnnnn ddddd" if up_to_s;
    Raddhn "raddhn" "0q1 01110 ss 1 mmmmm 0100 00 nnnnn ddddd" if up_to_s;
    Sabal "sabal" "0q0 01110 ss 1 mmmmm 0101 00 nnnnn ddddd" if up_to_s;
    Uabal "uabal" "0q1 01110 ss 1 mmmmm 0101 00 nnnnn ddddd" if up_to_s;
    Subhn "subhn" "0q0 01110 ss 1 mmmmm 0110 00 nnnnn ddddd" if up_to_s;
    Rsubhn "rsubhn" "0q1 01110 ss 1 mmmmm 0110 00 nnnnn ddddd" if up_to_s;
    Sabdl "sabdl" "0q0 01110 ss 1 mmmmm 0111 00 nnnnn ddddd" if up_to_s;
    Uabdl "uabdl" "0q1 01110 ss 1 mmmmm 0111 00 nnnnn ddddd" if up_to_s;
    Smlal "smlal" "0q0 01110 ss 1 mmmmm 1000 00 nnnnn ddddd" if up_to_s;
    Umlal "umlal" "0q1 01110 ss 1 mmmmm 1000 00 nnnnn ddddd" if up_to_s;
    Sqdmlal "sqdmlal" "0q0 01110 ss 1 mmmmm 1001 00 nnnnn ddddd" if h_or_s;
    Smlsl "smlsl" "0q0 01110 ss 1 mmmmm 1010 00 nnnnn ddddd" if up_to_s;
    Umlsl "umlsl" "0q1 01110 ss 1 mmmmm 1010 00 nnnnn ddddd" if up_to_s;
    Sqdmlsl "sqdmlsl" "0q0 01110 ss 1 mmmmm 1011 00 nnnnn ddddd" if h_or_s;
    Smull "smull" "0q0 01110 ss 1 mmmmm 1100 00 nnnnn ddddd" if up_to_s;
    Umull "umull" "0q1 01110 ss 1 mmmmm 1100 00 nnnnn ddddd" if up_to_s;
    Sqdmull "sqdmull" "0q0 01110 ss 1 mmmmm 1101 00 nnnnn ddddd" if h_or_s;
    Pmull "pmull" "0q0 01110 00 1 mmmmm 1110 00 nnnnn ddddd";
    Pmull "pmull" "0q0 01110 11 1 mmmmm 1110 00 nnnnn ddddd" [PMULL];
    Sqdmlal "sqdmlal" "010 11110 ss 1 mmmmm 1001 00 nnnnn ddddd" if h_or_s;
    Sqdmlsl "sqdmlsl" "010 11110 ss 1 mmmmm 1011 00 nnnnn ddddd" if h_or_s;
    Sqdmull "sqdmull" "010 11110 ss 1 mmmmm 1101 00 nnnnn ddddd" if h_or_s;

    // Two registers, vector.
    Rev64 "rev64" "0q0 01110 ss 10000 00000 10 nnnnn ddddd" if up_to_s;
    Rev32 "rev32" "0q1 01110 0s 10000 00000 10 nnnnn ddddd";
    Rev16 "rev16" "0q0 01110 00 10000 00001 10 nnnnn ddddd";
    Saddlp "saddlp" "0q0 01110 ss 10000 00010 10 nnnnn ddddd" if up_to_s;
    Uaddlp "uaddlp" "0q1 01110 ss 10000 00010 10 nnnnn ddddd" if up_to_s;
    Suqadd "suqadd" "0q0 01110 ss 10000 00011 10 nnnnn ddddd" if not_1d;
    Usqadd "usqadd" "0q1 01110 ss 10000 00011 10 nnnnn ddddd" if not_1d;
    Cls "cls" "0q0 01110 ss 10000 00100 10 nnnnn ddddd" if up_to_s;
    Clz "clz" "0q1 01110 ss 10000 00100 10 nnnnn ddddd" if up_to_s;
    Cnt "cnt" "0q0 01110 00 10000 00101 10 nnnnn ddddd";
    Not "not" "0q1 01110 00 10000 00101 10 nnnnn ddddd";
    Rbit "rbit" "0q1 01110 01 10000 00101 10 nnnnn ddddd";
    Sadalp "sadalp" "0q0 01110 ss 10000 00110 10 nnnnn ddddd" if up_to_s;
    Uadalp "uadalp" "0q1 01110 ss 10000 00110 10 nnnnn ddddd" if up_to_s;
    Sqabs "sqabs" "0q0 01110 ss 10000 00111 10 nnnnn ddddd" if not_1d;
    Sqneg "sqneg" "0q1 01110 ss 10000 00111 10 nnnnn ddddd" if not_1d;
    Cmgt0 "cmgt" "0q0 01110 ss 10000 01000 10 nnnnn ddddd" if not_1d;
    Cmge0 "cmge" "0q1 01110 ss 10000 01000 10 nnnnn ddddd" if not_1d;
    Cmeq0 "cmeq" "0q0 01110 ss 10000 01001 10 nnnnn ddddd" if not_1d;
    Cmle0 "cmle" "0q1 01110 ss 10000 01001 10 nnnnn ddddd" if not_1d;
    Cmlt0 "cmlt" "0q0 01110 ss 10000 01010 10 nnnnn ddddd" if not_1d;
    Abs "abs" "0q0 01110 ss 10000 01011 10 nnnnn ddddd" if not_1d;
    Neg "neg" "0q1 01110 ss 10000 01011 10 nnnnn ddddd" if not_1d;
    Xtn "xtn" "0q0 01110 ss 10000 10010 10 nnnnn ddddd" if up_to_s;
    Sqxtun "sqxtun" "0q1 01110 ss 10000 10010 10 nnnnn ddddd" if up_to_s;
    Shll "shll" "0q1 01110 ss 10000 10011 10 nnnnn ddddd" if up_to_s;
    Sqxtn "sqxtn" "0q0 01110 ss 10000 10100 10 nnnnn ddddd" if up_to_s;
    Uqxtn "uqxtn" "0q1 01110 ss 10000 10100 10 nnnnn ddddd" if up_to_s;

    // Two registers, scalar; pairwise scalar.
    Suqadd "suqadd" "010 11110 ss 10000 00011 10 nnnnn ddddd";
    Usqadd "usqadd" "011 11110 ss 10000 00011 10 nnnnn ddddd";
    Sqabs "sqabs" "010 11110 ss 10000 00111 10 nnnnn ddddd";
    Sqneg "sqneg" "011 11110 ss 10000 00111 10 nnnnn ddddd";
    Cmgt0 "cmgt" "010 11110 11 10000 01000 10 nnnnn ddddd";
    Cmge0 "cmge" "011 11110 11 10000 01000 10 nnnnn ddddd";
    Cmeq0 "cmeq" "010 11110 11 10000 01001 10 nnnnn ddddd";
    Cmle0 "cmle" "011 11110 11 10000 01001 10 nnnnn ddddd";
    Cmlt0 "cmlt" "010 11110 11 10000 01010 10 nnnnn ddddd";
    Abs "abs" "010 11110 11 10000 01011 10 nnnnn ddddd";
    Neg "neg" "011 11110 11 10000 01011 10 nnnnn ddddd";
    Sqxtun "sqxtun" "011 11110 ss 10000 10010 10 nnnnn ddddd" if up_to_s;
    Sqxtn "sqxtn" "010 11110 ss 10000 10100 10 nnnnn ddddd" if up_to_s;
    Uqxtn "uqxtn" "011 11110 ss 10000 10100 10 nnnnn ddddd" if up_to_s;
    AddpScalar "addp" "010 11110 11 11000 11011 10 nnnnn ddddd";

    // Across lanes.
    Saddlv "saddlv" "0q0 01110 ss 11000 00011 10 nnnnn ddddd" if across;
    Uaddlv "uaddlv" "0q1 01110 ss 11000 00011 10 nnnnn ddddd" if across;
    Smaxv "smaxv" "0q0 01110 ss 11000 01010 10 nnnnn ddddd" if across;
    Umaxv "umaxv" "0q1 01110 ss 11000 01010 10 nnnnn ddddd" if across;
    Sminv "sminv" "0q0 01110 ss 11000 11010 10 nnnnn ddddd" if across;
    Uminv "uminv" "0q1 01110 ss 11000 11010 10 nnnnn ddddd" if across;
    Addv "addv" "0q0 01110 ss 11000 11011 10 nnnnn ddddd" if across;

    // By element, vector; bits 21, 20 and 11 are L, M and H.
    SmlalElem "smlal" "0q0 01111 ss lm mmmm 0010 h0 nnnnn ddddd" if h_or_s;
    UmlalElem "umlal" "0q1 01111 ss lm mmmm 0010 h0 nnnnn ddddd" if h_or_s;
    SqdmlalElem "sqdmlal" "0q0 01111 ss lm mmmm 0011 h0 nnnnn ddddd" if h_or_s;
    SmlslElem "smlsl" "0q0 01111 ss lm mmmm 0110 h0 nnnnn ddddd" if h_or_s;
    UmlslElem "umlsl" "0q1 01111 ss lm mmmm 0110 h0 nnnnn ddddd" if h_or_s;
    SqdmlslElem "sqdmlsl" "0q0 01111 ss lm mmmm 0111 h0 nnnnn ddddd" if h_or_s;
    MulElem "mul" "0q0 01111 ss lm mmmm 1000 h0 nnnnn ddddd" if h_or_s;
    MlaElem "mla" "0q1 01111 ss lm mmmm 0000 h0 nnnnn ddddd" if h_or_s;
    MlsElem "mls" "0q1 01111 ss lm mmmm 0100 h0 nnnnn ddddd" if h_or_s;
    SmullElem "smull" "0q0 01111 ss lm mmmm 1010 h0 nnnnn ddddd" if h_or_s;
    UmullElem "umull" "0q1 01111 ss lm mmmm 1010 h0 nnnnn ddddd" if h_or_s;
    SqdmullElem "sqdmull" "0q0 01111 ss lm mmmm 1011 h0 nnnnn ddddd" if h_or_s;
    SqdmulhElem "sqdmulh" "0q0 01111 ss lm mmmm 1100 h0 nnnnn ddddd" if h_or_s;
    SqrdmulhElem "sqrdmulh" "0q0 01111 ss lm mmmm 1101 h0 nnnnn ddddd" if h_or_s;
    SqrdmlahElem "sqrdmlah" "0q1 01111 ss lm mmmm 1101 h0 nnnnn ddddd" [RDM] if h_or_s;
    SqrdmlshElem "sqrdmlsh" "0q1 01111 ss lm mmmm 1111 h0 nnnnn ddddd" [RDM] if h_or_s;
    SdotElem "sdot" "0q0 01111 10 lm mmmm 1110 h0 nnnnn ddddd" [DotProd];
    UdotElem "udot" "0q1 01111 10 lm mmmm 1110 h0 nnnnn ddddd" [DotProd];

    // By element, scalar.
    SqdmlalElem "sqdmlal" "010 11111 ss lm mmmm 0011 h0 nnnnn ddddd" if h_or_s;
    SqdmlslElem "sqdmlsl" "010 11111 ss lm mmmm 0111 h0 nnnnn ddddd" if h_or_s;
    SqdmullElem "sqdmull" "010 11111 ss lm mmmm 1011 h0 nnnnn ddddd" if h_or_s;
    SqdmulhElem "sqdmulh" "010 11111 ss lm mmmm 1100 h0 nnnnn ddddd" if h_or_s;
    SqrdmulhElem "sqrdmulh" "010 11111 ss lm mmmm 1101 h0 nnnnn ddddd" if h_or_s;
    SqrdmlahElem "sqrdmlah" "011 11111 ss lm mmmm 1101 h0 nnnnn ddddd" [RDM] if h_or_s;
    SqrdmlshElem "sqrdmlsh" "011 11111 ss lm mmmm 1111 h0 nnnnn ddddd" [RDM] if h_or_s;

    // Shift by immediate, vector.
    Sshr "sshr" "0q0 011110 iiii iii 00000 1 nnnnn ddddd" if shift;
    Ushr "ushr" "0q1 011110 iiii iii 00000 1 nnnnn ddddd" if shift;
    Ssra "ssra" "0q0 011110 iiii iii 00010 1 nnnnn ddddd" if shift;
    Usra "usra" "0q1 011110 iiii iii 00010 1 nnnnn ddddd" if shift;
    Srshr "srshr" "0q0 011110 iiii iii 00100 1 nnnnn ddddd" if shift;
    Urshr "urshr" "0q1 011110 iiii iii 00100 1 nnnnn ddddd" if shift;
    Srsra "srsra" "0q0 011110 iiii iii 00110 1 nnnnn ddddd" if shift;
    Ursra "ursra" "0q1 011110 iiii iii 00110 1 nnnnn ddddd" if shift;
    Sri "sri" "0q1 011110 iiii iii 01000 1 nnnnn ddddd" if shift;
    Shl "shl" "0q0 011110 iiii iii 01010 1 nnnnn ddddd" if shift;
    Sli "sli" "0q1 011110 iiii iii 01010 1 nnnnn ddddd" if shift;
    Sqshlu "sqshlu" "0q1 011110 iiii iii 01100 1 nnnnn ddddd" if shift;
    SqshlImm "sqshl" "0q0 011110 iiii iii 01110 1 nnnnn ddddd" if shift;
    UqshlImm "uqshl" "0q1 011110 iiii iii 01110 1 nnnnn ddddd" if shift;
    Shrn "shrn" "0q0 011110 0iii iii 10000 1 nnnnn ddddd" if some_immh;
    Sqshrun "sqshrun" "0q1 011110 0iii iii 10000 1 nnnnn ddddd" if some_immh;
    Rshrn "rshrn" "0q0 011110 0iii iii 10001 1 nnnnn ddddd" if some_immh;
    Sqrshrun "sqrshrun" "0q1 011110 0iii iii 10001 1 nnnnn ddddd" if some_immh;
    Sqshrn "sqshrn" "0q0 011110 0iii iii 10010 1 nnnnn ddddd" if some_immh;
    Uqshrn "uqshrn" "0q1 011110 0iii iii 10010 1 nnnnn ddddd" if some_immh;
    Sqrshrn "sqrshrn" "0q0 011110 0iii iii 10011 1 nnnnn ddddd" if some_immh;
    Uqrshrn "uqrshrn" "0q1 011110 0iii iii 10011 1 nnnnn ddddd" if some_immh;
    Sshll "sshll" "0q0 011110 0iii iii 10100 1 nnnnn ddddd" if some_immh;
    Ushll "ushll" "0q1 011110 0iii iii 10100 1 nnnnn ddddd" if some_immh;

    // Shift by immediate, scalar.
    Sshr "sshr" "010 111110 1iii iii 00000 1 nnnnn ddddd";
    Ushr "ushr" "011 111110 1iii iii 00000 1 nnnnn ddddd";
    Ssra "ssra" "010 111110 1iii iii 00010 1 nnnnn ddddd";
    Usra "usra" "011 111110 1iii iii 00010 1 nnnnn ddddd";
    Srshr "srshr" "010 111110 1iii iii 00100 1 nnnnn ddddd";
    Urshr "urshr" "011 111110 1iii iii 00100 1 nnnnn ddddd";
    Srsra "srsra" "010 111110 1iii iii 00110 1 nnnnn ddddd";
    Ursra "ursra" "011 111110 1iii iii 00110 1 nnnnn ddddd";
    Sri "sri" "011 111110 1iii iii 01000 1 nnnnn ddddd";
    Shl "shl" "010 111110 1iii iii 01010 1 nnnnn ddddd";
    Sli "sli" "011 111110 1iii iii 01010 1 nnnnn ddddd";
    Sqshlu "sqshlu" "011 111110 iiii iii 01100 1 nnnnn ddddd" if some_immh;
    SqshlImm "sqshl" "010 111110 iiii iii 01110 1 nnnnn ddddd" if some_immh;
    UqshlImm "uqshl" "011 111110 iiii iii 01110 1 nnnnn ddddd" if some_immh;
    Sqshrun "sqshrun" "011 111110 0iii iii 10000 1 nnnnn ddddd" if some_immh;
    Sqrshrun "sqrshrun" "011 111110 0iii iii 10001 1 nnnnn ddddd" if some_immh;
    Sqshrn "sqshrn" "010 111110 0iii iii 10010 1 nnnnn ddddd" if some_immh;
    Uqshrn "uqshrn" "011 111110 0iii iii 10010 1 nnnnn ddddd" if some_immh;
    Sqrshrn "sqrshrn" "010 111110 0iii iii 10011 1 nnnnn ddddd" if some_immh;
    Uqrshrn "uqrshrn" "011 111110 0iii iii 10011 1 nnnnn ddddd" if some_immh;

    // Copies. The lowest bit set of imm5 is the element size.
    DupElem "dup" "0q0 01110000 iiiii 0 0000 1 nnnnn ddddd" if dup;
    DupElem "dup" "010 11110000 iiiii 0 0000 1 nnnnn ddddd" if some_imm5;
    DupGeneral "dup" "0q0 01110000 iiiii 0 0001 1 nnnnn ddddd" if dup;
    InsGeneral "ins" "010 01110000 iiiii 0 0011 1 nnnnn ddddd" if some_imm5;
    InsElem "ins" "011 01110000 iiiii 0 jjjj 1 nnnnn ddddd" if some_imm5;
    Smov "smov" "000 01110000 iiiii 0 0101 1 nnnnn ddddd" if |w| bits(w, 17, 16) != 0;
    Smov "smov" "010 01110000 iiiii 0 0101 1 nnnnn ddddd" if |w| bits(w, 18, 16) != 0;
    Umov "umov" "000 01110000 iiiii 0 0111 1 nnnnn ddddd" if |w| bits(w, 18, 16) != 0;
    Umov "umov" "010 01110000 i1000 0 0111 1 nnnnn ddddd";

    // Modified immediate: op is bit 29, cmode [15:12].
    Movi "movi" "0q0 0111100000 abc 0ss0 01 defgh ddddd";
    OrrImm "orr" "0q0 0111100000 abc 0ss1 01 defgh ddddd";
    Movi "movi" "0q0 0111100000 abc 10s0 01 defgh ddddd";
    OrrImm "orr" "0q0 0111100000 abc 10s1 01 defgh ddddd";
    Movi "movi" "0q0 0111100000 abc 110s 01 defgh ddddd";
    Movi "movi" "0qo 0111100000 abc 1110 01 defgh ddddd";
    FmovImm "fmov" "0q0 0111100000 abc 1111 01 defgh ddddd";
    FmovImm "fmov" "011 0111100000 abc 1111 01 defgh ddddd";
    Mvni "mvni" "0q1 0111100000 abc 0ss0 01 defgh ddddd";
    BicImm "bic" "0q1 0111100000 abc 0ss1 01 defgh ddddd";
    Mvni "mvni" "0q1 0111100000 abc 10s0 01 defgh ddddd";
    BicImm "bic" "0q1 0111100000 abc 10s1 01 defgh ddddd";
    Mvni "mvni" "0q1 0111100000 abc 110s 01 defgh ddddd";

    // Extract, table look-up, permute.
    Ext "ext" "001 01110 000 mmmmm 0 0iii 0 nnnnn ddddd";
    Ext "ext" "011 01110 000 mmmmm 0 iiii 0 nnnnn ddddd";
    Tbl "tbl" "0q0 01110 000 mmmmm 0 ll 0 00 nnnnn ddddd";
    Tbx "tbx" "0q0 01110 000 mmmmm 0 ll 1 00 nnnnn ddddd";
    Uzp1 "uzp1" "0q0 01110 ss 0 mmmmm 0 001 10 nnnnn ddddd" if not_1d;
    Trn1 "trn1" "0q0 01110 ss 0 mmmmm 0 010 10 nnnnn ddddd" if not_1d;
    Zip1 "zip1" "0q0 01110 ss 0 mmmmm 0 011 10 nnnnn ddddd" if not_1d;
    Uzp2 "uzp2" "0q0 01110 ss 0 mmmmm 0 101 10 nnnnn ddddd" if not_1d;
    Trn2 "trn2" "0q0 01110 ss 0 mmmmm 0 110 10 nnnnn ddddd" if not_1d;
    Zip2 "zip2" "0q0 01110 ss 0 mmmmm 0 111 10 nnnnn ddddd" if not_1d;

    // Cryptography.
    Aese "aese" "010 01110 00 10100 00100 10 nnnnn ddddd" [AES];
    Aesd "aesd" "010 01110 00 10100 00101 10 nnnnn ddddd" [AES];
    Aesmc "aesmc" "010 01110 00 10100 00110 10 nnnnn ddddd" [AES];
    Aesimc "aesimc" "010 01110 00 10100 00111 10 nnnnn ddddd" [AES];
    Sha1c "sha1c" "010 11110 000 mmmmm 0 000 00 nnnnn ddddd" [SHA1];
    Sha1p "sha1p" "010 11110 000 mmmmm 0 001 00 nnnnn ddddd" [SHA1];
    Sha1m "sha1m" "010 11110 000 mmmmm 0 010 00 nnnnn ddddd" [SHA1];
    Sha1su0 "sha1su0" "010 11110 000 mmmmm 0 011 00 nnnnn ddddd" [SHA1];
    Sha1h "sha1h" "010 11110 00 10100 00000 10 nnnnn ddddd" [SHA1];
    Sha1su1 "sha1su1" "010 11110 00 10100 00001 10 nnnnn ddddd" [SHA1];
    Sha256h "sha256h" "010 11110 000 mmmmm 0 100 00 nnnnn ddddd" [SHA256];
    Sha256h2 "sha256h2" "010 11110 000 mmmmm 0 101 00 nnnnn ddddd" [SHA256];
    Sha256su1 "sha256su1" "010 11110 000 mmmmm 0 110 00 nnnnn ddddd" [SHA256];
    Sha256su0 "sha256su0" "010 11110 00 10100 00010 10 nnnnn ddddd" [SHA256];
    Sha512h "sha512h" "110 01110 011 mmmmm 1 0 00 00 nnnnn ddddd" [SHA512];
    Sha512h2 "sha512h2" "110 01110 011 mmmmm 1 0 00 01 nnnnn ddddd" [SHA512];
    Sha512su1 "sha512su1" "110 01110 011 mmmmm 1 0 00 10 nnnnn ddddd" [SHA512];
    Sha512su0 "sha512su0" "110 01110 110 00000 1 0 00 00 nnnnn ddddd" [SHA512];
    Rax1 "rax1" "110 01110 011 mmmmm 1 0 00 11 nnnnn ddddd" [SHA3];
    Eor3 "eor3" "110 01110 000 mmmmm 0 aaaaa nnnnn ddddd" [SHA3];
    Bcax "bcax" "110 01110 001 mmmmm 0 aaaaa nnnnn ddddd" [SHA3];
    Xar "xar" "110 01110 100 mmmmm iiiiii nnnnn ddddd" [SHA3];
}

/// Element sizes B, H and S.
fn up_to_s(w: u32) -> bool {
    bits(w, 23, 22) != 3
}

/// Element sizes H and S.
fn h_or_s(w: u32) -> bool {
    matches!(bits(w, 23, 22), 1 | 2)
}

/// Every arrangement but 1D.
fn not_1d(w: u32) -> bool {
    bits(w, 23, 22) != 3 || bit(w, 30)
}

/// 8B, 16B, 4H, 8H and 4S.
fn across(w: u32) -> bool {
    bits(w, 23, 22) < 2 || (bits(w, 23, 22) == 2 && bit(w, 30))
}

/// immh is not zero: that is the modified-immediate group.
fn some_immh(w: u32) -> bool {
    bits(w, 22, 19) != 0
}

/// Shift of every arrangement but 1D.
fn shift(w: u32) -> bool {
    some_immh(w) && (!bit(w, 22) || bit(w, 30))
}

/// imm5 names an element size.
fn some_imm5(w: u32) -> bool {
    bits(w, 19, 16) != 0
}

/// As [`some_imm5`], and not the arrangement 1D.
fn dup(w: u32) -> bool {
    some_imm5(w) && (bits(w, 19, 16) != 8 || bit(w, 30))
}
