//! Where devices publish, as the page shows before the first reading.

use api::forms::Broker;
use broker::BrokerUrl;
use service::{SettingError, Settings};

const SETTING: &str = "mqtt.public_url";
const FORM: &str = "write mqtt://[user@]host[:port]";

/// What the setting `mqtt.public_url` says; where it is empty, what is known otherwise.
///
/// # Errors
/// The setting is no such URL.
pub fn device_address(
    settings: &Settings,
    otherwise: impl FnOnce() -> Broker,
) -> Result<Broker, SettingError> {
    let url: String = settings.get(SETTING)?;
    if url.is_empty() { Ok(otherwise()) } else { read(&url).map_err(|e| SettingError::new(SETTING, e)) }
}

fn read(url: &str) -> Result<Broker, String> {
    let rest = url.strip_prefix("mqtt://").ok_or(FORM)?;
    let (user, place) = match rest.rsplit_once('@') {
        Some((user, _)) if user.is_empty() || user.contains(':') => return Err(FORM.into()),
        Some((user, place)) => (Some(user.to_owned()), place),
        None => (None, rest),
    };
    // Port 0 in the cluster's settings takes a free one, which is not known here.
    let (place, is_known) = place.strip_suffix(":0").map_or((place, true), |host| (host, false));
    let BrokerUrl { host, port, .. } =
        format!("mqtt://{place}").parse().map_err(|e| format!("{e}: {FORM}"))?;
    let port = is_known.then_some(port);
    Ok(Broker { host: Some(host), port, password: user.is_some(), user, ..Broker::default() })
}

/// What is known from the URL at which a service itself connects.
pub(crate) fn as_here(url: &BrokerUrl) -> Broker {
    Broker {
        host: Some(url.host.clone()),
        port: Some(url.port),
        user: None,
        password: url.credentials.is_some(),
        ..Broker::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_address_is_shown_without_a_password() {
        let broker = |host: &str, port, user: Option<&str>| Broker {
            host: Some(host.into()),
            port: Some(port),
            password: user.is_some(),
            user: user.map(Into::into),
            ..Broker::default()
        };
        assert_eq!(read("mqtt://iot.example.org"), Ok(broker("iot.example.org", 1883, None)));
        assert_eq!(read("mqtt://device@10.0.0.5:25884"), Ok(broker("10.0.0.5", 25884, Some("device"))));
        assert_eq!(read("mqtt://lab:0"), Ok(Broker { port: None, ..broker("lab", 0, None) }));
        for wrong in ["", "10.0.0.5", "mqtt://", "mqtt://@host", "mqtt://a:secret@host", "mqtt://host:x"] {
            let error = read(wrong).unwrap_err();
            assert!(error.contains(FORM) && !error.contains("secret"), "{wrong}: {error}");
        }
    }
}
