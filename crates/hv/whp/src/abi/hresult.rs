//! Results of the platform's functions.

use std::fmt;

/// An `HRESULT`: negative for an error.
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct HResult(pub i32);

macro_rules! results {
    ($($(#[$doc:meta])* $name:ident = $value:literal, $text:literal;)*) => {
        impl HResult {
            $($(#[$doc])* pub const $name: Self = Self($value as u32 as i32);)*

            /// The numbers are those of the headers, as far as published bindings have them; a system error of the 16-bit
            /// kind is one of facility 7.
            #[cfg(windows)]
            const CHECKED: () = {
                use windows_sys::Win32::Foundation;
                $({
                    let theirs = Foundation::$name as u32;
                    let theirs = if theirs != 0 && theirs < 0x1_0000 { theirs | 0x8007_0000 } else { theirs };
                    assert!(Self::$name.0 as u32 == theirs, stringify!($name));
                })*
            };

            /// Its name in the headers, if it is one that is met here, and what to do about it.
            fn known(self) -> Option<(&'static str, &'static str)> {
                match self {
                    $(Self::$name => Some((stringify!($name), $text)),)*
                    _ => None,
                }
            }
        }
    };
}

results! {
    /// Success.
    S_OK = 0x0000_0000u32, "";
    /// An argument is not one that the function takes.
    E_INVALIDARG = 0x8007_0057u32, "this is an error of armlet's: please report it";
    /// The user may not.
    E_ACCESSDENIED = 0x8007_0005u32, "run armlet as a user who may use the hypervisor, or as administrator";
    /// The host has no memory left.
    E_OUTOFMEMORY = 0x8007_000eu32, "use less --memory";
    /// The object is not in a state for it.
    ERROR_INVALID_STATE = 0x8007_139fu32, "this is an error of armlet's: please report it";
    /// No such capability in this build.
    WHV_E_UNKNOWN_CAPABILITY = 0x8037_0300u32, "update Windows 11 to 26100.3915 or later";
    /// The buffer is too small.
    WHV_E_INSUFFICIENT_BUFFER = 0x8037_0301u32, "this is an error of armlet's: please report it";
    /// No such property in this build.
    WHV_E_UNKNOWN_PROPERTY = 0x8037_0302u32, "update Windows 11 to 26100.3915 or later";
    /// The hypervisor runs without what is needed.
    WHV_E_UNSUPPORTED_HYPERVISOR_CONFIG = 0x8037_0303u32, "enable the feature HypervisorPlatform and restart Windows";
    /// Interrupt controller or number of processors are missing or can't be.
    WHV_E_INVALID_PARTITION_CONFIG = 0x8037_0304u32, "use fewer --cpus, or --backend soft";
    /// Nothing is mapped there.
    WHV_E_GPA_RANGE_NOT_FOUND = 0x8037_0305u32, "this is an error of armlet's: please report it";
    /// The VP exists already.
    WHV_E_VP_ALREADY_EXISTS = 0x8037_0306u32, "this is an error of armlet's: please report it";
    /// There is no such VP.
    WHV_E_VP_DOES_NOT_EXIST = 0x8037_0307u32, "this is an error of armlet's: please report it";
    /// The VP runs, or is in no state for it.
    WHV_E_INVALID_VP_STATE = 0x8037_0308u32, "this is an error of armlet's: please report it";
    /// This build or processor has no such register.
    WHV_E_INVALID_VP_REGISTER_NAME = 0x8037_0309u32, "update Windows 11 to the newest build";
    /// The processor can't.
    WHV_E_UNSUPPORTED_PROCESSOR_CONFIG = 0x8037_0310u32, "use --backend soft";
    /// The hypervisor takes no such parameter.
    ERROR_HV_INVALID_PARAMETER = 0xc035_0005u32, "use --backend soft";
    /// The hypervisor doesn't let the user.
    ERROR_HV_ACCESS_DENIED = 0xc035_0006u32, "run armlet as administrator";
    /// The partition is not in a state for it.
    ERROR_HV_INVALID_PARTITION_STATE = 0xc035_0007u32, "this is an error of armlet's: please report it";
    /// The hypervisor refuses.
    ERROR_HV_OPERATION_DENIED = 0xc035_0008u32, "close other virtual machines and hypervisors, or use --backend soft";
    /// The hypervisor knows no such property.
    ERROR_HV_UNKNOWN_PROPERTY = 0xc035_0009u32, "update Windows 11 to 26100.3915 or later";
    /// A property can't have that value.
    ERROR_HV_PROPERTY_VALUE_OUT_OF_RANGE = 0xc035_000au32, "use fewer --cpus";
    /// The hypervisor has no memory left.
    ERROR_HV_INSUFFICIENT_MEMORY = 0xc035_000bu32, "use less --memory or fewer --cpus";
    /// There is no such VP.
    ERROR_HV_INVALID_VP_INDEX = 0xc035_000eu32, "use fewer --cpus";
    /// The VP is not in a state for it.
    ERROR_HV_INVALID_VP_STATE = 0xc035_0015u32, "this is an error of armlet's: please report it";
    /// The hypervisor runs without it.
    ERROR_HV_FEATURE_UNAVAILABLE = 0xc035_001eu32, "use --backend soft";
    /// A register can't have that value.
    ERROR_HV_INVALID_REGISTER_VALUE = 0xc035_0050u32, "use --backend soft";
    /// No hypervisor runs.
    ERROR_HV_NOT_PRESENT = 0xc035_1000u32, "restart Windows; if that doesn't help, enable virtualization in the firmware's settings";
    /// Hyper-V is not installed.
    HCS_E_HYPERV_NOT_INSTALLED = 0x8037_0102u32, "enable the feature HypervisorPlatform and restart Windows";
}

#[cfg(windows)]
const _: () = HResult::CHECKED;

impl HResult {
    /// True for success.
    pub fn is_ok(self) -> bool {
        self.0 >= 0
    }

    /// One thing to do about it.
    pub fn fix(self) -> &'static str {
        self.known().map_or("use --backend soft", |(_, fix)| fix)
    }
}

impl fmt::Display for HResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.known() {
            Some((name, _)) => write!(f, "{name} ({:#010x})", self.0),
            // Bits of facility 0x35 are the hypervisor's own status.
            None if self.0 & 0x3fff_0000 == 0x0035_0000 => {
                write!(f, "hypervisor status {:#x} ({:#010x})", self.0 & 0xffff, self.0)
            }
            None => write!(f, "error {:#010x}", self.0),
        }
    }
}

impl fmt::Debug for HResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_have_names_and_fixes() {
        assert!(HResult::S_OK.is_ok() && HResult(1).is_ok() && !HResult::E_INVALIDARG.is_ok());
        assert_eq!(HResult::WHV_E_UNKNOWN_PROPERTY.to_string(), "WHV_E_UNKNOWN_PROPERTY (0x80370302)");
        assert_eq!(HResult(0xc035_0099u32 as i32).to_string(), "hypervisor status 0x99 (0xc0350099)");
        assert_eq!(HResult(0x8000_4005u32 as i32).to_string(), "error 0x80004005");
        assert_eq!(HResult(0x8000_4005u32 as i32).fix(), "use --backend soft");
    }
}
