//! The form of a decode table and how it is searched, whatever the instruction set.

use std::sync::OnceLock;

use crate::feature::{Feature, FeatureSet};

/// One instruction: a bit pattern, what it needs, and what it is.
#[derive(Clone, Copy, Debug)]
pub struct Row<T: 'static> {
    /// What the instruction is.
    pub op: T,
    /// Bits that must match.
    pub mask: u32,
    /// Their values.
    pub value: u32,
    /// The feature it belongs to; `None` for Armv8.0 base.
    pub feature: Option<Feature>,
    /// Further condition on the word, for reserved field values a pattern can't spell.
    pub valid: Option<fn(u32) -> bool>,
    /// Mnemonic, lower case.
    pub mnemonic: &'static str,
}

/// Reads a pattern as mask and value: `width` of `0`, `1` or a letter (a field, any value); blanks don't count.
pub const fn pattern(text: &str, width: u32) -> (u32, u32) {
    let bytes = text.as_bytes();
    let (mut mask, mut value, mut count, mut i) = (0u32, 0u32, 0, 0);
    while i < bytes.len() {
        if bytes[i] != b' ' {
            mask <<= 1;
            value <<= 1;
            match bytes[i] {
                b'0' => mask |= 1,
                b'1' => {
                    mask |= 1;
                    value |= 1;
                }
                _ => {}
            }
            count += 1;
        }
        i += 1;
    }
    assert!(count == width, "a pattern has a character for each bit");
    (mask, value)
}

/// The bits of a word that select the rows to look at: two ranges of them, `[hi, lo]`, where the instruction set
/// keeps most of its opcodes. The fewer rows share a bucket, the faster the search; the index has an entry a bucket.
#[derive(Clone, Copy, Debug)]
pub struct Buckets {
    /// The upper range.
    pub high: [u32; 2],
    /// The lower range.
    pub low: [u32; 2],
}

impl Buckets {
    const fn width(range: [u32; 2]) -> u32 {
        range[0] + 1 - range[1]
    }

    const fn count(self) -> usize {
        1 << (Self::width(self.high) + Self::width(self.low))
    }

    #[inline(always)]
    fn of(self, word: u32) -> usize {
        let bits = |range: [u32; 2]| word >> range[1] & ((1 << Self::width(range)) - 1);
        (bits(self.high) << Self::width(self.low) | bits(self.low)) as usize
    }
}

/// A decode table with an index built at first use.
pub struct Table<T: 'static> {
    rows: &'static [Row<T>],
    buckets: Buckets,
    index: OnceLock<Index>,
}

/// The numbers of the rows of each bucket, one bucket after the other.
struct Index {
    /// Where a bucket begins; the next one begins where it ends.
    begins: Vec<u32>,
    numbers: Vec<u16>,
}

impl<T: Copy> Table<T> {
    /// A table over `rows`, of which earlier ones win, searched by `buckets`.
    pub const fn new(rows: &'static [Row<T>], buckets: Buckets) -> Self {
        Self { rows, buckets, index: OnceLock::new() }
    }

    /// All rows, for tests and documentation.
    pub fn rows(&self) -> &'static [Row<T>] {
        self.rows
    }

    fn index(&self) -> &Index {
        self.index.get_or_init(|| {
            let count = self.buckets.count();
            let mut rows_of = vec![Vec::new(); count];
            for (number, row) in self.rows.iter().enumerate() {
                let (mask, value) = (self.buckets.of(row.mask), self.buckets.of(row.value));
                // Visit every bucket whose fixed bits agree: count through the free bits only.
                let free = !mask & (count - 1);
                let mut bits = 0;
                loop {
                    rows_of[value | bits].push(number as u16);
                    bits = bits.wrapping_sub(free) & free;
                    if bits == 0 {
                        break;
                    }
                }
            }
            let mut index = Index { begins: vec![0], numbers: Vec::new() };
            for rows in rows_of {
                index.numbers.extend(rows);
                index.begins.push(index.numbers.len() as u32);
            }
            index
        })
    }

    /// The first row that matches `word`, whatever feature it needs.
    pub fn row(&self, word: u32) -> Option<&'static Row<T>> {
        let index = self.index();
        let bucket = self.buckets.of(word);
        let numbers = &index.numbers[index.begins[bucket] as usize..index.begins[bucket + 1] as usize];
        let rows = numbers.iter().map(|&n| &self.rows[n as usize]);
        rows.into_iter().find(|row| word & row.mask == row.value && row.valid.is_none_or(|valid| valid(word)))
    }

    /// What the first row that matches `word` stands for, if it needs no feature outside `features`.
    pub fn find(&self, word: u32, features: FeatureSet) -> Option<T> {
        let row = self.row(word)?;
        row.feature.is_none_or(|f| features.has(f)).then_some(row.op)
    }

    /// Mnemonic of `op`.
    pub fn mnemonic(&self, op: T) -> &'static str
    where
        T: PartialEq,
    {
        self.rows.iter().find(|row| row.op == op).map_or("?", |row| row.mnemonic)
    }
}
