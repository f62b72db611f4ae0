//! The machine `hvio`: requests by stores to a read-only page.

mod common;

use common::{elf64, run};

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
