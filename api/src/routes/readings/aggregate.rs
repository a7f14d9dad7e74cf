//! What a request for aggregates asks for.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use telemetry::Filter;

use super::every::Every;
use crate::query::{self, Parameters};

/// What becomes of the readings of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aggregate {
    Mean,
    Min,
    Max,
    Sum,
    Count,
    /// What so many hundredths of the values are below.
    Percentile(u8),
    /// From the last value before the bucket to the last one in it; of several series, the sum.
    Delta,
    /// The same by second.
    Rate,
}

const AGGREGATES: &[(&str, Aggregate)] = &[
    ("mean", Aggregate::Mean),
    ("min", Aggregate::Min),
    ("max", Aggregate::Max),
    ("sum", Aggregate::Sum),
    ("count", Aggregate::Count),
    ("p50", Aggregate::Percentile(50)),
    ("p95", Aggregate::Percentile(95)),
    ("rate", Aggregate::Rate),
    ("delta", Aggregate::Delta),
];

/// Which devices are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    /// All that are asked for.
    All,
    /// Each for itself.
    Device,
    /// Those that begin with the same levels, so many.
    Levels(usize),
    Type,
    /// A device is in the group of each of its tags.
    Tag,
}

/// Levels of a device's name, at most.
const MAX_LEVELS: usize = 8;

/// A metric of devices, in steps of the calendar.
#[derive(Debug)]
pub(super) struct AggregateQuery {
    pub(super) devices: Filter,
    pub(super) metric: String,
    pub(super) from: Option<Timestamp>,
    pub(super) to: Option<Timestamp>,
    pub(super) aggregate: Aggregate,
    /// None is the whole range at once.
    pub(super) every: Option<Every>,
    pub(super) zone: TimeZone,
    pub(super) group: Group,
}

/// The parameters that only aggregates have.
#[derive(Debug)]
pub(super) struct Steps {
    aggregate: Option<Aggregate>,
    every: Option<Every>,
    zone: Option<TimeZone>,
    group: Option<Group>,
}

impl Steps {
    /// # Errors
    /// Says which parameter is wrong and what it may be.
    pub(super) fn read(parameters: &mut Parameters) -> Result<Self, String> {
        let aggregate = query::one_of(parameters, "aggregate", AGGREGATES)?;
        let every = query::text(parameters, "every")?;
        let every = every.map(|text| text.parse::<Every>().map_err(|e| e.to_string())).transpose()?;
        let zone = query::text(parameters, "zone")?.map(|name| zone(&name)).transpose()?;
        let group = query::text(parameters, "group")?.map(|text| group(&text)).transpose()?;
        Ok(Self { aggregate, every, zone, group })
    }

    /// The query, where one is asked for.
    ///
    /// # Errors
    /// Says which parameter is missing or wrong.
    pub(super) fn query(
        self,
        device: Option<&str>,
        metric: Option<&str>,
        (from, to): (Option<Timestamp>, Option<Timestamp>),
    ) -> Result<Option<AggregateQuery>, String> {
        let Self { aggregate, every, zone, group } = self;
        let Some(aggregate) = aggregate else {
            let given = [("every", every.is_some()), ("zone", zone.is_some()), ("group", group.is_some())];
            let Some((name, _)) = given.into_iter().find(|(_, is_given)| *is_given) else { return Ok(None) };
            return Err(format!("{name} needs an aggregate, for example aggregate=mean"));
        };
        let metric = metric.ok_or("aggregate needs a metric")?.to_owned();
        let devices = device.unwrap_or("#").parse().map_err(|e| format!("device: {e}"))?;
        let (zone, group) = (zone.unwrap_or(TimeZone::UTC), group.unwrap_or(Group::All));
        Ok(Some(AggregateQuery { devices, metric, from, to, aggregate, every, zone, group }))
    }
}

fn zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|_| {
        "zone must be a time zone of the IANA database, for example Europe/Berlin (those that this machine knows: where \
         it knows none, install tzdata)"
            .into()
    })
}

fn group(text: &str) -> Result<Group, String> {
    match text {
        "device" => Ok(Group::Device),
        "type" => Ok(Group::Type),
        "tag" => Ok(Group::Tag),
        number => {
            let levels = number.parse().ok().filter(|levels| (1..=MAX_LEVELS).contains(levels));
            levels.map(Group::Levels).ok_or_else(|| {
                format!("group must be device, type, tag, or how many levels of the device, from 1 to {MAX_LEVELS}")
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(mut parameters: Parameters) -> Result<Option<AggregateQuery>, String> {
        let device = query::text(&mut parameters, "device")?;
        let metric = query::text(&mut parameters, "metric")?;
        let steps = Steps::read(&mut parameters)?;
        steps.query(device.as_deref(), metric.as_deref(), (None, None))
    }

    #[test]
    fn what_is_left_out_is_all_devices_at_once_in_utc() {
        let asked = query::read(read, &[("metric", "power"), ("aggregate", "p95")]).unwrap().unwrap();
        assert_eq!((asked.devices, asked.group, asked.every), (Filter::all(), Group::All, None));
        assert_eq!((asked.aggregate, asked.zone), (Aggregate::Percentile(95), TimeZone::UTC));
        assert!(query::read(read, &[]).unwrap().is_none());
    }

    #[test]
    fn a_group_is_a_word_or_a_number_of_levels() {
        for (text, expected) in
            [("device", Group::Device), ("type", Group::Type), ("tag", Group::Tag), ("2", Group::Levels(2))]
        {
            assert_eq!(group(text), Ok(expected));
        }
        for text in ["0", "9", "site", "-1"] {
            assert!(group(text).unwrap_err().contains("from 1 to 8"), "{text}");
        }
    }

    #[test]
    fn an_error_names_the_parameter_that_is_wrong() {
        for (parameters, expected) in [
            (vec![("every", "1d")], "every needs an aggregate"),
            (vec![("zone", "UTC")], "zone needs an aggregate"),
            (vec![("group", "tag")], "group needs an aggregate"),
            (vec![("aggregate", "mean")], "aggregate needs a metric"),
            (vec![("aggregate", "p99"), ("metric", "m")], "aggregate must be mean or min"),
            (vec![("aggregate", "mean"), ("metric", "m"), ("every", "5h")], "every must be"),
            (vec![("aggregate", "mean"), ("metric", "m"), ("zone", "Mars/Olympus")], "zone must be"),
            (vec![("aggregate", "mean"), ("metric", "m"), ("device", "a#")], "device: + and #"),
        ] {
            let error = query::read(read, &parameters).unwrap_err();
            assert!(error.contains(expected), "{parameters:?}: {error}");
        }
    }
}
