//! What the `whp` backend says where something is missing or can't be.

use std::sync::Arc;

use armlet_arm::CpuState;
use armlet_base::{Clock, GuestRam, RamKind, RamRegion};
use armlet_hv::{GicConfig, GicKind, GuestMode, HvError, Hypervisor, Stop, VmConfig};
use armlet_hv_soft::SoftHypervisor;
use armlet_hv_whp::abi::hresult::HResult;
use armlet_hv_whp::table::Table;
use armlet_hv_whp::{Missing, WhpHypervisor};
use armlet_winhv::{Quirks, table};

fn open(quirks: Quirks) -> Result<WhpHypervisor, Missing> {
    WhpHypervisor::over(table(Box::new(SoftHypervisor::new()), quirks))
}

fn refusal(quirks: Quirks) -> String {
    let missing = open(quirks).err().expect("something is missing");
    format!("{}; {}", missing.why, missing.fix)
}

#[test]
fn hosts_that_lack_something_are_told_what_and_what_helps() {
    let none = refusal(Quirks { present: false, ..Quirks::default() });
    assert!(none.contains("no hypervisor runs; restart Windows"), "{none}");
    let old = refusal(Quirks { arm64: false, ..Quirks::default() });
    assert!(old.contains("no ARM64 guests; update Windows 11 to build 26100.3915"), "{old}");
}

#[test]
fn a_dll_without_a_function_is_told_by_name() {
    // SAFETY: no function is found, so none is called.
    let missing = unsafe { Table::find(|_| None) }.err().unwrap();
    assert_eq!(missing, c"WHvGetCapability");
    let full = table(Box::new(SoftHypervisor::new()), Quirks::default());
    // SAFETY: the only function given is of the signature of its name.
    let found = unsafe {
        Table::find(|name| (name == c"WHvGetCapability").then_some(full.get_capability as *const ()))
    };
    assert_eq!(found.err().unwrap(), c"WHvCreatePartition");
}

#[test]
fn what_people_meet_is_told_with_its_fix() {
    let made = |refusals| {
        let whp = open(Quirks { refusals, ..Quirks::default() }).unwrap();
        chain(whp.create_vm(config()).err().expect("it is refused"))
    };
    for (refusals, says) in [
        // No administrator, where a policy asks for one.
        ([Some(HResult::E_ACCESSDENIED), None], "E_ACCESSDENIED (0x80070005); run armlet as a user who may"),
        (
            [None, Some(HResult::ERROR_HV_ACCESS_DENIED)],
            "ERROR_HV_ACCESS_DENIED (0xc0350006); run armlet as administrator",
        ),
        // Something else has the hypervisor, or the processor.
        ([None, Some(HResult::ERROR_HV_OPERATION_DENIED)], "close other virtual machines"),
        ([None, Some(HResult::WHV_E_UNSUPPORTED_HYPERVISOR_CONFIG)], "enable the feature HypervisorPlatform"),
        ([Some(HResult::ERROR_HV_NOT_PRESENT), None], "enable virtualization in the firmware's settings"),
        ([Some(HResult::HCS_E_HYPERV_NOT_INSTALLED), None], "enable the feature HypervisorPlatform"),
        // A build from before the release.
        ([None, Some(HResult::WHV_E_UNKNOWN_PROPERTY)], "update Windows 11 to 26100.3915"),
        ([None, Some(HResult::ERROR_HV_INSUFFICIENT_MEMORY)], "use less --memory or fewer --cpus"),
        (
            [Some(HResult(0xc035_0099u32 as i32)), None],
            "hypervisor status 0x99 (0xc0350099); use --backend soft",
        ),
    ] {
        let text = made(refusals);
        assert!(text.contains(says) && text.contains("(WHv"), "{says}: {text}");
    }
}

#[test]
fn doctor_has_the_facts_that_a_report_needs() {
    let facts = open(Quirks::default()).unwrap().facts();
    for fact in
        ["features: 0x809", "physical address width: 0x28", "MIDR_EL1: 0x413fd0c1", "ID_AA64ISAR0_EL1: 0x0"]
    {
        assert!(facts.iter().any(|line| line == fact), "{fact}: {facts:?}");
    }
    let denied = Quirks { refusals: [Some(HResult::E_ACCESSDENIED), None], ..Quirks::default() };
    let facts = open(denied).unwrap().facts();
    assert!(facts.iter().any(|line| line.starts_with("a partition to look at: ")), "{facts:?}");
}

#[test]
fn written_pages_are_told_once() {
    let whp = open(Quirks::default()).unwrap();
    assert!(whp.capabilities().dirty_log);
    let config = config();
    let ram = config.ram.clone();
    // str x1, [x0]; b .
    let code = [0xf900_0001u32, 0x1400_0000].map(u32::to_le_bytes).concat();
    ram.write(0x4000_0000, &code).unwrap();
    let vm = whp.create_vm(config).unwrap();
    let mut vcpu = vm.create_vcpu(0).unwrap();
    let log = vm.as_dirty_log().unwrap();
    assert!(log.take(0x4000_0000).is_err(), "nothing is logged yet");
    let mut store = |at: u64| {
        let mut state = CpuState::default();
        vcpu.save(&mut state).unwrap();
        (state.pc, state.x[0], state.x[1]) = (0x4000_0000, at, at);
        vcpu.load(&state).unwrap();
        let kicker = vcpu.kicker();
        std::thread::scope(|scope| {
            let vcpu = &mut vcpu;
            scope.spawn(move || assert_eq!(vcpu.run(&mut Nothing).unwrap(), Stop::Kicked));
            let mut word = [0; 8];
            while u64::from_le_bytes(word) != at {
                ram.read(at, &mut word).unwrap();
            }
            kicker.kick();
        });
    };
    store(0x4000_3000);
    log.enable(true).unwrap();
    assert_eq!(log.take(0x4000_0000).unwrap(), [0, 0, 0, 0]);
    store(0x4000_5008);
    store(0x400f_f000);
    assert_eq!(log.take(0x4000_0000).unwrap(), [1 << 5, 0, 0, 1 << 63]);
    assert_eq!(log.take(0x4000_0000).unwrap(), [0, 0, 0, 0]);
    assert!(log.take(0x4000_1000).is_err(), "no memory begins there");
    log.enable(false).unwrap();
    assert!(log.take(0x4000_0000).is_err());
    let old = open(Quirks { dirty_tracking: false, ..Quirks::default() }).unwrap();
    assert!(!old.capabilities().dirty_log && old.create_vm(self::config()).unwrap().as_dirty_log().is_none());
}

fn config() -> VmConfig {
    let region = RamRegion { gpa: 0x4000_0000, len: 0x10_0000, kind: RamKind::ReadWrite };
    VmConfig {
        ram: Arc::new(GuestRam::new(&[region]).unwrap()),
        cpus: 1,
        cpu_model: "host".into(),
        mode: GuestMode::A64El1,
        gic: Some(GicConfig {
            kind: GicKind::V3,
            distributor: 0x800_0000,
            cpu_interface: 0x801_0000,
            redistributors: 0x80a_0000,
            spis: 256,
            its: None,
        }),
        clock: Clock::default(),
        deterministic: None,
    }
}

fn chain(error: HvError) -> String {
    let source = std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
    format!("{error}{source}")
}

#[test]
fn what_the_platform_cannot_do_is_refused_with_who_can() {
    let whp = open(Quirks::default()).unwrap();
    let refused = |config: VmConfig| chain(whp.create_vm(config).err().expect("it can't be"));
    let gic = |kind| config().gic.map(|gic| GicConfig { kind, ..gic });
    for (config, says) in [
        (VmConfig { mode: GuestMode::A32El1, ..config() }, "AArch32 at EL1; use --backend soft"),
        (VmConfig { mode: GuestMode::A64El2, ..config() }, "AArch64 at EL2; use --backend soft"),
        (VmConfig { gic: gic(GicKind::V2), ..config() }, "a GICv2; use --backend soft"),
        (VmConfig { cpu_model: "cortex-a53".into(), ..config() }, "CPU model cortex-a53"),
        (VmConfig { clock: Clock::new_virtual(), ..config() }, "virtual time"),
    ] {
        let text = refused(config);
        assert!(text.contains(says), "{text}");
    }
    // The platform's own refusals, by their names.
    let too_many = refused(VmConfig { cpus: 1000, ..config() });
    assert!(too_many.contains("setting up a partition with 1000 CPUs (WHvSetupPartition)"), "{too_many}");
    assert!(
        too_many.contains("ERROR_HV_PROPERTY_VALUE_OUT_OF_RANGE (0xc035000a); use fewer --cpus"),
        "{too_many}"
    );
    let misplaced = config().gic.map(|gic| GicConfig { distributor: 0x800_1000, ..gic });
    let misplaced = refused(VmConfig { gic: misplaced, ..config() });
    assert!(misplaced.contains("WHV_E_INVALID_PARTITION_CONFIG (0x80370304)"), "{misplaced}");
    let narrow = open(Quirks { address_bits: 32, ..Quirks::default() }).unwrap();
    assert_eq!(narrow.capabilities().address_bits, 32);
}

#[test]
fn a_state_comes_back_as_it_was_loaded() {
    let whp = open(Quirks::default()).unwrap();
    let vm = whp.create_vm(config()).unwrap();
    let mut vcpu = vm.create_vcpu(0).unwrap();
    let mut state = CpuState::default();
    vcpu.save(&mut state).unwrap();
    for (n, x) in state.x.iter_mut().enumerate() {
        *x = 0x1111_0000_0000_0001u64.wrapping_mul(n as u64);
    }
    for (n, v) in state.v.iter_mut().enumerate() {
        *v = u128::MAX / (n as u128 + 1);
    }
    state.pc = 0x4000_0040;
    (state.fpcr, state.fpsr) = (1 << 24, 0x1f);
    for register in [armlet_arm::SysReg::SP_EL0, armlet_arm::SysReg::SP_EL1, armlet_arm::SysReg::VBAR_EL1] {
        state.sys[register] = 0x4001_0000 + register as u64 * 0x800;
    }
    vcpu.load(&state).unwrap();
    let mut back = CpuState::default();
    vcpu.save(&mut back).unwrap();
    assert_eq!(back, state);
    assert!(vm.create_vcpu(0).is_err() && vm.create_vcpu(1).is_err());
    vcpu.reset().unwrap();
    vcpu.save(&mut back).unwrap();
    assert_eq!((back.x[5], back.v[3], back.pc), (0, 0, 0));
}

/// Devices that don't matter.
struct Nothing;

impl armlet_hv::VcpuIo for Nothing {
    fn mmio_read(&mut self, gpa: u64, _: u8) -> Result<u64, armlet_base::BusError> {
        Err(armlet_base::BusError::Unmapped(gpa))
    }
    fn mmio_write(&mut self, gpa: u64, _: u8, _: u64) -> Result<(), armlet_base::BusError> {
        Err(armlet_base::BusError::Unmapped(gpa))
    }
    fn call(
        &mut self,
        _: armlet_arm::smccc::Conduit,
        _: u16,
        _: &mut armlet_hv::CallRegs,
    ) -> armlet_hv::CallOutcome {
        armlet_hv::CallOutcome::Undefined
    }
    fn observed(&self) -> bool {
        false
    }
    fn observe(&mut self, _: &armlet_hv::ExitEvent) {}
}

#[test]
fn a_kick_ends_a_run_that_has_not_begun_and_one_that_has() {
    let whp = open(Quirks::default()).unwrap();
    let config = config();
    config.ram.write(0x4000_0000, &0x1400_0000u32.to_le_bytes()).unwrap(); // b .
    let vm = whp.create_vm(config).unwrap();
    let mut vcpu = vm.create_vcpu(0).unwrap();
    let mut state = CpuState::default();
    vcpu.save(&mut state).unwrap();
    state.pc = 0x4000_0000;
    vcpu.load(&state).unwrap();
    let kicker = vcpu.kicker();
    kicker.kick();
    assert_eq!(vcpu.run(&mut Nothing).unwrap(), Stop::Kicked);
    std::thread::scope(|scope| {
        let running = scope.spawn(move || vcpu.run(&mut Nothing).unwrap());
        kicker.kick();
        assert_eq!(running.join().unwrap(), Stop::Kicked);
    });
}
