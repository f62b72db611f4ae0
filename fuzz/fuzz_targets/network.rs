//! Any frames of a guest on the user network end in an answer or in nothing.
//!
//! Nothing leaves the host: what would go elsewhere is sent to the gateway, at a port that nobody listens on.
#![no_main]

use std::sync::Arc;

use armlet_net::user::{UserConfig, UserNet};
use armlet_net::{Card, Header, Network, Offloads};
use libfuzzer_sys::{arbitrary, fuzz_target};

struct Slot(Offloads);

impl Card for Slot {
    fn offloads(&self) -> Offloads {
        self.0
    }
    fn deliver(&self, header: &Header, frame: &[u8]) -> bool {
        assert!(header.segmentation.is_some() || frame.len() <= 1514);
        true
    }
}

#[derive(arbitrary::Arbitrary, Debug)]
struct Input {
    offloads: bool,
    frames: Vec<Frame>,
}

#[derive(arbitrary::Arbitrary, Debug)]
enum Frame {
    Any(Vec<u8>),
    Arp(Vec<u8>),
    Ipv4 { protocol: u8, to: u8, payload: Vec<u8> },
    Ipv6 { protocol: u8, payload: Vec<u8> },
}

const HEAD: [u8; 12] = [0x52, 0x55, 10, 0, 2, 2, 0x52, 0x54, 0, 0, 0, 1];

fn to_nobody(payload: &[u8]) -> Vec<u8> {
    let mut payload = payload.to_vec();
    if let Some(port) = payload.get_mut(2..4) {
        // The server's port of DHCP is this network's own.
        let own = *port == [0, 67];
        port.copy_from_slice(if own { &[0, 67] } else { &[0, 1] });
    }
    payload
}

impl Frame {
    fn bytes(&self) -> Vec<u8> {
        match self {
            // Without a type of frame that goes anywhere.
            Self::Any(bytes) => bytes.iter().take(13).copied().collect(),
            Self::Arp(rest) => [&HEAD[..], &[8, 6], rest].concat(),
            Self::Ipv4 { protocol, to, payload } => {
                let payload = if *protocol == 1 { payload.clone() } else { to_nobody(payload) };
                let len = (20 + payload.len() as u16).to_be_bytes();
                let ip =
                    [0x45, 0, len[0], len[1], 0, 0, 0, 0, 64, *protocol, 0, 0, 10, 0, 2, 15, 10, 0, 2, *to];
                [&HEAD[..], &[8, 0], &ip, &payload].concat()
            }
            Self::Ipv6 { protocol, payload } => {
                let payload = if *protocol == 58 { payload.clone() } else { to_nobody(payload) };
                let len = (payload.len() as u16).to_be_bytes();
                let ip = [0x60, 0, 0, 0, len[0], len[1], *protocol, 255];
                let from = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9];
                let to = [0xfd, 0x0a, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];
                [&HEAD[..], &[0x86, 0xdd], &ip, &from, &to, &payload].concat()
            }
        }
    }
}

fuzz_target!(|input: Input| {
    let takes = Offloads { checksum: input.offloads, tcp4: input.offloads, tcp6: input.offloads };
    let resolver = Some(([127, 0, 0, 1], 1).into());
    let net = UserNet::new(UserConfig { forwards: Vec::new(), resolver }).unwrap();
    net.attach(Arc::new(Slot(takes)));
    for frame in input.frames.iter().take(64) {
        let bytes = frame.bytes();
        net.send(0, &Header::default(), &bytes[..bytes.len().min(armlet_net::MAX_FRAME)]);
    }
});
