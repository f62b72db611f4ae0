//! The generic timer.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use armlet_arm::SysReg;

use crate::kit::Machine;

#[test]
fn a_virtual_timer_interrupt_wakes_wfi() {
    let mut m = Machine::new(&[
        0xd2a00a00, // mov x0, #0x500000
        0xd51be300, // msr cntv_tval_el0, x0
        0xd2800020, // mov x0, #0x1
        0xd51be320, // msr cntv_ctl_el0, x0
        0xd50342ff, // msr daifclr, #0x2
        0xd503207f, // wfi
        0x17ffffff, // b 14
    ])
    .with_gic();
    let start = Instant::now();
    assert_eq!(m.run(), 0x280);
    assert!(start.elapsed() >= Duration::from_millis(5));
    assert_eq!(m.gic.levels.load(Ordering::Relaxed), 1 << 27);
}

#[test]
fn the_output_follows_every_write() {
    let mut m = Machine::new(&[
        0xd51be25f, // msr cntp_cval_el0, xzr
        0xd2800020, // mov x0, #0x1
        0xd51be220, // msr cntp_ctl_el0, x0
        0xd53be221, // mrs x1, cntp_ctl_el0
        0xd4000022, // hvc #0x1
        0xd2800060, // mov x0, #0x3
        0xd51be220, // msr cntp_ctl_el0, x0
        0xd53be221, // mrs x1, cntp_ctl_el0
        0xd4000042, // hvc #0x2
        0xd2800020, // mov x0, #0x1
        0xd51be220, // msr cntp_ctl_el0, x0
        0xd4000062, // hvc #0x3
        0x92800000, // mov x0, #0xffffffffffffffff
        0xd51be240, // msr cntp_cval_el0, x0
        0xd53be221, // mrs x1, cntp_ctl_el0
        0xd4000082, // hvc #0x4
        0x92800000, // mov x0, #0xffffffffffffffff
        0xd51be200, // msr cntp_tval_el0, x0
        0xd53be202, // mrs x2, cntp_tval_el0
        0xd40000a2, // hvc #0x5
        0xd51be23f, // msr cntp_ctl_el0, xzr
        0xd40000c2, // hvc #0x6
    ])
    .with_gic();
    let mut step = || {
        let hvc = m.run();
        (hvc, m.gic.levels.load(Ordering::Relaxed) >> 30, m.cpu.x[1])
    };
    assert_eq!(step(), (1, 1, 5), "met: in the past");
    assert_eq!(step(), (2, 0, 7), "met but masked");
    assert_eq!(step(), (3, 1, 7));
    assert_eq!(step(), (4, 0, 1), "never");
    assert_eq!(step().1, 1, "a negative TVAL is in the past");
    assert_eq!(step().1, 0, "disabled");
    assert!((m.cpu.x[2] as i32) < 0 && m.cpu.x[2] >> 32 == 0);
}

#[test]
fn the_counter_runs_at_its_frequency() {
    for model in ["max", "cortex-a72"] {
        let mut m = Machine::of(
            model,
            &[
                0xd53be040, // mrs x0, cntvct_el0
                0xd4000022, // hvc #0x1
                0xd53be041, // mrs x1, cntvct_el0
                0xd53be022, // mrs x2, cntpct_el0
                0xd53be003, // mrs x3, cntfrq_el0
                0xd4000042, // hvc #0x2
            ],
        );
        let start = Instant::now();
        m.run();
        std::thread::sleep(Duration::from_millis(10));
        m.run();
        let [from, to, physical, hz] = m.cpu.x[..4] else { unreachable!() };
        let passed = (start.elapsed().as_nanos() * u128::from(hz) / 1_000_000_000) as u64 + 1;
        assert!(to - from >= hz / 100, "{model}: {} at {hz}", to - from);
        assert!(physical >= to && physical - from <= passed, "{model}: {} of {passed}", physical - from);
    }
}

#[test]
fn a_restored_state_arms_its_timer() {
    let mut m = Machine::new(&[0xd503_207f, 0x17ff_ffff]).with_gic(); // wfi; b .-4
    m.change(|s| {
        s.sys[SysReg::CNTV_CVAL_EL0] = 1;
        s.sys[SysReg::CNTV_CTL_EL0] = 1;
        s.pstate.remove(armlet_arm::Pstate::I);
    });
    assert_eq!(m.run(), 0x280);
}

#[test]
fn the_event_stream_bounds_wfe() {
    // Every 2^16 ns: EVNTEN, EVNTI = 15. So often that without it (`WFE_LIMIT`) it would take 20 s.
    let mut m = Machine::new(&[
        0xd2801e80, // mov x0, #0xf4
        0xd518e100, // msr cntkctl_el1, x0
        0xd280fa01, // mov x1, #0x7d0
        0xd503205f, // wfe
        0xd1000421, // sub x1, x1, #0x1
        0xb5ffffc1, // cbnz x1, c
        0xd4040002, // hvc #0x2000
    ]);
    let start = Instant::now();
    m.run();
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}
