//! System calls of Linux, made directly: a DLL under Wine has no C library of Linux's to ask. Numbers and structures are
//! those of arm64 (Linux, `include/uapi/asm-generic/unistd.h`).

use std::ffi::CStr;

use armlet_hv::HvError;

mod number {
    pub const IOCTL: usize = 29;
    pub const OPENAT: usize = 56;
    pub const CLOSE: usize = 57;
    pub const TGKILL: usize = 131;
    pub const RT_SIGACTION: usize = 134;
    pub const GETPID: usize = 172;
    pub const GETTID: usize = 178;
    pub const MUNMAP: usize = 215;
    pub const MMAP: usize = 222;
}

/// `EINTR`: a signal came.
pub const EINTR: Errno = Errno(4);
/// `EAGAIN`.
pub const EAGAIN: Errno = Errno(11);

const AT_FDCWD: usize = -100_isize as usize;
const O_RDWR_CLOEXEC: usize = 0o2_000_002;
const PROT_READ_WRITE: usize = 3;
const MAP_SHARED: usize = 1;
const SA_RESTART: u64 = 0x1000_0000;

/// An error number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errno(i32);

impl Errno {
    /// As an error of the backend, when it did `what`.
    pub fn of(self, what: impl Into<String>) -> HvError {
        let source = std::io::Error::other(format!("error {} of Linux", self.0));
        HvError::Os { what: what.into(), source }
    }
}

/// Calls Linux.
///
/// # Safety
/// As the call says.
unsafe fn call(number: usize, args: [usize; 6]) -> Result<usize, Errno> {
    let result: isize;
    // SAFETY: the kernel changes X0 and what the call says, which is the caller's care.
    unsafe {
        std::arch::asm!("svc 0", in("x8") number, inlateout("x0") args[0] => result, in("x1") args[1],
            in("x2") args[2], in("x3") args[3], in("x4") args[4], in("x5") args[5], options(nostack));
    }
    match result {
        -4095..0 => Err(Errno(-result as i32)),
        _ => Ok(result as usize),
    }
}

/// An open file.
pub struct Fd(i32);

impl Fd {
    /// Opens a device.
    pub fn open(path: &CStr) -> Result<Self, Errno> {
        // SAFETY: the path ends with a zero.
        let fd = unsafe { call(number::OPENAT, [AT_FDCWD, path.as_ptr() as usize, O_RDWR_CLOEXEC, 0, 0, 0]) };
        fd.map(|fd| Self(fd as i32))
    }

    /// A file that the kernel has opened for us.
    pub fn new(fd: i32) -> Self {
        Self(fd)
    }

    /// Does `request` with a number.
    pub fn with_number(&self, request: Request, number: usize) -> Result<usize, Errno> {
        // SAFETY: no request that takes a number changes memory that Rust knows of.
        unsafe { call(number::IOCTL, [self.0 as usize, request.0, number, 0, 0, 0]) }
    }

    /// Does `request` with a structure, which the kernel may change.
    ///
    /// # Safety
    /// The request takes a `T`, and what `T` points to is as the request says.
    pub unsafe fn with<T>(&self, request: Request, value: &mut T) -> Result<usize, Errno> {
        debug_assert_eq!(request.0 >> 16 & 0x3fff, size_of::<T>());
        // SAFETY: the value lives during the call; the rest is the caller's care.
        unsafe {
            call(number::IOCTL, [self.0 as usize, request.0, std::ptr::from_mut(value) as usize, 0, 0, 0])
        }
    }

    /// Maps the first `len` bytes of the file.
    pub fn map(&self, len: usize) -> Result<Mapping, Errno> {
        let args = [0, len, PROT_READ_WRITE, MAP_SHARED, self.0 as usize, 0];
        // SAFETY: the kernel finds a place where nothing is.
        unsafe { call(number::MMAP, args) }.map(|at| Mapping { at, len })
    }
}

impl Drop for Fd {
    fn drop(&mut self) {
        // SAFETY: the descriptor is ours.
        let _ = unsafe { call(number::CLOSE, [self.0 as usize, 0, 0, 0, 0, 0]) };
    }
}

/// A file in memory.
pub struct Mapping {
    at: usize,
    len: usize,
}

impl Mapping {
    /// Where it is.
    pub fn start<T>(&self) -> *mut T {
        assert!(size_of::<T>() <= self.len);
        self.at as *mut T
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours.
        let _ = unsafe { call(number::MUNMAP, [self.at, self.len, 0, 0, 0, 0]) };
    }
}

/// The number of a request to a device, of KVM's kind.
#[derive(Clone, Copy)]
pub struct Request(usize);

/// `KVMIO`.
const KVM: usize = 0xae;

/// `_IO`: without a structure.
pub const fn io(number: usize) -> Request {
    Request(KVM << 8 | number)
}

/// `_IOW`: the kernel reads a structure.
pub const fn iow<T>(number: usize) -> Request {
    Request(1 << 30 | size_of::<T>() << 16 | KVM << 8 | number)
}

/// `_IOR`: the kernel writes one.
pub const fn ior<T>(number: usize) -> Request {
    Request(2 << 30 | size_of::<T>() << 16 | KVM << 8 | number)
}

/// `_IOWR`: both.
pub const fn iowr<T>(number: usize) -> Request {
    Request(3 << 30 | size_of::<T>() << 16 | KVM << 8 | number)
}

/// A thread of this process, for signals.
#[derive(Clone, Copy)]
pub struct Thread(usize);

/// The signal that interrupts a run: one that neither Wine nor a C library uses.
const SIGNAL: usize = 50;

/// `struct sigaction` as the kernel has it.
#[repr(C)]
struct SigAction {
    handler: extern "C" fn(i32),
    flags: u64,
    restorer: usize,
    mask: u64,
}

extern "C" fn nothing(_: i32) {}

impl Thread {
    /// The calling one.
    pub fn current() -> Self {
        // SAFETY: no preconditions.
        Self(unsafe { call(number::GETTID, [0; 6]) }.unwrap_or(0))
    }

    /// Interrupts the call of Linux that it is in. The thread must be alive.
    pub fn interrupt(self) {
        // SAFETY: no preconditions.
        let _ = unsafe {
            let process = call(number::GETPID, [0; 6]).unwrap_or(0);
            call(number::TGKILL, [process, self.0, SIGNAL, 0, 0, 0])
        };
    }

    /// Makes the signal harmless; before the first [`Thread::interrupt`].
    pub fn prepare() -> Result<(), Errno> {
        let action = SigAction { handler: nothing, flags: SA_RESTART, restorer: 0, mask: 0 };
        let at = std::ptr::from_ref(&action) as usize;
        // SAFETY: the structure is the kernel's, and the handler does nothing.
        unsafe { call(number::RT_SIGACTION, [SIGNAL, at, 0, size_of::<u64>(), 0, 0]) }.map(drop)
    }
}
