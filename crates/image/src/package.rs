//! Binary packages as a suite lists them (Debian policy, chapters 5 and 7).

use std::cmp::Ordering;
use std::collections::HashMap;

use deb822_fast::{Deb822, Paragraph};

use crate::fetch::Sum;
use crate::{ImageError, Result};

/// A package.
#[derive(Clone, Debug)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where it is.
    pub url: String,
    /// What it must be.
    pub sum: Sum,
    /// No system is without it.
    pub essential: bool,
    /// Its priority is `required`.
    pub required: bool,
    /// What it needs: of each group, one.
    pub depends: Vec<Vec<Relation>>,
    /// What it can't be beside.
    pub conflicts: Vec<Relation>,
    /// Other names it answers to, some with a version.
    pub provides: Vec<Relation>,
}

/// A package's name with a demand on its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// The name.
    pub name: String,
    /// How the version has to compare with which, if that matters.
    pub version: Option<(Comparison, String)>,
}

/// How versions compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `<<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `=`
    Equal,
    /// `>=`
    GreaterOrEqual,
    /// `>>`
    Greater,
}

impl Relation {
    /// True if `version` is as demanded. A name that is only provided may have none, and then fits no demand.
    pub fn allows(&self, version: Option<&str>) -> bool {
        let Some((comparison, wanted)) = &self.version else { return true };
        version.is_some_and(|version| comparison.holds(deb_version::compare_versions(version, wanted)))
    }

    /// `name (>= 1)`, perhaps with `:any` and the like.
    fn parse(text: &str) -> Option<Self> {
        let (name, rest) = text.split_once('(').unwrap_or((text, ""));
        let name = name.trim().split(':').next()?.to_owned();
        let demand = rest.trim().trim_end_matches(')').trim();
        let number = demand.trim_start_matches(['<', '=', '>']);
        let comparison = match &demand[..demand.len() - number.len()] {
            "<<" => Comparison::Less,
            "<=" | "<" => Comparison::LessOrEqual,
            "=" => Comparison::Equal,
            ">=" | ">" => Comparison::GreaterOrEqual,
            ">>" => Comparison::Greater,
            _ => return (!name.is_empty()).then_some(Self { name, version: None }),
        };
        Some(Self { name, version: Some((comparison, number.trim().to_owned())) })
    }
}

impl std::fmt::Display for Relation {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match &self.version {
            None => f.write_str(&self.name),
            Some((comparison, version)) => write!(f, "{} ({} {version})", self.name, comparison.text()),
        }
    }
}

impl Comparison {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Equal => order.is_eq(),
            Self::GreaterOrEqual => order.is_ge(),
            Self::Greater => order.is_gt(),
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Less => "<<",
            Self::LessOrEqual => "<=",
            Self::Equal => "=",
            Self::GreaterOrEqual => ">=",
            Self::Greater => ">>",
        }
    }
}

/// All packages that can be had: of each name, the newest version.
#[derive(Default)]
pub struct Index {
    packages: Vec<Package>,
    by_name: HashMap<String, usize>,
    providers: HashMap<String, Vec<usize>>,
}

impl Index {
    /// Adds the packages of a list; addresses in it are relative to `archive`.
    ///
    /// # Errors
    /// It is no such list.
    pub fn add(&mut self, archive: &str, list: &str) -> Result<()> {
        let file = list.parse::<Deb822>().map_err(ImageError::damaged("the list of packages"))?;
        for package in file.iter().filter_map(|stanza| package(archive, stanza)) {
            match self.by_name.get(&package.name) {
                Some(&index) => {
                    if deb_version::compare_versions(&package.version, &self.packages[index].version).is_gt()
                    {
                        self.packages[index] = package;
                    }
                }
                None => {
                    self.by_name.insert(package.name.clone(), self.packages.len());
                    self.packages.push(package);
                }
            }
        }
        self.providers.clear();
        for (index, package) in self.packages.iter().enumerate() {
            for provided in &package.provides {
                self.providers.entry(provided.name.clone()).or_default().push(index);
            }
        }
        for providers in self.providers.values_mut() {
            providers.sort_by(|one, other| self.packages[*one].name.cmp(&self.packages[*other].name));
        }
        Ok(())
    }

    /// All packages.
    pub fn packages(&self) -> &[Package] {
        &self.packages
    }

    /// The package of a name.
    pub fn find(&self, name: &str) -> Option<&Package> {
        self.by_name.get(name).map(|index| &self.packages[*index])
    }

    /// The packages that satisfy a relation: the one of that name, then those that provide it.
    pub fn candidates<'a>(&'a self, relation: &'a Relation) -> impl Iterator<Item = &'a Package> {
        let named = self.find(&relation.name).filter(|package| package.satisfies(relation));
        let providers = self.providers.get(&relation.name).into_iter().flatten();
        let providers = providers.map(|index| &self.packages[*index]);
        named.into_iter().chain(providers.filter(|package| package.satisfies(relation)))
    }
}

impl Package {
    /// True if the package is what the relation asks for, by its own name or by one it provides.
    pub fn satisfies(&self, relation: &Relation) -> bool {
        self.name == relation.name && relation.allows(Some(&self.version))
            || self.provides.iter().any(|provided| {
                let version = provided.version.as_ref().map(|(_, version)| version.as_str());
                provided.name == relation.name && relation.allows(version)
            })
    }
}

fn package(archive: &str, stanza: &Paragraph) -> Option<Package> {
    let relations = |field: &str| stanza.get(field).map(groups).unwrap_or_default();
    let flat = |field: &str| relations(field).into_iter().flatten();
    Some(Package {
        name: stanza.get("Package")?.to_owned(),
        version: stanza.get("Version")?.to_owned(),
        url: format!("{archive}/{}", stanza.get("Filename")?),
        sum: Sum::new(stanza.get("SHA256")?, stanza.get("Size")?.parse().ok()?)?,
        essential: stanza.get("Essential") == Some("yes"),
        required: stanza.get("Priority") == Some("required"),
        depends: ["Pre-Depends", "Depends"].into_iter().flat_map(relations).collect(),
        conflicts: ["Conflicts", "Breaks"].into_iter().flat_map(flat).collect(),
        provides: flat("Provides").collect(),
    })
}

/// `a (>= 1) | b, c`
fn groups(text: &str) -> Vec<Vec<Relation>> {
    text.split(',').map(|group| group.split('|').filter_map(Relation::parse).collect()).collect()
}
