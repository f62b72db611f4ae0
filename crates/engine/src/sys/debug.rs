//! Watchpoints (Arm ARM D2.10).

use armlet_arm::esr::{Ec, fsc, iss};

use crate::cpu::{Cpu, Raised};

impl Cpu {
    /// Whether an access of `len` bytes at `va` must raise [`Cpu::watchpoint`]. Only pages of which
    /// [`Cpu::watched_page`] is true need to ask.
    pub fn watch_hit(&self, _va: u64, _len: usize, _write: bool) -> bool {
        false
    }

    /// True if a watchpoint covers part of the 4 KiB page of `va`: the page must not enter the TLB.
    pub fn watched_page(&self, _va: u64) -> bool {
        false
    }

    /// Raises the exception of a watchpoint for an access to `va`.
    #[cold]
    pub fn watchpoint(&mut self, va: u64, write: bool) -> Raised {
        let ec = if self.pstate.el() == 0 { Ec::WatchpointLower } else { Ec::Watchpoint };
        let wnr = if write { iss::WNR } else { 0 };
        self.raise(ec, wnr | u64::from(fsc::DEBUG), Some(va))
    }
}
