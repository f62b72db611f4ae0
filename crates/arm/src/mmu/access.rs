//! What an access asks for, what a page allows, and what comes of it if they disagree.

use bitflags::bitflags;

use crate::esr::fsc;

/// What an access does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Data read.
    Read,
    /// Data write.
    Write,
    /// Atomic read and write: faults are those of a read unless only the write is refused.
    Update,
    /// Instruction fetch.
    Fetch,
    /// Cache maintenance that needs no permission.
    Maintain,
}

/// An access to check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// What it does.
    pub kind: Kind,
    /// With EL1's rights rather than EL0's.
    pub privileged: bool,
    /// PSTATE.PAN applies to it and is set.
    pub pan: bool,
    /// It is not aligned to its size: Device memory refuses it.
    pub misaligned: bool,
    /// It only asks: AT and cache maintenance, which leave the dirty state alone.
    pub probe: bool,
}

impl Access {
    /// An aligned data read at EL1.
    pub const READ: Self =
        Self { kind: Kind::Read, privileged: true, pan: false, misaligned: false, probe: false };

    /// Whether a page with `rights` refuses this. If so, says whether it was the write that was refused.
    #[inline]
    pub fn refused(self, rights: Rights) -> Option<bool> {
        let of = |el1, el0| {
            let right = if self.privileged { el1 } else { el0 };
            rights.contains(right) && !(self.privileged && self.pan && rights.contains(Rights::USER))
        };
        let readable = || of(Rights::EL1_READ, Rights::EL0_READ);
        let writable = || of(Rights::EL1_WRITE, Rights::EL0_WRITE);
        match self.kind {
            Kind::Read => (!readable()).then_some(false),
            Kind::Write => (!writable()).then_some(true),
            Kind::Update if !readable() => Some(false),
            Kind::Update => (!writable()).then_some(true),
            Kind::Fetch => {
                let right = if self.privileged { Rights::EL1_EXEC } else { Rights::EL0_EXEC };
                (!rights.contains(right)).then_some(false)
            }
            Kind::Maintain => None,
        }
    }

    /// True if it may make a page dirty.
    pub(super) fn writes(self) -> bool {
        matches!(self.kind, Kind::Write | Kind::Update) && !self.probe
    }
}

bitflags! {
    /// What a page allows.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Rights: u8 {
        /// EL1 may read.
        const EL1_READ = 1 << 0;
        /// EL1 may write.
        const EL1_WRITE = 1 << 1;
        /// EL1 may execute.
        const EL1_EXEC = 1 << 2;
        /// EL0 may read.
        const EL0_READ = 1 << 3;
        /// EL0 may write.
        const EL0_WRITE = 1 << 4;
        /// EL0 may execute.
        const EL0_EXEC = 1 << 5;
        /// PSTATE.PAN keeps EL1 away.
        const USER = 1 << 6;
    }
}

impl Rights {
    /// What the tables never restrict: translation is off.
    pub const FLAT: Self = Self::all().difference(Self::USER);
    /// Everything EL0 may do.
    pub const EL0: Self = Self::EL0_READ.union(Self::EL0_WRITE).union(Self::EL0_EXEC);
}

/// Kinds of MMU faults (Arm ARM D8.15, G5.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// An address does not fit the physical address size.
    AddressSize,
    /// No translation.
    Translation,
    /// The access flag is clear and hardware does not set it.
    AccessFlag,
    /// Not allowed.
    Permission,
    /// DACR allows nothing in the domain (AArch32, short descriptors).
    Domain,
    /// A descriptor lies where nothing answers.
    External,
    /// Unaligned access to Device memory.
    Alignment,
}

/// A translation that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Why.
    pub kind: FaultKind,
    /// The level of look-up it happened at; 0 for alignment.
    pub level: u8,
    /// ESR_ELx.ISS.WnR for a data access that is not cache maintenance or AT.
    pub write: bool,
    /// The domain of the address as far as the walk came to know it, else 0.
    pub domain: u8,
}

impl Fault {
    /// A fault that is told nothing of a domain, of `access`.
    pub(super) fn of(kind: FaultKind, level: u8, access: Access) -> Self {
        Self { kind, level, write: access.kind == Kind::Write, domain: 0 }
    }

    /// The fault status code, as DFSC, IFSC and PAR_EL1.FST hold it.
    pub fn status(self) -> u8 {
        let base = match self.kind {
            FaultKind::AddressSize => fsc::ADDRESS_SIZE,
            FaultKind::Translation => fsc::TRANSLATION,
            FaultKind::AccessFlag => fsc::ACCESS_FLAG,
            FaultKind::Permission => fsc::PERMISSION,
            FaultKind::External => fsc::EXTERNAL_WALK,
            FaultKind::Alignment => return fsc::ALIGNMENT,
            FaultKind::Domain if self.level == 1 => return fsc::SECTION_DOMAIN,
            FaultKind::Domain => return fsc::PAGE_DOMAIN,
        };
        base | self.level
    }
}
