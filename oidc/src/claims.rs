//! The claims of tokens, and who may have signed them.

use access::Claims;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use openidconnect::core::{CoreIdTokenVerifier, CoreJwsSigningAlgorithm, CoreProviderMetadata};
use openidconnect::{ClientId, IssuerUrl};
use serde_json::Value;

/// How a token may be signed: by a key that only the issuer has. Above all neither `none`, nor with a shared secret.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 3] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// Checks tokens of this issuer for this audience.
pub(crate) fn verifier<'a>(
    issuer: &IssuerUrl,
    audience: &ClientId,
    metadata: &CoreProviderMetadata,
) -> CoreIdTokenVerifier<'a> {
    CoreIdTokenVerifier::new_public_client(audience.clone(), issuer.clone(), metadata.jwks().clone())
        .set_allowed_algs(ALGORITHMS)
}

/// The id of the key that a token says it is signed with.
pub(crate) fn key_id(token: &str) -> Option<String> {
    part(token, 0)?.get("kid")?.as_str().map(ToOwned::to_owned)
}

/// All claims of a token that was checked.
pub(crate) fn claims(token: &str) -> Option<Claims> {
    part(token, 1)
}

fn part(token: &str, number: usize) -> Option<Claims> {
    let part = token.split('.').nth(number)?;
    match serde_json::from_slice(&BASE64URL.decode(part).ok()?).ok()? {
        Value::Object(claims) => Some(claims),
        _ => None,
    }
}
