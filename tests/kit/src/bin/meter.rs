//! Measures a program that runs a guest, where the program runs: `meter MIB MARKS -- COMMAND...`.
//!
//! Prints the nanoseconds from the start of the process until each of the comma-separated texts shows on its standard
//! output, one after another; and, MIB being the guest's memory, how much of the process is resident beside that memory.
//! Then it ends the program.

use std::io::Read;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// How long the guest rests before its monitor is weighed.
const REST: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("meter: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [mib, marks, dashes, program, arguments @ ..] = &words[..] else {
        return Err("usage: meter MIB MARKS -- COMMAND...".into());
    };
    let (true, Ok(mib)) = (dashes == "--", mib.parse::<u64>()) else {
        return Err(format!("no number of MiB, marks and a command: {words:?}"));
    };
    let start = Instant::now();
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| format!("{program}: {e}"))?;
    let result = measure(&mut child, start, marks, mib);
    let _ = child.kill();
    let _ = child.wait();
    result
}

fn measure(child: &mut Child, start: Instant, marks: &str, mib: u64) -> Result<(), String> {
    let mut stdout = child.stdout.take().expect("stdout is piped");
    let (mut seen, mut from) = (Vec::new(), 0);
    for mark in marks.split(',') {
        loop {
            if let Some(at) = seen[from..].windows(mark.len()).position(|w| w == mark.as_bytes()) {
                from += at + mark.len();
                println!("{mark} {}", start.elapsed().as_nanos());
                break;
            }
            let mut buffer = [0; 4096];
            match stdout.read(&mut buffer) {
                Ok(n @ 1..) => seen.extend(&buffer[..n]),
                _ => return Err(format!("it ended before {mark:?}: {}", String::from_utf8_lossy(&seen))),
            }
        }
    }
    if mib > 0 {
        std::thread::sleep(REST);
        let (guest, rest) = resident(child.id(), mib << 10)?;
        println!("guest-kib {guest}\nmonitor-kib {rest}");
    }
    Ok(())
}

/// KiB of a process that are resident: in mappings as large as the guest's memory, or the half of it, and elsewhere.
fn resident(pid: u32, guest_kib: u64) -> Result<(u64, u64), String> {
    let path = format!("/proc/{pid}/smaps");
    let text = std::fs::read_to_string(&path).map_err(|e| format!("{path}: {e}"))?;
    let (mut guest, mut rest, mut large) = (0, 0, false);
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let (key, value) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let kib: u64 = value.parse().unwrap_or(0);
        match key {
            "Size:" => large = kib >= guest_kib / 2,
            "Rss:" if large => guest += kib,
            "Rss:" => rest += kib,
            _ => {}
        }
    }
    Ok((guest, rest))
}
