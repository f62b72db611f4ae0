//! The workloads of `guests/bench`.

use std::path::PathBuf;

use armlet_testkit::{cpio, root};

use super::arch::Arch;
use super::machine::{Machine, Runs};
use super::{INIT_REACHED, Options, debian, disk, net, programs, storage, write};

/// Measures the kernels that `options` asks for on all machines, in turn.
pub fn run(options: &Options, arch: &Arch, machines: &[Machine], results: &mut Runs) -> Result<(), String> {
    let all = options.names();
    let others = [disk::CLASS, net::CLASS, debian::CLASS, storage::FIO, storage::FILES];
    let elsewhere = |name: &str| programs::is_program(name) || others.contains(&name);
    let only: Vec<&str> = all.iter().copied().filter(|name| !elsewhere(name)).collect();
    if only.is_empty() && !all.is_empty() {
        return Ok(());
    }
    let one = ramdisk(options, arch, "initrd", &only.join(" "))?;
    // What depends on the other CPU: waking it.
    let two = ramdisk(options, arch, "initrd-2", "pipe-trip")?;
    let rounds = options.runs.max(1);
    for round in 0..rounds {
        for machine in machines {
            eprintln!("{}, run {} of {rounds}: {}", arch.title, round + 1, machine.name);
            results.add(machine.boot(&one, 1)?);
            if only.is_empty() || only.contains(&"system") {
                results.add(machine.boot(&two, 2)?);
            }
        }
    }
    Ok(())
}

/// A ramdisk whose init tells that it has been reached and when, and runs `kernels` (all of them if empty).
fn ramdisk(options: &Options, arch: &Arch, name: &str, kernels: &str) -> Result<PathBuf, String> {
    let source = |name: &str| [root().join("guests/bench").join(name)];
    let bench = arch.compile("bench", &source("bench.c"), &["-lm", "-lpthread"])?;
    let clock = arch.compile("clock", &source("clock.c"), &[])?;
    let init = format!(
        "{}echo {INIT_REACHED}\necho @bench clock-at-init boot-clock $(/bin/clock)\n/bin/bench {} {kernels}\necho @end\npoweroff -f\n",
        cpio::INIT_PROLOGUE,
        options.scale,
    );
    let path = arch.path(name);
    let files = [("bin/bench", &bench[..]), ("bin/clock", &clock[..])];
    write(&path, &cpio::busybox_ramdisk(arch.busybox, &init, &files))?;
    Ok(path)
}
