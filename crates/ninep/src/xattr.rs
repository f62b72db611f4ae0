//! Txattrwalk and Txattrcreate: extended attributes as small files.
//!
//! A client has those of the name space `user`. Where owners are its own it also has `security` and `trusted`, which the host
//! would believe: they are kept under names that mean nothing to it. All else is not supported, access lists too.

use rustix::fs::XattrFlags;
use rustix::io::Errno;

use crate::Owners;
use crate::fid::{Fid, State};
use crate::owners::RECORD;
use crate::server::Server;
use crate::wire::{Input, Output, Result};

/// The longest value that Linux takes.
const LONGEST: u64 = 64 << 10;
/// What armlet itself keeps on files.
const OURS: &[u8] = b"user.armlet.";
/// In front of a name that the host is not to know.
const KEPT: &[u8] = b"user.armlet.as.";

impl Owners {
    /// The name on the host.
    fn host_name(self, name: &[u8]) -> Result<Vec<u8>> {
        if name.starts_with(OURS) || name == RECORD {
            return Err(Errno::OPNOTSUPP);
        }
        let kept = name.starts_with(b"security.") || name.starts_with(b"trusted.");
        match self {
            _ if name.starts_with(b"user.") => Ok(name.to_vec()),
            Self::Mapped if kept => Ok([KEPT, name].concat()),
            _ => Err(Errno::OPNOTSUPP),
        }
    }

    /// The name that a client has for one on the host; `None` for what is none of its business.
    fn client_name(self, name: &[u8]) -> Option<&[u8]> {
        match name.strip_prefix(KEPT) {
            Some(kept) if self == Self::Mapped => Some(kept),
            _ if name.starts_with(OURS) => None,
            _ => name.starts_with(b"user.").then_some(name),
        }
    }
}

impl Server {
    /// Opens an attribute, or the list of all, under a new fid.
    pub(crate) fn xattrwalk(&self, input: &mut Input, out: &mut Output) -> Result<()> {
        let (fid, new, name) = (self.fid(input.u32()?)?, input.u32()?, input.string()?);
        let owners = self.options.owners;
        let value = if name.is_empty() {
            let names = fid.node.attributes()?;
            let ours = names.split(|byte| *byte == 0).filter_map(|name| owners.client_name(name));
            ours.flat_map(|name| [name, b"\0"].concat()).collect()
        } else {
            let name = owners.host_name(name)?;
            owners.with_access(&fid.node, || fid.node.attribute(&name))?.ok_or(Errno::NODATA)?
        };
        out.u64(value.len() as u64)?;
        self.insert(new, Fid::new(fid.node.clone(), fid.uid, State::Attribute(value)))
    }

    /// Makes the fid one that takes an attribute's value; it is set when the fid is clunked.
    pub(crate) fn xattrcreate(&self, input: &mut Input) -> Result<()> {
        let (fid, name, size, flags) = (self.fid(input.u32()?)?, input.string()?, input.u64()?, input.u32()?);
        self.writable()?;
        let name = self.options.owners.host_name(name)?;
        if size > LONGEST {
            return Err(Errno::NOSPC);
        }
        let mut state = fid.state();
        if !matches!(*state, State::Named) {
            return Err(Errno::BADF);
        }
        *state = State::NewAttribute { name, value: vec![0; size as usize], flags };
        Ok(())
    }

    /// Sets the attribute that a fid took. To replace one with nothing is how Linux asks to take it away.
    pub(crate) fn finish_attribute(&self, fid: &Fid) -> Result<()> {
        let State::NewAttribute { name, value, flags } = std::mem::take(&mut *fid.state()) else {
            return Ok(());
        };
        let flags = XattrFlags::from_bits(flags).ok_or(Errno::INVAL)?;
        self.options.owners.with_access(&fid.node, || {
            match value.is_empty() && flags == XattrFlags::REPLACE {
                true => fid.node.remove_attribute(&name),
                false => fid.node.set_attribute(&name, &value, flags),
            }
        })
    }
}
