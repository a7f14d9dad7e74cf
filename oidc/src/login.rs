//! A login at the identity provider: the authorization code flow (OpenID Connect Core 1.0, 3.1) with PKCE (RFC 7636).

use access::{Claims, Identity};
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreIdToken, CoreProviderMetadata,
    CoreTokenResponse,
};
use openidconnect::http::{Request, header};
use openidconnect::{
    AccessToken, AsyncHttpClient as _, AuthType, AuthorizationCode, CsrfToken, EndpointMaybeSet,
    EndpointNotSet, EndpointSet, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, RequestTokenError, Scope, TokenResponse as _,
};

use crate::Oidc;
use crate::attempt::{Attempt, local};
use crate::claims::{claims, key_id, verifier};
use crate::http::causes;

/// Characters of what the provider says of a refusal, at most.
const MAX_SAID_CHARS: usize = 300;

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// A login that has begun.
#[derive(Debug, Clone)]
pub struct Begun {
    /// Where the browser goes now: to the provider.
    pub url: String,
    /// What the browser keeps until it is back.
    pub cookie: String,
}

/// What the browser brings back from the provider, in the address.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// The code for which the provider gives the tokens.
    pub code: Option<String>,
    /// Which login it is about.
    pub state: Option<String>,
    /// Why the provider refuses the login ...
    pub error: Option<String>,
    /// ... in words.
    pub description: Option<String>,
    /// Which provider that is (RFC 9207).
    pub issuer: Option<String>,
}

/// Whom the provider vouches for.
#[derive(Debug, Clone)]
pub struct LoggedIn {
    /// Who that is, and what that person may do.
    pub identity: Identity,
    /// Where the browser goes now, on this site.
    pub url: String,
}

/// Why nobody is logged in. Its text is for the person.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// The browser did not begin this login, or too long ago, or has completed it already.
    #[error("this login was not begun in this browser, or is over: begin again on the login page")]
    NotBegun,
    /// The provider refuses it.
    #[error("the identity provider refuses the login: {0}")]
    Denied(String),
    /// What the provider sent is not right.
    #[error("the identity provider's answer cannot be trusted: {0}")]
    Untrusted(String),
    /// The claims give no role.
    #[error("you are logged in at the identity provider, and may not use Millrace: {0}")]
    NoRole(String),
    /// The provider does not answer.
    #[error("{0}. Users with a password can log in")]
    Away(String),
}

impl Oidc {
    /// Begins a login, after which the browser returns to this path.
    ///
    /// # Errors
    /// The provider does not answer.
    pub async fn begin(&self, return_to: Option<&str>) -> Result<Begun, LoginError> {
        let metadata =
            self.inner.provider.metadata(None).await.map_err(|e| LoginError::Away(e.to_string()))?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let client = self.client(&metadata)?;
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let request = client.authorize_url(flow, CsrfToken::new_random, Nonce::new_random);
        let scopes = self.inner.config.scopes.iter().cloned().map(Scope::new);
        let (url, state, nonce) = request.add_scopes(scopes).set_pkce_challenge(challenge).url();
        let attempt = Attempt {
            state: state.into_secret(),
            nonce: nonce.secret().clone(),
            verifier: verifier.into_secret(),
            return_to: local(return_to),
            begun_at: self.inner.clock.wall().as_second(),
        };
        Ok(Begun { url: url.into(), cookie: attempt.cookie() })
    }

    /// Completes the login that the browser with this cookie has begun.
    ///
    /// # Errors
    /// It was not begun there, the provider refuses it or cannot be trusted, or the claims give no role.
    pub async fn complete(&self, cookie: Option<&str>, answer: Answer) -> Result<LoggedIn, LoginError> {
        let attempt = self.attempt(cookie, &answer)?;
        if let Some(error) = answer.error {
            let words = answer.description.map(|words| format!("{error}: {words}")).unwrap_or(error);
            return Err(LoginError::Denied(plain(&words)));
        }
        let code = answer.code.ok_or(LoginError::NotBegun)?;
        let metadata =
            self.inner.provider.metadata(None).await.map_err(|e| LoginError::Away(e.to_string()))?;
        let tokens = self.exchange(&metadata, code, attempt.verifier).await?;
        let id_token = tokens.id_token().ok_or_else(|| untrusted("there is no ID token"))?;
        let claims = self.check(id_token, &Nonce::new(attempt.nonce)).await?;
        let claims = self.with_user_info(&metadata, tokens.access_token(), claims).await?;
        let config = &self.inner.config;
        let identity = config.rules.person(&config.issuer, &claims).map_err(LoginError::NoRole)?;
        if !self.inner.used.take(&attempt.state) {
            return Err(LoginError::NotBegun);
        }
        // A path of this site behind the site's name: it leads nowhere else.
        Ok(LoggedIn { identity, url: format!("{}{}", self.inner.page, local(Some(&attempt.return_to))) })
    }

    /// The login that this browser has begun and not completed.
    fn attempt(&self, cookie: Option<&str>, answer: &Answer) -> Result<Attempt, LoginError> {
        let attempt = cookie.and_then(|cookie| Attempt::read(cookie, self.inner.clock.wall()));
        let attempt = attempt.ok_or(LoginError::NotBegun)?;
        let is_same = answer.state.as_ref() == Some(&attempt.state);
        let is_ours =
            answer.issuer.as_deref().is_none_or(|issuer| issuer == self.inner.config.issuer.as_str());
        if !is_same || !is_ours || self.inner.used.has(&attempt.state) {
            return Err(LoginError::NotBegun);
        }
        Ok(attempt)
    }

    fn client(&self, metadata: &CoreProviderMetadata) -> Result<Client, LoginError> {
        let config = &self.inner.config;
        let redirect = RedirectUrl::new(self.callback()).map_err(|e| untrusted(&e))?;
        let auth = auth_type(metadata);
        let (id, secret) = (config.client_id.clone(), config.client_secret.clone());
        Ok(CoreClient::from_provider_metadata(metadata.clone(), id, secret)
            .set_redirect_uri(redirect)
            .set_auth_type(auth))
    }

    async fn exchange(
        &self,
        metadata: &CoreProviderMetadata,
        code: String,
        verifier: String,
    ) -> Result<CoreTokenResponse, LoginError> {
        let client = self.client(metadata)?;
        let request = client.exchange_code(AuthorizationCode::new(code)).map_err(|e| untrusted(&e))?;
        let request = request.set_pkce_verifier(PkceCodeVerifier::new(verifier));
        request.request_async(&self.inner.http).await.map_err(|e| match &e {
            RequestTokenError::ServerResponse(said) => LoginError::Denied(plain(&said.to_string())),
            RequestTokenError::Request(e) => {
                LoginError::Away(format!("the identity provider does not answer: {e}"))
            }
            _ => untrusted(&causes(&e)),
        })
    }

    /// The claims of an ID token that is the issuer's, for us, in time, and for this login.
    async fn check(&self, token: &CoreIdToken, nonce: &Nonce) -> Result<Claims, LoginError> {
        let text = token.to_string();
        let (config, provider) = (&self.inner.config, &self.inner.provider);
        let metadata = provider.metadata(key_id(&text).as_deref()).await;
        let metadata = metadata.map_err(|e| LoginError::Away(e.to_string()))?;
        let verifier = verifier(provider.issuer(), &config.client_id, &metadata)
            .set_other_audience_verifier_fn(|_| true);
        let checked = token.claims(&verifier, nonce).map_err(|e| untrusted(&causes(&e)))?;
        // With several audiences it must be said that the token was made for us (OpenID Connect Core 1.0, 3.1.3.7).
        let party = checked.authorized_party();
        let is_ours = match party {
            Some(party) => *party == config.client_id,
            None => checked.audiences().len() == 1,
        };
        if !is_ours {
            return Err(untrusted("the ID token was made for another client"));
        }
        claims(&text).ok_or_else(|| untrusted("the ID token has no claims"))
    }

    /// The claims with those that the provider gives only where it is asked: many keep groups out of ID tokens.
    async fn with_user_info(
        &self,
        metadata: &CoreProviderMetadata,
        token: &AccessToken,
        claims: Claims,
    ) -> Result<Claims, LoginError> {
        let Some(endpoint) = metadata.userinfo_endpoint() else { return Ok(claims) };
        if self.inner.config.rules.are_complete(&claims) {
            return Ok(claims);
        }
        let request = Request::get(endpoint.as_str())
            .header(header::ACCEPT, "application/json")
            .header(header::AUTHORIZATION, format!("Bearer {}", token.secret()))
            .body(Vec::new())
            .map_err(|e| untrusted(&e))?;
        let answer = self.inner.http.call(request).await;
        let answer =
            answer.map_err(|e| LoginError::Away(format!("the identity provider does not answer: {e}")))?;
        if !answer.status().is_success() {
            return Err(untrusted(&format!("the user info endpoint answers {}", answer.status())));
        }
        let mut more: Claims = serde_json::from_slice(answer.body()).map_err(|e| untrusted(&e))?;
        if more.get("sub") != claims.get("sub") {
            return Err(untrusted("the user info is of somebody else"));
        }
        more.extend(claims);
        Ok(more)
    }
}

/// How we prove who we are: as RFC 6749 prefers it, unless the provider takes only the other way.
fn auth_type(metadata: &CoreProviderMetadata) -> AuthType {
    let Some(methods) = metadata.token_endpoint_auth_methods_supported() else { return AuthType::BasicAuth };
    let has = |method| methods.contains(&method);
    if has(CoreClientAuthMethod::ClientSecretPost) && !has(CoreClientAuthMethod::ClientSecretBasic) {
        return AuthType::RequestBody;
    }
    AuthType::BasicAuth
}

fn untrusted(why: &(impl std::fmt::Display + ?Sized)) -> LoginError {
    LoginError::Untrusted(plain(&why.to_string()))
}

/// What others say, as one short line.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_SAID_CHARS).collect()
}
