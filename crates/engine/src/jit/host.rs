//! What the host's CPU can do, as far as generated code uses it.

use armlet_x64::Level;

/// Features beyond a [`Level`] that lowerings ask for one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Host {
    /// Encoding and number of vector registers.
    pub level: Level,
    /// FMA; comes with [`Level::Avx2`].
    pub fma: bool,
    /// LZCNT.
    pub lzcnt: bool,
    /// AES-NI.
    pub aes: bool,
    /// PCLMULQDQ.
    pub pclmul: bool,
    /// SHA-NI.
    pub sha: bool,
    /// GFNI.
    pub gfni: bool,
    /// AVX512_VBMI.
    pub vbmi: bool,
    /// AVX512_BITALG.
    pub bitalg: bool,
    /// AVX512CD.
    pub cd: bool,
    /// F16C.
    pub f16c: bool,
}

impl Host {
    /// What this host can do, with vector instructions of `most` at most. `None` if it lacks what all generated
    /// code needs: SSE4.2 and POPCNT.
    #[cfg(target_arch = "x86_64")]
    pub fn detect(most: Level) -> Option<Self> {
        use std::arch::is_x86_feature_detected as has;
        if !has!("sse4.2") || !has!("popcnt") {
            return None;
        }
        let avx2 = has!("avx2") && has!("fma") && has!("bmi1") && has!("bmi2") && most >= Level::Avx2;
        let avx512 = avx2
            && has!("avx512f")
            && has!("avx512vl")
            && has!("avx512bw")
            && has!("avx512dq")
            && most >= Level::Avx512;
        let level = match (avx512, avx2) {
            (true, _) => Level::Avx512,
            (_, true) => Level::Avx2,
            _ => Level::Sse,
        };
        Some(Self {
            level,
            fma: avx2,
            lzcnt: has!("lzcnt"),
            aes: has!("aes"),
            pclmul: has!("pclmulqdq"),
            sha: has!("sha"),
            gfni: has!("gfni"),
            vbmi: avx512 && has!("avx512vbmi"),
            bitalg: avx512 && has!("avx512bitalg"),
            cd: avx512 && has!("avx512cd"),
            f16c: avx2 && has!("f16c"),
        })
    }

    /// No code is generated for other hosts.
    #[cfg(not(target_arch = "x86_64"))]
    pub fn detect(_: Level) -> Option<Self> {
        None
    }
}
