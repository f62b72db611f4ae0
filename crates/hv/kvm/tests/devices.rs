//! What leaves the guest, and what does not: aborts, doorbells, written pages; and what is left behind.
#![cfg(all(target_os = "linux", target_arch = "aarch64"))]

mod common;

use std::os::fd::AsFd;

use armlet_arm::SysReg;
use armlet_hv::{Doorbell, ExitEvent, HvError, Hypervisor, VmConfig};
use armlet_hv_soft::SoftHypervisor;
use common::{DEVICE, RAM, Seen, Small, gic, kvm};
use rustix::event::EventfdFlags;

/// A load and a store 8 and 16 bytes behind X1, and what the vectors say of them; the vectors are at the end.
fn abort_program() -> Vec<u32> {
    let start = [
        0xf940_0422, // ldr x2, [x1, #8]
        0xf900_0822, // str x2, [x1, #16]
        0xb900_0000, // str w0, [x0]
        0x1400_0000, // b .
    ];
    let vector = [
        0xd538_520a, // mrs x10, esr_el1
        0xd538_600b, // mrs x11, far_el1
        0xd538_402c, // mrs x12, elr_el1
        0x9100_118c, // add x12, x12, #4
        0xd518_402c, // msr elr_el1, x12
        0xb900_040a, // str w10, [x0, #4]
        0xb900_080b, // str w11, [x0, #8]
        0xb900_0c02, // str w2, [x0, #12]
        0xd69f_03e0, // eret
    ];
    let mut code = start.to_vec();
    code.resize(VECTORS / 4 + 0x200 / 4, 0);
    code.extend(vector);
    code
}

const VECTORS: usize = 0x800;

#[test]
fn an_access_that_nothing_answers_is_an_external_abort_as_on_soft() {
    let Some(kvm) = kvm() else { return };
    let run = |hv: &dyn Hypervisor| {
        let mut small = Small::new(hv, &abort_program(), None, 1);
        small.start(&[(0, DEVICE), (1, 0x3000_0000), (2, 0x7777)]);
        let mut state = small.state(0);
        state.sys[SysReg::VBAR_EL1] = RAM + VECTORS as u64;
        small.vcpus[0].load(&state).unwrap();
        let mut io = Seen { observed: true, kick: Some(small.vcpus[0].kicker()), ..Seen::default() };
        small.vcpus[0].run(&mut io).unwrap();
        io.events.retain(|event| matches!(event, ExitEvent::UnmappedAccess { .. }));
        (io.writes, io.events)
    };
    let native = run(&kvm);
    let expected = [
        (4, 4, 0x9600_0010),
        (8, 4, 0x3000_0008),
        (12, 4, 0x7777),
        (4, 4, 0x9600_0050),
        (8, 4, 0x3000_0010),
        (12, 4, 0x7777),
        (0, 4, DEVICE),
    ];
    assert_eq!(native.0, expected);
    assert_eq!(native, run(&SoftHypervisor::new()));
}

#[test]
fn accesses_are_told_with_their_syndrome() {
    let Some(kvm) = kvm() else { return };
    // ldrh w3, [x0, #6]; str x3, [x0, #8]; str w3, [x0]
    let code = [0x7940_0c03, 0xf900_0403, 0xb900_0003, 0x1400_0000];
    let run = |hv: &dyn Hypervisor| {
        let mut small = Small::new(hv, &code, None, 1);
        small.start(&[(0, DEVICE)]);
        let mut io = Seen { observed: true, kick: Some(small.vcpus[0].kicker()), ..Seen::default() };
        small.vcpus[0].run(&mut io).unwrap();
        io.events
    };
    let native = run(&kvm);
    assert_eq!(native.len(), 3);
    assert_eq!(native, run(&SoftHypervisor::new()));
}

/// Stores at X1, and X2 bytes further on, then to the device; and again from there.
const PAGES: &[u32] = &[
    0xf900_0021, // str x1, [x1]
    0x8b02_0021, // add x1, x1, x2
    0xf900_0021, // str x1, [x1]
    0xb900_0000, // str w0, [x0]
    0x17ff_fffc, // b .-16
];

#[test]
fn written_pages_are_logged_once() {
    let Some(kvm) = kvm() else { return };
    let mut small = Small::new(&kvm, PAGES, None, 1);
    let page = small.vm.as_dirty_log().unwrap().page_size();
    assert!(small.vm.as_dirty_log().unwrap().take(RAM).is_err(), "nothing is logged yet");
    small.start(&[(0, DEVICE), (1, RAM + 2 * page), (2, 3 * page)]);
    small.vm.as_dirty_log().unwrap().enable(true).unwrap();
    let bits = |small: &Small| -> Vec<u64> {
        let words = small.vm.as_dirty_log().unwrap().take(RAM).unwrap();
        let all =
            words.iter().enumerate().flat_map(|(n, w)| (0..64).map(move |b| (n as u64 * 64 + b, w >> b & 1)));
        all.filter(|(_, bit)| *bit != 0).map(|(page, _)| page).collect()
    };
    small.run();
    assert_eq!(bits(&small), [2, 5]);
    assert_eq!(bits(&small), [] as [u64; 0]);
    small.run();
    assert_eq!(bits(&small), [5, 8]);
    assert!(small.vm.as_dirty_log().unwrap().take(RAM + page).is_err());
    small.vm.as_dirty_log().unwrap().enable(false).unwrap();
    small.run();
    assert!(small.vm.as_dirty_log().unwrap().take(RAM).is_err());
    assert_eq!(small.word(RAM + 8 * page), RAM + 8 * page);
}

/// Stores 5 and then 7 to the device at +16, then to its first word.
const DOORS: &[u32] = &[
    0x5280_00a1, // mov w1, #5
    0xb900_1001, // str w1, [x0, #16]
    0x5280_00e1, // mov w1, #7
    0xb900_1001, // str w1, [x0, #16]
    0xb900_0001, // str w1, [x0]
    0x1400_0000, // b .
];

#[test]
fn doorbells_ring_in_the_kernel() {
    let Some(kvm) = kvm() else { return };
    let mut small = Small::new(&kvm, DOORS, Some(gic(&kvm)), 1);
    let bell = rustix::event::eventfd(0, EventfdFlags::NONBLOCK).unwrap();
    let events = small.vm.as_host_events().unwrap();
    let seven = Doorbell { gpa: DEVICE + 16, size: 4, value: Some(7) };
    events.add_doorbell(seven, bell.as_fd()).unwrap();
    small.start(&[(0, DEVICE)]);
    assert_eq!(small.run().writes, [(16, 4, 5), (0, 4, 7)]);
    let mut count = [0; 8];
    assert_eq!(rustix::io::read(&bell, &mut count), Ok(8));
    assert_eq!(u64::from_ne_bytes(count), 1);
    small.vm.as_host_events().unwrap().remove_doorbell(seven, bell.as_fd()).unwrap();
    small.start(&[(0, DEVICE)]);
    assert_eq!(small.run().writes, [(16, 4, 5), (16, 4, 7), (0, 4, 7)]);
}

#[test]
fn events_interrupt() {
    let Some(kvm) = kvm() else { return };
    // Makes INTID 40 an edge, then reads what is pending until that is: GICD_ICFGR2 and GICD_ISPENDR1.
    let code = [
        0x52a0_0042, // mov w2, #0x20000
        0xb90c_0822, // str w2, [x1, #0xc08]
        0xb900_0400, // str w0, [x0, #4]
        0xb942_0423, // 1: ldr w3, [x1, #0x204]
        0x3647_ffe3, // tbz w3, #8, 1b
        0xb900_0003, // str w3, [x0]
        0x1400_0000, // b .
    ];
    let mut small = Small::new(&kvm, &code, Some(gic(&kvm)), 1);
    let event = rustix::event::eventfd(0, EventfdFlags::NONBLOCK).unwrap();
    small.vm.as_host_events().unwrap().add_interrupt(40, event.as_fd()).unwrap();
    assert!(small.vm.as_host_events().unwrap().add_interrupt(27, event.as_fd()).is_err());
    small.start(&[(0, DEVICE), (1, common::GICD)]);
    let vcpu = &mut small.vcpus[0];
    let mut io = Ring { seen: Seen { kick: Some(vcpu.kicker()), ..Seen::default() }, event: &event };
    vcpu.run(&mut io).unwrap();
    assert_eq!(io.seen.writes.last(), Some(&(0, 4, 1 << 8)));
    small.vm.as_host_events().unwrap().remove_interrupt(40, event.as_fd()).unwrap();
}

/// Signals the event when the guest stores to +4.
struct Ring<'a> {
    seen: Seen,
    event: &'a std::os::fd::OwnedFd,
}

impl armlet_hv::VcpuIo for Ring<'_> {
    fn mmio_read(&mut self, gpa: u64, size: u8) -> Result<u64, armlet_base::BusError> {
        self.seen.mmio_read(gpa, size)
    }
    fn mmio_write(&mut self, gpa: u64, size: u8, value: u64) -> Result<(), armlet_base::BusError> {
        if gpa == DEVICE + 4 {
            rustix::io::write(self.event, &1u64.to_ne_bytes()).unwrap();
        }
        self.seen.mmio_write(gpa, size, value)
    }
    fn call(
        &mut self,
        conduit: armlet_arm::smccc::Conduit,
        imm: u16,
        regs: &mut armlet_hv::CallRegs,
    ) -> armlet_hv::CallOutcome {
        self.seen.call(conduit, imm, regs)
    }
    fn observed(&self) -> bool {
        false
    }
    fn observe(&mut self, _: &ExitEvent) {}
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Mappings of memory that belongs to a VM: its run pages and guest memory.
fn mappings() -> usize {
    std::fs::read_to_string("/proc/self/maps").unwrap().lines().count()
}

#[test]
fn a_hundred_vms_leave_nothing_behind() {
    let Some(kvm) = kvm() else { return };
    let once = || {
        let mut small = Small::new(&kvm, &[0xb900_0000, 0x1400_0000], Some(gic(&kvm)), 2);
        small.start(&[(0, DEVICE)]);
        assert_eq!(small.run().writes, [(0, 4, DEVICE)]);
    };
    once();
    let (before, maps) = (descriptors(), mappings());
    (0..100).for_each(|_| once());
    // Other tests of this process make VMs meanwhile, each of few parts.
    assert!(descriptors() < before + 50, "{} descriptors, {before} before", descriptors());
    assert!(mappings() < maps + 50, "{} mappings, {maps} before", mappings());
}

#[test]
fn what_cannot_be_is_refused_in_one_line() {
    let Some(kvm) = kvm() else { return };
    let error = |change: fn(&mut VmConfig)| -> String {
        let ram = Small::new(&kvm, &[], None, 1).ram;
        let mut config = VmConfig {
            ram,
            cpus: 1,
            cpu_model: "host".into(),
            mode: armlet_hv::GuestMode::A64El1,
            gic: Some(gic(&kvm)),
            clock: armlet_base::Clock::default(),
            deterministic: None,
        };
        change(&mut config);
        let error: HvError = kvm.create_vm(config).err().expect("it should be refused");
        let line = error.to_string();
        assert!(!line.contains('\n') && line.contains("kvm") || line.contains("KVM"), "{line}");
        line
    };
    assert!(error(|config| config.cpu_model = "cortex-a53".into()).contains("\"host\""));
    assert!(error(|config| config.clock = armlet_base::Clock::new_virtual()).contains("soft"));
    assert!(error(|config| config.mode = armlet_hv::GuestMode::A64El2).contains("EL2"));
    assert!(error(|config| config.cpus = 100_000).contains("100000 CPUs"));
    assert!(error(|config| config.cpus = 0).contains("0 CPUs"));
}

#[test]
fn instructions_that_the_hardware_does_not_describe_are_done() {
    let Some(kvm) = kvm() else { return };
    let code = [
        0xa881_0801, // stp x1, x2, [x0], #16
        0xb840_4c03, // ldr w3, [x0, #4]!
        0xbd00_0405, // str s5, [x0, #4]
        0x2940_0c04, // ldp w4, w3, [x0]
        0xb81e_cc04, // str w4, [x0, #-20]!
        0xb900_00c6, // str w6, [x6]
        0x1400_0000, // b .
    ];
    let run = |hv: &dyn Hypervisor| {
        let mut small = Small::new(hv, &code, None, 1);
        small.start(&[(0, DEVICE + 0x100), (1, 0x1111), (2, 0x2222), (6, DEVICE)]);
        let mut io = Seen { observed: true, kick: Some(small.vcpus[0].kicker()), ..Seen::default() };
        small.vcpus[0].run(&mut io).unwrap();
        let state = small.state(0);
        (io.writes, io.events, state.x, state.pc, state.v[5])
    };
    let native = run(&kvm);
    assert_eq!(native.0.len(), 5, "{native:?}");
    assert_eq!(native, run(&SoftHypervisor::new()));
}
