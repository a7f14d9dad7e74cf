//! What pages count.

/// What is counted over all devices that a viewer sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Counts {
    /// Open incidents.
    pub(crate) open: u64,
    /// Open incidents that are acknowledged.
    pub(crate) acknowledged: u64,
    /// Open incidents that are silenced, and not acknowledged.
    pub(crate) silenced: u64,
    /// Rejected payloads that were not resent.
    pub(crate) rejected: u64,
}
