//! Network card (5.1): pairs of queues, checksums and TCP segmentation left to the other side where both agree, received
//! packets that spread over several buffers, a queue for commands.

mod card;
mod control;
mod steering;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use armlet_net::{Header, MAX_FRAME, MTU, Mac, Network, Offloads};
use virtio_bindings::virtio_ids::VIRTIO_ID_NET;
use virtio_bindings::virtio_net::*;

use super::{Broken, Handle, Open, Request, VirtioDevice, Virtqueue};
use card::Port;
use control::Command;

/// Elements of each queue.
const QUEUE_SIZE: u16 = 256;
/// The most pairs of queues of a card.
pub const MAX_PAIRS: u16 = 8;
/// The queue of commands for a driver that knows of one pair.
const CONTROL: u16 = 2;
/// Frames taken before the driver sees that they are.
const BATCH: usize = 64;

/// What a queue is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Receive,
    /// Of this pair.
    Transmit(u16),
    Control,
}

/// A network card.
pub struct Net {
    network: Arc<dyn Network>,
    port: Arc<Port>,
    /// The address that it has after a reset.
    mac: Mac,
    queues: Vec<u16>,
    config: Mutex<[u8; CONFIG_LEN]>,
    /// A frame on its way out, for each pair.
    frames: Vec<Mutex<Vec<u8>>>,
}

impl Net {
    /// A card with address `mac` and so many pairs of queues, at least 1 and at most [`MAX_PAIRS`], plugged into `network`.
    pub fn new(network: Arc<dyn Network>, mac: Mac, pairs: u16) -> Self {
        let pairs = pairs.clamp(1, MAX_PAIRS);
        let port = Arc::new(Port::default());
        network.attach(port.clone());
        let frames = (0..pairs).map(|_| Mutex::new(Vec::with_capacity(MAX_FRAME))).collect();
        let queues = vec![QUEUE_SIZE; usize::from(2 * pairs + 1)];
        Self { network, port, mac, queues, config: Mutex::new(configuration(mac, pairs)), frames }
    }

    fn pairs(&self) -> u16 {
        self.frames.len() as u16
    }

    fn configured(&self) -> MutexGuard<'_, [u8; CONFIG_LEN]> {
        self.config.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a queue is for (5.1.2): commands come behind all pairs that the driver knows of.
    fn role(&self, index: u16) -> Role {
        let control = if self.port.has(VIRTIO_NET_F_MQ) { 2 * self.pairs() } else { CONTROL };
        match index {
            _ if index == control => Role::Control,
            _ if index.is_multiple_of(2) => Role::Receive,
            _ => Role::Transmit(index / 2),
        }
    }

    /// Does what a driver commands; false if that can't be.
    fn obey(&self, command: Command) -> bool {
        match command {
            Command::Address(mac) if self.port.has(VIRTIO_NET_F_CTRL_MAC_ADDR) && mac.is_individual() => {
                let set = || self.configured()[..6].copy_from_slice(&mac.0);
                self.port.handle().map(|handle| handle.change_config(set)).is_some()
            }
            Command::Pairs(pairs)
                if self.port.has(VIRTIO_NET_F_MQ) && (1..=self.pairs()).contains(&pairs) =>
            {
                self.port.enable(pairs, self.pairs());
                // A frame may have waited for a pair that is not in use any more.
                self.network.ready();
                true
            }
            _ => false,
        }
    }

    /// Answers all commands.
    fn control(&self, queue: &Virtqueue) {
        queue.with(|open| {
            // Another driver may have the queue for something else by now.
            while self.role(queue.index()) == Role::Control
                && let Some((ticket, request)) = open.pop()?
            {
                let written = control::answer(&request, |command| self.obey(command))?;
                open.complete(ticket, written)?;
                open.publish()?;
            }
            Ok(())
        });
    }

    /// Sends frames until there are none; true if there may be more.
    fn transmit(&self, pair: u16, queue: &mut Open, frame: &mut Vec<u8>) -> Result<bool, Broken> {
        for _ in 0..BATCH {
            let Some((ticket, request)) = queue.pop()? else { return Ok(false) };
            if let Some(header) = take(request, frame)? {
                self.port.steering.sent(pair, frame);
                self.network.send(pair, &header, frame);
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
            | 1 << VIRTIO_NET_F_MRG_RXBUF
            | 1 << VIRTIO_NET_F_CTRL_VQ
            | 1 << VIRTIO_NET_F_CTRL_MAC_ADDR;
        let several = if self.pairs() > 1 { 1 << VIRTIO_NET_F_MQ } else { 0 };
        let Offloads { checksum, tcp4, tcp6 } = self.network.offloads();
        // What the network takes of the guest it leaves to the guest in turn.
        let both = |takes: bool, host: u32, guest: u32| if takes { 1 << host | 1 << guest } else { 0 };
        always
            | several
            | both(checksum, VIRTIO_NET_F_CSUM, VIRTIO_NET_F_GUEST_CSUM)
            | both(checksum && tcp4, VIRTIO_NET_F_HOST_TSO4, VIRTIO_NET_F_GUEST_TSO4)
            | both(checksum && tcp6, VIRTIO_NET_F_HOST_TSO6, VIRTIO_NET_F_GUEST_TSO6)
    }

    fn queue_sizes(&self) -> &[u16] {
        &self.queues
    }

    fn config(&self) -> Cow<'_, [u8]> {
        Cow::Owned(self.configured().to_vec())
    }

    fn attach(&self, handle: Handle) {
        self.port.attach(handle);
    }

    fn notified(&self, queue: &Virtqueue) {
        match self.role(queue.index()) {
            Role::Receive => self.network.ready(),
            Role::Transmit(pair) => {
                let frame = &self.frames[usize::from(pair)];
                let mut frame = frame.lock().unwrap_or_else(PoisonError::into_inner);
                while queue.with(|queue| self.transmit(pair, queue, &mut frame)) == Some(true) {}
            }
            Role::Control => self.control(queue),
        }
    }

    fn reset(&self) {
        self.port.steering.reset();
        *self.configured() = configuration(self.mac, self.pairs());
        self.network.reset();
    }

    fn awaits_host(&self) -> bool {
        true
    }
}

/// Bytes of the configuration space up to the MTU (5.1.4).
const CONFIG_LEN: usize = 12;

fn configuration(mac: Mac, pairs: u16) -> [u8; CONFIG_LEN] {
    let mut config = [0; CONFIG_LEN];
    config[..6].copy_from_slice(&mac.0);
    config[6..8].copy_from_slice(&(VIRTIO_NET_S_LINK_UP as u16).to_le_bytes());
    config[8..10].copy_from_slice(&pairs.to_le_bytes());
    config[10..].copy_from_slice(&(MTU as u16).to_le_bytes());
    config
}
