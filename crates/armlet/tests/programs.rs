//! Debian's own programs under Debian's own kernel: archivers, encoders, a compiler, interpreters and the code that
//! JIT compilers make. What each prints in the guest must be what it prints under the oracle, which runs single programs.
//!
//! `ARMLET_PROGRAMS` chooses: `long` for all cases, or their names with commas between.

use std::process::Command;
use std::time::Duration;

use armlet_testkit::programs::{self, Case, Outcome};
use armlet_testkit::session::Session;
use armlet_testkit::{payloads, skip};

/// Generous: CI machines are slow and shared, and tests measure nothing.
const LIMIT: Duration = Duration::from_secs(1800);

/// The cases of `group` that this run is for.
fn chosen(group: &str) -> Vec<Case> {
    let choice = std::env::var("ARMLET_PROGRAMS").unwrap_or_default();
    let names: Vec<&str> = choice.split(',').filter(|name| !name.is_empty()).collect();
    let wanted = |case: &Case| match names[..] {
        [] => !case.long,
        ["long"] => true,
        _ => names.contains(&case.name.as_str()),
    };
    let cases = programs::cases().expect("the cases can be read");
    cases.into_iter().filter(|case| case.group == group && wanted(case)).collect()
}

/// What is missing for a run, in one sentence.
fn ready() -> Result<(), String> {
    payloads::get()?;
    programs::get()?;
    let oracle = Command::new(programs::ORACLE).arg("--version").output();
    oracle.map(|_| ()).map_err(|e| format!("{} does not start: {e}", programs::ORACLE))
}

fn run_in_guest(group: &str, cases: &[Case], options: &[&str], dir: &std::path::Path) -> Vec<Outcome> {
    let ramdisk = dir.join("programs.cpio");
    let image = programs::ramdisk(group, cases, None).expect("the ramdisk can be made");
    std::fs::write(&ramdisk, image).expect("the ramdisk can be written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_armlet"));
    let kernel = &payloads::get().expect("checked before").cloud_kernel;
    command.arg("run").arg(kernel).arg("--initrd").arg(&ramdisk);
    command.args(["--append", "console=ttyAMA0 quiet loglevel=1 panic=-1"]);
    command.args(["--memory", &format!("{}M", programs::MEMORY_MIB), "--no-reboot", "-q"]).args(options);
    let (status, text) = Session::start(&mut command).expect("armlet starts").finish(LIMIT);
    assert!(status.success() && text.contains(programs::ALL_DONE), "{status}:\n{text}");
    programs::read_results(&text)
}

/// Runs a group's cases in the guest and under the oracle.
fn compare(group: &str, options: &[&str]) {
    let cases = chosen(group);
    if cases.is_empty() {
        return;
    }
    if let Err(why) = ready() {
        return skip(&why);
    }
    let dir = tempfile::tempdir().expect("a directory for the ramdisk");
    let guest = run_in_guest(group, &cases, options, dir.path());
    let names: Vec<&str> = guest.iter().map(|outcome| outcome.name.as_str()).collect();
    assert_eq!(names, cases.iter().map(|case| case.name.as_str()).collect::<Vec<_>>());
    let wrong: Vec<String> = cases
        .iter()
        .zip(&guest)
        .filter_map(|(case, outcome)| difference(case, outcome, dir.path()))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Tells what a case did wrong in the guest.
fn difference(case: &Case, guest: &Outcome, dir: &std::path::Path) -> Option<String> {
    if guest.status != 0 {
        return Some(format!("{} ended with {} in the guest:\n{}", case.name, guest.status, guest.output));
    }
    if !case.oracle {
        return None;
    }
    let host = programs::run_on_host(case, dir).expect("the case runs on the host");
    let same = host.status == 0 && host.output == guest.output;
    let told = || {
        format!(
            "{} in the guest:\n{}and on the host, status {}:\n{}",
            case.name, guest.output, host.status, host.output
        )
    };
    (!same).then(told)
}

#[test]
fn archivers_encoders_cryptography_and_sqlite() {
    compare("tools", &[]);
}

#[test]
fn python() {
    compare("python", &[]);
}

#[test]
fn perl() {
    compare("perl", &[]);
}

#[test]
fn the_compiler() {
    compare("gcc", &[]);
}

#[test]
fn the_ray_tracer() {
    compare("povray", &[]);
}

#[test]
fn javascript() {
    compare("node", &[]);
}

#[test]
fn java() {
    compare("java", &[]);
}

#[test]
fn every_case_belongs_to_a_test() {
    let groups = ["tools", "python", "perl", "gcc", "povray", "node", "java"];
    for case in programs::cases().expect("the cases can be read") {
        assert!(groups.contains(&case.group.as_str()), "{} is of the group {}", case.name, case.group);
    }
}
