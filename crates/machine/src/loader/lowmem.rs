//! Where a 32-bit Linux kernel wants things (Documentation/arch/arm/booting.rst in the kernel's sources).
//!
//! The kernel unpacks itself to the start of memory. The `zImage` goes above that, so that it need not move
//! itself out of the way first, and within the first 128 MiB, because it finds the start of memory by its own
//! address. The device tree and the initrd go behind both, where the kernel maps memory for good: its *low
//! memory*, 760 MiB with the usual split of addresses.

use std::ops::Range;

use super::fault::Fault;
use super::place::{BLOCK, align_up, fit};
use super::zimage::Zimage;

const MIB: u64 = 1 << 20;
/// A `zImage` finds the start of memory by rounding its address down to this.
const WINDOW: u64 = 128 * MIB;
/// Where a `zImage` goes if the kernel leaves room there.
const USUAL: u64 = 32 * MIB;
/// What the unpacking program uses behind itself: its data, its stack and its heap.
const WORKSPACE: u64 = MIB;
/// What the kernel maps for good.
const LOW_MEMORY: u64 = 760 * MIB;
/// Zeroed data of a kernel that doesn't tell.
const UNTOLD_BSS: u64 = 16 * MIB;

/// What a kernel takes of guest memory, and where the device tree and the initrd go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Low {
    /// Where the file's bytes are.
    pub image: Range<u64>,
    /// First address that neither the image nor the unpacked kernel needs.
    pub free: u64,
}

/// Places a `zImage`, at `asked` if given.
pub fn zimage(zimage: &Zimage, asked: Option<u64>, ram: &Range<u64>) -> Result<Low, Fault> {
    let len = zimage.len as u64;
    // Packed kernels grow to less than five times their length.
    let unpacked = ram.start + zimage.unpacked_end.unwrap_or((5 * len).max(USUAL));
    let takes = len + WORKSPACE;
    let start = match asked {
        Some(at) if at % 4 == 0 && (ram.start..ram.start + WINDOW).contains(&at) => at,
        Some(address) => {
            let end = ram.start + WINDOW;
            let why = format!(
                "a zImage goes to a multiple of 4 in {:#x}-{end:#x}; leave the address out",
                ram.start
            );
            return Err(Fault::BadAddress { what: "load address", address, why });
        }
        None => {
            let tight = align_up(unpacked, BLOCK);
            // Little memory is better left to the initrd.
            if ram.end - ram.start >= 2 * USUAL { tight.max(ram.start + USUAL) } else { tight }
        }
    };
    let more = "give the guest more memory";
    let image = fit("kernel", start, len, ram, more)?;
    fit("kernel", start, takes, ram, more)?;
    // In the way of the kernel, it first moves itself behind that.
    let moved = if start < unpacked { unpacked + takes } else { start + takes };
    fit("unpacked kernel", ram.start, unpacked.max(moved) - ram.start, ram, more)?;
    Ok(Low { image, free: unpacked.max(moved) })
}

/// Places a kernel that is not packed and goes to `load`.
pub fn fixed(load: u64, len: u64, ram: &Range<u64>) -> Result<Low, Fault> {
    let image = fit("kernel", load, len, ram, "build it for this memory")?;
    let free = image.end.saturating_add(UNTOLD_BSS).min(ram.end);
    Ok(Low { image, free })
}

/// Where the device tree goes: 128 MiB into memory, or behind the kernel if memory ends before.
pub fn device_tree(free: u64, initrd: u64, ram: &Range<u64>) -> u64 {
    let behind = align_up(free, BLOCK);
    let roomy = behind.max(ram.start + WINDOW);
    if roomy + BLOCK + initrd <= limit(ram) { roomy } else { behind }
}

/// Places an initrd of `len` bytes behind the room for a device tree at `device_tree`.
pub fn initrd(device_tree: u64, len: u64, ram: &Range<u64>) -> Result<Range<u64>, Fault> {
    let start = device_tree + BLOCK;
    let low = ram.start..limit(ram);
    let fix = if low.end == ram.end {
        "give the guest more memory"
    } else {
        "a 32-bit kernel maps no more of it for good, so use a smaller one"
    };
    fit("contents", start, len, &low, fix)
}

fn limit(ram: &Range<u64>) -> u64 {
    ram.end.min(ram.start + LOW_MEMORY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BASE: u64 = 0x4000_0000;

    fn ram(mib: u64) -> Range<u64> {
        BASE..BASE + mib * MIB
    }

    fn kernel(len: usize, unpacked_end: Option<u64>) -> Zimage {
        Zimage { len, unpacked_end, dtb: None }
    }

    #[test]
    fn the_usual_places() {
        let low = zimage(&kernel(5 << 20, Some(22 * MIB)), None, &ram(1024)).unwrap();
        assert_eq!(low, Low { image: BASE + 32 * MIB..BASE + 37 * MIB, free: BASE + 38 * MIB });
        let tree = device_tree(low.free, 10, &ram(1024));
        assert_eq!(tree, BASE + 128 * MIB);
        assert_eq!(initrd(tree, 10, &ram(1024)), Ok(BASE + 130 * MIB..BASE + 130 * MIB + 10));
        let large = zimage(&kernel(9 << 20, Some(40 * MIB)), None, &ram(1024)).unwrap();
        assert_eq!(large.image.start, BASE + 40 * MIB);
        let silent = zimage(&kernel(9 << 20, None), None, &ram(1024)).unwrap();
        assert_eq!(silent.image.start, BASE + 46 * MIB);
    }

    #[test]
    fn small_memory_is_used_to_its_end() {
        let small = kernel(5 << 20, Some(21 * MIB));
        assert_eq!(zimage(&small, None, &ram(64)).unwrap().image.start, BASE + 32 * MIB);
        assert_eq!(zimage(&small, None, &ram(63)).unwrap().image.start, BASE + 22 * MIB);
        let low = zimage(&small, None, &ram(32)).unwrap();
        assert_eq!(low, Low { image: BASE + 22 * MIB..BASE + 27 * MIB, free: BASE + 28 * MIB });
        assert_eq!(device_tree(low.free, MIB, &ram(32)), BASE + 28 * MIB);
        let error = zimage(&small, None, &ram(27)).unwrap_err().to_string();
        assert!(error.contains("more memory"), "{error}");
        let error = initrd(BASE + 28 * MIB, 3 * MIB, &ram(32)).unwrap_err().to_string();
        assert!(error.contains("more memory"), "{error}");
        let error = initrd(BASE + 128 * MIB, 700 * MIB, &ram(2048)).unwrap_err().to_string();
        assert!(error.contains("0x6f800000") && error.contains("a smaller one"), "{error}");
    }

    #[test]
    fn an_address_asked_for_is_taken_or_refused() {
        let small = kernel(5 << 20, Some(21 * MIB));
        let low = zimage(&small, Some(BASE + 0x8000), &ram(1024)).unwrap();
        // It moves itself: behind the kernel there must be room for it.
        assert_eq!((low.image.start, low.free), (BASE + 0x8000, BASE + 27 * MIB));
        for bad in [0, BASE + 2, BASE + 128 * MIB, u64::MAX] {
            let error = zimage(&small, Some(bad), &ram(1024)).unwrap_err().to_string();
            assert!(error.contains("leave the address out"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn nothing_overlaps_or_leaves_memory(
            len in 0x80usize..64 << 20,
            unpacked in proptest::option::of(0u64..256 << 20),
            mib in 1u64..3000,
            initrd_len in 1u64..900 << 20,
            asked in proptest::option::of(any::<u64>()),
        ) {
            let ram = ram(mib);
            if let Ok(low) = zimage(&kernel(len, unpacked), asked, &ram) {
                prop_assert!(low.free <= ram.end && low.image.end <= low.free && low.image.start >= ram.start);
                prop_assert!(low.free >= ram.start + unpacked.unwrap_or(0));
                let tree = device_tree(low.free, initrd_len, &ram);
                prop_assert!(tree >= low.free);
                if let Ok(initrd) = initrd(tree, initrd_len, &ram) {
                    prop_assert!(initrd.start >= tree + BLOCK && initrd.end <= limit(&ram));
                }
            }
        }
    }
}
