//! `armlet run`: from the command line to a running machine, and from its end to an exit status.

mod attend;
mod config;
mod ending;
mod lesson;
mod observers;

use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use armlet::backends::{self, Choice, SoftChoices};
use armlet::{Board, Engine, Hypervisor, Machine, MachineConfig, ModelInfo, SoftOptions};

use crate::args::RunArgs;
use crate::console::Screen;
use crate::control::{Ready, Server};
use crate::dts;
use crate::failure::{Failure, chain, did_you_mean};
use crate::files;
use crate::observe::{statistics, watch};
use crate::plan::Plan;
use crate::stop::{Stopper, Why};
use crate::terminal;
use attend::Attended;
use observers::Observers;

/// Runs a guest to its end and returns the exit status.
pub fn run(args: RunArgs) -> Result<u8, Failure> {
    let background = args.detached.then(Ready::new).transpose()?;
    let stopper = Arc::new(Stopper::default());
    let on_broken = stopper.clone();
    let (screen, writer) = Screen::start(move || on_broken.stop(Why::BrokenPipe)).map_err(Failure::broken)?;

    let choices = soft_choices(&args, &screen)?;
    let (guest, mut config) = config::configure(&args)?;
    let backend = open_backend(&args, &choices, &config)?;
    let (hypervisor, board, cpus) = (backend.hypervisor.as_ref(), config.board, config.cpus);
    let observers = Observers::new(&args, guest, &mut config, &screen)?;
    let machine = Machine::build(hypervisor, config, screen.console(), observers.of_exits())
        .map_err(|error| Failure::input_chain(&error))?;
    if let Some(path) = &args.show_dtb {
        return show_device_tree(board, machine.device_tree(), path);
    }
    if !args.quiet {
        screen.say(&plan(board, &backend, &machine));
    }
    if args.dry_run {
        return Ok(0);
    }
    observers.begin(&args, hypervisor.name(), cpus);

    let control = machine.control();
    stopper.arm(control.clone());
    let attended = Attended {
        machine: &machine,
        args: &args,
        backend: hypervisor.name(),
        cpus,
        screen: &screen,
        stopper: &stopper,
    };
    attended.to_signals()?;
    let server = attended.by_socket()?;
    let in_background = background.is_some();
    if let Some(background) = background {
        go_to_background(background, server.as_ref())?;
    }
    let raw = terminal::Guard::enter()
        .map_err(|error| Failure::broken(format_args!("can't switch the terminal to raw mode: {error}")))?;
    if !in_background {
        attended.to_keys()?;
    }
    if !observers.narrate() && !args.quiet {
        attended.with_progress()?;
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
    observers.finish()?;
    if let Some(kind) = broken.filter(|kind| *kind != io::ErrorKind::BrokenPipe) {
        return Err(Failure::broken(format_args!("can't write to standard output: {kind}")));
    }
    if args.stats {
        screen.say(&statistics::table(&control.statistics(), ran));
    }
    let ending = ending.map_err(|error| Failure::broken(chain(&error)))?;
    let (status, remark) = ending::conclude(&ending, stopper.why())?;
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

/// The backend that the user named, or the best one that can run the machine.
fn open_backend(args: &RunArgs, choices: &SoftChoices, config: &MachineConfig) -> Result<Choice, Failure> {
    let name = args.backend.as_deref().unwrap_or("auto");
    let backend = backends::open_for(name, choices, |hypervisor| suits(hypervisor, config))
        .map_err(|error| Failure::input_chain(&error))?;
    check_model(&config.cpu_model, &backend.hypervisor.capabilities().cpu_models)?;
    Ok(backend)
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

/// What is about to run.
fn plan(board: Board, backend: &Choice, machine: &Machine) -> String {
    let hypervisor = backend.hypervisor.as_ref();
    let mut plan = Plan::default();
    plan.line("machine", format!("{board} ({})", board.description()));
    let details = Some(hypervisor.details()).filter(|details| !details.is_empty());
    let engine = details.map(|details| format!(", {details}")).unwrap_or_default();
    plan.line("backend", format!("{}{engine} ({})", hypervisor.name(), backend.why));
    for (name, value) in machine.summary() {
        plan.line_unless_told(name, value);
    }
    plan.line("escape", if io::stdin().is_terminal() { "Ctrl-A x quits, Ctrl-A h helps" } else { "" });
    plan.text()
}

/// Tells whoever started the machine that it goes on alone.
fn go_to_background(background: Ready, server: Option<&Server>) -> Result<(), Failure> {
    let name = server.map(Server::name);
    background
        .tell(name.ok_or_else(|| Failure::broken("the machine can't go to the background without a socket"))?)
}

/// Prints the tree as source for `-`, else writes the blob.
fn show_device_tree(board: Board, blob: &[u8], path: &Path) -> Result<u8, Failure> {
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

#[cfg(test)]
mod tests {
    use armlet::GuestMode;

    use super::*;

    #[test]
    fn unknown_models_get_a_suggestion() {
        let models = ["max", "cortex-a57"].map(|name| ModelInfo::new(name, &[GuestMode::A64El1]));
        assert!(check_model("", &models).is_ok() && check_model("cortex-a57", &models).is_ok());
        let failure = check_model("cortex-a75", &models).unwrap_err();
        assert!(failure.message.contains("did you mean cortex-a57?"), "{}", failure.message);
    }
}
