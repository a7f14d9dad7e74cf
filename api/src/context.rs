//! What the routes answer from.

use std::collections::BTreeMap;
use std::sync::Arc;

use access::Authority;
use cache::Cache;
use jiff::Timestamp;
use oidc::Oidc;
use prometheus_client::metrics::counter::Counter;
use store::Store;
use telemetry::{Clock, Inputs, Scope};
use tokio_util::sync::CancellationToken;

use crate::commanding::Commanding;
use crate::error::ApiError;
use crate::forms::{self, Broker};
use crate::guards::{Limits, Site};
use crate::ingest::Ingest;
use crate::resend::Resend;

/// What the routes answer from.
#[derive(Clone)]
pub struct Api {
    /// The store that is read and changed.
    pub store: Arc<dyn Store>,
    /// The same store for long reads, with readers of its own.
    pub history: Arc<dyn Store>,
    /// The same store for incidents and silences, with readers of its own.
    pub alerts: Arc<dyn Store>,
    /// Who may do what.
    pub access: Authority,
    /// Where people may log in, too.
    pub oidc: Option<Oidc>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// The rows of `GET /api/series`.
    pub series: Arc<dyn Newest>,
    /// The answer of `GET /api/pipeline`.
    pub pipeline: Arc<dyn Document>,
    /// The answer of `GET /api/broker`.
    pub broker: Arc<dyn DeviceBroker>,
    /// The rules by which messages are read.
    pub inputs: Arc<dyn InputRules>,
    /// Publishes rejected payloads again.
    pub resend: Resend,
    /// Where readings go that come in over HTTP.
    pub ingest: Ingest,
    /// Records what devices answer to commands.
    pub commanding: Commanding,
    /// The names under which the API answers.
    pub site: Site,
    /// Through what instances share how many requests a caller has left.
    pub cache: Option<Cache>,
    /// How long a request may take.
    pub limits: Limits,
    /// Counts long answers that were cut off because the store could no longer be read.
    pub aborted: Counter,
    /// Ends long answers when it is cancelled.
    pub stop: CancellationToken,
}

/// What was heard of a device.
#[derive(Debug, Clone)]
pub struct Heard {
    /// When its newest reading was measured.
    pub last_seen: Timestamp,
    /// The newest reading of each of its series.
    pub series: Vec<forms::Series<'static>>,
}

/// The newest reading of each series, which the mounting program keeps up to date.
pub trait Newest: Send + Sync {
    /// A page of at most `limit` series of these devices, those after this one; `None` while it is not known which are
    /// stored.
    fn page(&self, scope: &Scope, after: Option<&telemetry::Series>, limit: usize) -> Option<String>;

    /// The devices of a scope that were heard, by name; `None` while it is not known which are stored.
    fn devices(&self, scope: &Scope) -> Option<BTreeMap<String, Heard>>;

    /// One device, if it was heard.
    fn device(&self, name: &str) -> Option<Heard>;

    /// Forgets what was received of a device up to a time.
    fn forget(&self, name: &str, at: Timestamp);
}

/// The broker that devices publish to.
pub trait DeviceBroker: Send + Sync {
    /// How devices reach it, and what is wrong with them now.
    fn form(&self) -> Broker;

    /// The connection by which a device speaks; `users` are those of its credentials. None where it is not connected, or
    /// where this process cannot know it.
    fn connection(&self, device: &str, users: &[String]) -> Option<forms::Connection> {
        let _ = (device, users);
        None
    }

    /// The rules by which commands are sent to devices of other firmware; None where this broker sends none of them.
    fn firmware(&self) -> Option<Arc<Inputs>> {
        None
    }
}

impl DeviceBroker for Broker {
    fn form(&self) -> Broker {
        self.clone()
    }
}

/// A JSON document that the mounting program keeps up to date.
pub trait Document: Send + Sync {
    /// The document as it is now.
    fn json(&self) -> String;
}

/// The rules by which messages are read, which the mounting program keeps.
pub trait InputRules: Send + Sync {
    /// The answer of `GET /api/inputs`.
    fn inputs(&self) -> forms::Inputs;

    /// The words for values that rules of the user have.
    fn words(&self) -> telemetry::Words;

    /// Adds rules, as TOML, which are in force when it returns. May block for as long as a file takes to be written.
    ///
    /// # Errors
    /// The rules are wrong, or cannot be added here: nothing has changed.
    fn add(&self, rules: &str) -> Result<forms::AddedRules, ApiError>;
}
