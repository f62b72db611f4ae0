//! A generic host bridge: bus 0 with up to 31 devices beside itself.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use armlet_base::{Access, IrqLine, MessageSink, MmioDevice};

use super::endpoint::{Endpoint, Wiring};
use super::intx::SharedLine;
use super::{Function, Identity};
use crate::mmio::{self, GuestErrors};

/// Slots of the bus. The bridge itself is in the first one.
pub const SLOTS: usize = 32;
/// Wires of the bridge: INTA# to INTD# of the slots in turn.
const WIRES: usize = 4;

/// As QEMU's generic bridge: vendor Red Hat.
const BRIDGE: Identity =
    Identity { vendor: 0x1b36, device: 0x0008, revision: 0, class: 0x06_0000, subsystem: (0x1af4, 0x1100) };

/// What answers at a guest physical address.
struct Route {
    range: Range<u64>,
    slot: usize,
    bar: usize,
}

/// The bridge and its bus.
///
/// A board plugs functions in, then maps [`HostBridge::ecam`] and the windows in which the guest may place their
/// registers.
pub struct HostBridge {
    functions: [Option<Arc<dyn Function>>; SLOTS],
    wires: [Arc<SharedLine>; WIRES],
    messages: Arc<dyn MessageSink>,
    routes: RwLock<Vec<Route>>,
    /// Held over a write to configuration space, so that routes are those of the latest one.
    order: Mutex<()>,
    errors: GuestErrors,
}

/// The bridge as a function of its own bus: it has no registers.
struct Itself(Endpoint);

impl Function for Itself {
    fn endpoint(&self) -> &Endpoint {
        &self.0
    }

    fn read(&self, _: usize, _: Access, _: u64) -> u64 {
        0
    }

    fn write(&self, _: usize, _: Access, _: u64, _: u64) {}
}

impl HostBridge {
    /// A bridge with nothing on its bus. `wires` are the four that slots share.
    pub fn new(wires: [IrqLine; WIRES], messages: Arc<dyn MessageSink>) -> Self {
        let mut bridge = Self {
            functions: [const { None }; SLOTS],
            wires: wires.map(|line| Arc::new(SharedLine::new(line))),
            messages,
            routes: RwLock::default(),
            order: Mutex::default(),
            errors: GuestErrors::default(),
        };
        let itself = Endpoint::new(&BRIDGE, bridge.wiring(0));
        bridge.plug(Arc::new(Itself(itself)));
        bridge
    }

    /// How the function in `slot` interrupts.
    pub fn wiring(&self, slot: usize) -> Wiring {
        let intx = self.wires[slot % WIRES].clone();
        Wiring { slot, intx, messages: self.messages.clone() }
    }

    /// Puts a function into the slot that it was wired for.
    ///
    /// # Panics
    /// If there is one already: a mistake of the board.
    pub fn plug(&mut self, function: Arc<dyn Function>) {
        let slot = &mut self.functions[function.endpoint().slot()];
        assert!(slot.is_none(), "two functions in one slot");
        *slot = Some(function);
    }

    /// Configuration space of all buses, 1 MiB each, by memory access.
    pub fn ecam(self: &Arc<Self>) -> Arc<Ecam> {
        Arc::new(Ecam(self.clone()))
    }

    /// Addresses from guest physical address `start` on, where functions may be.
    pub fn window(self: &Arc<Self>, start: u64) -> Arc<Window> {
        Arc::new(Window { bridge: self.clone(), start })
    }

    /// Addresses where no function is, nor can be.
    pub fn empty_window(&self) -> Arc<EmptyWindow> {
        Arc::new(EmptyWindow)
    }

    fn function(&self, slot: usize) -> Option<&dyn Function> {
        self.functions.get(slot)?.as_deref()
    }

    fn write_config(&self, slot: usize, function: &dyn Function, offset: u16, size: u8, value: u32) {
        let _order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        function.write_config(offset, size, value);
        self.reroute(slot, function);
    }

    fn reroute(&self, slot: usize, function: &dyn Function) {
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        routes.retain(|route| route.slot != slot);
        routes.extend(function.endpoint().decoded().into_iter().map(|(bar, range)| Route {
            range,
            slot,
            bar,
        }));
    }

    /// The function whose registers are at `address`. Where the guest has put two, one of them answers.
    fn find(&self, address: u64) -> Option<(&dyn Function, usize, u64)> {
        let routes = self.routes.read().unwrap_or_else(PoisonError::into_inner);
        let route = routes.iter().find(|route| route.range.contains(&address))?;
        Some((self.function(route.slot)?, route.bar, address - route.range.start))
    }

    fn each(&self) -> impl Iterator<Item = &dyn Function> {
        self.functions.iter().filter_map(|function| function.as_deref())
    }
}

/// Where in configuration space an offset leads: bus and function numbers other than 0 have nobody.
fn config_address(offset: u64) -> (Option<usize>, u16) {
    let (bus, slot, function) = (offset >> 20, offset >> 15 & 31, offset >> 12 & 7);
    ((bus == 0 && function == 0).then_some(slot as usize), (offset & 0xfff) as u16)
}

/// Enhanced Configuration Access Mechanism (PCI Express Base 4.0, 7.2.2).
pub struct Ecam(Arc<HostBridge>);

impl MmioDevice for Ecam {
    fn read(&self, access: Access, offset: u64) -> u64 {
        mmio::read(&self.0.errors, access, offset, |offset, size| {
            let (slot, register) = config_address(offset);
            match slot.and_then(|slot| self.0.function(slot)) {
                _ if size > 4 => None,
                Some(function) => Some(function.read_config(register, size).into()),
                // A master abort reads as ones, by which a guest knows that nobody is there.
                None => Some(u32::MAX.into()),
            }
        })
    }

    fn write(&self, access: Access, offset: u64, value: u64) {
        mmio::write(&self.0.errors, access, offset, value, |offset, size, value| {
            let (slot, register) = config_address(offset);
            if size > 4 {
                return None;
            }
            if let Some((slot, function)) = slot.and_then(|slot| Some((slot, self.0.function(slot)?))) {
                self.0.write_config(slot, function, register, size, value as u32);
            }
            Some(())
        });
    }

    fn reset(&self) {
        let _order = self.0.order.lock().unwrap_or_else(PoisonError::into_inner);
        for function in self.0.each() {
            function.reset();
            self.0.reroute(function.endpoint().slot(), function);
        }
    }

    fn awaits_host(&self) -> bool {
        self.0.each().any(Function::awaits_host)
    }
}

/// A window in which functions have registers.
pub struct Window {
    bridge: Arc<HostBridge>,
    start: u64,
}

impl MmioDevice for Window {
    fn read(&self, access: Access, offset: u64) -> u64 {
        let Some((function, bar, offset)) = self.bridge.find(self.start + offset) else { return u64::MAX };
        let vectors = function.endpoint().read_vectors(bar, access, offset);
        vectors.unwrap_or_else(|| function.read(bar, access, offset))
    }

    fn write(&self, access: Access, offset: u64, value: u64) {
        let Some((function, bar, offset)) = self.bridge.find(self.start + offset) else { return };
        let vectors = function.endpoint().write_vectors(bar, access, offset, value);
        vectors.unwrap_or_else(|| function.write(bar, access, offset, value));
    }

    fn awaits_host(&self) -> bool {
        false
    }
}

/// A window without functions: it answers as the others do where nobody is.
pub struct EmptyWindow;

impl MmioDevice for EmptyWindow {
    fn read(&self, _: Access, _: u64) -> u64 {
        u64::MAX
    }

    fn write(&self, _: Access, _: u64, _: u64) {}

    fn awaits_host(&self) -> bool {
        false
    }
}
