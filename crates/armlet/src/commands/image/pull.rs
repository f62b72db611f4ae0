//! `armlet image pull`: from a mirror's lists to a disk that boots.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use armlet_image::archive::{self, Deb};
use armlet_image::fetch::{Fetcher, Sum};
use armlet_image::mirror::{APT, Mirror};
use armlet_image::package::{Index, Package};
use armlet_image::recipe::{Choice, Recipe, Variant};
use armlet_image::release::{Release, Trust};
use armlet_image::{ImageError, first_boot, seed};

use super::build;
use super::partial::Partial;
use super::report::Report;
use crate::args::PullArgs;
use crate::failure::Failure;
use crate::images::{self, DISK, MACHINE};
use crate::size::human;

/// Size of an image's disk, unless told.
const SIZE: u64 = 8 << 30;
/// Size of the disk with packages; only what is written takes room.
const PACKAGES_SIZE: u64 = 4 << 30;
/// Packages that may wait in memory to be written there.
const WAITING: usize = 4;

/// Makes an image.
pub fn pull(args: &PullArgs) -> Result<u8, Failure> {
    let recipe =
        Recipe::named(&args.image, args.variant.unwrap_or_default(), args.include.clone()).map_err(chain)?;
    let name = args.name.as_ref().unwrap_or(&recipe.name);
    let place = images::place(name)?;
    if place.exists() {
        return Err(Failure::input(format_args!(
            "there is an image {name} already; `armlet image rm {name}` removes it, --name NAME makes another"
        )));
    }
    let keys = ssh_keys(&args.ssh_key)?;
    let mirror = match &args.mirror {
        Some(url) => Mirror::at(url),
        None => Mirror::of_host(Path::new(APT)),
    };
    let mirror = mirror.map_err(chain)?;
    let report = Report::new(args.quiet);
    let cache = images::cache()?;
    let fetcher = Fetcher::new(&cache.join("packages")).map_err(chain)?;
    let partial = Partial::new(&place, name)?;

    let (index, suites) = lists(&fetcher, &recipe, &mirror, !args.no_verify, &report)?;
    let choice = recipe.choose(&index).map_err(chain)?;
    let config = Config { name, sources: sources(&suites), keys };
    let packages = packages(&fetcher, &choice, &config, &partial, &report)?;
    let kernel = choice.rest.iter().map(|package| package.name.as_str()).find(|name| is_kernel(name));
    let kernel = kernel.ok_or_else(|| Failure::broken("the packages chosen contain no kernel"))?;
    let builder = seed::Builder::new(kernel, |name| packages.get(name).cloned()).map_err(chain)?;

    let disk = partial.dir.join(DISK);
    let size = args.size.unwrap_or(SIZE);
    let made = File::create(&disk).and_then(|file| file.set_len(size));
    made.map_err(|error| images::file(&disk, &error))?;
    let count = choice.essential.len() + choice.rest.len();
    let log = cache.join(format!("{name}.log"));
    let built = build::build(builder, [&disk, &partial.packages()], count, &log, &report);
    // A host without room is an I/O error to the guest, which can't say more.
    built.map_err(|failure| partial.no_room().unwrap_or(failure))?;

    let about = format!("Debian {}, {}: {count} packages.", recipe.codename, recipe.arch);
    let machine = partial.dir.join(MACHINE);
    fs::write(&machine, machine_text(&about, recipe.variant))
        .map_err(|error| images::file(&machine, &error))?;
    partial.finish(&place)?;
    report.line(&format!("{name} is ready: armlet run {name}. On the console root needs no password."));
    Ok(0)
}

fn chain(error: ImageError) -> Failure {
    match &error {
        ImageError::File { path, error } => images::file(path, error),
        error => Failure::input_chain(error),
    }
}

/// A kernel itself, not a package that depends on the newest.
fn is_kernel(name: &str) -> bool {
    name.strip_prefix("linux-image-").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// How the image runs.
fn machine_text(about: &str, variant: Variant) -> String {
    let mut text = format!("# {about}\nthing = \"{DISK}\"\nmemory = \"1G\"\n");
    let cpus = std::thread::available_parallelism().map_or(1, |n| n.get().min(4));
    // Its kernels have drivers for both; on kvm this one spares two exits a request.
    text += &format!("cpus = {cpus}\nvirtio = \"pci\"\n");
    if variant == Variant::Standard {
        text += "net = [\"user\"]\n# With net = [\"user,22:2222\"], `ssh -p 2222 root@localhost` leads into it.\n";
    }
    text
}

/// What the image is told about itself.
struct Config<'a> {
    name: &'a str,
    sources: String,
    keys: String,
}

impl Config<'_> {
    fn files(&self) -> Vec<(String, Vec<u8>)> {
        let files = [
            ("hostname", format!("{}\n", self.name.replace(['.', '_', '+'], "-"))),
            ("sources.list", self.sources.clone()),
            ("authorized_keys", self.keys.clone()),
            ("first-boot", first_boot::SCRIPT.to_owned()),
            ("first-boot.service", first_boot::SERVICE.to_owned()),
            ("power-button.service", first_boot::POWER_BUTTON.to_owned()),
        ];
        files.into_iter().map(|(name, text)| (format!("etc/{name}"), text.into_bytes())).collect()
    }
}

fn sources(suites: &[(String, String)]) -> String {
    suites.iter().map(|(archive, suite)| format!("deb {archive} {suite} main\n")).collect()
}

/// The keys that root's ssh takes.
fn ssh_keys(files: &[PathBuf]) -> Result<String, Failure> {
    let read = |path: &PathBuf| {
        crate::files::read("ssh key", path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    };
    if !files.is_empty() {
        return files.iter().map(read).collect();
    }
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let entries = fs::read_dir(home.join(".ssh")).into_iter().flatten().flatten();
    let mut keys: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "pub"))
        .collect();
    keys.sort();
    Ok(keys.iter().filter_map(|path| fs::read_to_string(path).ok()).collect())
}

/// All packages that the mirror has, and the suites they are from.
fn lists(
    fetcher: &Fetcher,
    recipe: &Recipe,
    mirror: &Mirror,
    verify: bool,
    report: &Report,
) -> Result<(Index, Vec<(String, String)>), Failure> {
    let (mut index, mut suites) = (Index::default(), Vec::new());
    let mut told = false;
    for (archive, suite, optional) in recipe.suites(mirror) {
        let without = |error: ImageError| match error {
            ImageError::Mirror { .. } if optional => {
                report.line(&format!("Going on without {suite}: {error}"));
                Ok(())
            }
            error => Err(chain(error)),
        };
        let (release, trust) = match Release::fetch(fetcher, &archive, &suite, verify) {
            Ok(fetched) => fetched,
            Err(error) => {
                without(error)?;
                continue;
            }
        };
        if let Trust::Unchecked(why) = trust
            && !std::mem::replace(&mut told, true)
        {
            report.line(&format!("The mirror's signature is not checked: {why}. Sums are."));
        }
        match list(fetcher, &release, recipe.arch, &format!("{archive} {suite}"), report) {
            Ok(list) => index.add(&archive, &list).map_err(chain)?,
            Err(error) => without(error)?,
        }
        // A mirror that is being updated has it later: the image's apt looks for it.
        suites.push((archive, suite));
    }
    Ok((index, suites))
}

/// A suite's list of packages.
fn list(
    fetcher: &Fetcher,
    release: &Release,
    arch: &str,
    what: &str,
    report: &Report,
) -> Result<String, ImageError> {
    let (url, sum) = release.packages(arch)?;
    let bar = report.bytes(what, sum.size);
    let path = fetcher.file(&url, &sum, &|bytes| bar.inc(bytes))?;
    bar.finish_and_clear();
    // By its sum, the name tells no method.
    archive::list(&path, if is_gzip(&path) { "list.gz" } else { "list.xz" })
}

fn is_gzip(path: &Path) -> bool {
    let mut magic = [0; 2];
    File::open(path).and_then(|mut file| std::io::Read::read_exact(&mut file, &mut magic)).is_ok()
        && magic == [0x1f, 0x8b]
}

/// Fetches the packages and puts them on a disk; the files of all, by name.
fn packages(
    fetcher: &Fetcher,
    choice: &Choice,
    config: &Config,
    partial: &Partial,
    report: &Report,
) -> Result<HashMap<String, PathBuf>, Failure> {
    let folder = |folder: &'static str, packages: &[&Package]| -> Vec<(Package, String)> {
        let numbered = packages.iter().enumerate();
        numbered.map(|(n, package)| ((*package).clone(), format!("{folder}/{n:04}.deb"))).collect()
    };
    let mut all = folder("ess", &choice.essential);
    all.extend(folder("pkg", &choice.rest));
    all.extend(choice.tools.iter().map(|package| ((*package).clone(), String::new())));
    let wanted: Vec<(String, Sum)> =
        all.iter().map(|(package, _)| (package.url.clone(), package.sum.clone())).collect();
    let total = wanted.iter().map(|(_, sum)| sum.size).sum();
    let bar = report.bytes(&format!("{} packages, {}", all.len(), human(total)), total);
    let (sender, receiver) = mpsc::sync_channel(WAITING);
    let path = partial.packages();
    let paths = std::thread::scope(|scope| {
        let files = config.files().into_iter().chain(receiver);
        let writer = scope.spawn(|| seed::fat_disk(&path, PACKAGES_SIZE, "PACKAGES", files));
        let each = |index: usize, path: &Path| {
            let (_, name) = &all[index];
            if !name.is_empty() {
                // A writer that is gone has failed, and says so itself.
                let _ = sender.send((name.clone(), Deb::open(path)?.uncompressed()?));
            }
            Ok(())
        };
        let fetched = fetcher.files(&wanted, &|bytes| bar.inc(bytes), &each);
        drop(sender);
        let written = writer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        written.and(fetched)
    });
    bar.finish_and_clear();
    let paths = paths.map_err(chain)?;
    Ok(all.into_iter().map(|(package, _)| package.name).zip(paths).collect())
}
