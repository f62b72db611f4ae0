//! Consoles, memory and Ctrl-C of Windows.
#![allow(unsafe_code)]

use std::io::{self, IsTerminal, Read, Write};
use std::os::windows::io::AsRawHandle;

use windows_sys::Win32::Foundation::{ERROR_PIPE_NOT_CONNECTED, HANDLE};
use windows_sys::Win32::System::Console::{
    CONSOLE_MODE, ENABLE_ECHO_INPUT, ENABLE_LINE_INPUT, ENABLE_PROCESSED_INPUT, ENABLE_PROCESSED_OUTPUT,
    ENABLE_VIRTUAL_TERMINAL_INPUT, ENABLE_VIRTUAL_TERMINAL_PROCESSING, GetConsoleMode, ReadConsoleW,
    SetConsoleMode,
};
use windows_sys::Win32::System::SystemInformation::{GlobalMemoryStatusEx, MEMORYSTATUSEX};

use super::lossy::Lossy;

/// The modes of the console before raw mode: of its input, and of its output where stdout is one.
pub struct RawMode {
    input: CONSOLE_MODE,
    output: Option<CONSOLE_MODE>,
}

impl RawMode {
    /// Switches the console to raw mode: every key goes to the guest at once, unechoed, Ctrl-C included, special
    /// keys as the sequences a terminal sends. What the guest prints is obeyed as a terminal does.
    pub fn enter() -> io::Result<Self> {
        let mode = Self { input: mode_of(&io::stdin())?, output: mode_of(&io::stdout()).ok() };
        mode.again()?;
        Ok(mode)
    }

    /// Enters raw mode once more, after somebody else changed the console.
    pub fn again(&self) -> io::Result<()> {
        let cooked = ENABLE_LINE_INPUT | ENABLE_ECHO_INPUT | ENABLE_PROCESSED_INPUT;
        let raw = self.input & !cooked;
        // Windows before 10 has no such sequences.
        set_mode(&io::stdin(), raw | ENABLE_VIRTUAL_TERMINAL_INPUT)
            .or_else(|_| set_mode(&io::stdin(), raw))?;
        if let Some(output) = self.output {
            let obeyed = ENABLE_PROCESSED_OUTPUT | ENABLE_VIRTUAL_TERMINAL_PROCESSING;
            let _ = set_mode(&io::stdout(), output | obeyed);
        }
        Ok(())
    }

    /// Puts the console back as it was.
    pub fn leave(&self) -> io::Result<()> {
        if let Some(output) = self.output {
            let _ = set_mode(&io::stdout(), output);
        }
        set_mode(&io::stdin(), self.input)
    }
}

fn mode_of(stream: &impl AsRawHandle) -> io::Result<CONSOLE_MODE> {
    let mut mode = 0;
    // SAFETY: the handle is the stream's, which lives; the result goes to a variable of ours.
    match unsafe { GetConsoleMode(stream.as_raw_handle() as HANDLE, &mut mode) } {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(mode),
    }
}

fn set_mode(stream: &impl AsRawHandle, mode: CONSOLE_MODE) -> io::Result<()> {
    // SAFETY: the handle is the stream's, which lives.
    match unsafe { SetConsoleMode(stream.as_raw_handle() as HANDLE, mode) } {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// What is typed or piped in, byte for byte.
///
/// The standard library takes Ctrl-Z on a console for the end of the input. It is the guest's.
pub fn stdin() -> Box<dyn Read> {
    if io::stdin().is_terminal() { Box::new(Keys::default()) } else { Box::new(io::stdin().lock()) }
}

/// The keys typed on the console, as UTF-8.
#[derive(Default)]
struct Keys {
    /// The first half of a character that takes two units of UTF-16.
    half: Option<u16>,
    /// Bytes that did not fit.
    rest: Vec<u8>,
}

impl Keys {
    fn fill(&mut self) -> io::Result<()> {
        let mut units = [0u16; 256];
        let mut count = 0;
        let handle = io::stdin().as_raw_handle() as HANDLE;
        // SAFETY: the handle is stdin's, which lives as long as the process; there is room for as many units
        // as are asked for.
        let done = unsafe {
            ReadConsoleW(handle, units.as_mut_ptr().cast(), units.len() as u32, &mut count, std::ptr::null())
        };
        if done == 0 {
            return Err(io::Error::last_os_error());
        }
        let mut units: Vec<u16> =
            self.half.take().into_iter().chain(units[..count as usize].to_vec()).collect();
        if units.last().is_some_and(|unit| (0xd800..0xdc00).contains(unit)) {
            self.half = units.pop();
        }
        self.rest = String::from_utf16_lossy(&units).into_bytes();
        Ok(())
    }
}

impl Read for Keys {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            self.fill()?;
        }
        let n = buffer.len().min(self.rest.len());
        buffer[..n].copy_from_slice(&self.rest[..n]);
        self.rest.drain(..n);
        Ok(n)
    }
}

/// Where the guest's output goes. A console takes only text: bytes that are none become U+FFFD.
pub fn stdout() -> Box<dyn Write> {
    if io::stdout().is_terminal() { Box::new(Lossy::new(io::stdout())) } else { Box::new(Piped) }
}

/// Where armlet's own lines go.
pub fn stderr() -> impl Write {
    io::stderr()
}

/// stdout as a file or pipe.
struct Piped;

/// The reader went away, as some pipes tell it.
const NOT_CONNECTED: i32 = ERROR_PIPE_NOT_CONNECTED as i32;

fn broken(error: io::Error) -> io::Error {
    if error.raw_os_error() == Some(NOT_CONNECTED) { io::ErrorKind::BrokenPipe.into() } else { error }
}

impl Write for Piped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::stdout().write(bytes).map_err(broken)
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().flush().map_err(broken)
    }
}

/// Nobody to watch over the console: shells of Windows set the mode they want whenever they read.
pub struct Guardian(());

impl Guardian {
    /// Nothing to start.
    pub fn start() -> io::Result<Self> {
        Ok(Self(()))
    }
}

/// Nothing to guard.
pub fn guard() -> io::Result<()> {
    Ok(())
}

/// What the system asks of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code)]
pub enum Signal {
    /// End, because of the signal with this number.
    End(u8),
    /// We were stopped and go on: Windows has no such thing.
    Resumed,
    /// The terminal's window has another size: nobody tells.
    Resized,
}

/// SIGINT's number everywhere else, so that the exit status is the same.
const INTERRUPT: u8 = 2;

/// Calls `handler` on a thread of its own when Ctrl-C or Ctrl-Break is pressed outside raw mode, the console is
/// closed, or the user logs off.
pub fn on_signal(mut handler: impl FnMut(Signal) + Send + 'static) -> io::Result<()> {
    ctrlc::set_handler(move || handler(Signal::End(INTERRUPT))).map_err(io::Error::other)
}

/// Size of the terminal's window: not looked up here.
pub fn window() -> Option<armlet::Window> {
    None
}

/// The host's memory in bytes, all of it and what is free for use.
pub fn memory_size() -> Option<(u64, u64)> {
    let mut status = MEMORYSTATUSEX { dwLength: size_of::<MEMORYSTATUSEX>() as u32, ..Default::default() };
    // SAFETY: the structure is ours and says its size.
    let done = unsafe { GlobalMemoryStatusEx(&mut status) };
    (done != 0).then_some((status.ullTotalPhys, status.ullAvailPhys))
}

/// Bytes of the host's disk that a file takes, as far as is known here: its length.
pub fn allocated(metadata: &std::fs::Metadata) -> u64 {
    metadata.len()
}
