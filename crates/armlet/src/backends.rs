//! The CPU backends of this build: which exist, which can run here, and which one `auto` takes.
//!
//! This is the only place that names them; everything else sees [`Hypervisor`].

use armlet_hv::Hypervisor;
use armlet_hv_soft::{NoJit, SoftHypervisor, SoftOptions};
use armlet_machine::nearest;

/// A CPU backend this program knows by name.
pub struct Backend {
    /// Name as `--backend` takes it.
    pub name: &'static str,
    /// What it is, in one line.
    pub summary: &'static str,
    /// The only operating system it exists on, as `std::env::consts::OS` spells it.
    os: Option<&'static str>,
    open: fn(&SoftOptions) -> Result<Box<dyn Hypervisor>, Missing>,
}

/// Why a backend can't run here, and what would help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The fact found on this host or in this build.
    pub why: String,
    /// One thing to do about it.
    pub fix: String,
}

/// Why no backend could be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BackendError {
    /// Nobody has heard of it.
    #[error("there is no backend {name:?}{}; the backends are auto, {}", did_you_mean(*.nearest), names())]
    Unknown {
        /// The name asked for.
        name: String,
        /// The backend that was probably meant.
        nearest: Option<&'static str>,
    },
    /// It exists but not here.
    #[error("backend {name} is not available: {}; {}", .missing.why, .missing.fix)]
    Missing {
        /// The name asked for.
        name: &'static str,
        /// Why not, and what to do.
        missing: Missing,
    },
    /// It can't do what was chosen for the software backend.
    #[error("{option} is for the backend soft, not {name}; leave it out or use --backend soft")]
    NotSoft {
        /// The option.
        option: String,
        /// The name asked for.
        name: &'static str,
    },
}

/// Choices for the software backend.
#[derive(Clone, Default)]
pub struct SoftChoices {
    /// The choices.
    pub options: SoftOptions,
    /// The command-line option that made one, if any did: no other backend will do then.
    pub made_by: Option<String>,
}

/// A backend that was opened, and why it and no other.
pub struct Choice {
    /// The backend, ready to create machines.
    pub hypervisor: Box<dyn Hypervisor>,
    /// The reason, as the plan prints it.
    pub why: String,
}

/// Every backend, in the order in which `auto` prefers them.
pub const ALL: &[Backend] = &[
    Backend {
        name: "kvm",
        summary: "Linux's hypervisor, for arm64 hosts",
        os: Some("linux"),
        open: |_| kvm(),
    },
    Backend {
        name: "whp",
        summary: "Windows Hypervisor Platform, for ARM64 hosts",
        os: Some("windows"),
        open: |_| whp(),
    },
    Backend { name: "soft", summary: "armlet's own CPU in software, for any host", os: None, open: soft },
];

fn soft(options: &SoftOptions) -> Result<Box<dyn Hypervisor>, Missing> {
    match SoftHypervisor::with(options.clone()) {
        Ok(hypervisor) => Ok(Box::new(hypervisor)),
        Err(NoJit(why)) => Err(Missing {
            why: format!("the JIT can't run here: {why}"),
            fix: "use --engine interp or leave the choice to armlet".to_owned(),
        }),
    }
}

#[cfg(all(target_os = "linux", target_arch = "aarch64"))]
fn kvm() -> Result<Box<dyn Hypervisor>, Missing> {
    match armlet_hv_kvm::KvmHypervisor::open() {
        Ok(hypervisor) => Ok(Box::new(hypervisor)),
        Err(missing) => Err(Missing { why: missing.why, fix: missing.fix }),
    }
}

#[cfg(not(all(target_os = "linux", target_arch = "aarch64")))]
fn kvm() -> Result<Box<dyn Hypervisor>, Missing> {
    not_built("linux", "Linux")
}

#[cfg(all(windows, target_arch = "aarch64"))]
fn whp() -> Result<Box<dyn Hypervisor>, Missing> {
    match armlet_hv_whp::WhpHypervisor::open() {
        Ok(hypervisor) => Ok(Box::new(hypervisor)),
        Err(missing) => Err(Missing { why: missing.why, fix: missing.fix }),
    }
}

#[cfg(not(all(windows, target_arch = "aarch64")))]
fn whp() -> Result<Box<dyn Hypervisor>, Missing> {
    not_built("windows", "Windows")
}

/// Both hardware backends need the system they belong to and an ARM64 CPU. A build for another host has none of
/// them, and the right host is told so as plainly as the wrong one.
fn not_built(os: &str, os_name: &str) -> Result<Box<dyn Hypervisor>, Missing> {
    let (host_os, host_arch) = (std::env::consts::OS, std::env::consts::ARCH);
    let why = if host_os != os {
        format!("it needs {os_name}, and this host runs {host_os}")
    } else if host_arch != "aarch64" {
        format!("it needs an ARM64 host, and this one is {host_arch}")
    } else {
        "this version of armlet was built without it".to_owned()
    };
    Err(Missing { why, fix: "use --backend soft".to_owned() })
}

impl Backend {
    /// Opens it.
    pub fn open(&self) -> Result<Box<dyn Hypervisor>, Missing> {
        (self.open)(&SoftOptions::default())
    }
}

/// Opens a backend by name. `auto` takes the first that can run here and tells why the ones before it
/// can't.
pub fn open(name: &str) -> Result<Choice, BackendError> {
    open_with(name, &SoftChoices::default())
}

/// As [`open`], with choices for the software backend; if one was made, `auto` takes that.
pub fn open_with(name: &str, soft: &SoftChoices) -> Result<Choice, BackendError> {
    open_for(name, soft, |_| Ok(()))
}

/// As [`open_with`], for a machine: `auto` passes over a backend that `suits` refuses, with its reason, unless it is
/// the last.
pub fn open_for(
    name: &str,
    soft: &SoftChoices,
    suits: impl Fn(&dyn Hypervisor) -> Result<(), String>,
) -> Result<Choice, BackendError> {
    let (name, why) = match (name, &soft.made_by) {
        ("auto", None) => return auto(&soft.options, suits),
        ("auto", Some(option)) => ("soft", format!("for {option}")),
        _ => (name, "asked for".to_owned()),
    };
    let Some(backend) = ALL.iter().find(|backend| backend.name == name) else {
        let nearest = nearest(name, ALL.iter().map(|backend| backend.name).chain(["auto"]));
        return Err(BackendError::Unknown { name: name.to_owned(), nearest });
    };
    if let Some(option) = soft.made_by.clone().filter(|_| backend.name != "soft") {
        return Err(BackendError::NotSoft { option, name: backend.name });
    }
    match (backend.open)(&soft.options) {
        Ok(hypervisor) => Ok(Choice { hypervisor, why }),
        Err(missing) => Err(BackendError::Missing { name: backend.name, missing }),
    }
}

fn auto(
    options: &SoftOptions,
    suits: impl Fn(&dyn Hypervisor) -> Result<(), String>,
) -> Result<Choice, BackendError> {
    let mut passed_over = Vec::new();
    let mut last = None;
    for (backend, left) in ALL.iter().zip((0..ALL.len()).rev()) {
        match (backend.open)(options) {
            Ok(hypervisor) => {
                if let Some(why) = suits(hypervisor.as_ref()).err().filter(|_| left != 0) {
                    passed_over.push(format!("not {}: {why}", backend.name));
                    continue;
                }
                let why = match passed_over.as_slice() {
                    [] if backend.os.is_some() => "the host's own CPUs can run it".to_owned(),
                    [] => "no hardware backend exists for this system".to_owned(),
                    reasons => reasons.join("; "),
                };
                return Ok(Choice { hypervisor, why });
            }
            Err(missing) => {
                // One of another system is no news to anybody.
                if backend.os == Some(std::env::consts::OS) {
                    passed_over.push(format!("not {}: {}", backend.name, missing.why));
                }
                last = Some(BackendError::Missing { name: backend.name, missing });
            }
        }
    }
    Err(last.expect("there is at least one backend"))
}

/// The names, as a sentence lists them.
pub fn names() -> String {
    ALL.iter().map(|backend| backend.name).collect::<Vec<_>>().join(", ")
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map(|name| format!(" (did you mean {name}?)")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_always_finds_one_and_says_why() {
        let choice = open("auto").unwrap();
        // On hosts that have a hypervisor of their own it is that.
        for (os, name) in [("linux", "kvm"), ("windows", "whp")] {
            let passed_over = choice.why.contains(&format!("not {name}: it needs"));
            let here = os == std::env::consts::OS;
            assert_eq!(passed_over, here && open(name).is_err(), "{}", choice.why);
            assert!(!here || passed_over == (choice.hypervisor.name() == "soft"), "{}", choice.why);
        }
        assert_eq!(open("soft").unwrap().why, "asked for");
    }

    #[test]
    fn refusals_say_what_is_wrong_and_what_helps() {
        let unknown = open("sotf").err().unwrap().to_string();
        assert!(unknown.contains("did you mean soft?"), "{unknown}");
        let soft = SoftChoices { made_by: Some("--engine".into()), ..SoftChoices::default() };
        let not_soft = open_with("kvm", &soft).err().unwrap().to_string();
        assert!(not_soft.contains("--engine is for the backend soft, not kvm"), "{not_soft}");
        assert_eq!(open_with("auto", &soft).unwrap().why, "for --engine");
        for name in ["kvm", "whp"] {
            let Err(missing) = open(name) else { continue };
            let missing = missing.to_string();
            assert!(missing.contains("not available") && missing.contains("--backend soft"), "{missing}");
        }
    }
}
