//! A32 and T32 instructions compared with Unicorn, as `oracle` does with A64: the same code from the same state.
//!
//! Both sides run in User mode with a flat mapping of normal memory; ours has EL1 in AArch64 state. A case may raise an
//! exception: then only the fact is compared, and the registers before it.
#![allow(dead_code)]

mod privileged;

use std::io::{BufReader, BufWriter, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use armlet_arm::esr::{Ec, ec_of};
use armlet_arm::pstate::mode32;
use armlet_arm::{CpuState, Pstate, SysReg};
use armlet_base::{Clock, GuestRam, RamKind, RamRegion};
use armlet_engine::{Code, Cpu, EmptyWorld, Stop, Vm};
use armlet_testkit::skip;

use super::oracle::{CODE, MEM, MEM_LEN, Rng};
pub use privileged::Privileged;

/// What of CPSR is compared: N, Z, C, V, Q, GE, E and T.
pub const FLAGS: u32 = 0xf80f_0220;
/// T of CPSR.
pub const T: u32 = 1 << 5;
/// E of CPSR.
pub const E: u32 = 1 << 9;
/// Stands behind the code of a case: SVC in either instruction set.
const END: u32 = 0xef00_df00;
const TABLE: u64 = 0x3f_0000;
const VECTORS: u64 = 0x4000_0000;
/// What of FPSCR is control.
const FPCR: u32 = 0x07c0_0000;
const HVC: u32 = 0xd400_0002;

/// Instructions of either set, as they lie in memory.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// T32, else A32.
    pub t32: bool,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Program {
    /// A32 words.
    pub fn a32(words: &[u32]) -> Self {
        Self { t32: false, bytes: words.iter().flat_map(|word| word.to_le_bytes()).collect() }
    }

    /// T32 instructions; those with anything in the upper half are of four bytes.
    pub fn t32(words: &[u32]) -> Self {
        let mut bytes = Vec::new();
        for &word in words {
            if word >> 16 != 0 {
                bytes.extend(((word >> 16) as u16).to_le_bytes());
            }
            bytes.extend((word as u16).to_le_bytes());
        }
        Self { t32: true, bytes }
    }

    /// The code of this one, then `other`'s, both from a word on; and where that begins.
    pub fn then(&self, other: &Self) -> (Self, u32) {
        let mut bytes = self.bytes.clone();
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        let at = CODE as u32 + bytes.len() as u32;
        bytes.extend(&other.bytes);
        (Self { t32: self.t32, bytes }, at)
    }

    fn with_end(&self) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        bytes.extend(END.to_le_bytes());
        bytes
    }
}

/// Floating-point state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fp {
    /// Q0-Q15.
    pub q: [u128; 16],
    pub fpscr: u32,
}

/// Code to run from a state.
#[derive(Clone, Debug)]
pub struct Case {
    pub program: Program,
    /// R0-R14.
    pub r: [u32; 15],
    /// The bits of [`FLAGS`]. T is the program's.
    pub flags: u32,
    /// CPSR but for those.
    pub mode: u32,
    /// Memory at [`MEM`].
    pub mem: Vec<u8>,
    /// Floating-point state, if it matters.
    pub fp: Option<Box<Fp>>,
}

impl Case {
    /// Random operands, flags and memory; SP points into that.
    pub fn random(rng: &mut Rng, program: Program) -> Self {
        let mut r = [0; 15];
        r.fill_with(|| rng.operand() as u32);
        r[13] = MEM as u32 + 0x200;
        let flags = rng.next() as u32 & FLAGS & !(E | T) | if program.t32 { T } else { 0 };
        let mem = (0..MEM_LEN / 8).flat_map(|_| rng.next().to_le_bytes()).collect();
        Self { program, r, flags, mode: mode32::USR.into(), mem, fp: None }
    }

    fn psr(&self) -> u32 {
        self.mode | self.flags
    }
}

/// What a case led to.
#[derive(Clone, PartialEq, Eq)]
pub struct Outcome {
    pub raised: bool,
    pub r: [u32; 15],
    pub flags: u32,
    pub mem: Vec<u8>,
    /// The program changed itself, without telling the instruction cache.
    pub changed: bool,
    pub fp: Option<Box<Fp>>,
}

impl Outcome {
    /// What differs, a line each.
    pub fn differences(&self, case: &Case, theirs: &Self) -> String {
        let mut text = String::new();
        let mut differ = |what: String, before: u32, ours: u32, theirs: u32| {
            if ours != theirs {
                text += &format!("  {what}: {before:#x} -> ours {ours:#x}, theirs {theirs:#x}\n");
            }
        };
        differ("raised".into(), 0, self.raised.into(), theirs.raised.into());
        for n in 0..15 {
            differ(format!("r{n}"), case.r[n], self.r[n], theirs.r[n]);
        }
        differ("flags".into(), case.flags, self.flags, theirs.flags);
        for n in 0..MEM_LEN {
            differ(format!("mem+{n:#x}"), case.mem[n].into(), self.mem[n].into(), theirs.mem[n].into());
        }
        if let (Some(before), Some(ours), Some(theirs)) = (&case.fp, &self.fp, &theirs.fp) {
            differ("fpscr".into(), before.fpscr, ours.fpscr, theirs.fpscr);
            for n in (0..16).filter(|&n| ours.q[n] != theirs.q[n]) {
                let (before, ours, theirs) = (before.q[n], ours.q[n], theirs.q[n]);
                text += &format!("  q{n}: {before:#034x} -> ours {ours:#034x}, theirs {theirs:#034x}\n");
            }
        }
        text
    }
}

/// One PE in User mode.
pub struct Ours {
    cpu: Cpu,
    code: Code,
    state: CpuState,
}

impl Ours {
    /// Run by `code`.
    pub fn with(code: Code) -> Self {
        let region = |gpa, len| RamRegion { gpa, len, kind: RamKind::ReadWrite };
        let ram = GuestRam::new(&[region(0, 0x40_0000), region(VECTORS, 0x1000)]).unwrap();
        // Level 1 blocks, 4 KiB granule: AF, inner shareable, AttrIndx 0; the first one EL0's.
        ram.write(TABLE, &(1u64 << 10 | 3 << 8 | 1 << 6 | 1).to_le_bytes()).unwrap();
        ram.write(TABLE + 8, &(VECTORS | 1 << 10 | 3 << 8 | 1).to_le_bytes()).unwrap();
        for vector in 0..16 {
            ram.write(VECTORS + vector * 0x80, &HVC.to_le_bytes()).unwrap();
        }
        let vm = Vm::new(Arc::new(ram), armlet_arm::cpu::model("max").unwrap(), 1, Clock::default());
        let cpu = Cpu::new(vm, 0);
        let mut state = CpuState::default();
        cpu.save(&mut state);
        state.sys[SysReg::VBAR_EL1] = VECTORS;
        state.sys[SysReg::CPACR_EL1] = 3 << 20;
        state.sys[SysReg::MAIR_EL1] = 0xff;
        state.sys[SysReg::TTBR0_EL1] = TABLE;
        state.sys[SysReg::TCR_EL1] = 25 | 1 << 8 | 1 << 10 | 3 << 12 | 1 << 23 | 2 << 32;
        state.sys[SysReg::SCTLR_EL1] |= 1 | 1 << 2 | 1 << 12;
        state.sys[SysReg::SCTLR_EL1] &= !(1 << 1);
        Self { cpu, code, state }
    }

    /// Runs a case at [`CODE`].
    pub fn run(&mut self, case: &Case) -> Outcome {
        self.run_at(CODE, case)
    }

    /// Runs a case at an address below [`MEM`].
    pub fn run_at(&mut self, at: u64, case: &Case) -> Outcome {
        let Self { cpu, code, state } = self;
        code.clear();
        let bytes = case.program.with_end();
        cpu.vm.ram.write(at, &bytes).unwrap();
        cpu.vm.ram.write(MEM, &case.mem).unwrap();
        for (x, &r) in state.x.iter_mut().zip(&case.r) {
            *x = r.into();
        }
        if let Some(fp) = &case.fp {
            state.v[..16].copy_from_slice(&fp.q);
            (state.fpcr, state.fpsr) = (fp.fpscr & FPCR, fp.fpscr & !FPCR);
        }
        state.pc = at;
        state.pstate = Pstate::from_bits_retain(case.psr().into());
        cpu.load(state);
        // SED: Unicorn has big-endian data at EL0.
        cpu.sys[SysReg::SCTLR_EL1] &= !(1 << 8);
        assert_eq!(cpu.run(code, &mut EmptyWorld), Stop::World);
        let ec = ec_of(cpu.sys[SysReg::ESR_EL1]);
        let flags = cpu.sys[SysReg::SPSR_EL1] as u32 & FLAGS;
        let end = at + bytes.len() as u64 - if flags & T != 0 { 2 } else { 0 };
        let raised = ec != Ec::Svc32 as u8 || cpu.sys[SysReg::ELR_EL1] != end;
        let mut r = [0; 15];
        r.iter_mut().zip(&cpu.x).for_each(|(r, &x)| *r = x as u32);
        let mut mem = vec![0; MEM_LEN];
        cpu.vm.ram.read(MEM, &mut mem).unwrap();
        let mut after = vec![0; bytes.len()];
        cpu.vm.ram.read(at, &mut after).unwrap();
        let fp = case.fp.as_ref().map(|_| {
            let mut q = [0; 16];
            q.copy_from_slice(&cpu.v[..16]);
            Box::new(Fp { q, fpscr: cpu.fpcr | cpu.fpsr })
        });
        Outcome { raised, r, flags, mem, fp, changed: after != bytes }
    }
}

/// Both sides.
pub struct Oracle {
    child: Child,
    to: BufWriter<ChildStdin>,
    from: BufReader<ChildStdout>,
    ours: Vec<Ours>,
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
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/oracles/unicorn_server32.py");
        let mut child = Command::new(&python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python starts");
        let to = BufWriter::new(child.stdin.take().unwrap());
        let from = BufReader::new(child.stdout.take().unwrap());
        let mut ours = vec![Ours::with(Code::interpreter())];
        if Code::HAS_JIT {
            ours.push(Ours::with(Code::jit(1 << 20).expect("code memory")));
        }
        Some(Self { child, to, from, ours, compared: 0 })
    }

    /// Runs a case on Unicorn.
    pub fn theirs(&mut self, case: &Case) -> Outcome {
        let program = case.program.with_end();
        self.to.write_all(&(program.len() as u32).to_le_bytes()).unwrap();
        self.to.write_all(&program).unwrap();
        for word in case.r.into_iter().chain([case.psr(), case.fp.is_some().into()]) {
            self.to.write_all(&word.to_le_bytes()).unwrap();
        }
        self.to.write_all(&case.mem).unwrap();
        if let Some(fp) = &case.fp {
            fp.q.iter().for_each(|q| self.to.write_all(&q.to_le_bytes()).unwrap());
            self.to.write_all(&fp.fpscr.to_le_bytes()).unwrap();
        }
        self.to.flush().unwrap();
        let mut words = [0; 18];
        words.fill_with(|| {
            let mut bytes = [0; 4];
            self.from.read_exact(&mut bytes).unwrap();
            u32::from_le_bytes(bytes)
        });
        let mut mem = vec![0; MEM_LEN];
        self.from.read_exact(&mut mem).unwrap();
        let mut r = [0; 15];
        r.copy_from_slice(&words[1..16]);
        let fp = case.fp.as_ref().map(|_| Box::new(self.their_fp()));
        let raised = words[0] != 0;
        if case.mode == u32::from(mode32::USR) {
            return Outcome { raised, r, flags: words[16] & FLAGS, mem, fp, changed: false };
        }
        privileged::only_raised(Outcome {
            raised,
            r,
            flags: words[16] & (FLAGS | privileged::STATE),
            mem,
            fp,
            changed: false,
        })
    }

    fn their_fp(&mut self) -> Fp {
        let mut fp = Fp::default();
        fp.q.fill_with(|| {
            let mut bytes = [0; 16];
            self.from.read_exact(&mut bytes).unwrap();
            u128::from_le_bytes(bytes)
        });
        let mut bytes = [0; 4];
        self.from.read_exact(&mut bytes).unwrap();
        Fp { fpscr: u32::from_le_bytes(bytes), ..fp }
    }

    /// Runs a case on all; a text of the differences, if any.
    pub fn compare(&mut self, case: &Case) -> Result<Outcome, String> {
        let theirs = self.theirs(case);
        self.compared += 1;
        for ours in &mut self.ours {
            let text = ours.run(case).differences(case, &theirs);
            if !text.is_empty() {
                return Err(text);
            }
        }
        Ok(theirs)
    }

    /// Runs a case of another mode than User on both, and panics with the differences and the state.
    #[track_caller]
    pub fn check_privileged(&mut self, what: &str, ours: &mut Privileged, case: &Case) {
        let theirs = self.theirs(case);
        self.compared += 1;
        let text = ours.run(case).differences(case, &theirs);
        assert!(
            text.is_empty(),
            "{what}\n{text}before: r={:x?} flags={:x} {:x}",
            case.r,
            case.flags,
            case.mode
        );
    }

    /// Runs a case on all and panics with the differences and the state.
    #[track_caller]
    pub fn check(&mut self, what: &str, case: &Case) {
        if let Err(text) = self.compare(case) {
            let Case { program, r, flags, .. } = case;
            panic!("{what} {program:x?}\n{text}before: r={r:x?} flags={flags:x}");
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
