//! What generated code keeps in memory besides the registers of [`crate::Cpu`].

/// N, Z, C and V as generated code stores them: bits 15, 14, 8 and 0 of a word, which LAHF and SETO make.
/// Other bits of the upper byte mean nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct RawFlags(pub u32);

impl RawFlags {
    /// From NZCV in bits `[31:28]`.
    pub fn from_nzcv(nzcv: u32) -> Self {
        Self(nzcv >> 16 & 0xc000 | nzcv >> 21 & 0x100 | nzcv >> 28 & 1)
    }

    /// NZCV in bits `[31:28]`.
    pub fn nzcv(self) -> u32 {
        // N and Z move up by 16, C by 21, V by 28; what else the product has in the top bits is nothing.
        (self.0 & 0xc101).wrapping_mul(1 << 16 | 1 << 21 | 1 << 28) & 0xf000_0000
    }
}

/// State shared with generated code.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context {
    /// Virtual address of the page that the running code is in.
    pub page: u64,
    /// Instructions that may still run before the PE looks up; below zero when it must.
    pub budget: i32,
    /// The flags.
    pub flags: RawFlags,
    /// Address of the word of signals of the PE's port.
    pub signals: u64,
    /// What of the vector state is in host registers: [`Context::VECTORS`], [`Context::FLOAT`], [`Context::AARCH32`].
    pub resident: u32,
    /// Not zero if floating point is left to the interpreter: FPCR asks for what the host does otherwise.
    pub slow_float: u32,
    /// MXCSR for the guest's floating point, no exception flag set.
    pub mxcsr: u32,
    /// Exception flags of MXCSR that FPSR lacks.
    pub sticky: u32,
    /// MXCSR as Rust expects it, and room to store it.
    pub rust_mxcsr: [u32; 2],
}

impl Context {
    /// Mapped vector registers are in host registers, and MXCSR is the guest's.
    pub const VECTORS: u32 = 1;
    /// The host's floating point does what FPCR asks for.
    pub const FLOAT: u32 = 2;
    /// They are mapped as in AArch32 state.
    pub const AARCH32: u32 = 4;

    /// Prepares for FPCR. Rounding modes are those of the host; NaNs are looked at one by one, whatever DN says; flushed
    /// denormals raise other flags on the host, which has no alternative halves either. In AArch32 state the code is such
    /// that denormals don't matter; there AdvSIMD rounds to nearest whatever FPSCR says.
    pub fn set_fpcr(&mut self, fpcr: u32, aarch32: bool) {
        const FZ: u32 = 1 << 24;
        const RMODE: u32 = 3 << 22;
        const AHP: u32 = 1 << 26;
        const MASKS: u32 = 0x1f80;
        // To nearest, up, down, to zero, in the host's order.
        let rounding = [0, 2, 1, 3][(fpcr >> 22 & 3) as usize];
        self.mxcsr = MASKS | rounding << 13;
        self.slow_float = fpcr & if aarch32 { RMODE | AHP } else { FZ | AHP };
        self.rust_mxcsr[0] = MASKS;
    }

    /// The exceptions noted since this was last asked, as FPSR has them.
    pub fn take_exceptions(&mut self) -> u32 {
        let sticky = std::mem::take(&mut self.sticky);
        // Invalid; the host's denormal flag is nothing here; division by zero, overflow, underflow, inexact.
        sticky & 1 | (sticky >> 2 & 0xf) << 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_survive_both_ways() {
        for n in 0..16 {
            let nzcv = n << 28;
            let raw = RawFlags::from_nzcv(nzcv);
            assert_eq!(raw.nzcv(), nzcv);
            assert_eq!(RawFlags(raw.0 | 0x3e00).nzcv(), nzcv);
        }
    }
}
