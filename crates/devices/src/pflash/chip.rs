//! The command interface of the chips.

use super::spec::*;

/// What reads give.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reads {
    /// The contents.
    #[default]
    Array,
    /// The status register.
    Status,
    /// Manufacturer, device, lock bits.
    Id,
    /// The CFI query table.
    Query,
}

/// A piece of data to be programmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Where in the bank.
    pub offset: u64,
    /// How many bytes, 4 at most.
    pub size: u8,
    /// The bytes.
    pub value: u32,
}

/// What the chips wait for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Step {
    #[default]
    Command,
    EraseConfirm,
    Data,
    Protection,
    Lock,
    BufferCount,
    /// So many pieces are to come.
    Buffer {
        left: usize,
        pieces: Vec<Piece>,
    },
}

/// What the chips do to the contents: done before the next command, as if it took no time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// Turns bits to 0 where the data has them so.
    Program(Vec<Piece>),
    /// Sets all bits of the block with this offset to 1.
    Erase(u64),
}

impl Work {
    /// The status bit of its failure.
    fn failure(&self) -> u8 {
        match self {
            Self::Program(_) => SR_PROGRAM,
            Self::Erase(_) => SR_ERASE,
        }
    }
}

/// Why work is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The contents are not to change.
    Locked,
    /// The host could not keep the change, or it can't be.
    Failed,
}

/// The state of the chips.
#[derive(Clone, Debug, Default)]
pub struct Chips {
    reads: Reads,
    step: Step,
    errors: u8,
}

impl Chips {
    /// What reads give at present.
    pub fn reads(&self) -> Reads {
        self.reads
    }

    /// What each chip has at `word` of its own, as long as reads give no contents. `table` is the query table.
    pub fn read(&self, word: u64, table: &[u8]) -> u16 {
        match self.reads {
            // Who has the contents answers for them.
            Reads::Array => 0,
            Reads::Status => (SR_READY | self.errors).into(),
            Reads::Id => match word & 0xff {
                0 => MANUFACTURER,
                1 => DEVICE,
                // No block is locked.
                _ => 0,
            },
            Reads::Query => {
                let at = (word & 0xff).checked_sub(0x10).and_then(|at| table.get(at as usize));
                at.copied().unwrap_or(0).into()
            }
        }
    }

    /// Takes a write; `work` does to the contents what comes of it.
    pub fn write(&mut self, piece: Piece, work: impl FnOnce(&Work) -> Result<(), Refused>) {
        let command = piece.value as u8;
        match std::mem::take(&mut self.step) {
            Step::Command => self.command(command),
            Step::EraseConfirm if command == CONFIRM => self.finish(&Work::Erase(piece.offset), work),
            Step::Data => self.finish(&Work::Program(vec![piece]), work),
            Step::Lock | Step::Protection => {}
            Step::BufferCount if (piece.value as u16) < BUFFER_WORDS => {
                self.step = Step::Buffer { left: usize::from(piece.value as u16) + 1, pieces: Vec::new() };
            }
            Step::Buffer { left: 0, pieces } if command == CONFIRM => {
                self.finish(&Work::Program(pieces), work);
            }
            Step::Buffer { left: left @ 1.., mut pieces } => {
                pieces.push(piece);
                self.step = Step::Buffer { left: left - 1, pieces };
            }
            Step::EraseConfirm | Step::BufferCount | Step::Buffer { .. } => {
                self.errors |= SR_ERASE | SR_PROGRAM;
            }
        }
    }

    fn command(&mut self, command: u8) {
        let (step, reads) = match command {
            READ_ARRAY => (Step::Command, Reads::Array),
            READ_STATUS => (Step::Command, Reads::Status),
            READ_ID => (Step::Command, Reads::Id),
            READ_QUERY => (Step::Command, Reads::Query),
            ERASE => (Step::EraseConfirm, Reads::Status),
            PROGRAM | PROGRAM_OLD => (Step::Data, Reads::Status),
            BUFFERED_PROGRAM => (Step::BufferCount, Reads::Status),
            LOCK => (Step::Lock, Reads::Status),
            PROTECTION => (Step::Protection, Reads::Status),
            CLEAR_STATUS => {
                self.errors = 0;
                return;
            }
            // What the chips don't know, and what is there for operations that take time.
            _ => return,
        };
        (self.step, self.reads) = (step, reads);
    }

    fn finish(&mut self, what: &Work, work: impl FnOnce(&Work) -> Result<(), Refused>) {
        match work(what) {
            Ok(()) => {}
            Err(Refused::Locked) => self.errors |= what.failure() | SR_LOCKED,
            Err(Refused::Failed) => self.errors |= what.failure(),
        }
    }
}
