//! Streams of random instructions compared with QEMU's user emulation, so that flags, NaNs, QC and rounding modes
//! flow from one instruction to the next. Unicorn is an older QEMU and knows fewer features.
#![cfg(target_os = "linux")]

mod oracle;
mod streams;

use streams::{Mix, run};

const NONE: Mix = Mix { integer: 0, simd: 0, float: 0, memory: 0, system: 0 };

#[test]
fn integer() {
    run("integer", 1, Mix { integer: 20, system: 1, ..NONE });
}

#[test]
fn simd() {
    run("simd", 2, Mix { simd: 20, memory: 2, system: 1, ..NONE });
}

#[test]
fn float() {
    run("float", 3, Mix { float: 20, memory: 2, system: 1, ..NONE });
}

#[test]
fn memory() {
    run("memory", 4, Mix { memory: 1, ..NONE });
}

#[test]
fn everything() {
    run("everything", 5, Mix { integer: 8, simd: 8, float: 8, memory: 4, system: 1 });
}
