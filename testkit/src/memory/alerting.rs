//! Incidents and alert states in memory.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use store::{
    Acknowledgement, Address, AlertState, Changes, Incident, IncidentQuery, IncidentSummary, Incidents,
    Phase, Result, Transition, Unavailable,
};

use telemetry::Series;

use super::outbox::AlertingOutbox;
use super::{Data, MemoryStore};

#[derive(Default)]
pub(super) struct Alerts {
    /// In the order in which they were recorded.
    pub(super) incidents: Vec<Incident>,
    /// When each incident was changed, by its id.
    changed_at: BTreeMap<String, Timestamp>,
    /// By rule, device and metric; with when each was written.
    states: BTreeMap<(String, String, String), (AlertState, Timestamp)>,
}

impl Alerts {
    pub(super) fn open(&mut self, id: &str) -> Option<&mut Incident> {
        self.incidents.iter_mut().find(|incident| incident.id == id && incident.resolved_at.is_none())
    }

    pub(super) fn get(&self, id: &str) -> Option<&Incident> {
        self.incidents.iter().find(|incident| incident.id == id)
    }

    /// The incidents that a query asks for, in its order.
    fn select(&self, query: &IncidentQuery) -> Vec<&Incident> {
        let number = |id: &str| self.incidents.iter().position(|incident| incident.id == id);
        let order = |open: bool, opened_at, number| (!open, Reverse(opened_at), Reverse(number));
        let after = query.after.as_ref().map(|cursor| {
            order(cursor.is_open(), cursor.opened_at(), number(cursor.id()).unwrap_or_default())
        });
        let all = self.incidents.iter().enumerate();
        let mut found: Vec<_> = all
            .filter(|(_, incident)| is_wanted(query, incident))
            .map(|(number, incident)| {
                (order(incident.resolved_at.is_none(), incident.opened_at, number), incident)
            })
            .filter(|(place, _)| after.as_ref().is_none_or(|after| place > after))
            .collect();
        found.sort_by_key(|(place, _)| *place);
        found.truncate(query.limit.max(1));
        found.into_iter().map(|(_, incident)| incident).collect()
    }

    fn apply(&mut self, outbox: &mut AlertingOutbox, transition: &Transition, now: Timestamp) {
        match transition {
            Transition::Opened(incident, to) => self.add(outbox, incident, to, now),
            Transition::Announced { id, at, to } if self.open(id).is_some() => {
                outbox.opened(id, *at, to);
            }
            Transition::Announced { .. } => {}
            Transition::Peaked { id, at, value } => {
                if let Some(incident) = self.open(id).filter(|incident| incident.peak != Some(*value)) {
                    (incident.peak, incident.peak_at) = (Some(*value), Some(*at));
                    self.changed_at.insert(id.clone(), now);
                }
            }
            Transition::Resolved { id, at, judged_at, value, end } => {
                if let Some(incident) = self.open(id) {
                    (incident.resolved_at, incident.resolved_value, incident.end) =
                        (Some(*at), *value, Some(*end));
                    self.changed_at.insert(id.clone(), now);
                    outbox.over(id, *judged_at);
                }
            }
        }
    }

    fn add(&mut self, outbox: &mut AlertingOutbox, incident: &Incident, to: &[Address], now: Timestamp) {
        if self.get(&incident.id).is_none() {
            self.incidents.push(incident.clone());
            self.changed_at.insert(incident.id.clone(), now);
            outbox.opened(&incident.id, incident.judged_at, to);
        }
    }

    fn set(&mut self, state: &AlertState, now: Timestamp) {
        let AlertState { rule, series, .. } = state;
        let key = (rule.clone(), series.device().to_owned(), series.metric().to_owned());
        self.states.insert(key, (state.clone(), now));
    }

    /// Returns how many incidents were removed.
    pub(super) fn purge(&mut self, outbox: &mut AlertingOutbox, older_than: Timestamp) -> usize {
        let before = self.incidents.len();
        self.incidents.retain(|incident| {
            let old = self.changed_at.get(&incident.id).is_some_and(|at| *at < older_than);
            incident.resolved_at.is_none() || !old || outbox.is_waiting(&incident.id)
        });
        outbox.retain(older_than, |id| self.incidents.iter().any(|incident| incident.id == id));
        self.states.retain(|_, (state, at)| state.phase != Phase::Normal || *at >= older_than);
        before - self.incidents.len()
    }

    /// Moves incidents and alert states of one device to another.
    pub(super) fn rename(&mut self, old: &str, device: &str) {
        let own = self.incidents.iter_mut().filter(|incident| incident.device == old);
        own.for_each(|incident| device.clone_into(&mut incident.device));
        let states: Vec<_> = self.states.extract_if(.., |(_, owner, _), _| owner == old).collect();
        for ((rule, _, metric), (mut state, at)) in states {
            state.series = Series::new(&metric, device).unwrap();
            self.states.entry((rule, device.to_owned(), metric)).or_insert((state, at));
        }
    }

    /// Deletes what is stored of a device up to a time; returns how many rows those were.
    pub(super) fn erase(&mut self, device: &str, to: Timestamp) -> usize {
        let before = self.incidents.len() + self.states.len();
        self.incidents.retain(|incident| incident.device != device || incident.opened_at > to);
        self.states.retain(|_, (state, _)| {
            state.series.device() != device
                || state.phase != Phase::Normal
                || state.newest.is_some_and(|newest| newest.measured_at > to)
        });
        before - self.incidents.len() - self.states.len()
    }
}

impl Alerts {
    pub(super) fn acknowledge(
        &mut self,
        incidents: &[String],
        acknowledgement: &Acknowledgement,
        at: Timestamp,
    ) -> u64 {
        let mut count = 0;
        for id in incidents {
            let open = self.open(id).filter(|incident| incident.acknowledged.is_none());
            if let Some(incident) = open {
                incident.acknowledged = Some(acknowledgement.clone());
                self.changed_at.insert(id.clone(), at);
                count += 1;
            }
        }
        count
    }
}

impl Data {
    /// An incident with its notifications.
    pub(super) fn whole(&self, incident: &Incident) -> Incident {
        Incident { notifications: self.outbox.of_incident(&incident.id), ..incident.clone() }
    }
}

#[async_trait]
impl Incidents for MemoryStore {
    async fn record(&self, changes: &Changes) -> Result<()> {
        let (mut data, now) = (self.call("record")?, self.now());
        if changes.transitions.iter().any(has_empty_address) {
            return Err(Unavailable(std::io::Error::other("an address is empty").into()));
        }
        let data = &mut *data;
        for transition in &changes.transitions {
            data.alerts.apply(&mut data.outbox, transition, now);
        }
        changes.alert_states.iter().for_each(|state| data.alerts.set(state, now));
        Ok(())
    }

    async fn alert_states(&self) -> Result<Vec<AlertState>> {
        Ok(self.call("alert_states")?.alerts.states.values().map(|(state, _)| state.clone()).collect())
    }

    async fn incidents(&self, query: &IncidentQuery) -> Result<Vec<Incident>> {
        let data = self.call("incidents")?;
        Ok(data.alerts.select(query).into_iter().map(|incident| data.whole(incident)).collect())
    }

    async fn incident_summaries(&self, query: &IncidentQuery) -> Result<Vec<IncidentSummary>> {
        Ok(self.call("incident_summaries")?.alerts.select(query).into_iter().map(summary).collect())
    }

    async fn open_count(&self) -> Result<u64> {
        let data = self.call("open_count")?;
        Ok(data.alerts.incidents.iter().filter(|incident| incident.resolved_at.is_none()).count() as u64)
    }

    async fn acknowledge(&self, incidents: &[String], acknowledgement: &Acknowledgement) -> Result<u64> {
        let now = self.now();
        Ok(self.call("acknowledge")?.alerts.acknowledge(incidents, acknowledgement, now))
    }
}

fn summary(incident: &Incident) -> IncidentSummary {
    IncidentSummary {
        id: incident.id.clone(),
        rule: incident.rule.clone(),
        severity: incident.severity,
        device: incident.device.clone(),
        metric: incident.metric.clone(),
        opened_at: incident.opened_at,
        open: incident.resolved_at.is_none(),
        acknowledged: incident.acknowledged.is_some(),
    }
}

/// Whether a recipient has no address, which a constraint of the tables forbids.
fn has_empty_address(transition: &Transition) -> bool {
    let (Transition::Opened(_, to) | Transition::Announced { to, .. }) = transition else { return false };
    to.iter().any(|address| address.to.is_empty())
}

fn is_wanted(query: &IncidentQuery, incident: &Incident) -> bool {
    let named = |name: &Option<String>, is: &str| name.as_deref().is_none_or(|name| name == is);
    // An incident that was over at once was open then.
    let until = incident
        .resolved_at
        .map(|at| at.max(incident.opened_at + SignedDuration::from_micros(1)))
        .unwrap_or(Timestamp::MAX);
    named(&query.id, &incident.id)
        && named(&query.rule, &incident.rule)
        && named(&query.metric, &incident.metric)
        && query.scope.holds(&incident.device)
        && query.device.as_ref().is_none_or(|filter| filter.matches(&incident.device))
        && query.severity.is_none_or(|severity| severity == incident.severity)
        && query.open.is_none_or(|open| open == incident.resolved_at.is_none())
        && query.acknowledged.is_none_or(|known| known == incident.acknowledged.is_some())
        && query.from.is_none_or(|from| until > from)
        && query.to.is_none_or(|to| incident.opened_at < to)
}
