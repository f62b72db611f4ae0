//! Entropy source (5.4): random bytes for whoever asks.

use virtio_bindings::virtio_ids::VIRTIO_ID_RNG;

use super::{Broken, Request, VirtioDevice, Virtqueue};

/// The most bytes for one request; a driver that wants more asks again.
const MOST: usize = 64 << 10;

/// Fills a buffer with random bytes; false if there are none.
pub type Entropy = Box<dyn Fn(&mut [u8]) -> bool + Send + Sync>;

/// An entropy source.
pub struct Rng {
    entropy: Entropy,
}

impl Rng {
    /// Hands out what `entropy` gives.
    pub fn new(entropy: Entropy) -> Self {
        Self { entropy }
    }
}

impl VirtioDevice for Rng {
    fn id(&self) -> u32 {
        VIRTIO_ID_RNG
    }

    fn queue_sizes(&self) -> &[u16] {
        &[64]
    }

    fn notified_by_vcpu(&self, queue: &Virtqueue) -> bool {
        queue.serve_at_once(|_| true, |request| self.serve(queue, request))
    }

    fn serve(&self, _queue: &Virtqueue, request: Request) -> Result<u32, Broken> {
        let mut bytes = vec![0; request.writable.len().min(MOST)];
        if bytes.is_empty() {
            return Err(Broken("a request for random bytes has no room for any"));
        }
        if !(self.entropy)(&mut bytes) {
            return Err(Broken("the host has no random bytes"));
        }
        Ok(request.writable.copy_from(&bytes) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::virtio::Service;
    use crate::virtio::testing::*;

    #[test]
    fn fills_buffers_up_to_a_limit() {
        let mut driver = Driver::started(
            Rng::new(Box::new(|bytes| {
                bytes.fill(7);
                true
            })),
            Service::Inline,
            0,
        );
        driver.request(0, &[(DATA, 3, WRITE), (DATA + 16, 2, WRITE)]);
        assert_eq!(driver.used(0), Some((0, 5)));
        assert_eq!((driver.get(DATA, 4), driver.get(DATA + 16, 3)), (vec![7, 7, 7, 0], vec![7, 7, 0]));
        driver.request(0, &[(DATA, 0x8_0000, WRITE)]);
        assert_eq!(driver.used(0), Some((0, MOST as u32)));
    }

    #[test]
    fn needs_room_and_a_source() {
        for (works, buffers) in [(true, &[(DATA, 4, 0)][..]), (false, &[(DATA, 4, WRITE)])] {
            let mut driver = Driver::started(Rng::new(Box::new(move |_| works)), Service::Inline, 0);
            driver.request(0, buffers);
            assert!(driver.needs_reset());
        }
    }
}
