//! WinHvPlatform.dll over armlet's own CPU, under the names that Windows exports. With `kvm` in the variable
//! `ARMLET_WINHV` it is over the KVM of the Linux that Wine runs on.
#![allow(non_snake_case)]

#[cfg(target_arch = "aarch64")]
mod kvm;

use std::ffi::c_void;

use armlet_hv_soft::SoftHypervisor;
use armlet_hv_whp::abi::hresult::HResult;
use armlet_hv_whp::abi::register::Name;
use armlet_hv_whp::abi::{ExitContext, Value};
use armlet_hv_whp::table::{Handle, Table};
use armlet_winhv::Quirks;

/// The functions, as this thread has to see them before it makes a partition.
fn platform() -> Table {
    let quirks = Quirks::default();
    if std::env::var_os("ARMLET_WINHV").is_none_or(|under| under != "kvm") {
        return armlet_winhv::table(Box::new(SoftHypervisor::new()), quirks);
    }
    #[cfg(target_arch = "aarch64")]
    match kvm::Kvm::open() {
        // The kernel has no calls to hand over.
        Ok(kvm) => return armlet_winhv::table(Box::new(kvm), Quirks { hypercall_exits: false, ..quirks }),
        Err(error) => eprintln!("stand-in for the platform: {error}"),
    }
    armlet_winhv::table(Box::new(SoftHypervisor::new()), Quirks { present: false, ..quirks })
}

/// The functions that take a partition.
fn table() -> &'static Table {
    static TABLE: std::sync::OnceLock<Table> = std::sync::OnceLock::new();
    TABLE.get_or_init(platform)
}

macro_rules! export {
    ($($name:ident = $table:ident.$field:ident($($arg:ident: $type:ty),*);)*) => {$(
        /// As the platform's documentation says.
        ///
        /// # Safety
        /// As the platform's documentation says.
        #[unsafe(no_mangle)]
        pub unsafe extern "system" fn $name($($arg: $type),*) -> HResult {
            // SAFETY: the caller keeps to the platform's documentation.
            unsafe { ($table().$field)($($arg),*) }
        }
    )*};
}

export! {
    WHvGetCapability = platform.get_capability(code: u32, buffer: *mut c_void, size: u32, written: *mut u32);
    WHvCreatePartition = platform.create_partition(handle: *mut Handle);
    WHvSetupPartition = table.setup_partition(partition: Handle);
    WHvDeletePartition = table.delete_partition(partition: Handle);
    WHvSetPartitionProperty = table.set_partition_property(partition: Handle, code: u32, buffer: *const c_void, size: u32);
    WHvMapGpaRange = table.map_gpa_range(partition: Handle, host: *mut c_void, gpa: u64, size: u64, flags: u32);
    WHvUnmapGpaRange = table.unmap_gpa_range(partition: Handle, gpa: u64, size: u64);
    WHvCreateVirtualProcessor = table.create_virtual_processor(partition: Handle, vp: u32, flags: u32);
    WHvDeleteVirtualProcessor = table.delete_virtual_processor(partition: Handle, vp: u32);
    WHvRunVirtualProcessor = table.run_virtual_processor(partition: Handle, vp: u32, exit: *mut ExitContext, size: u32);
    WHvCancelRunVirtualProcessor = table.cancel_run_virtual_processor(partition: Handle, vp: u32, flags: u32);
    WHvGetVirtualProcessorRegisters = table.get_virtual_processor_registers(
        partition: Handle, vp: u32, names: *const Name, count: u32, values: *mut Value);
    WHvSetVirtualProcessorRegisters = table.set_virtual_processor_registers(
        partition: Handle, vp: u32, names: *const Name, count: u32, values: *const Value);
    WHvRequestInterrupt = table.request_interrupt(partition: Handle, control: *const c_void, size: u32);
}

/// As the platform's documentation says.
///
/// # Safety
/// As the platform's documentation says.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn WHvResetPartition(partition: Handle) -> HResult {
    match table().reset_partition {
        // SAFETY: the caller keeps to the platform's documentation.
        Some(reset) => unsafe { reset(partition) },
        None => HResult::E_INVALIDARG,
    }
}

/// As the platform's documentation says.
///
/// # Safety
/// As the platform's documentation says.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn WHvQueryGpaRangeDirtyBitmap(
    partition: Handle,
    gpa: u64,
    len: u64,
    bitmap: *mut u64,
    size: u32,
) -> HResult {
    match table().query_gpa_range_dirty_bitmap {
        // SAFETY: the caller keeps to the platform's documentation.
        Some(query) => unsafe { query(partition, gpa, len, bitmap, size) },
        None => HResult::E_INVALIDARG,
    }
}
