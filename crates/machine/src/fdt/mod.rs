//! Device trees: the one a board describes itself with, and the user's own (Devicetree Specification 0.4).

mod patch;
mod tree;
pub mod virt;

pub use patch::patch;
pub use tree::{DtbError, Node, Tree, check_header, with_room};

use std::ops::Range;

/// What the `/chosen` node tells the kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    /// The kernel's command line.
    pub bootargs: Option<String>,
    /// Guest physical addresses of the initrd.
    pub initrd: Option<Range<u64>>,
}
