//! Loads and stores of extension registers (Arm ARM F4.1.20 and F4.1.15).

use super::fields::{dd, sd};
use crate::a64::fields::{bit, bits};
use crate::a64::table::decode_table;

decode_table! {
    @by super::fields::BUCKETS;

    /// Loads and stores of extension registers.
    MemoryOp {
        Vldr, Vstr, Vldm, Vstm,
        Vld1, Vld2, Vld3, Vld4, Vst1, Vst2, Vst3, Vst4,
        Vld1Lane, Vld2Lane, Vld3Lane, Vld4Lane, Vst1Lane, Vst2Lane, Vst3Lane, Vst4Lane,
        Vld1All, Vld2All, Vld3All, Vld4All,
    }

    // P, U and W: one register at an offset, or several upwards, or downwards with writeback.
    Vstr "vstr" "cccc 1101 UD00 nnnn dddd 101z iiii iiii" if conditional;
    Vldr "vldr" "cccc 1101 UD01 nnnn dddd 101z iiii iiii" if conditional;
    Vstm "vstm" "cccc 1100 1DW0 nnnn dddd 101z iiii iiii" if list;
    Vldm "vldm" "cccc 1100 1DW1 nnnn dddd 101z iiii iiii" if list;
    Vstm "vstm" "cccc 1101 0D10 nnnn dddd 101z iiii iiii" if list;
    Vldm "vldm" "cccc 1101 0D11 nnnn dddd 101z iiii iiii" if list;

    // Whole registers. The type gives their number and distance.
    Vst4 "vst4" "1111 0100 0D00 nnnn dddd 000t ssaa mmmm" if structures;
    Vst1 "vst1" "1111 0100 0D00 nnnn dddd 0010 ssaa mmmm" if structures;
    Vst2 "vst2" "1111 0100 0D00 nnnn dddd 0011 ssaa mmmm" if structures;
    Vst3 "vst3" "1111 0100 0D00 nnnn dddd 010t ssaa mmmm" if structures;
    Vst1 "vst1" "1111 0100 0D00 nnnn dddd 0110 ssaa mmmm" if structures;
    Vst1 "vst1" "1111 0100 0D00 nnnn dddd 0111 ssaa mmmm" if structures;
    Vst2 "vst2" "1111 0100 0D00 nnnn dddd 100t ssaa mmmm" if structures;
    Vst1 "vst1" "1111 0100 0D00 nnnn dddd 1010 ssaa mmmm" if structures;
    Vld4 "vld4" "1111 0100 0D10 nnnn dddd 000t ssaa mmmm" if structures;
    Vld1 "vld1" "1111 0100 0D10 nnnn dddd 0010 ssaa mmmm" if structures;
    Vld2 "vld2" "1111 0100 0D10 nnnn dddd 0011 ssaa mmmm" if structures;
    Vld3 "vld3" "1111 0100 0D10 nnnn dddd 010t ssaa mmmm" if structures;
    Vld1 "vld1" "1111 0100 0D10 nnnn dddd 0110 ssaa mmmm" if structures;
    Vld1 "vld1" "1111 0100 0D10 nnnn dddd 0111 ssaa mmmm" if structures;
    Vld2 "vld2" "1111 0100 0D10 nnnn dddd 100t ssaa mmmm" if structures;
    Vld1 "vld1" "1111 0100 0D10 nnnn dddd 1010 ssaa mmmm" if structures;

    // One element to all lanes.
    Vld1All "vld1" "1111 0100 1D10 nnnn dddd 1100 sstA mmmm" if all_lanes;
    Vld2All "vld2" "1111 0100 1D10 nnnn dddd 1101 sstA mmmm" if all_lanes;
    Vld3All "vld3" "1111 0100 1D10 nnnn dddd 1110 sstA mmmm" if all_lanes;
    Vld4All "vld4" "1111 0100 1D10 nnnn dddd 1111 sstA mmmm" if all_lanes;

    // One lane.
    Vst1Lane "vst1" "1111 0100 1D00 nnnn dddd ss00 iiii mmmm" if one_lane;
    Vst2Lane "vst2" "1111 0100 1D00 nnnn dddd ss01 iiii mmmm" if one_lane;
    Vst3Lane "vst3" "1111 0100 1D00 nnnn dddd ss10 iiii mmmm" if one_lane;
    Vst4Lane "vst4" "1111 0100 1D00 nnnn dddd ss11 iiii mmmm" if one_lane;
    Vld1Lane "vld1" "1111 0100 1D10 nnnn dddd ss00 iiii mmmm" if one_lane;
    Vld2Lane "vld2" "1111 0100 1D10 nnnn dddd ss01 iiii mmmm" if one_lane;
    Vld3Lane "vld3" "1111 0100 1D10 nnnn dddd ss10 iiii mmmm" if one_lane;
    Vld4Lane "vld4" "1111 0100 1D10 nnnn dddd ss11 iiii mmmm" if one_lane;
}

fn conditional(w: u32) -> bool {
    w >> 28 != 15
}

/// A list that is not empty and ends at the last register, and no writeback to PC.
fn list(w: u32) -> bool {
    let imm8 = bits(w, 7, 0);
    let (double, single) = (u32::from(dd(w)), u32::from(sd(w)));
    let fits = match (bit(w, 8), imm8 & 1) {
        (false, _) => imm8 != 0 && single + imm8 <= 32,
        (true, 0) => (1..=16).contains(&(imm8 / 2)) && double + imm8 / 2 <= 32,
        // FLDMX and FSTMX skip a word behind the registers, the lower 16 of which they know.
        (true, _) => imm8 > 1 && double + imm8 / 2 <= 16,
    };
    conditional(w) && fits && !(bits(w, 19, 16) == 15 && bit(w, 21))
}

/// What an access by whole registers, lanes or elements for all lanes moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Structure {
    /// log2 of the size of an element in bytes.
    pub size: u8,
    /// Number of elements of a structure: 1 to 4.
    pub elements: u8,
    /// Number of D registers that take the same element of structures one after another.
    pub registers: u8,
    /// Distance of the registers of a structure.
    pub spacing: u8,
    /// Lane of the registers, of an access to one.
    pub lane: u8,
    /// The address must be a multiple of this number of bytes; 1 is no demand beyond that for elements.
    pub align: u8,
    /// Bytes in memory.
    pub bytes: u8,
}

impl Structure {
    /// The last D register must be D31 at most.
    fn fits(self, w: u32) -> bool {
        let last = (self.elements - 1) * self.spacing + self.registers - 1;
        dd(w) + last < 32 && bits(w, 19, 16) != 15
    }
}

fn structures(w: u32) -> bool {
    whole(w).is_some_and(|s| s.fits(w))
}

fn one_lane(w: u32) -> bool {
    lane(w).is_some_and(|s| s.fits(w))
}

fn all_lanes(w: u32) -> bool {
    replicated(w).is_some_and(|s| s.fits(w))
}

/// VLD1 to VLD4 and VST1 to VST4 of whole registers. `None` is UNDEFINED.
pub fn whole(w: u32) -> Option<Structure> {
    let (size, align) = (bits(w, 7, 6) as u8, bits(w, 5, 4));
    let (elements, registers, spacing) = match bits(w, 11, 8) {
        0b0000 => (4, 1, 1),
        0b0001 => (4, 1, 2),
        0b0010 => (1, 4, 1),
        0b0011 => (2, 2, 2),
        0b0100 => (3, 1, 1),
        0b0101 => (3, 1, 2),
        0b0110 => (1, 3, 1),
        0b0111 => (1, 1, 1),
        0b1000 => (2, 1, 1),
        0b1001 => (2, 1, 2),
        0b1010 => (1, 2, 1),
        _ => return None,
    };
    // No more alignment than there are registers for, and doublewords are not interleaved.
    let most = match elements * registers {
        1 | 3 => 1,
        2 => 2,
        _ => 3,
    };
    if align > most || elements > 1 && size == 3 {
        return None;
    }
    let align = if align == 0 { 1 } else { 4 << align };
    Some(Structure { size, elements, registers, spacing, lane: 0, align, bytes: 8 * elements * registers })
}

/// VLD1 to VLD4 and VST1 to VST4 of a lane. `None` is UNDEFINED.
pub fn lane(w: u32) -> Option<Structure> {
    let (size, elements) = (bits(w, 11, 10) as u8, bits(w, 9, 8) as u8 + 1);
    if size == 3 {
        return None;
    }
    let field = bits(w, 7, 4) as u8;
    let lane = field >> (size + 1);
    let below = field & ((1 << size) - 1);
    // What is below the index: distance of registers on top (but for bytes), then alignment.
    let far = size > 0 && field >> size & 1 != 0;
    let low = if size == 0 { field & 1 } else { below };
    let bytes = elements << size;
    let align = match (elements, size, low) {
        (_, _, 0) => 1,
        (1, 0, _) | (3, _, _) => return None,
        (1, 1, _) => 2,
        (1, _, 3) => 4,
        (1, _, _) => return None,
        (2, 2, 2 | 3) => return None,
        (4, 2, 3) => return None,
        (4, 2, _) => 4 << low,
        _ => bytes,
    };
    if elements == 1 && far {
        return None;
    }
    let spacing = 1 + u8::from(far);
    Some(Structure { size, elements, registers: 1, spacing, lane, align, bytes })
}

/// VLD1 to VLD4 of an element to all lanes. `None` is UNDEFINED.
pub fn replicated(w: u32) -> Option<Structure> {
    let (size, elements) = (bits(w, 7, 6) as u8, bits(w, 9, 8) as u8 + 1);
    let (two, aligned) = (bit(w, 5), bit(w, 4));
    let (size, align) = match (elements, size, aligned) {
        (4, 3, true) => (2, 16),
        (_, 3, _) | (1, 0, true) | (3, _, true) => return None,
        (_, _, false) => (size, 1),
        (4, 2, _) => (2, 8),
        _ => (size, elements << size),
    };
    let (registers, spacing) = if elements == 1 { (1 + u8::from(two), 1) } else { (1, 1 + u8::from(two)) };
    Some(Structure { size, elements, registers, spacing, lane: 0, align, bytes: elements << size })
}
