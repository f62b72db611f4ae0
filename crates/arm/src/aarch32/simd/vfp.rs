//! Floating-point data processing and moves between core and extension registers (Arm ARM F4.1.20 to F4.1.22).
//!
//! Bit 8 of `z` fields says doubles. Rows that end in `Int` or `Fixed` convert with integers and fixed point.

use super::fields::{is_double, scalar};
use crate::a64::fields::{bit, bits};
use crate::a64::table::decode_table;

decode_table! {
    @by super::fields::BUCKETS;

    /// Floating-point instructions, and moves between core and extension registers.
    VfpOp {
        // Three registers.
        Vmla, Vmls, Vnmls, Vnmla, Vmul, Vnmul, Vadd, Vsub, Vdiv, Vfnms, Vfnma, Vfma, Vfms,
        Vsel, Vmaxnm, Vminnm,
        // Two registers, or an immediate.
        VmovImm, Vmov, Vabs, Vneg, Vsqrt, VcvtFromHalf, VcvtToHalf, Vcmp, Vcmpe, VcmpZero, VcmpeZero,
        Vrintr, Vrintz, Vrintx, Vrinta, Vrintn, Vrintp, Vrintm, VcvtFormat,
        VcvtFromInt, VcvtToInt, Vcvtr, VcvtFromFixed, VcvtToFixed, Vcvta, Vcvtn, Vcvtp, Vcvtm, Vjcvt,
        // Moves.
        VmovFromCore, VmovToCore, VmovTwoSingles, VmovDouble, VmovToScalar, VmovFromScalar, VdupCore, Vmrs, Vmsr,
    }

    // Unconditional.
    Vsel "vsel" "1111 1110 0Dcc nnnn dddd 101z N0M0 mmmm" [V8];
    Vmaxnm "vmaxnm" "1111 1110 1D00 nnnn dddd 101z N0M0 mmmm" [V8];
    Vminnm "vminnm" "1111 1110 1D00 nnnn dddd 101z N1M0 mmmm" [V8];
    Vrinta "vrinta" "1111 1110 1D11 1000 dddd 101z 01M0 mmmm" [V8];
    Vrintn "vrintn" "1111 1110 1D11 1001 dddd 101z 01M0 mmmm" [V8];
    Vrintp "vrintp" "1111 1110 1D11 1010 dddd 101z 01M0 mmmm" [V8];
    Vrintm "vrintm" "1111 1110 1D11 1011 dddd 101z 01M0 mmmm" [V8];
    Vcvta "vcvta" "1111 1110 1D11 1100 dddd 101z s1M0 mmmm" [V8];
    Vcvtn "vcvtn" "1111 1110 1D11 1101 dddd 101z s1M0 mmmm" [V8];
    Vcvtp "vcvtp" "1111 1110 1D11 1110 dddd 101z s1M0 mmmm" [V8];
    Vcvtm "vcvtm" "1111 1110 1D11 1111 dddd 101z s1M0 mmmm" [V8];

    // Three registers.
    Vmla "vmla" "cccc 1110 0D00 nnnn dddd 101z N0M0 mmmm" if conditional;
    Vmls "vmls" "cccc 1110 0D00 nnnn dddd 101z N1M0 mmmm" if conditional;
    Vnmls "vnmls" "cccc 1110 0D01 nnnn dddd 101z N0M0 mmmm" if conditional;
    Vnmla "vnmla" "cccc 1110 0D01 nnnn dddd 101z N1M0 mmmm" if conditional;
    Vmul "vmul" "cccc 1110 0D10 nnnn dddd 101z N0M0 mmmm" if conditional;
    Vnmul "vnmul" "cccc 1110 0D10 nnnn dddd 101z N1M0 mmmm" if conditional;
    Vadd "vadd" "cccc 1110 0D11 nnnn dddd 101z N0M0 mmmm" if conditional;
    Vsub "vsub" "cccc 1110 0D11 nnnn dddd 101z N1M0 mmmm" if conditional;
    Vdiv "vdiv" "cccc 1110 1D00 nnnn dddd 101z N0M0 mmmm" if conditional;
    Vfnms "vfnms" "cccc 1110 1D01 nnnn dddd 101z N0M0 mmmm" if conditional;
    Vfnma "vfnma" "cccc 1110 1D01 nnnn dddd 101z N1M0 mmmm" if conditional;
    Vfma "vfma" "cccc 1110 1D10 nnnn dddd 101z N0M0 mmmm" if conditional;
    Vfms "vfms" "cccc 1110 1D10 nnnn dddd 101z N1M0 mmmm" if conditional;

    // Two registers.
    VmovImm "vmov" "cccc 1110 1D11 iiii dddd 101z 0000 iiii" if conditional;
    Vmov "vmov" "cccc 1110 1D11 0000 dddd 101z 01M0 mmmm" if conditional;
    Vabs "vabs" "cccc 1110 1D11 0000 dddd 101z 11M0 mmmm" if conditional;
    Vneg "vneg" "cccc 1110 1D11 0001 dddd 101z 01M0 mmmm" if conditional;
    Vsqrt "vsqrt" "cccc 1110 1D11 0001 dddd 101z 11M0 mmmm" if conditional;
    VcvtFromHalf "vcvtb" "cccc 1110 1D11 0010 dddd 1010 01M0 mmmm" if conditional;
    VcvtFromHalf "vcvtb" "cccc 1110 1D11 0010 dddd 1010 11M0 mmmm" if conditional;
    VcvtFromHalf "vcvtb" "cccc 1110 1D11 0010 dddd 1011 01M0 mmmm" [V8] if conditional;
    VcvtFromHalf "vcvtb" "cccc 1110 1D11 0010 dddd 1011 11M0 mmmm" [V8] if conditional;
    VcvtToHalf "vcvtb" "cccc 1110 1D11 0011 dddd 1010 01M0 mmmm" if conditional;
    VcvtToHalf "vcvtb" "cccc 1110 1D11 0011 dddd 1010 11M0 mmmm" if conditional;
    VcvtToHalf "vcvtb" "cccc 1110 1D11 0011 dddd 1011 01M0 mmmm" [V8] if conditional;
    VcvtToHalf "vcvtb" "cccc 1110 1D11 0011 dddd 1011 11M0 mmmm" [V8] if conditional;
    Vcmp "vcmp" "cccc 1110 1D11 0100 dddd 101z 01M0 mmmm" if conditional;
    Vcmpe "vcmpe" "cccc 1110 1D11 0100 dddd 101z 11M0 mmmm" if conditional;
    VcmpZero "vcmp" "cccc 1110 1D11 0101 dddd 101z 0100 0000" if conditional;
    VcmpeZero "vcmpe" "cccc 1110 1D11 0101 dddd 101z 1100 0000" if conditional;
    Vrintr "vrintr" "cccc 1110 1D11 0110 dddd 101z 01M0 mmmm" [V8] if conditional;
    Vrintz "vrintz" "cccc 1110 1D11 0110 dddd 101z 11M0 mmmm" [V8] if conditional;
    Vrintx "vrintx" "cccc 1110 1D11 0111 dddd 101z 01M0 mmmm" [V8] if conditional;
    VcvtFormat "vcvt" "cccc 1110 1D11 0111 dddd 101z 11M0 mmmm" if conditional;
    VcvtFromInt "vcvt" "cccc 1110 1D11 1000 dddd 101z s1M0 mmmm" if conditional;
    Vjcvt "vjcvt" "cccc 1110 1D11 1001 dddd 1011 11M0 mmmm" [JSCVT] if conditional;
    VcvtFromFixed "vcvt" "cccc 1110 1D11 101u dddd 101z w1i0 iiii" if fixed;
    Vcvtr "vcvtr" "cccc 1110 1D11 110s dddd 101z 01M0 mmmm" if conditional;
    VcvtToInt "vcvt" "cccc 1110 1D11 110s dddd 101z 11M0 mmmm" if conditional;
    VcvtToFixed "vcvt" "cccc 1110 1D11 111u dddd 101z w1i0 iiii" if fixed;

    // Moves of 32 bits.
    VmovFromCore "vmov" "cccc 1110 0000 nnnn tttt 1010 N001 0000" if core;
    VmovToCore "vmov" "cccc 1110 0001 nnnn tttt 1010 N001 0000" if core;
    Vmsr "vmsr" "cccc 1110 1110 rrrr tttt 1010 0001 0000" if register;
    Vmrs "vmrs" "cccc 1110 1111 rrrr tttt 1010 0001 0000" if register;
    VmovToScalar "vmov" "cccc 1110 0oo0 dddd tttt 1011 Doo1 0000" if to_scalar;
    VmovFromScalar "vmov" "cccc 1110 uoo1 nnnn tttt 1011 Noo1 0000" if from_scalar;
    VdupCore "vdup" "cccc 1110 1bq0 dddd tttt 1011 D0e1 0000" if dup;

    // Moves of 64 bits.
    VmovTwoSingles "vmov" "cccc 1100 010o uuuu tttt 1010 00M1 mmmm" if two_singles;
    VmovDouble "vmov" "cccc 1100 010o uuuu tttt 1011 00M1 mmmm" if double;
}

/// The condition field is one.
fn conditional(w: u32) -> bool {
    w >> 28 != 15
}

/// The number of fraction bits is not negative.
fn fixed(w: u32) -> bool {
    let fraction = bits(w, 3, 0) << 1 | bits(w, 5, 5);
    conditional(w) && (bit(w, 7) || fraction <= 16)
}

/// Rt is not PC.
fn core(w: u32) -> bool {
    conditional(w) && bits(w, 15, 12) != 15
}

/// VMRS and VMSR of what is there; Rt 15 is APSR_nzcv for VMRS of FPSCR.
fn register(w: u32) -> bool {
    let (read, reg) = (bit(w, 20), bits(w, 19, 16));
    let there = match reg {
        0 | 1 | 8 => true,
        5..=7 => read,
        _ => false,
    };
    there && (core(w) || conditional(w) && read && reg == 1)
}

fn to_scalar(w: u32) -> bool {
    core(w) && scalar(w).is_some()
}

/// Words are not extended.
fn from_scalar(w: u32) -> bool {
    let unsigned = bit(w, 23);
    core(w) && scalar(w).is_some_and(|(size, _)| size < 2 || !unsigned)
}

fn dup(w: u32) -> bool {
    core(w) && !(bit(w, 22) && bit(w, 5)) && !(bit(w, 21) && bit(w, 16))
}

fn double(w: u32) -> bool {
    let (t, t2) = (bits(w, 15, 12), bits(w, 19, 16));
    conditional(w) && t != 15 && t2 != 15 && !(bit(w, 20) && t == t2)
}

/// S31 has no successor.
fn two_singles(w: u32) -> bool {
    double(w) && !(bit(w, 5) && bits(w, 3, 0) == 15)
}

/// Log2 of the size in bytes of an operation's format.
pub fn size(w: u32) -> u8 {
    if is_double(w) { 3 } else { 2 }
}
