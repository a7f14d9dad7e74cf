//! Signed tokens: JSON Web Tokens (RFC 7519) signed with Ed25519 (RFC 8037), which each process accepts without asking the
//! store.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use jiff::Timestamp;
use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{Role, Store, TextCodec as _, TokenKey, Unavailable, Via};
use telemetry::{Filter, Scope};

use crate::caller::Caller;
use crate::secret;

/// How long a token is accepted.
pub(crate) const LASTS: Duration = Duration::from_secs(15 * 60);

/// A key signs for this long; then a new one is made.
const SIGNS_FOR: Duration = Duration::from_secs(30 * 24 * 3600);

/// A key is kept for as long as a token that it signed may be accepted, and a day.
const KEPT_FOR: Duration = Duration::from_secs(31 * 24 * 3600);

/// The store is asked for keys of other processes again after this time.
const ASK_EVERY: Duration = Duration::from_secs(2);

/// Who issues our tokens, and for whom they are.
const ISSUER: &str = "millrace";

/// Bytes of a token, at most.
const MAX_BYTES: usize = 8 * 1024;

/// Bytes of a token of an identity provider, at most: it may name many groups.
const MAX_ISSUED_BYTES: usize = 16 * 1024;

/// The head of a token. The only algorithm is ours: a token cannot choose another one.
#[derive(Serialize, Deserialize)]
struct Head {
    alg: String,
    kid: String,
}

/// What a token says.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    iat: i64,
    exp: i64,
    jti: String,
    role: String,
    filters: Vec<String>,
}

/// The keys that are known.
#[derive(Debug, Default)]
pub(crate) struct TokenKeys {
    known: Mutex<Option<Known>>,
}

#[derive(Debug, Clone)]
struct Known {
    /// Newest first.
    keys: Arc<[Key]>,
    at: Instant,
}

#[derive(Debug)]
struct Key {
    id: String,
    pair: Ed25519KeyPair,
    created_at: Timestamp,
}

impl Key {
    fn read(stored: &TokenKey) -> anyhow::Result<Self> {
        let bytes = unhexadecimal(&stored.secret).context("a key for tokens is not hexadecimal")?;
        let pair =
            Ed25519KeyPair::from_pkcs8(&bytes).map_err(|e| anyhow!("a key for tokens is damaged: {e}"))?;
        Ok(Self { id: stored.id.clone(), pair, created_at: stored.created_at })
    }
}

impl TokenKeys {
    /// Signs a token for a caller; returns it with its end.
    ///
    /// # Errors
    /// The store does not answer, or holds a damaged key.
    pub(crate) async fn sign(
        &self,
        store: &dyn Store,
        caller: &Caller,
        now: Timestamp,
    ) -> anyhow::Result<(String, Timestamp)> {
        let keys = self.current(store, now).await?;
        let key = keys.first().context("there is no key for tokens")?;
        let ends = now.saturating_add(LASTS).unwrap_or(Timestamp::MAX);
        let claims = Claims {
            iss: ISSUER.into(),
            aud: ISSUER.into(),
            sub: caller.user.clone().unwrap_or_default(),
            iat: now.as_second(),
            exp: ends.as_second(),
            jti: secret::id(),
            role: caller.role.word().into(),
            filters: caller.scope.filters().iter().map(Filter::to_string).collect(),
        };
        let head = Head { alg: "EdDSA".into(), kid: key.id.clone() };
        let signed = format!("{}.{}", encoded(&head)?, encoded(&claims)?);
        let signature = key.pair.sign(signed.as_bytes());
        let ends = Timestamp::from_second(claims.exp).unwrap_or(ends);
        Ok((format!("{signed}.{}", BASE64URL.encode(signature)), ends))
    }

    /// The caller of a token, and when it ends; None where it is none of ours, or over.
    ///
    /// # Errors
    /// The store does not answer, and the key of the token is not known yet.
    pub(crate) async fn caller(
        &self,
        store: &dyn Store,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<(Caller, Timestamp)>, Unavailable> {
        let Some((signed, signature, head)) = parts(token) else { return Ok(None) };
        let Some(keys) = self.with_key(store, &head.kid).await? else { return Ok(None) };
        let Some(key) = keys.iter().find(|key| key.id == head.kid) else { return Ok(None) };
        let public = UnparsedPublicKey::new(&ED25519, key.pair.public_key());
        if public.verify(signed.as_bytes(), &signature).is_err() {
            return Ok(None);
        }
        Ok(claims(signed).and_then(|claims| accepted(claims, now)))
    }

    /// The public keys, as a JSON Web Key Set (RFC 7517).
    ///
    /// # Errors
    /// The store does not answer, or holds a damaged key.
    pub(crate) async fn public(&self, store: &dyn Store, now: Timestamp) -> anyhow::Result<Value> {
        let keys = self.current(store, now).await?;
        let public = keys.iter().map(|key| {
            let x = BASE64URL.encode(key.pair.public_key());
            json!({ "kty": "OKP", "crv": "Ed25519", "kid": key.id, "x": x, "use": "sig", "alg": "EdDSA" })
        });
        Ok(json!({ "keys": public.collect::<Vec<_>>() }))
    }

    /// The keys, of which the first one may sign now.
    async fn current(&self, store: &dyn Store, now: Timestamp) -> anyhow::Result<Arc<[Key]>> {
        let signs = |keys: &[Key]| {
            keys.first()
                .is_some_and(|key| now < key.created_at.saturating_add(SIGNS_FOR).unwrap_or(Timestamp::MAX))
        };
        if let Some(known) = self.known().filter(|known| signs(&known.keys)) {
            return Ok(known.keys);
        }
        let keys = self.load(store).await?;
        if signs(&keys) {
            return Ok(keys);
        }
        let secret = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
            .map_err(|e| anyhow!("make a key for tokens: {e}"))?;
        let key =
            TokenKey { id: secret::id(), secret: secret::hexadecimal(secret.as_ref()), created_at: now };
        let older_than = now.saturating_sub(KEPT_FOR).unwrap_or(Timestamp::MIN);
        store.add_token_key(&key, older_than).await?;
        Ok(self.load(store).await?)
    }

    /// The keys with this one among them; None where there is no such key.
    async fn with_key(&self, store: &dyn Store, id: &str) -> Result<Option<Arc<[Key]>>, Unavailable> {
        let has = |keys: &[Key]| keys.iter().any(|key| key.id == id);
        let known = self.known();
        if let Some(known) = known.as_ref().filter(|known| has(&known.keys)) {
            return Ok(Some(known.keys.clone()));
        }
        if known.is_some_and(|known| known.at.elapsed() < ASK_EVERY) {
            return Ok(None);
        }
        Ok(Some(self.load(store).await?).filter(|keys| has(keys)))
    }

    async fn load(&self, store: &dyn Store) -> Result<Arc<[Key]>, Unavailable> {
        let stored = store.token_keys().await?;
        let keys: Arc<[Key]> = stored.iter().map(Key::read).collect::<anyhow::Result<Vec<_>>>()?.into();
        let known = Known { keys: keys.clone(), at: Instant::now() };
        *self.known.lock().expect("no code panics while it holds the keys") = Some(known);
        Ok(keys)
    }

    fn known(&self) -> Option<Known> {
        self.known.lock().expect("no code panics while it holds the keys").clone()
    }
}

/// Who issued a token, as it says itself: nothing of it is checked.
pub(crate) fn issuer_of(token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Issued {
        iss: String,
    }
    let payload = token.split('.').nth(1).filter(|_| token.len() <= MAX_ISSUED_BYTES)?;
    decoded(payload).map(|Issued { iss }| iss)
}

/// The signed text, the signature and the head of a token that is one of our kind.
fn parts(token: &str) -> Option<(&str, Vec<u8>, Head)> {
    let (signed, signature) = token.rsplit_once('.').filter(|_| token.len() <= MAX_BYTES)?;
    let head: Head = decoded(signed.split_once('.')?.0)?;
    let signature = BASE64URL.decode(signature).ok()?;
    (head.alg == "EdDSA").then_some((signed, signature, head))
}

fn claims(signed: &str) -> Option<Claims> {
    decoded(signed.split_once('.')?.1)
}

fn accepted(claims: Claims, now: Timestamp) -> Option<(Caller, Timestamp)> {
    let ends = Timestamp::from_second(claims.exp).ok()?;
    let is_ours = claims.iss == ISSUER && claims.aud == ISSUER;
    let caller = Caller {
        user: Some(claims.sub),
        email: None,
        role: Role::read(&claims.role)?,
        scope: Scope::read(claims.filters.iter().map(String::as_str)).ok()?,
        // A token does not say so, and changes no password.
        is_external: false,
        via: Via::Token,
        id: Some(claims.jti),
        address: None,
    };
    (is_ours && now < ends).then_some((caller, ends))
}

fn encoded(part: &impl Serialize) -> anyhow::Result<String> {
    Ok(BASE64URL.encode(serde_json::to_vec(part)?))
}

fn decoded<T: for<'de> Deserialize<'de>>(part: &str) -> Option<T> {
    serde_json::from_slice(&BASE64URL.decode(part).ok()?).ok()
}

fn unhexadecimal(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use store::AccessStore as _;
    use testkit::MemoryStore;

    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn caller() -> Caller {
        let scope = Scope::read(["site-a/#", "lab"]).unwrap();
        Caller {
            user: Some("ben".into()),
            role: Role::Operator,
            scope,
            via: Via::Key,
            ..Caller::anyone(None)
        }
    }

    fn later(seconds: u64) -> Timestamp {
        NOW + Duration::from_secs(seconds)
    }

    #[tokio::test]
    async fn a_token_is_accepted_by_every_process_until_it_ends() {
        let store = MemoryStore::default();
        let (one, other) = (TokenKeys::default(), TokenKeys::default());
        let (token, ends) = one.sign(&store, &caller(), NOW).await.unwrap();
        assert_eq!(ends, later(900));
        for keys in [&one, &other] {
            let (accepted, until) = keys.caller(&store, &token, later(899)).await.unwrap().unwrap();
            assert_eq!(
                (accepted.user.as_deref(), accepted.role, accepted.via),
                (Some("ben"), Role::Operator, Via::Token)
            );
            assert_eq!((accepted.scope, until), (caller().scope, ends));
            assert!(keys.caller(&store, &token, later(900)).await.unwrap().is_none());
        }
        store.fail_next("token_keys", 100);
        assert!(other.caller(&store, &token, NOW).await.unwrap().is_some(), "the store is not asked");
    }

    #[tokio::test]
    async fn what_is_not_signed_by_us_is_no_token() {
        let store = MemoryStore::default();
        let keys = TokenKeys::default();
        let (token, _) = keys.sign(&store, &caller(), NOW).await.unwrap();
        let [head, body, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("{token}") };
        let kid = parts(&token).unwrap().2.kid;
        let part = |value: Value| BASE64URL.encode(value.to_string());
        let admin = part(json!({
            "iss": "millrace", "aud": "millrace", "sub": "ben", "iat": 0, "exp": 900, "jti": "x", "role": "admin",
            "filters": [],
        }));
        let foreign = MemoryStore::default();
        let (other, _) = TokenKeys::default().sign(&foreign, &caller(), NOW).await.unwrap();
        for wrong in [
            format!("{head}.{admin}.{signature}"),
            format!("{}.{admin}.", part(json!({ "alg": "none", "kid": kid }))),
            format!("{}.{body}.{signature}", part(json!({ "alg": "HS256", "kid": kid }))),
            format!("{}.{body}.{signature}", part(json!({ "alg": "EdDSA", "kid": "other" }))),
            format!("{head}.{body}"),
            format!("{head}.{body}.{}", &signature[1..]),
            other,
            String::new(),
            "..".into(),
            "x".repeat(100_000),
        ] {
            assert!(keys.caller(&store, &wrong, NOW).await.unwrap().is_none(), "{wrong}");
        }
        assert!(keys.caller(&store, &token, NOW).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn keys_change_and_what_the_old_one_signed_is_still_accepted() {
        let store = MemoryStore::default();
        let keys = TokenKeys::default();
        keys.sign(&store, &caller(), NOW).await.unwrap();
        let month = 30 * 24 * 3600;
        let (last, _) = keys.sign(&store, &caller(), later(month - 1)).await.unwrap();
        let (next, _) = keys.sign(&store, &caller(), later(month)).await.unwrap();
        let kid = |token: &str| parts(token).unwrap().2.kid;
        assert_ne!(kid(&last), kid(&next));
        for token in [&last, &next] {
            assert!(keys.caller(&store, token, later(month + 1)).await.unwrap().is_some());
        }
        let public = keys.public(&store, later(month)).await.unwrap();
        assert_eq!(public["keys"].as_array().unwrap().len(), 2);
        assert_eq!(public["keys"][0]["kid"], kid(&next));
        keys.sign(&store, &caller(), later(3 * month)).await.unwrap();
        assert_eq!(store.token_keys().await.unwrap().len(), 1, "those of long ago are forgotten");
    }
}
