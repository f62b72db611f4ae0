//! AdvSIMD integer and cryptographic instructions: every row against Unicorn, and what it lacks against the standards.

mod oracle;

use armlet_arm::a64::simd;
use armlet_arm::feature::Feature;
use oracle::{Case, Oracle, Rng, random_word};

/// FPSR.QC.
const QC: u32 = 1 << 27;

/// A vector whose elements, of a random size, are the numbers at which arithmetic turns.
fn operand(rng: &mut Rng) -> u128 {
    let bits = 8 << rng.below(4);
    let max = u64::MAX >> (64 - bits);
    (0..128 / bits).fold(0, |vector, n| {
        let element = match rng.below(8) {
            0 => 0,
            1 => max,
            2 => max >> 1,
            3 => (max >> 1) + 1,
            4 => rng.below(2 * bits + 2).wrapping_sub(bits) & max,
            5 => 1 << rng.below(bits),
            _ => rng.next() & max,
        };
        vector | u128::from(element) << (n * bits)
    })
}

fn case(rng: &mut Rng, word: u32) -> Case {
    let mut case = Case::random(rng, vec![word]);
    if rng.below(4) != 0 {
        case.state.v.fill_with(|| operand(rng));
    }
    // Sometimes one register has the operands of all.
    if rng.below(8) == 0 {
        case.words[0] = word & !(31 << 16 | 31 << 5) | (word & 31) << 16 | (word & 31) << 5;
    }
    if rng.below(2) == 0 {
        case.state.fpsr = QC;
    }
    case
}

#[test]
fn rows() {
    let Some(mut oracle) = Oracle::start() else { return };
    let rounds = std::env::var("ARMLET_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(150);
    let mut rng = Rng::new(7);
    let mut raised = 0;
    let mut failures = Vec::new();
    let knows_sha3 = knows_sha3(&mut oracle);
    eprintln!("Unicorn knows SHA512 and SHA3: {knows_sha3}");
    for row in simd::TABLE.rows() {
        if matches!(row.feature, Some(Feature::SHA512 | Feature::SHA3)) && !knows_sha3 {
            continue;
        }
        for _ in 0..rounds {
            let word = random_word(&mut rng, row.mask, row.value);
            let case = case(&mut rng, word);
            let word = case.words[0];
            if word & row.mask != row.value || row.valid.is_some_and(|valid| !valid(word)) {
                continue;
            }
            let compared = oracle.compare(&case);
            raised += u32::from(compared.as_ref().is_ok_and(|outcome| outcome.raised));
            if let Err(text) = compared {
                let v = |n: u32| case.state.v[(n & 31) as usize];
                failures.push(format!(
                    "{} {text} d={:032x} n={:032x} m={:032x}",
                    row.mnemonic,
                    v(word),
                    v(word >> 5),
                    v(word >> 16)
                ));
                break;
            }
        }
    }
    eprintln!("{} cases, {raised} of them raised", oracle.compared);
    assert!(failures.is_empty(), "{} rows differ:\n{}", failures.len(), failures.join("\n"));
}

/// Unicorn knows SHA512 and SHA3.
fn knows_sha3(oracle: &mut Oracle) -> bool {
    let eor3 = Case::random(&mut Rng::new(0), vec![0xce00_0000]);
    !oracle.theirs(&eor3).raised
}
