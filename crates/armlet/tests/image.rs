//! Images: Debian from the host's package mirror to a login, and what is refused.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use armlet_testkit::session::Session;
use armlet_testkit::{payloads, skip};

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

fn start(home: &Path, name: &str, options: &[&str]) -> Session {
    let mut session = Session::start(armlet(home).args(["run", "small"]).args(options)).unwrap();
    session.expect(&format!("{name} login: "), LIMIT);
    session.type_line("root");
    session.expect(&format!("root@{name}:~# "), LIMIT);
    session
}

/// One test, because pulling takes most of its time.
#[test]
fn debian_comes_from_the_mirror_to_a_login() {
    // Where these can be fetched, so can an image.
    if let Err(why) = payloads::get() {
        return skip(&why);
    }
    if !Path::new("/usr/sbin/e2fsck").exists() {
        return skip("e2fsck (of e2fsprogs) is not installed");
    }
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let key = home.join("id.pub");
    std::fs::write(&key, "ssh-ed25519 AAAATEST me\n").unwrap();
    let pull = ["image", "pull", "debian-12-arm64", "--variant", "minimal", "--name", "small", "--ssh-key"];
    let (status, stdout, stderr) = told(home, &[&pull[..], &[key.to_str().unwrap()]].concat());
    let log = std::fs::read_to_string(home.join("cache/armlet/small.log")).unwrap_or_default();
    assert_eq!((status, stdout.as_str()), (Some(0), ""), "{stderr}\n{log}");
    assert!(stderr.contains("small is ready: armlet run small."), "{stderr}");
    let images = home.join("data/armlet/images");
    let left: Vec<_> = std::fs::read_dir(&images).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| name == "small" || name == ".small.lock"), "{left:?}");
    let disk = images.join("small/disk.raw");
    check_file_system(&disk);
    assert!(told(home, &["image", "ls"]).1.starts_with("small "));
    let (status, _, stderr) = told(home, &["image", "pull", "debian-12-arm64", "--name", "small"]);
    assert!(status == Some(2) && stderr.contains("there is an image small already"), "{stderr}");

    // First-boot data counts. What is written under an overlay is gone, what is written without one stays.
    let script = home.join("script");
    std::fs::write(&script, "#!/bin/sh\necho from the script >/root/script-ran\n").unwrap();
    let key = home.join("other.pub");
    std::fs::write(&key, "ssh-ed25519 AAAAOTHER you\n").unwrap();
    let first = [
        "--overlay",
        "--hostname",
        "web",
        "--cloud-init",
        script.to_str().unwrap(),
        "--ssh-key",
        key.to_str().unwrap(),
    ];
    for (options, name, word) in [(&first[..], "web", "first"), (&[], "small", "second")] {
        let mut session = start(home, name, options);
        if word == "first" {
            session.type_line("cat script-ran; cat .ssh/authorized_keys");
            session.expect("from the script", LIMIT);
            session.expect("AAAAOTHER", LIMIT);
        }
        session.type_line("systemctl is-system-running --wait; dpkg --audit; echo audited");
        session.expect("running", LIMIT);
        session.expect("\naudited", LIMIT);
        session.type_line(&format!("cat .ssh/authorized_keys; ls note-*; touch note-{word}; echo tou''ched"));
        session.expect("AAAATEST", LIMIT);
        session.expect("touched", LIMIT);
        if options.is_empty() {
            let (status, _, stderr) = told(home, &["image", "rm", "small"]);
            assert!(status == Some(2) && stderr.contains("in use"), "{stderr}");
        }
        session.type_line("poweroff");
        let (status, text) = session.finish(LIMIT);
        assert!(status.success() && !text.contains("note-first\r"), "{status}: {text}");
        check_file_system(&disk);
    }

    // The same machine in the background shuts down when it is told to.
    let (status, stdout, stderr) = told(home, &["run", "small", "--detach", "--quiet"]);
    assert_eq!((status, stdout.as_str()), (Some(0), "small\n"), "{stderr}");
    let mut session = Session::start(armlet(home).args(["attach", "small"])).unwrap();
    session.expect("small login: ", LIMIT);
    session.type_line("root");
    session.expect("root@small:~# ", LIMIT);
    // From then on the button is heard.
    session.type_line("until gpioinfo | grep -q gpiomon; do sleep 1; done; echo lis''tens");
    session.expect("listens", LIMIT);
    assert_eq!(told(home, &["stop", "small"]), (Some(0), String::new(), String::new()), "{}", session.text());
    let (status, text) = session.finish(LIMIT);
    assert!(status.success() && text.contains("reboot: Power down"), "{status}: {text}");
    check_file_system(&disk);
    assert_eq!(told(home, &["image", "rm", "small"]), (Some(0), String::new(), String::new()));
    assert!(!images.join("small").exists());
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
        status == Some(2) && stderr.contains("has no /vmlinuz; name a kernel, and the disk with --disk"),
        "{stderr}"
    );
    // A superblock that is nothing but its magic number.
    let mut bytes = vec![0; 1 << 20];
    bytes[1080..1082].copy_from_slice(&[0x53, 0xef]);
    std::fs::write(&disk, bytes).unwrap();
    let (status, _, stderr) = told(dir.path(), &["run", disk.to_str().unwrap()]);
    assert!(status == Some(2) && stderr.contains("is damaged: ") && stderr.lines().count() == 1, "{stderr}");
}
