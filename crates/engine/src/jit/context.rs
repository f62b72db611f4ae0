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
