//! Reading along: what `attach` shows of a running machine.

use std::collections::VecDeque;
use std::sync::Arc;

use super::Screen;

/// Bytes that somebody who comes later sees of what was before.
const REPEATED: usize = 2048;

impl Screen {
    /// Makes [`Self::follow`] work.
    pub fn keep(&self) {
        self.lock().kept = Some(VecDeque::new());
    }

    /// Somebody who sees what the guest printed last, and all it prints from now on.
    pub fn follow(self: &Arc<Self>) -> Follower {
        let mut state = self.lock();
        state.followers += 1;
        let before = state.kept.as_ref().map_or(0, |kept| kept.len().min(REPEATED));
        Follower { screen: self.clone(), seen: state.printed - before as u64 }
    }
}

/// Somebody who reads along. Who is slow misses something, and holds up nobody.
pub struct Follower {
    screen: Arc<Screen>,
    seen: u64,
}

impl Follower {
    /// Waits for more and puts it in place of what is in `bytes`. False when there will be none.
    pub fn next(&mut self, bytes: &mut Vec<u8>) -> bool {
        let mut state = self.screen.lock();
        loop {
            let kept = state.kept.as_ref().map_or(0, VecDeque::len);
            let new = (state.printed - self.seen).min(kept as u64) as usize;
            if new > 0 {
                bytes.clear();
                bytes.extend(state.kept.iter().flat_map(|kept| kept.range(kept.len() - new..)));
                self.seen = state.printed;
                return true;
            }
            if state.finished {
                return false;
            }
            state = self.screen.wait(state);
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.screen.lock().followers -= 1;
        self.screen.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::super::screen::{CAPACITY, tests::screen};
    use super::*;

    #[test]
    fn who_follows_sees_the_end_of_what_was_and_all_that_comes() {
        let screen = screen();
        screen.keep();
        // Nobody writes to stdout here.
        screen.lock().broken = Some(io::ErrorKind::Other);
        let mut console = screen.console();
        console.write(&[b'a'; 2 * CAPACITY]);
        let (mut follower, mut bytes) = (screen.follow(), Vec::new());
        assert!(follower.next(&mut bytes));
        assert_eq!(bytes, [b'a'; REPEATED]);
        console.write(b"bc");
        assert!(follower.next(&mut bytes) && bytes == b"bc");
        // More than is kept: the rest is missed.
        console.write(&[b'd'; 10]);
        console.write(&[b'e'; CAPACITY]);
        assert!(follower.next(&mut bytes) && bytes == [b'e'; CAPACITY]);
        screen.finish();
        assert!(!follower.next(&mut bytes));
        drop(follower);
        screen.farewell();
    }
}
