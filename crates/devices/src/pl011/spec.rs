//! Register offsets and fields of the PL011 in Arm's spelling (DDI 0183, chapter 3).

pub const UARTDR: u64 = 0x000;
/// UARTRSR when read, UARTECR when written.
pub const UARTRSR: u64 = 0x004;
pub const UARTFR: u64 = 0x018;
pub const UARTILPR: u64 = 0x020;
pub const UARTIBRD: u64 = 0x024;
pub const UARTFBRD: u64 = 0x028;
pub const UARTLCR_H: u64 = 0x02c;
pub const UARTCR: u64 = 0x030;
pub const UARTIFLS: u64 = 0x034;
pub const UARTIMSC: u64 = 0x038;
pub const UARTRIS: u64 = 0x03c;
pub const UARTMIS: u64 = 0x040;
pub const UARTICR: u64 = 0x044;
pub const UARTDMACR: u64 = 0x048;
/// UARTPeriphID0, the first identification register.
pub const UARTPERIPHID0: u64 = 0xfe0;

/// UARTPeriphID0 to 3 and UARTPCellID0 to 3. The revision says r1p1 to r1p4: those have FIFOs of 16,
/// while drivers take an r1p5 to have 32.
pub const IDS: [u8; 8] = [0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1];
/// Characters a FIFO holds.
pub const FIFO_DEPTH: usize = 16;

/// UARTDR: break error; bits 8 and 9 are framing and parity error, which cannot happen here.
pub const DR_BE: u16 = 1 << 10;
/// UARTDR: characters were lost before this one.
pub const DR_OE: u16 = 1 << 11;

/// UARTRSR.OE.
pub const RSR_OE: u32 = 1 << 3;

pub const FR_CTS: u32 = 1 << 0;
pub const FR_DSR: u32 = 1 << 1;
pub const FR_DCD: u32 = 1 << 2;
pub const FR_RXFE: u32 = 1 << 4;
pub const FR_RXFF: u32 = 1 << 6;
pub const FR_TXFE: u32 = 1 << 7;
pub const FR_RI: u32 = 1 << 8;

pub const LCR_H_BRK: u32 = 1 << 0;
pub const LCR_H_FEN: u32 = 1 << 4;
pub const LCR_H_MASK: u32 = 0xff;

pub const CR_UARTEN: u32 = 1 << 0;
pub const CR_LBE: u32 = 1 << 7;
pub const CR_TXE: u32 = 1 << 8;
pub const CR_RXE: u32 = 1 << 9;
pub const CR_DTR: u32 = 1 << 10;
pub const CR_RTS: u32 = 1 << 11;
pub const CR_OUT1: u32 = 1 << 12;
pub const CR_OUT2: u32 = 1 << 13;
pub const CR_MASK: u32 = 0xff87;

/// UARTIFLS at reset: both triggers at half.
pub const IFLS_RESET: u32 = 0x12;

// Bits of UARTIMSC, UARTRIS, UARTMIS and UARTICR.
pub const INT_RI: u32 = 1 << 0;
pub const INT_CTS: u32 = 1 << 1;
pub const INT_DCD: u32 = 1 << 2;
pub const INT_DSR: u32 = 1 << 3;
pub const INT_RX: u32 = 1 << 4;
pub const INT_TX: u32 = 1 << 5;
pub const INT_RT: u32 = 1 << 6;
pub const INT_BE: u32 = 1 << 9;
pub const INT_OE: u32 = 1 << 10;
pub const INT_MASK: u32 = 0x7ff;
/// Interrupts that receiving can raise.
pub const INT_RECEIVE: u32 = INT_RX | INT_RT | INT_BE | INT_OE;
