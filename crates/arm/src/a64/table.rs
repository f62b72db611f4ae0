//! The macro that A64's decode tables are written with.

use crate::table::Buckets;

/// A64 keeps most of its opcodes in bits `[31:21]` and `[11:10]`.
pub(crate) const BUCKETS: Buckets = Buckets { high: [31, 21], low: [11, 10] };

/// Declares an instruction enum and its table. A row is
/// `Name "mnemonic" "pattern" [Feature]? (if predicate)?;`. A name may stand on several rows. `@by BUCKETS;` first is
/// for words that keep their opcodes elsewhere.
macro_rules! decode_table {
    (@buckets) => { $crate::a64::table::BUCKETS };
    (@buckets $buckets:expr) => { $buckets };
    (
        $(@by $buckets:expr;)?
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
        pub static TABLE: $crate::a64::Table<$name> =
            $crate::a64::Table::new(ROWS, $crate::a64::table::decode_table!(@buckets $($buckets)?));

        const ROWS: &[$crate::a64::Row<$name>] = &[$({
            const PATTERN: (u32, u32) = $crate::table::pattern($pattern, 32);
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
