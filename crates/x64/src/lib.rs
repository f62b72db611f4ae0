//! An x86-64 encoder: one function an instruction form, bytes appended to a buffer. No checks beyond what
//! the types say, no heap but the buffer: code is generated at a few nanoseconds an instruction.
//!
//! Operands come in Intel's order, destination first.
#![forbid(unsafe_code)]

mod int;
mod operand;
mod vec;

pub use int::{Alu, Bits, Cond, Shift};
pub use operand::{Gpr, Mem, Rm};
pub use vec::gpr::{FromGpr, MoveMask, ToGpr};
pub use vec::mask::{KOp, Lane};
pub use vec::ops::{Fma, FmaOrder, Fp, VTest};
pub use vec::tables::{VBlendv, VNarrow, VOp, VOpImm, VSha, VShift, VUn, VUnImm};
pub use vec::{K, Level, Mask, Xm, Xmm};

/// A place in the code, bound now or later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label(u32);

const UNBOUND: u32 = u32::MAX;

/// Code under construction.
#[derive(Default)]
pub struct Asm {
    code: Vec<u8>,
    /// Address at which the first byte will run.
    base: u64,
    /// How vector instructions are encoded.
    level: Level,
    /// Offset of each label, or `UNBOUND`.
    labels: Vec<u32>,
    /// Places of 32-bit distances to labels that were not bound when they were used.
    fixups: Vec<(u32, Label)>,
}

impl Asm {
    /// Starts anew, for code that will run at `base`.
    pub fn start(&mut self, base: u64) {
        self.code.clear();
        self.labels.clear();
        self.fixups.clear();
        self.base = base;
    }

    /// The code, complete once every label is bound.
    ///
    /// # Panics
    /// If a label that was used has not been bound.
    pub fn finish(&mut self) -> &[u8] {
        for (at, label) in self.fixups.drain(..) {
            let to = self.labels[label.0 as usize];
            assert!(to != UNBOUND, "a label was never bound");
            let distance = to.wrapping_sub(at + 4);
            self.code[at as usize..at as usize + 4].copy_from_slice(&distance.to_le_bytes());
        }
        &self.code
    }

    /// Bytes so far.
    pub fn len(&self) -> usize {
        self.code.len()
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.code.is_empty()
    }

    /// Address of the next byte.
    pub fn here(&self) -> u64 {
        self.base + self.code.len() as u64
    }

    /// A label to be bound later.
    pub fn label(&mut self) -> Label {
        self.labels.push(UNBOUND);
        Label(self.labels.len() as u32 - 1)
    }

    /// Binds `label` here.
    pub fn bind(&mut self, label: Label) {
        self.labels[label.0 as usize] = self.code.len() as u32;
    }

    /// A label bound here.
    pub fn here_label(&mut self) -> Label {
        let label = self.label();
        self.bind(label);
        label
    }

    /// Offset of a bound label from the first byte.
    pub fn offset_of(&self, label: Label) -> usize {
        self.labels[label.0 as usize] as usize
    }

    fn byte(&mut self, byte: u8) {
        self.code.push(byte);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.code.extend_from_slice(bytes);
    }

    /// A 32-bit distance to a label.
    fn distance_to(&mut self, label: Label) {
        self.fixups.push((self.code.len() as u32, label));
        self.bytes(&[0; 4]);
    }

    /// A 32-bit distance to an address.
    fn distance_to_address(&mut self, to: u64) {
        let distance = to.wrapping_sub(self.here() + 4) as i64;
        debug_assert!(i32::try_from(distance).is_ok());
        self.bytes(&(distance as i32).to_le_bytes());
    }
}
