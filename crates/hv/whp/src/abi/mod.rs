//! What WinHvPlatform.dll takes and gives on ARM64, as `WinHvPlatformDefs.h` has it.
//!
//! Published bindings for Rust have the x64 forms of all this. Sizes and offsets are asserted here, and
//! compared with a C compiler's by `tests/windows/abi.sh`.

pub mod hresult;
pub mod register;

use std::mem::offset_of;

use bytemuck::{Pod, Zeroable};

/// Codes of `WHvGetCapability`.
pub mod capability {
    /// A `BOOL`: the hypervisor runs.
    pub const HYPERVISOR_PRESENT: u32 = 0x0000;
    /// Bits, see [`super::feature`].
    pub const FEATURES: u32 = 0x0001;
    /// Exits that can be asked for, see [`super::extended_exit`].
    pub const EXTENDED_VM_EXITS: u32 = 0x0002;
    /// Features of the processor, in banks.
    pub const PROCESSOR_FEATURES_BANKS: u32 = 0x1006;
    /// Synthetic features, in banks.
    pub const SYNTHETIC_PROCESSOR_FEATURES_BANKS: u32 = 0x1008;
    /// Width of guest physical addresses in bits.
    pub const PHYSICAL_ADDRESS_WIDTH: u32 = 0x100a;
    /// INTID bits of LPIs.
    pub const GIC_LPI_INT_ID_BITS: u32 = 0x2011;
    /// Longest vector of SVE.
    pub const MAX_SVE_VECTOR_LENGTH: u32 = 0x2012;
}

/// Bits of [`capability::FEATURES`].
pub mod feature {
    /// [`super::map::TRACK_DIRTY_PAGES`].
    pub const DIRTY_PAGE_TRACKING: u64 = 1 << 3;
    /// Guests of ARM64 hosts.
    pub const ARM64_SUPPORT: u64 = 1 << 11;
}

/// Bits of [`capability::EXTENDED_VM_EXITS`] and [`property::EXTENDED_VM_EXITS`].
pub mod extended_exit {
    /// HVC that the hypervisor doesn't serve.
    pub const HYPERCALL: u64 = 1 << 5;
}

/// Codes of `WHvSetPartitionProperty`.
pub mod property {
    /// [`super::extended_exit`].
    pub const EXTENDED_VM_EXITS: u32 = 0x0001;
    /// Width of guest physical addresses in bits.
    pub const PHYSICAL_ADDRESS_WIDTH: u32 = 0x1011;
    /// [`super::IcParameters`].
    pub const ARM64_IC_PARAMETERS: u32 = 0x1012;
    /// Number of virtual processors.
    pub const PROCESSOR_COUNT: u32 = 0x1fff;
}

/// Bits of `WHvMapGpaRange`.
pub mod map {
    /// The guest may read.
    pub const READ: u32 = 1;
    /// The guest may write.
    pub const WRITE: u32 = 2;
    /// The guest may execute.
    pub const EXECUTE: u32 = 4;
    /// `WHvQueryGpaRangeDirtyBitmap` tells which pages were written.
    pub const TRACK_DIRTY_PAGES: u32 = 8;
}

/// Addresses what a partition's VPs share.
pub const ANY_VP: u32 = 0xffff_ffff;

/// Interrupt controller, `WHV_ARM64_IC_PARAMETERS`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
pub struct IcParameters {
    /// [`IcParameters::GICV3`].
    pub emulation_mode: u32,
    /// Zero.
    pub reserved: u32,
    /// Distributor.
    pub gicd_base: u64,
    /// The ITS's GITS_TRANSLATER page; 0 for none.
    pub gits_translater_base: u64,
    /// Zero.
    pub reserved2: u32,
    /// INTID bits of LPIs; 0 for no LPIs.
    pub lpi_int_id_bits: u32,
    /// INTID of the virtual timer's interrupt.
    pub timer_intid: u32,
    /// INTID of the performance monitors' interrupt.
    pub pmu_intid: u32,
    /// Zero.
    pub reserved3: [u32; 6],
}

impl IcParameters {
    /// The only controller there is.
    pub const GICV3: u32 = 1;
}

/// A register's value, `WHV_REGISTER_VALUE`.
#[repr(C, align(16))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct Value {
    /// Bits 63 to 0, all that registers of 64 bits have.
    pub low: u64,
    /// Bits 127 to 64.
    pub high: u64,
}

impl From<u64> for Value {
    fn from(low: u64) -> Self {
        Self { low, high: 0 }
    }
}

impl From<u128> for Value {
    fn from(value: u128) -> Self {
        Self { low: value as u64, high: (value >> 64) as u64 }
    }
}

impl From<Value> for u128 {
    fn from(value: Value) -> u128 {
        u128::from(value.low) | u128::from(value.high) << 64
    }
}

/// An interrupt to raise or lower, `WHV_INTERRUPT_CONTROL`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
pub struct InterruptControl {
    /// 0: the partition of the call.
    pub target_partition: u64,
    /// Type 0, and [`InterruptControl::ASSERTED`].
    pub control: u64,
    /// 0 for a shared peripheral interrupt.
    pub destination_address: u64,
    /// INTID.
    pub requested_vector: u32,
    /// 0.
    pub target_vtl: u8,
    /// Zero.
    pub reserved: [u8; 3],
}

impl InterruptControl {
    /// The level is high.
    pub const ASSERTED: u64 = 1 << 34;
}

/// Why a VP came back, `WHV_RUN_VP_EXIT_CONTEXT`.
#[repr(C, align(16))]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct ExitContext {
    /// One of [`reason`].
    pub reason: u32,
    /// Zero.
    pub reserved: u32,
    /// Zero.
    pub reserved2: u64,
    /// What the reason says.
    pub payload: [u64; 32],
}

impl Default for ExitContext {
    fn default() -> Self {
        Self::zeroed()
    }
}

impl ExitContext {
    /// The payload as what the reason says it is.
    pub fn payload<T: Pod>(&self) -> T {
        bytemuck::pod_read_unaligned(&bytemuck::bytes_of(&self.payload)[..size_of::<T>()])
    }

    /// An exit for this reason.
    pub fn of<T: Pod>(reason: u32, payload: &T) -> Self {
        let mut exit = Self { reason, ..Self::default() };
        bytemuck::bytes_of_mut(&mut exit.payload)[..size_of::<T>()]
            .copy_from_slice(bytemuck::bytes_of(payload));
        exit
    }
}

/// Values of [`ExitContext::reason`].
pub mod reason {
    /// None.
    pub const NONE: u32 = 0;
    /// An access where nothing is mapped: [`super::MemoryAccess`].
    pub const UNMAPPED_GPA: u32 = 0x8000_0000;
    /// An access that the mapping doesn't allow: [`super::MemoryAccess`].
    pub const GPA_INTERCEPT: u32 = 0x8000_0001;
    /// A register has a value that can't be: two words, the first of which is the VP.
    pub const INVALID_VP_REGISTER_VALUE: u32 = 0x8000_0020;
    /// The guest can't go on: [`super::InterceptHeader`].
    pub const UNRECOVERABLE_EXCEPTION: u32 = 0x8000_0021;
    /// The guest did what the hypervisor doesn't do.
    pub const UNSUPPORTED_FEATURE: u32 = 0x8000_0022;
    /// HVC, if asked for: [`super::Hypercall`].
    pub const HYPERCALL: u32 = 0x8000_0050;
    /// Power-off or reset: [`super::Reset`].
    pub const ARM64_RESET: u32 = 0x8001_000c;
    /// `WHvCancelRunVirtualProcessor`.
    pub const CANCELED: u32 = 0xffff_ffff;
}

/// What most payloads begin with, `WHV_INTERCEPT_MESSAGE_HEADER`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
pub struct InterceptHeader {
    /// Which VP.
    pub vp_index: u32,
    /// 2 or 4; some builds leave it 0.
    pub instruction_length: u8,
    /// 0 for a load, 1 for a store, 2 for a fetch.
    pub access_type: u8,
    /// Bits 1 and 0: the exception level.
    pub execution_state: u16,
    /// Address of the instruction.
    pub pc: u64,
    /// PSTATE as SPSR has it.
    pub cpsr: u64,
}

/// `WHV_MEMORY_ACCESS_CONTEXT`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
pub struct MemoryAccess {
    /// Where and how.
    pub header: InterceptHeader,
    /// Zero.
    pub reserved: u32,
    /// How many of `instruction_bytes` are there: none, as far as is known.
    pub instruction_byte_count: u8,
    /// Bit 0: `gva` is valid.
    pub access_info: u8,
    /// Zero.
    pub reserved2: u16,
    /// The instruction, if it is there.
    pub instruction_bytes: [u8; 4],
    /// Zero.
    pub reserved3: u32,
    /// Guest virtual address.
    pub gva: u64,
    /// Guest physical address.
    pub gpa: u64,
    /// As in ESR_EL2.
    pub syndrome: u64,
}

/// `WHV_ARM64_HYPERCALL_CONTEXT`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
pub struct Hypercall {
    /// Where and how.
    pub header: InterceptHeader,
    /// The HVC's immediate.
    pub immediate: u16,
    /// Zero.
    pub reserved: u16,
    /// Zero.
    pub reserved2: u32,
    /// X0 to X17.
    pub x: [u64; 18],
}

/// `WHV_ARM64_RESET_CONTEXT`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
pub struct Reset {
    /// Where and how.
    pub header: InterceptHeader,
    /// [`Reset::POWER_OFF`] or [`Reset::REBOOT`].
    pub kind: u32,
    /// Zero.
    pub reserved: u32,
}

impl Reset {
    /// PSCI SYSTEM_OFF.
    pub const POWER_OFF: u32 = 0;
    /// PSCI SYSTEM_RESET.
    pub const REBOOT: u32 = 1;
    /// PSCI SYSTEM_RESET2, in the hypervisor's own definitions.
    pub const RESET2: u32 = 2;
}

const _: () = {
    assert!(size_of::<IcParameters>() == 64 && align_of::<IcParameters>() == 8);
    assert!(offset_of!(IcParameters, gicd_base) == 8 && offset_of!(IcParameters, gits_translater_base) == 16);
    assert!(offset_of!(IcParameters, lpi_int_id_bits) == 28 && offset_of!(IcParameters, timer_intid) == 32);
    assert!(offset_of!(IcParameters, pmu_intid) == 36);
    assert!(size_of::<Value>() == 16 && align_of::<Value>() == 16);
    assert!(size_of::<InterruptControl>() == 32 && offset_of!(InterruptControl, control) == 8);
    assert!(offset_of!(InterruptControl, requested_vector) == 24);
    assert!(size_of::<ExitContext>() == 272 && align_of::<ExitContext>() == 16);
    assert!(offset_of!(ExitContext, payload) == 16);
    assert!(size_of::<InterceptHeader>() == 24 && offset_of!(InterceptHeader, pc) == 8);
    assert!(offset_of!(InterceptHeader, instruction_length) == 4 && offset_of!(InterceptHeader, cpsr) == 16);
    assert!(size_of::<MemoryAccess>() == 64 && offset_of!(MemoryAccess, access_info) == 29);
    assert!(offset_of!(MemoryAccess, instruction_bytes) == 32 && offset_of!(MemoryAccess, gva) == 40);
    assert!(offset_of!(MemoryAccess, gpa) == 48 && offset_of!(MemoryAccess, syndrome) == 56);
    assert!(size_of::<Hypercall>() == 176 && offset_of!(Hypercall, immediate) == 24);
    assert!(offset_of!(Hypercall, x) == 32);
    assert!(size_of::<Reset>() == 32 && offset_of!(Reset, kind) == 24);
};
