//! What a network card is connected to: the host's network without any privilege ([`user`]), or a tap device of the
//! host (`tap`, on Linux).
//!
//! A card and a [`Network`] exchange Ethernet frames, each with a [`Header`] that says what the sender has left to do:
//! a checksum to fill in, a large TCP segment to cut. What either side takes of that is told by its [`Offloads`].
#![deny(unsafe_code)]

mod flow;
mod header;
mod mac;
#[cfg(target_os = "linux")]
pub mod tap;
pub mod user;

use std::sync::Arc;

pub use flow::flow;
pub use header::{Header, Segmentation};
pub use mac::{BadMac, Mac};

/// The most bytes of a frame: a TCP segment that somebody is yet to cut, with its Ethernet header.
pub const MAX_FRAME: usize = 14 + 65535;
/// The most bytes of a packet on the wire, without the Ethernet header.
pub const MTU: usize = 1500;

/// What may be left to the receiver of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offloads {
    /// Filling in a checksum.
    pub checksum: bool,
    /// Cutting TCP segments over IPv4.
    pub tcp4: bool,
    /// The same over IPv6.
    pub tcp6: bool,
}

/// What a card is plugged into. All calls return without waiting for anybody.
pub trait Network: Send + Sync {
    /// The card, once, before it sends anything.
    fn attach(&self, card: Arc<dyn Card>);
    /// What may be left to the network, given what the card says that it takes in turn.
    fn offloads(&self) -> Offloads;
    /// Takes a frame of the guest's, which has sent it by this pair of queues.
    fn send(&self, pair: u16, header: &Header, frame: &[u8]);
    /// The card has room for frames again.
    fn ready(&self) {}
    /// The guest has reset the card.
    fn reset(&self) {}
}

/// The network's side of a card.
pub trait Card: Send + Sync {
    /// What the guest's driver lets be left to it.
    fn offloads(&self) -> Offloads;
    /// Gives the guest a frame. False if there is no room: [`Network::ready`] tells when there is. A card that is not
    /// in use takes every frame, to no effect.
    fn deliver(&self, header: &Header, frame: &[u8]) -> bool;
}
