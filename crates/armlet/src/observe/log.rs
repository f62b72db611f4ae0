//! `--log exits`: one line for each exit, and how many of each kind at the end.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use armlet::{ExitEvent, Observer};

use super::counts::Counts;
use super::describe::{Devices, log_line};
use crate::console::Screen;

enum Sink {
    Screen(Arc<Screen>),
    File(BufWriter<File>),
}

/// The exit log.
pub struct ExitLog {
    start: Instant,
    devices: Arc<Devices>,
    inner: Mutex<(Sink, Counts)>,
}

impl ExitLog {
    /// A log on stderr.
    pub fn to_screen(screen: Arc<Screen>, devices: Arc<Devices>) -> Self {
        Self::new(Sink::Screen(screen), devices)
    }

    /// A log in a file.
    pub fn to_file(file: File, devices: Arc<Devices>) -> Self {
        Self::new(Sink::File(BufWriter::new(file)), devices)
    }

    fn new(sink: Sink, devices: Arc<Devices>) -> Self {
        Self { start: Instant::now(), devices, inner: Mutex::new((sink, Counts::default())) }
    }

    /// Writes the summary and everything that is still in a buffer.
    pub fn finish(&self) -> std::io::Result<()> {
        let (sink, counts) = &mut *self.inner.lock().unwrap();
        let line = format!("{}\n{}", counts.summary(), counts.devices());
        match sink {
            Sink::Screen(screen) => screen.say(&line),
            Sink::File(file) => {
                file.write_all(line.as_bytes())?;
                file.flush()?;
            }
        }
        Ok(())
    }
}

impl Observer for ExitLog {
    fn exit(&self, cpu: usize, event: &ExitEvent) {
        let seconds = self.start.elapsed().as_secs_f64();
        let line = format!("[{seconds:>11.6}] cpu{cpu} {}\n", log_line(event, &self.devices));
        let (sink, counts) = &mut *self.inner.lock().unwrap();
        counts.add(event);
        counts.add_device(self.devices.of(event));
        match sink {
            Sink::Screen(screen) => screen.say(&line),
            // A full disk is told once, by `finish`.
            Sink::File(file) => drop(file.write_all(line.as_bytes())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gets_lines_and_a_summary() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let log = ExitLog::to_file(File::create(&path).unwrap(), Arc::default());
        log.exit(1, &ExitEvent::Wfi { pc: 0x40 });
        log.finish().unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        let mut lines = text.lines();
        let first = lines.next().unwrap();
        assert!(first.starts_with("[   0.0") && first.ends_with("] cpu1 pc=0x00000040 wfi"), "{first}");
        assert_eq!(lines.next(), Some("1 exit: 1 wfi"));
    }
}
