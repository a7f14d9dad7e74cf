//! The OpenAPI document.

/// The OpenAPI document of every route, those of the mounting programs included.
pub const OPENAPI: &str = include_str!("../openapi.json");
