//! The command line: what can be said, and one clear line for what can't.

mod values;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ErrorKind};
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell;

use armlet::{Board, ConsoleKind, Engine, GicKind, VirtioTransport, guests};
use armlet_image::recipe::Variant;

use crate::disks::DiskArg;
use crate::failure::{Failure, did_you_mean};
use crate::firmware::{FirmwareArg, FwCfgArg};
use crate::images;
use crate::machine_file::{self, MachineFile};
use crate::nets::NetArg;
use crate::observe::code::Wanted;
use crate::seed::parse_hostname;
use crate::shares::ShareArg;
use crate::size::{parse_address, parse_memory, parse_size};
use crate::vsock::VsockArg;
use values::*;

pub use values::{HostCpus, LogTarget};

const AFTER_HELP: &str = "\
With no command, armlet runs its embedded guest `hello`.

Exit status: 0 power-off or quit with Ctrl-A x; the guest's own status where it has one; 1 the guest
is dead or hung; 2 bad input; 128 + n after signal n (130 for an interrupt).";

/// Run Arm machines anywhere.
#[derive(Debug, Parser)]
#[command(name = "armlet", version, after_help = AFTER_HELP, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do; nothing runs the embedded guest.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a guest: an embedded one, a kernel or a program
    Run(Box<RunArgs>),
    /// Make, list and remove images of whole machines
    #[command(subcommand)]
    Image(ImageCommand),
    /// List the machines that run
    Ps,
    /// Have a machine shut down, and wait until it has
    Stop {
        /// The machine, see `armlet ps`
        name: String,
        /// End it as it is, without asking its guest
        #[arg(long)]
        force: bool,
    },
    /// Connect to the console of a machine
    Attach {
        /// The machine, see `armlet ps`
        name: String,
    },
    /// Tell how much memory a machine uses; with SIZE take so much from its guest, with 0 give all back
    Balloon {
        /// The machine, see `armlet ps`
        name: String,
        /// Size of the balloon: 512M, 2G
        #[arg(allow_hyphen_values = true, value_parser = parse_size)]
        size: Option<u64>,
    },
    /// List the embedded guests
    Guests,
    /// List the machines and their memory maps
    Machines,
    /// List the CPU models and their features
    Cpus,
    /// Tell what this host can do, and the fix for what it can't
    Doctor,
    /// Restore the terminal when the program that started this one is gone
    #[command(hide = true)]
    GuardTerminal,
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// The commands of `armlet image`.
#[derive(Debug, Subcommand)]
pub enum ImageCommand {
    /// Make an image of Debian packages from the host's package mirror: debian-12-arm64, debian-12-armhf, ...
    Pull(PullArgs),
    /// List the images
    Ls,
    /// Remove an image and all that its machine wrote
    Rm {
        /// The image
        name: String,
    },
}

/// What `armlet image pull` takes.
#[derive(Args, Debug)]
pub struct PullArgs {
    /// What to pull
    pub image: String,

    /// What the image is called here [default: IMAGE]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,

    /// The mirror to take packages from [default: the host's own, from /etc/apt]
    #[arg(long, value_name = "URL")]
    pub mirror: Option<String>,

    /// How much goes in: standard, or minimal, without a network [default: standard]
    #[arg(long, value_name = "NAME", value_parser = parse_variant)]
    pub variant: Option<Variant>,

    /// Further packages, names apart by commas; a linux-image-... is in place of the usual kernel
    #[arg(long, value_name = "PACKAGES", value_delimiter = ',')]
    pub include: Vec<String>,

    /// Size of the disk; the host gives room only for what is written [default: 8G]
    #[arg(long, value_name = "SIZE", value_parser = parse_disk_size)]
    pub size: Option<u64>,

    /// Let root log in by ssh with this public key; can be repeated [default: ~/.ssh/*.pub]
    #[arg(long, value_name = "FILE")]
    pub ssh_key: Vec<PathBuf>,

    /// Don't look at the mirror's signature
    #[arg(long)]
    pub no_verify: bool,

    /// Print nothing but errors
    #[arg(long, short)]
    pub quiet: bool,
}

/// What `armlet run` takes.
#[derive(Args, Debug, Default)]
#[command(after_help = AFTER_HELP)]
pub struct RunArgs {
    /// A kernel, program or disk, a directory that is a root tree, a machine file (.toml), or the name of an image or an
    /// embedded guest [default: hello]
    #[arg(value_name = "THING")]
    pub thing: Option<PathBuf>,

    /// The machine: virt, monitor or hvio [default: virt; their own for embedded guests]
    #[arg(long, short = 'M', value_name = "NAME", value_parser = parse_machine)]
    pub machine: Option<Board>,

    /// Number of CPUs [default: 1]
    #[arg(long, value_name = "N", allow_hyphen_values = true, value_parser = parse_cpus)]
    pub cpus: Option<usize>,

    /// Keep each CPU's thread on one of these host CPUs: 2,3 or 0-3
    #[arg(long, value_name = "LIST", value_parser = parse_pin)]
    pub pin: Option<HostCpus>,

    /// Guest memory: 512M, 2G, 0x10000000 [default: the machine's]
    #[arg(long, short = 'm', value_name = "SIZE", allow_hyphen_values = true, value_parser = parse_memory)]
    pub memory: Option<u64>,

    /// CPU model, see `armlet cpus` [default: the backend's first that can start the guest]
    #[arg(long, value_name = "MODEL")]
    pub cpu: Option<String>,

    /// Start a flat binary in AArch32 state; other 32-bit guests do anyway
    #[arg(long)]
    pub aarch32: bool,

    /// What executes the guest: auto, soft, kvm or whp [default: auto]
    #[arg(long, value_name = "NAME")]
    pub backend: Option<String>,

    /// How the backend soft runs guest code: auto, jit or interp [default: auto]
    #[arg(long, value_name = "NAME", value_parser = parse_engine)]
    pub engine: Option<Engine>,

    /// Memory of each CPU for code that the JIT makes: 16M, 256M [default: 64M]
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true, value_parser = parse_code_cache)]
    pub code_cache: Option<usize>,

    /// Notice code that the guest changes without telling the instruction cache; slower
    #[arg(long)]
    pub strict_code: bool,

    /// Kernel for a directory that is run [default: the newest in its boot]
    #[arg(long, value_name = "FILE")]
    pub kernel: Option<PathBuf>,
    /// Start from firmware in flash memory: a file, u-boot or edk2; vars= keeps its variables in a file
    #[arg(long, value_name = "FILE|NAME[,vars=FILE]")]
    pub firmware: Option<FirmwareArg>,

    /// ACPI tables for UEFI, beside the device tree: on or off [default: on where they can be]
    #[arg(long, value_name = "on|off", value_parser = parse_switch)]
    pub acpi: Option<bool>,

    /// A file for the guest to find in fw_cfg; can be repeated
    #[arg(long, value_name = "FILE,name=NAME")]
    pub fw_cfg: Vec<FwCfgArg>,

    /// Initial ramdisk for a Linux kernel
    #[arg(long, value_name = "FILE")]
    pub initrd: Option<PathBuf>,

    /// Disk image, a raw or qcow2 file or a block device; can be repeated
    #[arg(long, value_name = "FILE[,ro][,overlay][,direct][,serial=NAME][,format=raw|qcow2]")]
    pub disk: Vec<DiskArg>,

    /// Directory that the guest can mount with -t 9p, by its tag [default: share, share1, ...]; can be repeated
    #[arg(long, value_name = "DIR[,ro][,mapped][,tag=NAME]")]
    pub share: Vec<ShareArg>,
    /// How the guest reaches disks and other virtio devices: mmio or pci [default: mmio]
    #[arg(long, value_name = "HOW", value_parser = parse_virtio)]
    pub virtio: Option<VirtioTransport>,

    /// If THING is a disk: keep what the guest writes to it until the end only, and leave the disk as it is
    #[arg(long)]
    pub overlay: bool,

    /// Network card on the host's network or on a tap device; can be repeated [default: none]
    #[arg(long, value_name = "user[,GUEST:HOST...][,dns=ADDR]|tap=NAME|none[,queues=N][,mac=ADDR]")]
    pub net: Vec<NetArg>,

    /// Sockets to the guest, by its context id (3 or more) and a Unix socket of the host
    #[arg(long, value_name = "CID,socket=FILE")]
    pub vsock: Option<VsockArg>,

    /// Memory that the guest does not need goes back to the host: on or off [default: on where the host takes it]
    #[arg(long, value_name = "on|off", value_parser = parse_switch)]
    pub balloon: Option<bool>,

    /// Console of the guest: uart (ttyAMA0) or virtio (hvc0), which takes all input then [default: uart]
    #[arg(long, value_name = "KIND", value_parser = parse_console)]
    pub console: Option<ConsoleKind>,

    /// Kernel command line
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub append: Option<String>,

    /// Use this device tree blob instead of the machine's own
    #[arg(long, value_name = "FILE")]
    pub dtb: Option<PathBuf>,

    /// Print the device tree as source and exit; with =FILE write the blob there
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "-")]
    pub show_dtb: Option<PathBuf>,

    /// Version of the interrupt controller: 2 or 3 [default: the machine's]
    #[arg(long, value_name = "VERSION", value_parser = parse_gic)]
    pub gic: Option<GicKind>,

    /// Load a flat binary at this address
    #[arg(long, value_name = "ADDR", value_parser = parse_address)]
    pub load: Option<u64>,

    /// Start at this address
    #[arg(long, value_name = "ADDR", value_parser = parse_address)]
    pub entry: Option<u64>,

    /// Log every exit of the guest to stderr, or to FILE with exits=FILE
    #[arg(long, value_name = "exits[=FILE]", value_parser = parse_log)]
    pub log: Option<LogTarget>,

    /// Print what the CPUs have counted, at the end
    #[arg(long)]
    pub stats: bool,

    /// Print the code that the JIT makes for what is at this guest address, or `all`; can be repeated
    #[arg(long, value_name = "PC", value_parser = parse_dump)]
    pub dump_code: Vec<Wanted>,

    /// Print the code to FILE rather than to stderr
    #[arg(long, value_name = "FILE", requires = "dump_code")]
    pub dump_file: Option<PathBuf>,

    /// Name the JIT's code for `perf` in /tmp/perf-PID.map
    #[arg(long)]
    pub perf_map: bool,

    /// Names of guest code for --dump-code and --perf-map: an ELF file, or what `nm` prints (System.map)
    #[arg(long, value_name = "FILE")]
    pub symbols: Option<PathBuf>,

    /// First-boot data for the guest: a script, or a #cloud-config for images that have cloud-init
    #[arg(long, value_name = "FILE")]
    pub cloud_init: Option<PathBuf>,

    /// The meta-data that goes with it [default: made of the other options]
    #[arg(long, value_name = "FILE", requires = "cloud_init")]
    pub meta_data: Option<PathBuf>,

    /// What the guest calls itself, from its first boot on
    #[arg(long, value_name = "NAME", value_parser = parse_hostname)]
    pub hostname: Option<String>,

    /// Public key with which root can log in by ssh, from the first boot on; can be repeated
    #[arg(long, value_name = "FILE")]
    pub ssh_key: Vec<PathBuf>,

    /// What the machine is called in `armlet ps` [default: after what it runs]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,

    /// Run in the background; `armlet attach` connects to the console
    #[arg(long)]
    pub detach: bool,

    /// This is the process in the background
    #[arg(long, hide = true)]
    pub detached: bool,

    /// What the name is made of: the image or machine file that these options are from
    #[arg(skip)]
    pub source: Option<String>,

    /// End when the guest asks for a reset
    #[arg(long)]
    pub no_reboot: bool,

    /// Run in virtual time, 1 ns an instruction, the same way at every run (soft, 1 CPU, no typing)
    #[arg(long)]
    pub deterministic: bool,

    /// Print a hash of all registers every N instructions
    #[arg(long, value_name = "N", requires = "deterministic", value_parser = parse_count)]
    pub hash_every: Option<u64>,

    /// Start with the hashes after N instructions
    #[arg(long, value_name = "N", requires = "hash_every", value_parser = parse_count)]
    pub hash_from: Option<u64>,

    /// Hash guest memory too, at every K-th hash [default without K: 1]
    #[arg(
        long,
        value_name = "K",
        requires = "hash_every",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "1",
        value_parser = parse_count
    )]
    pub hash_memory: Option<u64>,

    /// Write the hashes to this file instead of stderr
    #[arg(long, value_name = "FILE", requires = "hash_every")]
    pub hash_file: Option<PathBuf>,

    /// Translate at most N instructions at a time: for tests
    #[arg(long, value_name = "N", requires = "deterministic", hide = true, value_parser = parse_count)]
    pub block_limit: Option<u64>,

    /// Check everything and print the plan, but don't start
    #[arg(long)]
    pub dry_run: bool,

    /// Print nothing but the guest's console and errors
    #[arg(long, short)]
    pub quiet: bool,

    /// Write these options to FILE, to be run by `armlet run FILE`, and don't start
    #[arg(long, value_name = "FILE.toml")]
    pub save_config: Option<PathBuf>,
}

impl RunArgs {
    /// What tells Linux its consoles, the one that programs have last.
    pub fn console_words(&self) -> &'static str {
        match self.console.unwrap_or_default() {
            ConsoleKind::Uart => "console=ttyAMA0",
            ConsoleKind::Virtio => "console=ttyAMA0 console=hvc0",
        }
    }
}

/// Parses the process's command line, and the machine file that it names. Help and version are printed here, and
/// options are saved here; `Ok(None)` if so.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Option<Cli>, Failure> {
    let mut args: Vec<_> = args.into_iter().collect();
    let Some(mut matches) = matches(&args)? else { return Ok(None) };
    let mut thing = None;
    if let Some(("run", given)) = matches.subcommand()
        && let Some(path) = given.get_one::<PathBuf>("thing").and_then(|path| machine_file(path))
    {
        let path = &path;
        let file = MachineFile::read(path)?;
        args.splice(2..2, file.words(given));
        thing = Some(file.thing.map(PathBuf::from));
        let fail = |failure: Failure| Failure::input(format_args!("{}: {}", path.display(), failure.message));
        matches = self::matches(&args).map_err(fail)?.unwrap_or_default();
    }
    let cli = Cli::from_arg_matches(&matches);
    let mut cli = cli.map_err(|error| Failure::input(one_line(&error.to_string())))?;
    if let Some(Command::Run(run)) = &mut cli.command {
        run.source = given_source(&run.thing);
        run.thing = thing.unwrap_or(run.thing.take());
        if let (Some(path), Some(given)) = (&run.save_config, matches.subcommand_matches("run")) {
            return machine_file::save(given, run.thing.as_deref(), path).map(|()| None);
        }
    }
    Ok(Some(cli))
}

/// The name of a thing, without what comes before and after it in a path.
fn given_source(thing: &Option<PathBuf>) -> Option<String> {
    Some(thing.as_ref()?.file_name()?.to_string_lossy().trim_end_matches(".toml").to_owned())
}

/// The machine file that is meant: by its path, or by the name of an image, unless there is a file of that name.
fn machine_file(thing: &Path) -> Option<PathBuf> {
    if thing.extension().is_some_and(|extension| extension == "toml") {
        return Some(thing.to_owned());
    }
    images::find(thing.to_str()?).filter(|_| !thing.exists())
}

/// What is on the command line.
fn matches(args: &[OsString]) -> Result<Option<ArgMatches>, Failure> {
    let error = match Cli::command().try_get_matches_from(args) {
        Ok(matches) => return Ok(Some(matches)),
        Err(error) => error,
    };
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        // A reader that went away (`armlet --help | head -1`) is no error.
        let _ = error.print();
        return Ok(None);
    }
    let wrong = error.get(ContextKind::InvalidArg).map(ToString::to_string);
    if let Some(hint) =
        wrong.as_deref().filter(|_| error.kind() == ErrorKind::UnknownArgument).and_then(foreign)
    {
        return Err(Failure::input(hint));
    }
    Err(Failure::input(one_line(&error.to_string())))
}

/// What to say instead of an option that other virtual machine monitors have.
fn foreign(option: &str) -> Option<String> {
    let ours = match option {
        "--drive" | "--hda" | "--hdb" | "--cdrom" | "--block" | "--blockdev" | "-d" => "--disk FILE[,ro]",
        "--netdev" | "--nic" | "--network" | "--hostfwd" | "--port" | "-p" => "--net user[,GUEST:HOST]",
        "--virtfs" | "--virtiofs" | "--9p" | "--shared-dir" => "--share DIR[,ro]",
        "--smp" | "-s" => "--cpus N",
        "-k" => "the kernel's file without an option",
        "--bios" | "--pflash" => "--firmware FILE[,vars=FILE]",
        _ => return None,
    };
    Some(format!("there is no option {option}; armlet takes {ours}"))
}

/// clap says what is wrong in a paragraph, then tips, then usage. Kept: the first, and the tips.
pub fn one_line(rendered: &str) -> String {
    let mut paragraphs = rendered
        .split("\n\n")
        .map(|p| p.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|p| !p.is_empty());
    let first = paragraphs.next().unwrap_or_default();
    let mut line = first.strip_prefix("error: ").unwrap_or(&first).to_owned();
    // "invalid value 'X' for '--opt <V>': why" says the value twice where `why` is ours.
    if let Some((option, why)) = line.strip_prefix("invalid value ").and_then(|l| l.split_once("': ")) {
        let option = option.split(" for '").last().unwrap_or(option);
        line = format!("{}: {why}", option.split(" <").next().unwrap_or(option));
    }
    // The advice to put `--` before a mistyped option helps nobody.
    let tips = paragraphs.filter_map(|p| p.strip_prefix("tip: ").map(str::to_owned));
    for tip in tips.filter(|tip| !tip.starts_with("to pass")) {
        line = format!("{line} ({tip})");
    }
    if let Some(word) = line.strip_prefix("unrecognized subcommand '").and_then(|l| l.split('\'').next()) {
        line = unknown_command(word);
    }
    line
}

fn unknown_command(word: &str) -> String {
    if guests::find(word).is_some() || Path::new(word).exists() {
        return format!("{word:?} is not a command; to run it, say: armlet run {word}");
    }
    let cli = Cli::command();
    let hint = did_you_mean(
        word,
        cli.get_subcommands().filter(|command| !command.is_hide_set()).map(|command| command.get_name()),
    );
    format!("there is no command {word:?}{hint}; `armlet --help` lists them")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_cpus_are_numbers_and_ranges() {
        let list = |text| parse_pin(text).map(|cpus| cpus.0);
        assert_eq!(list("2,3"), Ok(vec![2, 3]));
        assert_eq!(list("0-2,7"), Ok(vec![0, 1, 2, 7]));
        for wrong in ["", "a", "3-1", "1,", "+1", "-1", "0-99999999999", "5000"] {
            assert!(list(wrong).is_err_and(|error| error.contains("not a list")), "{wrong}");
        }
    }

    fn run(args: &[&str]) -> Result<RunArgs, String> {
        let all = ["armlet", "run"].iter().chain(args).map(Into::into);
        match parse(all) {
            Ok(Some(Cli { command: Some(Command::Run(run)) })) => Ok(*run),
            Ok(_) => Err("something else".into()),
            Err(failure) => Err(failure.message),
        }
    }

    #[test]
    fn clap_agrees_with_itself() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_command_is_allowed() {
        assert!(parse(["armlet".into()]).unwrap().unwrap().command.is_none());
    }

    #[test]
    fn every_option_arrives() {
        let args = run(&[
            "Image",
            "--machine",
            "virt",
            "--cpus",
            "4",
            "--memory",
            "2G",
            "--cpu",
            "max",
            "--aarch32",
            "--backend",
            "soft",
            "--engine",
            "interp",
            "--code-cache",
            "32M",
            "--firmware",
            "u-boot,vars=v",
            "--acpi",
            "off",
            "--fw-cfg",
            "f,name=opt/f",
            "--initrd",
            "rd",
            "--disk",
            "a.img,ro",
            "--disk",
            "b.qcow2,serial=root",
            "--virtio",
            "pci",
            "--append",
            "-x console=ttyAMA0",
            "--dtb",
            "d",
            "--show-dtb=o",
            "--gic",
            "3",
            "--load",
            "0x1000",
            "--entry",
            "4096",
            "--log",
            "exits=f=g",
            "--stats",
            "--dump-code",
            "all",
            "--dump-code",
            "ffff800008000000",
            "--dump-file",
            "dump",
            "--perf-map",
            "--symbols",
            "System.map",
            "--no-reboot",
            "--deterministic",
            "--hash-every",
            "1000000",
            "--hash-from",
            "50",
            "--hash-memory=10",
            "--hash-file",
            "h",
            "--dry-run",
            "-q",
        ])
        .unwrap();
        assert_eq!(args.thing, Some("Image".into()));
        assert_eq!((args.machine, args.cpus, args.memory), (Some(Board::Virt), Some(4), Some(2 << 30)));
        assert_eq!(args.firmware, Some("u-boot,vars=v".parse().unwrap()));
        assert_eq!(args.acpi, Some(false));
        assert_eq!(args.fw_cfg, ["f,name=opt/f".parse().unwrap()]);
        assert_eq!(args.disk.len(), 2);
        assert_eq!((args.disk[0].options.read_only, args.disk[1].serial.as_deref()), (true, Some("root")));
        assert_eq!(args.virtio, Some(VirtioTransport::Pci));
        assert_eq!(args.append.as_deref(), Some("-x console=ttyAMA0"));
        assert_eq!((args.gic, args.load, args.entry), (Some(GicKind::V3), Some(0x1000), Some(4096)));
        assert_eq!((args.engine, args.code_cache), (Some(Engine::Interpreter), Some(32 << 20)));
        assert_eq!(args.dump_code, [Wanted::All, Wanted::At(0xffff_8000_0800_0000)]);
        assert!(args.perf_map && args.dump_file.is_some() && args.symbols.is_some());
        assert_eq!(args.log, Some(LogTarget::File("f=g".into())));
        assert_eq!(args.show_dtb, Some("o".into()));
        assert!(
            args.aarch32 && args.stats && args.no_reboot && args.dry_run && args.quiet && args.deterministic
        );
        assert_eq!((args.hash_every, args.hash_memory), (Some(1_000_000), Some(10)));
        assert_eq!(args.hash_from, Some(50));
        assert_eq!(args.hash_file, Some("h".into()));
        assert_eq!(run(&["--show-dtb", "Image"]).unwrap().thing, Some("Image".into()));
    }

    #[test]
    fn mistakes_are_one_line_that_names_the_option() {
        for (args, says) in [
            (&["--cpus", "0"][..], "--cpus: a machine needs at least one CPU"),
            (&["--cpus", "many"], "--cpus: \"many\" is not a number"),
            (&["--cpus", "-1"], "--cpus: \"-1\" is not a number"),
            (&["--memory", "-5"], "--memory: \"-5\" is not a size"),
            (&["--memory", "0"], "--memory: a machine needs some memory"),
            (&["--memory", "lots"], "--memory: \"lots\" is not a size"),
            (&["--machine", "vrit"], "did you mean virt?"),
            (&["--gic", "4"], "it has 2 and 3"),
            (&["--engine", "gti"], "the engines are auto, jit and interp"),
            (&["--engine", "interpp"], "did you mean interp?"),
            (&["--code-cache", "64k"], "--code-cache: 64 KiB can't be: it takes 1 MiB to 1 GiB for each CPU"),
            (&["--code-cache", "2G"], "--code-cache: 2 GiB can't be"),
            (&["--code-cache", "-1"], "--code-cache: \"-1\" is not a size"),
            (&["--dump-code", "main"], "--dump-code: \"main\" is not an address"),
            (&["--dump-code", "0x1003"], "it is odd"),
            (&["--dump-file", "f"], "--dump-code"),
            (&["--log", "exists"], "write exits or exits=FILE"),
            (&["--log", "exits="], "name the file"),
            (&["--disk", ""], "--disk: name a file"),
            (&["--disk", "a,rw"], "--disk: there is no disk option \"rw\""),
            (&["--disk", "a,raedonly"], "the options are ro, overlay"),
            (&["--disk", "file=a.img,if=virtio"], "write the file's name alone: a.img"),
            (&["--disk", "a,readonly=on"], "write ro"),
            (&["--disk", "a,ro,overlay"], "--disk: ro and overlay"),
            (&["--disk", "a,format=vmdk"], "raw and qcow2"),
            (&["--disk", "a,serial="], "--disk: serial= wants"),
            (&["--firmware", "a,var=b"], "the option is vars=FILE"),
            (&["--acpi", "yes"], "--acpi: \"yes\" is neither on nor off"),
            (&["--fw-cfg", "opt/a"], "--fw-cfg: \"opt/a\" is not FILE,name=NAME"),
            (&["--bios", "a.fd"], "armlet takes --firmware FILE"),
            (&["--drive", "file=a.img"], "there is no option --drive; armlet takes --disk FILE"),
            (&["--net", "usr"], "--net: there is no network \"usr\" (did you mean user?)"),
            (&["--net", "user,22:no"], "--net: \"22:no\" is no port forward; write GUEST:HOST"),
            (&["--netdev", "user,id=n"], "there is no option --netdev; armlet takes --net user"),
            (&["--entry", "start"], "--entry: \"start\" is not an address"),
            (&["--memroy", "1G"], "--memory"),
            (&["--hash-every", "5"], "--deterministic"),
            (&["--deterministic", "--hash-file", "f"], "--hash-every"),
            (&["--deterministic", "--hash-every", "0"], "--hash-every: it must be at least 1"),
            (&["a", "b"], "unexpected argument 'b'"),
        ] {
            let line = run(args).unwrap_err();
            assert!(line.contains(says), "{args:?}: {line}");
            assert!(!line.contains('\n') && !line.contains("Usage") && !line.contains("error:"), "{line}");
        }
    }

    #[test]
    fn a_guest_as_a_command_is_understood() {
        let line = parse(["armlet", "timer"].map(Into::into)).unwrap_err().message;
        assert_eq!(line, "\"timer\" is not a command; to run it, say: armlet run timer");
    }
}
