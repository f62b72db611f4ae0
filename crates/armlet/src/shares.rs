//! `--share`: what can be said about a directory of the host.

use std::path::PathBuf;
use std::str::FromStr;

use armlet::ShareConfig;
use armlet_machine::ninep::{Options, Owners};

use crate::failure::did_you_mean;
use crate::machine_file::split;

/// The options after the directory's name.
const OPTIONS: [&str; 3] = ["ro", "mapped", "tag"];
/// Linux takes tags of this length at most.
const TAG_LEN: usize = 255;

/// A shared directory as the command line has it: `DIR[,ro][,mapped][,tag=NAME]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShareArg {
    /// The directory.
    pub path: PathBuf,
    /// How to share it.
    pub options: Options,
    /// What the guest mounts it by, if the user chose that.
    pub tag: Option<String>,
}

impl FromStr for ShareArg {
    type Err = String;

    /// A comma in a directory's name is doubled.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = split(text).into_iter();
        let path = parts.next().unwrap_or_default();
        if let Some(name) = path.strip_prefix("path=") {
            return Err(format!("write the directory's name alone: {name}"));
        }
        if path.is_empty() {
            return Err("name a directory".to_owned());
        }
        let mut share = Self { path: path.into(), options: Options::default(), tag: None };
        parts.try_for_each(|option| share.set(&option))?;
        Ok(share)
    }
}

impl ShareArg {
    fn set(&mut self, option: &str) -> Result<(), String> {
        match option.split_once('=').map_or((option, None), |(name, value)| (name, Some(value))) {
            ("ro", None) => self.options.read_only = true,
            ("mapped", None) => self.options.owners = Owners::Mapped,
            ("tag", Some(tag)) if is_tag(tag) => self.tag = Some(tag.to_owned()),
            ("tag", _) => {
                return Err(format!("tag= wants 1 to {TAG_LEN} letters, digits and any of . _ - /"));
            }
            ("readonly" | "read-only", _) => return Err(format!("{option:?} is for others; write ro")),
            ("mount_tag", _) => return Err(format!("{option:?} is for others; write tag=NAME")),
            ("security_model" | "id" | "multidevs", _) => {
                return Err(format!(
                    "{option:?} is for others; with mapped the guest has owners of its own, else it sees the host's"
                ));
            }
            (name, _) => {
                let hint = did_you_mean(name, OPTIONS);
                return Err(format!(
                    "there is no share option {option:?}{hint}; the options are ro, mapped and tag=NAME"
                ));
            }
        }
        Ok(())
    }

    /// The share as a machine has it. `index` makes the tag where the user chose none.
    pub fn config(&self, index: usize) -> ShareConfig {
        let tag = self.tag.clone().unwrap_or_else(|| match index {
            0 => "share".to_owned(),
            index => format!("share{index}"),
        });
        ShareConfig { path: self.path.clone(), tag, options: self.options }
    }
}

/// True for what can be written in a mount command without quotes.
fn is_tag(tag: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    (1..=TAG_LEN).contains(&tag.len()) && tag.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_has_options_and_a_tag() {
        let share: ShareArg = "/d/a,,b,tag=home,ro,mapped".parse().unwrap();
        let options = Options { read_only: true, owners: Owners::Mapped };
        assert_eq!((share.path.to_str(), share.options), (Some("/d/a,b"), options));
        assert_eq!(share.config(3).tag, "home");
        let share: ShareArg = "d".parse().unwrap();
        assert_eq!((share.config(0).tag, share.config(1).tag), ("share".into(), "share1".into()));
        for wrong in ["", "d,tag=", "d,tag=a b", "d,or", "path=d", "d,security_model=none"] {
            assert!(wrong.parse::<ShareArg>().is_err(), "{wrong}");
        }
    }
}
