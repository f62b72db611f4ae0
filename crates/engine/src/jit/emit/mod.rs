//! One pass over a trace's uops, one or a few host instructions each.
//!
//! Every lowering reads all operands before it writes its destination, and leaves scratch registers free
//! for the next uop. What a lowering does not know it leaves to [`Emitter::by_interpreter`].

mod atomic;
mod branch;
mod carried;
mod copies;
mod crc;
mod extension;
mod flags;
mod float;
mod guard;
mod integer;
mod liveness;
mod memory;
mod multiple;
mod recipe;
mod structures;
mod system;
mod system32;
mod vector;
mod vector_state;

use armlet_x64::{Alu, Asm, Bits, Cond, Gpr, Label, Mem, Rm, Xmm};

use super::call::UOP_BITS;
use super::constants::Constants;
use super::host::Host;
use super::layout::*;
use super::listing::Mark;
use super::thunks::Thunks;
use super::trace::{Segment, Trace};
use crate::block::Mode;
use crate::cpu::Cpu;
use crate::uop::{Op, SINK, Slot, TEMP, Uop, ZERO};
use crate::vm::Vm;
use copies::Copies;
use flags::Flags;
use guard::Join;
use liveness::Needs;
use recipe::Recipe;

/// Where a slot lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loc {
    /// In a host register.
    Reg(Gpr),
    /// In memory.
    Mem,
}

/// A direct branch within the page, not yet placed.
#[derive(Clone, Copy, Debug)]
pub struct SiteDraft {
    /// Offset of the jump's distance.
    pub jump: u32,
    /// The code that asks for a link.
    pub stub: Label,
    /// Target's place in the page.
    pub target: u16,
}

/// The flags at some place, and how to compute them.
type FlagState = (Flags, Option<Recipe>);

/// What cold code does before it has a uop interpreted.
#[derive(Clone, Copy)]
enum First {
    /// Nothing.
    Nothing,
    /// A vector register gets its former value back, from the second one.
    Restore(Xmm, Xmm),
    /// The address of a plain access, which is in this register, goes along.
    Address(Gpr),
}

/// Code that is seldom run and stands behind the trace.
enum Cold {
    /// Runs uop `index` by the interpreter, after some preparation, and goes on at `resume`; with its result in RAX if
    /// that is a copy.
    Uop { entry: Label, index: usize, first: First, resume: Label, flags: FlagState, copy: bool },
    /// Leaves by a taken branch in mid-trace: `refund` instructions didn't run.
    SideExit { entry: Label, flags: FlagState, refund: u16, segment: Segment, imm: i64 },
    /// Looks again at products of uop `.2` that seem tiny; whether denormals were looked for.
    Zeros(float::Zeros, bool, usize),
    /// Leaves generated code at the end of the trace, for the run loop to look.
    Look { entry: Label, segment: Segment, imm: i64 },
}

/// Memory that the emitter uses again and again.
#[derive(Default)]
pub struct Buffers {
    needs: Vec<Needs>,
    /// Sites of the trace.
    pub sites: Vec<SiteDraft>,
    cold: Vec<Cold>,
    /// What code is whose, if somebody wants to know.
    pub marks: Option<Vec<Mark>>,
    /// Constants of all traces.
    pub constants: Constants,
}

impl Buffers {
    /// Empty, with room for constants.
    pub fn new(constants: Constants) -> Self {
        Self { constants, ..Self::default() }
    }
}

/// A trace to compile.
pub struct Task<'a> {
    /// The trace.
    pub trace: &'a Trace,
    /// The PE that is to run it.
    pub cpu: &'a Cpu,
    /// The mode in which it runs.
    pub mode: Mode,
    /// The number it gets.
    pub id: u32,
    /// The number its first site gets.
    pub first_site: u32,
}

/// What came of a trace.
pub struct Done {
    /// Offset of the entry from the same page.
    pub near: usize,
    /// The same where the vector state that the trace uses is resident.
    pub inner: usize,
    /// What that is.
    pub resident: u32,
}

/// Compiles one trace.
pub struct Emitter<'a> {
    asm: &'a mut Asm,
    buffers: &'a mut Buffers,
    thunks: &'a Thunks,
    host: &'a Host,
    /// Where vector slots live.
    vectors: VectorMap,
    /// What of the vector state the trace uses.
    resident: u32,
    trace: &'a Trace,
    vm: &'a Vm,
    /// The PE runs in virtual time.
    in_slices: bool,
    mode: Mode,
    /// Number of the trace.
    id: u32,
    /// Number of its first site.
    first_site: u32,
    /// The uop that is compiled.
    index: usize,
    segment: Segment,
    flags: Flags,
    /// How to compute the flags again.
    recipe: Option<Recipe>,
    /// Where the trace goes on if it is a loop: with flags that are computed by the recipe, or in memory.
    again: Option<(Label, Option<Recipe>)>,
    /// Where parts of vector slots are.
    carried: carried::Carried,
    /// Slot of the temporary in [`T`], if one is.
    temp: Slot,
    /// Values of other slots in scratch registers.
    copies: Copies,
    /// A slot whose value is known, and that.
    known: Option<(Slot, u64)>,
    /// The next uop was compiled with this one.
    fused: bool,
    /// Where uops that a condition rules out are passed over to.
    join: Option<Join>,
    /// Vector registers that are known to be zero above a scalar.
    narrow: float::Narrow,
    /// How the op that is compiled takes denormals.
    flushing: float::Flushing,
}

impl<'a> Emitter<'a> {
    /// For this trace.
    pub fn new(
        asm: &'a mut Asm,
        buffers: &'a mut Buffers,
        thunks: &'a Thunks,
        host: &'a Host,
        task: Task<'a>,
    ) -> Self {
        let Task { trace, cpu, mode, id, first_site } = task;
        buffers.sites.clear();
        buffers.cold.clear();
        buffers.marks.iter_mut().for_each(Vec::clear);
        liveness::analyse(&trace.uops, &mut buffers.needs);
        let segment = trace.segments[0];
        let flags = Flags::Memory;
        let vectors = vector_map(host.level, mode.has(Mode::AARCH32));
        let resident = vector_state::needed(&trace.uops);
        Self {
            vectors,
            resident,
            host,
            asm,
            buffers,
            thunks,
            trace,
            vm: &cpu.vm,
            in_slices: cpu.slice.is_some(),
            mode,
            id,
            first_site,
            index: 0,
            segment,
            flags,
            recipe: None,
            again: None,
            carried: carried::Carried::default(),
            temp: SINK,
            copies: Copies::default(),
            known: None,
            fused: false,
            join: None,
            narrow: float::Narrow::default(),
            flushing: float::Flushing::No,
        }
    }

    /// Emits everything.
    pub fn emit(mut self) -> Done {
        // From another page: RCX is the program counter.
        let offset = i32::from(self.segment.offset);
        self.asm.lea(Bits::B64, C, Mem::base(C, -offset - self.t32_bit()));
        self.asm.store(Bits::B64, PAGE, C);
        let near = self.asm.here_label();
        let get_vectors = self.want_vectors();
        let inner = self.asm.here_label();
        let poll = self.asm.label();
        self.pay(poll);
        let body = self.asm.here_label();
        self.body();
        let poll_again = self.asm.label();
        if let Some((label, recipe)) = self.again {
            self.asm.bind(label);
            self.pay(poll_again);
            self.loop_flags(recipe);
            if self.mode.has(Mode::AARCH32) {
                self.carry_around();
            }
            self.body();
        }
        self.cold_code();
        if let Some((_, recipe)) = self.again {
            self.asm.bind(poll_again);
            self.loop_flags(recipe);
            self.store_flags();
            self.asm.jmp(poll);
        }
        self.mark(None, true);
        if let Some(get) = get_vectors {
            self.asm.bind(get);
            self.pay(poll);
            self.get_vectors();
            self.asm.jmp(body);
        }
        self.asm.bind(poll);
        self.asm.alu_imm(Alu::Add, Bits::B32, BUDGET, self.trace.insns.into());
        self.asm.mov_imm(C, self.id.into());
        self.asm.jmp_to(self.thunks.poll);
        let [near, inner] = [near, inner].map(|label| self.asm.offset_of(label));
        Done { near, inner, resident: self.resident }
    }

    /// The flags at the beginning of a loop's second copy.
    fn loop_flags(&mut self, recipe: Option<Recipe>) {
        let flags = if recipe.is_some() { Flags::Pending } else { Flags::Memory };
        (self.flags, self.recipe) = (flags, recipe);
    }

    /// All uops.
    fn body(&mut self) {
        (self.temp, self.fused, self.narrow) = (SINK, false, float::Narrow::default());
        (self.copies, self.known) = (Copies::default(), None);
        let trace = self.trace;
        for (n, segment) in trace.segments.iter().enumerate() {
            self.segment = *segment;
            let end = trace.segments.get(n + 1).map_or(trace.uops.len(), |next| next.first.into());
            for index in segment.first.into()..end {
                self.index = index;
                self.join_here();
                self.mark(Some(index), false);
                self.uop(&trace.uops[index], index + 1 == trace.uops.len());
            }
        }
        self.forget_copies();
    }

    /// Pays for the trace's instructions.
    fn pay(&mut self, poll: Label) {
        self.asm.alu_imm(Alu::Sub, Bits::B32, BUDGET, self.trace.insns.into());
        self.asm.jcc(Cond::S, poll);
    }

    fn uop(&mut self, u: &Uop, last: bool) {
        let needs = self.buffers.needs[self.index];
        self.temp = if needs.temp_in_register { u.dst } else { self.temp };
        self.start_copies(u);
        self.keep_flags(u);
        if let Some(u) = self.by_temporaries(u) {
            self.lower(&u, last);
        }
        self.narrow.note(u, self.flushes(u));
        self.note_recipe(u);
        self.note_constant(u);
        if !needs.temp_in_register {
            self.temp = SINK;
        }
    }

    fn lower(&mut self, u: &Uop, last: bool) {
        match u.op {
            Op::Vector(op) => self.vector(op, u),
            Op::Float(op) => self.float(op, u),
            Op::Memory(op) if self.structures(op, u) || self.extension(op, u) => {}
            Op::Memory(op) => self.ordered(op, u),
            Op::System(op) => self.system(op, u),
            _ if self.integer(u) || self.memory(u) => {}
            _ => self.branch(u, last),
        }
    }

    /// Notes that what comes next is for uop `uop`.
    fn mark(&mut self, uop: Option<usize>, cold: bool) {
        let at = self.asm.len() as u32;
        if let Some(marks) = &mut self.buffers.marks {
            marks.push(Mark { at, uop, cold });
        }
    }

    /// The uop that cold code belongs to.
    fn uop_of(&self, cold: &Cold) -> usize {
        match cold {
            Cold::Uop { index, .. } | Cold::Zeros(_, _, index) => *index,
            Cold::SideExit { segment, .. } | Cold::Look { segment, .. } => {
                let next = self.trace.segments.iter().find(|other| other.first > segment.first);
                next.map_or(self.trace.uops.len(), |next| next.first.into()) - 1
            }
        }
    }

    /// What program counters have in bit 0 besides: see `Cpu::t32_bit`.
    fn t32_bit(&self) -> i32 {
        self.mode.is_t32().into()
    }

    /// Width of an address, and of what is added up for one.
    fn address_bits(&self) -> Bits {
        if self.mode.has(Mode::AARCH32) { Bits::B32 } else { Bits::B64 }
    }

    /// Leaves the uop to the interpreter.
    fn by_interpreter(&mut self) {
        self.before_clobber();
        self.interpret(First::Nothing);
        self.flags = Flags::Memory;
    }

    /// Calls the interpreter for the current uop. The flags must be in memory.
    fn interpret(&mut self, first: First) {
        let thunk = match first {
            First::Nothing => self.uop_thunk(),
            First::Restore(reg, saved) => {
                self.asm.vmov(reg, saved);
                self.uop_thunk()
            }
            First::Address(va) => {
                if va != C {
                    self.asm.mov(Bits::B64, C, va);
                }
                self.access_thunk()
            }
        };
        let number = self.number();
        self.asm.mov_imm(A, number);
        self.asm.call_to(thunk);
    }

    /// The number by which helpers know the current uop.
    fn number(&self) -> u64 {
        u64::from(self.id) << UOP_BITS | self.index as u64
    }

    /// Has the interpreter run the current uop if the first label is jumped to; goes on at the second one.
    fn slow_path(&mut self) -> (Label, Label) {
        self.slow_path_after(First::Nothing, false)
    }

    /// As [`Self::slow_path`] for a plain access at the address in `va`.
    fn slow_access(&mut self, va: Gpr) -> (Label, Label) {
        self.slow_path_after(First::Address(va), false)
    }

    /// The same, with a copy of the result in RAX if `copy` is set.
    fn slow_load(&mut self, va: Gpr, copy: bool) -> (Label, Label) {
        self.slow_path_after(First::Address(va), copy)
    }

    fn slow_path_after(&mut self, first: First, copy: bool) -> (Label, Label) {
        let (entry, resume) = (self.asm.label(), self.asm.label());
        let (index, flags) = (self.index, self.flag_state());
        self.buffers.cold.push(Cold::Uop { entry, index, first, resume, flags, copy });
        (entry, resume)
    }

    /// The flags here, for cold code.
    fn flag_state(&self) -> FlagState {
        (self.flags, self.recipe)
    }

    /// In cold code: flags that were nowhere go to memory. Changes RAX.
    fn show_flags(&mut self, (flags, recipe): FlagState) {
        (self.flags, self.recipe) = (flags, recipe);
        self.store_flags();
    }

    fn cold_code(&mut self) {
        // Side exits may add sites, but no cold code.
        for cold in std::mem::take(&mut self.buffers.cold) {
            self.mark(Some(self.uop_of(&cold)), true);
            match cold {
                Cold::Uop { entry, index, first, resume, flags, copy } => {
                    self.asm.bind(entry);
                    self.show_flags(flags);
                    self.index = index;
                    self.interpret(first);
                    if copy {
                        self.asm.mov(Bits::B64, A, slot(self.trace.uops[index].dst));
                    }
                    self.asm.jmp(resume);
                }
                Cold::Zeros(zeros, denormals, index) => {
                    self.index = index;
                    self.zeros(zeros, denormals);
                }
                Cold::Look { entry, segment, imm } => {
                    self.asm.bind(entry);
                    self.code_address(i64::from(segment.offset) + imm);
                    self.asm.jmp_to(self.thunks.arrive);
                }
                Cold::SideExit { entry, flags, refund, segment, imm } => {
                    self.asm.bind(entry);
                    self.show_flags(flags);
                    self.segment = segment;
                    self.asm.alu_imm(Alu::Add, Bits::B32, BUDGET, refund.into());
                    self.go_to(imm);
                }
            }
        }
        self.mark(None, true);
        for n in 0..self.buffers.sites.len() {
            let site = self.buffers.sites[n];
            self.asm.bind(site.stub);
            self.asm.mov_imm(C, u64::from(self.first_site) + n as u64);
            self.asm.jmp_to(self.thunks.link);
        }
    }

    // Operands.

    /// A constant of 16 bytes.
    fn literal(&mut self, value: u128) -> Mem {
        Mem::Near(self.buffers.constants.address(value))
    }

    fn loc(&self, slot: Slot) -> Loc {
        if slot >= TEMP && slot == self.temp {
            return Loc::Reg(T);
        }
        match MAPPED.iter().find(|(mapped, _)| *mapped == slot) {
            Some(&(_, reg)) => Loc::Reg(reg),
            None => Loc::Mem,
        }
    }

    /// A slot as an operand that is read.
    fn src(&self, n: Slot) -> Rm {
        match self.loc(n) {
            Loc::Reg(reg) => reg.into(),
            Loc::Mem => slot(n).into(),
        }
    }

    /// True if `n` lives in `reg`.
    fn is_in(&self, n: Slot, reg: Gpr) -> bool {
        self.loc(n) == Loc::Reg(reg)
    }

    /// The register of a slot, or `scratch` with its value. Leaves the flags alone.
    fn read(&mut self, n: Slot, scratch: Gpr) -> Gpr {
        match self.loc(n) {
            Loc::Reg(reg) => reg,
            Loc::Mem => {
                self.copy(Bits::B64, scratch, n);
                scratch
            }
        }
    }

    /// `reg` = the slot. Leaves the flags alone.
    fn copy(&mut self, bits: Bits, reg: Gpr, n: Slot) {
        if n == ZERO {
            self.asm.mov_imm(reg, 0);
        } else if bits == Bits::B32 || !self.is_in(n, reg) {
            let src = self.src(n);
            self.asm.mov(bits, reg, src);
        }
    }

    /// Where to compute a destination: its register, or `scratch`.
    fn dst(&self, n: Slot, scratch: Gpr) -> Gpr {
        match self.loc(n) {
            Loc::Reg(reg) => reg,
            Loc::Mem => scratch,
        }
    }

    /// The slot = `reg`, all 64 bits of it. Leaves the flags alone.
    fn write(&mut self, n: Slot, reg: Gpr) {
        match self.loc(n) {
            Loc::Reg(to) if to == reg => {}
            Loc::Reg(to) => self.asm.mov(Bits::B64, to, reg),
            Loc::Mem if n == SINK => {}
            Loc::Mem => self.asm.store(Bits::B64, slot(n), reg),
        }
    }
}
