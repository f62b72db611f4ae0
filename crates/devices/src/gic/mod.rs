//! What GICv2 (IHI 0048) and GICv3 (IHI 0069) have in common.
//!
//! Both keep the same state for an interrupt ([`bank`]), give a CPU the same choice between pending
//! interrupts ([`core`]) and preempt by the same rule ([`priority`]). What differs - the register
//! layout, routing, and how SGIs are sent - is in `gicv2` and `gicv3`.

pub(crate) mod bank;
pub(crate) mod core;
pub(crate) mod lpis;
pub(crate) mod priority;
#[cfg(test)]
pub(crate) mod testing;

/// INTID that an acknowledge returns when there is nothing to acknowledge.
pub(crate) const SPURIOUS: u32 = 1023;
/// First INTID that is no SPI.
pub(crate) const INTID_LIMIT: u32 = 1020;

/// Why an interrupt controller could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GicError {
    /// More CPUs than the architecture's registers can name, or none.
    #[error("a {gic} serves 1 to {limit} CPUs, not {cpus}")]
    Cpus {
        /// Which controller.
        gic: &'static str,
        /// The CPUs asked for.
        cpus: usize,
        /// The most it can serve.
        limit: usize,
    },
    /// More SPIs than there are INTIDs.
    #[error("a GIC has at most 988 shared interrupts, not {0}")]
    Spis(usize),
}

pub(crate) fn check(gic: &'static str, cpus: usize, limit: usize, spis: usize) -> Result<(), GicError> {
    if cpus == 0 || cpus > limit {
        return Err(GicError::Cpus { gic, cpus, limit });
    }
    if spis > INTID_LIMIT as usize - 32 {
        return Err(GicError::Spis(spis));
    }
    Ok(())
}

/// Interrupt group; the value is the bit of GICD_IGROUPR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    Zero = 0,
    One = 1,
}

/// An interrupt that waits to be taken by some CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub intid: u32,
    pub priority: u8,
    pub group: Group,
}
