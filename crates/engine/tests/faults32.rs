//! AArch32's accesses that fault: alignment, and that registers stay as they are.

mod oracle;
mod oracle32;

use armlet_engine::Code;
use oracle::{MEM, Rng};
use oracle32::{Case, Ours, Outcome, Program};

/// The end of memory: what lies behind is an external abort.
const END: u32 = 0x40_0000;

fn all() -> Vec<Ours> {
    let mut all = vec![Ours::with(Code::interpreter())];
    if Code::HAS_JIT {
        all.push(Ours::with(Code::jit(1 << 20).unwrap()));
    }
    all
}

/// Runs one instruction with R1 = `base`; what came of it, and whether registers, flags and memory are as before.
fn run(ours: &mut Ours, program: Program, base: u32) -> (Outcome, bool) {
    let mut case = Case::random(&mut Rng::new(base.into()), program);
    (case.r[1], case.r[13]) = (base, base);
    let outcome = ours.run(&case);
    let same = outcome.r == case.r && outcome.flags == case.flags && outcome.mem == case.mem;
    (outcome, same)
}

fn both(word: u32, t32: u32) -> [Program; 2] {
    [Program::a32(&[word]), Program::t32(&[t32])]
}

#[test]
fn lists_and_pairs_are_of_aligned_words() {
    let forms = [
        both(0xe891_00fd, 0xe891_00fd), // ldm r1, {r0, r2-r7}
        both(0xe8a1_00fd, 0xe8a1_00fd), // stm r1!, {r0, r2-r7}
        both(0xe8bd_0005, 0xe8bd_0005), // pop {r0, r2}
        both(0xe92d_0005, 0xe92d_0005), // push {r0, r2}
        both(0xe1c1_20d8, 0xe9d1_2302), // ldrd r2, r3, [r1, #8]
        both(0xe1c1_20f8, 0xe9c1_2302), // strd r2, r3, [r1, #8]
        both(0xe191_0f9f, 0xe851_0f00), // ldrex r0, [r1]
        both(0xe191_0c9f, 0xe8d1_0faf), // lda r0, [r1]
    ];
    for ours in &mut all() {
        for program in forms.iter().flatten() {
            for offset in 1..4 {
                let (outcome, same) = run(ours, program.clone(), MEM as u32 + 0x200 + offset);
                assert!(outcome.raised && same, "{program:x?} at {offset}");
            }
            assert!(!run(ours, program.clone(), MEM as u32 + 0x200).0.raised, "{program:x?}");
        }
    }
}

#[test]
fn a_fault_on_the_way_changes_no_register() {
    let forms = [
        both(0xe8b1_07fd, 0xe8b1_07fd), // ldm r1!, {r0, r2-r10}
        both(0xe8a1_07fd, 0xe8a1_07fd), // stm r1!, {r0, r2-r10}
        both(0xe8a1_000c, 0xe8a1_000c), // stm r1!, {r2, r3}
        both(0xe8b1_000d, 0xe8b1_000d), // ldm r1!, {r0, r2, r3}
        both(0xe8b1_000c, 0xe8b1_000c), // ldm r1!, {r2, r3}
        both(0xe8bd_8001, 0xe8bd_8001), // pop {r0, pc}
        both(0xe0c1_20d8, 0xe8f1_2302), // ldrd r2, r3, [r1], #8
    ];
    for ours in &mut all() {
        for program in forms.iter().flatten() {
            let (outcome, same) = run(ours, program.clone(), END - 4);
            assert!(outcome.raised && same, "{program:x?}");
        }
    }
}
