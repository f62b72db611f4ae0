//! Bad input is one line on stderr that says what is wrong, nothing on stdout, and status 2.

use crate::common::ask;
use std::path::{Path, PathBuf};

/// Runs `args` and expects a refusal whose line contains each of `says`.
fn refused(args: &[&str], says: &[&str]) {
    let output = ask(args);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{args:?}: {stderr}");
    assert!(output.stdout.is_empty(), "{args:?}");
    assert!(stderr.starts_with("armlet: ") && stderr.ends_with('\n'), "{args:?}: {stderr:?}");
    assert_eq!(stderr.lines().count(), 1, "{args:?}: {stderr}");
    for part in says {
        assert!(stderr.contains(part), "{args:?}: {stderr:?} does not say {part:?}");
    }
}

/// A directory of files for one test.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn add(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        text(&path)
    }

    /// A flat program for the `virt` machine: it would loop for ever.
    fn program(&self) -> String {
        self.add("program.bin", &0x1400_0000_u32.to_le_bytes())
    }
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

#[test]
fn networks_that_can_not_be() {
    let files = Files::new();
    let program = files.program();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let forward = format!("user,22:{port}");
    refused(
        &["run", &program, "--net", &forward],
        &[&format!("--net: the host can't listen on 127.0.0.1:{port}: "), "choose another port"],
    );
    refused(&["run", &program, "--net", "user", "--deterministic"], &["network", "leave --net out"]);
    refused(&["run", "hello", "--net", "user"], &["machine monitor", "a network card", "leave --net out"]);
    if cfg!(target_os = "linux") {
        refused(
            &["run", &program, "--net", "tap=no-such-tap"],
            &["--net: there is no tap device", "ip tuntap add"],
        );
    }
}

#[test]
fn things_that_are_not_there() {
    refused(&["run", "nonesuch"], &["no file, no image and no embedded guest", "nonesuch", "armlet guests"]);
    refused(&["run", "helo"], &["did you mean hello?"]);
    refused(&["run", "./no/such/Image"], &["./no/such/Image", "no such file"]);
    refused(&["run", "-"], &["standard input"]);
    let empty = tempfile::tempdir().unwrap();
    refused(&["run", &text(empty.path())], &["directory", &text(empty.path())]);
}

#[test]
fn options_that_name_missing_files() {
    let files = Files::new();
    let program = files.program();
    let missing = text(&PathBuf::from(files.0.path()).join("missing"));
    refused(&["run", &program, "--initrd", &missing], &["initrd", &missing, "no such file"]);
    refused(&["run", &program, "--dtb", &missing], &["device tree", &missing, "no such file"]);
    let empty = files.add("empty", b"");
    refused(&["run", &program, "--initrd", &empty], &["initrd", "it is empty"]);
}

#[cfg(unix)]
#[test]
fn devices_are_not_guests() {
    if std::env::var_os("ARMLET_TESTED").is_some() {
        return eprintln!(
            "skipped: the program in ARMLET_TESTED may be one of another system, with other devices"
        );
    }
    refused(&["run", "/dev/zero"], &["/dev/zero", "not a regular file"]);
}

#[test]
fn images_that_are_none() {
    let files = Files::new();
    let refuse = |name, bytes: &[u8], says: &[&str]| refused(&["run", &files.add(name, bytes)], says);
    refuse("empty", b"", &["it is empty"]);
    refuse("short.elf", b"\x7fELF\x02\x01\x01", &["short.elf", "cut short"]);
    refuse("package.deb", b"!<arch>\ndebian-binary", &["Debian package"]);
    refuse("disk.qcow2", b"QFI\xfb\0\0\0\x03", &["qcow2"]);
    refuse("script", b"#!/bin/sh\n", &["a script"]);

    let mut x86 = [0; 64];
    x86[..6].copy_from_slice(b"\x7fELF\x02\x01");
    x86[16..20].copy_from_slice(&[2, 0, 62, 0]);
    refuse("x86.elf", &x86, &["x86-64"]);

    let mut image = [0; 64];
    image[16..24].copy_from_slice(&0x20_0000_u64.to_le_bytes());
    image[56..60].copy_from_slice(b"ARM\x64");
    refuse("Image", &image[..60], &["Image"]);
    // So short that only its first instruction tells.
    refuse("vmlinuz", b"MZ\x40\xfa....", &["arm64 Image is cut short", "needs 64 bytes"]);
    let mut x86 = [0; 1024];
    x86[510..512].copy_from_slice(b"\x55\xaa");
    x86[0x202..0x206].copy_from_slice(b"HdrS");
    refuse("bzImage", &x86, &["x86 bzImage", "arm64"]);
    refuse("zImage", &zimage()[..0x100], &["zImage is cut short", "needs 512 bytes"]);
    let big_endian = [&zimage()[..0x30], &[4, 3, 2, 1], &zimage()[0x34..]].concat();
    refuse("zImage.be", &big_endian, &["big-endian"]);
    refuse("arm.elf", b"\x7fELF\x01\x01..........\x02\0\x28\0", &["arm.elf", "needs 52 bytes"]);
    refuse("uImage", b"\x27\x05\x19\x56", &["uImage is cut short"]);
    refuse("uImage", &[&b"\x27\x05\x19\x56"[..], &[0; 80]].concat(), &["checksum of its header"]);
    refuse("Image.gz", b"\x1f\x8b\x08\0\0", &["Image.gz"]);
}

/// The smallest arm zImage.
fn zimage() -> Vec<u8> {
    let mut bytes = vec![0; 512];
    for (at, word) in [(0x24, 0x016f_2818u32), (0x2c, 512), (0x30, 0x0403_0201)] {
        bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
    }
    bytes
}

#[test]
fn payloads_of_the_other_state() {
    let files = Files::new();
    let mut image = [0; 64];
    image[16..24].copy_from_slice(&0x20_0000_u64.to_le_bytes());
    image[56..60].copy_from_slice(b"ARM\x64");
    let image = files.add("Image", &image);
    refused(&["run", &image, "--aarch32"], &["Image (arm64 Image) can't start in AArch32", "--aarch32 out"]);
    let zimage = files.add("zImage", &zimage());
    let says = ["zImage (arm zImage) needs AArch32 at EL1", "neoverse-n1 does not have; use --cpu max, "];
    refused(&["run", &zimage, "--cpu", "neoverse-n1"], &says);
    let says = ["Image (arm64 Image) needs AArch64 at EL1", "cortex-a15 does not have; use --cpu max, "];
    refused(&["run", &image, "--cpu", "cortex-a15"], &says);
    refused(&["run", "hello", "--cpu", "cortex-a7"], &["needs AArch64 at EL1", "cortex-a7"]);
    refused(&["run", "hvio", "--cpu", "neoverse-n1"], &["needs AArch32 at EL1", "neoverse-n1"]);
    refused(&["run", "hello", "--aarch32"], &["hello is 64-bit code", "leave --aarch32 out"]);
    refused(&["run", "hvio", "--machine", "virt"], &["hvio is for the machine hvio, not virt"]);
}

#[test]
fn things_that_do_not_fit() {
    let files = Files::new();
    let program = files.program();
    let initrd = files.add("initrd", &vec![b'x'; 8 << 20]);
    refused(&["run", &program, "--memory", "4M", "--initrd", &initrd], &["initrd"]);
    let large = files.add("large.bin", &vec![0xd5; 65 << 20]);
    refused(&["run", "-M", "monitor", &large], &["large.bin", "guest memory is"]);
    refused(&["run", &program, "--load", "0x1000"], &["0x1000"]);
    refused(&["run", &program, "--initrd", &text(files.0.path())], &["initrd", "it is a directory"]);
}

#[test]
fn disks_that_can_not_be() {
    let files = Files::new();
    let program = files.program();
    let disk = files.add("disk.img", &[0; 512]);
    let refuse = |options: &[&str], says: &[&str]| refused(&[&["run", &program], options].concat(), says);
    refuse(&["--disk", "/no/such.img"], &["/no/such.img", "no such file"]);
    refuse(&["--disk", &text(files.0.path())], &["is a directory"]);
    refuse(&["--disk", &files.add("empty.img", b"")], &["is empty", "truncate"]);
    refuse(&["--disk", &disk, "--disk", &disk], &["in use", ",ro or ,overlay"]);
    refuse(&["--disk", &files.add("a.qcow2", &[0; 512])], &["no qcow2 image"]);
    refuse(&["--disk", &files.add("b.img", b"QFI\xfb\0\0\0\x03")], &["format=raw or format=qcow2"]);
    refuse(&["--disk", &format!("file={disk},format=raw")], &["write the file's name alone"]);
    refuse(&["--disk", &format!("{disk},overlya")], &["did you mean overlay?"]);
    refuse(&["--disk", &disk, "-M", "monitor"], &["monitor can't use a disk", "--machine virt"]);
    refuse(&["--acpi", "on"], &["without firmware", "--firmware edk2"]);
    refuse(&["--firmware", "edk"], &["no firmware", "did you mean edk2?"]);
    refuse(&["--firmware", "./nowhere.fd"], &["./nowhere.fd", "no such file"]);
    refuse(&["--firmware", &disk, "--entry", "0x1000"], &["--entry", "address 0"]);
    refuse(&["--firmware", &disk, "-M", "monitor"], &["can't use firmware", "--machine virt"]);
    let read_only = format!("{disk},ro");
    refuse(&["--disk", &read_only].repeat(32), &["32 disks", "30 slots"]);
    refuse(&["--drive", &format!("file={disk}")], &["no option --drive", "--disk FILE"]);
}

#[cfg(target_os = "linux")]
#[test]
fn shares_that_can_not_be() {
    let files = Files::new();
    let program = files.program();
    let dir = text(files.0.path());
    let refuse = |options: &[&str], says: &[&str]| refused(&[&["run", &program], options].concat(), says);
    refuse(&["--share", "/no/such"], &["/no/such", "no such directory"]);
    refuse(&["--share", &program], &["is not a directory"]);
    refuse(&["--share", &format!("{dir},readonly")], &["write ro"]);
    refuse(&["--share", &format!("{dir},maped")], &["did you mean mapped?"]);
    refuse(&["--share", &format!("{dir},tag=a b")], &["tag= wants"]);
    refuse(&["--share", &dir, "--share", &format!("{dir},tag=share")], &["\"share\"", ",tag=NAME"]);
    refuse(&["--share", "/proc/self,mapped"], &["no extended attributes"]);
    refuse(&["--share", &dir, "-M", "monitor"], &["monitor can't use a shared directory", "--machine virt"]);
    refuse(&["--virtfs", &format!("local,path={dir}")], &["no option --virtfs", "--share DIR"]);
}

#[cfg(target_os = "linux")]
#[test]
fn sockets_that_can_not_be() {
    let files = Files::new();
    let program = files.program();
    let refuse = |options: &[&str], says: &[&str]| refused(&[&["run", &program], options].concat(), says);
    refuse(&["--vsock", "2,socket=x"], &["no context id of a guest, which is 3 or more"]);
    refuse(&["--vsock", "3"], &["3,socket=FILE"]);
    refuse(&["--vsock", "3,soket=x"], &["did you mean socket?"]);
    refuse(&["--vsock", &format!("3,socket={program}")], &["can't make the socket", "in use"]);
    refuse(&["--vsock", "3,socket=/no/such"], &["can't make the socket /no/such"]);
    refuse(&["--vsock", "3,socket=x", "-M", "monitor"], &["can't use a socket device"]);
    refuse(&["--vsock", "3,socket=x", "--deterministic"], &["can't be repeated"]);
}

#[test]
fn absurd_machines() {
    let files = Files::new();
    let program = files.program();
    let refuse = |options: &[&str], says: &[&str]| refused(&[&["run", &program], options].concat(), says);
    refuse(&["--cpus", "0"], &["--cpus", "at least one CPU"]);
    refuse(&["--cpus", "100000"], &["100000 CPUs"]);
    refuse(&["--cpus", "some"], &["\"some\" is not a number of CPUs"]);
    refuse(&["--memory", "0"], &["--memory", "needs some memory"]);
    refuse(&["--memory", "10T"], &["at most"]);
    refuse(&["--memory", "99999999999T"], &["more than 64 bits"]);
    refuse(&["--memory", "plenty"], &["\"plenty\" is not a size", "512M"]);
    refuse(&["--memory", "64k"], &["64 KiB of memory", "at least"]);
    refuse(&["--memory", "1"], &["1 byte of memory"]);
    refuse(&["--memory", "-5"], &["--memory: \"-5\" is not a size"]);
    refuse(&["--cpus", "-1"], &["--cpus: \"-1\" is not a number of CPUs"]);
    refuse(&["--gic", "2", "--cpus", "9"], &["9 CPUs", "GICv2"]);
}

#[test]
fn unknown_names_get_suggestions() {
    refused(&["run", "--machine", "vitr"], &["no machine \"vitr\"", "did you mean virt?"]);
    refused(&["run", "--machine", "raspi"], &["virt", "monitor"]);
    refused(&["run", "--cpu", "mxa"], &["no CPU model \"mxa\"", "did you mean max?"]);
    refused(&["run", "--backend", "sotf"], &["no backend \"sotf\"", "did you mean soft?"]);
    refused(&["run", "--gic", "4"], &["it has 2 and 3"]);
    refused(&["run", "--virtio", "usb"], &["\"usb\"", "mmio or pci"]);
    refused(&["run", "hello", "--virtio", "pci"], &["monitor can't use PCI", "virt"]);
    refused(&["run", "--log", "everything"], &["exits=FILE"]);
    refused(&["run", "--memroy", "1G"], &["--memroy", "--memory"]);
    refused(&["run", "--nope"], &["unexpected argument '--nope' found\n"]);
    refused(&["rnu"], &["no command \"rnu\"", "did you mean run?"]);
    refused(&["timer"], &["armlet run timer"]);
}

#[test]
fn backends_of_other_hosts_say_why() {
    if !cfg!(all(target_os = "windows", target_arch = "aarch64")) {
        refused(&["run", "--backend", "whp"], &["whp is not available", "it needs", "--backend soft"]);
    }
    if !cfg!(all(target_os = "linux", target_arch = "aarch64")) {
        refused(&["run", "--backend", "kvm"], &["kvm is not available", "it needs", "--backend soft"]);
    }
}

#[test]
fn engines_that_are_none() {
    refused(&["run", "--engine", "tcg"], &["no engine \"tcg\"", "auto, jit and interp"]);
    refused(&["run", "--backend", "kvm", "--engine", "jit"], &["--engine is for the backend soft, not kvm"]);
    refused(&["run", "--backend", "whp", "--code-cache", "8M"], &["--code-cache is for the backend soft"]);
    refused(&["run", "--backend", "kvm", "--strict-code"], &["--strict-code is for the backend soft"]);
    refused(&["run", "--code-cache", "1k"], &["--code-cache: 1 KiB can't be", "1 MiB to 1 GiB"]);
    refused(&["run", "--code-cache", "1T"], &["--code-cache: 1 TiB can't be"]);
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        refused(&["run", "--engine", "jit"], &["the JIT can't run here", "--engine interp"]);
    }
}

#[test]
fn views_of_code_that_can_not_be_had() {
    let files = Files::new();
    refused(&["run", "--dump-code", "main"], &["--dump-code", "not an address", "or all"]);
    refused(&["run", "--dump-code", "0x40001003"], &["it is odd"]);
    refused(&["run", "--dump-file", "f"], &["--dump-code"]);
    refused(&["run", "--dump-code", "all", "--engine", "interp"], &["--dump-code is about the code", "JIT"]);
    refused(&["run", "--perf-map", "--backend", "kvm"], &["--perf-map is for the backend soft, not kvm"]);
    refused(&["run", "--symbols", &files.program()], &["--dump-code and --perf-map"]);
    let none = files.add("System.map", b"no symbols at all\n");
    refused(&["run", "--perf-map", "--symbols", &none], &[&none, "has no symbols", "nm"]);
    let inside = format!("{}/inside", files.program());
    refused(&["run", "--dump-code", "all", "--dump-file", &inside], &["--dump-file", &inside]);
}

#[test]
fn device_trees_that_are_none() {
    let files = Files::new();
    let program = files.program();
    let not = files.add("not.dtb", b"/dts-v1/; / { };");
    refused(&["run", &program, "--dtb", &not], &["not a device tree blob"]);
    let short = files.add("short.dtb", &[0xd0, 0x0d, 0xfe, 0xed, 0, 0, 1, 0]);
    refused(&["run", &program, "--dtb", &short], &["device tree"]);
}

#[test]
fn files_that_can_not_be_written() {
    let files = Files::new();
    let inside = format!("{}/inside", files.program());
    refused(&["run", "--log", &format!("exits={inside}")], &["--log", &inside]);
    let program = files.program();
    refused(&["run", &program, &format!("--show-dtb={inside}")], &["--show-dtb", &inside]);
}

#[test]
fn combinations_without_sense() {
    refused(&["run", "hello", "--machine", "virt"], &["hello", "monitor"]);
    refused(&["run", "hello", "--append", "quiet"], &["command line"]);
    refused(&["run", "hello", "--memory", "1G"], &["64 MiB"]);
    refused(&["run", "hello", "--show-dtb"], &["no device tree"]);
    let files = Files::new();
    let hvio = |options: &[&str], says: &[&str]| {
        let mut elf = [0; 121];
        elf[..6].copy_from_slice(b"\x7fELF\x02\x01");
        elf[16..20].copy_from_slice(&[2, 0, 183, 0]);
        (elf[27], elf[32], elf[54], elf[56], elf[64], elf[72]) = (0x40, 64, 56, 1, 1, 120);
        (elf[83], elf[91], elf[96], elf[104]) = (0x40, 0x40, 1, 1);
        let program = files.add("program", &elf);
        refused(&[&["run", "-M", "hvio", &program], options].concat(), says);
    };
    hvio(&["--cpus", "2"], &["2 CPUs", "machine hvio has 1 to 1"]);
    hvio(&["--gic", "2"], &["can't use an interrupt controller"]);
    hvio(&["--memory", "2M"], &["always has 1 MiB"]);
    hvio(&["--append", "quiet"], &["can't use a command line"]);
}
