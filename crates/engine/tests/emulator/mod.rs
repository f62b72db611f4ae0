//! Streams of instructions compared with QEMU's user emulation, whichever instruction set they are of.

pub mod elf;

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::oracle::Rng;

/// Streams of a batch that are reported.
const REPORTS: usize = 8;
/// Reports of a test that are shown.
const SHOWN: usize = 8;

/// One instruction set: its cases, our side, and a program that runs the cases under the emulator.
pub trait Isa {
    /// Instructions and a state to run them from.
    type Case: Clone;
    /// What they lead to.
    type Outcome: PartialEq;
    /// Names of the emulator.
    const EMULATORS: [&'static str; 2];
    /// Streams of a batch.
    const BATCH: usize;

    /// A static ELF file that runs the cases and writes what they led to.
    fn image(cases: &[Self::Case]) -> Vec<u8>;
    /// What it wrote. `None` if it is not whole.
    fn outcomes(cases: &[Self::Case], bytes: &[u8]) -> Option<Vec<Self::Outcome>>;
    /// Runs the cases on our side, where they lie in the program.
    fn run(&mut self, cases: &[Self::Case]) -> Vec<Self::Outcome>;
    /// Number of instructions.
    fn len(case: &Self::Case) -> usize;
    /// The case's first `len` instructions.
    fn cut(case: &Self::Case, len: usize) -> Self::Case;
    /// True if both run the same instructions.
    fn same_stream(one: &Self::Case, other: &Self::Case) -> bool;
    /// What differs, a line each.
    fn differences(case: &Self::Case, ours: &Self::Outcome, theirs: &Self::Outcome) -> String;
    /// The last instruction of a case, with what came before it and how it differs.
    fn describe(case: &Self::Case, before: &Self::Outcome, difference: &str) -> String;
}

/// Both sides.
pub struct Streams<I> {
    emulator: PathBuf,
    file: PathBuf,
    isa: I,
    /// Instructions compared.
    pub compared: u64,
    /// Cases that differ only while QEMU optimises.
    pub settled: u64,
}

impl<I: Isa> Streams<I> {
    /// `None`, with a line on standard error, if there is no emulator. `name` is that of the test.
    pub fn start(name: &str, isa: I) -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let find = |name| std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file());
        let Some(emulator) = I::EMULATORS.into_iter().find_map(find) else {
            armlet_testkit::skip(&format!("{} is not in PATH (Debian's qemu-user-static)", I::EMULATORS[0]));
            return None;
        };
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        Some(Self { emulator, file, isa, compared: 0, settled: 0 })
    }

    /// Runs cases in one process. An error says how it ended before its time. `singly` keeps QEMU from optimising
    /// across instructions.
    pub fn theirs(&self, cases: &[I::Case], singly: bool) -> Result<Vec<I::Outcome>, String> {
        let mut file = std::fs::File::create(&self.file).expect("the target directory is writable");
        file.write_all(&I::image(cases)).unwrap();
        file.set_permissions(PermissionsExt::from_mode(0o755)).unwrap();
        drop(file);
        let mut command = Command::new(&self.emulator);
        if singly {
            // By its name of now and that before QEMU 8.1.
            command.envs([("QEMU_ONE_INSN_PER_TB", "1"), ("QEMU_SINGLESTEP", "1")]);
        }
        let output = command
            .args(["-cpu", "max"])
            .arg(&self.file)
            .stdin(Stdio::null())
            .output()
            .expect("the emulator starts");
        let text = String::from_utf8_lossy(&output.stderr);
        I::outcomes(cases, &output.stdout).ok_or_else(|| format!("{}: {text}", output.status))
    }

    /// Runs cases, at most [`Isa::BATCH`] different streams, on both. Reports on streams that differ, some of them.
    pub fn compare(&mut self, cases: &[I::Case]) -> Vec<String> {
        let theirs = match self.theirs(cases, false) {
            Ok(theirs) => theirs,
            // Somewhere an exception was raised: look for it in halves.
            Err(_) if cases.len() > 1 => {
                let (first, second) = cases.split_at(cases.len() / 2);
                return [self.compare(first), self.compare(second)].concat();
            }
            Err(end) => return vec![self.report(&cases[0], &end)],
        };
        self.compared += cases.iter().map(|case| I::len(case) as u64).sum::<u64>();
        let ours = self.isa.run(cases).into_iter().enumerate();
        let mut differ = ours.filter(|(n, ours)| *ours != theirs[*n]).collect();
        self.settle(cases, &mut differ);
        let mut differ: Vec<&I::Case> = differ.into_iter().map(|(n, _)| &cases[n]).collect();
        differ.dedup_by(|one, other| I::same_stream(one, other));
        differ.into_iter().take(REPORTS).map(|case| self.report(case, "")).collect()
    }

    /// Drops cases on which QEMU agrees with us if it takes instructions one by one. Its optimiser knows registers
    /// that instructions before made constant, and errs at times: in 10.0, BSL, BIT and BIF with ones to select
    /// (mended by its commit a50347a4).
    fn settle(&mut self, cases: &[I::Case], differ: &mut Vec<(usize, I::Outcome)>) {
        if differ.is_empty() {
            return;
        }
        let before = differ.len();
        if let Ok(theirs) = self.theirs(cases, true) {
            differ.retain(|(n, ours)| theirs[*n] != *ours);
        }
        self.settled += (before - differ.len()) as u64;
    }

    /// What the first `len` instructions of a case lead to on our side.
    fn ours(&mut self, case: &I::Case, len: usize) -> (I::Case, I::Outcome) {
        let case = I::cut(case, len);
        let outcome = self.isa.run(std::slice::from_ref(&case)).remove(0);
        (case, outcome)
    }

    /// Cuts a case that differs down to its shortest beginning that does, and describes that one's last instruction.
    fn report(&mut self, case: &I::Case, end: &str) -> String {
        for len in 1..=I::len(case) {
            let (cut, ours) = self.ours(case, len);
            let difference = match self.theirs(std::slice::from_ref(&cut), true) {
                Ok(theirs) => I::differences(&cut, &ours, &theirs[0]),
                Err(end) => format!("  QEMU: {end}\n"),
            };
            if !difference.is_empty() {
                let before = self.ours(case, len - 1).1;
                return I::describe(&cut, &before, &difference);
            }
        }
        let (whole, before) = self.ours(case, I::len(case));
        let difference = format!("  differs only at its place among others {end}\n");
        I::describe(&whole, &before, &difference)
    }
}

impl<I> Drop for Streams<I> {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.file);
    }
}

/// Runs streams on both sides, `count` of them or `ARMLET_CASES`, and fails with what differs. `draw` adds the cases of
/// one stream.
pub fn run<I: Isa>(
    name: &str,
    mut streams: Streams<I>,
    seed: u64,
    count: usize,
    mut draw: impl FnMut(&mut Rng, &mut Vec<I::Case>),
) {
    let mut rng = Rng::new(seed);
    let cases = std::env::var("ARMLET_CASES");
    let mut left = cases.map_or(count, |n| n.parse().expect("ARMLET_CASES is a number"));
    let mut reports = vec![];
    while left != 0 && reports.len() < SHOWN {
        let batch = left.min(I::BATCH);
        left -= batch;
        let mut cases = vec![];
        (0..batch).for_each(|_| draw(&mut rng, &mut cases));
        reports.extend(streams.compare(&cases));
    }
    eprintln!("{name}: {} instructions; {} cases settled one by one", streams.compared, streams.settled);
    reports.truncate(SHOWN);
    assert!(reports.is_empty(), "{}", reports.join("\n"));
}
