//! Self-hosted debug (Arm ARM D2): the OS lock, breakpoints, watchpoints and their registers.
//! Software step is in [`super::step`].

use armlet_arm::SysReg::{self, *};
use armlet_arm::cpu::id::{BREAKPOINTS, FIRST_CONTEXT_BREAKPOINT, WATCHPOINTS};
use armlet_arm::esr::{Ec, fsc, iss};
use armlet_arm::sysreg::Encoding;
use armlet_arm::{Feature, Pstate};

use super::bits::mdscr;
use super::regs::{El0, Row};
use crate::cpu::{Cpu, Raised};

/// OSLSR_EL1.OSLK: the OS lock is locked, as at reset.
pub const OSLK: u64 = 1 << 1;
/// OSLSR_EL1.OSLM: the OS lock is implemented.
pub const OSLM: u64 = 1 << 3;
/// Writable bits of MDSCR_EL1; those of the debug communication channel only under the OS lock.
const MDSCR_OPEN: u64 = mdscr::SS | mdscr::TDCC | mdscr::KDE | 1 << 14 | mdscr::MDE;
const MDSCR_LOCKED: u64 = MDSCR_OPEN | 1 << 6 | 3 << 22 | 1 << 26 | 1 << 27 | 1 << 29 | 1 << 30;

/// DBGBCRn_EL1: E, PMC, BAS, HMC, SSC, LBN, BT.
const BCR: u64 = 1 | 3 << 1 | 0xf << 5 | 1 << 13 | 3 << 14 | 0xf << 16 | 0xf << 20;
/// DBGWCRn_EL1: E, PAC, LSC, BAS, HMC, SSC, LBN, WT, MASK.
const WCR: u64 = 1 | 3 << 1 | 3 << 3 | 0xff << 5 | 1 << 13 | 3 << 14 | 0xf << 16 | 1 << 20 | 0x1f << 24;
/// The enable bit of both.
const ENABLE: u64 = 1;

/// The Debug Communications Channel is open to EL0 unless MDSCR_EL1.TDCC traps it.
pub const DCC: El0 = El0::If(|cpu| cpu.sys[MDSCR_EL1] & mdscr::TDCC == 0);

const fn bvr(reg: SysReg) -> Row {
    Row::stored(reg).leaves()
}

const fn bcr(reg: SysReg) -> Row {
    Row::stored(reg).write(write_control).leaves()
}

const fn wvr(reg: SysReg) -> Row {
    Row::stored(reg).write(write_watch_address).leaves()
}

/// The rows of the debug registers. No external debugger is ever connected, so its side reads as zero.
pub const ROWS: &[Row] = &[
    Row::stored(MDSCR_EL1).write(write_mdscr).leaves(),
    Row::stored(OSDTRRX_EL1).masked(0xffff_ffff),
    Row::stored(OSDTRTX_EL1).masked(0xffff_ffff),
    Row::stored(OSECCR_EL1).masked(0xffff_ffff),
    Row::stored(MDCCINT_EL1).masked(3 << 29),
    Row::new("MDCCSR_EL0", 2, 3, 0, 1, 0).read(|_, _| 0).el0(DCC, El0::Undefined),
    Row::new("DBGDTR_EL0", 2, 3, 0, 4, 0).raz_wi().el0(DCC, DCC),
    Row::new("DBGDTRRX_EL0", 2, 3, 0, 5, 0).raz_wi().el0(DCC, DCC),
    Row::new("MDRAR_EL1", 2, 0, 1, 0, 0).read(|_, _| 0),
    Row::new("OSLAR_EL1", 2, 0, 1, 0, 4).write(write_oslar).leaves(),
    Row::stored(OSLSR_EL1).read_only(),
    Row::stored(OSDLR_EL1).write(write_osdlr).leaves(),
    Row::new("DBGPRCR_EL1", 2, 0, 1, 4, 4).raz_wi(),
    Row::stored(DBGCLAIMSET_EL1)
        .read(|_, _| 0xff)
        .write(|cpu, _, value| cpu.sys[DBGCLAIMSET_EL1] |= value & 0xff),
    Row::new("DBGCLAIMCLR_EL1", 2, 0, 7, 9, 6)
        .read(|cpu, _| cpu.sys[DBGCLAIMSET_EL1])
        .write(|cpu, _, value| cpu.sys[DBGCLAIMSET_EL1] &= !value),
    // Non-invasive debug is implemented and enabled, the rest is not.
    Row::new("DBGAUTHSTATUS_EL1", 2, 0, 7, 14, 6).read(|_, _| 0b1100),
    bvr(DBGBVR0_EL1),
    bvr(DBGBVR1_EL1),
    bvr(DBGBVR2_EL1),
    bvr(DBGBVR3_EL1),
    bvr(DBGBVR4_EL1),
    bvr(DBGBVR5_EL1),
    bcr(DBGBCR0_EL1),
    bcr(DBGBCR1_EL1),
    bcr(DBGBCR2_EL1),
    bcr(DBGBCR3_EL1),
    bcr(DBGBCR4_EL1),
    bcr(DBGBCR5_EL1),
    wvr(DBGWVR0_EL1),
    wvr(DBGWVR1_EL1),
    wvr(DBGWVR2_EL1),
    wvr(DBGWVR3_EL1),
    bcr(DBGWCR0_EL1),
    bcr(DBGWCR1_EL1),
    bcr(DBGWCR2_EL1),
    bcr(DBGWCR3_EL1),
];

const BVRS: [SysReg; BREAKPOINTS] =
    [DBGBVR0_EL1, DBGBVR1_EL1, DBGBVR2_EL1, DBGBVR3_EL1, DBGBVR4_EL1, DBGBVR5_EL1];
const BCRS: [SysReg; BREAKPOINTS] =
    [DBGBCR0_EL1, DBGBCR1_EL1, DBGBCR2_EL1, DBGBCR3_EL1, DBGBCR4_EL1, DBGBCR5_EL1];
const WVRS: [SysReg; WATCHPOINTS] = [DBGWVR0_EL1, DBGWVR1_EL1, DBGWVR2_EL1, DBGWVR3_EL1];
const WCRS: [SysReg; WATCHPOINTS] = [DBGWCR0_EL1, DBGWCR1_EL1, DBGWCR2_EL1, DBGWCR3_EL1];

/// What is in use, so that the common case of none costs nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct InUse {
    /// MDSCR_EL1.SS is set.
    pub step: bool,
    /// MDSCR_EL1.MDE is set and some breakpoint is enabled.
    pub breakpoints: bool,
    /// MDSCR_EL1.MDE is set and some watchpoint is enabled.
    pub watchpoints: bool,
}

impl InUse {
    /// Anything that depends on the current exception level and PSTATE.D.
    #[inline(always)]
    pub fn any(self) -> bool {
        self.step | self.breakpoints
    }
}

impl Cpu {
    /// AArch64.GenerateDebugExceptionsFrom, and that of AArch32, which knows no mask: whether debug exceptions other than BRK are enabled at `el`.
    pub(crate) fn debug_enabled_at(&self, el: u8, d: bool) -> bool {
        if self.sys[OSLSR_EL1] & OSLK != 0 || self.sys[OSDLR_EL1] & 1 != 0 {
            return false;
        }
        el == 0 || self.el1_is_aarch32() || self.sys[MDSCR_EL1] & mdscr::KDE != 0 && !d
    }

    /// The same, here and now.
    pub(crate) fn debug_enabled(&self) -> bool {
        self.debug_enabled_at(self.pstate.el(), self.pstate.contains(Pstate::D))
    }

    /// Locks or unlocks the OS lock.
    pub(crate) fn set_os_lock(&mut self, locked: bool) {
        let lock = if locked { OSLK } else { 0 };
        self.sys[OSLSR_EL1] = self.sys[OSLSR_EL1] & !OSLK | lock;
        self.debug_changed();
    }

    /// Recomputes what is in use after a debug register changed.
    pub(crate) fn debug_changed(&mut self) {
        let control = self.sys[MDSCR_EL1];
        let monitor = control & mdscr::MDE != 0;
        let enabled = |regs: &[SysReg]| regs.iter().any(|&reg| self.sys[reg] & ENABLE != 0);
        let new = InUse {
            step: control & mdscr::SS != 0,
            breakpoints: monitor && enabled(&BCRS),
            watchpoints: monitor && enabled(&WCRS),
        };
        let old = std::mem::replace(&mut self.ctl.debug, new);
        if old.watchpoints || new.watchpoints {
            // Watched pages stay out of the TLB.
            self.translation_changed();
        }
        self.mode_changed();
    }

    /// StateMatch for the fields that break- and watchpoints share: SSC, HMC and PMC or PAC, in Non-secure
    /// state without EL2, and a link to a breakpoint that compares context.
    fn debug_state_matches(&self, control: u64, linked: bool) -> bool {
        const SECURE_ONLY: u64 = 0b10;
        let (el1, el0) = (control >> 1 & 1 != 0, control >> 2 & 1 != 0);
        let level = if self.pstate.el() == 0 { el0 } else { el1 };
        level
            && control >> 14 & 3 != SECURE_ONLY
            && (!linked || self.context_matches((control >> 16 & 0xf) as usize, true))
    }

    /// Whether breakpoint `n` compares CONTEXTIDR_EL1 and matches.
    fn context_matches(&self, n: usize, linked: bool) -> bool {
        if !(FIRST_CONTEXT_BREAKPOINT..BREAKPOINTS).contains(&n) {
            return false;
        }
        let (control, value) = (self.sys[BCRS[n]], self.sys[BVRS[n]]);
        let kind = if linked { 0b0011 } else { 0b0010 };
        control & ENABLE != 0
            && control >> 20 & 0xf == kind
            && value as u32 == self.sys[CONTEXTIDR_EL1] as u32
    }

    /// AArch64.BreakpointMatch or AArch32.BreakpointMatch for any breakpoint, at pc.
    pub(crate) fn breakpoint_hit(&self) -> bool {
        let aarch32 = self.el1_is_aarch32();
        self.ctl.debug.breakpoints
            && self.debug_enabled()
            && (0..BREAKPOINTS).any(|n| {
                let (control, value) = (self.sys[BCRS[n]], self.sys[BVRS[n]]);
                let address = || {
                    // DBGBVR[63:49] are copies of bit 48.
                    let at = ((value << 15) as i64 >> 15) as u64 & !3;
                    // BAS chooses halfwords, in T32 state; in the others the address is that of a word.
                    at == self.pc & !3 && control >> (5 + (self.pc & 3)) & 1 != 0
                };
                control & ENABLE != 0
                    && match control >> 20 & 0xf {
                        0b0000 => address() && self.debug_state_matches(control, false),
                        0b0001 => address() && self.debug_state_matches(control, true),
                        0b0010 => self.context_matches(n, false) && self.debug_state_matches(control, false),
                        // Mismatch, for a monitor in AArch32 state that steps.
                        0b0100 if aarch32 => !address() && self.debug_state_matches(control, false),
                        0b0101 if aarch32 => !address() && self.debug_state_matches(control, true),
                        _ => false,
                    }
            })
    }

    /// Raises the exception of a breakpoint.
    #[cold]
    pub(crate) fn breakpoint(&mut self) -> Raised {
        let ec = if self.pstate.el() == 0 { Ec::BreakpointLower } else { Ec::Breakpoint };
        self.raise(ec, fsc::DEBUG.into(), None)
    }

    /// AArch64.WatchpointMatch for any watchpoint: whether an access of `len` bytes at `va` must raise
    /// [`Cpu::watchpoint`]. Only pages of which [`Cpu::watched_page`] is true need to ask.
    pub fn watch_hit(&self, va: u64, len: usize, write: bool) -> bool {
        self.ctl.debug.watchpoints
            && self.debug_enabled()
            && (0..WATCHPOINTS).any(|n| {
                let control = self.sys[WCRS[n]];
                let access = if write { 0b10 } else { 0b01 };
                control & ENABLE != 0
                    && control >> 3 & access != 0
                    && self.debug_state_matches(control, control >> 20 & 1 != 0)
                    && (0..len as u64).any(|byte| self.watches(n, va.wrapping_add(byte)))
            })
    }

    /// True if a watchpoint in use covers part of the 4 KiB page of `va`, whatever else it demands: the
    /// page must not enter the TLB.
    pub fn watched_page(&self, va: u64) -> bool {
        self.ctl.debug.watchpoints
            && (0..WATCHPOINTS).any(|n| {
                let (control, value) = (self.sys[WCRS[n]], self.sys[WVRS[n]]);
                let shift = (control >> 24 & 0x1f).max(12);
                control & ENABLE != 0 && untagged(value ^ va) >> shift == 0
            })
    }

    /// Raises the exception of a watchpoint for an access to `va`.
    #[cold]
    pub fn watchpoint(&mut self, va: u64, write: bool) -> Raised {
        let ec = if self.pstate.el() == 0 { Ec::WatchpointLower } else { Ec::Watchpoint };
        let wnr = if write { iss::WNR } else { 0 };
        self.raise(ec, wnr | u64::from(fsc::DEBUG), Some(va))
    }

    /// WatchpointByteMatch for the address fields of watchpoint `n`.
    fn watches(&self, n: usize, va: u64) -> bool {
        let (control, value) = (self.sys[WCRS[n]], self.sys[WVRS[n]]);
        let (bas, mask) = (control >> 5 & 0xff, control >> 24 & 0x1f);
        // A word-aligned address watches a word, else a doubleword.
        let bottom = if value & 4 != 0 { 2 } else { 3 };
        let byte = va & ((1 << bottom) - 1);
        // MASK values 1 and 2 are reserved and count as none.
        bas >> byte & 1 != 0 && untagged(value ^ va) >> mask.max(bottom) == 0
    }
}

/// The bits of an address difference that count: tags may or may not be there, the architecture
/// compares up to the top of the address.
fn untagged(difference: u64) -> u64 {
    difference & (1 << 56) - 1
}

fn write_mdscr(cpu: &mut Cpu, _: Encoding, value: u64) {
    let locked = cpu.sys[OSLSR_EL1] & OSLK != 0;
    let mask = if locked { MDSCR_LOCKED } else { MDSCR_OPEN };
    cpu.sys[MDSCR_EL1] = cpu.sys[MDSCR_EL1] & !mask | value & mask;
    cpu.debug_changed();
}

fn write_oslar(cpu: &mut Cpu, _: Encoding, value: u64) {
    cpu.set_os_lock(value & 1 != 0);
}

fn write_osdlr(cpu: &mut Cpu, _: Encoding, value: u64) {
    if cpu.model().features.has(Feature::DoubleLock) {
        cpu.sys[OSDLR_EL1] = value & 1;
        cpu.debug_changed();
    }
}

/// DBGBCRn_EL1 (op2 5) and DBGWCRn_EL1 (op2 7).
fn write_control(cpu: &mut Cpu, reg: Encoding, value: u64) {
    let n = usize::from(reg.crm());
    let (regs, mask): (&[SysReg], u64) = if reg.op2() == 5 { (&BCRS, BCR) } else { (&WCRS, WCR) };
    if let Some(&control) = regs.get(n) {
        cpu.sys[control] = value & mask;
        cpu.debug_changed();
    }
}

fn write_watch_address(cpu: &mut Cpu, reg: Encoding, value: u64) {
    if let Some(&address) = WVRS.get(usize::from(reg.crm())) {
        cpu.sys[address] = value & !3;
        cpu.debug_changed();
    }
}
