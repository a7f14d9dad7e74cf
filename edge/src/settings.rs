//! The settings of the embedded broker and the simulated sensors.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use broker::server::Limits as ServerLimits;
use serde::Deserialize;
use service::{Limits, SettingError, Settings};

/// Where devices connect, and who may.
#[derive(Debug, Clone)]
pub(crate) struct Mqtt {
    pub(crate) limits: Limits,
    pub(crate) listen: SocketAddr,
    pub(crate) websocket_listen: Option<SocketAddr>,
    pub(crate) password_file: Option<PathBuf>,
    /// What one client, and all of them, may make grow.
    pub(crate) server: ServerLimits,
}

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
            websocket_listen: websocket_listen(settings)?,
            password_file: password_file(settings)?,
            server: server_limits(settings)?,
        };
        mqtt.check_open("mqtt.listen", Some(mqtt.listen))?;
        mqtt.check_open("mqtt.websocket_listen", mqtt.websocket_listen)?;
        Ok(mqtt)
    }

    /// Nothing listens to the world without a password.
    fn check_open(&self, setting: &str, listen: Option<SocketAddr>) -> Result<(), SettingError> {
        match listen {
            Some(address) if !address.ip().is_loopback() && self.password_file.is_none() => {
                Err(SettingError::new(
                    setting,
                    format!(
                        "{address} can be reached from other machines: set mqtt.password_file \
                         (MILLRACE__MQTT__PASSWORD_FILE) and add users with `millrace passwd USER`"
                    ),
                ))
            }
            _ => Ok(()),
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

fn websocket_listen(settings: &Settings) -> Result<Option<SocketAddr>, SettingError> {
    match settings.get::<String>("mqtt.websocket_listen")?.as_str() {
        "" => Ok(None),
        _ => settings.address("mqtt.websocket_listen").map(Some),
    }
}

pub(crate) fn password_file(settings: &Settings) -> Result<Option<PathBuf>, SettingError> {
    let path: PathBuf = settings.get("mqtt.password_file")?;
    Ok((!path.as_os_str().is_empty()).then_some(path))
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
    use super::*;

    #[test]
    fn the_example_has_the_default_limits() {
        let settings = Settings::load(None).unwrap();
        assert_eq!(server_limits(&settings).unwrap(), ServerLimits::default());
    }
}
