//! The embedded guests: the same output, status and exits as on `soft`.

use std::process::Command;

use super::{Case, Setting, log, need, need_parts, need_status, reference};

/// `armlet doctor` knows the host.
pub fn doctor(setting: &Setting) -> Vec<Case> {
    let backend = format!("[ok] {}: ", setting.backend);
    let takes = format!("--backend auto takes {}", setting.backend);
    let controller = format!("GICv{}", setting.gic);
    let aarch32 = setting.aarch32;
    vec![Case::new("doctor", "armlet doctor", move |outcome| {
        let text = outcome.stdout();
        need_status(outcome, 0)?;
        need_parts("it", &text, &[&backend, &takes, "AArch64 at EL1"])?;
        let abilities =
            text.lines().skip_while(|line| !line.starts_with(&backend)).nth(1).unwrap_or_default();
        need_parts("the line of abilities", abilities, &[&controller])?;
        need(abilities.contains("AArch32 at EL1") == aarch32, || {
            format!("AArch32 at EL1 is {}there", if aarch32 { "" } else { "not " })
        })
    })]
}

/// The software CPU works on arm64 as well, for 64-bit and 32-bit guests.
pub fn soft() -> Case {
    let script = "armlet run -q hello --backend soft && armlet run -q hvio --backend soft";
    Case::new("soft", script, |outcome| {
        need_status(outcome, 0)?;
        need_parts("the console", &outcome.stdout(), &["by hypercall.", "by UART.", "that is not allowed."])
    })
}

/// Every embedded guest that this host has the execution state for.
///
/// # Errors
/// The reference doesn't run.
pub fn lessons(setting: &Setting) -> Result<Vec<Case>, String> {
    let listed = Command::new(&setting.reference)
        .arg("guests")
        .output()
        .map_err(|e| format!("{}: {e}", setting.reference.display()))?;
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let guests = listed.lines().take_while(|line| !line.is_empty());
    let guests = guests.filter_map(|line| {
        let mut words = line.split_whitespace();
        Some((words.next()?, words.next()?))
    });
    let cases: Result<Vec<Case>, String> = guests
        .filter(|(_, machine)| *machine != "hvio" || setting.aarch32)
        .map(|(name, machine)| lesson(setting, name, machine))
        .collect();
    let cases = cases?;
    need(cases.len() >= 7, || format!("too few embedded guests: {listed}"))?;
    Ok(cases)
}

fn lesson(setting: &Setting, name: &str, machine: &str) -> Result<Case, String> {
    let controller = setting.gic.to_string();
    let gic = if machine == "hvio" { vec![] } else { vec!["--gic", &controller] };
    let (status, console, told) = reference(&setting.reference, &[&[name], &gic[..]].concat())?;
    let first = log::common(machine, &told, true);
    need(status == Some(0) && (!first.is_empty() || name.starts_with("psci")), || {
        format!("{name} fails on soft: {status:?} {console}")
    })?;
    let machine = machine.to_owned();
    let script = format!("armlet run -q {name} --backend {} --log exits=log", setting.backend);
    Ok(Case::new(name, script, move |outcome| {
        need_status(outcome, 0)?;
        need(outcome.stderr().is_empty(), || "standard error should be empty".into())?;
        let shown = outcome.stdout();
        need(steady(&shown) == steady(&console), || format!("soft shows:\n{console}"))?;
        let common = |log: &str| log::common(&machine, log, shown == console);
        log::compare(&common(&outcome.text("log")), &common(&told))
    }))
}

/// What a guest says without what differs from host to host: which CPU it is, how long it slept, the fault address of an
/// exception that has none, and the upper half of a syndrome, where Linux's KVM (6.1) extends the sign of the lower one.
fn steady(console: &str) -> String {
    let mut class = "";
    let mut lines = Vec::new();
    for line in console.lines() {
        class = line.split_once("exception class ").map_or(class, |(_, class)| class);
        lines.push(match line.trim_start() {
            text if text.starts_with("Slept for ") => "Slept".into(),
            text if text.starts_with("We run at EL1") => "We run at EL1".into(),
            text if text.starts_with("FAR_EL1 ") && class == "0x0" => "FAR_EL1".into(),
            _ => line.replace("ESR_EL1 = 0xffffffff", "ESR_EL1 = 0x"),
        });
    }
    lines.join("\n")
}
