//! Messages in which devices announce the units of later ones.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::announcements::{Announced, Announcement, unit_subject};
use crate::limits::MAX_READINGS;

/// In what form units are announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Announces {
    /// Homie 4: the unit of the topic above, as a text.
    Unit,
    /// Homie 5: a description of the device, with the units of its properties.
    Homie,
    /// Home Assistant's discovery: the topic of the state, and its unit.
    Discovery,
}

/// What a message announces; nothing where it is not of this form.
pub(super) fn announcements(
    announces: Announces,
    topic: &str,
    payload: &[u8],
    received_at: Timestamp,
) -> Vec<Announcement> {
    let Ok(text) = std::str::from_utf8(payload) else { return Vec::new() };
    let object = || serde_json::from_str::<Map<String, Value>>(text).unwrap_or_default();
    let units = match announces {
        Announces::Unit => {
            above(topic).map(|above| (unit_subject(above, ""), some(text))).into_iter().collect()
        }
        Announces::Homie => above(topic).map(|device| homie(device, &object())).unwrap_or_default(),
        Announces::Discovery => discovery(&object()),
    };
    let announcement = |(subject, unit)| {
        let content = Announced::Unit(unit);
        Announcement { subject, received_at, content }
    };
    units.into_iter().take(MAX_READINGS).map(announcement).collect()
}

type Units = Vec<(String, Option<String>)>;

fn above(topic: &str) -> Option<&str> {
    topic.rsplit_once('/').map(|(above, _)| above)
}

fn some(unit: &str) -> Option<String> {
    Some(unit.trim()).filter(|unit| !unit.is_empty()).map(str::to_owned)
}

/// `{"nodes": {"air": {"properties": {"temperature": {"unit": "°C"}}}}}`
fn homie(device: &str, description: &Map<String, Value>) -> Units {
    let objects = |value: Option<&Value>| value.and_then(Value::as_object).cloned().unwrap_or_default();
    let nodes = objects(description.get("nodes"));
    let properties = nodes.iter().flat_map(|(node, value)| {
        let properties = objects(value.get("properties"));
        properties.into_iter().map(move |(name, property)| (format!("{device}/{node}/{name}"), property))
    });
    let unit = |property: &Value| property.get("unit").and_then(Value::as_str).and_then(some);
    properties.map(|(topic, property)| (unit_subject(&topic, ""), unit(&property))).collect()
}

/// One entity, or a device with several, whose keys may be written short.
///
/// Source: <https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery>
fn discovery(config: &Map<String, Value>) -> Units {
    let components = ["components", "cmps"].iter().find_map(|key| config.get(*key)?.as_object());
    match components {
        Some(components) => components
            .values()
            .filter_map(Value::as_object)
            .filter_map(|component| entity(component, config))
            .collect(),
        None => entity(config, config).into_iter().collect(),
    }
}

fn entity(component: &Map<String, Value>, device: &Map<String, Value>) -> Option<(String, Option<String>)> {
    let text = |names: [&str; 2]| {
        let of = |object: &'_ Map<String, Value>| {
            names.iter().find_map(|name| Some(object.get(*name)?.as_str()?.to_owned()))
        };
        of(component).or_else(|| of(device))
    };
    let base = text(["~", "~"]).unwrap_or_default();
    let topic = text(["state_topic", "stat_t"])?.replace('~', &base);
    let path = path_of(&text(["value_template", "val_tpl"]).unwrap_or_default())?;
    let unit = ["unit_of_measurement", "unit_of_meas"].iter().find_map(|name| component.get(*name)?.as_str());
    Some((unit_subject(&topic, &path), unit.and_then(some)))
}

/// Where the value stands that a template takes: `{{ value_json.a.b | round(1) }}` is at `a/b`. Nothing for a template that
/// does more than that.
fn path_of(template: &str) -> Option<String> {
    let inner = template.trim().trim_start_matches("{{").trim_end_matches("}}");
    let inner = inner.split('|').next().unwrap_or_default().trim();
    if inner.is_empty() || inner == "value" {
        return Some(String::new());
    }
    let path = inner.strip_prefix("value_json")?;
    let path = path.replace("['", ".").replace("[\"", ".").replace("']", "").replace("\"]", "");
    let path = path.strip_prefix('.')?;
    let is_name =
        |name: &str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_-".contains(c));
    path.split('.').all(is_name).then(|| path.replace('.', "/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(announces: Announces, topic: &str, payload: &str) -> Vec<String> {
        announcements(announces, topic, payload.as_bytes(), Timestamp::UNIX_EPOCH)
            .into_iter()
            .map(|Announcement { subject, content, .. }| format!("{subject} = {content:?}"))
            .collect()
    }

    #[test]
    fn homie_announces_units_by_topic_or_by_device() {
        assert_eq!(
            units(Announces::Unit, "homie/lab/air/temperature/$unit", "°C"),
            [r#"unit homie/lab/air/temperature  = Unit(Some("°C"))"#]
        );
        let description =
            r#"{"nodes":{"air":{"properties":{"t":{"unit":"°C"},"mode":{"datatype":"enum"}}}}}"#;
        assert_eq!(
            units(Announces::Homie, "homie/5/lab/$description", description),
            [r#"unit homie/5/lab/air/mode  = Unit(None)"#, r#"unit homie/5/lab/air/t  = Unit(Some("°C"))"#]
        );
        assert!(units(Announces::Homie, "homie/5/lab/$description", "[]").is_empty());
    }

    #[test]
    fn discovery_announces_the_unit_of_a_place_in_a_payload() {
        let config = |text: &str| units(Announces::Discovery, "homeassistant/sensor/a/b/config", text);
        assert_eq!(
            config(
                r#"{"state_topic":"z/a","unit_of_measurement":"mV","value_template":"{{ value_json.voltage }}"}"#
            ),
            [r#"unit z/a voltage = Unit(Some("mV"))"#]
        );
        assert_eq!(
            config(r#"{"~":"esp/x","stat_t":"~/state","unit_of_meas":"°C"}"#),
            [r#"unit esp/x/state  = Unit(Some("°C"))"#]
        );
        assert_eq!(
            config(
                r#"{"cmps":{"t":{"p":"sensor","unit_of_meas":"°F","val_tpl":"{{ value_json['a'].b|float }}"}},"stat_t":"x"}"#
            ),
            [r#"unit x a/b = Unit(Some("°F"))"#]
        );
        assert!(config(r#"{"stat_t":"x","val_tpl":"{% if a %}1{% endif %}"}"#).is_empty());
        assert!(config("{}").is_empty() && config("").is_empty());
    }
}
