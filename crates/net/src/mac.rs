//! Ethernet addresses.

use std::fmt;
use std::str::FromStr;

/// The address of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// The address of card `index` of a machine: locally administered, the same at every run.
    pub fn of_card(index: u8) -> Self {
        Self([0x52, 0x54, 0x00, 0x12, 0x34, 0x56_u8.wrapping_add(index)])
    }

    /// True if a card can have it: it is no group's, and not zero.
    pub fn is_individual(&self) -> bool {
        // The lowest bit of the first byte marks groups.
        self.0[0] & 1 == 0 && self.0 != [0; 6]
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// No address that a card can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no address of a card; write six bytes like 52:54:00:12:34:56, the first one even")]
pub struct BadMac(String);

impl FromStr for Mac {
    type Err = BadMac;

    fn from_str(text: &str) -> Result<Self, BadMac> {
        let bad = || BadMac(text.to_owned());
        let byte = |part: &str| match part.len() {
            1 | 2 if !part.starts_with('+') => u8::from_str_radix(part, 16).map_err(|_| bad()),
            _ => Err(bad()),
        };
        let bytes = text.split(':').map(byte).collect::<Result<Vec<u8>, _>>()?;
        let bytes: [u8; 6] = bytes.try_into().map_err(|_| bad())?;
        Some(Self(bytes)).filter(Self::is_individual).ok_or_else(bad)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_printed() {
        let mac: Mac = "52:54:0:12:ab:FF".parse().unwrap();
        assert_eq!(mac.to_string(), "52:54:00:12:ab:ff");
        for bad in [
            "",
            "1:2:3:4:5",
            "53:0:0:0:0:1",
            "0:0:0:0:0:0",
            "52:54:00:12:34:5g",
            "52:54:00:12:34:+5",
            "a:b:c:d:e:f:10",
        ] {
            assert!(bad.parse::<Mac>().is_err(), "{bad}");
        }
        assert_eq!(Mac::of_card(1).to_string(), "52:54:00:12:34:57");
    }
}
