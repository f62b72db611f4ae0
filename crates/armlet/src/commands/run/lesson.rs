//! The first sentences of a lesson: what the monitor did before the guest's first instruction.

use armlet::Board;
use armlet::guests::{Code, Guest};
use armlet_machine::board::{hvio, monitor};

use crate::args::RunArgs;
use crate::boardmap::{self, REQUEST_PAGE};
use crate::observe::Narrator;

/// Says them.
pub fn introduce(narrator: &Narrator, guest: &Guest, args: &RunArgs, backend: &str, cpus: usize) {
    narrator.say(&format!("partition created by the backend {backend}"));
    for (name, start, len) in boardmap::regions(guest.board, None) {
        match name {
            "RAM" => narrator.say(&format!("memory mapped {start:#x}-{:#x}", start + len)),
            REQUEST_PAGE => {
                narrator.say(&format!("request page mapped read-only {start:#x}-{:#x}", start + len));
            }
            _ => {}
        }
    }
    let entry = args.entry.or(args.load).unwrap_or(guest.entry());
    for cpu in 0..cpus {
        let state =
            if cpu == 0 { first_state(guest, entry) } else { "off until the guest turns it on".to_owned() };
        narrator.say(&format!("vCPU {cpu}: {state}"));
    }
}

/// The registers that the monitor sets.
fn first_state(guest: &Guest, entry: u64) -> String {
    let (stack, argument, what) = match guest.board {
        Board::Hvio => (hvio::STACK, hvio::map::REQUESTS, "the request page"),
        _ => (monitor::STACK, monitor::BOOT_INFO, "the boot information"),
    };
    match guest.code {
        Code::A64 => format!("PC={entry:#x} SP={stack:#x} X0={argument:#x}, {what}"),
        code => {
            format!("AArch32, {code:?}, PC={:#x} R13={stack:#x} R0={argument:#x}, {what}", entry & !1)
        }
    }
}
