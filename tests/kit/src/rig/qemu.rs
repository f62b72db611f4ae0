//! The emulated machine as a process.

use std::io::{BufRead, BufReader, BufWriter, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use super::Host;
use super::passthrough::Passthrough;

const PROGRAM: &str = "qemu-system-aarch64";

/// Says what is missing on this host for a rig.
pub fn check() -> Result<(), String> {
    Command::new(PROGRAM)
        .arg("--version")
        .output()
        .map(|_| ())
        .map_err(|e| format!("{PROGRAM} does not start ({e}); on Debian, install qemu-system-arm"))
}

/// A running machine; it ends with this.
pub struct Machine {
    child: Child,
    lines: Receiver<String>,
    _ramdisk: Ramdisk,
}

impl Machine {
    /// Starts it with this root file system, and nobody at its console.
    pub fn start(host: &Host, ramdisk: &[u8], disk: Option<&Path>) -> Result<Self, String> {
        let ramdisk = Ramdisk::new(ramdisk)?;
        let mut command = command(host, &ramdisk, disk);
        command.args(["-serial", "stdio"]).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|e| format!("{PROGRAM}: {e}"))?;
        let stdout = child.stdout.take().expect("stdout is piped");
        let (to, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).split(b'\n') {
                let Ok(line) = line else { break };
                if to.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                    break;
                }
            }
        });
        Ok(Self { child, lines, _ramdisk: ramdisk })
    }

    /// The next line on its console; or why there is none.
    pub fn line(&mut self, patience: Duration) -> Result<String, &'static str> {
        self.lines.recv_timeout(patience).map_err(|error| match error {
            RecvTimeoutError::Timeout => "said nothing for long",
            RecvTimeoutError::Disconnected => "stopped",
        })
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a machine with this process's input and output at its console; the status that its first process tells.
pub fn attended(host: &Host, ramdisk: &[u8], disk: Option<&Path>) -> Result<i32, String> {
    let ramdisk = Ramdisk::new(ramdisk)?;
    // A person can leave by Ctrl-A x; from a pipe Ctrl-A is a byte like any other.
    let serial = if std::io::stdin().is_terminal() { "mon:stdio" } else { "stdio" };
    let mut command = command(host, &ramdisk, disk);
    let mut child = command
        .args(["-serial", serial])
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| format!("{PROGRAM}: {e}"))?;
    let mut console = child.stdout.take().expect("stdout is piped");
    let mut passthrough = Passthrough::new(BufWriter::new(std::io::stdout()));
    let mut buffer = [0; 4096];
    while let Ok(n @ 1..) = console.read(&mut buffer) {
        passthrough.take(&buffer[..n]).map_err(|e| format!("standard output: {e}"))?;
    }
    child.wait().map_err(|e| format!("{PROGRAM}: {e}"))?;
    passthrough.status().ok_or_else(|| "the rig ended before its command did".into())
}

fn command(host: &Host, ramdisk: &Ramdisk, disk: Option<&Path>) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .args(["-M", &format!("virt,virtualization=on,gic-version={}", host.gic), "-cpu", &host.cpu])
        .args(["-smp", &host.cpus.to_string(), "-m", &format!("{}M", host.memory_mib)])
        .args(["-nographic", "-nodefaults", "-no-reboot"])
        .arg("-kernel")
        .arg(&host.kernel)
        .arg("-initrd")
        .arg(&ramdisk.0)
        .args(["-append", "console=ttyAMA0 loglevel=0 panic=-1 mitigations=off"]);
    if let Some(disk) = disk {
        let drive = format!("if=none,id=disk,format=raw,snapshot=on,file={}", disk.display());
        command.args(["-drive", &drive, "-device", "virtio-blk-device,drive=disk"]);
    }
    command
}

/// A file that is gone after use.
struct Ramdisk(PathBuf);

impl Ramdisk {
    fn new(data: &[u8]) -> Result<Self, String> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("armlet-rig-{}-{n}.cpio", std::process::id()));
        std::fs::write(&path, data).map_err(|e| format!("{}: {e}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Ramdisk {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
