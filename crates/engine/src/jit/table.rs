//! The compiled traces of one PE: by key, by page, and how they are linked.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::memory::CodeMemory;
use super::trace::{LINE, Segment};
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
    pub sites: std::ops::Range<u32>,
}

/// A direct branch within the page.
#[derive(Clone, Copy, Debug)]
pub struct Site {
    /// Offset of the jump's distance.
    pub jump: u32,
    /// Offset of the code that asks for a link.
    pub stub: u32,
    /// Target's place in the page.
    pub target: u16,
    /// The trace it is part of.
    pub unit: u32,
    /// The trace it leads to plus one, 0 for none.
    pub linked: u32,
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

/// All traces.
#[derive(Default)]
pub struct Table {
    units: Vec<Unit>,
    sites: Vec<Site>,
    by_key: HashMap<Key, u32, BuildHasherDefault<Mixer>>,
    by_page: HashMap<u64, Vec<u32>, BuildHasherDefault<Mixer>>,
    /// Traces looked up lately: key, and the offset of the code for entry from another page.
    recent: Recent,
}

/// A direct-mapped front to [`Table::by_key`].
struct Recent(Box<[(Option<Key>, u32); RECENT]>);

const RECENT: usize = 1 << 14;

impl Default for Recent {
    fn default() -> Self {
        Self(vec![(None, 0); RECENT].into_boxed_slice().try_into().expect("the length is that"))
    }
}

impl Table {
    /// The trace with this number.
    pub fn unit(&self, id: u32) -> &Unit {
        &self.units[id as usize]
    }

    /// The site with this number.
    pub fn site(&self, id: u32) -> Site {
        self.sites[id as usize]
    }

    /// The trace of `key`.
    pub fn find(&self, key: Key) -> Option<u32> {
        self.by_key.get(&key).copied()
    }

    /// Where the trace of `key` is entered from another page, if it was looked up lately.
    pub fn find_entry(&self, key: Key) -> Option<u32> {
        let (known, entry) = self.recent.0[key.hash() % RECENT];
        (known == Some(key)).then_some(entry)
    }

    /// Remembers what was looked up.
    pub fn note_entry(&mut self, key: Key, entry: u32) {
        self.recent.0[key.hash() % RECENT] = (Some(key), entry);
    }

    /// The number that the next trace gets.
    pub fn next_unit(&self) -> u32 {
        self.units.len() as u32
    }

    /// The number that the next site gets.
    pub fn next_site(&self) -> u32 {
        self.sites.len() as u32
    }

    /// Adds a trace with its sites.
    pub fn insert(&mut self, unit: Unit, sites: impl Iterator<Item = Site>) -> u32 {
        let id = self.next_unit();
        self.by_key.insert(unit.key, id);
        self.by_page.entry(unit.key.pa() >> 12).or_default().push(id);
        self.units.push(unit);
        self.sites.extend(sites);
        id
    }

    /// Makes a site lead to a trace.
    pub fn link(&mut self, memory: &mut CodeMemory, site: u32, to: u32) {
        let record = &mut self.sites[site as usize];
        if record.linked == 0 {
            record.linked = to + 1;
            let from = self.units[record.unit as usize].resident;
            let target = &mut self.units[to as usize];
            target.incoming.push(site);
            let entry = if target.resident & !from == 0 { target.inner } else { target.near };
            memory.retarget(record.jump as usize, entry as usize);
        }
    }

    /// Drops traces that depend on `len` bytes of guest physical memory at `pa`, within one page. Returns how
    /// many there were.
    pub fn invalidate(&mut self, memory: &mut CodeMemory, pa: u64, len: u64) -> usize {
        let Some(mut ids) = self.by_page.remove(&(pa >> 12)) else { return 0 };
        let (first, last) = ((pa & 0xfff) / LINE, ((pa & 0xfff) + len - 1) / LINE);
        let lines = u64::MAX >> (63 - (last - first)) << first;
        let before = ids.len();
        ids.retain(|&id| {
            let keep = self.units[id as usize].lines & lines == 0;
            if !keep {
                self.remove(memory, id);
            }
            keep
        });
        let dropped = before - ids.len();
        if !ids.is_empty() {
            self.by_page.insert(pa >> 12, ids);
        }
        dropped
    }

    /// Nothing leads to the trace any more. Its code stays until all is cleared.
    fn remove(&mut self, memory: &mut CodeMemory, id: u32) {
        let unit = &mut self.units[id as usize];
        if self.by_key.get(&unit.key) == Some(&id) {
            self.by_key.remove(&unit.key);
            self.recent.0[unit.key.hash() % RECENT].0 = None;
        }
        for site in std::mem::take(&mut unit.incoming) {
            let record = &mut self.sites[site as usize];
            if record.linked == id + 1 {
                record.linked = 0;
                memory.retarget(record.jump as usize, record.stub as usize);
            }
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.units.clear();
        self.sites.clear();
        self.by_key.clear();
        self.by_page.clear();
        self.recent.0.fill((None, 0));
    }
}

impl Unit {
    /// A trace that nothing leads to yet.
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        key: Key,
        code: [u32; 4],
        insns: u16,
        lines: u64,
        uops: &[Uop],
        segments: &[Segment],
        sites: std::ops::Range<u32>,
    ) -> Self {
        let [far, near, inner, end] = code;
        let (uops, segments) = (uops.into(), segments.into());
        let incoming = Vec::new();
        Self { key, far, near, inner, resident: 0, end, insns, lines, uops, segments, incoming, sites }
    }

    /// Place of the first instruction in the page.
    pub fn offset(&self) -> u64 {
        self.key.pa() & 0xfff
    }
}
