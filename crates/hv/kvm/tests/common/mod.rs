//! Small VMs with a program of a few instructions, and a machine around them that remembers what came out.
#![allow(dead_code)]

use std::sync::Arc;

use armlet_arm::smccc::Conduit;
use armlet_arm::{CpuState, Pstate};
use armlet_base::{BusError, Clock, GuestRam, RamKind, RamRegion};
use armlet_hv::{
    CallOutcome, CallRegs, ExitEvent, GicConfig, GicKind, GuestMode, Hypervisor, Kick, Stop, Vcpu, VcpuIo,
    Vm, VmConfig,
};
use armlet_hv_kvm::KvmHypervisor;
use armlet_testkit::skip;

/// Where memory is, and the program in it.
pub const RAM: u64 = 0x4000_0000;
/// Length of memory.
pub const RAM_LEN: u64 = 0x20_0000;
/// A page whose words are devices. A store to the first ends the run, once the instruction is done.
pub const DEVICE: u64 = 0x0900_0000;
/// Distributor of the interrupt controller.
pub const GICD: u64 = 0x0800_0000;

/// KVM, or a sentence that the test is skipped without it.
pub fn kvm() -> Option<KvmHypervisor> {
    match KvmHypervisor::open() {
        Ok(kvm) => Some(kvm),
        Err(why) => {
            skip(&why.to_string());
            None
        }
    }
}

/// The interrupt controller of the preferred kind.
pub fn gic(hv: &dyn Hypervisor) -> GicConfig {
    GicConfig {
        kind: hv.capabilities().gics.first().copied().unwrap_or(GicKind::V3),
        distributor: GICD,
        cpu_interface: 0x0801_0000,
        redistributors: 0x080a_0000,
        spis: 64,
        its: None,
    }
}

/// A VM with its vCPUs.
pub struct Small {
    pub vcpus: Vec<Box<dyn Vcpu>>,
    pub vm: Box<dyn Vm>,
    pub ram: Arc<GuestRam>,
}

impl Small {
    pub fn new(hv: &dyn Hypervisor, code: &[u32], gic: Option<GicConfig>, cpus: usize) -> Self {
        Self::in_mode(hv, code, gic, cpus, GuestMode::A64El1)
    }

    pub fn in_mode(
        hv: &dyn Hypervisor,
        code: &[u32],
        gic: Option<GicConfig>,
        cpus: usize,
        mode: GuestMode,
    ) -> Self {
        let region = RamRegion { gpa: RAM, len: RAM_LEN, kind: RamKind::ReadWrite };
        let ram = Arc::new(GuestRam::new(&[region]).unwrap());
        let bytes: Vec<u8> = code.iter().flat_map(|word| word.to_le_bytes()).collect();
        ram.write(RAM, &bytes).unwrap();
        let config = VmConfig {
            ram: ram.clone(),
            cpus,
            cpu_model: hv.capabilities().cpu_models[0].name.clone(),
            mode,
            gic,
            clock: Clock::default(),
            deterministic: None,
        };
        let vm = hv.create_vm(config).unwrap();
        let vcpus = (0..cpus).map(|index| vm.create_vcpu(index).unwrap()).collect();
        Self { vcpus, vm, ram }
    }

    /// Puts vCPU 0 at the start of memory with these registers.
    pub fn start(&mut self, x: &[(usize, u64)]) {
        let mut state = self.state(0);
        state.pc = RAM;
        state.pstate = Pstate::RESET_EL1H;
        state.sys[armlet_arm::SysReg::CPACR_EL1] = 3 << 20;
        x.iter().for_each(|&(n, value)| state.x[n] = value);
        self.vcpus[0].load(&state).unwrap();
    }

    pub fn state(&self, cpu: usize) -> CpuState {
        let mut state = CpuState::default();
        self.vcpus[cpu].save(&mut state).unwrap();
        state
    }

    /// Runs vCPU 0 until it stores to the device's first word.
    pub fn run(&mut self) -> Seen {
        let mut io = Seen { kick: Some(self.vcpus[0].kicker()), ..Seen::default() };
        assert_eq!(self.vcpus[0].run(&mut io).unwrap(), Stop::Kicked);
        io
    }

    pub fn word(&self, gpa: u64) -> u64 {
        let mut bytes = [0; 8];
        self.ram.read(gpa, &mut bytes).unwrap();
        u64::from_le_bytes(bytes)
    }
}

/// Copies a stopped machine into a new one like it.
pub fn copy(from: &mut Small, to: &mut Small) {
    // First what may leave some of itself in guest memory.
    let controller = from.vm.as_opaque_state().unwrap().save_opaque().unwrap();
    let mut memory = vec![0; RAM_LEN as usize];
    from.ram.read(RAM, &mut memory).unwrap();
    to.ram.write(RAM, &memory).unwrap();
    for (old, new) in from.vcpus.iter_mut().zip(&mut to.vcpus) {
        let mut state = CpuState::default();
        old.save(&mut state).unwrap();
        new.load(&state).unwrap();
        let opaque = old.as_opaque_state().unwrap().save_opaque().unwrap();
        new.as_opaque_state().unwrap().load_opaque(&opaque).unwrap();
    }
    to.vm.as_opaque_state().unwrap().load_opaque(&controller).unwrap();
}

/// What came out of the guest.
#[derive(Default)]
pub struct Seen {
    pub kick: Option<Arc<dyn Kick>>,
    pub writes: Vec<(u64, u8, u64)>,
    pub events: Vec<ExitEvent>,
    pub observed: bool,
}

impl VcpuIo for Seen {
    fn mmio_read(&mut self, gpa: u64, _: u8) -> Result<u64, BusError> {
        if (DEVICE..DEVICE + 0x1000).contains(&gpa) { Ok(gpa) } else { Err(BusError::Unmapped(gpa)) }
    }

    fn mmio_write(&mut self, gpa: u64, size: u8, value: u64) -> Result<(), BusError> {
        if !(DEVICE..DEVICE + 0x1000).contains(&gpa) {
            return Err(BusError::Unmapped(gpa));
        }
        self.writes.push((gpa - DEVICE, size, value));
        if let Some(kick) = self.kick.as_ref().filter(|_| gpa == DEVICE) {
            kick.kick();
        }
        Ok(())
    }

    fn call(&mut self, _: Conduit, _: u16, _: &mut CallRegs) -> CallOutcome {
        CallOutcome::Continue
    }

    fn observed(&self) -> bool {
        self.observed
    }

    fn observe(&mut self, event: &ExitEvent) {
        self.events.push(event.clone());
    }
}
