//! Two mappings on Windows: views of a section backed by the paging file, which lives as long as they do. Its
//! whole size counts towards the system's commit limit at once; pages come as they are touched.

use std::io;
use std::ptr;

use windows_sys::Win32::Foundation::{CloseHandle, HANDLE, INVALID_HANDLE_VALUE};
use windows_sys::Win32::System::Memory::{
    CreateFileMappingW, FILE_MAP, FILE_MAP_EXECUTE, FILE_MAP_READ, FILE_MAP_WRITE,
    MEMORY_MAPPED_VIEW_ADDRESS, MapViewOfFile, PAGE_EXECUTE_READWRITE, UnmapViewOfFile,
};

use super::Mapping;

/// New memory of `len` bytes, to be written and to be executed.
pub fn map_twice(len: usize) -> io::Result<[Mapping; 2]> {
    let (high, low) = ((len as u64 >> 32) as u32, len as u32);
    // SAFETY: no name, no attributes: a new section that nobody else can reach.
    let section = unsafe {
        CreateFileMappingW(INVALID_HANDLE_VALUE, ptr::null(), PAGE_EXECUTE_READWRITE, high, low, ptr::null())
    };
    if section.is_null() {
        return Err(io::Error::last_os_error());
    }
    let views = view(section, FILE_MAP_READ | FILE_MAP_WRITE, len)
        .and_then(|write| Ok([write, view(section, FILE_MAP_READ | FILE_MAP_EXECUTE, len)?]));
    // SAFETY: the handle is ours, and not used again; views keep their section.
    unsafe { CloseHandle(section) };
    views
}

fn view(section: HANDLE, access: FILE_MAP, len: usize) -> io::Result<Mapping> {
    // SAFETY: a new view where the system likes, which overlaps nothing.
    let at = unsafe { MapViewOfFile(section, access, 0, 0, len) }.Value;
    if at.is_null() { Err(io::Error::last_os_error()) } else { Ok(Mapping { at, len }) }
}

/// Ends a mapping.
///
/// # Safety
/// Nobody uses it any more.
pub unsafe fn unmap(mapping: &mut Mapping) {
    // SAFETY: by the caller's contract; it is a view that `map_twice` made.
    unsafe { UnmapViewOfFile(MEMORY_MAPPED_VIEW_ADDRESS { Value: mapping.at }) };
}
