//! The control queue (5.1.6.5): commands, each answered by a byte.

use armlet_net::Mac;
use virtio_bindings::virtio_net::*;

use crate::virtio::{Broken, Request};

const MAC: u8 = VIRTIO_NET_CTRL_MAC as u8;
const MAC_ADDR_SET: u8 = VIRTIO_NET_CTRL_MAC_ADDR_SET as u8;
const MQ: u8 = VIRTIO_NET_CTRL_MQ as u8;
const MQ_VQ_PAIRS_SET: u8 = VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET as u8;
/// Bytes of the longest command: class, command, an address.
const LONGEST: usize = 8;

/// What a driver commands.
pub(super) enum Command {
    /// The card is to have this address (5.1.6.5.2).
    Address(Mac),
    /// So many pairs of queues are in use from now on (5.1.6.5.6).
    Pairs(u16),
}

impl Command {
    /// `None` for a class or a command that was not offered, and for one of another length than it has.
    fn read(request: &Request) -> Option<Self> {
        let mut bytes = [0; LONGEST];
        let len = request.readable.len();
        request.readable.copy_to(bytes.get_mut(..len)?);
        match bytes[..len] {
            [MAC, MAC_ADDR_SET, a, b, c, d, e, f] => Some(Self::Address(Mac([a, b, c, d, e, f]))),
            [MQ, MQ_VQ_PAIRS_SET, low, high] => Some(Self::Pairs(u16::from_le_bytes([low, high]))),
            _ => None,
        }
    }
}

/// Answers a command, which `obey` says is done or can't be. Returns the bytes written.
pub(super) fn answer(request: &Request, obey: impl FnOnce(Command) -> bool) -> Result<u32, Broken> {
    if request.writable.is_empty() {
        return Err(Broken("a command has no room for the answer"));
    }
    let done = Command::read(request).is_some_and(obey);
    let answer = if done { VIRTIO_NET_OK } else { VIRTIO_NET_ERR };
    Ok(request.writable.copy_from(&[answer as u8]) as u32)
}
