//! Power State Coordination Interface 1.1 (DEN0022).

use armlet_arm::smccc::psci::{self, Status};
use armlet_arm::smccc::{NOT_SUPPORTED, SMCCC_VERSION};
use armlet_hv::{CallOutcome, Stop};

use super::{Call, Firmware, SMC64};
use crate::topology::{self, AFFINITY_MASK};

/// Version 1.1.
const VERSION: u64 = 0x1_0001;
/// MIGRATE_INFO_TYPE: no Trusted OS that would need migration.
const MIGRATION_NOT_REQUIRED: u64 = 2;
/// power_state, original format: the state loses the CPU's context.
const POWER_DOWN: u64 = 1 << 16;
/// power_state, original format: bits that must be zero.
const POWER_STATE_RESERVED: u64 = 0xfcfe_0000;

impl Firmware {
    /// Serves a call if it is one of these.
    pub(super) fn psci(&self, call: &mut Call) -> Option<CallOutcome> {
        let args = call.args;
        Some(match call.function & !SMC64 {
            psci::VERSION if !call.is_64() => call.done(VERSION),
            psci::FEATURES if !call.is_64() => call.done(self.features(args[1] as u32)),
            psci::CPU_ON => {
                let status = self.cpu_on(args[1], args[2], args[3]);
                call.done(code(status))
            }
            psci::CPU_OFF if !call.is_64() => CallOutcome::Stop(Stop::CpuOff),
            psci::AFFINITY_INFO => {
                let info = self.affinity_info(args[1], args[2]);
                call.done(info)
            }
            psci::CPU_SUSPEND => self.cpu_suspend(call),
            psci::MIGRATE_INFO_TYPE if !call.is_64() => call.done(MIGRATION_NOT_REQUIRED),
            psci::SYSTEM_OFF if !call.is_64() => CallOutcome::Stop(Stop::Shutdown),
            psci::SYSTEM_RESET if !call.is_64() => CallOutcome::Stop(Stop::Reset),
            // Only SYSTEM_WARM_RESET is known, and served as a whole reset.
            psci::SYSTEM_RESET2 if args[1] as u32 == 0 => CallOutcome::Stop(Stop::Reset),
            psci::SYSTEM_RESET2 => call.done(code(Status::InvalidParameters)),
            _ => return None,
        })
    }

    fn cpu_on(&self, target: u64, entry: u64, context: u64) -> Status {
        let Some(target) = self.cpu_at(target) else { return Status::InvalidParameters };
        if !self.is_code(entry) {
            return Status::InvalidAddress;
        }
        self.power.cpu_on(target, self.start(entry, context))
    }

    /// 0 for on, 1 for off, 2 for on-pending. Above level 0 a group is on if any of its CPUs is.
    fn affinity_info(&self, affinity: u64, level: u64) -> u64 {
        let cpus = self.power.cpus();
        if level > 3 || affinity & !AFFINITY_MASK != 0 {
            return code(Status::InvalidParameters);
        }
        let shift = [0, 8, 16, 32][level as usize];
        let group: Vec<usize> =
            (0..cpus).filter(|cpu| topology::affinity(*cpu) >> shift == affinity >> shift).collect();
        match self.power.affinity_info(&group) {
            Some(info) => info,
            None => code(Status::InvalidParameters),
        }
    }

    /// A standby state sleeps as WFI does and returns; a power-down state sleeps and comes back at its entry
    /// point.
    fn cpu_suspend(&self, call: &mut Call) -> CallOutcome {
        let (state, entry, context) = (call.args[1], call.args[2], call.args[3]);
        if state & POWER_STATE_RESERVED != 0 || state >> 32 != 0 {
            return call.done(code(Status::InvalidParameters));
        }
        if state & POWER_DOWN == 0 {
            call.done(code(Status::Success));
            return CallOutcome::Wait(None);
        }
        if !self.is_code(entry) {
            return call.done(code(Status::InvalidAddress));
        }
        self.power.resume_at(call.cpu, self.start(entry, context));
        CallOutcome::Wait(Some(Stop::CpuOff))
    }

    /// PSCI_FEATURES: 0 for what is there, in the convention it is there.
    fn features(&self, function: u32) -> u64 {
        let found = match function & !SMC64 {
            psci::CPU_SUSPEND | psci::CPU_ON | psci::AFFINITY_INFO | psci::SYSTEM_RESET2 => {
                function & SMC64 == 0 || !self.mode.is_aarch32()
            }
            psci::VERSION
            | psci::CPU_OFF
            | psci::MIGRATE_INFO_TYPE
            | psci::SYSTEM_OFF
            | psci::SYSTEM_RESET
            | psci::FEATURES
            | SMCCC_VERSION => function & SMC64 == 0,
            _ => false,
        };
        if found { 0 } else { NOT_SUPPORTED }
    }

    fn cpu_at(&self, affinity: u64) -> Option<usize> {
        topology::index(affinity, self.power.cpus())
    }
}

/// A status as X0 holds it, sign-extended.
fn code(status: Status) -> u64 {
    i64::from(status as i32) as u64
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    const CODE: u64 = 0x4000_1000;

    fn id(function: u32) -> u64 {
        (function | SMC64).into()
    }

    #[test]
    fn cpu_on_has_all_its_answers() {
        let (firmware, _) = testing::firmware(3);
        let on =
            |args: [u64; 3]| testing::call(&firmware, &[id(psci::CPU_ON), args[0], args[1], args[2]]).1[0];
        assert_eq!(on([3, CODE, 0]), code(Status::InvalidParameters));
        assert_eq!(on([1 << 31, CODE, 0]), code(Status::InvalidParameters));
        assert_eq!(on([1, 0x1000, 0]), code(Status::InvalidAddress));
        assert_eq!(on([1, CODE + 1, 0]), code(Status::InvalidAddress));
        assert_eq!(on([0, CODE, 0]), code(Status::AlreadyOn));
        assert_eq!(on([1, CODE, 7]), 0);
        assert_eq!(on([1, CODE, 0]), code(Status::OnPending));
        let info = |target, level| testing::call(&firmware, &[id(psci::AFFINITY_INFO), target, level]).1[0];
        assert_eq!((info(0, 0), info(1, 0), info(2, 0)), (0, 2, 1));
        assert_eq!(
            (info(0, 1), info(0x100, 1), info(9, 0), info(0, 4)),
            (0, -2i64 as u64, -2i64 as u64, -2i64 as u64)
        );
        assert_eq!(firmware.power.next(1), Some(firmware.start(CODE, 7)));
        assert_eq!(on([1, CODE, 0]), code(Status::AlreadyOn));
    }

    #[test]
    fn the_32_bit_convention_cuts_arguments() {
        let (firmware, _) = testing::firmware(2);
        let high = 0xdead_beef_0000_0000;
        let args = [high | u64::from(psci::CPU_ON), high | 1, high | CODE, high | 7];
        assert_eq!(testing::call(&firmware, &args).1[0], 0);
        assert_eq!(firmware.power.next(1), Some(firmware.start(CODE, 7)));
    }

    #[test]
    fn a_32_bit_caller_chooses_t32_by_bit_0() {
        let (firmware, _) = testing::in_mode(3, armlet_hv::GuestMode::A32El1);
        let on = |cpu: u64, entry: u64| {
            let call = testing::call(&firmware, &[psci::CPU_ON.into(), cpu, entry, 7]);
            call.1[0]
        };
        assert_eq!(on(1, CODE + 2), 0xffff_fff7, "INVALID_ADDRESS");
        assert_eq!(on(1 << 24, CODE), 0xffff_fffe, "INVALID_PARAMETERS");
        assert_eq!((on(1, CODE + 1), on(2, CODE + 3)), (0, 0));
        let start = firmware.power.next(1).unwrap();
        assert_eq!((start.pc, start.regs, start.mode.is_aarch32()), (CODE + 1, [7, 0, 0], true));
        assert_eq!(firmware.power.next(2).map(|start| start.pc), Some(CODE + 3));
    }

    #[test]
    fn features_and_constants() {
        let (firmware, _) = testing::firmware(1);
        let call = |args: &[u64]| testing::call(&firmware, args);
        let features = |f: u32| call(&[psci::FEATURES.into(), f.into()]).1[0];
        assert_eq!(call(&[psci::VERSION.into()]).1[0], 0x1_0001);
        assert_eq!(call(&[psci::MIGRATE_INFO_TYPE.into()]).1[0], 2);
        assert_eq!(call(&[id(psci::VERSION)]).1[0], NOT_SUPPORTED);
        for f in
            [psci::CPU_ON | SMC64, psci::CPU_ON, psci::CPU_OFF, psci::SYSTEM_RESET2 | SMC64, SMCCC_VERSION]
        {
            assert_eq!(features(f), 0, "{f:#x}");
        }
        for f in [psci::CPU_OFF | SMC64, psci::MIGRATE, psci::SYSTEM_SUSPEND, 0x8400_7777] {
            assert_eq!(features(f), NOT_SUPPORTED, "{f:#x}");
        }
        assert_eq!(call(&[psci::SYSTEM_OFF.into()]).0, CallOutcome::Stop(Stop::Shutdown));
        assert_eq!(call(&[psci::SYSTEM_RESET.into()]).0, CallOutcome::Stop(Stop::Reset));
        assert_eq!(call(&[id(psci::SYSTEM_RESET2), 0, 9]).0, CallOutcome::Stop(Stop::Reset));
        assert_eq!(call(&[id(psci::SYSTEM_RESET2), 1, 9]).1[0], code(Status::InvalidParameters));
        assert_eq!(call(&[psci::CPU_OFF.into()]).0, CallOutcome::Stop(Stop::CpuOff));
    }

    #[test]
    fn suspend_sleeps_and_returns_or_starts_at_its_entry() {
        let (firmware, _) = testing::firmware(1);
        let suspend = |state, entry| testing::call(&firmware, &[id(psci::CPU_SUSPEND), state, entry, 5]);
        assert_eq!((suspend(0, 0).0, suspend(0, 0).1[0]), (CallOutcome::Wait(None), 0));
        assert_eq!(suspend(1 << 20, 0).1[0], code(Status::InvalidParameters));
        assert_eq!(suspend(POWER_DOWN, 3).1[0], code(Status::InvalidAddress));
        assert_eq!(suspend(POWER_DOWN, CODE).0, CallOutcome::Wait(Some(Stop::CpuOff)));
        assert_eq!(testing::call(&firmware, &[id(psci::AFFINITY_INFO), 0, 0]).1[0], 0);
        firmware.power.off(0);
        assert_eq!(firmware.power.next(0), Some(firmware.start(CODE, 5)));
    }
}
