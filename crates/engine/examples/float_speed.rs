//! Prints what floating-point instructions cost in the interpreter, in nanoseconds each: with FPSR.IXC set, as it
//! nearly always is, and rounding to plus infinity, which the host does not do.

use std::sync::Arc;
use std::time::Instant;

use armlet_arm::{CpuState, SysReg};
use armlet_base::{Clock, GuestRam, RamKind, RamRegion};
use armlet_engine::{Code, Cpu, EmptyWorld, Vm};

const COPIES: usize = 60;
const LOOPS: u64 = 400;

/// A PE with `word` in a loop of `LOOPS` turns, X0 the counter.
fn machine(word: u32) -> Cpu {
    let ram = GuestRam::new(&[RamRegion { gpa: 0, len: 0x10_0000, kind: RamKind::ReadWrite }]).unwrap();
    let mut words = vec![word; COPIES];
    let back = (COPIES as u32 + 1).wrapping_neg() & 0x7_ffff;
    // subs x0, x0, #1; b.ne to the first; hvc #0
    words.extend([0xf100_0400, 0x5400_0001 | back << 5, 0xd400_0002]);
    let code: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
    ram.write(0, &code).unwrap();
    let vm = Vm::new(Arc::new(ram), armlet_arm::cpu::model("max").unwrap(), 1, Clock::default());
    let mut cpu = Cpu::new(vm, 0);
    let mut state = CpuState::default();
    cpu.save(&mut state);
    state.sys[SysReg::CPACR_EL1] = 3 << 20;
    cpu.load(&state);
    cpu
}

/// Nanoseconds per instruction.
fn time(word: u32, double: bool, fpcr: u32) -> f64 {
    let (mut cpu, mut code) = (machine(word), Code::default());
    let mut best = f64::MAX;
    for _ in 0..200 {
        let start = Instant::now();
        for n in 0..32u32 {
            let x = 1.0 + f64::from(n) / 7.0;
            let (one, two) = (u128::from((x as f32).to_bits()), u128::from(x.to_bits()));
            cpu.v[n as usize] =
                if double { two << 64 | two } else { one * 0x1_0000_0001_0000_0001_0000_0001 };
        }
        (cpu.pc, cpu.fpcr, cpu.fpsr, cpu.x[0]) = (0, fpcr, armlet_fp::IXC, LOOPS);
        cpu.run(&mut code, &mut EmptyWorld);
        let insns = (LOOPS * COPIES as u64) as f64;
        best = best.min(start.elapsed().as_nanos() as f64 / insns);
    }
    best
}

fn main() {
    println!("{:28}{:>8}{:>8}", "instruction", "RN", "RP");
    let lines = [
        ("fmov d0, d1", true, 0x1e60_4020),
        ("fadd s0, s1, s2", false, 0x1e22_2820),
        ("fadd d0, d1, d2", true, 0x1e62_2820),
        ("fmul d0, d1, d2", true, 0x1e62_0820),
        ("fmul s0, s1, s2", false, 0x1e22_0820),
        ("fdiv d0, d1, d2", true, 0x1e62_1820),
        ("fsqrt d0, d1", true, 0x1e61_c020),
        ("fmadd s0, s1, s2, s3", false, 0x1f02_0c20),
        ("fmadd d0, d1, d2, d3", true, 0x1f42_0c20),
        ("fmax d0, d1, d2", true, 0x1e62_4820),
        ("fcmp d0, d1", true, 0x1e61_2000),
        ("fcsel d0, d1, d2, eq", true, 0x1e62_0c20),
        ("fcvt s0, d1", true, 0x1e62_4020),
        ("fcvtzs x1, d1", true, 0x9e78_0021),
        ("scvtf d0, x1", true, 0x9e62_0020),
        ("frinta d0, d1", true, 0x1e66_4020),
        ("fadd v0.4s, v1.4s, v2.4s", false, 0x4e22_d420),
        ("fmul v0.4s, v1.4s, v2.4s", false, 0x6e22_dc20),
        ("fmla v0.4s, v1.4s, v2.4s", false, 0x4e22_cc20),
        ("fmul v0.2d, v1.2d, v2.2d", true, 0x6e62_dc20),
        ("fmla v0.2d, v1.2d, v2.2d", true, 0x4e62_cc20),
        ("fmla v0.4s, v1.4s, v2.s[1]", false, 0x4fa2_1020),
        ("fcmgt v0.4s, v1.4s, v2.4s", false, 0x6ea2_e420),
        ("scvtf v0.4s, v1.4s", false, 0x4e21_d820),
    ];
    for (text, double, word) in lines {
        println!("{text:28}{:8.2}{:8.2}", time(word, double, 0), time(word, double, 1 << 22));
    }
}
