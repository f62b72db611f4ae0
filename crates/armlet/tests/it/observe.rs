//! What looks into a run: the statistics, the code that the JIT makes, the names for perf.

#[cfg(unix)]
use std::io::Read as _;

use crate::common::{Program, call, ended, run};

const HAS_JIT: bool = cfg!(all(target_arch = "x86_64", target_os = "linux"));
const SYSTEM_OFF: u32 = 0x8400_0008;

/// Adds up from 10000 to 0, then turns the machine off: 2 + 3 * 10000 + 4 instructions.
fn program() -> Program {
    let mut code = vec![
        0xd280_0001 | 10_000 << 5, // mov x1, #10000
        0xd280_0002,               // mov x2, #0
        0x8b01_0042,               // 1: add x2, x2, x1
        0xf100_0421,               // subs x1, x1, #1
        0x54ff_ffc1,               // b.ne 1b
    ];
    code.extend(call(SYSTEM_OFF, 0));
    Program::new(&code)
}

/// The numbers of a row of the table.
fn row(table: &str, name: &str) -> Vec<f64> {
    let line = table.lines().find(|line| line.trim_start().starts_with(name));
    let line = line.unwrap_or_else(|| panic!("no {name} in {table}"));
    line[34..].split_whitespace().map(|number| number.parse().unwrap()).collect()
}

#[test]
fn statistics_add_up() {
    let program = program();
    for options in [&["--engine", "interp"][..], &[]] {
        let jit = HAS_JIT && options.is_empty();
        let (status, console, table) = run(&[&["-q", "--stats", program.path()], options].concat());
        assert_eq!((status, console.as_str()), (Some(0), ""), "{table}");
        assert!(table.starts_with("statistics\n"), "{table}");
        let insns = row(&table, "instructions")[0];
        assert_eq!(insns, 30_006.0, "{table}");
        let mips = row(&table, "MIPS over all the time")[0];
        // Hosts count CPU time in ticks, of which a run so short may take none.
        let ticked = row(&table, "seconds of CPU time")[0] > 0.0;
        assert!(mips > 0.0 && (!ticked || row(&table, "MIPS over CPU time")[0] >= 0.0));
        assert_eq!(table.contains("JIT: compiled"), jit, "{table}");
        assert_eq!(table.contains("blocks lowered"), !jit, "{table}");
        let fetches = row(&table, "first level missed, fetch")[0];
        assert!(fetches >= 1.0 && row(&table, "walks")[0] >= fetches, "{table}");
        if !jit {
            continue;
        }
        let (compiled, bytes) = (row(&table, "guest instructions")[0], row(&table, "host bytes")[0]);
        assert!(compiled >= 9.0 && bytes > compiled);
        assert!((row(&table, "host bytes / instruction")[0] - bytes / compiled).abs() < 0.001);
        let exits = ["exits: budget", "exits: target", "exits: branch", "exits: a uop", "exits: FPCR"];
        let exits: f64 = exits.map(|name| row(&table, name)[0]).iter().sum();
        assert_eq!(exits, row(&table, "entries")[0], "{table}");
        let helped = row(&table, "uops run by the interpreter")[0];
        assert!(helped >= 1.0 && row(&table, "System(Hvc)") == [1.0], "{table}");
    }
}

#[test]
fn statistics_come_however_the_guest_ends() {
    // A dead guest, and two CPUs of which one is never on.
    let dead = Program::new(&[0]);
    let (status, _, words) = run(&["-q", "--stats", "--cpus", "2", dead.path()]);
    assert_eq!(status, Some(1));
    assert!(words.lines().last().unwrap().starts_with("armlet: the guest is dead"), "{words}");
    let insns = row(&words, "instructions");
    assert_eq!((insns.len(), insns[0], insns[2]), (3, insns[1], 0.0), "{words}");
}

#[cfg(unix)]
#[test]
fn statistics_come_after_a_signal() {
    let endless = Program::new(&[
        0xd2a0_0202, // mov x2, #0x100000
        0xf100_0442, // 1: subs x2, x2, #1
        0x54ff_ffe1, // b.ne 1b
        0xd2a1_2000, // mov x0, #0x9000000, the UART
        0x5280_0141, // mov w1, #'\n'
        0xb900_0001, // str w1, [x0]
        0x1400_0000, // b .
    ]);
    let mut child = crate::common::armlet(&["-q", "--stats", endless.path()]).spawn().unwrap();
    // Then it has counted down.
    child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::INT)
        .unwrap();
    let output = ended(child);
    let table = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(row(&table, "instructions")[0] > 1e6, "{table}");
}

#[test]
fn code_is_shown_by_guest_instruction() {
    if !HAS_JIT {
        return;
    }
    let (status, console, dump) = run(&["-q", "hello", "--dump-code", "0x40001000"]);
    assert_eq!((status, console.lines().count()), (Some(0), 2));
    assert!(dump.starts_with("cpu 0: trace 0 at 0x40001000, physical 0x40001000, EL1"), "{dump}");
    assert_eq!(dump.lines().filter(|line| line.starts_with("cpu 0: trace")).count(), 1, "{dump}");
    // The words of the image, in order, each with its text.
    let image = armlet::guests::find("hello").unwrap().image;
    for (n, word) in image.chunks(4).take(2).enumerate() {
        let word = u32::from_le_bytes(word.try_into().unwrap());
        assert!(dump.contains(&format!("  {:#x}  {word:08x}  ", 0x4000_1000 + n * 4)), "{dump}");
    }
    assert!(dump.contains("\n        0000  lea rcx, ") && dump.contains("jmp <poll>"), "{dump}");

    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("dump");
    let file = file.to_str().unwrap();
    let (_, _, words) = run(&["-q", "hello", "--dump-code", "all", "--dump-file", file]);
    let all = std::fs::read_to_string(file).unwrap();
    assert_eq!(words, "");
    assert!(all.contains("shared code enter") && all.contains(dump.lines().nth(5).unwrap()), "{all}");
    assert!(all.contains("  hvc #0x0\n    System(Hvc)\n") && !all.contains("(bad)"), "{all}");
}

#[test]
fn code_has_names_for_perf() {
    if !HAS_JIT || std::env::var_os("ARMLET_TESTED").is_some() {
        return eprintln!(
            "skipped: there is no JIT here, or the program in ARMLET_TESTED has another process number"
        );
    }
    let dir = tempfile::tempdir().unwrap();
    let symbols = dir.path().join("System.map");
    std::fs::write(&symbols, "0000000040080000 T start\n0000000040080008 t the_loop\n").unwrap();
    let program = program();
    let symbols = symbols.to_str().unwrap();
    let child =
        crate::common::armlet(&["-q", program.path(), "--perf-map", "--symbols", symbols]).spawn().unwrap();
    let path = format!("/tmp/perf-{}.map", child.id());
    assert_eq!(ended(child).status.code(), Some(0));
    let map = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let mut end = 0;
    for line in map.lines() {
        let mut words = line.splitn(3, ' ');
        let mut hex = || u64::from_str_radix(words.next().unwrap(), 16).unwrap();
        let (start, size) = (hex(), hex());
        assert!(start >= end && size > 0, "{map}");
        end = start + size;
    }
    for name in [" armlet:enter (cpu 0)\n", " guest:start\n", " guest:the_loop\n"] {
        assert!(map.contains(name), "{name}: {map}");
    }
}
