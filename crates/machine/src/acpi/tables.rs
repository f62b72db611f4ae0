//! The tables of fixed form (ACPI specification 6.5, chapter 5, and Microsoft's specification of the SPCR).

use acpi_tables::Aml;
use acpi_tables::fadt::{FADTBuilder, Flags, PmProfile};
use acpi_tables::madt::{
    EnabledStatus, GicIts, GicMsi, GicVersion, Gicc, Gicd, Gicr, LocalInterruptController, MADT, Trigger,
};
use acpi_tables::mcfg::MCFG;
use acpi_tables::pptt::{
    AllocationType, CacheNode, CacheNodeBuilder, CacheType, PPTT, ProcessorNode, WritePolicy,
};
use acpi_tables::rsdp::Rsdp;
use acpi_tables::sdt::Sdt;
use armlet_arm::cpu::CacheShape;
use armlet_arm::gic::ppi;
use armlet_hv::GicKind;

use super::{Description, OEM, OEM_REVISION, OEM_TABLE, PACKAGE_UID};
use crate::board::pci::Layout;
use crate::board::virt::map;
use crate::topology;

/// Bytes of a table's header.
pub const HEADER: u32 = 36;
/// Offset of its checksum.
pub const CHECKSUM: u32 = 9;
/// Offset of its revision.
const REVISION: usize = 8;
/// Offset of the DSDT's address in the FADT.
pub const FADT_X_DSDT: u32 = 140;
/// Offset of the XSDT's address in the RSDP.
pub const RSDP_XSDT: u32 = 24;
/// Bytes of the RSDP that its first checksum covers.
pub const RSDP_FIRST_PART: u32 = 20;

/// FADT, ARM_BOOT_ARCH: PSCI is there, by HVC.
const PSCI_BY_HVC: u16 = 1 << 0 | 1 << 1;

fn bytes(table: &dyn Aml) -> Vec<u8> {
    let mut bytes = Vec::new();
    table.to_aml_bytes(&mut bytes);
    bytes
}

/// The Fixed ACPI Description Table: no fixed hardware.
pub fn fadt() -> Vec<u8> {
    let mut fadt = FADTBuilder::new(OEM, OEM_TABLE, OEM_REVISION)
        .flag(Flags::HwReducedAcpi)
        .preferred_pm_profile(PmProfile::EnterpriseServer);
    fadt.arm_boot_arch = PSCI_BY_HVC.into();
    fadt.hypervisor_vendor_identity = u64::from_le_bytes(*b"ARMLET\0\0").into();
    bytes(&fadt.finalize())
}

/// The Multiple APIC Description Table: the interrupt controller.
pub fn madt(d: &Description) -> Vec<u8> {
    let mut madt = MADT::new(OEM, OEM_TABLE, OEM_REVISION, LocalInterruptController::Address(0));
    let version = match d.gic {
        GicKind::V2 => GicVersion::GICv2,
        GicKind::V3 => GicVersion::GICv3,
    };
    madt.add_structure(Gicd::new(0, map::GICD, version));
    for cpu in 0..d.cpus {
        let gicc = Gicc::new(EnabledStatus::Enabled)
            .cpu_interface_number(cpu as u32)
            .acpi_processor_uid(cpu as u32)
            .mpidr(topology::affinity(cpu))
            .performance_interrupt(ppi::PMU, Trigger::Level);
        madt.add_structure(match d.gic {
            GicKind::V2 => gicc.base_address(map::GICC),
            GicKind::V3 => gicc,
        });
    }
    if d.gic == GicKind::V3 {
        madt.add_structure(Gicr::new(map::GICR, map::gicr_len(d.cpus) as u32));
    }
    if d.gic == GicKind::V3 && d.its {
        madt.add_structure(GicIts::new(0, map::ITS));
    } else {
        let intids = map::V2M_INTIDS;
        let frame = GicMsi::new().gic_msi_frame_id(0).base_addr(map::V2M);
        madt.add_structure(frame.spi_count_and_base(intids.len() as u16, intids.start as u16));
    }
    // The library says 1, which is older than any GIC.
    with_revision(bytes(&madt), 6)
}

fn with_revision(mut table: Vec<u8>, revision: u8) -> Vec<u8> {
    let old = std::mem::replace(&mut table[REVISION], revision);
    let sum = &mut table[CHECKSUM as usize];
    *sum = sum.wrapping_add(old).wrapping_sub(revision);
    table
}

/// The Generic Timer Description Table: private interrupts by level, active high.
pub fn gtdt() -> Vec<u8> {
    const LEN: u32 = 104;
    /// The timer goes on while its CPU sleeps.
    const ALWAYS_ON: u32 = 1 << 2;
    /// No memory-mapped timer.
    const NONE: u64 = u64::MAX;
    let mut table = Sdt::new(*b"GTDT", LEN, 3, OEM, OEM_TABLE, OEM_REVISION);
    table.write_u64(36, NONE);
    let timers = [ppi::SECURE_TIMER, ppi::PHYSICAL_TIMER, ppi::VIRTUAL_TIMER, ppi::HYP_TIMER];
    for (at, intid) in (48..).step_by(8).zip(timers) {
        table.write_u32(at, intid);
        table.write_u32(at + 4, ALWAYS_ON);
    }
    table.write_u64(80, NONE);
    table.update_checksum();
    table.as_slice().to_vec()
}

/// The Serial Port Console Redirection table: the UART is the console.
pub fn spcr() -> Vec<u8> {
    let mut table = Sdt::new(*b"SPCR", 80, 2, OEM, OEM_TABLE, OEM_REVISION);
    // Arm's PL011; in memory space, 32 bits wide, by words.
    table.write_u8(36, 3);
    table.write_bytes(40, &[0, 32, 0, 3]);
    table.write_u64(44, map::UART);
    // A GIC's interrupt.
    table.write_u8(52, 1 << 3);
    table.write_u32(54, map::UART_INTID);
    // 115200 baud, no parity, one stop bit, no flow control, ANSI terminal.
    table.write_bytes(58, &[7, 0, 1, 0, 3]);
    // No PCI device.
    table.write_u32(64, u32::MAX);
    table.update_checksum();
    table.as_slice().to_vec()
}

/// The table of PCI's configuration space.
pub fn mcfg(layout: &Layout) -> Vec<u8> {
    let mut mcfg = MCFG::new(OEM, OEM_TABLE, OEM_REVISION);
    mcfg.add_ecam(layout.ecam.start, 0, 0, (layout.buses() - 1) as u8);
    bytes(&mcfg)
}

/// The Processor Properties Topology Table: one package, and in it CPUs with caches of their own, as MPIDR_EL1 and CLIDR_EL1
/// have it.
pub fn pptt(cpus: usize, [data, instruction, unified]: [CacheShape; 3]) -> Vec<u8> {
    let mut pptt = PPTT::new(OEM, OEM_TABLE, OEM_REVISION);
    let package = pptt.add_processor(ProcessorNode::new(None, PACKAGE_UID).physical().valid().identical());
    for cpu in 0..cpus {
        // Numbers of caches, which are not 0.
        let [first, second, third] = [1, 2, 3].map(|nth| (3 * cpu + nth) as u32);
        let level2 = pptt.add_cache(cache(unified, CacheType::Unified).id(first).to_node());
        let level1 =
            |shape, kind, id| -> CacheNode { cache(shape, kind).next_level(&level2).id(id).to_node() };
        let data = pptt.add_cache(level1(data, CacheType::Data, second));
        let instruction = pptt.add_cache(level1(instruction, CacheType::Instruction, third));
        let node = ProcessorNode::new(Some(&package), cpu as u32).valid().leaf();
        pptt.add_processor(node.add_cache(&data).add_cache(&instruction));
    }
    bytes(&pptt)
}

/// A cache with lines of 64 bytes.
fn cache(shape: CacheShape, kind: CacheType) -> CacheNodeBuilder {
    const LINE: u16 = 64;
    let size = shape.sets * shape.ways * u32::from(LINE);
    let cache = CacheNodeBuilder::default().size(size).sets(shape.sets).associativity(shape.ways as u8);
    cache
        .allocation_type(AllocationType::Both)
        .cache_type(kind)
        .write_policy(WritePolicy::Writeback)
        .line_size(LINE)
}

/// The Extended System Description Table, with room for the addresses of so many.
pub fn xsdt(tables: usize) -> Vec<u8> {
    Sdt::new(*b"XSDT", HEADER + 8 * tables as u32, 1, OEM, OEM_TABLE, OEM_REVISION).as_slice().to_vec()
}

/// The Root System Description Pointer without the address of the XSDT, its checksums at zero.
pub fn rsdp() -> Vec<u8> {
    let mut rsdp = bytes(&Rsdp::new(OEM, 0));
    (rsdp[8], rsdp[32]) = (0, 0);
    rsdp
}
