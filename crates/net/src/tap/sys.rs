//! The calls that tap devices take (Linux: `if_tun.h`).
#![allow(unsafe_code)]

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;
use rustix::ioctl::{IntegerSetter, Opcode, Setter, Updater, ioctl};

use crate::Offloads;

/// An Ethernet device.
const IFF_TAP: u32 = 0x0002;
/// Frames come without a protocol number before them.
const IFF_NO_PI: u32 = 0x1000;
/// They come with a virtio header.
const IFF_VNET_HDR: u32 = 0x4000;
const TUN_F_CSUM: usize = 1;
const TUN_F_TSO4: usize = 2;
const TUN_F_TSO6: usize = 4;
const TUNSETIFF: Opcode = 0x4004_54ca;
const TUNSETOFFLOAD: Opcode = 0x4004_54d0;
const TUNSETVNETHDRSZ: Opcode = 0x4004_54d8;
const NAME_LEN: usize = 16;

/// `struct ifreq`, as TUNSETIFF takes it.
#[repr(C)]
struct Request {
    name: [u8; NAME_LEN],
    flags: u16,
    rest: [u8; 22],
}

pub fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK.bits() as i32;
    OpenOptions::new().read(true).write(true).custom_flags(flags).open(path)
}

/// Makes `file` the other end of the device `name`.
pub fn attach(file: &File, name: &str) -> io::Result<()> {
    let mut request = Request { name: [0; NAME_LEN], flags: 0, rest: [0; 22] };
    // The last byte ends the name.
    let Some(room) = request.name[..NAME_LEN - 1].get_mut(..name.len()) else {
        return Err(ErrorKind::InvalidInput.into());
    };
    room.copy_from_slice(name.as_bytes());
    request.flags = (IFF_TAP | IFF_NO_PI | IFF_VNET_HDR) as u16;
    // SAFETY: TUNSETIFF reads and writes a `struct ifreq`, which `Request` has the size and layout of.
    Ok(unsafe { ioctl(file, Updater::<TUNSETIFF, Request>::new(&mut request)) }?)
}

/// Sets the length of the header before each frame.
pub fn set_header_len(file: &File, len: usize) -> io::Result<()> {
    // SAFETY: TUNSETVNETHDRSZ reads an int.
    Ok(unsafe { ioctl(file, Setter::<TUNSETVNETHDRSZ, i32>::new(len as i32)) }?)
}

/// Sets what the kernel may leave to the reader of its frames.
pub fn set_offloads(file: &File, offloads: Offloads) -> io::Result<()> {
    let bit = |set: bool, bit: usize| if set && offloads.checksum { bit } else { 0 };
    let bits = bit(true, TUN_F_CSUM) | bit(offloads.tcp4, TUN_F_TSO4) | bit(offloads.tcp6, TUN_F_TSO6);
    // SAFETY: TUNSETOFFLOAD takes its argument by value.
    Ok(unsafe { ioctl(file, IntegerSetter::<TUNSETOFFLOAD>::new_usize(bits)) }?)
}
