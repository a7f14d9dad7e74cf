//! Which series have open incidents, and when that changed; pure.
//!
//! It is a set of numbers, apart from the list of incidents, so that it can be whole however many incidents are open.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use store::{IncidentSummary, Severity, SilenceIndex};
use telemetry::Scope;

use super::counts::Counts;
use super::newest::{Id, Newest, Version};

/// How a series stands, as frames write it. Of several open incidents, the one with the highest code counts.
pub(crate) type Code = u8;

const NONE: Code = 0;
const ACKNOWLEDGED: Code = 1;
/// Silenced, and not acknowledged.
const SILENCED: Code = 2;

/// The code of an incident that is neither acknowledged nor silenced.
const fn alerting(severity: Severity) -> Code {
    match severity {
        Severity::Info => 3,
        Severity::Warning => 4,
        Severity::Critical => 5,
    }
}

/// The open incidents of one series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct OpenOfSeries {
    code: Code,
    open: u64,
    acknowledged: u64,
    silenced: u64,
}

/// The open incidents, as far as pages count them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct OpenIncidents {
    /// By topic; without series that have no open incident.
    series: HashMap<String, OpenOfSeries>,
    pub(crate) acknowledged: u64,
    /// Not acknowledged, and silenced.
    pub(crate) silenced: u64,
}

impl OpenIncidents {
    /// Counts open incidents under the silences of a time.
    pub(crate) fn of(incidents: &[IncidentSummary], silences: &SilenceIndex, now: Timestamp) -> Self {
        let mut open = Self::default();
        for incident in incidents {
            let code = if incident.acknowledged {
                ACKNOWLEDGED
            } else if silences.until(incident.instance(), now).is_some() {
                SILENCED
            } else {
                alerting(incident.severity)
            };
            open.acknowledged += u64::from(code == ACKNOWLEDGED);
            open.silenced += u64::from(code == SILENCED);
            let topic = format!("{}/{}", incident.metric, incident.device);
            let series = open.series.entry(topic).or_default();
            series.code = code.max(series.code);
            series.open += 1;
            series.acknowledged += u64::from(code == ACKNOWLEDGED);
            series.silenced += u64::from(code == SILENCED);
        }
        open
    }
}

/// The code of each series that the page knows.
#[derive(Debug, Default)]
pub(crate) struct Alerting {
    /// By topic: series that were never heard may be among them.
    wanted: HashMap<String, OpenOfSeries>,
    /// By id; an id beyond the end has no open incident, and never had one.
    entries: Vec<(Code, Version)>,
    by_change: BTreeSet<(Version, Id)>,
}

impl Alerting {
    /// Sets which series have open incidents.
    pub(crate) fn set(&mut self, open: OpenIncidents, newest: &Newest) {
        if self.wanted == open.series {
            return;
        }
        self.wanted = open.series;
        newest.ids().for_each(|id| self.update(id, newest));
    }

    /// Takes a new series into account, which may have an open incident already.
    pub(crate) fn update(&mut self, id: Id, newest: &Newest) {
        let topic = newest.entry(id).reading.series.as_str();
        let (code, at) = (self.wanted.get(topic).map_or(NONE, |open| open.code), id as usize);
        if self.entries.get(at).map_or(NONE, |entry| entry.0) == code {
            return;
        }
        if self.entries.len() <= at {
            self.entries.resize(at + 1, (NONE, 0));
        }
        let (_, before) = std::mem::replace(&mut self.entries[at], (code, newest.version()));
        self.by_change.remove(&(before, id));
        self.by_change.insert((newest.version(), id));
    }

    /// Forgets what the id of a series stood for that was removed.
    pub(crate) fn remove(&mut self, id: Id) {
        if let Some(entry) = self.entries.get_mut(id as usize) {
            let (_, before) = std::mem::replace(entry, (NONE, 0));
            self.by_change.remove(&(before, id));
        }
    }

    /// What is open of some devices.
    pub(crate) fn counts_within(&self, scope: &Scope) -> Counts {
        let mut counts = Counts::default();
        for (_, series) in self.wanted.iter().filter(|(topic, _)| scope.holds_topic(topic)) {
            counts.open += series.open;
            counts.acknowledged += series.acknowledged;
            counts.silenced += series.silenced;
        }
        counts
    }

    /// The series whose code changed in the frame `since` or a later one; all that have an open incident, if there is
    /// no such frame.
    pub(crate) fn changed_since(&self, since: Option<Version>) -> impl Iterator<Item = (Id, Code)> {
        let changed = self.by_change.range((since.unwrap_or(0), 0)..);
        let with_code = changed.map(|(_, id)| (*id, self.entries[*id as usize].0));
        with_code.filter(move |(_, code)| since.is_some() || *code != NONE)
    }
}

#[cfg(test)]
mod tests {
    use super::super::ages::Ages;
    use super::*;
    use std::time::Duration;
    use telemetry::{Reading, Series};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn newest(devices: usize) -> Newest {
        let age = Duration::from_secs(60);
        let mut newest = Newest::new(Ages { stale_after: age, offline_after: age });
        for device in 0..devices {
            let series = Series::parse(&format!("temperature/site/{device}")).unwrap();
            let reading = Reading {
                series,
                value: 1.0,
                unit: None,
                measured_at: NOW,
                received_at: NOW,
                boot: None,
                seq: None,
            };
            newest.observe(reading, NOW);
        }
        newest
    }

    fn incident(device: usize, severity: Severity) -> IncidentSummary {
        IncidentSummary {
            id: String::new(),
            rule: "hot".into(),
            severity,
            device: format!("site/{device}"),
            metric: "temperature".into(),
            opened_at: NOW,
            open: true,
            acknowledged: false,
        }
    }

    fn open(incidents: &[IncidentSummary]) -> OpenIncidents {
        OpenIncidents::of(incidents, &SilenceIndex::default(), NOW)
    }

    #[test]
    fn of_ten_thousand_open_incidents_none_is_left_out_and_a_change_costs_what_changed() {
        let mut newest = newest(10_000);
        let mut alerting = Alerting::default();
        let mut all: Vec<_> = (0..10_000).map(|device| incident(device, Severity::Warning)).collect();
        alerting.set(open(&all), &newest);
        assert_eq!(alerting.changed_since(None).filter(|(_, code)| *code == 4).count(), 10_000);
        let since = newest.seal() + 1;
        assert_eq!(alerting.changed_since(Some(since)).count(), 0);
        all.remove(7);
        all[0].acknowledged = true;
        alerting.set(open(&all), &newest);
        assert_eq!(alerting.changed_since(Some(since)).collect::<Vec<_>>(), [(0, 1), (7, 0)]);
        assert_eq!(alerting.changed_since(None).count(), 9_999);
    }

    #[test]
    fn the_loudest_open_incident_of_a_series_counts() {
        let silence = store::Silence {
            id: "s".into(),
            rule: Some("hot".into()),
            metric: None,
            device: "site/1".parse().unwrap(),
            from: NOW,
            until: NOW + Duration::from_secs(9),
            reason: "moving".into(),
            by: String::new(),
        };
        let silences = SilenceIndex::new(vec![silence]);
        let known = |device| IncidentSummary { acknowledged: true, ..incident(device, Severity::Critical) };
        let wet = |severity| IncidentSummary { rule: "wet".into(), ..incident(1, severity) };
        for (incidents, code, counts) in [
            (vec![known(1)], ACKNOWLEDGED, (1, 0)),
            (vec![incident(1, Severity::Critical), known(1)], SILENCED, (1, 1)),
            (vec![incident(1, Severity::Critical), wet(Severity::Info)], 3, (0, 1)),
            (vec![wet(Severity::Critical), wet(Severity::Info)], 5, (0, 0)),
        ] {
            let open = OpenIncidents::of(&incidents, &silences, NOW);
            assert_eq!(
                (open.series["temperature/site/1"].code, (open.acknowledged, open.silenced)),
                (code, counts)
            );
        }
    }

    #[test]
    fn a_series_that_is_heard_for_the_first_time_may_be_alerting_already() {
        let (mut newest, mut alerting) = (newest(1), Alerting::default());
        alerting.set(open(&[incident(1, Severity::Critical)]), &newest);
        assert_eq!(alerting.changed_since(None).count(), 0);
        let mut reading = newest.entry(0).reading.clone();
        reading.series = Series::parse("temperature/site/1").unwrap();
        let id = newest.observe(reading, NOW).unwrap();
        alerting.update(id, &newest);
        assert_eq!(alerting.changed_since(None).collect::<Vec<_>>(), [(id, 5)]);
    }
}
