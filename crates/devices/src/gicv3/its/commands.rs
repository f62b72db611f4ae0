//! The command queue (IHI 0069H, 5.3).

use super::spec::VALID;
use super::tables::{self, Device, Translation};
use super::{State, spec};
use crate::gic::lpis::FIRST_LPI;
use crate::gicv3::Gicv3;

/// Bytes of a command.
pub const LEN: u64 = 32;

const MOVI: u8 = 0x01;
const INT: u8 = 0x03;
const CLEAR: u8 = 0x04;
const SYNC: u8 = 0x05;
const MAPD: u8 = 0x08;
const MAPC: u8 = 0x09;
const MAPTI: u8 = 0x0a;
const MAPI: u8 = 0x0b;
const INV: u8 = 0x0c;
const INVALL: u8 = 0x0d;
const MOVALL: u8 = 0x0e;
const DISCARD: u8 = 0x0f;

/// A command as it lies in memory. Which fields it has depends on what it is.
#[derive(Clone, Copy, Debug)]
pub struct Command(pub [u64; 4]);

impl Command {
    fn device(self) -> u64 {
        self.0[0] >> 32
    }

    fn event(self) -> u32 {
        self.0[1] as u32
    }

    fn collection(self) -> u16 {
        self.0[2] as u16
    }

    fn valid(self) -> bool {
        self.0[2] & VALID != 0
    }

    /// RDbase in doubleword `index`: the number of a CPU.
    fn target(self, index: usize) -> usize {
        (self.0[index] >> 16 & 0xffff) as usize
    }
}

impl State {
    /// Executes a command; the interrupts it had to look at, which is what makes one long. One that is wrong does nothing, as
    /// an ITS may that doesn't report errors.
    pub(super) fn execute(&mut self, gic: &Gicv3, command: Command) -> usize {
        match command.0[0] as u8 {
            MAPD => self.map_device(command),
            MAPC => self.map_collection(gic, command),
            MAPTI => self.map_event(command, (command.0[1] >> 32) as u32),
            MAPI => self.map_event(command, command.event()),
            INT | CLEAR | INV | DISCARD | MOVI => self.change_event(gic, command),
            INVALL => {
                let cpu = self.collection(command.collection());
                return cpu.map_or(0, |cpu| gic.refresh_lpis(cpu));
            }
            MOVALL => return gic.move_lpis(command.target(2), command.target(3)),
            // All that came before is done by now.
            SYNC => {}
            _ => {}
        }
        0
    }

    fn map_device(&mut self, command: Command) {
        let Some(at) = self.device_entry(command.device()) else { return };
        let bits = (command.0[1] & 0x1f) as u32 + 1;
        if !command.valid() {
            tables::store(&self.ram, at, 0);
        } else if bits <= spec::ID_BITS {
            tables::store(&self.ram, at, Device { table: command.0[2], bits }.encode());
        }
    }

    fn map_collection(&mut self, gic: &Gicv3, command: Command) {
        let Some(at) = self.collection_entry(command.collection()) else { return };
        let cpu = command.target(2);
        if !command.valid() {
            tables::store(&self.ram, at, 0);
        } else if cpu < gic.cpus() {
            tables::store(&self.ram, at, tables::encode_collection(cpu as u16));
        }
    }

    fn map_event(&mut self, command: Command, intid: u32) {
        let at = self.device(command.device()).and_then(|device| device.event(command.event()));
        if let Some(at) = at.filter(|_| (FIRST_LPI..1 << spec::ID_BITS).contains(&intid)) {
            let translation = Translation { intid, collection: command.collection() };
            tables::store(&self.ram, at, translation.encode());
        }
    }

    /// Commands about an event that is mapped.
    fn change_event(&mut self, gic: &Gicv3, command: Command) {
        let Some((at, translation)) = self.event(command.device(), command.event()) else { return };
        let intid = translation.intid;
        let cpu = self.collection(translation.collection);
        match (command.0[0] as u8, cpu) {
            (INT, Some(cpu)) => gic.set_lpi(cpu, intid),
            (CLEAR, Some(cpu)) => gic.clear_lpi(cpu, intid),
            (INV, Some(cpu)) => gic.refresh_lpi(cpu, intid),
            (DISCARD, cpu) => {
                cpu.into_iter().for_each(|cpu| gic.clear_lpi(cpu, intid));
                tables::store(&self.ram, at, 0);
            }
            (MOVI, cpu) => {
                let collection = command.collection();
                tables::store(&self.ram, at, Translation { intid, collection }.encode());
                if let (Some(from), Some(to)) = (cpu, self.collection(collection)) {
                    gic.move_lpi(from, to, intid);
                }
            }
            _ => {}
        }
    }
}
