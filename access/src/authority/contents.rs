//! What the audit says of users and keys: everything but secrets.

use serde_json::{Value, json};
use store::{ApiKey, TextCodec as _, User};
use telemetry::{Filter, Scope};

pub(super) fn of_user(user: &User) -> Value {
    json!({
        "username": user.name,
        "email": user.email,
        "role": user.role.word(),
        "filters": filters(&user.scope),
    })
}

pub(super) fn of_key(key: &ApiKey) -> Value {
    json!({
        "id": key.id,
        "name": key.name,
        "owner": key.owner,
        "role": key.role.word(),
        "filters": filters(&key.scope),
        "expires_at": key.expires_at.to_string(),
    })
}

pub(super) fn filters(scope: &Scope) -> Vec<&str> {
    scope.filters().iter().map(Filter::as_str).collect()
}
