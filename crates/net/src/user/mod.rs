//! The host's network for a guest, without any privilege: what the guest sends to the world goes through ordinary
//! sockets of this process.
//!
//! The guest is on a network of its own, 10.0.2.0/24 and fd0a:0:2::/64, with a gateway (.2) that stands for the host
//! itself, a resolver (.3) that stands for the host's, DHCP and router advertisements. Each of its TCP connections ends
//! in a TCP stack that speaks for the remote end, and goes on in a socket of the host; datagrams and echo requests are
//! translated. Nobody reaches the guest but through ports of the host that were named ([`Forward`]).
//!
//! Two threads do the work, whichever has something to do: the one that brings the guest's frames, and one that waits
//! for the host's sockets. Neither ever waits for anybody else.

mod dhcp;
mod forward;
mod icmp;
mod link;
mod phy;
mod plan;
mod port;
mod stack;
mod tcp;
#[cfg(test)]
mod tests;
mod udp;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mio::net::{TcpListener, UdpSocket};
use mio::{Events, Poll, Token, Waker};

use crate::{Card, Header, Network, Offloads};
pub use forward::{BadForward, Forward};
use stack::Stack;

const WAKE: Token = Token(0);
const FIRST: Token = Token(1);
/// Events taken at once.
const EVENTS: usize = 256;

/// How to set the network up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserConfig {
    /// Ports that lead into the guest.
    pub forwards: Vec<Forward>,
    /// The DNS server; the host's own if `None`.
    pub resolver: Option<SocketAddr>,
}

/// What the host refused.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// A port to listen on.
    #[error("the host can't listen on {}: {source}", .forward.host)]
    Listen {
        /// Which.
        forward: Forward,
        /// Why.
        source: io::Error,
    },
    /// Events or threads.
    #[error("no network for the guest: {0}")]
    Host(#[from] io::Error),
}

/// The network.
pub struct UserNet {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    waker: Waker,
}

struct State {
    stack: Stack,
    /// How long the thread sleeps unless it is woken; `None` for ever.
    sleeps_until: Option<Instant>,
    quit: bool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something on the guest's behalf.
    fn act(&self, act: impl FnOnce(&mut Stack)) {
        let mut state = self.state();
        state.stack.tick();
        act(&mut state.stack);
        let earlier = match (state.stack.deadline(), state.sleeps_until) {
            (Some(deadline), Some(until)) => deadline < until,
            (deadline, None) => deadline.is_some(),
            (None, _) => false,
        };
        if earlier {
            // Once is enough.
            state.sleeps_until = state.stack.deadline();
            let _ = self.waker.wake();
        }
    }
}

impl UserNet {
    /// Sets the network up and listens on all ports that lead into the guest.
    ///
    /// # Errors
    /// If a port is in use, or the host has no descriptors or threads left.
    pub fn new(config: UserConfig) -> Result<Self, UserError> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKE)?;
        let mut stack = Stack::new(poll.registry().try_clone()?, config.clone(), FIRST);
        for forward in config.forwards {
            let refused = |source| UserError::Listen { forward, source };
            if forward.udp {
                stack.listen_udp(UdpSocket::bind(forward.host).map_err(refused)?, forward.guest)?;
            } else {
                stack.listen(TcpListener::bind(forward.host).map_err(refused)?, forward.guest)?;
            }
        }
        let state = Mutex::new(State { stack, sleeps_until: None, quit: false });
        let shared = Arc::new(Shared { state, waker });
        let server = shared.clone();
        let thread = std::thread::Builder::new().name("net".into()).spawn(move || attend(&server, poll))?;
        Ok(Self { shared, thread: Some(thread) })
    }
}

/// Waits for the host's sockets and for deadlines.
fn attend(shared: &Shared, mut poll: Poll) {
    let mut events = Events::with_capacity(EVENTS);
    loop {
        let timeout = {
            let mut state = shared.state();
            if state.quit {
                return;
            }
            state.sleeps_until = state.stack.deadline();
            state.sleeps_until.map(|until| until.saturating_duration_since(Instant::now()))
        };
        // A millisecond is the finest that every host knows; rounding down would make a busy loop.
        let timeout =
            timeout.map(|time| if time.is_zero() { time } else { time.max(Duration::from_millis(1)) });
        if poll.poll(&mut events, timeout).is_err() {
            // Interrupted, or the kernel is out of memory for the moment.
            continue;
        }
        let mut state = shared.state();
        state.stack.tick();
        events.iter().for_each(|event| state.stack.event(event));
        state.stack.expire();
    }
}

impl Drop for UserNet {
    fn drop(&mut self) {
        self.shared.state().quit = true;
        let woken = self.shared.waker.wake();
        if let Some(thread) = self.thread.take().filter(|_| woken.is_ok()) {
            // It has told already if it panicked.
            let _ = thread.join();
        }
        self.shared.state().stack.finish();
    }
}

impl Network for UserNet {
    fn attach(&self, card: Arc<dyn Card>) {
        self.shared.act(|stack| stack.attach(card));
    }

    fn offloads(&self) -> Offloads {
        Offloads { checksum: true, tcp4: true, tcp6: true }
    }

    fn send(&self, _: u16, _: &Header, frame: &[u8]) {
        self.shared.act(|stack| stack.frame(frame));
    }

    fn ready(&self) {
        self.shared.act(Stack::ready);
    }

    fn reset(&self) {
        self.shared.act(Stack::reset);
    }
}

/// A number that nobody can guess.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
