//! Machines in the background: by name, on their consoles, and to their ends.
#![cfg(unix)]

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::common::Program;

/// Sends back what the UART receives: enables it, waits for RXFE to be clear, reads, writes.
const ECHO: [u32; 8] =
    [0xd2a1_2000, 0x5280_6021, 0xb900_3001, 0xb940_1801, 0x3727_ffe1, 0xb940_0001, 0xb900_0001, 0x17ff_fffc];

/// A user with no machines, and all that run end with it.
struct User(tempfile::TempDir);

impl User {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_armlet"));
        command.args(args).env("XDG_RUNTIME_DIR", self.0.path()).stdin(Stdio::null());
        command
    }

    fn told(&self, args: &[&str]) -> (Option<i32>, String, String) {
        let Output { status, stdout, stderr } = self.command(args).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (status.code(), text(stdout), text(stderr))
    }

    fn start(&self, program: &Program, options: &[&str]) -> String {
        let args = [&["run", program.path(), "--detach", "-q"], options].concat();
        let (status, stdout, stderr) = self.told(&args);
        assert_eq!((status, stderr.as_str()), (Some(0), ""), "{stdout}");
        stdout.trim_end().to_owned()
    }

    fn ps(&self) -> String {
        let (status, stdout, stderr) = self.told(&["ps"]);
        assert_eq!((status, stderr.as_str()), (Some(0), ""));
        stdout
    }

    /// The process of the only machine.
    fn pid(&self) -> Pid {
        let line = self.ps();
        let pid = line.split("pid ").nth(1).unwrap().split_whitespace().next().unwrap();
        Pid::from_raw(pid.parse().unwrap()).unwrap()
    }
}

impl Drop for User {
    fn drop(&mut self) {
        for line in self.ps().lines().filter(|line| line.contains("pid ")) {
            self.told(&["stop", "--force", line.split_whitespace().next().unwrap()]);
        }
    }
}

#[test]
fn a_machine_in_the_background_has_a_name_a_console_and_an_end() {
    let (user, program) = (User::new(), Program::new(&ECHO));
    assert_eq!(user.ps(), "No machine runs.\n");
    assert_eq!(user.start(&program, &["--name", "echo", "--cpus", "2", "-m", "32M"]), "echo");
    let line = user.ps();
    assert!(
        line.starts_with("echo ")
            && line.contains(" 2 CPUs")
            && line.contains(" 32 MiB ")
            && line.contains(" soft "),
        "{line}"
    );
    let mode = fs::metadata(user.0.path().join("armlet")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);

    // What is piped in comes back, and the console stays until the machine ends.
    let mut first =
        user.command(&["attach", "echo"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    first.stdin.take().unwrap().write_all(b"hello\n").unwrap();
    let mut seen = Vec::new();
    let mut stdout = first.stdout.take().unwrap();
    while !seen.ends_with(b"hello\n") {
        let mut byte = [0];
        std::io::Read::read_exact(&mut stdout, &mut byte).unwrap();
        seen.extend(byte);
    }
    let (status, _, stderr) = user.told(&["run", program.path(), "--detach", "--name", "echo"]);
    assert_eq!(status, Some(2));
    assert!(
        stderr.ends_with(
            "armlet: --name: a machine called echo runs already; choose another name, or stop it\n"
        ),
        "{stderr}"
    );
    assert_eq!(user.told(&["stop", "--force", "echo"]), (Some(0), String::new(), String::new()));
    assert!(first.wait().unwrap().success());
    assert_eq!(user.ps(), "No machine runs.\n");
}

#[test]
fn machines_are_called_after_what_they_run() {
    let (user, program) = (User::new(), Program::new(&ECHO));
    let name = user.start(&program, &[]);
    assert_eq!(user.start(&program, &[]), format!("{name}-2"));
    assert_eq!(user.ps().lines().count(), 2);
    let (status, _, stderr) = user.told(&["stop", &format!("{name}-3")]);
    assert!(
        status == Some(2)
            && stderr.contains(" runs (did you mean ")
            && stderr.contains("`armlet ps` lists them"),
        "{stderr}"
    );
}

#[test]
fn what_is_left_of_a_killed_machine_is_cleared_away() {
    let (user, program) = (User::new(), Program::new(&ECHO));
    user.start(&program, &["--name", "victim"]);
    let mut client =
        user.command(&["attach", "victim"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    client.stdin.as_mut().unwrap().write_all(b"x").unwrap();
    std::io::Read::read_exact(client.stdout.as_mut().unwrap(), &mut [0]).unwrap();
    kill_process(user.pid(), Signal::KILL).unwrap();
    // The console's end is the machine's.
    client.wait().unwrap();
    let socket = user.0.path().join("armlet/victim.sock");
    // What is there for a moment yet, and answers nobody, is no machine either.
    while socket.exists() {
        assert_eq!(user.ps(), "No machine runs.\n");
    }
    assert_eq!(user.start(&program, &["--name", "victim"]), "victim");
}

#[test]
fn a_machine_that_can_not_start_in_the_background_says_why() {
    let user = User::new();
    let (status, stdout, stderr) = user.told(&["run", "nothing-there", "--detach"]);
    assert_eq!((status, stdout.as_str()), (Some(2), ""));
    assert!(stderr.starts_with("armlet: there is no file, no image and no embedded guest"), "{stderr}");
    let (status, _, stderr) = user.told(&["run", "hello", "--detach", "--name", "a/b"]);
    assert!(status == Some(2) && stderr.contains("\"a/b\" can't be a machine's name"), "{stderr}");
    for command in ["stop", "attach"] {
        let (status, _, stderr) = user.told(&[command, "../x"]);
        assert!(status == Some(2) && stderr.contains("no machine called \"../x\" runs"), "{stderr}");
    }
    // A directory that others can enter is not trusted.
    let open = User::new();
    fs::create_dir(open.0.path().join("armlet")).unwrap();
    fs::set_permissions(open.0.path().join("armlet"), fs::Permissions::from_mode(0o755)).unwrap();
    let (status, _, stderr) = open.told(&["run", "hello", "--name", "x"]);
    assert!(
        status == Some(1) && stderr.contains("is not a directory that belongs to this user alone"),
        "{stderr}"
    );
    fs::remove_dir(Path::new(open.0.path()).join("armlet")).unwrap();
}
