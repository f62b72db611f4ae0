//! What guest memory accesses cost: nanoseconds, the best of several runs.

#[path = "../tests/common/mod.rs"]
mod common;

use std::hint::black_box;
use std::time::Instant;

use armlet_arm::SysReg;
use common::*;

const VA: u64 = 0x10_0000_0000;

fn report(what: &str, count: u64, mut run: impl FnMut()) {
    let best = (0..7).map(|_| {
        let start = Instant::now();
        run();
        start.elapsed().as_nanos() as f64 / count as f64
    });
    println!("{what:44} {:8.2} ns", best.fold(f64::INFINITY, f64::min));
}

/// Loads one word of each of `pages` pages, `rounds` times.
fn sweep(m: &mut Machine, pages: u64, rounds: u64) {
    for _ in 0..rounds {
        for page in 0..pages {
            black_box(m.load(VA + (page << 12)).unwrap());
        }
    }
}

fn main() {
    let mut m = Machine::new();
    for page in 0..32768 {
        m.map(VA + (page << 12), RAM + (page % 1024 << 12), NG);
    }
    report("load, hit", 4 << 20, || {
        for n in 0..4 << 20_u64 {
            black_box(m.load(VA + (n & 511) * 8).unwrap());
        }
    });
    report("load, hit, each address from the last", 4 << 20, || {
        let mut at = 0;
        for _ in 0..4 << 20 {
            at = m.load(VA + at).unwrap();
        }
        black_box(at);
    });
    report("store, hit", 4 << 20, || {
        for n in 0..4 << 20_u64 {
            m.store(VA + 0x2000 + (n & 511) * 8, n).unwrap();
        }
    });
    report("load, hit, unaligned", 1 << 20, || {
        for n in 0..1 << 20_u64 {
            black_box(m.load(VA + 3 + (n & 255) * 8).unwrap());
        }
    });
    report("store, hit, unaligned", 1 << 20, || {
        for n in 0..1 << 20_u64 {
            m.store(VA + 0x2003 + (n & 255) * 8, n).unwrap();
        }
    });
    report("load, 512 pages (first level)", 512 * 512, || sweep(&mut m, 512, 512));
    report("load, 2048 pages (second level)", 2048 * 128, || sweep(&mut m, 2048, 128));
    report("load, 32768 pages (walk)", 32768 * 8, || sweep(&mut m, 32768, 8));
    for block in 0..64 {
        let slot = m.slot(VA + (block << 21), 2);
        m.poke(slot, 0);
        m.map_block(VA + (block << 21), RAM, 0);
    }
    m.tlbi(7, 0, 0);
    report("load, 64 blocks of 2 MiB (second level)", 32768 * 8, || sweep(&mut m, 32768, 8));
    report("EL1 to EL0 and back", 1 << 20, || {
        for _ in 0..1 << 20 {
            m.el0();
            m.el1();
        }
    });
    let roots = [m.roots[0], m.roots[1]];
    report("TTBR0 switch, EL1 to EL0, load, back", 1 << 18, || {
        for n in 0..1 << 18_u64 {
            m.set(SysReg::TTBR0_EL1, roots[0] | (n & 3) << 48);
            m.el0();
            black_box(m.cpu.mmu.set.data(VA).read);
            m.el1();
        }
    });
    report("TLBI VAE1, load", 1 << 16, || {
        for _ in 0..1 << 16 {
            m.tlbi(7, 1, (VA + (100 << 21)) >> 12);
            black_box(m.load(VA).unwrap());
        }
    });
    report("TLBI VMALLE1, load", 1 << 14, || {
        for _ in 0..1 << 14 {
            m.tlbi(7, 0, 0);
            black_box(m.load(VA).unwrap());
        }
    });
    report("TLBI ASIDE1, load", 1 << 14, || {
        for _ in 0..1 << 14 {
            m.tlbi(7, 2, 1 << 48);
            black_box(m.load(VA).unwrap());
        }
    });
}
