//! What the JIT needs of the host, and what it makes use of.

use super::memory::CodeMemory;

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

const NO_JIT: &str = "no JIT: the interpreter runs the guest, several times slower";

/// What the host's CPU has; nothing where there is no JIT for it.
#[cfg(target_arch = "x86_64")]
pub fn features() -> Vec<HostFeature> {
    macro_rules! found {
        ($($feature:tt),*) => { $(is_x86_feature_detected!($feature))&&* };
    }
    let feature = |name, found, needed, cost| HostFeature { name, found, needed, cost };
    vec![
        feature("SSE4.2", found!("sse4.2"), true, NO_JIT),
        feature("POPCNT", found!("popcnt"), true, NO_JIT),
        feature("LZCNT", found!("lzcnt"), false, "counting leading bits takes more instructions"),
        feature("AES", found!("aes"), false, "AES instructions are done in software"),
        feature("SHA", found!("sha"), false, "SHA instructions are done in software"),
        feature(
            "AVX2+FMA+BMI",
            found!("avx2", "fma", "bmi1", "bmi2"),
            false,
            "vector code needs more instructions, and fused multiply-add is done in software",
        ),
        feature(
            "AVX-512",
            found!("avx512f", "avx512vl", "avx512bw", "avx512dq"),
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
        return Err(format!("there is one for Linux on x86-64, and this host runs {os} on {arch}"));
    }
    lacks(&features())?;
    match CodeMemory::new(4096) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("the host doesn't let memory be mapped for execution ({error})")),
    }
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
