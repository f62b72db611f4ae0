//! Integer, branch and memory instructions compared with Unicorn, by class.

mod oracle;

use armlet_arm::a64::fields::{bit, bits, ra, rd, rm, rn};
use armlet_arm::a64::memory::MemoryOp;
use armlet_arm::a64::{Row, branch, integer, memory};
use oracle::{Case, MEM, Oracle, Rng, random_word};

/// A word that the row accepts, with registers out of a few now and then so that they coincide.
fn word_of<T: Copy>(rng: &mut Rng, row: &Row<T>) -> u32 {
    loop {
        let mut word = random_word(rng, row.mask, row.value);
        if rng.below(4) == 0 {
            for low in [0, 5, 16] {
                let few = (rng.below(3) + 29 * rng.below(2)) as u32 & 31;
                word = word & !(31 << low) | few << low;
            }
            word = word & !row.mask | row.value;
        }
        if row.valid.is_none_or(|valid| valid(word)) {
            return word;
        }
    }
}

#[test]
fn integer_rows() {
    let Some(mut oracle) = Oracle::start() else { return };
    let mut rng = Rng::new(1);
    for row in integer::TABLE.rows() {
        for _ in 0..1500 {
            let word = word_of(&mut rng, row);
            if matches!(row.op, integer::IntegerOp::Adr | integer::IntegerOp::Adrp) {
                oracle.rewind();
            }
            oracle.check(&Case::random(&mut rng, vec![word]));
        }
    }
    eprintln!("{} cases", oracle.compared);
}

#[test]
fn flag_moves() {
    let Some(mut oracle) = Oracle::start() else { return };
    let mut rng = Rng::new(2);
    for _ in 0..50 {
        // CFINV, XAFLAG, AXFLAG.
        for word in [0xd500_401f, 0xd500_403f, 0xd500_405f] {
            oracle.check(&Case::random(&mut rng, vec![word]));
        }
    }
}

/// Several instructions to a block, so that what one leaves behind meets the next.
#[test]
fn integer_sequences() {
    let Some(mut oracle) = Oracle::start() else { return };
    let mut rng = Rng::new(3);
    let rows = integer::TABLE.rows();
    for _ in 0..6000 {
        let words = (0..1 + rng.below(24)).map(|_| {
            loop {
                let row = &rows[rng.below(rows.len() as u64) as usize];
                if !matches!(row.op, integer::IntegerOp::Adr | integer::IntegerOp::Adrp) {
                    break word_of(&mut rng, row);
                }
            }
        });
        let words = words.collect();
        oracle.check(&Case::random(&mut rng, words));
    }
}

/// A branch forwards over words that leave a trace.
#[test]
fn branches() {
    let Some(mut oracle) = Oracle::start() else { return };
    let mut rng = Rng::new(4);
    use branch::BranchOp as B;
    for row in branch::TABLE.rows() {
        for _ in 0..400 {
            let skip = 1 + rng.below(5) as u32;
            let word = word_of(&mut rng, row);
            let word = match row.op {
                B::B | B::Bl => word & !0x03ff_ffff | skip,
                B::BCond | B::Cbz | B::Cbnz => word & !(0x7ffff << 5) | skip << 5,
                B::Tbz | B::Tbnz => word & !(0x3fff << 5) | skip << 5,
                // Indirect: to where MOVZ and MOVK put in a register that is not XZR.
                B::Br | B::Blr | B::Ret => word & !(31 << 5) | (rng.below(31) as u32) << 5,
            };
            let mut words = vec![];
            if matches!(row.op, B::Br | B::Blr | B::Ret) {
                let target = oracle::CODE as u32 + (2 + skip) * 4;
                words.push(0x5280_0000 | (target & 0xffff) << 5 | u32::from(rn(word)));
                words.push(0x72a0_0000 | (target >> 16) << 5 | u32::from(rn(word)));
            }
            words.push(word);
            // add x<n>, x<n>, #1 each.
            words.extend((1..6).map(|n| 0x9100_0400 | n << 5 | n));
            oracle.rewind();
            oracle.check(&Case::random(&mut rng, words));
        }
    }
}

/// Loops, so that links are made and followed: `sub x0, x0, #1; <word>; cbnz x0, .-8`.
#[test]
fn loops() {
    let Some(mut oracle) = Oracle::start() else { return };
    let mut rng = Rng::new(5);
    for _ in 0..200 {
        let mut case = Case::random(&mut rng, vec![0xd100_0400, 0x8b01_0042, 0xfa5f_0803, 0xb5ff_ffa0]);
        case.state.x[0] = 1 + rng.below(12);
        oracle.check(&case);
    }
}

/// How a memory word finds its address, and what must hold of the base.
struct Plan {
    /// The word, its offset small enough to stay in the memory that is compared.
    word: u32,
    /// The base must be aligned for its size.
    aligned: bool,
    /// Rm is an offset register.
    index: bool,
}

/// `None` for what can't be compared: LDTR and STTR, since our side's memory belongs to EL1, and literals.
fn plan(rng: &mut Rng, row: &Row<MemoryOp>) -> Option<Plan> {
    use MemoryOp as M;
    let mut word = word_of(rng, row);
    let (mut aligned, mut index) = (false, false);
    match row.op {
        M::Ldtr | M::Ldtrb | M::Ldtrh | M::Ldtrsb | M::Ldtrsh | M::Ldtrsw | M::Sttr | M::Sttrb | M::Sttrh => {
            return None;
        }
        M::LdrLiteral | M::LdrswLiteral | M::LdrLiteralVector => return None,
        M::Prfm | M::Prfum => {}
        _ if word >> 27 & 7 == 0b101 => {
            let imm7 = (rng.below(24) as i32 - 12) as u32 & 0x7f;
            word = word & !(0x7f << 15) | imm7 << 15;
        }
        _ if word >> 27 & 7 == 0b111 && bit(word, 24) => word &= !(0xff0 << 10),
        _ if word >> 27 & 7 == 0b111 && bit(word, 21) && bits(word, 11, 10) == 2 => index = true,
        _ if word >> 24 & 0x3e == 0b001100 => {}
        _ => aligned = true,
    }
    if matches!(row.op, M::Stlur | M::Ldapur | M::Ldapurs) {
        word &= !(15 << 12);
    }
    // LDUR and the indexed forms are plain.
    if word >> 27 & 7 == 0b111 && !bit(word, 24) && !bit(word, 21) {
        aligned = false;
    }
    Some(Plan { word, aligned, index })
}

#[test]
fn memory_rows() {
    let Some(mut oracle) = Oracle::start() else { return };
    let mut rng = Rng::new(6);
    for row in memory::TABLE.rows() {
        for _ in 0..600 {
            let Some(plan) = plan(&mut rng, row) else { break };
            let (word, n, m) = (plan.word, usize::from(rn(plan.word)), usize::from(rm(plan.word)));
            if plan.index && n == m || differs_in_qemu(row.op, word) {
                continue;
            }
            let mut case = Case::random(&mut rng, vec![word]);
            let near = if plan.aligned { 0x200 ^ (rng.below(16) << 4) } else { 0x200 + rng.below(64) - 32 };
            match n {
                // An SP that is not a multiple of 16 would fault; Unicorn runs without the check.
                31 => case.state.sp = MEM + near & !15,
                _ => case.state.x[n] = MEM + near,
            }
            if plan.index && m < 31 {
                // A word offset has anything above it, unless it is a doubleword.
                let option = bits(word, 15, 13);
                let offset = rng.below(12);
                let signed = if option == 2 || rng.below(2) == 0 { offset } else { offset.wrapping_neg() };
                let above = if option & 1 == 0 { rng.next() << 32 } else { signed & !0xffff_ffff };
                case.state.x[m] = signed & 0xffff_ffff | above;
            }
            if matches!(row.op, MemoryOp::Cas | MemoryOp::Casp) && m < 31 && m != n && rng.below(2) == 0 {
                // Let the comparison succeed.
                let at = (near & 0x3ff) as usize;
                let take = |from: usize| u64::from_le_bytes(case.mem[from..from + 8].try_into().unwrap());
                let (low, high) = (take(at), take(at + 8));
                case.state.x[m] = low;
                if row.op == MemoryOp::Casp {
                    let (first, second) = if bit(word, 30) { (low, high) } else { (low, low >> 32) };
                    case.state.x[m] = first;
                    if m + 1 < 31 && m + 1 != n {
                        case.state.x[m + 1] = second;
                    }
                }
            }
            oracle.check(&case);
        }
    }
    eprintln!("{} cases", oracle.compared);
}

/// Where QEMU takes another choice of those the architecture leaves open, or is wrong.
fn differs_in_qemu(op: MemoryOp, word: u32) -> bool {
    // A pair of loads to one register: the first value wins there, the second here.
    let pair = matches!(op, MemoryOp::Ldp | MemoryOp::Ldpsw | MemoryOp::Ldnp) && rd(word) == ra(word);
    // QEMU 5 compares memory narrower than a doubleword as unsigned (mended later); a unit test does ours.
    let signed = matches!(op, MemoryOp::Ldsmax | MemoryOp::Ldsmin) && bits(word, 31, 30) != 3;
    pair || signed
}

/// Literals lie behind the load and a branch over them.
#[test]
fn literals() {
    let Some(mut oracle) = Oracle::start() else { return };
    let mut rng = Rng::new(7);
    use MemoryOp as M;
    for row in memory::TABLE.rows() {
        if !matches!(row.op, M::LdrLiteral | M::LdrswLiteral | M::LdrLiteralVector) {
            continue;
        }
        for _ in 0..300 {
            let word = word_of(&mut rng, row) & !(0x7ffff << 5) | 2 << 5;
            let mut words = vec![word, 0x1400_0005];
            words.extend((0..4).map(|_| rng.next() as u32));
            oracle.check(&Case::random(&mut rng, words));
        }
    }
}

/// Load exclusive, something between, store exclusive.
#[test]
fn exclusives() {
    let Some(mut oracle) = Oracle::start() else { return };
    let mut rng = Rng::new(8);
    for _ in 0..4000 {
        let (size, pair) = (rng.below(4) as u32, rng.below(2) as u32);
        let size = if pair == 1 { size | 2 } else { size };
        let (order, other) = (rng.below(2) as u32, rng.below(2) as u32);
        let form = 0x0800_0000 | size << 30 | pair << 21 | 31 << 16 | 31 << 10;
        // ldxr x1, (x2,) [x0]
        let load =
            form & !(31 << 10) | 1 << 22 | order << 15 | if pair == 1 { 2 << 10 } else { 31 << 10 } | 1;
        // stxr w5, x3, (x4,) [x0 or x6]
        let base = if other == 1 && rng.below(2) == 0 { 6 } else { 0 };
        let store = form & !(31 << 16 | 31 << 10)
            | 5 << 16
            | order << 15
            | base << 5
            | 3
            | if pair == 1 { 4 << 10 } else { 31 << 10 };
        // str xzr, [x0], or add x3, x1, #1
        let between = if rng.below(3) == 0 { 0xf900_001f } else { 0x9100_0423 };
        let mut case = Case::random(&mut rng, vec![load, between, store, store]);
        case.state.x[0] = MEM + 0x40;
        case.state.x[6] = MEM + 0x80;
        oracle.check(&case);
    }
}

/// Whatever a guest executes ends in a result or an exception; no oracle needed.
#[test]
fn nothing_panics() {
    let mut ours = oracle::Ours::new();
    let mut rng = Rng::new(9);
    for _ in 0..100_000 {
        let words = (0..4).map(|_| match rng.below(3) {
            0 => {
                let row = rng.below(memory::TABLE.rows().len() as u64) as usize;
                word_of(&mut rng, &memory::TABLE.rows()[row])
            }
            1 => {
                let row = rng.below(integer::TABLE.rows().len() as u64) as usize;
                word_of(&mut rng, &integer::TABLE.rows()[row])
            }
            // Any word of the two groups, allocated or not.
            _ => rng.next() as u32 & !(15 << 25) | [4, 6, 12, 14, 5, 13, 8, 9][rng.below(8) as usize] << 25,
        });
        let words = words.collect();
        let mut case = Case::random(&mut rng, words);
        for n in 0..31 {
            match rng.below(4) {
                // Every alignment, around the page boundary; or the last bytes of memory or of everything.
                0 | 1 => case.state.x[n] = MEM + 0x200 + rng.below(128) - 64,
                2 => case.state.x[n] = 0x40_0000 - rng.below(80),
                _ => {}
            }
        }
        ours.run(&case);
    }
}
