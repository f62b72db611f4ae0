//! armlet's own calls, in the vendor-specific hypervisor range: text for the console and an exit status.

use armlet_arm::smccc::vendor;
use armlet_hv::{CallOutcome, Stop};

use super::{Call, Firmware};

/// The service's name, 4f1c7d1e-9a36-4c3b-8d55-61726d6c6574, as its four words.
const UID: [u64; 4] = [0x4f1c_7d1e, 0x9a36_4c3b, 0x8d55_6172, 0x6d6c_6574];
/// Longest string a guest can write at once; longer ones are cut.
pub(super) const MAX_STRING: usize = 64 << 10;
const INVALID_PARAMETER: u64 = -3i64 as u64;

impl Firmware {
    /// Serves a call if it is one of these.
    pub(super) fn vendor(&self, call: &mut Call) -> Option<CallOutcome> {
        Some(match call.function {
            vendor::CALL_UID => call.done4(UID),
            vendor::WRITE_STRING => {
                // The address is all of X1, although the call is of the 32-bit convention.
                let (address, limit) = (call.regs[1], call.args[2] as usize);
                let limit = if limit == 0 { MAX_STRING } else { limit.min(MAX_STRING) };
                match self.string(address, limit) {
                    Some(text) => {
                        self.console.print(&text);
                        call.done(0)
                    }
                    None => call.done(INVALID_PARAMETER),
                }
            }
            vendor::WRITE_CHAR => {
                self.console.print(&[call.args[1] as u8]);
                call.done(0)
            }
            vendor::EXIT => {
                call.regs[0] = 0;
                CallOutcome::Stop(Stop::Exit(call.args[1] as u32))
            }
            _ => return None,
        })
    }

    /// The bytes at `address` up to a NUL, `limit` or the end of memory; `None` if none are there.
    pub(super) fn string(&self, address: u64, limit: usize) -> Option<Vec<u8>> {
        let mut text = Vec::new();
        self.ram.find(address)?;
        while text.len() < limit {
            let here = address + text.len() as u64;
            let Some((_, _, left)) = self.ram.find(here) else { break };
            let mut piece = vec![0; (limit - text.len()).min(256).min(left as usize)];
            self.ram.read(here, &mut piece).ok()?;
            let end = piece.iter().position(|b| *b == 0);
            text.extend_from_slice(&piece[..end.unwrap_or(piece.len())]);
            if end.is_some() {
                break;
            }
        }
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    #[test]
    fn writes_strings_from_guest_memory() {
        let (firmware, captured) = testing::firmware(1);
        let write = u64::from(vendor::WRITE_STRING);
        let call = |args: &[u64]| testing::call(&firmware, args).1[0];
        firmware.ram.write(0x4000_1000, b"hello, monitor\n\0junk").unwrap();
        assert_eq!(call(&[write, 0x4000_1000, 0]), 0);
        assert_eq!(call(&[write, 0x4000_1000, 5]), 0);
        assert_eq!(call(&[vendor::WRITE_CHAR.into(), u64::from(b'!')]), 0);
        assert_eq!(captured.text(), "hello, monitor\nhello!");
    }

    #[test]
    fn a_string_ends_with_memory_and_must_start_in_it() {
        let (firmware, captured) = testing::firmware(1);
        let write = u64::from(vendor::WRITE_STRING);
        firmware.ram.write(0x400f_fffe, b"ab").unwrap();
        assert_eq!(testing::call(&firmware, &[write, 0x400f_fffe, 0]).1[0], 0);
        for bad in [0, 0x4010_0000, u64::MAX] {
            assert_eq!(testing::call(&firmware, &[write, bad, 0]).1[0], INVALID_PARAMETER);
        }
        assert_eq!(captured.text(), "ab");
    }

    #[test]
    fn leaves_with_a_status() {
        let (firmware, _) = testing::firmware(1);
        let exit = [u64::from(vendor::EXIT), 0xffff_ffff_0000_002a];
        assert_eq!(testing::call(&firmware, &exit).0, CallOutcome::Stop(Stop::Exit(42)));
    }
}
