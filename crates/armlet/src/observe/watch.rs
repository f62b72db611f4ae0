//! What looks on while the JIT makes code, as the command line asks for it.

use std::sync::Arc;

use armlet_hv_soft::{CodeWatch, Listing};

use super::code::CodeDump;
use super::perf::PerfMap;
use super::symbols::Symbols;
use crate::args::RunArgs;
use crate::console::Screen;
use crate::failure::Failure;
use crate::files;

/// The option that makes somebody look on, if one was given.
pub fn option(args: &RunArgs) -> Option<&'static str> {
    let options = [(!args.dump_code.is_empty(), "--dump-code"), (args.perf_map, "--perf-map")];
    options.into_iter().find(|(given, _)| *given).map(|(_, option)| option)
}

/// Who looks on; `None` if nobody does.
pub fn watch(args: &RunArgs, screen: &Arc<Screen>) -> Result<Option<Arc<dyn CodeWatch>>, Failure> {
    if option(args).is_none() {
        let alone = "--symbols names code for --dump-code and --perf-map; give one of them too";
        return if args.symbols.is_some() { Err(Failure::input(alone)) } else { Ok(None) };
    }
    let symbols = args.symbols.as_deref().map(Symbols::read).transpose()?;
    let symbols = Arc::new(symbols.unwrap_or_default());
    let mut all: Vec<Box<dyn CodeWatch>> = Vec::new();
    if !args.dump_code.is_empty() {
        let (wanted, symbols) = (args.dump_code.clone(), symbols.clone());
        let screen = screen.clone();
        all.push(Box::new(match &args.dump_file {
            Some(path) => CodeDump::to_file(wanted, symbols, files::create("--dump-file", path)?),
            None => CodeDump::new(wanted, symbols, move |text| screen.say(text)),
        }));
    }
    if args.perf_map && !args.dry_run {
        let map = PerfMap::create(symbols).map_err(|error| {
            Failure::input(format_args!("--perf-map: can't write {}: {error}", PerfMap::path().display()))
        })?;
        all.push(Box::new(map));
    }
    Ok(Some(Arc::new(All(all))))
}

/// Several who look on.
struct All(Vec<Box<dyn CodeWatch>>);

impl CodeWatch for All {
    fn shared(&self, cpu: usize, name: &'static str, address: u64, code: &[u8]) {
        self.0.iter().for_each(|watch| watch.shared(cpu, name, address, code));
    }

    fn compiled(&self, listing: &Listing) {
        self.0.iter().for_each(|watch| watch.compiled(listing));
    }
}
