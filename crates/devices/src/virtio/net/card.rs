//! The network's side of a card: frames on their way into the driver's buffers.

use std::sync::OnceLock;

use armlet_net::{Card, Header, Offloads};
use virtio_bindings::virtio_net::*;

use super::QUEUE_SIZE;
use super::steering::Steering;
use crate::virtio::{Broken, Handle, Open, Request, Ticket, Virtqueue};

/// Where the network delivers frames.
#[derive(Default)]
pub(super) struct Port {
    handle: OnceLock<Handle>,
    pub steering: Steering,
}

impl Port {
    pub fn attach(&self, handle: Handle) {
        // A device is put behind a transport once.
        let _ = self.handle.set(handle);
    }

    pub fn handle(&self) -> Option<&Handle> {
        self.handle.get()
    }

    /// True if the driver has accepted a feature.
    pub fn has(&self, feature: u32) -> bool {
        self.handle().is_some_and(|handle| handle.features() & 1 << feature != 0)
    }

    fn queue(&self, pair: u16) -> Option<&Virtqueue> {
        self.handle()?.queues().get(2 * usize::from(pair)).map(|queue| &**queue)
    }

    /// Has the first `pairs` of `all` pairs take frames, and no other once this returns.
    pub fn enable(&self, pairs: u16, all: u16) {
        self.steering.enable(pairs);
        // Who is about to put a frame into another has the queue open.
        for queue in (pairs..all).filter_map(|pair| self.queue(pair)) {
            queue.with(|_| Ok(()));
        }
    }

    /// Gives a frame to a pair; false if there is no room. `None` if the pair is not in use.
    fn deliver_to(&self, pair: u16, header: &Header, frame: &[u8]) -> Option<bool> {
        let merge = self.has(VIRTIO_NET_F_MRG_RXBUF);
        let done = self.queue(pair)?.with(|queue| {
            // Without this pair the queue may be one for something else.
            if pair >= self.steering.enabled() {
                return Ok(None);
            }
            receive(queue, merge, header, frame).map(Some)
        });
        done.flatten()
    }
}

impl Card for Port {
    fn offloads(&self) -> Offloads {
        Offloads {
            checksum: self.has(VIRTIO_NET_F_GUEST_CSUM),
            tcp4: self.has(VIRTIO_NET_F_GUEST_TSO4),
            tcp6: self.has(VIRTIO_NET_F_GUEST_TSO6),
        }
    }

    fn deliver(&self, header: &Header, frame: &[u8]) -> bool {
        let pairs = [self.steering.pair(frame), 0];
        let done = pairs.into_iter().find_map(|pair| self.deliver_to(pair, header, frame));
        // Nobody is there: the frame is lost, as on a cable that leads nowhere.
        done.unwrap_or(true)
    }
}

/// Puts a frame into the driver's buffers; false if there is no room.
fn receive(queue: &mut Open, merge: bool, header: &Header, frame: &[u8]) -> Result<bool, Broken> {
    let needed = Header::LEN + frame.len();
    let most = if merge { usize::from(QUEUE_SIZE) } else { 1 };
    let (mut taken, mut room) = (Vec::with_capacity(1), 0);
    while room < needed && taken.len() < most {
        let Some((ticket, request)) = queue.pop()? else {
            queue.put_back(taken.into_iter().map(|(ticket, _)| ticket).collect());
            return Ok(false);
        };
        room += request.writable.len();
        taken.push((ticket, request));
    }
    if room < needed {
        // The driver has not made buffers that are large enough (5.1.6.3.1): the frame is lost.
        queue.put_back(taken.into_iter().map(|(ticket, _)| ticket).collect());
        return Ok(true);
    }
    write(queue, taken, header, frame)?;
    Ok(true)
}

fn write(
    queue: &mut Open,
    taken: Vec<(Ticket, Request)>,
    header: &Header,
    frame: &[u8],
) -> Result<(), Broken> {
    let mut header = Some(header.encode(taken.len() as u16));
    let mut rest = frame;
    for (ticket, mut request) in taken {
        let mut written = 0;
        if let Some(header) = header.take() {
            let front = request.writable.split_front(Header::LEN);
            written =
                front.ok_or(Broken("a buffer for frames has no room for the header"))?.copy_from(&header);
        }
        let part = rest.len().min(request.writable.len());
        request.writable.copy_from(&rest[..part]);
        rest = &rest[part..];
        queue.complete(ticket, (written + part) as u32)?;
    }
    Ok(())
}
