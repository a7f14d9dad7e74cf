//! An identity provider in this process, which says what a test wants it to say.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use ring::digest::{SHA256, digest};
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};
use warp::Filter;
use warp::http::StatusCode;

/// A provider that listens, and says of itself that it is its address.
#[derive(Clone)]
pub(crate) struct Provider {
    pub(crate) issuer: String,
    said: Arc<Mutex<Said>>,
}

/// What it is to say next.
struct Said {
    keys: Vec<Key>,
    id_token: String,
    user_info: Value,
    /// What the verifier of PKCE must hash to.
    challenge: String,
    /// How often its keys were asked for.
    key_requests: usize,
}

/// A key that signs, by its id.
pub(crate) enum Key {
    Ed25519(&'static str, Ed25519KeyPair),
    P256(&'static str, EcdsaKeyPair),
}

impl Key {
    pub(crate) fn ed25519(id: &'static str) -> Self {
        let pair = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self::Ed25519(id, Ed25519KeyPair::from_pkcs8(pair.as_ref()).unwrap())
    }

    pub(crate) fn p256(id: &'static str) -> Self {
        let (random, kind) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let pair = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
        Self::P256(id, EcdsaKeyPair::from_pkcs8(kind, pair.as_ref(), &random).unwrap())
    }

    fn public(&self) -> Value {
        match self {
            Self::Ed25519(id, pair) => {
                let x = BASE64URL.encode(pair.public_key());
                json!({ "kty": "OKP", "crv": "Ed25519", "kid": id, "use": "sig", "alg": "EdDSA", "x": x })
            }
            Self::P256(id, pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                let (x, y) = (BASE64URL.encode(x), BASE64URL.encode(y));
                json!({ "kty": "EC", "crv": "P-256", "kid": id, "use": "sig", "alg": "ES256", "x": x, "y": y })
            }
        }
    }

    /// What the key signs with, in the head of a token.
    fn head(&self) -> Value {
        match self {
            Self::Ed25519(id, _) => json!({ "alg": "EdDSA", "kid": id, "typ": "JWT" }),
            Self::P256(id, _) => json!({ "alg": "ES256", "kid": id, "typ": "JWT" }),
        }
    }

    fn sign(&self, text: &str) -> Vec<u8> {
        match self {
            Self::Ed25519(_, pair) => pair.sign(text.as_bytes()).as_ref().to_vec(),
            Self::P256(_, pair) => {
                pair.sign(&SystemRandom::new(), text.as_bytes()).unwrap().as_ref().to_vec()
            }
        }
    }

    /// A token with these claims.
    pub(crate) fn token(&self, claims: &Value) -> String {
        self.token_with(&self.head(), claims)
    }

    /// A token with a head of its own, signed all the same.
    pub(crate) fn token_with(&self, head: &Value, claims: &Value) -> String {
        let signed = unsigned(head, claims);
        format!("{signed}.{}", BASE64URL.encode(self.sign(&signed)))
    }

    /// A token that is signed with the public key as a shared secret, as one does who confuses algorithms.
    pub(crate) fn confused(&self, claims: &Value) -> String {
        let public = match self {
            Self::Ed25519(_, pair) => pair.public_key().as_ref().to_vec(),
            Self::P256(_, pair) => pair.public_key().as_ref().to_vec(),
        };
        let mut head = self.head();
        head["alg"] = json!("HS256");
        let signed = unsigned(&head, claims);
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &public), signed.as_bytes());
        format!("{signed}.{}", BASE64URL.encode(tag))
    }
}

/// A token without a signature.
pub(crate) fn unsigned(head: &Value, claims: &Value) -> String {
    let part = |value: &Value| BASE64URL.encode(value.to_string());
    format!("{}.{}", part(head), part(claims))
}

impl Provider {
    pub(crate) async fn start(keys: Vec<Key>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let said = Said {
            keys,
            id_token: String::new(),
            user_info: Value::Null,
            challenge: String::new(),
            key_requests: 0,
        };
        let provider = Self { issuer: format!("http://{address}/realm"), said: Arc::new(Mutex::new(said)) };
        tokio::spawn(warp::serve(provider.routes()).incoming(listener).run());
        provider
    }

    fn routes(&self) -> warp::filters::BoxedFilter<(warp::reply::Response,)> {
        let (metadata, keys, tokens, info) = (self.clone(), self.clone(), self.clone(), self.clone());
        let discovery = warp::path!("realm" / ".well-known" / "openid-configuration")
            .map(move || warp::reply::json(&metadata.metadata()));
        let jwks = warp::path!("realm" / "jwks").map(move || warp::reply::json(&keys.jwks()));
        let token = warp::path!("realm" / "token").and(warp::body::form()).map(
            move |form: std::collections::HashMap<String, String>| {
                let (status, answer) = tokens.exchange(&form);
                warp::reply::with_status(warp::reply::json(&answer), status)
            },
        );
        let user_info = warp::path!("realm" / "me").and(warp::header("authorization")).map(
            move |authorization: String| {
                assert_eq!(authorization, "Bearer access");
                warp::reply::json(&info.said.lock().unwrap().user_info)
            },
        );
        discovery.or(jwks).or(token).or(user_info).map(warp::Reply::into_response).boxed()
    }

    fn metadata(&self) -> Value {
        let issuer = &self.issuer;
        json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/auth"),
            "token_endpoint": format!("{issuer}/token"),
            "userinfo_endpoint": format!("{issuer}/me"),
            "jwks_uri": format!("{issuer}/jwks"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["EdDSA", "ES256"],
        })
    }

    fn jwks(&self) -> Value {
        let mut said = self.said.lock().unwrap();
        said.key_requests += 1;
        json!({ "keys": said.keys.iter().map(Key::public).collect::<Vec<_>>() })
    }

    /// Gives the tokens for the code of the browser whose secret is the one of the login.
    fn exchange(&self, form: &std::collections::HashMap<String, String>) -> (StatusCode, Value) {
        let said = self.said.lock().unwrap();
        let challenge = BASE64URL.encode(digest(&SHA256, form["code_verifier"].as_bytes()));
        if form["code"] != "right" || challenge != said.challenge {
            return (StatusCode::BAD_REQUEST, json!({ "error": "invalid_grant" }));
        }
        let answer = json!({ "access_token": "access", "token_type": "Bearer", "id_token": said.id_token });
        (StatusCode::OK, answer)
    }

    /// The next login gets this ID token and user info, if its PKCE is that of this address.
    pub(crate) fn answer(&self, challenge: &str, id_token: String, user_info: Value) {
        let mut said = self.said.lock().unwrap();
        (said.challenge, said.id_token, said.user_info) = (challenge.into(), id_token, user_info);
    }

    pub(crate) fn sign(&self, number: usize, claims: &Value) -> String {
        self.said.lock().unwrap().keys[number].token(claims)
    }

    pub(crate) fn with_key<T>(&self, number: usize, make: impl FnOnce(&Key) -> T) -> T {
        make(&self.said.lock().unwrap().keys[number])
    }

    pub(crate) fn key_requests(&self) -> usize {
        self.said.lock().unwrap().key_requests
    }
}
