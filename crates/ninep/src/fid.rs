//! What a client holds.

use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;

use crate::node::Node;
use crate::wire::Result;

/// What a fid is good for besides naming a file.
#[derive(Default)]
pub enum State {
    #[default]
    Named,
    /// A regular file or a folder.
    Open(Arc<OwnedFd>),
    /// An extended attribute, or the list of them.
    Attribute(Vec<u8>),
    /// An extended attribute that is set when the fid goes.
    NewAttribute { name: Vec<u8>, value: Vec<u8>, flags: u32 },
}

/// A file, and what a client does with it.
pub struct Fid {
    pub node: Arc<Node>,
    /// Whom the client speaks for.
    pub uid: u32,
    state: Mutex<State>,
}

impl Fid {
    pub fn new(node: Arc<Node>, uid: u32, state: State) -> Self {
        Self { node, uid, state: Mutex::new(state) }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The open file or folder.
    pub fn opened(&self) -> Result<Arc<OwnedFd>> {
        match &*self.state() {
            State::Open(file) => Ok(file.clone()),
            _ => Err(Errno::BADF),
        }
    }
}
