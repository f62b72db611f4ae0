//! What is where in each machine, by name: for `armlet machines` and for logs.

use armlet::Board;

/// A region of a machine: name, first guest physical address, length.
pub type Region = (&'static str, u64, u64);

/// The regions of `board` in address order; RAM with the length it has if nothing is said.
pub fn regions(board: Board) -> &'static [Region] {
    match board {
        Board::Virt => VIRT,
        Board::Monitor => MONITOR,
    }
}

const VIRT: &[Region] = &[
    ("gicd", 0x0800_0000, 0x1_0000),
    ("gicc", 0x0801_0000, 0x1_0000),
    ("gicr", 0x080a_0000, 0x00f6_0000),
    ("pl011", 0x0900_0000, 0x1000),
    ("pl031", 0x0901_0000, 0x1000),
    ("ram", 0x4000_0000, 512 << 20),
];

const MONITOR: &[Region] = &[
    ("pl011", 0x0900_0000, 0x1000),
    ("timer", 0x0901_0000, 0x1000),
    ("gicd", 0x0902_0000, 0x1_0000),
    ("gicc", 0x0903_0000, 0x1_0000),
    ("gicr", 0x0904_0000, 0x2_0000),
    ("ram", 0x4000_0000, 64 << 20),
];

/// Where a guest of the monitor machine starts.
pub const MONITOR_ENTRY: u64 = 0x4000_1000;
/// Its stack pointer then.
pub const MONITOR_STACK: u64 = 0x43ff_f000;
