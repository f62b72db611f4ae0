//! What can be configured, what is refused, and what the guest finds in memory.

mod common;

use armlet_hv::{Deterministic, GicKind};
use armlet_hv_fake::{Action, FakeHypervisor, Record};
use armlet_machine::fdt::Tree;
use armlet_machine::{BoardKind, Ending, MachineConfig, MachineError, Payload, PayloadKind};
use common::{build, config, error, within};

fn image(size: u64) -> Payload {
    let mut bytes = vec![0x1f; 4096];
    bytes[8..32].fill(0);
    bytes[16..24].copy_from_slice(&size.to_le_bytes());
    bytes[56..60].copy_from_slice(b"ARM\x64");
    let payload = Payload::detect("Image", bytes).unwrap();
    assert_eq!(payload.kind, PayloadKind::Arm64Image);
    payload
}

#[test]
fn a_linux_kernel_gets_its_device_tree_and_initrd() {
    let hv = FakeHypervisor::new([vec![]]);
    let config = MachineConfig {
        kernel: Some(image(8 << 20)),
        initrd: Some(b"070701".to_vec().into()),
        append: Some("console=ttyAMA0 quiet".into()),
        cpu_model: "cortex-a72".into(),
        cpus: 2,
        ..MachineConfig::new(BoardKind::Virt)
    };
    let (machine, _) = build(&hv, config);
    let tree = Tree::parse(machine.device_tree()).unwrap();
    let child = |name: &str| tree.root.children.iter().find(|n| n.name == name).unwrap();
    assert_eq!(child("chosen").get("bootargs"), Some(&b"console=ttyAMA0 quiet\0"[..]));
    let start = child("chosen").get("linux,initrd-start").unwrap();
    let start = u64::from_be_bytes(start.try_into().unwrap());
    let mut initrd = [0; 6];
    hv.ram().unwrap().read(start, &mut initrd).unwrap();
    assert_eq!(&initrd, b"070701");
    assert_eq!(child("memory@40000000").get("reg").unwrap()[8..], (1u64 << 30).to_be_bytes());
    let rows = machine.summary();
    let row = |name: &str| rows.iter().find(|(n, _)| *n == name).unwrap().1.as_str();
    assert_eq!(row("machine"), "virt on backend fake");
    assert_eq!(row("cpus"), "2, model cortex-a72");
    assert_eq!(row("memory"), "1 GiB");
    assert_eq!(row("kernel"), "Image (arm64 Image, 4 KiB) at 0x40200000-0x40a00000, entry 0x40200000");
    assert_eq!(row("initrd"), "6 bytes at 0x48000000");
    assert!(row("devices").starts_with("GICv3, PL011"), "{}", row("devices"));
}

#[test]
fn the_users_device_tree_is_patched() {
    let own = Tree::default().to_blob().unwrap();
    let with = |dtb: &[u8], append: Option<&str>| MachineConfig {
        dtb: Some(dtb.to_vec()),
        append: append.map(Into::into),
        ..config(BoardKind::Virt, 1)
    };
    let hv = FakeHypervisor::new([vec![]]);
    assert_eq!(build(&hv, with(&own, None)).0.device_tree(), own);
    let hv = FakeHypervisor::new([vec![]]);
    let (machine, _) = build(&hv, with(&own, Some("quiet")));
    assert!(machine.device_tree().windows(6).any(|w| w == b"quiet\0"));
    let (error, text) = error(&hv, with(b"/dts-v1/;", None));
    assert!(matches!(error, MachineError::Dtb(_)) && text.contains("not a device tree"), "{text}");
}

#[test]
fn the_monitor_enters_with_a_stack_and_boot_information() {
    for (gics, kind) in [(vec![GicKind::V3, GicKind::V2], 2u8), (vec![GicKind::V3], 3)] {
        let hv = FakeHypervisor::new([vec![Action::hvc_any(&[0x8600_0002, 0])]]);
        let hv = hv.with_capabilities(|c| c.gics = gics);
        let (machine, _) = build(&hv, config(BoardKind::Monitor, 1));
        assert!(machine.device_tree().is_empty());
        assert_eq!(within(move || machine.run()).unwrap(), Ending::Exit(0));
        let load = Record::Load { pc: 0x4000_1000, x0: 0x43ff_f000, sp: 0x43ff_f000 };
        assert_eq!(hv.log_of(0)[1], load);
        let mut info = [0; 80];
        hv.ram().unwrap().read(0x43ff_f000, &mut info).unwrap();
        assert_eq!((&info[..4], info[8]), (&b"ARML"[..], kind));
    }
}

#[test]
fn limits_are_told_in_one_line() {
    let hv = FakeHypervisor::new([vec![]]);
    let virt = || config(BoardKind::Virt, 1);
    let says = |config: MachineConfig, part: &str| {
        let (_, text) = error(&hv, config);
        assert!(text.contains(part), "{text}");
    };
    says(MachineConfig { cpus: 0, ..virt() }, "0 CPUs can't be had: machine virt with GICv3 has 1 to 123");
    says(MachineConfig { cpus: 124, ..virt() }, "GICv3 has 1 to 123");
    says(MachineConfig { cpus: 9, gic: Some(GicKind::V2), ..virt() }, "GICv2 has 1 to 8");
    says(MachineConfig { memory: Some(0), ..virt() }, "at least 4 MiB");
    says(MachineConfig { memory: Some((5 << 20) + 1), ..virt() }, "use 5242880 or 5246976");
    says(MachineConfig { memory: Some(u64::MAX), ..virt() }, "takes at most 261120 MiB");
    says(MachineConfig { cpu_model: "cortex-a35".into(), ..virt() }, "did you mean cortex-a53?");
    says(MachineConfig { cpu_model: "z80".into(), ..virt() }, "there are: max, cortex-a53");
    says(MachineConfig { kernel: None, ..virt() }, "has nothing to start");
    says(MachineConfig { kernel: Some(image(17 << 20)), ..virt() }, "give the guest more memory");
    says(MachineConfig { initrd: Some(vec![1; 16 << 20].into()), ..virt() }, "can't load the initrd");
    says(MachineConfig { initrd: Some(vec![].into()), ..virt() }, "can't load the initrd: the file is empty");
    let monitor = || config(BoardKind::Monitor, 1);
    says(MachineConfig { memory: Some(1 << 30), ..monitor() }, "always has 64 MiB");
    says(
        MachineConfig { kernel: Some(image(4096)), ..monitor() },
        "can't use a Linux kernel; use --machine virt",
    );
    says(MachineConfig { append: Some("x".into()), ..monitor() }, "can't use a command line");
    let only_v2 = FakeHypervisor::new([vec![]]).with_capabilities(|c| {
        c.gics = vec![GicKind::V2];
        c.max_cpus = 4;
    });
    assert!(error(&only_v2, MachineConfig { cpus: 5, ..virt() }).1.contains("backend fake has 1 to 4"));
    let deterministic = MachineConfig { deterministic: Some(Deterministic::default()), ..virt() };
    assert!(error(&only_v2, deterministic).1.ends_with("use --backend soft"));
    let v3 = MachineConfig { gic: Some(GicKind::V3), ..virt() };
    assert!(error(&only_v2, v3).1.contains("has no GICv3"));
    assert_eq!("virt".parse(), Ok(BoardKind::Virt));
    let unknown = "montior".parse::<BoardKind>().unwrap_err().to_string();
    assert_eq!(unknown, "there is no machine \"montior\"; did you mean monitor?");
}
