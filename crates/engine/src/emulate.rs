//! Single instructions of a guest that a hypervisor runs: those whose access to a device the hypervisor
//! hands over without saying enough to do it (pairs, writeback, vectors).

use std::sync::Arc;

use armlet_arm::esr::{Ec, ec_of};
use armlet_arm::{CpuState, SysReg, cpu};
use armlet_base::{Clock, GuestRam};

use crate::block::Key;
use crate::code::Code;
use crate::cpu::{Cpu, Raised};
use crate::exception::Exception;
use crate::vm::Vm;
use crate::world::World;

/// The instruction is none that the engine knows, so that it can't be done for the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unknown;

/// A PE that does one instruction at a time on a state that comes from elsewhere.
pub struct Emulator {
    cpu: Box<Cpu>,
    code: Code,
}

/// What an instruction that accesses memory may change beside the general and vector registers: where an
/// exception says what it is about, and the stack pointers.
const CHANGED: [SysReg; 7] = [
    SysReg::SP_EL0,
    SysReg::SP_EL1,
    SysReg::ELR_EL1,
    SysReg::SPSR_EL1,
    SysReg::SPSR_ABT,
    SysReg::ESR_EL1,
    SysReg::FAR_EL1,
];
/// What would set something going that belongs to the hypervisor.
const STOPPED: [SysReg; 4] =
    [SysReg::CNTV_CTL_EL0, SysReg::CNTP_CTL_EL0, SysReg::PMCR_EL0, SysReg::MDSCR_EL1];

impl Emulator {
    /// For a guest with this memory, which starts in AArch64 state.
    pub fn new(ram: Arc<GuestRam>) -> Self {
        let vm = Vm::new(ram, &cpu::MODELS[0], 1, Clock::default());
        Self { cpu: Box::new(Cpu::new(vm, 0)), code: Code::interpreter() }
    }

    /// For a guest with this memory, which starts in AArch32 state.
    pub fn for_aarch32(ram: Arc<GuestRam>) -> Self {
        let vm = Vm::new(ram, &cpu::MODELS[0], 1, Clock::default());
        vm.start_in_aarch32();
        Self { cpu: Box::new(Cpu::new(vm, 0)), code: Code::interpreter() }
    }

    /// Does the instruction at `state.pc`, exceptions to EL1 included; where no memory is, `world` is asked.
    ///
    /// # Errors
    /// The state is as it was if the engine doesn't know the instruction.
    pub fn step(&mut self, state: &mut CpuState, world: &mut dyn World) -> Result<(), Unknown> {
        let cpu = &mut *self.cpu;
        let mut here = state.clone();
        STOPPED.iter().for_each(|&register| here.sys[register] = 0);
        cpu.load(&here);
        self.code.clear();
        cpu.raised = Exception::default();
        cpu.enter_guest();
        cpu.do_one(world);
        cpu.leave_guest();
        if cpu.raised.esr != 0 && ec_of(cpu.raised.esr) == Ec::Unknown as u8 {
            return Err(Unknown);
        }
        let sys = state.sys.clone();
        cpu.save(&mut here);
        *state = CpuState { sys, ..here.clone() };
        CHANGED.iter().for_each(|&register| state.sys[register] = here.sys[register]);
        Ok(())
    }
}

impl Cpu {
    fn do_one(&mut self, world: &mut dyn World) {
        match self.locate_code(world) {
            Ok((pa, offset)) => {
                let key = Key::new(pa, self.mode());
                let stretch = self.stretch(offset);
                if stretch.crosses() {
                    self.run_crossing(world);
                } else {
                    let block = stretch.lower(key, 1);
                    self.run_alone(block, world);
                }
            }
            Err(Raised) => self.take_exception(world),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{CallOutcome, Note};
    use armlet_arm::Pstate;
    use armlet_arm::smccc::Conduit;
    use armlet_base::{BusError, RamKind, RamRegion};

    const CODE: u64 = 0x4000_0000;
    const DEVICE: u64 = 0x900_0000;

    /// Answers reads with the address, keeps writes, and has nothing above the device's page.
    #[derive(Default)]
    struct Devices(Vec<(u64, u8, u64)>);

    impl World for Devices {
        fn mmio_read(&mut self, _: u64, pa: u64, _: u8) -> Result<u64, BusError> {
            if pa < DEVICE + 0x1000 { Ok(pa) } else { Err(BusError::Unmapped(pa)) }
        }
        fn mmio_write(&mut self, _: u64, pa: u64, size: u8, value: u64) -> Result<(), BusError> {
            self.0.push((pa, size, value));
            Ok(())
        }
        fn call(&mut self, _: u64, _: Conduit, _: u16, _: &mut [u64; 18]) -> CallOutcome {
            CallOutcome::Continue
        }
        fn notes(&self) -> bool {
            false
        }
        fn note(&mut self, _: Note) {}
    }

    /// The state before and after `word`, with X0 at `x0`, X1 = 1 and X2 = 2.
    fn step(word: u32, x0: u64) -> (Result<(), Unknown>, CpuState, Devices) {
        let region = RamRegion { gpa: CODE, len: 0x1000, kind: RamKind::ReadWrite };
        let ram = Arc::new(GuestRam::new(&[region]).unwrap());
        ram.write(CODE, &word.to_le_bytes()).unwrap();
        let mut state = CpuState { pc: CODE, ..CpuState::default() };
        state.x[..3].copy_from_slice(&[x0, 1, 2]);
        state.sys[SysReg::VBAR_EL1] = 0x8000;
        state.sys[SysReg::CNTV_CTL_EL0] = 1;
        state.sys[SysReg::CPACR_EL1] = 3 << 20;
        let mut devices = Devices::default();
        let done = Emulator::new(ram).step(&mut state, &mut devices);
        assert_eq!(state.sys[SysReg::CNTV_CTL_EL0], 1, "it is not the engine's");
        (done, state, devices)
    }

    #[test]
    fn pairs_and_writeback_reach_devices() {
        let (done, state, devices) = step(0xa881_0801, DEVICE); // stp x1, x2, [x0], #16
        assert_eq!(done, Ok(()));
        assert_eq!(devices.0, [(DEVICE, 8, 1), (DEVICE + 8, 8, 2)]);
        assert_eq!((state.pc, state.x[0]), (CODE + 4, DEVICE + 16));
        let (_, state, _) = step(0x3c40_4c05, DEVICE); // ldr b5, [x0, #4]!
        assert_eq!((state.x[0], state.v[5]), (DEVICE + 4, (DEVICE + 4) as u8 as u128));
    }

    #[test]
    fn lists_of_aarch32_reach_devices_and_aborts_are_banked() {
        let region = RamRegion { gpa: CODE, len: 0x1000, kind: RamKind::ReadWrite };
        let ram = Arc::new(GuestRam::new(&[region]).unwrap());
        // stmia r0!, {r1, r2}; ldr r3, [r4]
        ram.write(CODE, &[0xe8a0_0006u32, 0xe594_3000].map(u32::to_le_bytes).concat()).unwrap();
        let mut state = CpuState { pc: CODE, pstate: Pstate::RESET_SVC, ..CpuState::default() };
        state.x[..5].copy_from_slice(&[DEVICE, 1, 2, 3, DEVICE + 0x2000]);
        let mut devices = Devices::default();
        let mut emulator = Emulator::for_aarch32(ram);
        assert_eq!(emulator.step(&mut state, &mut devices), Ok(()));
        assert_eq!(devices.0, [(DEVICE, 4, 1), (DEVICE + 4, 4, 2)]);
        assert_eq!((state.pc, state.x[0]), (CODE + 4, DEVICE + 8));
        assert_eq!(emulator.step(&mut state, &mut devices), Ok(()));
        assert_eq!((state.pc, state.pstate.mode32()), (0x10, armlet_arm::pstate::mode32::ABT));
        assert_eq!((state.x[3], state.x[20]), (3, CODE + 12), "LR_abt");
        assert_eq!(state.sys[SysReg::SPSR_ABT] & 0x1f, 0x13);
    }

    #[test]
    fn what_nobody_answers_is_an_external_abort() {
        let (done, state, _) = step(0xf940_0001, DEVICE + 0x2000); // ldr x1, [x0]
        assert_eq!(done, Ok(()));
        assert_eq!((state.pc, state.x[1]), (0x8200, 1));
        assert_eq!((state.sys[SysReg::ELR_EL1], state.sys[SysReg::FAR_EL1]), (CODE, DEVICE + 0x2000));
        assert_eq!(state.sys[SysReg::ESR_EL1], 0x9600_0010);
        assert_eq!(state.pstate.el(), Pstate::RESET_EL1H.el());
    }

    #[test]
    fn an_unknown_instruction_changes_nothing() {
        let (done, state, devices) = step(0x0000_0000, DEVICE); // udf #0
        assert_eq!((done, state.pc), (Err(Unknown), CODE));
        assert!(devices.0.is_empty());
    }
}
