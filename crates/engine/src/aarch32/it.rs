//! ITSTATE (Arm ARM F1.3.1, pseudocode ITAdvance, CurrentCond).

use super::ALWAYS;

/// The state of an IT block: bits `[7:5]` are the base condition, `[4:0]` the rest of it and how many there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ItState(pub u8);

impl ItState {
    /// True within an IT block.
    pub fn is_active(self) -> bool {
        self.0 & 0xf != 0
    }

    /// True for the last instruction of an IT block.
    pub fn is_last(self) -> bool {
        self.0 & 0xf == 8
    }

    /// The condition of the current instruction.
    pub fn condition(self) -> u8 {
        if self.is_active() { self.0 >> 4 } else { ALWAYS }
    }

    /// Goes on to the next instruction.
    pub fn advance(&mut self) {
        self.0 = if self.0 & 7 == 0 { 0 } else { self.0 & 0xe0 | self.0 << 1 & 0x1f };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_it_block_of_four() {
        // ITTEE EQ: the mask is 0111.
        let mut it = ItState(0x07);
        let mut conditions = Vec::new();
        while it.is_active() {
            conditions.push(it.condition());
            it.advance();
        }
        assert_eq!(conditions, [0, 0, 1, 1]);
        assert_eq!(it.condition(), ALWAYS);
    }
}
