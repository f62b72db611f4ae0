//! A split virtqueue (2.7) as the device reads it, by the names that `virtio-queue` has for it.
#![forbid(unsafe_code)]

use std::sync::atomic::{Ordering, fence};

use armlet_base::GuestRam;
use virtio_bindings::virtio_ring::{
    VRING_DESC_F_INDIRECT, VRING_DESC_F_NEXT, VRING_DESC_F_WRITE, VRING_USED_F_NO_NOTIFY,
};
use vm_memory::{Bytes, GuestAddress, GuestMemory, Permissions};

use super::device::Broken;

/// Bytes of a descriptor, and of the elements of the driver's and the device's area.
const DESCRIPTOR: u64 = 16;
const AVAIL_ELEMENT: u64 = 2;
const USED_ELEMENT: u64 = 8;
/// Where the index and the elements are in either area, and bytes of it beside the elements.
const INDEX: u64 = 2;
const ELEMENTS: u64 = 4;
const META: u64 = 6;

/// A queue: its rings, and how far the device is in them.
#[derive(Debug)]
pub(super) struct Queue {
    max: u16,
    size: u16,
    desc: GuestAddress,
    avail: GuestAddress,
    used: GuestAddress,
    ready: bool,
    event_idx: bool,
    next_avail: u16,
    next_used: u16,
}

fn aligned(at: GuestAddress, to: u64) -> Result<GuestAddress, Broken> {
    if at.0.is_multiple_of(to) { Ok(at) } else { Err(Broken("a ring is not aligned")) }
}

impl Queue {
    /// A queue of up to `max` elements, a power of two.
    pub fn new(max: u16) -> Result<Self, Broken> {
        let sound = max.is_power_of_two();
        let queue = Self {
            max,
            size: max,
            desc: GuestAddress(0),
            avail: GuestAddress(0),
            used: GuestAddress(0),
            ready: false,
            event_idx: false,
            next_avail: 0,
            next_used: 0,
        };
        if sound { Ok(queue) } else { Err(Broken("a queue has no size that can be")) }
    }

    pub fn try_set_size(&mut self, size: u16) -> Result<(), Broken> {
        if size > self.max || !size.is_power_of_two() {
            return Err(Broken("a queue has no size that can be"));
        }
        self.size = size;
        Ok(())
    }

    pub fn try_set_desc_table_address(&mut self, at: GuestAddress) -> Result<(), Broken> {
        self.desc = aligned(at, 16)?;
        Ok(())
    }

    pub fn try_set_avail_ring_address(&mut self, at: GuestAddress) -> Result<(), Broken> {
        self.avail = aligned(at, 2)?;
        Ok(())
    }

    pub fn try_set_used_ring_address(&mut self, at: GuestAddress) -> Result<(), Broken> {
        self.used = aligned(at, 4)?;
        Ok(())
    }

    pub fn set_event_idx(&mut self, on: bool) {
        self.event_idx = on;
    }

    pub fn set_ready(&mut self, ready: bool) {
        self.ready = ready;
    }

    /// True if the queue is ready and its rings are in guest memory.
    pub fn is_valid(&self, ram: &GuestRam) -> bool {
        let size = u64::from(self.size);
        let there = |at, len: u64, access| ram.check_range(at, len as usize, access);
        self.ready
            && there(self.desc, DESCRIPTOR * size, Permissions::Read)
            && there(self.avail, META + AVAIL_ELEMENT * size, Permissions::Read)
            && there(self.used, META + USED_ELEMENT * size, Permissions::Write)
    }

    pub fn size(&self) -> u16 {
        self.size
    }

    pub fn avail_ring(&self) -> u64 {
        self.avail.0
    }

    pub fn used_ring(&self) -> u64 {
        self.used.0
    }

    pub fn event_idx_enabled(&self) -> bool {
        self.event_idx
    }

    pub fn next_avail(&self) -> u16 {
        self.next_avail
    }

    pub fn set_next_avail(&mut self, next: u16) {
        self.next_avail = next;
    }

    pub fn next_used(&self) -> u16 {
        self.next_used
    }

    pub fn set_next_used(&mut self, next: u16) {
        self.next_used = next;
    }

    /// The driver's index: what comes before it is available.
    fn avail_index(&self, ram: &GuestRam, order: Ordering) -> Result<u16, Broken> {
        let index: u16 = Bytes::load(ram, GuestAddress(self.avail.0 + INDEX), order)?;
        Ok(u16::from_le(index))
    }

    /// Takes the chains that are available now, as far as they are asked for.
    ///
    /// # Errors
    /// The queue is not ready, or more is available than there are elements.
    pub fn iter<'r>(&mut self, ram: &'r GuestRam) -> Result<Available<'_, 'r>, Broken> {
        if !self.ready || self.avail.0 == 0 {
            return Err(Broken("a queue is not ready"));
        }
        let last = self.avail_index(ram, Ordering::Acquire)?;
        if last.wrapping_sub(self.next_avail) > self.size {
            return Err(Broken("more is available than a queue has elements"));
        }
        Ok(Available { queue: self, ram, last })
    }

    /// Has the driver notify the device of the next chain. True if there is one already.
    pub fn enable_notification(&mut self, ram: &GuestRam) -> Result<bool, Broken> {
        if self.event_idx {
            let at = self.used.0 + ELEMENTS + USED_ELEMENT * u64::from(self.size);
            Bytes::store(ram, self.next_avail.to_le(), GuestAddress(at), Ordering::Relaxed)?;
        } else {
            Bytes::store(ram, 0u16, self.used, Ordering::Relaxed)?;
        }
        // The driver writes its index, then looks whether to notify; here it is the other way round.
        fence(Ordering::SeqCst);
        Ok(self.avail_index(ram, Ordering::Relaxed)? != self.next_avail)
    }

    /// Tells the driver that it need not notify. By event index it is told nothing: the event stays behind.
    pub fn disable_notification(&mut self, ram: &GuestRam) -> Result<(), Broken> {
        if !self.event_idx {
            Bytes::store(ram, (VRING_USED_F_NO_NOTIFY as u16).to_le(), self.used, Ordering::Relaxed)?;
        }
        Ok(())
    }
}

/// The chains that are available; each is taken as it comes out.
pub(super) struct Available<'q, 'r> {
    queue: &'q mut Queue,
    ram: &'r GuestRam,
    last: u16,
}

impl<'r> Iterator for Available<'_, 'r> {
    type Item = DescriptorChain<&'r GuestRam>;

    fn next(&mut self) -> Option<Self::Item> {
        let queue = &mut *self.queue;
        if queue.next_avail == self.last {
            return None;
        }
        let slot = u64::from(queue.next_avail % queue.size);
        let at = queue.avail.0 + ELEMENTS + AVAIL_ELEMENT * slot;
        let head = u16::from_le(Bytes::load(self.ram, GuestAddress(at), Ordering::Acquire).ok()?);
        queue.next_avail = queue.next_avail.wrapping_add(1);
        Some(DescriptorChain::new(self.ram, queue.desc, queue.size, head))
    }
}

/// A descriptor (2.7.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Descriptor {
    addr: u64,
    len: u32,
    flags: u16,
    next: u16,
}

impl Descriptor {
    fn read(ram: &GuestRam, at: GuestAddress) -> Option<Self> {
        let mut bytes = [0; DESCRIPTOR as usize];
        ram.read_slice(&mut bytes, at).ok()?;
        let (addr, rest) = bytes.split_first_chunk()?;
        let (len, rest) = rest.split_first_chunk()?;
        let (flags, next) = rest.split_first_chunk()?;
        Some(Self {
            addr: u64::from_le_bytes(*addr),
            len: u32::from_le_bytes(*len),
            flags: u16::from_le_bytes(*flags),
            next: u16::from_le_bytes(next.try_into().ok()?),
        })
    }

    fn has(self, flag: u32) -> bool {
        u32::from(self.flags) & flag != 0
    }

    pub fn addr(self) -> GuestAddress {
        GuestAddress(self.addr)
    }

    pub fn len(self) -> u32 {
        self.len
    }

    pub fn is_write_only(self) -> bool {
        self.has(VRING_DESC_F_WRITE)
    }

    pub fn has_next(self) -> bool {
        self.has(VRING_DESC_F_NEXT)
    }
}

/// The descriptors of a request in order. Ends early where the chain loops, leaves its table, goes into an indirect
/// table twice or is longer than 4 GiB: the last descriptor has a next one then.
#[derive(Clone, Debug)]
pub(super) struct DescriptorChain<M> {
    ram: M,
    head: u16,
    table: GuestAddress,
    /// Elements of the table.
    count: u16,
    next: u16,
    /// Descriptors that may follow; a chain that visits none twice has no more.
    left: u16,
    indirect: bool,
    bytes: u32,
}

impl<'r> DescriptorChain<&'r GuestRam> {
    fn new(ram: &'r GuestRam, table: GuestAddress, count: u16, head: u16) -> Self {
        Self { ram, head, table, count, next: head, left: count, indirect: false, bytes: 0 }
    }

    /// The number of the first descriptor, by which the driver knows the chain.
    pub fn head_index(&self) -> u16 {
        self.head
    }

    /// Goes on in the table that a descriptor is about (2.7.5.3).
    fn enter(&mut self, table: Descriptor) -> Option<()> {
        if self.indirect || !u64::from(table.len).is_multiple_of(DESCRIPTOR) {
            return None;
        }
        let count = u16::try_from(u64::from(table.len) / DESCRIPTOR).ok()?;
        (self.table, self.count, self.next, self.left) = (table.addr(), count, 0, count);
        self.indirect = true;
        Some(())
    }
}

impl Iterator for DescriptorChain<&GuestRam> {
    type Item = Descriptor;

    fn next(&mut self) -> Option<Descriptor> {
        loop {
            if self.left == 0 || self.next >= self.count {
                return None;
            }
            let at = self.table.0.checked_add(DESCRIPTOR * u64::from(self.next))?;
            let descriptor = Descriptor::read(self.ram, GuestAddress(at))?;
            if descriptor.has(VRING_DESC_F_INDIRECT) {
                self.enter(descriptor)?;
                continue;
            }
            self.bytes = self.bytes.checked_add(descriptor.len)?;
            if descriptor.has_next() {
                (self.next, self.left) = (descriptor.next, self.left - 1);
            } else {
                self.left = 0;
            }
            return Some(descriptor);
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use armlet_base::{RamKind, RamRegion};
    use proptest::prelude::*;
    use virtio_queue::{Queue as Theirs, QueueOwnedT, QueueT};

    use super::*;

    const BASE: u64 = 0x1000;
    const AVAIL: u64 = BASE + 0x800;
    const USED: u64 = BASE + 0xa00;
    const SIZE: u16 = 8;

    /// Guest memory, all of it whatever a driver may have put there.
    fn ram(bytes: &[u8]) -> GuestRam {
        let ram = GuestRam::new(&[RamRegion { gpa: BASE, len: 0x1000, kind: RamKind::ReadWrite }]).unwrap();
        ram.write(BASE, bytes).unwrap();
        ram
    }

    /// Descriptors that often make sense: buffers and tables in memory, chains that end.
    fn descriptors(count: usize) -> impl Strategy<Value = Vec<u8>> {
        let addr = prop_oneof![(0..0x100u64).prop_map(|n| BASE + 16 * n), any::<u64>()];
        let len = prop_oneof![(0..12u32).prop_map(|n| 16 * n), 0..0x40u32, any::<u32>()];
        let flags = prop_oneof![4 => Just(1u16), 2 => Just(0), 2 => Just(3), 2 => Just(2), 2 => Just(4), 1 => any::<u16>()];
        let next = prop_oneof![8 => 0..SIZE, 1 => any::<u16>()];
        let one = (addr, len, flags, next).prop_map(|(addr, len, flags, next)| {
            [&addr.to_le_bytes()[..], &len.to_le_bytes(), &flags.to_le_bytes(), &next.to_le_bytes()].concat()
        });
        prop::collection::vec(one, count).prop_map(|all| all.concat())
    }

    fn driver_area() -> impl Strategy<Value = Vec<u8>> {
        let heads = prop::collection::vec(prop_oneof![8 => 0..SIZE, 1 => any::<u16>()], 9);
        (any::<u16>(), prop_oneof![8 => 0..=SIZE, 1 => any::<u16>()], heads).prop_map(
            |(flags, index, heads)| {
                [flags, index].iter().chain(&heads).flat_map(|word| word.to_le_bytes()).collect()
            },
        )
    }

    type Chain = (u16, Vec<(u64, u32, bool, bool)>);

    /// What a queue makes of memory; the two kinds of queue have the same names and no trait in common.
    macro_rules! look {
        ($queue:ty, $chain:ty, $ram:expr, $event_idx:expr) => {{
            let ram: &GuestRam = $ram;
            let mut queue = <$queue>::new(SIZE).unwrap();
            queue.try_set_desc_table_address(GuestAddress(BASE)).unwrap();
            queue.try_set_avail_ring_address(GuestAddress(AVAIL)).unwrap();
            queue.try_set_used_ring_address(GuestAddress(USED)).unwrap();
            queue.set_event_idx($event_idx);
            queue.set_ready(true);
            let chains: Result<Vec<Chain>, ()> = queue.iter(ram).map_err(drop).map(|chains| {
                let all = |chain: $chain| {
                    let list = chain.clone().map(|d| (d.addr().0, d.len(), d.is_write_only(), d.has_next()));
                    (chain.head_index(), list.collect())
                };
                chains.map(all).collect()
            });
            queue.disable_notification(ram).unwrap();
            (queue.is_valid(ram), chains, queue.enable_notification(ram).map_err(drop))
        }};
    }

    proptest! {
        #[test]
        fn whatever_a_driver_writes_is_read_as_the_library_reads_it(
            table in descriptors(0x80), area in driver_area(), event_idx in any::<bool>(),
        ) {
            let mut bytes = vec![0; 0x1000];
            bytes[..table.len()].copy_from_slice(&table);
            let at = (AVAIL - BASE) as usize;
            bytes[at..at + area.len()].copy_from_slice(&area);
            let (one, other) = (ram(&bytes), ram(&bytes));
            let ours = look!(Queue, DescriptorChain<&GuestRam>, &one, event_idx);
            let theirs = look!(Theirs, virtio_queue::DescriptorChain<&GuestRam>, &other, event_idx);
            prop_assert_eq!(ours, theirs);
            let (mut first, mut second) = (vec![0; 0x1000], vec![0; 0x1000]);
            one.read(BASE, &mut first).unwrap();
            other.read(BASE, &mut second).unwrap();
            prop_assert_eq!(first, second);
        }
    }

    #[test]
    fn queues_that_cannot_be_are_refused_as_the_library_refuses_them() {
        for size in [0, 1, 2, 3, 6, 8, 16, 0x8000, u16::MAX] {
            assert_eq!(Queue::new(size).is_ok(), Theirs::new(size).is_ok(), "{size}");
            let (mut one, mut other) = (Queue::new(SIZE).unwrap(), Theirs::new(SIZE).unwrap());
            assert_eq!(one.try_set_size(size).is_ok(), other.try_set_size(size).is_ok(), "{size}");
        }
        let (mut one, mut other) = (Queue::new(SIZE).unwrap(), Theirs::new(SIZE).unwrap());
        let memory = ram(&[0; 0x1000]);
        for at in [BASE, BASE + 1, BASE + 2, BASE + 4, BASE + 8, BASE + 0xff0, BASE + 0xffc, u64::MAX - 15, 0]
        {
            let at = GuestAddress(at);
            assert_eq!(
                one.try_set_desc_table_address(at).is_ok(),
                other.try_set_desc_table_address(at).is_ok()
            );
            assert_eq!(
                one.try_set_avail_ring_address(at).is_ok(),
                other.try_set_avail_ring_address(at).is_ok()
            );
            assert_eq!(
                one.try_set_used_ring_address(at).is_ok(),
                other.try_set_used_ring_address(at).is_ok()
            );
            one.set_ready(true);
            other.set_ready(true);
            assert_eq!(one.is_valid(&memory), other.is_valid(&memory), "{at:?}");
        }
    }
}
