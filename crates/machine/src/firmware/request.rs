//! Requests: calls made by a store to a read-only page.

use super::Firmware;
use crate::board::requests;
use crate::run::Ending;
use crate::run::power::Verdict;

/// Longest string a guest can write at once, as for calls.
const MAX_STRING: usize = super::vendor::MAX_STRING;

impl Firmware {
    /// Serves a store of `size` bytes at `offset` in the page of requests. One that asks for nothing is ignored.
    pub fn request(&self, offset: u64, size: u8, value: u64) {
        match offset {
            _ if size != 4 => {}
            requests::EXIT => self.power.decide(Verdict::End(Ending::Exit(value as u32))),
            requests::WRITE_CHAR => self.console.print(&[value as u8]),
            requests::WRITE_STRING => {
                if let Some(text) = self.string(value, MAX_STRING) {
                    self.console.print(&text);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    #[test]
    fn words_at_the_offsets_of_requests_are_served() {
        let (firmware, captured) = testing::firmware(1);
        firmware.ram.write(0x4000_1000, b"hello, hvio\n\0junk").unwrap();
        firmware.request(requests::WRITE_STRING, 4, 0x4000_1000);
        firmware.request(requests::WRITE_CHAR, 4, 0x121);
        for (offset, size, value) in [
            (requests::WRITE_STRING, 4, 0x5000_0000),
            (requests::WRITE_CHAR, 1, b'x'.into()),
            (requests::EXIT, 8, 1),
            (2, 4, 1),
            (0x40, 4, 1),
        ] {
            firmware.request(offset, size, value);
        }
        assert_eq!(captured.text(), "hello, hvio\n!");
        assert!(!firmware.power.halted());
        firmware.request(requests::EXIT, 4, 7);
        assert!(firmware.power.halted());
    }
}
