//! Tests of the program as a whole. They are one program, so that one runs while another waits.

mod bad_input;
mod balloon;
mod commands;
mod common;
mod control;
mod debian;
mod debian32;
mod deterministic;
mod disks;
mod endings;
mod firmware;
mod guests;
mod hostile;
mod hvio;
mod image;
mod net;
mod observe;
mod pci;
mod programs;
mod rig;
mod rootdir;
mod shares;
mod stress;
mod terminal;
mod vsock;
mod windows;
