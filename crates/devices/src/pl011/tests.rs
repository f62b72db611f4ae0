//! Register-level tests, and sequences as Linux's amba-pl011 writes them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use armlet_base::IrqSink;
use proptest::prelude::*;

use super::*;

#[derive(Default)]
struct Wire(AtomicBool);

impl IrqSink for Wire {
    fn set_level(&self, intid: u32, level: bool) {
        assert_eq!(intid, 33);
        assert_ne!(self.0.swap(level, Ordering::SeqCst), level, "only changes are told");
    }
}

#[derive(Clone, Default)]
struct Host(Arc<Mutex<(Vec<Vec<u8>>, usize)>>);

impl SerialOutput for Host {
    fn write(&mut self, bytes: &[u8]) {
        self.0.lock().unwrap().0.push(bytes.to_vec());
    }

    fn flush(&mut self) {
        self.0.lock().unwrap().1 += 1;
    }
}

impl Host {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().0.concat()).unwrap()
    }

    fn writes(&self) -> usize {
        self.0.lock().unwrap().0.len()
    }

    fn flushes(&self) -> usize {
        self.0.lock().unwrap().1
    }
}

struct Rig {
    uart: Arc<Pl011>,
    wire: Arc<Wire>,
    host: Host,
}

fn rig() -> Rig {
    let (wire, host) = (Arc::new(Wire::default()), Host::default());
    let uart = Arc::new(Pl011::new(Box::new(host.clone()), IrqLine::new(wire.clone(), 33)));
    Rig { uart, wire, host }
}

const WORD: Access = Access { cpu: 0, size: 4 };

impl Rig {
    fn r(&self, offset: u64) -> u32 {
        self.uart.read(WORD, offset) as u32
    }

    fn w(&self, offset: u64, value: u32) {
        self.uart.write(WORD, offset, value.into());
    }

    fn irq(&self) -> bool {
        self.wire.0.load(Ordering::SeqCst)
    }

    /// As pl011_startup and pl011_set_termios of Linux do for 115200 8N1.
    fn linux_init(&self) {
        self.w(UARTICR, 0x7ff);
        self.w(UARTIFLS, 0x12);
        self.w(UARTCR, CR_UARTEN | CR_TXE | CR_RXE);
        self.w(UARTCR, 0);
        self.w(UARTFBRD, 1);
        self.w(UARTIBRD, 13);
        self.w(UARTLCR_H, 0x70);
        self.w(UARTCR, CR_UARTEN | CR_TXE | CR_RXE | CR_RTS | CR_DTR);
        self.w(UARTICR, INT_RT | INT_RX);
        for _ in 0..32 {
            if self.r(UARTFR) & FR_RXFE != 0 {
                break;
            }
            self.r(UARTDR);
        }
        self.w(UARTIMSC, INT_RT | INT_RX);
    }
}

#[test]
fn reset_values_and_identification() {
    let r = rig();
    assert_eq!(r.r(UARTCR), 0x300);
    assert_eq!(r.r(UARTIFLS), 0x12);
    assert_eq!(r.r(UARTFR) & (FR_RXFE | FR_TXFE | FR_RXFF), FR_RXFE | FR_TXFE);
    assert_eq!((r.r(UARTRIS), r.r(UARTIMSC), r.r(UARTLCR_H)), (0, 0, 0));
    let ids: Vec<_> = (0..8).map(|i| r.r(0xfe0 + 4 * i)).collect();
    assert_eq!(ids, [0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1]);
    assert_eq!(r.uart.read(Access { cpu: 0, size: 2 }, UARTCR), 0x300, "halfword access");
    assert_eq!(r.uart.errors().count(), 0);
    r.r(0x80);
    r.uart.read(Access { cpu: 0, size: 1 }, 1);
    assert_eq!(r.uart.errors().count(), 2);
}

#[test]
fn registers_keep_their_fields() {
    let r = rig();
    let fields = [
        (UARTILPR, 0xff),
        (UARTIBRD, 0xffff),
        (UARTFBRD, 0x3f),
        (UARTLCR_H, 0xff),
        (UARTCR, 0xff87),
        (UARTIFLS, 0x3f),
        (UARTIMSC, 0x7ff),
        (UARTDMACR, 7),
    ];
    for (offset, mask) in fields {
        r.w(offset, !0);
        assert_eq!(r.r(offset), mask, "{offset:#x}");
    }
    r.uart.reset();
    assert_eq!((r.r(UARTCR), r.r(UARTIBRD)), (0x300, 0));
}

#[test]
fn output_is_gathered_to_lines() {
    let r = rig();
    for byte in b"hello\r" {
        r.w(UARTDR, (*byte).into());
    }
    assert_eq!(r.host.writes(), 0);
    r.w(UARTDR, b'\n'.into());
    assert_eq!((r.host.text().as_str(), r.host.writes(), r.host.flushes()), ("hello\r\n", 1, 1));
    r.uart.flush();
    assert_eq!(r.host.flushes(), 1, "nothing to flush");
    for byte in b"login: " {
        r.w(UARTDR, (*byte).into());
    }
    r.uart.flush();
    assert_eq!((r.host.text().as_str(), r.host.flushes()), ("hello\r\nlogin: ", 2));
    for _ in 0..600 {
        r.w(UARTDR, b'x'.into());
    }
    assert_eq!(r.host.writes(), 4, "256 bytes at a time");
    drop(r.uart);
    assert_eq!(r.host.text().len(), 14 + 600, "the rest when the machine goes away");
}

#[test]
fn transmit_interrupt_follows_each_character_until_cleared() {
    let r = rig();
    r.linux_init();
    r.w(UARTIMSC, INT_TX);
    assert!(!r.irq(), "not before the first character");
    r.w(UARTDR, b'a'.into());
    assert!(r.irq());
    assert_eq!(r.r(UARTMIS), INT_TX);
    r.w(UARTICR, INT_TX);
    assert!(!r.irq());
    r.w(UARTDR, b'b'.into());
    assert!(r.irq());
    r.w(UARTIMSC, 0);
    assert!(!r.irq());
    assert_eq!((r.r(UARTRIS), r.r(UARTMIS)), (INT_TX, 0));
    r.uart.flush();
    assert_eq!(r.host.text(), "ab");
}

#[test]
fn linux_reads_input_by_interrupt() {
    let r = rig();
    r.linux_init();
    assert_eq!(r.uart.receive(b"hi"), 2);
    assert!(r.irq(), "receive timeout at once");
    assert_eq!(r.r(UARTMIS), INT_RT, "below the trigger");
    // pl011_int and pl011_fifo_to_tty.
    let mut got = Vec::new();
    while r.r(UARTRIS) & r.r(UARTIMSC) != 0 {
        while r.r(UARTFR) & FR_RXFE == 0 {
            got.push(r.r(UARTDR) as u8);
        }
    }
    assert_eq!(got, b"hi");
    assert!(!r.irq());
    assert_eq!(r.r(UARTDR), 0, "empty");
}

#[test]
fn receive_interrupt_comes_at_the_trigger_and_stays_cleared() {
    for (ifls, trigger) in [(0, 2), (1, 4), (2, 8), (3, 12), (4, 14)] {
        let r = rig();
        r.linux_init();
        r.w(UARTIFLS, ifls << 3);
        r.w(UARTIMSC, INT_RX);
        r.uart.receive(&vec![1; trigger - 1]);
        assert!(!r.irq(), "{trigger}");
        r.uart.receive(&[1]);
        assert!(r.irq(), "{trigger}");
        r.w(UARTICR, INT_RX);
        assert!(!r.irq(), "cleared");
        r.r(UARTDR);
        r.uart.receive(&[1]);
        assert!(r.irq(), "reached again");
        r.r(UARTDR);
        assert!(!r.irq(), "below again");
    }
}

#[test]
fn receive_timeout_lasts_until_the_fifo_is_empty() {
    let r = rig();
    r.linux_init();
    r.uart.receive(b"ab");
    r.w(UARTICR, INT_RT);
    assert!(r.irq(), "a character still waits");
    r.r(UARTDR);
    assert!(r.irq());
    r.r(UARTDR);
    assert!(!r.irq());
}

#[test]
fn without_the_fifo_there_is_room_for_one() {
    let r = rig();
    r.linux_init();
    r.w(UARTLCR_H, 0x60);
    assert_eq!(r.uart.receive(b"abc"), 1);
    assert_eq!(r.r(UARTFR) & (FR_RXFF | FR_RXFE), FR_RXFF);
    assert_eq!(r.r(UARTRIS) & INT_RX, INT_RX);
    assert_eq!(r.r(UARTDR), u32::from(b'a'));
    assert_eq!(r.r(UARTFR) & (FR_RXFF | FR_RXFE), FR_RXFE);
    assert_eq!(r.r(UARTRIS) & (INT_RX | INT_RT), 0);
}

#[test]
fn switching_the_fifo_keeps_what_was_received() {
    let r = rig();
    r.linux_init();
    assert_eq!(r.uart.receive(&[7; 20]), 16);
    assert_eq!(r.r(UARTFR) & FR_RXFF, FR_RXFF);
    r.w(UARTLCR_H, 0);
    assert_eq!(r.uart.receive(&[7]), 0);
    r.w(UARTLCR_H, LCR_H_FEN);
    let got =
        (0..).take_while(|_| r.r(UARTFR) & FR_RXFE == 0).inspect(|_| assert_eq!(r.r(UARTDR), 7)).count();
    assert_eq!(got, 16);
}

#[test]
fn input_waits_until_the_guest_enables_it() {
    let r = rig();
    assert_eq!(r.uart.receive(b"x"), 1, "a guest that programs nothing");
    r.r(UARTDR);
    r.w(UARTCR, CR_UARTEN | CR_TXE);
    assert_eq!(r.uart.receive(b"x"), 0);
    r.w(UARTCR, CR_UARTEN | CR_RXE);
    assert_eq!(r.uart.receive(b"x"), 1);
}

#[test]
fn loopback_returns_characters_breaks_and_modem_lines() {
    let r = rig();
    r.linux_init();
    let on = CR_UARTEN | CR_TXE | CR_RXE | CR_LBE;
    r.w(UARTCR, on | CR_RTS | CR_OUT2);
    assert_eq!(r.r(UARTFR) & (FR_CTS | FR_DSR | FR_DCD | FR_RI), FR_CTS | FR_RI);
    assert_eq!(r.r(UARTRIS) & 0xf, INT_DSR | INT_DCD | INT_RI, "those that changed");
    r.w(UARTICR, 0xf);
    r.w(UARTCR, on | CR_DTR | CR_OUT1 | CR_OUT2);
    assert_eq!(r.r(UARTRIS) & 0xf, INT_CTS | INT_DSR | INT_DCD);
    assert_eq!(r.uart.receive(b"x"), 0, "the line is cut off");
    r.w(UARTDR, b'l'.into());
    assert_eq!(r.r(UARTDR), u32::from(b'l'));
    r.w(UARTLCR_H, 0x71);
    assert_eq!(r.r(UARTRIS) & INT_BE, INT_BE);
    assert_eq!(r.r(UARTDR), u32::from(DR_BE));
    assert_eq!(r.r(UARTRSR), 4, "UARTRSR.BE");
    r.w(UARTRSR, 0);
    assert_eq!(r.r(UARTRSR), 0);
    for i in 0..18 {
        r.w(UARTDR, i);
    }
    assert_eq!((r.r(UARTRSR), r.r(UARTRIS) & INT_OE), (RSR_OE, INT_OE), "two were lost");
    assert_eq!(r.r(UARTDR), 0);
    r.w(UARTDR, 0x55);
    for i in 1..16 {
        assert_eq!(r.r(UARTDR), i);
    }
    assert_eq!(r.r(UARTDR), 0x55 | u32::from(DR_OE));
}

#[test]
fn a_break_from_the_line_is_marked() {
    let r = rig();
    r.linux_init();
    assert!(r.uart.receive_break());
    assert_eq!(r.r(UARTDR), u32::from(DR_BE));
    r.uart.receive(&[0; 16]);
    assert!(!r.uart.receive_break());
}

#[test]
fn a_reader_thread_loses_nothing_and_ends_when_closed() {
    let r = rig();
    r.linux_init();
    let input: Vec<u8> = (0..100_000_u32).map(|i| (i * 7 / 8) as u8).collect();
    let (uart, sent) = (r.uart.clone(), input.clone());
    let feeder = std::thread::spawn(move || {
        assert_eq!(uart.receive_all(&sent), sent.len());
        uart.receive_all(&[0; 64])
    });
    let mut got = Vec::new();
    while got.len() < input.len() {
        if r.r(UARTFR) & FR_RXFE == 0 {
            got.push(r.r(UARTDR) as u8);
        } else {
            std::thread::yield_now();
        }
    }
    assert_eq!(got, input);
    r.uart.close();
    assert!(feeder.join().unwrap() <= 16);
}

proptest! {
    /// Whatever a guest does, nothing panics, the wire is RIS & IMSC and the FIFO keeps its bound.
    #[test]
    fn any_sequence_of_accesses_keeps_the_state_consistent(
        ops in proptest::collection::vec(
            (prop_oneof![8 => 0..0x50_u64, 1 => any::<u64>()], 0..10_u8, any::<Option<u32>>(), 0..20_usize),
            1..200,
        ),
    ) {
        let r = rig();
        for (offset, size, value, input) in ops {
            let size = if size > 8 { 4 } else { size };
            match value {
                None => { r.uart.read(Access { cpu: 0, size }, offset); }
                Some(value) => r.uart.write(Access { cpu: 0, size }, offset & !3, value.into()),
            }
            r.uart.receive(&vec![0x41; input]);
            let state = r.uart.state();
            prop_assert!(state.received.len() <= FIFO_DEPTH);
            prop_assert_eq!(r.irq(), state.ris & state.imsc != 0);
        }
    }
}

#[test]
fn opening_the_uart_eats_nothing_that_was_typed_ahead() {
    let r = rig();
    assert_eq!(r.uart.receive(b"p"), 1, "without FIFO");
    r.w(UARTLCR_H, 0x70);
    assert_eq!(r.uart.receive(b"oweroff"), 7);
    r.linux_init();
    assert!(r.irq());
    let read: Vec<u8> =
        std::iter::from_fn(|| (r.r(UARTFR) & FR_RXFE == 0).then(|| r.r(UARTDR) as u8)).collect();
    assert_eq!(read, b"poweroff");

    // What is read in any other way was read, also if the interrupts are enabled later.
    r.w(UARTIMSC, 0);
    r.w(UARTICR, INT_RT | INT_RX);
    r.uart.receive(b"key");
    assert_eq!(r.r(UARTDR) as u8, b'k');
    r.w(UARTDR, b'k'.into());
    r.w(UARTIMSC, INT_RT | INT_RX);
    assert_eq!(r.r(UARTDR) as u8, b'e');
    r.w(UARTIMSC, INT_RT | INT_RX);
    assert_eq!(r.r(UARTDR) as u8, b'y');
}
