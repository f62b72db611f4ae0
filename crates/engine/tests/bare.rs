//! Tiny programs on a bare PE: the engine's plumbing from words to registers.

use std::sync::Arc;

use armlet_base::{Clock, GuestRam, RamKind, RamRegion};
use armlet_engine::{Code, Cpu, EmptyWorld, Stop, Vm};

fn run(words: &[u32]) -> Cpu {
    let ram =
        GuestRam::new(&[RamRegion { gpa: 0x4000_0000, len: 0x10_0000, kind: RamKind::ReadWrite }]).unwrap();
    let code: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
    ram.write(0x4000_0000, &code).unwrap();
    let model = armlet_arm::cpu::model("max").unwrap();
    let vm = Vm::new(Arc::new(ram), model, 1, Clock::default());
    let mut cpu = Cpu::new(vm, 0);
    cpu.pc = 0x4000_0000;
    assert_eq!(cpu.run(&mut Code::default(), &mut EmptyWorld), Stop::World);
    cpu
}

#[test]
fn counts_down_and_stops() {
    let cpu = run(&[
        0xd2800140, // mov x0, #10
        0x91000421, // add x1, x1, #1
        0xf1000400, // subs x0, x0, #1
        0x54ffffc1, // b.ne .-8
        0xd4000002, // hvc #0
    ]);
    assert_eq!((cpu.x[0], cpu.x[1], cpu.retired), (0, 10, 32));
}

#[test]
fn loads_what_it_stored() {
    let cpu = run(&[
        0xd2a80002, // movz x2, #0x4000, lsl #16
        0xd2824680, // mov x0, #0x1234
        0xf9008040, // str x0, [x2, #256]
        0xf9408043, // ldr x3, [x2, #256]
        0xd4000002, // hvc #0
    ]);
    assert_eq!(cpu.x[3], 0x1234);
}

/// Runs `words` with X2 near the end of memory and an exception vector that stops; returns the PE, whose
/// X0 and X1 were -1 and -2.
fn run_at_the_edge(x2: u64, words: &[u32]) -> Cpu {
    let mut program = vec![
        0x9280_0000, // mov x0, #-1
        0x9280_0021, // mov x1, #-2
        0xd2a0_0002 | ((x2 >> 16 & 0xffff) as u32) << 5,
        0xf280_0002 | ((x2 & 0xffff) as u32) << 5,
    ];
    program.extend(words);
    let ram = GuestRam::new(&[
        RamRegion { gpa: 0, len: 0x1000, kind: RamKind::ReadWrite },
        RamRegion { gpa: 0x4000_0000, len: 0x10_0000, kind: RamKind::ReadWrite },
    ]);
    let ram = ram.unwrap();
    let code: Vec<u8> = program.iter().flat_map(|w| w.to_le_bytes()).collect();
    ram.write(0x4000_0000, &code).unwrap();
    ram.write(0x200, &0xd400_0002u32.to_le_bytes()).unwrap();
    let model = armlet_arm::cpu::model("max").unwrap();
    let mut cpu = Cpu::new(Vm::new(Arc::new(ram), model, 1, Clock::default()), 0);
    cpu.pc = 0x4000_0000;
    assert_eq!(cpu.run(&mut Code::default(), &mut EmptyWorld), Stop::World);
    cpu
}

#[test]
fn a_faulting_access_changes_nothing() {
    let edge = 0x4010_0000;
    for (words, x2) in [
        (vec![0xf840_8440], edge),         // ldr x0, [x2], #8
        (vec![0xf840_8c40], edge - 8),     // ldr x0, [x2, #8]!
        (vec![0xf840_8c42], edge - 8),     // ldr x2, [x2, #8]!
        (vec![0xa8c1_0440], edge - 8),     // ldp x0, x1, [x2], #16
        (vec![0xa8c1_0840], edge - 8),     // ldp x0, x2, [x2], #16
        (vec![0xf820_0041], edge),         // ldadd x0, x1, [x2]
        (vec![0xc8df_fc40], edge),         // ldar x0, [x2]
        (vec![0xc8df_fc40], edge - 0x7fc), // ldar x0, [x2], not aligned
        (vec![0x4c9f_0840], edge),         // st4 {v0.4s-v3.4s}, [x2], #64
    ] {
        let cpu = run_at_the_edge(x2, &words);
        let (x, before) = (&cpu.x[..3], [!0, !1, x2]);
        assert_eq!(x, before, "{words:08x?}");
        assert_eq!(cpu.pc, 0x204, "{words:08x?} raises");
        assert_eq!(cpu.sys[armlet_arm::SysReg::ELR_EL1], 0x4000_0010);
    }
}
