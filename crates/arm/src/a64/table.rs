//! The form of a decode table and how it is searched.

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

/// Reads a pattern: 32 of `0`, `1` or a letter (a field, any value); blanks don't count.
pub const fn pattern(text: &str) -> (u32, u32) {
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
    assert!(count == 32, "a pattern has 32 bits");
    (mask, value)
}

/// Bits of the word that select a bucket: `[31:21]` and `[15:10]`, where A64 keeps most of its opcodes.
fn bucket(word: u32) -> usize {
    (word >> 21 << 2 | word >> 10 & 3) as usize
}
const BUCKETS: usize = 1 << 13;

/// A decode table with an index built at first use.
pub struct Table<T: 'static> {
    rows: &'static [Row<T>],
    index: OnceLock<Vec<Vec<u16>>>,
}

impl<T: Copy + PartialEq> Table<T> {
    /// A table over `rows`; earlier rows win.
    pub const fn new(rows: &'static [Row<T>]) -> Self {
        Self { rows, index: OnceLock::new() }
    }

    /// All rows, for tests and documentation.
    pub fn rows(&self) -> &'static [Row<T>] {
        self.rows
    }

    fn index(&self) -> &[Vec<u16>] {
        self.index.get_or_init(|| {
            let mut index = vec![Vec::new(); BUCKETS];
            for (number, row) in self.rows.iter().enumerate() {
                let (mask, value) = (bucket(row.mask), bucket(row.value));
                // Visit every bucket whose fixed bits agree: count through the free bits only.
                let free = !mask & (BUCKETS - 1);
                let mut bits = 0;
                loop {
                    index[value | bits].push(number as u16);
                    bits = bits.wrapping_sub(free) & free;
                    if bits == 0 {
                        break;
                    }
                }
            }
            index
        })
    }

    /// The first row that matches `word`.
    pub fn find(&self, word: u32, features: FeatureSet) -> Option<T> {
        let rows = self.index()[bucket(word)].iter().map(|&n| &self.rows[n as usize]);
        let row = rows
            .into_iter()
            .find(|row| word & row.mask == row.value && row.valid.is_none_or(|valid| valid(word)))?;
        row.feature.is_none_or(|f| features.has(f)).then_some(row.op)
    }

    /// Mnemonic of `op`.
    pub fn mnemonic(&self, op: T) -> &'static str {
        self.rows.iter().find(|row| row.op == op).map_or("?", |row| row.mnemonic)
    }
}

/// Declares an instruction enum and its table. A row is
/// `Name "mnemonic" "pattern" [Feature]? (if predicate)?;`. A name may stand on several rows.
macro_rules! decode_table {
    (
        $(#[$doc:meta])* $name:ident {
            $($op:ident),* $(,)?
        }
        $($row:ident $mnemonic:literal $pattern:literal $([$feature:ident])? $(if $valid:expr)?;)*
    ) => {
        $(#[$doc])*
        #[allow(missing_docs, clippy::upper_case_acronyms)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u16)]
        pub enum $name { $($op),* }

        /// The decode table of this group.
        pub static TABLE: $crate::a64::Table<$name> = $crate::a64::Table::new(ROWS);

        const ROWS: &[$crate::a64::Row<$name>] = &[$({
            const PATTERN: (u32, u32) = $crate::a64::table::pattern($pattern);
            #[allow(unused_mut, unused_assignments)]
            let mut feature = None;
            $(feature = Some($crate::feature::Feature::$feature);)?
            #[allow(unused_mut, unused_assignments)]
            let mut valid: Option<fn(u32) -> bool> = None;
            $(valid = Some($valid);)?
            $crate::a64::Row {
                op: $name::$row, mask: PATTERN.0, value: PATTERN.1, feature, valid, mnemonic: $mnemonic,
            }
        }),*];
    };
}
pub(crate) use decode_table;
