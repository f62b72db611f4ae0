//! What the program is put through on the rig, and what must come of it.

mod debian;
mod faults;
mod flash;
mod lessons;
mod log;
mod login;
mod virtio;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use super::frame::Outcome;
use super::{Rig, Scenario};

pub use debian::{debian, debian_pci, debian32};
pub use faults::{killed, out_of_memory, refused, refused32, starts_and_stops};
pub(super) use flash::{GRUB_MENU, UEFI_INIT};
pub use flash::{edk2, flash};
pub use lessons::{doctor, lessons, soft};
pub use login::{LOGIN, disk, login};
pub(super) use virtio::INIT;
pub use virtio::devices;

/// Defines what a script needs to read before it types.
const TALK: &str = include_str!("talk.sh");

/// Says what is wrong with an outcome.
type Judge = dyn Fn(&Outcome) -> Result<(), String>;

/// A scenario and its judge.
pub struct Case {
    scenario: Scenario,
    judge: Box<Judge>,
}

impl Case {
    fn new(
        name: &str,
        script: impl Into<String>,
        judge: impl Fn(&Outcome) -> Result<(), String> + 'static,
    ) -> Self {
        let scenario = Scenario { name: name.into(), script: script.into() };
        Self { scenario, judge: Box::new(judge) }
    }

    /// The scenario's name.
    pub fn name(&self) -> &str {
        &self.scenario.name
    }
}

/// The host under the scenarios, and what they are compared with.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The backend that must run guests.
    pub backend: String,
    /// Version of the interrupt controller.
    pub gic: u32,
    /// Processors have AArch32 at EL1.
    pub aarch32: bool,
    /// The program built for this host, whose backend `soft` does the same.
    pub reference: PathBuf,
}

/// All that a host with [`contents::full`](super::contents::full) and [`contents::uefi`](super::contents::uefi) can do.
///
/// # Errors
/// The reference doesn't run.
pub fn all(setting: &Setting) -> Result<Vec<Case>, String> {
    let mut cases = doctor(setting);
    cases.push(soft());
    cases.extend(lessons(setting)?);
    cases.extend([debian(setting, 2), devices(setting, 1, "mmio"), devices(setting, 2, "pci")]);
    cases.extend(if setting.aarch32 { vec![debian32(setting)] } else { refused32(setting) });
    cases.extend(refused(setting));
    cases.extend([flash(setting), edk2(setting)]);
    cases.extend([killed(setting), out_of_memory(setting), starts_and_stops(setting)]);
    Ok(cases)
}

/// What the program for Windows is put through.
///
/// # Errors
/// The reference doesn't run.
pub fn on_windows(setting: &Setting) -> Result<Vec<Case>, String> {
    let mut cases = doctor(setting);
    cases.extend(lessons(setting)?);
    cases.push(debian(setting, 2));
    Ok(cases)
}

/// Boots the rig once, runs the cases there and reports each as it ends; what failed.
///
/// # Errors
/// The rig itself failed.
pub fn run(rig: Rig, cases: &[Case], mut report: impl FnMut(&Outcome)) -> Result<Vec<String>, String> {
    let scenarios: Vec<Scenario> = cases.iter().map(|case| case.scenario.clone()).collect();
    let mut failures = Vec::new();
    let mut judges = cases.iter();
    rig.scenarios(&scenarios, |outcome| {
        report(&outcome);
        let case = judges.next().filter(|case| case.scenario.name == outcome.name);
        let verdict =
            case.ok_or_else(|| "nobody asked for it".into()).and_then(|case| (case.judge)(&outcome));
        if let Err(why) = verdict {
            failures.push(failure(&outcome, &why));
        }
    })?;
    failures.extend(judges.map(|case| format!("{}: it never ran", case.scenario.name)));
    Ok(failures)
}

fn failure(outcome: &Outcome, why: &str) -> String {
    let mut text = format!("{} (status {}): {why}", outcome.name, outcome.status);
    for (name, bytes) in &outcome.files {
        let shown = String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(1500)..]);
        text += &format!("\n--- {name}\n{shown}");
    }
    text
}

/// An error unless `fine`.
fn need(fine: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    if fine { Ok(()) } else { Err(why()) }
}

/// An error unless the script left with this status.
fn need_status(outcome: &Outcome, status: i32) -> Result<(), String> {
    need(outcome.status == status, || format!("it should end with status {status}"))
}

/// An error unless `text`, called `name`, has all these parts.
fn need_parts(name: &str, text: &str, parts: &[&str]) -> Result<(), String> {
    match parts.iter().find(|part| !text.contains(**part)) {
        Some(part) => Err(format!("{name} lacks {part:?}")),
        None => Ok(()),
    }
}

/// Runs the reference; its status, standard output and exit log.
fn reference(program: &Path, arguments: &[&str]) -> Result<(Option<i32>, String, String), String> {
    // Tests of one process run side by side.
    static RUNS: AtomicU32 = AtomicU32::new(0);
    let run = RUNS.fetch_add(1, Ordering::Relaxed);
    let log = std::env::temp_dir().join(format!("armlet-reference-{}-{run}", std::process::id()));
    let output = Command::new(program)
        .args(["run", "-q", "--backend", "soft", "--log", &format!("exits={}", log.display())])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|e| format!("{}: {e}", program.display()))?;
    let text = std::fs::read_to_string(&log).unwrap_or_default();
    let _ = std::fs::remove_file(log);
    Ok((output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned(), text))
}
