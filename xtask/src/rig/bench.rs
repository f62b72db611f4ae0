//! `cargo xtask rig --bench`: armlet and QEMU above the same `/dev/kvm`, in one boot of the rig.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use armlet_testkit::rig::frame::Outcome;
use armlet_testkit::rig::{Host, Scenario, contents, cross};
use armlet_testkit::{cpio, payloads, root};

/// Reads of a device register between the two marks of the small guest.
const READS: u32 = 4000;
/// Guest memory of the kernel.
const MEMORY_MIB: u32 = 256;

/// Says `!` as its first act, reads a register of the PL011's [`READS`] times, says `.` and powers off.
const SMALL_GUEST: [u32; 15] = [
    0xd2a1_2001,              // mov x1, #0x9000000
    0x5280_0423,              // mov w3, #'!'
    0xb900_0023,              // str w3, [x1]
    0x5280_0002 | READS << 5, // mov w2, #READS
    0xb940_1823,              // 1: ldr w3, [x1, #0x18]
    0x7100_0442,              // subs w2, w2, #1
    0x54ff_ffc1,              // b.ne 1b
    0x5280_05c3,              // mov w3, #'.'
    0xb900_0023,              // str w3, [x1]
    0x5280_0143,              // mov w3, #'\n'
    0xb900_0023,              // str w3, [x1]
    0x5280_0100,              // mov w0, #8
    0x72b0_8000,              // movk w0, #0x8400, lsl #16: SYSTEM_OFF
    0xd400_0002,              // hvc #0
    0x1400_0000,              // b .
];

/// A monitor to measure.
struct Monitor {
    name: &'static str,
    small: String,
    kernel: String,
}

fn monitors(backend: &str) -> [Monitor; 2] {
    let append = "console=ttyAMA0 quiet";
    let (kernel, ramdisk) = (contents::KERNEL, "/payloads/rest.cpio");
    let armlet = format!("armlet run -q --backend {backend}");
    let qemu = "qemu-system-aarch64 -M virt,gic-version=host -accel kvm -cpu host -nographic -nodefaults -serial stdio \
        -no-reboot";
    let armlet = Monitor {
        name: "armlet",
        small: format!("{armlet} -m 64M /payloads/small"),
        kernel: format!("{armlet} -m {MEMORY_MIB}M {kernel} --initrd {ramdisk} --append '{append}'"),
    };
    let qemu = Monitor {
        name: "QEMU",
        small: format!(
            "{qemu} -m 64 -device loader,file=/payloads/small,addr=0x40200000,cpu-num=0,force-raw=on"
        ),
        kernel: format!("{qemu} -m {MEMORY_MIB} -kernel {kernel} -initrd {ramdisk} -append '{append}'"),
    };
    [armlet, qemu]
}

/// Measures and reports; writes `docs/bench/kvm.md` unless `dry`.
pub fn run(host: Host, program: &Path, backend: &str, rounds: usize, dry: bool) -> Result<(), String> {
    let title = format!("{} processors of {}, GICv{}", host.cpus, host.cpu, host.gic);
    let mut rig = contents::with_armlet(host, program)?;
    let init = format!("{}echo @init\nsleep 1000\n", cpio::INIT_PROLOGUE);
    let small: Vec<u8> = SMALL_GUEST.iter().flat_map(|word| word.to_le_bytes()).collect();
    rig.tree(&payloads::qemu_arm64()?)?.copy("/bin/meter", &cross::meter()?)?.file("/payloads/small", &small);
    rig.file("/payloads/rest.cpio", &cpio::busybox_ramdisk(&payloads::get()?.busybox, &init, &[]));

    let mut figures = Figures::default();
    let mut failures = String::new();
    rig.scenarios(&scenarios(backend, rounds), |outcome| {
        eprintln!("{} took {:.1} s", outcome.name, outcome.seconds);
        if let Err(why) = figures.add(&outcome) {
            let _ = writeln!(failures, "{}: {why}: {}", outcome.name, outcome.stderr());
        }
    })?;
    if !failures.is_empty() {
        return Err(failures);
    }
    let report = figures.report(&title);
    println!("{report}");
    let path = root().join("docs/bench/kvm.md");
    if !dry {
        std::fs::write(&path, report).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    Ok(())
}

/// Monitors take turns, so that a busy minute of the host's is shared.
fn scenarios(backend: &str, rounds: usize) -> Vec<Scenario> {
    let mut scenarios =
        vec![Scenario { name: "versions".into(), script: "uname -r; qemu-system-aarch64 --version".into() }];
    for round in 0..rounds {
        for monitor in monitors(backend) {
            let (name, small, kernel) = (monitor.name, monitor.small, monitor.kernel);
            let script = format!(
                "for i in 1 2 3 4 5; do meter 0 !,. -- {small} || exit 1; done\nmeter {MEMORY_MIB} @init -- {kernel}"
            );
            scenarios.push(Scenario { name: format!("{name}-{round}"), script });
        }
    }
    scenarios
}

/// What was measured: monitor and figure to values.
#[derive(Default)]
struct Figures {
    values: BTreeMap<(String, &'static str), Vec<f64>>,
    versions: String,
}

const FIRST: &str = "process start to the guest's first access to a device, ms";
const EXITS: &str = "MMIO exits per second";
const INIT: &str = "process start to the first process of a Debian guest, ms";
const RESIDENT: &str = "resident memory beside the guest's, MiB";

impl Figures {
    fn add(&mut self, outcome: &Outcome) -> Result<(), String> {
        if outcome.status != 0 {
            return Err(format!("it ended with status {}", outcome.status));
        }
        let Some((monitor, _)) = outcome.name.split_once('-') else {
            self.versions = outcome.stdout().lines().take(2).collect::<Vec<_>>().join("; ");
            return Ok(());
        };
        let mut first = 0.0;
        for line in outcome.stdout().lines() {
            let (key, value) = line.split_once(' ').ok_or_else(|| format!("no figure: {line}"))?;
            let value: f64 = value.parse().map_err(|_| format!("no figure: {line}"))?;
            let (figure, value) = match key {
                "!" => {
                    first = value;
                    (FIRST, value / 1e6)
                }
                "." => (EXITS, f64::from(READS) * 1e9 / (value - first)),
                "@init" => (INIT, value / 1e6),
                "monitor-kib" => (RESIDENT, value / 1024.0),
                _ => continue,
            };
            self.values.entry((monitor.into(), figure)).or_default().push(value);
        }
        Ok(())
    }

    fn median(&self, monitor: &str, figure: &'static str) -> f64 {
        let mut values = self.values.get(&(monitor.into(), figure)).cloned().unwrap_or_default();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
    }

    fn report(&self, title: &str) -> String {
        let mut text = format!(
            "# Benchmarks of the backend kvm

Made by `cargo xtask rig --bench`: armlet and QEMU in its KVM mode take turns above the same `/dev/kvm`, on an arm64 host that
QEMU emulates ({title}). All of that host runs many times slower than hardware, and an exit
most of all; only ratios mean something. Figures are medians; *ratio* is how many times better armlet is. Memory is the
resident set without the mapping that is the guest's memory, of a guest of {MEMORY_MIB} MiB at rest after boot.

- host: {}

| figure | armlet | QEMU | ratio |
|---|---|---|---|
",
            self.versions
        );
        for (figure, larger_is_better) in [(FIRST, false), (EXITS, true), (INIT, false), (RESIDENT, false)] {
            let [ours, theirs] = ["armlet", "QEMU"].map(|monitor| self.median(monitor, figure));
            let ratio = if larger_is_better { ours / theirs } else { theirs / ours };
            let _ = writeln!(text, "| {figure} | {ours:.1} | {theirs:.1} | {ratio:.2}x |");
        }
        text
    }
}
