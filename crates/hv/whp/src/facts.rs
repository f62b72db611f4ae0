//! What the platform tells of itself and of its guests, for reports from hosts that nobody has seen.

use armlet_base::{GuestRam, RamKind, RamRegion};
use armlet_hv::HvError;

use crate::abi::hresult::HResult;
use crate::abi::register::IDENTIFICATION;
use crate::abi::{ANY_VP, Value, capability};
use crate::partition::{Partition, capability as ask, capability_over};
use crate::table::Table;
use crate::vm::controller;
use crate::with_cause;

/// Capabilities by name.
const NUMBERS: &[(&str, u32)] = &[
    ("features", capability::FEATURES),
    ("extended exits", capability::EXTENDED_VM_EXITS),
    ("physical address width", capability::PHYSICAL_ADDRESS_WIDTH),
    ("LPI INTID bits", capability::GIC_LPI_INT_ID_BITS),
    ("longest SVE vector", capability::MAX_SVE_VECTOR_LENGTH),
];

/// Capabilities that are banks of bits. The word before them is their number, which has to be told.
const SETS: &[(&str, u32, u64)] = &[
    ("processor features", capability::PROCESSOR_FEATURES_BANKS, 2),
    ("synthetic features", capability::SYNTHETIC_PROCESSOR_FEATURES_BANKS, 1),
];

/// All of it, a line each.
pub fn all(table: &Table) -> Vec<String> {
    let number = |(name, code): &(&str, u32)| {
        let value = told(ask::<u64>(table, *code), |value| format!("{value:#x}"));
        format!("{name}: {value}")
    };
    let set = |(name, code, count): &(&str, u32, u64)| {
        let value = match count {
            1 => told(capability_over(table, *code, [1u64, 0]), |[_, bank]| format!("{bank:#x}")),
            _ => told(capability_over(table, *code, [2u64, 0, 0]), |[_, one, two]| {
                format!("{one:#x} {two:#x}")
            }),
        };
        format!("{name}: {value}")
    };
    let mut facts: Vec<_> = NUMBERS.iter().map(number).chain(SETS.iter().map(set)).collect();
    match identification(table) {
        Ok(registers) => facts.extend(registers),
        Err(error) => facts.push(format!("a partition to look at: {}", with_cause(&error))),
    }
    facts
}

/// A capability in words.
fn told<T>(value: Result<Option<T>, HvError>, text: impl Fn(T) -> String) -> String {
    match value {
        Ok(Some(value)) => text(value),
        Ok(None) => "not known to this build".to_owned(),
        Err(error) => with_cause(&error),
    }
}

/// The identification registers that guests see, asked of a partition with one VP and a page of memory.
fn identification(table: &Table) -> Result<Vec<String>, HvError> {
    let region = RamRegion { gpa: 0x4000_0000, len: 0x1000, kind: RamKind::ReadWrite };
    let ram = GuestRam::new(&[region]).map_err(|error| crate::error::unsupported(error.to_string()))?;
    let partition = Partition::create(*table, ram.into(), 1)?;
    controller(&partition, 1, None)?;
    partition.setup()?;
    let line = |(name, register): &(&str, _)| {
        let mut value = [Value::default()];
        match partition.try_get(ANY_VP, &[*register], &mut value) {
            Ok(()) => Some(format!("{name}: {:#x}", value[0].low)),
            Err(HResult::WHV_E_INVALID_VP_REGISTER_NAME) => None,
            Err(error) => Some(format!("{name}: {error}")),
        }
    };
    Ok(IDENTIFICATION.iter().filter_map(line).collect())
}
