//! Real programs as workloads: the cases of `tests/programs`, timed inside the guest; and CoreMark, if its sources are there.

use std::path::{Path, PathBuf};

use armlet_testkit::programs::{self, Case, Set};
use armlet_testkit::{cpio, root};

use super::arch::Arch;
use super::machine::{Machine, Runs};
use super::{Options, write};

/// The class of the cases in the report.
pub const CLASS: &str = "programs";
/// The class of CoreMark.
pub const COREMARK: &str = "CoreMark";

/// True if `--only` means a case, or all of them, and no kernel of `guests/bench`.
pub fn is_program(name: &str) -> bool {
    let named = |cases: Vec<Case>| cases.iter().any(|case| case.name == name);
    name == CLASS || name == COREMARK || programs::cases().is_ok_and(named)
}

/// Measures what `options` asks for on all machines.
pub fn run(options: &Options, arch: &Arch, machines: &[Machine], results: &mut Runs) -> Result<(), String> {
    let cases = chosen(options)?;
    let mut groups: Vec<&str> = cases.iter().map(|case| case.group.as_str()).collect();
    groups.dedup();
    for group in groups {
        let of_group: Vec<Case> = cases.iter().filter(|case| case.group == group).cloned().collect();
        run_group(options, arch, group, &of_group, machines, results)?;
    }
    match &options.coremark {
        Some(dir) if options.program_runs > 0 => run_coremark(dir, arch, machines, results),
        _ => Ok(()),
    }
}

/// The cases to run, each group's together.
fn chosen(options: &Options) -> Result<Vec<Case>, String> {
    if options.program_runs == 0 {
        return Ok(Vec::new());
    }
    let only = options.names();
    let has = |name: &str| only.contains(&name);
    let all = only.is_empty() || has(CLASS);
    let short = |case: &Case| case.set(programs::Arch::Arm64) == Set::Short;
    let wanted = |case: &Case| (all && short(case)) || has(&case.name);
    let mut cases: Vec<Case> = programs::cases()?.into_iter().filter(wanted).collect();
    cases.sort_by(|a, b| a.group.cmp(&b.group));
    Ok(cases)
}

fn run_group(
    options: &Options,
    arch: &Arch,
    group: &str,
    cases: &[Case],
    machines: &[Machine],
    results: &mut Runs,
) -> Result<(), String> {
    let clock = arch.compile("clock", &[root().join("guests/bench/clock.c")], &[])?;
    let ramdisk = arch.path("programs");
    write(&ramdisk, &programs::ramdisk(programs::Arch::Arm64, group, cases, Some(&clock))?)?;
    for round in 0..options.program_runs {
        for machine in machines {
            eprintln!("programs ({group}), run {} of {}: {}", round + 1, options.program_runs, machine.name);
            let text = machine.console(&ramdisk, programs::MEMORY_MIB)?;
            take(machine, cases, &text, results)?;
        }
    }
    let _ = std::fs::remove_file(ramdisk);
    Ok(())
}

/// Reads the times of `cases`; one that failed is an error, for its time means nothing.
fn take(machine: &Machine, cases: &[Case], text: &str, results: &mut Runs) -> Result<(), String> {
    let outcomes = programs::read_results(text);
    for case in cases {
        match outcomes.iter().find(|outcome| outcome.name == case.name) {
            Some(outcome) if outcome.status == 0 => {
                results.figure(&machine.name, CLASS, &case.name, outcome.nanoseconds as f64);
            }
            Some(outcome) => {
                eprintln!("{} fails on {}:\n{}", case.name, machine.name, outcome.output);
            }
            None => return Err(format!("{} did not run on {}:\n{text}", case.name, machine.name)),
        }
    }
    Ok(())
}

/// Builds CoreMark from the sources in `dir`, unchanged, and takes the time of an iteration.
fn run_coremark(dir: &Path, arch: &Arch, machines: &[Machine], results: &mut Runs) -> Result<(), String> {
    let names =
        ["core_list_join", "core_main", "core_matrix", "core_state", "core_util", "posix/core_portme"];
    let sources: Vec<PathBuf> = names.iter().map(|name| dir.join(format!("{name}.c"))).collect();
    let include = [format!("-I{}", dir.display()), format!("-I{}", dir.join("posix").display())];
    let flags = [&include[0], &include[1], "-DPERFORMANCE_RUN=1", "-DFLAGS_STR=\"-O2\"", "-DITERATIONS=0"];
    let program = arch.compile("coremark", &sources, &flags)?;
    let init = format!("{}/bin/coremark 0 0 0x66 0 7 1 2000\npoweroff -f\n", cpio::INIT_PROLOGUE);
    let ramdisk = arch.path("coremark-initrd");
    write(&ramdisk, &cpio::busybox_ramdisk(arch.busybox, &init, &[("bin/coremark", &program)]))?;
    for machine in machines {
        eprintln!("CoreMark: {}", machine.name);
        let text = machine.console(&ramdisk, programs::MEMORY_MIB)?;
        let rate = text
            .lines()
            .find_map(|line| line.trim().strip_prefix("Iterations/Sec   : ")?.parse::<f64>().ok());
        match rate {
            Some(rate) if text.contains("Correct operation validated") => {
                results.figure(&machine.name, COREMARK, "CoreMark 1.0", 1e9 / rate);
            }
            _ => return Err(format!("CoreMark did not validate on {}:\n{text}", machine.name)),
        }
    }
    Ok(())
}
