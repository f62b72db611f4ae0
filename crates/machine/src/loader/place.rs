//! Where the payload, the initrd and the device tree go in guest memory.
//!
//! The rules are those of the kernel's booting.rst: an `Image` at `text_offset` from a 2 MiB boundary
//! with `image_size` bytes free from its start, the initrd within the same 1 GiB-aligned window of
//! 32 GiB, the device tree 8-byte aligned in at most 2 MiB. The device tree has the first 2 MiB of
//! memory unless the payload wants them, so firmware that looks for it at the start of memory finds it.

use std::ops::Range;

use super::fault::{Fault, LoadError};
use super::{Format, Payload};

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
    /// The bytes.
    pub data: Vec<u8>,
    /// Length in memory; what `data` does not fill is zeroed.
    pub len: u64,
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
}

/// The outcome: what goes where, and where the guest starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Everything to load.
    pub loads: Vec<Load>,
    /// First instruction.
    pub entry: u64,
    /// Memory the kernel or program takes, its zeroed data included.
    pub kernel: Range<u64>,
    /// Memory the initrd takes.
    pub initrd: Option<Range<u64>>,
}

/// Places a payload and an initrd.
pub fn place(payload: Payload, initrd: Option<Vec<u8>>, request: &Request) -> Result<Placement, LoadError> {
    let name = payload.name.clone();
    let mut placement =
        place_payload(payload, request).map_err(|fault| LoadError { name: name.clone(), fault })?;
    if let Some(initrd) = initrd {
        if initrd.is_empty() {
            return Err(LoadError { name: "the initrd".into(), fault: Fault::Empty });
        }
        let range = place_initrd(initrd.len() as u64, &placement.kernel, &request.ram)
            .map_err(|fault| LoadError { name: "the initrd".into(), fault })?;
        let len = initrd.len() as u64;
        placement.loads.push(Load { what: "initrd", gpa: range.start, data: initrd, len });
        placement.initrd = Some(range);
    }
    if let Some(entry) = request.entry {
        placement.entry = entry;
    }
    let entry = placement.entry;
    if !entry.is_multiple_of(4) || !request.ram.contains(&entry) {
        let why = format!(
            "instructions are 4-byte aligned and in guest memory, {:#x}-{:#x}",
            request.ram.start, request.ram.end
        );
        return Err(LoadError {
            name,
            fault: Fault::BadAddress { what: "entry address", address: entry, why },
        });
    }
    Ok(placement)
}

fn place_payload(payload: Payload, request: &Request) -> Result<Placement, Fault> {
    let ram = &request.ram;
    let (loads, kernel, entry) = match payload.format {
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
            (vec![Load { what: "kernel", gpa, data, len }], range, gpa)
        }
        Format::Flat => {
            let gpa = request.load_address.unwrap_or(request.flat_at);
            let len = payload.bytes.len() as u64;
            let range = fit("program", gpa, len, ram, "choose another load address or more memory")?;
            (vec![Load { what: "program", gpa, data: payload.bytes, len }], range, gpa)
        }
        Format::Elf(elf) => {
            let extent = elf.extent();
            let move_by = match request.load_address {
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
            let fix = "link the program for this memory, or boot the Image instead of vmlinux";
            let mut loads = Vec::new();
            for segment in &elf.segments {
                let gpa = segment.paddr.wrapping_add(move_by);
                fit("segment", gpa, segment.memsz, ram, fix)?;
                let data = payload.bytes[segment.file.clone()].to_vec();
                loads.push(Load { what: "program", gpa, data, len: segment.memsz });
            }
            let start = extent.start.wrapping_add(move_by);
            (loads, start..extent.end.wrapping_add(move_by), elf.entry.wrapping_add(move_by))
        }
    };
    Ok(Placement { loads, entry, kernel, initrd: None })
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

fn fit(
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

fn align_up(value: u64, to: u64) -> u64 {
    value.checked_next_multiple_of(to).unwrap_or(!(to - 1))
}

#[cfg(test)]
mod tests {
    use super::super::{ImageHeader, PayloadKind, elf};
    use super::*;
    use proptest::prelude::*;

    const BASE: u64 = 0x4000_0000;

    fn request(mib: u64) -> Request {
        let ram = BASE..BASE + mib * MIB;
        Request { ram, flat_at: BASE + 0x80000, load_address: None, entry: None }
    }

    fn kernel(image_size: u64) -> Payload {
        let header = ImageHeader { text_offset: 0, image_size, page_kib: Some(4), anywhere: true };
        let (name, bytes) = ("Image".to_owned(), vec![1; 100]);
        Payload { name, kind: PayloadKind::Arm64Image, format: Format::Image(header), bytes }
    }

    #[test]
    fn an_image_leaves_the_first_block_to_the_device_tree() {
        let placement = place(kernel(33 * MIB), Some(vec![2; 10]), &request(1024)).unwrap();
        assert_eq!(placement.kernel, BASE + BLOCK..BASE + BLOCK + 33 * MIB);
        assert_eq!(placement.entry, BASE + BLOCK);
        assert_eq!(placement.initrd, Some(BASE + 128 * MIB..BASE + 128 * MIB + 10));
        let taken = [placement.kernel, placement.initrd.unwrap()];
        assert_eq!(find_dtb_address(4096, &request(1024).ram, &taken), Some(BASE));
    }

    #[test]
    fn a_small_guest_gets_its_initrd_right_behind_the_kernel() {
        let placement = place(kernel(20 * MIB), Some(vec![2; 20 << 20]), &request(44)).unwrap();
        assert_eq!(placement.initrd.unwrap().start, BASE + 22 * MIB);
        let error = place(kernel(20 * MIB), Some(vec![2; 23 << 20]), &request(44)).unwrap_err();
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
            if let Ok(p) = place(kernel(size), Some(vec![0; initrd]), &request) {
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
