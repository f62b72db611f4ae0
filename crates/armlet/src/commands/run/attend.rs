//! Who can do something to a running machine: signals, keys, and other programs by its socket.

use std::io::{self, IsTerminal};
use std::sync::Arc;

use armlet::Machine;

use crate::args::RunArgs;
use crate::console::{self, Action, Screen};
use crate::control::{Facts, Handles, Server};
use crate::failure::Failure;
use crate::stop::{Stopper, Why};
use crate::{progress, sys, terminal};

/// A machine about to run, and what it was made from.
pub struct Attended<'a> {
    /// The machine.
    pub machine: &'a Machine,
    /// What the user asked for.
    pub args: &'a RunArgs,
    /// Name of the backend that runs it.
    pub backend: &'static str,
    /// How many CPUs it has.
    pub cpus: usize,
    /// Where its console's output goes.
    pub screen: &'a Arc<Screen>,
    /// What ends it.
    pub stopper: &'a Arc<Stopper>,
}

impl Attended<'_> {
    /// Listens for signals.
    pub fn to_signals(&self) -> Result<(), Failure> {
        let (control, stopper) = (self.machine.control(), self.stopper.clone());
        let resize = move || control.resize_console(sys::window().unwrap_or_default());
        resize();
        let act = move |signal| match signal {
            sys::Signal::End(number) => stopper.stop(Why::Signal(number)),
            sys::Signal::Resumed => terminal::resume(),
            sys::Signal::Resized => resize(),
        };
        sys::on_signal(act)
            .map_err(|error| Failure::broken(format_args!("can't listen for signals: {error}")))
    }

    /// Listens on the machine's socket, if there can be one.
    pub fn by_socket(&self) -> Result<Option<Server>, Failure> {
        let memory = self.machine.summary().into_iter().find(|(name, _)| *name == "memory");
        let handles = Handles {
            facts: Facts { cpus: self.cpus, memory: memory.unwrap_or_default().1, backend: self.backend },
            control: self.machine.control(),
            input: self.machine.console_input(),
            stopper: self.stopper.clone(),
            screen: self.screen.clone(),
        };
        let thing = self.args.source.as_deref().unwrap_or_default();
        Server::start(self.args.name.as_deref(), thing, handles)
    }

    /// Gives the guest what is typed, but for what is meant for armlet.
    pub fn to_keys(&self) -> Result<(), Failure> {
        let (stopper, screen, control) = (self.stopper.clone(), self.screen.clone(), self.machine.control());
        let act = move |action| match action {
            Action::Quit => stopper.stop(Why::Quit),
            Action::Help => screen.say(console::HELP),
            Action::PowerButton if !control.press_power_button() => {
                screen.say("armlet: this machine has no power button\n")
            }
            Action::PowerButton => {}
            Action::Detach => screen
                .say("armlet: only a machine that was started with --detach goes on without a terminal\n"),
        };
        console::start_input(self.machine.console_input(), io::stdin().is_terminal(), act)
            .map_err(Failure::broken)
    }

    /// Shows that a guest that has not said anything yet is at work.
    pub fn with_progress(&self) -> Result<(), Failure> {
        progress::start(self.screen.clone(), self.backend, self.machine.control()).map_err(Failure::broken)
    }
}
