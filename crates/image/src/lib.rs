//! Debian packages from a mirror, and what it takes to make a machine's disk of them.
//!
//! [`mirror`] finds the host's own mirror, [`release`] and [`package`] read its lists (checked by signature and sum),
//! [`resolve`] says which packages belong together, [`fetch`] brings them, [`archive`] looks into them, and [`seed`]
//! makes the two things a guest needs that builds the disk from them: a ramdisk and a disk of packages. [`first_boot`]
//! makes the small disk that tells a new machine its name, and [`root`] finds the kernel on a finished disk.
#![forbid(unsafe_code)]

pub mod archive;
mod error;
pub mod fetch;
pub mod first_boot;
pub mod mirror;
pub mod package;
mod partitions;
pub mod recipe;
pub mod release;
pub mod resolve;
pub mod root;
pub mod seed;
mod volume;

pub use error::ImageError;

/// The result of everything here.
pub type Result<T> = std::result::Result<T, ImageError>;
