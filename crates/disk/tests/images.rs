//! Images of every kind, opened, read, written and refused.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use armlet_disk::{Disk, DiskError, Format, OpenOptions, open};
use vm_memory::{GuestAddress, GuestMemory, GuestMemoryMmap, VolatileSlice};

/// Guest memory for buffers.
struct Memory(GuestMemoryMmap);

impl Memory {
    fn new() -> Self {
        Self(GuestMemoryMmap::from_ranges(&[(GuestAddress(0), 1 << 20)]).unwrap())
    }

    /// Pieces of these lengths, each at a distance from the next.
    fn pieces(&self, lens: &[usize]) -> Vec<VolatileSlice<'_>> {
        let mut at = 0;
        let mut pieces = Vec::new();
        for len in lens {
            let access = vm_memory::Permissions::ReadWrite;
            let mut slices = self.0.get_slices(GuestAddress(at), *len, access).unwrap();
            pieces.push(slices.next().unwrap().unwrap());
            at += *len as u64 + 64;
        }
        pieces
    }
}

fn read(disk: &dyn Disk, offset: u64, lens: &[usize]) -> std::io::Result<Vec<u8>> {
    let memory = Memory::new();
    let pieces = memory.pieces(lens);
    pieces.iter().for_each(|piece| piece.copy_from(&vec![0xee_u8; piece.len()]));
    disk.read(offset, &pieces)?;
    let mut all = Vec::new();
    for piece in pieces {
        let mut bytes = vec![0; piece.len()];
        piece.copy_to(&mut bytes);
        all.extend(bytes);
    }
    Ok(all)
}

fn write(disk: &dyn Disk, offset: u64, data: &[u8], lens: &[usize]) -> std::io::Result<()> {
    let memory = Memory::new();
    let pieces = memory.pieces(lens);
    let mut at = 0;
    for piece in &pieces {
        piece.copy_from(&data[at..at + piece.len()]);
        at += piece.len();
    }
    disk.write(offset, &pieces)
}

struct Dir(tempfile::TempDir);

impl Dir {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }
}

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at / 512 + at % 7) as u8).collect()
}

fn refused(path: &Path, options: &OpenOptions, says: &str) -> DiskError {
    let error = open(path, options).err().unwrap_or_else(|| panic!("{} was not refused", path.display()));
    let text = error.to_string();
    assert!(text.contains(says) && !text.contains('\n'), "{text}");
    error
}

/// `crypt_method` in the header of qcow2 images.
const AES: u32 = 1;
const LUKS: u32 = 2;

const PLAIN: OpenOptions = OpenOptions { read_only: false, overlay: false, direct: false, format: None };
const RO: OpenOptions = OpenOptions { read_only: true, ..PLAIN };
const DIRECT: OpenOptions = OpenOptions { direct: true, ..PLAIN };
const OVERLAY: OpenOptions = OpenOptions { overlay: true, ..PLAIN };

/// `qemu-img`, or a sentence that it is missing.
fn qemu_img(args: &[&str]) -> bool {
    match Command::new("qemu-img").args(args).output() {
        Ok(output) => {
            assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
            true
        }
        Err(_) => {
            let required = std::env::var_os("ARMLET_REQUIRE_ORACLES").is_some();
            assert!(!required, "ARMLET_REQUIRE_ORACLES is set, but qemu-img is not installed");
            eprintln!("skipped: qemu-img is not installed");
            false
        }
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn raw_images_are_read_and_written_in_pieces() {
    let dir = Dir::new();
    let path = dir.file("a.img", &pattern(8192));
    let disk = open(&path, &PLAIN).unwrap();
    assert_eq!((disk.size(), disk.read_only()), (8192, false));
    assert_eq!(read(&*disk, 1024, &[1, 511, 3, 2045]).unwrap(), pattern(8192)[1024..3584]);
    write(&*disk, 512, &[9; 1024], &[1000, 24]).unwrap();
    disk.flush().unwrap();
    let mut expected = pattern(8192);
    expected[512..1536].fill(9);
    assert_eq!(fs::read(&path).unwrap(), expected);
    disk.write_zeroes(0, 512, false).unwrap();
    disk.write_zeroes(4096, 4096, true).unwrap();
    expected[..512].fill(0);
    expected[4096..].fill(0);
    assert_eq!(fs::read(&path).unwrap(), expected, "and it is as long as before");
    disk.discard(0, 4096).unwrap();
    assert_eq!(disk.size(), 8192);
}

#[test]
#[cfg(target_os = "linux")]
fn direct_images_need_no_aligned_requests() {
    // Build directories are on file systems that have it, which the one for temporary files need not be.
    let dir = Dir(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap());
    let path = dir.file("a.img", &pattern(3 << 16));
    let mut expected = pattern(3 << 16);
    let disk = open(&path, &DIRECT).unwrap();
    assert_eq!(disk.size(), 3 << 16);
    assert_eq!(read(&*disk, 1024, &[1, 511, 3, 2045]).unwrap(), expected[1024..3584]);
    assert_eq!(read(&*disk, (3 << 16) - 512, &[512]).unwrap(), expected[(3 << 16) - 512..]);
    write(&*disk, 512, &[9; 1024], &[1000, 24]).unwrap();
    write(&*disk, 8192, &[7; 8192], &[8192]).unwrap();
    disk.write_zeroes(0x10000, 0x10000, true).unwrap();
    disk.write_zeroes(1024, 512, false).unwrap();
    disk.flush().unwrap();
    expected[512..1536].fill(9);
    expected[8192..16384].fill(7);
    expected[0x10000..0x20000].fill(0);
    expected[1024..1536].fill(0);
    assert_eq!(fs::read(&path).unwrap(), expected, "and it is as long as before");
    drop(disk);

    let overlay = open(&path, &OpenOptions { overlay: true, ..DIRECT }).unwrap();
    write(&*overlay, 512, &[1; 512], &[512]).unwrap();
    assert_eq!(read(&*overlay, 512, &[1024]).unwrap(), [&[1; 512][..], &expected[1024..1536]].concat());
    drop(overlay);
    assert_eq!(fs::read(&path).unwrap(), expected);

    let short = dir.file("short.img", &pattern(4096 + 512));
    refused(&short, &DIRECT, "its length of 4608 bytes is no multiple of 4096");
    let qcow2 = dir.path("a.qcow2");
    if qemu_img(&["convert", "-O", "qcow2", text(&path), text(&qcow2)]) {
        let disk = open(&qcow2, &DIRECT).unwrap();
        write(&*disk, 0x10000, &[5; 512], &[512]).unwrap();
        expected[0x10000..0x10200].fill(5);
        assert_eq!(read(&*disk, 0, &[3 << 16]).unwrap(), expected);
        drop(disk);
        qemu_img(&["check", text(&qcow2)]);
    }
}

#[test]
fn thousands_of_pieces_are_one_transfer() {
    let dir = Dir::new();
    let path = dir.file("a.img", &pattern(4096));
    let disk = open(&path, &PLAIN).unwrap();
    assert_eq!(read(&*disk, 0, &[1; 4096]).unwrap(), pattern(4096));
    write(&*disk, 0, &[5; 4096], &[1; 4096]).unwrap();
    assert_eq!(fs::read(&path).unwrap(), [5; 4096]);
}

#[test]
fn an_image_of_another_length_has_zeros_behind() {
    let dir = Dir::new();
    let path = dir.file("a.img", &[1; 700]);
    let disk = open(&path, &PLAIN).unwrap();
    assert_eq!(disk.size(), 1024);
    assert_eq!(read(&*disk, 512, &[100, 200, 212]).unwrap(), [&[1; 188][..], &[0; 324]].concat());
    write(&*disk, 512, &[2; 512], &[512]).unwrap();
    assert_eq!(fs::read(&path).unwrap(), [[1; 512], [2; 512]].concat());
}

#[test]
fn an_image_that_was_cut_short_meanwhile_is_an_error() {
    let dir = Dir::new();
    let path = dir.file("a.img", &[1; 4096]);
    let disk = open(&path, &PLAIN).unwrap();
    File::options().write(true).open(&path).unwrap().set_len(1024).unwrap();
    assert!(read(&*disk, 512, &[1024]).is_err());
    assert!(read(&*disk, 512, &[512]).is_ok());
}

#[test]
fn the_same_image_is_no_two_disks_unless_both_only_read() {
    let dir = Dir::new();
    let path = dir.file("a.img", &[1; 4096]);
    let first = open(&path, &PLAIN).unwrap();
    refused(&path, &PLAIN, "in use");
    refused(&path, &RO, "in use");
    refused(&path, &OVERLAY, "in use");
    drop(first);
    let first = open(&path, &RO).unwrap();
    let second = open(&path, &OVERLAY).unwrap();
    refused(&path, &PLAIN, ",ro or ,overlay");
    drop((first, second));
    open(&path, &PLAIN).unwrap();
}

#[test]
fn a_closed_image_is_free_though_programs_are_being_started() {
    let dir = Dir::new();
    let path = dir.file("a.img", &[1; 4096]);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // Each has the image open for a moment, until it executes what isn't there.
            while !done.load(Ordering::Relaxed) {
                Command::new(dir.path("none")).spawn().unwrap_err();
            }
        });
        let opened = (0..500).filter(|_| open(&path, &PLAIN).is_ok()).count();
        done.store(true, Ordering::Relaxed);
        assert_eq!(opened, 500);
    });
}

#[test]
fn what_is_no_image_is_refused_in_one_line() {
    let dir = Dir::new();
    refused(&dir.path("none.img"), &PLAIN, "there is no such file");
    refused(dir.0.path(), &PLAIN, "is a directory");
    refused(&dir.file("empty.img", &[]), &PLAIN, "is empty");
    #[cfg(unix)]
    refused(Path::new("/dev/null"), &PLAIN, "neither a file nor a block device");
    refused(&dir.file("a.qcow2", &[0; 4096]), &PLAIN, "no qcow2 image");
    let broken = [&b"QFI\xfb\0\0\0\x03"[..], &[0; 24], &[0; 4], &[0xff; 4060]].concat();
    refused(&dir.file("b.img", &broken), &PLAIN, "format=raw or format=qcow2");
    refused(&dir.file("c.qcow2", &broken), &PLAIN, "can't use the qcow2 image");
    let raw = OpenOptions { format: Some(Format::Raw), ..PLAIN };
    assert_eq!(open(&dir.path("b.img"), &raw).unwrap().size(), 4096, "as the user says");
    let qcow2 = OpenOptions { format: Some(Format::Qcow2), ..PLAIN };
    refused(&dir.file("d.img", &[0; 4096]), &qcow2, "no qcow2 image");
}

/// An image of 1 MiB with clusters of 512 bytes: table of reference counts at 0x200, their block at 0x400, first-level
/// table at 0x600, two second-level tables.
const SMALL: &[u8] = include_bytes!("../../../fuzz/seeds/small.qcow2");

#[test]
fn damaged_qcow2_images_are_not_written_to() {
    let dir = Dir::new();
    let sound = dir.file("sound.qcow2", SMALL);
    let disk = open(&sound, &PLAIN).unwrap();
    write(&*disk, 300 << 10, &[7; 512], &[512]).unwrap();
    disk.flush().unwrap();
    let nowhere = (SMALL.len() as u64).next_multiple_of(512);
    for (what, at, bytes) in [
        // The library would recurse until the stack is full.
        ("is not counted", 0x200, 0_u64.to_be_bytes()),
        ("is not counted", 0x400, 0_u64.to_be_bytes()),
        ("not where one can be", 0x200, 0x600_0001_0000_u64.to_be_bytes()),
        ("not where one can be", 0x600, (1 << 63 | nowhere).to_be_bytes()),
        ("not where one can be", 48, 0x201_u64.to_be_bytes()),
        ("in one place", 0x600, (1_u64 << 63 | 0x3a00).to_be_bytes()),
        ("in one place", 0x208, 0x400_u64.to_be_bytes()),
        ("lies in a table", 0x800, (1_u64 << 63 | 0x400).to_be_bytes()),
        ("lies in a table", 0x800, (1_u64 << 62 | 0x300).to_be_bytes()),
        ("is not counted", 0x800, (1_u64 << 63 | 0x10_0000).to_be_bytes()),
    ] {
        let mut image = SMALL.to_vec();
        image[at..at + 8].copy_from_slice(&bytes);
        let path = dir.file("damaged.qcow2", &image);
        refused(&path, &PLAIN, what);
        assert!(fs::read(&path).unwrap() == image, "{what}");
    }
    let mut image = SMALL.to_vec();
    image[0x200..0x208].fill(0);
    let path = dir.file("damaged.qcow2", &image);
    let disk = open(&path, &OVERLAY).unwrap();
    write(&*disk, 300 << 10, &[7; 512], &[512]).unwrap();
    assert_eq!(read(&*disk, 300 << 10, &[512]).unwrap(), [7; 512]);
}

#[test]
fn an_overlay_leaves_its_base_as_it_is() {
    let dir = Dir::new();
    let path = dir.file("a.img", &pattern(200_000));
    let disk = open(&path, &OVERLAY).unwrap();
    assert_eq!((disk.size(), disk.read_only()), (200_192, false));
    assert_eq!(read(&*disk, 199_680, &[512]).unwrap()[..320], pattern(200_000)[199_680..]);
    write(&*disk, 65_024, &[9; 1024], &[1024]).unwrap();
    disk.write_zeroes(512, 512, true).unwrap();
    disk.discard(4096, 512).unwrap();
    disk.flush().unwrap();
    let mut expected = pattern(200_000);
    expected[65_024..66_048].fill(9);
    expected[512..1024].fill(0);
    assert_eq!(read(&*disk, 0, &[4096]).unwrap(), expected[..4096]);
    assert_eq!(read(&*disk, 64_000, &[4096]).unwrap(), expected[64_000..68_096]);
    drop(disk);
    assert_eq!(fs::read(&path).unwrap(), pattern(200_000));
}

#[test]
fn qcow2_images_of_qemu_are_read_and_written() {
    let dir = Dir::new();
    let raw = dir.file("raw.img", &pattern(1 << 20));
    let (image, back) = (dir.path("i.qcow2"), dir.path("back.img"));
    let forms: [&[&str]; 5] = [
        &["-o", "compat=0.10"],
        &["-o", "compat=1.1,lazy_refcounts=on"],
        &["-c"],
        &["-c", "-o", "compression_type=zlib,cluster_size=4k"],
        &["-o", "preallocation=full,refcount_bits=1"],
    ];
    for form in forms {
        let convert =
            [&["convert", "-f", "raw", "-O", "qcow2"][..], form, &[text(&raw), text(&image)]].concat();
        if !qemu_img(&convert) {
            return;
        }
        let disk = open(&image, &PLAIN).unwrap();
        assert_eq!(disk.size(), 1 << 20);
        let mut expected = pattern(1 << 20);
        assert_eq!(read(&*disk, 300 << 10, &[100, 99_900]).unwrap(), expected[300 << 10..][..100_000]);
        write(&*disk, 5 << 10, &[7; 3072], &[1000, 2072]).unwrap();
        disk.write_zeroes(128 << 10, 64 << 10, true).unwrap();
        disk.flush().unwrap();
        drop(disk);
        expected[5 << 10..8 << 10].fill(7);
        expected[128 << 10..192 << 10].fill(0);
        qemu_img(&["check", text(&image)]);
        qemu_img(&["convert", "-f", "qcow2", "-O", "raw", text(&image), text(&back)]);
        assert!(fs::read(&back).unwrap() == expected, "{form:?}");
    }
}

#[test]
fn qcow2_images_that_need_more_than_there_is_are_refused() {
    let dir = Dir::new();
    let image = dir.path("i.qcow2");
    let create = |options: &[&str]| {
        qemu_img(&[&["create", "-q", "-f", "qcow2"][..], options, &[text(&image), "1M"]].concat())
    };
    // Not by `encrypt.format=luks`: for that qemu-img measures the host's CPU time, and fails where it can't.
    let secret = ["--object", "secret,id=s,data=abc", "-o", "encrypt.format=aes,encrypt.key-secret=s"];
    if !create(&secret) {
        return;
    }
    for method in [AES, LUKS] {
        let mut bytes = fs::read(&image).unwrap();
        let crypt_method = &mut bytes[32..36];
        assert_eq!(crypt_method, AES.to_be_bytes());
        crypt_method.copy_from_slice(&method.to_be_bytes());
        let image = dir.file("encrypted.qcow2", &bytes);
        refused(&image, &PLAIN, "is encrypted");
        refused(&image, &OVERLAY, "is encrypted");
    }
    create(&["-o", "extended_l2=on"]);
    refused(&image, &PLAIN, "extended L2 entries); `qemu-img check`");
    create(&["-o", "compression_type=zstd"]);
    refused(&image, &PLAIN, "can't use the qcow2 image");
}

#[test]
fn backing_files_that_name_each_other_are_refused() {
    let dir = Dir::new();
    let image = dir.path("i.qcow2");
    if !qemu_img(&["create", "-q", "-u", "-f", "qcow2", "-F", "qcow2", "-b", "i.qcow2", text(&image), "1M"]) {
        return;
    }
    refused(&image, &PLAIN, "in use");
    refused(&image, &RO, "no end");
}

#[test]
fn snapshots_in_a_qcow2_image_stay_as_they_were() {
    let dir = Dir::new();
    let raw = dir.file("raw.img", &pattern(1 << 20));
    let (image, back) = (dir.path("i.qcow2"), dir.path("back.img"));
    if !qemu_img(&["convert", "-f", "raw", "-O", "qcow2", text(&raw), text(&image)]) {
        return;
    }
    qemu_img(&["snapshot", "-c", "before", text(&image)]);
    let disk = open(&image, &PLAIN).unwrap();
    write(&*disk, 0, &[7; 4096], &[4096]).unwrap();
    disk.discard(512 << 10, 64 << 10).unwrap();
    disk.write_zeroes(256 << 10, 64 << 10, true).unwrap();
    drop(disk);
    qemu_img(&["check", text(&image)]);
    qemu_img(&["convert", "-f", "qcow2", "-l", "before", "-O", "raw", text(&image), text(&back)]);
    assert!(fs::read(&back).unwrap() == pattern(1 << 20));
}

#[test]
fn qcow2_images_with_a_backing_file_write_to_themselves_only() {
    let dir = Dir::new();
    let base = dir.file("base.img", &pattern(1 << 20));
    let image = dir.path("top.qcow2");
    if !qemu_img(&["create", "-q", "-f", "qcow2", "-F", "raw", "-b", text(&base), text(&image)]) {
        return;
    }
    let disk = open(&image, &PLAIN).unwrap();
    refused(&base, &PLAIN, "in use");
    let second = open(&base, &RO).unwrap();
    drop(second);
    assert_eq!(read(&*disk, 4096, &[4096]).unwrap(), pattern(1 << 20)[4096..8192]);
    write(&*disk, 4096, &[1; 512], &[512]).unwrap();
    drop(disk);
    let writer = open(&base, &PLAIN).unwrap();
    refused(&image, &PLAIN, "in use");
    drop(writer);
    let before = fs::read(&image).unwrap();
    let disk = open(&image, &OVERLAY).unwrap();
    assert_eq!(read(&*disk, 4096, &[512]).unwrap(), [1; 512]);
    write(&*disk, 4096, &[2; 512], &[512]).unwrap();
    assert_eq!(read(&*disk, 4096, &[512]).unwrap(), [2; 512]);
    drop(disk);
    assert_eq!(fs::read(&base).unwrap(), pattern(1 << 20));
    assert!(fs::read(&image).unwrap() == before);
}
