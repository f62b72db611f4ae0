//! CPU numbers and MPIDR affinity values (Arm ARM, "MPIDR_EL1").

/// CPUs that share an Aff1 value; a GICv3 SGI reaches 16 of them at once.
pub const CLUSTER: usize = 16;

/// Bits of an MPIDR that are affinity: Aff3 and Aff2-Aff0.
pub const AFFINITY_MASK: u64 = 0xff_00ff_ffff;

/// Affinity of CPU `index`: Aff0 below 16, then Aff1.
pub fn affinity(index: usize) -> u64 {
    (((index / CLUSTER) << 8) | (index % CLUSTER)) as u64
}

/// The CPU of `count` with this affinity; `None` if there is none or other bits are set.
pub fn index(affinity: u64, count: usize) -> Option<usize> {
    let (aff0, aff1) = ((affinity & 0xff) as usize, (affinity >> 8 & 0xff) as usize);
    let index = aff1 * CLUSTER + aff0;
    (affinity >> 16 == 0 && aff0 < CLUSTER && index < count).then_some(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_affinities_correspond() {
        for cpu in 0..123 {
            assert_eq!(index(affinity(cpu), 123), Some(cpu));
        }
        assert_eq!(affinity(17), 0x101);
        for bad in [0x10, 0x700 + 11, 0x1_0000, 1 << 32, u64::MAX] {
            assert_eq!(index(bad, 123), None);
        }
    }
}
