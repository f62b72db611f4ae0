//! An event of the host that a hypervisor in the kernel can signal without a thread of armlet: an eventfd.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::{Errno, read, write};

pub(super) struct Event(OwnedFd);

impl Event {
    pub fn new() -> io::Result<Self> {
        Ok(Self(eventfd(0, EventfdFlags::CLOEXEC)?))
    }

    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    pub fn signal(&self) {
        // It can only fail if nobody has waited for 2^64 signals.
        let _ = write(&self.0, &1_u64.to_ne_bytes());
    }

    /// Waits until it is signalled, and takes all signals.
    pub fn wait(&self) {
        let mut count = [0; 8];
        while read(&self.0, &mut count) == Err(Errno::INTR) {}
    }

    pub fn is_signalled(&self) -> bool {
        let mut fds = [PollFd::new(&self.0, PollFlags::IN)];
        poll(&mut fds, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
    }
}
