//! The host's own package mirror, from apt's sources (sources.list(5)).

use std::fs;
use std::path::Path;

use deb822_fast::Deb822;

use crate::{ImageError, Result};

/// Where apt keeps its sources on a Debian host.
pub const APT: &str = "/etc/apt";

/// The places that packages of a Debian release come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirror {
    /// The archive, without a slash at its end.
    pub archive: String,
    /// The archive of security updates, if there is one.
    pub security: Option<String>,
}

/// A line of apt's sources: an address and its suites.
struct Source {
    uri: String,
    suites: Vec<String>,
    components: Vec<String>,
}

impl Mirror {
    /// The mirror at an address that the user gives. Security updates lie beside the archive, as on Debian's own hosts.
    ///
    /// # Errors
    /// It is no web address.
    pub fn at(url: &str) -> Result<Self> {
        if !(url.starts_with("http://") || url.starts_with("https://")) {
            return Err(ImageError::Asked(format!(
                "the mirror {url:?} is not an address with http:// or https://"
            )));
        }
        let archive = url.trim_end_matches('/').to_owned();
        let security = archive.strip_suffix("/debian").map(|host| format!("{host}/debian-security"));
        Ok(Self { archive, security })
    }

    /// The mirror that the host takes its own packages from; `apt` is [`APT`].
    ///
    /// # Errors
    /// None is configured.
    pub fn of_host(apt: &Path) -> Result<Self> {
        let sources = sources(apt);
        let usable = |source: &&Source| {
            source.uri.starts_with("http") && source.components.iter().any(|component| component == "main")
        };
        let is_security = |source: &&Source| source.suites.iter().any(|suite| suite.contains("-security"));
        // Other archives have suites of other names.
        let is_archive = |source: &&Source| {
            source.uri.ends_with("/debian") || source.suites.iter().any(|s| s.ends_with("-updates"))
        };
        let uri = |source: &Source| source.uri.clone();
        let usable: Vec<_> = sources.iter().filter(usable).collect();
        let security = usable.iter().copied().find(is_security).map(uri);
        let archive = usable.iter().copied().filter(|source| !is_security(source)).find(is_archive).map(uri);
        let archive = archive.ok_or_else(|| {
            let place = apt.display();
            ImageError::Asked(format!(
                "{place} names no mirror of Debian; say which to take with --mirror URL"
            ))
        })?;
        Ok(Self { archive, security })
    }
}

/// All sources of binary packages, those of the directory in order of names.
fn sources(apt: &Path) -> Vec<Source> {
    let mut files = vec![apt.join("sources.list")];
    let entries = fs::read_dir(apt.join("sources.list.d")).into_iter().flatten().flatten();
    let mut more: Vec<_> = entries.map(|entry| entry.path()).collect();
    more.sort();
    files.extend(more);
    let mut sources = Vec::new();
    for file in files {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        match file.extension().and_then(|extension| extension.to_str()) {
            Some("list") => sources.extend(text.lines().filter_map(one_line)),
            Some("sources") => sources.extend(stanzas(&text)),
            _ => {}
        }
    }
    sources
}

/// `deb [options] URI suite component...`
fn one_line(line: &str) -> Option<Source> {
    let line = line.split('#').next()?.trim();
    let rest = line.strip_prefix("deb")?.strip_prefix([' ', '\t'])?.trim_start();
    let rest = match rest.strip_prefix('[') {
        Some(options) => options.split_once(']')?.1,
        None => rest,
    };
    let mut words = rest.split_whitespace().map(str::to_owned);
    let (uri, suite) = (words.next()?, words.next()?);
    Some(Source {
        uri: uri.trim_end_matches('/').to_owned(),
        suites: vec![suite],
        components: words.collect(),
    })
}

/// The stanzas of a `.sources` file.
fn stanzas(text: &str) -> Vec<Source> {
    let without_comments: String =
        text.lines().filter(|line| !line.starts_with('#')).flat_map(|line| [line, "\n"]).collect();
    let Ok(file) = without_comments.parse::<Deb822>() else { return Vec::new() };
    let mut sources = Vec::new();
    for stanza in file.iter() {
        let words = |name| stanza.get(name).unwrap_or_default().split_whitespace().map(str::to_owned);
        let off = stanza.get("Enabled").is_some_and(|value| value.trim() == "no");
        if off || !words("Types").any(|kind| kind == "deb") {
            continue;
        }
        sources.extend(words("URIs").map(|uri| Source {
            uri: uri.trim_end_matches('/').to_owned(),
            suites: words("Suites").collect(),
            components: words("Components").collect(),
        }));
    }
    sources
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(files: &[(&str, &str)]) -> Result<Mirror> {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("sources.list.d")).unwrap();
        files.iter().for_each(|(name, text)| fs::write(dir.path().join(name), text).unwrap());
        Mirror::of_host(dir.path())
    }

    #[test]
    fn both_forms_of_sources_are_read() {
        let stanzas = "Types: deb\n# A comment.\nURIs: http://mirror.test/debian/\nSuites: bookworm bookworm-updates\n\
            Components: main\nSigned-By: /key\n\nTypes: deb\nURIs: http://mirror.test/sec\nSuites: bookworm-security\nComponents: main\n";
        let other = "deb [arch=amd64 signed-by=/k] https://other.test/apt stable main\n";
        let found =
            host(&[("sources.list.d/debian.sources", stanzas), ("sources.list.d/a.list", other)]).unwrap();
        let mirror = |archive: &str, security: &str| Mirror {
            archive: archive.into(),
            security: Some(security.into()),
        };
        assert_eq!(found, mirror("http://mirror.test/debian", "http://mirror.test/sec"));
        let lines = "# deb http://no.test/debian bookworm main\ndeb-src http://no.test/debian bookworm main\n\
            deb http://m.test/debian bookworm main contrib\ndeb http://s.test/debian-security bookworm-security main\n";
        assert_eq!(
            host(&[("sources.list", lines)]).unwrap(),
            mirror("http://m.test/debian", "http://s.test/debian-security")
        );
    }

    #[test]
    fn a_host_without_a_mirror_is_told_so() {
        for files in [&[][..], &[("sources.list", "deb http://x.test/ubuntu jammy main\n")]] {
            let error = host(files).unwrap_err().to_string();
            assert!(
                error.contains("names no mirror of Debian; say which to take with --mirror URL"),
                "{error}"
            );
        }
        assert!(Mirror::at("ftp://x").is_err());
        assert_eq!(
            Mirror::at("http://m.test/debian/").unwrap().security.unwrap(),
            "http://m.test/debian-security"
        );
        assert_eq!(Mirror::at("http://m.test/other").unwrap().security, None);
    }
}
