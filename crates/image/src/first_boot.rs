//! First-boot data: a small disk labelled `CIDATA`, as cloud-init's NoCloud data source takes it, with the few things
//! that an image without cloud-init honours in a folder of their own.

use crate::Result;
use crate::seed::fat_image;

/// The service of images made here that reads the disk.
pub const SERVICE: &str = include_str!("first-boot.service");
/// The program it starts.
pub const SCRIPT: &str = include_str!("first-boot.sh");
/// The service that shuts the machine down when its power button is pressed.
pub const POWER_BUTTON: &str = include_str!("power-button.service");

/// The label that cloud-init looks for.
const LABEL: &str = "CIDATA";
/// Bytes beyond the files that the disk takes.
const ROOM: usize = 1 << 20;

/// What a new machine is told.
#[derive(Clone, Debug, Default)]
pub struct FirstBoot {
    /// The file `user-data`: a `#cloud-config`, or a script.
    pub user_data: Option<Vec<u8>>,
    /// The file `meta-data`, in place of one made here.
    pub meta_data: Option<Vec<u8>>,
    /// The machine's name.
    pub hostname: Option<String>,
    /// Lines of root's `authorized_keys`.
    pub ssh_keys: Vec<String>,
}

impl FirstBoot {
    /// True if there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.user_data.is_none()
            && self.meta_data.is_none()
            && self.hostname.is_none()
            && self.ssh_keys.is_empty()
    }

    /// The disk. The same data is the same instance, so that a machine started again does nothing anew.
    ///
    /// # Errors
    /// None is to be expected: it is as large as it has to be.
    pub fn disk(&self) -> Result<Vec<u8>> {
        let keys = self.ssh_keys.join("\n") + "\n";
        let meta_data = self.meta_data.clone().unwrap_or_else(|| self.made_meta_data().into_bytes());
        let mut files = vec![
            ("meta-data".to_owned(), meta_data),
            (
                "user-data".to_owned(),
                self.user_data.clone().unwrap_or_else(|| self.made_user_data().into_bytes()),
            ),
        ];
        files.extend(self.hostname.clone().map(|name| ("armlet/hostname".to_owned(), name.into_bytes())));
        if !self.ssh_keys.is_empty() {
            files.push(("armlet/authorized_keys".to_owned(), keys.into_bytes()));
        }
        let size: usize = files.iter().map(|(_, bytes)| bytes.len().next_multiple_of(4096)).sum();
        fat_image((size + ROOM).next_multiple_of(512), LABEL, files)
    }

    fn made_meta_data(&self) -> String {
        let mut hash = sha2::Sha256::default();
        for part in [self.user_data.as_deref(), self.hostname.as_deref().map(str::as_bytes)] {
            sha2::Digest::update(&mut hash, part.unwrap_or_default());
            sha2::Digest::update(&mut hash, [0]);
        }
        sha2::Digest::update(&mut hash, self.ssh_keys.join("\n"));
        let id: String =
            sha2::Digest::finalize(hash).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let mut text = format!("instance-id: armlet-{id}\n");
        self.hostname.iter().for_each(|name| text += &format!("local-hostname: {name}\n"));
        // Beside a `user-data` of the user's own, these are those of the distribution's usual user.
        text + &self.yaml_keys("public-keys")
    }

    /// What stock cloud images are told when the user gives no `user-data`.
    fn made_user_data(&self) -> String {
        let mut text = "#cloud-config\n".to_owned();
        if !self.ssh_keys.is_empty() {
            text += "disable_root: false\n";
            text += &self.yaml_keys("ssh_authorized_keys");
        }
        text
    }

    /// The keys as a list of YAML, nothing if there are none.
    fn yaml_keys(&self, name: &str) -> String {
        if self.ssh_keys.is_empty() {
            return String::new();
        }
        // JSON strings are YAML strings; keys hold nothing that either would escape but quotes and backslashes.
        let lines = self.ssh_keys.iter().map(|key| format!("  - {key:?}\n"));
        format!("{name}:\n{}", lines.collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read};

    use super::*;

    #[test]
    fn the_disk_has_what_cloud_init_looks_for() {
        let first = FirstBoot {
            hostname: Some("web".into()),
            ssh_keys: vec!["ssh-ed25519 AAAA me".into()],
            ..Default::default()
        };
        let disk = first.disk().unwrap();
        assert_eq!(disk, first.disk().unwrap());
        let system = fatfs::FileSystem::new(Cursor::new(disk), fatfs::FsOptions::new()).unwrap();
        assert_eq!(system.volume_label(), "CIDATA");
        let read = |name: &str| {
            let mut text = String::new();
            system.root_dir().open_file(name).unwrap().read_to_string(&mut text).unwrap();
            text
        };
        let meta = read("meta-data");
        assert!(
            meta.starts_with("instance-id: armlet-")
                && meta.ends_with("\nlocal-hostname: web\npublic-keys:\n  - \"ssh-ed25519 AAAA me\"\n"),
            "{meta}"
        );
        assert!(read("user-data").starts_with("#cloud-config\n"));
        assert_eq!(read("armlet/hostname"), "web");
        assert_eq!(read("armlet/authorized_keys"), "ssh-ed25519 AAAA me\n");
        let other = FirstBoot { hostname: Some("db".into()), ..first.clone() };
        assert_ne!(other.made_meta_data().lines().next(), first.made_meta_data().lines().next());
        assert!(FirstBoot::default().is_empty() && !first.is_empty());
    }
}
