//! Images: Debian from the host's package mirror to a login, and what is refused.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use armlet_testkit::session::Session;
use armlet_testkit::{partitions, payloads, skip};

/// Generous: CI machines are slow and shared, and tests measure nothing.
const LIMIT: Duration = Duration::from_secs(600);

/// The program with images and packages of its own.
fn armlet(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_armlet"));
    command
        .env("XDG_DATA_HOME", home.join("data"))
        .env("XDG_CACHE_HOME", home.join("cache"))
        .env("HOME", home);
    command.env("XDG_RUNTIME_DIR", home);
    command.stdin(Stdio::null());
    command
}

fn told(home: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = armlet(home).args(args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

fn check_file_system(disk: &Path) {
    let output = Command::new("/usr/sbin/e2fsck").arg("-fn").arg(disk).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// Waits for the login and logs in.
fn log_in(session: &mut Session, name: &str) {
    session.expect(&format!("{name} login: "), LIMIT);
    session.type_line("root");
    session.expect(&format!("root@{name}:~# "), LIMIT);
}

/// True if systemd has started everything, and dpkg finds nothing half done.
fn is_whole(session: &mut Session) {
    session.type_line("systemctl is-system-running --wait; dpkg --audit; echo audi''ted");
    session.expect("running\r\naudited\r\n", LIMIT);
}

/// Makes an image; what pulling says.
fn pull(home: &Path, image: &str, name: &str, options: &[&str]) -> String {
    let (status, stdout, stderr) = told(home, &[&["image", "pull", image, "--name", name], options].concat());
    let log = std::fs::read_to_string(home.join(format!("cache/armlet/{name}.log"))).unwrap_or_default();
    assert_eq!((status, stdout.as_str()), (Some(0), ""), "{stderr}\n{log}");
    assert!(stderr.contains(&format!("{name} is ready: armlet run {name}.")), "{stderr}");
    let images = home.join("data/armlet/images");
    let left =
        std::fs::read_dir(images).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let left: Vec<_> = left.filter(|left| left != name && !left.ends_with(".lock")).collect();
    assert!(left.is_empty(), "{left:?}");
    stderr
}

fn missing_tool() -> Option<String> {
    // Where these can be fetched, so can an image.
    payloads::get().err().or_else(|| {
        let tools = [
            ("/usr/sbin/e2fsck", "e2fsprogs"),
            ("/usr/bin/qemu-img", "qemu-utils"),
            ("/usr/bin/ssh", "openssh-client"),
        ];
        let missing = tools.iter().find(|(tool, _)| !Path::new(tool).exists())?;
        Some(format!("{} (of {}) is not installed", missing.0, missing.1))
    })
}

/// A key for ssh: the file, and its public half.
fn key(home: &Path, name: &str) -> (PathBuf, PathBuf) {
    let file = home.join(name);
    let mut keygen = Command::new("/usr/bin/ssh-keygen");
    keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"]).arg(&file);
    assert!(keygen.status().unwrap().success());
    (file.clone(), file.with_extension("pub"))
}

/// The image's disk as stock cloud images are: behind an EFI partition, in a qcow2 image.
fn as_stock(disk: &Path, home: &Path) -> PathBuf {
    let (efi, raw, qcow2) = (home.join("efi"), home.join("stock.raw"), home.join("stock.qcow2"));
    std::fs::write(&efi, vec![0; 1 << 20]).unwrap();
    partitions::gpt(&raw, &[(15, partitions::EFI, &efi), (1, partitions::LINUX_FS, disk)]).unwrap();
    let mut convert = Command::new("/usr/bin/qemu-img");
    convert.args(["convert", "-f", "raw", "-O", "qcow2"]).args([&raw, &qcow2]);
    assert!(convert.status().unwrap().success());
    std::fs::remove_file(raw).unwrap();
    qcow2
}

/// One test, because pulling takes most of its time.
#[test]
fn debian_comes_from_the_mirror_to_a_login_and_onto_the_network() {
    if let Some(why) = missing_tool() {
        return skip(&why);
    }
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let ((_, public), (private, other)) = (key(home, "first"), key(home, "second"));
    pull(home, "debian-12-arm64", "small", &["--size", "2G", "--ssh-key", public.to_str().unwrap()]);
    let images = home.join("data/armlet/images");
    let disk = images.join("small/disk.raw");
    check_file_system(&disk);
    assert!(told(home, &["image", "ls"]).1.starts_with("small "));
    let (status, _, stderr) = told(home, &["image", "pull", "debian-12-arm64", "--name", "small"]);
    assert!(status == Some(2) && stderr.contains("there is an image small already"), "{stderr}");

    // The same system as a stock image, with four CPUs, data for its first boot, a network, and a way in by ssh.
    let stock = as_stock(&disk, home);
    let script = home.join("script");
    std::fs::write(&script, "#!/bin/sh\necho from the script >/root/script-ran\n").unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let mut run = armlet(home);
    run.arg("run").arg(&stock).args(["--overlay", "--cpus", "4", "--net", &format!("user,22:{port}")]);
    run.args(["--hostname", "web", "--cloud-init"]).arg(&script).arg("--ssh-key").arg(&other);
    let mut session = Session::start(&mut run).unwrap();
    log_in(&mut session, "web");
    is_whole(&mut session);
    session.type_line(
        "echo; nproc; cat script-ran; findmnt -n -o SOURCE /; cat .ssh/authorized_keys; echo al''l",
    );
    for text in ["\n4\r\n", "from the script", "/dev/vda1", "\nall"] {
        session.expect(text, LIMIT);
    }
    session
        .type_line("apt-get -q update; apt-get -qy install --no-install-recommends hello; echo instal''led");
    session.expect("\ninstalled", LIMIT);
    // The key of the image lets in as well as that of the first boot.
    for key in [&home.join("first"), &private] {
        let mut ssh = Command::new("/usr/bin/ssh");
        ssh.arg("-i").arg(key).args(["-p", &port, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"]);
        ssh.args([
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "UserKnownHostsFile=/dev/null",
            "root@127.0.0.1",
            "hello",
        ]);
        let output = ssh.output().unwrap();
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            "Hello, world!\n",
            "{output:?}\n{}",
            session.text()
        );
    }
    session.type_line("poweroff");
    let (status, text) = session.finish(LIMIT);
    assert!(status.success(), "{status}: {text}");

    // The image itself, in the background: what it writes stays, and it shuts down when it is told to.
    let (status, stdout, stderr) = told(home, &["run", "small", "--detach", "--quiet"]);
    assert_eq!((status, stdout.as_str()), (Some(0), "small\n"), "{stderr}");
    let mut session = Session::start(armlet(home).args(["attach", "small"])).unwrap();
    log_in(&mut session, "small");
    let (status, _, stderr) = told(home, &["image", "rm", "small"]);
    assert!(status == Some(2) && stderr.contains("in use"), "{stderr}");
    // From then on the button is heard.
    session.type_line(
        "ls script-ran; touch note; until gpioinfo | grep -q gpiomon; do sleep 1; done; echo lis''tens",
    );
    session.expect("No such file", LIMIT);
    session.expect("listens", LIMIT);
    assert_eq!(told(home, &["stop", "small"]), (Some(0), String::new(), String::new()), "{}", session.text());
    let (status, text) = session.finish(LIMIT);
    assert!(status.success() && text.contains("reboot: Power down"), "{status}: {text}");
    check_file_system(&disk);
    let output =
        Command::new("/usr/sbin/debugfs").args(["-R", "stat /root/note"]).arg(&disk).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("Type: regular"), "{output:?}");
    assert_eq!(told(home, &["image", "rm", "small"]), (Some(0), String::new(), String::new()));
    assert!(!images.join("small").exists());
}

#[test]
fn debian_for_32_bits_comes_to_a_login_and_a_pull_that_was_killed_leaves_nothing() {
    if let Some(why) = missing_tool() {
        return skip(&why);
    }
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let options = ["--variant", "minimal", "--size", "2G"];
    let mut killed = armlet(home);
    killed
        .args(["image", "pull", "debian-12-armhf", "--name", "killed"])
        .args(options)
        .stderr(Stdio::piped());
    let mut killed = killed.spawn().unwrap();
    let lines = BufReader::new(killed.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.into_iter().any(|line| line == "booting the builder"));
    killed.kill().unwrap();
    killed.wait().unwrap();
    let images = home.join("data/armlet/images");
    assert!(
        images.join(".killed.partial").exists()
            && told(home, &["image", "ls"]).1.starts_with("There are none")
    );
    pull(home, "debian-12-armhf", "small", &options);
    let disk = images.join("small/disk.raw");
    check_file_system(&disk);
    let mut session = Session::start(armlet(home).args(["run", "small", "--cpus", "4"])).unwrap();
    log_in(&mut session, "small");
    is_whole(&mut session);
    session.type_line("uname -m; nproc; poweroff");
    let (status, text) = session.finish(LIMIT);
    assert!(status.success() && text.contains("armv7l\r\n4\r\n"), "{status}: {text}");
    check_file_system(&disk);
}

#[test]
fn what_can_not_be_pulled_is_told_in_one_line() {
    let home = tempfile::tempdir().unwrap();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mirror = format!("http://{nobody}/debian");
    for (args, expected, says) in [
        (
            &["pull", "debian-99-arm64"][..],
            2,
            "there is no image \"debian-99-arm64\" to pull; there are debian-12-arm64",
        ),
        (
            &["pull", "https://x/disk.qcow2"],
            2,
            "download https://x/disk.qcow2 yourself, then: armlet run FILE",
        ),
        (
            &["pull", "debian-12-arm64", "--mirror", "ftp://x"],
            2,
            "is not an address with http:// or https://",
        ),
        (&["pull", "debian-12-arm64", "--mirror", &mirror], 2, "/dists/bookworm/InRelease: no connection: "),
        (&["pull", "debian-12-arm64", "--name", "../x"], 2, "\"../x\" can't be an image's name"),
        (&["pull", "debian-12-arm64", "--variant", "large"], 2, "the variants are standard and minimal"),
        (
            &["pull", "debian-12-arm64", "--size", "1M"],
            2,
            "--size: 1 MiB can't be: an image takes 1 GiB to 16 TiB",
        ),
        (&["pull", "debian-12-arm64", "--ssh-key", "/nowhere"], 2, "can't read the ssh key /nowhere"),
        (&["rm", "web"], 2, "there is no image \"web\"; `armlet image ls` lists them"),
        (&["rm", "."], 2, "can't be an image's name"),
    ] {
        let (status, stdout, stderr) = told(home.path(), &[&["image"], args].concat());
        assert_eq!((status, stdout.as_str()), (Some(expected), ""), "{stderr}");
        assert!(stderr.contains(says) && stderr.lines().count() == 1, "{args:?}: {stderr}");
    }
    let (status, _, stderr) = told(home.path(), &["run", "debian-13-armhf"]);
    assert_eq!(status, Some(2), "{stderr}");
    assert!(stderr.contains("is not there yet; make it with: armlet image pull debian-13-armhf"), "{stderr}");
    // Nothing half made is left, and nothing is listed.
    let (_, stdout, _) = told(home.path(), &["image", "ls"]);
    assert!(
        stdout.starts_with("There are none. `armlet image pull NAME` makes one: debian-12-arm64"),
        "{stdout}"
    );
    let left = std::fs::read_dir(home.path().join("data/armlet/images")).unwrap().flatten();
    assert!(left.map(|entry| entry.file_name()).all(|name| name.to_string_lossy().ends_with(".lock")));
}

#[test]
fn a_disk_without_a_kernel_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let disk = dir.path().join("disk.img");
    let made =
        Command::new("/usr/sbin/mke2fs").args(["-q", "-F", "-t", "ext4"]).arg(&disk).arg("8M").status();
    if !made.is_ok_and(|status| status.success()) {
        return skip("mke2fs (of e2fsprogs) is not installed");
    }
    let (status, _, stderr) = told(dir.path(), &["run", disk.to_str().unwrap()]);
    assert!(
        status == Some(2)
            && stderr.contains("has no kernel in / or /boot; name a kernel, and the disk with --disk"),
        "{stderr}"
    );
    // A superblock that is nothing but its magic number.
    let mut bytes = vec![0; 1 << 20];
    bytes[1080..1082].copy_from_slice(&[0x53, 0xef]);
    std::fs::write(&disk, bytes).unwrap();
    let (status, _, stderr) = told(dir.path(), &["run", disk.to_str().unwrap()]);
    assert!(status == Some(2) && stderr.contains("is damaged: ") && stderr.lines().count() == 1, "{stderr}");
}
