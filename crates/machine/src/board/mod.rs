//! Boards
pub mod virt;
