//! What a vCPU has counted, for people who ask where its time went.

use std::borrow::Cow;

/// What a [`Statistic`] is a number of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Events or things.
    Count,
    /// Bytes.
    Bytes,
    /// Nanoseconds.
    Nanoseconds,
}

/// One number. Those of all vCPUs with the same name can be added up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statistic {
    /// What it is: words with dots between them, from the general to the special, as `jit.exits.link`.
    pub name: Cow<'static, str>,
    /// How many.
    pub value: u64,
    /// Of what.
    pub unit: Unit,
}

impl Statistic {
    /// A number of events or things.
    pub fn count(name: impl Into<Cow<'static, str>>, value: u64) -> Self {
        Self { name: name.into(), value, unit: Unit::Count }
    }
}
