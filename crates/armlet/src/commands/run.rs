//! `armlet run`: from the command line to a running machine, and from its end to an exit status.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use armlet::backends::{self, SoftChoices};
use armlet::guests::{Code, Guest};
use armlet::{
    Board, Checkpoints, Deterministic, Ending, Engine, GuestMode, Hypervisor, Initrd, Machine, MachineConfig,
    ModelInfo, Observer, Payload, ShareConfig, SoftOptions,
};
use armlet_machine::board::{hvio, monitor};

use crate::args::{LogTarget, RunArgs};
use crate::boardmap::{self, REQUEST_PAGE};
use crate::console::{self, Action, Screen};
use crate::control::{Facts, Handles, Ready, Server};
use crate::dts;
use crate::failure::{Failure, chain, did_you_mean};
use crate::files::{self, Thing};
use crate::firmware::{self, FwCfgArg};
use crate::nets;
use crate::observe::{Devices, ExitLog, Hashes, Narrator, statistics, watch};
use crate::plan::Plan;
use crate::progress;
use crate::rootdisk;
use crate::seed;
use crate::stop::{Stopper, Why};
use crate::sys;
use crate::terminal;

/// Runs a guest to its end and returns the exit status.
pub fn run(args: RunArgs) -> Result<u8, Failure> {
    let background = args.detached.then(Ready::new).transpose()?;
    let stopper = Arc::new(Stopper::default());
    let on_broken = stopper.clone();
    let (screen, writer) = Screen::start(move || on_broken.stop(Why::BrokenPipe)).map_err(Failure::broken)?;
    let choices = soft_choices(&args, &screen)?;
    let (embedded, mut config) = configure(&args)?;
    let name = args.backend.as_deref().unwrap_or("auto");
    let backend = backends::open_for(name, &choices, |hypervisor| suits(hypervisor, &config))
        .map_err(|error| Failure::input_chain(&error))?;
    let hypervisor = backend.hypervisor.as_ref();
    check_model(&config.cpu_model, &hypervisor.capabilities().cpu_models)?;
    let (board, cpus) = (config.board, config.cpus);
    let log_file = match &args.log {
        Some(LogTarget::File(path)) => Some(files::create("--log", path)?),
        _ => None,
    };
    let devices = Arc::new(Devices::new(boardmap::regions(board, args.gic)));
    let log = args.log.as_ref().map(|_| {
        Arc::new(match log_file {
            Some(file) => ExitLog::to_file(file, devices.clone()),
            None => ExitLog::to_screen(screen.clone(), devices.clone()),
        })
    });
    let narrator =
        (embedded.is_some() && !args.quiet).then(|| Arc::new(Narrator::new(screen.clone(), devices.clone())));
    let mut observers: Vec<Arc<dyn Observer>> = Vec::new();
    observers.extend(log.clone().map(|log| log as Arc<dyn Observer>));
    observers.extend(narrator.clone().map(|narrator| narrator as Arc<dyn Observer>));

    let hashes = checkpoints(&args, &mut config, &screen)?;

    let machine = Machine::build(hypervisor, config, screen.console(), observers)
        .map_err(|error| Failure::input_chain(&error))?;
    if let Some(path) = &args.show_dtb {
        return show_device_tree(board, machine.device_tree(), path);
    }
    let terminal = io::stdin().is_terminal();
    if !args.quiet {
        let mut plan = Plan::default();
        plan.line("machine", format!("{board} ({})", board.description()));
        let details = Some(hypervisor.details()).filter(|details| !details.is_empty());
        let engine = details.map(|details| format!(", {details}")).unwrap_or_default();
        plan.line("backend", format!("{}{engine} ({})", hypervisor.name(), backend.why));
        for (name, value) in machine.summary() {
            plan.line_unless_told(name, value);
        }
        plan.line("escape", if terminal { "Ctrl-A x quits, Ctrl-A h helps" } else { "" });
        screen.say(&plan.text());
    }
    if args.dry_run {
        return Ok(0);
    }
    if let (Some(narrator), Some(guest)) = (&narrator, embedded) {
        introduce(narrator, guest, &args, hypervisor.name(), cpus);
    }

    let control = machine.control();
    stopper.arm(control.clone());
    let on_signal = stopper.clone();
    let resize = {
        let control = control.clone();
        move || control.resize_console(sys::window().unwrap_or_default())
    };
    resize();
    sys::on_signal(move |signal| match signal {
        sys::Signal::End(number) => on_signal.stop(Why::Signal(number)),
        sys::Signal::Resumed => terminal::resume(),
        sys::Signal::Resized => resize(),
    })
    .map_err(|error| Failure::broken(format_args!("can't listen for signals: {error}")))?;
    let thing = args.source.as_deref().unwrap_or_default();
    let memory = machine.summary().into_iter().find(|(name, _)| *name == "memory");
    let handles = Handles {
        facts: Facts { cpus, memory: memory.unwrap_or_default().1, backend: hypervisor.name() },
        control: control.clone(),
        input: machine.console_input(),
        stopper: stopper.clone(),
        screen: screen.clone(),
    };
    let server = Server::start(args.name.as_deref(), thing, handles)?;
    let in_background = background.is_some();
    if let Some(background) = background {
        let name = server.as_ref().map(Server::name);
        background.tell(
            name.ok_or_else(|| Failure::broken("the machine can't go to the background without a socket"))?,
        )?;
    }
    let raw = terminal::Guard::enter()
        .map_err(|error| Failure::broken(format_args!("can't switch the terminal to raw mode: {error}")))?;
    let (on_key, helped, button) = (stopper.clone(), screen.clone(), control.clone());
    let act = move |action| match action {
        Action::Quit => on_key.stop(Why::Quit),
        Action::Help => helped.say(console::HELP),
        Action::PowerButton if !button.press_power_button() => {
            helped.say("armlet: this machine has no power button\n")
        }
        Action::PowerButton => {}
        Action::Detach => {
            helped.say("armlet: only a machine that was started with --detach goes on without a terminal\n")
        }
    };
    if !in_background {
        console::start_input(machine.console_input(), terminal, act).map_err(Failure::broken)?;
    }
    if narrator.is_none() && !args.quiet {
        progress::start(screen.clone(), hypervisor.name(), control.clone()).map_err(Failure::broken)?;
    }

    let began = Instant::now();
    let ending = machine.run();
    let ran = began.elapsed();

    let broken = screen.finish();
    // A pipe nobody reads any more has ended the writer already; nothing else can panic there.
    let _ = writer.join();
    drop(raw);
    screen.farewell();
    drop(server);
    if let Some(narrator) = &narrator {
        narrator.finish();
    }
    if let Some(log) = &log {
        log.finish().map_err(|error| Failure::broken(format_args!("can't write the log: {error}")))?;
    }
    if let Some(hashes) = &hashes {
        hashes.finish().map_err(|error| Failure::broken(format_args!("can't write the hashes: {error}")))?;
    }
    if let Some(kind) = broken.filter(|kind| *kind != io::ErrorKind::BrokenPipe) {
        return Err(Failure::broken(format_args!("can't write to standard output: {kind}")));
    }
    if args.stats {
        screen.say(&statistics::table(&control.statistics(), ran));
    }
    let ending = ending.map_err(|error| Failure::broken(chain(&error)))?;
    let (status, remark) = conclude(&ending, stopper.why())?;
    if let Some(remark) = remark.filter(|_| !args.quiet) {
        screen.say(&format!("armlet: {remark}\n"));
    }
    Ok(status)
}

/// What the user chose for the software backend.
fn soft_choices(args: &RunArgs, screen: &Arc<Screen>) -> Result<SoftChoices, Failure> {
    let mut options = SoftOptions::default();
    options.engine = args.engine.unwrap_or(options.engine);
    options.code_cache = args.code_cache.unwrap_or(options.code_cache);
    options.strict_code = args.strict_code;
    options.count_helped = args.stats;
    options.watch = watch::watch(args, screen)?;
    let watched = watch::option(args);
    if let Some(option) = watched {
        if options.engine == Engine::Interpreter {
            let why = format!("{option} is about the code that the JIT makes; leave out --engine interp");
            return Err(Failure::input(why));
        }
        options.engine = Engine::Jit;
    }
    let engine = args.engine.is_some_and(|engine| engine != Engine::Auto).then_some("--engine");
    let cache = args.code_cache.is_some().then_some("--code-cache");
    let strict = args.strict_code.then_some("--strict-code");
    let made_by = engine.or(cache).or(strict).or(watched).map(str::to_owned);
    Ok(SoftChoices { options, made_by })
}

/// The machine the user asks for, and its guest if that is an embedded one: a lesson that wants telling.
fn configure(args: &RunArgs) -> Result<(Option<&'static Guest>, MachineConfig), Failure> {
    let load_error = |error: armlet::LoadError| Failure::input_chain(&error);
    let asked = args.aarch32.then_some(GuestMode::A32El1);
    let firmware =
        args.firmware.as_ref().map(|firmware| firmware.open(firmware::wants_aarch32(args))).transpose()?;
    let on_virt = args.machine.unwrap_or(Board::Virt);
    let mut root = None;
    let (mut append, mut ramdisk, mut disks) = (args.append.clone(), None, Vec::new());
    let thing = match &firmware {
        Some(_) if args.thing.is_none() => None,
        _ => Some(files::thing(args.thing.as_deref())?),
    };
    let (embedded, board, mode, entry, payload) = match thing {
        None => (None, on_virt, asked, args.entry, None),
        Some(thing) if firmware.is_some() => {
            let kernel = firmware::payload(thing, args, &mut disks)?;
            (None, on_virt, asked, args.entry, kernel)
        }
        Some(Thing::Guest(guest)) => {
            check_guest(guest, args)?;
            let payload = Payload::flat(guest.name, guest.image.to_vec()).map_err(load_error)?;
            // T32 code is told by its entry alone.
            let entry = args.entry.or((guest.code == Code::T32).then(|| guest.entry()));
            (Some(guest), guest.board, Some(guest.mode()), entry, Some(payload))
        }
        Some(Thing::File(name, bytes, source)) => {
            let payload = Payload::detect(&name, bytes).map_err(load_error)?.from_file(source);
            (None, on_virt, asked, args.entry, Some(payload))
        }
        Some(Thing::Directory(path)) => {
            let (kernel, rest) = root_directory(&path, args)?;
            root = Some(rest);
            (None, on_virt, asked, args.entry, Some(kernel))
        }
        Some(Thing::Disk(path)) => {
            let found = rootdisk::open(&path, args)?;
            let consoles = args.console_words();
            append = Some(rootdisk::command_line(args.append.as_deref(), consoles, &found.root));
            disks.push(found.disk);
            ramdisk = found.ramdisk;
            (None, on_virt, asked, args.entry, Some(found.kernel))
        }
    };
    if args.kernel.is_some() && root.is_none() {
        return Err(Failure::input("--kernel is for a directory that is run; name the kernel alone"));
    }
    if args.overlay && disks.is_empty() {
        return Err(Failure::input(
            "--overlay is for a disk that is run; for others say --disk FILE,overlay",
        ));
    }
    if let Some(path) = &args.initrd {
        ramdisk = Some(initrd(path)?);
    }
    for disk in &args.disk {
        disks.push(disk.open(disks.len())?);
    }
    disks.extend(seed::disk(args)?);
    if firmware.is_some() && (args.load.is_some() || args.entry.is_some()) {
        let option = if args.load.is_some() { "--load" } else { "--entry" };
        return Err(Failure::input(format_args!(
            "{option}: firmware starts at address 0; leave the option out"
        )));
    }
    let optional = |what, path: &Option<_>| path.as_deref().map(|path| files::read(what, path)).transpose();
    let mut config = MachineConfig {
        board,
        cpus: args.cpus.unwrap_or(1),
        memory: args.memory,
        cpu_model: args.cpu.clone().unwrap_or_default(),
        mode,
        gic: args.gic,
        kernel: payload,
        firmware,
        acpi: args.acpi,
        fw_cfg: args.fw_cfg.iter().map(FwCfgArg::read).collect::<Result<_, _>>()?,
        initrd: ramdisk,
        disks,
        shares: args.share.iter().enumerate().map(|(index, share)| share.config(index)).collect(),
        virtio: args.virtio.unwrap_or_default(),
        nets: nets::open(&args.net)?,
        vsock: args.vsock.as_ref().map(|vsock| vsock.0.clone()),
        balloon: args.balloon,
        console: args.console.unwrap_or_default(),
        append,
        dtb: optional("device tree", &args.dtb)?,
        load_address: args.load,
        entry,
        no_reboot: args.no_reboot,
        pin: args.pin.clone().unwrap_or_default().0,
        deterministic: args.deterministic.then(|| Deterministic {
            block_limit: args.block_limit.map_or(0, |limit| limit as usize),
            checkpoints: None,
        }),
    };
    if let Some(root) = root {
        (config.initrd, config.append) = (Some(root.initrd), Some(root.append));
        config.shares.insert(0, root.share);
    }
    Ok((embedded, config))
}

/// What a machine has for a directory that is its guest's root, besides the kernel.
struct Root {
    initrd: Initrd,
    append: String,
    share: ShareConfig,
}

#[cfg(target_os = "linux")]
fn root_directory(path: &Path, args: &RunArgs) -> Result<(Payload, Root), Failure> {
    let crate::rootdir::RootDir { kernel, initrd, share, append } = crate::rootdir::open(path, args)?;
    Ok((kernel, Root { initrd, append, share }))
}

#[cfg(not(target_os = "linux"))]
fn root_directory(path: &Path, _: &RunArgs) -> Result<(Payload, Root), Failure> {
    let path = path.display();
    Err(Failure::input(format_args!(
        "{path} is a directory, which can be run on Linux hosts only; name a kernel"
    )))
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

/// Sets up the checkpoints that the user asks for, and where they go.
fn checkpoints(
    args: &RunArgs,
    config: &mut MachineConfig,
    screen: &Arc<Screen>,
) -> Result<Option<Arc<Hashes>>, Failure> {
    let (Some(every), Some(deterministic)) = (args.hash_every, &mut config.deterministic) else {
        return Ok(None);
    };
    let file = args.hash_file.as_deref().map(|path| files::create("--hash-file", path)).transpose()?;
    let hashes = Hashes::new(file, screen.clone());
    let (from, memory_every) = (args.hash_from.unwrap_or(0), args.hash_memory.unwrap_or(0));
    deterministic.checkpoints = Some(Checkpoints { from, every, memory_every, sink: hashes.sink() });
    Ok(Some(hashes))
}

/// Why a backend can't run the machine: the fact alone, for another may.
pub fn suits(hypervisor: &dyn Hypervisor, config: &MachineConfig) -> Result<(), String> {
    Machine::check(hypervisor, config).map_err(|error| {
        let line = error.to_string();
        line.split("; ").next().unwrap_or(&line).to_owned()
    })
}

/// Refuses a model that the backend does not have; an empty name leaves the choice to the machine.
fn check_model(name: &str, models: &[ModelInfo]) -> Result<(), Failure> {
    // One of another backend is the machine to refuse, which knows what this one has.
    let elsewhere = armlet_arm::cpu::model(name).is_some();
    if name.is_empty() || elsewhere || models.iter().any(|model| model.name == name) {
        return Ok(());
    }
    let hint = did_you_mean(name, models.iter().map(|model| model.name.as_str()));
    Err(Failure::input(format_args!("there is no CPU model {name:?}{hint}; `armlet cpus` lists them")))
}

/// The first sentences of a lesson: what the monitor did before the guest's first instruction.
fn introduce(narrator: &Narrator, guest: &Guest, args: &RunArgs, backend: &str, cpus: usize) {
    narrator.say(&format!("partition created by the backend {backend}"));
    for (name, start, len) in boardmap::regions(guest.board, None) {
        match name {
            "RAM" => narrator.say(&format!("memory mapped {start:#x}-{:#x}", start + len)),
            REQUEST_PAGE => {
                narrator.say(&format!("request page mapped read-only {start:#x}-{:#x}", start + len));
            }
            _ => {}
        }
    }
    let entry = args.entry.or(args.load).unwrap_or(guest.entry());
    for cpu in 0..cpus {
        let state =
            if cpu == 0 { first_state(guest, entry) } else { "off until the guest turns it on".to_owned() };
        narrator.say(&format!("vCPU {cpu}: {state}"));
    }
}

/// The registers that the monitor sets.
fn first_state(guest: &Guest, entry: u64) -> String {
    let (stack, argument, what) = match guest.board {
        Board::Hvio => (hvio::STACK, hvio::map::REQUESTS, "the request page"),
        _ => (monitor::STACK, monitor::BOOT_INFO, "the boot information"),
    };
    match guest.code {
        Code::A64 => format!("PC={entry:#x} SP={stack:#x} X0={argument:#x}, {what}"),
        code => {
            format!("AArch32, {code:?}, PC={:#x} R13={stack:#x} R0={argument:#x}, {what}", entry & !1)
        }
    }
}

/// Prints the tree as source for `-`, else writes the blob.
fn show_device_tree(board: Board, blob: &[u8], path: &std::path::Path) -> Result<u8, Failure> {
    if blob.is_empty() {
        return Err(Failure::input(format_args!("the machine {} has no device tree to show", board.name())));
    }
    if path.as_os_str() != "-" {
        let mut file = files::create("--show-dtb", path)?;
        return io::Write::write_all(&mut file, blob)
            .map(|()| 0)
            .map_err(|error| Failure::broken(format_args!("can't write {}: {error}", path.display())));
    }
    let tree = armlet_machine::fdt::Tree::parse(blob).map_err(|error| Failure::broken(chain(&error)))?;
    super::answer(dts::source(&tree))
}

/// The exit status of an ending, and what to say about it.
fn conclude(ending: &Ending, why: Option<Why>) -> Result<(u8, Option<String>), Failure> {
    Ok(match (ending, why) {
        (Ending::PowerOff, _) => (0, None),
        (Ending::Reset, _) => (0, Some("the guest asked for a reset".to_owned())),
        // The shell sees 8 bits; a failure must not turn into success in them.
        (Ending::Exit(status), _) => (u8::try_from(*status).unwrap_or(u8::MAX), None),
        (Ending::Stopped, Some(why)) => (why.status(), why.remark()),
        (Ending::Stopped, None) => (0, None),
        (Ending::Hung(reason), _) => return Err(Failure::broken(format_args!("the guest hangs: {reason}"))),
        (Ending::Dead(reason), _) => {
            return Err(Failure::broken(format_args!("the guest is dead: {reason}")));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_have_the_documented_statuses() {
        let status = |ending, why| conclude(&ending, why).map(|(status, _)| status).map_err(|f| f.status);
        assert_eq!(status(Ending::PowerOff, None), Ok(0));
        assert_eq!(status(Ending::Reset, None), Ok(0));
        assert_eq!(status(Ending::Exit(7), None), Ok(7));
        assert_eq!(status(Ending::Exit(256), None), Ok(255));
        assert_eq!(status(Ending::Stopped, Some(Why::Quit)), Ok(0));
        assert_eq!(status(Ending::Stopped, Some(Why::Signal(2))), Ok(130));
        assert_eq!(status(Ending::Stopped, Some(Why::BrokenPipe)), Ok(0));
        assert_eq!(status(Ending::Dead("x".into()), None), Err(1));
        assert_eq!(status(Ending::Hung("x".into()), None), Err(1));
    }

    #[test]
    fn unknown_models_get_a_suggestion() {
        let models = ["max", "cortex-a57"].map(|name| ModelInfo::new(name, &[GuestMode::A64El1]));
        assert!(check_model("", &models).is_ok() && check_model("cortex-a57", &models).is_ok());
        let failure = check_model("cortex-a75", &models).unwrap_err();
        assert!(failure.message.contains("did you mean cortex-a57?"), "{}", failure.message);
    }
}
