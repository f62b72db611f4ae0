//! Which CPU of the host runs a vCPU's thread, where somebody wants to say.

use crate::config::MachineConfig;
use crate::error::MachineError;

/// Refuses a list that does not fit the machine or this host.
pub(crate) fn check(config: &MachineConfig) -> Result<(), MachineError> {
    let pin = &config.pin;
    if pin.is_empty() {
        return Ok(());
    }
    let refuse = |why: String| Err(MachineError::Pin { why });
    if pin.len() != config.cpus {
        return refuse(format!("{} host CPUs for {} vCPUs; name one for each", pin.len(), config.cpus));
    }
    let Some(usable) = sys::usable() else {
        return refuse("this system does not let armlet choose; leave --pin out".to_owned());
    };
    match pin.iter().find(|cpu| !usable.contains(cpu)) {
        Some(cpu) => {
            let usable: Vec<_> = usable.iter().map(usize::to_string).collect();
            refuse(format!("there is no host CPU {cpu} for it; it may use {}", usable.join(", ")))
        }
        None => Ok(()),
    }
}

/// Keeps the calling thread on one CPU of the host.
///
/// # Errors
/// The system's answer.
pub(crate) fn pin(cpu: usize) -> std::io::Result<()> {
    sys::pin(cpu)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod sys {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    /// The CPUs that this process may use.
    pub fn usable() -> Option<Vec<usize>> {
        let set = sched_getaffinity(None).ok()?;
        Some((0..CpuSet::MAX_CPU).filter(|cpu| set.is_set(*cpu)).collect())
    }

    pub fn pin(cpu: usize) -> std::io::Result<()> {
        let mut set = CpuSet::new();
        set.set(cpu);
        Ok(sched_setaffinity(None, &set)?)
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod sys {
    pub fn usable() -> Option<Vec<usize>> {
        None
    }

    pub fn pin(_: usize) -> std::io::Result<()> {
        Err(std::io::ErrorKind::Unsupported.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::BoardKind;

    #[test]
    fn lists_fit_machine_and_host() {
        let error = |pin: Vec<usize>| {
            let config = MachineConfig { pin, ..MachineConfig::new(BoardKind::Virt) };
            check(&config).err().map(|error| error.to_string())
        };
        assert_eq!(error(Vec::new()), None);
        assert!(error(vec![0, 1]).unwrap().contains("2 host CPUs for 1 vCPUs"));
        let Some(usable) = sys::usable() else {
            return assert!(error(vec![0]).unwrap().contains("does not let armlet choose"));
        };
        assert_eq!(error(vec![usable[0]]), None);
        assert!(error(vec![100_000]).unwrap().contains("no host CPU 100000"));
        let one = usable[usable.len() - 1];
        let pinned = std::thread::spawn(move || pin(one).map(|()| sys::usable())).join().unwrap();
        assert_eq!(pinned.unwrap(), Some(vec![one]));
    }
}
