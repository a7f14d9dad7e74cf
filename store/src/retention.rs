//! Deletes what is older than it has to be, of all domains.

pub(crate) mod postgres;
pub(crate) mod sqlite;
