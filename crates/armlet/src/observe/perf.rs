//! `--perf-map`: tells Linux's perf what generated code is, in the file where perf looks for it: a line of
//! start, size and name for each piece (`tools/perf/Documentation/jit-interface.txt` of the kernel).

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use armlet_hv_soft::{CodeWatch, Listing};

use super::symbols::Symbols;

/// The map of this process.
pub struct PerfMap {
    file: Mutex<File>,
    symbols: Arc<Symbols>,
}

impl PerfMap {
    /// Where perf looks.
    pub fn path() -> PathBuf {
        format!("/tmp/perf-{}.map", std::process::id()).into()
    }

    /// An empty map. One that an earlier process of our number left is replaced, but never written through.
    pub fn create(symbols: Arc<Symbols>) -> io::Result<Self> {
        let path = Self::path();
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = File::options().write(true).create_new(true).open(path)?;
        Ok(Self { file: Mutex::new(file), symbols })
    }

    fn line(&self, address: u64, len: usize, name: &str) {
        let line = format!("{address:x} {len:x} {name}\n");
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // One write a line: the map is good to the last trace however the process ends. A full disk costs
        // names and nothing else.
        let _ = file.write_all(line.as_bytes());
    }
}

impl CodeWatch for PerfMap {
    fn shared(&self, cpu: usize, name: &'static str, address: u64, code: &[u8]) {
        self.line(address, code.len(), &format!("armlet:{name} (cpu {cpu})"));
    }

    fn compiled(&self, listing: &Listing) {
        let va = listing.insns.first().map_or(0, |insn| insn.va);
        let name = match self.symbols.name(va) {
            Some(name) => format!("guest:{name}"),
            None => format!("guest:{va:#x}"),
        };
        self.line(listing.address, listing.code.len(), &name);
    }
}
