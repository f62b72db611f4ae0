//! Speed of the interpreter: a loop of arithmetic, loads, stores, branches and calls in the proportions of
//! compiled integer code. `cargo run --release -p armlet-engine --example mips`.

use std::sync::Arc;
use std::time::Instant;

use armlet_base::{Clock, GuestRam, RamKind, RamRegion};
use armlet_engine::{Code, Cpu, EmptyWorld, Stop, Vm, uop};

/// X0 counts the rounds.
#[rustfmt::skip]
const PROGRAM: &[u32] = &[
    0xd288_0014, // 00: mov x20, #16384
    0xf2a8_0014, // 04: movk x20, #16384, lsl #16
    0x5280_0013, // 08: mov w19, #0
    0xd280_0002, // 0c: mov x2, #0
    0xb862_7a83, // 10: ldr w3, [x20, x2, lsl #2]
    0x0b03_0273, // 14: add w19, w19, w3
    0x4a43_0e65, // 18: eor w5, w19, w3, lsr #3
    0x5304_28a6, // 1c: ubfx w6, w5, #4, #7
    0x3866_4a87, // 20: ldrb w7, [x20, w6, uxtw]
    0x1b05_4cf3, // 24: madd w19, w7, w5, w19
    0x3610_0065, // 28: tbz w5, #2, 0x34
    0x9400_000c, // 2c: bl 0x5c
    0x1400_0004, // 30: b 0x40
    0x5100_44a5, // 34: sub w5, w5, #17
    0x6b03_00bf, // 38: cmp w5, w3
    0x1a93_80b3, // 3c: csel w19, w5, w19, hi
    0xb822_7a85, // 40: str w5, [x20, x2, lsl #2]
    0x9100_0442, // 44: add x2, x2, #1
    0xf103_205f, // 48: cmp x2, #200
    0x54ff_fe21, // 4c: b.ne 0x10
    0xf100_0400, // 50: subs x0, x0, #1
    0x54ff_fdc1, // 54: b.ne 0xc
    0xd400_0002, // 58: hvc #0
    0xa9be_7bfd, // 5c: stp x29, x30, [sp, #-32]!
    0x9100_03fd, // 60: mov x29, sp
    0xb900_17e5, // 64: str w5, [sp, #20]
    0x1200_1ca8, // 68: and w8, w5, #0xff
    0x3400_0088, // 6c: cbz w8, 0x7c
    0x531d_7108, // 70: lsl w8, w8, #3
    0x78e8_4a89, // 74: ldrsh w9, [x20, w8, uxtw]
    0x4ac5_1d25, // 78: eor w5, w9, w5, ror #7
    0xb940_17e8, // 7c: ldr w8, [sp, #20]
    0x0b08_00a5, // 80: add w5, w5, w8
    0xa8c2_7bfd, // 84: ldp x29, x30, [sp], #32
    0xd65f_03c0, // 88: ret
];

const BASE: u64 = 0x4000_0000;

fn main() {
    let ram = GuestRam::new(&[RamRegion { gpa: BASE, len: 0x10_0000, kind: RamKind::ReadWrite }]);
    let ram = ram.expect("the host has a megabyte");
    let code: Vec<u8> = PROGRAM.iter().flat_map(|w| w.to_le_bytes()).collect();
    ram.write(BASE, &code).expect("the program fits");
    let data: Vec<u8> = (0..4096u32).map(|n| (n.wrapping_mul(0x9e37_79b9) >> 24) as u8).collect();
    ram.write(BASE + 0x4000, &data).expect("the data fits");
    let model = armlet_arm::cpu::model("max").expect("the default model");
    let mut cpu = Cpu::new(Vm::new(Arc::new(ram), model, 1, Clock::default()), 0);
    let jit = std::env::args().nth(2).is_none_or(|engine| engine != "interp");
    let mut cache = if jit { Code::jit(1 << 20).expect("code memory") } else { Code::interpreter() };
    let rounds = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(20_000);
    let mut best = 0.0f64;
    for _ in 0..3 {
        cpu.pc = BASE;
        cpu.x[uop::SP as usize] = BASE + 0x8000;
        cpu.x[0] = rounds;
        let (start, before) = (Instant::now(), cpu.retired);
        assert_eq!(cpu.run(&mut cache, &mut EmptyWorld), Stop::World);
        let count = (cpu.retired - before) as f64;
        best = best.max(count / start.elapsed().as_secs_f64() / 1e6);
        println!("{count} instructions, checksum {:#x}", cpu.x[19]);
    }
    println!("{best:.1} MIPS");
    println!("{:?}", cache.jit_stats());
}
