//! Debian's kernel and Python with sockets to the host, both ways.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Command;
use std::time::Duration;

use armlet_testkit::payloads::{self, Kernel};
use armlet_testkit::programs::Arch;
use armlet_testkit::session::Session;
use armlet_testkit::{cpio, skip};

/// Generous: CI machines are slow and shared, and tests measure nothing.
const LIMIT: Duration = Duration::from_secs(240);
const LEN: usize = 3 << 20;

/// Sends to the host what it has sent, then serves two connections of the host.
const PROGRAM: &str = "
import socket, threading
def echo(connection):
    total = 0
    while data := connection.recv(100000):
        connection.sendall(data); total += len(data)
    connection.shutdown(socket.SHUT_WR)
    return total
there = socket.socket(socket.AF_VSOCK)
there.connect((2, 5000))
print('echoed', echo(there)); there.close()
try:
    socket.socket(socket.AF_VSOCK).connect((2, 5001))
except OSError as error:
    print('refused', type(error).__name__)
listener = socket.socket(socket.AF_VSOCK)
listener.bind((socket.VMADDR_CID_ANY, 1234)); listener.listen()
print('listening as', listener.getsockname()[1], flush=True)
threads = [threading.Thread(target=echo, args=(listener.accept()[0],)) for _ in range(2)]
[thread.start() for thread in threads]; [thread.join() for thread in threads]
print('served')
";

/// Bytes that repeat nowhere.
fn pattern(seed: u32) -> Vec<u8> {
    (0..LEN as u32 / 4).flat_map(|word| (word ^ seed << 24).to_le_bytes()).collect()
}

/// Sends all of it and reads it back.
fn through(mut stream: UnixStream, mut reader: impl Read, seed: u32) {
    let sent = pattern(seed);
    let writer = std::thread::spawn({
        let sent = sent.clone();
        move || {
            stream.write_all(&sent).unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
            stream
        }
    });
    let mut back = Vec::new();
    reader.read_to_end(&mut back).unwrap();
    assert!(back == sent, "{} of {} bytes came back", back.len(), sent.len());
    writer.join().unwrap();
}

#[test]
fn programs_talk_through_sockets() {
    let Ok(p) = payloads::get().map_err(|why| skip(&why)) else { return };
    let Ok(trees) = Arch::Arm64.trees().map_err(|why| skip(&why)) else { return };
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    let listener = UnixListener::bind(at("vm.sock_5000")).unwrap();
    let host = std::thread::spawn(move || {
        let stream = listener.accept().unwrap().0;
        through(stream.try_clone().unwrap(), stream, 1);
    });

    let modules = [&p.modules, &p.more_modules, &p.pci_modules];
    let kernel = Kernel { image: &p.kernel, modules, busybox: &p.busybox };
    let mut modules = kernel.modules();
    modules.retain(|(name, _)| !name.contains("ext4"));
    fs::write(at("program.py"), PROGRAM).unwrap();
    let init = "
mount -t 9p -o trans=virtio,cache=loose tree /mnt; mount -t 9p -o trans=virtio share /mnt/etc
chroot /mnt /usr/bin/python3 /etc/program.py
poweroff -f
";
    fs::write(at("ramdisk"), cpio::module_ramdisk(&p.busybox, &modules, init)).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_armlet"));
    command.arg("run").arg(&p.kernel).args(["--initrd", &at("ramdisk"), "--cpus", "2", "--virtio", "pci"]);
    command.args(["--share", &at(""), "--share", &format!("{},ro,tag=tree", trees.join("python").display())]);
    command.args(["--vsock", &format!("77,socket={}", at("vm.sock"))]);
    command.args(["--memory", "512M", "--append", "console=ttyAMA0 quiet"]);
    let mut session = Session::start(&mut command).unwrap();
    session.expect("listening as 1234", LIMIT);
    host.join().unwrap();
    let guests: Vec<_> = (2..4)
        .map(|seed| {
            let mut stream = UnixStream::connect(at("vm.sock")).unwrap();
            stream.write_all(b"CONNECT 1234\n").unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            assert!(line.starts_with("OK "), "{line:?}");
            std::thread::spawn(move || through(stream, reader, seed))
        })
        .collect();
    guests.into_iter().for_each(|guest| guest.join().unwrap());
    let (status, text) = session.finish(LIMIT);
    let all = [&format!("echoed {LEN}"), "refused ConnectionResetError", "served"];
    assert!(status.success() && all.iter().all(|word| text.contains(*word)), "{status}: {text}");
    assert!(!dir.path().join("vm.sock").exists(), "the socket is left behind");
}
