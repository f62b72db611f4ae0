//! Commands, status bits and tables of a chip (Intel StrataFlash P30 datasheet; Common Flash Interface, JESD68.01 and
//! JEP137).

/// Read the array: the state after reset.
pub const READ_ARRAY: u8 = 0xff;
/// Read the status register.
pub const READ_STATUS: u8 = 0x70;
/// Clear the error bits of the status register.
pub const CLEAR_STATUS: u8 = 0x50;
/// Read manufacturer, device and lock bits.
pub const READ_ID: u8 = 0x90;
/// Read the CFI query table.
pub const READ_QUERY: u8 = 0x98;
/// Erase a block: to be confirmed at its address.
pub const ERASE: u8 = 0x20;
/// Program the word that is written next.
pub const PROGRAM: u8 = 0x40;
/// The same, as older chips have it.
pub const PROGRAM_OLD: u8 = 0x10;
/// Program a buffer: words less one, words, confirmation.
pub const BUFFERED_PROGRAM: u8 = 0xe8;
/// Change the lock of a block, as the next command says.
pub const LOCK: u8 = 0x60;
/// Program the protection registers, of which there are none: the next word goes nowhere.
pub const PROTECTION: u8 = 0xc0;
/// Confirms an erase or a buffer; resumes.
pub const CONFIRM: u8 = 0xd0;

/// Status: ready.
pub const SR_READY: u8 = 1 << 7;
/// Status: an erase failed, or with [`SR_PROGRAM`] a sequence of commands was wrong.
pub const SR_ERASE: u8 = 1 << 5;
/// Status: programming failed.
pub const SR_PROGRAM: u8 = 1 << 4;
/// Status: the block is locked.
pub const SR_LOCKED: u8 = 1 << 1;

/// Intel.
pub const MANUFACTURER: u16 = 0x89;
/// The device code that QEMU's `virt` has.
pub const DEVICE: u16 = 0x18;

/// Bytes of a block of one chip.
pub const CHIP_BLOCK: u32 = 128 << 10;
/// Words of a chip's buffer.
pub const BUFFER_WORDS: u16 = 32;

/// The query table from word 0x10 on, a byte each, for a chip of `bytes` in equal blocks.
pub fn query(bytes: u32) -> [u8; 0x2d] {
    let blocks = bytes / CHIP_BLOCK - 1;
    let block = CHIP_BLOCK / 256;
    let mut table = [0; 0x2d];
    let mut put = |at: usize, bytes: &[u8]| table[at - 0x10..at - 0x10 + bytes.len()].copy_from_slice(bytes);
    put(0x10, b"QRY");
    // Intel's extended command set, whose own table is at 0x31.
    put(0x13, &[1, 0, 0x31, 0]);
    // 1.7 V to 2.0 V and 8.5 V to 9.5 V, in half bytes; typical times of a word, a buffer and a block, as powers of 2 of
    // us, us and ms, and how much longer, as powers of 2, they may take.
    put(0x1b, &[0x17, 0x20, 0x85, 0x95, 8, 9, 10, 0, 1, 1, 2, 0]);
    put(0x27, &[bytes.trailing_zeros() as u8]);
    // x16, asynchronous; buffer of 64 bytes; one region of equal blocks.
    put(0x28, &[1, 0, (BUFFER_WORDS * 2).trailing_zeros() as u8, 0, 1]);
    put(0x2d, &[blocks as u8, (blocks >> 8) as u8, block as u8, (block >> 8) as u8]);
    // Version 1.0; nothing optional, no protection registers.
    put(0x31, b"PRI10");
    table
}
