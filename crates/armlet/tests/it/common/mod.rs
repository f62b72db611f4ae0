//! What tests share that run the program on small guests.

use std::io::Write;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use armlet_testkit::session::Session;

/// Generous: other tests run meanwhile, and CI machines are slow and shared.
const PATIENCE: Duration = Duration::from_secs(240);

pub fn armlet(args: &[&str]) -> Command {
    let mut command = armlet_testkit::program(env!("CARGO_BIN_EXE_armlet"));
    command.arg("run").args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Waits for the end of a program that prints little.
pub fn ended(mut child: Child) -> Output {
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if start.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("it does not end: {:?}", child.wait_with_output());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.wait_with_output().unwrap()
}

pub fn run(args: &[&str]) -> (Option<i32>, String, String) {
    let output = ended(armlet(args).spawn().unwrap());
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// A flat program in a file.
pub struct Program(tempfile::NamedTempFile);

impl Program {
    pub fn new(code: &[u32]) -> Self {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        for word in code {
            file.write_all(&word.to_le_bytes()).unwrap();
        }
        Self(file)
    }

    pub fn path(&self) -> &str {
        self.0.path().to_str().unwrap()
    }
}

/// An AArch64 ELF program in a file, of one segment at `at` that starts with its first instruction.
pub fn elf64(at: u64, segment: &[u8]) -> tempfile::NamedTempFile {
    let mut elf = vec![0; 120];
    let len = segment.len() as u64;
    elf[..6].copy_from_slice(b"\x7fELF\x02\x01");
    elf[16..20].copy_from_slice(&[2, 0, 183, 0]);
    (elf[32], elf[54], elf[56], elf[64], elf[72]) = (64, 56, 1, 1, 120);
    for (field, value) in [(24, at), (80, at), (88, at), (96, len), (104, len)] {
        elf[field..field + 8].copy_from_slice(&value.to_le_bytes());
    }
    elf.extend_from_slice(segment);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&elf).unwrap();
    file
}

/// `mov w0, #low; movk w0, #high, lsl #16; mov w1, #argument; hvc #0`.
pub fn call(function: u32, argument: u32) -> Vec<u32> {
    let mov = |rd, imm: u32| 0x5280_0000 | (imm & 0xffff) << 5 | rd;
    vec![mov(0, function), 0x72a0_0000 | (function >> 16) << 5, mov(1, argument), 0xd400_0002]
}

/// Runs the program to its end.
pub fn ask(args: &[&str]) -> Output {
    armlet_testkit::program(env!("CARGO_BIN_EXE_armlet"))
        .args(args)
        .stdin(Stdio::null())
        .output()
        .expect("the program was built for this test")
}

/// What a person might type at a guest's shell: looks around, uses pipes and loops, types what is `more`, each with what
/// it brings, and turns the machine off.
pub fn converse(mut session: Session, system: &str, cpus: usize, more: &[(&str, &str)]) {
    let processors = format!("\n{cpus}\r");
    let alike = [
        ("uname -a", system),
        ("grep -c ^processor /proc/cpuinfo", &processors),
        ("seq 1 1000 | sort -n | tail -n 1 | sed s/^/last=/", "\nlast=1000\r"),
        ("i=0; while [ $i -lt 300 ]; do i=$((i+1)); done; echo total=$((i*2))", "\ntotal=600\r"),
        (
            "dd if=/dev/urandom of=/tmp/a bs=64k count=16 2>/dev/null; gzip -c /tmp/a | gunzip | cmp - /tmp/a; echo same=$?",
            "\nsame=0\r",
        ),
    ];
    session.expect("guest# ", PATIENCE);
    for (line, brings) in alike.iter().chain(more) {
        session.type_line(line);
        session.expect(brings, PATIENCE);
    }
    session.type_line("poweroff -f");
    let (status, text) = session.finish(PATIENCE);
    assert!(status.success(), "poweroff should end with status 0, not {status}:\n{text}");
}
