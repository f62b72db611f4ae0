//! Where the payload, the initrd and the device tree go in guest memory.
//!
//! The rules are those of the arm64 kernel's booting.rst (those of arm are in `lowmem`): an `Image` at `text_offset` from a 2 MiB boundary
//! with `image_size` bytes free from its start, the initrd within the same 1 GiB-aligned window of
//! 32 GiB, the device tree 8-byte aligned in at most 2 MiB. The device tree has the first 2 MiB of
//! memory unless the payload wants them, so firmware that looks for it at the start of memory finds it.

use std::ops::Range;

use armlet_hv::GuestMode;

use super::fault::{Fault, LoadError};
use super::lowmem::{self, Low};
use super::{Format, Payload, Source};

const MIB: u64 = 1 << 20;
/// What Linux maps at once; images and device trees are placed by it.
pub(crate) const BLOCK: u64 = 2 * MIB;
/// How far from the kernel an initrd may end.
const INITRD_WINDOW: u64 = 32 << 30;

/// Bytes to be put into guest memory at each reset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// What it is, for the plan and messages.
    pub what: &'static str,
    /// Guest physical address.
    pub gpa: u64,
    /// The bytes; none once they were given up, to be read again from `source`.
    pub data: Vec<u8>,
    /// Length in memory; what `data` does not fill is zeroed.
    pub len: u64,
    /// Where `data` can be read again.
    pub source: Option<Source>,
}

/// What the board asks of the loader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Guest memory that can be used.
    pub ram: Range<u64>,
    /// Where flat binaries and relocatable ELF programs go by default.
    pub flat_at: u64,
    /// The user's load address, if given.
    pub load_address: Option<u64>,
    /// The user's entry address, if given.
    pub entry: Option<u64>,
    /// State in which the guest starts.
    pub mode: GuestMode,
}

/// The outcome: what goes where, and where the guest starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Everything to load.
    pub loads: Vec<Load>,
    /// First instruction; in AArch32 state bit 0 chooses T32.
    pub entry: u64,
    /// Memory the kernel or program takes, its zeroed data included.
    pub kernel: Range<u64>,
    /// Memory the initrd takes.
    pub initrd: Option<Range<u64>>,
    /// Where the device tree has to be, for kernels that are particular.
    pub device_tree: Option<u64>,
}

impl Placement {
    /// Where a device tree of `len` bytes goes; `None` if memory is full.
    pub fn device_tree_at(&self, len: u64, ram: &Range<u64>) -> Option<u64> {
        match self.device_tree {
            Some(at) => at.checked_add(len).filter(|end| *end <= ram.end).map(|_| at),
            None => {
                let taken = [Some(&self.kernel), self.initrd.as_ref()];
                let taken: Vec<_> = taken.into_iter().flatten().cloned().collect();
                find_dtb_address(len, ram, &taken)
            }
        }
    }
}

/// An initial RAM disk, and its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Initrd {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Where they can be read again.
    pub source: Option<Source>,
}

impl From<Vec<u8>> for Initrd {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes, source: None }
    }
}

/// Places a payload and an initrd.
pub fn place(payload: Payload, initrd: Option<Initrd>, request: &Request) -> Result<Placement, LoadError> {
    let name = payload.name.clone();
    let (mut placement, low) =
        place_payload(payload, request).map_err(|fault| LoadError { name: name.clone(), fault })?;
    let len = initrd.as_ref().map_or(0, |initrd| initrd.bytes.len() as u64);
    placement.device_tree = low.map(|low| lowmem::device_tree(low.free, len, &request.ram));
    if let Some(initrd) = initrd {
        if initrd.bytes.is_empty() {
            return Err(LoadError { name: "the initrd".into(), fault: Fault::Empty });
        }
        let range = match placement.device_tree {
            Some(tree) => lowmem::initrd(tree, len, &request.ram),
            None => place_initrd(len, &placement.kernel, &request.ram),
        };
        let range = range.map_err(|fault| LoadError { name: "the initrd".into(), fault })?;
        placement.loads.push(Load {
            what: "initrd",
            gpa: range.start,
            data: initrd.bytes,
            len,
            source: initrd.source,
        });
        placement.initrd = Some(range);
    }
    if let Some(entry) = request.entry {
        placement.entry = entry;
    }
    match check_entry(placement.entry, request) {
        Ok(()) => Ok(placement),
        Err(fault) => Err(LoadError { name, fault }),
    }
}

/// Refuses an entry where no instruction can be.
fn check_entry(entry: u64, request: &Request) -> Result<(), Fault> {
    let ram = &request.ram;
    let (aligned, how) = if request.mode.is_aarch32() {
        let how =
            "A32 instructions are 4-byte aligned, T32 ones have bit 0 of their address set, and both are";
        (entry.is_multiple_of(4) || entry & 1 != 0, how)
    } else {
        (entry.is_multiple_of(4), "instructions are 4-byte aligned and")
    };
    if aligned && ram.contains(&entry) {
        return Ok(());
    }
    let why = format!("{how} in guest memory, {:#x}-{:#x}", ram.start, ram.end);
    Err(Fault::BadAddress { what: "entry address", address: entry, why })
}

/// Loads the payload; for a 32-bit Linux kernel also what it takes of low memory.
fn place_payload(payload: Payload, request: &Request) -> Result<(Placement, Option<Low>), Fault> {
    let ram = &request.ram;
    let mut low = None;
    let source = payload.source;
    let (loads, kernel, entry) = match payload.format {
        Format::Zimage(zimage) => {
            let place = low.insert(lowmem::zimage(&zimage, request.load_address, ram)?);
            let (gpa, data) = (place.image.start, payload.bytes);
            let len = data.len() as u64;
            (vec![Load { what: "kernel", gpa, data, len, source }], place.image.clone(), gpa)
        }
        Format::Fixed { load, entry, mode, linux } => {
            if let Some(address) = request.load_address {
                let why = "a uImage names its own address; leave the address out".into();
                return Err(Fault::BadAddress { what: "load address", address, why });
            }
            let len = payload.bytes.len() as u64;
            let range = fit("contents", load, len, ram, "build the uImage for this memory")?;
            if linux && mode.is_aarch32() {
                low = Some(lowmem::fixed(load, len, ram)?);
            }
            (vec![Load { what: "kernel", gpa: load, data: payload.bytes, len, source }], range, entry)
        }
        Format::Image(header) => {
            let gpa = match request.load_address {
                None => align_up(ram.start, BLOCK) + BLOCK + header.text_offset,
                Some(at) if at.checked_sub(header.text_offset).is_some_and(|b| b.is_multiple_of(BLOCK)) => at,
                Some(address) => {
                    let why = format!(
                        "this Image wants a multiple of 2 MiB plus {:#x}; leave the address out",
                        header.text_offset
                    );
                    return Err(Fault::BadAddress { what: "load address", address, why });
                }
            };
            let range = fit("kernel", gpa, header.image_size, ram, "give the guest more memory")?;
            let data = payload.bytes;
            let len = data.len() as u64;
            (vec![Load { what: "kernel", gpa, data, len, source }], range, gpa)
        }
        Format::Flat => {
            let gpa = aligned_load(request)?.unwrap_or(request.flat_at);
            let len = payload.bytes.len() as u64;
            let range = fit("program", gpa, len, ram, "choose another load address or more memory")?;
            (vec![Load { what: "program", gpa, data: payload.bytes, len, source }], range, gpa)
        }
        Format::Elf(elf) => {
            let extent = elf.extent();
            let move_by = match aligned_load(request)? {
                Some(address) if !elf.relocatable => {
                    let why = "an executable ELF names its own addresses; leave the address out".into();
                    return Err(Fault::BadAddress { what: "load address", address, why });
                }
                Some(address) => address.wrapping_sub(extent.start),
                None if elf.relocatable && !ram.contains(&extent.start) => {
                    request.flat_at.wrapping_sub(extent.start)
                }
                None => 0,
            };
            let fix = "link the program for this memory, or boot the Image or zImage instead of vmlinux";
            let mut loads = Vec::new();
            for segment in &elf.segments {
                let gpa = segment.paddr.wrapping_add(move_by);
                fit("segment", gpa, segment.memsz, ram, fix)?;
                let data = payload.bytes[segment.file.clone()].to_vec();
                loads.push(Load { what: "program", gpa, data, len: segment.memsz, source: None });
            }
            let start = extent.start.wrapping_add(move_by);
            (loads, start..extent.end.wrapping_add(move_by), elf.entry.wrapping_add(move_by))
        }
    };
    Ok((Placement { loads, entry, kernel, initrd: None, device_tree: None }, low))
}

/// The user's load address for code that starts there or moves with it, if given.
fn aligned_load(request: &Request) -> Result<Option<u64>, Fault> {
    match request.load_address {
        Some(address) if !address.is_multiple_of(4) => {
            let why = "code is 4-byte aligned; choose a multiple of 4".to_owned();
            Err(Fault::BadAddress { what: "load address", address, why })
        }
        other => Ok(other),
    }
}

/// Like other monitors: in the upper half or from 128 MiB on, so that the kernel can grow; right
/// behind the kernel if that is too high.
fn place_initrd(len: u64, kernel: &Range<u64>, ram: &Range<u64>) -> Result<Range<u64>, Fault> {
    let limit = ram.end.min((kernel.start & !((1 << 30) - 1)).saturating_add(INITRD_WINDOW));
    let after = align_up(kernel.end.max(ram.start + BLOCK), BLOCK);
    let roomy = align_up(ram.start + ((ram.end - ram.start) / 2).min(128 * MIB), BLOCK).max(after);
    let fits = |start: u64| start.checked_add(len).is_some_and(|end| end <= limit);
    match [roomy, after].into_iter().find(|start| fits(*start)) {
        Some(start) => Ok(start..start + len),
        None => Err(Fault::DoesNotFit {
            what: "contents",
            start: after,
            end: after.saturating_add(len),
            ram_start: ram.start,
            ram_end: limit,
            fix: "give the guest more memory",
        }),
    }
}

/// Finds a place for a device tree of `len` bytes: the start of memory, else behind what is loaded,
/// else below it. `None` if memory is full.
pub fn find_dtb_address(len: u64, ram: &Range<u64>, taken: &[Range<u64>]) -> Option<u64> {
    let behind = taken.iter().map(|r| r.end).max().unwrap_or(ram.start);
    let below = taken.iter().map(|r| r.start).min().unwrap_or(ram.end);
    let candidates = [
        Some(ram.start),
        Some(align_up(behind, BLOCK)),
        Some(align_up(behind, 4096)),
        below.checked_sub(len).map(|at| at & !(BLOCK - 1)),
        below.checked_sub(len).map(|at| at & !4095),
    ];
    candidates.into_iter().flatten().find(|&at| {
        let Some(end) = at.checked_add(len) else { return false };
        at >= ram.start && end <= ram.end && taken.iter().all(|r| end <= r.start || r.end <= at)
    })
}

/// The range from `start`, if it is in guest memory.
pub(super) fn fit(
    what: &'static str,
    start: u64,
    len: u64,
    ram: &Range<u64>,
    fix: &'static str,
) -> Result<Range<u64>, Fault> {
    let end = start.checked_add(len);
    match end {
        Some(end) if start >= ram.start && end <= ram.end => Ok(start..end),
        _ => {
            let end = end.unwrap_or(u64::MAX);
            Err(Fault::DoesNotFit { what, start, end, ram_start: ram.start, ram_end: ram.end, fix })
        }
    }
}

/// The next multiple of `to`, or the last one there is.
pub(super) fn align_up(value: u64, to: u64) -> u64 {
    value.checked_next_multiple_of(to).unwrap_or(!(to - 1))
}

#[cfg(test)]
mod tests {
    use super::super::{ImageHeader, PayloadKind, elf, uimage, zimage};
    use super::*;
    use proptest::prelude::*;

    const BASE: u64 = 0x4000_0000;

    fn request(mib: u64) -> Request {
        let ram = BASE..BASE + mib * MIB;
        Request { ram, flat_at: BASE + 0x80000, load_address: None, entry: None, mode: GuestMode::A64El1 }
    }

    fn kernel(image_size: u64) -> Payload {
        let header = ImageHeader { text_offset: 0, image_size, page_kib: Some(4), anywhere: true };
        let (name, bytes) = ("Image".to_owned(), vec![1; 100]);
        Payload { name, kind: PayloadKind::Arm64Image, format: Format::Image(header), bytes, source: None }
    }

    #[test]
    fn an_image_leaves_the_first_block_to_the_device_tree() {
        let placement = place(kernel(33 * MIB), Some(vec![2; 10].into()), &request(1024)).unwrap();
        assert_eq!(placement.kernel, BASE + BLOCK..BASE + BLOCK + 33 * MIB);
        assert_eq!(placement.entry, BASE + BLOCK);
        assert_eq!(placement.initrd, Some(BASE + 128 * MIB..BASE + 128 * MIB + 10));
        let taken = [placement.kernel, placement.initrd.unwrap()];
        assert_eq!(find_dtb_address(4096, &request(1024).ram, &taken), Some(BASE));
    }

    #[test]
    fn a_small_guest_gets_its_initrd_right_behind_the_kernel() {
        let placement = place(kernel(20 * MIB), Some(vec![2; 20 << 20].into()), &request(44)).unwrap();
        assert_eq!(placement.initrd.unwrap().start, BASE + 22 * MIB);
        let error = place(kernel(20 * MIB), Some(vec![2; 23 << 20].into()), &request(44)).unwrap_err();
        assert!(error.to_string().starts_with("can't load the initrd: its contents would lie"), "{error}");
        let error = place(kernel(43 * MIB), None, &request(44)).unwrap_err();
        assert!(error.to_string().contains("more memory"), "{error}");
    }

    #[test]
    fn programs_go_where_they_say() {
        let flat = Payload::flat("a.bin", vec![0; 64]).unwrap();
        assert_eq!(place(flat.clone(), None, &request(64)).unwrap().entry, BASE + 0x80000);
        let at_start = Request { load_address: Some(BASE), ..request(64) };
        let placement = place(flat.clone(), None, &at_start).unwrap();
        assert_eq!(placement.entry, BASE);
        assert_eq!(find_dtb_address(4096, &at_start.ram, &[placement.kernel]), Some(BASE + BLOCK));
        let odd = Request { entry: Some(BASE + 2), ..request(64) };
        assert!(place(flat, None, &odd).unwrap_err().to_string().contains("entry address 0x40000002"));

        let fixed = elf::tests::elf(2, BASE + 8, &[(BASE, BASE, b"12345678abcd", 12)]);
        let fixed = Payload::detect("fixed", fixed).unwrap();
        assert_eq!(place(fixed.clone(), None, &request(64)).unwrap().entry, BASE + 8);
        assert!(place(fixed, None, &at_start).unwrap_err().to_string().contains("names its own"));
        let anywhere = Payload::detect("pie", elf::tests::elf(3, 4, &[(0, 0, b"12345678", 8)])).unwrap();
        assert_eq!(place(anywhere, None, &request(64)).unwrap().entry, BASE + 0x80004);
        let vmlinux = elf::tests::elf(2, 0, &[(0xffff_8000_0800_0000, 0xffff_8000_0800_0000, b"x", 1)]);
        let vmlinux = Payload::detect("vmlinux", vmlinux).unwrap();
        assert!(place(vmlinux, None, &request(64)).unwrap_err().to_string().contains("boot the Image"));
    }

    #[test]
    fn a_zimage_and_what_belongs_to_it() {
        let zimage = || Payload::detect("zImage", zimage::tests::zimage(5 << 20, 20 << 20)).unwrap();
        let request = |mib| Request { mode: GuestMode::A32El1, ..request(mib) };
        let placement = place(zimage(), Some(vec![2; 10].into()), &request(1024)).unwrap();
        assert_eq!((placement.entry, placement.kernel.end), (BASE + 32 * MIB, BASE + 37 * MIB));
        assert_eq!(placement.initrd, Some(BASE + 130 * MIB..BASE + 130 * MIB + 10));
        let tree = |placement: &Placement, mib| placement.device_tree_at(4096, &request(mib).ram);
        assert_eq!(tree(&placement, 1024), Some(BASE + 128 * MIB));
        let small = place(zimage(), None, &request(64)).unwrap();
        assert_eq!(tree(&small, 64), Some(BASE + 38 * MIB));
        assert_eq!(tree(&place(zimage(), None, &request(28)).unwrap(), 28), None);
        assert!(place(zimage(), None, &request(20)).unwrap_err().to_string().contains("more memory"));

        let raw = |load| Payload::detect("u", uimage::tests::uimage([5, 2, 2, 0], load, &[1; 4096])).unwrap();
        let placement = place(raw(BASE as u32 + 0x8000), None, &request(1024)).unwrap();
        assert_eq!((placement.entry, placement.kernel.start), (BASE + 0x8004, BASE + 0x8000));
        assert_eq!(tree(&placement, 1024), Some(BASE + 128 * MIB));
        let error = place(raw(0x8000), None, &request(1024)).unwrap_err().to_string();
        assert!(error.contains("build the uImage for this memory"), "{error}");
        let moved = Request { load_address: Some(BASE), ..request(1024) };
        assert!(place(raw(0x8000), None, &moved).unwrap_err().to_string().contains("names its own"));
    }

    #[test]
    fn t32_code_starts_at_an_odd_address() {
        let request = Request { mode: GuestMode::A32El1, ..request(64) };
        let flat = || Payload::flat("a.bin", vec![0; 64]).unwrap();
        for (entry, good) in [(0, true), (1, true), (3, true), (2, false)] {
            let request = Request { entry: Some(BASE + entry), ..request.clone() };
            let placed = place(flat(), None, &request);
            assert_eq!(placed.is_ok(), good, "{entry}");
            if let Err(error) = placed {
                assert!(error.to_string().contains("T32"), "{error}");
            }
        }
        let odd = Request { load_address: Some(BASE + 1), ..request.clone() };
        assert!(place(flat(), None, &odd).unwrap_err().to_string().contains("a multiple of 4"));
        let thumb = elf::tests::elf32(2, BASE + 1, &[(BASE, BASE, b"12345678", 8)]);
        let thumb = Payload::detect("thumb", thumb).unwrap();
        assert_eq!(place(thumb, None, &request).unwrap().entry, BASE + 1);
    }

    #[test]
    fn the_device_tree_finds_a_gap_or_says_none() {
        let ram = BASE..BASE + 4 * MIB;
        let find = |len, taken| find_dtb_address(len, &ram, std::slice::from_ref(&taken));
        assert_eq!(find(4096, BASE + 4096..ram.end), Some(BASE));
        assert_eq!(find(4096, BASE..ram.end - 4096), Some(ram.end - 4096));
        assert_eq!(find(4097, BASE..ram.end - 4096), None);
    }

    proptest! {
        #[test]
        fn nothing_overlaps_or_leaves_memory(
            size in 1u64..200 << 20, initrd in 1usize..5000, mib in 1u64..300, at in proptest::option::of(any::<u64>()),
        ) {
            let request = Request { load_address: at, ..request(mib) };
            if let Ok(p) = place(kernel(size), Some(vec![0; initrd].into()), &request) {
                let initrd = p.initrd.unwrap();
                prop_assert!(p.kernel.end <= initrd.start);
                for range in [&p.kernel, &initrd] {
                    prop_assert!(range.start >= request.ram.start && range.end <= request.ram.end);
                }
                if let Some(at) = find_dtb_address(9000, &request.ram, &[p.kernel.clone(), initrd.clone()]) {
                    prop_assert!(at + 9000 <= p.kernel.start || at >= initrd.end);
                }
            }
        }
    }
}
