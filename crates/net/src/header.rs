//! What stands before a frame on its way: `struct virtio_net_hdr` (Virtio 1.2, 5.1.6), which tap devices have too.

/// Bytes of the header as virtio version 1 has it, with the number of buffers at the end.
const LEN: usize = 12;
const NEEDS_CSUM: u8 = 1;
const GSO_TCPV4: u8 = 1;
const GSO_TCPV6: u8 = 4;
/// Set in the kind of segmentation if segments carry ECN's CWR bit.
const GSO_ECN: u8 = 0x80;

/// What a sender has left to the receiver of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// A checksum to fill in: where what it covers starts, and where it goes from there, in bytes. The field holds
    /// the sum of the pseudo header.
    pub checksum: Option<(u16, u16)>,
    /// The frame holds a TCP segment that is to be cut.
    pub segmentation: Option<Segmentation>,
}

/// How to cut a TCP segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segmentation {
    /// Over IPv6, not IPv4.
    pub ipv6: bool,
    /// The segment has ECN's CWR bit, which only the first piece keeps.
    pub ecn: bool,
    /// Bytes of all headers. A hint.
    pub header_len: u16,
    /// Bytes of payload of each piece.
    pub size: u16,
}

impl Header {
    /// Bytes of a header.
    pub const LEN: usize = LEN;

    /// The header as it goes before a frame that takes `buffers` buffers.
    pub fn encode(&self, buffers: u16) -> [u8; LEN] {
        let mut bytes = [0; LEN];
        let mut put = |at: usize, value: u16| bytes[at..at + 2].copy_from_slice(&value.to_le_bytes());
        if let Some(cut) = self.segmentation {
            put(2, cut.header_len);
            put(4, cut.size);
        }
        if let Some((start, offset)) = self.checksum {
            put(6, start);
            put(8, offset);
        }
        put(10, buffers);
        bytes[0] = if self.checksum.is_some() { NEEDS_CSUM } else { 0 };
        bytes[1] = self.segmentation.map_or(0, |cut| {
            let kind = if cut.ipv6 { GSO_TCPV6 } else { GSO_TCPV4 };
            kind | if cut.ecn { GSO_ECN } else { 0 }
        });
        bytes
    }

    /// Reads a header. `None` if it asks for a kind of segmentation that nobody has offered.
    pub fn decode(bytes: &[u8; LEN]) -> Option<Self> {
        let word = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        let segmentation = match bytes[1] & !GSO_ECN {
            0 => None,
            kind @ (GSO_TCPV4 | GSO_TCPV6) => Some(Segmentation {
                ipv6: kind == GSO_TCPV6,
                ecn: bytes[1] & GSO_ECN != 0,
                header_len: word(2),
                size: word(4),
            }),
            _ => return None,
        };
        let checksum = (bytes[0] & NEEDS_CSUM != 0).then(|| (word(6), word(8)));
        Some(Self { checksum, segmentation })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_survive_their_encoding() {
        let cut = Segmentation { ipv6: true, ecn: true, header_len: 74, size: 1428 };
        for header in [
            Header::default(),
            Header { checksum: Some((34, 16)), segmentation: None },
            Header { checksum: Some((54, 16)), segmentation: Some(cut) },
            Header {
                checksum: Some((34, 16)),
                segmentation: Some(Segmentation { ipv6: false, ecn: false, ..cut }),
            },
        ] {
            assert_eq!(Header::decode(&header.encode(3)), Some(header));
        }
        assert_eq!(
            Header { checksum: Some((54, 16)), segmentation: Some(cut) }.encode(0x102),
            [1, 0x84, 74, 0, 0x94, 5, 54, 0, 16, 0, 2, 1]
        );
        assert_eq!(Header::decode(&[0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), None, "UDP fragments");
    }
}
