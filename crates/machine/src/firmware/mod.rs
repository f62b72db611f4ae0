//! What guests call by HVC and SMC: SMCCC (DEN0028), PSCI (DEN0022), TRNG (DEN0098) and armlet's own calls.

mod psci;
mod request;
mod smccc;
mod trng;
mod vendor;

use std::sync::Arc;

use armlet_arm::smccc::{Conduit, NOT_SUPPORTED};
use armlet_base::GuestRam;
use armlet_hv::{CallOutcome, CallRegs, GuestMode};

use crate::console::Console;
use crate::entropy::Entropy;
use crate::run::power::{Power, Start};

/// Bit 30 of a function identifier: the 64-bit calling convention.
const SMC64: u32 = 1 << 30;

/// The firmware of a machine, shared by its vCPUs.
pub struct Firmware {
    /// Which vCPUs are on.
    pub power: Arc<Power>,
    /// Guest memory, for entry addresses and strings.
    pub ram: Arc<GuestRam>,
    /// Where the guest's text goes.
    pub console: Arc<Console>,
    /// What TRNG calls get.
    pub(crate) entropy: Arc<Entropy>,
    /// State of the callers: EL1 is in one for good.
    pub mode: GuestMode,
}

/// A call with its arguments as the convention passes them.
pub(crate) struct Call<'a> {
    /// The vCPU that calls.
    cpu: usize,
    /// W0.
    function: u32,
    /// X0 to X17, X1 on cut to 32 bits by the 32-bit convention.
    args: [u64; 18],
    /// Where results go.
    regs: &'a mut CallRegs,
}

impl Call<'_> {
    /// Sets X0 and goes on.
    fn done(&mut self, result: u64) -> CallOutcome {
        self.regs[0] = result;
        CallOutcome::Continue
    }

    /// Sets X0 to X3 and goes on.
    fn done4(&mut self, results: [u64; 4]) -> CallOutcome {
        self.regs[..4].copy_from_slice(&results);
        CallOutcome::Continue
    }

    /// True for the 64-bit convention.
    fn is_64(&self) -> bool {
        self.function & SMC64 != 0
    }
}

impl Firmware {
    /// Serves a call of vCPU `cpu`. Both conduits reach the same functions; registers that hold no
    /// result are kept, as SMCCC 1.1 wants.
    pub fn call(&self, cpu: usize, _conduit: Conduit, imm: u16, regs: &mut CallRegs) -> CallOutcome {
        let outcome = self.serve(cpu, imm, regs);
        if self.mode.is_aarch32() {
            // Registers of 32 bits; a status is sign-extended otherwise.
            regs[..4].iter_mut().for_each(|result| *result &= 0xffff_ffff);
        }
        outcome
    }

    fn serve(&self, cpu: usize, imm: u16, regs: &mut CallRegs) -> CallOutcome {
        let function = regs[0] as u32;
        let mut args = *regs;
        if function & SMC64 == 0 {
            args.iter_mut().for_each(|arg| *arg &= 0xffff_ffff);
        }
        // SMCCC 2.9: a non-zero immediate is reserved, and nothing answers it here. SMCCC 2.3: AArch32 has no
        // 64-bit convention.
        if imm != 0 || function & SMC64 != 0 && self.mode.is_aarch32() {
            regs[0] = NOT_SUPPORTED;
            return CallOutcome::Continue;
        }
        let mut call = Call { cpu, function, args, regs };
        let served = self
            .psci(&mut call)
            .or_else(|| smccc::call(&mut call))
            .or_else(|| trng::call(&mut call, &self.entropy))
            .or_else(|| self.vendor(&mut call));
        served.unwrap_or_else(|| call.done(NOT_SUPPORTED))
    }

    /// True if guest memory holds an instruction at `address`; for an AArch32 caller bit 0 chooses T32.
    fn is_code(&self, address: u64) -> bool {
        let t32 = self.mode.is_aarch32() && address & 1 != 0;
        (t32 || address.is_multiple_of(4)) && self.ram.find(address).is_some()
    }

    /// Where a vCPU starts that a caller turns on: in the caller's state (DEN0022, 6.4).
    fn start(&self, pc: u64, context: u64) -> Start {
        Start { pc, regs: [context, 0, 0], sp: None, mode: self.mode }
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use crate::console::testing::Captured;
    use armlet_base::{RamKind, RamRegion};

    /// Firmware of a 64-bit machine with `cpus` vCPUs, of which the first is on, and what it prints.
    pub fn firmware(cpus: usize) -> (Firmware, Captured) {
        in_mode(cpus, GuestMode::A64El1)
    }

    /// The same for a machine of either state.
    pub fn in_mode(cpus: usize, mode: GuestMode) -> (Firmware, Captured) {
        let region = RamRegion { gpa: 0x4000_0000, len: 1 << 20, kind: RamKind::ReadWrite };
        let captured = Captured::default();
        let power = Arc::new(Power::new(vec![None; cpus]));
        power.restart(Start { pc: 0x4000_0000, regs: [0; 3], sp: None, mode });
        power.next(0);
        let ram = Arc::new(GuestRam::new(&[region]).unwrap());
        let console = Arc::new(Console::new(Box::new(captured.clone())));
        (Firmware { power, ram, console, entropy: Arc::new(Entropy::new(false)), mode }, captured)
    }

    /// Calls with `args` from vCPU 0 and gives the outcome with X0 to X3.
    pub fn call(firmware: &Firmware, args: &[u64]) -> (CallOutcome, [u64; 4]) {
        let mut regs = [0x5555; 18];
        regs[..args.len()].copy_from_slice(args);
        let outcome = firmware.call(0, Conduit::Hvc, 0, &mut regs);
        assert!(regs[4..].iter().enumerate().all(|(i, r)| *r == *args.get(i + 4).unwrap_or(&0x5555)));
        (outcome, [regs[0], regs[1], regs[2], regs[3]])
    }

    #[test]
    fn a_32_bit_caller_has_no_64_bit_calls_and_gets_words() {
        use armlet_arm::smccc::{psci, trng, vendor};
        let (firmware, captured) = in_mode(2, GuestMode::A32El1);
        let call = |args: &[u64]| call(&firmware, args).1[0];
        let not_supported = NOT_SUPPORTED & 0xffff_ffff;
        for function in [psci::CPU_ON, psci::AFFINITY_INFO, psci::CPU_SUSPEND, trng::RND32] {
            assert_eq!(call(&[(function | SMC64).into(), 1, 0x4000_1000, 0]), not_supported);
        }
        for function in [0, 0x8400_00ff, psci::MIGRATE] {
            assert_eq!(call(&[function.into()]), not_supported);
        }
        let features = |f: u32| call(&[psci::FEATURES.into(), f.into()]);
        assert_eq!((features(psci::CPU_ON), features(psci::CPU_ON | SMC64)), (0, not_supported));
        firmware.ram.write(0x4000_1000, b"text\0").unwrap();
        assert_eq!(call(&[vendor::WRITE_STRING.into(), 0x4000_1000, 0]), 0);
        assert_eq!(call(&[vendor::WRITE_STRING.into(), 0, 0]), -3i32 as u32 as u64);
        assert_eq!(captured.text(), "text");
    }

    #[test]
    fn unknown_calls_and_immediates_are_not_supported() {
        let (firmware, _) = firmware(1);
        for function in [0u64, 0x8400_00ff, 0xc600_1234, 0xffff_ffff, 0x8000_1000] {
            assert_eq!(call(&firmware, &[function]).1[0], NOT_SUPPORTED, "{function:#x}");
        }
        let mut regs = [0x8400_0000; 18];
        assert_eq!(firmware.call(0, Conduit::Smc, 1, &mut regs), CallOutcome::Continue);
        assert_eq!((regs[0], regs[1]), (NOT_SUPPORTED, 0x8400_0000));
    }
}
