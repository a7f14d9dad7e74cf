//! What instances share through Valkey (or Redis): how many requests a caller has left, and answers that may be some minutes old.
//!
//! Nothing rests on it. A server that is away or slow costs a request 50 ms once, and then nothing until it is back;
//! meanwhile each process counts for itself.

#![warn(missing_docs)]

mod answers;
mod connection;
mod rate;

use service::{Context, SettingError};

use crate::connection::Connection;

pub use answers::Stored;
pub use rate::Taken;

/// What instances share. Cheap to clone.
#[derive(Clone)]
pub struct Cache {
    connection: Connection,
}

impl Cache {
    /// The cache of the setting `cache.url`; None where it is empty. It connects in the background, until the context's
    /// stop.
    ///
    /// # Errors
    /// The setting is not a URL of Valkey.
    pub fn from_settings(context: &Context) -> Result<Option<Self>, SettingError> {
        let url: String = context.settings.get("cache.url")?;
        if url.is_empty() {
            return Ok(None);
        }
        let form =
            || SettingError::new("cache.url", "write redis://HOST:6379 or redis://:PASSWORD@HOST:6379");
        let is_plain = url.starts_with("redis://") || url.starts_with("valkey://");
        let client = is_plain.then(|| redis::Client::open(url).ok()).flatten().ok_or_else(form)?;
        Ok(Some(Self { connection: Connection::start(client, &context.metrics, context.stop.clone()) }))
    }
}
