//! Runs what the encoder writes: every level must compute the same, and what plain Rust computes.
#![cfg(all(target_arch = "x86_64", unix))]

use armlet_x64::*;
use std::arch::is_x86_feature_detected;

mod model;

/// Offset of a copy of `b` that is not aligned.
const ODD: usize = 65;
const SIZE: usize = 96;

/// Values of `a`, `b`, `dst` and a mask; the result replaces `dst`.
#[derive(Clone, Copy, Debug)]
pub struct Values {
    a: u128,
    b: u128,
    dst: u128,
    mask: u128,
}

/// Registers for `a`, `b`, `dst` and the mask.
#[derive(Clone, Copy, Debug)]
struct Registers {
    a: u8,
    b: u8,
    dst: u8,
    mask: u8,
}

const fn registers(dst: u8, a: u8, b: u8) -> Registers {
    Registers { a, b, dst, mask: 0 }
}

/// No aliases, and every kind of them.
const LOW: [Registers; 6] = [
    registers(3, 4, 15),
    registers(9, 9, 4),
    registers(9, 4, 9),
    registers(9, 4, 4),
    registers(9, 9, 9),
    registers(0, 1, 3),
];

const HIGH: [Registers; 11] = [
    registers(16, 17, 31),
    registers(20, 20, 21),
    registers(20, 21, 20),
    registers(20, 21, 21),
    registers(20, 20, 20),
    registers(3, 20, 21),
    registers(20, 3, 21),
    registers(20, 21, 3),
    registers(3, 3, 21),
    registers(3, 21, 3),
    registers(2, 21, 22),
];

fn host_has(level: Level) -> bool {
    match level {
        Level::Sse => is_x86_feature_detected!("sse4.2"),
        Level::Avx2 => {
            is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("fma")
                && is_x86_feature_detected!("f16c")
        }
        Level::Avx512 => {
            is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
        }
    }
}

/// Levels of this host with registers for each.
fn settings() -> Vec<(Level, Registers)> {
    let mut all = Vec::new();
    for level in [Level::Sse, Level::Avx2, Level::Avx512] {
        if host_has(level) {
            all.extend(LOW.map(|registers| (level, registers)));
        }
    }
    if host_has(Level::Avx512) {
        all.extend(HIGH.map(|registers| (Level::Avx512, registers)));
    }
    all
}

/// Extensions beyond the levels, by what the name of an operation begins with.
fn host_knows(name: &str) -> bool {
    let needs = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    (!needs(&["Gf2p8"]) || is_x86_feature_detected!("gfni"))
        && (!needs(&["Aes"]) || is_x86_feature_detected!("aes"))
        && (!needs(&["Pclmul"]) || is_x86_feature_detected!("pclmulqdq"))
        && (!needs(&["Sha"]) || is_x86_feature_detected!("sha"))
        && (!needs(&["Vpermb", "Vpermi2b", "Vpermt2b"]) || is_x86_feature_detected!("avx512vbmi"))
        && (!needs(&["Vpopcntb", "Vpopcntw"]) || is_x86_feature_detected!("avx512bitalg"))
        && (!needs(&["Vpopcntd", "Vpopcntq"]) || is_x86_feature_detected!("avx512vpopcntdq"))
        && (!needs(&["Vplzcnt"]) || is_x86_feature_detected!("avx512cd"))
}

/// Code in memory.
struct Code(memmap2::Mmap);

impl Code {
    /// A function that loads the registers, does what `write` writes, and stores the result.
    fn new(level: Level, r: Registers, write: impl FnOnce(&mut Asm)) -> Self {
        let mut asm = Asm::default();
        asm.start(0);
        asm.set_level(level);
        asm.vload(Xmm(r.dst), Mem::base(Gpr::Rdi, 32));
        asm.vload(Xmm(r.a), Mem::base(Gpr::Rdi, 0));
        asm.vload(Xmm(r.b), Mem::base(Gpr::Rdi, 16));
        asm.vload(Xmm(r.mask), Mem::base(Gpr::Rdi, 48));
        write(&mut asm);
        asm.vstore(Mem::base(Gpr::Rdi, 32), Xmm(r.dst));
        asm.ret();
        let code = asm.finish();
        let mut map = memmap2::MmapMut::map_anon(code.len()).expect("memory for code");
        map[..code.len()].copy_from_slice(code);
        Self(map.make_exec().expect("executable memory"))
    }

    fn run(&self, v: Values) -> u128 {
        let mut memory = [0u8; SIZE];
        for (at, value) in [(0, v.a), (16, v.b), (32, v.dst), (48, v.mask), (ODD, v.b)] {
            memory[at..at + 16].copy_from_slice(&value.to_le_bytes());
        }
        // SAFETY: the mapping holds a function of this signature, which uses only registers the caller
        // must expect to change, and accesses only the SIZE bytes it is given.
        unsafe {
            let function: extern "sysv64" fn(*mut u8) = std::mem::transmute(self.0.as_ptr());
            function(memory.as_mut_ptr());
        }
        u128::from_le_bytes(memory[32..48].try_into().expect("16 bytes"))
    }
}

/// The unaligned copy of `b`.
fn odd() -> Mem {
    Mem::base(Gpr::Rdi, ODD as i32)
}

/// The values as the registers hold them: a register that is loaded twice keeps the second value.
fn seen(r: Registers, mut v: Values) -> Values {
    if r.b == r.a {
        v.a = v.b;
    }
    if r.dst == r.mask {
        v.dst = v.mask;
    } else if r.dst == r.b {
        v.dst = v.b;
    } else if r.dst == r.a {
        v.dst = v.a;
    }
    v
}

/// Random values and such that instructions treat in a special way.
fn inputs() -> Vec<Values> {
    let special: [u128; 10] = [
        0,
        u128::MAX,
        0x7fc0_1234_7f80_0000_ff80_0000_ffc0_4321,
        0x7f80_0001_8000_0000_0000_0001_3f80_0000,
        0x7ff8_0000_0000_0005_fff0_0000_0000_0000,
        0x7ff0_0000_0000_0003_3ff0_0000_0000_0000,
        0x8080_8080_8080_8080_7f7f_7f7f_7f7f_7f7f,
        0x8000_8000_8000_8000_7fff_7fff_7fff_7fff,
        0x8000_0000_0000_0000_0000_0000_0000_0005,
        0x0000_0003_0000_0002_0000_0000_0000_0013,
    ];
    let mut state = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c834_u128;
    let mut next = || {
        state = state.wrapping_mul(0x2360_ed05_1fc6_5da4_4385_df64_9fcc_f645).wrapping_add(0x1357);
        state.rotate_right((state >> 121) as u32)
    };
    let mut all = Vec::new();
    for a in special {
        all.extend(special.map(|b| Values { a, b, dst: next(), mask: next() }));
        all.push(Values { a, b: next(), dst: next(), mask: next() });
        all.push(Values { a: next(), b: a, dst: next(), mask: next() });
    }
    all.extend((0..30).map(|_| Values { a: next(), b: next(), dst: next(), mask: next() }));
    all
}

/// The registers the expected result is computed with.
const PLAIN: Registers = registers(3, 4, 5);

/// Checks an operation at every level from `least` on, against the lowest level.
fn compare(
    name: &str,
    least: Level,
    memory: bool,
    register: bool,
    reads_mask: bool,
    write: impl Fn(&mut Asm, Xmm, Xmm, Xm),
) {
    if !host_has(least) || !host_knows(name) {
        return;
    }
    let inputs = inputs();
    let emit = |level, r: Registers, b: Xm| Code::new(level, r, |asm| write(asm, Xmm(r.dst), Xmm(r.a), b));
    let in_memory = Xm::M(odd());
    let plain = if register { Xm::R(Xmm(PLAIN.b)) } else { in_memory };
    let reference = emit(least, PLAIN, plain);
    for (level, r) in settings().into_iter().filter(|&(level, _)| level >= least) {
        if reads_mask && [r.a, r.b, r.dst].contains(&0) {
            continue;
        }
        if register {
            let code = emit(level, r, Xm::R(Xmm(r.b)));
            for &input in &inputs {
                let values = seen(r, input);
                let expected = reference.run(values);
                assert_eq!(code.run(input), expected, "{name} at {level:?}: {r:?} {values:x?}");
            }
        }
        // With `b` in memory, XMM2 may not be a register.
        if memory && r.dst != 2 {
            let code = emit(level, r, in_memory);
            for &input in &inputs {
                // The register `b` is loaded all the same.
                let values = Values { b: input.b, ..seen(r, input) };
                assert_eq!(code.run(input), reference.run(values), "{name} of memory at {level:?}: {r:?}");
            }
        }
    }
}

#[test]
fn levels_agree_on_two_vectors() {
    for &op in VOp::ALL {
        let register = !matches!(op, VOp::Movlps | VOp::Movhps);
        let memory = !matches!(op, VOp::Movss | VOp::Movsd | VOp::Movhlps | VOp::Movlhps);
        // With K0 as mask, VBLENDM is a move; the levels have nothing to disagree about.
        compare(&format!("{op:?}"), op.level(), memory, register, false, |asm, dst, a, b| {
            asm.vop(op, dst, a, b);
        });
    }
}

#[test]
fn levels_agree_on_immediates() {
    for imm in [0, 1, 2, 3, 5, 0x1b, 0x4e, 0x88, 0xe4, 0xff] {
        for &op in VOpImm::ALL {
            let name = format!("{op:?}");
            let predicate = name.starts_with("Cmp");
            let rounding = name.starts_with("Round");
            let imm = match op {
                _ if predicate || rounding => imm & 7,
                // Memory has but one element to choose.
                VOpImm::Insertps => imm & 0x3f,
                _ => imm,
            };
            compare(&name, op.level(), true, true, false, |asm, dst, a, b| {
                asm.vop_imm(op, dst, a, b, imm);
            });
        }
        for &op in VUnImm::ALL {
            let name = format!("{op:?}");
            let imm = if name.starts_with("Round") { imm & 7 } else { imm };
            compare(&name, op.level(), true, true, false, |asm, dst, _, b| asm.vun_imm(op, dst, b, imm));
        }
        for &op in VShift::ALL {
            compare(&format!("{op:?}"), op.level(), false, true, false, |asm, dst, _, b| {
                if let Xm::R(b) = b {
                    asm.vshift(op, dst, b, imm);
                }
            });
        }
    }
}

/// The predicates only AVX has.
#[test]
fn avx_predicates() {
    for op in [VOpImm::Cmpps, VOpImm::Cmppd, VOpImm::Cmpss, VOpImm::Cmpsd] {
        for predicate in 0..32 {
            compare(&format!("{op:?}"), Level::Avx2, true, true, false, |asm, dst, a, b| {
                asm.vop_imm(op, dst, a, b, predicate);
            });
        }
    }
}

#[test]
fn levels_agree_on_one_vector() {
    for &op in VUn::ALL {
        // This one wants aligned memory.
        let memory = op != VUn::Vmovaps;
        compare(&format!("{op:?}"), op.level(), memory, true, false, |asm, dst, _, b| asm.vun(op, dst, b));
    }
}

#[test]
fn levels_agree_on_sha() {
    for &op in VSha::ALL {
        compare(&format!("{op:?}"), Level::Sse, true, true, true, |asm, dst, _, b| asm.vsha(op, dst, b));
    }
    compare("Sha1rnds4", Level::Sse, true, true, false, |asm, dst, _, b| asm.sha1rnds4(dst, b, 1));
}

#[test]
fn models() {
    for (op, model) in model::table() {
        if !host_has(op.level()) {
            continue;
        }
        for (level, r) in settings().into_iter().filter(|&(level, _)| level >= op.level()) {
            let code = Code::new(level, r, |asm| asm.vop(op, Xmm(r.dst), Xmm(r.a), Xmm(r.b)));
            for input in inputs() {
                let Values { a, b, .. } = seen(r, input);
                assert_eq!(code.run(input), model(a, b), "{op:?} at {level:?}: {r:?} {a:x} {b:x}");
            }
        }
    }
}

/// Blends have four operands; at the level of SSE the mask is implicitly in XMM0.
#[test]
fn blends() {
    let low = [0, 1, 3, 4];
    let high = [3, 4, 18, 19];
    let mut choices: Vec<(Level, [u8; 4])> = vec![(Level::Sse, low), (Level::Avx2, low)];
    choices.extend([(Level::Avx512, low), (Level::Avx512, high)]);
    for (op, bits) in [(VBlendv::Pblendvb, 8), (VBlendv::Blendvps, 32), (VBlendv::Blendvpd, 64)] {
        for (level, numbers) in choices.iter().filter(|(level, _)| host_has(*level)) {
            for n in 0..256 {
                let pick = |shift: u32| numbers[n >> shift & 3];
                let r = Registers { dst: pick(0), a: pick(2), b: pick(4), mask: pick(6) };
                blend(op, bits, *level, r, false);
                if *level != Level::Sse || r.mask != 1 {
                    blend(op, bits, *level, r, true);
                }
            }
        }
    }
}

fn blend(op: VBlendv, bits: u32, level: Level, r: Registers, memory: bool) {
    // SSE may use XMM1 to keep what is in XMM0.
    if level == Level::Sse && r.b == 0 && r.mask == 1 {
        return;
    }
    let code = Code::new(level, r, |asm| {
        let b = if memory { odd().into() } else { Xm::R(Xmm(r.b)) };
        asm.vblendv(op, Xmm(r.dst), Xmm(r.a), b, Xmm(r.mask));
    });
    for input in inputs().into_iter().rev().take(5) {
        let value = |number| match number {
            _ if number == r.mask => input.mask,
            _ if number == r.b => input.b,
            _ => input.a,
        };
        let b = if memory { input.b } else { value(r.b) };
        let expected = model::blend(bits, value(r.a), b, input.mask);
        assert_eq!(code.run(input), expected, "{op:?} at {level:?}: {r:?} {memory}");
    }
}

#[test]
fn fused() {
    let number = |x: u128| f64::from_bits(x as u64);
    for level in [Level::Avx2, Level::Avx512] {
        if !host_has(level) {
            continue;
        }
        let r = if level == Level::Avx512 { HIGH[0] } else { LOW[0] };
        for order in [FmaOrder::F132, FmaOrder::F213, FmaOrder::F231] {
            for (op, product, sum) in
                [(Fma::Madd, 1., 1.), (Fma::Msub, 1., -1.), (Fma::Nmadd, -1., 1.), (Fma::Nmsub, -1., -1.)]
            {
                let code = Code::new(level, r, |asm| {
                    asm.vfma(op, order, Fp::Sd, Xmm(r.dst), Xmm(r.a), Xmm(r.b));
                });
                for v in inputs() {
                    let (d, a, b) = (number(v.dst), number(v.a), number(v.b));
                    let (x, y, z) = match order {
                        FmaOrder::F132 => (d, b, a),
                        FmaOrder::F213 => (a, d, b),
                        FmaOrder::F231 => (a, b, d),
                    };
                    let expected = (x * product).mul_add(y, z * sum);
                    let found = number(code.run(v));
                    let same = found.to_bits() == expected.to_bits() || found.is_nan() && expected.is_nan();
                    assert!(same, "{op:?} {order:?} of {v:x?}: {found}");
                }
            }
        }
    }
}

/// Flags, and moves between general and vector registers.
#[test]
fn flags_and_general_registers() {
    for (level, r) in settings() {
        let memory = r.a != 2;
        for b in [Xm::R(Xmm(r.b)), odd().into()].into_iter().take(1 + usize::from(memory)) {
            let code = Code::new(level, r, |asm| {
                asm.vtest(VTest::Ptest, Xmm(r.a), b);
                asm.set(Cond::E, Gpr::Rax);
                asm.set(Cond::B, Gpr::Rcx);
                asm.movzx8(Gpr::Rax, Gpr::Rax);
                asm.movzx8(Gpr::Rcx, Gpr::Rcx);
                asm.movmsk(MoveMask::Pmovmskb, Gpr::Rdx, Xmm(r.a));
                asm.movd_to(Bits::B32, Xmm(r.dst), Gpr::Rax);
                asm.pinsr(Lane::D, Xmm(r.dst), Xmm(r.dst), Gpr::Rcx, 1);
                asm.pinsr(Lane::Q, Xmm(r.dst), Xmm(r.dst), Gpr::Rdx, 1);
            });
            for input in inputs() {
                let v = Values { ..seen(r, input) };
                let b = if matches!(b, Xm::M(_)) { input.b } else { v.b };
                let signs = (0..16).map(|i| (v.a >> (8 * i + 7) & 1) << i).sum::<u128>();
                let expected = u128::from(v.a & b == 0) | u128::from(!v.a & b == 0) << 32 | signs << 64;
                assert_eq!(code.run(input), expected, "{level:?} {r:?} {v:x?}");
            }
        }
    }
}
