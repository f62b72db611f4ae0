//! One vCPU: entering the guest, leaving it, and its registers.

use std::cell::RefCell;
use std::sync::Arc;

use armlet_arm::CpuState;
use armlet_engine::Emulator;
use armlet_hv::{HvError, Kick, OpaqueState, Stop, Vcpu, VcpuIo};
use kvm_bindings::{KVM_EXIT_ARM_NISV, kvm_vcpu_init};
use kvm_ioctls::{VcpuExit, VcpuFd};

use crate::exits::Access;
use crate::kick::Kicker;
use crate::os;
use crate::state::{self, Registers};
use crate::vm::Shared;

/// A vCPU of a VM.
pub struct KvmVcpu {
    pub(crate) index: usize,
    pub(crate) fd: VcpuFd,
    init: kvm_vcpu_init,
    pub(crate) registers: Arc<Registers>,
    /// The state as it was read last, while nothing but `load` can have changed it.
    known: RefCell<Option<CpuState>>,
    /// It was set up and has not run since.
    fresh: bool,
    pub(crate) kicker: Arc<Kicker>,
    /// Made when it is first needed.
    pub(crate) emulator: Option<Emulator>,
    // Dropped last: guest memory is mapped as long as any descriptor of the VM is open.
    pub(crate) shared: Arc<Shared>,
}

/// What KVM_RUN came back for, without what it borrows.
enum Exit {
    /// An access that a device has answered, with what it was.
    Served(Access),
    /// An access that nothing answers.
    Unmapped(Access),
    Hypercall,
    System(u32, Option<u64>),
    Undecoded,
    Interrupted,
    Debug,
    Broken(String),
}

impl KvmVcpu {
    /// Wraps a vCPU that was set up by `init`.
    pub(crate) fn new(
        index: usize,
        mut fd: VcpuFd,
        init: kvm_vcpu_init,
        shared: Arc<Shared>,
        registers: Arc<Registers>,
    ) -> Self {
        let kicker = Kicker::new(fd.get_kvm_run());
        let (known, emulator) = (RefCell::new(None), None);
        Self { index, fd, init, registers, known, fresh: true, kicker, emulator, shared }
    }

    /// The guest, or somebody behind the backend's back, may change the state.
    pub(crate) fn forget(&self) {
        self.known.take();
    }

    /// Enters the guest once. Accesses to devices are served at once, for their data are in the run page.
    fn enter(&mut self, io: &mut dyn VcpuIo) -> Result<Exit, HvError> {
        let exit = match self.fd.run() {
            Ok(exit) => exit,
            Err(error) if error.errno() == libc::EINTR || error.errno() == libc::EAGAIN => {
                return Ok(Exit::Interrupted);
            }
            Err(error) => return Err(self.run_failed(error)),
        };
        Ok(match exit {
            VcpuExit::MmioRead(gpa, data) => {
                let size = data.len() as u8;
                match io.mmio_read(gpa, size) {
                    Ok(value) => {
                        data.copy_from_slice(&value.to_le_bytes()[..data.len()]);
                        Exit::Served(Access { gpa, size, write: false, value })
                    }
                    Err(_) => Exit::Unmapped(Access { gpa, size, write: false, value: 0 }),
                }
            }
            VcpuExit::MmioWrite(gpa, data) => {
                let mut bytes = [0; 8];
                bytes[..data.len()].copy_from_slice(data);
                let (size, value) = (data.len() as u8, u64::from_le_bytes(bytes));
                let access = Access { gpa, size, write: true, value };
                match io.mmio_write(gpa, size, value) {
                    Ok(()) => Exit::Served(access),
                    Err(_) => Exit::Unmapped(access),
                }
            }
            VcpuExit::Hypercall(_) => Exit::Hypercall,
            VcpuExit::SystemEvent(event, data) => Exit::System(event, data.first().copied()),
            VcpuExit::Unsupported(KVM_EXIT_ARM_NISV) => Exit::Undecoded,
            VcpuExit::Intr => Exit::Interrupted,
            VcpuExit::Debug(_) => Exit::Debug,
            VcpuExit::FailEntry(reason, cpu) => Exit::Broken(format!(
                "the hardware does not enter the guest on CPU {cpu} (reason {reason:#x})"
            )),
            VcpuExit::MemoryFault { gpa, .. } => {
                Exit::Broken(format!("the host has no memory for the guest's page at {gpa:#x}"))
            }
            other => {
                Exit::Broken(format!("KVM left the guest for a reason that makes no sense here: {other:?}"))
            }
        })
    }

    fn run_failed(&self, error: kvm_ioctls::Error) -> HvError {
        let why = match error.errno() {
            libc::EFAULT => "the host can't give it a page of its memory; is the host out of memory?",
            libc::ENOMEM => "the host is out of memory",
            libc::EHWPOISON => "a page of its memory is damaged in the host's hardware",
            libc::ENOSYS => "it reached for a device by an instruction that the hardware does not describe",
            _ => "KVM_RUN failed",
        };
        os(format!("vCPU {} can't go on: {why}", self.index))(error)
    }
}

impl Vcpu for KvmVcpu {
    fn run(&mut self, io: &mut dyn VcpuIo) -> Result<Stop, HvError> {
        self.forget();
        self.fresh = false;
        let _running = self.kicker.enter();
        loop {
            let stop = match self.enter(io)? {
                Exit::Served(access) => {
                    if io.observed() {
                        self.observe_access(io, access)?;
                    }
                    None
                }
                Exit::Unmapped(access) => {
                    self.abort(io, access)?;
                    None
                }
                Exit::Hypercall => self.hypercall(io)?,
                Exit::System(event, flags) => self.system_event(io, event, flags)?,
                Exit::Undecoded => self.emulate(io)?,
                Exit::Interrupted => {
                    self.kicker.set_immediate_exit(false);
                    self.kicker.take().then_some(Stop::Kicked)
                }
                Exit::Debug => Some(Stop::Debug),
                Exit::Broken(why) => {
                    let what = format!("vCPU {} can't go on", self.index);
                    return Err(HvError::Os { what, source: std::io::Error::other(why) });
                }
            };
            if let Some(stop) = stop {
                return Ok(stop);
            }
        }
    }

    fn save(&self, state: &mut CpuState) -> Result<(), HvError> {
        let mut known = self.known.borrow_mut();
        let current = match &mut *known {
            Some(current) => current,
            unknown => {
                let mut current = CpuState::default();
                state::save(&self.fd, &self.registers, &mut current)?;
                unknown.insert(current)
            }
        };
        state.clone_from(current);
        Ok(())
    }

    fn load(&mut self, state: &CpuState) -> Result<(), HvError> {
        let mut current = CpuState::default();
        self.save(&mut current)?;
        // Whatever fails half-way, the state is no longer known.
        self.known.take();
        state::load(&self.fd, &self.registers, &current, state)
    }

    fn reset(&mut self) -> Result<(), HvError> {
        self.known.take();
        if !self.fresh {
            self.fd.vcpu_init(&self.init).map_err(os(format!("KVM does not reset vCPU {}", self.index)))?;
            self.fresh = true;
        }
        Ok(())
    }

    fn kicker(&self) -> Arc<dyn Kick> {
        self.kicker.clone()
    }

    fn as_opaque_state(&mut self) -> Option<&mut dyn OpaqueState> {
        Some(self)
    }
}

impl Drop for KvmVcpu {
    fn drop(&mut self) {
        self.kicker.disarm();
    }
}
