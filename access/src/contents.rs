//! What the audit says of users, keys, devices and credentials: everything but secrets.

use serde_json::{Value, json};
use store::{ApiKey, Credential, Device, TextCodec as _, User};
use telemetry::{Filter, Scope};

pub(crate) fn of_user(user: &User) -> Value {
    let mut content = json!({
        "username": user.name,
        "email": user.email,
        "role": user.role.word(),
        "filters": filters(&user.scope),
    });
    if let Some(subject) = &user.subject {
        content["subject"] = json!(subject);
    }
    content
}

pub(crate) fn of_key(key: &ApiKey) -> Value {
    json!({
        "id": key.id,
        "name": key.name,
        "owner": key.owner,
        "role": key.role.word(),
        "filters": filters(&key.scope),
        "expires_at": key.expires_at.to_string(),
    })
}

pub(crate) fn of_device(device: &Device) -> Value {
    let mut content = json!({
        "name": device.name,
        "title": device.title,
        "type": device.kind,
        "location": device.location,
        "latitude": device.degrees().0,
        "longitude": device.degrees().1,
        "sampling_rate": device.interval.map(|interval| interval.as_secs_f64()),
        "tags": device.tags,
        "note": device.note,
    });
    if device.retired {
        content["retired"] = json!(true);
    }
    content
}

pub(crate) fn of_credential(credential: &Credential) -> Value {
    json!({
        "user": credential.user,
        "device": credential.device,
        "rights": credential.rights.lines().collect::<Vec<_>>(),
        "client_id": credential.client_id,
        "certificate_only": credential.hash.is_empty(),
    })
}

pub(crate) fn filters(scope: &Scope) -> Vec<&str> {
    scope.filters().iter().map(Filter::as_str).collect()
}
