//! `armlet doctor`: what this host can do, and the fix for what it can't.

use std::fmt::Write;
use std::io::{self, IsTerminal};

use armlet::{GicKind, Hypervisor, backends};
use armlet_hv_soft::host;

use super::answer;
use crate::failure::Failure;
use crate::size::human;
use crate::sys;

/// Looks at the host and reports. Nothing is wrong with a host that lacks a backend: the status is 0
/// as long as one is there.
pub fn doctor() -> Result<u8, Failure> {
    let mut text = String::new();
    let _ = writeln!(text, "armlet {}", env!("CARGO_PKG_VERSION"));
    let _ = writeln!(text, "host: {} on {}, {}", std::env::consts::OS, std::env::consts::ARCH, processors());
    if let Some((total, available)) = sys::memory_size() {
        let _ = writeln!(text, "memory: {}, {} available", human(total), human(available));
    }
    let _ = writeln!(text, "terminal: {}", terminal());
    text.push('\n');

    for backend in backends::ALL {
        match backend.open() {
            Ok(hypervisor) => {
                let _ = writeln!(text, "[ok] {}: {}", backend.name, backend.summary);
                let _ = writeln!(text, "     {}", abilities(hypervisor.as_ref()));
                hypervisor.facts().iter().for_each(|fact| {
                    let _ = writeln!(text, "     {fact}");
                });
            }
            Err(missing) => {
                let _ = writeln!(text, "[--] {}: {}", backend.name, backend.summary);
                let _ = writeln!(text, "     {}; {}", missing.why, missing.fix);
            }
        }
    }
    jit(&mut text);
    let chosen = backends::open("auto").map_err(|error| Failure::broken(error.to_string()))?;
    let _ = writeln!(text, "\n--backend auto takes {}: {}", chosen.hypervisor.name(), chosen.why);
    answer(text)
}

/// What the JIT finds here.
fn jit(text: &mut String) {
    let features = host::features();
    match host::check() {
        Ok(()) => {
            let _ = writeln!(text, "[ok] JIT of soft: compiles for {}", host::TARGET);
            let _ = writeln!(text, "     memory can be mapped twice, to be written and to be executed");
        }
        Err(why) => {
            let _ = writeln!(
                text,
                "[--] JIT of soft: {why}; the interpreter runs the guest, several times slower"
            );
        }
    }
    for found in [true, false] {
        let names: Vec<_> = features.iter().filter(|f| f.found == found).map(|f| f.name).collect();
        if !names.is_empty() {
            let _ =
                writeln!(text, "     {}: {}", if found { "found" } else { "not found" }, names.join(", "));
        }
    }
    for feature in features.iter().filter(|feature| !feature.found) {
        let _ = writeln!(text, "     without {}: {}", feature.name, feature.cost);
    }
}

fn processors() -> String {
    match std::thread::available_parallelism().map(usize::from) {
        Ok(1) => "1 processor".to_owned(),
        Ok(n) => format!("{n} processors"),
        Err(_) => "an unknown number of processors".to_owned(),
    }
}

fn terminal() -> &'static str {
    match (io::stdin().is_terminal(), io::stdout().is_terminal()) {
        (true, true) => "yes; the guest gets every key, Ctrl-A x quits",
        (true, false) => "input only; the guest's output goes to a file or pipe",
        (false, true) => "output only; the guest's input comes from a file or pipe",
        (false, false) => "no; the guest's input and output are files or pipes",
    }
}

fn abilities(hypervisor: &dyn Hypervisor) -> String {
    let can = hypervisor.capabilities();
    let gics = can.gics.iter().map(|gic| match gic {
        GicKind::V2 => "GICv2",
        GicKind::V3 => "GICv3",
    });
    format!(
        "guests in {}, up to {} CPUs, {}, {}-bit physical addresses, CPU models: {}",
        can.modes.iter().map(|mode| mode.name()).collect::<Vec<_>>().join(" and "),
        can.max_cpus,
        gics.collect::<Vec<_>>().join(" and "),
        can.address_bits,
        can.cpu_models.iter().map(|model| model.name.as_str()).collect::<Vec<_>>().join(", ")
    )
}
