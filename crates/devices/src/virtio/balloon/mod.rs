//! Memory balloon (5.5): memory that the guest does not need goes back to the host.
//!
//! It goes in two ways. The driver reports free pages by itself, in large pieces, a while after they became free
//! (free page reporting, 5.5.6.7): the host takes them, and gives others as soon as the guest touches them again. And
//! the user may want pages of the guest: then the balloon has a size, the driver allocates so many pages for it and
//! tells which. Both only ever discard what a page holds; a page that the guest uses all the same is there.

mod statistics;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use armlet_base::GuestRam;
use virtio_bindings::virtio_ids::VIRTIO_ID_BALLOON;
use vm_memory::{GuestAddress, GuestMemory, Permissions};

use super::{Broken, Buffers, Handle, Request, Ticket, VirtioDevice, Virtqueue};
pub use statistics::Statistics;

/// Bytes of a page of the balloon, whatever pages guest and host have (5.5.6).
pub const PAGE: u64 = 4096;

// Feature bits (5.5.3). Not offered: MUST_TELL_HOST, as a page is there before the driver tells that it wants it back;
// FREE_PAGE_HINT, which is for moving a guest to another host.
const F_STATS_VQ: u64 = 1 << 1;
const F_DEFLATE_ON_OOM: u64 = 1 << 2;
const F_PAGE_POISON: u64 = 1 << 4;
const F_REPORTING: u64 = 1 << 5;

/// Bytes of the configuration space (5.5.4): `num_pages`, `actual`, `free_page_hint_cmd_id`, `poison_val`.
const CONFIG_LEN: usize = 16;
const ACTUAL: usize = 4;
const POISON: usize = 12;

/// The most pages that one request can be about: 4 GiB of them. Drivers name 256 at once.
const MOST: usize = 1 << 20;

/// What a queue is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Inflate,
    Deflate,
    Statistics,
    Reporting,
}

/// A queue's role. The specification (5.5.2) gives each its number, and says that some only exist with their features;
/// Linux takes that to mean that they are left out of the count. Nothing else is on offer, so both can be right.
fn role(index: u16, features: u64) -> Role {
    match index {
        0 => Role::Inflate,
        1 => Role::Deflate,
        2 if features & F_STATS_VQ != 0 => Role::Statistics,
        _ => Role::Reporting,
    }
}

/// A memory balloon.
pub struct Balloon {
    /// Bytes of guest memory.
    memory: u64,
    state: Mutex<State>,
    /// The driver has answered a question for statistics.
    answered: Condvar,
    handle: OnceLock<Handle>,
}

#[derive(Default)]
struct State {
    /// Pages that the balloon shall have.
    target: u32,
    /// Pages that the driver says it has.
    actual: u32,
    /// What the guest fills free pages with.
    poison: u32,
    statistics: Statistics,
    /// The buffer that goes back to the driver to ask for statistics.
    question: Option<Ticket>,
    /// It went back.
    asked: bool,
}

/// A balloon and the guest around it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Bytes that the balloon shall have.
    pub target: u64,
    /// Bytes that it has.
    pub actual: u64,
    /// What the guest says of its memory, now or when it was asked last.
    pub guest: Statistics,
}

impl Balloon {
    /// An empty one, for a guest with `memory` bytes.
    pub fn new(memory: u64) -> Self {
        Self { memory, state: Mutex::default(), answered: Condvar::new(), handle: OnceLock::new() }
    }

    /// Bytes of guest memory, in the balloon or not.
    pub fn memory(&self) -> u64 {
        self.memory
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wants the balloon to have `bytes`, rounded down to whole pages, or all memory if that is less. The driver takes
    /// its time, and gives no more than the guest can do without.
    pub fn set_target(&self, bytes: u64) {
        let pages = u32::try_from(bytes.min(self.memory) / PAGE).unwrap_or(u32::MAX);
        let change = || self.state().target = pages;
        match self.handle.get() {
            Some(handle) => handle.change_config(change),
            None => change(),
        }
    }

    /// Asks the driver for statistics, and waits for them for at most `patience`; without a driver not at all.
    pub fn report(&self, patience: Duration) -> Report {
        let mut state = self.state();
        if let (Some(ticket), Some(handle)) = (state.question.take(), self.handle.get()) {
            state.asked = true;
            // The queue is locked before the state, never after.
            drop(state);
            handle.queues()[2].with(|queue| queue.complete(ticket, 0));
            state = self.state();
        }
        let wait = self.answered.wait_timeout_while(state, patience, |state| state.asked);
        let state = wait.unwrap_or_else(PoisonError::into_inner).0;
        let bytes = |pages| u64::from(pages) * PAGE;
        Report { target: bytes(state.target), actual: bytes(state.actual), guest: state.statistics }
    }

    /// Takes what the driver says of the guest, and keeps the buffer it said it with.
    fn take_statistics(&self, queue: &Virtqueue) {
        queue.with(|queue| {
            while let Some((ticket, request)) = queue.pop()? {
                let mut state = self.state();
                state.statistics = Statistics::decode(&request.readable);
                state.asked = false;
                let before = state.question.replace(ticket);
                drop(state);
                self.answered.notify_all();
                // One buffer is all there should be.
                if let Some(before) = before {
                    queue.complete(before, 0)?;
                }
            }
            Ok(())
        });
    }

    /// Takes free pages, unless the guest relies on what it has filled them with (5.5.6.7.2).
    fn take_free(&self, ram: &GuestRam, pages: &Buffers<'_>) {
        if self.state().poison == 0 {
            pages.slices().iter().for_each(|slice| ram.discard(slice));
        }
    }
}

/// Takes pages for the balloon, by their numbers (5.5.6.1).
fn inflate(ram: &GuestRam, numbers: &Buffers<'_>) -> Result<(), Broken> {
    if numbers.len() > MOST * size_of::<u32>() {
        return Err(Broken("too many pages were given up at once"));
    }
    let mut bytes = vec![0; numbers.len()];
    numbers.copy_to(&mut bytes);
    let word = |bytes: &[u8; 4]| u64::from(u32::from_le_bytes(*bytes));
    let mut pages: Vec<u64> = bytes.as_chunks().0.iter().map(word).collect();
    // Pages that lie together can be large ones of the host.
    pages.sort_unstable();
    pages.dedup();
    for run in pages.chunk_by(|page, next| page + 1 == *next) {
        let (at, len) = (GuestAddress(run[0] * PAGE), run.len() * PAGE as usize);
        if !ram.check_range(at, len, Permissions::Write) {
            return Err(Broken("a page that was given up lies outside guest memory"));
        }
        for slice in ram.get_slices(at, len, Permissions::Write)? {
            ram.discard(&slice?);
        }
    }
    Ok(())
}

impl VirtioDevice for Balloon {
    fn id(&self) -> u32 {
        VIRTIO_ID_BALLOON
    }

    fn features(&self) -> u64 {
        F_STATS_VQ | F_DEFLATE_ON_OOM | F_PAGE_POISON | F_REPORTING
    }

    fn queue_sizes(&self) -> &[u16] {
        &[128; 5]
    }

    fn config(&self) -> Cow<'_, [u8]> {
        let State { target, actual, poison, .. } = *self.state();
        Cow::Owned([target, actual, 0, poison].map(u32::to_le_bytes).concat())
    }

    fn set_config(&self, offset: usize, bytes: &[u8]) -> bool {
        let mut config = [0; CONFIG_LEN];
        config.copy_from_slice(&self.config());
        let Some(place) = config.get_mut(offset..offset.saturating_add(bytes.len())) else { return false };
        place.copy_from_slice(bytes);
        let word = |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|byte| config[at + byte]));
        let mut state = self.state();
        (state.actual, state.poison) = (word(ACTUAL), word(POISON));
        true
    }

    fn attach(&self, handle: Handle) {
        // A device is put behind a transport once.
        let _ = self.handle.set(handle);
    }

    fn notified(&self, queue: &Virtqueue) {
        match role(queue.index(), queue.features()) {
            Role::Statistics => self.take_statistics(queue),
            _ => queue.serve_each(|request| self.serve(queue, request)),
        }
    }

    fn serve(&self, queue: &Virtqueue, request: Request<'_>) -> Result<u32, Broken> {
        match role(queue.index(), queue.features()) {
            Role::Inflate => inflate(queue.ram(), &request.readable)?,
            Role::Reporting => self.take_free(queue.ram(), &request.writable),
            // Pages that leave the balloon are there already.
            Role::Deflate | Role::Statistics => {}
        }
        Ok(0)
    }

    /// The size that the balloon shall have is the user's, and stays.
    fn reset(&self) {
        let mut state = self.state();
        *state = State { target: state.target, ..State::default() };
        drop(state);
        self.answered.notify_all();
    }
}
