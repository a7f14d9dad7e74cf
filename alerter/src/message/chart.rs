//! The hour before a message, as values and as a picture of them.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use store::{Bucket, ConditionKind, History, Incident, TimeRange};

use telemetry::time::saturating_add;

use super::picture::{self, Curve};
use super::words;

const HOUR: Duration = Duration::from_secs(60 * 60);

/// What is shown after an incident that ended before the message was sent.
const AFTERWARDS: Duration = Duration::from_secs(5 * 60);

/// Stretches of time in the picture: one for every two pixels of what a mail shows.
const POINTS: usize = 230;

/// A picture of the values around an incident, and what is said beside it.
#[derive(Debug, Clone)]
pub struct Chart {
    /// The picture.
    pub png: Vec<u8>,
    about: String,
    unit: Option<String>,
    range: TimeRange,
    lowest: f64,
    highest: f64,
    threshold: Option<f64>,
}

/// What templates are given; all of it can be read without the picture.
#[derive(Debug, Clone, Serialize)]
pub struct ChartCaption {
    /// The picture is at `cid:` and this.
    pub content_id: String,
    /// What the picture shows, for those who do not see it.
    pub alt: String,
    /// The series.
    pub about: String,
    /// The highest value.
    pub highest: String,
    /// The lowest value.
    pub lowest: String,
    /// The limit, if it is one of the value.
    pub limit: Option<String>,
    /// When the picture begins.
    pub from: String,
    /// When the picture ends.
    pub to: String,
}

impl Chart {
    /// None where nothing was measured, or the store is away.
    pub async fn of(incident: &Incident, now: Timestamp, history: &dyn History) -> Option<Self> {
        let range = around(incident, now)?;
        let buckets = history.buckets(&incident.device, &incident.metric, range, POINTS).await.ok()?;
        Self::drawn(incident, range, &buckets)
    }

    /// None where there is nothing to draw.
    #[must_use]
    pub fn drawn(incident: &Incident, range: TimeRange, buckets: &[Bucket]) -> Option<Self> {
        let lowest = buckets.iter().map(|bucket| bucket.min).reduce(f64::min)?;
        let highest = buckets.iter().map(|bucket| bucket.max).reduce(f64::max)?;
        // A limit of the change per minute, or of time, is none of the value.
        let of_value = matches!(
            incident.condition.kind,
            ConditionKind::Above | ConditionKind::Below | ConditionKind::Outside
        );
        let threshold = incident.condition.threshold.filter(|_| of_value);
        let incident_time =
            TimeRange { from: incident.began_at, to: incident.resolved_at.unwrap_or(range.to) };
        let curve = Curve { range, buckets, lowest, highest, threshold, incident: incident_time };
        let png = picture::draw(&curve)?;
        let (about, unit) = (words::about(incident), incident.unit.clone());
        Some(Self { png, about, unit, range, lowest, highest, threshold })
    }

    /// What is said beside the picture, in a zone.
    #[must_use]
    pub fn words(&self, zone: &TimeZone, content_id: &str) -> ChartCaption {
        let value = |value| words::plain(value, self.unit.as_deref());
        let clock =
            |at: Timestamp, zone: &TimeZone| at.to_zoned(zone.clone()).strftime("%H:%M %Z").to_string();
        let [from, to] = [self.range.from, self.range.to].map(|at| clock(at, zone));
        let [lowest, highest] = [self.lowest, self.highest].map(value);
        let limit = self.threshold.map(value);
        let against = limit.as_ref().map(|limit| format!(", limit {limit}")).unwrap_or_default();
        ChartCaption {
            content_id: content_id.to_owned(),
            alt: format!("{} from {from} to {to}: lowest {lowest}, highest {highest}{against}", self.about),
            about: self.about.clone(),
            highest,
            lowest,
            limit,
            from,
            to,
        }
    }
}

/// The hour before now, or up to shortly after the incident ended.
fn around(incident: &Incident, now: Timestamp) -> Option<TimeRange> {
    let end = incident.resolved_at.map_or(now, |end| saturating_add(end, AFTERWARDS).min(now));
    Some(TimeRange { from: end.checked_sub(HOUR).ok()?, to: end })
}
