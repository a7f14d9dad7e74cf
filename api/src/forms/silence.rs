//! Silences.

use serde::{Deserialize, Serialize};

use super::{Time, given};

/// A silence, which holds back notifications: a row of `GET /api/silences`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// The silence's id.
    pub id: String,
    /// The devices, as an MQTT topic filter.
    pub device: String,
    /// The metric; all metrics where it is missing.
    pub metric: Option<String>,
    /// The rule; all rules where it is missing.
    pub rule: Option<String>,
    /// When the silence began.
    pub from: Time,
    /// When it ends, or ended.
    pub until: Time,
    /// The reason for the silence.
    pub reason: String,
    /// Who asked for it, where that is known.
    pub by: Option<String>,
}

impl From<&store::Silence> for Silence {
    fn from(silence: &store::Silence) -> Self {
        Self {
            id: silence.id.clone(),
            device: silence.device.to_string(),
            metric: silence.metric.clone(),
            rule: silence.rule.clone(),
            from: silence.from.into(),
            until: silence.until.into(),
            reason: silence.reason.clone(),
            by: given(&silence.by),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    #[test]
    fn an_author_without_a_name_is_null() {
        let silence = store::Silence {
            id: "1".into(),
            rule: None,
            metric: Some("temperature".into()),
            device: telemetry::Filter::all(),
            from: Timestamp::UNIX_EPOCH,
            until: Timestamp::UNIX_EPOCH,
            reason: "moving".into(),
            by: String::new(),
        };
        let form = Silence::from(&silence);
        assert_eq!(
            (&form.by, form.device.as_str(), form.metric.as_deref()),
            (&None, "#", Some("temperature"))
        );
    }
}
