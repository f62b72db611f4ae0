//! Register offsets and fields in Arm's spelling. Sections are of IHI 0069H.

// Section 12.19; the translation register is in a frame of its own.
pub const GITS_CTLR: u64 = 0x0000;
pub const GITS_IIDR: u64 = 0x0004;
pub const GITS_TYPER: u64 = 0x0008;
pub const GITS_CBASER: u64 = 0x0080;
pub const GITS_CWRITER: u64 = 0x0088;
pub const GITS_CREADR: u64 = 0x0090;
pub const GITS_BASER: u64 = 0x0100;
pub const GITS_BASER_END: u64 = 0x0140;
pub const GITS_TRANSLATER: u64 = 0x1_0040;

/// GITS_CTLR.Enabled.
pub const CTLR_ENABLED: u64 = 1 << 0;
/// GITS_CTLR.Quiescent.
pub const CTLR_QUIESCENT: u64 = 1 << 31;

/// Bits of an EventID and of a DeviceID.
pub const ID_BITS: u32 = 16;
/// GITS_TYPER: physical LPIs, entries of eight bytes in interrupt translation tables, EventIDs and DeviceIDs of
/// [`ID_BITS`]; collections are in memory, and redistributors go by their number (PTA is zero).
pub const TYPER: u64 = 1 | 7 << 4 | (ID_BITS as u64 - 1) << 8 | (ID_BITS as u64 - 1) << 13;

/// GITS_CBASER.Valid and GITS_BASER.Valid.
pub const VALID: u64 = 1 << 63;
/// The fields of GITS_CBASER.
pub const CBASER_MASK: u64 = 0xb8ef_ffff_ffff_fcff;
/// Bits 51 to 12: an address.
pub const ADDRESS: u64 = 0x000f_ffff_ffff_f000;
/// GITS_CWRITER.Offset and GITS_CREADR.Offset.
pub const QUEUE_OFFSET: u64 = 0xf_ffe0;

/// GITS_BASER.Indirect.
pub const BASER_INDIRECT: u64 = 1 << 62;
/// GITS_BASER fields that the guest sets: Valid, Indirect, both cacheabilities, address, shareability, page size, size.
pub const BASER_WRITABLE: u64 = 0xf8e0_ffff_ffff_ffff;
/// GITS_BASER.Type and Entry_Size of the table of devices.
pub const BASER_DEVICES: u64 = 1 << 56 | 7 << 48;
/// The same of the table of collections.
pub const BASER_COLLECTIONS: u64 = 4 << 56 | 7 << 48;

/// PIDR4 to PIDR7, PIDR0 to PIDR3, CIDR0 to CIDR3; PIDR2 says GICv3.
pub const IDS: [u8; 12] = [0x44, 0, 0, 0, 0x94, 0xb4, 0x3b, 0x00, 0x0d, 0xf0, 0x05, 0xb1];
