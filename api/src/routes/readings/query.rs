//! Which readings a request asks for.

use jiff::Timestamp;
use store::ReadingQuery;
use telemetry::Scope;

use super::aggregate::{AggregateQuery, Steps};
use super::file::FileKind;
use crate::query::{self, DEFAULT_LIMIT, MAX_LIMIT, Parameters};

/// The parameters that there are.
pub(crate) const PARAMETERS: &[&str] = &[
    "device",
    "metric",
    "from",
    "to",
    "limit",
    "after",
    "points",
    "aggregate",
    "every",
    "zone",
    "group",
    "format",
];

/// Points of one chart, at most.
const MAX_POINTS: usize = 5_000;

/// What a request asks for.
#[derive(Debug)]
pub(super) enum Asked {
    Readings(ReadingQuery, Format),
    Buckets(BucketQuery, Format),
    Aggregates(AggregateQuery, Format),
}

/// A series, summed up in as many buckets as a chart has points.
#[derive(Debug)]
pub(super) struct BucketQuery {
    pub(super) device: String,
    pub(super) metric: String,
    pub(super) from: Option<Timestamp>,
    pub(super) to: Option<Timestamp>,
    pub(super) points: usize,
}

impl Asked {
    /// The device that is named.
    pub(super) fn device(&self) -> Option<&str> {
        match self {
            Self::Readings(query, _) => query.device.as_deref(),
            Self::Buckets(query, _) => Some(&query.device),
            Self::Aggregates(query, _) => query.devices.literal(),
        }
    }

    /// Leaves other devices out.
    pub(super) fn keep_within(&mut self, scope: &Scope) {
        if let Self::Readings(query, _) = self {
            query.scope = scope.clone();
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    /// All of the range, sent while it is read.
    File(FileKind),
}

const FORMATS: &[(&str, Format)] = &[
    ("json", Format::Json),
    ("csv", Format::File(FileKind::Csv)),
    ("ndjson", Format::File(FileKind::Lines)),
];

/// # Errors
/// Says which parameter is wrong and what it may be.
pub(super) fn read(mut parameters: Parameters) -> Result<Asked, String> {
    let device = query::text(&mut parameters, "device")?;
    let metric = query::text(&mut parameters, "metric")?;
    let (from, to) = query::times(&mut parameters)?;
    let points = query::number(&mut parameters, "points", MAX_POINTS)?;
    let limit = query::number(&mut parameters, "limit", MAX_LIMIT)?;
    let after = query::cursor(&mut parameters)?;
    let format = query::one_of(&mut parameters, "format", FORMATS)?;
    let steps = Steps::read(&mut parameters)?;
    query::nothing_left(&parameters, PARAMETERS)?;
    let format = format.unwrap_or(Format::Json);
    if let Some(query) = steps.query(device.as_deref(), metric.as_deref(), (from, to))? {
        if points.is_some() || limit.is_some() || after.is_some() {
            return Err("aggregate goes without points, limit and after".into());
        }
        return Ok(Asked::Aggregates(query, format));
    }
    match (points, device, metric) {
        (None, device, metric) => {
            let range = query::range(from, to);
            let limit = limit.unwrap_or(if format == Format::Json { DEFAULT_LIMIT } else { usize::MAX });
            Ok(Asked::Readings(
                ReadingQuery { device, metric, range, limit, after, scope: Scope::all() },
                format,
            ))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(parameters: &[(&str, &str)]) -> Result<Asked, String> {
        query::read(read, parameters)
    }

    #[test]
    fn a_parameter_that_is_missing_has_a_default() {
        let Asked::Readings(query, _) = ask(&[("device", ""), ("metric", "temperature")]).unwrap() else {
            panic!()
        };
        assert_eq!((query.device, query.metric), (None, Some("temperature".into())));
        assert_eq!((query.limit, query.after), (DEFAULT_LIMIT, None));
        assert_eq!(query.range.from, Timestamp::MIN);
    }

    #[test]
    fn a_file_has_the_whole_range() {
        for (format, limit, expected) in
            [("csv", "", usize::MAX), ("csv", "5", 5), ("ndjson", "", usize::MAX)]
        {
            let asked = ask(&[("format", format), ("limit", limit)]).unwrap();
            let Asked::Readings(query, Format::File(_)) = asked else { panic!() };
            assert_eq!(query.limit, expected);
        }
        let points = [("points", "5"), ("device", "d"), ("metric", "m"), ("format", "csv")];
        assert!(matches!(ask(&points).unwrap(), Asked::Buckets(_, Format::File(FileKind::Csv))));
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
    fn an_error_names_the_parameter_that_is_wrong() {
        for (parameters, expected) in [
            (vec![("limit", "0")], "limit must be a number from 1 to 100000"),
            (vec![("limit", "100001")], "limit must be"),
            (vec![("points", "x"), ("device", "d"), ("metric", "m")], "points must be"),
            (vec![("points", "5")], "points needs a device and a metric"),
            (vec![("points", "5"), ("device", "d"), ("metric", "m"), ("limit", "5")], "without limit"),
            (vec![("aggregate", "mean"), ("metric", "m"), ("points", "5")], "aggregate goes without points"),
            (vec![("from", "yesterday")], "from must be RFC 3339"),
            (vec![("from", "-")], "from must be RFC 3339"),
            (vec![("to", "10000-01-01T00:00:00Z")], "to must be RFC 3339"),
            (vec![("to", "253402300800000")], "to is outside the calendar: Unix milliseconds go from -37"),
            (vec![("from", "-99999999999999999999999")], "from is outside the calendar"),
            (vec![("from", "1764385200")], "from 1764385200 looks like Unix seconds: write milliseconds"),
            (vec![("device", "a\0")], "device must be without control characters"),
            (vec![("format", "xml")], "format must be json or csv or ndjson"),
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
