//! The words on the wire: where a reading is published, what it says and how readings are gathered.
//!
//! Pure: knows no broker, database, task or time of day.

mod batch;
mod element;
mod filter;
mod message;
mod payload;
mod reading;
mod series;

pub use batch::{Batcher, Limits, Size};
pub use filter::{Filter, FilterError};
pub use message::{Decoded, MAX_CLOCK_AHEAD, MAX_PAYLOAD_BYTES, MAX_READINGS, Message, Rejected};
pub use payload::{MAX_SEQ, MAX_UNIT_BYTES};
pub use reading::Reading;
pub use series::{CollectedMetrics, MAX_LEVEL_CHARS, MAX_TOPIC_BYTES, Series, TopicError};
