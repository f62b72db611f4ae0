//! The monitor's side of a lesson: what it did to start the guest, and every exit in a sentence.
//!
//! A guest that prints by UART leaves for each byte, twice: once to ask for room, once to send. Such
//! runs are told in one sentence when the line ends, with the number of exits it took.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use armlet::{ExitEvent, Observer};
use armlet_arm::esr::{ec_name, ec_of};
use armlet_arm::smccc::vendor;
use armlet_machine::board::requests;

use super::counts::Counts;
use super::describe::{self, Devices, address};
use crate::console::Screen;

/// PL011 registers (DDI 0183, 3.2): data and flags.
const UARTDR: u64 = 0x00;
const UARTFR: u64 = 0x18;

/// Sent bytes of one CPU that have not been told yet.
#[derive(Default)]
struct Run {
    text: Vec<u8>,
    exits: u64,
}

#[derive(Default)]
struct State {
    runs: Vec<Run>,
    counts: Counts,
    echo: Echo,
    /// Bytes on the console that are explained: sent by UART, or printed for a call that was told.
    explained: usize,
    /// Bytes taken out of the screen's tap.
    tapped: usize,
}

/// Sentences a guest in a loop says over and over: after some rounds they are only counted.
#[derive(Default)]
struct Echo {
    recent: VecDeque<String>,
    repeats: u64,
}

impl Echo {
    /// Sentences that may make up a loop.
    const WINDOW: usize = 4;
    /// Repeats that are told.
    const PATIENCE: u64 = 16;

    /// True if `sentence` is to be told, with the number of sentences before it that were not.
    fn hear(&mut self, sentence: &str) -> (bool, u64) {
        if self.recent.iter().any(|recent| recent == sentence) {
            self.repeats += 1;
            return (self.repeats <= Self::PATIENCE, 0);
        }
        if self.recent.len() == Self::WINDOW {
            self.recent.pop_front();
        }
        self.recent.push_back(sentence.to_owned());
        (true, std::mem::take(&mut self.repeats).saturating_sub(Self::PATIENCE))
    }
}

/// Tells a class what happens. Observes the machine, and is told by the program what it set up.
pub struct Narrator {
    screen: Arc<Screen>,
    devices: Arc<Devices>,
    state: Mutex<State>,
}

impl Narrator {
    /// A narrator that speaks on `screen`.
    pub fn new(screen: Arc<Screen>, devices: Arc<Devices>) -> Self {
        screen.listen();
        Self { screen, devices, state: Mutex::default() }
    }

    /// Says one sentence of the monitor.
    pub fn say(&self, sentence: &str) {
        self.screen.say(&format!("[monitor] {sentence}\n"));
    }

    /// Tells what is left to tell and how many exits there were.
    pub fn finish(&self) {
        let mut state = self.state.lock().unwrap();
        for cpu in 0..state.runs.len() {
            self.tell_run(cpu, &mut state.runs[cpu]);
        }
        let (_, untold) = state.echo.hear("");
        self.tell_untold(untold);
        self.say(&state.counts.summary());
    }

    /// True if the monitor may have printed something for this exit.
    fn is_call(&self, event: &ExitEvent) -> bool {
        match *event {
            ExitEvent::Call { .. } => true,
            ExitEvent::MmioWrite { gpa, .. } => self.devices.request(gpa).is_some(),
            _ => false,
        }
    }

    fn tell_untold(&self, untold: u64) {
        if untold != 0 {
            self.say(&format!("... {untold} more exits like these"));
        }
    }

    fn tell_run(&self, cpu: usize, run: &mut Run) {
        let Run { text, exits } = std::mem::take(run);
        if !text.is_empty() {
            self.say(&format!(
                "vCPU {cpu}: UART \"{}\", {} in {exits} exits",
                text.escape_ascii(),
                count(text.len(), "byte")
            ));
        } else if exits != 0 {
            self.say(&format!("vCPU {cpu}: asked the UART for its state {}", count(exits as usize, "time")));
        }
    }

    /// Takes an exit of the UART into the run, if it belongs there. True if it did.
    fn extend_run(&self, run: &mut Run, event: &ExitEvent) -> bool {
        let register = |gpa| self.devices.uart_register(gpa);
        match *event {
            ExitEvent::MmioRead { gpa, .. } if register(gpa) == Some(UARTFR) => {}
            ExitEvent::MmioWrite { gpa, value, .. } if register(gpa) == Some(UARTDR) => {
                run.text.push(value as u8);
            }
            _ => return false,
        }
        run.exits += 1;
        true
    }
}

fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

impl Observer for Narrator {
    fn exit(&self, cpu: usize, event: &ExitEvent) {
        let mut state = self.state.lock().unwrap();
        state.counts.add(event);
        if state.runs.len() <= cpu {
            state.runs.resize_with(cpu + 1, Run::default);
        }
        let State { runs, explained, tapped, .. } = &mut *state;
        let run = &mut runs[cpu];
        if self.extend_run(run, event) {
            *explained += usize::from(matches!(event, ExitEvent::MmioWrite { .. }));
            if run.text.last() == Some(&b'\n') {
                self.tell_run(cpu, run);
                *tapped += self.screen.take_tap().len();
            }
            return;
        }
        self.tell_run(cpu, run);
        // The UART gathers bytes, so some of what the tap has may be older than this exit: only what no
        // UART exit explains was printed for a call.
        let mut printed = self.screen.take_tap();
        *tapped += printed.len();
        let news = if self.is_call(event) { tapped.saturating_sub(*explained) } else { 0 };
        *explained += news;
        let printed = printed.split_off(printed.len().saturating_sub(news));
        let sentence = format!("vCPU {cpu}: {}", sentence(event, &self.devices, &printed));
        let (tell, untold) = state.echo.hear(&sentence);
        self.tell_untold(untold);
        if tell {
            self.say(&sentence);
        }
    }
}

/// An exit in words. `printed` is what the monitor printed for the guest meanwhile.
fn sentence(event: &ExitEvent, devices: &Devices, printed: &[u8]) -> String {
    let pc = address(event.pc());
    match *event {
        ExitEvent::MmioRead { gpa, size, value, .. } => {
            format!("read {size} bytes of {}: {value:#x}", devices.name(gpa))
        }
        ExitEvent::MmioWrite { gpa, size, value, syndrome, .. } if devices.request(gpa).is_some() => {
            let what = request(devices.request(gpa).unwrap_or_default(), size, value, printed);
            // The machine's programs are 32-bit ones.
            let esr = syndrome.map(|esr| format!(", ESR={esr:#010x} ({})", describe::fields(esr, true)));
            let (at, esr) = (address(gpa), esr.unwrap_or_default());
            format!("data abort at PC={pc}: stored {value:#x} to {at}, {size} bytes{esr}: request to {what}")
        }
        ExitEvent::MmioWrite { gpa, size, value, .. } => {
            format!("wrote {value:#x} to {}, {size} bytes", devices.name(gpa))
        }
        ExitEvent::UnmappedAccess { gpa, fetch, write, .. } => {
            let what = describe::access(fetch, write);
            format!(
                "{what} at {}, where nothing is mapped (PC={pc}): the guest gets an external abort",
                address(gpa)
            )
        }
        ExitEvent::Call { conduit, imm, function, .. } => {
            let call = format!("{} #{imm}", describe::conduit_name(conduit));
            match function {
                vendor::WRITE_STRING => format!("{call} write string \"{}\"", printed.escape_ascii()),
                vendor::WRITE_CHAR => format!("{call} write character \"{}\"", printed.escape_ascii()),
                vendor::EXIT => format!("{call} exit"),
                other => format!("{call} {}", describe::function_name(other)),
            }
        }
        ExitEvent::Exception { from_el, vector, .. } if describe::is_interrupt(vector) => {
            format!("took an {vector} at EL{from_el}, PC={pc}")
        }
        ExitEvent::Exception { esr, far, from_el, .. } => {
            format!(
                "took an exception at EL{from_el}, PC={pc}: {}, ESR={esr:#010x}, FAR={}",
                ec_name(ec_of(esr)),
                address(far)
            )
        }
        ExitEvent::SysRegTrap { reg, read, .. } => {
            let way = if read { "read of" } else { "write to" };
            format!("{way} {} at PC={pc} is not allowed", describe::register_name(reg))
        }
        ExitEvent::Wfi { .. } => format!("WFI at PC={pc}: asleep until an interrupt"),
    }
}

/// What a store to the page of requests asks for.
fn request(offset: u64, size: u8, value: u64, printed: &[u8]) -> String {
    match (offset, size) {
        (requests::EXIT, 4) => format!("exit with status {value}"),
        (requests::WRITE_CHAR, 4) => format!("write character \"{}\"", printed.escape_ascii()),
        (requests::WRITE_STRING, 4) => format!("write string \"{}\"", printed.escape_ascii()),
        _ => "do nothing".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boardmap::REQUEST_PAGE;
    use armlet_arm::smccc::Conduit;

    #[test]
    fn a_loop_is_told_for_a_while_and_then_counted() {
        let mut echo = Echo::default();
        let told = (0..100).filter(|i| echo.hear(["load", "abort"][i % 2]).0).count();
        assert_eq!(told as u64, 2 + Echo::PATIENCE);
        assert_eq!(echo.hear("exit"), (true, 98 - Echo::PATIENCE));
        assert_eq!(echo.hear("load"), (true, 0));
    }

    #[test]
    fn sentences() {
        let devices =
            Devices::new(vec![("GICD", 0x0902_0000, 0x1_0000), (REQUEST_PAGE, 0x5000_0000, 0x1000)]);
        let store = |offset: u64, size, value, syndrome| ExitEvent::MmioWrite {
            pc: 0x4000_0004,
            gpa: 0x5000_0000 + offset,
            size,
            value,
            syndrome,
        };
        let hvc = |function| ExitEvent::Call { pc: 0, conduit: Conduit::Hvc, imm: 0, function, result: 0 };
        for (event, printed, text) in [
            (hvc(vendor::WRITE_STRING), &b"hi\n"[..], r#"HVC #0 write string "hi\n""#),
            (hvc(vendor::EXIT), b"", "HVC #0 exit"),
            (
                store(8, 4, 0x4000_0020, Some(0x9381_004f)),
                b"hi\n",
                "data abort at PC=0x40000004: stored 0x40000020 to 0x50000008, 4 bytes, ESR=0x9381004f \
                 (WnR=1, SAS=4 bytes, SRT=R1): request to write string \"hi\\n\"",
            ),
            (
                store(0, 4, 3, None),
                b"",
                "data abort at PC=0x40000004: stored 0x3 to 0x50000000, 4 bytes: request to exit with status 3",
            ),
            (
                store(0x44, 1, 0, None),
                b"",
                "data abort at PC=0x40000004: stored 0x0 to 0x50000044, 1 bytes: request to do nothing",
            ),
            (ExitEvent::Wfi { pc: 16 }, b"", "WFI at PC=0x00000010: asleep until an interrupt"),
            (
                ExitEvent::MmioWrite { pc: 0, gpa: 0x0902_0104, size: 4, value: 4, syndrome: None },
                b"",
                "wrote 0x4 to GICD+0x104, 4 bytes",
            ),
            (
                ExitEvent::Exception { pc: 4, esr: 0, far: 0, from_el: 1, vector: "IRQ" },
                b"",
                "took an IRQ at EL1, PC=0x00000004",
            ),
        ] {
            assert_eq!(sentence(&event, &devices, printed), text);
        }
    }
}
