//! The database of Millrace: every reading is stored exactly once, and can be read back.
//!
//! A write that returns is on disk. A write that fails changed nothing and may be repeated.
//!
//! Each domain has a folder with its types, its trait and its statements for SQLite (one file, at the edge) and PostgreSQL
//! (in the cluster):
//!
//! - `readings`: readings, written in batches and read in pages, in time buckets, or the newest of each series
//! - `series`: the number that a series has in the tables
//! - `rejections`: messages that are no readings
//! - `ledger`: which numbered readings of a device are missing
//! - `alerting`: incidents, alert states, notifications with their outbox, silences
//! - `clock_runs`: when the clock that gives stamps was wrong
//! - `announcements`: what devices announced about their later messages
//! - `attributes`: what devices say of themselves in words
//! - `registry`: devices that people know, what they log in with, and which were forgotten
//! - `idempotency`: what requests with an `Idempotency-Key` were answered
//! - `commands`: what people ask devices to do, and what devices should be
//! - `access`: users, sessions, keys, and the audit of every change
//! - `notices`: what Millrace has to tell about itself
//! - `journal`: the numbers by which an edge forwards what it stored
//! - `uplinks`: what edges have forwarded here
//! - `leases`: jobs that one process at a time may do
//! - `retention`: what is deleted when it is old
//! - `rollups`: what the readings of each minute, hour and day come to
//!
//! `engine` has what all of them need: connections, transactions, migrations, column types.

#![warn(missing_docs)]

mod access;
mod alerting;
mod announcements;
mod attributes;
mod clock_runs;
mod commands;
mod engine;
mod idempotency;
mod journal;
mod leases;
mod ledger;
mod location;
mod micros;
mod notices;
mod readings;
mod registry;
mod rejections;
mod retention;
mod rollups;
mod series;
mod text_codec;
mod unavailable;
mod uplinks;

pub use access::audit::{
    AuditOutcome, AuditQuery, AuditRecord, BrokenChain, Head, NewRecord, Via, sha256, sha256_of,
};
pub use access::keys::ApiKey;
pub use access::sessions::{MAX_SESSIONS, Session};
pub use access::token_keys::TokenKey;
pub use access::users::User;
pub use access::{AccessStore, Change, Role};
pub use alerting::Alerting;
pub use alerting::alert_states::{AlertState, OrderKey, Phase};
pub use alerting::conditions::{Condition, ConditionKind};
pub use alerting::incidents::{
    Acknowledgement, Changes, End, Incident, IncidentCursor, IncidentCursorError, IncidentQuery,
    IncidentSummary, Incidents, Severity, Transition,
};
pub use alerting::notifications::{Address, Channel, DeliveryStatus, Notification, NotificationKind};
pub use alerting::outbox::{
    Attempt, Decisions, Deferral, DueNotifications, DueQuery, Known, LongestWaits, NewMessage, Notifications,
    OutgoingMessage, Postponed, QueuedMessage, Reminder,
};
pub use alerting::silences::{RuleInstance, Silence, SilenceIndex, Silences};
pub use announcements::AnnouncementStore;
pub use attributes::{ATTRIBUTE_SEEN_EVERY, AttributeStore};
pub use clock_runs::ClockHistory;
pub use commands::change::{Cancelled, DESIRED};
pub use commands::ends::{CommandResult, Recorded};
pub use commands::query::CommandQuery;
pub use commands::state::{Command, CommandCounts, CommandJob, CommandState, JobCounts};
pub use commands::twins::{NewDesired, Twin};
pub use commands::{Commands, MAX_OPEN_COMMANDS, MAX_TWINS};
pub use engine::postgres::{Postgres, PostgresUrl, PostgresUrlError};
pub use engine::sqlite::Sqlite;
pub use idempotency::{IdempotencyKeys, KeptAnswer, KeyedRequest, MAX_FORGOTTEN_KEYS};
pub use journal::{Journal, JournalProgress, Journaled, Journals};
pub use leases::{Lease, Leases};
pub use ledger::{Boot, DELAYED_AFTER, Ledger, LedgerQuery, MAX_MISSING_RANGES};
pub use location::{Location, OwnReaders, Store, open};
pub use notices::{MAX_NOTICES, Notice, Notices};
pub use readings::history::{
    Bucket, Cursor, CursorError, History, Latest, Page, ReadingQuery, StoredReading, TimeRange,
};
pub use readings::time_bucket::TimeBuckets;
pub use readings::write::{Batch, ReadingStore, Written};
pub use registry::aliases::{Alias, MAX_ALIASES, MAX_ALIASES_OF_DEVICE, Renaming};
pub use registry::credentials::{Credential, MAX_CREDENTIALS};
pub use registry::devices::{Device, MAX_DEVICES};
pub use registry::forgotten::{Forgetting, Forgotten, MAX_FORGOTTEN_DEVICES};
pub use registry::lifecycle::Lifecycle;
pub use registry::types::{DeviceType, MAX_TYPES};
pub use registry::{Registry, RegistryHead};
pub use rejections::{
    ANY_TEXT, Awaited, MAX_DISMISSED, MAX_GROUPS, MAX_STORED_PAYLOAD, PREVIEW_BYTES, RejectedMessage,
    Rejection, RejectionCursor, RejectionGroup, RejectionQuery, RejectionQuota, RejectionSelection,
    Rejections, group_rejections,
};
pub use retention::RetentionClock;
pub use rollups::{RolledUp, Summaries, Summary};
pub use text_codec::TextCodec;
pub use unavailable::{Result, Unavailable};
pub use uplinks::{UplinkRun, Uplinks};

/// The database's file in the data folder.
pub const FILE: &str = "millrace.db";
