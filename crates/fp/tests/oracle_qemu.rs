//! Against a processor: every operation as the instruction that uses it, executed by QEMU's user emulation.
//!
//! Needs a cross compiler and QEMU. Without them the test says so and passes, unless `ARMLET_REQUIRE_ORACLES`
//! is 1. `ARMLET_ORACLE_VECTORS` sets the number of vectors per instruction.

mod common;
mod qemu_ops;

use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use armlet_fp::{FLAGS, FpContext, IXC};
use common::Rng;
use qemu_ops::{Op, Output, ops};

const COMPILER: &str = "aarch64-linux-gnu-gcc";
const EMULATORS: [&str; 2] = ["qemu-aarch64-static", "qemu-aarch64"];

/// A program of this name in PATH.
fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|program| program.is_file())
}

/// The compiler and the emulator, or `None` if the test is to be skipped.
fn tools() -> Option<(PathBuf, PathBuf)> {
    let (compiler, emulator) = (find(COMPILER), EMULATORS.into_iter().find_map(find));
    if let (Some(compiler), Some(emulator)) = (&compiler, &emulator) {
        return Some((compiler.clone(), emulator.clone()));
    }
    let missing = if compiler.is_none() { COMPILER } else { EMULATORS[0] };
    let packages = "gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static";
    assert!(
        std::env::var("ARMLET_REQUIRE_ORACLES").as_deref() != Ok("1"),
        "{missing} is not in PATH; install the apt packages {packages}"
    );
    // Past the capture of the test harness, which shows nothing of tests that pass.
    let _ = writeln!(
        std::io::stderr(),
        "oracle_qemu skipped: {missing} is not in PATH (apt packages {packages})"
    );
    None
}

/// The table of routines that the C program calls.
fn assembly(ops: &[Op]) -> String {
    let mut text = ".arch armv8.6-a+fp16+fp16fml\n.text\n".to_owned();
    for (n, op) in ops.iter().enumerate() {
        let result = match op.output {
            Output::Half => "umov w0, v0.h[0]",
            Output::Single => "fmov w0, s0",
            Output::Double => "fmov x0, d0",
            Output::Integer => "",
            Output::Flags => "mrs x0, nzcv\nlsr x0, x0, #28",
        };
        let _ = writeln!(
            text,
            "op{n}: msr fpcr, x3\nmsr fpsr, xzr\nfmov d0, x0\nfmov d1, x1\nfmov d2, x2\n{}\n{result}\n\
             mrs x1, fpsr\nmsr fpcr, xzr\nret",
            op.asm
        );
    }
    text += ".section .rodata\n.balign 8\n.globl routines\nroutines:\n";
    for n in 0..ops.len() {
        let _ = writeln!(text, ".quad op{n}");
    }
    text + ".section .note.GNU-stack,\"\",%progbits\n"
}

/// Builds the program for the table of `ops`.
fn build(compiler: &Path, ops: &[Op]) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("oracle_qemu");
    std::fs::create_dir_all(&dir).unwrap();
    let (table, program) = (dir.join("ops.s"), dir.join("oracle_qemu"));
    std::fs::write(&table, assembly(ops)).unwrap();
    let driver = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle_qemu.c");
    let status = Command::new(compiler)
        .args(["-O2", "-static", "-no-pie", "-o"])
        .args([&program, &driver, &table])
        .status()
        .unwrap();
    assert!(status.success(), "{COMPILER} failed");
    program
}

struct Vector {
    op: usize,
    fpcr: u32,
    operands: [u64; 3],
}

/// Random controls: rounding mode, FZ, DN, AHP and FZ16, more often clear than set.
fn fpcr(rng: &mut Rng) -> u32 {
    let mut fpcr = (rng.below(4) as u32) << 22;
    for bit in [26, 25, 24, 19] {
        fpcr |= u32::from(rng.one_in(4)) << bit;
    }
    // The fast paths need a share too.
    if rng.one_in(4) { 0 } else { fpcr }
}

/// The results and FPSR values of all vectors.
fn execute(emulator: &Path, program: &Path, vectors: &[Vector]) -> Vec<(u64, u32)> {
    let mut child = Command::new(emulator)
        .args(["-cpu", "max"])
        .arg(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = Vec::with_capacity(vectors.len() * 32);
    for v in vectors {
        input.extend((v.op as u32).to_le_bytes());
        input.extend(v.fpcr.to_le_bytes());
        v.operands.iter().for_each(|operand| input.extend(operand.to_le_bytes()));
    }
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(&input).unwrap());
    let mut output = Vec::with_capacity(vectors.len() * 16);
    child.stdout.take().unwrap().read_to_end(&mut output).unwrap();
    writer.join().unwrap();
    assert!(child.wait().unwrap().success());
    let word = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap());
    output.chunks_exact(16).map(|pair| (word(&pair[..8]), word(&pair[8..]) as u32 & FLAGS)).collect()
}

/// Counts vectors, and those on which this crate differs.
#[derive(Default)]
struct Score {
    compared: usize,
    wrong: usize,
}

impl Score {
    /// Executes vectors and compares. Shows the first differences of each instruction.
    fn compare(&mut self, emulator: &Path, program: &Path, ops: &[Op], vectors: &[Vector]) {
        let outcomes = execute(emulator, program, vectors);
        assert_eq!(outcomes.len(), vectors.len());
        let mut wrong_of = vec![0; ops.len()];
        for (v, &(result, flags)) in vectors.iter().zip(&outcomes) {
            let op = &ops[v.op];
            // Once more with IXC set, when the fast paths do not ask whether a result is exact.
            let [mine, again] = [0, IXC].map(|fpsr| {
                let mut cx = FpContext::from_fpcr(v.fpcr, fpsr);
                ((op.run)(&mut cx, v.operands), cx.flags)
            });
            if known_wrong(op, v) {
                continue;
            }
            if mine == (result, flags) && again == (result, flags | IXC) {
                continue;
            }
            wrong_of[v.op] += 1;
            if wrong_of[v.op] <= 4 {
                let asm = op.asm.replace('\n', "; ");
                let (fpcr, operands) = (v.fpcr, v.operands);
                eprintln!(
                    "{asm} fpcr {fpcr:#x} of {operands:x?}: {mine:x?} {again:x?}, not {result:x} {flags:x}"
                );
            }
        }
        self.compared += vectors.len();
        self.wrong += wrong_of.iter().sum::<usize>();
    }
}

/// True where QEMU 7.2 differs from the architecture: FJCVTZS sets Z for a denormal that FPCR.FZ flushes,
/// although the conversion is not exact. QEMU 10 does not.
fn known_wrong(op: &Op, v: &Vector) -> bool {
    const FZ: u32 = 1 << 24;
    let (exponent, fraction) = (v.operands[0] >> 52 & 0x7ff, v.operands[0] << 12);
    op.asm.starts_with("fjcvtzs") && v.fpcr & FZ != 0 && exponent == 0 && fraction != 0
}

#[test]
fn agrees_with_a_processor() {
    let Some((compiler, emulator)) = tools() else { return };
    let per_op = std::env::var("ARMLET_ORACLE_VECTORS").map_or(10_000, |n| n.parse().unwrap());
    let ops = ops();
    let program = build(&compiler, &ops);
    let mut rng = Rng::new(1);
    let mut score = Score::default();
    // In rounds, which bound the memory that many vectors take.
    for round in (0..per_op).step_by(10_000) {
        let count = (per_op - round).min(10_000);
        let mut vectors = Vec::with_capacity(ops.len() * count);
        for (op, Op { operands, .. }) in ops.iter().enumerate() {
            vectors.extend((0..count).map(|_| Vector {
                op,
                fpcr: fpcr(&mut rng),
                operands: operands(&mut rng),
            }));
        }
        score.compare(&emulator, &program, &ops, &vectors);
    }
    let compared = score.compared;
    println!("{compared} vectors of {} instructions compared", ops.len());

    // And every half there is, where that is the only operand, with controls that differ from one to the next.
    for (op, _) in ops.iter().enumerate().filter(|(_, op)| op.unary_half) {
        let halves = 0..=u64::from(u16::MAX);
        let vectors: Vec<_> =
            halves.map(|a| Vector { op, fpcr: fpcr(&mut rng), operands: [a, 0, 0] }).collect();
        score.compare(&emulator, &program, &ops, &vectors);
    }
    println!("{} vectors of all halves compared", score.compared - compared);
    assert_eq!(score.wrong, 0, "of {} vectors", score.compared);
}
