//! Any accesses to flash memory leave it hidden from the guest or shown, as its chips answer, and kept as it is.
#![no_main]

use std::sync::{Arc, Mutex};

use armlet_base::{Access, GuestRam, MmioDevice, RamKind, RamRegion};
use armlet_devices::pflash::{BLOCK, Changes, Flash, Store};
use libfuzzer_sys::fuzz_target;

const LEN: u64 = 2 * BLOCK;

struct Kept(Arc<Mutex<Vec<u8>>>);

impl Store for Kept {
    fn write(&self, offset: u64, data: &[u8]) -> std::io::Result<()> {
        self.0.lock().unwrap()[offset as usize..][..data.len()].copy_from_slice(data);
        Ok(())
    }
}

fuzz_target!(|ops: Vec<(u32, u8, Option<u64>)>| {
    let region = RamRegion { gpa: 0, len: LEN, kind: RamKind::ReadOnly };
    let ram = Arc::new(GuestRam::new(&[region]).unwrap());
    let kept = Arc::new(Mutex::new(vec![0; LEN as usize]));
    let switched = ram.clone();
    let show = move |shown: bool| switched.set_hidden(0, !shown).unwrap();
    let flash = Flash::new(ram.clone(), 0, Changes::Stored(Box::new(Kept(kept.clone()))), Box::new(show));
    for (offset, size, value) in ops.into_iter().take(200) {
        let access = Access { cpu: 0, size: 1 << (size & 3) };
        let offset = u64::from(offset) % LEN / u64::from(access.size) * u64::from(access.size);
        match value {
            None => drop(flash.read(access, offset)),
            Some(value) => flash.write(access, offset, value),
        }
    }
    let mut contents = vec![0; LEN as usize];
    ram.read(0, &mut contents).unwrap();
    assert!(contents == *kept.lock().unwrap());
    flash.reset();
    assert_eq!(ram.find(0).map(|found| found.0), Some(RamKind::ReadOnly));
});
