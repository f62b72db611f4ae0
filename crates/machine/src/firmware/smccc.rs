//! The SMCCC architecture calls (DEN0028, chapter 7).

use armlet_arm::smccc::{
    NOT_SUPPORTED, SMCCC_ARCH_FEATURES, SMCCC_ARCH_WORKAROUND_1, SMCCC_ARCH_WORKAROUND_2,
    SMCCC_ARCH_WORKAROUND_3, SMCCC_VERSION,
};
use armlet_hv::CallOutcome;

use super::Call;

/// The convention followed: 1.1.
const VERSION: u64 = 0x1_0001;
/// SMCCC_ARCH_FEATURES of a workaround: callable, and not needed on this PE.
const NOT_REQUIRED: u64 = 1;

/// Serves a call if it is one of these.
pub(super) fn call(call: &mut Call) -> Option<CallOutcome> {
    let result = match call.function {
        SMCCC_VERSION => VERSION,
        SMCCC_ARCH_FEATURES => match call.args[1] as u32 {
            SMCCC_VERSION | SMCCC_ARCH_FEATURES => 0,
            SMCCC_ARCH_WORKAROUND_1 | SMCCC_ARCH_WORKAROUND_2 | SMCCC_ARCH_WORKAROUND_3 => NOT_REQUIRED,
            _ => NOT_SUPPORTED,
        },
        // Nothing to work around: these have no effect and no result.
        SMCCC_ARCH_WORKAROUND_1 | SMCCC_ARCH_WORKAROUND_2 | SMCCC_ARCH_WORKAROUND_3 => {
            return Some(CallOutcome::Continue);
        }
        _ => return None,
    };
    Some(call.done(result))
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    #[test]
    fn says_that_no_workaround_is_needed() {
        let (firmware, _) = testing::firmware(1);
        let call = |args: &[u64]| testing::call(&firmware, args).1[0];
        let features = u64::from(SMCCC_ARCH_FEATURES);
        assert_eq!(call(&[SMCCC_VERSION.into()]), VERSION);
        for workaround in [SMCCC_ARCH_WORKAROUND_1, SMCCC_ARCH_WORKAROUND_2, SMCCC_ARCH_WORKAROUND_3] {
            assert_eq!(call(&[features, workaround.into()]), 1);
            assert_eq!(call(&[workaround.into()]), u64::from(workaround));
        }
        assert_eq!(call(&[features, SMCCC_VERSION.into()]), 0);
        assert_eq!(call(&[features, 0x8000_0002]), NOT_SUPPORTED);
    }
}
