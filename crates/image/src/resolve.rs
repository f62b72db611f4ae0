//! Which packages belong together: those asked for, and all that they need.
//!
//! Of alternatives the first that can be had is taken, as Debian means them to be read; recommendations don't count.

use std::collections::{HashMap, VecDeque};

use crate::package::{Index, Package, Relation};
use crate::{ImageError, Result};

/// Packages that are complete, in the order in which they were chosen.
#[derive(Clone)]
pub struct Selection<'a> {
    index: &'a Index,
    chosen: Vec<&'a Package>,
    by_name: HashMap<&'a str, &'a Package>,
    provided: HashMap<&'a str, Vec<&'a Package>>,
}

impl<'a> Selection<'a> {
    /// Nothing.
    pub fn new(index: &'a Index) -> Self {
        Self { index, chosen: Vec::new(), by_name: HashMap::new(), provided: HashMap::new() }
    }

    /// The packages.
    pub fn packages(&self) -> &[&'a Package] {
        &self.chosen
    }

    /// Adds the packages of these names and what they need.
    ///
    /// # Errors
    /// One is not there, or what it needs is not, or two can't be together.
    pub fn add<S: AsRef<str>>(&mut self, names: impl IntoIterator<Item = S>) -> Result<()> {
        let mut queue = VecDeque::new();
        for name in names {
            let name = name.as_ref();
            let found = self.index.find(name).ok_or_else(|| {
                ImageError::Asked(format!("the mirror has no package {name:?} for this architecture"))
            })?;
            self.choose(found, &mut queue)?;
        }
        while let Some(package) = queue.pop_front() {
            for group in &package.depends {
                if group.is_empty() || group.iter().any(|relation| self.has(relation)) {
                    continue;
                }
                let mut candidates = group.iter().flat_map(|relation| self.index.candidates(relation));
                let found = candidates.find(|candidate| self.conflict(candidate).is_none());
                let found = found.ok_or_else(|| {
                    let group: Vec<_> = group.iter().map(ToString::to_string).collect();
                    let (name, wants) = (&package.name, group.join(" or "));
                    ImageError::Asked(format!(
                        "{name} needs {wants}, which the mirror does not have or which can't be \
                        beside the rest"
                    ))
                })?;
                self.choose(found, &mut queue)?;
            }
        }
        Ok(())
    }

    fn choose(&mut self, package: &'a Package, queue: &mut VecDeque<&'a Package>) -> Result<()> {
        if self.by_name.contains_key(package.name.as_str()) {
            return Ok(());
        }
        if let Some(other) = self.conflict(package) {
            let (one, other) = (&package.name, &other.name);
            return Err(ImageError::Asked(format!(
                "{one} and {other} can't be together; leave out one of them"
            )));
        }
        self.by_name.insert(&package.name, package);
        for provided in &package.provides {
            self.provided.entry(&provided.name).or_default().push(package);
        }
        self.chosen.push(package);
        queue.push_back(package);
        Ok(())
    }

    fn named(&self, name: &str) -> impl Iterator<Item = &'a Package> {
        let provided = self.provided.get(name).into_iter().flatten();
        self.by_name.get(name).into_iter().chain(provided).copied()
    }

    fn has(&self, relation: &Relation) -> bool {
        self.named(&relation.name).any(|package| package.satisfies(relation))
    }

    /// A chosen package that this one can't be beside. One that conflicts with a name it provides itself means others.
    fn conflict(&self, package: &Package) -> Option<&'a Package> {
        let excluded = package.conflicts.iter().flat_map(|relation| {
            self.named(&relation.name).find(|other| other.name != package.name && other.satisfies(relation))
        });
        let mut excluded = excluded;
        excluded.next().or_else(|| {
            self.chosen.iter().copied().find(|other| {
                other.name != package.name
                    && other.conflicts.iter().any(|relation| package.satisfies(relation))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stanzas from lines of `name version field: value; field: value`.
    fn index(lines: &[&str]) -> Index {
        let mut text = String::new();
        for line in lines {
            let (head, fields) = line
                .split_once(' ')
                .map(|(n, rest)| (n, rest.split_once(' ').unwrap_or((rest, ""))))
                .unwrap();
            let sum = "0".repeat(64);
            text += &format!(
                "Package: {head}\nVersion: {}\nFilename: {head}.deb\nSize: 1\nSHA256: {sum}\n",
                fields.0
            );
            fields
                .1
                .split("; ")
                .filter(|field| !field.is_empty())
                .for_each(|field| text += &format!("{field}\n"));
            text += "\n";
        }
        let mut index = Index::default();
        index.add("http://m", &text).unwrap();
        index
    }

    fn chosen(index: &Index, names: &[&str]) -> String {
        let mut selection = Selection::new(index);
        match selection.add(names) {
            Ok(()) => selection.packages().iter().map(|p| p.name.as_str()).collect::<Vec<_>>().join(" "),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn dependencies_are_followed_around_cycles() {
        let index =
            index(&["a 1 Depends: b (>= 2), c:any", "b 2.0-1 Pre-Depends: d", "c 1 Depends: a", "d 1"]);
        assert_eq!(chosen(&index, &["a"]), "a b c d");
        assert_eq!(chosen(&index, &["d", "d"]), "d");
    }

    #[test]
    fn the_first_alternative_counts_unless_another_is_there() {
        let lines = &["a 1 Depends: x | y", "x 1", "y 1", "b 1 Depends: gone | y (>> 1) | x"];
        let index = index(lines);
        assert_eq!(chosen(&index, &["a"]), "a x");
        assert_eq!(chosen(&index, &["y", "a"]), "y a");
        assert_eq!(chosen(&index, &["b"]), "b x");
    }

    #[test]
    fn provided_names_count_with_their_versions() {
        let lines = &[
            "mail 1 Depends: mta",
            "zmail 1 Provides: mta",
            "exim 1 Provides: mta, perlapi (= 5.36)",
            "old 1 Depends: perlapi (= 5.34)",
            "new 1 Depends: perlapi (= 5.36)",
            "bare 1 Depends: mta (>= 1)",
        ];
        let index = index(lines);
        assert_eq!(chosen(&index, &["mail"]), "mail exim");
        assert_eq!(chosen(&index, &["zmail", "mail"]), "zmail mail");
        assert_eq!(chosen(&index, &["new"]), "new exim");
        assert!(chosen(&index, &["old"]).contains("old needs perlapi (= 5.34)"));
        assert!(chosen(&index, &["bare"]).contains("bare needs mta (>= 1)"));
    }

    #[test]
    fn conflicts_are_avoided_or_told() {
        let lines = &[
            "a 1 Conflicts: b",
            "b 1",
            "c 1 Depends: b | d",
            "d 1",
            "m 1 Provides: mta; Conflicts: mta",
            "n 1 Provides: mta; Breaks: m (<< 2)",
        ];
        let index = index(lines);
        assert_eq!(chosen(&index, &["a", "c"]), "a c d");
        assert_eq!(chosen(&index, &["b", "a"]), "a and b can't be together; leave out one of them");
        assert_eq!(chosen(&index, &["m"]), "m");
        assert!(chosen(&index, &["m", "n"]).contains("can't be together"));
        assert!(chosen(&index, &["nothing"]).contains("no package \"nothing\""));
    }

    #[test]
    fn of_two_lists_the_newer_version_counts() {
        let mut index = index(&["a 1:1~rc1"]);
        let newer =
            format!("Package: a\nVersion: 1:1\nFilename: n.deb\nSize: 1\nSHA256: {}\n", "1".repeat(64));
        index.add("http://s", &newer).unwrap();
        index.add("http://o", &newer.replace("1:1", "2").replace("n.deb", "o.deb")).unwrap();
        assert_eq!(index.find("a").unwrap().url, "http://s/n.deb");
    }
}
