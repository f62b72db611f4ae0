//! The commands that only tell something, and the parts of `run` before the guest starts.

use crate::common::ask;

/// Runs `args`, expects success, and returns stdout and stderr.
fn told(args: &[&str]) -> (String, String) {
    let output = ask(args);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", text(&output.stderr));
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn lists() {
    let (guests, _) = told(&["guests"]);
    for guest in armlet::guests::ALL {
        assert!(guests.contains(guest.name) && guests.contains(guest.summary), "{}", guest.name);
    }
    let (machines, _) = told(&["machines"]);
    assert!(machines.contains("virt: ") && machines.contains("monitor: "));
    assert!(machines.contains("0x09000000") && machines.contains("PL011"));
    let (cpus, _) = told(&["cpus"]);
    assert!(cpus.contains("soft:") && cpus.contains("(default)") && cpus.contains(" LSE"));
}

#[test]
fn doctor_names_every_backend() {
    let (report, _) = told(&["doctor"]);
    for backend in armlet::backends::ALL {
        assert!(report.contains(&format!("] {}: ", backend.name)), "{report}");
    }
    assert!(report.contains("--backend auto takes ") && report.contains(std::env::consts::ARCH));
}

#[test]
fn help_and_version() {
    assert_eq!(told(&["--version"]).0, format!("armlet {}\n", env!("CARGO_PKG_VERSION")));
    let (help, _) = told(&["--help"]);
    assert!(help.contains("doctor") && help.contains("Exit status"));
    let (run, _) = told(&["run", "--help"]);
    for option in ["--machine", "--show-dtb", "--log <exits[=FILE]>", "--no-reboot"] {
        assert!(run.contains(option), "{option}: {run}");
    }
}

#[test]
fn completions_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let (script, _) = told(&["completions", shell]);
        assert!(script.contains("armlet") && script.contains("completions"), "{shell}");
    }
}

#[test]
fn a_dry_run_prints_the_plan_on_stderr() {
    let (console, plan) = told(&["run", "--dry-run"]);
    assert!(console.is_empty());
    for line in ["machine  monitor (", "backend  ", "memory   64 MiB", "hello", "GICv2", "PL011"] {
        assert!(plan.contains(line), "{line}: {plan}");
    }
    assert_eq!(told(&["run", "--dry-run", "--quiet"]).1, "");
}

#[test]
fn the_plan_names_the_engine() {
    let backend = |options: &[&str]| {
        let (_, plan) = told(&[&["run", "--dry-run"], options].concat());
        plan.lines().find(|line| line.starts_with("backend")).unwrap().to_owned()
    };
    assert_eq!(backend(&["--engine", "interp"]), "backend  soft, interpreter (for --engine)");
    let jit =
        if cfg!(all(target_arch = "x86_64", target_os = "linux")) { "JIT for x86-64" } else { "no JIT" };
    for options in [&[][..], &["--engine", "auto"], &["--backend", "soft", "--code-cache", "8M"]] {
        assert!(backend(options).contains(jit), "{}", backend(options));
    }
    let (doctor, _) = told(&["doctor"]);
    assert!(doctor.contains("] JIT of soft: "), "{doctor}");
    // The least memory there can be does for a whole run.
    for options in [&["--engine", "interp"][..], &["--code-cache", "1M"]] {
        assert_eq!(told(&[&["run", "-q", "hello"], options].concat()).0.lines().count(), 2);
    }
}

#[test]
fn the_device_tree_as_source_and_as_a_blob() {
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("program.bin");
    std::fs::write(&program, 0x1400_0000_u32.to_le_bytes()).unwrap();
    let program = program.to_str().unwrap();
    let (source, _) = told(&["run", program, "--show-dtb", "--cpus", "2", "--append", "say \"hi\""]);
    assert!(source.starts_with("/dts-v1/;\n"));
    for part in ["arm,pl011", "cpu@1 {", r#"bootargs = "say \"hi\"""#] {
        assert!(source.contains(part), "{part}: {source}");
    }
    let blob = dir.path().join("blob.dtb");
    let (stdout, _) = told(&["run", program, &format!("--show-dtb={}", blob.display())]);
    assert!(stdout.is_empty());
    let blob = blob.to_str().unwrap();
    assert_eq!(std::fs::read(blob).unwrap()[..4], [0xd0, 0x0d, 0xfe, 0xed]);
    // What was written can be given back.
    assert!(told(&["run", program, "--dry-run", "--dtb", blob]).1.contains("the one given"));
}

#[test]
fn a_machine_file_runs_and_its_mistakes_are_told_by_line() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("vm.toml");
    let run = |text: &str| {
        std::fs::write(&file, text).unwrap();
        crate::common::run(&[file.to_str().unwrap()])
    };
    let (status, stdout, stderr) = run("thing = \"hello\"\nquiet = true\n");
    assert_eq!((status, stderr.as_str()), (Some(0), ""));
    assert!(stdout.contains("Hello from the guest"), "{stdout}");
    let (status, _, stderr) = run("thing = \"hello\"\nqiuet = true\n");
    assert_eq!(status, Some(2));
    assert!(stderr.contains("vm.toml, line 2: there is no key \"qiuet\" (did you mean quiet?)"), "{stderr}");
}
