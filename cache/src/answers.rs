//! Answers that were computed by one instance, and are good enough for another.

use std::time::Duration;

use crate::Cache;

/// An answer, and for how much longer it is stored, in milliseconds.
const STORED: &str = "return {redis.call('GET', KEYS[1]), redis.call('PTTL', KEYS[1])}";

/// An answer that an instance has stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// What it says.
    pub text: String,
    /// For how much longer it is stored.
    pub lasts: Duration,
}

impl Cache {
    /// The answer that is stored under this key. None while the server is away, too.
    pub async fn stored(&self, key: &str) -> Option<Stored> {
        let mut command = redis::cmd("EVAL");
        command.arg(STORED).arg(1).arg(name(key));
        let (text, lasts): (Option<String>, i64) = self.connection.ask(&command).await?;
        Some(Stored { text: text?, lasts: Duration::from_millis(u64::try_from(lasts).ok()?) })
    }

    /// Stores an answer for a time; not while the server is away.
    pub async fn store(&self, key: &str, text: &str, lasts: Duration) {
        let millis = u64::try_from(lasts.as_millis()).unwrap_or(u64::MAX).max(1);
        let mut command = redis::cmd("SET");
        command.arg(name(key)).arg(text).arg("PX").arg(millis);
        // Whoever asks next computes it anew.
        let _: Option<String> = self.connection.ask(&command).await;
    }
}

fn name(key: &str) -> String {
    format!("millrace:answers:{key}")
}
