//! A32's modes, banked registers and exception returns compared with Unicorn: streams of instructions at EL1 that go from one
//! mode to another.

mod oracle;
mod oracle32;

use armlet_arm::pstate::mode32::{ABT, FIQ, IRQ, SVC, SYS, UND, USR};
use armlet_engine::Code;
use oracle::{MEM, Rng};
use oracle32::{Case, Oracle, Privileged, Program};

const MODES: [u8; 6] = [FIQ, IRQ, SVC, ABT, UND, SYS];

/// Words under construction, and the mode they are in.
struct Stream {
    words: Vec<u32>,
    mode: u8,
}

/// R and SYSm of MRS and MSR (banked register): `spsr` or register `n` of a mode (Arm ARM F5.1.118).
fn banked(mode: u8, n: u32) -> Option<u32> {
    let m = match (mode, n) {
        (USR, 8..=14) => n - 8,
        (FIQ, 8..=14) => 8 + n - 8,
        (FIQ, 16) => 1 << 6 | 0b01110,
        (IRQ | SVC | ABT | UND, 13 | 14 | 16) => {
            let base = [(IRQ, 0b10000), (SVC, 0b10010), (ABT, 0b10100), (UND, 0b10110)];
            let (_, base) = base.into_iter().find(|&(m, _)| m == mode)?;
            match n {
                13 => base + 1,
                14 => base,
                _ => 1 << 6 | base,
            }
        }
        _ => return None,
    };
    Some((m >> 6) << 22 | (m & 15) << 16 | (m >> 4 & 1) << 8)
}

impl Stream {
    fn push(&mut self, word: u32) {
        self.words.push(word);
    }

    /// `movw`, `movt` of R`d`.
    fn constant(&mut self, d: u32, value: u32) {
        let half = |value: u32| (value >> 12 & 15) << 16 | value & 0xfff;
        self.push(0xe300_0000 | d << 12 | half(value & 0xffff));
        self.push(0xe340_0000 | d << 12 | half(value >> 16));
    }

    fn cps(&mut self, mode: u8) {
        self.push(0xf102_0000 | u32::from(mode));
        self.mode = mode;
    }

    /// Registers that can be named from this mode: none of its own.
    fn reachable(&self) -> Vec<u32> {
        let mut found = Vec::new();
        for mode in [USR, FIQ, IRQ, SVC, ABT, UND] {
            for n in [8, 9, 10, 11, 12, 13, 14, 16] {
                let own =
                    mode == self.mode || mode == USR && (self.mode == SYS || n < 13 && self.mode != FIQ);
                if let Some(fields) = banked(mode, n)
                    && !own
                {
                    found.push(fields);
                }
            }
        }
        found
    }

    /// Gives each banked register a value, in Supervisor mode.
    fn begin(&mut self, rng: &mut Rng) {
        for fields in self.reachable() {
            let pointer = MEM as u32 + 0x200 + (rng.below(32) as u32) * 4;
            let value = if fields >> 22 & 1 != 0 { Self::psr(rng, SVC) } else { pointer };
            self.constant(0, value);
            self.push(0xe120_f200 | fields);
        }
        self.constant(0, Self::psr(rng, SVC));
        self.push(0xe16f_f000); // msr spsr_fsxc, r0
    }

    /// Stores all banked registers, from Supervisor mode.
    fn end(&mut self) {
        if self.mode != SVC {
            self.cps(SVC);
        }
        self.constant(1, MEM as u32);
        for (fields, n) in self.reachable().into_iter().zip(0u32..) {
            self.push(0xe100_0200 | fields); // mrs r0, banked
            self.push(0xe581_0000 | n * 4); // str r0, [r1, #4 n]
        }
        self.push(0xe14f_0000); // mrs r0, spsr
    }

    /// A CPSR of `mode`, for SPSR; A32, little-endian.
    fn psr(rng: &mut Rng, mode: u8) -> u32 {
        rng.next() as u32 & 0xf80f_01c0 | u32::from(mode)
    }

    fn random(&mut self, rng: &mut Rng) {
        let mode = MODES[rng.below(6) as usize];
        let list = rng.next() as u32 & 0x7fff & !2;
        let has_spsr = self.mode != SYS;
        match rng.below(12) {
            0 => self.cps(mode),
            1 => {
                // cpsid or cpsie, with a mode.
                self.push(
                    0xf10a_0000
                        | (rng.below(2) as u32) << 18
                        | (1 + rng.below(7) as u32) << 6
                        | u32::from(mode),
                );
                self.mode = mode;
            }
            2 | 3 => {
                let all = self.reachable();
                let fields = all[rng.below(all.len() as u64) as usize];
                let r = 2 + rng.below(6) as u32;
                // QEMU has fewer bits in SPSR.
                if rng.below(2) == 0 || fields >> 22 & 1 != 0 {
                    self.push(0xe100_0200 | fields | r << 12);
                } else {
                    self.push(0xe120_f200 | fields | r);
                }
            }
            4 => {
                self.constant(1, MEM as u32 + 0x200);
                let form = [0xe8c1_0000, 0xe9c1_0000, 0xe841_0000, 0xe941_0000][rng.below(4) as usize];
                let load = (rng.below(2) as u32) << 20;
                if has_spsr && list != 0 {
                    self.push(form | load | list);
                }
            }
            5 if has_spsr && mode != SYS => {
                // srs, with or without writeback.
                let form = [0xf84d_0500, 0xf8cd_0500, 0xf94d_0500, 0xf9cd_0500][rng.below(4) as usize];
                self.push(form | (rng.below(2) as u32) << 21 | u32::from(mode));
            }
            6 => {
                self.constant(2, Self::psr(rng, mode));
                self.push(0xe121_f002 | 0x0008_0000 | (rng.below(2) as u32) << 18); // msr cpsr_fc or fsc, r2
                self.mode = mode;
            }
            7 => self.push(0xe10f_2000),             // mrs r2, cpsr
            8 if has_spsr => self.push(0xe14f_3000), // mrs r3, spsr
            9 if has_spsr => {
                self.constant(2, Self::psr(rng, mode));
                self.push(0xe16f_f002); // msr spsr_fsxc, r2
                match rng.below(4) {
                    0 => {
                        self.push(0xe28f_e000); // add lr, pc, #0
                        self.push(0xe1b0_f00e); // movs pc, lr
                        self.push(0xe28e_e001);
                    }
                    1 => {
                        self.push(0xe28f_e004); // add lr, pc, #4
                        self.push(0xe25e_f004); // subs pc, lr, #4
                    }
                    2 => {
                        self.push(0xe28f_e000);
                        self.push(0xe160_006e); // eret
                        self.push(0xe28e_e001);
                    }
                    _ => {
                        self.constant(1, MEM as u32 + 0x300);
                        self.push(0xe28f_3004); // add r3, pc, #4
                        self.push(0xe581_3004); // str r3, [r1, #4]
                        self.push(0xe8f1_8004 & !(1 << 21)); // ldmia r1, {r2, pc}^
                    }
                }
                self.mode = mode;
            }
            10 => {
                self.constant(1, MEM as u32 + 0x300);
                self.constant(3, Self::psr(rng, mode));
                self.push(0xe28f_2008); // add r2, pc, #8
                self.push(0xe581_2000); // str r2, [r1]
                self.push(0xe581_3004); // str r3, [r1, #4]
                self.push(0xf891_0a00 | (rng.below(2) as u32) << 21); // rfeia r1
                self.mode = mode;
            }
            _ => self.push(0xe28d_d004), // add sp, sp, #4
        }
    }
}

#[test]
fn modes() {
    let Some(mut oracle) = Oracle::start() else { return };
    let mut executors = vec![Privileged::with(Code::interpreter())];
    if Code::HAS_JIT {
        executors.push(Privileged::with(Code::jit(1 << 20).expect("code memory")));
    }
    let mut rng = Rng::new(1);
    for n in 0..3000 {
        let mut stream = Stream { words: Vec::new(), mode: SVC };
        stream.begin(&mut rng);
        for _ in 0..1 + rng.below(12) {
            stream.random(&mut rng);
        }
        stream.end();
        let mut case = Case::random(&mut rng, Program::a32(&stream.words));
        case.mode = u32::from(SVC) | 0x1c0;
        // What may become a stack pointer.
        case.r[2..8].iter_mut().zip(0u32..).for_each(|(r, n)| *r = MEM as u32 + 0x200 + n * 8);
        for ours in &mut executors {
            oracle.check_privileged(&format!("{n} {:x?}", stream.words), ours, &case);
        }
    }
    eprintln!("{} cases", oracle.compared);
}
