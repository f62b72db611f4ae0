//! Debian's own programs under Debian's own kernels: archivers, encoders, a compiler, interpreters and the code that
//! JIT compilers make. What each prints in the guest must be what it prints under the oracle, which runs single programs.
//! 32-bit programs run under a 32-bit kernel and under the 64-bit one.
//!
//! `ARMLET_PROGRAMS` chooses: `long` for all cases, or their names with commas between. Unless told, only what asks most of the
//! kernel runs under both, for the instructions are the same.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use armlet_testkit::programs::{self, Arch, Case, Outcome, Set};
use armlet_testkit::session::Session;
use armlet_testkit::{payloads, skip};

/// Generous: CI machines are slow and shared, and tests measure nothing.
const LIMIT: Duration = Duration::from_secs(1800);

/// Groups of programs that are busy with system calls and processes.
const ABOUT_KERNELS: [&str; 3] = ["shell", "perl", "python"];

/// What programs are made for, and the kernel above them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum World {
    Arm64,
    Armhf,
    ArmhfOnArm64,
}

impl World {
    fn arch(self) -> Arch {
        match self {
            Self::Arm64 => Arch::Arm64,
            Self::Armhf | Self::ArmhfOnArm64 => Arch::Armhf,
        }
    }

    fn kernel(self) -> Result<&'static Path, String> {
        Ok(match self {
            Self::Arm64 | Self::ArmhfOnArm64 => &payloads::get()?.cloud_kernel,
            Self::Armhf => &payloads::get32()?.armmp_lpae,
        })
    }

    /// What is missing for a run, in one sentence.
    fn ready(self) -> Result<(), String> {
        let arch = self.arch();
        self.kernel()?;
        arch.trees()?;
        let oracle = Command::new(arch.oracle()).arg("--version").output();
        oracle.map(|_| ()).map_err(|e| format!("{} does not start: {e}", arch.oracle()))
    }

    /// The cases of `group` that this run is for.
    fn chosen(self, group: &str) -> Vec<Case> {
        let choice = std::env::var("ARMLET_PROGRAMS").unwrap_or_default();
        let names: Vec<&str> = choice.split(',').filter(|name| !name.is_empty()).collect();
        let wanted = |case: &Case| match (case.set(self.arch()), &names[..]) {
            (Set::Never, _) => false,
            (set, []) => set == Set::Short && (self != Self::ArmhfOnArm64 || ABOUT_KERNELS.contains(&group)),
            (_, ["long"]) => true,
            (_, names) => names.contains(&case.name.as_str()),
        };
        let cases = programs::cases().expect("the cases can be read");
        cases.into_iter().filter(|case| case.group == group && wanted(case)).collect()
    }

    fn run_in_guest(self, group: &str, cases: &[Case], dir: &Path) -> Vec<Outcome> {
        let ramdisk = dir.join("programs.cpio");
        let image = programs::ramdisk(self.arch(), group, cases, None).expect("the ramdisk can be made");
        std::fs::write(&ramdisk, image).expect("the ramdisk can be written");
        let cpus = cases.iter().map(|case| case.cpus).max().unwrap_or(1);
        let mut command = armlet_testkit::program(env!("CARGO_BIN_EXE_armlet"));
        command.arg("run").arg(self.kernel().expect("checked before")).arg("--initrd").arg(&ramdisk);
        command.args(["--append", "console=ttyAMA0 quiet loglevel=1 panic=-1", "--no-reboot", "-q"]);
        command.args(["--memory", &format!("{}M", programs::MEMORY_MIB), "--cpus", &cpus.to_string()]);
        let (status, text) = Session::start(&mut command).expect("armlet starts").finish(LIMIT);
        assert!(status.success() && text.contains(programs::ALL_DONE), "{status}:\n{text}");
        programs::read_results(&text)
    }

    /// Runs a group's cases in the guest and under the oracle.
    fn compare(self, group: &str) {
        let cases = self.chosen(group);
        if cases.is_empty() {
            return;
        }
        if let Err(why) = self.ready() {
            return skip(&why);
        }
        let dir = tempfile::tempdir().expect("a directory for the ramdisk");
        let guest = self.run_in_guest(group, &cases, dir.path());
        let names: Vec<&str> = guest.iter().map(|outcome| outcome.name.as_str()).collect();
        assert_eq!(names, cases.iter().map(|case| case.name.as_str()).collect::<Vec<_>>());
        let wrong: Vec<String> = cases
            .iter()
            .zip(&guest)
            .filter_map(|(case, outcome)| self.difference(case, outcome, dir.path()))
            .collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    /// Tells what a case did wrong in the guest.
    fn difference(self, case: &Case, guest: &Outcome, dir: &Path) -> Option<String> {
        if guest.status != 0 {
            return Some(format!(
                "{} ended with {} in the guest:\n{}",
                case.name, guest.status, guest.output
            ));
        }
        if !case.oracle {
            return None;
        }
        let host = programs::run_on_host(self.arch(), case, dir).expect("the case runs on the host");
        let same = host.status == 0 && host.output == guest.output;
        let told = || {
            format!(
                "{} in the guest:\n{}and on the host, status {}:\n{}",
                case.name, guest.output, host.status, host.output
            )
        };
        (!same).then(told)
    }
}

/// A module with a test for each group of programs in one world.
macro_rules! groups {
    ($($module:ident: $world:ident;)*) => {
        $(mod $module {
            use super::World::$world;

            #[test]
            fn shells() {
                $world.compare("shell");
            }

            #[test]
            fn archivers_encoders_cryptography_and_sqlite() {
                $world.compare("tools");
            }

            #[test]
            fn python() {
                $world.compare("python");
            }

            #[test]
            fn perl() {
                $world.compare("perl");
            }

            #[test]
            fn the_compiler() {
                $world.compare("gcc");
            }

            #[test]
            fn the_ray_tracer() {
                $world.compare("povray");
            }

            #[test]
            fn javascript() {
                $world.compare("node");
            }

            #[test]
            fn java() {
                $world.compare("java");
            }
        })*
    };
}

groups! {
    arm64: Arm64;
    armhf: Armhf;
    armhf_on_arm64: ArmhfOnArm64;
}

#[test]
fn every_case_belongs_to_a_test() {
    let groups = ["shell", "tools", "python", "perl", "gcc", "povray", "node", "java"];
    for case in programs::cases().expect("the cases can be read") {
        assert!(groups.contains(&case.group.as_str()), "{} is of the group {}", case.name, case.group);
    }
}
