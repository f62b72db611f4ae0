//! The platform's functions over one partition, with our types and errors.

use std::ffi::c_void;
use std::fmt::Display;
use std::sync::Arc;

use armlet_base::{GuestRam, RamKind, RamRegion};
use armlet_hv::HvError;
use bytemuck::{Pod, Zeroable};

use crate::abi::hresult::HResult;
use crate::abi::register::Name;
use crate::abi::{ExitContext, InterruptControl, Value, map};
use crate::error::{check, failure, unsupported};
use crate::table::{Handle, Table};

/// How memory is mapped that the guest may write.
const WRITABLE: u32 = map::READ | map::WRITE | map::EXECUTE;

/// What the hypervisor of this host can do, by code; `None` if this build doesn't know the code.
pub fn capability<T: Pod>(table: &Table, code: u32) -> Result<Option<T>, HvError> {
    capability_over(table, code, T::zeroed())
}

/// The same for one whose buffer says beforehand how much it has room for.
pub fn capability_over<T: Pod>(table: &Table, code: u32, mut value: T) -> Result<Option<T>, HvError> {
    let mut written = 0;
    let size = size_of::<T>() as u32;
    // SAFETY: the buffer is as large as told.
    let result = unsafe { (table.get_capability)(code, (&raw mut value).cast(), size, &mut written) };
    match result {
        HResult::WHV_E_UNKNOWN_CAPABILITY => Ok(None),
        _ => check(result, "WHvGetCapability", format_args!("asking for capability {code:#x}"))
            .map(|()| Some(value)),
    }
}

/// A partition, deleted with its VPs when dropped.
pub struct Partition {
    table: Table,
    handle: Handle,
    /// Mapped into the partition, so that it must live longer.
    _ram: Arc<GuestRam>,
    cpus: u32,
}

// SAFETY: the platform's functions may be called from any thread; the handle is only a name.
unsafe impl Send for Partition {}
// SAFETY: as above.
unsafe impl Sync for Partition {}

impl Partition {
    /// A partition that is not set up yet, for a guest with this memory.
    pub fn create(table: Table, ram: Arc<GuestRam>, cpus: u32) -> Result<Self, HvError> {
        let mut handle = std::ptr::null_mut();
        // SAFETY: the handle goes to a variable of ours.
        let result = unsafe { (table.create_partition)(&mut handle) };
        check(result, "WHvCreatePartition", "creating a partition")?;
        Ok(Self { table, handle, _ram: ram, cpus })
    }

    /// Sets a property; most only before [`Partition::setup`].
    pub fn set<T: Pod>(&self, code: u32, value: &T) -> Result<(), HvError> {
        let (at, size) = ((&raw const *value).cast(), size_of::<T>() as u32);
        // SAFETY: the value lives during the call and is as large as told.
        let result = unsafe { (self.table.set_partition_property)(self.handle, code, at, size) };
        check(result, "WHvSetPartitionProperty", format_args!("setting property {code:#x} of the partition"))
    }

    /// Creates it in the hypervisor.
    pub fn setup(&self) -> Result<(), HvError> {
        // SAFETY: the handle is the partition's.
        let result = unsafe { (self.table.setup_partition)(self.handle) };
        check(result, "WHvSetupPartition", format_args!("setting up a partition with {} CPUs", self.cpus))
    }

    /// Gives the guest all of `ram`, which must be that of [`Partition::create`].
    pub fn map(&self, ram: &GuestRam) -> Result<(), HvError> {
        ram.regions().try_for_each(|region| self.map_region(ram, region, false))
    }

    /// Maps all writable memory anew, so that which pages are written can be asked for, or no longer.
    pub fn track(&self, ram: &GuestRam, on: bool) -> Result<(), HvError> {
        let mut writable = ram.regions().filter(|region| region.kind == RamKind::ReadWrite);
        writable.try_for_each(|region| self.map_region(ram, region, on))
    }

    /// Gives the guest a region of `ram`, which must be that of [`Partition::create`].
    fn map_region(&self, ram: &GuestRam, region: RamRegion, track: bool) -> Result<(), HvError> {
        let (_, offset, _) = ram.find(region.gpa).expect("a region is found where it begins");
        let flags = match region.kind {
            RamKind::ReadWrite if track => WRITABLE | map::TRACK_DIRTY_PAGES,
            RamKind::ReadWrite => WRITABLE,
            RamKind::ReadOnly | RamKind::Hidden => map::READ | map::EXECUTE,
        };
        let host = ram.host_base().wrapping_add(offset).cast::<c_void>();
        // SAFETY: the range is within memory that the partition keeps alive.
        let result = unsafe { (self.table.map_gpa_range)(self.handle, host, region.gpa, region.len, flags) };
        check(result, "WHvMapGpaRange", format_args!("mapping guest memory at {:#x}", region.gpa))
    }

    /// Takes the region at `gpa` of `ram` away from the guest, or gives it back.
    pub fn show(&self, ram: &GuestRam, gpa: u64, shown: bool) -> Result<(), HvError> {
        let region = ram.regions().find(|region| region.gpa == gpa);
        let region = region.ok_or_else(|| unsupported(format!("hiding {gpa:#x}, where no memory starts")))?;
        ram.set_hidden(gpa, !shown).map_err(|error| unsupported(error.to_string()))?;
        if shown {
            return self.map_region(ram, region, false);
        }
        // SAFETY: the handle is the partition's.
        let result = unsafe { (self.table.unmap_gpa_range)(self.handle, gpa, region.len) };
        check(result, "WHvUnmapGpaRange", format_args!("unmapping guest memory at {gpa:#x}"))
    }

    /// The pages of a range mapped to be tracked that were written since this was asked last, a bit each. Without
    /// room for them they only count as clean.
    pub fn take_written(&self, gpa: u64, len: u64, bits: Option<&mut [u64]>) -> Result<(), HvError> {
        let Some(query) = self.table.query_gpa_range_dirty_bitmap else {
            return Err(unsupported(
                "the pages written: this build of Windows has no WHvQueryGpaRangeDirtyBitmap",
            ));
        };
        let (at, size) =
            bits.map_or((std::ptr::null_mut(), 0), |bits| (bits.as_mut_ptr(), size_of_val(bits) as u32));
        // SAFETY: the room for bits is as large as told.
        let result = unsafe { query(self.handle, gpa, len, at, size) };
        check(result, "WHvQueryGpaRangeDirtyBitmap", format_args!("asking for pages written at {gpa:#x}"))
    }

    /// Creates VP `vp`.
    pub fn create_vp(&self, vp: u32) -> Result<(), HvError> {
        // SAFETY: the handle is the partition's.
        let result = unsafe { (self.table.create_virtual_processor)(self.handle, vp, 0) };
        check(result, "WHvCreateVirtualProcessor", format_args!("creating vCPU {vp}"))
    }

    /// Runs VP `vp` until it comes back.
    pub fn run(&self, vp: u32, exit: &mut ExitContext) -> Result<(), HvError> {
        let size = size_of::<ExitContext>() as u32;
        // SAFETY: the exit is as large as told.
        let result = unsafe { (self.table.run_virtual_processor)(self.handle, vp, exit, size) };
        check(result, "WHvRunVirtualProcessor", format_args!("running vCPU {vp}"))
    }

    /// Makes VP `vp` come back, or not go at all the next time.
    pub fn cancel(&self, vp: u32) {
        // SAFETY: the handle is the partition's. Failure means that there is nothing to cancel.
        let _ = unsafe { (self.table.cancel_run_virtual_processor)(self.handle, vp, 0) };
    }

    /// Reads registers; all or none.
    pub fn get(&self, vp: u32, names: &[Name], values: &mut [Value]) -> Result<(), HvError> {
        let what = || registers("reading", vp, names);
        let got = self.try_get(vp, names, values);
        got.map_err(|result| failure(result, "WHvGetVirtualProcessorRegisters", what()))
    }

    /// As [`Partition::get`], with the platform's own answer.
    pub fn try_get(&self, vp: u32, names: &[Name], values: &mut [Value]) -> Result<(), HResult> {
        assert_eq!(names.len(), values.len());
        let (count, get) = (names.len() as u32, self.table.get_virtual_processor_registers);
        // SAFETY: as many names and values as told.
        let result = unsafe { get(self.handle, vp, names.as_ptr(), count, values.as_mut_ptr()) };
        if result.is_ok() { Ok(()) } else { Err(result) }
    }

    /// Reads one register.
    pub fn get_one(&self, vp: u32, name: Name) -> Result<u64, HvError> {
        let mut value = [Value::zeroed()];
        self.get(vp, &[name], &mut value)?;
        Ok(value[0].low)
    }

    /// Writes registers; all or none.
    pub fn put(&self, vp: u32, names: &[Name], values: &[Value]) -> Result<(), HvError> {
        let result = self.try_put(vp, names, values);
        check(result, "WHvSetVirtualProcessorRegisters", registers("writing", vp, names))
    }

    /// As [`Partition::put`], with the platform's own answer.
    pub fn try_put(&self, vp: u32, names: &[Name], values: &[Value]) -> HResult {
        assert_eq!(names.len(), values.len());
        let (count, set) = (names.len() as u32, self.table.set_virtual_processor_registers);
        // SAFETY: as many names and values as told.
        unsafe { set(self.handle, vp, names.as_ptr(), count, values.as_ptr()) }
    }

    /// Drives a shared peripheral interrupt.
    pub fn request_interrupt(&self, intid: u32, level: bool) -> Result<(), HvError> {
        let control = InterruptControl {
            control: if level { InterruptControl::ASSERTED } else { 0 },
            requested_vector: intid,
            ..InterruptControl::zeroed()
        };
        let (at, size) = ((&raw const control).cast(), size_of::<InterruptControl>() as u32);
        // SAFETY: the control lives during the call and is as large as told.
        let result = unsafe { (self.table.request_interrupt)(self.handle, at, size) };
        check(result, "WHvRequestInterrupt", format_args!("driving interrupt {intid}"))
    }

    /// Puts all VPs and the interrupt controller back to what they were after [`Partition::setup`]. False if this
    /// build has no such function.
    pub fn reset(&self) -> Result<bool, HvError> {
        let Some(reset) = self.table.reset_partition else { return Ok(false) };
        // SAFETY: the handle is the partition's.
        check(unsafe { reset(self.handle) }, "WHvResetPartition", "resetting the partition").map(|()| true)
    }
}

fn registers<'a>(doing: &'a str, vp: u32, names: &'a [Name]) -> impl Display + 'a {
    std::fmt::from_fn(move |f| match names {
        [one] => write!(f, "{doing} register {:#x} of vCPU {vp}", one.0),
        _ => write!(f, "{doing} {} registers of vCPU {vp}", names.len()),
    })
}

impl Drop for Partition {
    fn drop(&mut self) {
        // SAFETY: nobody uses the partition any more. VPs that were not created are refused, which is fine.
        unsafe {
            for vp in 0..self.cpus {
                let _ = (self.table.delete_virtual_processor)(self.handle, vp);
            }
            let _ = (self.table.delete_partition)(self.handle);
        }
    }
}
