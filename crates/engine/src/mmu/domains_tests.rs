//! Random tables, domains, address spaces, maintenance and accesses of AArch32: what the TLBs answer is what a walk
//! would.

use std::sync::Arc;

use armlet_arm::mmu::{self, Kind, Tables};
use armlet_arm::pstate::mode32;
use armlet_arm::{Feature, Pstate};
use armlet_base::{Clock, GuestRam, RamKind, RamRegion};

use super::{Access, Place};
use crate::cpu::Cpu;
use crate::sys::regs32::{self, Name};
use crate::vm::Vm;
use crate::world::EmptyWorld;

const RAM: u64 = 0x4000_0000;
/// A level 1 table for each address space, then a level 2 table for each of its sections.
const TABLES: u64 = RAM;
const SPACES: u64 = 11;
const SECTIONS: [u64; 4] = [0, 0x001, 0x400, 0xfff];
const DATA: u64 = RAM + 0x10_0000;
/// Domains 0 to 2 differ.
const DACRS: [u64; 6] = [0x15, 0x05, 0x11, 0x35, 0x14, 0x3f];

struct Physical<'a>(&'a GuestRam);

impl Tables for Physical<'_> {
    fn read(&self, pa: u64) -> Option<u64> {
        let mut bytes = [0; 8];
        self.0.read(pa, &mut bytes).ok()?;
        Some(u64::from_le_bytes(bytes))
    }
    fn exchange(&self, _: u64, _: u64, _: u64) -> Option<u64> {
        None
    }
}

struct Rng(u64);

impl Rng {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 20) % n
    }
    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }
}

struct Machine {
    cpu: Cpu,
    space: u64,
}

impl Machine {
    fn new() -> Self {
        let regions = [RamRegion { gpa: RAM, len: 0x100_0000, kind: RamKind::ReadWrite }];
        let ram = Arc::new(GuestRam::new(&regions).unwrap());
        let model = armlet_arm::cpu::model("max").unwrap();
        assert!(model.features.has(Feature::PAN));
        let vm = Vm::new(ram, model, 1, Clock::default());
        vm.start_in_aarch32();
        let mut machine = Self { cpu: Cpu::new(vm, 0), space: 0 };
        machine.enter(0);
        machine.cp(Name::cp15(0, 1, 0, 0), 1);
        machine.cp(DACR, DACRS[0]);
        machine
    }

    /// MCR, at EL1.
    fn cp(&mut self, key: Name, value: u64) {
        let before = self.cpu.pstate;
        if before.el() == 0 {
            self.mode(mode32::SVC, false);
        }
        let number = regs32::find(key, self.cpu.model().features).unwrap();
        self.cpu.write_cp(number.into(), 0, value).unwrap();
        self.mode(before.mode32(), before.contains(Pstate::PAN));
    }

    fn put(&self, at: u64, word: u64) {
        self.cpu.vm.ram.write(at, &(word as u32).to_le_bytes()).unwrap();
    }

    /// The level 1 table of a space, and the level 2 table of one of its sections.
    fn table(space: u64) -> u64 {
        TABLES + space * 0x8000
    }

    fn enter(&mut self, space: u64) {
        self.space = space;
        self.cp(Name::cp15(0, 13, 0, 1), 0xab00 | (space + 1));
        self.cp(Name::cp15(0, 2, 0, 0), Self::table(space));
    }

    /// Break before make of one of few mappings, with one of the operations that will do.
    fn remap(&mut self, rng: &mut Rng) {
        let n = rng.below(4);
        let (section, root) = (SECTIONS[n as usize], Self::table(self.space));
        let (at, pages) = (root + section * 4, root + 0x4000 + n * 0x400);
        self.put(at, 0);
        let va = section << 20 | (rng.below(3) << 12);
        let (mine, asid) = (va | (self.space + 1), self.space + 1);
        // Whatever was there, global or not, of any size.
        match rng.below(3) {
            0 => self.cp(Name::cp15(0, 8, rng.pick(&[3, 7]), 0), 0),
            1 => {
                (0..3).for_each(|page| self.cp(TLBIMVA, section << 20 | page << 12 | mine & 0xff));
                self.cp(Name::cp15(0, 8, 7, 1), section << 20 | 0xff000 | asid);
            }
            _ => {
                (0..3).for_each(|page| self.cp(TLBIMVAA, section << 20 | page << 12));
                self.cp(TLBIMVAA, section << 20 | 0xff000);
            }
        }
        let domain = rng.below(3) << 5;
        let ap = rng.pick(&[1, 2, 3, 5, 7]);
        // Low global mappings would be shared by address spaces that differ.
        match rng.below(3) {
            0 => {
                let bits = (ap & 4) << 13 | (ap & 3) << 10 | 1 << 12 | 1 << 17 | rng.below(2) << 4;
                self.put(at, DATA + (rng.below(4) << 20) & 0xfff0_0000 | domain | bits | 2);
            }
            _ => {
                for page in [0, 1, 2, 255] {
                    let bits =
                        (ap & 4) << 7 | (ap & 3) << 4 | rng.pick(&[1 << 6, 0]) | 1 << 11 | rng.below(2);
                    let leaf = DATA + (rng.below(256) << 12) | bits | 2;
                    self.put(pages + page * 4, rng.pick(&[leaf, leaf, 0]));
                }
                self.put(at, pages | domain | 1);
            }
        }
    }

    fn access(&mut self, rng: &mut Rng) {
        let page = rng.pick(&[0, 1, 2, 255]);
        let va = rng.pick(&SECTIONS) << 20 | page << 12 | rng.pick(&[0, 8, 0x123, 0xff8]);
        let kind = rng.pick(&[Kind::Read, Kind::Write, Kind::Fetch, Kind::Read]);
        let fetches = kind == Kind::Fetch;
        let el1 = self.cpu.pstate.el() == 1;
        let unprivileged = el1 && !fetches && rng.below(4) == 0;
        let (va, privileged) = (if fetches { va & !3 } else { va }, el1 && !unprivileged);
        let pan = privileged && !fetches && self.cpu.pstate.contains(Pstate::PAN);
        let misaligned = va & 7 != 0 && !fetches;
        let asked = mmu::Access { kind, privileged, pan, misaligned, probe: false };
        let want = self.cpu.mmu.regime.translate(&Physical(&self.cpu.ram), va, asked).map(|t| t.pa);
        let of = if kind == Kind::Write { Access::STORE } else { Access::LOAD };
        let got = if fetches {
            self.cpu.pc = va;
            self.cpu.fetch(&mut EmptyWorld).map(|(pa, _)| pa)
        } else {
            let place = self.cpu.place(&mut EmptyWorld, va, 8, Access { unprivileged, ..of });
            place.map(|place| match place {
                Place::Ram(offset) => RAM + offset as u64,
                Place::Device(pa) => pa,
            })
        };
        match (want, got) {
            (Ok(want), Ok(got)) => assert_eq!(got, want, "{va:#x} {asked:?}"),
            (Ok(pa), Err(_)) => assert!(fetches && self.cpu.ram.find(pa).is_none(), "{va:#x} {asked:?}"),
            (Err(fault), Err(_)) => {
                let (status, domain) = (self.cpu.raised.esr & 0x3f, self.cpu.raised.domain);
                let domain = if fetches { fault.domain } else { domain };
                assert_eq!((status, domain), (u64::from(fault.status()), fault.domain), "{va:#x} {asked:?}");
            }
            (want, got) => panic!("{va:#x} {asked:?}: {got:x?}, should be {want:x?}"),
        }
    }

    fn mode(&mut self, mode: u8, pan: bool) {
        self.cpu.pstate = self.cpu.pstate.with_mode32(mode);
        self.cpu.pstate.set(Pstate::PAN, pan);
        self.cpu.mode_changed();
    }
}

const DACR: Name = Name::cp15(0, 3, 0, 0);
const TLBIMVA: Name = Name::cp15(0, 8, 3, 1);
const TLBIMVAA: Name = Name::cp15(0, 8, 7, 3);

#[test]
fn tlbs_answer_as_walks_do() {
    for seed in 1..=40u64 {
        let mut rng = Rng(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed));
        let mut m = Machine::new();
        for _ in 0..4000 {
            match rng.below(24) {
                0 => m.remap(&mut rng),
                1..=2 => m.enter(rng.below(SPACES)),
                3..=5 => m.cp(DACR, rng.pick(&DACRS)),
                6 => m.mode(mode32::USR, false),
                7 => m.mode(mode32::SVC, false),
                8 => m.mode(mode32::IRQ, true),
                _ => m.access(&mut rng),
            }
        }
        let counters = m.cpu.mmu.counters();
        assert!(counters.second_hits > 50, "{counters:?}");
    }
}
