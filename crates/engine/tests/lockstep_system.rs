//! The JIT compared with the interpreter on what involves the system: exceptions taken and returned from,
//! masks with an interrupt pending, exclusives and atomics, unprivileged accesses, registers, maintenance.
#![cfg(jit)]

mod common;

use armlet_arm::{Pstate, SysReg};
use armlet_base::CpuIrqInput;
use armlet_engine::{Code, Stop, uop};
use common::{DEVICE, Machine, RAM, READ_ONLY, USER};

/// Cases of a test; `ARMLET_CASES` is another number.
const CASES: usize = 1500;
/// Where programs are: pages that both exception levels may execute.
const CODE: u64 = 0x40_0000;
const CODE_PAGES: u64 = 64;
/// Bytes of a program.
const SLOT: u64 = 512;
const VECTORS: u64 = 0xffff_8000_0001_0000;
/// Pages of data, by what they are; the one after each kind of memory tells what crossing into it does.
const DATA: u64 = 0x80_0000;
const KINDS: [Option<u64>; 8] = [
    Some(USER),
    Some(USER),
    Some(USER | READ_ONLY),
    Some(0),
    None,
    Some(0),
    Some(DEVICE),
    Some(USER | DEVICE),
];
const DATA_PA: u64 = RAM + 0x20_0000;

struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }
    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
    fn bits(&mut self, n: u32) -> u32 {
        self.next() as u32 & ((1 << n) - 1)
    }
    /// An address of data, aligned or not, near a page's end often.
    fn address(&mut self) -> u64 {
        let page = DATA + self.below(KINDS.len() as u64) * 0x1000;
        let offset = match self.below(4) {
            0 => 0xff0 + self.below(16),
            1 => self.below(0x1000),
            _ => self.below(8) * 16,
        };
        page + offset
    }
}

/// Registers: pointers are 0 to 7, results go to 8 to 24 but for a few.
fn pointer(rng: &mut Rng) -> u32 {
    rng.below(8) as u32
}

fn result(rng: &mut Rng) -> u32 {
    match rng.below(12) {
        0 => 31,
        1 => rng.below(8) as u32,
        2 => 30,
        _ => 8 + rng.below(17) as u32,
    }
}

fn any(rng: &mut Rng) -> u32 {
    [rng.below(25) as u32, 31][usize::from(rng.below(9) == 0)]
}

/// Ordered, exclusive, atomic and unprivileged accesses, and plain ones between.
fn access(rng: &mut Rng, words: &mut Vec<u32>) {
    let (n, t, s, size) = (pointer(rng), result(rng), any(rng), rng.bits(2) << 30);
    let imm9 = (rng.below(5) as u32 * 8).wrapping_sub(16) & 0x1ff;
    let nt = n << 5 | t;
    match rng.below(13) {
        0 => words.push(size | 0x08df_fc00 | nt),
        1 => words.push(size | 0x089f_fc00 | n << 5 | s),
        2 => words.push(size | 0x38bf_c000 | nt),
        3 => words.push(size | 0x1900_0000 | (rng.bits(1) << 22) | imm9 << 12 | nt),
        4 | 5 => {
            let opc = match size >> 30 {
                3 => rng.bits(1),
                2 => rng.below(3) as u32,
                _ => rng.bits(2),
            };
            words.push(size | 0x3800_0800 | opc << 22 | imm9 << 12 | nt);
        }
        6 | 7 => {
            let op = rng.below(9) as u32;
            words.push(size | 0x3820_0000 | rng.bits(2) << 22 | s << 16 | op << 12 | nt);
        }
        8 => words.push(size | 0x08a0_7c00 | s << 16 | nt),
        9 => {
            let even = |reg: u32| if reg == 31 { 30 } else { reg & 30 };
            words.push(rng.bits(1) << 30 | 0x0820_7c00 | even(s) << 16 | n << 5 | even(t));
        }
        10 => exclusives(rng, words),
        11 => words.push(size | 0x3800_0000 | imm9 << 12 | n << 5 | s),
        _ => words.push(size | 0x3840_0000 | imm9 << 12 | nt),
    }
}

fn exclusives(rng: &mut Rng, words: &mut Vec<u32>) {
    let (n, t, s, size) = (pointer(rng), result(rng), any(rng), rng.bits(2) << 30);
    let pair = rng.below(4) == 0;
    let (load, store) = match pair {
        true => (0x887f_0000 | rng.bits(1) << 30 | any(rng) << 10, 0x8820_0000 | any(rng) << 10),
        false => (size | 0x085f_7c00, size | 0x0800_7c00),
    };
    words.push(load | rng.bits(1) << 15 | n << 5 | t);
    match rng.below(6) {
        0 => words.push(0xd503_3f5f),
        1 => plain(rng, words),
        2 => access(rng, words),
        3 => words.push(0xd400_0001),
        _ => {}
    }
    let n = if rng.below(8) == 0 { pointer(rng) } else { n };
    let width = if rng.below(8) == 0 { rng.bits(2) << 30 } else { load & 3 << 30 };
    words.push(store & !(3 << 30) | width | result(rng) << 16 | rng.bits(1) << 15 | n << 5 | s);
}

/// What computes, and looks at flags.
fn plain(rng: &mut Rng, words: &mut Vec<u32>) {
    let (d, n, m) = (result(rng), any(rng), any(rng));
    let rest = m << 16 | n << 5 | d;
    words.push(match rng.below(5) {
        0 => 0xab00_0000 | rest,
        1 => 0x6b00_0000 | rest,
        2 => 0x9a80_0000 | (rng.bits(4) << 12) | rest,
        3 => 0x5400_0000 | (1 + rng.bits(2)) << 5 | rng.bits(4),
        _ => 0x8b00_0000 | rest,
    });
}

/// Sets a register to an address of data, or to a number.
fn set(rng: &mut Rng, words: &mut Vec<u32>) {
    let at = rng.address() as u32;
    let n = pointer(rng);
    words.extend([0xd280_0000 | (at & 0xffff) << 5 | n, 0xf2a0_0000 | (at >> 16) << 5 | n]);
}

/// Goes on behind itself in another state.
fn exception_return(rng: &mut Rng, words: &mut Vec<u32>) {
    let mode = if rng.below(20) == 0 { rng.bits(5) } else { [0, 5, 5, 4][rng.below(4) as usize] };
    let low = mode | rng.bits(4) << 6;
    let high = rng.bits(4) << 12 | rng.bits(2) << 6;
    // No branch leads into the midst of it.
    words.extend([0xd503_201f; 3]);
    words.extend([
        0x1000_0000 | 6 << 5 | 20,
        0xd518_4020 | 20,
        0xd280_0000 | low << 5 | 21,
        0xf2a0_0000 | high << 5 | 21,
        0xd518_4000 | 21,
        0xd69f_03e0,
    ]);
}

/// Registers, barriers, masks and maintenance.
fn system(rng: &mut Rng, words: &mut Vec<u32>) {
    let (t, s, n) = (result(rng), any(rng), pointer(rng));
    words.push(match rng.below(24) {
        0 | 1 => 0xd503_40df | rng.bits(4) << 8,
        2 | 3 => 0xd503_40ff | rng.bits(4) << 8,
        4 | 5 => 0xd51b_4220 | s,
        6 => 0xd53b_4220 | t,
        7 => 0xd500_409f | rng.bits(1) << 8,
        8 => 0xd500_407f | rng.bits(1) << 8,
        9 => 0xd500_40bf | rng.bits(1) << 8,
        10 => {
            [0xd53b_d040, 0xd538_d080, 0xd538_4020, 0xd538_4000, 0xd53b_0020, 0xd53b_00e0]
                [rng.below(6) as usize]
                | t
        }
        11 => [0xd51b_d040, 0xd518_d080, 0xd518_4020, 0xd518_6000, 0xd518_5200][rng.below(5) as usize] | s,
        12 => 0xd538_0000 | (rng.bits(3) << 8) | rng.bits(3) << 5 | t,
        13 => [0xd538_4100 | t, 0xd518_4100 | s, 0xd518_d020 | s][rng.below(3) as usize],
        14 => 0xd503_30bf | rng.bits(4) << 8,
        15 => 0xd503_309f | rng.bits(4) << 8,
        16 => 0xd503_3fdf,
        17 => 0xd503_3f5f,
        18 => 0xd400_0001 | rng.bits(8) << 5,
        19 => [0xd508_871f, 0xd508_8720 | s, 0xd508_8740 | s, 0xd508_831f][rng.below(4) as usize],
        20 => [0xd50b_7520 | n, 0xd508_751f][rng.below(2) as usize],
        21 => [0xd50b_7b20, 0xd50b_7e20, 0xd50b_7a20, 0xd508_7620, 0xd508_7640][rng.below(5) as usize] | n,
        22 => 0xd50b_7420 | n,
        _ => [0xd53b_4200 | t, 0xd51b_4200 | s][rng.below(2) as usize],
    });
}

/// Another ASID, and perhaps back.
fn switch_space(rng: &mut Rng, words: &mut Vec<u32>) {
    words.push(0xd538_2000 | 22);
    words.push(0xd240_0000 | (64 - 48 - rng.bits(2)) << 16 | 22 << 5 | 22);
    words.push(0xd518_2000 | 22);
    if rng.below(2) == 0 {
        words.push(0xd503_3fdf);
    }
}

fn program(rng: &mut Rng) -> Vec<u32> {
    let mut words = vec![];
    let len = 6 + rng.below(60) as usize;
    while words.len() < len {
        match rng.below(16) {
            0..=5 => access(rng, &mut words),
            6..=9 => system(rng, &mut words),
            10 | 11 => plain(rng, &mut words),
            12 | 13 => set(rng, &mut words),
            14 => exception_return(rng, &mut words),
            _ => switch_space(rng, &mut words),
        }
    }
    words
}

/// Mixes what an exception reports into X26, counts in X27; goes on behind the instruction, or stops at the
/// end of the program. Uses X25 to X29.
fn handlers() -> [(u64, Vec<u32>); 2] {
    let mix = |with: u32, by: u32| 0xcac0_0000 | 26 << 16 | by << 10 | with << 5 | 26;
    let synchronous = vec![
        0xd538_5200 | 28,
        0x8b00_0000 | 28 << 16 | 26 << 5 | 26,
        0xd538_6000 | 29,
        mix(29, 7),
        0xd538_4000 | 29,
        0x8b00_0000 | 29 << 16 | 26 << 5 | 26,
        0xb340_0000 | 44 << 16 | 31 << 5 | 29,
        0xd518_4000 | 29,
        0xd538_4020 | 29,
        mix(29, 13),
        0x9100_0400 | 27 << 5 | 27,
        0xd35a_fc00 | 28 << 5 | 25,
        0xf100_0000 | 0x15 << 10 | 25 << 5 | 31,
        0x5400_0000 | 11 << 5,
        // Nothing to fetch, or far too much going on: the program is over.
        0xd341_fc00 | 25 << 5 | 25,
        0xf100_0000 | 0x10 << 10 | 25 << 5 | 31,
        0x5400_0000 | 13 << 5,
        0xf100_0000 | 0x11 << 10 | 25 << 5 | 31,
        0x5400_0000 | 11 << 5,
        0xf100_0000 | 500 << 10 | 27 << 5 | 31,
        0x5400_0002 | 9 << 5,
        0x9100_1000 | 29 << 5 | 29,
        0xd518_4020 | 29,
        0xd69f_03e0,
        0x5300_3c00 | 28 << 5 | 28,
        0xd280_0000 | 0xfff << 5 | 25,
        0xeb00_0000 | 25 << 16 | 28 << 5 | 31,
        0x5400_0000 | 2 << 5,
        0xd69f_03e0,
        0xd400_0022,
    ];
    // An interrupt stays pending: what it interrupted goes on with it masked.
    let irq = vec![
        0xd538_4000 | 28,
        0xb240_0000 | 57 << 16 | 28 << 5 | 28,
        0xd518_4000 | 28,
        0xd538_4020 | 29,
        mix(29, 21),
        0x9100_0400 | 27 << 5 | 27,
        0xd69f_03e0,
    ];
    [(0, synchronous), (0x80, irq)]
}

fn put(m: &Machine, pa: u64, words: &[u32]) {
    let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
    m.ram.write(pa, &bytes).unwrap();
}

fn machine() -> Machine {
    let mut m = Machine::new();
    for n in 0..CODE_PAGES {
        m.map(CODE + n * 0x1000, RAM + n * 0x1000, USER | READ_ONLY);
    }
    for (n, kind) in KINDS.into_iter().enumerate() {
        let (va, n) = (DATA + n as u64 * 0x1000, n as u64);
        match kind {
            Some(bits) if bits & DEVICE != 0 => m.map(va, 0, bits),
            Some(bits) => m.map(va, DATA_PA + n * 0x1000, bits | common::NG),
            None => {}
        }
    }
    let vectors = RAM + 0x10_0000;
    m.map(VECTORS, vectors, 0);
    for group in [0, 0x200, 0x400] {
        for (at, words) in handlers() {
            put(&m, vectors + group + at, &words);
        }
    }
    m.cpu.sys[SysReg::VBAR_EL1] = VECTORS;
    m.cpu.sys[SysReg::CPACR_EL1] = 3 << 20;
    m
}

/// What a case starts from.
#[derive(Clone)]
struct Start {
    words: Vec<u32>,
    x: [u64; 31],
    pstate: u64,
    sctlr: u64,
    irq: bool,
    data: u64,
}

struct Side {
    m: Machine,
    code: Code,
    ttbr0: u64,
    next: u64,
}

/// What is compared, in words.
type Outcome = Vec<(String, u64)>;

impl Side {
    fn new(code: Code) -> Self {
        let m = machine();
        let ttbr0 = m.cpu.sys[SysReg::TTBR0_EL1];
        Self { m, code, ttbr0, next: 0 }
    }

    fn begin(&mut self, start: &Start) {
        if self.next + SLOT > CODE_PAGES * 0x1000 {
            self.next = 0;
            self.code.clear();
        }
        let at = self.next;
        self.next += SLOT;
        let mut words = start.words.clone();
        words.extend([0xd503_201f; 8]);
        words.push(0xd400_0001 | 0xfff << 5);
        assert!(words.len() as u64 * 4 <= SLOT);
        put(&self.m, RAM + at, &words);
        let mut rng = Rng(start.data);
        for n in (0..KINDS.len() as u64 * 0x1000).step_by(8) {
            self.m.poke(DATA_PA + n, rng.next());
        }
        self.m.world.0.clear();
        let cpu = &mut self.m.cpu;
        cpu.sys[SysReg::TTBR0_EL1] = self.ttbr0;
        cpu.sys[SysReg::SCTLR_EL1] = 1 | 1 << 14 | 1 << 15 | start.sctlr;
        cpu.sys[SysReg::TPIDR_EL0] = start.data;
        cpu.translation_changed();
        cpu.x[..31].copy_from_slice(&start.x);
        cpu.set_spsr(start.pstate);
        cpu.x[usize::from(uop::SP)] = 0x1230;
        cpu.exclusive.clear();
        cpu.pc = CODE + at;
        cpu.port.set_irq(start.irq);
        cpu.mode_changed();
    }

    fn run(&mut self, start: &Start) -> Outcome {
        self.begin(start);
        let before = self.m.cpu.retired;
        let stop = self.m.cpu.run(&mut self.code, &mut self.m.world);
        assert_eq!(stop, Stop::World);
        let cpu = &self.m.cpu;
        let mut all: Outcome = (0..31).map(|n| (format!("x{n}"), cpu.x[n])).collect();
        all.push(("sp".into(), cpu.x[usize::from(uop::SP)]));
        all.push(("pc".into(), cpu.pc));
        all.push(("pstate".into(), cpu.spsr()));
        all.push(("retired".into(), cpu.retired - before));
        all.push(("armed".into(), cpu.exclusive.is_armed().into()));
        all.push(("zero".into(), cpu.x[usize::from(uop::ZERO)]));
        all.extend(SysReg::ALL.iter().map(|&reg| (reg.name().to_owned(), cpu.sys[reg])));
        for n in (0..KINDS.len() as u64 * 0x1000).step_by(8) {
            all.push((format!("data {n:#x}"), self.m.peek(DATA_PA + n)));
        }
        for (n, &(kind, pa, size, value)) in self.m.world.0.iter().enumerate() {
            let number = u64::from(kind == 'w') << 63 ^ pa << 8 ^ u64::from(size) ^ value.rotate_left(20);
            all.push((format!("device {n}"), number));
        }
        all
    }
}

fn differences(a: &Outcome, b: &Outcome) -> String {
    let mut text = String::new();
    for (a, b) in a.iter().zip(b).filter(|(a, b)| a != b) {
        text += &format!("  {}: {:#x}, interpreter {}: {:#x}\n", a.0, a.1, b.0, b.1);
    }
    if a.len() != b.len() {
        text += "  different numbers of device accesses\n";
    }
    text
}

/// The case without the words that the difference doesn't need.
fn shrink(sides: &mut [Side; 2], start: &Start) -> (Start, String) {
    let mut least = start.clone();
    let mut text = String::new();
    for n in 0..start.words.len() {
        let mut next = least.clone();
        // Without the address of a return the program might go anywhere.
        if std::mem::replace(&mut next.words[n], 0xd503_201f) & 0x9f00_001f == 0x1000_0014 {
            continue;
        }
        let [a, b] = sides.each_mut().map(|side| side.run(&next));
        let now = differences(&a, &b);
        if !now.is_empty() {
            (least, text) = (next, now);
        }
    }
    (least, text)
}

fn run(seed: u64, irq: bool) {
    let mut rng = Rng(seed);
    let mut sides = [Side::new(Code::jit(1 << 22).unwrap()), Side::new(Code::interpreter())];
    let cases = std::env::var("ARMLET_CASES").map_or(CASES, |n| n.parse().expect("a number"));
    for n in 0..cases {
        let mut x = [0; 31];
        for (n, x) in x.iter_mut().enumerate() {
            *x = if n < 8 { rng.address() } else { rng.next() >> rng.below(64) };
        }
        x[27] = 0;
        let mode = [0, 5, 5, 4][rng.below(4) as usize];
        let fields = Pstate::DAIF | Pstate::PAN | Pstate::UAO | Pstate::NZCV;
        let start = Start {
            words: program(&mut rng),
            x,
            pstate: rng.next() & fields.bits() | mode,
            // UCI and UMA may be clear, alignment may be checked, PAN may be set on entry.
            sctlr: rng.next() & (1 << 26 | 1 << 9 | 1 << 23 | u64::from(rng.below(8) == 0) << 1),
            irq: irq && rng.below(2) == 0,
            data: rng.next(),
        };
        for _ in 0..2 {
            let [a, b] = sides.each_mut().map(|side| side.run(&start));
            if !differences(&a, &b).is_empty() {
                let whole = differences(&a, &b);
                let (least, text) = shrink(&mut sides, &start);
                let words: Vec<String> = least.words.iter().map(|w| format!("  {w:08x}\n")).collect();
                let (pstate, sctlr) = (start.pstate, start.sctlr);
                panic!(
                    "case {n}: pstate {pstate:#x}, sctlr {sctlr:#x}, irq {}, x {:x?}\n{}{text}whole:\n{whole}",
                    start.irq,
                    start.x,
                    words.concat()
                );
            }
        }
    }
}

#[test]
fn quiet() {
    run(1, false);
}

#[test]
fn with_an_interrupt_pending() {
    run(2, true);
}
