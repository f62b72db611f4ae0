//! How the `virt` board describes itself by ACPI (ACPI specification 6.5; Arm's Base Boot Requirements): tables in fw_cfg, for
//! UEFI firmware to put into memory.

mod dsdt;
mod linker;
mod tables;

use armlet_arm::cpu::CacheShape;
use armlet_devices::fw_cfg::{FileError, Items};
use armlet_hv::GicKind;

use crate::board::pci::Layout;
use linker::Linker;

/// Who made the tables.
const OEM: [u8; 6] = *b"ARMLET";
/// What they are of.
const OEM_TABLE: [u8; 8] = *b"VIRT    ";
const OEM_REVISION: u32 = 1;
/// The number of the package that all CPUs are in.
const PACKAGE_UID: u32 = 0;

/// What the description depends on.
#[derive(Clone, Debug)]
pub struct Description {
    /// Number of CPUs.
    pub cpus: usize,
    /// Level 1 data and instruction cache and level 2 cache of each, if they are known: with CPUs of the host's they are
    /// the host's business.
    pub caches: Option<[CacheShape; 3]>,
    /// Interrupt controller.
    pub gic: GicKind,
    /// A GICv3 has an ITS.
    pub its: bool,
    /// Virtio slots that have a device with registers.
    pub virtio: Vec<usize>,
    /// The windows of PCI, if there is a bridge.
    pub pci: Option<Layout>,
}

/// Adds the tables to fw_cfg, as files that firmware looks for.
///
/// # Errors
/// If there are such files.
pub fn add(items: &mut Items, d: &Description) -> Result<(), FileError> {
    let mut linker = Linker::default();
    let dsdt = linker.add(dsdt::dsdt(d));
    let fadt = linker.add(tables::fadt());
    linker.point(fadt + tables::FADT_X_DSDT, 8, dsdt);
    let mut all = vec![fadt];
    all.extend([tables::madt(d), tables::gtdt(), tables::spcr()].map(|table| linker.add(table)));
    all.extend(d.caches.map(|caches| linker.add(tables::pptt(d.cpus, caches))));
    all.extend(d.pci.as_ref().map(tables::mcfg).map(|table| linker.add(table)));
    let xsdt = linker.add(tables::xsdt(all.len()));
    for (index, table) in all.into_iter().enumerate() {
        linker.point(xsdt + tables::HEADER + 8 * index as u32, 8, table);
    }
    linker.finish(tables::rsdp(), tables::RSDP_XSDT, xsdt, items)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use armlet_hv::GuestMode;

    use super::*;

    fn descriptions() -> [Description; 3] {
        let d = Description {
            cpus: 3,
            caches: armlet_arm::cpu::model("max").map(|model| model.caches),
            gic: GicKind::V3,
            its: false,
            virtio: vec![0, 1, 31],
            pci: Some(Layout::new(GuestMode::A64El1, 40)),
        };
        let its = Description { its: true, pci: None, ..d.clone() };
        let v2 = Description { gic: GicKind::V2, cpus: 1, caches: None, virtio: vec![], ..d.clone() };
        [d, its, v2]
    }

    /// Every table, by its signature.
    fn tables(d: &Description) -> Vec<(&'static str, Vec<u8>)> {
        let mut all = vec![
            ("DSDT", dsdt::dsdt(d)),
            ("FACP", tables::fadt()),
            ("APIC", tables::madt(d)),
            ("GTDT", tables::gtdt()),
            ("SPCR", tables::spcr()),
        ];
        all.extend(d.caches.map(|caches| ("PPTT", tables::pptt(d.cpus, caches))));
        all.extend(d.pci.as_ref().map(|layout| ("MCFG", tables::mcfg(layout))));
        all
    }

    #[test]
    fn tables_have_their_length_and_checksum() {
        for (signature, table) in descriptions().iter().flat_map(tables) {
            assert_eq!(&table[..4], signature.as_bytes());
            assert_eq!(table[4..8], (table.len() as u32).to_le_bytes(), "{signature}");
            assert_eq!(table.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte)), 0, "{signature}");
        }
    }

    /// Intel's compiler takes every table apart and finds nothing wrong; what it made of the DSDT compiles.
    #[test]
    fn iasl_understands_the_tables() {
        if Command::new("iasl").arg("-v").output().is_err() {
            assert!(
                std::env::var_os("ARMLET_REQUIRE_ORACLES").is_none(),
                "iasl (acpica-tools) is not installed"
            );
            eprintln!("skipped: iasl is not installed");
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        for (n, (signature, table)) in descriptions().iter().flat_map(tables).enumerate() {
            let path = dir.path().join(format!("{n}-{signature}.dat"));
            std::fs::write(&path, table).unwrap();
            let run = |args: &[&str], path: &std::path::Path| {
                let out = Command::new("iasl").args(args).arg(path).output().unwrap();
                let all = [out.stdout, out.stderr].concat();
                let text = String::from_utf8_lossy(&all).into_owned();
                assert!(out.status.success(), "{signature}: {text}");
                text
            };
            run(&["-d"], &path);
            let source = path.with_extension("dsl");
            let text = std::fs::read_to_string(&source).unwrap();
            let wrong = ["Invalid", "Unknown", "**** ", "Error"];
            let found = wrong.iter().find(|word| text.contains(**word));
            assert!(found.is_none(), "{signature}: {found:?} in {text}");
            if signature == "DSDT" {
                let report = run(&["-p", dir.path().join("again").to_str().unwrap()], &source);
                assert!(report.contains("0 Errors"), "{report}");
            }
        }
    }
}
