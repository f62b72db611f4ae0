//! Why a file can't be what the machine starts from.

/// A file that can't be loaded: which, and what is wrong with it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("can't load {name}: {fault}")]
pub struct LoadError {
    /// The file as the user named it.
    pub name: String,
    /// What is wrong.
    #[source]
    pub fault: Fault,
}

/// What is wrong with a file, and one way out.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Fault {
    /// Zero bytes.
    #[error("the file is empty; pass one with contents")]
    Empty,
    /// The file ends before what its header promises.
    #[error("the {what} is cut short: it needs {need} bytes and the file has {have}; copy it again")]
    Truncated {
        /// Which format or part.
        what: &'static str,
        /// Bytes that must be there.
        need: u64,
        /// Bytes that are there.
        have: u64,
    },
    /// Inconsistent contents.
    #[error("the {what} is damaged ({why}); copy or build it again")]
    Corrupt {
        /// Which format or part.
        what: &'static str,
        /// What does not add up.
        why: String,
    },
    /// Code for another instruction set.
    #[error("this is {what}, and armlet runs ARM code; use the arm64 build")]
    Foreign {
        /// Architecture and format, with its article: `an x86-64 ELF`.
        what: String,
    },
    /// A big-endian kernel or program.
    #[error("this {0} is big-endian, which armlet does not run; use a little-endian build")]
    BigEndian(&'static str),
    /// Something recognised that is not a kernel or program.
    #[error("this is {what}, not a kernel or program; {fix}")]
    NotAKernel {
        /// What it is, with its article.
        what: &'static str,
        /// What to do with it.
        fix: &'static str,
    },
    /// A compressed kernel of a method nobody here unpacks.
    #[error(
        "the kernel is compressed with {0:?}, and armlet unpacks gzip, zstd, xz and lzma; unpack it first"
    )]
    Compression(String),
    /// A compressed file that unpacks to more than any kernel has.
    #[error("the {what} unpacks to more than {limit} MiB, more than any kernel; check the file")]
    Bomb {
        /// Which format.
        what: &'static str,
        /// The limit in MiB.
        limit: u64,
    },
    /// It would lie outside guest memory.
    #[error(
        "its {what} would lie at {start:#x}-{end:#x}, but guest memory is {ram_start:#x}-{ram_end:#x}; {fix}"
    )]
    DoesNotFit {
        /// Which part.
        what: &'static str,
        /// First guest physical address.
        start: u64,
        /// First address after it.
        end: u64,
        /// Start of guest memory.
        ram_start: u64,
        /// First address after guest memory.
        ram_end: u64,
        /// What to do.
        fix: &'static str,
    },
    /// A load or entry address that this kind of file can't have.
    #[error("{what} {address:#x} can't be used: {why}")]
    BadAddress {
        /// Which address.
        what: &'static str,
        /// Its value.
        address: u64,
        /// Why, and what would do.
        why: String,
    },
}
