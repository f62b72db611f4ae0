//! The `virt` board: register-compatible with QEMU's machine of the same name.

/// Guest physical addresses and interrupts.
pub mod map {
    /// GIC distributor.
    pub const GICD: u64 = 0x0800_0000;
    /// Length of the distributor.
    pub const GICD_LEN: u64 = 0x1_0000;
    /// GICv2 CPU interface.
    pub const GICC: u64 = 0x0801_0000;
    /// Length of the GICv2 CPU interface.
    pub const GICC_LEN: u64 = 0x1_0000;
    /// GICv3 redistributors.
    pub const GICR: u64 = 0x080a_0000;
    /// Bytes one redistributor takes: RD_base and SGI_base frames.
    pub const GICR_STRIDE: u64 = 0x2_0000;
    /// Redistributors that fit below the UART.
    pub const MAX_CPUS: usize = 123;
    /// PL011.
    pub const UART: u64 = 0x0900_0000;
    /// Length of the PL011.
    pub const UART_LEN: u64 = 0x1000;
    /// Interrupt of the PL011: SPI 1.
    pub const UART_INTID: u32 = 33;
    /// PL031.
    pub const RTC: u64 = 0x0901_0000;
    /// Length of the PL031.
    pub const RTC_LEN: u64 = 0x1000;
    /// Interrupt of the PL031: SPI 2.
    pub const RTC_INTID: u32 = 34;
    /// Guest memory.
    pub const RAM: u64 = 0x4000_0000;
    /// Most guest memory: what lies between its start and 256 GiB.
    pub const MAX_RAM: u64 = 255 << 30;

    /// Length of the redistributor region of `cpus` CPUs.
    pub const fn gicr_len(cpus: usize) -> u64 {
        GICR_STRIDE * cpus as u64
    }
}
