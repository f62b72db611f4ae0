//! Core instructions of A32 and T32 compared with Unicorn, by class.

mod oracle;
mod oracle32;

use armlet_arm::aarch32::{Insn, Op, Operand, Sets, a32, t32};
use armlet_arm::feature::FeatureSet;
use oracle::{CODE, MEM, Rng};
use oracle32::{Case, E, Oracle, Program};

/// A random word of each row of both instruction sets that `accepts` likes, `count` times.
fn each(
    rng: &mut Rng,
    count: usize,
    accepts: impl Fn(&Insn) -> bool,
    mut check: impl FnMut(&mut Rng, Program, &Insn),
) {
    let features = FeatureSet::ALL;
    for row in a32::ROWS.iter().flat_map(|rows| rows.iter()) {
        for _ in 0..count {
            let word = random_word(rng, row.mask, row.value, &[0, 12, 16]);
            let cond = if rng.below(3) == 0 { rng.below(14) as u32 } else { 14 };
            let word = if row.value >> 28 == 15 { word } else { word & 0x0fff_ffff | cond << 28 };
            let Some(insn) = a32::decode(word, features) else { continue };
            if insn.op == row.op.op && accepts(&insn) {
                check(rng, Program::a32(&[word]), &insn);
            }
        }
    }
    let narrow = t32::NARROW_ROWS.iter().map(|row| (row, true));
    let wide = t32::WIDE_ROWS.iter().flat_map(|rows| rows.iter()).map(|row| (row, false));
    for (row, is_narrow) in narrow.chain(wide) {
        for _ in 0..count {
            let word = random_word(rng, row.mask, row.value, if is_narrow { &[] } else { &[0, 8, 16] });
            let insn =
                if is_narrow { t32::decode16(word as u16, features) } else { t32::decode32(word, features) };
            let Some(insn) = insn else { continue };
            if insn.op == row.op.op && accepts(&insn) {
                let it = 0xbf08 | (rng.below(14) as u32) << 4;
                let words = [it, if is_narrow { word & 0xffff } else { word }];
                let within = rng.below(3) == 0
                    && !matches!(insn.op, Op::Cbz | Op::Cbnz | Op::It | Op::Cps | Op::Setend);
                let from = if within && insn.cond == 14 { 0 } else { 1 };
                check(rng, Program::t32(&words[from..]), &insn);
            }
        }
    }
}

/// A word of a row, with registers out of a few now and then so that they coincide.
fn random_word(rng: &mut Rng, mask: u32, value: u32, registers: &[u32]) -> u32 {
    let mut word = value | rng.next() as u32 & !mask;
    if rng.below(4) == 0 {
        for low in registers {
            word = word & !(15 << low) | (rng.below(3) as u32) << low;
        }
    }
    word & !mask | value
}

/// What an instruction is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Data,
    Memory,
    Exclusive,
    Multiple,
    Branch,
    Other,
}

fn class(op: Op) -> Class {
    use Op::*;
    match op {
        Ldr | Ldrb | Ldrh | Ldrsb | Ldrsh | Str | Strb | Strh | Ldrd | Strd | Ldrt | Ldrbt | Ldrht
        | Ldrsbt | Ldrsht | Strt | Strbt | Strht | Swp | Swpb | Lda | Ldab | Ldah | Stl | Stlb | Stlh
        | Pld | Pldw | Pli => Class::Memory,
        Ldm | Stm => Class::Multiple,
        Ldrex | Ldrexb | Ldrexh | Ldrexd | Ldaex | Ldaexb | Ldaexh | Ldaexd | Strex | Strexb | Strexh
        | Strexd | Stlex | Stlexb | Stlexh | Stlexd => Class::Exclusive,
        B | Bl | Blx | BlxReg | Bx | Bxj | Cbz | Cbnz | Tbb | Tbh => Class::Branch,
        It | Svc | Hvc | Smc | Bkpt | Udf | Hlt | Nop | Yield | Wfe | Wfi | Sev | Sevl | Esb | Csdb | Dbg
        | Dmb | Dsb | Isb | Sb | Clrex | Mrs | Msr | MrsBanked | MsrBanked | Cps | Setend | Setpan | Rfe
        | Srs | Eret | Mcr | Mrc | Mcrr | Mrrc | Ldc | Stc | LdmUser | StmUser | LdmExcept => Class::Other,
        _ => Class::Data,
    }
}

#[test]
fn data() {
    let Some(mut oracle) = Oracle::start() else { return };
    let mut rng = Rng::new(1);
    let accepts = |insn: &Insn| class(insn.op) == Class::Data && insn.d != 15;
    each(&mut rng, 120, accepts, |rng, program, insn| {
        oracle.check(&format!("{insn:?}"), &Case::random(rng, program));
    });
    eprintln!("{} cases", oracle.compared);
}

/// Lets the base of a load or store point into the memory that is compared, and the offset be small.
fn aim(rng: &mut Rng, insn: &Insn, case: &mut Case, aligned: bool) {
    let near = if aligned { 0x200 ^ rng.below(32) << 3 } else { 0x200 + rng.below(64) - 32 };
    if !matches!(insn.operand, Operand::Imm { .. } | Operand::None) && insn.m < 15 {
        case.r[usize::from(insn.m)] = match insn.operand {
            Operand::Shifted { amount, .. } if rng.below(2) == 0 => (rng.below(256) as u32) >> amount.min(31),
            _ => (rng.below(64) as u32).wrapping_sub(32),
        };
    }
    if insn.n == 15 {
        if aligned && insn.m < 15 {
            case.r[usize::from(insn.m)] &= !7;
        }
        return;
    }
    let at = (MEM + near) as u32;
    let add = |to: u32, by: u32| if insn.index.add { to.wrapping_add(by) } else { to.wrapping_sub(by) };
    case.r[usize::from(insn.n)] = match insn.operand {
        Operand::Imm { value, .. } if insn.index.pre => add(at, value.wrapping_neg()),
        Operand::Shifted { .. } if insn.index.pre && aligned && insn.m < 15 => {
            case.r[usize::from(insn.m)] &= !7;
            at
        }
        _ => at,
    };
}

/// Unicorn lets unaligned LDRD and LDM pass; so those are for unit tests.
fn is_aligned(op: Op) -> bool {
    matches!(class(op), Class::Exclusive | Class::Multiple)
        || matches!(op, Op::Ldrd | Op::Strd | Op::Lda | Op::Ldah | Op::Stl | Op::Stlh | Op::Swp)
}

#[test]
fn memory() {
    let Some(mut oracle) = Oracle::start() else { return };
    let mut rng = Rng::new(2);
    // A load pair that also moves its base, loaded too, or by a register that it loads, is UNPREDICTABLE.
    let clobbers = |i: &Insn| {
        let loads = |n| n == i.d || n == i.a;
        i.op == Op::Ldrd && (i.index.wback || !i.index.pre) && (loads(i.n) || loads(i.m))
    };
    let unaligned = |i: &Insn| i.n == 15 && matches!(i.operand, Operand::Imm { value, .. } if value % 4 != 0);
    let accepts = move |i: &Insn| {
        let left_out = i.op == Op::Ldr && i.d == 15 || clobbers(i) || is_aligned(i.op) && unaligned(i);
        class(i.op) == Class::Memory && !left_out
    };
    for big_endian in [false, true] {
        each(&mut rng, 120, accepts, |rng, program, insn| {
            let mut case = Case::random(rng, program);
            let aligned = is_aligned(insn.op);
            aim(rng, insn, &mut case, aligned);
            case.flags |= if big_endian { E } else { 0 };
            oracle.check(&format!("{insn:?}"), &case);
        });
    }
    eprintln!("{} cases", oracle.compared);
}

#[test]
fn multiples() {
    let Some(mut oracle) = Oracle::start() else { return };
    let mut rng = Rng::new(3);
    // A T32 instruction that stores the base it moves may be UNDEFINED there; here it stores the old one.
    let stores_base = |i: &Insn| i.index.wback && i.list >> i.n & 1 != 0;
    let accepts =
        |insn: &Insn| class(insn.op) == Class::Multiple && (insn.op == Op::Stm || insn.list >> 15 == 0);
    for big_endian in [false, true] {
        each(&mut rng, 1000, accepts, |rng, program, insn| {
            if program.t32 && stores_base(insn) {
                return;
            }
            let mut case = Case::random(rng, program);
            let aligned = is_aligned(insn.op);
            aim(rng, insn, &mut case, aligned);
            case.flags |= if big_endian { E } else { 0 };
            oracle.check(&format!("{insn:?}"), &case);
        });
    }
    eprintln!("{} cases", oracle.compared);
}

/// What stands behind a branch, in either set: each leaves a trace.
fn traces(t32: bool) -> Program {
    match t32 {
        // adds r<n>, #1
        true => Program::t32(&[1, 2, 3, 4, 5, 6].map(|n| 0x3001 | n << 8)),
        false => Program::a32(&[1, 2, 3, 4, 5, 6].map(|n| 0xe280_0001 | n << 16 | n << 12)),
    }
}

/// The code of `program`, then traces that are left out and, from the returned address on, traces in a set of its own.
fn with_target(rng: &mut Rng, program: &Program) -> (Program, u32) {
    let (skipped, _) = program.then(&traces(program.t32));
    let t32 = rng.below(2) != 0;
    let (all, at) = skipped.then(&traces(t32));
    (all, at + 4 * rng.below(3) as u32 | u32::from(t32))
}

/// Branches to registers, loaded addresses and results, from one instruction set to either.
#[test]
fn interworking() {
    let Some(mut oracle) = Oracle::start() else { return };
    let mut rng = Rng::new(4);
    let accepts = |i: &Insn| {
        let loads = i.op == Op::Ldm && i.list >> 15 != 0 && !(i.index.wback && i.list >> i.n & 1 != 0)
            || i.op == Op::Ldr && i.d == 15 && i.n != 15;
        let moves = i.op == Op::Mov && i.d == 15 && i.m != 15 && i.sets == Sets::Never;
        loads
            || moves && i.operand == Operand::REGISTER
            || matches!(i.op, Op::Bx | Op::BlxReg | Op::Bxj) && i.m != 15
    };
    each(&mut rng, 600, accepts, |rng, program, insn| {
        let (all, target) = with_target(rng, &program);
        // Without a branch, or without an exchange, code of the other set would run in this one.
        let conditional = insn.cond != 14 || program.t32 && program.bytes[1] == 0xbf;
        let stays = insn.op == Op::Mov && program.t32 || conditional;
        if stays && program.t32 != (target & 1 != 0) {
            return;
        }
        let mut case = Case::random(rng, all);
        aim(rng, insn, &mut case, true);
        if matches!(insn.op, Op::Ldm | Op::Ldr) {
            case.mem.chunks_exact_mut(4).for_each(|word| word.copy_from_slice(&target.to_le_bytes()));
        } else {
            case.r[usize::from(insn.m)] = target;
        }
        oracle.check(&format!("{insn:?} to {target:x}"), &case);
    });
    eprintln!("{} cases", oracle.compared);
}

/// Data processing that writes PC, which is one of the operands.
#[test]
fn computed_branches() {
    let Some(mut oracle) = Oracle::start() else { return };
    let mut rng = Rng::new(5);
    for _ in 0..1500 {
        let other = rng.below(15) as u32;
        let (n, m) = if rng.below(2) == 0 { (15, other) } else { (other, 15) };
        // EOR, SUB, RSB, ADD.
        let op = 1 + rng.below(4) as u32;
        let cond = if rng.below(3) == 0 { rng.below(14) as u32 } else { 14 };
        let program = Program::a32(&[cond << 28 | op << 21 | n << 16 | 0xf000 | m]);
        let (all, target) = with_target(&mut rng, &program);
        let mut case = Case::random(&mut rng, all);
        let pc = CODE as u32 + 8;
        case.r[other as usize] = match op {
            1 => target ^ pc,
            4 => target.wrapping_sub(pc),
            2 | 3 if (op == 2) == (n == 15) => pc.wrapping_sub(target),
            _ => target.wrapping_add(pc),
        };
        oracle.check(&format!("{op} {n} {m} to {target:x}"), &case);
    }
    eprintln!("{} cases", oracle.compared);
}

/// Branches by an offset.
#[test]
fn direct_branches() {
    let Some(mut oracle) = Oracle::start() else { return };
    let mut rng = Rng::new(6);
    for _ in 0..1000 {
        let (cond, skip) = (rng.below(14) as u32, rng.below(4) as u32);
        let branch = match rng.below(3) {
            0 => 0x0a00_0000 | cond << 28 | skip,
            1 => 0x0b00_0000 | cond << 28 | skip,
            _ => 0xfa00_0005 | (skip & 1) << 24,
        };
        let (all, _) = Program::a32(&[branch]).then(&traces(false));
        let (all, _) = all.then(&traces(true));
        oracle.check(&format!("{branch:x}"), &Case::random(&mut rng, all));
    }
    eprintln!("{} cases", oracle.compared);
}

/// Load exclusive, something between, two store exclusives.
#[test]
fn exclusives() {
    let Some(mut oracle) = Oracle::start() else { return };
    let mut rng = Rng::new(7);
    for _ in 0..3000 {
        let (size, ordered, between) = (rng.below(4) as u32, rng.below(2) as u32, rng.below(4));
        let order = if ordered == 1 { 0xe00 } else { 0xf00 };
        // ldrex r2, (r3,) [r0]; strex r5, r6, (r7,) [r0 or r1]
        let load = 0xe190_209f | size << 21 | order;
        let base = if rng.below(4) == 0 { 1 } else { 0 };
        let store = 0xe180_5096 | size << 21 | order | base << 16;
        let between = match between {
            0 => 0xe580_8000, // str r8, [r0]
            1 => 0xf57f_f01f, // clrex
            _ => 0xe288_8001, // add r8, r8, #1
        };
        let mut case = Case::random(&mut rng, Program::a32(&[load, between, store, store]));
        (case.r[0], case.r[1]) = (MEM as u32 + 0x40, MEM as u32 + 0x80);
        case.flags |= if rng.below(2) == 0 { E } else { 0 };
        oracle.check(&format!("{load:x} {store:x}"), &case);
    }
    eprintln!("{} cases", oracle.compared);
}

/// MRS and MSR at EL0, and SETEND before a load.
#[test]
fn state() {
    let Some(mut oracle) = Oracle::start() else { return };
    let mut rng = Rng::new(8);
    // E can be written at any privilege (CPSRWriteByInstr); QEMU lets only SETEND do it at EL0.
    let accepts = |i: &Insn| match i.op {
        Op::Mrs => !i.spsr(),
        Op::Msr => !i.spsr() && i.field_mask() & 2 == 0,
        op => matches!(op, Op::Setend | Op::Cps),
    };
    each(&mut rng, 600, accepts, |rng, program, insn| {
        // ldr r1, [r2]; qadd r3, r4, r5; ldrh r6, [r2]
        let behind = match program.t32 {
            true => Program::t32(&[0x6811, 0xfa85_f384, 0x8816]),
            false => Program::a32(&[0xe592_1000, 0xe105_3054, 0xe1d2_60b0]),
        };
        let (all, _) = program.then(&behind);
        let mut case = Case::random(rng, all);
        case.r[2] = MEM as u32 + 0x100;
        oracle.check(&format!("{insn:?}"), &case);
    });
    eprintln!("{} cases", oracle.compared);
}

/// T32's branches by an offset or a table, in and out of IT blocks.
#[test]
fn t32_branches() {
    let Some(mut oracle) = Oracle::start() else { return };
    let mut rng = Rng::new(9);
    for _ in 0..3000 {
        let (cond, skip, m) = (rng.below(14) as u32, rng.below(6) as u32, 7 + rng.below(4) as u32);
        let base = if rng.below(2) == 0 { 15 } else { 11 };
        let branch = match rng.below(9) {
            0 => 0xd000 | cond << 8 | skip,
            1 => 0xe000 | skip,
            2 => 0xb100 | (rng.below(2) as u32) << 11 | skip << 3 | (rng.below(8) as u32),
            3 => 0xf000_8000 | cond << 22 | skip,
            4 => 0xf000_b800 | skip,
            5 => 0xf000_f800 | skip,
            6 => 0xf000_e800 | (6 + skip / 2) << 1,
            _ => 0xe8d0_f000 | base << 16 | (rng.below(2) as u32) << 4 | m,
        };
        let it = 0xbf08 | (rng.below(14) as u32) << 4;
        let within = rng.below(3) == 0
            && !matches!(branch >> 8, 0xb1 | 0xb9 | 0xd0..=0xdd)
            && branch & 0xf000_d000 != 0xf000_8000;
        let words = [it, branch];
        let program = Program::t32(&words[usize::from(!within)..]);
        let (all, at) = program.then(&traces(true));
        let all = if branch & 0xf000_d000 == 0xf000_c000 {
            if within || at != CODE as u32 + 4 {
                continue;
            }
            all.then(&traces(false)).0
        } else {
            all
        };
        let mut case = Case::random(&mut rng, all);
        case.r[11] = MEM as u32 + 0x200;
        let pc = CODE as u32 + if within { 6 } else { 4 };
        let start = if base == 15 { case.r[11].wrapping_sub(pc) } else { 0 };
        case.r[m as usize] = if branch & 16 != 0 && base == 15 { start / 2 } else { start };
        case.mem[0x200..0x204].copy_from_slice(&[skip as u8, 0, 0, 0]);
        oracle.check(&format!("{words:x?}"), &case);
    }
    eprintln!("{} cases", oracle.compared);
}

/// IT blocks of one to four instructions: data processing, 16-bit forms among them, and accesses.
#[test]
fn it_blocks() {
    let Some(mut oracle) = Oracle::start() else { return };
    let mut rng = Rng::new(10);
    for _ in 0..4000 {
        let cond = rng.below(14) as u32;
        let mask = 1 + rng.below(15) as u32;
        let mut words = vec![0xbf00 | cond << 4 | mask];
        for _ in 0..5 {
            let (d, n, m) = (rng.below(7) as u32, rng.below(8) as u32, rng.below(8) as u32);
            words.push(match rng.below(9) {
                0 => 0x1800 | m << 6 | n << 3 | d,                         // add
                1 => 0x2000 | d << 8 | m,                                  // mov
                2 => 0x4000 | (rng.below(16) as u32) << 6 | m << 3 | d,    // and to mvn, cmp among them
                3 => 0x0040 | m << 3 | d,                                  // lsl #1
                4 => 0x6800 | (rng.below(4) as u32) << 6 | 7 << 3 | d & 3, // ldr
                5 => 0x6000 | (rng.below(4) as u32) << 6 | 7 << 3 | d,     // str
                6 => 0xeb10_0000 | n << 16 | d << 8 | m,                   // adds.w
                7 => 0xfb90_f0f0 | n << 16 | d << 8 | m,                   // sdiv
                _ => 0x2800 | d << 8 | m,                                  // cmp
            });
        }
        let mut case = Case::random(&mut rng, Program::t32(&words));
        case.r[7] = MEM as u32 + 0x100;
        oracle.check(&format!("{words:x?}"), &case);
    }
    eprintln!("{} cases", oracle.compared);
}
