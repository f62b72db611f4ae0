use std::sync::Mutex;

use armlet_base::{RamKind, RamRegion};
use proptest::prelude::*;

use super::*;

const BASE: u64 = 0x400_0000;
const LEN: u64 = 4 * BLOCK;

/// Writes that arrived, and whether the next ones fail.
#[derive(Default)]
struct Kept {
    writes: Mutex<Vec<(u64, usize)>>,
    full: Mutex<bool>,
}

impl Store for Kept {
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        if *self.full.lock().unwrap() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.writes.lock().unwrap().push((offset, data.len()));
        Ok(())
    }
}

fn flash(changes: Changes) -> Flash {
    let ram = GuestRam::new(&[RamRegion { gpa: BASE, len: LEN, kind: RamKind::ReadOnly }]);
    let ram = Arc::new(ram.unwrap());
    let switched = ram.clone();
    let show = move |shown: bool| switched.set_hidden(BASE, !shown).unwrap();
    Flash::new(ram, BASE, changes, Box::new(show))
}

impl Flash {
    fn w(&self, offset: u64, value: u32) {
        self.write(Access { cpu: 0, size: 4 }, offset, value.into());
    }
    /// A command to both chips.
    fn c(&self, offset: u64, command: u8) {
        self.w(offset, u32::from(command) * 0x1_0001);
    }
    fn r(&self, offset: u64) -> u32 {
        self.read(Access { cpu: 0, size: 4 }, offset) as u32
    }
    fn hidden(&self) -> bool {
        self.ram.find(BASE).unwrap().0 == RamKind::Hidden
    }
    fn erase(&self, offset: u64) -> u32 {
        self.c(offset, spec::ERASE);
        self.c(offset, spec::CONFIRM);
        self.r(offset)
    }
}

#[test]
fn tells_what_it_is() {
    let flash = flash(Changes::Volatile);
    assert!(!flash.hidden());
    flash.c(0x55 * 4, spec::READ_QUERY);
    assert!(flash.hidden(), "reads come to the device");
    let query = |word: u64| flash.r(word * 4);
    assert_eq!([query(0x10), query(0x11), query(0x12)], [0x51_0051, 0x52_0052, 0x59_0059]);
    let chip = LEN as u32 / 2;
    assert_eq!(1 << (query(0x27) & 0xff), chip);
    let blocks = (query(0x2d) & 0xff | (query(0x2e) & 0xff) << 8) + 1;
    let block = (query(0x2f) & 0xff | (query(0x30) & 0xff) << 8) * 256;
    assert_eq!(blocks * block, chip);
    assert_eq!((query(0x31) as u8, query(0x32) as u8, query(0x33) as u8), (b'P', b'R', b'I'));
    flash.c(0, spec::READ_ID);
    assert_eq!((flash.r(0), flash.r(4), flash.r(8)), (0x89_0089, 0x18_0018, 0));
    flash.c(0, spec::READ_ARRAY);
    assert!(!flash.hidden());
}

#[test]
fn a_driver_that_takes_it_for_one_narrow_chip_is_served() {
    let flash = flash(Changes::Volatile);
    let narrow = |offset, value| flash.write(Access { cpu: 0, size: 2 }, offset, value);
    narrow(0x154, 0x98);
    assert_eq!(flash.read(Access { cpu: 0, size: 2 }, 0x40), 0x51);
    narrow(0, spec::ERASE.into());
    narrow(0, spec::CONFIRM.into());
    for (offset, value) in [(2, 0x1234), (4, 0x5678)] {
        narrow(offset, spec::PROGRAM.into());
        narrow(offset, value);
    }
    assert_eq!(flash.read(Access { cpu: 0, size: 2 }, 4), 0x80);
    narrow(0, spec::READ_ARRAY.into());
    assert_eq!((flash.r(0), flash.r(4)), (0x1234_ffff, 0xffff_5678));
}

#[test]
fn erases_and_programs_as_flash_does() {
    let kept = Arc::new(Kept::default());
    let flash = flash(Changes::Stored(Box::new(kept.clone())));
    assert_eq!(flash.erase(BLOCK + 0x100), 0x80_0080);
    assert!(flash.hidden());
    flash.c(0, spec::READ_ARRAY);
    assert_eq!(
        (flash.r(BLOCK - 4), flash.r(BLOCK), flash.r(2 * BLOCK - 4), flash.r(2 * BLOCK)),
        (0, !0, !0, 0)
    );
    flash.c(BLOCK, spec::PROGRAM);
    flash.w(BLOCK, 0x1234_5678);
    flash.c(BLOCK, spec::PROGRAM_OLD);
    flash.w(BLOCK, 0xffff_00ff);
    flash.c(0, spec::READ_ARRAY);
    assert_eq!(flash.r(BLOCK), 0x1234_0078, "bits go to 0 only");
    let at = BLOCK + 0x40;
    flash.c(at, spec::BUFFERED_PROGRAM);
    assert_eq!(flash.r(at), 0x80_0080);
    flash.w(at, 0x1f_001f);
    (0..32).for_each(|n| flash.w(at + 4 * n, n as u32 * 0x101_0101));
    flash.c(at, spec::CONFIRM);
    assert_eq!(flash.r(at), 0x80_0080);
    flash.c(at, spec::READ_ARRAY);
    assert_eq!((flash.r(at + 4), flash.r(at + 124), flash.r(at + 128)), (0x101_0101, 0x1f1f_1f1f, !0));
    let writes = kept.writes.lock().unwrap();
    assert_eq!(*writes, [(BLOCK, BLOCK as usize), (BLOCK, 4), (BLOCK, 4), (at, 128)]);
}

#[test]
fn locked_banks_and_full_hosts_are_errors_of_the_chip() {
    let locked = flash(Changes::Locked);
    assert_eq!(locked.erase(0), 0xa2_00a2);
    locked.c(0, spec::CLEAR_STATUS);
    assert_eq!(locked.r(0), 0x80_0080);
    let kept = Arc::new(Kept::default());
    let flash = flash(Changes::Stored(Box::new(kept.clone())));
    *kept.full.lock().unwrap() = true;
    assert_eq!(flash.erase(0), 0xa0_00a0);
    flash.c(0, spec::PROGRAM);
    flash.w(0, 0);
    assert_eq!(flash.r(0), 0xb0_00b0, "errors stay");
    flash.reset();
    assert_eq!((flash.hidden(), flash.r(0)), (false, 0), "nothing has changed");
}

#[test]
fn wrong_sequences_are_told() {
    let flash = flash(Changes::Volatile);
    flash.c(0, spec::ERASE);
    flash.c(0, spec::READ_ARRAY);
    assert_eq!(flash.r(0), 0xb0_00b0);
    flash.c(0, spec::CLEAR_STATUS);
    flash.c(0, spec::BUFFERED_PROGRAM);
    flash.w(0, 0x20_0020);
    assert_eq!(flash.r(0), 0xb0_00b0, "more than the buffer has");
    flash.c(0, spec::CLEAR_STATUS);
    flash.c(0, spec::BUFFERED_PROGRAM);
    flash.w(0, 0x1_0001);
    flash.w(0, 0);
    flash.w(BLOCK, 0);
    flash.c(0, spec::CONFIRM);
    assert_eq!(flash.r(0), 0x90_0090, "from one block into another");
    flash.c(0, spec::LOCK);
    flash.c(0, spec::CONFIRM);
    flash.c(0, spec::READ_STATUS);
    assert_eq!(flash.r(0), 0x90_0090);
}

proptest! {
    #[test]
    fn no_access_panics_and_memory_is_hidden_as_chips_read(
        ops in proptest::collection::vec((0..LEN, 0..4_u32, any::<Option<(u8, u64)>>()), 1..60),
    ) {
        let flash = flash(Changes::Volatile);
        let known = [0xff, 0x70, 0x50, 0x90, 0x98, 0x20, 0x40, 0x10, 0xe8, 0x60, 0xc0, 0xd0, 0x01];
        for (offset, size, write) in ops {
            let access = Access { cpu: 0, size: 1 << size };
            let offset = offset & !(u64::from(access.size) - 1);
            match write {
                None => { flash.read(access, offset); }
                Some((command, value)) => {
                    let command = known.get(usize::from(command)).map(|c| c * 0x1_0001_0001_0001_u64);
                    flash.write(access, offset, command.unwrap_or(value));
                }
            }
            let array = flash.state().chips.reads() == Reads::Array;
            prop_assert_eq!(flash.hidden(), !array);
        }
        flash.reset();
        prop_assert!(!flash.hidden());
    }
}
