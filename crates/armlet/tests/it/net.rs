//! Debian's kernels on the host's network: what a guest gets from the host, gives to it and is asked for.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use armlet_testkit::payloads::{self, Kernel};
use armlet_testkit::session::Session;
use armlet_testkit::{cpio, skip};

/// Generous: CI machines are slow and shared, and tests measure nothing.
const LIMIT: Duration = Duration::from_secs(240);
/// Bytes that go to the guest and come back.
const LEN: u32 = 8 << 20;

/// What `udhcpc` runs when it has a lease.
const ON_LEASE: &str = "#!/bin/sh
[ \"$1\" = bound ] || exit 0
ip addr add $ip/$mask dev $interface
ip route add default via $router
echo nameserver $dns >/etc/resolv.conf
echo lease=$ip/$mask,$router,$dns,$lease
";

/// Brings the card up.
const UP: &str = "
ip link set lo up; ip link set eth0 up
";

/// Gets an address.
const LEASE: &str = "
mkdir -p /etc; chmod +x /tmp/on-lease
udhcpc -q -n -t 10 -i eth0 -s /tmp/on-lease 2>&1 || echo no lease
";

/// A kernel with drivers for both transports.
struct Guest(Kernel<3>);

fn arm64() -> Option<Guest> {
    let p = payloads::get().map_err(|why| skip(&why)).ok()?;
    let modules = [&p.cloud_modules, &p.cloud_net_modules, &p.cloud_pci_modules];
    Some(Guest(Kernel { image: &p.cloud_kernel, modules, busybox: &p.busybox }))
}

fn armhf() -> Option<Guest> {
    let p = payloads::get32().map_err(|why| skip(&why)).ok()?;
    let modules = [&p.armmp_lpae_modules, &p.armmp_lpae_net_modules, &p.armmp_lpae_pci_modules];
    Some(Guest(Kernel { image: &p.armmp_lpae, modules, busybox: &p.busybox }))
}

impl Guest {
    fn start(&self, dir: &Path, init: &str, options: &[&str]) -> Session {
        self.start_with(
            &mut Command::new(env!("CARGO_BIN_EXE_armlet")),
            dir,
            &format!("{LEASE}{init}"),
            options,
        )
    }

    fn start_with(&self, command: &mut Command, dir: &Path, init: &str, options: &[&str]) -> Session {
        let ramdisk = dir.join("ramdisk");
        let mut files = self.0.modules();
        files.retain(|(name, _)| name.contains("virtio") || name.contains("failover"));
        files.push(("on-lease".to_owned(), ON_LEASE.into()));
        let init = format!("{UP}{init}");
        std::fs::write(&ramdisk, cpio::module_ramdisk(self.0.busybox, &files, &init)).unwrap();
        command.arg("run").arg(self.0.image).arg("--initrd").arg(&ramdisk).args(options);
        command.args(["-q", "--memory", "256M", "--append", "console=ttyAMA0 quiet"]);
        Session::start(command).unwrap()
    }
}

/// Bytes that repeat nowhere.
fn content() -> Arc<[u8]> {
    (0..LEN / 4).flat_map(|word| word.wrapping_mul(0x9e37_79b1).to_le_bytes()).collect()
}

/// Answers every HTTP request at `address` with `body`; the port.
fn http(address: impl Into<std::net::IpAddr>, body: Arc<[u8]>) -> Option<u16> {
    let listener = TcpListener::bind(SocketAddr::new(address.into(), 0)).ok()?;
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let (mut request, mut byte) = (Vec::new(), [0]);
            while !request.ends_with(b"\r\n\r\n") && connection.read(&mut byte).unwrap_or(0) == 1 {
                request.push(byte[0]);
            }
            let head = format!("HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            let _ = connection.write_all(head.as_bytes()).and_then(|()| connection.write_all(&body));
        }
    });
    Some(port)
}

/// Takes one connection, and tells all that came by it.
fn sink() -> (u16, Receiver<Vec<u8>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let (port, (tell, told)) = (listener.local_addr().unwrap().port(), channel());
    std::thread::spawn(move || {
        let mut all = Vec::new();
        listener.accept().unwrap().0.read_to_end(&mut all).unwrap();
        tell.send(all).unwrap();
    });
    (port, told)
}

/// A DNS server that knows one IPv4 address for every name (RFC 1035, 4.1).
fn dns() -> u16 {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = socket.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut query = [0; 512];
        while let Ok((len, from)) = socket.recv_from(&mut query) {
            // The question ends with the name's last, empty label, type and class.
            let name = 12 + query[12..len].iter().position(|byte| *byte == 0).unwrap() + 1;
            let address = query[name..name + 2] == [0, 1];
            let mut reply = query[..name + 4].to_vec();
            (reply[2], reply[3]) = (0x81, 0x80);
            (reply[7], reply[9], reply[11]) = (u8::from(address), 0, 0);
            if address {
                reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 77]);
            }
            socket.send_to(&reply, from).unwrap();
        }
    });
    port
}

/// A port that nobody listens on.
fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// Sends `bytes` to a port that leads to an echo in the guest; what comes back until the end.
fn echoed(port: u16, bytes: &Arc<[u8]>) -> Vec<u8> {
    let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    let (mut out, bytes) = (connection.try_clone().unwrap(), bytes.clone());
    let writer = std::thread::spawn(move || {
        out.write_all(&bytes).unwrap();
        out.shutdown(Shutdown::Write).unwrap();
    });
    let mut back = Vec::new();
    connection.read_to_end(&mut back).unwrap();
    writer.join().unwrap();
    back
}

/// Says in what bytes differ that should not.
fn assert_same(ours: &[u8], theirs: &[u8]) {
    let first = ours.iter().zip(theirs).position(|(a, b)| a != b);
    assert!(ours == theirs, "{} bytes, not {}; the first other one is {first:?}", ours.len(), theirs.len());
}

/// Takes another address, then fetches again with what CPU 1 sends, and so on the card's second pair of queues.
const AGAIN: &str = "
ip link set eth0 address 52:54:00:aa:bb:0c
taskset 2 wget -q -O /tmp/again $web && cmp /tmp/big /tmp/again && echo again=$(cat /sys/class/net/eth0/address)
cd /sys/class/net/eth0/queues; echo queues=$(echo *); cd /
";

/// Tells how many interrupts each queue has made, on either CPU.
const INTERRUPTS: &str = "
sed -n 's/ *[0-9]*: *\\([0-9]*\\) *\\([0-9]*\\) .*virtio.-\\(.*put.*\\)/\\3=\\1+\\2,/p' /proc/interrupts
";

/// True if frames came in by the second pair of queues.
fn second_pair_is_used(text: &str) -> bool {
    let interrupts = text.lines().find_map(|line| line.trim().strip_prefix("input.1=")).unwrap_or_default();
    let each: Vec<u32> = interrupts.split(['+', ',']).map_while(|count| count.parse().ok()).collect();
    each.iter().sum::<u32>() > 0
}

/// What the guest says. It does `more` at the end.
fn talks(guest: &Guest, net: &str, more: &str, options: &[&str]) -> String {
    let body = content();
    let web = http(Ipv4Addr::LOCALHOST, body.clone()).unwrap();
    let web6 = http(Ipv6Addr::LOCALHOST, body.clone());
    let (upload, uploaded) = sink();
    let (closed, forward) = (free_port(), free_port());
    let init = format!(
        "
echo nobody=$(wget -q -O - http://10.0.2.2:{closed}/ 2>&1)
ping -c 1 10.0.2.2 | grep -o '1 packets received'
wget -q -O /tmp/big http://10.0.2.2:{web}/ && nc 10.0.2.2 {upload} </tmp/big
nslookup a.name.test | grep -o 192.0.2.77
while ! ip -6 addr show dev eth0 scope global | grep -v tentative | grep -q inet6; do sleep 1; done
ping -c 1 fd0a:0:2::2 | grep -o '1 packets received'
[ {web6} = 0 ] || wget -q -O /tmp/big6 'http://[fd0a:0:2::2]:{web6}/' && cmp /tmp/big /tmp/big6 && echo same6
nc -l -p 7 -e cat & while ! grep -q ':0007 ' /proc/net/tcp*; do usleep 1000; done; echo list''ening; wait
while grep -q ':0007 ' /proc/net/tcp*; do usleep 1000; done
web=http://10.0.2.2:{web}/{more}
echo ended; poweroff -f
",
        web6 = web6.unwrap_or(0)
    );
    let dir = tempfile::tempdir().unwrap();
    let net = format!("user,7:{forward},dns=127.0.0.1:{}{net}", dns());
    let mut session = guest.start(dir.path(), &init, &[&["--net", &net], options].concat());
    session.expect("listening", LIMIT);
    assert_same(&echoed(forward, &body), &body);
    session.expect("ended", LIMIT);
    let (status, text) = session.finish(LIMIT);
    assert!(status.success() && !text.contains("does not load"), "{status}: {text}");
    assert!(uploaded.recv_timeout(LIMIT).unwrap() == *body, "what was sent to the guest and back differs");
    assert!(text.contains("lease=10.0.2.15/24,10.0.2.2,10.0.2.3,86400"), "{text}");
    assert!(
        text.contains("nobody=wget: can't connect to remote host (10.0.2.2): Connection refused"),
        "{text}"
    );
    assert_eq!(text.matches("1 packets received").count(), 2, "{text}");
    assert!(text.contains("\n192.0.2.77") || text.contains("192.0.2.77\r"), "{text}");
    match web6 {
        Some(_) => assert!(text.contains("same6"), "{text}"),
        None => skip("the host has no IPv6 loopback"),
    }
    text
}

/// A tap device in a network namespace of its own, and a server behind it; then a guest.
const TAP: &str = r#"
set -e
ip tuntap add dev tap0 mode tap $KIND; ip addr add 192.0.2.1/24 dev tap0; ip link set tap0 up
"$PYTHON" - "$BODY" <<'END' &
import socketserver, sys, threading
body = open(sys.argv[1], 'rb').read()
class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(body) if self.server.server_address[1] == 1 else self.compare()
    def compare(self):
        self.wfile.write(b'came back the same' if self.rfile.read() == body else b'came back other')
class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
threading.Thread(target=Server(('192.0.2.1', 1), Handler).serve_forever, daemon=True).start()
Server(('192.0.2.1', 2), Handler).serve_forever()
END
server=$!
trap 'kill $server' EXIT
"$@"
"#;

/// All by what CPU 1 sends, and so on the card's second pair of queues if there is one.
const ON_TAP: &str = "
ip addr add 192.0.2.2/24 dev eth0
ping -c 1 192.0.2.1 | grep -o '1 packets received'
while ! taskset 2 nc 192.0.2.1 1 </dev/null >/tmp/big; do sleep 1; done
taskset 2 nc 192.0.2.1 2 </tmp/big; echo
";

/// A device that somebody has a queue of; then armlet.
const TAKEN: &str = r#"
ip tuntap add dev tap0 mode tap multi_queue; ip link set tap0 up
exec "$PYTHON" - "$@" <<'END'
import fcntl, struct, subprocess, sys
queue = open('/dev/net/tun', 'r+b', buffering=0)
fcntl.ioctl(queue, 0x400454ca, struct.pack('16sH22x', b'tap0', 0x1102))
sys.exit(subprocess.run(sys.argv[1:]).returncode)
END
"#;

/// Runs a script that makes tap devices of its own, with armlet as its argument.
fn in_namespace(script: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(["-rn", "sh", "-c", script, "sh", env!("CARGO_BIN_EXE_armlet")]);
    command.env("PYTHON", std::env::var("ARMLET_PYTHON").unwrap_or("python3".into()));
    command
}

/// True if this user can make tap devices in a network namespace.
fn can_tap() -> bool {
    let made = in_namespace("ip tuntap add dev tap0 mode tap").output();
    let can = made.is_ok_and(|output| output.status.success());
    if !can {
        // Not an oracle: many hosts, containers among them, don't let their users do that.
        eprintln!("skipped: no tap device can be made in a network namespace here");
    }
    can
}

/// What a guest says on a tap device that is made so. It does `more` at the end.
fn talks_by_tap(kind: &str, net: &str, more: &str, options: &[&str]) -> Option<String> {
    let guest = arm64().filter(|_| can_tap())?;
    let dir = tempfile::tempdir().unwrap();
    let body = dir.path().join("body");
    std::fs::write(&body, content()).unwrap();
    let mut command = in_namespace(TAP);
    command.env("BODY", &body).env("KIND", kind);
    let init = format!("{ON_TAP}{more}poweroff -f");
    let options = [&["--net", net, "--cpus", "2"], options].concat();
    let (status, text) = guest.start_with(&mut command, dir.path(), &init, &options).finish(LIMIT);
    assert!(status.success() && text.contains("1 packets received"), "{status}: {text}");
    assert!(text.contains("came back the same"), "{text}");
    Some(text)
}

#[cfg(target_os = "linux")]
#[test]
fn a_tap_device_carries_frames() {
    talks_by_tap("", "tap=tap0", "", &[]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_tap_device_of_several_queues_carries_frames() {
    let options = ["--virtio", "pci"];
    let Some(text) = talks_by_tap("multi_queue", "tap=tap0,queues=2", INTERRUPTS, &options) else { return };
    assert!(second_pair_is_used(&text), "{text}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_tap_device_of_others_is_refused() {
    if !can_tap() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("program");
    std::fs::write(&program, 0x1400_0000_u32.to_le_bytes()).unwrap();
    let refusal = |script: &str, net: &str| {
        let output = in_namespace(script).arg("run").arg(&program).args(["--net", net]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    for net in ["tap=tap0", "tap=tap0,queues=2"] {
        let text = refusal(TAKEN, net);
        assert!(text.contains("tap device tap0 is in use by another program"), "{text}");
    }
    let text = refusal("ip tuntap add dev tap0 mode tap; exec \"$@\"", "tap=tap0,queues=2");
    assert!(text.contains("tap device tap0 has one queue; leave queues= out"), "{text}");
    let text = refusal("ip tuntap add dev tap0 mode tun; exec \"$@\"", "tap=tap0");
    assert!(text.contains("tap0 is no tap device"), "{text}");
}

#[test]
fn arm64_talks_to_the_host_by_pci() {
    let Some(guest) = arm64() else { return };
    let more = format!("{AGAIN}{INTERRUPTS}");
    let text = talks(&guest, ",queues=2", &more, &["--cpus", "2", "--virtio", "pci"]);
    assert!(text.contains("again=52:54:00:aa:bb:0c"), "{text}");
    assert!(text.contains("queues=rx-0 rx-1 tx-0 tx-1"), "{text}");
    // So they went out by it.
    assert!(second_pair_is_used(&text), "{text}");
}

#[test]
fn armhf_talks_to_the_host_by_mmio() {
    let Some(guest) = armhf() else { return };
    talks(&guest, "", "", &["--cpus", "1"]);
}
