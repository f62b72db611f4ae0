//! The functions of WinHvPlatform.dll, found by name at run time, so that armlet starts without it.

use std::ffi::{CStr, c_void};

use crate::abi::hresult::HResult;
use crate::abi::register::Name;
use crate::abi::{ExitContext, Value};

/// A partition, `WHV_PARTITION_HANDLE`.
pub type Handle = *mut c_void;

macro_rules! table {
    (
        required { $($(#[$doc:meta])* $field:ident = $symbol:literal : fn($($arg:ty),*);)* }
        optional { $($(#[$odoc:meta])* $ofield:ident = $osymbol:literal : fn($($oarg:ty),*);)* }
    ) => {
        /// Addresses of the functions. Each is safe to call as the platform's documentation says it is.
        #[derive(Clone, Copy)]
        pub struct Table {
            $($(#[$doc])* pub $field: unsafe extern "system" fn($($arg),*) -> HResult,)*
            $($(#[$odoc])* pub $ofield: Option<unsafe extern "system" fn($($oarg),*) -> HResult>,)*
        }

        impl Table {
            /// Fills the table. `find` gives addresses by name.
            ///
            /// # Errors
            /// The name of a function that can't be done without and wasn't found.
            ///
            /// # Safety
            /// What `find` gives for a name is a function of that name's signature, or `None`.
            pub unsafe fn find(
                mut find: impl FnMut(&'static CStr) -> Option<*const ()>,
            ) -> Result<Self, &'static CStr> {
                Ok(Self {
                    $($field: {
                        let address = find($symbol).ok_or($symbol)?;
                        // SAFETY: by the caller's contract.
                        unsafe {
                            std::mem::transmute::<*const (), unsafe extern "system" fn($($arg),*) -> HResult>(address)
                        }
                    },)*
                    $($ofield: find($osymbol).map(|address| {
                        // SAFETY: by the caller's contract.
                        unsafe {
                            std::mem::transmute::<*const (), unsafe extern "system" fn($($oarg),*) -> HResult>(address)
                        }
                    }),)*
                })
            }
        }
    };
}

table! {
    required {
        /// Code, buffer, its size, size written.
        get_capability = c"WHvGetCapability": fn(u32, *mut c_void, u32, *mut u32);
        /// Where the handle goes.
        create_partition = c"WHvCreatePartition": fn(*mut Handle);
        /// Partition.
        setup_partition = c"WHvSetupPartition": fn(Handle);
        /// Partition.
        delete_partition = c"WHvDeletePartition": fn(Handle);
        /// Partition, code, buffer, its size.
        set_partition_property = c"WHvSetPartitionProperty": fn(Handle, u32, *const c_void, u32);
        /// Partition, host address, guest physical address, size, flags.
        map_gpa_range = c"WHvMapGpaRange": fn(Handle, *mut c_void, u64, u64, u32);
        /// Partition, guest physical address, size.
        unmap_gpa_range = c"WHvUnmapGpaRange": fn(Handle, u64, u64);
        /// Partition, VP, flags.
        create_virtual_processor = c"WHvCreateVirtualProcessor": fn(Handle, u32, u32);
        /// Partition, VP.
        delete_virtual_processor = c"WHvDeleteVirtualProcessor": fn(Handle, u32);
        /// Partition, VP, exit, its size.
        run_virtual_processor = c"WHvRunVirtualProcessor": fn(Handle, u32, *mut ExitContext, u32);
        /// Partition, VP, flags.
        cancel_run_virtual_processor = c"WHvCancelRunVirtualProcessor": fn(Handle, u32, u32);
        /// Partition, VP, names, their number, values.
        get_virtual_processor_registers = c"WHvGetVirtualProcessorRegisters": fn(Handle, u32, *const Name, u32, *mut Value);
        /// Partition, VP, names, their number, values.
        set_virtual_processor_registers = c"WHvSetVirtualProcessorRegisters": fn(Handle, u32, *const Name, u32, *const Value);
        /// Partition, control, its size.
        request_interrupt = c"WHvRequestInterrupt": fn(Handle, *const c_void, u32);
    }
    optional {
        /// Partition.
        reset_partition = c"WHvResetPartition": fn(Handle);
        /// Partition, guest physical address, bytes, a bit for each page of 4 KiB, bytes of these; to clear only, null and 0.
        query_gpa_range_dirty_bitmap = c"WHvQueryGpaRangeDirtyBitmap": fn(Handle, u64, u64, *mut u64, u32);
    }
}

/// Loads the DLL of this system.
///
/// # Errors
/// What is missing, and what to do about it.
#[cfg(windows)]
pub fn load() -> Result<Table, crate::Missing> {
    use windows_sys::Win32::Foundation::{ERROR_MOD_NOT_FOUND, GetLastError};
    use windows_sys::Win32::System::LibraryLoader::{
        GetProcAddress, LOAD_LIBRARY_SEARCH_SYSTEM32, LoadLibraryExW,
    };
    use windows_sys::w;

    // SAFETY: a constant name, from the system's own folder. The library stays loaded for good.
    let library = unsafe {
        LoadLibraryExW(w!("WinHvPlatform.dll"), std::ptr::null_mut(), LOAD_LIBRARY_SEARCH_SYSTEM32)
    };
    if library.is_null() {
        // SAFETY: no preconditions.
        let error = unsafe { GetLastError() };
        let why = match error {
            ERROR_MOD_NOT_FOUND => "Windows has no WinHvPlatform.dll".to_owned(),
            _ => format!("WinHvPlatform.dll can't be loaded (error {error})"),
        };
        return Err(crate::Missing { why, fix: crate::ENABLE.to_owned() });
    }
    // SAFETY: the library is loaded; names end with a zero.
    let find = |name: &'static CStr| unsafe { GetProcAddress(library, name.as_ptr().cast()) };
    // SAFETY: the functions have the signatures that the platform's header gives them on ARM64.
    unsafe { Table::find(|name| find(name).map(|function| function as *const ())) }.map_err(|name| {
        let why = format!("this build of Windows has no {}", name.to_string_lossy());
        crate::Missing { why, fix: crate::UPDATE.to_owned() }
    })
}
