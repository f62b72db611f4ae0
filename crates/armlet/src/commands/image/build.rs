//! The guest that builds an image: armlet itself runs it, on whatever backend this host has.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use armlet::backends::{self, SoftChoices};
use armlet::{Board, DiskConfig, Ending, Initrd, Machine, MachineConfig, Payload, SerialOutput};
use armlet_image::seed::Builder;
use armlet_machine::disk::{self, OpenOptions};
use indicatif::ProgressBar;

use super::report::Report;
use crate::commands::run::suits;
use crate::failure::{Failure, chain};
use crate::images;

/// Memory of that guest.
const MEMORY: u64 = 1 << 30;
/// dpkg is one process; a second CPU is for the kernel's own work.
const CPUS: usize = 2;
/// Each package is unpacked, then configured.
const STEPS: usize = 2;

/// Boots the builder with the image's disk and the one with packages, and waits until it is done.
pub fn build(
    builder: Builder,
    disks: [&Path; 2],
    packages: usize,
    log: &Path,
    report: &Report,
) -> Result<(), Failure> {
    let broken = |error: &dyn std::error::Error| Failure::broken(chain(error));
    let mut config = MachineConfig::new(Board::Virt);
    config.cpus = std::thread::available_parallelism().map_or(1, |n| n.get().min(CPUS));
    config.memory = Some(MEMORY);
    config.kernel =
        Some(Payload::detect("the kernel's package", builder.kernel).map_err(|error| broken(&error))?);
    config.initrd = Some(Initrd { bytes: builder.ramdisk, source: None });
    config.append = Some("console=ttyAMA0 quiet".to_owned());
    config.no_reboot = true;
    for path in disks {
        let disk = disk::open(path, &OpenOptions::default()).map_err(|error| broken(&error))?;
        let name = path.display().to_string();
        config.disks.push(DiskConfig { name, disk: Arc::from(disk), serial: String::new() });
    }
    let backend =
        backends::open_for("auto", &SoftChoices::default(), |hypervisor| suits(hypervisor, &config))
            .map_err(|error| Failure::input_chain(&error))?;

    let file = File::create(log).map_err(|error| images::file(log, &error))?;
    let bar = report.steps("booting the builder", (packages * STEPS) as u64);
    let watch = Arc::new(Mutex::new(Watch { bar: Some(bar.clone()), ..Watch::default() }));
    let console = Console { watch: watch.clone(), line: Vec::new(), log: file };
    let machine = Machine::build(backend.hypervisor.as_ref(), config, Box::new(console), Vec::new());
    let ending = machine.and_then(|machine| machine.run()).map_err(|error| broken(&error))?;
    bar.finish_and_clear();
    let watch = watch.lock().unwrap_or_else(PoisonError::into_inner);
    let why = match (&watch.failed, ending) {
        (None, Ending::PowerOff) if watch.done => return Ok(()),
        (Some(why), _) => why.clone(),
        (None, ending) => format!("its builder ended with {ending:?} at {}", watch.stage),
    };
    Err(Failure::broken(format_args!("the image can't be made: {why}; all it said is in {}", log.display())))
}

/// What the builder's lines say.
#[derive(Default)]
struct Watch {
    bar: Option<ProgressBar>,
    stage: String,
    failed: Option<String>,
    done: bool,
}

impl Watch {
    fn line(&mut self, line: &str) {
        if let Some(stage) = line.strip_prefix("@@ stage ") {
            self.stage = stage.to_owned();
            self.tell(stage);
        } else if let Some(why) = line.strip_prefix("@@ failed: ") {
            self.failed = Some(why.to_owned());
        } else if line == "@@ done" {
            self.done = true;
        } else if let Some(rest) =
            ["Unpacking ", "Setting up "].iter().find_map(|start| line.strip_prefix(start))
        {
            let package = rest.split([' ', ':']).next().unwrap_or_default();
            self.tell(&format!("{}: {package}", self.stage));
            self.bar.iter().for_each(|bar| bar.inc(1));
        }
    }

    fn tell(&self, text: &str) {
        self.bar.iter().for_each(|bar| bar.set_message(text.to_owned()));
    }
}

/// The builder's console.
struct Console {
    watch: Arc<Mutex<Watch>>,
    line: Vec<u8>,
    log: File,
}

/// No line that matters is longer.
const LINE: usize = 4096;

impl SerialOutput for Console {
    fn write(&mut self, bytes: &[u8]) {
        // A log that can't be written is missed only if something else fails as well.
        let _ = self.log.write_all(bytes);
        for byte in bytes {
            match byte {
                b'\n' => {
                    let line = String::from_utf8_lossy(&std::mem::take(&mut self.line)).into_owned();
                    self.watch.lock().unwrap_or_else(PoisonError::into_inner).line(line.trim_end());
                }
                byte if self.line.len() < LINE => self.line.push(*byte),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builders_lines_are_understood() {
        let mut watch = Watch { bar: Some(ProgressBar::hidden()), ..Watch::default() };
        for line in
            ["@@ stage packages", "Unpacking libc6:arm64 (2.36) ...", "Setting up dash (0.5) ...", "noise"]
        {
            watch.line(line);
        }
        assert_eq!((watch.stage.as_str(), watch.bar.as_ref().unwrap().position()), ("packages", 2));
        watch.line("@@ failed: mke2fs");
        assert!(watch.failed.as_deref() == Some("mke2fs") && !watch.done);
    }
}
