//! Constants of generated code: 16 bytes each, kept once for all traces, near the code.

use std::collections::HashMap;

use super::memory::CodeMemory;

/// Constants that exist so far. They outlive the code that uses them.
#[derive(Default)]
pub struct Constants {
    /// Address of the first one.
    base: u64,
    values: Vec<u128>,
    numbers: HashMap<u128, u32>,
    /// How many of them are in memory.
    written: usize,
}

impl Constants {
    /// Room for them, in bytes.
    pub const BYTES: usize = 256 << 10;
    const MOST: usize = Self::BYTES / 16;

    /// None yet; they will lie at `base`.
    pub fn at(base: u64) -> Self {
        Self { base, ..Self::default() }
    }

    /// True if the next trace might not find room. All code must be dropped then, and these with it.
    pub fn is_tight(&self) -> bool {
        self.values.len() > Self::MOST / 2
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        *self = Self::at(self.base);
    }

    /// Address of a constant.
    pub fn address(&mut self, value: u128) -> u64 {
        let number = *self.numbers.entry(value).or_insert_with(|| {
            assert!(self.values.len() < Self::MOST, "a trace has more constants than any can");
            self.values.push(value);
            self.values.len() as u32 - 1
        });
        self.base + 16 * u64::from(number)
    }

    /// Writes those that are new; must come before code that uses them runs.
    pub fn write(&mut self, memory: &mut CodeMemory) {
        let start = memory.offset(self.base);
        for (n, value) in self.values.iter().enumerate().skip(self.written) {
            memory.put(start + 16 * n, &value.to_le_bytes());
        }
        self.written = self.values.len();
    }
}
