//! Logins at an identity provider by OpenID Connect, and the tokens that it issues.
//!
//! | module | what is in it |
//! |---|---|
//! | `config` | the settings in `access.oidc` |
//! | `http` | the client that asks the provider |
//! | `provider` | where the provider's endpoints and keys are, as it says, kept for an hour |
//! | `attempt` | what a browser keeps while its person is at the provider |
//! | `login` | a login: the authorization code flow with PKCE |
//! | `tokens` | tokens that programs send |
//!
//! What the claims mean is decided in `access`.

#![warn(missing_docs)]

mod attempt;
mod claims;
mod config;
mod http;
mod login;
mod provider;
mod tokens;

use std::sync::Arc;

use telemetry::Clock;

pub use config::Config;
pub use login::{Answer, Begun, LoggedIn, LoginError};

use crate::attempt::UsedStates;
use crate::http::Http;
use crate::provider::Provider;

/// The seconds in which a login must be completed.
pub const LOGIN_SECONDS: u64 = attempt::LASTS.as_secs();

/// The identity provider. Cheap to clone: clones share what they know.
#[derive(Clone)]
pub struct Oidc {
    inner: Arc<Inner>,
}

struct Inner {
    config: Config,
    /// Where people reach the page, without a trailing slash.
    page: String,
    http: Http,
    provider: Provider,
    used: UsedStates,
    clock: Arc<dyn Clock>,
}

impl Oidc {
    /// The provider of these settings, for a page at this address. Nothing is asked of it yet: it may be away.
    ///
    /// # Errors
    /// The machine's certificates cannot be read.
    pub fn new(config: Config, page: &str, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let http = Http::new()?;
        let provider = Provider::new(config.issuer.clone(), http.clone());
        let (page, used) = (page.trim_end_matches('/').to_owned(), UsedStates::default());
        Ok(Self { inner: Arc::new(Inner { config, page, http, provider, used, clock }) })
    }

    /// What people know the provider as.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.config.name
    }

    /// Where a browser begins a login: under the one name to which the provider sends it back.
    #[must_use]
    pub fn start(&self) -> String {
        format!("{}/api/session/oidc", self.inner.page)
    }

    /// Where the page is.
    #[must_use]
    pub fn home(&self) -> String {
        format!("{}/", self.inner.page)
    }

    /// Where the provider sends the browser back to.
    fn callback(&self) -> String {
        format!("{}/callback", self.start())
    }
}
