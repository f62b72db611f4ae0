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
            self.complete(url, sum, &file, &part, progress)?;
            fs::rename(&part, &path).map_err(ImageError::file(&path))?;
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

    /// Makes the partial file a whole one.
    fn complete(
        &self,
        url: &str,
        sum: &Sum,
        mut file: &File,
        part: &Path,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<()> {
        let on_disk = |error| ImageError::File { path: part.to_owned(), error };
        let (mut hash, mut len) = (Sha256::new(), 0);
        let mut why = String::new();
        for attempt in 0..TRIES {
            // What is there already counts, if there is not too much of it.
            file.rewind().map_err(on_disk)?;
            if file.metadata().map_err(on_disk)?.len() > sum.size {
                file.set_len(0).map_err(on_disk)?;
            }
            hash = Sha256::new();
            len = std::io::copy(&mut file, &mut Hashing(&mut hash)).map_err(on_disk)?;
            if attempt == 0 {
                progress(len);
            }
            if len == sum.size {
                break;
            }
            match self.rest(url, sum, len, &mut hash, file, part, progress) {
                Ok(new_len) if new_len == sum.size => {
                    len = new_len;
                    break;
                }
                Ok(short) => why = format!("it ends after {short} of {} bytes", sum.size),
                Err(Broken::Final(error)) => return Err(error),
                Err(Broken::Line(error)) => why = error,
            }
        }
        if len != sum.size {
            return Err(mirror(url, format!("{why}; say it again to go on from there")));
        }
        let found: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        if found != sum.sha256 {
            fs::remove_file(part).map_err(on_disk)?;
            let (found, wanted) = (&found[..12], &sum.sha256[..12]);
            let why = format!(
                "its SHA-256 is {found}..., the list says {wanted}...; try again, or another --mirror"
            );
            return Err(mirror(url, why));
        }
        file.sync_all().map_err(on_disk)
    }

    /// Appends to `file` what comes after its first `from` bytes. The new length.
    #[allow(clippy::too_many_arguments)]
    fn rest(
        &self,
        url: &str,
        sum: &Sum,
        from: u64,
        hash: &mut Sha256,
        mut file: &File,
        part: &Path,
        progress: &(dyn Fn(u64) + Sync),
    ) -> std::result::Result<u64, Broken> {
        let on_disk = |error| Broken::Final(ImageError::File { path: part.to_owned(), error });
        let mut request = self.agent.get(url);
        if from > 0 {
            request = request.header("Range", format!("bytes={from}-"));
        }
        let mut response = request.call().map_err(|error| Broken::Line(connection(&error)))?;
        let mut len = from;
        match response.status().as_u16() {
            206 if from > 0 => {}
            200 => {
                file.set_len(0).and_then(|()| file.rewind()).map_err(on_disk)?;
                *hash = Sha256::new();
                len = 0;
            }
            408 | 425 | 429 | 500.. => return Err(Broken::Line(response.status().to_string())),
            _ => return Err(Broken::Final(mirror(url, response.status().to_string()))),
        }
        let (mut reader, mut buffer) = (response.body_mut().as_reader(), vec![0; 64 << 10]);
        loop {
            let n = match reader.read(&mut buffer) {
                Ok(0) => return Ok(len),
                Ok(n) => n,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(Broken::Line(error.to_string())),
            };
            len += n as u64;
            if len > sum.size {
                let why = format!("it has more than the {} bytes that the list says", sum.size);
                return Err(Broken::Final(mirror(url, why)));
            }
            hash.update(&buffer[..n]);
            file.write_all(&buffer[..n]).map_err(on_disk)?;
            progress(n as u64);
        }
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
