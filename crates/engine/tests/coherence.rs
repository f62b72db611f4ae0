//! Random mappings, maintenance, switches and accesses: what the TLBs answer is what a walk would.

mod common;

use armlet_arm::mmu::{self, Format, Regime, Tables};
use armlet_arm::{Pstate, SysReg};
use armlet_base::GuestRam;
use armlet_engine::mmu::Access;
use common::*;

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

const LOW: u64 = 0x10_0000_0000;
const HIGH: u64 = 0xffff_8000_0000_0000;
const SPACES: usize = 11;

/// One of few places: two regions of 2 MiB in either half, pages that share slots of the first level.
fn place(rng: &mut Rng) -> (u64, u64) {
    let half = rng.pick(&[LOW, HIGH]);
    let block = half + (rng.below(3) << 21);
    (block, block + (rng.pick(&[0, 1, 2, 255, 256, 511]) << 12))
}

fn run(seed: u64) {
    let mut rng = Rng(seed);
    let mut m = Machine::new();
    let roots: Vec<u64> = (0..SPACES).map(|_| m.table()).collect();
    let mut space = 0;
    m.set(SysReg::TTBR0_EL1, roots[0] | 1 << 48);
    for page in 0..2048u64 {
        m.poke(RAM + (page << 12), page);
    }
    for _ in 0..4000 {
        match rng.below(16) {
            0..=2 => {
                // Break before make, with one of the instructions that will do.
                let (block, page) = place(&mut rng);
                let root = if block >= HIGH { m.roots[1] } else { roots[space] };
                let block_slot = m.slot_in(root, block, 2);
                let old = m.peek(block_slot);
                m.poke(block_slot, 0);
                let global = block >= HIGH || old & NG == 0;
                let asid = (space as u64 + 1) << 48;
                let (any, range) =
                    (page << 8 >> 20, block >> 12 & 0x1f_ffff_ffff | 1 << 46 | 7 << 39 | 1 << 44);
                // A table takes as much maintenance as the pages below it.
                let crm = rng.pick(&[1u8, 3, 7]);
                // Private entries of the upper half may be there under any ASID.
                let mine = block < HIGH;
                match rng.below(4) {
                    0 if old & 3 == 1 => m.tlbi(crm, rng.pick(&[3, 7]), any),
                    1 if old & 3 == 1 && mine => m.tlbi(crm, rng.pick(&[1, 5]), any | asid),
                    2 if !global => m.tlbi(crm, 2, asid),
                    3 => m.tlbi(6, if mine { rng.pick(&[1, 3]) } else { 7 }, range | asid),
                    _ => m.tlbi(crm, 0, 0),
                }
                let bits = rng.pick(&[0, USER, READ_ONLY, USER | READ_ONLY, USER | UXN, DEVICE]);
                // Low global mappings would be shared by address spaces that differ.
                let bits = bits | if block < HIGH { NG } else { rng.pick(&[0, NG]) };
                if rng.below(2) == 0 {
                    m.poke(block_slot, RAM + (rng.below(4) << 21) | bits | AF | 1);
                } else {
                    for _ in 0..4 {
                        let (_, page) = place(&mut rng);
                        let va = block | page & 0x1f_ffff;
                        let slot = m.slot_in(root, va, 3);
                        m.poke(slot, RAM + (rng.below(2048) << 12) | bits | AF | 3);
                    }
                }
            }
            3 => {
                // One page goes or moves.
                let (block, page) = place(&mut rng);
                let root = if block >= HIGH { m.roots[1] } else { roots[space] };
                let block_slot = m.slot_in(root, block, 2);
                if m.peek(block_slot) & 3 == 3 {
                    let slot = m.slot_in(root, page, 3);
                    let bits = if block < HIGH { NG } else { 0 };
                    m.poke(slot, 0);
                    m.tlbi(7, rng.pick(&[3u8, 7]), page << 8 >> 20);
                    let new = RAM + (rng.below(2048) << 12) | bits | AF | 3;
                    m.poke(slot, rng.pick(&[0, new]));
                }
            }
            4 => {
                space = rng.below(SPACES as u64) as usize;
                // HIGH may be private to an ASID, but its tables are the same for all.
                m.set(SysReg::TTBR0_EL1, roots[space] | (space as u64 + 1) << 48);
                if rng.below(8) == 0 {
                    m.set(SysReg::MAIR_EL1, 0x04ff);
                }
            }
            5 => m.el0(),
            6 => m.el1(),
            7 => m.pstate(Pstate::RESET_EL1H | Pstate::PAN),
            _ => access(&mut m, &mut rng),
        }
    }
}

fn access(m: &mut Machine, rng: &mut Rng) {
    let va = place(rng).1 + rng.pick(&[0, 8, 0x123, 0xff8]);
    let kind = rng.pick(&[mmu::Kind::Read, mmu::Kind::Write, mmu::Kind::Fetch, mmu::Kind::Read]);
    let el1 = m.cpu.pstate.el() == 1;
    let unprivileged = el1 && kind != mmu::Kind::Fetch && rng.below(4) == 0;
    let privileged = el1 && !unprivileged;
    let va = if kind == mmu::Kind::Fetch { va & !3 } else { va };
    let asked = mmu::Access {
        kind,
        privileged,
        pan: privileged && kind != mmu::Kind::Fetch && m.cpu.pstate.contains(Pstate::PAN),
        misaligned: va & 7 != 0 && kind != mmu::Kind::Fetch,
        probe: false,
    };
    let regime = Regime {
        format: Format::Vmsa64,
        sctlr: 1,
        tcr: m.cpu.sys[SysReg::TCR_EL1],
        mair: m.cpu.sys[SysReg::MAIR_EL1],
        ttbr: [m.cpu.sys[SysReg::TTBR0_EL1], m.cpu.sys[SysReg::TTBR1_EL1]],
        features: m.cpu.model().features,
    };
    let want = regime.translate(&Physical(&m.ram), va, asked).map(|t| t.pa);
    let got = match kind {
        mmu::Kind::Fetch => m.fetch(va),
        _ => {
            let of = Access { unprivileged, ..Access::LOAD };
            let of = if kind == mmu::Kind::Write { Access { unprivileged, ..Access::STORE } } else { of };
            m.cpu.place(&mut m.world, va, 8, of).map(|place| match place {
                armlet_engine::mmu::Place::Ram(offset) => offset_to_pa(offset),
                armlet_engine::mmu::Place::Device(pa) => pa,
            })
        }
    };
    match (want, got) {
        (Ok(want), Ok(got)) => assert_eq!(got, want, "{va:#x} {asked:?}"),
        (Err(fault), Err(_)) => {
            assert_eq!(m.cpu.raised.esr & 0x3f, u64::from(fault.status()), "{va:#x} {asked:?}")
        }
        (want, got) => panic!("{va:#x} {asked:?}: {got:x?}, should be {want:x?}"),
    }
}

/// The longest region comes first in guest memory.
fn offset_to_pa(offset: usize) -> u64 {
    offset as u64 + RAM
}

#[test]
fn tlbs_answer_as_walks_do() {
    for seed in 1..=60_u64 {
        run(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed));
    }
}
