//! The words on the wire: where a reading is published, what its payload holds and how readings are gathered.
//!
//! This crate is pure: it knows no broker, database or task. What time it is comes in as a [`Clock`] or a time.
//!
//! A payload is decoded once, where a message comes in; everything behind that is handed readings.
//!
//! ```
//! use telemetry::Message;
//!
//! let message = Message {
//!     topic: "temperature/lab".into(),
//!     payload: r#"[{"value": 23.5, "unit": "celsius"}, {"unit": "celsius"}]"#.into(),
//!     received_at: "2026-01-15T10:30:01Z".parse()?,
//! };
//! let decoded = message.decode();
//! assert_eq!(decoded.readings[0].series.device(), "lab");
//! assert_eq!(decoded.readings[0].value, 23.5);
//! assert_eq!(decoded.rejected[0].reason, "reading 2 of 2: there is no value");
//! # Ok::<(), jiff::Error>(())
//! ```
#![warn(missing_docs)]

mod announcements;
mod attribute;
mod batch;
mod clock;
mod decode;
mod element;
mod filter;
mod hash;
mod inputs;
mod journal;
mod limits;
mod mapping;
mod message;
mod number_set;
pub mod packing;
mod payload;
mod quota;
mod reading;
mod scope;
mod series;
pub mod text;
pub mod time;
mod unit;
mod unmapped;
mod uplink;
mod words;

pub use announcements::{
    Alias, Announced, Announcement, Announcements, Learned, MAX_VERSIONS, announces, is_subject,
};
pub use attribute::{Attribute, MAX_ATTRIBUTE_CHARS};
pub use batch::{Batcher, Limits, Size};
pub use clock::{
    CLOCK_SLACK, Clock, ClockRun, ClockRuns, MAX_CLOCK_RUNS, STAMP_LANES, SteadyClock, SystemClock, is_ahead,
    lane_of,
};
pub use element::element_in;
pub use filter::{Filter, FilterError, covers};
pub use hash::{fnv1a_64, fnv1a_64_of_parts};
pub use inputs::{Inputs, RESERVED};
pub use journal::{Gone, GoneNumbers, JournalRun, UplinkReceipt, UplinkReport};
pub use limits::{MAX_CLOCK_AHEAD, MAX_PAYLOAD_BYTES, MAX_READINGS};
pub use mapping::{
    Asked, ExtendError, Extended, FirmwareAnswer, FirmwareCommand, MAX_ADDED_BYTES, Mapped, MappingError,
    Mappings, PRESETS, Preset, Publisher, RuleName, SparkplugGaps, Suggestion, extend, suggest,
};
pub use message::{Decoded, Message, Metadata, Rejected, awaited_subject, device_subject};
pub use number_set::NumberSet;
pub use payload::{MAX_SEQ, MAX_UNIT_BYTES};
pub use quota::SeriesQuota;
pub use reading::{Reading, to_payload, to_payloads};
pub use scope::Scope;
pub use series::{CollectedMetrics, MAX_LEVEL_CHARS, MAX_TOPIC_BYTES, Series, TopicError};
pub use unit::Unit;
pub use unmapped::{Unmapped, UnmappedGroup};
pub use uplink::{MAX_UPLINK_RANGES, UPLINK, UplinkBatch, UplinkError, uplink_edge, uplink_topic};
pub use words::{Words, metrics_with_words, word_for, words_of};
