//! Function identifiers of SMCCC 1.x (DEN0028), PSCI 1.1 (DEN0022) and TRNG (DEN0098).

/// How a firmware call reached us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conduit {
    /// `HVC #imm`.
    Hvc,
    /// `SMC #imm`.
    Smc,
}

/// SMCCC "not supported" (-1).
pub const NOT_SUPPORTED: u64 = -1i64 as u64;

/// SMCCC_VERSION.
pub const SMCCC_VERSION: u32 = 0x8000_0000;
/// SMCCC_ARCH_FEATURES.
pub const SMCCC_ARCH_FEATURES: u32 = 0x8000_0001;
/// SMCCC_ARCH_SOC_ID.
pub const SMCCC_ARCH_SOC_ID: u32 = 0x8000_0002;
/// SMCCC_ARCH_WORKAROUND_1.
pub const SMCCC_ARCH_WORKAROUND_1: u32 = 0x8000_8000;
/// SMCCC_ARCH_WORKAROUND_2.
pub const SMCCC_ARCH_WORKAROUND_2: u32 = 0x8000_7fff;
/// SMCCC_ARCH_WORKAROUND_3.
pub const SMCCC_ARCH_WORKAROUND_3: u32 = 0x8000_3fff;

/// PSCI function identifiers; the 64-bit form of those that have one is `| SMC64`.
pub mod psci {
    /// Bit that makes a function identifier its SMC64/HVC64 form.
    pub const SMC64: u32 = 1 << 30;
    /// PSCI_VERSION.
    pub const VERSION: u32 = 0x8400_0000;
    /// CPU_SUSPEND.
    pub const CPU_SUSPEND: u32 = 0x8400_0001;
    /// CPU_OFF.
    pub const CPU_OFF: u32 = 0x8400_0002;
    /// CPU_ON.
    pub const CPU_ON: u32 = 0x8400_0003;
    /// AFFINITY_INFO.
    pub const AFFINITY_INFO: u32 = 0x8400_0004;
    /// MIGRATE.
    pub const MIGRATE: u32 = 0x8400_0005;
    /// MIGRATE_INFO_TYPE.
    pub const MIGRATE_INFO_TYPE: u32 = 0x8400_0006;
    /// SYSTEM_OFF.
    pub const SYSTEM_OFF: u32 = 0x8400_0008;
    /// SYSTEM_RESET.
    pub const SYSTEM_RESET: u32 = 0x8400_0009;
    /// PSCI_FEATURES.
    pub const FEATURES: u32 = 0x8400_000a;
    /// SYSTEM_SUSPEND.
    pub const SYSTEM_SUSPEND: u32 = 0x8400_000e;
    /// SYSTEM_RESET2.
    pub const SYSTEM_RESET2: u32 = 0x8400_0012;

    /// Return codes.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[repr(i32)]
    pub enum Status {
        /// SUCCESS.
        Success = 0,
        /// NOT_SUPPORTED.
        NotSupported = -1,
        /// INVALID_PARAMETERS.
        InvalidParameters = -2,
        /// DENIED.
        Denied = -3,
        /// ALREADY_ON.
        AlreadyOn = -4,
        /// ON_PENDING.
        OnPending = -5,
        /// INTERNAL_FAILURE.
        InternalFailure = -6,
        /// NOT_PRESENT.
        NotPresent = -7,
        /// DISABLED.
        Disabled = -8,
        /// INVALID_ADDRESS.
        InvalidAddress = -9,
    }
}

/// TRNG firmware interface function identifiers.
pub mod trng {
    /// TRNG_VERSION.
    pub const VERSION: u32 = 0x8400_0050;
    /// TRNG_FEATURES.
    pub const FEATURES: u32 = 0x8400_0051;
    /// TRNG_GET_UUID.
    pub const GET_UUID: u32 = 0x8400_0052;
    /// TRNG_RND, 32-bit form.
    pub const RND32: u32 = 0x8400_0053;
    /// TRNG_RND, 64-bit form.
    pub const RND64: u32 = 0xc400_0053;
}

/// armlet's own calls, in the vendor-specific hypervisor range, 32-bit fast calls.
pub mod vendor {
    /// Call UID query of the vendor hypervisor service.
    pub const CALL_UID: u32 = 0x8600_ff01;
    /// Write the NUL-terminated string at guest physical address X1 (at most X2 bytes if X2 is not 0).
    pub const WRITE_STRING: u32 = 0x8600_0001;
    /// Leave the monitor with exit status W1.
    pub const EXIT: u32 = 0x8600_0002;
    /// Write the character in W1.
    pub const WRITE_CHAR: u32 = 0x8600_0003;
}
