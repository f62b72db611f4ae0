//! The `whp` backend over the stand-in over `soft`: every embedded guest for AArch64, and Debian's kernel.

use std::sync::{Arc, Mutex};

use armlet_hv::{ExitEvent, GicKind, Hypervisor, Observer};
use armlet_hv_soft::SoftHypervisor;
use armlet_hv_whp::WhpHypervisor;
use armlet_machine::{
    BoardKind, ConsoleInput, Ending, FlashImages, Machine, MachineConfig, MachineControl, Payload,
    SerialOutput, VirtioTransport,
};
use armlet_testkit::{cpio, firmware, payloads, root, skip};
use armlet_winhv::{Quirks, table};

/// What a machine printed.
#[derive(Clone, Default)]
struct Console(Arc<Mutex<Vec<u8>>>);

impl SerialOutput for Console {
    fn write(&mut self, bytes: &[u8]) {
        self.0.lock().unwrap().extend(bytes);
    }
}

/// The kinds of exits, in order.
#[derive(Default)]
struct Exits(Mutex<Vec<String>>);

impl Observer for Exits {
    fn exit(&self, _: usize, event: &ExitEvent) {
        let text = match event {
            ExitEvent::MmioRead { gpa, size, .. } => format!("read {gpa:#x} {size}"),
            ExitEvent::MmioWrite { gpa, size, value, .. } => format!("write {gpa:#x} {size} {value:#x}"),
            ExitEvent::Call { function, .. } => format!("call {function:#x}"),
            ExitEvent::UnmappedAccess { gpa, fetch, write, .. } => {
                format!("unmapped {gpa:#x} {fetch} {write}")
            }
            // Not seen from outside the hypervisor.
            _ => return,
        };
        self.0.lock().unwrap().push(text);
    }
}

fn run(hypervisor: &dyn Hypervisor, config: MachineConfig) -> (Ending, String, Vec<String>) {
    let (console, exits) = (Console::default(), Arc::new(Exits::default()));
    let machine = Machine::build(hypervisor, config, Box::new(console.clone()), vec![exits.clone()]).unwrap();
    let ending = machine.run().unwrap();
    let text = String::from_utf8_lossy(&console.0.lock().unwrap()).into_owned();
    let exits = std::mem::take(&mut *exits.0.lock().unwrap());
    (ending, text, exits)
}

fn whp(quirks: Quirks) -> WhpHypervisor {
    WhpHypervisor::over(table(Box::new(SoftHypervisor::new()), quirks)).unwrap()
}

#[test]
fn flash_memory_goes_and_comes_back() {
    let config = || {
        let mut config = MachineConfig::new(BoardKind::Virt);
        config.memory = Some(64 << 20);
        config.firmware = Some(FlashImages {
            name: "program".into(),
            code: firmware::FLASH_PROGRAM.iter().flat_map(|word| word.to_le_bytes()).collect(),
            variables_name: "none".into(),
            variables: firmware::FLASH_VARIABLES.into(),
            store: None,
        });
        config
    };
    let (ending, text, exits) = run(&whp(Quirks::default()), config());
    assert_eq!((&ending, text.as_str()), (&Ending::PowerOff, firmware::FLASH_SAYS));
    // What is memory is read without an exit.
    let reads: Vec<_> = exits.iter().filter(|exit| exit.starts_with("read")).collect();
    assert_eq!(reads, ["read 0x4000000 4"]);
    let (_, text, soft) = run(&SoftHypervisor::new(), config());
    let memory = |exits: Vec<String>| exits.into_iter().filter(|exit| !exit.starts_with("call")).collect();
    let [exits, soft]: [Vec<_>; 2] = [exits, soft].map(memory);
    assert_eq!((text.as_str(), soft), (firmware::FLASH_SAYS, exits));
}

fn monitor(guest: &str) -> MachineConfig {
    let image = std::fs::read(root().join("guests/prebuilt").join(guest).with_extension("bin")).unwrap();
    let mut config = MachineConfig::new(BoardKind::Monitor);
    config.kernel = Some(Payload::detect(guest, image).unwrap());
    config.gic = Some(GicKind::V3);
    config
}

/// Times and counts differ from run to run.
fn without_digits(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_digit()).collect()
}

const GUESTS: [&str; 7] = ["hello", "timer", "wfi", "data-abort", "insn-abort", "sysreg", "el0"];

fn guests_do_the_same(quirks: Quirks) {
    for guest in GUESTS {
        let (ending, text, exits) = run(&whp(quirks), monitor(guest));
        let (expected_ending, expected_text, expected_exits) = run(&SoftHypervisor::new(), monitor(guest));
        assert_eq!((&ending, &expected_ending), (&Ending::Exit(0), &Ending::Exit(0)), "{guest}: {text}");
        assert_eq!(without_digits(&text), without_digits(&expected_text), "{guest}");
        // The interrupt controller's registers don't come out, and what depends on time is never the same.
        let ours = |exit: &&String| !exit.contains(" 0x902") && !exit.contains(" 0x904");
        if !["timer", "wfi"].contains(&guest) {
            let list = |exits: &[String]| {
                let mut list: Vec<_> = exits.iter().filter(ours).cloned().collect();
                // `soft` tells of a fetch that fails when it looks code up and when it takes the abort.
                list.dedup_by(|next, one| next == one && one.contains("unmapped"));
                list
            };
            assert_eq!(list(&exits), list(&expected_exits), "{guest}");
        }
    }
}

#[test]
fn every_guest_does_the_same_as_on_soft() {
    guests_do_the_same(Quirks::default());
}

#[test]
fn every_guest_works_where_no_syndrome_is_valid() {
    guests_do_the_same(Quirks { no_syndrome: true, ..Quirks::default() });
}

#[test]
fn every_guest_works_on_a_build_that_tells_and_knows_less() {
    let unknown = &[0x4_0003, 0x4_0035, 0x5_004d];
    guests_do_the_same(Quirks { instruction_length: false, unknown_registers: unknown, ..Quirks::default() });
}

/// Boots Debian's kernel to a script that looks around and does `last`.
fn debian(quirks: Quirks, cpus: usize, last: &str) -> Option<(Ending, String)> {
    let payloads = match payloads::get() {
        Ok(payloads) => payloads,
        Err(why) => {
            skip(&why);
            return None;
        }
    };
    let script = format!(
        "{}echo cpus=$(grep -c ^processor /proc/cpuinfo)\n\
         seq 1 1000 | sort -n | tail -n 1 | sed s/^/last=/\n\
         dd if=/dev/urandom of=/tmp/a bs=64k count=4 2>/dev/null; gzip -c /tmp/a | gunzip | cmp - /tmp/a; echo same=$?\n\
         sleep 1; echo slept\n{last}\n",
        cpio::INIT_PROLOGUE
    );
    let mut config = MachineConfig::new(BoardKind::Virt);
    config.kernel = Some(Payload::detect("vmlinuz", std::fs::read(&payloads.cloud_kernel).unwrap()).unwrap());
    config.initrd = Some(cpio::busybox_ramdisk(&payloads.busybox, &script, &[]).into());
    config.cpus = cpus;
    config.no_reboot = true;
    let (ending, text, _) = run(&whp(quirks), config);
    Some((ending, text))
}

fn worked(text: &str, cpus: usize) {
    for line in [format!("cpus={cpus}"), "last=1000".into(), "same=0".into(), "slept".into()] {
        assert!(text.contains(&format!("\n{line}\r")), "{line}:\n{text}");
    }
}

#[test]
fn debian_boots_and_powers_off() {
    let Some((ending, text)) = debian(Quirks::default(), 1, "poweroff -f") else { return };
    worked(&text, 1);
    assert_eq!(ending, Ending::PowerOff, "{text}");
}

#[test]
fn debian_boots_where_no_syndrome_is_valid_and_asks_for_a_reset() {
    let quirks = Quirks { no_syndrome: true, instruction_length: false, ..Quirks::default() };
    let Some((ending, text)) = debian(quirks, 1, "reboot -f") else { return };
    worked(&text, 1);
    assert_eq!(ending, Ending::Reset, "{text}");
}

#[test]
fn debian_boots_with_four_cpus_which_its_own_psci_turns_on() {
    let script = "for i in 1 2 3; do (j=0; while [ $j -lt 200 ]; do j=$((j+1)); done; echo done$i) & done; wait; poweroff -f";
    let Some((ending, text)) = debian(Quirks::default(), 4, script) else { return };
    worked(&text, 4);
    assert!((1..=3).all(|n| text.contains(&format!("done{n}"))), "{text}");
    assert_eq!(ending, Ending::PowerOff, "{text}");
}

/// The platform has no frame that takes messages: the board has, and its interrupts are edges here.
#[test]
fn devices_behind_pci_interrupt_by_message() {
    let payloads = match payloads::get() {
        Ok(payloads) => payloads,
        Err(why) => return skip(&why),
    };
    let script = "dd if=/dev/hwrng bs=64 count=4 2>/dev/null | wc -c | sed s/^/random=/
grep ' MSI .*virtio[0-9]-input' /proc/interrupts | grep -v ': *0 ' | wc -l | sed s/^/counted=/; poweroff -f";
    let modules = [&payloads.cloud_modules[..], &payloads.cloud_pci_modules].concat();
    let mut config = MachineConfig::new(BoardKind::Virt);
    config.kernel = Some(Payload::detect("vmlinuz", std::fs::read(&payloads.cloud_kernel).unwrap()).unwrap());
    config.initrd = Some(cpio::module_ramdisk(&payloads.busybox, &modules, script).into());
    config.virtio = VirtioTransport::Pci;
    let (ending, text, _) = run(&whp(Quirks::default()), config);
    assert_eq!(ending, Ending::PowerOff, "{text}");
    assert!(text.contains("random=256\r") && text.contains("counted=1\r"), "{text}");
}

/// What is typed when the guest has asked for the nth time.
fn answer(console: &Console, input: &ConsoleInput, answers: &[&str]) {
    for (n, answer) in answers.iter().enumerate() {
        while String::from_utf8_lossy(&console.0.lock().unwrap()).matches("asks\r").count() <= n {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        input.feed(answer.as_bytes());
    }
}

/// Boots Debian's kernel with two CPUs to a script that asks for a command and does it; `answers` are typed. Then `meanwhile` has
/// the machine.
fn conversation(answers: &'static [&'static str], meanwhile: fn(MachineControl)) -> Option<(Ending, String)> {
    let payloads = match payloads::get() {
        Ok(payloads) => payloads,
        Err(why) => {
            skip(&why);
            return None;
        }
    };
    let script = format!("{}while :; do echo asks; read line; $line; done\n", cpio::INIT_PROLOGUE);
    let mut config = MachineConfig::new(BoardKind::Virt);
    config.kernel = Some(Payload::detect("vmlinuz", std::fs::read(&payloads.cloud_kernel).unwrap()).unwrap());
    config.initrd = Some(cpio::busybox_ramdisk(&payloads.busybox, &script, &[]).into());
    config.cpus = 2;
    let console = Console::default();
    let machine = Machine::build(&whp(Quirks::default()), config, Box::new(console.clone()), vec![]).unwrap();
    let (input, control) = (machine.console_input(), machine.control());
    let ending = std::thread::scope(|scope| {
        scope.spawn(|| {
            answer(&console, &input, answers);
            meanwhile(control);
        });
        machine.run().unwrap()
    });
    let text = String::from_utf8_lossy(&console.0.lock().unwrap()).into_owned();
    Some((ending, text))
}

#[test]
fn a_reboot_comes_up_again_with_all_its_cpus() {
    let answers = &[
        "grep -c ^processor /proc/cpuinfo\n",
        "reboot -f\n",
        "grep -c ^processor /proc/cpuinfo\n",
        "poweroff -f\n",
    ];
    let Some((ending, text)) = conversation(answers, |_| {}) else { return };
    assert_eq!(ending, Ending::PowerOff, "{text}");
    assert_eq!(text.matches("\n2\r").count(), 2, "{text}");
}

#[test]
fn a_sleeping_guest_can_be_stopped() {
    let stop = |control: MachineControl| control.stop();
    let Some((ending, text)) = conversation(&["sleep 1000\n"], stop) else { return };
    assert_eq!(ending, Ending::Stopped, "{text}");
}
