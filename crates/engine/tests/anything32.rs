//! A 32-bit guest may run any words in any mode: nothing panics, hangs or is lost, interpreted or compiled.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use armlet_arm::pstate::{Pstate, mode32};
use armlet_arm::{CpuState, SysReg};
use armlet_base::{Clock, GuestRam, RamKind, RamRegion};
use armlet_engine::{Code, Cpu, EmptyWorld, Port, Vm};

const RAM_LEN: u64 = 0x2_0000;
const CODE: u64 = 0x1_0ff0;
/// Cases for each executor; `ARMLET_CASES` is another number.
const CASES: usize = 700;

/// A small reproducible generator (xorshift).
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 16) % n
    }

    /// A word that is an A32 instruction more often than not, or two halfwords of T32.
    fn word(&mut self, t32: bool) -> u32 {
        let word = (self.next() >> 9) as u32;
        match (t32, self.below(4)) {
            (true, 0) => word | 0xe800_e800,
            (true, 1) => word & 0xffff | 0xef00_0000,
            (false, 0) => word & 0x0fff_ffff | 0xe000_0000,
            (false, 1) => word & 0x01ff_ffff | 0xf200_0000,
            _ => word,
        }
    }

    fn state(&mut self, fresh: &CpuState) -> CpuState {
        const MODES: [u8; 7] =
            [mode32::USR, mode32::FIQ, mode32::IRQ, mode32::SVC, mode32::ABT, mode32::UND, mode32::SYS];
        let mut state = fresh.clone();
        state
            .x
            .fill_with(|| if self.below(2) == 0 { self.below(RAM_LEN) } else { self.next() & 0xffff_ffff });
        state.v.fill_with(|| u128::from(self.next()) << 64 | u128::from(self.next()));
        let mode = MODES[self.below(MODES.len() as u64) as usize];
        let bits = self.next() & (Pstate::T | Pstate::E | Pstate::GE | Pstate::NZCV | Pstate::Q).bits();
        state.pstate = Pstate::from_bits_retain(bits).with_mode32(mode);
        if bits & Pstate::T.bits() != 0 && self.below(3) == 0 {
            state.pstate = state.pstate.with_itstate(self.next() as u8);
        }
        state.pc = CODE;
        state.sys[SysReg::CPACR_EL1] = 15 << 20;
        state.sys[SysReg::FPEXC32_EL2] = 1 << 30;
        state.sys[SysReg::SCTLR_EL1] |= self.next() & 0x4200_2002;
        state
    }
}

fn run(seed: u64, mut code: Code) {
    let region = RamRegion { gpa: 0, len: RAM_LEN, kind: RamKind::ReadWrite };
    let ram = Arc::new(GuestRam::new(&[region]).unwrap());
    let vm = Vm::new(ram.clone(), armlet_arm::cpu::model("max").unwrap(), 1, Clock::default());
    vm.start_in_aarch32();
    let mut cpu = Cpu::new(vm, 0);
    let mut fresh = CpuState::default();
    cpu.save(&mut fresh);
    // Whoever waits or loops is called back.
    let done = Arc::new(AtomicBool::new(false));
    let (port, flag) = (cpu.port.clone(), done.clone());
    let watcher = std::thread::spawn(move || {
        while !flag.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(1));
            port.raise(Port::KICK);
        }
    });
    let cases = std::env::var("ARMLET_CASES").map_or(CASES, |n| n.parse().expect("ARMLET_CASES is a number"));
    let mut rng = Rng(seed);
    for _ in 0..cases {
        let state = rng.state(&fresh);
        let t32 = state.pstate.contains(Pstate::T);
        let words: Vec<u8> = (0..64).flat_map(|_| rng.word(t32).to_le_bytes()).collect();
        ram.write(CODE, &words).unwrap();
        ram.write(0, &words).unwrap();
        code.clear();
        cpu.reset();
        cpu.load(&state);
        cpu.run(&mut code, &mut EmptyWorld);
        let mut after = CpuState::default();
        cpu.save(&mut after);
        let wide = after.pstate.is_aarch32() && after.x[..15].iter().any(|&x| x >> 32 != 0);
        assert!(!wide, "a register has more than 32 bits: {:x?}", after.x);
    }
    done.store(true, Ordering::SeqCst);
    watcher.join().unwrap();
}

#[test]
fn interpreted() {
    run(0x9e37_79b9_7f4a_7c15, Code::interpreter());
}

#[test]
fn compiled() {
    if Code::HAS_JIT {
        run(0x2545_f491_4f6c_dd1d, Code::jit(1 << 20).expect("code memory"));
    }
}
