//! The code cache: blocks by physical address and mode.
//!
//! Keyed physically, so that processes share the code of shared pages and no address-space switch
//! invalidates anything. Architecturally the guest announces changed code by IC instructions; stores
//! never check for code.

use std::collections::HashMap;

use crate::block::{Block, Key, Link};

/// Blocks kept before everything is dropped; bounds the memory a guest can make us use.
const MAX_BLOCKS: usize = 1 << 17;
const FRONT: usize = 1 << 14;

/// One vCPU's lowered code.
pub struct Cache {
    blocks: Vec<Block>,
    free: Vec<u32>,
    by_key: HashMap<Key, u32>,
    by_page: HashMap<u64, Vec<u32>>,
    /// Direct-mapped front of `by_key`: what block may have a key; the block itself knows.
    front: Box<[u32; FRONT]>,
    /// Blocks ever added.
    lowered: u64,
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            blocks: Vec::new(),
            free: Vec::new(),
            by_key: HashMap::new(),
            by_page: HashMap::new(),
            front: Box::new([0; FRONT]),
            lowered: 0,
        }
    }
}

const NO_KEY: Key = Key::NONE;

impl Key {
    /// A key no block has: its address is above any guest physical address.
    const NONE: Self = Self::from_bits(u64::MAX);
}

impl Cache {
    /// The block in this place.
    #[inline(always)]
    pub fn block(&self, id: u32) -> &Block {
        &self.blocks[id as usize]
    }

    /// Finds a block by key.
    #[inline(always)]
    pub fn find(&mut self, key: Key) -> Option<u32> {
        if let Some(id) = self.find_fast(key) {
            return Some(id);
        }
        let id = *self.by_key.get(&key)?;
        self.front[key.hash() % FRONT] = id;
        Some(id)
    }

    /// The same, if it was found not long ago.
    #[inline(always)]
    pub fn find_fast(&self, key: Key) -> Option<u32> {
        let id = self.front[key.hash() % FRONT];
        self.blocks.get(id as usize).is_some_and(|block| block.key == key).then_some(id)
    }

    /// Adds a block and returns its place.
    pub fn insert(&mut self, mut block: Block) -> u32 {
        if self.by_key.len() >= MAX_BLOCKS {
            self.clear();
        }
        self.lowered += 1;
        let key = block.key;
        let id = match self.free.pop() {
            Some(id) => {
                block.generation = self.blocks[id as usize].generation;
                self.blocks[id as usize] = block;
                id
            }
            None => {
                self.blocks.push(block);
                self.blocks.len() as u32 - 1
            }
        };
        self.by_key.insert(key, id);
        self.by_page.entry(key.pa() >> 12).or_default().push(id);
        id
    }

    /// Follows link `n` of block `from`.
    #[inline(always)]
    pub fn follow(&self, from: u32, n: usize) -> Option<u32> {
        let link = self.blocks[from as usize].links[n & 1];
        let id = link.target.checked_sub(1)?;
        (self.blocks[id as usize].generation == link.generation).then_some(id)
    }

    /// Makes link `n` of block `from` lead to `to`.
    pub fn link(&mut self, from: u32, n: usize, to: u32) {
        let generation = self.blocks[to as usize].generation;
        self.blocks[from as usize].links[n & 1] = Link { target: to + 1, generation };
    }

    fn remove(&mut self, id: u32) {
        let block = &mut self.blocks[id as usize];
        // Links to it and the front's entry become stale by the new generation and the lost key.
        block.generation = block.generation.wrapping_add(1);
        let key = std::mem::replace(&mut block.key, NO_KEY);
        block.uops = Box::default();
        self.by_key.remove(&key);
        self.free.push(id);
    }

    /// Drops blocks that overlap `len` bytes of guest physical memory at `pa`; the range may not cross a page.
    pub fn invalidate(&mut self, pa: u64, len: u64) {
        let Some(mut ids) = self.by_page.remove(&(pa >> 12)) else { return };
        ids.retain(|&id| {
            let block = &self.blocks[id as usize];
            let start = block.key.pa();
            let keep = start + u64::from(block.bytes) <= pa || pa + len <= start;
            if !keep {
                self.remove(id);
            }
            keep
        });
        if !ids.is_empty() {
            self.by_page.insert(pa >> 12, ids);
        }
    }

    /// Drops everything.
    pub fn clear(&mut self) {
        let ids: Vec<u32> = self.by_key.values().copied().collect();
        for id in ids {
            self.remove(id);
        }
        self.by_page.clear();
    }

    /// Number of blocks ever added.
    pub fn lowered(&self) -> u64 {
        self.lowered
    }

    /// Number of live blocks.
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }
}
