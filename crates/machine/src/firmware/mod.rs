//! What guests call by HVC and SMC: SMCCC (DEN0028), PSCI (DEN0022), TRNG (DEN0098) and armlet's own calls.

mod psci;
mod smccc;
mod trng;
mod vendor;

use std::sync::Arc;

use armlet_arm::smccc::{Conduit, NOT_SUPPORTED};
use armlet_base::GuestRam;
use armlet_hv::{CallOutcome, CallRegs};

use crate::console::Console;
use crate::entropy::Entropy;
use crate::run::power::Power;

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
    pub(crate) entropy: Entropy,
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
        let function = regs[0] as u32;
        let mut args = *regs;
        if function & SMC64 == 0 {
            args.iter_mut().for_each(|arg| *arg &= 0xffff_ffff);
        }
        // SMCCC 2.9: a non-zero immediate is reserved, and nothing answers it here.
        if imm != 0 {
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

    /// True if guest memory holds an instruction at `address`.
    fn is_code(&self, address: u64) -> bool {
        address.is_multiple_of(4) && self.ram.find(address).is_some()
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use crate::console::testing::Captured;
    use armlet_base::{RamKind, RamRegion};

    /// Firmware of a machine with `cpus` vCPUs, of which the first is on, and what it prints.
    pub fn firmware(cpus: usize) -> (Firmware, Captured) {
        let region = RamRegion { gpa: 0x4000_0000, len: 1 << 20, kind: RamKind::ReadWrite };
        let captured = Captured::default();
        let power = Arc::new(Power::new(vec![None; cpus]));
        power.restart(crate::run::power::Start { pc: 0x4000_0000, x0: 0, sp: None });
        power.next(0);
        let ram = Arc::new(GuestRam::new(&[region]).unwrap());
        let console = Arc::new(Console::new(Box::new(captured.clone())));
        (Firmware { power, ram, console, entropy: Entropy::new(false) }, captured)
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
