//! 9P transport, device type 9 (5): a directory of the host, and a tag by which the guest mounts it. The specification
//! leaves it at the number; configuration and queue are those that Linux's driver knows (`virtio_9p.h`).

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

use armlet_ninep::{MAX_MESSAGE, QUICK_START, Server, is_quick};
use virtio_bindings::virtio_ids::VIRTIO_ID_9P;

use super::{Broken, Request, VirtioDevice, Virtqueue};

/// Feature: there is a tag.
const VIRTIO_9P_MOUNT_TAG: u32 = 0;

/// A shared directory.
pub struct P9 {
    server: Server,
    config: Vec<u8>,
    /// Request and reply.
    messages: Mutex<(Vec<u8>, Vec<u8>)>,
}

impl P9 {
    /// The device that has `server` answer; at most 65535 bytes of `tag` count.
    pub fn new(server: Server, tag: &str) -> Self {
        let tag = &tag.as_bytes()[..tag.len().min(u16::MAX.into())];
        let config = [&(tag.len() as u16).to_le_bytes(), tag].concat();
        Self { server, config, messages: Mutex::default() }
    }
}

impl VirtioDevice for P9 {
    fn id(&self) -> u32 {
        VIRTIO_ID_9P
    }

    fn features(&self) -> u64 {
        1 << VIRTIO_9P_MOUNT_TAG
    }

    fn queue_sizes(&self) -> &[u16] {
        &[128]
    }

    fn config(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.config)
    }

    fn reset(&self) {
        self.server.reset();
    }

    fn notified_by_vcpu(&self, queue: &Virtqueue) -> bool {
        let quick = |request: &Request<'_>| {
            let mut start = [0; QUICK_START];
            let len = request.readable.copy_to(&mut start);
            is_quick(&start[..len])
        };
        queue.serve_at_once(quick, |request| self.serve(queue, request))
    }

    fn serve(&self, _queue: &Virtqueue, request: Request<'_>) -> Result<u32, Broken> {
        let (len, room) = (request.readable.len(), request.writable.len().min(MAX_MESSAGE));
        if len > MAX_MESSAGE {
            return Err(Broken("a 9P request is longer than any may be"));
        }
        let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        let (message, reply) = &mut *messages;
        message.resize(message.len().max(len), 0);
        reply.resize(reply.len().max(room), 0);
        request.readable.copy_to(&mut message[..len]);
        let answer = self.server.handle(&message[..len], &mut reply[..room]);
        let answer = answer.map_err(|_| Broken("a 9P request has no header, or no room for an answer"))?;
        Ok(request.writable.copy_from(&reply[..answer]) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::virtio::Service;
    use crate::virtio::testing::*;

    fn driver() -> (Driver, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let server = Server::new(dir.path(), armlet_ninep::Options::default()).unwrap();
        (Driver::started(P9::new(server, "tag"), Service::Inline, 1), dir)
    }

    #[test]
    fn a_request_may_lie_in_pieces() {
        let (mut driver, _dir) = driver();
        assert_eq!(driver.r(0x100), 3 | u32::from_le_bytes([0, 0, b't', b'a']));
        let body = [&8192_u32.to_le_bytes()[..], &8_u16.to_le_bytes(), b"9P2000.L"].concat();
        let message = [&21_u32.to_le_bytes()[..], &[100, 0xff, 0xff], &body].concat();
        driver.put(DATA, &message[..9]);
        driver.put(DATA + 0x100, &message[9..]);
        driver.request(
            0,
            &[(DATA, 9, 0), (DATA + 0x100, 12, 0), (DATA + 0x200, 5, WRITE), (DATA + 0x300, 60, WRITE)],
        );
        assert_eq!(driver.used(0), Some((0, 21)));
        assert_eq!(driver.get(DATA + 0x200, 5), [21, 0, 0, 0, 101]);
        assert_eq!(driver.get(DATA + 0x300, 16)[2..], message[7..]);
    }

    #[test]
    fn a_request_without_room_or_header_breaks_the_device() {
        for buffers in [
            &[(DATA, 21, 0)][..],
            &[(DATA, 3, 0), (DATA + 0x100, 100, WRITE)],
            &[(DATA, 30, 0), (DATA + 0x100, 10, WRITE)],
        ] {
            let (mut driver, _dir) = driver();
            driver.put(DATA, &[21, 0, 0, 0, 100, 0, 0]);
            driver.request(0, buffers);
            assert!(driver.needs_reset());
        }
    }
}
