//! The machine that the user asks for.

use std::path::Path;

use armlet::guests::{Code, Guest};
use armlet::{Board, Deterministic, DiskConfig, GuestMode, Initrd, MachineConfig, Payload, ShareConfig};

use crate::args::RunArgs;
use crate::failure::Failure;
use crate::files::{self, Thing};
use crate::firmware::{self, FwCfgArg};
use crate::{nets, rootdisk, seed};

/// What the thing to run brings with it.
struct Source {
    /// It is an embedded guest: a lesson that wants telling.
    guest: Option<&'static Guest>,
    board: Board,
    mode: Option<GuestMode>,
    entry: Option<u64>,
    kernel: Option<Payload>,
    append: Option<String>,
    ramdisk: Option<Initrd>,
    /// The disk that is run, if it is one.
    disks: Vec<DiskConfig>,
    /// The directory that is run, if it is one.
    root: Option<ShareConfig>,
}

/// The machine the user asks for, and its guest if that is an embedded one.
pub fn configure(args: &RunArgs) -> Result<(Option<&'static Guest>, MachineConfig), Failure> {
    let firmware =
        args.firmware.as_ref().map(|firmware| firmware.open(firmware::wants_aarch32(args))).transpose()?;
    let source = Source::find(args)?;
    check_options(args, &source)?;
    let initrd = args.initrd.as_deref().map(initrd).transpose()?.or(source.ramdisk);
    let mut disks = source.disks;
    for disk in &args.disk {
        disks.push(disk.open(disks.len())?);
    }
    disks.extend(seed::disk(args)?);
    let shares = args.share.iter().enumerate().map(|(index, share)| share.config(index));
    let config = MachineConfig {
        board: source.board,
        cpus: args.cpus.unwrap_or(1),
        memory: args.memory,
        cpu_model: args.cpu.clone().unwrap_or_default(),
        mode: source.mode,
        gic: args.gic,
        kernel: source.kernel,
        firmware,
        acpi: args.acpi,
        fw_cfg: args.fw_cfg.iter().map(FwCfgArg::read).collect::<Result<_, _>>()?,
        initrd,
        disks,
        shares: source.root.into_iter().chain(shares).collect(),
        virtio: args.virtio.unwrap_or_default(),
        nets: nets::open(&args.net)?,
        vsock: args.vsock.as_ref().map(|vsock| vsock.0.clone()),
        balloon: args.balloon,
        console: args.console.unwrap_or_default(),
        append: source.append,
        dtb: args.dtb.as_deref().map(|path| files::read("device tree", path)).transpose()?,
        load_address: args.load,
        entry: source.entry,
        no_reboot: args.no_reboot,
        pin: args.pin.clone().unwrap_or_default().0,
        deterministic: args.deterministic.then(|| Deterministic {
            block_limit: args.block_limit.map_or(0, |limit| limit as usize),
            checkpoints: None,
        }),
    };
    Ok((source.guest, config))
}

impl Source {
    fn find(args: &RunArgs) -> Result<Self, Failure> {
        let none = Self {
            guest: None,
            board: args.machine.unwrap_or(Board::Virt),
            mode: args.aarch32.then_some(GuestMode::A32El1),
            entry: args.entry,
            kernel: None,
            append: args.append.clone(),
            ramdisk: None,
            disks: Vec::new(),
            root: None,
        };
        let firmware = args.firmware.is_some();
        if firmware && args.thing.is_none() {
            return Ok(none);
        }
        match files::thing(args.thing.as_deref())? {
            thing if firmware => {
                let mut disks = Vec::new();
                let kernel = firmware::payload(thing, args, &mut disks)?;
                Ok(Self { kernel, disks, ..none })
            }
            Thing::Guest(guest) => none.embedded(guest, args),
            Thing::File(name, bytes, source) => {
                let kernel = Payload::detect(&name, bytes).map_err(|error| Failure::input_chain(&error))?;
                Ok(Self { kernel: Some(kernel.from_file(source)), ..none })
            }
            Thing::Directory(path) => none.directory(&path, args),
            Thing::Disk(path) => {
                let found = rootdisk::open(&path, args)?;
                let append =
                    rootdisk::command_line(args.append.as_deref(), args.console_words(), &found.root);
                let (kernel, append) = (Some(found.kernel), Some(append));
                Ok(Self { kernel, append, ramdisk: found.ramdisk, disks: vec![found.disk], ..none })
            }
        }
    }

    fn embedded(self, guest: &'static Guest, args: &RunArgs) -> Result<Self, Failure> {
        check_guest(guest, args)?;
        let kernel = Payload::flat(guest.name, guest.image.to_vec());
        Ok(Self {
            guest: Some(guest),
            board: guest.board,
            mode: Some(guest.mode()),
            // T32 code is told by its entry alone.
            entry: args.entry.or((guest.code == Code::T32).then(|| guest.entry())),
            kernel: Some(kernel.map_err(|error| Failure::input_chain(&error))?),
            ..self
        })
    }

    #[cfg(target_os = "linux")]
    fn directory(self, path: &Path, args: &RunArgs) -> Result<Self, Failure> {
        let crate::rootdir::RootDir { kernel, initrd, share, append } = crate::rootdir::open(path, args)?;
        let (ramdisk, root) = (Some(initrd), Some(share));
        Ok(Self { kernel: Some(kernel), append: Some(append), ramdisk, root, ..self })
    }

    #[cfg(not(target_os = "linux"))]
    fn directory(self, path: &Path, _: &RunArgs) -> Result<Self, Failure> {
        let path = path.display();
        Err(Failure::input(format_args!(
            "{path} is a directory, which can be run on Linux hosts only; name a kernel"
        )))
    }
}

/// Refuses options that are for things of another kind.
fn check_options(args: &RunArgs, source: &Source) -> Result<(), Failure> {
    if args.kernel.is_some() && source.root.is_none() {
        return Err(Failure::input("--kernel is for a directory that is run; name the kernel alone"));
    }
    if args.overlay && source.disks.is_empty() {
        return Err(Failure::input(
            "--overlay is for a disk that is run; for others say --disk FILE,overlay",
        ));
    }
    let placed = args.load.map(|_| "--load").or(args.entry.map(|_| "--entry"));
    if let (Some(option), Some(_)) = (placed, &args.firmware) {
        return Err(Failure::input(format_args!(
            "{option}: firmware starts at address 0; leave the option out"
        )));
    }
    Ok(())
}

fn initrd(path: &Path) -> Result<Initrd, Failure> {
    let (bytes, source) = files::read_and_keep("initrd", path)?;
    Ok(Initrd { bytes, source: Some(source) })
}

/// Refuses another machine or state than the embedded guest is made for.
fn check_guest(guest: &Guest, args: &RunArgs) -> Result<(), Failure> {
    let (name, board) = (guest.name, guest.board);
    if let Some(asked) = args.machine.filter(|asked| *asked != board) {
        return Err(Failure::input(format_args!(
            "the embedded guest {name} is for the machine {board}, not {asked}"
        )));
    }
    if args.aarch32 && guest.code == Code::A64 {
        return Err(Failure::input(format_args!(
            "the embedded guest {name} is 64-bit code and can't start in AArch32; leave --aarch32 out"
        )));
    }
    Ok(())
}
