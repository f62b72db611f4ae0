//! The guests inside the program: small lessons for the machines `monitor` and `hvio`, from `guests/`.

use armlet_hv::GuestMode;
use armlet_machine::BoardKind;
use armlet_machine::board::{hvio, monitor};

/// A guest that is part of the program.
#[derive(Clone, Copy, Debug)]
pub struct Guest {
    /// Name as `armlet run` takes it.
    pub name: &'static str,
    /// What it shows, in one line.
    pub summary: &'static str,
    /// The machine it is for.
    pub board: BoardKind,
    /// What its instructions are.
    pub code: Code,
    /// The flat image, to be loaded at the machine's entry point.
    pub image: &'static [u8],
}

/// An instruction set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// That of AArch64 state.
    A64,
    /// The one of AArch32 state with instructions of 4 bytes.
    A32,
    /// The one of AArch32 state with instructions of 2 and 4 bytes, known as Thumb.
    T32,
}

impl Guest {
    /// State in which it starts.
    pub fn mode(&self) -> GuestMode {
        if self.code == Code::A64 { GuestMode::A64El1 } else { GuestMode::A32El1 }
    }

    /// Where it starts; bit 0 chooses T32.
    pub fn entry(&self) -> u64 {
        let at = match self.board {
            BoardKind::Hvio => hvio::ENTRY,
            _ => monitor::ENTRY,
        };
        at | u64::from(self.code == Code::T32)
    }
}

macro_rules! guests {
    ($($name:literal: $board:ident, $code:ident, $summary:literal;)*) => {
        &[$(Guest {
            name: $name,
            summary: $summary,
            board: BoardKind::$board,
            code: Code::$code,
            image: include_bytes!(concat!("../../../guests/prebuilt/", $name, ".bin")),
        }),*]
    };
}

/// Every embedded guest; the first is the one that runs when nothing is named.
pub const ALL: &[Guest] = guests! {
    "hello": Monitor, A64, "says hello by hypercall, then by UART, and leaves";
    "timer": Monitor, A64, "takes interrupts from a memory-mapped timer and from the CPU's own";
    "wfi": Monitor, A64, "sets an alarm, sleeps with WFI and wakes";
    "data-abort": Monitor, A64, "loads and stores where nothing is mapped, and survives";
    "insn-abort": Monitor, A64, "calls a function where nothing is mapped, and survives";
    "sysreg": Monitor, A64, "reads system registers it may not read";
    "el0": Monitor, A64, "a kernel with page tables runs a program at EL0 and serves its system calls";
    "hvio": Hvio, A32, "asks the monitor by stores to a read-only page, in 32-bit code";
    "hvio-thumb": Hvio, T32, "the same in Thumb instructions";
    "psci-off": Hvio, A32, "turns the machine off by PSCI, in 32-bit code";
    "psci-off-thumb": Hvio, T32, "the same in Thumb instructions";
};

/// The embedded guest of that name.
pub fn find(name: &str) -> Option<&'static Guest> {
    ALL.iter().find(|guest| guest.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_small_whole_and_start_with_code() {
        for guest in ALL {
            assert!(guest.image.len() < 0x10000, "{} is too large", guest.name);
            if guest.code == Code::A64 {
                // mov x28, x0: every guest of the monitor machine keeps the boot information first.
                assert_eq!(guest.image[..4], 0xaa00_03fc_u32.to_le_bytes(), "{}", guest.name);
            }
            assert_eq!(guest.code == Code::T32, guest.name.ends_with("-thumb"));
            assert_eq!(guest.entry() & 1 != 0, guest.code == Code::T32);
            assert_eq!(find(guest.name).map(|g| g.name), Some(guest.name));
        }
        assert_eq!(ALL[0].name, "hello");
        assert!(find("nonesuch").is_none());
    }
}
