//! The network's side of a card: frames on their way into the driver's buffers.

use std::sync::OnceLock;

use armlet_net::{Card, Header, Offloads};
use virtio_bindings::virtio_net::*;

use super::{QUEUE_SIZE, RECEIVE};
use crate::virtio::{Broken, Handle, Open, Request, Ticket};

/// Where the network delivers frames.
#[derive(Default)]
pub(super) struct Port {
    handle: OnceLock<Handle>,
}

impl Port {
    pub fn attach(&self, handle: Handle) {
        // A device is put behind a transport once.
        let _ = self.handle.set(handle);
    }

    fn has(&self, feature: u32) -> bool {
        self.handle.get().is_some_and(|handle| handle.features() & 1 << feature != 0)
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
        let Some(handle) = self.handle.get() else { return true };
        let merge = self.has(VIRTIO_NET_F_MRG_RXBUF);
        let done = handle.queues()[usize::from(RECEIVE)].with(|queue| receive(queue, merge, header, frame));
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
