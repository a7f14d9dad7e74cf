//! Keeps every reading once, and answers what was kept.
//!
//! A write that returns is on disk. A write that fails changed nothing and may be repeated.

pub mod answer;
mod history;
mod incident;
mod ledger;
mod location;
mod notification;
mod rejection;
mod request;
mod sqlite;
mod text_codec;
mod time_bucket;
mod timescale;
mod write;

pub use history::{
    Bucket, Cursor, CursorError, History, Latest, Page, ReadingQuery, StoredReading, TimeRange,
};
pub use incident::{
    Acknowledgement, Address, AlertState, Changes, Channel, Condition, ConditionKind, End, Incident,
    IncidentQuery, Incidents, Lease, OrderKey, Phase, Severity, Transition,
};
pub use ledger::{Boot, LATE, Ledger, LedgerQuery, MAX_MISSING_RANGES};
pub use location::{Location, Store, open};
pub use notification::{
    Attempt, Decisions, Deferral, DeliveryStatus, NewMessage, Notification, NotificationKind,
    OutgoingMessage, Postponed, Reminder, Silence,
};
pub use rejection::{RejectedMessage, Rejection, RejectionQuery, Rejections};
pub use request::{MAX_NAME_CHARS, MAX_REASON_CHARS, MAX_SILENCE_DAYS, RequestError, SilenceRequest};
pub use sqlite::Sqlite;
pub use timescale::{PostgresUrl, PostgresUrlError, Timescale};
pub use write::{Batch, ReadingStore, Written};

/// The database's file in the data folder.
pub const FILE: &str = "millrace.db";

/// Why the store did not answer.
///
/// Deferral what you have, back off and try again: nothing was changed by the call.
#[derive(Debug, thiserror::Error)]
#[error("the store is not available: {0:#}")]
pub struct Unavailable(#[from] pub anyhow::Error);

pub type Result<T> = std::result::Result<T, Unavailable>;
