//! Devices, interrupt controllers and vCPUs wired together: what a guest driver would do, scripted.

mod common;

use armlet_arm::sysreg::Encoding;
use armlet_hv::GicKind;
use armlet_hv_fake::{Action, Expect, FakeHypervisor, Record};
use armlet_machine::{BoardKind, Ending, MachineConfig};
use common::{build, config, psci, within};

const UART: u64 = 0x0900_0000;
const UARTFR: u64 = UART + 0x18;
const UARTIMSC: u64 = UART + 0x38;
const RXFE: u64 = 1 << 4;
const UART_INTID: u64 = 33;

const ICC_PMR: Encoding = Encoding::new(3, 0, 4, 6, 0);
const ICC_IAR1: Encoding = Encoding::new(3, 0, 12, 12, 0);
const ICC_EOIR1: Encoding = Encoding::new(3, 0, 12, 12, 1);
const ICC_IGRPEN1: Encoding = Encoding::new(3, 0, 12, 12, 7);

fn off() -> Action {
    Action::hvc_any(&[psci::SYSTEM_OFF])
}

/// Sets up a GICv3 at `gicd` for `intid` and waits for it.
fn gicv3(gicd: u64, intid: u64) -> Vec<Action> {
    let (word, bit) = (intid / 32 * 4, 1 << (intid % 32));
    vec![
        Action::write(gicd, 4, 0x12),
        Action::write(gicd + 0x80 + word, 4, bit),
        Action::write(gicd + 0x6000 + intid * 8, 8, 0),
        Action::write(gicd + 0x100 + word, 4, bit),
        Action::IccWrite(ICC_PMR, 0xff),
        Action::IccWrite(ICC_IGRPEN1, 1),
        Action::WaitIrq,
        Action::IccRead(ICC_IAR1, Expect::Value(intid)),
    ]
}

/// The same with a GICv2.
fn gicv2(gicd: u64, gicc: u64, intid: u64) -> Vec<Action> {
    vec![
        Action::write(gicd, 4, 1),
        Action::write(gicd + 0x800 + intid, 1, 1),
        Action::write(gicd + 0x100 + intid / 32 * 4, 4, 1 << (intid % 32)),
        Action::write(gicc + 4, 4, 0xff),
        Action::write(gicc, 4, 1),
        Action::WaitIrq,
        Action::read(gicc + 0xc, 4, intid),
    ]
}

fn typed(interrupt: Vec<Action>) -> Vec<Action> {
    let listen = vec![Action::write(UARTIMSC, 4, 0x50)];
    [listen, interrupt, vec![Action::read(UART, 4, b'x'.into())]].concat()
}

#[test]
fn typing_interrupts_the_guest_on_every_board_and_controller() {
    let eoi = |intid| Action::IccWrite(ICC_EOIR1, intid);
    for (board, gic, script) in [
        (
            BoardKind::Virt,
            GicKind::V3,
            [typed(gicv3(0x0800_0000, UART_INTID)), vec![eoi(UART_INTID)]].concat(),
        ),
        (BoardKind::Virt, GicKind::V2, typed(gicv2(0x0800_0000, 0x0801_0000, UART_INTID))),
        (BoardKind::Monitor, GicKind::V2, typed(gicv2(0x0902_0000, 0x0903_0000, UART_INTID))),
        (BoardKind::Monitor, GicKind::V3, typed(gicv3(0x0902_0000, UART_INTID))),
    ] {
        let hv = FakeHypervisor::new([[script, vec![off()]].concat()]);
        let (machine, _) = build(&hv, MachineConfig { gic: Some(gic), ..config(board, 1) });
        machine.console_input().feed(b"x");
        let ending = within(move || machine.run()).unwrap();
        assert_eq!((ending, hv.failures()), (Ending::PowerOff, vec![]), "{board} {gic:?}");
        assert!(!hv.inputs(0).irq(), "{board} {gic:?}: the interrupt was served");
    }
}

#[test]
fn nothing_typed_is_lost() {
    let text: Vec<u8> = (0..200).collect();
    let read = |byte: &u8| {
        let ready = Action::MmioPoll { gpa: UARTFR, size: 4, mask: RXFE, expect: 0 };
        [ready, Action::read(UART, 4, (*byte).into())]
    };
    let script: Vec<Action> = text.iter().flat_map(read).chain([off()]).collect();
    let hv = FakeHypervisor::new([script]);
    let (machine, _) = build(&hv, config(BoardKind::Virt, 1));
    let input = machine.console_input();
    let feeder = std::thread::spawn(move || input.feed(&text));
    let ending = within(move || machine.run()).unwrap();
    assert_eq!((ending, hv.failures()), (Ending::PowerOff, vec![]));
    within(move || feeder.join()).unwrap();
}

#[test]
fn feeding_ends_with_the_machine() {
    let hv = FakeHypervisor::new([vec![Action::Spin]]);
    let (machine, _) = build(&hv, config(BoardKind::Virt, 1));
    let (input, control) = (machine.console_input(), machine.control());
    let feeder = std::thread::spawn(move || input.feed(&[b'y'; 1000]));
    let runner = std::thread::spawn(move || machine.run());
    control.stop();
    assert_eq!(within(move || runner.join().unwrap()).unwrap(), Ending::Stopped);
    within(move || feeder.join()).unwrap();
}

#[test]
fn what_the_uart_sends_comes_out_without_a_newline() {
    let script: Vec<Action> = b"login: ".iter().map(|b| Action::write(UART, 1, (*b).into())).collect();
    let hv = FakeHypervisor::new([[script, vec![Action::Spin]].concat()]);
    let (machine, output) = build(&hv, config(BoardKind::Virt, 1));
    let control = machine.control();
    let runner = std::thread::spawn(move || machine.run());
    let seen = output.clone();
    within(move || {
        while seen.flushed() < 7 {
            std::thread::yield_now();
        }
    });
    assert_eq!(output.text(), "login: ");
    control.stop();
    within(move || runner.join().unwrap()).unwrap();
}

#[test]
fn the_monitors_timer_interrupts() {
    let frame = 0x0901_0000;
    let arm = vec![Action::write(frame + 0x28, 4, 1000), Action::write(frame + 0x2c, 4, 1)];
    let disarm = vec![Action::write(frame + 0x2c, 4, 0), off()];
    for (gic, wait) in
        [(GicKind::V2, gicv2(0x0902_0000, 0x0903_0000, 34)), (GicKind::V3, gicv3(0x0902_0000, 34))]
    {
        let hv = FakeHypervisor::new([[arm.clone(), wait, disarm.clone()].concat()]);
        let (machine, _) = build(&hv, MachineConfig { gic: Some(gic), ..config(BoardKind::Monitor, 1) });
        let ending = within(move || machine.run()).unwrap();
        assert_eq!((ending, hv.failures()), (Ending::PowerOff, vec![]), "{gic:?}");
    }
}

#[test]
fn the_clock_shows_the_hosts_time() {
    let hv = FakeHypervisor::new([vec![
        Action::MmioRead { gpa: 0x0901_0000, size: 4, expect: Expect::Anything },
        off(),
    ]]);
    let (machine, _) = build(&hv, config(BoardKind::Virt, 1));
    within(move || machine.run()).unwrap();
    let now = armlet_devices::pl031::host_utc().as_secs();
    let shown = hv.log_of(0).iter().find_map(|r| match r {
        Record::Read(0x0901_0000, seconds) => Some(*seconds),
        _ => None,
    });
    assert!(shown.unwrap().abs_diff(now) <= 5);
}

#[test]
fn software_interrupts_reach_the_other_cpu() {
    let sgi1r = Encoding::new(3, 0, 12, 11, 5);
    let boot = vec![
        Action::write(0x0800_0000, 4, 0x12),
        Action::hvc(&[psci::CPU_ON, 1, 0x4000_4000, 0], 0),
        Action::CallUntil { regs: vec![psci::AFFINITY_INFO, 1, 0], until: 0 },
        Action::IccWrite(sgi1r, 5 << 24 | 1 << 1),
        Action::Spin,
    ];
    let rd = 0x080a_0000 + 0x2_0000 + 0x1_0000;
    let second = vec![
        Action::write(rd + 0x80, 4, 1 << 5),
        Action::write(rd + 0x100, 4, 1 << 5),
        Action::IccWrite(ICC_PMR, 0xff),
        Action::IccWrite(ICC_IGRPEN1, 1),
        Action::WaitIrq,
        Action::IccRead(ICC_IAR1, Expect::Value(5)),
        off(),
    ];
    let (ending, hv, _) = common::run(vec![boot, second]);
    assert_eq!((ending, hv.failures()), (Ending::PowerOff, vec![]));
}
