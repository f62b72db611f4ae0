//! The backend `kvm` on arm64 hosts that QEMU emulates, with the program as `scripts/cross.sh` builds it: one boot of
//! each kind of host, and all that can be seen there.

use armlet_testkit::rig::scenarios::{self, Case, Setting};
use armlet_testkit::rig::{Host, Rig, contents, cross};
use armlet_testkit::{firmware, payloads, skip};

/// Boots a host and runs the cases that `choose` has for it, with what it adds for them.
fn on(cpu: &str, gic: u32, choose: impl FnOnce(&Setting, &mut Rig) -> Result<Vec<Case>, String>) {
    let missing = Host::new(cpu, gic).and_then(|host| {
        cross::check()?;
        payloads::get32()?;
        firmware::get()?;
        Ok(host)
    });
    let host = match missing {
        Ok(host) => host,
        Err(why) => return skip(&why),
    };
    let setting = Setting {
        backend: "kvm".into(),
        gic,
        aarch32: cpu == "cortex-a57",
        reference: env!("CARGO_BIN_EXE_armlet").into(),
    };
    let mut rig = contents::with_armlet(host, &cross::program().unwrap()).unwrap();
    let cases = choose(&setting, &mut rig).unwrap();
    let report = |name: &str, seconds: f64| eprintln!("{cpu}, GICv{gic}: {name} took {seconds:.1} s");
    let failures = scenarios::run(rig, &cases, |outcome| report(&outcome.name, outcome.seconds)).unwrap();
    assert!(failures.is_empty(), "on {cpu} with GICv{gic}:\n{}", failures.join("\n\n"));
}

#[test]
fn on_a_cortex_a57_with_gicv3() {
    on("cortex-a57", 3, |setting, rig| {
        contents::full(rig)?;
        contents::uefi(rig)?;
        scenarios::all(setting)
    });
}

#[test]
fn on_a_cortex_a57_with_gicv2() {
    on("cortex-a57", 2, |setting, _| {
        let mut cases = scenarios::doctor(setting);
        cases.extend(scenarios::lessons(setting)?);
        cases.extend([scenarios::debian(setting, 2), scenarios::debian_pci(setting, 2)]);
        Ok(cases)
    });
}

#[test]
fn on_a_neoverse_n1() {
    on("neoverse-n1", 3, |setting, _| {
        let mut cases = scenarios::doctor(setting);
        cases.extend(scenarios::lessons(setting)?);
        cases.push(scenarios::debian(setting, 2));
        cases.extend(scenarios::refused32(setting));
        Ok(cases)
    });
}
