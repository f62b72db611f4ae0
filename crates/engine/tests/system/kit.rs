//! A bare machine for system-level tests: one or more PEs without MMU, vectors that stop, a GIC that
//! passes private interrupts on to the IRQ input.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use armlet_arm::gic::CpuInterface;
use armlet_arm::smccc::Conduit;
use armlet_arm::sysreg::Encoding;
use armlet_arm::{CpuState, Pstate, SysReg};
use armlet_base::{BusError, Clock, CpuIrqInput, GuestRam, RamKind, RamRegion};
use armlet_engine::{CallOutcome, Code, Cpu, Note, Port, Stop, Vm, World};

/// Where programs start.
pub const CODE: u64 = 0x4000_0000;
/// Where the vectors are: the first instruction of each stops with `hvc #offset`.
pub const VECTORS: u64 = 0x4001_0000;
/// Memory for data.
pub const DATA: u64 = 0x4002_0000;

/// Notes what happens.
#[derive(Default)]
pub struct Recorder {
    /// The immediate of the last HVC.
    pub hvc: u16,
    /// All notes, if wanted.
    pub notes: Option<Vec<Note>>,
}

impl World for Recorder {
    fn mmio_read(&mut self, _: u64, pa: u64, _: u8) -> Result<u64, BusError> {
        Err(BusError::Unmapped(pa))
    }
    fn mmio_write(&mut self, _: u64, pa: u64, _: u8, _: u64) -> Result<(), BusError> {
        Err(BusError::Unmapped(pa))
    }
    fn call(&mut self, _: u64, conduit: Conduit, imm: u16, _: &mut [u64; 18]) -> CallOutcome {
        if conduit == Conduit::Smc {
            return CallOutcome::Undefined;
        }
        self.hvc = imm;
        CallOutcome::Stop
    }
    fn notes(&self) -> bool {
        self.notes.is_some()
    }
    fn note(&mut self, note: Note) {
        self.notes.get_or_insert_default().push(note);
    }
}

/// Private interrupts by level, straight to the IRQ input.
pub struct Gic {
    port: Arc<Port>,
    /// Levels by INTID.
    pub levels: AtomicU32,
    /// ICC_PMR_EL1.
    pub pmr: AtomicU32,
}

const ICC_PMR_EL1: Encoding = Encoding::new(3, 0, 4, 6, 0);
const ICC_SRE_EL1: Encoding = Encoding::new(3, 0, 12, 12, 5);

impl CpuInterface for Gic {
    fn read(&self, _: usize, reg: Encoding) -> Option<u64> {
        match reg {
            ICC_PMR_EL1 => Some(self.pmr.load(Ordering::Relaxed).into()),
            ICC_SRE_EL1 => Some(7),
            _ => None,
        }
    }
    fn write(&self, _: usize, reg: Encoding, value: u64) -> Option<()> {
        (reg == ICC_PMR_EL1).then(|| self.pmr.store(value as u32, Ordering::Relaxed))
    }
    fn set_ppi(&self, _: usize, intid: u32, level: bool) {
        let bit = 1 << intid;
        let levels = if level {
            self.levels.fetch_or(bit, Ordering::Relaxed) | bit
        } else {
            self.levels.fetch_and(!bit, Ordering::Relaxed) & !bit
        };
        self.port.set_irq(levels != 0);
    }
}

/// One PE and what is around it.
pub struct Machine {
    pub cpu: Box<Cpu>,
    pub gic: Arc<Gic>,
    pub world: Recorder,
    code: Code,
}

impl Machine {
    /// A PE of the default model at EL1h with `words` to run.
    pub fn new(words: &[u32]) -> Self {
        Self::of("max", words)
    }

    /// The same of another model.
    pub fn of(model: &str, words: &[u32]) -> Self {
        Self::on_clock(model, words, Clock::default(), false)
    }

    /// A PE of `model` in Supervisor mode, its vectors being `hvc #offset`.
    #[allow(dead_code)]
    pub fn aarch32(model: &str, words: &[u32]) -> Self {
        let machine = Self::on_clock(model, words, Clock::default(), true);
        for offset in (0..0x20).step_by(4) {
            let hvc = 0xe140_0070 | offset as u32 & 15 | (offset as u32 & !15) << 4;
            machine.cpu.vm.ram.write(VECTORS + offset, &hvc.to_le_bytes()).unwrap();
        }
        machine
    }

    /// The same in virtual time, with at most `insns` instructions in a block.
    pub fn in_virtual_time(words: &[u32], insns: usize) -> Self {
        let mut machine = Self::on_clock("max", words, Clock::new_virtual(), false);
        machine.cpu.slice.as_mut().unwrap().set_block_limit(insns);
        machine
    }

    /// A PE in Supervisor mode, in virtual time. Its vectors are those of AArch64.
    #[allow(dead_code)]
    pub fn aarch32_in_virtual_time(words: &[u32]) -> Self {
        Self::on_clock("max", words, Clock::new_virtual(), true)
    }

    /// Runs by the JIT.
    #[allow(dead_code)]
    pub fn compiled(self) -> Self {
        Self { code: Code::jit(1 << 20).expect("code memory"), ..self }
    }

    fn on_clock(model: &str, words: &[u32], clock: Clock, aarch32: bool) -> Self {
        let ram =
            GuestRam::new(&[RamRegion { gpa: CODE, len: 0x10_0000, kind: RamKind::ReadWrite }]).unwrap();
        let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
        ram.write(CODE, &bytes).unwrap();
        for offset in (0..0x800).step_by(0x80) {
            let hvc = 0xd400_0002 | (offset as u32) << 5;
            ram.write(VECTORS + offset, &hvc.to_le_bytes()).unwrap();
        }
        let model = armlet_arm::cpu::model(model).unwrap();
        let vm = Vm::new(Arc::new(ram), model, 2, clock);
        if aarch32 {
            vm.start_in_aarch32();
        }
        let levels = AtomicU32::new(0);
        let gic = Arc::new(Gic { port: vm.ports[0].clone(), levels, pmr: AtomicU32::new(0) });
        let mut cpu = Box::new(Cpu::new(vm, 0));
        cpu.pc = CODE;
        cpu.sys[SysReg::VBAR_EL1] = VECTORS;
        Self { cpu, gic, world: Recorder::default(), code: Code::default() }
    }

    /// Connects the interrupt controller.
    pub fn with_gic(self) -> Self {
        self.cpu.vm.attach_gic(self.gic.clone());
        self
    }

    /// Changes the state as a debugger would.
    pub fn change(&mut self, change: impl FnOnce(&mut CpuState)) {
        let mut state = CpuState::default();
        self.cpu.save(&mut state);
        change(&mut state);
        self.cpu.load(&state);
    }

    /// Starts the program over at EL0 with interrupts unmasked.
    pub fn at_el0(mut self) -> Self {
        self.change(|state| state.pstate = Pstate::empty());
        self
    }

    /// Runs to the next HVC and returns its immediate: the offset of the vector that was taken, or the
    /// program's own.
    pub fn run(&mut self) -> u16 {
        let stop = self.cpu.run(&mut self.code, &mut self.world);
        assert_eq!(stop, Stop::World, "pc {:#x}", self.cpu.pc);
        self.world.hvc
    }

    /// Runs to a stop of another kind.
    pub fn run_to_stop(&mut self) -> Stop {
        self.cpu.run(&mut self.code, &mut self.world)
    }

    /// A system register.
    pub fn sys(&self, reg: SysReg) -> u64 {
        self.cpu.sys[reg]
    }

    /// ESR_EL1 as exception class and the rest.
    pub fn esr(&self) -> (u64, u64) {
        let esr = self.sys(SysReg::ESR_EL1);
        assert_eq!(esr >> 25 & 1, 1, "all instructions are 32 bits long");
        (esr >> 26, esr & 0x1ff_ffff)
    }

    /// ELR_EL1 as a word index into the program.
    pub fn elr_index(&self) -> u64 {
        self.sys(SysReg::ELR_EL1).wrapping_sub(CODE) / 4
    }
}
