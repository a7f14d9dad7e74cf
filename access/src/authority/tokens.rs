//! Signed tokens for programs.

use std::net::IpAddr;

use jiff::Timestamp;
use serde_json::Value;
use store::Via;

use super::{Authority, Problem};
use crate::caller::Caller;

impl Authority {
    /// A signed token for a caller, which does as much as the caller and ends soon; returns it with its end.
    ///
    /// # Errors
    /// The caller is recognised by a token already, or there is no user at all, or the store does not answer.
    pub async fn token(&self, caller: &Caller) -> Result<(String, Timestamp), Problem> {
        match caller.via {
            Via::Open => Err(Problem::Conflict("there are no users yet: everyone may do everything".into())),
            // Otherwise one that leaked could be renewed for ever.
            Via::Token => {
                Err(Problem::NotAllowed("a token gets no other token: ask with a key or a password".into()))
            }
            _ => Ok(self.inner.tokens.sign(self.inner.store.as_ref(), caller, self.now()).await?),
        }
    }

    /// A signed token for a name and a password.
    ///
    /// # Errors
    /// As [`log_in`](Self::log_in).
    pub async fn token_for_password(
        &self,
        username: &str,
        password: &str,
        address: Option<IpAddr>,
    ) -> Result<(String, Timestamp), Problem> {
        let user = self.authenticate(username, password, address).await?;
        let caller = Caller::person(user, None, address);
        self.token(&caller).await
    }

    /// The public keys of tokens, as a JSON Web Key Set.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn public_keys(&self) -> Result<Value, Problem> {
        Ok(self.inner.tokens.public(self.inner.store.as_ref(), self.now()).await?)
    }
}
