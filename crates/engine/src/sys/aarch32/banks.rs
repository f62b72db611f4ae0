//! Where AArch32's registers are: the architecture has them on X0-X30 (Arm ARM D1.8.2, G1.9.2); the engine keeps those of the
//! mode in use in the slots that lowered code names.
//!
//! In AArch32 state slots hold the X registers but for two exchanges, which put R7 and R13 into slots that live in
//! host registers: X7 is in slot 19 and X19 in slot 7; X13 is in slot [`SP`]. And where a mode has a register of
//! its own, its value and that of User mode are exchanged while the mode is in use.

use armlet_arm::pstate::{Pstate, mode32};

use crate::cpu::{Cpu, sp_bank};
use crate::uop::{FPNZCV, SLOTS, SP, Slot};

/// The slot of R`n`, 0 to 14, of the mode in use.
pub const fn slot(n: u8) -> Slot {
    match n {
        7 => 19,
        13 => SP,
        n => n & 15,
    }
}

/// The number of the register in a slot, the opposite of [`slot`].
pub const fn slot_number(slot: Slot) -> u8 {
    match slot {
        19 => 7,
        SP => 13,
        n => n & 15,
    }
}

/// The slot that holds X`n`, 0 to 30, in AArch32 state, if no register is exchanged for a mode.
pub const fn arch_slot(n: u8) -> Slot {
    match n {
        7 => 19,
        19 => 7,
        13 => SP,
        n => n,
    }
}

/// The X register that is R`n` of `mode`.
pub const fn home(mode: u8, n: u8) -> u8 {
    match (mode, n) {
        (mode32::FIQ, 8..=12) => n + 16,
        (mode32::FIQ, 13) => 29,
        (mode32::FIQ, 14) => 30,
        (mode32::IRQ, 13) => 17,
        (mode32::IRQ, 14) => 16,
        (mode32::SVC, 13) => 19,
        (mode32::SVC, 14) => 18,
        (mode32::ABT, 13) => 21,
        (mode32::ABT, 14) => 20,
        (mode32::UND, 13) => 23,
        (mode32::UND, 14) => 22,
        (mode32::HYP, 13) => 15,
        _ => n,
    }
}

/// Which registers are in which slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// AArch64 state.
    A64,
    /// AArch32 state, in a mode.
    A32(u8),
}

impl Layout {
    /// That of a state.
    pub(crate) fn of(pstate: Pstate) -> Self {
        if pstate.is_aarch32() { Self::A32(pstate.mode32()) } else { Self::A64 }
    }
}

/// Exchanges the registers of `mode` with those of User mode.
fn exchange(x: &mut [u64; SLOTS], mode: u8) {
    let first = if mode == mode32::FIQ { 8 } else { 13 };
    for n in first..15 {
        x.swap(usize::from(slot(n)), usize::from(arch_slot(home(mode, n))));
    }
}

impl Cpu {
    /// Moves registers from where they are in state `from` to where they are in state `to`.
    pub(crate) fn switch_registers(&mut self, from: Pstate, to: Pstate) {
        match (Layout::of(from), Layout::of(to)) {
            (Layout::A64, Layout::A64) => self.switch_sp(sp_bank(from), sp_bank(to)),
            (Layout::A32(from), Layout::A32(to)) if from == to => {}
            (Layout::A32(from), Layout::A32(to)) => {
                exchange(&mut self.x, from);
                exchange(&mut self.x, to);
            }
            (Layout::A64, Layout::A32(mode)) => {
                self.sys[sp_bank(from)] = self.x[SP as usize];
                self.x.swap(7, 19);
                self.x[SP as usize] = self.x[13];
                self.x[..15].iter_mut().for_each(|x| *x &= 0xffff_ffff);
                self.x[19] &= 0xffff_ffff;
                self.x[SP as usize] &= 0xffff_ffff;
                self.x[FPNZCV as usize] = u64::from(self.fpsr & 0xf000_0000);
                self.fpsr &= 0x0fff_ffff;
                exchange(&mut self.x, mode);
            }
            (Layout::A32(mode), Layout::A64) => {
                exchange(&mut self.x, mode);
                self.x.swap(7, 19);
                self.x[13] = self.x[SP as usize];
                self.x[SP as usize] = self.sys[sp_bank(to)];
                self.fpsr = self.fpsr & 0x0fff_ffff | self.x[FPNZCV as usize] as u32;
            }
        }
    }

    /// R`n` of `mode`, wherever it is now. 15 is none.
    pub(crate) fn banked(&mut self, mode: u8, n: u8) -> &mut u64 {
        let (now, x) = (self.pstate.mode32(), home(mode, n));
        let at = if home(now, n) == x {
            slot(n)
        } else if home(mode32::USR, n) == x {
            // User mode's register is where that of the mode in use would be.
            arch_slot(home(now, n))
        } else {
            arch_slot(x)
        };
        &mut self.x[usize::from(at)]
    }

    /// X0 to X30 as the architecture numbers them.
    pub(crate) fn arch_x(&self) -> [u64; 31] {
        let mut x = self.x;
        if let Layout::A32(mode) = Layout::of(self.pstate) {
            exchange(&mut x, mode);
            x.swap(7, 19);
            x[13] = x[SP as usize];
        }
        std::array::from_fn(|n| x[n])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_have_numbers() {
        assert!((0..15).all(|n| slot_number(slot(n)) == n));
    }

    #[test]
    fn exchanges_undo_themselves_and_every_bank_is_distinct() {
        let fresh: [u64; SLOTS] = std::array::from_fn(|n| n as u64);
        for mode in
            [mode32::USR, mode32::FIQ, mode32::IRQ, mode32::SVC, mode32::ABT, mode32::UND, mode32::SYS]
        {
            let mut x = fresh;
            exchange(&mut x, mode);
            let used: Vec<u64> = (0..15).map(|n| x[usize::from(slot(n))]).collect();
            for n in 0..15u8 {
                assert_eq!(used[usize::from(n)], u64::from(arch_slot(home(mode, n))), "R{n} of {mode:#x}");
            }
            exchange(&mut x, mode);
            assert_eq!(x, fresh);
        }
    }
}
