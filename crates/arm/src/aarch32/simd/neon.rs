//! AdvSIMD data processing (Arm ARM F4.1.23), and what extends it in the space of coprocessors.
//!
//! Signed and unsigned forms are ops of their own, `S` and `U`, and so are those on singles, `F`, and on polynomials,
//! `P`. `Elem` is by an element, `Zero` with zero, `Imm` by an immediate where a form with a register exists.

use super::fields::is_q;
use crate::a64::fields::{bit, bits};
use crate::a64::table::decode_table;

decode_table! {
    @by super::fields::BUCKETS;

    /// AdvSIMD data-processing instructions.
    NeonOp {
        VhaddS, VhaddU, VqaddS, VqaddU, VrhaddS, VrhaddU, Vand, Vbic, Vorr, Vorn, Veor, Vbsl, Vbit, Vbif,
        VhsubS, VhsubU, VqsubS, VqsubU, VcgtS, VcgtU, VcgeS, VcgeU, VshlS, VshlU, VqshlS, VqshlU, VrshlS,
        VrshlU, VqrshlS, VqrshlU, VmaxS, VmaxU, VminS, VminU, VabdS, VabdU, VabaS, VabaU, Vadd, Vsub, Vtst,
        Vceq, Vmla, Vmls, Vmul, VmulP, VpmaxS, VpmaxU, VpminS, VpminU, Vqdmulh, Vqrdmulh, Vpadd, Vqrdmlah,
        Vqrdmlsh, Vfma, Vfms, VaddF, VsubF, VpaddF, VabdF, VmlaF, VmlsF, VmulF, VceqF, VcgeF, VcgtF, Vacge,
        Vacgt, VmaxF, VminF, VpmaxF, VpminF, Vrecps, Vrsqrts, Vmaxnm, Vminnm, Sha1c, Sha1p, Sha1m, Sha1su0,
        Sha256h, Sha256h2, Sha256su1, Vcmla, Vcadd, VcmlaElem, Vsdot, Vudot, VsdotElem, VudotElem, Vrev64,
        Vrev32, Vrev16, VpaddlS, VpaddlU, Aese, Aesd, Aesmc, Aesimc, Vcls, Vclz, Vcnt, Vmvn, VpadalS, VpadalU,
        Vqabs, Vqneg, VcgtZero, VcgeZero, VceqZero, VcleZero, VcltZero, VcgtZeroF, VcgeZeroF, VceqZeroF,
        VcleZeroF, VcltZeroF, Sha1h, Vabs, Vneg, VabsF, VnegF, Vswp, Vtrn, Vuzp, Vzip, Vmovn, Vqmovun, VqmovnS,
        VqmovnU, VshllMax, Sha1su1, Sha256su0, Vrintn, Vrintx, Vrinta, Vrintz, Vrintm, Vrintp, VcvtToHalf,
        VcvtFromHalf, VcvtaS, VcvtaU, VcvtnS, VcvtnU, VcvtpS, VcvtpU, VcvtmS, VcvtmU, VrecpeU, VrsqrteU,
        VrecpeF, VrsqrteF, VcvtFromS, VcvtFromU, VcvtToS, VcvtToU, Vext, Vtbl, Vtbx, Vdup, VaddlS, VaddlU,
        VaddwS, VaddwU, VsublS, VsublU, VsubwS, VsubwU, Vaddhn, Vraddhn, VabalS, VabalU, Vsubhn, Vrsubhn,
        VabdlS, VabdlU, VmlalS, VmlalU, VmlslS, VmlslU, Vqdmlal, Vqdmlsl, VmullS, VmullU, Vqdmull, VmullP,
        VmlaElem, VmlaElemF, VmlsElem, VmlsElemF, VmulElem, VmulElemF, VqdmulhElem, VqrdmulhElem, VqrdmlahElem,
        VqrdmlshElem, VmlalSElem, VmlalUElem, VmlslSElem, VmlslUElem, VmullSElem, VmullUElem, VqdmlalElem,
        VqdmlslElem, VqdmullElem, VorrImm, VbicImm, VmovImm, VmvnImm, VshrS, VshrU, VsraS, VsraU, VrshrS,
        VrshrU, VrsraS, VrsraU, Vsri, VshlImm, Vsli, Vqshlu, VqshlImmS, VqshlImmU, Vshrn, Vrshrn, Vqshrun,
        Vqrshrun, VqshrnS, VqshrnU, VqrshrnS, VqrshrnU, VshllS, VshllU, VcvtFromFixedS, VcvtFromFixedU,
        VcvtToFixedS, VcvtToFixedU,
    }

    // Three registers of the same length. `q` with an odd register is UNDEFINED.
    VhaddS "vhadd" "1111 0010 0Dss nnnn dddd 0000 NqM0 mmmm" if to_words;
    VhaddU "vhadd" "1111 0011 0Dss nnnn dddd 0000 NqM0 mmmm" if to_words;
    VqaddS "vqadd" "1111 0010 0Dss nnnn dddd 0000 NqM1 mmmm" if whole;
    VqaddU "vqadd" "1111 0011 0Dss nnnn dddd 0000 NqM1 mmmm" if whole;
    VrhaddS "vrhadd" "1111 0010 0Dss nnnn dddd 0001 NqM0 mmmm" if to_words;
    VrhaddU "vrhadd" "1111 0011 0Dss nnnn dddd 0001 NqM0 mmmm" if to_words;
    Vand "vand" "1111 0010 0D00 nnnn dddd 0001 NqM1 mmmm" if whole;
    Vbic "vbic" "1111 0010 0D01 nnnn dddd 0001 NqM1 mmmm" if whole;
    Vorr "vorr" "1111 0010 0D10 nnnn dddd 0001 NqM1 mmmm" if whole;
    Vorn "vorn" "1111 0010 0D11 nnnn dddd 0001 NqM1 mmmm" if whole;
    Veor "veor" "1111 0011 0D00 nnnn dddd 0001 NqM1 mmmm" if whole;
    Vbsl "vbsl" "1111 0011 0D01 nnnn dddd 0001 NqM1 mmmm" if whole;
    Vbit "vbit" "1111 0011 0D10 nnnn dddd 0001 NqM1 mmmm" if whole;
    Vbif "vbif" "1111 0011 0D11 nnnn dddd 0001 NqM1 mmmm" if whole;
    VhsubS "vhsub" "1111 0010 0Dss nnnn dddd 0010 NqM0 mmmm" if to_words;
    VhsubU "vhsub" "1111 0011 0Dss nnnn dddd 0010 NqM0 mmmm" if to_words;
    VqsubS "vqsub" "1111 0010 0Dss nnnn dddd 0010 NqM1 mmmm" if whole;
    VqsubU "vqsub" "1111 0011 0Dss nnnn dddd 0010 NqM1 mmmm" if whole;
    VcgtS "vcgt" "1111 0010 0Dss nnnn dddd 0011 NqM0 mmmm" if to_words;
    VcgtU "vcgt" "1111 0011 0Dss nnnn dddd 0011 NqM0 mmmm" if to_words;
    VcgeS "vcge" "1111 0010 0Dss nnnn dddd 0011 NqM1 mmmm" if to_words;
    VcgeU "vcge" "1111 0011 0Dss nnnn dddd 0011 NqM1 mmmm" if to_words;
    VshlS "vshl" "1111 0010 0Dss nnnn dddd 0100 NqM0 mmmm" if whole;
    VshlU "vshl" "1111 0011 0Dss nnnn dddd 0100 NqM0 mmmm" if whole;
    VqshlS "vqshl" "1111 0010 0Dss nnnn dddd 0100 NqM1 mmmm" if whole;
    VqshlU "vqshl" "1111 0011 0Dss nnnn dddd 0100 NqM1 mmmm" if whole;
    VrshlS "vrshl" "1111 0010 0Dss nnnn dddd 0101 NqM0 mmmm" if whole;
    VrshlU "vrshl" "1111 0011 0Dss nnnn dddd 0101 NqM0 mmmm" if whole;
    VqrshlS "vqrshl" "1111 0010 0Dss nnnn dddd 0101 NqM1 mmmm" if whole;
    VqrshlU "vqrshl" "1111 0011 0Dss nnnn dddd 0101 NqM1 mmmm" if whole;
    VmaxS "vmax" "1111 0010 0Dss nnnn dddd 0110 NqM0 mmmm" if to_words;
    VmaxU "vmax" "1111 0011 0Dss nnnn dddd 0110 NqM0 mmmm" if to_words;
    VminS "vmin" "1111 0010 0Dss nnnn dddd 0110 NqM1 mmmm" if to_words;
    VminU "vmin" "1111 0011 0Dss nnnn dddd 0110 NqM1 mmmm" if to_words;
    VabdS "vabd" "1111 0010 0Dss nnnn dddd 0111 NqM0 mmmm" if to_words;
    VabdU "vabd" "1111 0011 0Dss nnnn dddd 0111 NqM0 mmmm" if to_words;
    VabaS "vaba" "1111 0010 0Dss nnnn dddd 0111 NqM1 mmmm" if to_words;
    VabaU "vaba" "1111 0011 0Dss nnnn dddd 0111 NqM1 mmmm" if to_words;
    Vadd "vadd" "1111 0010 0Dss nnnn dddd 1000 NqM0 mmmm" if whole;
    Vsub "vsub" "1111 0011 0Dss nnnn dddd 1000 NqM0 mmmm" if whole;
    Vtst "vtst" "1111 0010 0Dss nnnn dddd 1000 NqM1 mmmm" if to_words;
    Vceq "vceq" "1111 0011 0Dss nnnn dddd 1000 NqM1 mmmm" if to_words;
    Vmla "vmla" "1111 0010 0Dss nnnn dddd 1001 NqM0 mmmm" if to_words;
    Vmls "vmls" "1111 0011 0Dss nnnn dddd 1001 NqM0 mmmm" if to_words;
    Vmul "vmul" "1111 0010 0Dss nnnn dddd 1001 NqM1 mmmm" if to_words;
    VmulP "vmul" "1111 0011 0D00 nnnn dddd 1001 NqM1 mmmm" if whole;
    VpmaxS "vpmax" "1111 0010 0Dss nnnn dddd 1010 N0M0 mmmm" if to_words;
    VpmaxU "vpmax" "1111 0011 0Dss nnnn dddd 1010 N0M0 mmmm" if to_words;
    VpminS "vpmin" "1111 0010 0Dss nnnn dddd 1010 N0M1 mmmm" if to_words;
    VpminU "vpmin" "1111 0011 0Dss nnnn dddd 1010 N0M1 mmmm" if to_words;
    Vqdmulh "vqdmulh" "1111 0010 0Dss nnnn dddd 1011 NqM0 mmmm" if middle;
    Vqrdmulh "vqrdmulh" "1111 0011 0Dss nnnn dddd 1011 NqM0 mmmm" if middle;
    Vpadd "vpadd" "1111 0010 0Dss nnnn dddd 1011 N0M1 mmmm" if to_words;
    Vqrdmlah "vqrdmlah" "1111 0011 0Dss nnnn dddd 1011 NqM1 mmmm" [RDM] if middle;
    Vqrdmlsh "vqrdmlsh" "1111 0011 0Dss nnnn dddd 1100 NqM1 mmmm" [RDM] if middle;
    Vfma "vfma" "1111 0010 0D00 nnnn dddd 1100 NqM1 mmmm" if whole;
    Vfms "vfms" "1111 0010 0D10 nnnn dddd 1100 NqM1 mmmm" if whole;
    VaddF "vadd" "1111 0010 0D00 nnnn dddd 1101 NqM0 mmmm" if whole;
    VsubF "vsub" "1111 0010 0D10 nnnn dddd 1101 NqM0 mmmm" if whole;
    VpaddF "vpadd" "1111 0011 0D00 nnnn dddd 1101 N0M0 mmmm";
    VabdF "vabd" "1111 0011 0D10 nnnn dddd 1101 NqM0 mmmm" if whole;
    VmlaF "vmla" "1111 0010 0D00 nnnn dddd 1101 NqM1 mmmm" if whole;
    VmlsF "vmls" "1111 0010 0D10 nnnn dddd 1101 NqM1 mmmm" if whole;
    VmulF "vmul" "1111 0011 0D00 nnnn dddd 1101 NqM1 mmmm" if whole;
    VceqF "vceq" "1111 0010 0D00 nnnn dddd 1110 NqM0 mmmm" if whole;
    VcgeF "vcge" "1111 0011 0D00 nnnn dddd 1110 NqM0 mmmm" if whole;
    VcgtF "vcgt" "1111 0011 0D10 nnnn dddd 1110 NqM0 mmmm" if whole;
    Vacge "vacge" "1111 0011 0D00 nnnn dddd 1110 NqM1 mmmm" if whole;
    Vacgt "vacgt" "1111 0011 0D10 nnnn dddd 1110 NqM1 mmmm" if whole;
    VmaxF "vmax" "1111 0010 0D00 nnnn dddd 1111 NqM0 mmmm" if whole;
    VminF "vmin" "1111 0010 0D10 nnnn dddd 1111 NqM0 mmmm" if whole;
    VpmaxF "vpmax" "1111 0011 0D00 nnnn dddd 1111 N0M0 mmmm";
    VpminF "vpmin" "1111 0011 0D10 nnnn dddd 1111 N0M0 mmmm";
    Vrecps "vrecps" "1111 0010 0D00 nnnn dddd 1111 NqM1 mmmm" if whole;
    Vrsqrts "vrsqrts" "1111 0010 0D10 nnnn dddd 1111 NqM1 mmmm" if whole;
    Vmaxnm "vmaxnm" "1111 0011 0D00 nnnn dddd 1111 NqM1 mmmm" [V8] if whole;
    Vminnm "vminnm" "1111 0011 0D10 nnnn dddd 1111 NqM1 mmmm" [V8] if whole;
    Sha1c "sha1c" "1111 0010 0D00 nnnn dddd 1100 N1M0 mmmm" [SHA1] if whole;
    Sha1p "sha1p" "1111 0010 0D01 nnnn dddd 1100 N1M0 mmmm" [SHA1] if whole;
    Sha1m "sha1m" "1111 0010 0D10 nnnn dddd 1100 N1M0 mmmm" [SHA1] if whole;
    Sha1su0 "sha1su0" "1111 0010 0D11 nnnn dddd 1100 N1M0 mmmm" [SHA1] if whole;
    Sha256h "sha256h" "1111 0011 0D00 nnnn dddd 1100 N1M0 mmmm" [SHA256] if whole;
    Sha256h2 "sha256h2" "1111 0011 0D01 nnnn dddd 1100 N1M0 mmmm" [SHA256] if whole;
    Sha256su1 "sha256su1" "1111 0011 0D10 nnnn dddd 1100 N1M0 mmmm" [SHA256] if whole;

    // Three registers, in the space of coprocessors.
    Vcmla "vcmla" "1111 110r rD11 nnnn dddd 1000 NqM0 mmmm" [FCMA] if whole;
    Vcadd "vcadd" "1111 110r 1D01 nnnn dddd 1000 NqM0 mmmm" [FCMA] if whole;
    VcmlaElem "vcmla" "1111 1110 1Drr nnnn dddd 1000 NqM0 mmmm" [FCMA] if two_whole;
    Vsdot "vsdot" "1111 1100 0D10 nnnn dddd 1101 NqM0 mmmm" [DotProd] if whole;
    Vudot "vudot" "1111 1100 0D10 nnnn dddd 1101 NqM1 mmmm" [DotProd] if whole;
    VsdotElem "vsdot" "1111 1110 0D10 nnnn dddd 1101 NqM0 mmmm" [DotProd] if two_whole;
    VudotElem "vudot" "1111 1110 0D10 nnnn dddd 1101 NqM1 mmmm" [DotProd] if two_whole;

    // Two registers. `ss` is the size of elements.
    Vrev64 "vrev64" "1111 0011 1D11 ss00 dddd 00000 qM0 mmmm" if two_to_words;
    Vrev32 "vrev32" "1111 0011 1D11 0s00 dddd 00001 qM0 mmmm" if two;
    Vrev16 "vrev16" "1111 0011 1D11 0000 dddd 00010 qM0 mmmm" if two;
    VpaddlS "vpaddl" "1111 0011 1D11 ss00 dddd 00100 qM0 mmmm" if two_to_words;
    VpaddlU "vpaddl" "1111 0011 1D11 ss00 dddd 00101 qM0 mmmm" if two_to_words;
    Aese "aese" "1111 0011 1D11 0000 dddd 00110 0M0 mmmm" [AES] if two_q;
    Aesd "aesd" "1111 0011 1D11 0000 dddd 00110 1M0 mmmm" [AES] if two_q;
    Aesmc "aesmc" "1111 0011 1D11 0000 dddd 00111 0M0 mmmm" [AES] if two_q;
    Aesimc "aesimc" "1111 0011 1D11 0000 dddd 00111 1M0 mmmm" [AES] if two_q;
    Vcls "vcls" "1111 0011 1D11 ss00 dddd 01000 qM0 mmmm" if two_to_words;
    Vclz "vclz" "1111 0011 1D11 ss00 dddd 01001 qM0 mmmm" if two_to_words;
    Vcnt "vcnt" "1111 0011 1D11 0000 dddd 01010 qM0 mmmm" if two;
    Vmvn "vmvn" "1111 0011 1D11 0000 dddd 01011 qM0 mmmm" if two;
    VpadalS "vpadal" "1111 0011 1D11 ss00 dddd 01100 qM0 mmmm" if two_to_words;
    VpadalU "vpadal" "1111 0011 1D11 ss00 dddd 01101 qM0 mmmm" if two_to_words;
    Vqabs "vqabs" "1111 0011 1D11 ss00 dddd 01110 qM0 mmmm" if two_to_words;
    Vqneg "vqneg" "1111 0011 1D11 ss00 dddd 01111 qM0 mmmm" if two_to_words;
    VcgtZero "vcgt" "1111 0011 1D11 ss01 dddd 00000 qM0 mmmm" if two_to_words;
    VcgeZero "vcge" "1111 0011 1D11 ss01 dddd 00001 qM0 mmmm" if two_to_words;
    VceqZero "vceq" "1111 0011 1D11 ss01 dddd 00010 qM0 mmmm" if two_to_words;
    VcleZero "vcle" "1111 0011 1D11 ss01 dddd 00011 qM0 mmmm" if two_to_words;
    VcltZero "vclt" "1111 0011 1D11 ss01 dddd 00100 qM0 mmmm" if two_to_words;
    VcgtZeroF "vcgt" "1111 0011 1D11 1001 dddd 01000 qM0 mmmm" if two;
    VcgeZeroF "vcge" "1111 0011 1D11 1001 dddd 01001 qM0 mmmm" if two;
    VceqZeroF "vceq" "1111 0011 1D11 1001 dddd 01010 qM0 mmmm" if two;
    VcleZeroF "vcle" "1111 0011 1D11 1001 dddd 01011 qM0 mmmm" if two;
    VcltZeroF "vclt" "1111 0011 1D11 1001 dddd 01100 qM0 mmmm" if two;
    Sha1h "sha1h" "1111 0011 1D11 1001 dddd 00101 1M0 mmmm" [SHA1] if two_q;
    Vabs "vabs" "1111 0011 1D11 ss01 dddd 00110 qM0 mmmm" if two_to_words;
    Vneg "vneg" "1111 0011 1D11 ss01 dddd 00111 qM0 mmmm" if two_to_words;
    VabsF "vabs" "1111 0011 1D11 1001 dddd 01110 qM0 mmmm" if two;
    VnegF "vneg" "1111 0011 1D11 1001 dddd 01111 qM0 mmmm" if two;
    Vswp "vswp" "1111 0011 1D11 0010 dddd 00000 qM0 mmmm" if two;
    Vtrn "vtrn" "1111 0011 1D11 ss10 dddd 00001 qM0 mmmm" if two_to_words;
    Vuzp "vuzp" "1111 0011 1D11 ss10 dddd 00010 qM0 mmmm" if zips;
    Vzip "vzip" "1111 0011 1D11 ss10 dddd 00011 qM0 mmmm" if zips;
    Vmovn "vmovn" "1111 0011 1D11 ss10 dddd 00100 0M0 mmmm" if narrow;
    Vqmovun "vqmovun" "1111 0011 1D11 ss10 dddd 00100 1M0 mmmm" if narrow;
    VqmovnS "vqmovn" "1111 0011 1D11 ss10 dddd 00101 0M0 mmmm" if narrow;
    VqmovnU "vqmovn" "1111 0011 1D11 ss10 dddd 00101 1M0 mmmm" if narrow;
    VshllMax "vshll" "1111 0011 1D11 ss10 dddd 00110 0M0 mmmm" if widen;
    Sha1su1 "sha1su1" "1111 0011 1D11 1010 dddd 00111 0M0 mmmm" [SHA1] if two_q;
    Sha256su0 "sha256su0" "1111 0011 1D11 1010 dddd 00111 1M0 mmmm" [SHA256] if two_q;
    Vrintn "vrintn" "1111 0011 1D11 1010 dddd 01000 qM0 mmmm" [V8] if two;
    Vrintx "vrintx" "1111 0011 1D11 1010 dddd 01001 qM0 mmmm" [V8] if two;
    Vrinta "vrinta" "1111 0011 1D11 1010 dddd 01010 qM0 mmmm" [V8] if two;
    Vrintz "vrintz" "1111 0011 1D11 1010 dddd 01011 qM0 mmmm" [V8] if two;
    Vrintm "vrintm" "1111 0011 1D11 1010 dddd 01101 qM0 mmmm" [V8] if two;
    Vrintp "vrintp" "1111 0011 1D11 1010 dddd 01111 qM0 mmmm" [V8] if two;
    VcvtToHalf "vcvt" "1111 0011 1D11 0110 dddd 01100 0M0 mmmm" if narrow;
    VcvtFromHalf "vcvt" "1111 0011 1D11 0110 dddd 01110 0M0 mmmm" if widen;
    VcvtaS "vcvta" "1111 0011 1D11 1011 dddd 00000 qM0 mmmm" [V8] if two;
    VcvtaU "vcvta" "1111 0011 1D11 1011 dddd 00001 qM0 mmmm" [V8] if two;
    VcvtnS "vcvtn" "1111 0011 1D11 1011 dddd 00010 qM0 mmmm" [V8] if two;
    VcvtnU "vcvtn" "1111 0011 1D11 1011 dddd 00011 qM0 mmmm" [V8] if two;
    VcvtpS "vcvtp" "1111 0011 1D11 1011 dddd 00100 qM0 mmmm" [V8] if two;
    VcvtpU "vcvtp" "1111 0011 1D11 1011 dddd 00101 qM0 mmmm" [V8] if two;
    VcvtmS "vcvtm" "1111 0011 1D11 1011 dddd 00110 qM0 mmmm" [V8] if two;
    VcvtmU "vcvtm" "1111 0011 1D11 1011 dddd 00111 qM0 mmmm" [V8] if two;
    VrecpeU "vrecpe" "1111 0011 1D11 1011 dddd 01000 qM0 mmmm" if two;
    VrsqrteU "vrsqrte" "1111 0011 1D11 1011 dddd 01001 qM0 mmmm" if two;
    VrecpeF "vrecpe" "1111 0011 1D11 1011 dddd 01010 qM0 mmmm" if two;
    VrsqrteF "vrsqrte" "1111 0011 1D11 1011 dddd 01011 qM0 mmmm" if two;
    VcvtFromS "vcvt" "1111 0011 1D11 1011 dddd 01100 qM0 mmmm" if two;
    VcvtFromU "vcvt" "1111 0011 1D11 1011 dddd 01101 qM0 mmmm" if two;
    VcvtToS "vcvt" "1111 0011 1D11 1011 dddd 01110 qM0 mmmm" if two;
    VcvtToU "vcvt" "1111 0011 1D11 1011 dddd 01111 qM0 mmmm" if two;

    // Moves of bytes and elements.
    Vext "vext" "1111 0010 1D11 nnnn dddd iiii NqM0 mmmm" if ext;
    Vtbl "vtbl" "1111 0011 1D11 nnnn dddd 10ll N0M0 mmmm" if table;
    Vtbx "vtbx" "1111 0011 1D11 nnnn dddd 10ll N1M0 mmmm" if table;
    Vdup "vdup" "1111 0011 1D11 iiii dddd 1100 0qM0 mmmm" if dup;

    // Three registers of different lengths.
    VaddlS "vaddl" "1111 0010 1Dss nnnn dddd 0000 N0M0 mmmm" if long;
    VaddlU "vaddl" "1111 0011 1Dss nnnn dddd 0000 N0M0 mmmm" if long;
    VaddwS "vaddw" "1111 0010 1Dss nnnn dddd 0001 N0M0 mmmm" if wide;
    VaddwU "vaddw" "1111 0011 1Dss nnnn dddd 0001 N0M0 mmmm" if wide;
    VsublS "vsubl" "1111 0010 1Dss nnnn dddd 0010 N0M0 mmmm" if long;
    VsublU "vsubl" "1111 0011 1Dss nnnn dddd 0010 N0M0 mmmm" if long;
    VsubwS "vsubw" "1111 0010 1Dss nnnn dddd 0011 N0M0 mmmm" if wide;
    VsubwU "vsubw" "1111 0011 1Dss nnnn dddd 0011 N0M0 mmmm" if wide;
    Vaddhn "vaddhn" "1111 0010 1Dss nnnn dddd 0100 N0M0 mmmm" if high;
    Vraddhn "vraddhn" "1111 0011 1Dss nnnn dddd 0100 N0M0 mmmm" if high;
    VabalS "vabal" "1111 0010 1Dss nnnn dddd 0101 N0M0 mmmm" if long;
    VabalU "vabal" "1111 0011 1Dss nnnn dddd 0101 N0M0 mmmm" if long;
    Vsubhn "vsubhn" "1111 0010 1Dss nnnn dddd 0110 N0M0 mmmm" if high;
    Vrsubhn "vrsubhn" "1111 0011 1Dss nnnn dddd 0110 N0M0 mmmm" if high;
    VabdlS "vabdl" "1111 0010 1Dss nnnn dddd 0111 N0M0 mmmm" if long;
    VabdlU "vabdl" "1111 0011 1Dss nnnn dddd 0111 N0M0 mmmm" if long;
    VmlalS "vmlal" "1111 0010 1Dss nnnn dddd 1000 N0M0 mmmm" if long;
    VmlalU "vmlal" "1111 0011 1Dss nnnn dddd 1000 N0M0 mmmm" if long;
    VmlslS "vmlsl" "1111 0010 1Dss nnnn dddd 1010 N0M0 mmmm" if long;
    VmlslU "vmlsl" "1111 0011 1Dss nnnn dddd 1010 N0M0 mmmm" if long;
    Vqdmlal "vqdmlal" "1111 0010 1Dss nnnn dddd 1001 N0M0 mmmm" if middle_long;
    Vqdmlsl "vqdmlsl" "1111 0010 1Dss nnnn dddd 1011 N0M0 mmmm" if middle_long;
    VmullS "vmull" "1111 0010 1Dss nnnn dddd 1100 N0M0 mmmm" if long;
    VmullU "vmull" "1111 0011 1Dss nnnn dddd 1100 N0M0 mmmm" if long;
    Vqdmull "vqdmull" "1111 0010 1Dss nnnn dddd 1101 N0M0 mmmm" if middle_long;
    VmullP "vmull" "1111 0010 1D00 nnnn dddd 1110 N0M0 mmmm" if to_q;
    VmullP "vmull" "1111 0010 1D10 nnnn dddd 1110 N0M0 mmmm" [PMULL] if to_q;

    // Two registers and a scalar.
    VmlaElem "vmla" "1111 001q 1Dss nnnn dddd 0000 N1M0 mmmm" if element;
    VmlaElemF "vmla" "1111 001q 1D10 nnnn dddd 0001 N1M0 mmmm" if element;
    VmlsElem "vmls" "1111 001q 1Dss nnnn dddd 0100 N1M0 mmmm" if element;
    VmlsElemF "vmls" "1111 001q 1D10 nnnn dddd 0101 N1M0 mmmm" if element;
    VmulElem "vmul" "1111 001q 1Dss nnnn dddd 1000 N1M0 mmmm" if element;
    VmulElemF "vmul" "1111 001q 1D10 nnnn dddd 1001 N1M0 mmmm" if element;
    VqdmulhElem "vqdmulh" "1111 001q 1Dss nnnn dddd 1100 N1M0 mmmm" if element;
    VqrdmulhElem "vqrdmulh" "1111 001q 1Dss nnnn dddd 1101 N1M0 mmmm" if element;
    VqrdmlahElem "vqrdmlah" "1111 001q 1Dss nnnn dddd 1110 N1M0 mmmm" [RDM] if element;
    VqrdmlshElem "vqrdmlsh" "1111 001q 1Dss nnnn dddd 1111 N1M0 mmmm" [RDM] if element;
    VmlalSElem "vmlal" "1111 0010 1Dss nnnn dddd 0010 N1M0 mmmm" if middle_long;
    VmlalUElem "vmlal" "1111 0011 1Dss nnnn dddd 0010 N1M0 mmmm" if middle_long;
    VmlslSElem "vmlsl" "1111 0010 1Dss nnnn dddd 0110 N1M0 mmmm" if middle_long;
    VmlslUElem "vmlsl" "1111 0011 1Dss nnnn dddd 0110 N1M0 mmmm" if middle_long;
    VmullSElem "vmull" "1111 0010 1Dss nnnn dddd 1010 N1M0 mmmm" if middle_long;
    VmullUElem "vmull" "1111 0011 1Dss nnnn dddd 1010 N1M0 mmmm" if middle_long;
    VqdmlalElem "vqdmlal" "1111 0010 1Dss nnnn dddd 0011 N1M0 mmmm" if middle_long;
    VqdmlslElem "vqdmlsl" "1111 0010 1Dss nnnn dddd 0111 N1M0 mmmm" if middle_long;
    VqdmullElem "vqdmull" "1111 0010 1Dss nnnn dddd 1011 N1M0 mmmm" if middle_long;

    // A modified immediate.
    VorrImm "vorr" "1111 001i 1D00 0iii dddd 0xx1 0q01 iiii" if to_whole;
    VorrImm "vorr" "1111 001i 1D00 0iii dddd 10x1 0q01 iiii" if to_whole;
    VbicImm "vbic" "1111 001i 1D00 0iii dddd 0xx1 0q11 iiii" if to_whole;
    VbicImm "vbic" "1111 001i 1D00 0iii dddd 10x1 0q11 iiii" if to_whole;
    VmovImm "vmov" "1111 001i 1D00 0iii dddd xxxx 0q01 iiii" if to_whole;
    VmovImm "vmov" "1111 001i 1D00 0iii dddd 1110 0q11 iiii" if to_whole;
    VmvnImm "vmvn" "1111 001i 1D00 0iii dddd 0xx0 0q11 iiii" if to_whole;
    VmvnImm "vmvn" "1111 001i 1D00 0iii dddd 10x0 0q11 iiii" if to_whole;
    VmvnImm "vmvn" "1111 001i 1D00 0iii dddd 110x 0q11 iiii" if to_whole;

    // Shifts by an immediate, whose leading one gives the size. The rows above are those without one.
    VshrS "vshr" "1111 0010 1Dii iiii dddd 0000 LqM1 mmmm" if shift;
    VshrU "vshr" "1111 0011 1Dii iiii dddd 0000 LqM1 mmmm" if shift;
    VsraS "vsra" "1111 0010 1Dii iiii dddd 0001 LqM1 mmmm" if shift;
    VsraU "vsra" "1111 0011 1Dii iiii dddd 0001 LqM1 mmmm" if shift;
    VrshrS "vrshr" "1111 0010 1Dii iiii dddd 0010 LqM1 mmmm" if shift;
    VrshrU "vrshr" "1111 0011 1Dii iiii dddd 0010 LqM1 mmmm" if shift;
    VrsraS "vrsra" "1111 0010 1Dii iiii dddd 0011 LqM1 mmmm" if shift;
    VrsraU "vrsra" "1111 0011 1Dii iiii dddd 0011 LqM1 mmmm" if shift;
    Vsri "vsri" "1111 0011 1Dii iiii dddd 0100 LqM1 mmmm" if shift;
    VshlImm "vshl" "1111 0010 1Dii iiii dddd 0101 LqM1 mmmm" if shift;
    Vsli "vsli" "1111 0011 1Dii iiii dddd 0101 LqM1 mmmm" if shift;
    Vqshlu "vqshlu" "1111 0011 1Dii iiii dddd 0110 LqM1 mmmm" if shift;
    VqshlImmS "vqshl" "1111 0010 1Dii iiii dddd 0111 LqM1 mmmm" if shift;
    VqshlImmU "vqshl" "1111 0011 1Dii iiii dddd 0111 LqM1 mmmm" if shift;
    Vshrn "vshrn" "1111 0010 1Dii iiii dddd 1000 00M1 mmmm" if shift_narrow;
    Vrshrn "vrshrn" "1111 0010 1Dii iiii dddd 1000 01M1 mmmm" if shift_narrow;
    Vqshrun "vqshrun" "1111 0011 1Dii iiii dddd 1000 00M1 mmmm" if shift_narrow;
    Vqrshrun "vqrshrun" "1111 0011 1Dii iiii dddd 1000 01M1 mmmm" if shift_narrow;
    VqshrnS "vqshrn" "1111 0010 1Dii iiii dddd 1001 00M1 mmmm" if shift_narrow;
    VqshrnU "vqshrn" "1111 0011 1Dii iiii dddd 1001 00M1 mmmm" if shift_narrow;
    VqrshrnS "vqrshrn" "1111 0010 1Dii iiii dddd 1001 01M1 mmmm" if shift_narrow;
    VqrshrnU "vqrshrn" "1111 0011 1Dii iiii dddd 1001 01M1 mmmm" if shift_narrow;
    VshllS "vshll" "1111 0010 1Dii iiii dddd 1010 00M1 mmmm" if shift_widen;
    VshllU "vshll" "1111 0011 1Dii iiii dddd 1010 00M1 mmmm" if shift_widen;
    VcvtFromFixedS "vcvt" "1111 0010 1D1i iiii dddd 1110 0qM1 mmmm" if shift;
    VcvtFromFixedU "vcvt" "1111 0011 1D1i iiii dddd 1110 0qM1 mmmm" if shift;
    VcvtToFixedS "vcvt" "1111 0010 1D1i iiii dddd 1111 0qM1 mmmm" if shift;
    VcvtToFixedU "vcvt" "1111 0011 1D1i iiii dddd 1111 0qM1 mmmm" if shift;
}

/// log2 of the size of elements in bits `[21:20]`.
fn size(w: u32) -> u32 {
    bits(w, 21, 20)
}

/// Vd of a Q register is even.
fn d_even(w: u32) -> bool {
    !bit(w, 12)
}

/// Vn of a Q register is even.
fn n_even(w: u32) -> bool {
    !bit(w, 16)
}

/// Vm of a Q register is even.
fn m_even(w: u32) -> bool {
    !bit(w, 0)
}

/// D or Q registers.
fn whole(w: u32) -> bool {
    !is_q(w) || d_even(w) && n_even(w) && m_even(w)
}

/// D or Q registers but for Vm.
fn two_whole(w: u32) -> bool {
    !is_q(w) || d_even(w) && n_even(w)
}

/// Elements of 8 to 32 bits.
fn to_words(w: u32) -> bool {
    whole(w) && size(w) < 3
}

/// Elements of 16 or 32 bits.
fn middle(w: u32) -> bool {
    whole(w) && matches!(size(w), 1 | 2)
}

/// Two registers, D or Q.
fn two(w: u32) -> bool {
    !is_q(w) || two_q(w)
}

/// Two Q registers.
fn two_q(w: u32) -> bool {
    d_even(w) && m_even(w)
}

/// Two registers with elements that may be reversed, summed and so on within 64 bits.
fn two_to_words(w: u32) -> bool {
    two(w) && bits(w, 19, 18) < 3
}

/// Elements of a D register are interleaved if there are four at least; of two VTRN does it.
fn zips(w: u32) -> bool {
    two_to_words(w) && (is_q(w) || bits(w, 19, 18) < 2)
}

fn narrow(w: u32) -> bool {
    m_even(w) && bits(w, 19, 18) < 3
}

fn widen(w: u32) -> bool {
    d_even(w) && bits(w, 19, 18) < 3
}

fn ext(w: u32) -> bool {
    whole(w) && (is_q(w) || !bit(w, 11))
}

/// The table ends at D31 at most.
fn table(w: u32) -> bool {
    u32::from(super::fields::dn(w)) + bits(w, 9, 8) < 32
}

/// Some bit says the size of the element.
fn dup(w: u32) -> bool {
    bits(w, 18, 16) != 0 && to_whole(w)
}

fn to_whole(w: u32) -> bool {
    !is_q(w) || d_even(w)
}

fn to_q(w: u32) -> bool {
    d_even(w)
}

fn long(w: u32) -> bool {
    size(w) < 3 && d_even(w)
}

fn wide(w: u32) -> bool {
    long(w) && n_even(w)
}

fn high(w: u32) -> bool {
    size(w) < 3 && n_even(w) && m_even(w)
}

fn middle_long(w: u32) -> bool {
    matches!(size(w), 1 | 2) && d_even(w)
}

/// By element; here bit 24 says Q.
fn element(w: u32) -> bool {
    matches!(size(w), 1 | 2) && (!bit(w, 24) || d_even(w) && n_even(w))
}

/// L and the upper bits of the immediate have a one.
fn shift(w: u32) -> bool {
    (bit(w, 7) || bits(w, 21, 19) != 0) && two(w)
}

fn shift_narrow(w: u32) -> bool {
    bits(w, 21, 19) != 0 && m_even(w)
}

fn shift_widen(w: u32) -> bool {
    bits(w, 21, 19) != 0 && d_even(w)
}
