//! Two mappings on Linux: shared anonymous memory, which has a second mapping made by `mremap` of none of
//! it (mremap(2)), and not a file of memfd_create(2): perf looks for the names of code in the former only.

use std::io;
use std::ptr;

use rustix::mm::{MapFlags, MprotectFlags, MremapFlags, ProtFlags, mmap_anonymous, mprotect, mremap, munmap};

use super::Mapping;

/// New memory of `len` bytes, to be written and to be executed.
pub fn map_twice(len: usize) -> io::Result<[Mapping; 2]> {
    let map = |at| Mapping { at, len };
    let (prot, flags) = (ProtFlags::READ | ProtFlags::EXEC, MapFlags::SHARED | MapFlags::NORESERVE);
    // SAFETY: new mappings where the system likes, which overlap no other; they are known to these two
    // objects alone.
    unsafe {
        let exec = map(mmap_anonymous(ptr::null_mut(), len, prot, flags)?);
        let write = map(mremap(exec.at, 0, len, MremapFlags::MAYMOVE)?);
        mprotect(write.at, len, MprotectFlags::READ | MprotectFlags::WRITE)?;
        Ok([write, exec])
    }
}

/// Ends a mapping.
///
/// # Safety
/// Nobody uses it any more.
pub unsafe fn unmap(mapping: &mut Mapping) {
    // SAFETY: by the caller's contract; it is one that `map_twice` made.
    let _ = unsafe { munmap(mapping.at, mapping.len) };
}
