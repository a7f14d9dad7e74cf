//! The settings of the uplink.

use std::time::Duration;

use broker::BrokerUrl;
use serde::Deserialize;
use service::{SettingError, Settings};
use telemetry::{uplink_edge, uplink_topic};

/// How long a batch may gather.
const EVERY: std::ops::RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(3600);

/// Where an edge forwards to, and as whom.
#[derive(Debug, Clone)]
pub struct Config {
    /// The cloud's broker, which speaks MQTT 5.
    pub url: BrokerUrl,
    /// The name of the edge: its devices are `<edge>/<device>` in the cloud.
    pub edge: String,
    /// How long new readings may gather before they are sent.
    pub every: Duration,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    url: String,
    edge: String,
    #[serde(with = "humantime_serde")]
    every: Duration,
}

impl Config {
    /// Reads the settings below `uplink`. None where the uplink is off.
    ///
    /// # Errors
    /// One of them is wrong.
    pub fn from_settings(settings: &Settings) -> Result<Option<Self>, SettingError> {
        let Section { url, edge, every } = settings.get("uplink")?;
        if !EVERY.contains(&every) {
            return Err(SettingError::new("uplink.every", "must be 100ms to 1h"));
        }
        if url.is_empty() {
            return Ok(None);
        }
        let url: BrokerUrl = url.parse().map_err(|e| SettingError::new("uplink.url", e))?;
        let edge = named(&url, edge)?;
        Ok(Some(Self { url, edge, every }))
    }

    /// The first part of the MQTT client ids. A broker lets devices subscribe by ids that begin with their user.
    pub(crate) fn client(&self) -> String {
        let user = self.url.credentials.as_ref().map(|(user, _)| user.clone());
        user.unwrap_or_else(|| self.edge.replace('/', "."))
    }
}

/// The name in the setting, or else the user's, as devices have them: `.` stands for `/`, and `~2` for another credential.
fn named(url: &BrokerUrl, edge: String) -> Result<String, SettingError> {
    let user = url.credentials.as_ref().map(|(user, _)| user.split('~').next().unwrap_or_default());
    let (setting, edge) = match (edge.is_empty(), user) {
        (false, _) => ("uplink.edge", edge),
        (true, Some(user)) => ("uplink.url", user.replace('.', "/")),
        (true, None) => {
            let why = "uplink.url names no user: give the edge a name here, such as \"site-a\"";
            return Err(SettingError::new("uplink.edge", why));
        }
    };
    if uplink_edge(&uplink_topic(&edge)).is_none() {
        let why = format!("{edge:?} cannot be the name of an edge: use A-Z a-z 0-9 _ - and / between levels");
        return Err(SettingError::new(setting, why));
    }
    Ok(edge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_of_the_url_names_the_edge() {
        for (url, edge, name) in [
            ("mqtts://site-a:s@cloud", "", Ok("site-a")),
            ("mqtt://north.site-a~2:s@cloud", "", Ok("north/site-a")),
            ("mqtt://site-a:s@cloud", "plant/b", Ok("plant/b")),
            ("mqtt://cloud", "site-a", Ok("site-a")),
            ("mqtt://cloud", "", Err("uplink.edge")),
            ("mqtt://sité:s@cloud", "", Err("uplink.url")),
            ("mqtt://cloud", "a b", Err("uplink.edge")),
        ] {
            let named = named(&url.parse().unwrap(), edge.into());
            match name {
                Ok(name) => assert_eq!(named.unwrap(), name, "{url}"),
                Err(setting) => {
                    let said = named.unwrap_err().to_string();
                    assert!(said.contains(setting), "{url}: {said}");
                }
            }
        }
    }

    #[test]
    fn it_is_off_by_default() {
        assert!(Config::from_settings(&Settings::load(None).unwrap()).unwrap().is_none());
    }
}
