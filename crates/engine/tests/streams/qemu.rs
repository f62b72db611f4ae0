//! QEMU's user emulation as the other side.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::image;
use crate::oracle::{Case, Ours, Outcome, Rng};

const NAMES: [&str; 2] = ["qemu-aarch64-static", "qemu-aarch64"];
/// Streams of a batch that are reported.
const REPORTS: usize = 8;

/// Both sides.
pub struct Streams {
    emulator: PathBuf,
    file: PathBuf,
    ours: Ours,
    /// Instructions compared.
    pub compared: u64,
    /// Cases that differ only while QEMU optimises.
    pub settled: u64,
}

impl Streams {
    /// `None`, with a line on standard error, if there is no emulator. `name` is that of the test.
    pub fn start(name: &str) -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let find = |name| std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file());
        let Some(emulator) = NAMES.into_iter().find_map(find) else {
            armlet_testkit::skip(&format!("{} is not in PATH (Debian's qemu-user-static)", NAMES[0]));
            return None;
        };
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        Some(Self { emulator, file, ours: Ours::new(), compared: 0, settled: 0 })
    }

    /// Runs cases in one process. An error says how it ended before its time. `singly` keeps QEMU from optimising
    /// across instructions.
    fn theirs(&self, cases: &[Case], singly: bool) -> Result<Vec<Outcome>, String> {
        let mut file = std::fs::File::create(&self.file).expect("the target directory is writable");
        file.write_all(&image::image(cases)).unwrap();
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
        image::outcomes(cases, &output.stdout).ok_or_else(|| format!("{}: {text}", output.status))
    }

    /// Whether FJCVTZS takes a denormal that is flushed for an inexact conversion, as FPToFixedJS says. QEMU 7.2 does
    /// not.
    pub fn knows_fjcvtzs(&self) -> bool {
        let mut case = Case::random(&mut Rng::new(0), vec![super::words::FJCVTZS]);
        (case.state.v[0], case.state.fpcr) = (1, 1 << 24);
        self.theirs(&[case], false).is_ok_and(|theirs| theirs[0].state.nzcv == 0)
    }

    /// Runs cases, at most [`image::SLOTS`] different streams, on both. Reports on streams that differ, some of them.
    pub fn compare(&mut self, cases: &[Case]) -> Vec<String> {
        let theirs = match self.theirs(cases, false) {
            Ok(theirs) => theirs,
            // Somewhere an exception was raised: look for it in halves.
            Err(_) if cases.len() > 1 => {
                let (first, second) = cases.split_at(cases.len() / 2);
                return [self.compare(first), self.compare(second)].concat();
            }
            Err(end) => return vec![self.report(&cases[0], &end)],
        };
        self.ours.forget();
        let (places, mut differ) = (image::places(cases), vec![]);
        for (n, case) in cases.iter().enumerate() {
            self.compared += case.words.len() as u64;
            let ours = self.ours.run_at(places[n], case);
            if ours != theirs[n] {
                differ.push((n, ours));
            }
        }
        self.settle(cases, &mut differ);
        let mut differ: Vec<&Case> = differ.into_iter().map(|(n, _)| &cases[n]).collect();
        differ.dedup_by_key(|case| &case.words);
        differ.into_iter().take(REPORTS).map(|case| self.report(case, "")).collect()
    }

    /// Drops cases on which QEMU agrees with us if it takes instructions one by one. Its optimiser knows registers
    /// that instructions before made constant, and errs at times: in 10.0, BSL, BIT and BIF with ones to select
    /// (mended by its commit a50347a4).
    fn settle(&mut self, cases: &[Case], differ: &mut Vec<(usize, Outcome)>) {
        if differ.is_empty() {
            return;
        }
        let before = differ.len();
        if let Ok(theirs) = self.theirs(cases, true) {
            differ.retain(|(n, ours)| theirs[*n] != *ours);
        }
        self.settled += (before - differ.len()) as u64;
    }

    /// What the first `len` words of a case lead to on our side.
    fn ours(&mut self, case: &Case, len: usize) -> (Case, Outcome) {
        let case = Case { words: case.words[..len].to_vec(), ..case.clone() };
        self.ours.forget();
        let outcome = self.ours.run_at(image::places(std::slice::from_ref(&case))[0], &case);
        (case, outcome)
    }

    /// Cuts a case that differs down to its shortest beginning that does, and describes that one's last instruction.
    fn report(&mut self, case: &Case, end: &str) -> String {
        for len in 1..=case.words.len() {
            let (cut, ours) = self.ours(case, len);
            let difference = match self.theirs(std::slice::from_ref(&cut), true) {
                Ok(theirs) => cut.differences(&ours, &theirs[0], "QEMU"),
                Err(end) => format!("  QEMU: {end}  ours raised: {}\n", ours.raised),
            };
            if !difference.is_empty() {
                let before = self.ours(case, len - 1).1;
                return super::describe(&cut, &before.state, &difference);
            }
        }
        format!("differs only at its place among others {end}: {:08x?}\n", case.words)
    }
}

impl Drop for Streams {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.file);
    }
}
