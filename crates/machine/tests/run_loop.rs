//! The run loop, driven by scripted vCPUs.

mod common;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use armlet_hv::{ExitEvent, Observer, Stop};
use armlet_hv_fake::{Action, Expect, FakeHypervisor, Record};
use armlet_machine::{BoardKind, Ending, Machine, MachineConfig, MachineError};
use common::{Output, build, config, psci, run, within};

const CODE: u64 = 0x4000_4000;

fn off() -> Action {
    Action::hvc_any(&[psci::SYSTEM_OFF])
}

#[test]
fn the_boot_cpu_starts_at_the_entry_with_the_device_tree() {
    let (ending, hv, _) = run(vec![vec![off()], vec![]]);
    assert_eq!(ending, Ending::PowerOff);
    let load = Record::Load { pc: 0x4008_0000, x0: 0x4000_0000, sp: 0 };
    assert_eq!(hv.log_of(0)[..3], [Record::Reset, load, Record::Run]);
    assert!(!hv.log_of(1).contains(&Record::Run), "a secondary CPU waits for CPU_ON");
    let mut magic = [0; 4];
    hv.ram().unwrap().read(0x4000_0000, &mut magic).unwrap();
    assert_eq!(magic, [0xd0, 0x0d, 0xfe, 0xed]);
}

#[test]
fn accesses_reach_devices_or_fault() {
    let pl011_id = Action::read(0x0900_0fe0, 4, 0x11);
    let hole = Action::MmioRead { gpa: 0x0500_0000, size: 4, expect: Expect::Unmapped };
    let hole_write = Action::MmioWrite { gpa: 0x3fff_fffc, size: 4, value: 1, mapped: false };
    let (ending, hv, _) = run(vec![vec![pl011_id, hole, hole_write, off()]]);
    assert_eq!((ending, hv.failures()), (Ending::PowerOff, vec![]));
}

#[test]
fn four_cpus_turn_each_other_on_and_off() {
    let on = |cpu: u64, context| Action::hvc(&[psci::CPU_ON, cpu, CODE, context], 0);
    let wait = |cpu: u64, state| Action::CallUntil { regs: vec![psci::AFFINITY_INFO, cpu, 0], until: state };
    let invalid = -2i64 as u64;
    let boot = vec![
        Action::hvc(&[psci::AFFINITY_INFO, 3, 0], 1),
        on(1, 11),
        Action::hvc(&[psci::CPU_ON, 4, CODE, 0], invalid),
        wait(1, 1),
        wait(3, 0),
        Action::hvc(&[psci::CPU_ON, 3, CODE, 0], -4i64 as u64),
        on(1, 12),
        Action::WaitKick,
    ];
    let first = vec![
        Action::check(|s| if s.x[0] == 11 && s.pc == CODE { Ok(()) } else { Err(format!("{s:?}")) }),
        on(2, 22),
        wait(3, 0),
        Action::hvc_any(&[psci::CPU_OFF]),
        Action::check(|s| if s.x[0] == 12 { Ok(()) } else { Err(format!("{s:?}")) }),
        off(),
    ];
    let second = vec![on(3, 33), Action::Spin];
    let third = vec![Action::Spin];
    let (ending, hv, _) = run(vec![boot, first, second, third]);
    assert_eq!((ending, hv.failures()), (Ending::PowerOff, vec![]));
    assert!(hv.log_of(3).contains(&Record::Load { pc: CODE, x0: 33, sp: 0 }));
    assert_eq!(hv.log_of(1).iter().filter(|r| **r == Record::Reset).count(), 2);
}

#[test]
fn suspending_to_power_down_comes_back_at_the_entry() {
    let script = vec![
        Action::hvc(&[psci::CPU_SUSPEND, 0, 0, 0], 0),
        Action::hvc_any(&[psci::CPU_SUSPEND, 1 << 16, CODE, 77]),
        Action::check(|s| if (s.pc, s.x[0]) == (CODE, 77) { Ok(()) } else { Err(format!("{s:?}")) }),
        off(),
    ];
    let (ending, hv, _) = run(vec![script]);
    assert_eq!((ending, hv.failures()), (Ending::PowerOff, vec![]));
}

#[test]
fn a_reset_loads_everything_again() {
    let spoil = vec![Action::hvc(&[psci::CPU_ON, 1, CODE, 0], 0), Action::hvc_any(&[psci::SYSTEM_RESET])];
    let script = [spoil, vec![off()]].concat();
    let hv = FakeHypervisor::new([script, vec![Action::Spin]]);
    let (machine, _) = build(&hv, config(BoardKind::Virt, 2));
    hv.ram().unwrap().write(0x4008_0000, &[0xff; 4]).unwrap();
    assert_eq!(within(move || machine.run()).unwrap(), Ending::PowerOff);
    let mut start = [0; 4];
    hv.ram().unwrap().read(0x4008_0000, &mut start).unwrap();
    assert_eq!(start, *b"\xd5\x03\x20\x1f");
    assert_eq!(hv.log_of(0).iter().filter(|r| **r == Record::Reset).count(), 2);
}

#[test]
fn without_reboots_a_reset_is_the_end() {
    let hv = FakeHypervisor::new([vec![Action::hvc_any(&[psci::SYSTEM_RESET])]]);
    let (machine, _) = build(&hv, MachineConfig { no_reboot: true, ..config(BoardKind::Virt, 1) });
    assert_eq!(within(move || machine.run()).unwrap(), Ending::Reset);
}

#[test]
fn a_guest_leaves_with_its_status_and_its_text_is_flushed() {
    let text = |byte: u8| Action::hvc(&[0x8600_0003, byte.into()], 0);
    let script = vec![text(b'h'), text(b'i'), Action::hvc_any(&[0x8600_0002, 7])];
    let (ending, hv, output) = run(vec![script]);
    assert_eq!((ending, hv.failures()), (Ending::Exit(7), vec![]));
    assert_eq!((output.text().as_str(), output.flushed()), ("hi", 2));
}

#[test]
fn a_spinning_cpu_can_be_stopped() {
    let on = Action::hvc(&[psci::CPU_ON, 1, CODE, 0], 0);
    let hv = FakeHypervisor::new([vec![on, Action::Spin], vec![Action::Spin]]);
    let (machine, _) = build(&hv, config(BoardKind::Virt, 2));
    let control = machine.control();
    let runner = std::thread::spawn(move || machine.run());
    let start = Instant::now();
    while control.retired() < 100 {
        assert!(start.elapsed() < Duration::from_secs(10));
        std::thread::yield_now();
    }
    assert!(!control.is_idle());
    control.stop();
    assert_eq!(within(move || runner.join().unwrap()).unwrap(), Ending::Stopped);
    assert_eq!(hv.failures(), Vec::<String>::new());
}

#[test]
fn a_machine_stopped_before_it_runs_runs_nothing() {
    let hv = FakeHypervisor::new([vec![Action::Spin]]);
    let (machine, _) = build(&hv, config(BoardKind::Virt, 1));
    machine.control().stop();
    assert_eq!(within(move || machine.run()).unwrap(), Ending::Stopped);
    assert_eq!(hv.log(), vec![]);
}

#[test]
fn a_stop_beats_a_reset_that_never_ends() {
    let resets = vec![Action::hvc_any(&[psci::SYSTEM_RESET]); 100_000];
    let hv = FakeHypervisor::new([resets]);
    let (machine, _) = build(&hv, config(BoardKind::Virt, 1));
    let control = machine.control();
    let runner = std::thread::spawn(move || machine.run());
    while hv.log().len() < 50 {
        std::thread::yield_now();
    }
    control.stop();
    assert_eq!(within(move || runner.join().unwrap()).unwrap(), Ending::Stopped);
}

#[test]
fn the_machine_says_why_it_died() {
    let dead = vec![Action::Stop(Stop::Dead("vector faults again at 0x200".into()))];
    assert_eq!(run(vec![dead]).0, Ending::Dead("vCPU 0: vector faults again at 0x200".into()));
    let on = Action::hvc(&[psci::CPU_ON, 1, CODE, 0], 0);
    let (ending, ..) = run(vec![vec![on, Action::Spin], vec![Action::Panic("out of cheese")]]);
    assert_eq!(ending, Ending::Dead("the thread of vCPU 1 panicked: out of cheese".into()));
}

#[test]
fn a_machine_without_running_cpus_is_hung() {
    let (ending, ..) = run(vec![vec![Action::hvc_any(&[psci::CPU_OFF])], vec![]]);
    assert_eq!(ending, Ending::Hung("every CPU turned itself off (PSCI CPU_OFF)".into()));
    let on = Action::hvc(&[psci::CPU_ON, 1, CODE, 0], 0);
    let hung = Action::Stop(Stop::Hung("WFI with all interrupts masked"));
    let (ending, ..) = run(vec![vec![on, hung], vec![Action::hvc_any(&[psci::CPU_OFF])]]);
    assert_eq!(ending, Ending::Hung("WFI with all interrupts masked".into()));
}

#[test]
fn a_failing_backend_is_an_error() {
    let hv = FakeHypervisor::new([vec![Action::Fail("the host took the CPU away")]]);
    let (machine, _) = build(&hv, config(BoardKind::Virt, 1));
    let error = within(move || machine.run()).unwrap_err();
    assert!(matches!(error, MachineError::Hv(_)), "{error}");
}

#[test]
fn observers_see_events_of_every_cpu() {
    #[derive(Default)]
    struct Log(Mutex<Vec<(usize, ExitEvent)>>);
    impl Observer for Log {
        fn exit(&self, cpu: usize, event: &ExitEvent) {
            self.0.lock().unwrap().push((cpu, event.clone()));
        }
    }
    let log = Arc::new(Log::default());
    let wfi = |pc| ExitEvent::Wfi { pc };
    let on = Action::hvc(&[psci::CPU_ON, 1, CODE, 0], 0);
    let second = vec![Action::Observe(wfi(2)), off()];
    let hv = FakeHypervisor::new([vec![Action::Observe(wfi(1)), on, Action::Spin], second]);
    let observers: Vec<Arc<dyn Observer>> = vec![log.clone(), log.clone()];
    let config = config(BoardKind::Virt, 2);
    let machine = Machine::build(&hv, config, Box::new(Output::default()), observers).unwrap();
    assert_eq!(within(move || machine.run()).unwrap(), Ending::PowerOff);
    let seen = log.0.lock().unwrap().clone();
    assert_eq!(seen, vec![(0, wfi(1)), (0, wfi(1)), (1, wfi(2)), (1, wfi(2))]);
}

#[test]
fn a_backend_with_psci_of_its_own_runs_all_cpus_at_once_and_again_after_a_reset() {
    // UARTIBRD, which a reset clears: by it the second CPU tells that it runs.
    let at = 0x0900_0024;
    let tell = || Action::MmioWrite { gpa: at, size: 4, value: 7, mapped: true };
    let told = || Action::MmioPoll { gpa: at, size: 4, mask: 0xff, expect: 7 };
    let boot = vec![told(), Action::Stop(Stop::Reset), told(), Action::Stop(Stop::Shutdown)];
    let parked = vec![tell(), Action::WaitKick, tell(), Action::WaitKick];
    let hv = FakeHypervisor::new([boot, parked]).with_capabilities(|can| can.own_psci = true);
    let (machine, _) = build(&hv, config(BoardKind::Virt, 2));
    assert_eq!(within(move || machine.run()).unwrap(), Ending::PowerOff);
    let loaded = |record: &Record| matches!(record, Record::Load { .. });
    assert_eq!(hv.log_of(0).iter().filter(|record| loaded(record)).count(), 2);
    let parked = hv.log_of(1);
    assert!(!parked.iter().any(loaded), "the backend starts it: {parked:?}");
    let count = |what| parked.iter().filter(|record| **record == what).count();
    assert_eq!((count(Record::Reset), count(Record::Run)), (2, 2), "{parked:?}");
}
