//! What AArch32's loads and stores of extension registers have in their immediates.

/// `imm` of [`MemoryOp::LoadExtension`](super::MemoryOp::LoadExtension) and its store: consecutive S or D registers, or the
/// low end of one vector slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension {
    /// What is added to the address.
    pub offset: i32,
    /// Number of the first register.
    pub first: u8,
    /// How many there are, at most 32. None is one word or doubleword for vector slot `dst`, zero above, or of slot `c`.
    pub count: u8,
    /// The address is the block's pc instead of `a`.
    pub literal: bool,
}

impl Extension {
    /// As an immediate.
    pub fn to_imm(self) -> i64 {
        i64::from(self.offset as u32)
            | i64::from(self.first) << 32
            | i64::from(self.count) << 40
            | i64::from(self.literal) << 48
    }

    /// From an immediate.
    pub fn of(imm: i64) -> Self {
        Self {
            offset: imm as i32,
            first: (imm >> 32) as u8 & 31,
            count: (imm >> 40) as u8 & 63,
            literal: imm >> 48 & 1 != 0,
        }
    }
}

/// Where the elements of structures are in registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrangement {
    /// They fill whole D registers.
    Whole,
    /// In one lane.
    Lane(u8),
    /// The same ones in all lanes.
    All,
}

/// `imm` of [`MemoryOp::LoadElements`](super::MemoryOp::LoadElements) and its store: structures in D registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elements {
    /// Number of the first register.
    pub first: u8,
    /// Elements of a structure, 1 to 4, each with registers of its own.
    pub elements: u8,
    /// Number of these, 1 to 4: what has no room in the first goes to the next.
    pub registers: u8,
    /// Distance from the first register of an element to that of the next.
    pub spacing: u8,
    /// Where the elements are.
    pub arrangement: Arrangement,
    /// log2 of the bytes that the address must be a multiple of; 0 demands no more than elements do.
    pub align: u8,
}

impl Elements {
    /// As an immediate.
    pub fn to_imm(self) -> i64 {
        let (kind, lane) = match self.arrangement {
            Arrangement::Whole => (0, 0),
            Arrangement::Lane(lane) => (1, lane),
            Arrangement::All => (2, 0),
        };
        i64::from_le_bytes([
            self.first,
            self.elements,
            self.registers,
            self.spacing,
            kind,
            lane,
            self.align,
            0,
        ])
    }

    /// From an immediate.
    pub fn of(imm: i64) -> Self {
        let [first, elements, registers, spacing, kind, lane, align, _] = imm.to_le_bytes();
        let arrangement = match kind {
            0 => Arrangement::Whole,
            1 => Arrangement::Lane(lane & 7),
            _ => Arrangement::All,
        };
        Self { first, elements: elements.min(4), registers: registers.min(4), spacing, arrangement, align }
    }

    /// Bytes in memory, for elements of `1 << size` bytes.
    pub fn bytes(self, size: u8) -> usize {
        match self.arrangement {
            Arrangement::Whole => 8 * usize::from(self.elements * self.registers),
            _ => usize::from(self.elements) << (size & 3),
        }
    }

    /// The D register with element `n` of the first structures, and the one `after` registers behind it.
    pub fn register(self, n: u8, after: u8) -> u8 {
        (self.first + n * self.spacing + after) & 31
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn immediates_go_both_ways() {
        let extension = Extension { offset: -1020, first: 31, count: 32, literal: true };
        assert_eq!(Extension::of(extension.to_imm()), extension);
        for arrangement in [Arrangement::Whole, Arrangement::Lane(7), Arrangement::All] {
            let elements =
                Elements { first: 30, elements: 2, registers: 1, spacing: 1, arrangement, align: 4 };
            assert_eq!(Elements::of(elements.to_imm()), elements);
        }
    }
}
