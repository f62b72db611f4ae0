//! Machine files: what `armlet run` is told, kept in a TOML file.
//!
//! Every long option of `run` is a key of the same name, and `thing` is what is run. The keys come from the command
//! line's own definition, and a file is read by turning it into options: nothing has to be said twice, and what an
//! option refuses, its key refuses in the same words.

mod paths;
mod save;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::ops::Range;
use std::path::Path;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory};
use toml::de::{DeInteger, DeTable, DeValue};

pub use paths::split;
pub use save::save;

use crate::args::{Cli, one_line};
use crate::failure::{Failure, did_you_mean};
use crate::files;

/// The key of what is run, which on the command line has no name.
const THING: &str = "thing";
/// The option that writes such a file, and the only one that is no key.
const SAVE: &str = "save-config";

/// Options for `run`, from a file.
#[derive(Debug, Default, PartialEq)]
pub struct MachineFile {
    /// Words as on a command line, each an option with its value.
    options: Vec<(String, OsString)>,
    /// What to run.
    pub thing: Option<String>,
}

impl MachineFile {
    /// Reads the file. Relative paths in it are taken from where the file is.
    ///
    /// # Errors
    /// One line with the file, the line and the key of the first mistake.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let bytes = files::read("machine file", path)?;
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| Failure::input(format_args!("{}: it is not text in UTF-8", path.display())))?;
        let base = path.parent().unwrap_or(Path::new(""));
        Self::parse(text, base).map_err(|(at, why)| {
            let line = text[..at.min(text.len())].matches('\n').count() + 1;
            Failure::input(format_args!("{}, line {line}: {why}", path.display()))
        })
    }

    /// The options that are not on the command line as well, as words for it.
    pub fn words(&self, given: &ArgMatches) -> Vec<OsString> {
        let command = run_command();
        let told = |key: &str| {
            let arg = arg(&command, key);
            arg.is_some_and(|arg| given.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine))
        };
        self.options.iter().filter(|(key, _)| !told(key)).map(|(_, word)| word.clone()).collect()
    }

    /// The error is where and why.
    fn parse(text: &str, base: &Path) -> Result<Self, (usize, String)> {
        let start = |span: Range<usize>| span.start;
        let table = DeTable::parse(text).map_err(|error| {
            (error.span().map_or(0, start), error.message().split_whitespace().collect::<Vec<_>>().join(" "))
        })?;
        let mut entries: Vec<_> = table.get_ref().iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let (command, mut file) = (run_command(), Self::default());
        for (key, value) in entries {
            let (name, at) = (key.get_ref().as_ref(), key.span().start);
            let wrong = |why: String| (at, format!("{name}: {why}"));
            if name == THING {
                let DeValue::String(thing) = value.get_ref() else {
                    return Err(wrong("it must be a string".into()));
                };
                file.thing = Some(paths::name_or_path(thing, |path| base.join(path)));
                continue;
            }
            let Some(arg) = arg(&command, name) else {
                let hint = did_you_mean(name, keys(&command).iter().map(String::as_str));
                return Err((at, format!("there is no key {name:?}{hint}; the keys are the options of run")));
            };
            for word in words(arg, value.get_ref(), base).map_err(wrong)? {
                check(name, &word).map_err(wrong)?;
                file.options.push((name.to_owned(), word));
            }
        }
        Ok(file)
    }
}

/// The command line's definition of `run`.
fn run_command() -> Command {
    let mut cli = Cli::command();
    cli.build();
    cli.find_subcommand("run").cloned().unwrap_or_default()
}

/// The option that `key` stands for.
fn arg<'a>(command: &'a Command, key: &str) -> Option<&'a Arg> {
    command.get_arguments().find(|arg| is_key(arg) && arg.get_long() == Some(key))
}

fn is_key(arg: &Arg) -> bool {
    !matches!(arg.get_long(), None | Some("help" | SAVE))
}

/// All keys.
fn keys(command: &Command) -> Vec<String> {
    let longs = command.get_arguments().filter(|arg| is_key(arg)).filter_map(Arg::get_long);
    longs.chain([THING]).map(str::to_owned).collect()
}

fn is_flag(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::SetTrue)
}

/// The words for one key: none for a flag that is off, several for an option that can be repeated.
fn words(arg: &Arg, value: &DeValue, base: &Path) -> Result<Vec<OsString>, String> {
    let long = arg.get_long().unwrap_or_default();
    let without_value = || vec![format!("--{long}").into()];
    let optional = arg.get_num_args().is_some_and(|range| range.min_values() == 0);
    match value {
        DeValue::Boolean(false) if is_flag(arg) || optional => Ok(Vec::new()),
        DeValue::Boolean(true) if is_flag(arg) || optional => Ok(without_value()),
        _ if is_flag(arg) => Err("it must be true or false".into()),
        DeValue::Array(values) if matches!(arg.get_action(), ArgAction::Append) => {
            values.iter().map(|value| word(arg, long, value.get_ref(), base)).collect()
        }
        DeValue::Array(_) => Err("it takes one value, not several".into()),
        value => Ok(vec![word(arg, long, value, base)?]),
    }
}

/// `--key=value`.
fn word(arg: &Arg, long: &str, value: &DeValue, base: &Path) -> Result<OsString, String> {
    let text = match value {
        DeValue::String(text) => paths::map(arg, text, |path| base.join(path)),
        DeValue::Integer(number) => integer(number)?,
        _ => return Err("it must be a string or a whole number".into()),
    };
    Ok(format!("--{long}={text}").into())
}

/// A number as options take it.
fn integer(number: &DeInteger) -> Result<String, String> {
    let digits = number.as_str();
    i128::from_str_radix(digits, number.radix())
        .map(|number| number.to_string())
        .map_err(|_| format!("{digits} is no number that armlet can take"))
}

/// Has the command line look at one option alone. What it lacks beside it, all options together will tell.
fn check(key: &str, word: &OsString) -> Result<(), String> {
    use clap::error::ErrorKind::{ArgumentConflict, MissingRequiredArgument};
    let error = match Cli::command().try_get_matches_from(["armlet".into(), "run".into(), word.clone()]) {
        Ok(_) => return Ok(()),
        Err(error) if matches!(error.kind(), ArgumentConflict | MissingRequiredArgument) => return Ok(()),
        Err(error) => one_line(&error.to_string()),
    };
    Err(error.strip_prefix(&format!("--{key}: ")).unwrap_or(&error).to_owned())
}
