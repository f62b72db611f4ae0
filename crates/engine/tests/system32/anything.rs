//! A guest may do anything with coprocessor registers: nothing panics or hangs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use armlet_engine::sys::regs32;
use armlet_engine::{Port, Stop};

use crate::kit::{CODE, DATA, Machine};
use crate::words::END;

/// A small reproducible generator (xorshift).
struct Rng(u64);

impl Rng {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % n
    }

    /// An access to a register there is, any word of the coprocessor space, a load, a store, or a change of mode.
    fn word(&mut self) -> u32 {
        let rt = self.below(8) as u32;
        let read = (self.below(2) as u32) << 20;
        match self.below(8) {
            0..5 => {
                let rows = regs32::rows();
                let key = rows[self.below(rows.len())].key;
                let [opc1, crn, crm, opc2] = [key.opc1(), key.crn(), key.crm(), key.opc2()].map(u32::from);
                let coproc = u32::from(key.coproc()) << 8;
                match key.is_wide() {
                    true => 0xec40_0000 | read | 8 << 16 | rt << 12 | coproc | opc1 << 4 | crm,
                    false => {
                        0xee00_0010 | read | opc1 << 21 | crn << 16 | rt << 12 | coproc | opc2 << 5 | crm
                    }
                }
            }
            5 => 0xee00_0e10 | self.below(1 << 24) as u32 | read,
            6 => 0xe580_0000 | read | rt << 16 | self.below(8) as u32 * 0x1000,
            _ => {
                [0xf102_0010, 0xf102_0013, 0xf102_0017, 0xef00_0000, 0xf57f_f04f, 0xf101_0200][self.below(6)]
            }
        }
    }

    fn value(&mut self) -> u64 {
        let low = match self.below(8) {
            0 => 0xffff_ffff,
            1 => 1 << self.below(32),
            2 => CODE as usize + 4 * self.below(32),
            3 => DATA as usize + self.below(4096),
            4 => self.below(1 << 16),
            5 => self.below(1 << 30) & 0x3000_3fff,
            6 => 0,
            _ => self.below(1 << 32),
        };
        low as u64
    }
}

#[test]
fn random_coprocessor_accesses_do_no_harm() {
    let mut rng = Rng(0x9e37_79b9_7f4a_7c15);
    for round in 0..1000 {
        let words: Vec<u32> = (0..32).map(|_| rng.word()).chain([END]).collect();
        let mut m = Machine::aarch32(["max", "cortex-a53", "cortex-a15"][round % 3], &words);
        if round % 4 != 0 {
            m = m.with_gic();
        }
        m.change(|state| state.x[..9].fill_with(|| rng.value()));
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
            // After an exception on with the next words.
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
