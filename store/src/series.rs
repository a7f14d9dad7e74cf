//! The number that a series has in the tables, in place of its device and metric.

pub(crate) mod postgres;
pub(crate) mod sqlite;
