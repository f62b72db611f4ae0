//! What a long command says on stderr: a bar on a terminal, else a line for each stage.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// How often a bar moves though nothing happens.
const TICK: Duration = Duration::from_millis(200);

/// Tells stages and progress.
pub struct Report {
    quiet: bool,
    terminal: bool,
}

impl Report {
    /// One that says nothing if `quiet`.
    pub fn new(quiet: bool) -> Self {
        Self { quiet, terminal: std::io::stderr().is_terminal() }
    }

    /// A line that stays.
    pub fn line(&self, text: &str) {
        if !self.quiet {
            eprintln!("{text}");
        }
    }

    /// A bar over `bytes`.
    pub fn bytes(&self, what: &str, bytes: u64) -> ProgressBar {
        self.bar(what, bytes, "{msg} [{bar:30}] {bytes}/{total_bytes}, {bytes_per_sec}")
    }

    /// A bar over `steps` whose message changes.
    pub fn steps(&self, what: &str, steps: u64) -> ProgressBar {
        self.bar(what, steps, "[{bar:30}] {elapsed} {wide_msg}")
    }

    fn bar(&self, what: &str, len: u64, template: &str) -> ProgressBar {
        if self.quiet || !self.terminal {
            self.line(what);
            return ProgressBar::hidden();
        }
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::new(len).with_style(style.progress_chars("=> ")).with_message(what.to_owned());
        bar.enable_steady_tick(TICK);
        bar
    }
}
