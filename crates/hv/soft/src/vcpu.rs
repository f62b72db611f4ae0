//! One PE of the engine as a [`Vcpu`].

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use armlet_arm::CpuState;
use armlet_engine::{self as engine, Code, Cpu, Port};
use armlet_hv::{HvError, Kick, Sleeper, Statistic, Stop, Vcpu, VcpuIo};

use crate::statistics::statistics;
use crate::world::IoWorld;

/// A PE and its lowered code.
pub struct SoftVcpu {
    cpu: Box<Cpu>,
    code: Code,
}

impl SoftVcpu {
    /// Wraps a PE.
    pub fn new(cpu: Cpu, code: Code) -> Self {
        Self { cpu: Box::new(cpu), code }
    }
}

impl Vcpu for SoftVcpu {
    fn run(&mut self, io: &mut dyn VcpuIo) -> Result<Stop, HvError> {
        let mut world = IoWorld::new(io, self.cpu.ram.clone());
        Ok(match self.cpu.run(&mut self.code, &mut world) {
            engine::Stop::Kicked => Stop::Kicked,
            engine::Stop::Dead(why) => Stop::Dead(why),
            engine::Stop::World => world.take_stop(),
        })
    }

    fn save(&self, state: &mut CpuState) -> Result<(), HvError> {
        self.cpu.save(state);
        Ok(())
    }

    fn load(&mut self, state: &CpuState) -> Result<(), HvError> {
        self.cpu.load(state);
        Ok(())
    }

    fn reset(&mut self) -> Result<(), HvError> {
        self.cpu.reset();
        // What lies in memory after a reset was loaded behind the guest's back.
        self.code.clear();
        Ok(())
    }

    fn kicker(&self) -> Arc<dyn Kick> {
        Arc::new(PortKick(self.cpu.port.clone()))
    }

    fn retired(&self) -> Option<u64> {
        Some(self.cpu.retired)
    }

    fn statistics(&self) -> Vec<Statistic> {
        statistics(&self.cpu, &self.code)
    }

    fn sleeper(&self) -> Option<Arc<dyn Sleeper>> {
        Some(Arc::new(PortSleeper(self.cpu.port.clone())))
    }

    fn retired_counter(&self) -> Option<Arc<AtomicU64>> {
        Some(self.cpu.port.progress.clone())
    }
}

struct PortKick(Arc<Port>);

impl Kick for PortKick {
    fn kick(&self) {
        self.0.raise(Port::KICK);
    }
}

struct PortSleeper(Arc<Port>);

impl Sleeper for PortSleeper {
    fn asleep(&self) -> Option<u64> {
        self.0.asleep(Port::ENDS_WFI)
    }
}
