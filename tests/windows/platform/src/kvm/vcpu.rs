//! A vCPU: its registers, entering the guest, and what comes out.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use armlet_arm::{CpuState, Pstate, SysReg};
use armlet_base::BusError;
use armlet_hv::{HvError, Kick, Stop, Vcpu, VcpuIo};

use super::abi::{
    KVM_EXIT_ARM_NISV, KVM_EXIT_INTR, KVM_EXIT_MMIO, KVM_EXIT_SYSTEM_EVENT, KVM_SYSTEM_EVENT_RESET,
    KVM_SYSTEM_EVENT_SHUTDOWN, OneReg, Run, VcpuInit,
};
use super::linux::{EAGAIN, EINTR, Errno, Fd, Mapping, Request, Thread, io, iow};
use super::one_reg;

const RUN: Request = io(0x80);
const GET_ONE_REG: Request = iow::<OneReg>(0xab);
const SET_ONE_REG: Request = iow::<OneReg>(0xac);
const VCPU_INIT: Request = iow::<VcpuInit>(0xae);

/// CNTV_CTL_EL0.ISTATUS: not state, but what comes of the counter.
const ISTATUS: u64 = 1 << 2;
/// ISS.WnR of an abort.
const WNR: u64 = 1 << 6;

/// A vCPU.
pub struct KvmVcpu {
    fd: Fd,
    init: VcpuInit,
    /// The system registers that the stand-in asks for and this CPU has.
    system: Vec<SysReg>,
    /// The state as it was read last, while the guest has not run since.
    known: RefCell<Option<CpuState>>,
    kicker: Arc<Kicker>,
    // After the kicker's user; see `Drop`.
    run: Mapping,
}

impl KvmVcpu {
    /// Sets up what KVM has made.
    pub fn new(fd: Fd, run: Mapping, init: VcpuInit) -> Result<Self, HvError> {
        let page: *mut Run = run.start();
        // SAFETY: the run page is mapped; only the address of a field is taken.
        let immediate_exit = unsafe { &raw mut (*page).immediate_exit };
        let target = Target { immediate_exit: Some(immediate_exit), thread: None };
        let kicker = Arc::new(Kicker { pending: AtomicBool::new(false), target: Mutex::new(target) });
        let mut vcpu = Self { fd, init, system: Vec::new(), known: RefCell::new(None), kicker, run };
        vcpu.initialize()?;
        let there = |reg: &SysReg| vcpu.get(one_reg::of(*reg)).is_ok();
        vcpu.system = armlet_winhv::system_registers().filter(there).collect();
        Ok(vcpu)
    }

    fn initialize(&mut self) -> Result<(), HvError> {
        // SAFETY: the request's structure.
        let done = unsafe { self.fd.with(VCPU_INIT, &mut self.init) };
        done.map(drop).map_err(|error| error.of("KVM can't set up a vCPU"))
    }

    fn one<T>(&self, request: Request, id: u64, value: &mut T) -> Result<(), HvError> {
        assert_eq!(1 << (id >> 52 & 15), size_of::<T>(), "{id:#x}");
        let mut register = OneReg { id, addr: std::ptr::from_mut(value) as u64 };
        // SAFETY: the value is as wide as the register, by its name.
        let done = unsafe { self.fd.with(request, &mut register) };
        done.map(drop).map_err(|error| error.of(format!("KVM and register {id:#x}")))
    }

    fn get(&self, id: u64) -> Result<u64, HvError> {
        let mut value = 0u64;
        self.one(GET_ONE_REG, id, &mut value).map(|()| value)
    }

    fn set(&self, id: u64, mut value: u64) -> Result<(), HvError> {
        self.one(SET_ONE_REG, id, &mut value)
    }

    fn read(&self) -> Result<CpuState, HvError> {
        let mut state = CpuState::default();
        for (n, x) in state.x.iter_mut().enumerate() {
            *x = self.get(one_reg::x(n))?;
        }
        state.pc = self.get(one_reg::PC)?;
        state.pstate = Pstate::from_bits_retain(self.get(one_reg::PSTATE)?);
        for (n, v) in state.v.iter_mut().enumerate() {
            self.one(GET_ONE_REG, one_reg::v(n), v)?;
        }
        self.one(GET_ONE_REG, one_reg::FPSR, &mut state.fpsr)?;
        self.one(GET_ONE_REG, one_reg::FPCR, &mut state.fpcr)?;
        for reg in &self.system {
            state.sys[*reg] = self.get(one_reg::of(*reg))?;
        }
        state.sys[SysReg::CNTV_CTL_EL0] &= !ISTATUS;
        Ok(state)
    }

    /// Writes what differs from `now`.
    fn write(&self, now: &CpuState, state: &CpuState) -> Result<(), HvError> {
        let change = |id, from, to| if from == to { Ok(()) } else { self.set(id, to) };
        change(one_reg::PSTATE, now.pstate.bits(), state.pstate.bits())?;
        (0..31).try_for_each(|n| change(one_reg::x(n), now.x[n], state.x[n]))?;
        change(one_reg::PC, now.pc, state.pc)?;
        for n in (0..32).filter(|&n| now.v[n] != state.v[n]) {
            self.one(SET_ONE_REG, one_reg::v(n), &mut { state.v[n] })?;
        }
        for (id, from, to) in [(one_reg::FPSR, now.fpsr, state.fpsr), (one_reg::FPCR, now.fpcr, state.fpcr)] {
            if from != to {
                self.one(SET_ONE_REG, id, &mut { to })?;
            }
        }
        let writable = self.system.iter().copied().filter(|reg| !one_reg::is_identity(*reg));
        writable.into_iter().try_for_each(|reg| change(one_reg::of(reg), now.sys[reg], state.sys[reg]))
    }

    /// The state, read unless it is known.
    fn current(&self) -> Result<CpuState, HvError> {
        if let Some(known) = &*self.known.borrow() {
            return Ok(known.clone());
        }
        let state = self.read()?;
        self.known.replace(Some(state.clone()));
        Ok(state)
    }

    /// Enters the guest.
    fn enter(&self) -> Result<Run, Errno> {
        self.fd.with_number(RUN, 0)?;
        // SAFETY: the kernel is done with the page, which is mapped.
        Ok(unsafe { self.run.start::<Run>().read_volatile() })
    }

    /// The access that the guest was left for shall not have happened: the kernel finishes it without entering the
    /// guest, and what that changed is put back.
    fn undo_access(&self, store: bool) -> Result<(), HvError> {
        let before = self.current()?;
        self.kicker.target().store(true);
        match self.enter() {
            Err(EINTR) => {}
            other => {
                return Err(HvError::Os {
                    what: format!("KVM does not finish an access: {:?}", other.map(|run| run.exit_reason)),
                    source: std::io::ErrorKind::Other.into(),
                });
            }
        }
        self.kicker.resume();
        if !store {
            (0..31).try_for_each(|n| self.set(one_reg::x(n), before.x[n]))?;
        }
        self.set(one_reg::PC, before.pc)
    }

    /// What came out; `None` to go on.
    fn exit(&self, run: &Run, io: &mut dyn VcpuIo) -> Result<Option<Stop>, HvError> {
        let stop = match (run.exit_reason, run.payload) {
            (KVM_EXIT_INTR, _) => return Ok(None),
            // Address, data, length, and whether it is a store.
            (KVM_EXIT_MMIO, [gpa, value, what, _]) => {
                let (size, store) = (what as u8, what >> 32 & 0xff != 0);
                return self.access(io, gpa, size, store.then_some(value), true).map(Some);
            }
            // Syndrome and address.
            (KVM_EXIT_ARM_NISV, [iss, gpa, ..]) => {
                return self.access(io, gpa, 1, (iss & WNR != 0).then_some(0), false).map(Some);
            }
            (KVM_EXIT_SYSTEM_EVENT, [what, ..]) if what as u32 == KVM_SYSTEM_EVENT_SHUTDOWN => Stop::Shutdown,
            (KVM_EXIT_SYSTEM_EVENT, [what, ..]) if what as u32 == KVM_SYSTEM_EVENT_RESET => Stop::Reset,
            (reason, payload) => Stop::Dead(format!("exit {reason} ({payload:x?}) makes no sense here")),
        };
        Ok(Some(stop))
    }

    /// An access to a device, which is left to the stand-in's user. KVM has begun it, if it has a syndrome.
    fn access(
        &self,
        io: &mut dyn VcpuIo,
        gpa: u64,
        size: u8,
        store: Option<u64>,
        begun: bool,
    ) -> Result<Stop, HvError> {
        let answer = match store {
            None => io.mmio_read(gpa, size).map(drop),
            Some(value) => io.mmio_write(gpa, size, value),
        };
        match answer {
            Err(BusError::Deferred) if begun => self.undo_access(store.is_some()).map(|()| Stop::Kicked),
            Err(BusError::Deferred) => Ok(Stop::Kicked),
            other => {
                Ok(Stop::Dead(format!("{other:?} for an access to {gpa:#x}, which is not left to others")))
            }
        }
    }
}

impl Vcpu for KvmVcpu {
    fn run(&mut self, io: &mut dyn VcpuIo) -> Result<Stop, HvError> {
        let _running = self.kicker.enter();
        loop {
            self.known.take();
            let stop = match self.enter() {
                Ok(run) => self.exit(&run, io)?,
                Err(EINTR | EAGAIN) => {
                    self.kicker.target().store(false);
                    self.kicker.pending.swap(false, Ordering::SeqCst).then_some(Stop::Kicked)
                }
                Err(error) => return Err(error.of("KVM_RUN failed")),
            };
            if let Some(stop) = stop {
                return Ok(stop);
            }
        }
    }

    fn save(&self, state: &mut CpuState) -> Result<(), HvError> {
        *state = self.current()?;
        Ok(())
    }

    fn load(&mut self, state: &CpuState) -> Result<(), HvError> {
        let now = self.current()?;
        self.known.take();
        self.write(&now, state)?;
        self.known.replace(Some(state.clone()));
        Ok(())
    }

    fn reset(&mut self) -> Result<(), HvError> {
        self.known.take();
        self.initialize()
    }

    fn kicker(&self) -> Arc<dyn Kick> {
        self.kicker.clone()
    }
}

impl Drop for KvmVcpu {
    fn drop(&mut self) {
        self.kicker.target().immediate_exit = None;
    }
}

/// Kicks one vCPU: a flag in its run page for when it is not in the guest yet, and a signal.
struct Kicker {
    /// A kick that `run` has not told of yet.
    pending: AtomicBool,
    target: Mutex<Target>,
}

struct Target {
    /// `kvm_run.immediate_exit`, while the vCPU exists.
    immediate_exit: Option<*mut u8>,
    /// The thread inside `run`.
    thread: Option<Thread>,
}

// SAFETY: the pointer is to memory shared with the kernel, is only used as an atomic, and goes when the vCPU does.
unsafe impl Send for Target {}

impl Target {
    fn store(&self, on: bool) {
        if let Some(at) = self.immediate_exit {
            // SAFETY: the run page is mapped until the vCPU goes, which takes the lock that the caller holds.
            unsafe { AtomicU8::from_ptr(at) }.store(on.into(), Ordering::SeqCst);
        }
    }
}

impl Kicker {
    fn target(&self) -> MutexGuard<'_, Target> {
        self.target.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The calling thread is inside `run` until the result goes.
    fn enter(self: &Arc<Self>) -> Running {
        self.target().thread = Some(Thread::current());
        Running(self.clone())
    }

    /// The flag is what kicks make it again.
    fn resume(&self) {
        let target = self.target();
        target.store(self.pending.load(Ordering::SeqCst));
    }
}

impl Kick for Kicker {
    fn kick(&self) {
        let target = self.target();
        self.pending.store(true, Ordering::SeqCst);
        target.store(true);
        if let Some(thread) = target.thread {
            // It can't leave `run` while the lock is held.
            thread.interrupt();
        }
    }
}

struct Running(Arc<Kicker>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.target().thread = None;
    }
}
