//! Taking possession of a tap device, and why that may fail.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;

use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::netdevice::name_to_index;
use rustix::net::{AddressFamily, SocketType, socket};
use rustix::process::geteuid;

use super::sys::{self, Kind};
use crate::{Header, Offloads};

/// The device that makes tap devices.
const TUN: &str = "/dev/net/tun";

/// Why there is no such network.
#[derive(Debug, thiserror::Error)]
pub enum TapError {
    /// No interface of that name.
    #[error(
        "there is no tap device {name}; make it with: sudo ip tuntap add dev {name} mode tap{several} user {user} && \
         sudo ip link set {name} up"
    )]
    Missing {
        /// Its name.
        name: String,
        /// What `ip` wants to hear for several queues.
        several: &'static str,
        /// Whose it is to be, by number.
        user: u32,
    },
    /// An interface of another kind.
    #[error("{0} is no tap device; `ip tuntap` lists those there are")]
    OtherKind(String),
    /// It was made for one queue.
    #[error(
        "tap device {name} has one queue; leave queues= out, or make it anew: sudo ip tuntap del dev {name} mode tap && \
         sudo ip tuntap add dev {name} mode tap multi_queue user {user} && sudo ip link set {name} up"
    )]
    OneQueue {
        /// Its name.
        name: String,
        /// Whose it is to be, by number.
        user: u32,
    },
    /// It is somebody else's.
    #[error(
        "tap device {name} is not yours to use; make one that is: sudo ip tuntap add dev NAME mode tap user {user}"
    )]
    NotYours {
        /// Its name.
        name: String,
        /// Who asks, by number.
        user: u32,
    },
    /// It is in use.
    #[error("tap device {0} is in use by another program; end that, or use another device")]
    Busy(String),
    /// The host's kernel has none.
    #[error("this host has no tap devices ({TUN}: {0}); try: sudo modprobe tun")]
    NoTun(io::Error),
    /// The host's kernel has them, but not for this user, or not in this container.
    #[error(
        "{TUN} is not yours to open ({0}); try: sudo chmod 666 {TUN} (each tap device still has an owner), or give the \
         container that device"
    )]
    TunNotYours(io::Error),
    /// Anything else.
    #[error("tap device {name}: {source}")]
    Os {
        /// Its name.
        name: String,
        /// What the host said.
        source: io::Error,
    },
}

/// Opens `queues` queues of a device that is there, and not in use.
pub(super) fn queues(name: &str, queues: u16) -> Result<Vec<File>, TapError> {
    let os = |source| TapError::Os { name: name.to_owned(), source };
    let any = socket(AddressFamily::INET, SocketType::DGRAM, None).map_err(|error| os(error.into()))?;
    if !is_there(&any, name).map_err(os)? {
        let several = if queues > 1 { " multi_queue" } else { "" };
        return Err(TapError::Missing { name: name.to_owned(), several, user: geteuid().as_raw() });
    }
    let linked = sys::has_link(&any, name);
    let (first, kind) = first(name, queues)?;
    // The kernel lets others have queues of such a device too, but then each gets some of the frames only.
    if linked && kind == Kind::Several {
        return Err(TapError::Busy(name.to_owned()));
    }
    let mut files = vec![first];
    for _ in 1..queues {
        files.push(one(name, kind)?);
    }
    sys::set_header_len(&files[0], Header::LEN).map_err(os)?;
    sys::set_offloads(&files[0], Offloads::default()).map_err(os)?;
    Ok(files)
}

/// The kernel would make a device that is not there, which nobody could use without further steps.
fn is_there(any: &OwnedFd, name: &str) -> io::Result<bool> {
    match name_to_index(any, name) {
        Ok(_) => Ok(true),
        Err(Errno::NODEV) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The first of some queues, and of which kind the device is. Only trying tells: it takes nothing but its own kind.
fn first(name: &str, queues: u16) -> Result<(File, Kind), TapError> {
    let (wanted, other) = if queues > 1 { (Kind::Several, Kind::One) } else { (Kind::One, Kind::Several) };
    match one(name, wanted) {
        Err(TapError::OtherKind(_)) => {}
        file => return Ok((file?, wanted)),
    }
    let file = one(name, other)?;
    if queues > 1 {
        return Err(TapError::OneQueue { name: name.to_owned(), user: geteuid().as_raw() });
    }
    Ok((file, other))
}

fn one(name: &str, kind: Kind) -> Result<File, TapError> {
    let file = sys::open(Path::new(TUN)).map_err(|error| match error.kind() {
        ErrorKind::PermissionDenied => TapError::TunNotYours(error),
        _ => TapError::NoTun(error),
    })?;
    sys::attach(&file, name, kind).map_err(|error| match error.kind() {
        ErrorKind::ResourceBusy => TapError::Busy(name.to_owned()),
        ErrorKind::PermissionDenied => TapError::NotYours { name: name.to_owned(), user: geteuid().as_raw() },
        ErrorKind::InvalidInput => TapError::OtherKind(name.to_owned()),
        _ => TapError::Os { name: name.to_owned(), source: error },
    })?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_tap_device_is_refused_with_the_fix() {
        let error = |name: &str, count| queues(name, count).err().map(|error| error.to_string());
        let missing = error("tap-of-nobody", 1).unwrap();
        assert!(missing.contains("ip tuntap add dev tap-of-nobody mode tap user"), "{missing}");
        let missing = error("tap-of-nobody", 2).unwrap();
        assert!(missing.contains("ip tuntap add dev tap-of-nobody mode tap multi_queue user"), "{missing}");
        assert!(error("../lo", 1).unwrap().contains("there is no tap device"));
        let expected = match sys::open(Path::new(TUN)) {
            Ok(_) => "lo is no tap device",
            // The host has none, or not for this user.
            Err(_) => TUN,
        };
        for count in [1, 2] {
            let other = error("lo", count).unwrap();
            assert!(other.contains(expected), "{other}");
        }
        let long = error("a-name-that-is-far-too-long", 1).unwrap();
        assert!(long.contains("a-name-that-is-far-too-long"), "{long}");
    }
}
