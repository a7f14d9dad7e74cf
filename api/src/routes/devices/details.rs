//! What is known of one device beside what people say of it: `GET /api/devices/{name}`.

use access::Caller;
use jiff::Timestamp;
use store::{IncidentQuery, LedgerQuery, SilenceIndex, TimeRange};
use telemetry::Filter;

use crate::context::Api;
use crate::error::ApiError;
use crate::forms::{self, Boot, DeviceDetails, Gap, Incident, OpenIncidents, Rejected, RejectedOfDevice};

/// Numbered readings that are counted, about: so many are read in a few milliseconds.
const COUNTED: usize = 10_000;

/// Restarts that are listed, at most.
const MAX_BOOTS: usize = 20;

/// Ranges of missing numbers that are listed, at most.
const MAX_GAPS: usize = 100;

/// Open incidents that are counted, at most.
const MAX_INCIDENTS: usize = 1_000;

/// Rejections of all devices among which those of one are looked for.
const REJECTED: usize = 10_000;

/// A device with what is known of it now.
pub(super) async fn of(api: &Api, caller: &Caller, device: forms::Device) -> Result<DeviceDetails, ApiError> {
    let name = device.name.as_str();
    let ((counted_from, boots), open_incidents, rejected, users) = tokio::try_join!(
        boots(api, name),
        open_incidents(api, caller, name),
        rejected(api, caller, name),
        users(api, name),
    )?;
    let gaps = gaps(&boots);
    let connection = api.broker.connection(name, &users);
    Ok(DeviceDetails { connection, counted_from, boots, gaps, open_incidents, rejected, device })
}

async fn users(api: &Api, name: &str) -> Result<Vec<String>, ApiError> {
    let credentials = api.store.credentials(Some(name)).await?;
    Ok(credentials.into_iter().map(|credential| credential.user).collect())
}

/// The last restarts, newest first, of what is counted.
async fn boots(api: &Api, name: &str) -> Result<(Option<forms::Time>, Vec<Boot<'static>>), ApiError> {
    let from = api.history.counted_from(name, COUNTED).await?;
    let range = TimeRange { from, to: Timestamp::MAX };
    let query = LedgerQuery { device: Some(name.to_owned()), range, full: false };
    let mut counted = api.limits.within(api.history.completeness(query)).await?;
    counted.sort_by_key(|boot| std::cmp::Reverse((boot.newest_measured_at, boot.boot)));
    counted.truncate(MAX_BOOTS);
    let boots = counted.iter().map(|boot| Boot { device: name.to_owned().into(), ..Boot::from(boot) });
    Ok(((from > Timestamp::MIN).then_some(forms::Time(from)), boots.collect()))
}

/// What is missing, newest first.
fn gaps(boots: &[Boot<'_>]) -> Vec<Gap> {
    let of = |boot: &Boot<'_>| {
        let number = boot.boot;
        let ranges = boot.missing_ranges.clone().into_iter().rev();
        ranges.map(move |(first, last)| Gap { boot: number, first, last })
    };
    boots.iter().flat_map(of).take(MAX_GAPS).collect()
}

async fn open_incidents(api: &Api, caller: &Caller, name: &str) -> Result<OpenIncidents, ApiError> {
    let Ok(device) = name.parse::<Filter>() else { return Ok(OpenIncidents::default()) };
    let (device, scope) = (Some(device), caller.scope.clone());
    let query = IncidentQuery { device, scope, open: Some(true), limit: 1, ..IncidentQuery::default() };
    let Some(newest) = api.alerts.incidents(&query).await?.pop() else { return Ok(OpenIncidents::default()) };
    let all = IncidentQuery { limit: MAX_INCIDENTS, ..query };
    let count = api.alerts.incident_summaries(&all).await?.len();
    let now = api.clock.wall();
    let silences = SilenceIndex::new(api.alerts.silences(now).await?);
    Ok(OpenIncidents { count, newest: Some(Incident::under(&newest, &silences, now)) })
}

async fn rejected(api: &Api, caller: &Caller, name: &str) -> Result<RejectedOfDevice, ApiError> {
    let topics = api.history.rejected_topics(REJECTED).await?;
    let is_wide = caller.scope.is_all();
    let mut of_device = topics.into_iter().filter(|(_, topic)| names(topic, name, is_wide)).map(|(id, _)| id);
    let Some(newest) = of_device.next() else { return Ok(RejectedOfDevice::default()) };
    let count = 1 + of_device.count();
    let newest = api.history.rejection(newest).await?;
    Ok(RejectedOfDevice { count, newest: newest.as_ref().map(preview) })
}

fn preview(rejection: &store::Rejection) -> Rejected<'static> {
    let row = Rejected::preview(rejection);
    Rejected {
        topic: row.topic.into_owned().into(),
        reason: row.reason.into_owned().into(),
        payload: row.payload.into_owned().into(),
        ..row
    }
}

/// Whether a topic is one of a device: what follows the first level is its name. A caller who sees all devices sees topics of
/// other formats, too, in which its name is among the levels.
fn names(topic: &str, device: &str, is_wide: bool) -> bool {
    let is_own = topic.split_once('/').is_some_and(|(_, rest)| rest == device);
    is_own || (is_wide && format!("/{topic}/").contains(&format!("/{device}/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_that_of_the_device_it_names() {
        for (topic, is_own, is_seen_by_all) in [
            ("temperature/site-a/lab", true, true),
            ("temperature/site-a/lab2", false, false),
            ("tele/site-a/lab/SENSOR", false, true),
            ("site-a/lab", false, true),
            ("temperature/x/site-a/lab", false, true),
            ("temperature", false, false),
        ] {
            assert_eq!(names(topic, "site-a/lab", false), is_own, "{topic}");
            assert_eq!(names(topic, "site-a/lab", true), is_seen_by_all, "{topic}");
        }
    }

    #[test]
    fn gaps_are_the_newest_of_the_newest_boot_first() {
        let boot = |number, missing_ranges: &[(u64, u64)]| Boot {
            device: "lab".into(),
            boot: number,
            first: 1,
            last: 9,
            expected: 9,
            stored: 8,
            repeated: 0,
            late: 0,
            missing: 1,
            missing_ranges: missing_ranges.to_vec(),
            oldest_measured_at: forms::Time(Timestamp::UNIX_EPOCH),
            newest_measured_at: forms::Time(Timestamp::UNIX_EPOCH),
        };
        let found = gaps(&[boot(2, &[(2, 2), (5, 6)]), boot(1, &[(8, 8)])]);
        let found: Vec<_> = found.iter().map(|gap| (gap.boot, gap.first, gap.last)).collect();
        assert_eq!(found, [(2, 5, 6), (2, 2, 2), (1, 8, 8)]);
        let many: Vec<_> = (0..99).map(|number| (number * 2, number * 2)).collect();
        assert_eq!(gaps(&[boot(2, &many), boot(1, &many)]).len(), MAX_GAPS);
    }
}
