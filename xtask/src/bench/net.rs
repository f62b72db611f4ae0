//! The user network: TCP between a guest's program and a server on the host, which the guest finds at its gateway.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;

use armlet_testkit::{cpio, root};

use super::arch::Arch;
use super::machine::{Machine, Runs};
use super::{INIT_REACHED, Options, write};

/// The class in the table, and its name for `--only`.
pub const CLASS: &str = "net";
/// What the server sends at once.
const CHUNK: usize = 256 << 10;

/// Measures if `options` asks for it.
pub fn run(options: &Options, arch: &Arch, machines: &[Machine], results: &mut Runs) -> Result<(), String> {
    if !options.wants(CLASS) {
        return Ok(());
    }
    let port = serve().map_err(|e| format!("no server on the host: {e}"))?;
    let ramdisk = ramdisk(arch, port)?;
    for round in 0..options.runs.max(1) {
        for machine in machines {
            eprintln!("{}, net, run {}: {}", arch.title, round + 1, machine.name);
            results.add(machine.boot_net(&ramdisk)?);
        }
    }
    Ok(())
}

/// A server for as long as this program runs; its port. The first byte of a connection says what it is for.
fn serve() -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    std::thread::spawn(move || {
        for connection in listener.incoming().map_while(Result::ok) {
            // The guest goes away when it has what it wants.
            std::thread::spawn(move || drop(answer(connection)));
        }
    });
    Ok(port)
}

fn answer(mut connection: TcpStream) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let (mut command, mut chunk) = ([0], vec![0x5a; CHUNK]);
    connection.read_exact(&mut command)?;
    match command[0] {
        b'r' => loop {
            connection.write_all(&chunk)?;
        },
        b's' => {
            while connection.read(&mut chunk)? > 0 {}
            connection.write_all(&command)
        }
        _ => loop {
            let len = connection.read(&mut chunk)?;
            if len == 0 {
                return Ok(());
            }
            connection.write_all(&chunk[..len])?;
        },
    }
}

fn ramdisk(arch: &Arch, port: u16) -> Result<PathBuf, String> {
    let program = arch.compile("net", &[root().join("guests/bench/net.c")], &[])?;
    let modules = [arch.modules, arch.net_modules].into_iter().enumerate().flat_map(|(index, modules)| {
        modules.iter().map(move |(name, data)| (format!("tmp/{index}-{name}"), &data[..]))
    });
    let files: Vec<_> = modules.chain([("bin/net".to_owned(), &program[..])]).collect();
    let files: Vec<_> = files.iter().map(|(name, data)| (name.as_str(), *data)).collect();
    let init = format!(
        "{}for module in /tmp/*.ko; do insmod $module; done\nip link set eth0 up; ip addr add 10.0.2.15/24 dev eth0\n\
         echo {INIT_REACHED}\n/bin/net 10.0.2.2 {port}\necho @end\npoweroff -f\n",
        cpio::INIT_PROLOGUE
    );
    let path = arch.path("initrd-net");
    write(&path, &cpio::busybox_ramdisk(arch.busybox, &init, &files))?;
    Ok(path)
}
