//! What the host's CPU can do, as far as generated code uses it.

use armlet_x64::Level;

/// Features beyond a [`Level`] that lowerings ask for one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Host {
    /// Encoding and number of vector registers.
    pub level: Level,
    /// FMA; comes with [`Level::Avx2`].
    pub fma: bool,
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
    /// BMI1; comes with [`Level::Avx2`].
    pub bmi: bool,
}

impl Host {
    /// What this host can do, with vector instructions of `most` at most. `None` if it lacks what all generated
    /// code needs: SSE4.2, POPCNT and LZCNT.
    #[cfg(target_arch = "x86_64")]
    pub fn detect(most: Level) -> Option<Self> {
        use std::arch::is_x86_feature_detected as has;
        lacks(&features()).ok()?;
        let avx2 = has_avx2() && most >= Level::Avx2;
        let avx512 = avx2 && has_avx512() && most >= Level::Avx512;
        let level = match (avx512, avx2) {
            (true, _) => Level::Avx512,
            (_, true) => Level::Avx2,
            _ => Level::Sse,
        };
        Some(Self {
            level,
            fma: avx2,
            aes: has!("aes"),
            pclmul: has!("pclmulqdq"),
            sha: has!("sha"),
            // Not with the lowest level, so that tests meet a host without it.
            gfni: has!("gfni") && level >= Level::Avx2,
            vbmi: avx512 && has!("avx512vbmi"),
            bitalg: avx512 && has!("avx512bitalg"),
            cd: avx512 && has!("avx512cd"),
            f16c: avx2 && has!("f16c"),
            bmi: avx2,
        })
    }

    /// No code is generated for other hosts.
    #[cfg(not(target_arch = "x86_64"))]
    pub fn detect(_: Level) -> Option<Self> {
        None
    }
}

/// What [`Level::Avx2`] takes.
#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    use std::arch::is_x86_feature_detected as has;
    has!("avx2") && has!("fma") && has!("bmi1") && has!("bmi2")
}

/// What [`Level::Avx512`] takes besides.
#[cfg(target_arch = "x86_64")]
fn has_avx512() -> bool {
    use std::arch::is_x86_feature_detected as has;
    has!("avx512f") && has!("avx512vl") && has!("avx512bw") && has!("avx512dq")
}

/// Something a host's CPU may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostFeature {
    /// Its name.
    pub name: &'static str,
    /// The host has it.
    pub found: bool,
    /// The JIT can't do without.
    pub needed: bool,
    /// What it costs to be without.
    pub cost: &'static str,
}

#[cfg(target_arch = "x86_64")]
const NO_JIT: &str = "no JIT: the interpreter runs the guest, several times slower";

/// What the host's CPU has; nothing where there is no JIT for it.
#[cfg(target_arch = "x86_64")]
pub fn features() -> Vec<HostFeature> {
    use std::arch::is_x86_feature_detected as has;
    let feature = |name, found, needed, cost| HostFeature { name, found, needed, cost };
    vec![
        feature("SSE4.2", has!("sse4.2"), true, NO_JIT),
        feature("POPCNT", has!("popcnt"), true, NO_JIT),
        feature("LZCNT", has!("lzcnt"), true, NO_JIT),
        feature("AES", has!("aes"), false, "AES instructions are done in software"),
        feature("SHA", has!("sha"), false, "SHA instructions are done in software"),
        feature(
            "AVX2+FMA+BMI",
            has_avx2(),
            false,
            "vector code needs more instructions, and fused multiply-add is done in software",
        ),
        feature(
            "AVX-512",
            has_avx512(),
            false,
            "fewer vector registers, and no one-instruction forms of some vector operations",
        ),
    ]
}

/// What the host's CPU has; nothing where there is no JIT for it.
#[cfg(not(target_arch = "x86_64"))]
pub fn features() -> Vec<HostFeature> {
    Vec::new()
}

/// Whether the JIT can run here; the fact found if not.
pub fn check() -> Result<(), String> {
    if !crate::Code::HAS_JIT {
        let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
        return Err(format!(
            "there is one for Linux and Windows on x86-64, and this host runs {os} on {arch}"
        ));
    }
    lacks(&features())?;
    let mapped = map_code();
    mapped.map_err(|error| format!("the host doesn't let memory be mapped for execution ({error})"))
}

#[cfg(jit)]
fn map_code() -> std::io::Result<()> {
    super::memory::CodeMemory::new(4096).map(drop)
}

#[cfg(not(jit))]
fn map_code() -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

fn lacks(features: &[HostFeature]) -> Result<(), String> {
    match features.iter().find(|feature| feature.needed && !feature.found) {
        Some(feature) => Err(format!("it needs a CPU with {}, which this host's is not", feature.name)),
        None => Ok(()),
    }
}

/// What code is made for.
pub const TARGET: &str = "x86-64";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_is_asked_for() {
        let feature = |name, found, needed| HostFeature { name, found, needed, cost: "" };
        assert_eq!(lacks(&[feature("A", true, true), feature("B", false, false)]), Ok(()));
        let why = lacks(&[feature("A", true, true), feature("LZCNT", false, true)]).unwrap_err();
        assert!(why.contains("LZCNT"), "{why}");
    }
}
