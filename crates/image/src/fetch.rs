//! Files from a mirror, by their sums: each is kept in a cache under its sum, and a download that broke off goes on
//! where it stopped.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::{ImageError, Result};

/// How often a broken download is taken up again.
const TRIES: usize = 4;
/// A server that says nothing for so long is gone.
const SILENCE: Duration = Duration::from_secs(60);
/// Files fetched at once.
const CONNECTIONS: usize = 4;
/// No release file is larger.
const SMALL: u64 = 16 << 20;

/// What a file must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sum {
    /// SHA-256 in hexadecimal.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
}

impl Sum {
    /// `None` unless it is 64 hexadecimal digits: it becomes part of a file's name.
    pub fn new(sha256: &str, size: u64) -> Option<Self> {
        let valid = sha256.len() == 64 && sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
        valid.then(|| Self { sha256: sha256.to_ascii_lowercase(), size })
    }
}

/// Fetches files into a cache.
pub struct Fetcher {
    agent: ureq::Agent,
    cache: PathBuf,
}

impl Fetcher {
    /// One with its cache in a directory, which is made.
    ///
    /// # Errors
    /// The directory can't be made.
    pub fn new(cache: &Path) -> Result<Self> {
        fs::create_dir_all(cache).map_err(ImageError::file(cache))?;
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .user_agent(concat!("armlet/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(SILENCE))
            .timeout_recv_response(Some(SILENCE))
            .timeout_per_read(Some(SILENCE))
            .build();
        Ok(Self { agent: config.into(), cache: cache.to_owned() })
    }

    /// A small text that has no sum and is not kept.
    ///
    /// # Errors
    /// The mirror doesn't have it.
    pub fn small(&self, url: &str) -> Result<String> {
        let mut response = self.agent.get(url).call().map_err(|error| mirror(url, connection(&error)))?;
        if !response.status().is_success() {
            return Err(mirror(url, response.status().to_string()));
        }
        let mut text = String::new();
        let reader = response.body_mut().as_reader();
        reader.take(SMALL).read_to_string(&mut text).map_err(|error| mirror(url, error.to_string()))?;
        Ok(text)
    }

    /// The file at `url` in the cache, fetched if it is not there. `progress` hears of bytes as they come.
    ///
    /// # Errors
    /// The mirror doesn't have it, or it is not what it should be.
    pub fn file(&self, url: &str, sum: &Sum, progress: &(dyn Fn(u64) + Sync)) -> Result<PathBuf> {
        let path = self.cache.join(&sum.sha256);
        if fs::metadata(&path).is_ok_and(|metadata| metadata.len() == sum.size) {
            progress(sum.size);
            return Ok(path);
        }
        let part = self.cache.join(format!("{}.part", sum.sha256));
        // Another armlet may be fetching the same; whoever comes second finds it done.
        let open = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&part);
        let file = open.map_err(ImageError::file(&part))?;
        file.lock().map_err(ImageError::file(&part))?;
        if !path.exists() {
            let (file, part, hash) = (&file, &*part, Sha256::new());
            Download { url, sum, file, part, progress, hash, len: 0 }.complete(&self.agent)?;
            fs::rename(part, &path).map_err(ImageError::file(&path))?;
        }
        Ok(path)
    }

    /// Several files, a few at a time, in the order asked for. `each` is called with its index as one arrives.
    ///
    /// # Errors
    /// The first that fails.
    pub fn files(
        &self,
        wanted: &[(String, Sum)],
        progress: &(dyn Fn(u64) + Sync),
        each: &(dyn Fn(usize, &Path) -> Result<()> + Sync),
    ) -> Result<Vec<PathBuf>> {
        let (next, failed) = (AtomicUsize::new(0), Mutex::new(None));
        let work = || {
            let mut done = Vec::new();
            while let Some((index, (url, sum))) = {
                let index = next.fetch_add(1, Ordering::Relaxed);
                wanted.get(index).map(|wanted| (index, wanted))
            } {
                match self.file(url, sum, progress).and_then(|path| each(index, &path).map(|()| path)) {
                    Ok(path) => done.push((index, path)),
                    Err(error) => {
                        next.store(wanted.len(), Ordering::Relaxed);
                        failed.lock().unwrap_or_else(|e| e.into_inner()).get_or_insert(error);
                    }
                }
            }
            done
        };
        let mut done: Vec<_> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..CONNECTIONS).map(|_| scope.spawn(work)).collect();
            workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect()
        });
        if let Some(error) = failed.into_inner().unwrap_or_else(|e| e.into_inner()) {
            return Err(error);
        }
        done.sort();
        Ok(done.into_iter().map(|(_, path)| path).collect())
    }
}

/// A file on its way into the cache.
struct Download<'a> {
    url: &'a str,
    sum: &'a Sum,
    /// What is there of it.
    file: &'a File,
    part: &'a Path,
    progress: &'a (dyn Fn(u64) + Sync),
    /// Of the first `len` bytes.
    hash: Sha256,
    len: u64,
}

impl Download<'_> {
    /// Makes the partial file a whole one, in several tries.
    fn complete(mut self, agent: &ureq::Agent) -> Result<()> {
        let mut why = String::new();
        for attempt in 0..TRIES {
            self.take_up().map_err(|error| self.on_disk(error))?;
            if attempt == 0 {
                (self.progress)(self.len);
            }
            if self.len == self.sum.size {
                break;
            }
            match self.rest(agent) {
                Ok(()) if self.len == self.sum.size => break,
                Ok(()) => why = format!("it ends after {} of {} bytes", self.len, self.sum.size),
                Err(Broken::Final(error)) => return Err(error),
                Err(Broken::Line(error)) => why = error,
            }
        }
        if self.len != self.sum.size {
            return Err(mirror(self.url, format!("{why}; say it again to go on from there")));
        }
        self.check()
    }

    /// What is there already counts, if there is not too much of it.
    fn take_up(&mut self) -> std::io::Result<()> {
        let mut file = self.file;
        file.rewind()?;
        if file.metadata()?.len() > self.sum.size {
            file.set_len(0)?;
        }
        self.hash = Sha256::new();
        self.len = std::io::copy(&mut file, &mut Hashing(&mut self.hash))?;
        Ok(())
    }

    /// Gets what is missing, once.
    fn rest(&mut self, agent: &ureq::Agent) -> std::result::Result<(), Broken> {
        let mut request = agent.get(self.url);
        if self.len > 0 {
            request = request.header("Range", format!("bytes={}-", self.len));
        }
        let mut response = request.call().map_err(|error| Broken::Line(connection(&error)))?;
        match response.status().as_u16() {
            206 if self.len > 0 => {}
            200 => self.begin_anew().map_err(|error| Broken::Final(self.on_disk(error)))?,
            408 | 425 | 429 | 500.. => return Err(Broken::Line(response.status().to_string())),
            _ => return Err(Broken::Final(mirror(self.url, response.status().to_string()))),
        }
        let (mut reader, mut buffer) = (response.body_mut().as_reader(), vec![0; 64 << 10]);
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(n) => self.append(&buffer[..n]).map_err(Broken::Final)?,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Broken::Line(error.to_string())),
            }
        }
    }

    fn begin_anew(&mut self) -> std::io::Result<()> {
        let mut file = self.file;
        (self.hash, self.len) = (Sha256::new(), 0);
        file.set_len(0)?;
        file.rewind()
    }

    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.len += bytes.len() as u64;
        if self.len > self.sum.size {
            let why = format!("it has more than the {} bytes that the list says", self.sum.size);
            return Err(mirror(self.url, why));
        }
        self.hash.update(bytes);
        let mut file = self.file;
        file.write_all(bytes).map_err(|error| self.on_disk(error))?;
        (self.progress)(bytes.len() as u64);
        Ok(())
    }

    /// Compares the whole file with its sum. A wrong one is not kept.
    fn check(self) -> Result<()> {
        let found: String = self.hash.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        if found != self.sum.sha256 {
            fs::remove_file(self.part).map_err(|error| self.on_disk(error))?;
            let (found, wanted) = (&found[..12], &self.sum.sha256[..12]);
            let why = format!(
                "its SHA-256 is {found}..., the list says {wanted}...; try again, or another --mirror"
            );
            return Err(mirror(self.url, why));
        }
        self.file.sync_all().map_err(|error| self.on_disk(error))
    }

    fn on_disk(&self, error: std::io::Error) -> ImageError {
        ImageError::File { path: self.part.to_owned(), error }
    }
}

/// How a download broke off.
enum Broken {
    /// Another try may help.
    Line(String),
    /// It won't.
    Final(ImageError),
}

struct Hashing<'a>(&'a mut Sha256);

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn mirror(url: &str, why: impl Into<String>) -> ImageError {
    ImageError::Mirror { url: url.to_owned(), why: why.into() }
}

fn connection(error: &ureq::Error) -> String {
    format!("no connection: {error}; --mirror URL names another mirror")
}
