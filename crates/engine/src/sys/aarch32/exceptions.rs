//! Exceptions that AArch32 takes to EL1, and their returns (Arm ARM G1.12, pseudocode AArch32.EnterMode,
//! AArch32.ExceptionReturn).

use armlet_arm::esr::{Ec, ec_of, fsc, iss};
use armlet_arm::pstate::{Pstate, mode32};
use armlet_arm::{Feature, SysReg};

use super::psr::{from_pstate, is_mode, spsr_of, to_pstate};
use crate::cpu::Cpu;
use crate::exception::{Exception, Vector};
use crate::sys::bits::{sctlr32, ttbcr};
use crate::sys::regs32::DebugEntry;

/// The base of the vectors with SCTLR.V.
const HIGH_VECTORS: u64 = 0xffff_0000;

/// Where an exception leads.
struct Entry {
    mode: u8,
    /// Distance of the vector from the base.
    vector: u64,
    /// What LR is beyond the preferred return address, from A32 and from T32.
    lr: [u64; 2],
}

const UND: Entry = Entry { mode: mode32::UND, vector: 0x04, lr: [4, 2] };
const SVC: Entry = Entry { mode: mode32::SVC, vector: 0x08, lr: [0, 0] };
const PREFETCH: Entry = Entry { mode: mode32::ABT, vector: 0x0c, lr: [4, 4] };
const DATA: Entry = Entry { mode: mode32::ABT, vector: 0x10, lr: [8, 8] };
const IRQ: Entry = Entry { mode: mode32::IRQ, vector: 0x18, lr: [4, 4] };
const FIQ: Entry = Entry { mode: mode32::FIQ, vector: 0x1c, lr: [4, 4] };

fn entry(exception: &Exception) -> Entry {
    const FETCHES: [Ec; 6] =
        [Ec::InsnAbort, Ec::InsnAbortLower, Ec::PcAlignment, Ec::Breakpoint, Ec::BreakpointLower, Ec::Bkpt32];
    const DATA_ABORTS: [Ec; 4] = [Ec::DataAbort, Ec::DataAbortLower, Ec::Watchpoint, Ec::WatchpointLower];
    let ec = ec_of(exception.esr);
    match exception.vector {
        Vector::Irq => IRQ,
        Vector::Fiq => FIQ,
        Vector::SError => DATA,
        Vector::Synchronous if ec == Ec::Svc32 as u8 => SVC,
        Vector::Synchronous if FETCHES.iter().any(|&e| e as u8 == ec) => PREFETCH,
        Vector::Synchronous if DATA_ABORTS.iter().any(|&e| e as u8 == ec) => DATA,
        Vector::Synchronous => UND,
    }
}

/// FS of a fault status register in the format of short descriptors, from the status code of ESR_ELx (Arm ARM
/// G8.2.43, "DFSR").
pub(crate) fn short_status(status: u8) -> u64 {
    let second_level = status & 3 == 2;
    let by_level = |first, second| if second_level { second } else { first };
    match status & 0x3c {
        _ if status == fsc::ALIGNMENT => 0b00001,
        _ if status == fsc::DEBUG => 0b00010,
        _ if status == fsc::EXTERNAL => 0b01000,
        _ if status == fsc::SECTION_DOMAIN => 0b01001,
        _ if status == fsc::PAGE_DOMAIN => 0b01011,
        _ if status == fsc::UNSUPPORTED_ATOMIC => 0b10101,
        0x04 => by_level(0b00101, 0b00111),
        0x08 => by_level(0b00011, 0b00110),
        0x0c => by_level(0b01101, 0b01111),
        0x14 => by_level(0b01100, 0b01110),
        // An address size fault can't come of short descriptors.
        _ => 0b01000,
    }
}

impl Cpu {
    /// True if EL1 is in AArch32 state, and exceptions from EL0 go there.
    #[inline(always)]
    pub(crate) fn el1_is_aarch32(&self) -> bool {
        self.ctl.el1_aarch32
    }

    fn sctlr32(&self, bits: u64) -> bool {
        self.sys[SysReg::SCTLR_EL1] & bits != 0
    }

    /// DFSR or IFSR of an abort with the syndrome `iss`.
    fn fault_status(&self, exception: &Exception, fetch: bool) -> u64 {
        let syndrome = exception.esr & 0x1ff_ffff;
        let status = match ec_of(exception.esr) {
            // ISS holds the immediate.
            ec if ec == Ec::Bkpt32 as u8 => fsc::DEBUG,
            ec if ec == Ec::PcAlignment as u8 => fsc::ALIGNMENT,
            _ => (syndrome & 0x3f) as u8,
        };
        let more = if fetch { 0 } else { (syndrome & iss::WNR) << 5 | (syndrome & iss::CM) << 5 };
        if self.sys[SysReg::TCR_EL1] & ttbcr::EAE != 0 {
            return 1 << 9 | more | u64::from(status);
        }
        let fs = short_status(status);
        let domain = if fetch { 0 } else { u64::from(exception.domain & 15) << 4 };
        more | (fs & 0x10) << 6 | domain | fs & 0xf
    }

    /// Writes the fault registers of an abort.
    fn note_abort(&mut self, exception: &Exception, fetch: bool) {
        let status = self.fault_status(exception, fetch);
        let far = exception.far.map(|far| far & 0xffff_ffff);
        let both = self.sys[SysReg::FAR_EL1];
        if fetch {
            self.sys[SysReg::IFSR32_EL2] = status;
            let far = far.unwrap_or(both >> 32);
            self.sys[SysReg::FAR_EL1] = both & 0xffff_ffff | far << 32;
        } else {
            self.sys[SysReg::ESR_EL1] = status;
            let far = far.unwrap_or(both & 0xffff_ffff);
            self.sys[SysReg::FAR_EL1] = both & !0xffff_ffff | far;
        }
    }

    /// Takes an exception to a mode of EL1 in AArch32 state.
    pub(crate) fn enter_mode(&mut self, exception: &Exception) {
        let Entry { mode, vector, lr } = entry(exception);
        let from = self.pstate;
        let spsr = from_pstate(self.spsr());
        if mode == mode32::ABT {
            self.note_abort(exception, vector == PREFETCH.vector);
            if let Some(cause) = DebugEntry::of(ec_of(exception.esr)) {
                self.note_debug_entry(cause);
            }
        }
        let mut new = from & (Pstate::A | Pstate::I | Pstate::F | Pstate::PAN | Pstate::DIT) | Pstate::I;
        if matches!(mode, mode32::ABT | mode32::IRQ | mode32::FIQ) {
            new |= Pstate::A;
        }
        if mode == mode32::FIQ {
            new |= Pstate::F;
        }
        new.set(Pstate::T, self.sctlr32(sctlr32::TE));
        new.set(Pstate::E, self.sctlr32(sctlr32::EE));
        if self.has(Feature::PAN) && !self.sctlr32(sctlr32::SPAN) {
            new |= Pstate::PAN;
        }
        let new = new.with_mode32(mode);
        self.switch_registers(from, new);
        self.pstate = new;
        if let Some(reg) = spsr_of(mode) {
            self.sys[reg] = spsr;
        }
        let offset = lr[usize::from(from.contains(Pstate::T))];
        self.x[14] = exception.elr.wrapping_add(offset) & 0xffff_ffff;
        let base =
            if self.sctlr32(sctlr32::V) { HIGH_VECTORS } else { self.sys[SysReg::VBAR_EL1] & 0xffff_ffe0 };
        self.pc = base + vector;
    }

    /// Returns from an exception of AArch32 to `target` with `psr` as CPSR.
    pub(crate) fn exception_return32(&mut self, target: u64, psr: u64) {
        self.pmu_sync(self.retired_here() + 1);
        let value = to_pstate(psr);
        let mut new = Pstate::from_bits_retain(value).difference(Pstate::SS);
        if !self.has(Feature::PAN) {
            new -= Pstate::PAN;
        }
        if !self.has(Feature::DIT) {
            new -= Pstate::DIT;
        }
        // What is SSBS there is UAO elsewhere; it has no meaning here.
        new -= Pstate::UAO;
        if !is_mode(new.mode32()) || new.contains(Pstate::IL) {
            new = new.with_mode32(self.pstate.mode32()) | Pstate::IL;
            new.set(Pstate::T, self.pstate.contains(Pstate::T));
        }
        self.set_spsr(new.bits());
        let t32 = self.pstate.contains(Pstate::T);
        self.pc = target & if t32 { 0xffff_fffe } else { 0xffff_fffc };
        self.exclusive.clear();
        self.send_event_local();
        self.mode_changed();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_of_short_descriptors() {
        assert_eq!(short_status(fsc::TRANSLATION | 1), 0b00101);
        assert_eq!(short_status(fsc::TRANSLATION | 2), 0b00111);
        assert_eq!(short_status(fsc::PERMISSION | 1), 0b01101);
        assert_eq!(short_status(fsc::PERMISSION | 2), 0b01111);
        assert_eq!(short_status(fsc::ACCESS_FLAG | 1), 0b00011);
        assert_eq!(short_status(fsc::ACCESS_FLAG | 2), 0b00110);
        assert_eq!(short_status(fsc::EXTERNAL_WALK | 1), 0b01100);
        assert_eq!(short_status(fsc::EXTERNAL_WALK | 2), 0b01110);
    }
}
