//! The JIT's vector code compared with the interpreter, instruction by instruction: every AdvSIMD, cryptographic and
//! structure instruction with every element size, at every level of host.
#![cfg(jit)]

mod oracle;

use std::collections::BTreeSet;

use armlet_arm::a64::{decode, memory, mnemonic, simd};
use armlet_engine::Level;
use oracle::{Case, MEM, Ours, Rng, random_word};

/// FPSR.QC.
const QC: u32 = 1 << 27;
/// Cases of an instruction with one size and Q; `ARMLET_CASES` is another number.
const CASES: u64 = 60;
const SIZE: u32 = 3 << 22;
const Q: u32 = 1 << 30;

/// A vector whose elements, of a random size, are the numbers at which arithmetic turns.
fn operand(rng: &mut Rng) -> u128 {
    let bits = 8 << rng.below(4);
    let max = u64::MAX >> (64 - bits);
    let kinds = 1 + rng.below(8);
    (0..128 / bits).fold(0, |vector, n| {
        let element = match rng.below(kinds) {
            0 => rng.next() & max,
            1 => max,
            2 => max >> 1,
            3 => (max >> 1) + 1,
            4 => rng.below(2 * bits + 2).wrapping_sub(bits) & max,
            5 => 1 << rng.below(bits),
            _ => 0,
        };
        vector | u128::from(element) << (n * bits)
    })
}

/// Makes some register fields the same.
fn alias(rng: &mut Rng, word: u32) -> u32 {
    let field = |at: u32| (word >> at & 31, 31 << at);
    let [(d, _), (n, at_n), (m, at_m)] = [field(0), field(5), field(16)];
    match rng.below(6) {
        0 => word & !at_n | d << 5,
        1 => word & !at_m | d << 16,
        2 => word & !at_m | n << 16,
        3 => word & !(at_n | at_m) | d << 5 | d << 16,
        4 => word & !at_n | m << 5,
        _ => word,
    }
}

fn decodes(word: u32) -> bool {
    decode(word, armlet_arm::cpu::model("max").unwrap().features).is_some()
}

fn case(rng: &mut Rng, word: u32) -> Case {
    let mut case = Case::random(rng, vec![word]);
    case.state.v.fill_with(|| operand(rng));
    if rng.below(2) == 0 {
        case.state.fpsr = QC;
    }
    case
}

/// A JIT of a level beside the interpreter, and what differed.
struct Pair {
    level: Level,
    jit: Ours,
    interpreter: Ours,
    failures: Vec<String>,
    cases: u64,
    /// Instructions that were left to the interpreter, with their size and Q.
    interpreted: BTreeSet<(String, u32, u32)>,
    /// Cases of them.
    helped: u64,
}

impl Pair {
    fn new(level: Level) -> Self {
        let (jit, interpreter) = (Ours::at_level(level), Ours::interpreted());
        Self { level, jit, interpreter, failures: vec![], cases: 0, interpreted: BTreeSet::new(), helped: 0 }
    }

    /// Runs a case on both; false if they differ.
    fn agree(&mut self, case: &Case) -> bool {
        self.cases += 1;
        let before = self.jit.helper_uops();
        let (ours, theirs) = (self.jit.run(case), self.interpreter.run(case));
        // One is the instruction that ends the case.
        if self.jit.helper_uops() > before + 1 {
            self.helped += 1;
            let word = case.words[0];
            let name = decode(word, armlet_arm::cpu::model("max").unwrap().features).map_or("?", mnemonic);
            self.interpreted.insert((name.to_string(), word >> 22 & 3, word >> 30 & 1));
        }
        let text = case.differences(&ours, &theirs, "interpreter");
        if text.is_empty() {
            return true;
        }
        let word = case.words[0];
        let name = decode(word, armlet_arm::cpu::model("max").unwrap().features).map_or("?", mnemonic);
        let v = |n: u32| case.state.v[(n & 31) as usize];
        self.failures.push(format!(
            "{:?} {word:08x} {name}\n{text}  d={:032x} n={:032x} m={:032x} a={:032x}",
            self.level,
            v(word),
            v(word >> 5),
            v(word >> 16),
            v(word >> 10)
        ));
        false
    }

    fn finish(self) {
        eprintln!(
            "{:?}: {} cases, {} left to the interpreter: {:?}",
            self.level, self.cases, self.helped, self.interpreted
        );
        assert!(self.failures.is_empty(), "{} differ:\n{}", self.failures.len(), self.failures.join("\n"));
    }
}

fn cases() -> u64 {
    std::env::var("ARMLET_CASES").map_or(CASES, |n| n.parse().expect("ARMLET_CASES is a number"))
}

/// Words of a row with one element size and Q that decode.
fn words(rng: &mut Rng, mask: u32, value: u32, fields: u32) -> Vec<u32> {
    let draw = |_| {
        let word = random_word(rng, mask | SIZE | Q, value & !(SIZE | Q) | fields);
        let other = alias(rng, word);
        let fits = |word: u32| word & mask == value && decodes(word);
        [other, word].into_iter().find(|&word| fits(word))
    };
    (0..cases()).filter_map(draw).collect()
}

fn data_processing(level: Level) {
    let mut rng = Rng::new(11 + level as u64);
    let mut pair = Pair::new(level);
    for row in simd::TABLE.rows() {
        'fields: for fields in 0..8 {
            let fields = (fields & 3) << 22 | (fields >> 2) << 30;
            if (row.value ^ fields) & row.mask & (SIZE | Q) != 0 {
                continue;
            }
            for word in words(&mut rng, row.mask, row.value, fields) {
                if !pair.agree(&case(&mut rng, word)) {
                    break 'fields;
                }
            }
        }
    }
    pair.finish();
}

/// Structures at addresses that are aligned or not, and now and then across a page's end.
fn structures(level: Level) {
    let mut rng = Rng::new(21 + level as u64);
    let mut pair = Pair::new(level);
    let is_structure = |op: memory::MemoryOp| {
        let name = format!("{op:?}");
        (name.starts_with("Ld") || name.starts_with("St")) && name.as_bytes()[2].is_ascii_digit()
    };
    for row in memory::TABLE.rows().iter().filter(|row| is_structure(row.op)) {
        for _ in 0..4 * cases() {
            let word = random_word(&mut rng, row.mask, row.value);
            let (n, m) = ((word >> 5 & 31) as usize, (word >> 16 & 31) as usize);
            if row.valid.is_some_and(|valid| !valid(word)) || !decodes(word) || n == m || n == 31 {
                continue;
            }
            let mut case = case(&mut rng, word);
            let at = if rng.below(4) == 0 { 0x1c0 + rng.below(0x50) } else { rng.below(0x380) };
            case.state.x[n] = MEM + at;
            if !pair.agree(&case) {
                break;
            }
        }
    }
    pair.finish();
}

/// Rounds of AES, most of them pairs of instructions that are compiled as one.
#[test]
fn aes_rounds() {
    for level in [Level::Avx512, Level::Avx2, Level::Sse] {
        let mut rng = Rng::new(31 + level as u64);
        let mut pair = Pair::new(level);
        for _ in 0..20 * cases() {
            let (d, n, other) = (rng.below(32) as u32, rng.below(32) as u32, rng.below(32) as u32);
            let inverse = (rng.below(2) as u32) << 12;
            let mix = if rng.below(4) == 0 { other << 5 | d } else { d << 5 | d };
            let other_way = if rng.below(8) == 0 { 1 << 12 } else { 0 };
            let words = [0x4e28_4800 | inverse | n << 5 | d, 0x4e28_6800 | (inverse ^ other_way) | mix];
            let mut case = case(&mut rng, words[0]);
            case.words = [words, words].concat();
            if !pair.agree(&case) {
                break;
            }
        }
        pair.finish();
    }
}

#[test]
fn every_instruction_with_avx512() {
    data_processing(Level::Avx512);
}

#[test]
fn every_instruction_with_avx2() {
    data_processing(Level::Avx2);
}

#[test]
fn every_instruction_with_sse() {
    data_processing(Level::Sse);
}

#[test]
fn structures_with_avx512() {
    structures(Level::Avx512);
}

#[test]
fn structures_with_avx2() {
    structures(Level::Avx2);
}

#[test]
fn structures_with_sse() {
    structures(Level::Sse);
}
