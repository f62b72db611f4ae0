//! The compiled traces of one PE: by key, by page, and how they are linked.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

use super::call::UOP_BITS;
use super::memory::CodeMemory;
use super::pages::{Copy, Source};
use super::trace::{LINE, Segment, Trace};
use armlet_base::GuestRam;

use crate::block::Key;
use crate::uop::Uop;

/// A compiled trace.
pub struct Unit {
    /// What it was made of.
    pub key: Key,
    /// Offset of the code for entry from another page: RCX is the program counter.
    pub far: u32,
    /// Offset of the code for entry from the same page.
    pub near: u32,
    /// The same, skipping the question whether the vector state that it uses is resident.
    pub inner: u32,
    /// That vector state; it stays resident up to where the trace is left.
    pub resident: u32,
    /// End of the code.
    pub end: u32,
    /// Guest instructions.
    pub insns: u16,
    /// Lines of the page that it depends on.
    pub lines: u64,
    /// What it was compiled from, for helpers.
    pub uops: Box<[Uop]>,
    /// Its parts.
    pub segments: Box<[Segment]>,
    /// Sites that lead here.
    incoming: Vec<u32>,
    /// Its own sites.
    sites: Box<[Site]>,
    /// Nothing leads here any more; what is left is room to be taken.
    dead: bool,
    /// [`Table::epoch`] when it was last known to be what guest memory holds.
    epoch: u32,
    /// The guest's code that it was made of, if traces are compared one by one.
    source: Box<[u16]>,
}

/// Bits of a site's number that name the site within its trace.
const SITE_BITS: u32 = 7;
/// Traces that numbers can tell apart.
const MOST_UNITS: usize = 1 << (u32::BITS - UOP_BITS);

/// A direct branch within the page.
#[derive(Clone, Copy, Debug)]
pub struct Site {
    /// Offset of the jump's distance.
    pub jump: u32,
    /// Offset of the code that asks for a link.
    pub stub: u32,
    /// Target's place in the page.
    pub target: u16,
    /// The trace it leads to plus one, 0 for none.
    pub linked: u32,
}

/// The number of the first site of trace `id`.
pub fn first_site(id: u32) -> u32 {
    id << SITE_BITS
}

/// The trace that a site is part of.
pub fn unit_of(site: u32) -> u32 {
    site >> SITE_BITS
}

/// Hashes one number, which no guest chooses for long: a trace is found by it once, then by jumps and links.
#[derive(Default)]
struct Mixer(u64);

impl Hasher for Mixer {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u64(byte.into()));
    }
    fn write_u64(&mut self, n: u64) {
        let product = u128::from(n ^ self.0) * 0x9e37_79b9_7f4a_7c15;
        self.0 = product as u64 ^ (product >> 64) as u64;
    }
}

/// Place of a site among those of its trace.
fn place_of(site: u32) -> usize {
    (site & ((1 << SITE_BITS) - 1)) as usize
}

/// All traces.
#[derive(Default)]
pub struct Table {
    units: Vec<Unit>,
    /// Numbers of units that are to be used again.
    free: Vec<u32>,
    /// Traces in the order of their making, which is that of their code in memory.
    order: VecDeque<u32>,
    by_key: HashMap<Key, u32, BuildHasherDefault<Mixer>>,
    by_page: HashMap<u64, Vec<u32>, BuildHasherDefault<Mixer>>,
    /// What the traces of a page were made of, unless they are compared one by one.
    sources: HashMap<u64, Source, BuildHasherDefault<Mixer>>,
    /// In doubt traces are compared one by one: what changed without a word is seen as soon as the interpreter sees it.
    one_by_one: bool,
    /// Traces looked up lately: key, and the offset of the code for entry from another page.
    recent: Recent,
    /// Pages compared lately, unless traces are compared one by one.
    compared: Compared,
    /// Counts how often all code was in doubt.
    epoch: u32,
    /// If traces are compared one by one: sites that were linked since; some may be linked no more, or be others by now.
    linked: Vec<u32>,
    /// How many of them there may be before they are looked through.
    most_linked: usize,
}

/// A direct-mapped front to [`Table::by_key`]: key, code, and the epoch that this is good for. In another it is if the page
/// was found to be the same.
struct Recent(Box<[(Option<Key>, u32, u32); RECENT]>);

const RECENT: usize = 1 << 14;

impl Default for Recent {
    fn default() -> Self {
        Self(vec![(None, 0, 0); RECENT].into_boxed_slice().try_into().expect("the length is that"))
    }
}

/// A direct-mapped front to [`Source::epoch`]: pages, and the epoch in which each was last compared.
struct Compared(Box<[(u64, u32); COMPARED]>);

const COMPARED: usize = 1 << 10;

impl Default for Compared {
    fn default() -> Self {
        Self(vec![(u64::MAX, 0); COMPARED].into_boxed_slice().try_into().expect("the length is that"))
    }
}

impl Compared {
    fn note(&mut self, page: u64, epoch: u32) {
        self.0[page as usize % COMPARED] = (page, epoch);
    }

    fn knows(&self, page: u64, epoch: u32) -> bool {
        self.0[page as usize % COMPARED] == (page, epoch)
    }
}

impl Table {
    /// The trace with this number.
    pub fn unit(&self, id: u32) -> &Unit {
        &self.units[id as usize]
    }

    /// The site with this number.
    pub fn site(&self, number: u32) -> Site {
        self.units[unit_of(number) as usize].sites[place_of(number)]
    }

    fn site_mut(&mut self, number: u32) -> &mut Site {
        &mut self.units[unit_of(number) as usize].sites[place_of(number)]
    }

    /// The trace of `key`.
    pub fn find(&self, key: Key) -> Option<u32> {
        self.by_key.get(&key).copied()
    }

    /// Where the trace of `key` is entered from another page, if it was looked up lately.
    pub fn find_entry(&self, key: Key) -> Option<u32> {
        let (known, entry, epoch) = self.recent.0[key.hash() % RECENT];
        let current = || epoch == self.epoch || self.compared.knows(key.pa() >> 12, self.epoch);
        (known == Some(key) && current()).then_some(entry)
    }

    /// Remembers what was looked up.
    pub fn note_entry(&mut self, key: Key, entry: u32) {
        self.recent.0[key.hash() % RECENT] = (Some(key), entry, self.epoch);
    }

    /// The number that the next trace gets.
    pub fn next_unit(&self) -> u32 {
        self.free.last().copied().unwrap_or(self.units.len() as u32)
    }

    /// True if there is no number left for another trace.
    pub fn is_full(&self) -> bool {
        self.free.is_empty() && self.units.len() == MOST_UNITS
    }

    /// Numbers of traces in use.
    pub fn numbers(&self) -> usize {
        self.order.len()
    }

    /// Offset of the oldest code.
    pub fn oldest(&self) -> Option<u32> {
        self.order.front().map(|&id| self.unit(id).far)
    }

    /// True if traces in doubt are compared one by one.
    pub fn compares_one_by_one(&self) -> bool {
        self.one_by_one
    }

    /// From now on traces in doubt are compared one by one. There must be none yet.
    pub fn compare_one_by_one(&mut self) {
        debug_assert!(self.one_by_one || self.order.is_empty());
        self.one_by_one = true;
    }

    /// All code may have changed: each trace, or the page that it is in, is compared with guest memory before it runs
    /// again. If it is each trace, nothing leads from one to another any more.
    pub fn doubt(&mut self, memory: &mut CodeMemory) {
        self.epoch += 1;
        for site in std::mem::take(&mut self.linked) {
            let Some(record) = self.units[unit_of(site) as usize].sites.get_mut(place_of(site)) else {
                continue;
            };
            let Some(to) = std::mem::take(&mut record.linked).checked_sub(1) else { continue };
            memory.retarget(record.jump as usize, record.stub as usize);
            self.units[to as usize].incoming.clear();
        }
    }

    /// True if the trace must be compared with guest memory.
    pub fn is_doubted(&self, id: u32) -> bool {
        self.unit(id).epoch != self.epoch
    }

    /// Compares a trace, or the page it is in, with what guest memory holds now, and drops what was made of something
    /// else. Returns how many traces that were. The page is at `offset` of guest memory.
    pub fn verify(&mut self, memory: &mut CodeMemory, id: u32, ram: &GuestRam, offset: usize) -> usize {
        let unit = &mut self.units[id as usize];
        let page = unit.key.pa() >> 12;
        if !self.one_by_one {
            unit.epoch = self.epoch;
            return self.verify_page(memory, page, ram, offset);
        }
        if Trace::source(&unit.segments, ram, offset).eq(unit.source.iter().copied()) {
            unit.epoch = self.epoch;
            return 0;
        }
        self.unlink(memory, id);
        self.forget_in_page(page, id);
        1
    }

    fn verify_page(&mut self, memory: &mut CodeMemory, page: u64, ram: &GuestRam, offset: usize) -> usize {
        let Some(source) = self.sources.get_mut(&page) else { return 0 };
        self.compared.note(page, self.epoch);
        if source.epoch == self.epoch {
            return 0;
        }
        source.epoch = self.epoch;
        let changed = source.changed(ram, offset);
        self.drop_lines(memory, page, changed)
    }

    /// Adds `unit` as [`Self::insert`] does. `copy` is of its page, taken before the trace was formed: another PE may
    /// change code at any time. Older traces of what has changed are dropped; returns how many there were.
    pub fn insert_made_of(&mut self, memory: &mut CodeMemory, copy: &Copy, unit: Unit) -> usize {
        let (page, lines, epoch) = (unit.key.pa() >> 12, unit.lines, self.epoch);
        let changed = self.sources.get(&page).map_or(0, |source| source.differs(copy, lines));
        let dropped = self.drop_lines(memory, page, changed);
        self.sources.entry(page).or_insert_with(|| Source::new(epoch)).take(copy, lines);
        self.insert(unit);
        dropped
    }

    /// Notes that a site was linked.
    fn note_link(&mut self, site: u32) {
        if !self.one_by_one {
            return;
        }
        self.linked.push(site);
        if self.linked.len() > self.most_linked.max(1 << 16) {
            let mut linked = std::mem::take(&mut self.linked);
            linked.sort_unstable();
            linked.dedup();
            linked.retain(|&site| {
                let record = self.units[unit_of(site) as usize].sites.get(place_of(site));
                record.is_some_and(|record| record.linked != 0)
            });
            self.most_linked = linked.len() * 2;
            self.linked = linked;
        }
    }

    /// Adds a trace. Its code must follow that of the one added before, or be at the start of code memory.
    pub fn insert(&mut self, mut unit: Unit) -> u32 {
        unit.epoch = self.epoch;
        debug_assert!(unit.sites.len() <= 1 << SITE_BITS);
        let id = self.next_unit();
        self.by_key.insert(unit.key, id);
        self.by_page.entry(unit.key.pa() >> 12).or_default().push(id);
        self.order.push_back(id);
        match self.free.pop() {
            Some(id) => self.units[id as usize] = unit,
            None => self.units.push(unit),
        }
        id
    }

    /// Makes a site lead to a trace.
    pub fn link(&mut self, memory: &mut CodeMemory, site: u32, to: u32) {
        let record = self.site(site);
        if record.linked == 0 {
            self.site_mut(site).linked = to + 1;
            let from = self.unit(unit_of(site)).resident;
            let target = &mut self.units[to as usize];
            target.incoming.push(site);
            let entry = if target.resident & !from == 0 { target.inner } else { target.near };
            memory.retarget(record.jump as usize, entry as usize);
            self.note_link(site);
        }
    }

    /// Drops traces that depend on `len` bytes of guest physical memory at `pa`, within one page. Returns how
    /// many there were. Their code and their numbers stay taken until they are the oldest.
    pub fn invalidate(&mut self, memory: &mut CodeMemory, pa: u64, len: u64) -> usize {
        let (first, last) = ((pa & 0xfff) / LINE, ((pa & 0xfff) + len - 1) / LINE);
        self.drop_lines(memory, pa >> 12, u64::MAX >> (63 - (last - first)) << first)
    }

    /// Drops traces that depend on lines of a page. Returns how many there were.
    fn drop_lines(&mut self, memory: &mut CodeMemory, page: u64, lines: u64) -> usize {
        if lines == 0 {
            return 0;
        }
        let Some(mut ids) = self.by_page.remove(&page) else { return 0 };
        let before = ids.len();
        ids.retain(|&id| {
            let keep = self.units[id as usize].lines & lines == 0;
            if !keep {
                self.unlink(memory, id);
            }
            keep
        });
        let dropped = before - ids.len();
        if ids.is_empty() {
            self.sources.remove(&page);
        } else {
            self.by_page.insert(page, ids);
            if let Some(source) = self.sources.get_mut(&page) {
                source.lines &= !lines;
            }
        }
        dropped
    }

    /// Drops the oldest trace, code, number and all. Returns where its code ends.
    pub fn drop_oldest(&mut self, memory: &mut CodeMemory) -> Option<u32> {
        let id = self.order.pop_front()?;
        let Unit { key, dead, end, .. } = self.units[id as usize];
        if !dead {
            self.unlink(memory, id);
            self.forget_in_page(key.pa() >> 12, id);
        }
        self.free.push(id);
        Some(end)
    }

    fn forget_in_page(&mut self, page: u64, id: u32) {
        if let Entry::Occupied(mut entry) = self.by_page.entry(page) {
            entry.get_mut().retain(|&other| other != id);
            if entry.get().is_empty() {
                entry.remove();
                self.sources.remove(&page);
            }
        }
    }

    /// Nothing leads to the trace any more, and it leads nowhere. It stays in the list of its page.
    fn unlink(&mut self, memory: &mut CodeMemory, id: u32) {
        let unit = &mut self.units[id as usize];
        unit.dead = true;
        (unit.uops, unit.segments, unit.source) = Default::default();
        let (key, incoming, sites) =
            (unit.key, std::mem::take(&mut unit.incoming), std::mem::take(&mut unit.sites));
        self.by_key.remove(&key);
        self.recent.0[key.hash() % RECENT].0 = None;
        for site in incoming.into_iter().filter(|&site| unit_of(site) != id) {
            let record = self.site_mut(site);
            record.linked = 0;
            memory.retarget(record.jump as usize, record.stub as usize);
        }
        for to in sites.iter().filter_map(|site| site.linked.checked_sub(1)) {
            self.units[to as usize].incoming.retain(|&site| unit_of(site) != id);
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.units.clear();
        self.free.clear();
        self.order.clear();
        self.by_key.clear();
        self.by_page.clear();
        self.sources.clear();
        self.recent.0.fill((None, 0, 0));
        self.linked.clear();
    }

    /// Number of traces that can be entered.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.by_key.len()
    }
}

impl Unit {
    /// The segment of a uop.
    pub fn segment_of(&self, uop: usize) -> Segment {
        self.segments[Trace::segment_of(&self.segments, uop)]
    }

    /// The uops of the segment of a uop.
    pub fn uops_around(&self, uop: usize) -> &[Uop] {
        let n = Trace::segment_of(&self.segments, uop);
        let end = self.segments.get(n + 1).map_or(self.uops.len(), |next| next.first.into());
        &self.uops[self.segments[n].first.into()..end]
    }

    /// A trace that nothing leads to yet.
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        key: Key,
        code: [u32; 4],
        insns: u16,
        lines: u64,
        uops: &[Uop],
        segments: &[Segment],
        sites: impl Iterator<Item = Site>,
    ) -> Self {
        let [far, near, inner, end] = code;
        let (uops, segments) = (uops.into(), segments.into());
        let (incoming, sites) = (Vec::new(), sites.collect());
        Self {
            key,
            far,
            near,
            inner,
            resident: 0,
            end,
            insns,
            lines,
            uops,
            segments,
            incoming,
            sites,
            dead: false,
            epoch: 0,
            source: Box::default(),
        }
    }

    /// The same with the guest's code that it was made of, to be compared by itself.
    pub fn with_source(self, source: impl Iterator<Item = u16>) -> Self {
        Self { source: source.collect(), ..self }
    }

    /// Place of the first instruction in the page.
    pub fn offset(&self) -> u64 {
        self.key.pa() & 0xfff
    }
}

const _: () = assert!(SITE_BITS <= UOP_BITS);

#[cfg(test)]
mod tests {
    use armlet_base::{RamKind, RamRegion};

    use super::*;
    use crate::block::Mode;

    const SIZE: u32 = 256;

    /// A trace of one line at `pa` with sites that lead to `targets`, its code at `at`.
    fn unit(pa: u64, at: u32, targets: &[u16]) -> Unit {
        let key = Key::new(pa, Mode::default());
        let site = |(n, &target): (usize, &u16)| {
            let jump = at + 16 * n as u32;
            Site { jump, stub: at + 128 + 16 * n as u32, target, linked: 0 }
        };
        let sites = targets.iter().enumerate().map(site);
        Unit::new(key, [at, at + 4, at + 8, at + SIZE], 1, 1 << ((pa & 0xfff) / LINE), &[], &[], sites)
    }

    /// Where the jump of a site leads.
    fn leads_to(memory: &CodeMemory, site: Site) -> u32 {
        let at = site.jump as usize;
        let distance = i32::from_le_bytes(memory.code(at, 4).try_into().unwrap());
        (site.jump as i32 + 4 + distance) as u32
    }

    #[test]
    fn the_oldest_goes_without_a_trace() {
        let (mut table, mut memory) = (Table::default(), CodeMemory::new(8192).unwrap());
        let a = table.insert(unit(0x1000, 0, &[0x40, 0]));
        let b = table.insert(unit(0x1040, SIZE, &[0, 0x40]));
        table.note_entry(table.unit(a).key, 0);
        // From each one to the other and to itself.
        for (from, n, to) in [(a, 0, b), (a, 1, a), (b, 0, a), (b, 1, b)] {
            table.link(&mut memory, first_site(from) + n, to);
        }
        let into_a = table.site(first_site(b));
        assert_eq!(leads_to(&memory, into_a), table.unit(a).inner);
        let key = table.unit(a).key;
        assert_eq!((table.oldest(), table.drop_oldest(&mut memory)), (Some(0), Some(SIZE)));
        assert_eq!((table.find(key), table.find_entry(key), table.len()), (None, None, 1));
        let into_a = table.site(first_site(b));
        assert_eq!((leads_to(&memory, into_a), into_a.linked), (into_a.stub, 0));
        assert_eq!(table.unit(b).incoming, [first_site(b) + 1]);

        // The number is used again, by code elsewhere; when b goes, no site of the old a is touched.
        memory.put(0, &[0xaa; SIZE as usize]);
        assert_eq!(table.next_unit(), a);
        assert_eq!(table.insert(unit(0x2000, 2 * SIZE, &[])), a);
        assert_eq!(table.drop_oldest(&mut memory), Some(2 * SIZE));
        assert_eq!(memory.code(0, SIZE as usize), [0xaa; SIZE as usize]);
        assert_eq!((table.oldest(), table.len(), table.by_page.len()), (Some(2 * SIZE), 1, 1));
    }

    #[test]
    fn of_a_page_in_doubt_what_changed_is_dropped() {
        let ram = GuestRam::new(&[RamRegion { gpa: 0, len: 0x3000, kind: RamKind::ReadWrite }]).unwrap();
        let (mut table, mut memory) = (Table::default(), CodeMemory::new(8192).unwrap());
        let mut add = |table: &mut Table, unit: Unit| {
            let copy = Copy::new(&ram, (unit.key.pa() & !0xfff) as usize);
            let id = table.next_unit();
            (table.insert_made_of(&mut memory, &copy, unit), id)
        };
        let (_, a) = add(&mut table, unit(0x1000, 0, &[0x40]));
        let (_, b) = add(&mut table, unit(0x1040, SIZE, &[0]));
        // What changes without a word is noticed when more is made of it.
        ram.write(0x1044, &[1]).unwrap();
        let (dropped, c) = add(&mut table, unit(0x1040, 2 * SIZE, &[0]));
        assert_eq!((dropped, table.find(table.unit(c).key)), (1, Some(c)));
        assert_ne!(b, c);
        table.link(&mut memory, first_site(c), a);
        table.note_entry(table.unit(a).key, 0);

        // Unchanged, it stays as it is, links and all.
        table.doubt(&mut memory);
        assert!(table.is_doubted(a) && table.is_doubted(c));
        assert_eq!(table.find_entry(table.unit(a).key), None);
        assert_eq!(table.verify(&mut memory, a, &ram, 0x1000), 0);
        assert!(!table.is_doubted(a) && table.site(first_site(c)).linked == a + 1);
        assert_eq!(table.find_entry(table.unit(a).key), Some(0), "the page is known to be the same");
        assert_eq!(table.verify(&mut memory, c, &ram, 0x1000), 0);

        // Lines that no trace depends on do not matter, and those of one trace not to the other.
        ram.write(0x1080, &[1]).unwrap();
        ram.write(0x103f, &[1]).unwrap();
        table.doubt(&mut memory);
        assert_eq!(table.verify(&mut memory, c, &ram, 0x1000), 1);
        assert_eq!(table.find_entry(Key::new(0x1000, Mode::default())), None, "it was dropped");
        assert_eq!((table.find(table.unit(a).key), table.find(table.unit(c).key)), (None, Some(c)));
        assert_eq!(table.site(first_site(c)).linked, 0);
        assert_eq!((table.invalidate(&mut memory, 0x1040, 1), table.sources.len()), (1, 0));
    }

    #[test]
    fn what_was_invalidated_keeps_its_place_until_it_is_the_oldest() {
        let (mut table, mut memory) = (Table::default(), CodeMemory::new(8192).unwrap());
        let a = table.insert(unit(0x1000, 0, &[]));
        let b = table.insert(unit(0x1040, SIZE, &[0]));
        table.link(&mut memory, first_site(b), a);
        assert_eq!(table.invalidate(&mut memory, 0x1040, 64), 1);
        assert!(table.unit(a).incoming.is_empty() && table.unit(b).uops.is_empty());
        assert_eq!((table.next_unit(), table.len()), (2, 1));
        // A new trace of the same place is another one.
        let c = table.insert(unit(0x1040, 2 * SIZE, &[0]));
        table.link(&mut memory, first_site(c), a);
        assert_eq!(table.drop_oldest(&mut memory), Some(SIZE));
        assert_eq!(table.drop_oldest(&mut memory), Some(2 * SIZE));
        assert_eq!(table.find(table.unit(c).key), Some(c));
        assert_eq!(table.drop_oldest(&mut memory), Some(3 * SIZE));
        assert_eq!(table.drop_oldest(&mut memory), None);
        assert_eq!((table.len(), table.by_page.len(), table.free.len()), (0, 0, 3));
    }
}
