use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::*;
use crate::args::{Command, RunArgs, parse};

fn run(args: &[&str]) -> Result<RunArgs, String> {
    let words = ["armlet", "run"].iter().chain(args).map(OsString::from);
    match parse(words) {
        Ok(Some(Cli { command: Some(Command::Run(run)) })) => Ok(*run),
        Ok(_) => Err("nothing to run".into()),
        Err(failure) => Err(failure.message),
    }
}

/// A machine file in a directory of its own.
fn file(text: &str) -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("vm.toml");
    std::fs::write(&path, text).unwrap();
    (dir, path.to_str().unwrap().to_owned())
}

#[test]
fn keys_are_options_and_options_come_first() {
    let text = "# A machine.\nthing = \"timer\"\ncpus = 4\nmemory = \"2G\"\nload = 0x4000_0000\nstats = true\n\
                quiet = false\ndisk = [\"a.img,ro\", \"/b,,c.img\"]\nlog = \"exits=log\"\nhash-memory = false\n";
    let (dir, path) = file(text);
    let args = run(&[&path, "--cpus", "2"]).unwrap();
    assert_eq!(args.thing, Some("timer".into()));
    assert_eq!((args.cpus, args.memory, args.load), (Some(2), Some(2 << 30), Some(0x4000_0000)));
    assert!(args.stats && !args.quiet && args.hash_memory.is_none());
    assert_eq!(args.disk[0].path, dir.path().join("a.img"));
    assert!(args.disk[0].options.read_only);
    assert_eq!(args.disk[1].path, PathBuf::from("/b,c.img"));
    assert_eq!(args.log, Some(crate::args::LogTarget::File(dir.path().join("log"))));
    // Disks of the command line stand in place of the file's.
    assert_eq!(run(&[&path, "--disk", "other"]).unwrap().disk.len(), 1);
}

#[test]
fn a_thing_is_a_path_if_something_is_there() {
    let (dir, path) = file("thing = \"Image\"");
    assert_eq!(run(&[&path]).unwrap().thing, Some("Image".into()));
    std::fs::write(dir.path().join("Image"), "x").unwrap();
    assert_eq!(run(&[&path]).unwrap().thing, Some(dir.path().join("Image")));
}

#[test]
fn mistakes_have_their_line_and_key() {
    for (text, says) in [
        ("cpus = 4\nmemroy = \"1G\"\n", "line 2: there is no key \"memroy\" (did you mean memory?)"),
        ("\n\ncpus = 0\n", "line 3: cpus: a machine needs at least one CPU"),
        ("cpus = [1]\n", "line 1: cpus: it takes one value, not several"),
        ("cpus = 1.5\n", "line 1: cpus: it must be a string or a whole number"),
        ("stats = \"yes\"\n", "line 1: stats: it must be true or false"),
        ("memory = \"lots\"\n", "line 1: memory: \"lots\" is not a size"),
        ("machine = \"vrit\"\n", "did you mean virt?"),
        ("cpus = 1\ndisk = [\"a\", \"b,raw\"]\n", "line 2: disk: there is no disk option \"raw\""),
        ("thing = 3\n", "line 1: thing: it must be a string"),
        ("save-config = \"x\"\n", "there is no key \"save-config\""),
        ("cpus = 1\ncpus = 2\n", "line 2: duplicate key"),
        ("cpus = \n", "line 1: "),
        ("# Fine.\n[machine]\ncpus = 1\n", "line 2: machine: it must be a string"),
        ("hash-every = 5\n", "--deterministic"),
    ] {
        let (_dir, path) = file(text);
        let line = run(&[&path]).unwrap_err();
        assert!(line.contains(says) && line.contains("vm.toml") && !line.contains('\n'), "{text:?}: {line}");
    }
    let line = run(&["nowhere/vm.toml"]).unwrap_err();
    assert!(line.contains("can't read the machine file nowhere/vm.toml: there is no such file"), "{line}");
}

/// A value that an option takes, for each by its value name: a new option fails here unless its kind of value is known.
fn sample(arg: &clap::Arg) -> String {
    let long = arg.get_long().unwrap();
    let name = arg.get_value_names().unwrap_or_default().first().map_or("", |name| name.as_str());
    match (long, name) {
        ("machine", _) => "monitor".into(),
        ("engine", _) => "jit".into(),
        ("pin", _) => "0-1,3".into(),
        ("virtio", _) => "pci".into(),
        ("net", _) => "user,22:2222".into(),
        ("log", _) => "exits=exits.log".into(),
        ("gic", _) => "2".into(),
        ("acpi" | "balloon", _) => "off".into(),
        ("console", _) => "virtio".into(),
        ("fw-cfg", _) => "dir/a file,name=opt/a".into(),
        ("vsock", _) => "3,socket=dir/a socket".into(),
        ("dump-code", _) => "ffff800008000000".into(),
        (_, "N" | "K") => "3".into(),
        (_, "SIZE") => "48M".into(),
        (_, "ADDR") => "0x40080000".into(),
        (_, "NAME" | "MODEL" | "TEXT") => "max".into(),
        (_, name) if name.starts_with("FILE") || name.starts_with("DIR") => "dir/a file".into(),
        (_, name) => panic!("--{long} {name}: say here what it takes"),
    }
}

#[test]
fn every_option_has_a_key_and_comes_back_from_a_saved_file() {
    let command = run_command();
    let mut words: Vec<String> = vec!["thing".into()];
    for arg in command.get_arguments().filter(|arg| is_key(arg)) {
        words.push(match is_flag(arg) {
            true => format!("--{}", arg.get_long().unwrap()),
            false => format!("--{}={}", arg.get_long().unwrap(), sample(arg)),
        });
    }
    let all = command.get_arguments().filter(|arg| !arg.is_positional()).count();
    assert_eq!(words.len() - 1, all - ["help", SAVE].len(), "an option has no long name, and so no key");

    let dir = tempfile::tempdir().unwrap();
    let (first, second) = (dir.path().join("first.toml"), dir.path().join("second.toml"));
    let save = |words: &[&str], path: &Path| {
        let option = format!("--save-config={}", path.display());
        assert_eq!(run(&[words, &[&option]].concat()).unwrap_err(), "nothing to run");
        std::fs::read_to_string(path).unwrap()
    };
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let text = save(&words, &first);
    assert_eq!(text.lines().count(), words.len(), "{text}");
    assert_eq!(save(&[first.to_str().unwrap()], &second), text);
    let debug = |args: RunArgs| format!("{:?}", RunArgs { source: None, ..args });
    let here = std::env::current_dir().unwrap().display().to_string() + "/";
    let from_file = debug(run(&[first.to_str().unwrap()]).unwrap());
    assert_eq!(from_file.replace(&here, ""), debug(run(&words).unwrap()));
}

#[test]
fn saved_paths_are_relative_to_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (inside, option) = (path("disks/a.img,ro"), format!("--save-config={}", path("vm.toml")));
    assert!(run(&["--disk", &inside, "--initrd", "/boot/initrd", "--append", "a=\"b\"", &option]).is_err());
    let text = std::fs::read_to_string(path("vm.toml")).unwrap();
    assert_eq!(text, "initrd = \"/boot/initrd\"\ndisk = [\"disks/a.img,ro\"]\nappend = 'a=\"b\"'\n");
}
