//! A suite's `InRelease` file: the sums of its lists, and the signature over them (Debian policy, "Repository format").

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use deb822_fast::Deb822;

use crate::fetch::{Fetcher, Sum};
use crate::{ImageError, Result};

/// Where Debian's keys lie when `debian-archive-keyring` is installed.
const KEYRINGS: [&str; 2] =
    ["/usr/share/keyrings/debian-archive-keyring.gpg", "/usr/share/keyrings/debian-archive-keyring.pgp"];

/// A suite of an archive.
pub struct Release {
    /// The archive's address.
    archive: String,
    /// The suite's name in its path.
    suite: String,
    text: String,
    by_hash: bool,
}

/// What is known of a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// gpgv found it good.
    Signed,
    /// Nobody looked, and why.
    Unchecked(String),
}

impl Release {
    /// Fetches `InRelease` of a suite and checks its signature, if `verify` and if this host can.
    ///
    /// # Errors
    /// It is not there, or the signature is wrong.
    pub fn fetch(fetcher: &Fetcher, archive: &str, suite: &str, verify: bool) -> Result<(Self, Trust)> {
        let url = format!("{archive}/dists/{suite}/InRelease");
        let signed = fetcher.small(&url)?;
        let wrong = |why: &str| ImageError::Mirror { url: url.clone(), why: why.to_owned() };
        let (text, trust) = match (verify, Gpgv::find()) {
            (false, _) => (plain(&signed), Trust::Unchecked("--no-verify".into())),
            (true, Err(why)) => (plain(&signed), Trust::Unchecked(why)),
            (true, Ok(gpgv)) => (gpgv.verified(&signed).map_err(|why| wrong(&why))?, Trust::Signed),
        };
        let stanza = text.parse::<Deb822>().ok().and_then(|file| file.iter().next().cloned());
        let stanza = stanza.ok_or_else(|| wrong("it is not a Release file"))?;
        let by_hash = stanza.get("Acquire-By-Hash").is_some_and(|value| value.trim() == "yes");
        let text = stanza.get("SHA256").ok_or_else(|| wrong("it has no SHA256 sums"))?.to_owned();
        Ok((Self { archive: archive.into(), suite: suite.into(), text, by_hash }, trust))
    }

    /// The address and sum of the list of `main`'s packages for an architecture.
    ///
    /// # Errors
    /// There is none.
    pub fn packages(&self, arch: &str) -> Result<(String, Sum)> {
        let (archive, suite) = (&self.archive, &self.suite);
        for name in ["Packages.xz", "Packages.gz"] {
            let path = format!("main/binary-{arch}/{name}");
            if let Some(sum) = self.sum(&path) {
                let file =
                    if self.by_hash { format!("by-hash/SHA256/{}", sum.sha256) } else { name.to_owned() };
                return Ok((format!("{archive}/dists/{suite}/main/binary-{arch}/{file}"), sum));
            }
        }
        let why = format!("the suite {suite} has no packages for {arch}");
        Err(ImageError::Mirror { url: format!("{archive}/dists/{suite}"), why })
    }

    /// ` SHA256 SIZE PATH`
    fn sum(&self, path: &str) -> Option<Sum> {
        self.text.lines().find_map(|line| {
            let mut words = line.split_whitespace();
            let (sha256, size, name) = (words.next()?, words.next()?, words.next()?);
            (name == path).then_some(())?;
            Sum::new(sha256, size.parse().ok()?)
        })
    }
}

/// The text of a clear-signed message (RFC 9580, 7), taken on trust.
fn plain(signed: &str) -> String {
    let Some((_, rest)) = signed.split_once("-----BEGIN PGP SIGNED MESSAGE-----") else {
        return signed.to_owned();
    };
    let body = rest.split_once("\n\n").map_or("", |(_, body)| body);
    let text = body.split("-----BEGIN PGP SIGNATURE-----").next().unwrap_or_default();
    text.lines().flat_map(|line| [line.strip_prefix("- ").unwrap_or(line), "\n"]).collect()
}

/// GnuPG's verifier with Debian's keys.
struct Gpgv(PathBuf);

impl Gpgv {
    fn find() -> std::result::Result<Self, String> {
        let keyring = KEYRINGS.iter().map(PathBuf::from).find(|path| path.exists());
        let keyring = keyring.ok_or("this host has no debian-archive-keyring")?;
        match Command::new("gpgv").arg("--version").output() {
            Ok(output) if output.status.success() => Ok(Self(keyring)),
            _ => Err("this host has no gpgv".into()),
        }
    }

    /// What is under the signature.
    fn verified(&self, signed: &str) -> std::result::Result<String, String> {
        let mut gpgv = Command::new("gpgv");
        gpgv.arg("--keyring").arg(&self.0).args(["--output", "-", "-"]);
        gpgv.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let fail = |error: std::io::Error| format!("gpgv: {error}");
        let mut child = gpgv.spawn().map_err(fail)?;
        let (stdin, text) = (child.stdin.take(), signed.as_bytes().to_vec());
        // gpgv may stop reading at any time; its status tells.
        let writer = std::thread::spawn(move || stdin.map(|mut stdin| stdin.write_all(&text)));
        let output = child.wait_with_output().map_err(fail)?;
        let _ = writer.join();
        if output.status.success() && !output.stdout.is_empty() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.lines().last().unwrap_or("no reason").trim_start_matches("gpgv: ");
        Err(format!("its signature is not one of Debian's ({said}); --no-verify takes it unchecked"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signed_message_is_taken_apart() {
        let signed = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nOrigin: Test\n- -x\n-----BEGIN PGP SIGNATURE-----\nabc\n";
        assert_eq!(plain(signed), "Origin: Test\n-x\n");
        assert_eq!(plain("Origin: Test\n"), "Origin: Test\n");
    }
}
