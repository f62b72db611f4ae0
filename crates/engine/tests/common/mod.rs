//! A PE with translation tables that tests can edit.
#![allow(dead_code)]

use std::sync::{Arc, OnceLock};

use armlet_arm::cpu::CpuModel;
use armlet_arm::smccc::Conduit;
use armlet_arm::sysreg::Encoding;
use armlet_arm::{Feature, FeatureSet, Pstate, SysReg};
use armlet_base::{BusError, Clock, GuestRam, RamKind, RamRegion};
use armlet_engine::{CallOutcome, Cpu, Note, Raised, Vm, World};

pub const RAM: u64 = 0x4000_0000;
pub const ROM: u64 = 0x0800_0000;
/// First free page after the code and data that tests place at the start of RAM.
const TABLES: u64 = RAM + 0x80_0000;

// Descriptor bits.
pub const AF: u64 = 1 << 10;
pub const NG: u64 = 1 << 11;
pub const USER: u64 = 1 << 6;
pub const READ_ONLY: u64 = 1 << 7;
pub const DBM: u64 = 1 << 51;
pub const PXN: u64 = 1 << 53;
pub const UXN: u64 = 1 << 54;
/// AttrIndx of Device-nGnRE; 0 is Normal Write-Back.
pub const DEVICE: u64 = 1 << 2;

/// A world that answers MMIO below 0x1000 and the ROM, and keeps a record.
#[derive(Default)]
pub struct Log(pub Vec<(char, u64, u8, u64)>);

impl World for Log {
    fn mmio_read(&mut self, _: u64, pa: u64, size: u8) -> Result<u64, BusError> {
        self.0.push(('r', pa, size, 0));
        if pa < 0x1000 { Ok(0x1122_3344_5566_7788) } else { Err(BusError::Unmapped(pa)) }
    }
    fn mmio_write(&mut self, _: u64, pa: u64, size: u8, value: u64) -> Result<(), BusError> {
        self.0.push(('w', pa, size, value));
        if pa < 0x1000 || pa & !0xffff == ROM { Ok(()) } else { Err(BusError::Unmapped(pa)) }
    }
    fn call(&mut self, _: u64, _: Conduit, _: u16, _: &mut [u64; 18]) -> CallOutcome {
        CallOutcome::Stop
    }
    fn notes(&self) -> bool {
        false
    }
    fn note(&mut self, _: Note) {}
}

/// One PE, its world and its tables.
pub struct Machine {
    pub cpu: Cpu,
    pub world: Log,
    pub ram: Arc<GuestRam>,
    next_table: u64,
    /// Level 0 tables of both halves.
    pub roots: [u64; 2],
}

pub fn memory() -> Arc<GuestRam> {
    let regions = [
        RamRegion { gpa: RAM, len: 0x100_0000, kind: RamKind::ReadWrite },
        RamRegion { gpa: ROM, len: 0x1_0000, kind: RamKind::ReadOnly },
    ];
    Arc::new(GuestRam::new(&regions).unwrap())
}

/// The default model with every feature of translation, advertised yet or not.
fn model() -> &'static CpuModel {
    static MODEL: OnceLock<CpuModel> = OnceLock::new();
    MODEL.get_or_init(|| {
        let max = armlet_arm::cpu::model("max").unwrap();
        CpuModel { features: FeatureSet::of(Feature::ALL), ..*max }
    })
}

impl Machine {
    /// Translation is on, 4 KiB granule, 48 bits in both halves; nothing is mapped.
    pub fn new() -> Self {
        Self::of(2)
    }

    /// The first PE of `cpus`.
    pub fn of(cpus: usize) -> Self {
        let ram = memory();
        let vm = Vm::new(ram.clone(), model(), cpus, Clock::default());
        let cpu = Cpu::new(vm, 0);
        let mut m = Self {
            cpu,
            world: Log::default(),
            ram,
            next_table: TABLES + 0x2000,
            roots: [TABLES, TABLES + 0x1000],
        };
        let tcr = 16 | 16 << 16 | 2 << 30 | 5 << 32 | 1 << 36 | 1 << 37;
        m.set(SysReg::TCR_EL1, tcr);
        m.set(SysReg::MAIR_EL1, 0x04ff);
        m.set(SysReg::TTBR0_EL1, m.roots[0]);
        m.set(SysReg::TTBR1_EL1, m.roots[1]);
        m.set(SysReg::SCTLR_EL1, 1);
        m
    }

    /// Writes a register as MSR does.
    pub fn set(&mut self, reg: SysReg, value: u64) {
        self.cpu.sys[reg] = value;
        match reg {
            SysReg::TTBR0_EL1 | SysReg::TTBR1_EL1 => self.cpu.ttbr_changed(),
            _ => self.cpu.translation_changed(),
        }
    }

    pub fn set_bits(&mut self, reg: SysReg, bits: u64) {
        self.set(reg, self.cpu.sys[reg] | bits);
    }

    pub fn pstate(&mut self, pstate: Pstate) {
        self.cpu.pstate = pstate;
        self.cpu.mode_changed();
    }

    pub fn el0(&mut self) {
        self.pstate(Pstate::empty());
    }

    pub fn el1(&mut self) {
        self.pstate(Pstate::RESET_EL1H);
    }

    pub fn peek(&self, pa: u64) -> u64 {
        let mut bytes = [0; 8];
        self.ram.read(pa, &mut bytes).unwrap();
        u64::from_le_bytes(bytes)
    }

    pub fn poke(&self, pa: u64, value: u64) {
        self.ram.write(pa, &value.to_le_bytes()).unwrap();
    }

    /// A zeroed page for a table.
    pub fn table(&mut self) -> u64 {
        self.next_table += 0x1000;
        self.next_table - 0x1000
    }

    /// Address of the descriptor for `va` at `level` below `root`, tables made on the way.
    pub fn slot_in(&mut self, root: u64, va: u64, level: u32) -> u64 {
        let mut table = root;
        for above in 0..level {
            let slot = table + (va >> (39 - 9 * above) & 511) * 8;
            if self.peek(slot) & 1 == 0 {
                let next = self.table();
                self.poke(slot, next | 3);
            }
            table = self.peek(slot) & 0xffff_ffff_f000;
        }
        table + (va >> (39 - 9 * level) & 511) * 8
    }

    pub fn slot(&mut self, va: u64, level: u32) -> u64 {
        self.slot_in(self.roots[(va >> 55 & 1) as usize], va, level)
    }

    /// Maps a page, AF set.
    pub fn map(&mut self, va: u64, pa: u64, bits: u64) {
        let slot = self.slot(va, 3);
        self.poke(slot, pa | bits | AF | 3);
    }

    /// Maps a block of 2 MiB, AF set.
    pub fn map_block(&mut self, va: u64, pa: u64, bits: u64) {
        let slot = self.slot(va, 2);
        self.poke(slot, pa | bits | AF | 1);
    }

    pub fn load(&mut self, va: u64) -> Result<u64, Raised> {
        self.cpu.load_mem(&mut self.world, va)
    }

    pub fn store(&mut self, va: u64, value: u64) -> Result<(), Raised> {
        self.cpu.store_mem(&mut self.world, va, value)
    }

    pub fn fetch(&mut self, va: u64) -> Result<u64, Raised> {
        self.cpu.pc = va;
        self.cpu.fetch(&mut self.world).map(|(pa, _)| pa)
    }

    pub fn tlbi(&mut self, crm: u8, op2: u8, value: u64) {
        self.cpu.tlbi(Encoding::new(1, 0, 8, crm, op2), value);
    }

    /// ESR_EL1 and FAR_EL1 of what was raised.
    #[track_caller]
    pub fn fault<T: std::fmt::Debug>(&self, result: Result<T, Raised>) -> (u64, u64) {
        result.expect_err("a fault");
        (self.cpu.raised.esr, self.cpu.raised.far.unwrap())
    }
}

/// An ESR value with IL set.
pub fn esr(ec: u64, iss: u64) -> u64 {
    ec << 26 | 1 << 25 | iss
}
