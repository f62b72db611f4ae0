//! Making a vCPU leave the guest from another thread: a signal, and a flag for when it is not in the guest yet.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use armlet_hv::{HvError, Kick};
use kvm_bindings::kvm_run;
use vmm_sys_util::signal::{SIGRTMIN, register_signal_handler};

/// Kicks one vCPU.
pub struct Kicker {
    /// A kick that `run` has not told of yet.
    pending: AtomicBool,
    target: Mutex<Target>,
}

struct Target {
    /// `kvm_run.immediate_exit`, while the vCPU exists.
    immediate_exit: Option<*mut u8>,
    /// The thread inside `run`.
    thread: Option<libc::pthread_t>,
}

// SAFETY: the pointer is to memory shared with the kernel, is only used as an atomic, and goes when the vCPU does.
unsafe impl Send for Target {}

/// The signal. It interrupts KVM_RUN, and has no other use.
fn signal() -> libc::c_int {
    SIGRTMIN() + 6
}

extern "C" fn handler(_: libc::c_int, _: *mut libc::siginfo_t, _: *mut libc::c_void) {}

/// Makes the signal harmless, once in a process.
pub fn prepare() -> Result<(), HvError> {
    static DONE: OnceLock<Result<(), i32>> = OnceLock::new();
    DONE.get_or_init(|| register_signal_handler(signal(), handler).map_err(|error| error.errno())).map_err(
        |errno| HvError::Os {
            what: "can't handle the signal that stops a vCPU".to_owned(),
            source: std::io::Error::from_raw_os_error(errno),
        },
    )
}

impl Kicker {
    /// For the vCPU with this run page, until [`Kicker::disarm`].
    pub fn new(run: &mut kvm_run) -> Arc<Self> {
        let target = Target { immediate_exit: Some(&raw mut run.immediate_exit), thread: None };
        Arc::new(Self { pending: AtomicBool::new(false), target: Mutex::new(target) })
    }

    fn target(&self) -> MutexGuard<'_, Target> {
        self.target.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The vCPU is going away.
    pub fn disarm(&self) {
        self.target().immediate_exit = None;
    }

    /// The calling thread is about to run the vCPU; it is no longer when the result goes.
    pub fn enter(self: &Arc<Self>) -> Running {
        // SAFETY: has no preconditions.
        self.target().thread = Some(unsafe { libc::pthread_self() });
        Running(self.clone())
    }

    /// Makes the next KVM_RUN only finish what the last one left, or lets it run.
    pub fn set_immediate_exit(&self, on: bool) {
        self.target().store(on);
    }

    /// Takes [`Kicker::set_immediate_exit`] back, unless a kick wants it.
    pub fn resume(&self) {
        self.set_immediate_exit(false);
        if self.pending.load(Ordering::SeqCst) {
            self.set_immediate_exit(true);
        }
    }

    /// True once for each kick, or several that came together.
    pub fn take(&self) -> bool {
        self.pending.swap(false, Ordering::SeqCst)
    }
}

impl Target {
    fn store(&self, on: bool) {
        if let Some(at) = self.immediate_exit {
            // SAFETY: the run page is mapped until `disarm`, which takes the lock that the caller holds.
            unsafe { AtomicU8::from_ptr(at) }.store(on.into(), Ordering::SeqCst);
        }
    }
}

impl Kick for Kicker {
    fn kick(&self) {
        self.pending.store(true, Ordering::SeqCst);
        let target = self.target();
        // First the flag: a thread that is between looking and entering sees one or the other.
        target.store(true);
        if let Some(thread) = target.thread {
            // SAFETY: a thread inside `run` is alive, and can't leave it while the lock is held.
            unsafe { libc::pthread_kill(thread, signal()) };
        }
    }
}

/// A thread is inside `run`.
pub struct Running(Arc<Kicker>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.target().thread = None;
    }
}
