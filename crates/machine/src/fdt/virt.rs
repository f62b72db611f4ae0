//! How the `virt` board describes itself, in the terms QEMU's `virt` uses.

use std::ops::Range;

use armlet_arm::gic::ppi;
use armlet_hv::{GicKind, GuestMode};

use super::patch::set_chosen;
use super::{Chosen, Node, Tree};
use crate::board::pci::{self, Layout};
use crate::board::virt::{BUTTON_LINE, map};
use crate::topology;

const PHANDLE_GIC: u32 = 0x8000;
const PHANDLE_CLOCK: u32 = 0x8001;
/// The ITS, or the GICv2m.
const PHANDLE_MSI: u32 = 0x8002;
const PHANDLE_GPIO: u32 = 0x8003;
/// First of one per CPU.
const PHANDLE_CPU: u32 = 0x8100;

/// Interrupt specifier types of the GIC binding.
const SPI: u32 = 0;
const PPI: u32 = 1;
const EDGE_RISING: u32 = 1;
const LEVEL_HIGH: u32 = 4;

/// Linux's code of the key.
const KEY_POWER: u32 = 116;

/// What the description depends on.
#[derive(Clone, Debug)]
pub struct Description<'a> {
    /// Number of CPUs.
    pub cpus: usize,
    /// CPU model by armlet's name.
    pub cpu_model: &'a str,
    /// State in which the guest starts.
    pub mode: GuestMode,
    /// Guest memory.
    pub ram: Range<u64>,
    /// Interrupt controller.
    pub gic: GicKind,
    /// A GICv3 has an ITS. Where there is none a GICv2m takes messages.
    pub its: bool,
    /// Virtio slots that have a device with registers.
    pub virtio: Vec<usize>,
    /// The windows of PCI, if there is a bridge.
    pub pci: Option<Layout>,
    /// There is flash memory.
    pub flash: bool,
    /// Command line and initrd.
    pub chosen: &'a Chosen,
    /// Random bytes for the kernel's generator.
    pub rng_seed: [u8; 32],
    /// Random number for the kernel's address layout.
    pub kaslr_seed: u64,
}

/// Describes the board.
pub fn describe(d: &Description) -> Tree {
    let root = Node::new("")
        .strings("compatible", &["linux,dummy-virt"])
        .strings("model", &["linux,dummy-virt"])
        .cells("#address-cells", &[2])
        .cells("#size-cells", &[2])
        .cells("interrupt-parent", &[PHANDLE_GIC])
        .flag("dma-coherent")
        .child(chosen(d))
        .child(Node::new("aliases").strings("serial0", &[&uart_path()]))
        .child(memory(&d.ram))
        .child(cpus(d.cpus, d.cpu_model))
        .child(psci(d.mode))
        .child(timer(d))
        .children(pmu(d))
        .child(gic(d.gic, d.cpus).child(if has_its(d) { its() } else { v2m() }))
        .child(clock())
        .child(uart())
        .child(rtc())
        .children(d.pci.as_ref().map(pcie))
        .child(gpio())
        .child(power_button())
        .child(fw_cfg())
        .children(d.flash.then(flash))
        .children(d.virtio.iter().map(|slot| virtio(*slot)));
    Tree { root, reserved: Vec::new() }
}

/// The `compatible` string of a CPU model; the generic one for models Linux has no name for.
pub fn cpu_compatible(model: &str) -> String {
    let known = ["cortex-a", "cortex-x", "neoverse-", "cortex-r82"];
    if known.iter().any(|prefix| model.starts_with(prefix)) {
        format!("arm,{model}")
    } else {
        "arm,armv8".to_owned()
    }
}

/// True for a model of the Armv7 architecture.
fn is_armv7(model: &str) -> bool {
    matches!(model, "cortex-a7" | "cortex-a15")
}

fn uart_path() -> String {
    format!("/pl011@{:x}", map::UART)
}

fn chosen(d: &Description) -> Node {
    let mut node = Node::new("chosen")
        .strings("stdout-path", &[&uart_path()])
        .bytes("rng-seed", &d.rng_seed)
        .wide("kaslr-seed", &[d.kaslr_seed]);
    set_chosen(&mut node, d.chosen);
    node
}

fn memory(ram: &Range<u64>) -> Node {
    Node::new(format!("memory@{:x}", ram.start))
        .strings("device_type", &["memory"])
        .wide("reg", &[ram.start, ram.end - ram.start])
}

fn cpus(count: usize, model: &str) -> Node {
    let compatible = cpu_compatible(model);
    let mut cpus = Node::new("cpus").cells("#address-cells", &[1]).cells("#size-cells", &[0]);
    let mut socket = Node::new("socket0");
    for index in 0..count {
        let phandle = PHANDLE_CPU + index as u32;
        let affinity = topology::affinity(index) as u32;
        socket
            .child_mut(&format!("cluster{}", index / topology::CLUSTER))
            .children
            .push(Node::new(format!("core{}", index % topology::CLUSTER)).cells("cpu", &[phandle]));
        cpus.children.push(
            Node::new(format!("cpu@{affinity:x}"))
                .strings("device_type", &["cpu"])
                .strings("compatible", &[&compatible])
                .strings("enable-method", &["psci"])
                .cells("reg", &[affinity])
                .cells("phandle", &[phandle]),
        );
    }
    cpus.child(Node::new("cpu-map").child(socket))
}

/// Function identifiers are for kernels that know PSCI 0.1 only; newer ones take those of the standard.
fn psci(mode: GuestMode) -> Node {
    use armlet_arm::smccc::psci::{CPU_OFF, CPU_ON, CPU_SUSPEND, MIGRATE, SMC64};
    let wide = if mode.is_aarch32() { 0 } else { SMC64 };
    Node::new("psci")
        .strings("compatible", &["arm,psci-1.0", "arm,psci-0.2", "arm,psci"])
        .strings("method", &["hvc"])
        .cells("cpu_suspend", &[CPU_SUSPEND | wide])
        .cells("cpu_off", &[CPU_OFF])
        .cells("cpu_on", &[CPU_ON | wide])
        .cells("migrate", &[MIGRATE | wide])
}

/// A private interrupt as the binding wants it; GICv2 adds a mask of CPUs.
fn private(d: &Description, intid: u32) -> [u32; 3] {
    let mask = match d.gic {
        GicKind::V2 => ((1u32 << d.cpus.min(8)) - 1) << 8,
        GicKind::V3 => 0,
    };
    [PPI, intid - 16, mask | LEVEL_HIGH]
}

fn timer(d: &Description) -> Node {
    let order = [ppi::SECURE_TIMER, ppi::PHYSICAL_TIMER, ppi::VIRTUAL_TIMER, ppi::HYP_TIMER];
    let interrupts: Vec<u32> = order.iter().flat_map(|intid| private(d, *intid)).collect();
    let compatible: &[_] =
        if is_armv7(d.cpu_model) { &["arm,armv7-timer"] } else { &["arm,armv8-timer", "arm,armv7-timer"] };
    Node::new("timer").strings("compatible", compatible).cells("interrupts", &interrupts).flag("always-on")
}

/// None for an Armv7 model: its performance monitors are of an older version.
fn pmu(d: &Description) -> Option<Node> {
    let node = Node::new("pmu").strings("compatible", &["arm,armv8-pmuv3"]);
    (!is_armv7(d.cpu_model)).then(|| node.cells("interrupts", &private(d, ppi::PMU)))
}

fn gic(kind: GicKind, cpus: usize) -> Node {
    let node = Node::new(format!("intc@{:x}", map::GICD))
        .cells("phandle", &[PHANDLE_GIC])
        .cells("#interrupt-cells", &[3])
        .cells("#address-cells", &[2])
        .cells("#size-cells", &[2])
        .flag("interrupt-controller")
        .flag("ranges");
    match kind {
        GicKind::V2 => node
            .strings("compatible", &["arm,gic-400", "arm,cortex-a15-gic"])
            .wide("reg", &[map::GICD, map::GICD_LEN, map::GICC, map::GICC_LEN]),
        GicKind::V3 => node
            .strings("compatible", &["arm,gic-v3"])
            .cells("#redistributor-regions", &[1])
            .wide("reg", &[map::GICD, map::GICD_LEN, map::GICR, map::gicr_len(cpus)]),
    }
}

fn has_its(d: &Description) -> bool {
    d.its && d.gic == GicKind::V3
}

fn its() -> Node {
    Node::new(format!("its@{:x}", map::ITS))
        .strings("compatible", &["arm,gic-v3-its"])
        .flag("msi-controller")
        .cells("#msi-cells", &[1])
        .cells("phandle", &[PHANDLE_MSI])
        .wide("reg", &[map::ITS, map::ITS_LEN])
}

fn v2m() -> Node {
    Node::new(format!("v2m@{:x}", map::V2M))
        .strings("compatible", &["arm,gic-v2m-frame"])
        .flag("msi-controller")
        .cells("phandle", &[PHANDLE_MSI])
        .wide("reg", &[map::V2M, map::V2M_LEN])
}

fn clock() -> Node {
    Node::new("apb-pclk")
        .strings("compatible", &["fixed-clock"])
        .cells("#clock-cells", &[0])
        .cells("clock-frequency", &[24_000_000])
        .strings("clock-output-names", &["clk24mhz"])
        .cells("phandle", &[PHANDLE_CLOCK])
}

fn uart() -> Node {
    Node::new(format!("pl011@{:x}", map::UART))
        .strings("compatible", &["arm,pl011", "arm,primecell"])
        .wide("reg", &[map::UART, map::UART_LEN])
        .cells("interrupts", &[SPI, map::UART_INTID - 32, LEVEL_HIGH])
        .cells("clocks", &[PHANDLE_CLOCK, PHANDLE_CLOCK])
        .strings("clock-names", &["uartclk", "apb_pclk"])
}

fn rtc() -> Node {
    Node::new(format!("pl031@{:x}", map::RTC))
        .strings("compatible", &["arm,pl031", "arm,primecell"])
        .wide("reg", &[map::RTC, map::RTC_LEN])
        .cells("interrupts", &[SPI, map::RTC_INTID - 32, LEVEL_HIGH])
        .cells("clocks", &[PHANDLE_CLOCK])
        .strings("clock-names", &["apb_pclk"])
}

fn gpio() -> Node {
    Node::new(format!("pl061@{:x}", map::GPIO))
        .strings("compatible", &["arm,pl061", "arm,primecell"])
        .wide("reg", &[map::GPIO, map::GPIO_LEN])
        .cells("interrupts", &[SPI, map::GPIO_INTID - 32, LEVEL_HIGH])
        .cells("clocks", &[PHANDLE_CLOCK])
        .strings("clock-names", &["apb_pclk"])
        .flag("gpio-controller")
        .cells("#gpio-cells", &[2])
        .cells("phandle", &[PHANDLE_GPIO])
}

fn power_button() -> Node {
    let key = Node::new("poweroff")
        .strings("label", &["power button"])
        .cells("linux,code", &[KEY_POWER])
        .cells("gpios", &[PHANDLE_GPIO, BUTTON_LINE.into(), 0]);
    Node::new("gpio-keys").strings("compatible", &["gpio-keys"]).child(key)
}

fn fw_cfg() -> Node {
    Node::new(format!("fw-cfg@{:x}", map::FW_CFG))
        .strings("compatible", &["qemu,fw-cfg-mmio"])
        .wide("reg", &[map::FW_CFG, map::FW_CFG_LEN])
        .flag("dma-coherent")
}

/// Both banks; each has two chips side by side.
fn flash() -> Node {
    let [first, second] = map::FLASH;
    Node::new(format!("flash@{first:x}"))
        .strings("compatible", &["cfi-flash"])
        .wide("reg", &[first, map::FLASH_LEN, second, map::FLASH_LEN])
        .cells("bank-width", &[4])
}

/// The interrupt is an edge, as QEMU has it: a wire that a kernel of the host drives (irqfd) knows nothing else.
fn virtio(slot: usize) -> Node {
    let at = map::VIRTIO + map::VIRTIO_STRIDE * slot as u64;
    Node::new(format!("virtio_mmio@{at:x}"))
        .strings("compatible", &["virtio,mmio"])
        .wide("reg", &[at, map::VIRTIO_STRIDE])
        .cells("interrupts", &[SPI, map::VIRTIO_INTID - 32 + slot as u32, EDGE_RISING])
        .flag("dma-coherent")
}

/// The generic host bridge (Devicetree bindings `pci/host-generic-pci.yaml`, IEEE 1275's PCI binding). The four wires go
/// around the slots.
fn pcie(layout: &Layout) -> Node {
    const IO: u32 = 0x0100_0000;
    const MEMORY: u32 = 0x0200_0000;
    const MEMORY_64: u32 = 0x0300_0000;
    let window = |space: u32, from: u64, window: &Range<u64>| {
        let (at, len) = (window.start, window.end - window.start);
        [
            space,
            (from >> 32) as u32,
            from as u32,
            (at >> 32) as u32,
            at as u32,
            (len >> 32) as u32,
            len as u32,
        ]
    };
    let memory = |space, range: &Range<u64>| window(space, range.start, range);
    let ranges = [window(IO, 0, &pci::map::IO), memory(MEMORY, &pci::map::MEMORY)];
    let ranges = ranges.into_iter().chain(layout.high_memory.iter().map(|high| memory(MEMORY_64, high)));
    let wire = |slot: u32, pin: u32| {
        let spi = pci::map::INTIDS.start - 32 + (slot + pin) % 4;
        [slot << 11, 0, 0, pin + 1, PHANDLE_GIC, 0, 0, SPI, spi, LEVEL_HIGH]
    };
    let wires = (0..4).flat_map(|slot| (0..4).map(move |pin| wire(slot, pin)));
    let ecam = &layout.ecam;
    Node::new(format!("pcie@{:x}", pci::map::MEMORY.start))
        .strings("compatible", &["pci-host-ecam-generic"])
        .strings("device_type", &["pci"])
        .cells("#address-cells", &[3])
        .cells("#size-cells", &[2])
        .cells("linux,pci-domain", &[0])
        .cells("bus-range", &[0, layout.buses() as u32 - 1])
        .flag("dma-coherent")
        .cells("msi-map", &[0, PHANDLE_MSI, 0, 0x1_0000])
        .wide("reg", &[ecam.start, ecam.end - ecam.start])
        .cells("ranges", &ranges.flatten().collect::<Vec<_>>())
        .cells("#interrupt-cells", &[1])
        .cells("interrupt-map", &wires.flatten().collect::<Vec<_>>())
        .cells("interrupt-map-mask", &[3 << 11, 0, 0, 7])
}

#[cfg(test)]
mod tests {
    use super::super::tree::walk;
    use super::*;
    use std::process::Command;

    fn description(chosen: &Chosen, cpus: usize, gic: GicKind) -> Description<'_> {
        let ram = 0x4000_0000..0x8000_0000;
        let (cpu_model, mode) = ("cortex-a53", GuestMode::A64El1);
        let virtio = vec![0, 31];
        Description {
            cpus,
            cpu_model,
            mode,
            ram,
            gic,
            its: false,
            virtio,
            pci: Some(Layout::new(mode, 40)),
            flash: true,
            chosen,
            rng_seed: [7; 32],
            kaslr_seed: 9,
        }
    }

    #[test]
    fn describes_an_armv7_cpu() {
        let chosen = Chosen::default();
        let d = description(&chosen, 2, GicKind::V2);
        let d = Description { cpu_model: "cortex-a15", mode: GuestMode::A32El1, ..d };
        let tree = describe(&d);
        let nodes = walk(&tree.root);
        let find = |path: &str| nodes.iter().find(|(p, _)| p == path).map(|(_, node)| node);
        let property = |path: &str, name: &str| find(path).and_then(|node| node.get(name)).unwrap();
        assert_eq!(property("/cpus/cpu@1", "compatible"), b"arm,cortex-a15\0");
        assert_eq!(property("/timer", "compatible"), b"arm,armv7-timer\0");
        assert_eq!(property("/psci", "cpu_on"), 0x8400_0003u32.to_be_bytes());
        assert_eq!(property("/psci", "method"), b"hvc\0");
        assert!(find("/pmu").is_none());
        let v8 = describe(&Description { cpu_model: "cortex-a53", ..d });
        assert!(v8.root.children.iter().any(|node| node.name == "pmu"));
    }

    #[test]
    fn describes_cpus_by_affinity() {
        let chosen = Chosen { bootargs: Some("console=ttyAMA0".into()), initrd: Some(1..2) };
        let tree = describe(&description(&chosen, 18, GicKind::V3));
        let nodes = walk(&tree.root);
        let find = |path: &str| nodes.iter().find(|(p, _)| p == path).unwrap_or_else(|| panic!("{path}")).1;
        assert_eq!(find("/cpus/cpu@101").get("reg"), Some(&[0, 0, 1, 1][..]));
        assert_eq!(find("/cpus/cpu@f").get("compatible"), Some(&b"arm,cortex-a53\0"[..]));
        assert_eq!(find("/cpus/cpu-map/socket0/cluster1/core1").get("cpu"), Some(&[0, 0, 0x81, 17][..]));
        assert_eq!(find("/chosen").get("bootargs"), Some(&b"console=ttyAMA0\0"[..]));
        assert_eq!(cpu_compatible("max"), "arm,armv8");
    }

    #[test]
    fn dtc_accepts_it() {
        if Command::new("dtc").arg("--version").output().is_err() {
            eprintln!("dtc is not installed; skipped");
            return;
        }
        let chosen = Chosen::default();
        let dir = tempfile::tempdir().unwrap();
        let a64 = ("cortex-a53", GuestMode::A64El1);
        let a32 = ("cortex-a15", GuestMode::A32El1);
        for (gic, cpus, (cpu_model, mode)) in
            [(GicKind::V3, 1, a64), (GicKind::V3, 123, a64), (GicKind::V2, 8, a64), (GicKind::V2, 4, a32)]
        {
            let its = gic == GicKind::V3;
            let description = Description { cpu_model, mode, its, ..description(&chosen, cpus, gic) };
            let blob = describe(&description).to_blob().unwrap();
            let path = dir.path().join("virt.dtb");
            std::fs::write(&path, &blob).unwrap();
            let out = Command::new("dtc").args(["-I", "dtb", "-O", "dts"]).arg(&path).output().unwrap();
            let warnings = String::from_utf8_lossy(&out.stderr);
            assert!(out.status.success() && warnings.is_empty(), "{gic:?} {cpus}: {warnings}");
            assert!(String::from_utf8_lossy(&out.stdout).contains("arm,psci-1.0"));
        }
    }
}
