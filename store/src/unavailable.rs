//! The one error of the store.

/// The store did not answer, and why.
///
/// Keep what you have, back off and try again: the call changed nothing.
#[derive(Debug, thiserror::Error)]
#[error("the store is not available: {0:#}")]
pub struct Unavailable(#[from] pub anyhow::Error);

/// What a call of the store returns.
pub type Result<T, E = Unavailable> = std::result::Result<T, E>;
