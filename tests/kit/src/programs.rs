//! Real programs: Debian's, fetched once into `target/programs` and, 32-bit ones, into `target/programs-armhf`; and the
//! cases in `tests/programs` that run them.
//!
//! Programs come in groups, each a root tree with all it depends on. A group's ramdisk holds its tree and its
//! cases; `/init` runs the cases it is asked for and frames what each printed for [`read_results`].

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::cpio::{Cpio, files};
use crate::{payloads, root};

/// Guest memory that every group's ramdisk fits in, unpacked.
pub const MEMORY_MIB: u32 = 2048;

/// The file in a case's directory that takes the nanoseconds of its timed part.
const TIME: &str = "/tmp/time";

/// Debian's name of what programs are made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arch {
    /// AArch64.
    Arm64,
    /// AArch32 with VFPv3-D16, mostly in T32.
    Armhf,
}

impl Arch {
    /// The name as Debian has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Arm64 => "arm64",
            Self::Armhf => "armhf",
        }
    }

    /// The emulator of single programs that cases are compared with.
    pub const fn oracle(self) -> &'static str {
        match self {
            Self::Arm64 => "qemu-aarch64-static",
            Self::Armhf => "qemu-arm-static",
        }
    }

    /// Fetches the programs if they aren't there; the directory with their trees. The error says what is missing.
    pub fn trees(self) -> Result<&'static Path, String> {
        static ARM64: OnceLock<Result<PathBuf, String>> = OnceLock::new();
        static ARMHF: OnceLock<Result<PathBuf, String>> = OnceLock::new();
        let trees = match self {
            Self::Arm64 => ARM64.get_or_init(|| payloads::fetched("programs")),
            Self::Armhf => {
                ARMHF.get_or_init(|| payloads::fetched_with("programs", "programs-armhf", &["armhf"]))
            }
        };
        trees.as_deref().map_err(Clone::clone)
    }

    /// A static busybox of this architecture.
    fn busybox(self) -> Result<&'static [u8], String> {
        Ok(match self {
            Self::Arm64 => &payloads::get()?.busybox,
            Self::Armhf => &payloads::get32()?.busybox,
        })
    }
}

/// The sets of cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    /// Runs with all tests.
    Short,
    /// Takes too long for that.
    Long,
    /// Can't run.
    Never,
}

impl Set {
    fn named(name: &str) -> Option<Self> {
        match name {
            "short" => Some(Self::Short),
            "long" => Some(Self::Long),
            "none" => Some(Self::Never),
            _ => None,
        }
    }
}

/// A case: a script in `tests/programs` with a few words about itself in its first lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// The script's name without `.sh`.
    pub name: String,
    /// The tree it needs.
    pub group: String,
    /// The number of CPUs it wants.
    pub cpus: usize,
    /// The sets it belongs to on arm64 and on armhf.
    sets: [Set; 2],
    /// False if the emulator of single programs can't run it: then it judges itself, by its exit status.
    pub oracle: bool,
}

/// What a case did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The case's name.
    pub name: String,
    /// Exit status.
    pub status: i32,
    /// Nanoseconds of the timed part on the guest's clock; 0 if it never ended.
    pub nanoseconds: u64,
    /// Standard output.
    pub output: String,
}

/// All cases, by name.
///
/// # Errors
/// A script can't be read or doesn't name its group.
pub fn cases() -> Result<Vec<Case>, String> {
    let dir = root().join("tests/programs");
    let mut cases = Vec::new();
    for path in files(&dir)? {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if path.extension().is_some_and(|e| e == "sh") && name != "run" {
            let text = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            cases.push(Case::parse(name, &text)?);
        }
    }
    Ok(cases)
}

impl Case {
    fn parse(name: String, text: &str) -> Result<Self, String> {
        let word = |key: &str| text.lines().find_map(|line| line.strip_prefix("# ")?.strip_prefix(key));
        let wrong = |what: &str| format!("tests/programs/{name}.sh {what}");
        let group = word("group: ").ok_or_else(|| wrong("names no group"))?.into();
        let set = |text: Option<&str>, default| match text {
            Some(text) => Set::named(text).ok_or_else(|| wrong("is of no set that there is")),
            None => Ok(default),
        };
        let arm64 = set(word("set: "), Set::Short)?;
        let armhf = set(word("armhf: "), arm64)?;
        let cpus = word("cpus: ")
            .map_or(Ok(1), |text| text.parse().map_err(|_| wrong("wants no number of CPUs")))?;
        let oracle = word("oracle: ") != Some("none");
        Ok(Self { name, group, cpus, sets: [arm64, armhf], oracle })
    }

    /// The set it belongs to on `arch`.
    pub fn set(&self, arch: Arch) -> Set {
        self.sets[arch as usize]
    }
}

/// The files a case script may name next to itself: scripts, their data, and C programs to compile.
fn beside() -> Result<Vec<PathBuf>, String> {
    let mut all = files(&root().join("tests/programs"))?;
    all.push(root().join("guests/bench/bench.c"));
    Ok(all)
}

/// Writes the directory of cases as they lie in the guest, for a run on the host.
///
/// # Errors
/// A file can't be read or written.
pub fn write_cases(dir: &Path) -> Result<(), String> {
    let fail = |e: std::io::Error| format!("{}: {e}", dir.display());
    std::fs::create_dir_all(dir).map_err(fail)?;
    for file in beside()? {
        std::fs::copy(&file, dir.join(file.file_name().expect("a file has a name"))).map_err(fail)?;
    }
    Ok(())
}

/// A ramdisk with the tree of `group` for `arch` that runs `cases` one after another and powers off. `clock` is a static
/// program that prints nanoseconds, if times are wanted.
///
/// # Errors
/// A payload is missing, or a file can't be read.
pub fn ramdisk(arch: Arch, group: &str, cases: &[Case], clock: Option<&[u8]>) -> Result<Vec<u8>, String> {
    let busybox = arch.busybox()?;
    let mut cpio = Cpio::default();
    for dir in ["applets", "bin", "dev", "proc", "sys", "tmp", "cases"] {
        cpio.dir(dir);
    }
    cpio.device("dev/console", 5, 1).device("dev/null", 1, 3);
    cpio.tree(&arch.trees()?.join(group), &["bin/sh"])?;
    for file in beside()? {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        cpio.file(&format!("cases/{name}"), &read(&file)?);
    }
    if let Some(clock) = clock {
        cpio.file("clock", clock);
    }
    cpio.file("applets/busybox", busybox).link("bin/sh", "/applets/busybox");
    cpio.file("init", init(arch, cases, clock.is_some()).as_bytes());
    Ok(cpio.finish())
}

fn init(arch: Arch, cases: &[Case], timed: bool) -> String {
    let names: Vec<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    let arch = arch.name();
    let clock = if timed { "CLOCK=/clock" } else { "" };
    format!(
        "#!/bin/sh
/applets/busybox --install -s /applets
export PATH=/applets
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /dev/shm; mount -t tmpfs tmpfs /dev/shm; ip link set lo up
echo {INIT_REACHED}
for name in {}; do
    mkdir -p /tmp/work; cd /tmp/work; rm -f {TIME}
    {clock} TIME={TIME} ARCH={arch} sh /cases/run.sh $name >/tmp/out 2>/tmp/err </dev/null
    status=$?
    echo \"{BEGIN} $name $status $(cat {TIME} 2>/dev/null || echo 0)\"
    cat /tmp/out
    [ $status = 0 ] || cat /tmp/err
    echo \"{END}\"
    cd /; rm -rf /tmp/work
done
echo {ALL_DONE}
poweroff -f
",
        names.join(" ")
    )
}

/// What `/init` prints when the kernel has handed over.
pub const INIT_REACHED: &str = "@init";
/// What `/init` prints after the last case.
pub const ALL_DONE: &str = "@done";
const BEGIN: &str = "@case";
const END: &str = "@end-of-case";

/// Finds the outcomes of cases in what the guest's console showed.
pub fn read_results(console: &str) -> Vec<Outcome> {
    let mut results: Vec<Outcome> = Vec::new();
    let mut inside = false;
    for line in console.lines().map(|line| line.trim_end_matches('\r')) {
        if let [BEGIN, name, status, nanoseconds] = line.split(' ').collect::<Vec<_>>()[..] {
            let status = status.parse().unwrap_or(-1);
            let nanoseconds = nanoseconds.parse().unwrap_or(0);
            results.push(Outcome { name: name.into(), status, nanoseconds, output: String::new() });
            inside = true;
        } else if line == END {
            inside = false;
        } else if let (true, Some(last)) = (inside, results.last_mut()) {
            last.output += line;
            last.output.push('\n');
        }
    }
    results
}

/// Runs a case's programs for `arch` on the host under the oracle, in `dir`.
///
/// # Errors
/// A program doesn't start.
pub fn run_on_host(arch: Arch, case: &Case, dir: &Path) -> Result<Outcome, String> {
    let tree = arch.trees()?.join(&case.group);
    let (scripts, work) = (dir.join("cases"), dir.join(&case.name));
    write_cases(&scripts)?;
    std::fs::create_dir_all(&work).map_err(|e| format!("{}: {e}", work.display()))?;
    let output = Command::new("sh")
        .arg(scripts.join("run.sh"))
        .arg(&case.name)
        .current_dir(&work)
        .env("ROOT", &tree)
        .env("QEMU_LD_PREFIX", &tree)
        .env("EMULATOR", arch.oracle())
        .env("ARCH", arch.name())
        .output()
        .map_err(|e| format!("sh does not start: {e}"))?;
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        text += &String::from_utf8_lossy(&output.stderr);
    }
    let status = output.status.code().unwrap_or(-1);
    Ok(Outcome { name: case.name.clone(), status, nanoseconds: 0, output: text })
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_says_what_it_is() {
        let case = Case::parse("x".into(), "# group: tools\n# set: long\n# oracle: none\nwork() { :; }\n");
        let sets = [Set::Long, Set::Long];
        let expected = Case { name: "x".into(), group: "tools".into(), cpus: 1, sets, oracle: false };
        assert_eq!(case, Ok(expected));
        let case = Case::parse("z".into(), "# group: tools\n# armhf: none\n# cpus: 2\n").expect("it reads");
        assert_eq!((case.set(Arch::Arm64), case.set(Arch::Armhf)), (Set::Short, Set::Never));
        assert_eq!((case.cpus, case.oracle), (2, true));
        for text in ["work() { :; }", "# group: tools\n# set: big\n", "# group: tools\n# cpus: some\n"] {
            assert!(Case::parse("y".into(), text).is_err(), "{text}");
        }
    }

    #[test]
    fn every_case_in_the_tree_reads() {
        let cases = cases().expect("tests/programs is there");
        for arch in [Arch::Arm64, Arch::Armhf] {
            assert!(cases.iter().any(|case| case.set(arch) == Set::Short && case.oracle));
        }
    }

    #[test]
    fn outcomes_are_found_in_a_console_log() {
        let log = "[ 0.1] noise\r\n@init\r\n@case a 0 1500\r\none\r\ntwo\r\n@end-of-case\r\nnoise\r\n\
            @case b 1 0\r\n@end-of-case\r\n@done\r\n";
        let outcome = |name: &str, status, nanoseconds, output: &str| Outcome {
            name: name.into(),
            status,
            nanoseconds,
            output: output.into(),
        };
        assert_eq!(read_results(log), [outcome("a", 0, 1500, "one\ntwo\n"), outcome("b", 1, 0, "")]);
    }
}
