//! A rig for the `kvm` backend on hosts without it: QEMU emulates an arm64 machine with virtualization, Debian's arm64
//! kernel runs in it, and above that, against its `/dev/kvm`, the program built for arm64.
//!
//! A boot costs seconds, so one boot runs many [`Scenario`]s; what each did comes out over the console, in frames
//! ([`frame`]). A single command, a test program among them, has the console to itself ([`Rig::command`]).

pub mod contents;
pub mod cross;
pub mod frame;
mod passthrough;
mod qemu;
pub mod scenarios;
pub mod wine;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cpio::Cpio;
use crate::payloads;
use frame::{Event, Outcome, Reader};

/// Seconds a scenario may take before it is ended.
pub const SCENARIO_LIMIT: u32 = 600;
/// How long the rig may say nothing.
const SILENCE: Duration = Duration::from_secs(SCENARIO_LIMIT as u64 + 120);

/// The emulated host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// QEMU's name of the processor: `cortex-a57` has AArch32 at EL1, `neoverse-n1` only at EL0.
    pub cpu: String,
    /// Version of its interrupt controller, which is the version its guests get too.
    pub gic: u32,
    /// An arm64 kernel with KVM and all else built in.
    pub kernel: PathBuf,
    /// Number of processors.
    pub cpus: u32,
    /// Memory in MiB.
    pub memory_mib: u32,
}

impl Host {
    /// Two processors of this kind under Debian's cloud kernel.
    ///
    /// # Errors
    /// QEMU or the kernel is missing; says which.
    pub fn new(cpu: &str, gic: u32) -> Result<Self, String> {
        qemu::check()?;
        let kernel = payloads::get()?.cloud_kernel.clone();
        Ok(Self { cpu: cpu.into(), gic, kernel, cpus: 2, memory_mib: 2048 })
    }
}

/// A shell script to run in the rig, in a directory of its own.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Name, good for a file.
    pub name: String,
    /// Its text.
    pub script: String,
}

/// A host, and what is on it.
pub struct Rig {
    host: Host,
    tree: Cpio,
    directories: BTreeSet<String>,
    environment: Vec<(String, String)>,
    directory: String,
    /// The image of its disk.
    disk: Option<PathBuf>,
}

impl Rig {
    /// A host with nothing but busybox.
    ///
    /// # Errors
    /// The payloads are missing.
    pub fn new(host: Host) -> Result<Self, String> {
        let busybox = &payloads::get()?.busybox;
        let environment = vec![("LIMIT".into(), SCENARIO_LIMIT.to_string())];
        let (tree, directories) = (Cpio::default(), BTreeSet::new());
        let mut rig = Self { host, tree, directories, environment, directory: "/tmp".into(), disk: None };
        for directory in ["/dev", "/proc", "/sys", "/tmp", "/rig/scenarios", "/rig/modules"] {
            rig.make_directory(directory);
        }
        rig.tree.device("dev/console", 5, 1).device("dev/null", 1, 3);
        rig.file("/bin/busybox", busybox);
        rig.link("/bin/sh", "busybox");
        rig.file("/etc/passwd", b"root:x:0:0::/:/bin/sh\nstranger:x:1000:1000::/tmp:/bin/sh\n");
        rig.file("/etc/group", b"root:x:0:\nkvm:x:104:\nstranger:x:1000:\n");
        rig.file("/init", include_bytes!("init.sh"));
        Ok(rig)
    }

    /// Adds an executable file at an absolute path.
    pub fn file(&mut self, path: &str, data: &[u8]) -> &mut Self {
        let name = self.name_in_tree(path);
        self.tree.file(&name, data);
        self
    }

    /// Adds a file of this host's.
    ///
    /// # Errors
    /// It can't be read.
    pub fn copy(&mut self, path: &str, from: &Path) -> Result<&mut Self, String> {
        let data = std::fs::read(from).map_err(|e| format!("{}: {e}", from.display()))?;
        Ok(self.file(path, &data))
    }

    /// Adds a tree of this host's at the root.
    ///
    /// # Errors
    /// A file can't be read.
    pub fn tree(&mut self, base: &Path) -> Result<&mut Self, String> {
        self.tree.tree(base, &[])?;
        Ok(self)
    }

    /// Gives the host a disk, `/dev/vda`. What is written to it is gone afterwards.
    ///
    /// # Errors
    /// The payloads are missing.
    pub fn disk(&mut self, image: &Path) -> Result<&mut Self, String> {
        for (name, module) in &payloads::get()?.cloud_modules {
            self.file(&format!("/rig/modules/{name}"), module);
        }
        self.disk = Some(image.to_owned());
        Ok(self)
    }

    /// Gives the host a disk, and mounts its file system (ext4) at an absolute path.
    ///
    /// # Errors
    /// The payloads are missing.
    pub fn mount(&mut self, image: &Path, at: &str) -> Result<&mut Self, String> {
        self.make_directory(at);
        Ok(self.disk(image)?.variable("MOUNT", at))
    }

    /// Has the first process run a script before all else.
    pub fn prepare(&mut self, script: &str) -> &mut Self {
        self.file("/rig/prepare", script.as_bytes())
    }

    /// Adds a symbolic link.
    pub fn link(&mut self, path: &str, target: &str) -> &mut Self {
        let name = self.name_in_tree(path);
        self.tree.link(&name, target);
        self
    }

    /// Sets a variable for everything that runs there.
    pub fn variable(&mut self, name: &str, value: &str) -> &mut Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Chooses the directory in which a command starts.
    pub fn directory(&mut self, path: &str) -> &mut Self {
        self.make_directory(path);
        self.directory = path.into();
        self
    }

    /// Boots, runs all scenarios and hands over each as it ends.
    ///
    /// # Errors
    /// The rig doesn't start, stops, says nothing for long, or its console is damaged.
    pub fn scenarios(mut self, scenarios: &[Scenario], mut ended: impl FnMut(Outcome)) -> Result<(), String> {
        for (n, scenario) in scenarios.iter().enumerate() {
            self.file(&format!("/rig/scenarios/{n:03}-{}", scenario.name), scenario.script.as_bytes());
        }
        let ramdisk = self.finish();
        let mut machine = qemu::Machine::start(&self.host, &ramdisk, self.disk.as_deref())?;
        let mut reader = Reader::default();
        loop {
            let line = machine.line(SILENCE).map_err(|why| {
                format!("the rig {why} in {:?}; it showed:\n{}", reader.scenario(), reader.noise)
            })?;
            match reader.line(&line)? {
                Some(Event::Ended(mut outcome)) => {
                    outcome.name.drain(..4);
                    ended(outcome);
                }
                Some(Event::Done) => return Ok(()),
                None => {}
            }
        }
    }

    /// Boots and runs one command, with this process's input and output; its exit status.
    ///
    /// # Errors
    /// The rig doesn't start, or ends without a status.
    pub fn command(mut self, script: &str) -> Result<i32, String> {
        self.file("/rig/command", script.as_bytes());
        let ramdisk = self.finish();
        qemu::attended(&self.host, &ramdisk, self.disk.as_deref())
    }

    /// The root file system.
    fn finish(&mut self) -> Vec<u8> {
        let mut text = format!("DIRECTORY={}\n", quoted(&self.directory));
        for (name, value) in &self.environment {
            text += &format!("export {name}={}\n", quoted(value));
        }
        self.file("/rig/environment", text.as_bytes());
        self.tree.finish()
    }

    /// A path as the archive has it, with the directories above it in place.
    fn name_in_tree(&mut self, path: &str) -> String {
        let path = path.strip_prefix('/').expect("paths in the rig are absolute");
        if let Some((directory, _)) = path.rsplit_once('/') {
            self.make_directory(&format!("/{directory}"));
        }
        path.into()
    }

    fn make_directory(&mut self, path: &str) {
        let path = path.strip_prefix('/').expect("paths in the rig are absolute");
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        for name in ends.map(|end| &path[..end]).filter(|name| !name.is_empty()) {
            if self.directories.insert(name.into()) {
                self.tree.dir(name);
            }
        }
    }
}

/// A word for a shell that stands for itself.
pub fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}
