//! Strict mode: programs that change code without telling the instruction cache.

mod common;

use armlet_arm::{CpuState, SysReg};
use armlet_engine::{Code, Cpu, Stop};
use common::*;

const MOV_X0_1: u32 = 0xd280_0020;
const MOV_X0_2: u32 = 0xd280_0040;
const HVC: u32 = 0xd400_0002;
const RET: u32 = 0xd65f_03c0;
const NOP: u32 = 0xd503_201f;
/// Where vectors are.
const VECTORS: u64 = RAM + 0x1_0000;

/// A machine whose code and data are at the addresses they have in memory.
fn machine(cpus: usize, strict: bool) -> Machine {
    let mut m = Machine::of(cpus);
    if strict {
        m.cpu.vm.watch_code();
    }
    m.map_block(RAM, RAM, 0);
    m.cpu.sys[SysReg::CPACR_EL1] = 3 << 20;
    m.cpu.sys[SysReg::VBAR_EL1] = VECTORS;
    m.cpu.state_replaced();
    write(&m, VECTORS + 0x200, &[HVC]);
    m.cpu.pc = RAM;
    m
}

fn write(m: &Machine, pa: u64, words: &[u32]) {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    m.ram.write(pa, &bytes).unwrap();
}

/// The executors this host has.
fn executors() -> Vec<Code> {
    let mut all = vec![Code::interpreter()];
    if Code::HAS_JIT {
        all.push(Code::jit(1 << 20).unwrap());
    }
    all
}

/// Runs a program whose word 15, the last one of `stores`, changes word 16. Returns the PE.
fn change_next(code: &mut Code, strict: bool, stores: &[u32]) -> Machine {
    let mut m = machine(1, strict);
    let mut words = vec![
        0xd2a8_0002, // mov x2, #RAM
        0xb940_8041, // ldr w1, [x2, #128]
        0x9101_0044, // add x4, x2, #0x40
        0x9101_1045, // add x5, x2, #0x44
        0x5280_0006, // mov w6, #0
        0x4e04_1c20, // mov v0.s[0], w1
    ];
    words.resize(16 - stores.len(), NOP);
    words.extend(stores);
    words.extend([MOV_X0_1, NOP, HVC]);
    write(&m, RAM, &words);
    write(&m, RAM + 0x80, &[MOV_X0_2]);
    assert_eq!(m.cpu.run(code, &mut m.world), Stop::World, "{stores:08x?}");
    assert_eq!(m.cpu.pc, RAM + 19 * 4, "{stores:08x?}");
    m
}

#[test]
fn the_next_instruction_is_the_new_one() {
    for (stores, x0, x4, x5) in [
        (&[0xb900_0081][..], 2, 0x40, 0x44),          // str w1, [x4]
        (&[0xb800_4481], 2, 0x44, 0x44),              // str w1, [x4], #4
        (&[0xb81f_cca1], 2, 0x40, 0x40),              // str w1, [x5, #-4]!
        (&[0x2900_0481], 2, 0x40, 0x44),              // stp w1, w1, [x4]
        (&[0x889f_fc81], 2, 0x40, 0x44),              // stlr w1, [x4]
        (&[0x885f_7c87, 0x8806_7c81], 2, 0x40, 0x44), // ldxr w7, [x4]; stxr w6, w1, [x4]
        (&[0xb821_8087], 2, 0x40, 0x44),              // swp w1, w7, [x4]
        (&[0xb821_309f], 3, 0x40, 0x44),              // stset w1, [x4]
        (&[0x0d00_8080], 2, 0x40, 0x44),              // st1 {v0.s}[0], [x4]
        (&[0xbd00_0080], 2, 0x40, 0x44),              // str s0, [x4]
    ] {
        for (n, mut code) in executors().into_iter().enumerate() {
            let m = change_next(&mut code, true, stores);
            let x = &m.cpu.x;
            assert_eq!((x[0], x[4] - RAM, x[5] - RAM, x[6]), (x0, x4, x5, 0), "{n} {stores:08x?}");
            assert_eq!(m.cpu.retired, 19, "{n} {stores:08x?}");
            // Without strict mode either one may run.
            code.clear();
            let m = change_next(&mut code, false, stores);
            assert!([1, x0].contains(&m.cpu.x[0]) && m.cpu.retired == 19, "{n} {stores:08x?}");
        }
    }
}

/// The flags that the new instruction asks for are those that nobody asked for when the code was compiled.
#[test]
fn the_new_instruction_finds_all_flags() {
    for mut code in executors() {
        let mut m = machine(1, true);
        let words = [
            0xd2a8_0002, // mov x2, #RAM
            0xb940_8041, // ldr w1, [x2, #128]
            0xf100_005f, // cmp x2, #0
            0xb900_1041, // str w1, [x2, #16]
            MOV_X0_2,    // cset x0, ne
            0xf100_141f, // cmp x0, #5
            HVC,
        ];
        write(&m, RAM, &words);
        write(&m, RAM + 0x80, &[0x9a9f_07e0]);
        assert_eq!(m.cpu.run(&mut code, &mut m.world), Stop::World);
        assert_eq!((m.cpu.x[0], m.cpu.retired), (1, 7));
    }
}

/// Code on another page, which a store reached before it held code.
#[test]
fn a_block_that_is_zeroed_is_undefined() {
    for mut code in executors() {
        let mut m = machine(1, true);
        let words = [
            0xd2a8_0002, // mov x2, #RAM
            0x9140_0444, // add x4, x2, #0x1000
            0x9101_2085, // add x5, x4, #0x48
            0xf900_00bf, // str xzr, [x5]
            0xd63f_0080, // blr x4
            0xd50b_7425, // dc zva, x5
            0xd63f_0080, // blr x4
            HVC,
        ];
        write(&m, RAM, &words);
        write(&m, RAM + 0x1000, &[MOV_X0_1, RET]);
        assert_eq!(m.cpu.run(&mut code, &mut m.world), Stop::World);
        assert_eq!((m.cpu.x[0], m.cpu.pc), (1, VECTORS + 0x204));
        assert_eq!(m.cpu.sys[SysReg::ELR_EL1], RAM + 0x1000);
    }
}

/// The second PE runs a function over and over; the first one changes it, says DSB, and tells.
#[test]
fn another_pe_sees_it_after_dsb() {
    let first = [
        0xd2a8_0002, // mov x2, #RAM
        0xb940_8041, // ldr w1, [x2, #128]
        0x9140_0844, // add x4, x2, #0x2000
        0x9140_0c45, // add x5, x2, #0x3000
        0xc8df_fca6, // ldar x6, [x5]
        0xf101_90df, // cmp x6, #100
        0x54ff_ffc3, // b.lo .-8
        0xb900_0081, // str w1, [x4]
        0xd503_3f9f, // dsb sy
        0x9100_20a5, // add x5, x5, #8
        0xd280_0026, // mov x6, #1
        0xc89f_fca6, // stlr x6, [x5]
        HVC,
    ];
    let second = [
        0xd2a8_0002, // mov x2, #RAM
        0x9140_0844, // add x4, x2, #0x2000
        0x9140_0c45, // add x5, x2, #0x3000
        0x9100_20a8, // add x8, x5, #8
        0x9100_04e7, // add x7, x7, #1
        0xc89f_fca7, // stlr x7, [x5]
        0xc8df_fd06, // ldar x6, [x8]
        0xd503_3fdf, // isb
        0xd63f_0080, // blr x4
        0xb4ff_ff66, // cbz x6, .-20
        HVC,
    ];
    for (mut code, mut other_code) in executors().into_iter().zip(executors()) {
        for _ in 0..20 {
            code.clear();
            other_code.clear();
            let mut m = machine(2, true);
            write(&m, RAM, &first);
            write(&m, RAM + 0x80, &[MOV_X0_2]);
            write(&m, RAM + 0x1000, &second);
            write(&m, RAM + 0x2000, &[MOV_X0_1, RET]);
            let mut other = Cpu::new(m.cpu.vm.clone(), 1);
            let mut state = CpuState::default();
            m.cpu.save(&mut state);
            state.pc = RAM + 0x1000;
            other.load(&state);
            std::thread::scope(|scope| {
                let other_code = &mut other_code;
                let second = scope.spawn(move || {
                    assert_eq!(other.run(other_code, &mut Log::default()), Stop::World);
                    other.x[0]
                });
                assert_eq!(m.cpu.run(&mut code, &mut m.world), Stop::World);
                assert_eq!(second.join().unwrap(), 2);
            });
        }
    }
}
