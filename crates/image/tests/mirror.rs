//! A small made-up mirror, served from memory: what it does wrong is told, and what broke off goes on.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use armlet_image::archive;
use armlet_image::fetch::{Fetcher, Sum};
use armlet_image::mirror::Mirror;
use armlet_image::package::Index;
use armlet_image::recipe::{Recipe, Variant};
use armlet_image::release::{Release, Trust};
use sha2::{Digest, Sha256};

/// What the server has and does.
#[derive(Default)]
struct State {
    files: HashMap<String, Vec<u8>>,
    /// Bytes after which a file's transfer breaks off, once.
    cut: HashMap<String, usize>,
    /// Answers no request for a part.
    whole_only: bool,
    /// Lines like `GET /file 100-`.
    log: Vec<String>,
}

struct Server {
    url: String,
    state: Arc<Mutex<State>>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        // Ends with the process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = shared.clone();
                std::thread::spawn(move || while answer(&stream, &state).is_some() {});
            }
        });
        Self { url, state }
    }

    fn put(&self, path: &str, bytes: &[u8]) -> (String, Sum) {
        self.state.lock().unwrap().files.insert(path.to_owned(), bytes.to_vec());
        (format!("{}{path}", self.url), sum(bytes))
    }

    fn log(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().log)
    }
}

/// One request; `None` when the connection is at its end.
fn answer(mut stream: &TcpStream, state: &Mutex<State>) -> Option<()> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let header: Vec<_> = lines.take_while(|line| !line.is_empty()).map(|line| line.to_lowercase()).collect();
    let range =
        header.iter().find_map(|line| line.strip_prefix("range: bytes=")?.strip_suffix('-')?.parse().ok());
    let mut state = state.lock().unwrap();
    state
        .log
        .push(format!("{path} {}", range.map_or("all".to_owned(), |from: usize| format!("from {from}"))));
    let Some(bytes) = state.files.get(&path).cloned() else {
        return stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").ok();
    };
    let from = range.filter(|from| !state.whole_only && *from < bytes.len());
    let (status, body) = match from {
        Some(from) => ("206 Partial Content", &bytes[from..]),
        None => ("200 OK", &bytes[..]),
    };
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len());
    let cut = state.cut.remove(&path);
    let body = &body[..cut.unwrap_or(body.len()).min(body.len())];
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).ok()?;
    if cut.is_some() {
        let _ = stream.shutdown(std::net::Shutdown::Both);
        return None;
    }
    Some(())
}

fn sum(bytes: &[u8]) -> Sum {
    let hash: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    Sum::new(&hash, bytes.len() as u64).unwrap()
}

fn content() -> Vec<u8> {
    (0..300_000u32).flat_map(u32::to_le_bytes).collect()
}

#[test]
fn a_file_comes_once_and_is_kept() {
    let (server, cache) = (Server::start(), tempfile::tempdir().unwrap());
    let (url, sum) = server.put("/a", &content());
    let fetcher = Fetcher::new(cache.path()).unwrap();
    let progress = AtomicU64::new(0);
    let count = |bytes| {
        progress.fetch_add(bytes, Ordering::Relaxed);
    };
    for _ in 0..2 {
        assert_eq!(fs::read(fetcher.file(&url, &sum, &count).unwrap()).unwrap(), content());
    }
    assert_eq!(server.log(), ["/a all"]);
    assert_eq!(progress.into_inner(), 2 * sum.size);
}

#[test]
fn what_broke_off_goes_on_where_it_stopped() {
    let (server, cache) = (Server::start(), tempfile::tempdir().unwrap());
    let (url, sum) = server.put("/a", &content());
    server.state.lock().unwrap().cut.insert("/a".into(), 500_000);
    let fetcher = Fetcher::new(cache.path()).unwrap();
    assert_eq!(fs::read(fetcher.file(&url, &sum, &|_| {}).unwrap()).unwrap(), content());
    let log = server.log();
    assert!(log.len() == 2 && log[0] == "/a all" && log[1].starts_with("/a from "), "{log:?}");

    // So does what an earlier process left, and a server that knows no parts sends all again.
    for whole_only in [false, true] {
        server.state.lock().unwrap().whole_only = whole_only;
        let cache = tempfile::tempdir().unwrap();
        fs::write(cache.path().join(format!("{}.part", sum.sha256)), &content()[..1000]).unwrap();
        let path = Fetcher::new(cache.path()).unwrap().file(&url, &sum, &|_| {}).unwrap();
        assert_eq!(fs::read(path).unwrap(), content());
        assert_eq!(server.log(), ["/a from 1000"]);
    }
}

#[test]
fn what_is_wrong_is_told_and_not_kept() {
    let (server, cache) = (Server::start(), tempfile::tempdir().unwrap());
    let fetcher = Fetcher::new(cache.path()).unwrap();
    let error = |url: &str, sum: &Sum| fetcher.file(url, sum, &|_| {}).unwrap_err().to_string();
    let (url, right) = server.put("/a", &content());
    let other = Sum { sha256: "0".repeat(64), ..right.clone() };
    assert!(error(&url, &other).contains("the list says 000000000000..."), "{}", error(&url, &other));
    let longer = Sum { size: right.size - 1, ..right.clone() };
    assert!(error(&url, &longer).contains("it has more than the"));
    let shorter = Sum { size: right.size + 1, ..right };
    assert!(error(&url, &shorter).contains("of 1200001 bytes"), "{}", error(&url, &shorter));
    assert!(error(&format!("{}/gone", server.url), &other).ends_with("/gone: 404 Not Found"));
    assert!(fetcher.small(&format!("{}/gone", server.url)).is_err());
    // Nobody listens there.
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert!(error(&format!("http://{nobody}/a"), &other).contains("no connection: "));
    assert!(
        fs::read_dir(cache.path())
            .unwrap()
            .flatten()
            .all(|e| e.path().extension().is_some_and(|e| e == "part"))
    );
}

#[test]
fn several_files_come_in_order_and_the_first_failure_ends_it() {
    let (server, cache) = (Server::start(), tempfile::tempdir().unwrap());
    let mut wanted: Vec<_> =
        (0..20u8).map(|n| server.put(&format!("/{n}"), &vec![n; 1000 * (20 - usize::from(n))])).collect();
    let fetcher = Fetcher::new(cache.path()).unwrap();
    let seen = Mutex::new(Vec::new());
    let note = |index: usize, path: &std::path::Path| {
        seen.lock().unwrap().push((index, fs::read(path).unwrap()[0]));
        Ok(())
    };
    let paths = fetcher.files(&wanted, &|_| {}, &note).unwrap();
    assert!(paths.iter().enumerate().all(|(n, path)| fs::read(path).unwrap()[0] == n as u8));
    assert!(seen.lock().unwrap().iter().all(|(index, first)| *index == usize::from(*first)));
    wanted[7].0 += "gone";
    wanted[7].1.sha256 = "7".repeat(64);
    assert!(fetcher.files(&wanted, &|_| {}, &|_, _| Ok(())).unwrap_err().to_string().contains("404"));
}

/// Puts a suite with these packages on the server, signed by nobody.
fn suite(server: &Server, packages: &str) {
    let list = packages.as_bytes();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(list).unwrap();
    let (_, sum) =
        server.put("/debian/dists/bookworm/main/binary-arm64/Packages.gz", &packed.finish().unwrap());
    let release =
        format!("Suite: stable\nSHA256:\n {} {} main/binary-arm64/Packages.gz\n", sum.sha256, sum.size);
    server.put("/debian/dists/bookworm/InRelease", release.as_bytes());
}

#[test]
fn a_suites_packages_are_read_and_chosen() {
    let (server, cache) = (Server::start(), tempfile::tempdir().unwrap());
    let mut packages = String::new();
    for (name, fields) in [
        ("base-files", "Essential: yes\nPre-Depends: awk\n"),
        ("mawk", "Provides: awk\n"),
        ("tzdata", "Priority: required\n"),
        ("linux-image-cloud-arm64", "Depends: linux-image-6.1-arm64 (= 1)\n"),
        ("linux-image-6.1-arm64", ""),
        ("busybox-static", ""),
    ] {
        let file = format!("Filename: pool/{name}.deb\nSize: 1\nSHA256: {}\n", "a".repeat(64));
        packages += &format!("Package: {name}\nVersion: 1\n{fields}{file}\n");
    }
    for name in ["systemd-sysv", "udev", "kmod", "e2fsprogs", "initramfs-tools", "zstd", "apt", "gpiod"] {
        let file = format!("Filename: pool/{name}.deb\nSize: 1\nSHA256: {}\n", "b".repeat(64));
        packages += &format!("Package: {name}\nVersion: 1\n{file}\n");
    }
    suite(&server, &packages);
    let fetcher = Fetcher::new(cache.path()).unwrap();
    let mirror = Mirror::at(&format!("{}/debian", server.url)).unwrap();
    let recipe = Recipe::named("debian-12-arm64", Variant::Minimal, Vec::new()).unwrap();
    let (archive, name, _) = recipe.suites(&mirror).remove(0);
    let (release, trust) = Release::fetch(&fetcher, &archive, &name, false).unwrap();
    assert_eq!(trust, Trust::Unchecked("--no-verify".into()));
    let (url, sum) = release.packages("arm64").unwrap();
    let list = archive::list(&fetcher.file(&url, &sum, &|_| {}).unwrap(), &url).unwrap();
    let mut index = Index::default();
    index.add(&archive, &list).unwrap();

    let missing = recipe.choose(&index).err().unwrap().to_string();
    assert!(missing.contains("the mirror has no package \"dbus\""), "{missing}");
    let file = format!("Filename: pool/dbus.deb\nSize: 1\nSHA256: {}\n", "c".repeat(64));
    index.add(&archive, &format!("Package: dbus\nVersion: 1\n{file}")).unwrap();
    let choice = recipe.choose(&index).unwrap();
    let names = |packages: &[&armlet_image::package::Package]| {
        packages.iter().map(|p| p.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&choice.essential), ["base-files", "mawk"]);
    assert_eq!(names(&choice.rest)[0], "tzdata");
    assert_eq!(names(&choice.rest).last().unwrap(), "linux-image-6.1-arm64");
    assert_eq!(names(&choice.tools), ["busybox-static"]);
    let missing = release.packages("riscv64").unwrap_err().to_string();
    assert!(missing.ends_with("the suite bookworm has no packages for riscv64"), "{missing}");
}

#[test]
fn only_debian_can_be_pulled() {
    for name in ["debian-11-arm64", "debian-12-riscv64", "ubuntu", ""] {
        let error = Recipe::named(name, Variant::Standard, Vec::new()).unwrap_err().to_string();
        assert!(
            error.contains("there are debian-12-arm64, debian-12-armhf, debian-13-arm64, debian-13-armhf"),
            "{error}"
        );
    }
}

#[test]
fn an_unsigned_release_is_refused_where_signatures_can_be_checked() {
    let (server, cache) = (Server::start(), tempfile::tempdir().unwrap());
    suite(&server, "");
    let fetcher = Fetcher::new(cache.path()).unwrap();
    match Release::fetch(&fetcher, &format!("{}/debian", server.url), "bookworm", true) {
        Err(error) => assert!(error.to_string().contains("its signature is not one of Debian's"), "{error}"),
        // A host without gpgv, or without Debian's keys, says so.
        Ok((_, trust)) => {
            assert!(matches!(trust, Trust::Unchecked(why) if why.starts_with("this host has no ")))
        }
    }
}
