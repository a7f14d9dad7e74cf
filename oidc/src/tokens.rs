//! Tokens that the identity provider issues and programs send: JSON Web Tokens (RFC 7519, RFC 9068).

use access::{Identity, TokenIssuer};
use anyhow::Context as _;
use async_trait::async_trait;
use jiff::Timestamp;
use openidconnect::core::CoreIdToken;
use openidconnect::{JsonWebTokenType, Nonce};
use tracing::debug;

use crate::Oidc;
use crate::claims::{claims, key_id, verifier};

/// How far the issuer's clock may be ahead.
const SLACK_SECONDS: i64 = 60;

/// What the head of a token may say it is: nothing, or one of these. Others, such as tokens that end a session, are not for
/// this.
const TYPES: [&str; 3] = ["application/jwt", "application/at+jwt", "application/jose"];

#[async_trait]
impl TokenIssuer for Oidc {
    fn issuer(&self) -> &str {
        self.inner.config.issuer.as_str()
    }

    async fn identify(&self, token: &str) -> anyhow::Result<Option<(Identity, Timestamp)>> {
        let Ok(read) = token.parse::<CoreIdToken>() else { return Ok(None) };
        let (config, provider) = (&self.inner.config, &self.inner.provider);
        let metadata = provider.metadata(key_id(token).as_deref()).await?;
        let types = TYPES.map(|kind| JsonWebTokenType::new(kind.into()).normalize().expect("it is a type"));
        let verifier = verifier(provider.issuer(), &config.audience, &metadata)
            .set_allowed_jose_types(types)
            .set_other_audience_verifier_fn(|_| true);
        let checked = match read.claims(&verifier, |_: Option<&Nonce>| Ok(())) {
            Ok(checked) => checked,
            Err(e) => {
                debug!("a token of the identity provider is refused: {}", crate::http::causes(&e));
                return Ok(None);
            }
        };
        let ends_at =
            Timestamp::from_second(checked.expiration().timestamp()).context("the end of a token")?;
        let claims = claims(token).context("a token that was checked has claims")?;
        let now = self.inner.clock.wall().as_second();
        let begins_at = claims.get("nbf").map_or(Some(now as f64), serde_json::Value::as_f64);
        if begins_at.is_none_or(|begins_at| begins_at > (now + SLACK_SECONDS) as f64) {
            return Ok(None);
        }
        match config.rules.bearer(&config.issuer, &claims) {
            Ok(identity) => Ok(Some((identity, ends_at))),
            Err(why) => {
                debug!("a token of the identity provider gives no rights: {why}");
                Ok(None)
            }
        }
    }
}
