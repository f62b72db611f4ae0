//! Maintenance broadcast to other PEs, and DSB, which waits until they have done it.
//!
//! Broadcasts gather in an outbox until a DSB (or the end of the run) posts them: before that the
//! architecture promises nothing. Posting gives a ticket per PE; the DSB waits until each PE has served
//! its ticket or is not running guest code. A PE that isn't reads its mail before it runs any.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::time::Duration;

use super::{Invalidate, Requests};
use crate::code::Code;
use crate::cpu::Cpu;
use crate::port::Port;
use crate::vm::Vm;
use crate::world::World;

/// Looks at the other PEs before giving up the host CPU between looks.
const SPINS: u32 = 100;
/// Looks after that before sleeping between them.
const YIELDS: u32 = 200;
const NAP: Duration = Duration::from_micros(20);

/// The mailbox of one PE.
#[derive(Default)]
pub struct Mailbox {
    inbox: Mutex<Inbox>,
    /// The last ticket whose requests the PE has done.
    served: AtomicU64,
    /// The PE runs guest code, so that its stale state matters.
    running: AtomicBool,
}

#[derive(Default)]
struct Inbox {
    requests: Requests,
    /// The last ticket given.
    posted: u64,
}

impl Mailbox {
    /// Says whether the PE runs guest code; returns what held before. Having said that it does, the PE
    /// must look for mail before it runs any.
    pub fn set_running(&self, running: bool) -> bool {
        // A full barrier: the sender raises the signal and then reads this, the receiver sets this and
        // then reads the signal. One of them sees the other.
        let before = self.running.swap(running, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        before
    }

    fn post(&self, requests: &Requests) -> u64 {
        let mut inbox = self.inbox.lock().unwrap();
        inbox.requests.merge(requests);
        inbox.posted += 1;
        inbox.posted
    }

    fn is_done(&self, ticket: u64) -> bool {
        self.served.load(Ordering::SeqCst) >= ticket || !self.running.load(Ordering::SeqCst)
    }
}

impl Vm {
    /// Guest memory is another than before: has all PEs forget where it was. One that runs hears of it soon, the one
    /// whose store brought this about before its next access.
    pub fn memory_changed(&self) {
        let mut requests = Requests::default();
        requests.push_tlb(Invalidate::All);
        for port in &self.ports {
            port.mail.post(&requests);
            port.raise(Port::MAIL);
        }
    }
}

impl Cpu {
    /// Does what other PEs asked for by broadcast maintenance; answers [`Port::MAIL`].
    pub fn read_mail(&mut self, code: &mut Code, _world: &mut dyn World) {
        self.serve_mail();
        self.apply_code_requests(code);
    }

    fn serve_mail(&mut self) {
        self.port.lower(Port::MAIL);
        let (requests, posted) = {
            let mut inbox = self.port.mail.inbox.lock().unwrap();
            (std::mem::take(&mut inbox.requests), inbox.posted)
        };
        for &what in &requests.tlb {
            self.mmu.invalidate(what);
        }
        // The code cache hears of it before the next block, which is as good as now.
        self.mmu.code_requests.merge(&requests.code);
        self.port.mail.served.store(posted, Ordering::SeqCst);
    }

    /// After a store to a device: if it took memory away or brought some, the next access finds that so.
    #[inline]
    pub(super) fn notice_memory(&mut self) {
        if self.port.signals() & Port::MAIL != 0 {
            self.serve_mail();
        }
    }

    /// Tells the code cache of maintenance that it hasn't heard of. No block may be running.
    #[inline]
    pub(crate) fn apply_code_requests(&mut self, code: &mut Code) {
        if !self.mmu.code_requests.is_empty() {
            let Code { blocks, jit } = code;
            self.mmu.code_requests.apply(blocks, jit.as_deref_mut());
        }
    }

    /// Sends broadcast maintenance that still waits.
    pub(crate) fn post_mail(&mut self) {
        if self.mmu.outbox.is_empty() {
            return;
        }
        self.mmu.tickets.resize(self.vm.ports.len(), 0);
        for (n, port) in self.vm.ports.iter().enumerate().filter(|(n, _)| *n != self.index) {
            self.mmu.tickets[n] = port.mail.post(&self.mmu.outbox);
            port.raise(Port::MAIL);
        }
        self.mmu.outbox.clear();
    }

    /// DSB: memory accesses are ordered, and maintenance of this PE is complete on all PEs. False if a
    /// kick came first; then the instruction is not complete, and pc must stay on it.
    #[must_use]
    pub fn dsb(&mut self, _world: &mut dyn World) -> bool {
        fence(Ordering::SeqCst);
        self.post_mail();
        self.await_others(true)
    }

    /// Has all other PEs that run do something, and waits until they have.
    pub(crate) fn have_done(&mut self, what: Invalidate) {
        if self.vm.ports.len() > 1 {
            self.mmu.outbox.push_tlb(what);
            fence(Ordering::SeqCst);
            self.post_mail();
            self.await_others(false);
        }
    }

    /// Waits until all mail is read. False if `kicks` matter and one came first.
    fn await_others(&mut self, kicks: bool) -> bool {
        let mut looks = 0_u32;
        while !self.maintenance_done() {
            let signals = self.port.signals();
            if signals & Port::MAIL != 0 {
                // Who waits for us may be whom we wait for.
                self.serve_mail();
            }
            if kicks && signals & Port::KICK != 0 {
                return false;
            }
            looks = u32::saturating_add(looks, 1);
            if looks < SPINS {
                std::hint::spin_loop();
            } else if looks < SPINS + YIELDS {
                std::thread::yield_now();
            } else {
                std::thread::sleep(NAP);
            }
        }
        self.mmu.unsent = 0;
        true
    }

    /// DMB.
    pub fn dmb(&self) {
        fence(Ordering::SeqCst);
    }

    /// ISB: what was changed before holds for the instructions after. The block ends after it, and the
    /// look-up of the next one does the work.
    pub fn isb(&mut self) {}

    fn maintenance_done(&mut self) -> bool {
        for (n, ticket) in self.mmu.tickets.iter_mut().enumerate().filter(|(_, ticket)| **ticket != 0) {
            if !self.vm.ports[n].mail.is_done(*ticket) {
                return false;
            }
            *ticket = 0;
        }
        true
    }

    /// Guest code is about to run.
    pub(crate) fn enter_guest(&self) {
        self.port.mail.set_running(true);
    }

    /// No more guest code runs until [`Cpu::enter_guest`].
    pub(crate) fn leave_guest(&mut self) {
        self.post_mail();
        self.port.mail.set_running(false);
    }
}
