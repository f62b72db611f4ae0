//! The program on a terminal: raw while the guest runs, as before on every way out, and Ctrl-A.
//!
//! The guest is an endless loop, so that only what the tests do can end it.
#![cfg(unix)]

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, OutputModes, Termios, tcgetattr};

/// Generous: other tests run meanwhile, and CI machines are slow and shared.
const PATIENCE: Duration = Duration::from_secs(240);

/// The program at work on a terminal of its own.
struct Session {
    child: Child,
    keyboard: File,
    terminal: OwnedFd,
    before: Termios,
    screen: Arc<Mutex<Vec<u8>>>,
    _guest: tempfile::TempDir,
}

impl Session {
    /// When the terminal is raw.
    fn start(options: &[&str]) -> Self {
        let session = Self::spawn(options);
        session.until("raw mode", |s| !s.modes().local_modes.contains(LocalModes::ICANON));
        session
    }

    fn spawn(options: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let guest = dir.path().join("loop.bin");
        std::fs::write(&guest, 0x1400_0000_u32.to_le_bytes()).unwrap();
        let guest = guest.display().to_string();
        Self::of(dir, &[&[guest.as_str()], options].concat())
    }

    /// With another guest, whose files are in `dir`.
    fn of(dir: tempfile::TempDir, arguments: &[&str]) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let terminal: OwnedFd =
            File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap().into();
        let before = tcgetattr(&terminal).unwrap();
        let end = || Stdio::from(terminal.try_clone().unwrap());
        let child = Command::new(env!("CARGO_BIN_EXE_armlet"))
            .arg("run")
            .args(arguments)
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .unwrap();

        let keyboard = File::from(master);
        let screen = Arc::new(Mutex::new(Vec::new()));
        let (mut from, to) = (keyboard.try_clone().unwrap(), screen.clone());
        std::thread::spawn(move || {
            let mut buffer = [0; 1024];
            while let Ok(n @ 1..) = from.read(&mut buffer) {
                to.lock().unwrap().extend(&buffer[..n]);
            }
        });
        Self { child, keyboard, terminal, before, screen, _guest: dir }
    }

    fn modes(&self) -> Termios {
        tcgetattr(&self.terminal).unwrap()
    }

    fn shows(&self, text: &str) -> bool {
        String::from_utf8_lossy(&self.screen.lock().unwrap()).contains(text)
    }

    fn press(&mut self, keys: &[u8]) {
        self.keyboard.write_all(keys).unwrap();
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn until(&self, what: &str, done: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !done(self) {
            let screen = String::from_utf8_lossy(&self.screen.lock().unwrap()).into_owned();
            assert!(start.elapsed() < PATIENCE, "no {what}; the screen: {screen}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits for the end, and checks that the terminal is as it was.
    fn end(mut self) -> ExitStatus {
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(start.elapsed() < PATIENCE, "it does not end");
            std::thread::sleep(Duration::from_millis(10));
        };
        let after = self.modes();
        assert_eq!(after.local_modes, self.before.local_modes);
        assert_eq!(after.input_modes, self.before.input_modes);
        assert_eq!(after.output_modes, self.before.output_modes);
        status
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn keys_reach_the_guest_unechoed_and_lines_still_end() {
    let mut session = Session::start(&[]);
    let modes = session.modes();
    assert!(!modes.local_modes.intersects(LocalModes::ECHO | LocalModes::ISIG));
    assert!(modes.output_modes.contains(OutputModes::OPOST));
    session.until("the escape", |s| s.shows("escape   Ctrl-A x quits"));
    // Ctrl-C is the guest's. Many keys that nobody reads must not make Ctrl-A deaf.
    session.press(b"\x03");
    session.press(&[b'k'; 2000]);
    session.press(b"\x01h");
    session.until("help", |s| s.shows("send Ctrl-A to the guest"));
    session.press(b"\x01x");
    assert_eq!(session.end_with_screen("armlet: quit"), Some(0));
}

#[test]
fn signals_end_it_with_their_status() {
    for (signal, status) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let session = Session::start(&[]);
        session.signal(signal);
        assert_eq!(session.end().code(), Some(status));
    }
}

/// Nothing that the program itself could do helps then.
#[test]
fn a_killed_or_crashed_program_leaves_the_terminal_as_it_was() {
    for signal in [Signal::KILL, Signal::SEGV, Signal::ABORT, Signal::QUIT] {
        let session = Session::start(&[]);
        session.signal(signal);
        session.until("cooked mode", |s| {
            // Rust's runtime takes the first one for a fault, which would come again.
            if signal == Signal::SEGV {
                s.signal(signal);
            }
            s.modes().local_modes == s.before.local_modes
        });
        assert_eq!(session.end().code(), None);
    }
}

#[test]
fn a_terminal_that_somebody_else_has_changed_is_left_alone() {
    let session = Session::start(&[]);
    session.signal(Signal::STOP);
    let mut other = session.before.clone();
    other.local_modes.remove(LocalModes::ECHO);
    rustix::termios::tcsetattr(&session.terminal, rustix::termios::OptionalActions::Now, &other).unwrap();
    session.signal(Signal::KILL);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(session.modes().local_modes, other.local_modes);
}

/// While it starts, while it enters raw mode, while the JIT is at work.
#[test]
fn signals_at_any_time_leave_the_terminal_as_it_was() {
    for n in 0..48 {
        let mut session = Session::spawn(&["-q"]);
        std::thread::sleep(Duration::from_micros(n * 500));
        let signals = [Signal::INT, Signal::TERM, Signal::HUP, Signal::KILL];
        session.signal(signals[n as usize % signals.len()]);
        session.child.wait().unwrap();
        session.until("cooked mode", |s| s.modes().local_modes == s.before.local_modes);
    }
}

#[test]
fn progress_is_shown_until_the_guest_speaks() {
    let mut session = Session::start(&[]);
    session.until("progress", |s| s.shows("soft: ") && s.shows(" s, "));
    session.press(b"\x01x");
    assert_eq!(session.end().code(), Some(0));
}

#[test]
fn quiet_is_quiet() {
    let mut session = Session::start(&["-q"]);
    std::thread::sleep(Duration::from_millis(500));
    session.press(b"\x01X");
    let screen = session.screen.clone();
    assert_eq!(session.end().code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&screen.lock().unwrap()), "");
}

#[test]
fn a_resumed_program_takes_the_terminal_back() {
    let session = Session::start(&[]);
    session.signal(Signal::STOP);
    // What a shell does meanwhile.
    rustix::termios::tcsetattr(&session.terminal, rustix::termios::OptionalActions::Now, &session.before)
        .unwrap();
    session.signal(Signal::CONT);
    session.until("raw mode again", |s| !s.modes().local_modes.contains(LocalModes::ICANON));
    session.signal(Signal::TERM);
    assert_eq!(session.end().code(), Some(143));
}

impl Session {
    /// As [`Self::end`], when `text` has reached the screen.
    fn end_with_screen(self, text: &str) -> Option<i32> {
        self.until(text, |s| s.shows(text));
        self.end().code()
    }
}

#[test]
fn ctrl_a_p_presses_the_power_button() {
    use armlet_testkit::{cpio, firmware, payloads, skip};
    let (firmware, payloads) = match firmware::get().and_then(|firmware| Ok((firmware, payloads::get()?))) {
        Ok(both) => both,
        Err(why) => return skip(&why),
    };
    let pressed = "awk '/ACPI:Event/ && $2 > 0 { pressed = 1 } END { exit !pressed }' /proc/interrupts";
    let wait = format!("echo listening; until {pressed}; do sleep 0.1; done; poweroff -f");
    let ramdisk = cpio::busybox_ramdisk(&payloads.busybox, &format!("{}{wait}\n", cpio::INIT_PROLOGUE), &[]);
    let dir = tempfile::tempdir().unwrap();
    let initrd = dir.path().join("ramdisk");
    std::fs::write(&initrd, ramdisk).unwrap();
    let [kernel, edk2, initrd] =
        [&payloads.cloud_kernel, &firmware.edk2[0], &initrd].map(|path| path.display().to_string());
    let append = ["--append", "console=ttyAMA0 quiet"];
    let from = [&kernel, "--firmware", &edk2, "--initrd", &initrd, append[0], append[1]];
    let mut session = Session::of(dir, &from);
    session.until("init", |s| s.shows("listening"));
    session.press(b"\x01p");
    assert!(session.end().success());
}

/// Kernel messages come by the UART, a shell by hvc0, which knows the window and its changes.
#[test]
#[cfg(target_os = "linux")]
fn a_virtio_console_takes_the_input_and_knows_the_window() {
    use armlet_testkit::{cpio, payloads, skip};
    use rustix::termios::{Winsize, tcsetwinsize};
    let Ok(p) = payloads::get().map_err(|why| skip(&why)) else { return };
    let modules = p.modules.iter().chain(&p.more_modules);
    let modules: Vec<_> =
        modules.filter(|(name, _)| name.contains("mmio") || name.contains("console")).cloned().collect();
    let serve = "
exec </dev/hvc0 >/dev/hvc0 2>&1
echo The shell is ready; while read line; do echo got $line; [ $line = end ] && poweroff -f; echo window $(stty size); done
";
    let ramdisk = cpio::module_ramdisk(&p.busybox, &modules, serve);
    let dir = tempfile::tempdir().unwrap();
    let initrd = dir.path().join("ramdisk").display().to_string();
    std::fs::write(&initrd, ramdisk).unwrap();
    let kernel = p.kernel.display().to_string();
    let append = "console=ttyAMA0 loglevel=8";
    let mut session =
        Session::of(dir, &[&kernel, "--initrd", &initrd, "--console", "virtio", "--append", append]);
    let resize = |session: &Session, columns, rows| {
        let size = Winsize { ws_col: columns, ws_row: rows, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&session.terminal, size).unwrap();
        // The system only tells those whose session has the terminal.
        session.signal(Signal::WINCH);
    };
    // One size from the beginning, or nearly so, another one later.
    resize(&session, 132, 43);
    session.until("kernel messages", |s| s.shows("Kernel command line: console=ttyAMA0"));
    session.until("the shell", |s| s.shows("The shell is ready"));
    for (columns, rows) in [(132, 43), (80, 25)] {
        resize(&session, columns, rows);
        let shown = format!("window {rows} {columns}");
        // The guest hears of it when it hears of it.
        let keyboard = session.keyboard.try_clone().unwrap();
        session.until(&shown, |s| {
            (&keyboard).write_all(b"again\n").unwrap();
            s.shows(&shown)
        });
    }
    session.press(b"end\n");
    session.until("the end", |s| s.shows("got end"));
    assert!(session.end().success());
}
