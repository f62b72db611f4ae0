//! A guest may do anything with system instructions: nothing panics, hangs or is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use armlet_arm::Pstate;
use armlet_engine::sys::{instructions, regs};
use armlet_engine::{Port, Stop};

use crate::kit::{CODE, DATA, Machine};

/// A small reproducible generator (xorshift).
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() >> 16) as usize % n
    }

    /// MRS or MSR of a register there is, a SYS instruction, or any word of the system space; Rt is X0-X7.
    fn word(&mut self) -> u32 {
        let rt = self.below(8) as u32;
        match self.below(8) {
            0..5 => {
                let rows = regs::rows();
                let reg = rows[self.below(rows.len())].reg;
                let read = (self.next() >> 20 & 1) as u32;
                0xd510_0000 | read << 21 | u32::from(reg.bits()) << 5 | rt
            }
            5 => {
                let row = instructions::ROWS[self.below(instructions::ROWS.len())];
                0xd500_0000 | u32::from(row.reg.bits()) << 5 | rt
            }
            6 => 0xd500_0000 | (self.next() >> 8) as u32 & 0x3f_ffff,
            _ => [0xd69f_03e0, 0xd400_0001, 0xd500_419f, 0xd503_2fff, 0xd503_42ff][self.below(5)],
        }
    }

    fn value(&mut self) -> u64 {
        match self.below(8) {
            0 => u64::MAX,
            1 => 1 << self.below(64),
            2 => CODE + 4 * self.below(32) as u64,
            3 => DATA + self.below(4096) as u64,
            4 => self.next() & 0xffff,
            5 => self.next() & 0xf000_03cd,
            6 => 0,
            _ => self.next(),
        }
    }
}

#[test]
fn random_system_instructions_do_no_harm() {
    let mut rng = Rng(0x9e37_79b9_7f4a_7c15);
    for round in 0..3000 {
        let words: Vec<u32> = (0..32).map(|_| rng.word()).chain([0xd404_0002]).collect();
        let mut m = Machine::of(["max", "cortex-a53"][round % 2], &words);
        if round % 3 != 0 {
            m = m.with_gic();
        }
        m.change(|state| {
            state.x[..8].fill_with(|| rng.value());
            if rng.below(2) == 0 {
                state.pstate = Pstate::empty();
            }
        });
        // Whoever waits or loops is called back.
        let done = Arc::new(AtomicBool::new(false));
        let (port, flag) = (m.cpu.port.clone(), done.clone());
        let watcher = std::thread::spawn(move || {
            while !flag.load(Ordering::SeqCst) {
                std::thread::park_timeout(Duration::from_millis(3));
                port.raise(Port::KICK);
            }
        });
        for next in 1..32 {
            // After an exception on with the next words, at EL1.
            match m.run_to_stop() {
                Stop::World => m.cpu.pc = CODE + next * 4,
                Stop::Kicked | Stop::Dead(_) => break,
            }
        }
        done.store(true, Ordering::SeqCst);
        watcher.thread().unpark();
        watcher.join().unwrap();
    }
}
