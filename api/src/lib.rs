//! The HTTP API as a library: a server mounts [`routes`] and provides an [`Api`].
//!
//! | folder | what is in it |
//! |---|---|
//! | `routes/` | one module for each domain: its path, its parameters, what it asks the store and what it answers |
//! | `guards/` | what a request must pass before a route sees it: host check, same origin, content type, size. Rights are checked here |
//! | `forms/` | every JSON and CSV form: one type that both writes and reads it |
//! | `ingest/` | readings that come in: from bodies to messages, limits, keys of requests |
//! | `groups`, `selection` | many incidents at once: grouped, acknowledged, silenced |
//! | `requests/` | what people ask for in a body, checked: silences and acknowledgements |
//! | `response/` | how an answer is sent: ETag, compression, streaming of long answers; and how long requests take |
//!
//! Mount it with `routes(&api).recover(refuse)`, and send every answer through [`finished`].
//!
//! `openapi.json`, beside `src/`, describes every route.

#![warn(missing_docs)]

mod cached;
mod commanding;
mod context;
mod decoder_rules;
mod device_import;
mod device_rows;
mod device_types;
mod document;
mod error;
pub mod forms;
mod groups;
mod guards;
mod ingest;
mod query;
mod refuse;
mod requests;
mod resend;
mod response;
mod routes;
mod selection;
mod unserved;

pub use commanding::Commanding;
pub use context::{Api, DeviceBroker, Document, Heard, InputRules, Newest};
pub use decoder_rules::DecoderRules;
pub use device_import::{Existing, Imported, ImportedRow, Outcome, import_devices};
pub use device_rows::{MAX_IMPORTED, Row, read_json, read_table, write_json, write_table};
pub use document::OPENAPI;
pub use error::{ApiError, error_response};
pub use groups::{GroupBy, groups};
pub use guards::{Limits, Site, UNKNOWN_HOST, one_host, parameters, recognized};
pub use ingest::{Ingest, IngestLimits};
pub use query::Parameters;
pub use refuse::refuse;
pub use requests::{
    MAX_NAME_CHARS, MAX_REASON_CHARS, MAX_SILENCE_DAYS, RequestError, SilenceRequest, acknowledgement,
};
pub use resend::{ReadingPublisher, Resend, ResendAwaited};
pub use response::{Fixed, finished};
pub use routes::{ingest_routes, routes};
pub use selection::{
    MAX_ACKNOWLEDGED, MAX_NAMED, MAX_SILENCES, MAX_SILENCES_AT_ONCE, Selection, check_room, selected,
    silences_for,
};
pub use unserved::Unserved;
