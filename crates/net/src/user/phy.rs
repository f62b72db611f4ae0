//! The wire as the TCP of one connection sees it.

use smoltcp::phy::{Checksum, Device, DeviceCapabilities, Medium, PacketMeta, RxToken, TxToken};
use smoltcp::time::Instant;

use super::port::Port;
use crate::Offloads;

/// The most bytes of an IP packet. What is longer than the wire takes is cut by the guest, or not made in the first
/// place: a connection keeps to the segment size that the guest has announced.
const LONGEST: usize = 65535;

/// A packet that has come in, if any, and the way out.
pub struct Phy<'a> {
    input: Option<&'a [u8]>,
    port: &'a mut Port,
    offloads: Offloads,
    /// There was something to send and no room.
    pub stalled: bool,
}

impl<'a> Phy<'a> {
    /// With what the guest took when the connection was made.
    pub fn new(port: &'a mut Port, offloads: Offloads, input: Option<&'a [u8]>) -> Self {
        Self { input, port, offloads, stalled: false }
    }
}

impl Device for Phy<'_> {
    type RxToken<'b>
        = Received<'b>
    where
        Self: 'b;
    type TxToken<'b>
        = Send<'b>
    where
        Self: 'b;

    fn receive(&mut self, _: Instant) -> Option<(Received<'_>, Send<'_>)> {
        self.input.take().map(|packet| (Received(packet), Send(self.port)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Send<'_>> {
        self.stalled |= !self.port.is_clear();
        self.port.is_clear().then_some(Send(self.port))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = LONGEST;
        // The guest's packets come through memory, and may have their checksums left to the network.
        capabilities.checksum.ipv4 = Checksum::Tx;
        capabilities.checksum.tcp = if self.offloads.checksum { Checksum::None } else { Checksum::Tx };
        let uncut = |takes: bool| {
            (takes && self.offloads.checksum).then(|| LONGEST.try_into().expect("it is not zero"))
        };
        capabilities.segmentation.tcpv4 = uncut(self.offloads.tcp4);
        capabilities.segmentation.tcpv6 = uncut(self.offloads.tcp6);
        capabilities
    }
}

/// A packet from the guest.
pub struct Received<'a>(&'a [u8]);

impl RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(self.0)
    }
}

/// Room for a packet to the guest.
pub struct Send<'a>(&'a mut Port);

impl TxToken for Send<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, fill: F) -> R {
        self.0.send_tcp(len, fill)
    }

    fn set_meta(&mut self, _: PacketMeta) {}
}
