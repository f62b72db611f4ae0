//! `--save-config`: the options of a command line as a machine file.

use std::ffi::OsStr;
use std::fmt::Write;
use std::path::{Path, PathBuf, absolute};

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches};
use toml::Value;

use super::{THING, is_flag, is_key, paths, run_command};
use crate::failure::Failure;

/// Writes what `given` says to `path`, with `thing` as what to run.
///
/// # Errors
/// The file can't be written, or an option is not text.
pub fn save(given: &ArgMatches, thing: Option<&Path>, path: &Path) -> Result<(), Failure> {
    let text = text(given, thing, path)?;
    std::fs::write(path, text).map_err(|error| {
        Failure::input(format_args!("--save-config: can't write {}: {error}", path.display()))
    })
}

/// The file's text; paths are relative to where the file will be, if they lie there, else absolute.
pub(super) fn text(given: &ArgMatches, thing: Option<&Path>, file: &Path) -> Result<String, Failure> {
    let dir = absolute(file).ok().and_then(|file| file.parent().map(Path::to_owned)).unwrap_or_default();
    let place = |path: &Path| place(path, &dir);
    let mut text = String::new();
    if let Some(thing) = thing {
        let thing = utf8(THING, thing.as_os_str())?;
        let thing = if Path::new(&thing).exists() {
            place(Path::new(&thing)).to_string_lossy().into()
        } else {
            thing
        };
        let thing = Value::from(thing);
        let _ = writeln!(text, "{THING} = {thing}");
    }
    for arg in run_command().get_arguments().filter(|arg| is_key(arg)) {
        if given.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine) {
            let key = arg.get_long().unwrap_or_default();
            let _ = writeln!(text, "{key} = {}", value(arg, key, given, place)?);
        }
    }
    Ok(text)
}

fn value(
    arg: &Arg,
    key: &str,
    given: &ArgMatches,
    place: impl Fn(&Path) -> PathBuf,
) -> Result<Value, Failure> {
    if is_flag(arg) {
        return Ok(true.into());
    }
    let words = given.get_raw(arg.get_id().as_str()).into_iter().flatten();
    let mut values: Vec<Value> = words
        .map(|word| {
            let word = utf8(key, word)?;
            // A number that would be written the same way needs no quotes.
            let number = word.parse::<i64>().ok().filter(|number| number.to_string() == word);
            Ok(number.map_or_else(|| Value::from(paths::map(arg, &word, &place)), Value::from))
        })
        .collect::<Result<_, Failure>>()?;
    match (arg.get_action(), values.pop()) {
        (ArgAction::Append, last) => {
            values.extend(last);
            Ok(Value::Array(values))
        }
        (_, last) => Ok(last.unwrap_or(Value::Boolean(true))),
    }
}

fn place(path: &Path, dir: &Path) -> PathBuf {
    let path = absolute(path).unwrap_or(path.to_owned());
    path.strip_prefix(dir).map(Path::to_owned).unwrap_or(path)
}

fn utf8(key: &str, word: &OsStr) -> Result<String, Failure> {
    let why = || {
        Failure::input(format_args!("--save-config: {key}: {word:?} is not text that a TOML file can hold"))
    };
    word.to_str().map(str::to_owned).ok_or_else(why)
}
