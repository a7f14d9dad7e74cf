//! Readings: written in batches, each once; read in pages, in time buckets, or the newest of each series.

pub(crate) mod history;
pub(crate) mod postgres;
pub(crate) mod sqlite;
pub(crate) mod time_bucket;
pub(crate) mod write;
