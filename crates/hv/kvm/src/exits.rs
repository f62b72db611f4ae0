//! What comes out of the guest beside plain accesses to devices, and how each exit is told to who looks on.
#![allow(unsafe_code)]

use armlet_arm::SysReg;
use armlet_arm::esr::iss;
use armlet_arm::smccc::{Conduit, NOT_SUPPORTED, psci};
use armlet_hv::{CallOutcome, CallRegs, ExitEvent, HvError, Stop, VcpuIo};
use kvm_bindings::{
    KVM_HYPERCALL_EXIT_16BIT, KVM_HYPERCALL_EXIT_SMC, KVM_SYSTEM_EVENT_CRASH, KVM_SYSTEM_EVENT_RESET,
    KVM_SYSTEM_EVENT_RESET_FLAG_PSCI_RESET2, KVM_SYSTEM_EVENT_SHUTDOWN,
};

use crate::code::Code;
use crate::vcpu::KvmVcpu;
use crate::{one_reg, os};

/// A load or store that left the guest.
#[derive(Clone, Copy, Debug)]
pub struct Access {
    pub gpa: u64,
    /// In bytes.
    pub size: u8,
    pub write: bool,
    /// What was read or written.
    pub value: u64,
}

/// DFSR.WnR of AArch32, in either format.
const DFSR_WNR: u64 = 1 << 11;

impl KvmVcpu {
    /// Tells of an access that was served. The vCPU is still at its instruction.
    pub(crate) fn observe_access(&self, io: &mut dyn VcpuIo, access: Access) -> Result<(), HvError> {
        let Access { gpa, size, write, value } = access;
        let pc = self.get(one_reg::PC)?;
        let syndrome = self.code_at(pc)?.map(|code| code.data_abort(&self.shared.ram, gpa, write));
        io.observe(&if write {
            ExitEvent::MmioWrite { pc, gpa, size, value, syndrome }
        } else {
            ExitEvent::MmioRead { pc, gpa, size, value, syndrome }
        });
        Ok(())
    }

    /// Gives the guest a synchronous external abort for an access that nothing answers.
    ///
    /// KVM can do so itself before the access is finished, but up to Linux 6.12 that goes wrong. So the access is
    /// finished, undone, and the abort asked for then; KVM still has its address.
    pub(crate) fn abort(&mut self, io: &mut dyn VcpuIo, access: Access) -> Result<(), HvError> {
        let pc = self.get(one_reg::PC)?;
        let x = (0..31).map(|n| self.get(one_reg::x(n))).collect::<Result<Vec<_>, _>>()?;
        self.finish_access()?;
        for (n, value) in x.into_iter().enumerate() {
            self.set(one_reg::x(n), value)?;
        }
        self.set(one_reg::PC, pc)?;
        let mut events =
            self.fd.get_vcpu_events().map_err(os("KVM does not tell what is pending on a vCPU"))?;
        events.exception.ext_dabt_pending = 1;
        self.fd.set_vcpu_events(&events).map_err(os("KVM can't give the guest an external abort"))?;
        // KVM leaves out that it was a store, and old kernels set all bits above.
        let esr = one_reg::of(SysReg::ESR_EL1);
        let wnr = if self.shared.mode.is_aarch32() { DFSR_WNR } else { iss::WNR };
        self.set(esr, self.get(esr)? & 0xffff_ffff | if access.write { wnr } else { 0 })?;
        if io.observed() {
            let Access { gpa, write, .. } = access;
            io.observe(&ExitEvent::UnmappedAccess { pc, gpa, fetch: false, write });
        }
        Ok(())
    }

    /// Lets KVM finish the access that the guest was left for, without entering the guest.
    fn finish_access(&mut self) -> Result<(), HvError> {
        self.kicker.set_immediate_exit(true);
        let finished = match self.fd.run() {
            Err(error) if error.errno() == libc::EINTR => Ok(()),
            Err(error) => Err(os("KVM does not finish an access")(error)),
            Ok(exit) => Err(HvError::Os {
                what: "KVM does not finish an access".to_owned(),
                source: std::io::Error::other(format!("{exit:?}")),
            }),
        };
        self.kicker.resume();
        finished
    }

    /// A call that the kernel forwards. The vCPU is behind it.
    pub(crate) fn hypercall(&mut self, io: &mut dyn VcpuIo) -> Result<Option<Stop>, HvError> {
        // SAFETY: KVM_EXIT_HYPERCALL, for which this is called, is about this part of the union.
        let flags = unsafe { self.fd.get_kvm_run().__bindgen_anon_1.hypercall.__bindgen_anon_1.flags } as u32;
        let size = if flags & KVM_HYPERCALL_EXIT_16BIT != 0 { 2 } else { 4 };
        let conduit = if flags & KVM_HYPERCALL_EXIT_SMC != 0 { Conduit::Smc } else { Conduit::Hvc };
        let pc = self.get(one_reg::PC)?.wrapping_sub(size);
        let imm = self.code_at(pc)?.map_or(0, Code::immediate);
        let mut regs = self.call_regs()?;
        let before = regs;
        let outcome = io.call(conduit, imm, &mut regs);
        if outcome == CallOutcome::Undefined {
            regs[0] = NOT_SUPPORTED;
        }
        for n in (0..regs.len()).filter(|&n| regs[n] != before[n]) {
            self.set(one_reg::x(n), regs[n])?;
        }
        if io.observed() {
            let (function, result) = (before[0] as u32, regs[0]);
            io.observe(&ExitEvent::Call { pc, conduit, imm, function, result });
        }
        Ok(match outcome {
            CallOutcome::Continue | CallOutcome::Undefined | CallOutcome::Wait(None) => None,
            CallOutcome::Stop(stop) | CallOutcome::Wait(Some(stop)) => Some(stop),
        })
    }

    /// X0 to X17. Of AArch32 only R0 to R12, in the places they have in all modes but FIQ: no call uses others.
    fn call_regs(&self) -> Result<CallRegs, HvError> {
        let aarch32 = self.shared.mode.is_aarch32();
        let (count, mask) = if aarch32 { (13, 0xffff_ffff) } else { (18, u64::MAX) };
        let mut regs = [0; 18];
        for (n, reg) in regs.iter_mut().enumerate().take(count) {
            *reg = self.get(one_reg::x(n))? & mask;
        }
        Ok(regs)
    }

    /// The guest called PSCI for the whole machine. The vCPU is behind the call.
    pub(crate) fn system_event(
        &self,
        io: &mut dyn VcpuIo,
        event: u32,
        flags: Option<u64>,
    ) -> Result<Option<Stop>, HvError> {
        let reset2 =
            flags.is_some_and(|flags| flags & u64::from(KVM_SYSTEM_EVENT_RESET_FLAG_PSCI_RESET2) != 0);
        let (stop, function) = match event {
            KVM_SYSTEM_EVENT_SHUTDOWN => (Stop::Shutdown, psci::SYSTEM_OFF),
            KVM_SYSTEM_EVENT_RESET if reset2 => (Stop::Reset, psci::SYSTEM_RESET2),
            KVM_SYSTEM_EVENT_RESET => (Stop::Reset, psci::SYSTEM_RESET),
            KVM_SYSTEM_EVENT_CRASH => {
                return Ok(Some(Stop::Dead("KVM says that the guest crashed".to_owned())));
            }
            // Suspend and wake-up, which nobody asked for.
            _ => return Ok(None),
        };
        if io.observed() {
            let pc = self.get(one_reg::PC)?.wrapping_sub(4);
            let code = self.code_at(pc)?;
            let conduit = if code.is_some_and(Code::is_smc) { Conduit::Smc } else { Conduit::Hvc };
            let imm = code.map_or(0, Code::immediate);
            io.observe(&ExitEvent::Call { pc, conduit, imm, function, result: 0 });
        }
        Ok(Some(stop))
    }
}
