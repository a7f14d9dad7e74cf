//! What a browser keeps in a cookie while its person is at the identity provider: it binds the login to this browser.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How long a person may take at the provider.
pub(crate) const LASTS: Duration = Duration::from_secs(10 * 60);

/// Bytes of the address to return to, at most: a cookie has 4096 in all.
const MAX_RETURN_BYTES: usize = 1024;

/// Where one returns to who names nothing better.
const HOME: &str = "/";

/// A login that was begun.
#[derive(Serialize, Deserialize)]
pub(crate) struct Attempt {
    pub(crate) state: String,
    pub(crate) nonce: String,
    /// The secret of PKCE (RFC 7636).
    pub(crate) verifier: String,
    pub(crate) return_to: String,
    /// When it was begun, in seconds.
    pub(crate) begun_at: i64,
}

impl Attempt {
    pub(crate) fn cookie(&self) -> String {
        BASE64URL.encode(serde_json::to_vec(self).expect("texts and numbers are JSON"))
    }

    /// The attempt of a cookie; None where it is none, or was begun too long ago.
    pub(crate) fn read(cookie: &str, now: Timestamp) -> Option<Self> {
        let attempt: Self = serde_json::from_slice(&BASE64URL.decode(cookie).ok()?).ok()?;
        let age = now.as_second().checked_sub(attempt.begun_at)?;
        // A clock that was set back is no reason to refuse.
        let limit = i64::try_from(LASTS.as_secs()).unwrap_or(i64::MAX);
        (age.abs() < limit).then_some(attempt)
    }
}

/// A path on this site: anything else leads home, so that nobody is sent elsewhere after a login.
pub(crate) fn local(path: Option<&str>) -> String {
    let path = path.unwrap_or(HOME);
    // A browser takes `/\` for `//`, and drops control characters.
    let is_here = path.starts_with('/') && !path.starts_with("//") && !path.contains('\\');
    let is_plain = path.len() <= MAX_RETURN_BYTES && path.chars().all(|c| c.is_ascii_graphic());
    if is_here && is_plain { path.to_owned() } else { HOME.to_owned() }
}

/// The states of logins that were completed, while their cookies may still be about.
#[derive(Default)]
pub(crate) struct UsedStates(Mutex<HashMap<String, Instant>>);

impl UsedStates {
    /// Notes that a login is completed; false if it was before.
    pub(crate) fn take(&self, state: &str) -> bool {
        let (mut used, now) = (self.0.lock().expect("no code panics while it holds this"), Instant::now());
        used.retain(|_, at| now.saturating_duration_since(*at) < 2 * LASTS);
        used.insert(state.to_owned(), now).is_none()
    }

    /// Whether a login with this state was completed.
    pub(crate) fn has(&self, state: &str) -> bool {
        self.0.lock().expect("no code panics while it holds this").contains_key(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_returns_to_this_site_alone() {
        for path in ["/", "/#users", "/?a=b#sensors/lab", "/a/b"] {
            assert_eq!(local(Some(path)), path);
        }
        let long = format!("/{}", "x".repeat(2_000));
        for path in [
            "//evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "evil.example",
            "/\t/evil.example",
            "/\r\nset-cookie: a=b",
            "/é",
            "",
            "@evil.example",
            ".evil.example",
            &long,
        ] {
            assert_eq!(local(Some(path)), "/", "{path:?}");
        }
        assert_eq!(local(None), "/");
    }

    #[test]
    fn an_attempt_is_read_back_until_it_is_over() {
        let (state, nonce, verifier) = ("s".to_owned(), "n".to_owned(), "v".to_owned());
        let cookie =
            Attempt { state, nonce, verifier, return_to: "/#users".into(), begun_at: 1_000 }.cookie();
        let at = |second| Attempt::read(&cookie, Timestamp::from_second(second).unwrap());
        assert_eq!(at(1_599).unwrap().return_to, "/#users");
        assert!(at(1_600).is_none() && at(100).is_none());
        for wrong in ["", "e30", "x y", &cookie[1..]] {
            assert!(Attempt::read(wrong, Timestamp::from_second(1_000).unwrap()).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_state_is_used_once() {
        let used = UsedStates::default();
        assert!(!used.has("a") && used.take("a") && used.has("a"));
        assert!(!used.take("a") && used.take("b"));
    }
}
