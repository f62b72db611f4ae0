//! Debian's kernel gives memory back to the host: what it has freed by itself, and what the user asks for.
#![cfg(target_os = "linux")]

use std::process::Command;
use std::time::{Duration, Instant};

use armlet_testkit::payloads;
use armlet_testkit::session::Session;
use armlet_testkit::{cpio, skip};

/// Generous: CI machines are slow and shared, and tests measure nothing.
const LIMIT: Duration = Duration::from_secs(240);

/// Writes a file to keep and a large one, removes the large one, and tells what memory it has when asked.
const INIT: &str = "
mount -t proc none /proc; mount -t tmpfs none /tmp
dd if=/dev/urandom of=/tmp/kept bs=1M count=8 2>/dev/null; md5sum /tmp/kept >/tmp/sum
echo up; read line
yes armlet | dd of=/tmp/large bs=1M count=300 iflag=fullblock 2>/dev/null; echo filled; read line
rm /tmp/large; echo freed
while read line; do
    case $line in
        free) echo free $(awk '/^MemFree/ { print int($2 / 1024) }' /proc/meminfo) ;;
        end) break ;;
    esac
done
md5sum -c /tmp/sum; poweroff -f
";

/// The machine as `armlet balloon` shows it.
struct Machine(tempfile::TempDir);

impl Machine {
    fn told(&self, size: &[&str]) -> (Option<i32>, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_armlet"));
        command.args(["balloon", "guest"]).args(size).env("XDG_RUNTIME_DIR", self.0.path());
        let output = command.output().unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.code(), text)
    }

    /// Waits until what `armlet balloon` says pleases.
    fn wait(&self, what: &str, pleases: impl Fn(&str) -> bool) -> String {
        let start = Instant::now();
        loop {
            let (status, text) = self.told(&[]);
            assert_eq!(status, Some(0), "{text}");
            if pleases(&text) {
                return text;
            }
            assert!(start.elapsed() < LIMIT, "{what}: {text}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// MiB that the host has of the machine.
fn resident(text: &str) -> f64 {
    let row = text.lines().find_map(|line| line.strip_prefix("on the host")).unwrap();
    let mut words = row.split_whitespace();
    let number: f64 = words.next().unwrap().parse().unwrap();
    match words.next().unwrap() {
        "GiB," => number * 1024.0,
        "MiB," => number,
        unit => panic!("{unit} in {text}"),
    }
}

fn free(session: &mut Session) -> u64 {
    session.type_line("free");
    session.expect("free ", LIMIT);
    let at = session.text().rfind("free ").unwrap() + "free ".len();
    session.expect("\n", LIMIT);
    session.text()[at..].split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn memory_that_the_guest_has_freed_or_is_asked_for_goes_back_to_the_host() {
    let Ok(p) = payloads::get().map_err(|why| skip(&why)) else { return };
    let modules = p.modules.iter().chain(&p.more_modules);
    let modules: Vec<_> =
        modules.filter(|(name, _)| name.contains("mmio") || name.contains("balloon")).cloned().collect();
    let machine = Machine(tempfile::tempdir().unwrap());
    let ramdisk = machine.0.path().join("ramdisk");
    std::fs::write(&ramdisk, cpio::module_ramdisk(&p.busybox, &modules, INIT)).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_armlet"));
    command.arg("run").arg(&p.kernel).arg("--initrd").arg(&ramdisk).env("XDG_RUNTIME_DIR", machine.0.path());
    command.args(["--name", "guest", "--cpus", "2", "-m", "768M", "--append", "console=ttyAMA0 quiet"]);
    let mut session = Session::start(&mut command).unwrap();
    session.expect("up", LIMIT);
    session.type_line("fill");
    session.expect("filled", LIMIT);
    let full = resident(&machine.told(&[]).1);
    assert!(full > 300.0, "{full}");
    session.type_line("free");
    session.expect("freed", LIMIT);
    // The guest reports free pages some seconds after they became free.
    let text = machine.wait("free pages", |text| resident(text) < full - 250.0);
    println!("{full} MiB with a file of 300 MiB; without it\n{text}");

    let before = free(&mut session);
    let (status, text) = machine.told(&["256M"]);
    assert!(status == Some(0) && text.contains("balloon"), "{text}");
    let text = machine.wait("a balloon of 256 MiB", |text| text.contains("balloon      256 MiB\n"));
    assert!(text.contains("memory       768 MiB\n") && text.contains(" free, "), "{text}");
    let inflated = free(&mut session);
    assert!(inflated + 200 < before, "{before} MiB free, then {inflated}");
    let (status, text) = machine.told(&["2G"]);
    let why = "armlet: 2 GiB can't be taken from a guest that has 768 MiB; name less\n";
    assert_eq!((status, text.as_str()), (Some(2), why));
    machine.told(&["0"]);
    machine.wait("no balloon", |text| text.contains("balloon      0 bytes\n"));
    let deflated = free(&mut session);
    assert!(deflated > inflated + 200, "{inflated} MiB free, then {deflated}");

    session.type_line("end");
    let (status, text) = session.finish(LIMIT);
    assert!(status.success() && text.contains("/tmp/kept: OK"), "{status}: {text}");
}
