//! The architectures whose guests are measured, with what each needs.

use std::path::PathBuf;
use std::process::Command;

use armlet_testkit::payloads::{self, Modules};
use armlet_testkit::root;

/// A guest architecture.
pub struct Arch {
    /// What `--only` calls it: `64` or `32`.
    pub bits: &'static str,
    /// Debian's name of it.
    pub debian: &'static str,
    /// Heading of its table.
    pub title: &'static str,
    /// Prefix of the cross compiler, and the packages it comes in.
    cross: (&'static str, &'static str),
    /// How Debian compiles its programs for it.
    flags: &'static [&'static str],
    /// QEMU's program for it.
    pub qemu: &'static str,
    /// The machine of QEMU.
    pub qemu_machine: &'static str,
    /// The CPU models of QEMU that are the fastest ones.
    pub qemu_cpus: &'static [&'static str],
    /// The kernel's command line.
    pub append: &'static str,
    /// Debian's kernel.
    pub kernel: PathBuf,
    /// Its modules.
    pub modules: &'static Modules,
    /// What a network card takes beside them.
    pub net_modules: &'static Modules,
    /// A static busybox.
    pub busybox: &'static [u8],
}

impl Arch {
    /// AArch64, with Debian's arm64 cloud kernel.
    pub fn arm64() -> Result<Self, String> {
        let payloads = payloads::get()?;
        Ok(Self {
            bits: "64",
            debian: "arm64",
            title: "64-bit guests",
            cross: ("aarch64-linux-gnu", "gcc-aarch64-linux-gnu and libc6-dev-arm64-cross"),
            flags: &[],
            qemu: "qemu-system-aarch64",
            qemu_machine: "virt,gic-version=3",
            qemu_cpus: &["neoverse-n1", "max"],
            append: "console=ttyAMA0 quiet kpti=off panic=-1",
            kernel: payloads.cloud_kernel.clone(),
            modules: &payloads.cloud_modules,
            net_modules: &payloads.cloud_net_modules,
            busybox: &payloads.busybox,
        })
    }

    /// AArch32, with Debian's armhf kernel for short descriptors.
    pub fn armhf() -> Result<Self, String> {
        let payloads = payloads::get32()?;
        Ok(Self {
            bits: "32",
            debian: "armhf",
            title: "32-bit guests",
            cross: ("arm-linux-gnueabihf", "gcc-arm-linux-gnueabihf and libc6-dev-armhf-cross"),
            flags: &["-march=armv7-a", "-mfpu=vfpv3-d16", "-mthumb"],
            qemu: "qemu-system-arm",
            qemu_machine: "virt",
            qemu_cpus: &["cortex-a15", "max"],
            append: "console=ttyAMA0 quiet panic=-1",
            kernel: payloads.armmp.clone(),
            modules: &payloads.armmp_modules,
            net_modules: &payloads.armmp_net_modules,
            busybox: &payloads.busybox,
        })
    }

    /// Says what is missing of the programs that it takes, QEMU among them if `qemu`.
    pub fn check(&self, qemu: bool) -> Result<(), String> {
        let (prefix, packages) = self.cross;
        let compiler = format!("{prefix}-gcc");
        let programs = [(&*compiler, packages), (self.qemu, "qemu-system-arm")];
        programs.into_iter().take(if qemu { 2 } else { 1 }).try_for_each(|(program, packages)| {
            let started = Command::new(program).arg("--version").output();
            started.map(drop).map_err(|e| cant_start(program, &e, packages))
        })
    }

    /// A path below `target/bench` that no other architecture uses.
    pub fn path(&self, name: &str) -> PathBuf {
        root().join("target/bench").join(format!("{name}-{}", self.bits))
    }

    /// Compiles a static guest program to `target/bench/NAME-BITS`.
    pub fn compile(&self, name: &str, sources: &[PathBuf], options: &[&str]) -> Result<Vec<u8>, String> {
        let out = self.path(name);
        super::write(&out, &[])?;
        let (prefix, packages) = self.cross;
        let compiler = format!("{prefix}-gcc");
        let compiled = Command::new(&compiler)
            .args(["-O2", "-w", "-static"])
            .args(self.flags)
            .arg("-o")
            .arg(&out)
            .args(sources)
            .args(options)
            .status()
            .map_err(|e| cant_start(&compiler, &e, packages))?;
        if !compiled.success() {
            return Err(format!("the guest program {name} does not compile"));
        }
        std::fs::read(&out).map_err(|e| format!("{}: {e}", out.display()))
    }
}

fn cant_start(program: &str, error: &std::io::Error, packages: &str) -> String {
    format!("{program} does not start ({error}): install {packages}")
}
