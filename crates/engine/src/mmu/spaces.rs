//! Which set of the first level is in use, and keeping all levels free of what maintenance removed.

#[cfg(jit)]
#[cfg(jit)]
use std::ops::Range;

use armlet_arm::mmu::{Format, Regime, Translation, ttbcr};
use armlet_arm::{FeatureSet, Pstate, SysReg};

use super::requests::Invalidate;
use super::second::{Found, Pages, Second};
use super::tlb::{Entry, PRIVATE, Set};
use super::{CodeRequests, Requests};
use crate::block::Mode;
use crate::cpu::Cpu;

/// The first set of EL1: that without PAN, unless DACR of AArch32 was changed.
const EL1: usize = 0;
/// Sets of EL1, for PAN and the values of DACR used last.
const VIEWS: usize = 4;
/// The first set of EL0.
const USER: usize = VIEWS;
/// Address spaces of EL0 that have a set.
const CONTEXTS: usize = 8;
const SETS: usize = USER + CONTEXTS;
/// [`Mmu::home`] of the set in use.
const IN_USE: u8 = u8::MAX;
/// Private entries of EL1 that are noted one by one.
const NOTED: usize = 64;

/// An address space of EL0.
#[derive(Clone, Copy, Default)]
struct Context {
    /// ASID and TTBR0_EL1.BADDR; `None` if it was never used.
    space: Option<(u16, u64)>,
    /// DACR.
    domains: u32,
    /// When it was last switched to.
    turn: u64,
}

/// What a set of EL1 is good for.
#[derive(Clone, Copy, Default)]
struct View {
    /// PSTATE.PAN and DACR; `None` if it was never used.
    of: Option<(bool, u32)>,
    /// When it was last looked for.
    turn: u64,
}

/// How often the first level of the TLB did not know, and what came of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counters {
    /// Loads and stores that no entry of the first level allowed: those to devices too, which never have one.
    pub data_misses: u64,
    /// The same for fetches.
    pub fetch_misses: u64,
    /// Translations, mostly for misses, that the second level knew.
    pub second_hits: u64,
    /// Translations that it did not: walks of the tables, or the MMU was off.
    pub walks: u64,
}

/// The translation state of one PE.
pub struct Mmu {
    /// The entries that accesses and fetches at the current exception level use.
    pub set: Box<Set>,
    /// The other sets.
    parked: [Box<Set>; SETS - 1],
    /// Where each set is: an index of `parked`, or [`IN_USE`].
    home: [u8; SETS],
    current: usize,
    /// Counts complete flushes. A set of an older epoch holds nothing.
    epoch: u64,
    views: [View; VIEWS],
    /// The sets of EL1 without and with PAN for the DACR in use, where they are known.
    view: [Option<usize>; 2],
    contexts: [Context; CONTEXTS],
    /// The context of the address space in use, unless `unresolved`.
    context: usize,
    /// TTBRn_EL1 or DACR changed since `context` was found.
    unresolved: bool,
    turn: u64,
    /// Pages of EL1's sets that are private to the ASID.
    private: Vec<u64>,
    /// There are more of them than `private` notes.
    private_overflow: bool,
    second: Second,
    /// The registers that translation depends on.
    pub(crate) regime: Regime,
    asid: u16,
    /// Instruction cache maintenance that the code cache hasn't heard of.
    pub(crate) code_requests: CodeRequests,
    /// Broadcast maintenance that no DSB has sent yet.
    pub(super) outbox: Requests,
    /// Per PE: the last mail it got from here, to wait for at a DSB.
    pub(super) tickets: Vec<u64>,
    /// A DSB has to send or to wait: 0 or 1, for generated code.
    pub(crate) unsent: u32,
    /// Address of the set of unprivileged accesses of EL1, for generated code, which finds nothing in it
    /// while it isn't known.
    pub(crate) user_set: u64,
    /// A set that holds nothing.
    nothing: Box<Set>,
    pub(super) counters: Counters,
}

impl Default for Mmu {
    fn default() -> Self {
        let nothing = Set::new();
        let features = FeatureSet::EMPTY;
        let none = Regime { format: Format::Vmsa64, sctlr: 0, tcr: 0, mair: 0, ttbr: [0; 2], features };
        Self {
            set: Set::new(),
            parked: std::array::from_fn(|_| Set::new()),
            home: std::array::from_fn(|n| if n == EL1 { IN_USE } else { n as u8 - 1 }),
            current: EL1,
            epoch: 0,
            views: Default::default(),
            view: [None; 2],
            contexts: Default::default(),
            context: 0,
            unresolved: true,
            turn: 0,
            private: Vec::with_capacity(NOTED),
            private_overflow: false,
            second: Second::default(),
            regime: none,
            asid: 0,
            code_requests: CodeRequests::default(),
            outbox: Requests::default(),
            tickets: Vec::new(),
            unsent: 0,
            user_set: nothing.address(),
            nothing,
            counters: Counters::default(),
        }
    }
}

impl Mmu {
    /// What was counted so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// The set `id`, wherever it is, free of what a complete flush removed.
    fn set_mut(&mut self, id: usize) -> &mut Set {
        let set = match self.home[id] {
            IN_USE => &mut self.set,
            n => &mut self.parked[usize::from(n)],
        };
        if set.epoch != self.epoch {
            set.clear();
            set.epoch = self.epoch;
        }
        set
    }

    /// Puts set `id` in use.
    fn select(&mut self, id: usize) {
        if id != self.current {
            let home = self.home[id];
            std::mem::swap(&mut self.set, &mut self.parked[usize::from(home)]);
            self.home[self.current] = home;
            self.home[id] = IN_USE;
            self.current = id;
            self.set_mut(id);
        }
    }

    /// DACR, where there are domains.
    fn domains(&self) -> u32 {
        match self.regime.format {
            Format::Short { dacr, .. } => dacr,
            _ => 0,
        }
    }

    /// DACR was written: sets for its old value are kept.
    fn set_domains(&mut self, value: u32) {
        if let Format::Short { dacr, .. } = &mut self.regime.format {
            *dacr = value;
            self.view = [None; 2];
            self.unresolved = true;
        }
    }

    /// Which set is that of EL1.
    #[inline]
    fn privileged(&mut self, pan: bool) -> usize {
        match self.view[usize::from(pan)] {
            Some(view) => view,
            None => self.find_view(pan),
        }
    }

    #[cold]
    fn find_view(&mut self, pan: bool) -> usize {
        self.turn += 1;
        let of = Some((pan, self.domains()));
        let view = match self.views.iter().position(|view| view.of == of) {
            Some(known) => known,
            None => {
                let oldest = (0..VIEWS).min_by_key(|&n| self.views[n].turn).unwrap_or(0);
                self.set_mut(EL1 + oldest).clear();
                // The other one may have been it.
                self.view = [None; 2];
                oldest
            }
        };
        self.views[view] = View { of, turn: self.turn };
        self.view[usize::from(pan)] = Some(EL1 + view);
        EL1 + view
    }

    /// Which set is that of EL0 in the current address space.
    fn user(&mut self) -> usize {
        if self.unresolved {
            self.unresolved = false;
            self.turn += 1;
            let space = Some((self.asid, self.regime.ttbr[0] & 0xffff_ffff_fffe));
            let domains = self.domains();
            let is_it = |context: &Context| context.space == space && context.domains == domains;
            self.context = match self.contexts.iter().position(is_it) {
                Some(known) => known,
                None => {
                    let oldest = (0..CONTEXTS).min_by_key(|&n| self.contexts[n].turn).unwrap_or(0);
                    self.set_mut(USER + oldest).clear();
                    oldest
                }
            };
            self.contexts[self.context] = Context { space, domains, turn: self.turn };
        }
        USER + self.context
    }

    /// The set of an access: that in use, or EL0's for an unprivileged one of EL1.
    #[inline]
    pub(super) fn set_for(&mut self, unprivileged: bool) -> &mut Set {
        if unprivileged {
            let user = self.user();
            let set = self.set_mut(user);
            let address = set.address();
            self.user_set = address;
            self.set_mut(user)
        } else {
            &mut self.set
        }
    }

    /// Notes an entry about to be filled in that EL1's sets lose when the ASID changes.
    fn note_private(&mut self, unprivileged: bool, va: u64) {
        if self.current < USER && !unprivileged {
            if self.private.len() < NOTED {
                self.private.push(va);
            } else {
                self.private_overflow = true;
            }
        }
    }

    /// Fills in the page of `va` for data.
    pub(super) fn fill_data(&mut self, unprivileged: bool, va: u64, entry: Entry) {
        if entry.pa & PRIVATE != 0 {
            self.note_private(unprivileged, va);
        }
        self.set_for(unprivileged).fill_data(va, entry);
    }

    /// Fills in the page of `va` for fetches.
    pub(super) fn fill_code(&mut self, va: u64, entry: Entry) {
        if entry.pa & PRIVATE != 0 {
            self.note_private(false, va);
        }
        self.set.fill_code(va, entry);
    }

    /// Asks the second level; `va` without tag.
    pub(super) fn recall(&self, va: u64) -> Option<Found> {
        self.second.find(va, self.asid)
    }

    /// Tells the second level; `va` without tag.
    pub(super) fn remember(&mut self, va: u64, translation: &Translation) {
        if let Some(pages) = self.second.insert(va, translation, self.asid) {
            self.drop_range(pages, None);
        }
    }

    /// Forgets pages, global ones and those of `asid`, of all ASIDs if that is `None`.
    fn drop_range(&mut self, pages: Pages, asid: Option<u16>) {
        for id in 0..SETS {
            let space = self.contexts.get(id.wrapping_sub(USER)).and_then(|context| context.space);
            let private = space.is_none_or(|space| asid.is_none_or(|asid| asid == space.0));
            let set = match self.home[id] {
                IN_USE => &mut self.set,
                n => &mut self.parked[usize::from(n)],
            };
            if set.epoch == self.epoch && set.may_hold(pages.va, pages.count, private) {
                set.drop_range(pages.va, pages.count);
            }
        }
    }

    /// EL1's sets lose what belongs to the ASID that goes.
    fn drop_private(&mut self) {
        let all = std::mem::take(&mut self.private_overflow);
        for id in EL1..EL1 + VIEWS {
            if all {
                self.set_mut(id).drop_private();
            } else {
                for n in 0..self.private.len() {
                    let va = self.private[n];
                    self.set_mut(id).drop_private_at(va);
                }
            }
        }
        self.private.clear();
    }

    /// Forgets all remembered jumps.
    #[cfg(jit)]
    pub(crate) fn clear_jumps(&mut self) {
        self.parked.iter_mut().chain([&mut self.set]).for_each(|set| set.clear_jumps());
    }

    /// Forgets remembered jumps to code at these addresses.
    #[cfg(jit)]
    pub(crate) fn drop_jumps_to(&mut self, code: &Range<u64>) {
        self.parked.iter_mut().chain([&mut self.set]).for_each(|set| set.drop_jumps_to(code));
    }

    /// Tells generated code which set LDTR and STTR use: with PSTATE.UAO that in use.
    #[inline]
    fn publish_user_set(&mut self, override_user: bool) {
        let user = USER + self.context;
        self.user_set = if override_user {
            self.set.address()
        } else if self.unresolved || self.home[user] == IN_USE {
            self.nothing.address()
        } else {
            let set = &self.parked[usize::from(self.home[user])];
            if set.epoch == self.epoch { set.address() } else { self.nothing.address() }
        };
    }

    /// Forgets the jumps of the set in use unless they are good for `mode`.
    fn want_jumps(&mut self, mode: Mode) {
        let mode = mode.for_jumps().into();
        if self.set.jump_mode != mode {
            self.set.clear_jumps();
            self.set.jump_mode = mode;
        }
    }

    /// Forgets all translations.
    pub(super) fn flush(&mut self) {
        self.epoch += 1;
        self.set.clear();
        self.set.epoch = self.epoch;
        self.user_set = self.nothing.address();
        self.second.clear();
        self.private.clear();
        self.private_overflow = false;
    }

    /// Forgets what a TLBI names.
    pub(crate) fn invalidate(&mut self, what: Invalidate) {
        match what {
            Invalidate::All => self.flush(),
            Invalidate::Asid(asid) => {
                for n in 0..CONTEXTS {
                    if self.contexts[n].space.is_some_and(|space| space.0 == asid) {
                        self.set_mut(USER + n).clear();
                    }
                }
                if asid == self.asid {
                    self.drop_private();
                }
                self.second.remove_asid(asid);
            }
            Invalidate::Stores { pa } => {
                let sets = self.parked.iter_mut().chain([&mut self.set]);
                sets.for_each(|set| set.drop_stores(pa));
            }
            Invalidate::Pages { va, count, asid } => {
                let pages = Pages { va, count };
                self.drop_range(pages, asid);
                let mut blocks = Vec::new();
                self.second.remove(pages, asid, |block| blocks.push(block));
                for block in blocks {
                    self.drop_range(block, None);
                }
            }
        }
    }
}

impl Cpu {
    fn read_regime(&self) -> Regime {
        Regime {
            format: self.table_format(),
            sctlr: self.sys[SysReg::SCTLR_EL1],
            tcr: self.sys[SysReg::TCR_EL1],
            mair: self.sys[SysReg::MAIR_EL1],
            ttbr: [self.sys[SysReg::TTBR0_EL1], self.sys[SysReg::TTBR1_EL1]],
            features: self.model().features,
        }
    }

    fn table_format(&self) -> Format {
        if !self.el1_is_aarch32() {
            Format::Vmsa64
        } else if self.sys[SysReg::TCR_EL1] & ttbcr::EAE != 0 {
            Format::Long
        } else {
            Format::Short {
                dacr: self.sys[SysReg::DACR32_EL2] as u32,
                contextidr: self.sys[SysReg::CONTEXTIDR_EL1] as u32,
            }
        }
    }

    /// SCTLR_EL1, TCR_EL1 or MAIR_EL1 was written, or the whole state replaced: what was cached may have
    /// come of the old values.
    pub fn translation_changed(&mut self) {
        self.mmu.regime = self.read_regime();
        self.mmu.flush();
        self.mmu.view = [None; 2];
        self.new_space();
    }

    /// TTBR0_EL1 or TTBR1_EL1 was written.
    pub fn ttbr_changed(&mut self) {
        self.mmu.regime.ttbr = [self.sys[SysReg::TTBR0_EL1], self.sys[SysReg::TTBR1_EL1]];
        self.new_space();
    }

    /// Bits of TTBCR were written that say only whose ASID counts and which walks there are: what is cached
    /// stays good.
    pub(crate) fn walks_changed(&mut self) {
        self.mmu.regime.tcr = self.sys[SysReg::TCR_EL1];
        self.new_space();
    }

    /// CONTEXTIDR was written in AArch32 state: it holds the ASID if descriptors are short.
    pub(crate) fn contextidr_changed(&mut self) {
        if let Format::Short { contextidr, .. } = &mut self.mmu.regime.format {
            *contextidr = self.sys[SysReg::CONTEXTIDR_EL1] as u32;
            self.new_space();
        }
    }

    /// DACR was written.
    pub(crate) fn domains_changed(&mut self) {
        self.mmu.set_domains(self.sys[SysReg::DACR32_EL2] as u32);
        self.context_changed();
    }

    fn new_space(&mut self) {
        self.mmu.asid = self.mmu.regime.asid();
        self.mmu.drop_private();
        self.mmu.unresolved = true;
        self.context_changed();
    }

    /// The exception level or PSTATE.PAN may have changed: puts the right set in use. Exceptions and ERET
    /// call this.
    #[inline]
    pub fn context_changed(&mut self) {
        let view = match self.pstate.el() {
            0 => self.mmu.user(),
            _ => self.mmu.privileged(self.pstate.contains(Pstate::PAN)),
        };
        self.mmu.select(view);
        self.mmu.publish_user_set(self.overrides_user());
        self.mmu.want_jumps(self.ctl.mode);
    }

    /// PSTATE.UAO makes unprivileged accesses of EL1 privileged. The bit is another one in AArch32.
    #[inline]
    pub(super) fn overrides_user(&self) -> bool {
        self.pstate & (Pstate::UAO | Pstate::NRW) == Pstate::UAO
    }
}
