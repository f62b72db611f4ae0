//! How guests end: what the last line says, and the exit status.

use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

use crate::common::{Program, armlet, call, ended, run};

/// Two looks of the run loop for hung guests, and more.
const LONG: Duration = Duration::from_millis(600);

const SYSTEM_OFF: u32 = 0x8400_0008;

/// Enables interrupts 27 (the virtual timer) and 33 (the UART) in `virt`'s GICv2.
const GIC: &[u32] = &[
    0xd2a1_0001, // mov x1, #0x8000000
    0x5280_0022, // mov w2, #0x1
    0xb900_0022, // str w2, [x1]
    0x52a1_0003, // mov w3, #0x8000000
    0x7280_0043, // movk w3, #0x2
    0xb901_0023, // str w3, [x1, #256]
    0x5280_0043, // mov w3, #0x2
    0xb901_0423, // str w3, [x1, #260]
    0x3920_8422, // strb w2, [x1, #2081]
    0xd2a1_0024, // mov x4, #0x8010000
    0x5280_1fe3, // mov w3, #0xff
    0xb900_0483, // str w3, [x4, #4]
    0xb900_0082, // str w2, [x4]
];

/// Enables the UART's receive interrupts.
const UART: &[u32] = &[
    0xd2a1_2001, // mov x1, #0x9000000
    0x5280_0a02, // mov w2, #0x50
    0xb900_3822, // str w2, [x1, #56]
];

/// Sets the virtual timer to half a second from now.
const TIMER: &[u32] = &[
    0xd53b_e001, // mrs x1, cntfrq_el0
    0xd341_fc21, // lsr x1, x1, #1
    0xd51b_e301, // msr cntv_tval_el0, x1
    0xd280_0021, // mov x1, #0x1
    0xd51b_e321, // msr cntv_ctl_el0, x1
];

const WFI: &[u32] = &[
    0xd503_207f, // wfi
];

/// Turns CPU 1 on at what follows, and sleeps for ever.
const SECOND: &[u32] = &[
    0x1000_00e2, // adr x2, 1f
    0xd280_0021, // mov x1, #0x1
    0x5280_0060, // mov w0, #0x3
    0x72b8_8000, // movk w0, #0xc400, lsl #16
    0xd400_0002, // hvc #0x0
    0xd503_207f, // 2: wfi
    0x17ff_ffff, // b 2b
];

/// Sleeps for ever.
const SLEEP: &[u32] = &[
    0xd503_207f, // 1: wfi
    0x17ff_ffff, // b 1b
];

/// Runs for half a second.
const SPIN: &[u32] = &[
    0xd53b_e001, // mrs x1, cntfrq_el0
    0xd53b_e042, // mrs x2, cntvct_el0
    0x8b41_0441, // add x1, x2, x1, lsr #1
    0xd53b_e042, // 1: mrs x2, cntvct_el0
    0xeb01_005f, // cmp x2, x1
    0x54ff_ffc3, // b.cc 1b
];

/// Runs a program of these parts on `virt` with GICv2 and no input: exit status and last words.
fn end_of(parts: &[&[u32]], options: &[&str]) -> (Option<i32>, String) {
    let program = Program::new(&parts.concat());
    let (status, console, rest) = run(&[&["-q", "--gic", "2", program.path()], options].concat());
    assert_eq!(console, "");
    (status, rest)
}

const HANGS: &str = "armlet: the guest hangs: it sleeps in WFI and nothing can wake it";

#[test]
fn a_guest_that_nothing_can_wake_hangs() {
    let off = &call(SYSTEM_OFF, 0);
    // No source at all; a timer that no interrupt leads from; a UART whose input has ended.
    for parts in [&[SLEEP][..], &[TIMER, WFI, WFI], &[GIC, UART, WFI, off]] {
        let (status, words) = end_of(parts, &[]);
        assert_eq!(status, Some(1), "{words}");
        assert!(words.starts_with(HANGS) && words.lines().count() == 1, "{words}");
    }
    let (status, words) = end_of(&[SECOND, SLEEP], &["--cpus", "2"]);
    assert_eq!(status, Some(1), "{words}");
    assert!(words.contains("all its CPUs sleep in WFI and nothing can wake it"), "{words}");
}

#[test]
fn a_guest_that_something_will_wake_does_not() {
    let off = &call(SYSTEM_OFF, 0);
    assert_eq!(end_of(&[GIC, TIMER, WFI, off], &[]), (Some(0), String::new()));
    assert_eq!(end_of(&[SECOND, SPIN, off], &["--cpus", "2"]), (Some(0), String::new()));

    let program = Program::new(&[GIC, UART, WFI, off].concat());
    let mut child = armlet(&["-q", "--gic", "2", program.path()]).stdin(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(LONG);
    child.stdin.as_mut().unwrap().write_all(b"x").unwrap();
    let output = ended(child);
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

/// Sets VBAR_EL1 to 0x800 above the program's start, and runs `rest`; `vector` is the synchronous one.
fn with_vector(vector: &[u32], rest: &[u32]) -> Vec<u32> {
    // adr x0, #0x800; msr vbar_el1, x0
    let mut code = vec![0x1000_4000, 0xd518_c000];
    code.extend(rest);
    code.resize((0x800 + 0x200) / 4, 0);
    code.extend(vector);
    code
}

#[test]
fn a_vector_that_raises_exceptions_itself_is_death() {
    const SVC: u32 = 0xd400_0001;
    const NOP: u32 = 0xd503_201f;
    // mov x1, #0x10000; br x1
    let jump = vec![0xd2a0_0021, 0xd61f_0020];
    // A stack where nothing is: mov x1, #0x30000000; mov sp, x1
    let stack = [0xd2a6_0001, 0x9100_003f, SVC];
    for (machine, start) in [("virt", 0x4008_0000_u64), ("monitor", 0x4000_1000)] {
        for (code, says) in [
            (
                jump.clone(),
                vec![
                    "instruction abort at PC 0x10000 (syndrome 0x86000010, fault address 0x10000)",
                    "no vectors",
                ],
            ),
            (vec![0], vec!["undefined instruction at PC {start}", "its vector at 0x200 raises"]),
            (
                with_vector(&[0], &[SVC]),
                vec!["SVC at PC", ": undefined instruction at PC {vector}", "VBAR_EL1 is {vbar}"],
            ),
            // The vector gets somewhere, but never further: `sub sp, sp, #0x100; stp x0, x1, [sp]`.
            (with_vector(&[NOP, NOP, 0], &[SVC]), vec!["undefined instruction at PC {third}"]),
            (with_vector(&[0xd104_03ff, 0xa900_07e0], &stack), vec![": data abort at PC {second}"]),
        ] {
            let program = Program::new(&code);
            let (status, console, words) = run(&["-q", "-M", machine, "--cpu", "max", program.path()]);
            assert_eq!((status, console.as_str()), (Some(1), ""), "{words}");
            assert!(words.starts_with("armlet: the guest is dead: vCPU 0: "), "{words}");
            assert_eq!(words.lines().count(), 1, "{words}");
            for text in says {
                let at = |offset: u64| format!("{:#x}", start + offset);
                let text = text.replace("{start}", &at(0)).replace("{vbar}", &at(0x800));
                let text = text.replace("{vector}", &at(0xa00)).replace("{second}", &at(0xa04));
                let text = text.replace("{third}", &at(0xa08));
                assert!(words.contains(&text), "{text}: {words}");
            }
        }
    }
}

/// Words that are no program, the same in every run.
fn garbage(seed: u64, vectors: bool) -> Vec<u32> {
    let mut state = seed;
    let random = || {
        // splitmix64
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ z >> 31) as u32
    };
    let mut code: Vec<u32> = std::iter::repeat_with(random).take(25_000).collect();
    if vectors {
        code[..2].copy_from_slice(&[0x1000_4000, 0xd518_c000]);
    }
    code
}

#[test]
fn garbage_never_brings_the_host_down() {
    for seed in 0..12 {
        let program = Program::new(&garbage(seed, seed % 2 == 0));
        for machine in ["virt", "monitor"] {
            let mut child = armlet(&["-q", "--no-reboot", "-M", machine, program.path()]).spawn().unwrap();
            // Most die at once; a loop is as good an outcome.
            for _ in 0..40 {
                if child.try_wait().unwrap().is_some() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            let _ = child.kill();
            let output = child.wait_with_output().unwrap();
            let words = String::from_utf8_lossy(&output.stderr);
            assert!(!words.contains("panicked"), "seed {seed} on {machine}: {words}");
            assert!(matches!(output.status.code(), None | Some(0 | 1)), "seed {seed} on {machine}: {words}");
        }
    }
}
