//! What tests and drills run alike, each from its start to its proof: it panics where a promise does not hold.

pub mod commands;
pub mod http;
pub mod registry;
