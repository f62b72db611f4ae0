//! Whatever a guest does to configuration space, to a device behind PCI, to an ITS, its commands and its tables: the host
//! never panics or hangs.
#![no_main]

use std::sync::Arc;

use armlet_base::{Access, GuestRam, IrqLine, IrqSink, MmioDevice, RamKind, RamRegion};
use armlet_devices::gicv3::{Gicv3, its::Its};
use armlet_devices::pci::HostBridge;
use armlet_devices::virtio::{Service, pci::PciTransport};
use armlet_fuzz::{Echo, RAM};
use libfuzzer_sys::{arbitrary, fuzz_target};

const ITS: u64 = 0x0808_0000;
const WINDOW: u64 = 0x1000_0000;
const SLOT: usize = 1;
const QUEUE: u64 = RAM + 0x2_0000;
const LEN: u64 = 0x10_0000;

#[derive(arbitrary::Arbitrary, Debug)]
enum Place {
    Config,
    Window,
    Its,
    Redistributor,
}

#[derive(arbitrary::Arbitrary, Debug)]
enum Act {
    Access { place: Place, offset: u32, size: u8, write: Option<u64> },
    Memory { at: u32, bytes: Vec<u8> },
    Command { opcode: u8, device: u8, event: u8, words: [u64; 3] },
}

fuzz_target!(|acts: Vec<Act>| {
    let region = RamRegion { gpa: RAM, len: LEN, kind: RamKind::ReadWrite };
    let ram = Arc::new(GuestRam::new(&[region]).unwrap());
    let gic = Gicv3::with_lpis(2, 64, ram.clone()).unwrap();
    let its = Arc::new(Its::new(gic.clone(), ITS, ram.clone()));
    let wires = [35, 36, 37, 38].map(|intid| IrqLine::new(gic.clone() as Arc<dyn IrqSink>, intid));
    let mut bridge = HostBridge::new(wires, its.clone());
    let device = PciTransport::new(Arc::new(Echo), ram.clone(), Service::Inline, bridge.wiring(SLOT));
    bridge.plug(Arc::new(device));
    let bridge = Arc::new(bridge);
    let (ecam, window) = (bridge.ecam(), bridge.window(WINDOW));
    let redistributors = gic.redistributors(0..2);
    let write = |device: &dyn MmioDevice, size, at, value| device.write(Access { cpu: 0, size }, at, value);

    // As a guest's drivers leave it: registers in the window, LPIs on, tables and queue of the ITS in memory.
    let function = (SLOT as u64) << 15;
    write(&*ecam, 4, function + 0x14, WINDOW);
    write(&*ecam, 4, function + 0x20, WINDOW + 0x4000);
    write(&*ecam, 2, function + 4, 6);
    write(&*ecam, 2, function + 0x42, 0x8000);
    write(&*window, 4, 0, ITS + 0x1_0040);
    write(&*redistributors, 8, 0x70, RAM + 0x1_0000 | 15);
    write(&*redistributors, 4, 0, 1);
    for (register, at) in [(0x80, QUEUE), (0x100, RAM + 0x3_0000), (0x108, RAM + 0x4_0000)] {
        write(&*its, 8, register, 1 << 63 | at);
    }
    write(&*its, 4, 0, 1);

    for act in acts.into_iter().take(200) {
        match act {
            Act::Access { place, offset, size, write } => {
                let (device, limit): (&dyn MmioDevice, u64) = match place {
                    Place::Config => (&*ecam, 0x20_0000),
                    Place::Window => (&*window, 0x1_0000),
                    Place::Its => (&*its, 0x2_0000),
                    Place::Redistributor => (&*redistributors, 0x4_0000),
                };
                let (access, offset) = (Access { cpu: 0, size: 1 << (size & 3) }, u64::from(offset) % limit);
                match write {
                    Some(value) => device.write(access, offset, value),
                    None => drop(device.read(access, offset)),
                }
            }
            Act::Memory { at, bytes } => {
                let at = u64::from(at) % LEN;
                let room = (LEN - at) as usize;
                ram.write(RAM + at, &bytes[..bytes.len().min(room)]).unwrap();
            }
            Act::Command { opcode, device, event, words } => {
                let first = u64::from(device & 15) << 32 | u64::from(opcode & 15);
                let second = words[0] & !0xff | u64::from(event);
                let words = [first, second, words[1], words[2]];
                let at = its.read(Access { cpu: 0, size: 8 }, 0x88);
                let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
                // The guest may have moved its queue elsewhere.
                let _ = ram.write(QUEUE + at, &bytes);
                write(&*its, 8, 0x88, at + 32);
            }
        }
    }
    ecam.reset();
    its.reset();
    gic.reset();
});
