//! Deterministic runs: the same guest twice is the same run, bit by bit, whatever executes it and however code is
//! cut into blocks.

use std::path::Path;
use std::sync::{Arc, Mutex};

use armlet::backends::SoftChoices;
use armlet::{
    Board, Checkpoint, Checkpoints, Deterministic, Ending, Engine, Machine, MachineConfig, Payload,
    SerialOutput, SoftOptions, backends,
};
use armlet_testkit::{cpio, payloads, skip};

/// What a guest does that might show a difference: random numbers, time, sleep, processes, floating point.
const INIT: &str = "
date; cat /proc/uptime; head -c 32 /dev/urandom | od -x; cat /proc/sys/kernel/random/uuid
i=0; while [ $i -lt 300 ]; do i=$((i+1)); done; echo total=$((i*2))
seq 1 1000 | sort -n | tail -n 1 | sed s/^/last=/
dd if=/dev/urandom of=/tmp/a bs=64k count=4 2>/dev/null; gzip -c /tmp/a | gunzip | cmp - /tmp/a; echo same=$?
echo | awk '{ print 1.1 * 3.7 / 0.3 }'
sleep 3; cat /proc/interrupts; date
poweroff -f
";

/// A console that keeps everything.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl SerialOutput for Kept {
    fn write(&mut self, bytes: &[u8]) {
        self.0.lock().unwrap().extend_from_slice(bytes);
    }
}

/// Everything that can be seen of one run: its console and its checkpoints.
#[derive(PartialEq, Eq)]
struct Seen {
    console: String,
    checkpoints: Vec<Checkpoint>,
}

impl Seen {
    fn must_equal(&self, other: &Self, which: &str) {
        let mut pairs = self.checkpoints.iter().zip(&other.checkpoints);
        if let Some((one, other)) = pairs.find(|(one, other)| one != other) {
            panic!("{which} differs:\n{one}\n{other}");
        }
        assert_eq!(self.checkpoints.len(), other.checkpoints.len(), "{which}");
        assert_eq!(self.console, other.console, "{which}");
    }
}

/// How a run is executed, which must make no difference.
#[derive(Default)]
struct How {
    options: SoftOptions,
    block_limit: usize,
}

/// What is run.
struct Guest<'a> {
    kernel: &'a Path,
    busybox: &'a [u8],
    /// Instructions between two checkpoints.
    every: u64,
}

/// Boots the ramdisk whose init does `init`.
fn boot(guest: &Guest, init: &str, how: How) -> Seen {
    let init = format!("{}{init}", cpio::INIT_PROLOGUE);
    let soft = SoftChoices { options: how.options, made_by: None };
    let hypervisor = backends::open_with("soft", &soft).unwrap().hypervisor;
    let (console, checkpoints) = (Kept::default(), Arc::<Mutex<Vec<_>>>::default());
    let into = checkpoints.clone();
    let sink = Arc::new(move |checkpoint: &Checkpoint| into.lock().unwrap().push(*checkpoint));
    let kernel = std::fs::read(guest.kernel).unwrap();
    let config = MachineConfig {
        memory: Some(192 << 20),
        kernel: Some(Payload::detect("vmlinuz", kernel).unwrap()),
        initrd: Some(cpio::busybox_ramdisk(guest.busybox, &init, &[]).into()),
        pin: Vec::new(),
        deterministic: Some(Deterministic {
            block_limit: how.block_limit,
            checkpoints: Some(Checkpoints { from: 0, every: guest.every, memory_every: 400, sink }),
        }),
        ..MachineConfig::new(Board::Virt)
    };
    let machine = Machine::build(hypervisor.as_ref(), config, Box::new(console.clone()), Vec::new()).unwrap();
    assert_eq!(machine.run().unwrap(), Ending::PowerOff);
    let console = String::from_utf8_lossy(&console.0.lock().unwrap()).into_owned();
    Seen { console, checkpoints: std::mem::take(&mut *checkpoints.lock().unwrap()) }
}

/// The interpreter is compared with what the host runs best; `ARMLET_BOOTS=long` compares more ways to run.
#[test]
fn debian_boots_the_same_way_whatever_executes_it() {
    let payloads = match payloads::get() {
        Ok(payloads) => payloads,
        Err(why) => return skip(&why),
    };
    let guest = Guest { kernel: &payloads.cloud_kernel, busybox: &payloads.busybox, every: 250_000 };
    let first = boot(&guest, INIT, How::default());
    for says in ["Mon Jan  1 00:00:0", "total=600", "last=1000", "same=0", "13.5667"] {
        assert!(first.console.contains(says), "no {says:?} in:\n{}", first.console);
    }
    assert!(first.checkpoints.len() > 1000 && first.checkpoints.iter().any(|c| c.memory.is_some()));
    let with = |change: fn(&mut SoftOptions)| {
        let mut options = SoftOptions::default();
        change(&mut options);
        How { options, ..How::default() }
    };
    let other = boot(&guest, INIT, with(|options| options.engine = Engine::Interpreter));
    first.must_equal(&other, "the interpreter");
    if std::env::var("ARMLET_BOOTS").as_deref() == Ok("long") {
        first.must_equal(&boot(&guest, INIT, How::default()), "the same once more");
        let other = boot(&guest, INIT, How { block_limit: 7, ..How::default() });
        first.must_equal(&other, "a block limit of 7");
        let other = boot(&guest, INIT, with(|options| options.code_cache = 1 << 20));
        first.must_equal(&other, "a code cache of 1 MiB");
        let other = boot(&guest, INIT, with(|options| options.strict_code = true));
        first.must_equal(&other, "strict code");
    }
}

/// The 32-bit kernel patches its own code more than the other one does. Few checkpoints, which would hide errors.
#[test]
fn a_32_bit_debian_boots_the_same_way_whatever_executes_it() {
    let payloads = match payloads::get32() {
        Ok(payloads) => payloads,
        Err(why) => return skip(&why),
    };
    let guest = &Guest { kernel: &payloads.armmp, busybox: &payloads.busybox, every: 5_000_000 };
    let init = "date; seq 1 100 | sort -n | tail -n 1 | sed s/^/last=/; poweroff -f\n";
    let [first, other] = std::thread::scope(|scope| {
        [Engine::Auto, Engine::Interpreter]
            .map(|engine| SoftOptions { engine, ..SoftOptions::default() })
            .map(|options| How { options, ..How::default() })
            .map(|how| scope.spawn(move || boot(guest, init, how)))
            .map(|run| run.join().unwrap())
    });
    assert!(first.console.contains("last=100"), "{}", first.console);
    assert!(first.checkpoints.len() > 400 && first.checkpoints.iter().any(|c| c.memory.is_some()));
    first.must_equal(&other, "the interpreter");
}

#[test]
fn the_program_writes_hashes_and_refuses_what_cannot_be_repeated() {
    // A loop of 13 million instructions, then the exit call.
    let mut words = vec![0xd2a0_0c62, 0xf100_0442, 0x54ff_ffe1]; // mov x2, #0x630000; subs x2, x2, #1; b.ne
    words.extend(crate::common::call(0x8600_0002, 5));
    let program = crate::common::Program::new(&words);
    let dir = tempfile::tempdir().unwrap();
    let mut seen = Vec::new();
    for (name, limit) in [("a", "64"), ("b", "1")] {
        let file = dir.path().join(name);
        let options = ["--hash-every", "3000000", "--hash-memory=2", "--hash-file", file.to_str().unwrap()];
        let args = [&["--deterministic", "--block-limit", limit, program.path()], &options[..]].concat();
        let (status, _, stderr) = crate::common::run(&[&["-M", "monitor"], &args[..]].concat());
        assert!(status == Some(5) && stderr.contains("time     virtual"), "{stderr}");
        seen.push(std::fs::read_to_string(file).unwrap());
    }
    assert_eq!(seen[0], seen[1]);
    let lines: Vec<_> = seen[0].lines().collect();
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert!(lines[0].starts_with("3000000 3000000 ns pc=0x4000100") && !lines[0].contains("memory="));
    assert!(lines[1].contains(" registers=") && lines[1].contains(" memory="), "{}", lines[1]);

    let (status, _, stderr) = crate::common::run(&["hello", "--deterministic", "--cpus", "2"]);
    assert_eq!(status, Some(2));
    assert!(stderr.ends_with("use --cpus 1\n") && stderr.lines().count() == 1, "{stderr}");
}
