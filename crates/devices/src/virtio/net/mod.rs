//! Network card (5.1): one pair of queues, checksums and TCP segmentation left to the other side where both agree,
//! received packets that spread over several buffers.

mod card;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use armlet_net::{Header, MAX_FRAME, MTU, Mac, Network, Offloads};
use virtio_bindings::virtio_ids::VIRTIO_ID_NET;
use virtio_bindings::virtio_net::*;

use super::{Broken, Handle, Open, Request, VirtioDevice, Virtqueue};
use card::Port;

/// Elements of each queue.
const QUEUE_SIZE: u16 = 256;
const RECEIVE: u16 = 0;
const TRANSMIT: u16 = 1;
/// Frames taken before the driver sees that they are.
const BATCH: usize = 64;

/// A network card.
pub struct Net {
    network: Arc<dyn Network>,
    port: Arc<Port>,
    config: [u8; CONFIG_LEN],
    /// A frame on its way out.
    frame: Mutex<Vec<u8>>,
}

impl Net {
    /// A card with address `mac`, plugged into `network`.
    pub fn new(network: Arc<dyn Network>, mac: Mac) -> Self {
        let port = Arc::new(Port::default());
        network.attach(port.clone());
        Self { network, port, config: configuration(mac), frame: Mutex::new(Vec::with_capacity(MAX_FRAME)) }
    }

    /// Sends frames until there are none; true if there may be more.
    fn transmit(&self, queue: &mut Open, frame: &mut Vec<u8>) -> Result<bool, Broken> {
        for _ in 0..BATCH {
            let Some((ticket, request)) = queue.pop()? else { return Ok(false) };
            if let Some(header) = take(request, frame)? {
                self.network.send(&header, frame);
            }
            queue.complete(ticket, 0)?;
        }
        Ok(true)
    }
}

/// Takes header and frame out of the driver's buffers. `None` for a frame that can't be.
fn take(mut request: Request, frame: &mut Vec<u8>) -> Result<Option<Header>, Broken> {
    let header = request.readable.split_front(Header::LEN);
    let header = header.ok_or(Broken("a frame is shorter than the header before it"))?;
    let mut bytes = [0; Header::LEN];
    header.copy_to(&mut bytes);
    if request.readable.len() > MAX_FRAME {
        return Ok(None);
    }
    frame.resize(request.readable.len(), 0);
    request.readable.copy_to(frame);
    Ok(Header::decode(&bytes))
}

impl VirtioDevice for Net {
    fn id(&self) -> u32 {
        VIRTIO_ID_NET
    }

    fn features(&self) -> u64 {
        let always = 1 << VIRTIO_NET_F_MAC
            | 1 << VIRTIO_NET_F_STATUS
            | 1 << VIRTIO_NET_F_MTU
            | 1 << VIRTIO_NET_F_MRG_RXBUF;
        let Offloads { checksum, tcp4, tcp6 } = self.network.offloads();
        // What the network takes of the guest it leaves to the guest in turn.
        let both = |takes: bool, host: u32, guest: u32| if takes { 1 << host | 1 << guest } else { 0 };
        always
            | both(checksum, VIRTIO_NET_F_CSUM, VIRTIO_NET_F_GUEST_CSUM)
            | both(checksum && tcp4, VIRTIO_NET_F_HOST_TSO4, VIRTIO_NET_F_GUEST_TSO4)
            | both(checksum && tcp6, VIRTIO_NET_F_HOST_TSO6, VIRTIO_NET_F_GUEST_TSO6)
    }

    fn queue_sizes(&self) -> &[u16] {
        &[QUEUE_SIZE, QUEUE_SIZE]
    }

    fn config(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.config)
    }

    fn attach(&self, handle: Handle) {
        self.port.attach(handle);
    }

    fn notified(&self, queue: &Virtqueue) {
        match queue.index() {
            RECEIVE => self.network.ready(),
            TRANSMIT => {
                let mut frame = self.frame.lock().unwrap_or_else(PoisonError::into_inner);
                while queue.with(|queue| self.transmit(queue, &mut frame)) == Some(true) {}
            }
            _ => {}
        }
    }

    fn reset(&self) {
        self.network.reset();
    }

    fn awaits_host(&self) -> bool {
        true
    }
}

/// Bytes of the configuration space up to the MTU (5.1.4).
const CONFIG_LEN: usize = 12;

fn configuration(mac: Mac) -> [u8; CONFIG_LEN] {
    let mut config = [0; CONFIG_LEN];
    config[..6].copy_from_slice(&mac.0);
    config[6..8].copy_from_slice(&(VIRTIO_NET_S_LINK_UP as u16).to_le_bytes());
    config[8..10].copy_from_slice(&1u16.to_le_bytes());
    config[10..].copy_from_slice(&(MTU as u16).to_le_bytes());
    config
}
