//! Standard input and output that somebody else has set to O_NONBLOCK, as programs do that share a terminal or a pipe with us.

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

/// Waits where a descriptor would not.
pub struct Patient<T>(pub T);

impl<T: AsFd> Patient<T> {
    /// Does `act`, once the descriptor is ready for it.
    fn once_ready<R>(
        &mut self,
        flags: PollFlags,
        mut act: impl FnMut(&mut T) -> io::Result<R>,
    ) -> io::Result<R> {
        loop {
            match act(&mut self.0) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                done => return done,
            }
            match poll(&mut [PollFd::new(&self.0, flags)], None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl<T: Read + AsFd> Read for Patient<T> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.once_ready(PollFlags::IN, |from| from.read(bytes))
    }
}

impl<T: Write + AsFd> Write for Patient<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.once_ready(PollFlags::OUT, |to| to.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.once_ready(PollFlags::OUT, T::flush)
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufWriter;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn all_comes_through_what_does_not_wait() {
        let (from, to) = UnixStream::pair().unwrap();
        from.set_nonblocking(true).unwrap();
        to.set_nonblocking(true).unwrap();
        let sent: Vec<u8> = (0..4_u32 << 20).map(|byte| (byte ^ byte >> 8) as u8).collect();
        let (mut from, mut to) = (Patient(from), Patient(to));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                to.write_all(&sent).unwrap();
                to.flush().unwrap();
                to.0.shutdown(std::net::Shutdown::Write).unwrap();
            });
            let mut came = Vec::new();
            from.read_to_end(&mut came).unwrap();
            assert!(came == sent);
        });
    }

    #[test]
    fn what_a_buffer_holds_comes_through_once() {
        struct Buffered(BufWriter<UnixStream>);
        impl AsFd for Buffered {
            fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
                self.0.get_ref().as_fd()
            }
        }
        impl Write for Buffered {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.write(bytes)
            }
            fn flush(&mut self) -> io::Result<()> {
                self.0.flush()
            }
        }
        let (mut from, to) = UnixStream::pair().unwrap();
        to.set_nonblocking(true).unwrap();
        let sent: Vec<u8> = (0..1_u32 << 20).map(|byte| (byte ^ byte >> 8) as u8).collect();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut to = Patient(Buffered(BufWriter::new(to)));
                sent.chunks(3000).for_each(|piece| to.write_all(piece).unwrap());
                to.flush().unwrap();
            });
            let mut came = Vec::new();
            from.read_to_end(&mut came).unwrap();
            assert!(came == sent);
        });
    }
}
