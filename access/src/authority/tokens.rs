//! Signed tokens for programs.

use std::net::IpAddr;

use jiff::Timestamp;
use serde_json::Value;
use store::{Change, Via};

use super::{Authority, Deed, Problem};
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
            Via::Token | Via::Oidc => {
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
        let token = self.token(&caller).await?;
        let name = caller.user.clone().unwrap_or_default();
        self.make(&caller, Change::Nothing, Deed::new("make token", name)).await?;
        Ok(token)
    }

    /// Whether the user of a token may still do as much as the token says: asked where users are changed, so that one who was
    /// removed does not come back.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn is_confirmed(&self, caller: &Caller) -> Result<bool, Problem> {
        let Some(name) = caller.user.as_deref().filter(|_| caller.via == Via::Token) else { return Ok(true) };
        let user = self.inner.store.user(name).await?;
        Ok(user.is_some_and(|user| user.role >= caller.role && user.scope.contains(&caller.scope)))
    }

    /// The public keys of tokens, as a JSON Web Key Set.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn public_keys(&self) -> Result<Value, Problem> {
        Ok(self.inner.tokens.public(self.inner.store.as_ref(), self.now()).await?)
    }
}
