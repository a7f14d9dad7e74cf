//! The settings of the embedded broker and the simulated sensors.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use broker::server::Limits as ServerLimits;
use serde::Deserialize;
use service::{Limits, SettingError, Settings, TlsFiles, UnknownDevices};

/// The password file in the data folder.
const USERS_FILE: &str = "users";

/// Where devices connect, and who may.
#[derive(Debug, Clone)]
pub(crate) struct Mqtt {
    /// The connections that may be open, over all listeners.
    pub(crate) limits: Limits,
    pub(crate) listen: SocketAddr,
    pub(crate) tls_listen: Option<SocketAddr>,
    pub(crate) websocket_listen: Option<SocketAddr>,
    pub(crate) websocket_tls_listen: Option<SocketAddr>,
    pub(crate) tls: Option<TlsFiles>,
    /// Besides our own page, the sites whose pages may connect over WebSocket.
    pub(crate) websocket_origins: Vec<String>,
    /// Whether devices need a credential, by `devices.unknown`.
    pub(crate) refuses_unknown: bool,
    pub(crate) password_file: Option<PathBuf>,
    /// Records of logins in the audit in a minute, at most; 0 for none.
    pub(crate) audited_logins_per_minute: u32,
    /// The users who may read statistics of the broker.
    pub(crate) operators: Vec<String>,
    /// How often those are published; never if it is zero.
    pub(crate) sys_interval: Duration,
    /// What one client, and all of them, may make grow.
    pub(crate) server: ServerLimits,
}

#[derive(Deserialize)]
#[serde(transparent)]
struct SysInterval(#[serde(with = "humantime_serde")] Duration);

/// The simulated sensors.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sensors {
    pub(crate) count: usize,
    #[serde(with = "humantime_serde")]
    pub(crate) interval: Duration,
}

impl Mqtt {
    pub(crate) fn from_settings(settings: &Settings) -> Result<Self, SettingError> {
        let mqtt = Self {
            limits: Limits::from_settings(settings, "mqtt")?,
            listen: settings.address("mqtt.listen")?,
            tls_listen: settings.optional_address("mqtt.tls_listen")?,
            websocket_listen: settings.optional_address("mqtt.websocket_listen")?,
            websocket_tls_listen: settings.optional_address("mqtt.websocket_tls_listen")?,
            tls: TlsFiles::from_settings(settings, "mqtt")?,
            websocket_origins: settings.get("mqtt.websocket_origins")?,
            password_file: password_file(settings)?,
            operators: settings.get("mqtt.operators")?,
            audited_logins_per_minute: settings.get("mqtt.audited_logins_per_minute")?,
            refuses_unknown: settings.get::<UnknownDevices>("devices.unknown")? == UnknownDevices::Refuse,
            sys_interval: settings.get::<SysInterval>("mqtt.sys_interval")?.0,
            server: server_limits(settings)?,
        };
        mqtt.check_open("mqtt.listen", Some(mqtt.listen))?;
        mqtt.check_open("mqtt.websocket_listen", mqtt.websocket_listen)?;
        mqtt.check_tls("mqtt.tls_listen", mqtt.tls_listen)?;
        mqtt.check_tls("mqtt.websocket_tls_listen", mqtt.websocket_tls_listen)?;
        Ok(mqtt)
    }

    /// Whether a client must prove who it is, by a password or a certificate.
    pub(crate) fn asks_for_users(&self) -> bool {
        self.refuses_unknown
            || self.password_file.is_some()
            || self.tls.as_ref().is_some_and(TlsFiles::has_client_ca)
    }

    /// Nothing listens to the world without asking who it is.
    fn check_open(&self, setting: &str, listen: Option<SocketAddr>) -> Result<(), SettingError> {
        match listen {
            Some(address) if !address.ip().is_loopback() && !self.asks_for_users() => Err(SettingError::new(
                setting,
                format!(
                    "{address} can be reached from other machines: add users with `millrace passwd USER`, set \
                     mqtt.password_file (MILLRACE__MQTT__PASSWORD_FILE) to a file of them, or let in only devices with a \
                     credential (devices.unknown = \"refuse\")"
                ),
            )),
            _ => Ok(()),
        }
    }

    fn check_tls(&self, setting: &str, listen: Option<SocketAddr>) -> Result<(), SettingError> {
        match &self.tls {
            None if listen.is_some() => {
                Err(SettingError::new(setting, "needs mqtt.tls_certificate and mqtt.tls_key: name PEM files"))
            }
            _ => self.check_open(setting, listen),
        }
    }
}

fn server_limits(settings: &Settings) -> Result<ServerLimits, SettingError> {
    let limits: ServerLimits = settings.get("mqtt.limits")?;
    match limits.check() {
        Ok(()) => Ok(limits),
        Err((name, why)) => Err(SettingError::new(&format!("mqtt.limits.{name}"), why)),
    }
}

/// The file in the setting, or the one in the data folder if it is there.
fn password_file(settings: &Settings) -> Result<Option<PathBuf>, SettingError> {
    let named: PathBuf = settings.get("mqtt.password_file")?;
    let path = password_file_to_write(settings)?;
    Ok((!named.as_os_str().is_empty() || path.exists()).then_some(path))
}

/// The file that `millrace passwd` writes.
pub(crate) fn password_file_to_write(settings: &Settings) -> Result<PathBuf, SettingError> {
    let named: PathBuf = settings.get("mqtt.password_file")?;
    let folder: PathBuf = settings.get("data_dir")?;
    Ok(if named.as_os_str().is_empty() { folder.join(USERS_FILE) } else { named })
}

impl Sensors {
    pub(crate) fn from_settings(settings: &Settings) -> Result<Self, SettingError> {
        let sensors: Self = settings.get("sensors")?;
        if sensors.count > 10_000 {
            return Err(SettingError::new("sensors.count", "must be 0 to 10000"));
        }
        if sensors.interval < Duration::from_millis(1) {
            return Err(SettingError::new("sensors.interval", "must be at least 1ms"));
        }
        Ok(sensors)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde::de::IgnoredAny;

    use super::*;

    #[test]
    fn the_example_has_the_default_limits() {
        let settings = Settings::load(None).unwrap();
        assert_eq!(server_limits(&settings).unwrap(), ServerLimits::default());
    }

    #[test]
    fn every_limit_is_explained() {
        let settings = Settings::load(None).unwrap();
        let limits: HashMap<String, IgnoredAny> = settings.get("mqtt.limits").unwrap();
        let explained = include_str!("../../docs/mqtt.md").split_once("## Limits").unwrap().1;
        for name in limits.keys() {
            assert!(explained.contains(&format!("`{name}`")), "docs/mqtt.md has no {name}");
        }
    }
}
