//! The exported functions: raw arguments to calls on partitions.

use std::collections::HashMap;
use std::ffi::c_void;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use armlet_hv_whp::abi::hresult::HResult;
use armlet_hv_whp::abi::register::Name;
use armlet_hv_whp::abi::{ExitContext, InterruptControl, Value, capability, extended_exit, feature};
use armlet_hv_whp::table::{Handle, Table};

use crate::partition::Partition;
use crate::{PLATFORM, Quirks};

/// All functions that a build with these quirks has.
pub fn table(quirks: Quirks) -> Table {
    Table {
        get_capability,
        create_partition,
        setup_partition,
        delete_partition,
        set_partition_property,
        map_gpa_range,
        unmap_gpa_range,
        create_virtual_processor,
        delete_virtual_processor,
        run_virtual_processor,
        cancel_run_virtual_processor,
        get_virtual_processor_registers,
        set_virtual_processor_registers,
        request_interrupt,
        reset_partition: quirks.reset.then_some(reset_partition),
        query_gpa_range_dirty_bitmap: quirks.dirty_tracking.then_some(query_gpa_range_dirty_bitmap),
    }
}

type Partitions = HashMap<usize, Arc<Partition>>;

/// All partitions by handle, and the next handle.
static PARTITIONS: LazyLock<Mutex<(Partitions, usize)>> =
    LazyLock::new(|| Mutex::new((HashMap::new(), 0x1000)));

fn partitions() -> std::sync::MutexGuard<'static, (Partitions, usize)> {
    PARTITIONS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does `act` on a partition.
fn on(handle: Handle, act: impl FnOnce(&Partition) -> Result<(), HResult>) -> HResult {
    let partition = partitions().0.get(&(handle as usize)).cloned();
    match partition.ok_or(HResult::E_INVALIDARG).and_then(|partition| act(&partition)) {
        Ok(()) => HResult::S_OK,
        Err(result) => result,
    }
}

unsafe extern "system" fn get_capability(
    code: u32,
    buffer: *mut c_void,
    size: u32,
    written: *mut u32,
) -> HResult {
    let Some(platform) = PLATFORM.with_borrow(Clone::clone) else { return HResult::ERROR_HV_NOT_PRESENT };
    let quirks = platform.quirks;
    let (bytes, value): (u32, u64) = match code {
        capability::HYPERVISOR_PRESENT => (4, quirks.present.into()),
        capability::FEATURES => {
            let bit = |on, bit| if on { bit } else { 0 };
            let arm64 = bit(quirks.arm64, feature::ARM64_SUPPORT);
            (8, arm64 | bit(quirks.dirty_tracking, feature::DIRTY_PAGE_TRACKING) | 1)
        }
        capability::EXTENDED_VM_EXITS => {
            (8, if quirks.hypercall_exits { extended_exit::HYPERCALL } else { 0 })
        }
        capability::PHYSICAL_ADDRESS_WIDTH => (4, quirks.address_bits.into()),
        _ => return HResult::WHV_E_UNKNOWN_CAPABILITY,
    };
    if size < bytes {
        return HResult::WHV_E_INSUFFICIENT_BUFFER;
    }
    // SAFETY: the caller's buffer has `size` bytes, checked to be enough; `written` may be null.
    unsafe {
        std::ptr::copy_nonoverlapping((&raw const value).cast(), buffer.cast::<u8>(), bytes as usize);
        if let Some(written) = written.as_mut() {
            *written = bytes;
        }
    }
    HResult::S_OK
}

unsafe extern "system" fn create_partition(handle: *mut Handle) -> HResult {
    let Some(platform) = PLATFORM.with_borrow(Clone::clone) else { return HResult::ERROR_HV_NOT_PRESENT };
    if let [Some(refusal), _] = platform.quirks.refusals {
        return refusal;
    }
    let mut all = partitions();
    all.1 += 16;
    let number = all.1;
    all.0.insert(number, Arc::new(Partition::new(platform)));
    // SAFETY: the caller's place for a handle.
    unsafe { *handle = number as Handle };
    HResult::S_OK
}

unsafe extern "system" fn setup_partition(handle: Handle) -> HResult {
    on(handle, Partition::setup)
}

unsafe extern "system" fn delete_partition(handle: Handle) -> HResult {
    let gone = partitions().0.remove(&(handle as usize));
    if gone.is_some() { HResult::S_OK } else { HResult::E_INVALIDARG }
}

unsafe extern "system" fn set_partition_property(
    handle: Handle,
    code: u32,
    buffer: *const c_void,
    size: u32,
) -> HResult {
    // SAFETY: the caller's buffer has `size` bytes.
    let value = unsafe { std::slice::from_raw_parts(buffer.cast::<u8>(), size as usize) };
    on(handle, |partition| partition.set_property(code, value))
}

unsafe extern "system" fn map_gpa_range(
    handle: Handle,
    host: *mut c_void,
    gpa: u64,
    size: u64,
    flags: u32,
) -> HResult {
    on(handle, |partition| partition.map(host as usize, gpa, size, flags))
}

unsafe extern "system" fn unmap_gpa_range(handle: Handle, gpa: u64, _: u64) -> HResult {
    on(handle, |partition| partition.unmap(gpa))
}

unsafe extern "system" fn create_virtual_processor(handle: Handle, vp: u32, flags: u32) -> HResult {
    on(handle, |partition| if flags == 0 { partition.create_vp(vp) } else { Err(HResult::E_INVALIDARG) })
}

unsafe extern "system" fn delete_virtual_processor(handle: Handle, vp: u32) -> HResult {
    on(handle, |partition| partition.delete_vp(vp))
}

unsafe extern "system" fn run_virtual_processor(
    handle: Handle,
    vp: u32,
    exit: *mut ExitContext,
    size: u32,
) -> HResult {
    if (size as usize) < size_of::<ExitContext>() {
        return HResult::WHV_E_INSUFFICIENT_BUFFER;
    }
    on(handle, |partition| {
        let happened = partition.run(vp)?;
        // SAFETY: the caller's exit context has `size` bytes, checked to be enough.
        unsafe { *exit = happened };
        Ok(())
    })
}

unsafe extern "system" fn cancel_run_virtual_processor(handle: Handle, vp: u32, _: u32) -> HResult {
    on(handle, |partition| partition.cancel(vp))
}

unsafe extern "system" fn get_virtual_processor_registers(
    handle: Handle,
    vp: u32,
    names: *const Name,
    count: u32,
    values: *mut Value,
) -> HResult {
    // SAFETY: the caller has `count` names.
    let names = unsafe { std::slice::from_raw_parts(names, count as usize) };
    on(handle, |partition| {
        let got = partition.get(vp, names)?;
        // SAFETY: the caller has room for `count` values.
        unsafe { std::ptr::copy_nonoverlapping(got.as_ptr(), values, got.len()) };
        Ok(())
    })
}

unsafe extern "system" fn set_virtual_processor_registers(
    handle: Handle,
    vp: u32,
    names: *const Name,
    count: u32,
    values: *const Value,
) -> HResult {
    // SAFETY: the caller has `count` names and values.
    let (names, values) = unsafe {
        let count = count as usize;
        (std::slice::from_raw_parts(names, count), std::slice::from_raw_parts(values, count))
    };
    on(handle, |partition| partition.set(vp, names, values))
}

unsafe extern "system" fn request_interrupt(handle: Handle, control: *const c_void, size: u32) -> HResult {
    if size as usize != size_of::<InterruptControl>() {
        return HResult::E_INVALIDARG;
    }
    // SAFETY: the caller's control has `size` bytes, checked to be as many as it needs.
    let control = unsafe { control.cast::<InterruptControl>().read_unaligned() };
    on(handle, |partition| partition.request_interrupt(&control))
}

unsafe extern "system" fn query_gpa_range_dirty_bitmap(
    handle: Handle,
    gpa: u64,
    len: u64,
    bitmap: *mut u64,
    size: u32,
) -> HResult {
    on(handle, |partition| {
        let bits = partition.take_written(gpa, len)?;
        if bitmap.is_null() && size == 0 {
            return Ok(());
        }
        if bitmap.is_null() || (size as usize) < size_of_val(&bits[..]) {
            return Err(HResult::WHV_E_INSUFFICIENT_BUFFER);
        }
        // SAFETY: the caller's buffer has `size` bytes, checked to be enough.
        unsafe { std::ptr::copy_nonoverlapping(bits.as_ptr(), bitmap, bits.len()) };
        Ok(())
    })
}

unsafe extern "system" fn reset_partition(handle: Handle) -> HResult {
    on(handle, Partition::reset)
}
