//! Which uops generated code leaves to the interpreter, and how often. Counted on request only.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::uop::Op;

/// Takes the few bytes of an op as they are.
#[derive(Default)]
struct Plain(u64);

impl Hasher for Plain {
    fn finish(&self) -> u64 {
        self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.0 = self.0 << 8 | u64::from(byte));
    }
    fn write_u8(&mut self, n: u8) {
        self.0 = self.0 << 8 | u64::from(n);
    }
    fn write_isize(&mut self, n: isize) {
        self.0 = self.0 << 8 | n as u64;
    }
}

/// Counts of uops by what they do.
#[derive(Default)]
pub struct Helped(HashMap<Op, u64, BuildHasherDefault<Plain>>);

impl Helped {
    /// Counts one.
    #[inline]
    pub fn add(&mut self, op: Op) {
        *self.0.entry(op).or_default() += 1;
    }

    /// All, in no order.
    pub fn counts(&self) -> impl Iterator<Item = (Op, u64)> {
        self.0.iter().map(|(&op, &count)| (op, count))
    }
}
