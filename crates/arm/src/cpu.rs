//! CPU models: what `--cpu` names, with their features and identification registers.

use crate::feature::{Feature, FeatureSet};

/// A CPU model.
#[derive(Debug)]
pub struct CpuModel {
    /// Name as `--cpu` takes it.
    pub name: &'static str,
    /// One line for people.
    pub description: &'static str,
    /// Optional features it has.
    pub features: FeatureSet,
    /// MIDR_EL1.
    pub midr: u64,
    /// Frequency of the generic timer in Hz, CNTFRQ_EL0.
    pub counter_hz: u64,
    /// log2 of the DC ZVA block size in words of 4 bytes, DCZID_EL0.BS.
    pub dczid_bs: u8,
}

/// All models; the first is the default.
pub static MODELS: &[CpuModel] = &[CpuModel {
    name: "max",
    description: "every feature armlet implements",
    features: FeatureSet::of(Feature::ALL),
    midr: 0x000f_0510,
    counter_hz: 1_000_000_000,
    dczid_bs: 9,
}];

/// The model of this name.
pub fn model(name: &str) -> Option<&'static CpuModel> {
    MODELS.iter().find(|model| model.name == name)
}
