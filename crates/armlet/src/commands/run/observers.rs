//! Who looks on while a machine runs.

use std::sync::Arc;

use armlet::guests::Guest;
use armlet::{Checkpoints, MachineConfig, Observer};

use super::lesson;
use crate::args::{LogTarget, RunArgs};
use crate::boardmap;
use crate::console::Screen;
use crate::failure::Failure;
use crate::files;
use crate::observe::{Devices, ExitLog, Hashes, Narrator};

/// Those that the user asked for.
pub struct Observers {
    log: Option<Arc<ExitLog>>,
    narrator: Option<(Arc<Narrator>, &'static Guest)>,
    hashes: Option<Arc<Hashes>>,
}

impl Observers {
    /// Makes them, and their files. An embedded `guest` is narrated.
    pub fn new(
        args: &RunArgs,
        guest: Option<&'static Guest>,
        config: &mut MachineConfig,
        screen: &Arc<Screen>,
    ) -> Result<Self, Failure> {
        let devices = Arc::new(Devices::new(boardmap::regions(config.board, args.gic)));
        let log = match &args.log {
            None => None,
            Some(LogTarget::File(path)) => {
                Some(ExitLog::to_file(files::create("--log", path)?, devices.clone()))
            }
            Some(_) => Some(ExitLog::to_screen(screen.clone(), devices.clone())),
        };
        let narrated = guest.filter(|_| !args.quiet);
        let narrator = narrated.map(|guest| (Arc::new(Narrator::new(screen.clone(), devices)), guest));
        Ok(Self { log: log.map(Arc::new), narrator, hashes: checkpoints(args, config, screen)? })
    }

    /// Those of them that hear of exits.
    pub fn of_exits(&self) -> Vec<Arc<dyn Observer>> {
        let log = self.log.clone().map(|log| log as Arc<dyn Observer>);
        let narrator = self.narrator.clone().map(|(narrator, _)| narrator as Arc<dyn Observer>);
        log.into_iter().chain(narrator).collect()
    }

    /// True if a story is told.
    pub fn narrate(&self) -> bool {
        self.narrator.is_some()
    }

    /// Tells how the story begins.
    pub fn begin(&self, args: &RunArgs, backend: &str, cpus: usize) {
        if let Some((narrator, guest)) = &self.narrator {
            lesson::introduce(narrator, guest, args, backend, cpus);
        }
    }

    /// Tells how it ended.
    pub fn finish(&self) -> Result<(), Failure> {
        if let Some((narrator, _)) = &self.narrator {
            narrator.finish();
        }
        if let Some(log) = &self.log {
            log.finish().map_err(|error| Failure::broken(format_args!("can't write the log: {error}")))?;
        }
        if let Some(hashes) = &self.hashes {
            let finished = hashes.finish();
            finished.map_err(|error| Failure::broken(format_args!("can't write the hashes: {error}")))?;
        }
        Ok(())
    }
}

/// Sets up the checkpoints that the user asks for, and where they go.
fn checkpoints(
    args: &RunArgs,
    config: &mut MachineConfig,
    screen: &Arc<Screen>,
) -> Result<Option<Arc<Hashes>>, Failure> {
    let (Some(every), Some(deterministic)) = (args.hash_every, &mut config.deterministic) else {
        return Ok(None);
    };
    let file = args.hash_file.as_deref().map(|path| files::create("--hash-file", path)).transpose()?;
    let hashes = Hashes::new(file, screen.clone());
    let (from, memory_every) = (args.hash_from.unwrap_or(0), args.hash_memory.unwrap_or(0));
    deterministic.checkpoints = Some(Checkpoints { from, every, memory_every, sink: hashes.sink() });
    Ok(Some(hashes))
}
