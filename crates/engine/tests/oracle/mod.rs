//! Differential tests against Unicorn: the same words from the same state, the results compared.
//!
//! ```ignore
//! let Some(mut oracle) = Oracle::start() else { return };   // says why it is skipped
//! let mut rng = Rng::new(1);
//! let case = Case::random(&mut rng, vec![word]);
//! oracle.check(&case);                                       // panics with a diff
//! ```
//! Both sides run at EL1 with a flat mapping of normal memory. Code lies at [`CODE`], memory that is
//! compared at [`MEM`] (it spans a page boundary at its middle). A case may raise an exception: then only the fact
//! is compared, and the registers before it. Keep branches inside the case's words.
#![allow(dead_code)]

mod ours;

use std::io::{BufReader, BufWriter, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use armlet_testkit::skip;
pub use ours::Ours;

/// Where the words of a case go. Our side moves on for each, since its code cache is not told.
pub const CODE: u64 = 0x10_0000;
/// Memory that is compared; random bytes before.
pub const MEM: u64 = 0x20_0e00;
/// Length of it.
pub const MEM_LEN: usize = 0x400;

/// A small reproducible generator (splitmix64).
pub struct Rng(u64);

impl Rng {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Next 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// A number below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// A 64-bit operand, interesting ones often: small, negative, powers of two, sign boundaries, repeated bytes.
    pub fn operand(&mut self) -> u64 {
        match self.below(8) {
            0 => self.below(4),
            1 => self.below(4).wrapping_neg(),
            2 => 1 << self.below(64),
            3 => (1u64 << self.below(64)).wrapping_sub(1),
            4 => 0x8000_0000_8000_0000 ^ self.below(3),
            5 => self.below(256).wrapping_mul(0x0101_0101_0101_0101),
            _ => self.next(),
        }
    }
}

/// Registers before or after a case.
#[derive(Clone, PartialEq, Eq)]
pub struct State {
    /// X0-X30.
    pub x: [u64; 31],
    /// SP.
    pub sp: u64,
    /// N, Z, C, V in bits `[31:28]`.
    pub nzcv: u32,
    /// FPCR.
    pub fpcr: u32,
    /// FPSR.
    pub fpsr: u32,
    /// V0-V31.
    pub v: [u128; 32],
}

/// Words to run from a state.
#[derive(Clone)]
pub struct Case {
    /// Instructions, at most 32; more with [`Ours::run_at`].
    pub words: Vec<u32>,
    /// Registers before.
    pub state: State,
    /// Memory at [`MEM`] before.
    pub mem: Vec<u8>,
    /// FPSR bits to leave out of the comparison.
    pub ignore_fpsr: u32,
}

impl Case {
    /// Random registers and memory. SP points into [`MEM`]; other registers are operands.
    pub fn random(rng: &mut Rng, words: Vec<u32>) -> Self {
        let mut state = State {
            x: [0; 31],
            sp: MEM + 0x200,
            nzcv: (rng.next() as u32) & 0xf000_0000,
            fpcr: 0,
            fpsr: 0,
            v: [0; 32],
        };
        state.x.fill_with(|| rng.operand());
        state.v.fill_with(|| u128::from(rng.operand()) << 64 | u128::from(rng.operand()));
        let mem = (0..MEM_LEN / 8).flat_map(|_| rng.next().to_le_bytes()).collect();
        Self { words, state, mem, ignore_fpsr: 0 }
    }

    /// What differs between two outcomes, a line each; `name` is that of the other side.
    pub fn differences(&self, ours: &Outcome, theirs: &Outcome, name: &str) -> String {
        let mut text = String::new();
        if ours == theirs {
            return text;
        }
        let mut differ = |what: String, before: u128, ours: u128, theirs: u128| {
            if ours != theirs {
                text += &format!("  {what}: {before:#x} -> ours {ours:#x}, {name} {theirs:#x}\n");
            }
        };
        differ("raised".into(), 0, ours.raised.into(), theirs.raised.into());
        let (b, o, t) = (&self.state, &ours.state, &theirs.state);
        for n in 0..31 {
            differ(format!("x{n}"), b.x[n].into(), o.x[n].into(), t.x[n].into());
        }
        differ("sp".into(), b.sp.into(), o.sp.into(), t.sp.into());
        differ("nzcv".into(), b.nzcv.into(), o.nzcv.into(), t.nzcv.into());
        differ("fpcr".into(), b.fpcr.into(), o.fpcr.into(), t.fpcr.into());
        let keep = !self.ignore_fpsr;
        differ("fpsr".into(), b.fpsr.into(), (o.fpsr & keep).into(), (t.fpsr & keep).into());
        for n in 0..32 {
            differ(format!("v{n}"), b.v[n], o.v[n], t.v[n]);
        }
        for n in 0..MEM_LEN {
            differ(format!("mem+{n:#x}"), self.mem[n].into(), ours.mem[n].into(), theirs.mem[n].into());
        }
        text
    }
}

/// What a case led to.
#[derive(Clone, PartialEq, Eq)]
pub struct Outcome {
    /// An exception was raised.
    pub raised: bool,
    /// Registers after; those before the faulting instruction if one was raised.
    pub state: State,
    /// Memory after.
    pub mem: Vec<u8>,
}

/// Both sides.
pub struct Oracle {
    child: Child,
    to: BufWriter<ChildStdin>,
    from: BufReader<ChildStdout>,
    ours: Ours,
    /// Cases compared.
    pub compared: u64,
}

impl Oracle {
    /// Starts Unicorn. `None`, with a line on standard error, if it is not installed; a failure if
    /// `ARMLET_REQUIRE_ORACLES` is set.
    pub fn start() -> Option<Self> {
        let python = std::env::var("ARMLET_PYTHON").unwrap_or_else(|_| "python3".into());
        let installed = Command::new(&python)
            .args(["-c", "import unicorn; assert unicorn.__version__ >= '2.1'"])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        if !installed {
            skip("the Python package unicorn (2.1 or newer) is not installed: no comparison with it");
            return None;
        }
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/oracles/unicorn_server.py");
        let mut child = Command::new(&python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python starts");
        let to = BufWriter::new(child.stdin.take().unwrap());
        let from = BufReader::new(child.stdout.take().unwrap());
        Some(Self { child, to, from, ours: Ours::new(), compared: 0 })
    }

    /// Runs a case on Unicorn.
    pub fn theirs(&mut self, case: &Case) -> Outcome {
        self.to.write_all(&(case.words.len() as u32).to_le_bytes()).unwrap();
        for word in &case.words {
            self.to.write_all(&word.to_le_bytes()).unwrap();
        }
        let s = &case.state;
        for word in s.x.iter().copied().chain([s.sp, s.nzcv.into(), s.fpcr.into(), s.fpsr.into(), 0]) {
            self.to.write_all(&word.to_le_bytes()).unwrap();
        }
        for v in s.v {
            self.to.write_all(&v.to_le_bytes()).unwrap();
        }
        self.to.write_all(&case.mem).unwrap();
        self.to.flush().unwrap();
        let mut x = [0; 31];
        let raised = {
            let mut bytes = [0; 4];
            self.from.read_exact(&mut bytes).unwrap();
            u32::from_le_bytes(bytes)
        };
        let mut word = || {
            let mut bytes = [0; 8];
            self.from.read_exact(&mut bytes).unwrap();
            u64::from_le_bytes(bytes)
        };
        x.fill_with(&mut word);
        let (sp, nzcv, fpcr, fpsr, _) = (word(), word(), word(), word(), word());
        let mut v = [0; 32];
        v.fill_with(|| {
            let low = word();
            u128::from(word()) << 64 | u128::from(low)
        });
        let mut mem = vec![0; MEM_LEN];
        self.from.read_exact(&mut mem).unwrap();
        let state = State { x, sp, nzcv: nzcv as u32, fpcr: fpcr as u32, fpsr: fpsr as u32, v };
        Outcome { raised: raised != 0, state, mem }
    }

    /// Makes the next case run at [`CODE`] on our side too, as words that use PC need.
    pub fn rewind(&mut self) {
        self.ours.rewind();
    }

    /// Runs a case on armlet.
    pub fn ours(&mut self, case: &Case) -> Outcome {
        self.ours.run(case)
    }

    /// Runs a case on both; a text of the differences, if any.
    pub fn compare(&mut self, case: &Case) -> Result<Outcome, String> {
        let (theirs, ours) = (self.theirs(case), self.ours.run(case));
        self.compared += 1;
        let text = case.differences(&ours, &theirs, "Unicorn");
        if text.is_empty() { Ok(ours) } else { Err(format!("{:08x?}\n{text}", case.words)) }
    }

    /// Runs a case on both and panics with the differences and the whole state.
    pub fn check(&mut self, case: &Case) {
        if let Err(text) = self.compare(case) {
            let s = &case.state;
            panic!(
                "{text}before: x={:x?} sp={:x} nzcv={:x} fpcr={:x} fpsr={:x} v={:x?}",
                s.x, s.sp, s.nzcv, s.fpcr, s.fpsr, s.v
            );
        }
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        let _ = self.to.write_all(&0u32.to_le_bytes());
        let _ = self.to.flush();
        let _ = self.child.wait();
    }
}

/// A random word of a decode-table row: its fixed bits, the rest random, registers often low ones.
pub fn random_word(rng: &mut Rng, mask: u32, value: u32) -> u32 {
    value | rng.next() as u32 & !mask
}
