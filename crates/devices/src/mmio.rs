//! What every register block does with the size and alignment of an access.

use std::sync::atomic::{AtomicU64, Ordering};

use armlet_base::Access;

/// Counts accesses to registers that do not exist, or of a size they do not have.
///
/// Such an access is a mistake of the guest, or a gap of the model. Nothing is printed, since a guest
/// could do nothing else all day; a board shows the count.
#[derive(Debug, Default)]
pub struct GuestErrors {
    count: AtomicU64,
    last: AtomicU64,
}

/// The latest access that [`GuestErrors`] counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastError {
    /// Offset in the register frame.
    pub offset: u64,
    /// Bytes of the access.
    pub size: u8,
    /// Whether it was a write.
    pub write: bool,
}

impl GuestErrors {
    pub(crate) fn note(&self, offset: u64, size: u8, write: bool) {
        self.last.store(offset << 8 | u64::from(size & 0xf) << 1 | u64::from(write), Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// How many there were since the machine was made; a reset keeps the count.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// The latest one, `None` if there was none.
    pub fn last(&self) -> Option<LastError> {
        let bits = self.last.load(Ordering::Relaxed);
        (self.count() != 0).then_some(LastError {
            offset: bits >> 8,
            size: (bits >> 1 & 0xf) as u8,
            write: bits & 1 != 0,
        })
    }
}

fn aligned(access: Access, offset: u64) -> bool {
    matches!(access.size, 1 | 2 | 4 | 8) && offset.is_multiple_of(u64::from(access.size))
}

/// Reads through `register(offset, size)`, which answers `None` where there is no such register.
///
/// An 8-byte access that no register takes is made of two 4-byte ones, the lower address first.
pub(crate) fn read(
    errors: &GuestErrors,
    access: Access,
    offset: u64,
    mut register: impl FnMut(u64, u8) -> Option<u64>,
) -> u64 {
    let value = if !aligned(access, offset) {
        None
    } else if access.size == 8 {
        register(offset, 8).or_else(|| {
            let low = register(offset, 4);
            let high = register(offset + 4, 4);
            low.or(high)?;
            Some(low.unwrap_or(0) & 0xffff_ffff | high.unwrap_or(0) << 32)
        })
    } else {
        register(offset, access.size)
    };
    value.unwrap_or_else(|| {
        errors.note(offset, access.size, false);
        0
    })
}

/// Writes through `register(offset, size, value)`; the counterpart of [`read`].
pub(crate) fn write(
    errors: &GuestErrors,
    access: Access,
    offset: u64,
    value: u64,
    mut register: impl FnMut(u64, u8, u64) -> Option<()>,
) {
    let done = if !aligned(access, offset) {
        None
    } else if access.size == 8 {
        register(offset, 8, value).or_else(|| {
            let low = register(offset, 4, value & 0xffff_ffff);
            low.or(register(offset + 4, 4, value >> 32))
        })
    } else {
        register(offset, access.size, value & ((1 << (access.size * 8)) - 1))
    };
    if done.is_none() {
        errors.note(offset, access.size, true);
    }
}

/// The identification registers at the end of a PrimeCell or CoreSight frame: eight peripheral and
/// component ID words at `first`, from PIDR0 on.
pub(crate) fn id_register(ids: &[u8], first: u64, offset: u64) -> Option<u64> {
    let index = offset.checked_sub(first)? / 4;
    ids.get(usize::try_from(index).ok()?).map(|&id| u64::from(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(size: u8) -> Access {
        Access { cpu: 0, size }
    }

    #[test]
    fn wide_accesses_are_two_words_and_odd_ones_are_counted() {
        let errors = GuestErrors::default();
        let words = |offset, size| (size == 4 && offset < 16).then_some(0x100 + offset);
        assert_eq!(read(&errors, access(8), 8, words), 0x10c_0000_0108);
        assert_eq!(errors.count(), 0);
        assert_eq!(errors.last(), None);
        for (size, offset) in [(4, 2), (8, 4), (1, 0), (3, 0), (0, 0), (4, 16), (8, 16)] {
            assert_eq!(read(&errors, access(size), offset, words), 0, "{size} bytes at {offset}");
        }
        assert_eq!(errors.count(), 7);
        assert_eq!(errors.last(), Some(LastError { offset: 16, size: 8, write: false }));
    }

    #[test]
    fn writes_keep_only_the_bytes_of_the_access() {
        let errors = GuestErrors::default();
        let mut seen = Vec::new();
        write(&errors, access(2), 2, 0x12345, |o, s, v| {
            seen.push((o, s, v));
            Some(())
        });
        write(&errors, access(8), 8, 0x1_0000_0002, |o, s, v| {
            seen.push((o, s, v));
            (s == 4).then_some(())
        });
        assert_eq!(seen[0], (2, 2, 0x2345));
        assert_eq!(seen[2], (8, 4, 2));
        assert!(seen.len() >= 3);
    }
}
