//! What is watched, when it is violated and who is notified: the rules, read and checked.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::tz::TimeZone;
use store::{Address, Severity};
use telemetry::{Filter, Series, Unit};

use super::hours::ActiveHours;

/// One file of rules.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// With different names.
    pub rules: Vec<Rule>,
    /// By name; those who have only a mail address are named after it.
    pub recipients: BTreeMap<String, Recipient>,
    /// When messages are made.
    pub grouping: Grouping,
    /// Series that rules watch for unusual values, at most; each takes some 5 kB.
    pub max_unusual: u32,
}

/// When messages are made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Grouping {
    /// Incidents of one rule come in one message when no other has opened for this long ...
    pub group_wait: Duration,
    /// ... or the first of them has waited this long.
    pub group_max: Duration,
    /// Mails to one address within an hour; what comes after them waits for a digest. At least 1.
    pub max_mails_per_hour: u32,
}

/// What is watched on a device, and when it is violated.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Stands in mails, topics and ids: 1–64 characters of `A–Z a–z 0–9 _ -`.
    pub name: String,
    /// All metrics where none is named.
    pub metric: Option<String>,
    /// Of the device's name.
    pub device: Filter,
    /// When it is violated.
    pub condition: Condition,
    /// The unit of the limits; none where they are compared with values as the devices send them.
    pub unit: Option<&'static Unit>,
    /// How long the condition must last before an incident opens.
    pub pending_for: Duration,
    /// How long it must be over before the incident is.
    pub keep_firing_for: Duration,
    /// How serious its incidents are.
    pub severity: Severity,
    /// Who is notified.
    pub to: Vec<Address>,
    /// Between two reminders; none is sent where there is none.
    pub repeat: Option<Duration>,
    /// When recipients are notified; always where there are none.
    pub active: Option<ActiveHours>,
    /// Series that must publish even if they never did.
    pub expect: Vec<Series>,
}

/// Limits and clear limits are in the unit of the rule, or else in that of the devices.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Condition {
    /// Violated above the limit; clear at the limit or, if there is `clear_below`, below that.
    Above {
        /// The limit.
        limit: f64,
        /// Below this it is clear.
        clear_below: Option<f64>,
    },
    /// Violated below the limit; clear at the limit or, if there is `clear_above`, above that.
    Below {
        /// The limit.
        limit: f64,
        /// Above this it is clear.
        clear_above: Option<f64>,
    },
    /// Violated below `low` or above `high`; clear from `clear_above` to `clear_below`, by default `low` and `high`.
    Outside {
        /// The lower limit.
        low: f64,
        /// The upper limit.
        high: f64,
        /// From this on it is clear.
        clear_above: Option<f64>,
        /// Up to this it is clear.
        clear_below: Option<f64>,
    },
    /// Violated while the value changes, up or down, by more than `per_minute`, measured `over` some time.
    Rate {
        /// The limit of the change.
        per_minute: f64,
        /// Below this change it is clear.
        clear_below: Option<f64>,
        /// The time over which the change is measured.
        over: Duration,
    },
    /// Violated when no reading came for this long.
    Absent {
        /// How long.
        after: Duration,
    },
    /// Violated when the same value came for this long.
    Stuck {
        /// How long.
        after: Duration,
    },
    /// Violated by a value that is rare beside what the series did before; clear once most values are like it.
    Unusual {
        /// From 0 to 1: how little a value must be unusual.
        sensitivity: f64,
        /// Between what most values lie, where that is known.
        usual: Option<(f64, f64)>,
    },
}

impl Condition {
    /// With its limits in another unit, which measures the same.
    fn converted(self, from: &Unit, into: &Unit) -> Self {
        let limit = |value| from.convert(value, into).unwrap_or(value);
        let change = |value| from.convert_difference(value, into).unwrap_or(value);
        match self {
            Self::Above { limit: at, clear_below } => {
                Self::Above { limit: limit(at), clear_below: clear_below.map(limit) }
            }
            Self::Below { limit: at, clear_above } => {
                Self::Below { limit: limit(at), clear_above: clear_above.map(limit) }
            }
            Self::Outside { low, high, clear_above, clear_below } => Self::Outside {
                low: limit(low),
                high: limit(high),
                clear_above: clear_above.map(limit),
                clear_below: clear_below.map(limit),
            },
            Self::Rate { per_minute, clear_below, over } => {
                Self::Rate { per_minute: change(per_minute), clear_below: clear_below.map(change), over }
            }
            Self::Absent { .. } | Self::Stuck { .. } | Self::Unusual { .. } => self,
        }
    }

    /// With limits of at most six digits, for people.
    #[must_use]
    pub(crate) fn rounded(self) -> Self {
        let rounded = |value: f64| format!("{value:.5e}").parse().unwrap_or(value);
        match self {
            Self::Above { limit, clear_below } => Self::Above { limit: rounded(limit), clear_below },
            Self::Below { limit, clear_above } => Self::Below { limit: rounded(limit), clear_above },
            Self::Outside { low, high, clear_above, clear_below } => {
                Self::Outside { low: rounded(low), high: rounded(high), clear_above, clear_below }
            }
            Self::Rate { per_minute, clear_below, over } => {
                Self::Rate { per_minute: rounded(per_minute), clear_below, over }
            }
            Self::Absent { .. } | Self::Stuck { .. } | Self::Unusual { .. } => self,
        }
    }
}

/// Who is notified.
#[derive(Debug, Clone, PartialEq)]
pub enum Recipient {
    /// By mail.
    Mail {
        /// The mail address.
        address: String,
        /// The zone in which its reader reads times.
        zone: TimeZone,
    },
    /// By a call.
    Webhook {
        /// The URL, which may hold a password.
        url: Secret,
    },
    /// By a publish to the broker.
    Mqtt,
}

/// A text that never prints.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

impl Rules {
    /// The rule of this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.name == name)
    }

    /// Whether a series is watched for unusual values.
    #[must_use]
    pub fn watch_for_unusual(&self, series: &Series) -> bool {
        let is_unusual = |rule: &&Rule| matches!(rule.condition, Condition::Unusual { .. });
        self.rules.iter().filter(is_unusual).any(|rule| rule.concerns(series))
    }

    /// The zone in which a mail address reads times; UTC for one that is not in the rules any more.
    #[must_use]
    pub fn zone_of(&self, address: &str) -> TimeZone {
        let zones = self.recipients.values().filter_map(|recipient| match recipient {
            Recipient::Mail { address: of, zone } if of == address => Some(zone.clone()),
            _ => None,
        });
        zones.into_iter().next().unwrap_or(TimeZone::UTC)
    }
}

impl Rule {
    /// Whether the rule watches a series.
    #[must_use]
    pub fn concerns(&self, series: &Series) -> bool {
        self.metric.as_deref().is_none_or(|metric| metric == series.metric())
            && self.device.matches(series.device())
    }

    /// The condition with its limits in the unit of a reading; nothing where that unit measures something else.
    ///
    /// A reading without a unit is taken to be in the unit of the rule.
    #[must_use]
    pub fn condition_in(&self, unit: Option<&str>) -> Option<Condition> {
        match (self.unit, unit) {
            (Some(own), Some(unit)) if unit != own.name && !unit.is_empty() => {
                let into = Unit::of(unit).filter(|into| own.converts(into))?;
                Some(self.condition.converted(own, into))
            }
            _ => Some(self.condition),
        }
    }
}
