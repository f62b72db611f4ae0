//! 32-bit guests: which state and CPU model they get, what is in their registers, and what is refused.

mod common;

use armlet_hv::{GicKind, GuestMode, ModelInfo};
use armlet_hv_fake::{Action, FakeHypervisor};
use armlet_machine::fdt::Tree;
use armlet_machine::{BoardKind, Ending, MachineConfig, MachineError, Payload};
use common::{build, config, error, program, psci, within};

/// A `zImage` that says nothing of its kernel's size.
fn zimage() -> Vec<u8> {
    let mut bytes = vec![0; 4096];
    for (at, word) in [(0x24, 0x016f_2818u32), (0x2c, 4096), (0x30, 0x0403_0201)] {
        bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
    }
    bytes
}

fn linux(cpus: usize) -> MachineConfig {
    let kernel = Some(Payload::detect("zImage", zimage()).unwrap());
    MachineConfig { cpus, kernel, ..MachineConfig::new(BoardKind::Virt) }
}

/// A flat program on `board`, of which nobody knows the state.
fn flat(board: BoardKind, cpu_model: &str, mode: Option<GuestMode>) -> MachineConfig {
    let cpu_model = cpu_model.to_owned();
    MachineConfig { cpu_model, mode, kernel: Some(program()), ..MachineConfig::new(board) }
}

fn off() -> Action {
    Action::hvc_any(&[psci::SYSTEM_OFF])
}

/// Checks program counter, PSTATE, R0 to R3 and R13_svc.
fn starts(pc: u64, pstate: u64, regs: [u64; 4], sp: u64) -> Action {
    Action::check(move |s| {
        let found = (s.pc, s.pstate.bits(), [s.x[0], s.x[1], s.x[2], s.x[3]], s.x[19]);
        let expected = (pc, pstate, regs, sp);
        if found == expected { Ok(()) } else { Err(format!("{found:x?}, not {expected:x?}")) }
    })
}

fn plays(config: MachineConfig, scripts: Vec<Vec<Action>>) -> (Ending, FakeHypervisor, String) {
    let hv = FakeHypervisor::new(scripts);
    let (machine, output) = build(&hv, config);
    let ending = within(move || machine.run()).unwrap();
    assert_eq!(hv.failures(), Vec::<String>::new());
    (ending, hv, output.text())
}

#[test]
fn a_kernel_starts_as_the_boot_protocol_says() {
    let check = starts(0x4200_0000, 0x1d3, [0, 0xffff_ffff, 0x4800_0000, 0], 0);
    let config = MachineConfig { initrd: Some(b"070701".to_vec().into()), ..linux(1) };
    let (ending, hv, _) = plays(config, vec![vec![check, off()]]);
    assert_eq!((ending, hv.mode()), (Ending::PowerOff, Some(GuestMode::A32El1)));
    let mut blob = vec![0; 0x4000];
    hv.ram().unwrap().read(0x4800_0000, &mut blob).unwrap();
    let tree = Tree::parse(&blob).unwrap();
    let child = |name: &str| tree.root.children.iter().find(|n| n.name == name).unwrap();
    assert_eq!(child("chosen").get("linux,initrd-start"), Some(&0x4820_0000u64.to_be_bytes()[..]));
    assert_eq!(child("chosen").get("bootargs"), Some(&b"console=ttyAMA0 earlycon\0"[..]));
    assert_eq!(child("psci").get("cpu_on"), Some(&0x8400_0003u32.to_be_bytes()[..]));
    assert!(child("intc@8000000").get("compatible").unwrap().starts_with(b"arm,gic-400\0"));
}

#[test]
fn the_first_model_that_can_is_taken_and_gicv2_as_long_as_it_does() {
    let row = |config: MachineConfig, name: &str| {
        let (machine, _) = build(&FakeHypervisor::new([]), config);
        machine.summary().into_iter().find(|(n, _)| *n == name).unwrap().1
    };
    assert_eq!(row(linux(8), "cpus"), "8, model cortex-a53, in AArch32 state");
    assert!(row(linux(8), "devices").starts_with("GICv2, "));
    assert!(row(linux(9), "devices").starts_with("GICv3, "));
    let v3 = MachineConfig { gic: Some(GicKind::V3), ..linux(1) };
    assert!(row(v3, "devices").starts_with("GICv3, "));
    assert_eq!(row(flat(BoardKind::Virt, "", None), "cpus"), "1, model max");
    let only = flat(BoardKind::Virt, "cortex-a15", None);
    assert_eq!(row(only, "cpus"), "1, model cortex-a15, in AArch32 state");
    let asked = flat(BoardKind::Monitor, "cortex-a72", Some(GuestMode::A32El1));
    assert_eq!(row(asked, "cpus"), "1, model cortex-a72, in AArch32 state");
    let hvio = flat(BoardKind::Hvio, "", None);
    assert_eq!(row(hvio.clone(), "cpus"), "1, model cortex-a53, in AArch32 state");
    assert_eq!(row(hvio.clone(), "memory"), "1 MiB");
    assert_eq!(row(hvio, "devices"), "request page 0x50000000");
}

#[test]
fn an_appended_device_tree_is_used_and_told_of_the_initrd() {
    let blob = Tree::default().to_blob().unwrap();
    let kernel = Payload::detect("zImage", [zimage(), blob.clone()].concat()).unwrap();
    let config = MachineConfig { kernel: Some(kernel.clone()), ..linux(1) };
    let (machine, _) = build(&FakeHypervisor::new([]), config.clone());
    assert_eq!(machine.device_tree(), blob);
    let rows = machine.summary();
    assert!(rows.iter().any(|(_, text)| text.ends_with(", the one appended to the kernel")), "{rows:?}");
    assert!(rows.iter().all(|(name, _)| *name != "append"));
    let config = MachineConfig { append: Some("quiet".into()), ..config };
    let (machine, _) = build(&FakeHypervisor::new([]), config);
    assert!(machine.device_tree().windows(6).any(|w| w == b"quiet\0"));
    let own = MachineConfig { dtb: Some(blob), ..MachineConfig { kernel: Some(kernel), ..linux(1) } };
    let (machine, _) = build(&FakeHypervisor::new([]), own);
    assert!(machine.summary().iter().any(|(_, text)| text.ends_with(", the one given")));
}

#[test]
fn programs_get_their_stack_and_argument() {
    let t32 = MachineConfig { entry: Some(0x4000_0001), ..flat(BoardKind::Hvio, "", None) };
    let about = Action::check(|_| Ok(()));
    let (ending, hv, _) =
        plays(t32, vec![vec![starts(0x4000_0000, 0x1f3, [0x5000_0000, 0, 0, 0], 0x4010_0000), about, off()]]);
    assert_eq!(ending, Ending::PowerOff);
    let mut about = [0; 16];
    hv.ram().unwrap().read(0x5000_0040, &mut about).unwrap();
    assert_eq!((&about[..4], about[4], about[11], about[14]), (&b"HVIO"[..], 1, 0x40, 0x10));
    let monitor = flat(BoardKind::Monitor, "cortex-a15", None);
    let check = starts(0x4000_1000, 0x1d3, [0x43ff_f000, 0, 0, 0], 0x43ff_f000);
    assert_eq!(plays(monitor, vec![vec![check, off()]]).0, Ending::PowerOff);
    let virt = flat(BoardKind::Virt, "cortex-a15", None);
    let check = starts(0x4008_0000, 0x1d3, [0, 0xffff_ffff, 0x4000_0000, 0], 0);
    assert_eq!(plays(virt, vec![vec![check, off()]]).0, Ending::PowerOff);
}

#[test]
fn memory_beyond_4_gib_is_described_and_nothing_placed_there() {
    let config = MachineConfig { memory: Some(8 << 30), ..linux(1) };
    let (machine, _) = build(&FakeHypervisor::new([]), config);
    let tree = Tree::parse(machine.device_tree()).unwrap();
    let memory = tree.root.children.iter().find(|n| n.name == "memory@40000000").unwrap();
    assert_eq!(memory.get("reg").unwrap()[8..], (8u64 << 30).to_be_bytes());
    let high = MachineConfig {
        memory: Some(8 << 30),
        load_address: Some(1 << 32),
        ..flat(BoardKind::Virt, "cortex-a15", None)
    };
    assert!(error(&FakeHypervisor::new([]), high).1.contains("0x40000000-0x100000000"));
}

#[test]
fn a_cpu_turned_on_starts_in_its_callers_state() {
    let on = |cpu, entry| Action::hvc(&[0x8400_0003, cpu, entry, 7], 0);
    let wide = Action::hvc(&[psci::CPU_ON, 1, 0x4000_4000, 7], 0xffff_ffff);
    let boot = vec![wide, on(1, 0x4000_4000), on(2, 0x4000_4003), Action::WaitKick];
    let first = vec![starts(0x4000_4000, 0x1d3, [7, 0, 0, 0], 0), Action::WaitKick];
    let second = vec![
        starts(0x4000_4002, 0x1f3, [7, 0, 0, 0], 0),
        Action::CallUntil { regs: vec![0x8400_0004, 1, 0], until: 0 },
        off(),
    ];
    assert_eq!(plays(linux(3), vec![boot, first, second]).0, Ending::PowerOff);
}

#[test]
fn stores_to_the_request_page_are_served() {
    let store = |offset: u64, size, value| Action::write(0x5000_0000 + offset, size, value);
    let script = vec![
        store(4, 4, b'h'.into()),
        store(4, 4, b'i'.into()),
        store(4, 1, b'!'.into()),
        store(0xffc, 4, 1),
        Action::MmioWrite { gpa: 0x5000_1000, size: 4, value: 1, mapped: false },
        Action::MmioWrite { gpa: 0x0900_0000, size: 4, value: 1, mapped: false },
        store(0, 4, 3),
        Action::Spin,
    ];
    let (ending, _, text) = plays(flat(BoardKind::Hvio, "", None), vec![script]);
    assert_eq!((ending, text.as_str()), (Ending::Exit(3), "hi"));
}

#[test]
fn typing_on_a_board_without_a_uart_waits_for_nothing() {
    let hv = FakeHypervisor::new([vec![off()]]);
    let (machine, _) = build(&hv, flat(BoardKind::Hvio, "", None));
    let input = machine.console_input();
    within(move || input.feed(&[b'x'; 1000]));
    assert_eq!(within(move || machine.run()).unwrap(), Ending::PowerOff);
}

#[test]
fn the_wrong_state_is_refused_in_a_sentence() {
    let hv = FakeHypervisor::new([]);
    let says = |config: MachineConfig, part: &str| {
        let (_, text) = error(&hv, config);
        assert!(text.contains(part), "{text}");
    };
    let with = |config, cpu_model: &str| MachineConfig { cpu_model: cpu_model.into(), ..config };
    says(
        with(linux(1), "max"),
        "zImage (arm zImage) needs AArch32 at EL1, which the CPU model max does not have; \
         use --cpu cortex-a53, cortex-a72 or cortex-a15",
    );
    let mut image = vec![0; 4096];
    image[16..24].copy_from_slice(&4096u64.to_le_bytes());
    image[56..60].copy_from_slice(b"ARM\x64");
    let image = MachineConfig {
        kernel: Some(Payload::detect("Image", image).unwrap()),
        ..MachineConfig::new(BoardKind::Virt)
    };
    says(
        with(image.clone(), "cortex-a15"),
        "Image (arm64 Image) needs AArch64 at EL1, which the CPU model cortex-a15 does not have; \
         use --cpu max, cortex-a53 or cortex-a72",
    );
    let in_mode = |config, mode| MachineConfig { mode: Some(mode), ..config };
    says(
        in_mode(image, GuestMode::A32El1),
        "Image (arm64 Image) can't start in AArch32; leave --aarch32 out",
    );
    says(in_mode(linux(1), GuestMode::A64El1), "zImage (arm zImage) can't start in AArch64; leave the state");
    says(flat(BoardKind::Virt, "max", Some(GuestMode::A32El1)), "the start asked for needs AArch32");
    says(flat(BoardKind::Virt, "cortex-a15", Some(GuestMode::A64El1)), "use --cpu max, cortex-a53 or");
    let one_model = FakeHypervisor::new([]).with_capabilities(|c| {
        c.cpu_models = vec![ModelInfo::new("max", &[GuestMode::A64El1])];
    });
    assert!(error(&one_model, with(linux(1), "max")).1.ends_with("no CPU model of this backend has it"));
    let only_64 = FakeHypervisor::new([]).with_capabilities(|c| c.modes = vec![GuestMode::A64El1]);
    let (error, text) = error(&only_64, linux(1));
    assert!(matches!(error, MachineError::Mode { .. }));
    assert_eq!(
        text,
        "backend fake can't run AArch32 guests here, only AArch64; use another --backend or guest"
    );
}

#[test]
fn limits_of_the_smallest_machine() {
    let hv = FakeHypervisor::new([]);
    let says = |config: MachineConfig, part: &str| {
        let (_, text) = error(&hv, config);
        assert!(text.contains(part), "{text}");
    };
    let hvio = || config(BoardKind::Hvio, 1);
    says(MachineConfig { cpus: 2, ..hvio() }, "machine hvio has 1 to 1");
    says(MachineConfig { memory: Some(2 << 20), ..hvio() }, "machine hvio always has 1 MiB");
    says(MachineConfig { gic: Some(GicKind::V2), ..hvio() }, "can't use an interrupt controller");
    says(MachineConfig { initrd: Some(vec![1].into()), ..hvio() }, "can't use an initrd");
    says(MachineConfig { kernel: linux(1).kernel, ..hvio() }, "can't use a Linux kernel");
    let large = Payload::flat("large", vec![1; (1 << 20) + 1]).unwrap();
    says(MachineConfig { kernel: Some(large), ..hvio() }, "guest memory is 0x40000000-0x40100000");
}
