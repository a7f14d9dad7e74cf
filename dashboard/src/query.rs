//! What a request asks for, checked.

mod value;

use std::collections::BTreeMap;

use jiff::Timestamp;
use store::{IncidentQuery, LedgerQuery, ReadingQuery, RejectionQuery, Severity, TimeRange, answer};

use value::{cursor, filter, number, one_of, row, text, time, truth};

/// Readings on one page, at most, and where none is asked for.
const MAX_LIMIT: usize = 100_000;
const DEFAULT_LIMIT: usize = 1_000;

/// Points of one chart, at most.
const MAX_POINTS: usize = 5_000;

/// The parameters of a request, by name.
pub(crate) type Parameters = BTreeMap<String, String>;

/// The parameters of each route, as its document names them, too.
pub(crate) const OF_READINGS: &[&str] =
    &["device", "metric", "from", "to", "limit", "after", "points", "format"];
pub(crate) const OF_INCIDENTS: &[&str] =
    &["id", "rule", "device", "metric", "severity", "state", "acknowledged", "from", "to", "limit"];
pub(crate) const OF_SILENCES: &[&str] = &["all"];
pub(crate) const OF_REJECTED: &[&str] = &["limit", "before", "resent"];
pub(crate) const OF_COMPLETENESS: &[&str] = &["device", "from", "to"];

/// What `GET /api/readings` asks for.
#[derive(Debug)]
pub(crate) enum Asked {
    Readings(ReadingQuery, Format),
    Buckets(BucketQuery, Format),
}

/// The shape of one series.
#[derive(Debug)]
pub(crate) struct BucketQuery {
    pub(crate) device: String,
    pub(crate) metric: String,
    pub(crate) from: Option<Timestamp>,
    pub(crate) to: Option<Timestamp>,
    pub(crate) points: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Csv,
}

/// # Errors
/// Says which parameter is wrong and what it may be.
pub(crate) fn readings(mut parameters: Parameters) -> Result<Asked, String> {
    let device = text(&mut parameters, "device")?;
    let metric = text(&mut parameters, "metric")?;
    let (from, to) = times(&mut parameters)?;
    let points = number(&mut parameters, "points", MAX_POINTS)?;
    let limit = number(&mut parameters, "limit", MAX_LIMIT)?;
    let after = cursor(&mut parameters)?;
    let format = one_of(&mut parameters, "format", &[("json", Format::Json), ("csv", Format::Csv)])?;
    nothing_left(&parameters, OF_READINGS)?;
    let format = format.unwrap_or(Format::Json);
    match (points, device, metric) {
        (None, device, metric) => {
            let range = range(from, to);
            let limit = limit.unwrap_or(if format == Format::Csv { usize::MAX } else { DEFAULT_LIMIT });
            Ok(Asked::Readings(ReadingQuery { device, metric, range, limit, after }, format))
        }
        (Some(_), _, _) if limit.is_some() || after.is_some() => {
            Err("points goes without limit and after".into())
        }
        (Some(points), Some(device), Some(metric)) => {
            Ok(Asked::Buckets(BucketQuery { device, metric, from, to, points }, format))
        }
        (Some(_), _, _) => Err("points needs a device and a metric".into()),
    }
}

/// What `GET /api/incidents` asks for.
///
/// # Errors
/// Says which parameter is wrong and what it may be.
pub(crate) fn incidents(mut parameters: Parameters) -> Result<IncidentQuery, String> {
    let (from, to) = times(&mut parameters)?;
    let severities = [Severity::Info, Severity::Warning, Severity::Critical];
    let query = IncidentQuery {
        id: text(&mut parameters, "id")?,
        rule: text(&mut parameters, "rule")?,
        metric: text(&mut parameters, "metric")?,
        device: filter(&mut parameters, "device")?,
        severity: one_of(
            &mut parameters,
            "severity",
            &severities.map(|severity| (answer::severity(severity), severity)),
        )?,
        open: one_of(&mut parameters, "state", &[("open", true), ("resolved", false)])?,
        acknowledged: truth(&mut parameters, "acknowledged")?,
        from,
        to,
        limit: number(&mut parameters, "limit", MAX_LIMIT)?.unwrap_or(DEFAULT_LIMIT),
    };
    nothing_left(&parameters, OF_INCIDENTS)?;
    Ok(query)
}

/// Whether `GET /api/silences` asks for those that have ended, too.
///
/// # Errors
/// Says which parameter is wrong and what it may be.
pub(crate) fn silences(mut parameters: Parameters) -> Result<bool, String> {
    let all = truth(&mut parameters, "all")?;
    nothing_left(&parameters, OF_SILENCES)?;
    Ok(all.unwrap_or(false))
}

/// What `GET /api/rejected` asks for.
///
/// # Errors
/// Says which parameter is wrong and what it may be.
pub(crate) fn rejected(mut parameters: Parameters) -> Result<RejectionQuery, String> {
    let query = RejectionQuery {
        id: None,
        before: row(&mut parameters, "before")?,
        resent: truth(&mut parameters, "resent")?,
        limit: number(&mut parameters, "limit", MAX_LIMIT)?.unwrap_or(DEFAULT_LIMIT),
    };
    nothing_left(&parameters, OF_REJECTED)?;
    Ok(query)
}

/// # Errors
/// Says which parameter is wrong and what it may be.
pub(crate) fn ledger(mut parameters: Parameters) -> Result<LedgerQuery, String> {
    let device = text(&mut parameters, "device")?;
    let (from, to) = times(&mut parameters)?;
    nothing_left(&parameters, OF_COMPLETENESS)?;
    Ok(LedgerQuery { device, range: range(from, to) })
}

/// # Errors
/// There is a parameter.
pub(crate) fn nothing(parameters: &Parameters) -> Result<(), String> {
    nothing_left(parameters, &[])
}

fn times(parameters: &mut Parameters) -> Result<(Option<Timestamp>, Option<Timestamp>), String> {
    let (from, to) = (time(parameters, "from")?, time(parameters, "to")?);
    match (from, to) {
        (Some(from), Some(to)) if from > to => Err("from is later than to".into()),
        times => Ok(times),
    }
}

/// All times where none is named.
fn range(from: Option<Timestamp>, to: Option<Timestamp>) -> TimeRange {
    TimeRange { from: from.unwrap_or(Timestamp::MIN), to: to.unwrap_or(Timestamp::MAX) }
}

fn nothing_left(parameters: &Parameters, known: &[&str]) -> Result<(), String> {
    let there_are = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    match parameters.keys().next() {
        None => Ok(()),
        Some(name) => Err(format!("unknown parameter {name}: there are {there_are}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(parameters: &[(&str, &str)]) -> Result<Asked, String> {
        asked(readings, parameters)
    }

    fn asked<T>(read: fn(Parameters) -> Result<T, String>, parameters: &[(&str, &str)]) -> Result<T, String> {
        read(parameters.iter().map(|(k, v)| ((*k).to_string(), (*v).to_string())).collect())
    }

    #[test]
    fn alerts_are_asked_for_by_everything_that_tells_them_apart() {
        let all = asked(incidents, &[]).unwrap();
        assert_eq!((all.limit, all.open, all.device.is_none()), (DEFAULT_LIMIT, None, true));
        let some = [("device", "site-a/#"), ("severity", "critical"), ("state", "resolved"), ("limit", "5")];
        let some = asked(incidents, &some).unwrap();
        assert_eq!((some.device.unwrap().as_str(), some.open, some.limit), ("site-a/#", Some(false), 5));
        assert_eq!(some.severity, Some(Severity::Critical));
        let seen = asked(incidents, &[("acknowledged", "true"), ("from", "0"), ("id", "a/b/1")]).unwrap();
        assert_eq!((seen.acknowledged, seen.from), (Some(true), Some(Timestamp::UNIX_EPOCH)));
        assert_eq!(seen.id.as_deref(), Some("a/b/1"));
        for (parameter, expected) in [
            (("device", "a+"), "device: + and # stand for whole levels"),
            (("severity", "high"), "severity must be info or warning or critical"),
            (("state", "firing"), "state must be open or resolved"),
            (("acknowledged", "1"), "acknowledged must be true or false"),
            (("limit", "0"), "limit must be"),
            (("stat", "open"), "unknown parameter stat: there are id, rule, device"),
        ] {
            let error = asked(incidents, &[parameter]).unwrap_err();
            assert!(error.contains(expected), "{parameter:?}: {error}");
        }
    }

    #[test]
    fn silences_that_have_ended_are_asked_for() {
        assert_eq!(asked(silences, &[]), Ok(false));
        assert_eq!(asked(silences, &[("all", "true")]), Ok(true));
        assert!(asked(silences, &[("all", "yes")]).unwrap_err().contains("all must be true or false"));
        assert!(asked(silences, &[("device", "a")]).unwrap_err().contains("unknown parameter device"));
    }

    #[test]
    fn rejected_payloads_are_asked_for_page_by_page() {
        let all = RejectionQuery { limit: DEFAULT_LIMIT, ..RejectionQuery::default() };
        assert_eq!(asked(rejected, &[]), Ok(all));
        let some = [("limit", "5"), ("before", "17"), ("resent", "false")];
        let expected = RejectionQuery { before: Some(17), resent: Some(false), limit: 5, ..all };
        assert_eq!(asked(rejected, &some), Ok(expected));
        assert!(asked(rejected, &[("before", "x")]).unwrap_err().contains("before must be the `id`"));
        assert!(asked(rejected, &[("resent", "1")]).unwrap_err().contains("true or false"));
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let Asked::Readings(query, _) = ask(&[("device", ""), ("metric", "temperature")]).unwrap() else {
            panic!()
        };
        assert_eq!((query.device, query.metric), (None, Some("temperature".into())));
        assert_eq!((query.limit, query.after), (DEFAULT_LIMIT, None));
        assert_eq!(query.range.from, Timestamp::MIN);
    }

    #[test]
    fn a_table_has_all_of_the_range() {
        for (limit, expected) in [("", usize::MAX), ("5", 5)] {
            let asked = ask(&[("format", "csv"), ("limit", limit)]).unwrap();
            let Asked::Readings(query, Format::Csv) = asked else { panic!() };
            assert_eq!(query.limit, expected);
        }
        let points = [("points", "5"), ("device", "d"), ("metric", "m"), ("format", "csv")];
        assert!(matches!(ask(&points).unwrap(), Asked::Buckets(_, Format::Csv)));
    }

    #[test]
    fn a_time_is_rfc_3339_or_unix_milliseconds() {
        for text in [
            "2026-01-15T10:30:00Z",
            "1768473000000",
            "2026-01-15T11:30:00+01:00",
            "2026-01-15T11:30:00 01:00",
        ] {
            let Asked::Readings(query, _) = ask(&[("from", text)]).unwrap() else { panic!() };
            assert_eq!(query.range.from.as_second(), 1_768_473_000, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (parameters, expected) in [
            (vec![("limit", "0")], "limit must be a number from 1 to 100000"),
            (vec![("limit", "100001")], "limit must be"),
            (vec![("points", "x"), ("device", "d"), ("metric", "m")], "points must be"),
            (vec![("points", "5")], "points needs a device and a metric"),
            (vec![("points", "5"), ("device", "d"), ("metric", "m"), ("limit", "5")], "without limit"),
            (vec![("from", "yesterday")], "from must be RFC 3339"),
            (vec![("from", "-")], "from must be RFC 3339"),
            (vec![("to", "10000-01-01T00:00:00Z")], "to must be RFC 3339"),
            (vec![("to", "253402300800000")], "to is outside the calendar: Unix milliseconds go from -37"),
            (vec![("from", "-99999999999999999999999")], "from is outside the calendar"),
            (vec![("device", "a\0")], "device must be without control characters"),
            (vec![("format", "xml")], "format must be json or csv"),
            (vec![("format", "csv"), ("limit", "0")], "limit must be"),
            (vec![("from", "2026-01-15T10:30:00Z"), ("to", "2026-01-14T10:30:00Z")], "from is later than to"),
            (vec![("after", "x")], "after must be"),
            (vec![("devise", "x")], "unknown parameter devise"),
        ] {
            let error = ask(&parameters).unwrap_err();
            assert!(error.contains(expected), "{parameters:?}: {error}");
        }
    }
}
