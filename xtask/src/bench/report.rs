//! The table that `docs/bench/README.md` holds.

use std::fmt::Write;
use std::time::Duration;

use super::machine::Runs;

/// All figures of one `cargo xtask bench`.
pub struct Report {
    /// What it was measured on: processor, number of CPUs, version of QEMU.
    pub host: String,
    /// A table for each architecture of guests.
    pub sections: Vec<Section>,
    /// `hello` from process start to exit.
    pub hello: Duration,
    /// Millions of guest instructions a second, compiled and in the interpreter, on integer code.
    pub mips: [f64; 2],
}

/// The figures of the guests of one architecture.
pub struct Section {
    /// Heading.
    pub title: &'static str,
    /// Machines in the order of columns; the first is armlet.
    pub machines: Vec<String>,
    /// Figures by kernel.
    pub results: Runs,
    /// Share of a host core that an idle guest takes.
    pub idle: f64,
}

impl Section {
    /// How many times faster armlet is than the best of the others on this kernel.
    pub fn ratio(&self, kernel: &str) -> Option<f64> {
        let best = &self.results.best[kernel];
        let (ours, others) = self.machines.split_first()?;
        let theirs = others.iter().filter_map(|m| best.get(m)).copied().reduce(f64::min)?;
        Some(theirs / best.get(ours)?)
    }

    /// Classes in order, with the geometric mean of their ratios.
    pub fn classes(&self) -> Vec<(String, Option<f64>)> {
        let mut classes: Vec<String> = Vec::new();
        for (class, _) in &self.results.order {
            if !classes.contains(class) {
                classes.push(class.clone());
            }
        }
        let mean = |class: &String| {
            let of_class = self.results.order.iter().filter(|(c, _)| c == class);
            let logs: Option<Vec<f64>> = of_class.map(|(_, name)| self.ratio(name).map(f64::ln)).collect();
            logs.map(|logs| (logs.iter().sum::<f64>() / logs.len() as f64).exp())
        };
        classes.into_iter().map(|class| (class.clone(), mean(&class))).collect()
    }

    /// The tables of figures and of means.
    fn markdown(&self) -> String {
        let mut text = format!("\n## {}\n\n", self.title);
        let _ = writeln!(text, "| class | kernel | {} | ratio |", self.machines.join(" | "));
        let _ = writeln!(text, "|---|---|{}---|", "---|".repeat(self.machines.len()));
        for (class, name) in &self.results.order {
            let cell = |m: &String| self.results.best[name].get(m).map_or("-".into(), |v| figure(class, *v));
            let cells: Vec<String> = self.machines.iter().map(cell).collect();
            let ratio = self.ratio(name).map_or("-".into(), |r| format!("{r:.2}x"));
            let _ = writeln!(text, "| {class} | {name} | {} | {ratio} |", cells.join(" | "));
        }
        text += "\n| class | geometric mean of ratios |\n|---|---|\n";
        for (class, mean) in self.classes() {
            let _ = writeln!(text, "| {class} | {} |", mean.map_or("-".into(), |m| format!("{m:.2}x")));
        }
        text
    }
}

const INTRODUCTION: &str = "# Benchmarks

Made by `cargo xtask bench`: one run, the same Debian kernel and programs on every machine.
Figures are nanoseconds per unit of work, seconds for whole programs: smaller is better; *ratio* is how many times faster armlet is than
the best QEMU configuration (`kpti=off` where there are 64 bits) on that kernel. Below 1 armlet is slower. *boot-to-init* is the host's
time from the start of the process to the first process of the guest, in which a 32-bit guest also unpacks its kernel; *clock-at-init*
is what the guest's own clock, which the unpacked kernel starts, says then. 32-bit guests are Debian's armhf kernel, without LPAE, and
programs in T32 for its baseline (VFPv3-D16), the NEON kernels for VFPv4 with NEON.

*login* is the host's time from the start of the process to the login prompt of systemd on the console, from the disk that `armlet image pull
debian-12-arm64` (or `-armhf`) makes, with an overlay (QEMU: `snapshot=on`). *fio*, *fio-1m* and *files* run programs of that image on two CPUs: random requests of
4 KiB, one or 32 at a time, four sequential ones of 1 MiB, all past the guest's page cache, on a raw image, a qcow2 image and an overlay; and the
sources of Go's tools unpacked, walked, searched and removed, on ext4 on a raw image and over 9P. QEMU's disks are on threads of their own (`iothread`) with
`cache=writeback,aio=io_uring`, the fastest of its ways on this host; the images are in the host's page cache.

";

impl Report {
    /// The whole report.
    pub fn markdown(&self) -> String {
        let mut text = String::from(INTRODUCTION);
        let _ = writeln!(text, "- host: {}", self.host);
        let hello = self.hello.as_secs_f64() * 1e3;
        let _ = writeln!(text, "- `hello`, process start to exit: {hello:.1} ms (best of 20)");
        for section in &self.sections {
            let _ = writeln!(
                text,
                "- idle Debian guest, {}: {:.1} % of a host core",
                section.title,
                section.idle * 100.0
            );
        }
        let _ = writeln!(
            text,
            "- mixed integer, memory and branch code: {:.0} MIPS compiled, {:.0} MIPS interpreted (best of 3)",
            self.mips[0], self.mips[1]
        );
        for section in &self.sections {
            text += &section.markdown();
        }
        text
    }
}

/// A value in the unit of its class.
fn figure(class: &str, nanoseconds: f64) -> String {
    match class {
        super::programs::CLASS | super::debian::CLASS | super::storage::FILES => {
            format!("{:.2} s", nanoseconds / 1e9)
        }
        super::storage::FIO => format!("{:.0} IOPS", 1e9 / nanoseconds),
        super::storage::BANDWIDTH => format!("{:.0} MiB/s", 1e9 / nanoseconds),
        super::programs::COREMARK => format!("{:.0} iterations/s", 1e9 / nanoseconds),
        _ => format!("{nanoseconds:.1}"),
    }
}
