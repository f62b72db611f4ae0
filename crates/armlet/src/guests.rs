//! The guests inside the program: small lessons for the `monitor` machine, from `guests/`.

/// A guest that is part of the program.
#[derive(Clone, Copy, Debug)]
pub struct Guest {
    /// Name as `armlet run` takes it.
    pub name: &'static str,
    /// What it shows, in one line.
    pub summary: &'static str,
    /// The flat image, to be loaded at the monitor machine's entry point.
    pub image: &'static [u8],
}

macro_rules! guests {
    ($($name:literal: $summary:literal;)*) => {
        &[$(Guest {
            name: $name,
            summary: $summary,
            image: include_bytes!(concat!("../../../guests/prebuilt/", $name, ".bin")),
        }),*]
    };
}

/// Every embedded guest; the first is the one that runs when nothing is named.
pub const ALL: &[Guest] = guests! {
    "hello": "says hello by hypercall, then by UART, and leaves";
    "timer": "takes interrupts from a memory-mapped timer and from the CPU's own";
    "wfi": "sets an alarm, sleeps with WFI and wakes";
    "data-abort": "loads and stores where nothing is mapped, and survives";
    "insn-abort": "calls a function where nothing is mapped, and survives";
    "sysreg": "reads system registers it may not read";
    "el0": "a kernel with page tables runs a program at EL0 and serves its system calls";
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
            // mov x28, x0: every guest keeps the boot information first.
            assert_eq!(guest.image[..4], 0xaa00_03fc_u32.to_le_bytes(), "{}", guest.name);
            assert_eq!(find(guest.name).map(|g| g.name), Some(guest.name));
        }
        assert_eq!(ALL[0].name, "hello");
        assert!(find("nonesuch").is_none());
    }
}
