//! The form of A32's and T32's decode tables.

use super::insn::Insn;
use super::op::Op;
use crate::feature::{Feature, FeatureSet};
use crate::table::{Row, Table};

/// What a row of a table stands for.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// The instruction.
    pub op: Op,
    /// Takes the operands out of a word that matches the row; `op` and `cond` are not its business.
    pub operands: fn(u32) -> Insn,
    /// The lowest bits of the four-bit fields that may not be 15.
    pub never15: u32,
    /// The feature whose CPUs have this instruction no more.
    pub without: Option<Feature>,
}

/// The lowest bits of the fields of four capital letters in a pattern: registers that may not be R15.
pub const fn never15(text: &str) -> u32 {
    let bytes = text.as_bytes();
    let (mut found, mut run, mut i) = (0u32, 0, 0);
    while i < bytes.len() {
        if bytes[i] != b' ' {
            found <<= 1;
            let same = run > 0 && run < 4 && bytes[i] == bytes[i - 1];
            run = if !bytes[i].is_ascii_uppercase() {
                0
            } else if same {
                run + 1
            } else {
                1
            };
            if run == 4 {
                found |= 1;
            }
        }
        i += 1;
    }
    found
}

/// The instruction of `word`, without its condition; `None` if `table` knows none.
pub fn find(table: &Table<Form>, word: u32, features: FeatureSet) -> Option<Insn> {
    let form = table.find(word, features)?;
    let all_ones = word & word >> 1 & word >> 2 & word >> 3;
    if all_ones & form.never15 != 0 || form.without.is_some_and(|f| features.has(f)) {
        return None;
    }
    Some(Insn { op: form.op, ..(form.operands)(word) })
}

/// The form of a table's row.
pub type Rows = &'static [Row<Form>];

/// Writes the rows of a table for words of `width` bits. A row is
/// `Op "pattern" operands [Feature]? (without Feature)? (if predicate)?;`. Four equal capital letters in a pattern are a
/// register other than R15; `operands` is a function from the word to an `Insn` with its operands.
macro_rules! rows {
    (
        $width:literal
        $($op:ident $pattern:literal $operands:ident $([$feature:ident])? $(without $without:ident)? $(if $valid:expr)?;)*
    ) => {
        &[$({
            const PATTERN: (u32, u32) = $crate::table::pattern($pattern, $width);
            #[allow(unused_mut, unused_assignments)]
            let (mut feature, mut without) = (None, None);
            $(feature = Some($crate::feature::Feature::$feature);)?
            $(without = Some($crate::feature::Feature::$without);)?
            #[allow(unused_mut, unused_assignments)]
            let mut valid: Option<fn(u32) -> bool> = None;
            $(valid = Some($valid);)?
            let op = $crate::aarch32::Op::$op;
            $crate::table::Row {
                op: $crate::aarch32::rows::Form {
                    op, operands: $operands, never15: $crate::aarch32::rows::never15($pattern), without,
                },
                mask: PATTERN.0, value: PATTERN.1, feature, valid, mnemonic: op.mnemonic(),
            }
        }),*]
    };
}
pub(crate) use rows;
