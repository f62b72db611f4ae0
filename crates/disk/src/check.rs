//! Whether the tables of a qcow2 image agree, before anybody writes to it (docs/interop/qcow2 of QEMU).
//!
//! Whoever writes takes the reference counts' word for where there is room. In a damaged image, or one that was made to do
//! harm, that may be in the middle of a table; and the library looks for room without an end where cluster 0 isn't counted.
//! So every table has to lie in the file, apart from all others, and all that is in use has to be counted. Too high a count
//! only wastes room.
#![forbid(unsafe_code)]

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

/// Bits of an entry of any table that are an offset in the file.
const OFFSET: u64 = 0x00ff_ffff_ffff_fe00;
/// An entry of a second-level table is about compressed data.
const COMPRESSED: u64 = 1 << 62;
/// Incompatible features: data is in another file; entries of second-level tables are twice as long.
const DATA_FILE: u64 = 1 << 2;
const EXTENDED: u64 = 1 << 4;
const SECTOR: u64 = 512;
/// No table is larger: it would be that of a disk of petabytes.
const LARGEST: u64 = 128 << 20;

fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("it is damaged ({what})"))
}

/// Looks at all tables of the image in `file`.
///
/// # Errors
/// If the image can't be read, or what is wrong with it.
pub(crate) fn check(file: &mut File) -> io::Result<()> {
    let len = file.seek(SeekFrom::End(0))?;
    let Some(mut image) = Tables::open(file, len)? else { return Ok(()) };
    let first = image.first_level()?;
    image.claim(0, 1)?;
    // What second-level tables name is looked at when it is known where all tables are.
    for table in &first {
        image.claim(*table, image.cluster())?;
    }
    for at in image.claimed.iter().copied().collect::<Vec<_>>() {
        image.counted(at)?;
    }
    first.into_iter().try_for_each(|table| image.second_level(table))
}

/// An image, as far as its tables were looked at.
struct Tables<'a> {
    file: &'a mut File,
    len: u64,
    cluster_bits: u32,
    /// Binary logarithm of the bits of a reference count.
    count_order: u32,
    features: u64,
    /// Where the first-level table is, and its entries.
    first: (u64, u64),
    /// Where the blocks of reference counts are, 0 where there is none.
    blocks: Vec<u64>,
    /// The block that was read last, by its number.
    block: Option<(u64, Vec<u8>)>,
    /// Clusters of tables.
    claimed: HashSet<u64>,
}

impl<'a> Tables<'a> {
    /// Reads the header and finds the blocks of reference counts. `None` if there is something in the header that the
    /// library refuses with better words.
    fn open(file: &'a mut File, len: u64) -> io::Result<Option<Self>> {
        let mut header = [0; 104];
        file.rewind()?;
        let got = file.take(header.len() as u64).read(&mut header)?;
        let word = |at: usize| u64::from(u32::from_be_bytes([0, 1, 2, 3].map(|n| header[at + n])));
        let long = |at: usize| word(at) << 32 | word(at + 4);
        let (version, cluster_bits) = (word(4), word(20) as u32);
        let (features, count_order) = if version == 3 { (long(72), word(96) as u32) } else { (0, 4) };
        if got < 72 || !(2..=3).contains(&version) || !(9..=21).contains(&cluster_bits) || count_order > 6 {
            return Ok(None);
        }
        let (first, blocks) = ((long(40), word(36)), Vec::new());
        let (block, claimed) = (None, HashSet::new());
        let mut tables =
            Self { file, len, cluster_bits, count_order, features, first, blocks, block, claimed };
        let (at, bytes) = (long(48), word(56) << cluster_bits);
        tables.claim(at, bytes)?;
        let blocks = tables.entries(at, bytes / 8)?;
        for block in &blocks {
            if *block != 0 {
                tables.claim(*block, tables.cluster())?;
            }
        }
        tables.blocks = blocks;
        Ok(Some(tables))
    }

    fn cluster(&self) -> u64 {
        1 << self.cluster_bits
    }

    /// Takes `len` bytes at `at` for a table.
    fn claim(&mut self, at: u64, len: u64) -> io::Result<()> {
        let fits = len <= LARGEST && at.checked_add(len).is_some_and(|end| end <= self.len);
        if !at.is_multiple_of(self.cluster()) || !fits {
            return Err(damaged("a table is not where one can be"));
        }
        let clusters = at >> self.cluster_bits..(at + len).div_ceil(self.cluster());
        for cluster in clusters {
            if !self.claimed.insert(cluster) {
                return Err(damaged("two tables are in one place"));
            }
        }
        Ok(())
    }

    /// Reads a table of `count` entries, which lies in the file: their offsets alone.
    fn entries(&mut self, at: u64, count: u64) -> io::Result<Vec<u64>> {
        Ok(self.raw(at, count)?.into_iter().map(|entry| entry & OFFSET).collect())
    }

    fn raw(&mut self, at: u64, count: u64) -> io::Result<Vec<u64>> {
        let mut bytes = vec![0; count as usize * 8];
        self.file.seek(SeekFrom::Start(at))?;
        self.file.read_exact(&mut bytes)?;
        Ok(bytes.chunks_exact(8).map(|entry| entry.iter().fold(0, |n, b| n << 8 | u64::from(*b))).collect())
    }

    /// Where the second-level tables are.
    fn first_level(&mut self) -> io::Result<Vec<u64>> {
        let (at, count) = self.first;
        self.claim(at, count * 8)?;
        Ok(self.entries(at, count)?.into_iter().filter(|table| *table != 0).collect())
    }

    /// Looks at all that a second-level table names.
    fn second_level(&mut self, at: u64) -> io::Result<()> {
        let each = if self.features & EXTENDED != 0 { 2 } else { 1 };
        for entry in self.raw(at, self.cluster() / 8)?.into_iter().step_by(each) {
            let data = self.data(entry);
            for cluster in data.start >> self.cluster_bits..data.end.div_ceil(self.cluster()) {
                if self.claimed.contains(&cluster) {
                    return Err(damaged("data lies in a table"));
                }
                self.counted(cluster)?;
            }
        }
        Ok(())
    }

    /// What an entry of a second-level table names in this file.
    fn data(&self, entry: u64) -> std::ops::Range<u64> {
        if entry & COMPRESSED != 0 {
            let bits = 62 - (self.cluster_bits - 8);
            let at = entry & ((1 << bits) - 1);
            let sectors = (entry & (COMPRESSED - 1)) >> bits;
            // The last sector may be one that the file doesn't have.
            return at..((at & !(SECTOR - 1)) + (sectors + 1) * SECTOR).min(self.len).max(at);
        }
        match entry & OFFSET {
            0 => 0..0,
            _ if self.features & DATA_FILE != 0 => 0..0,
            at => at..at + self.cluster(),
        }
    }

    /// Makes sure that a cluster has a reference count.
    fn counted(&mut self, cluster: u64) -> io::Result<()> {
        let in_block = 8 << self.cluster_bits >> self.count_order;
        let (block, index) = (cluster / in_block, cluster % in_block);
        let bytes = match &self.block {
            Some((number, bytes)) if *number == block => bytes,
            _ => {
                let at = self.blocks.get(block as usize).copied().filter(|at| *at != 0);
                let mut bytes = vec![0; self.cluster() as usize];
                self.file.seek(SeekFrom::Start(at.ok_or_else(uncounted)?))?;
                self.file.read_exact(&mut bytes)?;
                &self.block.insert((block, bytes)).1
            }
        };
        let bit = (index << self.count_order) as usize;
        let width = 1usize << self.count_order;
        let count = match width {
            ..8 => bytes[bit / 8] >> (bit % 8) & ((1 << width) - 1) != 0,
            _ => bytes[bit / 8..(bit + width) / 8].iter().any(|byte| *byte != 0),
        };
        if count { Ok(()) } else { Err(uncounted()) }
    }
}

fn uncounted() -> io::Error {
    damaged("something in use is not counted as such")
}
