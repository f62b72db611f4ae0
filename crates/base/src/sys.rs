//! What only the host's system can do with memory.

/// Bytes of a page of the host; `None` where pages can't be given back.
#[cfg(target_os = "linux")]
pub fn page_size() -> Option<usize> {
    Some(rustix::param::page_size())
}

/// As on Linux.
#[cfg(not(target_os = "linux"))]
pub fn page_size() -> Option<usize> {
    None
}

/// Gives pages back to the host: they are zeros from then on. False if the host does not take them, as it does not
/// while they are locked.
///
/// # Safety
/// The range is whole pages of an anonymous private mapping of the caller's, in which nobody has references.
#[cfg(target_os = "linux")]
pub unsafe fn give_back(at: *mut u8, len: usize) -> bool {
    // SAFETY: by the caller's contract.
    unsafe { rustix::mm::madvise(at.cast(), len, rustix::mm::Advice::LinuxDontNeed) }.is_ok()
}

/// Does nothing.
///
/// # Safety
/// As on Linux.
#[cfg(not(target_os = "linux"))]
pub unsafe fn give_back(_: *mut u8, _: usize) -> bool {
    false
}
