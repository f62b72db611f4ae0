//! Commands and tables as Linux's irq-gic-v3-its writes them, and as nobody should.

use armlet_arm::gic::CpuInterface;
use armlet_base::{IrqSink, RamKind, RamRegion};
use proptest::prelude::*;

use super::super::spec::icc::*;
use super::super::spec::{GICR_CTLR, GICR_PENDBASER, GICR_PROPBASER, REDISTRIBUTOR};
use super::*;
use crate::gic::testing::{Pins, Port};

const AT: u64 = 0x0808_0000;
const RAM: u64 = 0x4000_0000;
const RAM_LEN: u64 = 0x10_0000;
const PROPERTIES: u64 = RAM + 0x1_0000;
const PENDING: [u64; 2] = [RAM + 0x2_0000, RAM + 0x3_0000];
const QUEUE: u64 = RAM + 0x5_0000;
const DEVICES: u64 = RAM + 0x6_0000;
const COLLECTIONS: u64 = RAM + 0x7_0000;
const EVENTS: u64 = RAM + 0x8_0000;
const LPI: u32 = 8192;
const DEVICE: u64 = 8;

struct Rig {
    ram: Arc<GuestRam>,
    gic: Arc<Gicv3>,
    its: Arc<Its>,
    registers: Port,
    redist: Port,
    pins: [Arc<Pins>; 2],
}

/// Two CPUs that take LPIs, a queue, and flat tables of a page each.
fn rig() -> Rig {
    let region = RamRegion { gpa: RAM, len: RAM_LEN, kind: RamKind::ReadWrite };
    let ram = Arc::new(GuestRam::new(&[region]).unwrap());
    let gic = Gicv3::with_lpis(2, 64, ram.clone()).unwrap();
    let its = Arc::new(Its::new(gic.clone(), AT, ram.clone()));
    let pins = [0, 1].map(|cpu| {
        let pins = Arc::new(Pins::default());
        gic.connect(cpu, pins.clone());
        pins
    });
    let (registers, redist) = (Port(its.clone(), 0), Port(gic.redistributors(0..2), 0));
    let rig = Rig { ram, gic, its, registers, redist, pins };
    Port(rig.gic.distributor(), 0).w32(0, 0x13);
    for (cpu, pending) in PENDING.into_iter().enumerate() {
        rig.gic.write(cpu, ICC_PMR_EL1, 0xf0).unwrap();
        rig.gic.write(cpu, ICC_IGRPEN1_EL1, 1).unwrap();
        let frame = cpu as u64 * REDISTRIBUTOR;
        rig.redist.write(8, frame + GICR_PROPBASER, PROPERTIES | 15);
        rig.redist.write(8, frame + GICR_PENDBASER, pending | 1 << 62);
        rig.redist.w32(frame + GICR_CTLR, 1);
    }
    rig.registers.write(8, GITS_CBASER, VALID | QUEUE);
    rig.registers.write(8, GITS_BASER, VALID | DEVICES);
    rig.registers.write(8, GITS_BASER + 8, VALID | COLLECTIONS);
    rig.registers.w32(GITS_CTLR, 1);
    rig
}

impl Rig {
    /// Priority and enable bit of an LPI.
    fn configure(&self, intid: u32, byte: u8) {
        self.ram.write(PROPERTIES + u64::from(intid - LPI), &[byte]).unwrap();
    }

    fn command(&self, words: [u64; 4]) {
        let at = self.registers.read(8, GITS_CWRITER);
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.ram.write(QUEUE + at, &bytes).unwrap();
        self.registers.write(8, GITS_CWRITER, (at + 32) % 0x1000);
        assert_eq!(self.registers.read(8, GITS_CREADR), (at + 32) % 0x1000, "it was executed");
    }

    fn about(&self, command: u64, event: u32) {
        self.command([DEVICE << 32 | command, event.into(), 0, 0]);
    }

    fn map_device(&self, device: u64, bits: u64, table: u64) {
        self.command([device << 32 | 0x08, bits - 1, VALID | table, 0]);
    }

    fn map_collection(&self, collection: u64, cpu: u64) {
        self.command([0x09, 0, VALID | cpu << 16 | collection, 0]);
    }

    fn map_event(&self, device: u64, event: u64, intid: u32, collection: u64) {
        self.command([device << 32 | 0x0a, u64::from(intid) << 32 | event, collection, 0]);
    }

    /// A device with events 0 to 3, LPIs from the first on, at CPU 0, all enabled.
    fn map(&self) {
        self.map_collection(0, 0);
        self.map_collection(1, 1);
        self.map_device(DEVICE, 2, EVENTS);
        for event in 0..4 {
            self.configure(LPI + event, 0xa0 | 1);
            self.map_event(DEVICE, event.into(), LPI + event, 0);
        }
    }

    fn send(&self, data: u32) {
        self.its.send(Message { address: AT + GITS_TRANSLATER, data, device: DEVICE as u32 });
    }

    /// What a CPU acknowledges, and ends.
    fn take(&self, cpu: usize) -> u32 {
        let intid = self.gic.read(cpu, ICC_IAR1_EL1).unwrap();
        self.gic.write(cpu, ICC_EOIR1_EL1, intid).unwrap();
        intid as u32
    }
}

#[test]
fn says_what_it_can() {
    let rig = rig();
    let r = &rig.registers;
    assert_eq!(r.r32(0xffe8) >> 4 & 15, 3, "GITS_PIDR2.ArchRev");
    let typer = r.read(8, GITS_TYPER);
    assert_eq!(
        (typer & 1, typer >> 4 & 15, typer >> 8 & 31, typer >> 13 & 31, typer >> 19 & 1),
        (1, 7, 15, 15, 0)
    );
    assert_eq!(u64::from(r.r32(GITS_TYPER + 4)), typer >> 32);
    assert_eq!(r.read(8, GITS_BASER) >> 48 & 0x71f, 0x107, "devices, in eight bytes each");
    assert_eq!(r.read(8, GITS_BASER + 8) >> 48 & 0x71f, 0x407, "collections");
    r.write(8, GITS_BASER, !0);
    assert_eq!(r.read(8, GITS_BASER) & 0xffff_f000, DEVICES, "not while it is enabled");
    r.w32(GITS_CTLR, 0);
    assert_eq!(r.r32(GITS_CTLR), 1 << 31, "quiescent");
    r.w32(GITS_BASER + 4, !0);
    assert_eq!(r.read(8, GITS_BASER) >> 48, 0xf9e7, "type and size stay");
    assert_eq!((r.read(8, GITS_BASER + 16), r.read(8, 0x138)), (0, 0));
    r.w32(GITS_CBASER, (QUEUE + 0x1000) as u32);
    assert_eq!(r.read(8, GITS_CBASER) & ADDRESS, QUEUE + 0x1000);
    assert_eq!(rig.its.errors().count(), 0);
    let dist = Port(rig.gic.distributor(), 0);
    assert_eq!((dist.r32(4) >> 17 & 1, dist.r32(4) >> 19 & 31), (1, 15), "LPIS, IDbits");
    assert_eq!(rig.redist.read(8, 8) & 1, 1, "PLPIS");
    assert_eq!(rig.redist.r32(0), 3, "EnableLPIs and CES");
    rig.redist.write(8, GICR_PROPBASER, 0);
    assert_eq!(rig.redist.read(8, GICR_PROPBASER), PROPERTIES | 15);
}

#[test]
fn a_message_is_an_interrupt() {
    let rig = rig();
    rig.map();
    rig.send(2);
    assert!(rig.pins[0].irq() && !rig.pins[1].irq());
    assert_eq!((rig.take(0), rig.take(0)), (LPI + 2, 1023), "it has no active state");
    assert!(!rig.pins[0].irq());
    // The better priority first, and then the lower number.
    rig.configure(LPI + 3, 0x81);
    for event in [1, 0, 3] {
        rig.send(event);
    }
    assert_eq!([0; 4].map(|cpu| rig.take(cpu)), [LPI + 3, LPI, LPI + 1, 1023]);
    // To nobody: no such event, another doorbell, a device that is not mapped.
    rig.send(4);
    rig.its.send(Message { address: AT, data: 0, device: DEVICE as u32 });
    rig.its.send(Message { address: AT + GITS_TRANSLATER, data: 0, device: 9 });
    rig.registers.w32(GITS_TRANSLATER, 0);
    assert_eq!(rig.take(0), 1023);
    rig.registers.w32(GITS_CTLR, 0);
    rig.send(0);
    assert_eq!(rig.take(0), 1023, "disabled");
}

#[test]
fn shared_interrupts_come_before_lpis_of_their_priority() {
    let rig = rig();
    rig.map();
    let dist = Port(rig.gic.distributor(), 0);
    dist.w32(0x84, 1);
    dist.w32(0x104, 1);
    dist.write(1, 0x420, 0xa0);
    rig.gic.set_level(32, true);
    rig.send(0);
    assert_eq!(rig.gic.read(0, ICC_IAR1_EL1), Some(32));
    rig.configure(LPI + 1, 0x41);
    rig.send(1);
    assert_eq!(rig.gic.read(0, ICC_IAR1_EL1), Some(u64::from(LPI) + 1), "it preempts");
    rig.gic.write(0, ICC_EOIR1_EL1, u64::from(LPI) + 1).unwrap();
    rig.gic.state().core.check();
}

#[test]
fn properties_are_looked_up_again_when_told() {
    let rig = rig();
    rig.map();
    for (event, told) in [(0, [0x0c, 0]), (1, [0x0d, 0])] {
        rig.configure(LPI + event, 0xa0);
        rig.send(event);
        assert_eq!(rig.take(0), 1023, "not enabled");
        rig.configure(LPI + event, 0xa1);
        assert!(!rig.pins[0].irq());
        rig.command([DEVICE << 32 | told[0], event.into(), told[1], 0]);
        assert!(rig.pins[0].irq());
        rig.configure(LPI + event, 0xa0);
        rig.about(0x0c, event);
        assert!(!rig.pins[0].irq(), "disabled again");
        rig.configure(LPI + event, 0xa1);
        rig.about(0x0c, event);
        assert_eq!(rig.take(0), LPI + event);
    }
}

#[test]
fn events_move_and_end() {
    let rig = rig();
    rig.map();
    rig.about(0x03, 0);
    assert!(rig.pins[0].irq(), "INT");
    rig.command([DEVICE << 32 | 0x01, 0, 1, 0]);
    assert!(!rig.pins[0].irq() && rig.pins[1].irq(), "MOVI takes what is pending along");
    rig.send(0);
    assert_eq!((rig.take(1), rig.take(1)), (LPI, 1023), "and what comes");
    rig.send(1);
    rig.about(0x04, 1);
    assert_eq!(rig.take(0), 1023, "CLEAR");
    rig.send(1);
    rig.send(2);
    rig.command([0x0e, 0, 0, 1 << 16]);
    assert_eq!([rig.take(1), rig.take(1), rig.take(0)], [LPI + 1, LPI + 2, 1023], "MOVALL");
    rig.send(3);
    rig.about(0x0f, 3);
    rig.send(3);
    assert_eq!(rig.take(0), 1023, "DISCARD");
    rig.command([DEVICE << 32 | 0x0b, 3, 1, 0]);
    rig.send(3);
    assert_eq!(rig.take(1), 1023, "MAPI of an event that is no LPI");
    rig.command([0x09, 0, 0, 0]);
    rig.send(1);
    assert_eq!(rig.take(0), 1023, "MAPC of no CPU");
    rig.map_collection(0, 1);
    rig.send(1);
    assert_eq!(rig.take(1), LPI + 1, "MAPC of another");
    rig.command([DEVICE << 32 | 0x08, 0, 0, 0]);
    rig.send(1);
    assert_eq!(rig.take(1), 1023, "MAPD of no table");
    rig.gic.state().core.check();
}

#[test]
fn a_table_in_two_levels_has_room_for_all_devices() {
    let rig = rig();
    rig.registers.w32(GITS_CTLR, 0);
    rig.registers.write(8, GITS_BASER, VALID | BASER_INDIRECT | DEVICES);
    rig.registers.w32(GITS_CTLR, 1);
    // 512 devices a page: this one is in the last page.
    let (device, page) = (0xfe08_u64, RAM + 0x9_0000);
    rig.ram.write(DEVICES + 8 * (device / 512), &(VALID | page).to_le_bytes()).unwrap();
    rig.map_collection(5, 1);
    for device in [device, 8] {
        rig.map_device(device, 1, EVENTS);
        rig.map_event(device, 1, LPI + 77, 5);
    }
    rig.configure(LPI + 77, 1);
    let send = |device: u64| {
        rig.its.send(Message { address: AT + GITS_TRANSLATER, data: 1, device: device as u32 });
        rig.take(1)
    };
    assert_eq!((send(device), send(8)), (LPI + 77, 1023), "no page, no device");
    let mut entry = [0; 8];
    rig.ram.read(page + 8 * (device % 512), &mut entry).unwrap();
    assert_eq!(u64::from_le_bytes(entry), VALID | EVENTS);
}

#[test]
fn what_is_pending_is_in_memory_while_lpis_are_off() {
    let rig = rig();
    rig.map();
    rig.send(0);
    rig.send(3);
    rig.redist.w32(GICR_CTLR, 0);
    assert!(!rig.pins[0].irq());
    let mut byte = [0];
    rig.ram.read(PENDING[0] + u64::from(LPI / 8), &mut byte).unwrap();
    assert_eq!(byte, [0b1001]);
    rig.send(1);
    assert_eq!(rig.take(0), 1023, "to nobody");
    rig.redist.write(8, GICR_PENDBASER, PENDING[0]);
    rig.redist.w32(GICR_CTLR, 1);
    assert_eq!([rig.take(0), rig.take(0), rig.take(0)], [LPI, LPI + 3, 1023]);
    rig.send(0);
    rig.redist.w32(GICR_CTLR, 0);
    rig.redist.write(8, GICR_PENDBASER, PENDING[0] | 1 << 62);
    assert_eq!(rig.redist.read(8, GICR_PENDBASER), PENDING[0], "PTZ can't be read");
    rig.redist.w32(GICR_CTLR, 1);
    assert_eq!(rig.take(0), 1023, "PTZ: all zeros");
    rig.send(0);
    Port(rig.gic.distributor(), 0).0.reset();
    rig.registers.0.reset();
    assert_eq!(
        (rig.redist.r32(0), rig.registers.r32(0), rig.registers.read(8, GITS_CBASER)),
        (2, 1 << 31, 0)
    );
    assert!(!rig.pins[0].irq());
}

#[test]
fn wrong_commands_do_nothing() {
    let rig = rig();
    rig.map();
    for words in [
        [0xff, !0, !0, !0],
        [1 << 48 | 0x08, 0, VALID | EVENTS, 0],
        [0x1000 << 32 | 0x08, 0, VALID | EVENTS, 0],
        [7 << 32 | 0x08, 31, VALID | EVENTS, 0],
        [0x09, 0, VALID | 2 << 16 | 6, 0],
        [0x09, 0, VALID | 0xffff, 0],
        [DEVICE << 32 | 0x0a, u64::from(LPI) << 32 | 4, 0, 0],
        [DEVICE << 32 | 0x0a, 8191 << 32, 0, 0],
        [DEVICE << 32 | 0x0a, 0x1_0000 << 32, 0, 0],
        [0x0e, 0, 2 << 16, 0],
        [0x0d, 0, 9, 0],
    ] {
        rig.command(words);
    }
    for (device, event) in [(7, 0), (DEVICE, 4)] {
        for command in [0x01, 0x03, 0x04, 0x0c, 0x0f] {
            rig.command([device << 32 | command, event, 0, 0]);
        }
    }
    rig.send(0);
    assert_eq!(rig.take(0), LPI);
    // Tables and a queue where no memory is: what is read there is zero, and zero is no command.
    rig.map_device(7, 16, 0xf_ffff_ffff_ff00);
    rig.map_event(7, 0xffff, LPI, 0);
    rig.registers.w32(GITS_CTLR, 0);
    rig.registers.write(8, GITS_CBASER, VALID | 0xf_ffff_ffff_f000 | 0xff);
    rig.registers.write(8, GITS_BASER, !0);
    rig.registers.write(8, GITS_BASER + 8, !BASER_INDIRECT);
    rig.registers.w32(GITS_CTLR, 1);
    rig.registers.write(8, GITS_CWRITER, 0xf_ffe0);
    assert_eq!(rig.registers.read(8, GITS_CREADR), 0xf_ffe0);
    rig.send(0);
    assert_eq!(rig.take(0), 1023);
}

#[test]
fn a_very_long_queue_is_executed_in_pieces() {
    let rig = rig();
    rig.map_collection(0, 0);
    rig.map_device(DEVICE, 14, EVENTS);
    // All that this device can have, pending at once, and nothing but INVALL.
    for event in 0..1 << 14 {
        rig.ram.write(EVENTS + 8 * event, &(VALID | (8192 + event)).to_le_bytes()).unwrap();
        rig.send(event as u32);
    }
    rig.registers.w32(GITS_CTLR, 0);
    rig.registers.write(8, GITS_CBASER, VALID | QUEUE);
    for command in 0..128 {
        rig.ram.write(QUEUE + 32 * command, &[0x0d]).unwrap();
        rig.ram.zero(QUEUE + 32 * command + 1, 31).unwrap();
    }
    rig.registers.w32(GITS_CTLR, 1);
    rig.registers.write(8, GITS_CWRITER, 0xfe0);
    let mut reads = 0;
    while rig.registers.read(8, GITS_CREADR) != 0xfe0 {
        reads += 1;
    }
    assert!((4..16).contains(&reads), "{reads}");
}

proptest! {
    #[test]
    fn any_commands_and_tables_are_survived(
        commands in proptest::collection::vec((0..20_u64, any::<[u64; 4]>(), any::<u8>()), 0..128),
        memory in proptest::collection::vec((0x4_0000..0xa_0000_u64, any::<u64>()), 0..64),
        baser in any::<u64>(),
    ) {
        let rig = rig();
        rig.map();
        for (at, value) in memory {
            rig.ram.write(RAM + at, &value.to_le_bytes()).unwrap();
        }
        for (index, (opcode, mut words, narrow)) in commands.into_iter().enumerate() {
            words[0] = words[0] & !0xff | opcode;
            // Mostly of the devices, events and collections that there are.
            if narrow & 1 != 0 {
                words[0] = DEVICE << 32 | opcode;
                words[1] &= 3 | 0x1_ffff << 32;
                words[2] &= VALID | 0x1_0003;
            }
            if narrow & 2 != 0 {
                words[2] |= EVENTS;
            }
            rig.command(words);
            rig.send(index as u32 % 5);
            if narrow & 4 != 0 {
                rig.take(index % 2);
            }
            rig.gic.state().core.check();
        }
        rig.registers.w32(GITS_CTLR, 0);
        rig.registers.write(8, GITS_BASER, baser);
        rig.registers.w32(GITS_CTLR, 1);
        rig.map();
        rig.send(0);
        rig.redist.w32(GICR_CTLR, 0);
        rig.gic.state().core.check();
    }
}
