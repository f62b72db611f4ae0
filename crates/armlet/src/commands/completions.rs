//! `armlet completions`: a script for the shell, made from the command line's own definition.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Cli;
use crate::failure::Failure;

/// Prints the completion script of `shell`.
pub fn completions(shell: Shell) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "armlet", &mut script);
    super::answer(script)
}
