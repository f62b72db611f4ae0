//! Which part of an option's value is a path. Its value name in the help says so: `FILE` or `DIR`, alone, first of
//! several parts between commas, or behind a name, as in `exits=FILE`.

use std::path::{Path, PathBuf};

use clap::Arg;

/// Stands for standard output in some options.
const STDOUT: &str = "-";

/// Puts what `change` makes of each path in the place of that path in `value`.
pub fn map(arg: &Arg, value: &str, change: impl Fn(&Path) -> PathBuf) -> String {
    let names = arg.get_value_names().unwrap_or_default();
    let template: String = names.first().map(|name| name.replace(['[', ']'], "")).unwrap_or_default();
    if !template.contains(',') {
        return part(&template, value, &change);
    }
    let templates: Vec<_> = template.split(',').collect();
    let parts = split(value).into_iter().enumerate().map(|(index, text)| {
        let named = text.split_once('=').map(|(name, _)| format!("{name}="));
        let of_name = named.and_then(|name| templates.iter().find(|template| template.starts_with(&name)));
        let template = match index {
            0 => of_name.or(templates.first()),
            _ => of_name,
        };
        template.map_or(text.clone(), |template| part(template, &text, &change))
    });
    parts.map(|part| part.replace(',', ",,")).collect::<Vec<_>>().join(",")
}

/// The same for a word that may be a name or a path: it is a path if something is there.
pub fn name_or_path(value: &str, change: impl Fn(&Path) -> PathBuf) -> String {
    let path = change(Path::new(value));
    if path.exists() { path.to_string_lossy().into_owned() } else { value.to_owned() }
}

fn part(template: &str, value: &str, change: impl Fn(&Path) -> PathBuf) -> String {
    let (name, kind) = template.split_once('=').unwrap_or(("", template));
    let text = if name.is_empty() {
        Some(value)
    } else {
        value.strip_prefix(name).and_then(|v| v.strip_prefix('='))
    };
    let kinds: Vec<_> = kind.split('|').collect();
    match text {
        Some(text) if text != STDOUT && kinds.iter().any(|kind| matches!(*kind, "FILE" | "DIR")) => {
            let path = match kinds.len() {
                1 => change(Path::new(text)).to_string_lossy().into_owned(),
                _ => name_or_path(text, change),
            };
            value[..value.len() - text.len()].to_owned() + &path
        }
        _ => value.to_owned(),
    }
}

/// The parts between commas; two commas are one within a part.
pub fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let doubled = character == ',' && characters.next_if_eq(&',').is_some();
        match parts.last_mut() {
            Some(part) if character != ',' || doubled => part.push(character),
            _ => parts.push(String::new()),
        }
    }
    parts
}
