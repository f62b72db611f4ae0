//! What the tests of whole machines share.
#![allow(dead_code)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use armlet_hv_fake::{Action, FakeHypervisor};
use armlet_machine::{BoardKind, Ending, Machine, MachineConfig, MachineError, Payload, SerialOutput};

/// PSCI function identifiers, 64-bit where there is such a form.
pub mod psci {
    pub const CPU_OFF: u64 = 0x8400_0002;
    pub const CPU_ON: u64 = 0xc400_0003;
    pub const CPU_SUSPEND: u64 = 0xc400_0001;
    pub const AFFINITY_INFO: u64 = 0xc400_0004;
    pub const SYSTEM_OFF: u64 = 0x8400_0008;
    pub const SYSTEM_RESET: u64 = 0x8400_0009;
}

/// Console output that tests read.
#[derive(Clone, Default)]
pub struct Output(pub Arc<Mutex<Vec<u8>>>, pub Arc<Mutex<usize>>);

impl Output {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }

    pub fn flushed(&self) -> usize {
        *self.1.lock().unwrap()
    }
}

impl SerialOutput for Output {
    fn write(&mut self, bytes: &[u8]) {
        self.0.lock().unwrap().extend_from_slice(bytes);
    }

    fn flush(&mut self) {
        *self.1.lock().unwrap() = self.0.lock().unwrap().len();
    }
}

/// A flat program; the fake never looks at it.
pub fn program() -> Payload {
    Payload::detect("program.bin", b"\xd5\x03\x20\x1f program".to_vec()).unwrap()
}

pub fn config(board: BoardKind, cpus: usize) -> MachineConfig {
    let memory = (board == BoardKind::Virt).then_some(16 << 20);
    MachineConfig { cpus, memory, kernel: Some(program()), ..MachineConfig::new(board) }
}

pub fn build(hv: &FakeHypervisor, config: MachineConfig) -> (Machine, Output) {
    let output = Output::default();
    let machine = Machine::build(hv, config, Box::new(output.clone()), Vec::new());
    (machine.unwrap(), output)
}

/// Runs a `virt` of as many CPUs as there are scripts.
pub fn run(scripts: Vec<Vec<Action>>) -> (Ending, FakeHypervisor, Output) {
    let cpus = scripts.len();
    let hv = FakeHypervisor::new(scripts);
    let (machine, output) = build(&hv, config(BoardKind::Virt, cpus));
    let ending = within(move || machine.run()).unwrap();
    (ending, hv, output)
}

/// Fails the test instead of hanging it.
pub fn within<T: Send + 'static>(what: impl FnOnce() -> T + Send + 'static) -> T {
    let (tx, rx) = std::sync::mpsc::channel();
    std::thread::spawn(move || tx.send(what()));
    rx.recv_timeout(Duration::from_secs(30)).expect("the machine should have ended")
}

pub fn error(hv: &FakeHypervisor, config: MachineConfig) -> (MachineError, String) {
    let error = Machine::build(hv, config, Box::new(Output::default()), Vec::new()).unwrap_err();
    let text = error.to_string();
    assert!(!text.contains('\n'), "one line: {text}");
    (error, text)
}
