//! Values, times and limits as people read them.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use store::{ConditionKind, Incident, Severity};
use telemetry::text::{number, visible};
use telemetry::{Unit, Words};

/// What a query takes as it is, and what reads better so.
const IN_QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'/');

pub(crate) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    }
}

/// Bytes of a link, at most; a longer one leads to the page itself.
const MAX_LINK_BYTES: usize = 2_000;

/// Characters of a name in a message, at most.
const MAX_NAME_CHARS: usize = 80;

/// Where the page shows the chart.
pub(crate) fn link(page: &str, incident: &Incident) -> String {
    bounded(page, format!("{page}/?{}", chart(incident)))
}

/// Where the page shows the chart, with the form that acknowledges or silences the incident.
pub(crate) fn link_to_form(page: &str, form: &str, incident: &Incident) -> String {
    bounded(page, format!("{page}/?{}&{form}={}", chart(incident), encoded(&incident.id)))
}

/// Where the page shows the series of the devices that a filter matches; `alerting` shows only those with an open
/// incident. The page separates filters by commas.
pub(crate) fn link_to_group(page: &str, metric: Option<&str>, devices: &str, alerting: bool) -> String {
    let topics = format!("{}/{devices}", metric.unwrap_or("+"));
    let topics = if devices == "#" && metric.is_none() || topics.contains(',') {
        None
    } else {
        Some(format!("topics={}", encoded(&topics)))
    };
    let alerting = alerting.then(|| "alerting=yes".to_owned());
    let query: Vec<_> = topics.into_iter().chain(alerting).collect();
    let question = if query.is_empty() { "" } else { "?" };
    bounded(page, format!("{page}/{question}{}", query.join("&")))
}

fn chart(incident: &Incident) -> String {
    format!("device={}&metric={}", encoded(&incident.device), encoded(&incident.metric))
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, IN_QUERY).to_string()
}

fn bounded(page: &str, link: String) -> String {
    if link.len() <= page.len() + MAX_LINK_BYTES { link } else { format!("{page}/") }
}

/// A name, without its middle where it is long.
pub(crate) fn name(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    if chars.len() <= MAX_NAME_CHARS {
        return name.to_owned();
    }
    let half = MAX_NAME_CHARS / 2;
    chars[..half].iter().chain(&['…']).chain(&chars[chars.len() + 1 - half..]).collect()
}

/// One line about an incident, whatever has become of it.
pub(crate) fn summary(incident: &Incident, words: &Words) -> String {
    let value = incident.value.filter(|_| incident.condition.kind != ConditionKind::Absent);
    let value = value.map(|value| format!(" {},", self::value(value, incident, words))).unwrap_or_default();
    format!("{}{value} {}", about(incident), limit(incident, words))
}

pub(crate) fn about(incident: &Incident) -> String {
    format!("{}: {}", name(&incident.device), incident.metric)
}

/// The word for a value of an incident; a change per minute has none.
pub(crate) fn word<'a>(value: f64, incident: &Incident, words: &'a Words) -> Option<&'a str> {
    let is_rate = incident.condition.kind == ConditionKind::Rate;
    words.word_for(&incident.metric, value, incident.unit.as_deref()).filter(|_| !is_rate)
}

/// A value of an incident, or for a rate a change per minute, with its unit; or the word for it: a door is open, not 1.
pub(crate) fn value(value: f64, incident: &Incident, words: &Words) -> String {
    if let Some(word) = word(value, incident, words) {
        return word.into();
    }
    let unit = unit(incident.unit.as_deref());
    let short = short(value, incident.condition.threshold);
    match incident.condition.kind {
        ConditionKind::Rate if value > 0.0 => format!("+{short}{unit} per minute"),
        ConditionKind::Rate => format!("{short}{unit} per minute"),
        _ => format!("{short}{unit}"),
    }
}

/// What was violated, with the unit or the word for the limit: `above 25 °C`, `below closed`.
pub(crate) fn limit(incident: &Incident, words: &Words) -> String {
    let unit = unit(incident.unit.as_deref());
    match (incident.condition.kind, incident.condition.text.as_str()) {
        (ConditionKind::Above, "") => threshold("above", incident, words),
        (ConditionKind::Below, "") => threshold("below", incident, words),
        (_, "") => "out of bounds".into(),
        (ConditionKind::Unusual, "unusual") => "unusual".into(),
        (
            ConditionKind::Above | ConditionKind::Below | ConditionKind::Outside | ConditionKind::Unusual,
            text,
        ) => {
            format!("{}{unit}", words.in_text(&incident.metric, text, incident.unit.as_deref()))
        }
        (ConditionKind::Rate, text) => match text.strip_suffix(" per minute") {
            Some(text) => format!("{text}{unit} per minute"),
            None => text.to_owned(),
        },
        (ConditionKind::Absent, text) => lasting("silent for", text),
        (ConditionKind::Stuck, text) => lasting("the same for", text),
    }
}

/// Spells out the duration at the end of a condition, as in `absent for 2m`; other words stay as they are.
fn lasting(prefix: &str, words: &str) -> String {
    let (_, text) = words.split_once(" for ").unwrap_or_default();
    let end =
        humantime::parse_duration(text).ok().and_then(|lasts| Timestamp::UNIX_EPOCH.checked_add(lasts).ok());
    match end {
        Some(end) if end.as_millisecond() % 1_000 == 0 => {
            format!("{prefix} {}", duration(Timestamp::UNIX_EPOCH, end))
        }
        _ => words.to_owned(),
    }
}

/// Of an incident that an earlier version kept without words.
fn threshold(side: &str, incident: &Incident, words: &Words) -> String {
    match incident.condition.threshold {
        Some(at) => format!("{side} {}", value(at, incident, words)),
        None => format!("{side} its limit"),
    }
}

/// At most three decimals, unless these would make the value look like the limit: a message is for a glance.
fn short(value: f64, limit: Option<f64>) -> String {
    match limit {
        Some(limit) if limit != value && rounded(limit) == rounded(value) => number(value),
        _ => rounded(value),
    }
}

fn rounded(value: f64) -> String {
    if value != 0.0 && !(0.001..1e12).contains(&value.abs()) {
        return format!("{value:e}");
    }
    // Plus zero: a zero has no sign.
    let text = format!("{:.3}", value + 0.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A value that is drawn, without a limit that it could be mistaken for.
pub(crate) fn plain(value: f64, of: Option<&str>) -> String {
    format!("{}{}", rounded(value), unit(of))
}

fn unit(unit: Option<&str>) -> String {
    match unit {
        None | Some("") => String::new(),
        Some(text) => format!(" {}", Unit::of(text).map_or_else(|| visible(text), |unit| unit.sign.into())),
    }
}

/// To the second, with the name of the zone.
pub(crate) fn time(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
}

/// The same in UTC, with the day where it is another one; none where the zone is UTC.
pub(crate) fn time_utc(at: Timestamp, zone: &TimeZone) -> Option<String> {
    // A machine's zone may be UTC by another name.
    if zone.to_offset_info(at).abbreviation() == "UTC" {
        return None;
    }
    let utc = at.to_zoned(TimeZone::UTC);
    let same_day = utc.date() == at.to_zoned(zone.clone()).date();
    Some(utc.strftime(if same_day { "%H:%M:%S UTC" } else { "%Y-%m-%d %H:%M:%S UTC" }).to_string())
}

/// The two largest units, for a glance: `12 min`, `1 h 5 min`, `2 d 3 h`.
pub(crate) fn duration(from: Timestamp, to: Timestamp) -> String {
    let seconds = to.duration_since(from).as_secs().max(0);
    let both = |large: i64, unit: &str, small: i64, part: &str| match small {
        0 => format!("{large} {unit}"),
        _ => format!("{large} {unit} {small} {part}"),
    };
    match seconds {
        0..60 => format!("{seconds} s"),
        60..600 => both(seconds / 60, "min", seconds % 60, "s"),
        600..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => both(seconds / 3_600, "h", seconds / 60 % 60, "min"),
        _ => both(seconds / 86_400, "d", seconds / 3_600 % 24, "h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_short() {
        for (value, text) in [
            (26.1, "26.1"),
            (25.0, "25"),
            (100.0, "100"),
            (-0.5, "-0.5"),
            (-0.0, "0"),
            (1e6, "1000000"),
            (26.123_456, "26.123"),
            (25.000_1, "25.0001"),
            (0.000_1, "1e-4"),
            (-1.5e300, "-1.5e300"),
        ] {
            assert_eq!(short(value, Some(25.0)), text);
        }
        assert_eq!(short(25.000_1, None), "25");
    }

    #[test]
    fn durations_are_for_a_glance() {
        for (seconds, text) in [
            (-5, "0 s"),
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (125, "2 min 5 s"),
            (723, "12 min"),
            (3_600, "1 h"),
            (3_900, "1 h 5 min"),
            (180_000, "2 d 2 h"),
        ] {
            let from = Timestamp::UNIX_EPOCH;
            assert_eq!(duration(from, Timestamp::from_second(seconds).unwrap()), text);
        }
    }

    #[test]
    fn a_time_is_in_the_zone_of_its_reader_and_in_utc() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let both = |text: &str, zone: &TimeZone| (time(at(text), zone), time_utc(at(text), zone));
        let (summer, utc) = both("2026-07-15T10:30:00.9Z", &berlin);
        assert_eq!((summer.as_str(), utc.as_deref()), ("2026-07-15 12:30:00 CEST", Some("10:30:00 UTC")));
        let (winter, utc) = both("2026-01-15T23:30:00Z", &berlin);
        assert_eq!(
            (winter.as_str(), utc.as_deref()),
            ("2026-01-16 00:30:00 CET", Some("2026-01-15 23:30:00 UTC"))
        );
        assert_eq!(both("2026-01-15T10:30:00Z", &TimeZone::UTC), ("2026-01-15 10:30:00 UTC".into(), None));
    }
}
