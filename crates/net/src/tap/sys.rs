//! The calls that tap devices take (Linux: `if_tun.h`).
#![allow(unsafe_code)]

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fd::OwnedFd;
use rustix::fs::OFlags;
use rustix::ioctl::{IntegerSetter, Opcode, Setter, Updater, ioctl};

use crate::Offloads;

/// What a tap device was made for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One queue.
    One,
    /// As many queues as programs open.
    Several,
}

/// An Ethernet device.
const IFF_TAP: u32 = 0x0002;
/// A device of several queues.
const IFF_MULTI_QUEUE: u32 = 0x0100;
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
const SIOCETHTOOL: Opcode = 0x8946;
/// Asks whether somebody is at the other end.
const ETHTOOL_GLINK: u32 = 0x0a;
const NAME_LEN: usize = 16;

/// `struct ifreq`, with what a call wants behind the name.
#[repr(C)]
struct Request<T> {
    name: [u8; NAME_LEN],
    value: T,
}

/// The flags of a `struct ifreq`, and the rest of its union.
#[repr(C)]
struct Flags {
    flags: u16,
    rest: [u8; 22],
}

/// `struct ethtool_value`.
#[repr(C)]
struct EthtoolValue {
    command: u32,
    data: u32,
}

/// The pointer of a `struct ifreq`, and the rest of its union.
#[repr(C)]
struct Data {
    value: *mut EthtoolValue,
    rest: [u8; 24 - size_of::<usize>()],
}

/// A name as `struct ifreq` has it, whose last byte ends it.
fn padded(name: &str) -> io::Result<[u8; NAME_LEN]> {
    let mut bytes = [0; NAME_LEN];
    let room = bytes[..NAME_LEN - 1].get_mut(..name.len()).ok_or(ErrorKind::InvalidInput)?;
    room.copy_from_slice(name.as_bytes());
    Ok(bytes)
}

pub fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK.bits() as i32;
    OpenOptions::new().read(true).write(true).custom_flags(flags).open(path)
}

/// Makes `file` the other end of the device `name`, or of one queue of it.
pub fn attach(file: &File, name: &str, kind: Kind) -> io::Result<()> {
    let several = if kind == Kind::Several { IFF_MULTI_QUEUE } else { 0 };
    let flags = (IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | several) as u16;
    let mut request = Request { name: padded(name)?, value: Flags { flags, rest: [0; 22] } };
    // SAFETY: TUNSETIFF reads and writes a `struct ifreq`, which `Request` has the size and layout of.
    Ok(unsafe { ioctl(file, Updater::<TUNSETIFF, Request<Flags>>::new(&mut request)) }?)
}

/// True if a device has somebody at its other end; false as well if the kernel doesn't say.
pub fn has_link(any: &OwnedFd, name: &str) -> bool {
    let mut link = EthtoolValue { command: ETHTOOL_GLINK, data: 0 };
    let Ok(name) = padded(name) else { return false };
    let mut request =
        Request { name, value: Data { value: &raw mut link, rest: [0; 24 - size_of::<usize>()] } };
    // SAFETY: SIOCETHTOOL reads a `struct ifreq`, which `Request` has the size and layout of, and ETHTOOL_GLINK reads and
    // writes the `struct ethtool_value` that it points to, which lives until after the call.
    let done = unsafe { ioctl(any, Updater::<SIOCETHTOOL, Request<Data>>::new(&mut request)) };
    done.is_ok() && link.data != 0
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
