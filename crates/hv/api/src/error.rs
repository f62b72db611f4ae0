//! Why a backend could not do something.

/// One error type for all backends: what failed, and what the host or caller should know.
#[derive(Debug, thiserror::Error)]
pub enum HvError {
    /// The backend can't run on this host.
    #[error("backend {backend} is not available: {why}")]
    Unavailable {
        /// Name of the backend.
        backend: &'static str,
        /// The fact found on this host, and the fix.
        why: String,
    },
    /// The backend can't do what the configuration asks.
    #[error("backend {backend} can't do this: {what}")]
    Unsupported {
        /// Name of the backend.
        backend: &'static str,
        /// What was asked for, and who can do it.
        what: String,
    },
    /// An operating-system call failed.
    #[error("{what}: {source}")]
    Os {
        /// What was being done.
        what: String,
        /// The system's answer.
        #[source]
        source: std::io::Error,
    },
}
