//! [`CpuState`] from and to the platform's registers.

use armlet_arm::{CpuState, Pstate, SysReg};
use armlet_hv::HvError;
use bytemuck::Zeroable;

use crate::abi::Value;
use crate::abi::hresult::HResult;
use crate::abi::register::{self as name, Name};
use crate::partition::Partition;

/// Registers that every build has.
const SYSTEM: &[(SysReg, Name)] = &[
    (SysReg::SP_EL0, name::SP_EL0),
    (SysReg::SP_EL1, name::SP_EL1),
    (SysReg::SCTLR_EL1, name::SCTLR_EL1),
    (SysReg::CPACR_EL1, name::CPACR_EL1),
    (SysReg::TTBR0_EL1, name::TTBR0_EL1),
    (SysReg::TTBR1_EL1, name::TTBR1_EL1),
    (SysReg::TCR_EL1, name::TCR_EL1),
    (SysReg::ESR_EL1, name::ESR_EL1),
    (SysReg::FAR_EL1, name::FAR_EL1),
    (SysReg::PAR_EL1, name::PAR_EL1),
    (SysReg::MAIR_EL1, name::MAIR_EL1),
    (SysReg::VBAR_EL1, name::VBAR_EL1),
    (SysReg::CONTEXTIDR_EL1, name::CONTEXTIDR_EL1),
    (SysReg::TPIDR_EL1, name::TPIDR_EL1),
    (SysReg::TPIDRRO_EL0, name::TPIDRRO_EL0),
    (SysReg::TPIDR_EL0, name::TPIDR_EL0),
    (SysReg::SPSR_EL1, name::SPSR_EL1),
    (SysReg::ELR_EL1, name::ELR_EL1),
    (SysReg::CNTKCTL_EL1, name::CNTKCTL_EL1),
    (SysReg::CNTV_CTL_EL0, name::CNTV_CTL_EL0),
    (SysReg::CNTV_CVAL_EL0, name::CNTV_CVAL_EL0),
];

/// Registers that a build or a processor may refuse.
const OPTIONAL: &[(SysReg, Name)] = &[
    (SysReg::ACTLR_EL1, name::ACTLR_EL1),
    (SysReg::CSSELR_EL1, name::CSSELR_EL1),
    (SysReg::MDSCR_EL1, name::MDSCR_EL1),
    (SysReg::DBGBVR0_EL1, name::dbgbvr(0)),
    (SysReg::DBGBVR1_EL1, name::dbgbvr(1)),
    (SysReg::DBGBVR2_EL1, name::dbgbvr(2)),
    (SysReg::DBGBVR3_EL1, name::dbgbvr(3)),
    (SysReg::DBGBVR4_EL1, name::dbgbvr(4)),
    (SysReg::DBGBVR5_EL1, name::dbgbvr(5)),
    (SysReg::DBGBCR0_EL1, name::dbgbcr(0)),
    (SysReg::DBGBCR1_EL1, name::dbgbcr(1)),
    (SysReg::DBGBCR2_EL1, name::dbgbcr(2)),
    (SysReg::DBGBCR3_EL1, name::dbgbcr(3)),
    (SysReg::DBGBCR4_EL1, name::dbgbcr(4)),
    (SysReg::DBGBCR5_EL1, name::dbgbcr(5)),
    (SysReg::DBGWVR0_EL1, name::dbgwvr(0)),
    (SysReg::DBGWVR1_EL1, name::dbgwvr(1)),
    (SysReg::DBGWVR2_EL1, name::dbgwvr(2)),
    (SysReg::DBGWVR3_EL1, name::dbgwvr(3)),
    (SysReg::DBGWCR0_EL1, name::dbgwcr(0)),
    (SysReg::DBGWCR1_EL1, name::dbgwcr(1)),
    (SysReg::DBGWCR2_EL1, name::dbgwcr(2)),
    (SysReg::DBGWCR3_EL1, name::dbgwcr(3)),
];

/// Which VP it is: told, never set.
const IDENTITY: &[(SysReg, Name)] =
    &[(SysReg::MIDR_EL1, name::MIDR_EL1), (SysReg::MPIDR_EL1, name::MPIDR_EL1)];

/// The registers of a partition's VPs that make up a [`CpuState`].
#[derive(Clone, Debug)]
pub struct Layout {
    system: Vec<(SysReg, Name)>,
    names: Vec<Name>,
}

/// General registers, PC, PSTATE, FPCR, FPSR and vector registers.
const PLAIN: usize = 31 + 4 + 32;

impl Layout {
    /// Asks VP `vp` which registers it has.
    pub fn probe(partition: &Partition, vp: u32) -> Self {
        let has =
            |name: Name| !matches!(partition.try_get(vp, &[name], &mut [Value::zeroed()]), Err(HResult(_)));
        let optional = OPTIONAL.iter().filter(|(_, name)| has(*name));
        let system: Vec<_> = SYSTEM.iter().chain(optional).copied().collect();
        let plain = (0..31).map(name::x).chain([name::PC, name::PSTATE, name::FPCR, name::FPSR]);
        let vectors = (0..32).map(name::q);
        let names = plain.chain(vectors).chain(system.iter().map(|(_, name)| *name)).collect();
        Self { system, names }
    }

    /// Copies the state of VP `vp` out.
    pub fn save(&self, partition: &Partition, vp: u32, state: &mut CpuState) -> Result<(), HvError> {
        let mut values = vec![Value::zeroed(); self.names.len()];
        partition.get(vp, &self.names, &mut values)?;
        let (plain, system) = values.split_at(PLAIN);
        state.x = std::array::from_fn(|n| plain[n].low);
        state.pc = plain[31].low;
        state.pstate = Pstate::from_bits_retain(plain[32].low);
        (state.fpcr, state.fpsr) = (plain[33].low as u32, plain[34].low as u32);
        state.v = std::array::from_fn(|n| plain[35 + n].into());
        for ((register, _), value) in self.system.iter().zip(system) {
            state.sys[*register] = value.low;
        }
        for (register, name) in IDENTITY {
            state.sys[*register] = partition.get_one(vp, *name)?;
        }
        Ok(())
    }

    /// Replaces the state of VP `vp`. Only what differs is written: the platform may refuse to write what can't change,
    /// and then writes nothing.
    pub fn load(&self, partition: &Partition, vp: u32, state: &CpuState) -> Result<(), HvError> {
        let plain = [state.pc, state.pstate.bits(), state.fpcr.into(), state.fpsr.into()];
        let general = state.x.iter().chain(&plain).map(|value| Value::from(*value));
        let system = self.system.iter().map(|(register, _)| Value::from(state.sys[*register]));
        let wanted = general.chain(state.v.iter().map(|v| Value::from(*v))).chain(system);
        let mut found = vec![Value::zeroed(); self.names.len()];
        partition.get(vp, &self.names, &mut found)?;
        let differs = self.names.iter().zip(wanted).zip(found).filter(|((_, wanted), found)| wanted != found);
        let (names, values): (Vec<_>, Vec<_>) = differs.map(|((name, wanted), _)| (*name, wanted)).unzip();
        if names.is_empty() { Ok(()) } else { partition.put(vp, &names, &values) }
    }
}
