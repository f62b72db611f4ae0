//! One line on a terminal while the guest has not said anything yet, so that slow never looks hung.

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::time::{Duration, Instant};

use armlet::MachineControl;

use crate::console::Screen;

const PERIOD: Duration = Duration::from_millis(200);

/// Starts rewriting the line until the guest prints, if stderr is a terminal.
pub fn start(screen: Arc<Screen>, backend: &'static str, control: MachineControl) -> io::Result<()> {
    if !io::stderr().is_terminal() {
        return Ok(());
    }
    std::thread::Builder::new().name("progress".into()).spawn(move || {
        let start = Instant::now();
        let (mut last_retired, mut last) = (0, start);
        loop {
            std::thread::sleep(PERIOD);
            if screen.has_spoken() {
                return;
            }
            let (retired, now) = (control.retired(), Instant::now());
            let speed = (retired.saturating_sub(last_retired)) as f64 / (now - last).as_secs_f64();
            (last_retired, last) = (retired, now);
            let what = stage(control.is_idle(), control.cpus_on());
            screen.progress(&line(backend, now - start, speed, retired, &what));
        }
    })?;
    Ok(())
}

/// How far a guest is that has not said anything: what can be seen of it from outside.
fn stage(idle: bool, (on, cpus): (usize, usize)) -> String {
    match (idle, cpus) {
        (true, _) => "waiting for an interrupt".into(),
        (false, 1) => "booting".into(),
        (false, _) => format!("booting, {on} of {cpus} CPUs on"),
    }
}

/// `soft: 1.2 s, 85 MIPS, 102 M instructions, booting`
fn line(backend: &str, elapsed: Duration, per_second: f64, retired: u64, what: &str) -> String {
    let seconds = elapsed.as_secs_f64();
    if retired == 0 {
        // Hardware backends don't count.
        return format!("{backend}: {seconds:.1} s, {what}");
    }
    format!(
        "{backend}: {seconds:.1} s, {:.0} MIPS, {} M instructions, {what}",
        per_second / 1e6,
        retired / 1_000_000
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_reads_as_documented() {
        let elapsed = Duration::from_millis(1200);
        assert_eq!(
            line("soft", elapsed, 85.4e6, 102_345_678, "booting"),
            "soft: 1.2 s, 85 MIPS, 102 M instructions, booting"
        );
        assert_eq!(stage(false, (1, 1)), "booting");
        assert_eq!(stage(false, (2, 4)), "booting, 2 of 4 CPUs on");
        assert_eq!(stage(true, (4, 4)), "waiting for an interrupt");
        assert_eq!(line("kvm", elapsed, 0.0, 0, "booting"), "kvm: 1.2 s, booting");
    }
}
