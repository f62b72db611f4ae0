//! The machine `hvio`: requests by stores to a read-only page.

use crate::common::{elf64, run};

/// The embedded guest `hvio`, in A64.
const HVIO: &[u32] = &[
    0x1000_00c1, // adr x1, text
    0xb900_0801, // str w1, [x0, #8]
    0xb940_4401, // ldr w1, [x0, #0x44]
    0x5100_0421, // sub w1, w1, #1
    0xb900_0001, // str w1, [x0]
    0x1400_0000, // b .
];

fn program(code: &[u32], text: &str) -> tempfile::NamedTempFile {
    let code = code.iter().flat_map(|word| word.to_le_bytes());
    elf64(0x4000_0000, &code.chain(text.bytes()).collect::<Vec<_>>())
}

#[test]
fn a_64_bit_program_is_served_and_its_stores_are_logged() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("exits");
    let program = program(HVIO, "hello\n\0");
    let target = format!("exits={}", log.display());
    let (status, console, rest) =
        run(&["-q", "-M", "hvio", program.path().to_str().unwrap(), "--log", &target]);
    assert_eq!((status, console.as_str(), rest.as_str()), (Some(0), "hello\n", ""));
    let log = std::fs::read_to_string(log).unwrap();
    for line in [
        " cpu0 pc=0x40000004 mmio write requests+0x8 4 <- 0x40000018 esr=0x9381004f\n",
        " cpu0 pc=0x40000010 mmio write requests+0x0 4 <- 0x0 esr=0x9381004f\n",
        "\n2 exits: 2 mmio write\ndevices: 2 requests\n",
    ] {
        assert!(log.contains(line), "{line}: {log}");
    }
}

#[test]
fn a_program_that_only_sleeps_hangs() {
    let program = program(&[0xd503_207f, 0x17ff_ffff], ""); // wfi; b .-4
    let (status, _, rest) = run(&["-q", "-M", "hvio", program.path().to_str().unwrap()]);
    assert_eq!(status, Some(1));
    assert!(rest.contains("nothing can wake it"), "{rest}");
}

#[test]
fn the_embedded_guests_are_told_in_a32_and_t32() {
    for (name, set, size, second) in
        [("hvio", "A32", 4, "PC=0x40000010"), ("hvio-thumb", "T32", 2, "PC=0x4000000a")]
    {
        for cpu in ["max", "cortex-a7", "cortex-a15", "cortex-a53", "cortex-a57", "cortex-a72"] {
            let (status, console, rest) = run(&[name, "--cpu", cpu]);
            assert_eq!(status, Some(0), "{name} on {cpu}: {rest}");
            assert_eq!(console, "Hello from the guest, by a store that is not allowed.\n");
            // A T32 store of 16 bits leaves IL clear.
            let esr = if size == 2 { "ESR=0x9181004f" } else { "ESR=0x9381004f" };
            for part in [
                &format!("AArch32, {set}, PC=0x40000000 R13=0x40100000 R0=0x50000000, the request page")[..],
                "request page mapped read-only 0x50000000-0x50001000",
                &format!("{esr} (WnR=1, SAS=4 bytes, SRT=R1): request to write string \"Hello from"),
                &format!("data abort at {second}: stored 0x0 to 0x50000000, 4 bytes, {esr}"),
                "[monitor] 2 exits: 2 mmio write\n",
            ] {
                assert!(rest.contains(part), "{part}: {rest}");
            }
        }
    }
    for name in ["psci-off", "psci-off-thumb"] {
        let (status, console, rest) = run(&[name]);
        assert_eq!((status, console.as_str()), (Some(0), ""), "{rest}");
        assert!(rest.contains("[monitor] vCPU 0: HVC #0 SYSTEM_OFF\n[monitor] 1 exit: 1 call\n"), "{rest}");
    }
}

#[test]
fn a_flat_32_bit_program_on_other_machines() {
    // mov r1, #0x9000000; mov r0, #'!'; str r0, [r1]; movw r0, #8; movt r0, #0x8400; hvc #0
    let code = [0xe3a0_1409, 0xe3a0_0021, 0xe581_0000, 0xe300_0008, 0xe348_0400, 0xe140_0070];
    let program = crate::common::Program::new(&code);
    for options in [&["--aarch32"][..], &["--cpu", "cortex-a15"], &["-M", "monitor", "--aarch32"]] {
        let (status, console, rest) = run(&[&["-q", program.path()], options].concat());
        assert_eq!((status, console.as_str(), rest.as_str()), (Some(0), "!", ""), "{options:?}");
    }
}
