//! Guests run by the program: the embedded lessons, and small programs for what pipes and statuses do.

use std::io::{Read, Write};
use std::process::Stdio;
use std::time::Duration;

use crate::common::{Program, armlet, call, ended, run};

/// Runs an embedded guest quietly and returns what it printed.
fn lesson(name: &str, options: &[&str]) -> String {
    let (status, console, rest) = run(&[&["-q", name], options].concat());
    assert_eq!((status, rest.as_str()), (Some(0), ""), "{name} {options:?}: {console}");
    console
}

/// Sends back what the UART receives, until 0x04; then powers off.
const ECHO: &[u32] = &[
    0xd2a1_2001, // mov x1, #0x9000000
    0x5280_6022, // mov w2, #0x301
    0xb900_3022, // str w2, [x1, #48]
    0xb940_1822, // 1: ldr w2, [x1, #24]
    0x3727_ffe2, // tbnz w2, #4, 1b
    0xb940_0023, // ldr w3, [x1]
    0x1200_1c63, // and w3, w3, #0xff
    0x7100_107f, // cmp w3, #0x4
    0x5400_00a0, // b.eq 3f
    0xb940_1822, // 2: ldr w2, [x1, #24]
    0x372f_ffe2, // tbnz w2, #5, 2b
    0xb900_0023, // str w3, [x1]
    0x17ff_fff7, // b 1b
    0x5280_0100, // 3: mov w0, #0x8
    0x72b0_8000, // movk w0, #0x8400, lsl #16
    0xd400_0002, // hvc #0x0
];

/// Prints `y` for ever.
const CHATTER: &[u32] = &[
    0xd2a1_2001, // mov x1, #0x9000000
    0x5280_0f23, // mov w3, #0x79
    0xb940_1822, // 1: ldr w2, [x1, #24]
    0x372f_ffe2, // tbnz w2, #5, 1b
    0xb900_0023, // str w3, [x1]
    0x17ff_fffd, // b 1b
];

#[test]
fn hello_is_what_runs_and_is_narrated() {
    let (status, console, rest) = run(&[]);
    assert_eq!(status, Some(0));
    assert_eq!(console, "Hello from the guest, by hypercall.\nHello from the guest, by UART.\n");
    for sentence in [
        "machine  monitor (",
        "[monitor] memory mapped 0x40000000-0x44000000",
        "[monitor] vCPU 0: PC=0x40001000 SP=0x43fff000",
        r#"HVC #0 write string "Hello from the guest, by hypercall.\n""#,
        r#"UART "Hello from the guest, by UART.\n", 31 bytes"#,
        "HVC #0 exit",
    ] {
        assert!(rest.contains(sentence), "{sentence}: {rest}");
    }
}

#[test]
fn a_bare_command_runs_hello_with_a_hint() {
    let child = armlet_testkit::program(env!("CARGO_BIN_EXE_armlet"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let output = ended(child);
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("Hello from the guest"));
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(stderr.lines().filter(|line| line.contains("--help")).count(), 1, "{stderr}");
}

#[test]
fn interrupts_come_by_either_controller() {
    for gic in ["2", "3"] {
        let console = lesson("timer", &["--gic", gic]);
        assert!(console.starts_with(&format!("Setting up interrupts: GICv{gic}.\n")), "{console}");
        assert_eq!(console.matches(": interrupt 34\n").count(), 3, "{console}");
        assert_eq!(console.matches(": interrupt 27\n").count(), 3, "{console}");
        let console = lesson("wfi", &["--gic", gic]);
        assert!(console.contains("the handler ran: interrupt 27.\nSlept for "), "{console}");
    }
}

#[test]
fn faults_are_reported_and_survived() {
    let console = lesson("data-abort", &[]);
    assert_eq!(console.matches("exception class 0x25").count(), 2, "{console}");
    assert!(console.contains("ESR_EL1 = 0x96000010 ") && console.contains("ESR_EL1 = 0x96000050 "));
    let console = lesson("insn-abort", &[]);
    assert!(console.contains("ESR_EL1 = 0x86000010 ") && console.contains("ELR_EL1 = 0x50000000 "));
    let console = lesson("sysreg", &[]);
    assert_eq!(console.matches("ESR_EL1 = 0x2000000 ").count(), 2, "{console}");
}

#[test]
fn a_program_at_el0_is_served_and_kept_in_its_place() {
    let console = lesson("el0", &[]);
    assert!(console.contains("the kernel says 42, and I agree."), "{console}");
    assert!(console.contains("ESR_EL1 = 0x9200000e "), "{console}");
    assert!(console.ends_with("Kernel: SVC #3, exit with status 0.\n"), "{console}");
}

#[test]
fn the_guest_decides_the_exit_status() {
    let exit = Program::new(&call(0x8600_0002, 7));
    assert_eq!(run(&["-q", "-M", "monitor", exit.path()]), (Some(7), "".into(), "".into()));
    let off = Program::new(&call(0x8400_0008, 0));
    assert_eq!(run(&["-q", off.path()]), (Some(0), "".into(), "".into()));
    let reset = Program::new(&call(0x8400_0009, 0));
    let (status, _, rest) = run(&["--no-reboot", reset.path()]);
    assert_eq!(status, Some(0));
    assert!(rest.ends_with("armlet: the guest asked for a reset\n"), "{rest}");
}

#[test]
fn piped_input_reaches_the_guest_whole() {
    let echo = Program::new(ECHO);
    let mut child = armlet(&["-q", echo.path()]).stdin(Stdio::piped()).spawn().unwrap();
    // All bytes but the end mark, Ctrl-A among them: from a pipe it is a byte like any other.
    let sent: Vec<u8> = (0..20_000u32).map(|i| (i * 7 + i / 256) as u8).filter(|byte| *byte != 4).collect();
    let mut stdin = child.stdin.take().unwrap();
    let feed = sent.clone();
    let writer = std::thread::spawn(move || {
        stdin.write_all(&feed).unwrap();
        stdin.write_all(&[4]).unwrap();
    });
    let mut received = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut received).unwrap();
    writer.join().unwrap();
    let output = ended(child);
    assert_eq!(output.status.code(), Some(0));
    assert!(received == sent, "{} bytes of {} came back", received.len(), sent.len());
    assert_eq!(output.stderr, b"");
}

#[test]
fn the_end_of_input_is_not_the_end_of_the_guest() {
    let echo = Program::new(ECHO);
    let mut child = armlet(&["-q", echo.path()]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"abc").unwrap();
    let mut received = [0; 3];
    child.stdout.as_mut().unwrap().read_exact(&mut received).unwrap();
    assert_eq!(&received, b"abc");
    std::thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().unwrap().is_none(), "it ended with its input");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let chatter = Program::new(CHATTER);
    let mut child = armlet(&["-q", chatter.path()]).spawn().unwrap();
    let mut some = [0; 10];
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut some).unwrap();
    drop(stdout);
    let output = ended(child);
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn exits_are_logged_with_a_summary() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("exits");
    lesson("hello", &["--log", &format!("exits={}", path.display())]);
    let log = std::fs::read_to_string(path).unwrap();
    assert!(log.lines().rev().skip(2).all(|line| line.starts_with('[')), "{log}");
    assert!(log.contains(" mmio write PL011+0x0 4 <- 0x48 'H' esr=0x93800047\n"), "{log}");
    assert!(log.contains(" HVC #0 EXIT -> "), "{log}");
    let [devices, kinds] = [0, 1].map(|n| log.lines().rev().nth(n).unwrap());
    assert!(kinds.contains(" exits: ") && kinds.contains("mmio write") && kinds.contains("2 call"), "{log}");
    assert!(devices.starts_with("devices: ") && devices.ends_with(" PL011"), "{log}");
}
