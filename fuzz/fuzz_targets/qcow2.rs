//! Any damage to a qcow2 image leaves a disk that can be read, or written, or is refused in one line.
#![no_main]

use std::fs;
use std::path::PathBuf;

use armlet_disk::{Format, OpenOptions, open};
use libfuzzer_sys::{arbitrary, fuzz_target};
use vm_memory::VolatileSlice;

/// What is changed in an image that QEMU made.
#[derive(arbitrary::Arbitrary, Debug)]
enum Edit {
    Byte(u16, u8),
    /// An entry of a table, which the first word chooses: flags, and a cluster of the file or one behind it.
    Entry(u16, u8, u8),
}

#[derive(arbitrary::Arbitrary, Debug)]
enum Act {
    Read { at: u32, len: u16 },
    Write { at: u32, len: u16 },
    Zero { at: u32, len: u16, unmap: bool },
    Discard { at: u32, len: u16 },
    Flush,
}

#[derive(arbitrary::Arbitrary, Debug)]
struct Input {
    edits: Vec<Edit>,
    read_only: bool,
    acts: Vec<Act>,
}

/// An image of 1 MiB with clusters of 512 bytes, so that all its tables are within reach of the edits.
const IMAGE: &[u8] = include_bytes!("../seeds/small.qcow2");

impl Edit {
    fn apply(&self, image: &mut [u8]) {
        match self {
            Self::Byte(at, byte) => image[usize::from(*at) % IMAGE.len()] = *byte,
            Self::Entry(at, flags, cluster) => {
                let at = usize::from(*at) % (IMAGE.len() / 8) * 8;
                let entry =
                    u64::from(flags & 0xc1) << 56 | u64::from(cluster % 48) << 9 | u64::from(flags & 1);
                image[at..at + 8].copy_from_slice(&entry.to_be_bytes());
            }
        }
    }
}

fuzz_target!(|input: Input| {
    let mut image = IMAGE.to_vec();
    input.edits.iter().for_each(|edit| edit.apply(&mut image));
    let path: PathBuf = std::env::temp_dir().join(format!("armlet-fuzz-{}.qcow2", std::process::id()));
    fs::write(&path, image).unwrap();
    let options =
        OpenOptions { read_only: input.read_only, format: Some(Format::Qcow2), ..OpenOptions::default() };
    match open(&path, &options) {
        Err(error) => assert!(!error.to_string().contains('\n')),
        Ok(disk) => {
            let mut buffer = [0x5au8; 8192];
            let slice = VolatileSlice::from(&mut buffer[..]);
            // In sectors, and inside the disk, as the device asks for it.
            let range = |at: u32, len: u16| {
                let sectors = disk.size() / 512;
                let at = u64::from(at) % sectors;
                (at * 512, (1 + u64::from(len) % 16).min(sectors - at) * 512)
            };
            for act in input.acts.iter().take(32) {
                let _ = match act {
                    Act::Read { at, len } => {
                        let (at, len) = range(*at, *len);
                        disk.read(at, &[slice.subslice(0, len as usize).unwrap()])
                    }
                    _ if disk.read_only() => Ok(()),
                    Act::Write { at, len } => {
                        let (at, len) = range(*at, *len);
                        disk.write(at, &[slice.subslice(0, len as usize).unwrap()])
                    }
                    Act::Zero { at, len, unmap } => {
                        let (at, len) = range(*at, *len);
                        disk.write_zeroes(at, len, *unmap)
                    }
                    Act::Discard { at, len } => {
                        let (at, len) = range(*at, *len);
                        disk.discard(at, len)
                    }
                    Act::Flush => disk.flush(),
                };
            }
        }
    }
    fs::remove_file(&path).unwrap();
});
