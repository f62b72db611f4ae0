//! What the vCPUs of a machine have counted, once their threads are done.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use armlet_hv::Statistic;

/// One vCPU's account.
#[derive(Clone, Debug, Default)]
pub struct VcpuStatistics {
    /// Time that its thread spent on a processor of the host, where the host tells.
    pub cpu_time: Option<Duration>,
    /// What it counted.
    pub counts: Vec<Statistic>,
}

/// Where the vCPUs' threads leave their accounts. A thread that panicked leaves none.
pub(crate) struct Accounts(Mutex<Vec<VcpuStatistics>>);

impl Accounts {
    pub fn new(cpus: usize) -> Self {
        Self(Mutex::new(vec![VcpuStatistics::default(); cpus]))
    }

    /// Called on the thread of the vCPU, at its end.
    pub fn close(&self, cpu: usize, counts: Vec<Statistic>) {
        let account = VcpuStatistics { cpu_time: thread_time(), counts };
        self.0.lock().unwrap_or_else(PoisonError::into_inner)[cpu] = account;
    }

    pub fn all(&self) -> Vec<VcpuStatistics> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(unix)]
fn thread_time() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Some(Duration::new(time.tv_sec.try_into().ok()?, time.tv_nsec.try_into().ok()?))
}

#[cfg(not(unix))]
fn thread_time() -> Option<Duration> {
    Some(cpu_time::ThreadTime::try_now().ok()?.as_duration())
}
