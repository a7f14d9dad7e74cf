//! What the identity provider says of itself: its endpoints and its keys.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use anyhow::anyhow;
use openidconnect::core::CoreProviderMetadata;
use openidconnect::{IssuerUrl, JsonWebKey as _, JsonWebKeyId};
use tracing::{debug, warn};

use crate::http::{Http, causes};

/// It is asked again after this time, so that a key that it has withdrawn is not accepted for long.
const KEPT_FOR: Duration = Duration::from_secs(60 * 60);

/// A key that is not known, and an answer that failed, are asked for once in this time.
const ASK_EVERY: Duration = Duration::from_secs(60);

/// A provider that never answered is asked again after this time.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(2);

/// The identity provider.
pub(crate) struct Provider {
    issuer: IssuerUrl,
    http: Http,
    known: Mutex<Known>,
    /// One request at a time.
    asking: tokio::sync::Mutex<()>,
}

/// What it has said.
#[derive(Clone, Default)]
struct Known {
    /// With the time at which it said so.
    metadata: Option<(Arc<CoreProviderMetadata>, Instant)>,
    asked_at: Option<Instant>,
    /// Why it did not answer the last time.
    problem: String,
}

impl Known {
    /// Whether it is to be asked, where this key is wanted.
    fn is_due(&self, key: Option<&str>, now: Instant) -> bool {
        let asked_before = |time| self.asked_at.is_none_or(|at| now.saturating_duration_since(at) >= time);
        match &self.metadata {
            None => asked_before(ASK_AGAIN_AFTER),
            Some((metadata, at)) => {
                let is_old = now.saturating_duration_since(*at) >= KEPT_FOR;
                let is_unknown = key.is_some_and(|key| !has_key(metadata, key));
                (is_old || is_unknown) && asked_before(ASK_EVERY)
            }
        }
    }

    fn metadata(&self) -> anyhow::Result<Arc<CoreProviderMetadata>> {
        let known = self.metadata.as_ref().map(|(metadata, _)| metadata.clone());
        known.ok_or_else(|| anyhow!("the identity provider does not answer: {}", self.problem))
    }
}

fn has_key(metadata: &CoreProviderMetadata, id: &str) -> bool {
    let id = JsonWebKeyId::new(id.to_owned());
    metadata.jwks().keys().iter().any(|key| key.key_id() == Some(&id))
}

impl Provider {
    pub(crate) fn new(issuer: IssuerUrl, http: Http) -> Self {
        Self { issuer, http, known: Mutex::default(), asking: tokio::sync::Mutex::default() }
    }

    /// The issuer, as it names itself.
    pub(crate) fn issuer(&self) -> &IssuerUrl {
        &self.issuer
    }

    /// Its endpoints and keys; it is asked again where this key is not among them, at most once a minute.
    ///
    /// # Errors
    /// It has never answered, and does not now.
    pub(crate) async fn metadata(&self, key: Option<&str>) -> anyhow::Result<Arc<CoreProviderMetadata>> {
        let known = self.known().clone();
        if !known.is_due(key, Instant::now()) {
            return known.metadata();
        }
        let _one = match (self.asking.try_lock(), &known.metadata) {
            (Ok(one), _) => one,
            // Nobody waits for an answer that may be no news.
            (Err(_), Some((metadata, _))) => return Ok(metadata.clone()),
            (Err(_), None) => self.asking.lock().await,
        };
        if self.known().is_due(key, Instant::now()) {
            self.ask().await;
        }
        self.known().metadata()
    }

    async fn ask(&self) {
        self.known().asked_at = Some(Instant::now());
        match CoreProviderMetadata::discover_async(self.issuer.clone(), &self.http).await {
            Ok(metadata) => {
                debug!(issuer = self.issuer.as_str(), "read what the identity provider says of itself");
                self.known().metadata = Some((Arc::new(metadata), Instant::now()));
            }
            Err(e) => {
                let problem = causes(&e);
                warn!("the identity provider does not answer: {problem}; users with a password can log in");
                self.known().problem = problem;
            }
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().expect("no code panics while it holds this")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn metadata(key: &str) -> CoreProviderMetadata {
        let url = "https://id.example.org";
        let metadata: CoreProviderMetadata = serde_json::from_value(json!({
            "issuer": url, "authorization_endpoint": url, "jwks_uri": url, "response_types_supported": ["code"],
            "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["RS256"],
        }))
        .unwrap();
        let keys = json!({ "keys": [{ "kty": "RSA", "kid": key, "n": "AQAB", "e": "AQAB" }] });
        metadata.set_jwks(serde_json::from_value(keys).unwrap())
    }

    #[test]
    fn a_provider_is_asked_again_for_an_unknown_key_once_a_minute_and_for_all_once_an_hour() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let known = Known {
            metadata: Some((Arc::new(metadata("a")), start)),
            asked_at: Some(start),
            problem: String::new(),
        };
        for (key, after, due) in [
            (Some("a"), 60, false),
            (Some("b"), 59, false),
            (Some("b"), 60, true),
            (None, 3_599, false),
            (None, 3_600, true),
            (Some("a"), 3_600, true),
        ] {
            assert_eq!(known.is_due(key, start + second * after), due, "{key:?} after {after} s");
        }
        let failed = Known { asked_at: Some(start + second * 3_600), ..known };
        assert!(!failed.is_due(None, start + second * 3_659), "it did not answer a minute ago");
        assert!(failed.is_due(None, start + second * 3_660));
        assert!(failed.metadata().is_ok(), "what it said before counts");
    }

    #[test]
    fn a_provider_that_never_answered_is_asked_every_few_seconds() {
        let start = Instant::now();
        let mut known = Known::default();
        assert!(known.is_due(None, start));
        (known.asked_at, known.problem) = (Some(start), "nobody is there".into());
        assert!(!known.is_due(Some("a"), start + Duration::from_secs(1)));
        assert!(known.is_due(None, start + ASK_AGAIN_AFTER));
        assert!(known.metadata().unwrap_err().to_string().contains("nobody is there"));
    }
}
