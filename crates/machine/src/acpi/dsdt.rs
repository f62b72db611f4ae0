//! The Differentiated System Description Table: devices and what they have, in AML (ACPI specification 6.5, chapters 6, 19
//! and 20; Arm's identifiers are in DEN0093).

use acpi_tables::Aml;
use acpi_tables::aml::*;
use acpi_tables::sdt::Sdt;

use super::{Description, OEM, OEM_REVISION, OEM_TABLE, PACKAGE_UID};
use crate::board::pci::{self, Layout};
use crate::board::virt::{BUTTON_LINE, map};

/// The table.
pub fn dsdt(d: &Description) -> Vec<u8> {
    let mut devices = Vec::new();
    package(&mut devices, d.cpus);
    let irq = |intid| Interrupt::new(true, false, false, false, intid);
    simple(
        &mut devices,
        "COM0",
        "ARMH0011",
        0,
        &[&registers(map::UART, map::UART_LEN), &irq(map::UART_INTID)],
    );
    fw_cfg(&mut devices);
    for slot in &d.virtio {
        let at = map::VIRTIO + map::VIRTIO_STRIDE * *slot as u64;
        // An edge, as in the device tree.
        let irq = Interrupt::new(true, true, false, false, map::VIRTIO_INTID + *slot as u32);
        let resources: [&dyn Aml; 2] = [&registers(at, map::VIRTIO_STRIDE), &irq];
        simple(&mut devices, &format!("VR{slot:02}"), "LNRO0005", *slot as u32, &resources);
    }
    power_button(&mut devices);
    if let Some(layout) = &d.pci {
        bridge(&mut devices, layout);
    }
    let mut table = Sdt::new(*b"DSDT", 36, 2, OEM, OEM_TABLE, OEM_REVISION);
    table.append_slice(&Scope::raw("\\_SB_".into(), devices));
    table.as_slice().to_vec()
}

/// The package, a processor container, and the CPUs in it.
fn package(out: &mut Vec<u8>, cpus: usize) {
    let (hid, uid) = (Name::new("_HID".into(), &"ACPI0010"), Name::new("_UID".into(), &PACKAGE_UID));
    let mut inside = Vec::new();
    for cpu in 0..cpus {
        let (hid, uid) = (Name::new("_HID".into(), &"ACPI0007"), Name::new("_UID".into(), &(cpu as u32)));
        device(&mut inside, &format!("C{cpu:03X}"), vec![&hid, &uid]);
    }
    device(out, "PKG0", vec![&hid, &uid, &Bytes(inside)]);
}

/// AML that is there already.
struct Bytes(Vec<u8>);

impl Aml for Bytes {
    fn to_aml_bytes(&self, sink: &mut dyn acpi_tables::AmlSink) {
        sink.vec(&self.0);
    }
}

fn device(out: &mut Vec<u8>, name: &str, children: Vec<&dyn Aml>) {
    Device::new(name.into(), children).to_aml_bytes(out);
}

fn registers(at: u64, len: u64) -> Memory32Fixed {
    Memory32Fixed::new(true, at as u32, len as u32)
}

/// A coherent device of a kind, with its resources.
fn simple(out: &mut Vec<u8>, name: &str, hid: &'static str, uid: u32, resources: &[&dyn Aml]) {
    let (hid, uid) = (Name::new("_HID".into(), &hid), Name::new("_UID".into(), &uid));
    let coherent = Name::new("_CCA".into(), &ONE);
    let resources = Name::new("_CRS".into(), &ResourceTemplate::new(resources.to_vec()));
    device(out, name, vec![&hid, &uid, &coherent, &resources]);
}

/// Not to be shown to the user.
fn fw_cfg(out: &mut Vec<u8>) {
    let (hid, coherent) = (Name::new("_HID".into(), &"QEMU0002"), Name::new("_CCA".into(), &ONE));
    let status = Name::new("_STA".into(), &0x0b_u8);
    let registers = registers(map::FW_CFG, map::FW_CFG_LEN);
    let resources = Name::new("_CRS".into(), &ResourceTemplate::new(vec![&registers]));
    device(out, "FWCF", vec![&hid, &status, &coherent, &resources]);
}

/// The PL061, whose line tells of the power button by an event.
fn power_button(out: &mut Vec<u8>) {
    let (hid, uid) = (Name::new("_HID".into(), &"ARMH0061"), Name::new("_UID".into(), &ZERO));
    let irq = Interrupt::new(true, false, false, false, map::GPIO_INTID);
    let registers = registers(map::GPIO, map::GPIO_LEN);
    let resources = Name::new("_CRS".into(), &ResourceTemplate::new(vec![&registers, &irq]));
    let events = Name::new("_AEI".into(), &ResourceTemplate::new(vec![&GpioInterrupt(BUTTON_LINE.into())]));
    /// A button was pressed.
    const PRESSED: u8 = 0x80;
    let button = Path::new("PWRB");
    let notify = Notify::new(&button, &PRESSED);
    let method = Method::new(Path::new(&format!("_E{BUTTON_LINE:02X}")), 0, false, vec![&notify]);
    device(out, "GPO0", vec![&hid, &uid, &resources, &events, &method]);
    let (hid, uid) = (Name::new("_HID".into(), &"PNP0C0C"), Name::new("_UID".into(), &ZERO));
    device(out, "PWRB", vec![&hid, &uid]);
}

/// A GPIO Interrupt Connection descriptor (6.4.3.8.1): a line of `\_SB.GPO0`, by its rising edge.
struct GpioInterrupt(u16);

impl Aml for GpioInterrupt {
    fn to_aml_bytes(&self, sink: &mut dyn acpi_tables::AmlSink) {
        const SOURCE: &[u8] = b"\\_SB.GPO0\0";
        /// Offsets of the table of lines and of the name.
        const LINES: u16 = 23;
        const NAME: u16 = LINES + 2;
        let end = NAME + SOURCE.len() as u16;
        sink.byte(0x8c);
        sink.word(end - 3);
        // Revision 1, an interrupt, consumed, by edge, active high.
        sink.vec(&[1, 0, 1, 0, 1, 0]);
        // The line as it is; no drive strength, no debouncing.
        sink.vec(&[0; 5]);
        sink.word(LINES);
        sink.byte(0);
        sink.word(NAME);
        // No data of a vendor.
        sink.word(end);
        sink.word(0);
        sink.word(self.0);
        sink.vec(SOURCE);
    }
}

/// The PCI Express bridge: its windows, and the wires of its slots.
fn bridge(out: &mut Vec<u8>, layout: &Layout) {
    let hid = Name::new("_HID".into(), &EISAName::new("PNP0A08"));
    let cid = Name::new("_CID".into(), &EISAName::new("PNP0A03"));
    let [segment, first, uid] = ["_SEG", "_BBN", "_UID"].map(|name| Name::new(name.into(), &ZERO));
    let coherent = Name::new("_CCA".into(), &ONE);
    let buses = AddressSpace::new_bus_number(0, (layout.buses() - 1) as u16);
    let plain = AddressSpaceCacheable::NotCacheable;
    let (memory, io) = (pci::map::MEMORY, pci::map::IO);
    let low = AddressSpace::new_memory(plain, true, memory.start as u32, memory.end as u32 - 1, None);
    let ports = AddressSpace::new_io(0, (io.end - io.start - 1) as u32, Some(io.start as u32));
    let high = layout.high_memory.as_ref();
    let high = high.map(|range| AddressSpace::new_memory(plain, true, range.start, range.end - 1, None));
    let mut windows: Vec<&dyn Aml> = vec![&buses, &low, &ports];
    windows.extend(high.iter().map(|high| high as &dyn Aml));
    let resources = Name::new("_CRS".into(), &ResourceTemplate::new(windows));
    let wires = wires();
    let routes: Vec<Package> =
        wires.iter().map(|wire| Package::new(wire.iter().map(|n| n as &dyn Aml).collect())).collect();
    let routes =
        Name::new("_PRT".into(), &Package::new(routes.iter().map(|route| route as &dyn Aml).collect()));
    // The guest may control what it asks to.
    let granted = Return::new(&Arg(3));
    let control = Method::new("_OSC".into(), 4, false, vec![&granted]);
    let children: Vec<&dyn Aml> =
        vec![&hid, &cid, &segment, &first, &uid, &coherent, &resources, &routes, &control];
    device(out, "PCI0", children);
}

/// For each slot and pin: address, pin, no link device, interrupt.
fn wires() -> Vec<[u32; 4]> {
    let wire = |slot: u32, pin: u32| [slot << 16 | 0xffff, pin, 0, pci::map::INTIDS.start + (slot + pin) % 4];
    (0..32).flat_map(|slot| (0..4).map(move |pin| wire(slot, pin))).collect()
}
