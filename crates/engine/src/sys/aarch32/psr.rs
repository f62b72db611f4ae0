//! CPSR and SPSR: reading, writing, CPS, SETEND (Arm ARM G8.2, pseudocode CPSRWriteByInstr, SPSRWriteByInstr).

use armlet_arm::pstate::{Pstate, mode32};
use armlet_arm::{Feature, SysReg};

use crate::cpu::{Cpu, Raised};
use crate::uop::{GE, Q};

/// Where CPSR and SPSR of AArch32 have DIT; PSTATE here has it where SPSR_EL1 does.
const DIT: u64 = 1 << 21;

/// A CPSR or SPSR of AArch32 as SPSR_EL1 lays it out.
pub fn to_pstate(psr: u64) -> u64 {
    let psr = psr & 0xffff_ffff;
    psr & !(DIT | Pstate::DIT.bits()) | (psr & DIT) << 3
}

/// The opposite.
pub fn from_pstate(spsr: u64) -> u64 {
    spsr & 0xffff_ffff & !(DIT | Pstate::DIT.bits()) | (spsr & Pstate::DIT.bits()) >> 3
}

/// True for modes of EL0 and EL1.
pub fn is_mode(mode: u8) -> bool {
    use mode32::*;
    matches!(mode, USR | FIQ | IRQ | SVC | ABT | UND | SYS)
}

/// Which register is SPSR of a mode.
pub fn spsr_of(mode: u8) -> Option<SysReg> {
    match mode {
        mode32::SVC => Some(SysReg::SPSR_EL1),
        mode32::ABT => Some(SysReg::SPSR_ABT),
        mode32::UND => Some(SysReg::SPSR_UND),
        mode32::IRQ => Some(SysReg::SPSR_IRQ),
        mode32::FIQ => Some(SysReg::SPSR_FIQ),
        _ => None,
    }
}

impl Cpu {
    /// CPSR as MRS reads it: without the bits of execution state.
    pub(crate) fn read_cpsr(&self) -> u64 {
        let hidden = (Pstate::IT_HI | Pstate::IT_LO | Pstate::T | Pstate::IL | Pstate::SS).bits();
        from_pstate(self.spsr() & !hidden)
    }

    /// MSR of the bytes of CPSR in `mask`.
    pub(crate) fn write_cpsr(&mut self, value: u64, mask: u8) {
        let privileged = self.pstate.el() != 0;
        let mut bits = Pstate::empty();
        if mask & 8 != 0 {
            self.nzcv = value as u32 & 0xf000_0000;
            self.x[Q as usize] = value >> 27 & 1;
        }
        if mask & 4 != 0 {
            self.x[GE as usize] = value >> 16 & 15;
            if self.has(Feature::DIT) {
                bits |= Pstate::DIT;
            }
            if privileged && self.has(Feature::PAN) {
                bits |= Pstate::PAN;
            }
        }
        if mask & 2 != 0 {
            bits |= if privileged { Pstate::E | Pstate::A } else { Pstate::E };
        }
        if mask & 1 != 0 && privileged {
            bits |= Pstate::I | Pstate::F;
        }
        let value = to_pstate(value);
        let new = self.pstate.bits() & !bits.bits() | value & bits.bits();
        self.pstate = Pstate::from_bits_retain(new);
        if mask & 1 != 0 && privileged {
            self.write_mode((value & 0x1f) as u8);
        }
        self.mode_changed();
    }

    /// Changes the mode (AArch32.WriteModeByInstr); one that doesn't exist leaves it and makes the execution state
    /// illegal.
    fn write_mode(&mut self, mode: u8) {
        if !is_mode(mode) {
            self.pstate |= Pstate::IL;
            return;
        }
        let new = self.pstate.with_mode32(mode);
        self.switch_registers(self.pstate, new);
        self.pstate = new;
    }

    /// SPSR of the mode in use. User and System modes have none: UNDEFINED.
    pub(crate) fn read_spsr(&mut self) -> Result<u64, Raised> {
        match spsr_of(self.pstate.mode32()) {
            Some(reg) => Ok(self.sys[reg] & 0xffff_ffff),
            None => Err(self.undefined()),
        }
    }

    /// MSR of the bytes of SPSR in `mask`.
    pub(crate) fn write_spsr(&mut self, value: u64, mask: u8) -> Result<(), Raised> {
        let Some(reg) = spsr_of(self.pstate.mode32()) else { return Err(self.undefined()) };
        let bytes = (0..4).filter(|n| mask >> n & 1 != 0).map(|n| 0xff << (n * 8)).sum::<u64>();
        self.sys[reg] = self.sys[reg] & !bytes | value & bytes;
        Ok(())
    }

    /// MRS and MSR of a register of another mode; `which` is M[4:0] << 5 | number, 16 for SPSR. `None`: there is none.
    pub(crate) fn banked_register(&mut self, which: i64) -> Option<&mut u64> {
        let (mode, n) = ((which >> 5 & 0x1f) as u8, (which & 0x1f) as u8);
        match n {
            16 => spsr_of(mode).map(|reg| &mut self.sys[reg]),
            n if n < 15 => Some(self.banked(mode, n)),
            _ => None,
        }
    }

    /// CPS at EL1; at EL0 it does nothing.
    pub(crate) fn change_state(&mut self, imm: i64) {
        if self.pstate.el() == 0 {
            return;
        }
        let imm = imm as u64;
        let bits = Pstate::from_bits_retain(imm) & (Pstate::A | Pstate::I | Pstate::F);
        match imm >> 18 & 3 {
            0b10 => self.pstate -= bits,
            0b11 => self.pstate |= bits,
            _ => {}
        }
        if imm >> 17 & 1 != 0 {
            self.write_mode((imm & 0x1f) as u8);
        }
        self.mode_changed();
    }

    /// PSTATE.E = `big`.
    pub(crate) fn set_endianness(&mut self, big: bool) {
        self.pstate.set(Pstate::E, big);
        self.mode_changed();
    }

    /// ITSTATE of the instruction that comes next.
    pub(crate) fn set_itstate(&mut self, it: u8) {
        self.pstate = self.pstate.with_itstate(it);
        self.mode_changed();
    }

    /// Goes on at `target`, whose lowest bit chooses the instruction set (BXWritePC). An A32 address is taken as aligned.
    pub(crate) fn exchange_to(&mut self, target: u64) {
        let t32 = target & 1 != 0;
        self.pc = target & if t32 { 0xffff_fffe } else { 0xffff_fffc };
        self.choose_t32(t32);
    }

    /// Sets PSTATE.T.
    #[inline]
    pub(crate) fn choose_t32(&mut self, t32: bool) {
        self.pstate.set(Pstate::T, t32);
        self.ctl.mode.set_t32(t32);
    }
}
