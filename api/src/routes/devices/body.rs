//! What a request says of a device.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use store::Device;
use telemetry::Series;

/// The name of a device that nobody has named.
const NAMELESS: &str = "device";

/// Characters of a name that is made of a title, at most.
const MAX_MADE_CHARS: usize = 48;

/// The body of `POST`, `PUT` and `PATCH`. What is `null` is none; in `PATCH`, what is missing stays as it is.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Body {
    #[serde(alias = "device_id", alias = "id", alias = "device")]
    name: Option<String>,
    #[serde(default, deserialize_with = "given", alias = "display_name", alias = "label")]
    title: Option<Option<String>>,
    #[serde(
        default,
        deserialize_with = "given",
        rename = "type",
        alias = "device_type",
        alias = "sensor_type",
        alias = "kind"
    )]
    kind: Option<Option<String>>,
    #[serde(default, deserialize_with = "given", alias = "room", alias = "area")]
    location: Option<Option<String>>,
    #[serde(default, deserialize_with = "given", alias = "lat")]
    latitude: Option<Option<f64>>,
    #[serde(default, deserialize_with = "given", alias = "lon", alias = "lng")]
    longitude: Option<Option<f64>>,
    #[serde(
        default,
        deserialize_with = "given",
        alias = "sampling_interval",
        alias = "sample_rate",
        alias = "interval"
    )]
    sampling_rate: Option<Option<Interval>>,
    #[serde(default, deserialize_with = "given")]
    tags: Option<Option<Vec<String>>>,
    #[serde(default, deserialize_with = "given", alias = "notes", alias = "description")]
    note: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    retired: Option<Option<bool>>,
}

/// A field that is left out is none; one that is there is a value or `null`.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Seconds, or a duration in words such as `1m 30s`.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Interval {
    Seconds(f64),
    Text(String),
}

impl Interval {
    fn read(&self) -> Result<Duration, String> {
        let read = match self {
            Self::Seconds(seconds) => Duration::try_from_secs_f64(*seconds).ok(),
            Self::Text(text) => humantime::parse_duration(text).ok(),
        };
        let is_good = |interval: &Duration| {
            (Duration::from_millis(1)..=Duration::from_secs(366 * 24 * 3600)).contains(interval)
        };
        read.filter(is_good).ok_or_else(|| {
            "sampling_rate must be the seconds between two readings, such as 10 or \"1m 30s\": 1 ms to 366 days".into()
        })
    }
}

/// The fields that there are, as they may be spelt.
const FIELDS: [&str; 28] = [
    "name",
    "device_id",
    "id",
    "device",
    "title",
    "display_name",
    "label",
    "type",
    "device_type",
    "sensor_type",
    "kind",
    "location",
    "room",
    "area",
    "latitude",
    "lat",
    "longitude",
    "lon",
    "lng",
    "sampling_rate",
    "sampling_interval",
    "sample_rate",
    "interval",
    "tags",
    "note",
    "notes",
    "description",
    "retired",
];

impl Body {
    /// What a row of an import says; what else an export has of a device is passed over.
    pub(crate) fn of_row(mut fields: Map<String, Value>) -> Result<Self, String> {
        fields.retain(|name, _| FIELDS.contains(&&**name));
        serde_json::from_value(Value::Object(fields)).map_err(|e| e.to_string())
    }

    /// Whether nothing is said of the device.
    pub(crate) fn is_only_a_name(&self) -> bool {
        self.names_it()
            && self.title.is_none()
            && self.kind.is_none()
            && self.location.is_none()
            && self.latitude.is_none()
            && self.longitude.is_none()
            && self.sampling_rate.is_none()
            && self.tags.is_none()
            && self.note.is_none()
            && self.retired.is_none()
    }

    /// Whether it has a name that a topic may have. Another one is a title.
    pub(crate) fn names_it(&self) -> bool {
        self.name.as_deref().is_some_and(is_name)
    }

    /// The same of the device of this name: one that a row has may be a title.
    pub(crate) fn renamed(&self, name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..self.clone() }
    }

    /// A new device.
    pub(crate) fn device(&self, now: Timestamp) -> Result<Device, String> {
        let title = self.title.clone().flatten();
        let (name, title) = match &self.name {
            Some(name) if is_name(name) => (name.clone(), title),
            Some(name) => (made(name), title.or_else(|| Some(name.clone()))),
            None => (made(title.as_deref().ok_or("send a name or a title")?), title),
        };
        self.applied(Device { title, ..Device::new(name, now) }, false)
    }

    /// The device with nothing but what this says of it.
    pub(crate) fn replaces(&self, old: &Device) -> Result<Device, String> {
        let new = Device { revision: old.revision, ..Device::new(&old.name, old.created_at) };
        self.applied(new, true)
    }

    /// The device with what this says of it.
    pub(crate) fn changes(&self, old: &Device) -> Result<Device, String> {
        self.applied(old.clone(), true)
    }

    fn applied(&self, mut device: Device, is_known: bool) -> Result<Device, String> {
        if is_known && self.name.as_ref().is_some_and(|name| *name != device.name) {
            return Err("name: a device keeps its name; leave it out".into());
        }
        if is_known && let Some(title) = &self.title {
            device.title.clone_from(title);
        }
        for (said, field) in [
            (&self.kind, &mut device.kind),
            (&self.location, &mut device.location),
            (&self.note, &mut device.note),
        ] {
            if let Some(said) = said {
                field.clone_from(said);
            }
        }
        if let Some(tags) = &self.tags {
            device.tags = tags.clone().unwrap_or_default();
        }
        if let Some(interval) = &self.sampling_rate {
            device.interval = interval.as_ref().map(Interval::read).transpose()?;
        }
        if let Some(retired) = self.retired {
            device.retired = retired.unwrap_or(false);
        }
        device.place = self.place(device.place)?;
        Ok(device)
    }

    fn place(&self, old: Option<(i64, i64)>) -> Result<Option<(i64, i64)>, String> {
        let one = |said: Option<Option<f64>>, old: Option<i64>, name, max: f64| match said {
            None => Ok(old),
            Some(None) => Ok(None),
            Some(Some(degrees)) if degrees.abs() <= max => Ok(Some((degrees * 1e6).round() as i64)),
            Some(Some(_)) => Err(format!("{name} must be degrees from -{max} to {max}")),
        };
        let latitude = one(self.latitude, old.map(|place| place.0), "latitude", 90.0)?;
        let longitude = one(self.longitude, old.map(|place| place.1), "longitude", 180.0)?;
        match (latitude, longitude) {
            (Some(latitude), Some(longitude)) => Ok(Some((latitude, longitude))),
            (None, None) => Ok(None),
            _ => Err("latitude and longitude belong together: send both, or neither".into()),
        }
    }
}

fn is_name(name: &str) -> bool {
    Series::new("m", name).is_ok()
}

/// A name that a topic may have, made of a title: `Labor Süd` becomes `labor-sued`.
fn made(title: &str) -> String {
    let mut name = String::new();
    for letter in title.to_lowercase().chars() {
        match letter {
            'a'..='z' | '0'..='9' | '_' => name.push(letter),
            'ä' => name.push_str("ae"),
            'ö' => name.push_str("oe"),
            'ü' => name.push_str("ue"),
            'ß' => name.push_str("ss"),
            'à'..='å' => name.push('a'),
            'è'..='ë' => name.push('e'),
            'ì'..='ï' => name.push('i'),
            'ò'..='õ' => name.push('o'),
            'ù'..='û' => name.push('u'),
            'ç' => name.push('c'),
            'ñ' => name.push('n'),
            _ if !name.is_empty() && !name.ends_with('-') => name.push('-'),
            _ => {}
        }
        if name.len() >= MAX_MADE_CHARS {
            break;
        }
    }
    let name = name.trim_end_matches('-');
    if name.is_empty() { NAMELESS.to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn body(json: &str) -> Body {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_name_that_no_topic_has_becomes_the_title() {
        for (json, name, title) in [
            (r#"{"name": "site-a/lab"}"#, "site-a/lab", None),
            (r#"{"name": "Labor Süd (2)"}"#, "labor-sued-2", Some("Labor Süd (2)")),
            (r#"{"title": "Größe"}"#, "groesse", Some("Größe")),
            (r#"{"name": "温度"}"#, "device", Some("温度")),
            (r#"{"name": "a b", "title": "c"}"#, "a-b", Some("c")),
            (r#"{"device_id": "lab", "device_type": "bme280"}"#, "lab", None),
        ] {
            let device = body(json).device(NOW).unwrap();
            assert_eq!((device.name.as_str(), device.title.as_deref()), (name, title), "{json}");
        }
        assert!(body("{}").device(NOW).is_err());
    }

    #[test]
    fn common_spellings_are_taken() {
        let json = r#"{"id": "lab", "sensor_type": "dht22", "room": "cellar", "lat": 52.52, "lon": -13.4,
            "sampling_interval": "1m 30s", "tags": ["a", "b"], "description": "x"}"#;
        let device = body(json).device(NOW).unwrap();
        assert_eq!(device.kind.as_deref(), Some("dht22"));
        assert_eq!(device.location.as_deref(), Some("cellar"));
        assert_eq!(device.place, Some((52_520_000, -13_400_000)));
        assert_eq!(device.interval, Some(Duration::from_secs(90)));
        assert_eq!(device.note.as_deref(), Some("x"));
    }

    #[test]
    fn a_change_leaves_what_it_does_not_name_and_a_replacement_nothing() {
        let old = Device {
            title: Some("t".into()),
            note: Some("n".into()),
            place: Some((1, 2)),
            tags: vec!["x".into()],
            revision: 3,
            ..Device::new("lab", NOW)
        };
        let change = body(r#"{"title": null, "type": "k"}"#);
        let changed = change.changes(&old).unwrap();
        assert_eq!(changed, Device { title: None, kind: Some("k".into()), ..old.clone() });
        let replaced = change.replaces(&old).unwrap();
        assert_eq!(replaced, Device { kind: Some("k".into()), revision: 3, ..Device::new("lab", NOW) });
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let old = Device::new("lab", NOW);
        for json in [
            r#"{"name": "other"}"#,
            r#"{"latitude": 91, "longitude": 0}"#,
            r#"{"latitude": 1}"#,
            r#"{"sampling_rate": 0}"#,
            r#"{"sampling_rate": -1}"#,
            r#"{"sampling_rate": "soon"}"#,
            r#"{"sampling_rate": 1e300}"#,
        ] {
            assert!(body(json).changes(&old).is_err(), "{json}");
        }
        assert!(serde_json::from_str::<Body>(r#"{"name": "lab", "colour": "red"}"#).is_err());
    }
}
