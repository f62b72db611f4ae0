//! Building a machine from its configuration.

use std::sync::Arc;

use armlet_base::{AlarmQueue, Clock, GuestRam};
use armlet_devices::{pl011::SerialOutput, pl031, pl061::Button};
use armlet_hv::{GicKind, HvError, Hypervisor, Observer, Vcpu, VmConfig};

use crate::Payload;
use crate::board::{self, Context, virt};
use crate::config::{self, BoardKind, ConsoleKind, MachineConfig, VirtioTransport};
use crate::console::Console;
use crate::contents::Contents;
use crate::entropy::Entropy;
use crate::error::MachineError;
use crate::firmware::Firmware;
use crate::input::ConsoleInput;
use crate::plan;
use crate::run::power::Power;
use crate::run::{self, Boot, Counters, Ending, MachineControl, Shared, Wakers};
use crate::statistics::Accounts;

/// A machine ready to run.
pub struct Machine {
    shared: Shared,
    vcpus: Vec<Box<dyn Vcpu>>,
    boot: Boot,
    input: ConsoleInput,
    button: Option<Arc<Button>>,
    held: board::virtio::Held,
    summary: Vec<(&'static str, String)>,
    device_tree: Vec<u8>,
    // Dropped last: vCPUs belong to the VM, alarms ring devices.
    wakers: Wakers,
}

impl std::fmt::Debug for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Machine").field("summary", &self.summary).finish_non_exhaustive()
    }
}

impl Machine {
    /// Tells whether `hv` can run such a machine, as far as that can be told without making it.
    ///
    /// # Errors
    /// As [`Machine::build`].
    pub fn check(hv: &dyn Hypervisor, config: &MachineConfig) -> Result<(), MachineError> {
        config::check(config, hv).map(drop)
    }

    /// Makes a machine on `hv`: checks the configuration against board and backend, loads what it
    /// starts from, and wires the devices. The guest's text goes to `console`; every exit to `observers`.
    ///
    /// # Errors
    /// One line that names what can't be done and what can.
    pub fn build(
        hv: &dyn Hypervisor,
        mut config: MachineConfig,
        console: Box<dyn SerialOutput>,
        observers: Vec<Arc<dyn Observer>>,
    ) -> Result<Machine, MachineError> {
        let checked = config::check(&config, hv)?;
        refuse_unused(&config)?;
        let appended = appended_dtb(&mut config);
        default_append(&mut config);
        let deterministic = config.deterministic.is_some();
        let entropy = Arc::new(Entropy::new(deterministic));
        let ram =
            Arc::new(GuestRam::new(&board::memory(config.board, checked.memory, config.firmware.is_some()))?);
        if let Some(images) = &config.firmware {
            board::flash::load(&ram, images)?;
        }
        let console = Arc::new(Console::new(console));
        let held = board::virtio::Held::new(&config, checked.memory, &console)?;
        let virtio = board::virtio::devices(&config, &entropy, &held)?;
        // Devices on PCI a guest finds by itself.
        let registers = virtio.iter().filter(|_| checked.pci.is_none());
        let slots = registers.map(|plug| plug.slot).collect();
        let contents = Contents::gather(&mut config, &checked, slots, &entropy)?;
        let mut boot = Boot {
            ram: ram.clone(),
            start: contents.start,
            no_reboot: config.no_reboot,
            pin: config.pin.clone(),
            loads: contents.placement.loads,
        };
        boot.load()?;
        boot.release();

        let clock = if deterministic { Clock::new_virtual() } else { Clock::default() };
        let gic = checked.gic.and_then(|kind| board::gic(config.board, kind, checked.its));
        let mut vm = hv.create_vm(VmConfig {
            ram: ram.clone(),
            cpus: config.cpus,
            cpu_model: checked.cpu_model.clone(),
            mode: checked.mode,
            gic,
            clock: clock.clone(),
            deterministic: config.deterministic.clone(),
        })?;
        let mut context = Context {
            gic,
            cpus: config.cpus,
            console: console.clone(),
            alarms: Arc::new(AlarmQueue::new(clock)),
            utc: if deterministic { board::FIXED_UTC } else { pl031::host_utc() },
            ram: ram.clone(),
            virtio: &virtio,
            pci: checked.pci.as_ref(),
            flash: config.firmware.as_ref(),
            items: contents.items,
            observed: !observers.is_empty(),
        };
        let devices = board::wire(config.board, vm.as_mut(), &mut context)?;
        let vcpus: Result<Vec<_>, HvError> = (0..config.cpus).map(|cpu| vm.create_vcpu(cpu)).collect();
        let vcpus = vcpus?;
        let counters: Vec<Counters> = vcpus
            .iter()
            .map(|vcpu| Counters { retired: vcpu.retired_counter(), sleeper: vcpu.sleeper() })
            .collect();
        let kickers = vcpus.iter().map(|vcpu| Some(vcpu.kicker())).collect();
        let power = Arc::new(Power::new(kickers).with_own_psci(hv.capabilities().own_psci));
        let summary = plan::rows(&plan::Facts {
            config: &config,
            checked: &checked,
            backend: hv.name(),
            payload: &contents.payload,
            kernel: contents.placement.kernel,
            entry: boot.start.pc,
            initrd: contents.placement.initrd,
            dtb: contents.device_tree_at.map(|at| (at, contents.device_tree.len())),
            appended,
            bus: &devices.bus,
            virtio: &virtio,
        });
        let accounts = Arc::new(Accounts::new(config.cpus));
        let firmware =
            Firmware { power: power.clone(), ram, console: console.clone(), entropy, mode: checked.mode };
        let requests = board::requests(config.board);
        Ok(Machine {
            shared: Shared { bus: devices.bus, requests, firmware, power, console, observers, accounts },
            vcpus,
            boot,
            input: ConsoleInput { uart: devices.uart, virtio: held.console.clone() },
            button: devices.button,
            // What the user asks of it comes at the host's time.
            held: board::virtio::Held { balloon: held.balloon.filter(|_| !deterministic), ..held },
            summary,
            device_tree: contents.device_tree,
            wakers: Wakers { counters: counters.into(), vm, alarms: context.alarms },
        })
    }

    /// Rows for the plan printed before the guest starts: what it is made of, in order.
    pub fn summary(&self) -> Vec<(&'static str, String)> {
        self.summary.clone()
    }

    /// The device tree the guest gets; empty on boards that have none.
    pub fn device_tree(&self) -> &[u8] {
        &self.device_tree
    }

    /// A handle to type into the guest's console.
    pub fn console_input(&self) -> ConsoleInput {
        self.input.clone()
    }

    /// A handle to stop and watch the machine.
    pub fn control(&self) -> MachineControl {
        MachineControl {
            power: self.shared.power.clone(),
            counters: self.wakers.counters.clone(),
            button: self.button.clone(),
            balloon: self.held.balloon.clone(),
            console: self.held.console.clone(),
            accounts: self.shared.accounts.clone(),
        }
    }

    /// Runs the machine to its end, a host thread for each vCPU.
    ///
    /// # Errors
    /// If the backend fails. What the guest does to itself is an [`Ending`].
    pub fn run(self) -> Result<Ending, MachineError> {
        let ending = run::run(&self.shared, self.vcpus, &self.boot, &self.wakers);
        self.input.eof();
        ending
    }
}

/// Makes a device tree appended to the kernel the machine's, unless the user gave another. True if it did.
fn appended_dtb(config: &mut MachineConfig) -> bool {
    let appended = config.kernel.as_mut().and_then(Payload::take_dtb);
    let used = config.dtb.is_none() && appended.is_some();
    config.dtb = config.dtb.take().or(appended);
    used
}

/// Gives a Linux kernel a command line with its console, unless the user gave one or a device tree that may hold one.
fn default_append(config: &mut MachineConfig) {
    let linux = config.kernel.as_ref().is_some_and(Payload::is_linux);
    if linux && config.append.is_none() && config.dtb.is_none() {
        config.append = Some(match config.console {
            ConsoleKind::Uart => virt::DEFAULT_APPEND.to_owned(),
            // Linux opens the last one for its first process.
            ConsoleKind::Virtio => format!("{} console=hvc0", virt::DEFAULT_APPEND),
        });
    }
}

/// Refuses what the board would silently ignore.
fn refuse_unused(config: &MachineConfig) -> Result<(), MachineError> {
    if config.board == BoardKind::Virt {
        return Ok(());
    }
    let without_gic = config.board == BoardKind::Hvio && config.gic.is_some();
    let board = config.board.name();
    let linux = config.kernel.as_ref().is_some_and(|kernel| kernel.is_linux());
    let unused = [
        (config.firmware.is_some(), "firmware", "leave it out or use --machine virt"),
        (!config.fw_cfg.is_empty(), "files for fw_cfg", "leave them out or use --machine virt"),
        (linux, "a Linux kernel", "use --machine virt"),
        (config.initrd.is_some(), "an initrd", "leave it out or use --machine virt"),
        (config.virtio == VirtioTransport::Pci, "PCI", "leave --virtio out or use --machine virt"),
        (!config.disks.is_empty(), "a disk", "leave it out or use --machine virt"),
        (!config.shares.is_empty(), "a shared directory", "leave it out or use --machine virt"),
        (!config.nets.is_empty(), "a network card", "leave --net out or use --machine virt"),
        (config.vsock.is_some(), "a socket device", "leave it out or use --machine virt"),
        (
            config.console == ConsoleKind::Virtio,
            "a virtio console",
            "leave --console out or use --machine virt",
        ),
        (config.balloon == Some(true), "a memory balloon", "leave --balloon out or use --machine virt"),
        (config.append.is_some(), "a command line", "leave it out or use --machine virt"),
        (config.dtb.is_some(), "a device tree", "leave it out or use --machine virt"),
        (without_gic, "an interrupt controller", "leave --gic out or use --machine monitor"),
    ];
    match unused.into_iter().find(|(given, ..)| *given) {
        Some((_, what, fix)) => Err(MachineError::NotForBoard { board, what, fix }),
        None => Ok(()),
    }
}

/// The interrupt controller's name for people.
pub(crate) fn gic_name(gic: GicKind) -> &'static str {
    match gic {
        GicKind::V2 => "GICv2",
        GicKind::V3 => "GICv3",
    }
}
