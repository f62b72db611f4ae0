//! `--hash-every`: one line for each checkpoint of a deterministic run.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::sync::{Arc, Mutex};

use armlet_base::checkpoint::CheckpointSink;

use crate::console::Screen;

/// Where checkpoints are written.
pub struct Hashes {
    screen: Arc<Screen>,
    /// The file, if they go to one, and the first error of writing there.
    file: Option<Mutex<(BufWriter<File>, io::Result<()>)>>,
}

impl Hashes {
    /// Lines go to `file`, else to stderr.
    pub fn new(file: Option<File>, screen: Arc<Screen>) -> Arc<Self> {
        Arc::new(Self { screen, file: file.map(|file| Mutex::new((BufWriter::new(file), Ok(())))) })
    }

    /// What hears of checkpoints and writes them here.
    pub fn sink(self: &Arc<Self>) -> CheckpointSink {
        let hashes = self.clone();
        Arc::new(move |checkpoint| hashes.line(checkpoint))
    }

    fn line(&self, checkpoint: &armlet::Checkpoint) {
        match &self.file {
            None => self.screen.say(&format!("[hash] {checkpoint}\n")),
            Some(file) => {
                let (file, result) = &mut *file.lock().unwrap();
                if result.is_ok() {
                    *result = writeln!(file, "{checkpoint}");
                }
            }
        }
    }

    /// Writes what is still in a buffer.
    ///
    /// # Errors
    /// The first one of all writing to the file.
    pub fn finish(&self) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let (file, result) = &mut *file.lock().unwrap();
        std::mem::replace(result, Ok(()))?;
        file.flush()
    }
}
