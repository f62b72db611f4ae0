//! PrimeCell UART PL011 (DDI 0183): console of a machine.
//!
//! Sending takes no time, so the transmit FIFO is always empty. A receive timeout takes no time
//! either: the interrupt is raised as soon as a character waits. As with QEMU, a guest may print
//! without enabling the UART first, and has input until it programs UARTCR; after that it has input
//! while UARTEN and RXE are set.
//!
//! # Output
//! Bytes are gathered and reach the [`SerialOutput`] after a newline, after 256 of them, or by
//! [`Pl011::flush`]. Whoever runs the machine calls that when a vCPU idles, and from a tick of some
//! 20 ms for guests that never idle; it costs one atomic load when there is nothing to do.
//!
//! # Input
//! [`Pl011::receive`] takes what fits; a thread that reads the host's input calls
//! [`Pl011::receive_all`], which sleeps until the guest made room, so nothing is lost. A driver that
//! opens the UART throws away what waits there: Linux clears the receive interrupts, reads until the
//! FIFO is empty, and enables the interrupts. What was read so is received once more, as if it had come
//! a moment later, so that commands piped into a machine that still boots are not eaten.

mod output;
mod spec;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard};

use armlet_base::{Access, IrqLine, MmioDevice};

pub use output::{SerialOutput, WriterOutput};

use crate::mmio::{self, GuestErrors};
use output::Transmitter;
use spec::*;

/// Bytes of the register frame.
pub const SIZE: u64 = 0x1000;

/// A PL011.
pub struct Pl011 {
    state: Mutex<State>,
    room: Condvar,
    transmitter: Transmitter,
    irq: IrqLine,
    errors: GuestErrors,
}

struct State {
    cr: u32,
    /// Whether the guest wrote UARTCR since reset.
    programmed: bool,
    lcr_h: u32,
    ifls: u32,
    imsc: u32,
    ris: u32,
    /// Errors as UARTRSR shows them.
    rsr: u32,
    ilpr: u32,
    ibrd: u32,
    fbrd: u32,
    dmacr: u32,
    /// Received characters as UARTDR shows them. Never more than [`FIFO_DEPTH`], but for those
    /// that come once more.
    received: VecDeque<u16>,
    /// Characters read since a write to UARTICR cleared the receive interrupts, if nothing was written
    /// since: they are being thrown away if UARTIMSC comes next.
    drained: Option<Vec<u16>>,
    /// Characters were lost since the last one in `received`.
    overrun: bool,
    /// Whether `received` was at the trigger level when last looked at.
    at_trigger: bool,
    /// UARTFR's modem inputs when last looked at.
    modem: u32,
    /// The level of UARTINTR.
    level: bool,
    /// Threads in [`Pl011::wait_room`]: waking nobody would still be a system call.
    waiting: usize,
    closed: bool,
}

impl Default for State {
    fn default() -> Self {
        Self {
            cr: CR_TXE | CR_RXE,
            programmed: false,
            lcr_h: 0,
            ifls: IFLS_RESET,
            imsc: 0,
            ris: 0,
            rsr: 0,
            ilpr: 0,
            ibrd: 0,
            fbrd: 0,
            dmacr: 0,
            received: VecDeque::with_capacity(FIFO_DEPTH),
            drained: None,
            overrun: false,
            at_trigger: false,
            modem: TERMINAL,
            level: false,
            waiting: 0,
            closed: false,
        }
    }
}

/// The modem inputs with a terminal on the line that is always ready.
const TERMINAL: u32 = FR_CTS | FR_DSR | FR_DCD;

impl Pl011 {
    /// A UART that sends to `output` and drives its combined interrupt UARTINTR on `irq`.
    pub fn new(output: Box<dyn SerialOutput>, irq: IrqLine) -> Self {
        Self {
            state: Mutex::default(),
            room: Condvar::new(),
            transmitter: Transmitter::new(output),
            irq,
            errors: GuestErrors::default(),
        }
    }

    /// Receives bytes from the line, and returns how many fitted; the rest stays with the caller.
    pub fn receive(&self, bytes: &[u8]) -> usize {
        let mut state = self.state();
        let fits = state.room().min(bytes.len());
        for &byte in &bytes[..fits] {
            state.push(byte.into());
        }
        if fits != 0 {
            self.drive(&mut state);
        }
        fits
    }

    /// Receives all of `bytes`, sleeping while the guest does not read. Returns how many it took: fewer
    /// only after [`Pl011::close`].
    pub fn receive_all(&self, bytes: &[u8]) -> usize {
        let mut done = 0;
        while done < bytes.len() && self.wait_room() {
            done += self.receive(&bytes[done..]);
        }
        done
    }

    /// Receives a break, as a terminal sends it for Linux's SysRq. `false` if it did not fit.
    pub fn receive_break(&self) -> bool {
        let mut state = self.state();
        let fits = state.room() != 0;
        if fits {
            state.push(DR_BE);
            self.drive(&mut state);
        }
        fits
    }

    /// Sleeps until at least half of the FIFO is free and the guest takes input. `false` if the UART
    /// was closed.
    pub fn wait_room(&self) -> bool {
        let mut state = self.state();
        state.waiting += 1;
        let mut state = self.room.wait_while(state, |state| !state.closed && !state.invites()).unwrap();
        state.waiting -= 1;
        !state.closed
    }

    /// Ends every [`Pl011::wait_room`] and [`Pl011::receive_all`] now and later: the machine stops.
    pub fn close(&self) {
        self.state().closed = true;
        self.room.notify_all();
    }

    /// Hands over everything sent so far and flushes the output. See the module's text.
    pub fn flush(&self) {
        self.transmitter.flush();
    }

    /// Accesses to registers that do not exist, and sending while the transmitter is disabled.
    pub fn errors(&self) -> &GuestErrors {
        &self.errors
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Drives UARTINTR, and wakes who waits for room. Every change of the state ends here.
    fn drive(&self, state: &mut State) {
        let level = state.ris & state.imsc != 0;
        if level != state.level {
            state.level = level;
            self.irq.set(level);
        }
        if state.waiting != 0 && state.invites() {
            self.room.notify_all();
        }
    }

    fn write_register(&self, offset: u64, value: u32) -> Option<()> {
        let mut state = self.state();
        if offset == UARTDR {
            if state.cr & (CR_UARTEN | CR_TXE) != CR_UARTEN | CR_TXE && state.programmed {
                self.errors.note(offset, 4, true);
            }
            state.transmitted(value as u8);
            self.drive(&mut state);
            drop(state);
            self.transmitter.send(value as u8);
            return Some(());
        }
        state.write(offset, value)?;
        self.drive(&mut state);
        Some(())
    }
}

impl MmioDevice for Pl011 {
    fn read(&self, access: Access, offset: u64) -> u64 {
        let mut state = self.state();
        mmio::read(&self.errors, access, offset, |offset, size| {
            let value = if size == 8 { None } else { state.read(offset) };
            if offset == UARTDR {
                self.drive(&mut state);
            }
            value.map(u64::from)
        })
    }

    fn write(&self, access: Access, offset: u64, value: u64) {
        mmio::write(&self.errors, access, offset, value, |offset, size, value| {
            if size == 8 { None } else { self.write_register(offset, value as u32) }
        });
    }

    fn reset(&self) {
        let mut state = self.state();
        let State { level, waiting, closed, .. } = *state;
        *state = State { level, waiting, closed, ..State::default() };
        self.drive(&mut state);
    }

    fn awaits_host(&self) -> bool {
        let state = self.state();
        !state.closed && state.imsc & INT_RECEIVE != 0
    }
}

impl State {
    fn capacity(&self) -> usize {
        if self.lcr_h & LCR_H_FEN != 0 { FIFO_DEPTH } else { 1 }
    }

    fn loopback(&self) -> bool {
        self.cr & CR_LBE != 0
    }

    /// A register is about to be written.
    fn note_draining(&mut self, offset: u64, value: u32) {
        let drained = self.drained.take();
        match offset {
            UARTICR if value & (INT_RX | INT_RT) == INT_RX | INT_RT => self.drained = Some(Vec::new()),
            UARTIMSC if value & (INT_RX | INT_RT) != 0 && self.imsc & (INT_RX | INT_RT) == 0 => {
                for character in drained.unwrap_or_default().into_iter().rev() {
                    self.received.push_front(character);
                }
                self.update_receive();
            }
            _ => {}
        }
    }

    /// How many characters the line may send now.
    fn room(&self) -> usize {
        let enabled = !self.programmed || self.cr & (CR_UARTEN | CR_RXE) == CR_UARTEN | CR_RXE;
        if enabled && !self.loopback() { self.capacity().saturating_sub(self.received.len()) } else { 0 }
    }

    /// Whether there is enough room to wake whoever waits for it.
    fn invites(&self) -> bool {
        self.room() != 0 && self.received.len() <= self.capacity() / 2
    }

    /// Characters at which the receive interrupt is raised.
    fn trigger(&self) -> usize {
        match (self.lcr_h & LCR_H_FEN, self.ifls >> 3 & 7) {
            (0, _) => 1,
            (_, 0) => FIFO_DEPTH / 8,
            (_, 1) => FIFO_DEPTH / 4,
            (_, 2) => FIFO_DEPTH / 2,
            (_, 3) => FIFO_DEPTH * 3 / 4,
            _ => FIFO_DEPTH * 7 / 8,
        }
    }

    /// A character arrives. It is lost if there is no room, which only loopback can bring about.
    fn push(&mut self, character: u16) {
        if self.received.len() >= self.capacity() {
            self.overrun = true;
            self.rsr |= RSR_OE;
            self.ris |= INT_OE;
            return;
        }
        let lost = if std::mem::take(&mut self.overrun) { DR_OE } else { 0 };
        self.received.push_back(character | lost);
        if character & DR_BE != 0 {
            self.ris |= INT_BE;
        }
        self.update_receive();
    }

    /// The receive interrupts after a change of the FIFO or its trigger (section 2.8). RX comes with
    /// reaching the trigger, so that clearing it lasts; RT stays for as long as a character waits.
    fn update_receive(&mut self) {
        let at_trigger = self.received.len() >= self.trigger();
        if at_trigger && !self.at_trigger {
            self.ris |= INT_RX;
        } else if !at_trigger {
            self.ris &= !INT_RX;
        }
        self.at_trigger = at_trigger;
        if self.received.is_empty() {
            self.ris &= !INT_RT;
        } else {
            self.ris |= INT_RT;
        }
    }

    /// A character was sent. The FIFO is at once empty again, which is what TX tells.
    fn transmitted(&mut self, byte: u8) {
        self.drained = None;
        if self.loopback() {
            self.push(byte.into());
        }
        self.ris |= INT_TX;
    }

    /// UARTFR's modem inputs. In loopback they are this UART's own outputs.
    fn modem_inputs(&self) -> u32 {
        if !self.loopback() {
            return TERMINAL;
        }
        [(CR_RTS, FR_CTS), (CR_DTR, FR_DSR), (CR_OUT1, FR_DCD), (CR_OUT2, FR_RI)]
            .into_iter()
            .filter(|(output, _)| self.cr & output != 0)
            .fold(0, |inputs, (_, input)| inputs | input)
    }

    fn update_modem(&mut self) {
        let modem = self.modem_inputs();
        let changed = modem ^ self.modem;
        self.modem = modem;
        for (input, interrupt) in [(FR_CTS, INT_CTS), (FR_DSR, INT_DSR), (FR_DCD, INT_DCD), (FR_RI, INT_RI)] {
            if changed & input != 0 {
                self.ris |= interrupt;
            }
        }
    }

    fn read(&mut self, offset: u64) -> Option<u32> {
        let value = match offset {
            UARTDR => {
                let Some(character) = self.received.pop_front() else { return Some(0) };
                self.rsr = self.rsr & RSR_OE | u32::from(character >> 8);
                self.update_receive();
                // A guest that reads more than a FIFO or two is not opening the UART.
                match &mut self.drained {
                    Some(drained) if drained.len() < 2 * FIFO_DEPTH => drained.push(character),
                    drained => *drained = None,
                }
                character.into()
            }
            UARTRSR => self.rsr,
            UARTFR => {
                let empty = if self.received.is_empty() { FR_RXFE } else { 0 };
                let full = if self.received.len() >= self.capacity() { FR_RXFF } else { 0 };
                FR_TXFE | empty | full | self.modem
            }
            UARTILPR => self.ilpr,
            UARTIBRD => self.ibrd,
            UARTFBRD => self.fbrd,
            UARTLCR_H => self.lcr_h,
            UARTCR => self.cr,
            UARTIFLS => self.ifls,
            UARTIMSC => self.imsc,
            UARTRIS => self.ris,
            UARTMIS => self.ris & self.imsc,
            // Write-only.
            UARTICR => 0,
            UARTDMACR => self.dmacr,
            _ => return mmio::id_register(&IDS, UARTPERIPHID0, offset).map(|id| id as u32),
        };
        Some(value)
    }

    /// Writes any register but UARTDR.
    fn write(&mut self, offset: u64, value: u32) -> Option<()> {
        self.note_draining(offset, value);
        match offset {
            // UARTECR: any value clears the errors.
            UARTRSR => self.rsr = 0,
            UARTFR | UARTRIS | UARTMIS => {}
            UARTILPR => self.ilpr = value & 0xff,
            UARTIBRD => self.ibrd = value & 0xffff,
            UARTFBRD => self.fbrd = value & 0x3f,
            UARTLCR_H => {
                let rising = value & !self.lcr_h;
                // What was received stays when the FIFO is switched off or on.
                self.lcr_h = value & LCR_H_MASK;
                self.update_receive();
                if rising & LCR_H_BRK != 0 && self.loopback() {
                    self.push(DR_BE);
                }
            }
            UARTCR => {
                self.cr = value & CR_MASK;
                self.programmed = true;
                self.update_modem();
            }
            UARTIFLS => {
                self.ifls = value & 0x3f;
                self.update_receive();
            }
            UARTIMSC => self.imsc = value & INT_MASK,
            UARTICR => {
                self.ris &= !value;
                self.update_receive();
            }
            // There is no DMA controller to ask.
            UARTDMACR => self.dmacr = value & 7,
            _ => return None,
        }
        Some(())
    }
}
