//! Any damage to a qcow2 image leaves a disk that can be read, or is refused in one line.
//!
//! Writes are left out: imago follows what a damaged table says about where there is room without an end.
#![no_main]

use std::fs;
use std::path::PathBuf;

use armlet_disk::{Format, OpenOptions, open};
use libfuzzer_sys::fuzz_target;
use vm_memory::VolatileSlice;

/// What is changed in an image that QEMU made: offsets and bytes.
type Edits = Vec<(u16, u8)>;

/// An image of 1 MiB with clusters of 512 bytes, so that all its tables are within reach of the edits.
const IMAGE: &[u8] = include_bytes!("../seeds/small.qcow2");

fuzz_target!(|edits: Edits| {
    let mut image = IMAGE.to_vec();
    for (at, byte) in edits {
        let at = usize::from(at) % image.len();
        image[at] = byte;
    }
    let path: PathBuf = std::env::temp_dir().join(format!("armlet-fuzz-{}.qcow2", std::process::id()));
    fs::write(&path, image).unwrap();
    let options = OpenOptions { read_only: true, format: Some(Format::Qcow2), ..OpenOptions::default() };
    match open(&path, &options) {
        Err(error) => assert!(!error.to_string().contains('\n')),
        Ok(disk) => {
            let mut buffer = [0u8; 8192];
            let slice = VolatileSlice::from(&mut buffer[..]);
            let end = disk.size().saturating_sub(8192).min(1 << 30);
            for offset in [0, 4096, end / 2, end] {
                let _ = disk.read(offset, &[slice]);
            }
        }
    }
    fs::remove_file(&path).unwrap();
});
