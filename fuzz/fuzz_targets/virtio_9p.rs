//! Any requests to a shared directory have an answer or break the device, and reach nothing outside the directory.
#![no_main]

use std::fs;

use armlet_devices::virtio::p9::P9;
use armlet_fuzz::{Driver, RAM};
use armlet_ninep::{Options, Owners, Server};
use libfuzzer_sys::{arbitrary, fuzz_target};

#[derive(arbitrary::Arbitrary, Debug)]
struct Input {
    mapped: bool,
    read_only: bool,
    /// Types and bodies of requests, and how much room there is for each answer.
    requests: Vec<(u8, Vec<u8>, u16)>,
}

/// Where requests and answers are.
const REQUEST: u64 = RAM + 0x8000;
const ANSWER: u64 = RAM + 0xa000;

fuzz_target!(|input: Input| {
    let outer = tempfile::tempdir().expect("a directory");
    let shared = outer.path().join("shared");
    fs::create_dir(&shared).expect("a directory");
    fs::write(shared.join("a"), "x").expect("a file");
    std::os::unix::fs::symlink("..", shared.join("b")).expect("a link");
    fs::write(outer.path().join("a"), "secret").expect("a file");
    let owners = if input.mapped { Owners::Mapped } else { Owners::Host };
    let options = Options { read_only: input.read_only, owners };
    let server = Server::new(&shared, options).expect("a share");
    let driver = Driver::new(P9::new(server, "fuzz"));
    driver.start(1);
    let attach = [&[0; 4][..], &[0xff; 4], &[0; 8]].concat();
    request(&driver, 104, &attach, 64);
    for (kind, body, room) in input.requests.iter().take(64) {
        request(&driver, *kind, &body[..body.len().min(0x1000)], u32::from(*room) & 0x3fff);
    }
    assert_eq!(fs::read(outer.path().join("a")).expect("it is there"), b"secret");
    assert_eq!(fs::read_dir(outer.path()).expect("it is there").count(), 2);
});

fn request(driver: &Driver, kind: u8, body: &[u8], room: u32) {
    let len = body.len() as u32 + 7;
    driver.put(REQUEST, &[&len.to_le_bytes()[..], &[kind, 1, 0], body].concat());
    driver.describe(0, 0, REQUEST, len, 1, 1);
    driver.describe(0, 1, ANSWER, room, 2, 0);
    driver.offer(0, 0);
}
