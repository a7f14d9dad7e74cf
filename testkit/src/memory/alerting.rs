//! Incidents and alert states in memory.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use store::{
    Acknowledgement, Address, AlertState, Changes, Incident, IncidentQuery, Incidents, Phase, Result,
    Transition, Unavailable,
};

use super::outbox::Outbox;
use super::{Data, MemoryStore, now};

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

    fn apply(&mut self, outbox: &mut Outbox, transition: &Transition) {
        match transition {
            Transition::Opened(incident, to) => self.add(outbox, incident, to),
            Transition::Told { id, at, to } if self.open(id).is_some() => {
                outbox.opened(id, *at, to);
            }
            Transition::Told { .. } => {}
            Transition::Peaked { id, at, value } => {
                if let Some(incident) = self.open(id).filter(|incident| incident.peak != Some(*value)) {
                    (incident.peak, incident.peak_at) = (Some(*value), Some(*at));
                    self.changed_at.insert(id.clone(), now());
                }
            }
            Transition::Resolved { id, at, judged_at, value, end } => {
                if let Some(incident) = self.open(id) {
                    (incident.resolved_at, incident.resolved_value, incident.end) =
                        (Some(*at), *value, Some(*end));
                    self.changed_at.insert(id.clone(), now());
                    outbox.over(id, *judged_at);
                }
            }
        }
    }

    fn add(&mut self, outbox: &mut Outbox, incident: &Incident, to: &[Address]) {
        if self.get(&incident.id).is_none() {
            self.incidents.push(incident.clone());
            self.changed_at.insert(incident.id.clone(), now());
            outbox.opened(&incident.id, incident.judged_at, to);
        }
    }

    fn set(&mut self, state: &AlertState) {
        let AlertState { rule, series, .. } = state;
        let key = (rule.clone(), series.device().to_owned(), series.metric().to_owned());
        self.states.insert(key, (state.clone(), now()));
    }

    /// Returns how many incidents were removed.
    pub(super) fn purge(&mut self, outbox: &mut Outbox, older_than: Timestamp) -> usize {
        let before = self.incidents.len();
        self.incidents.retain(|incident| {
            let old = self.changed_at.get(&incident.id).is_some_and(|at| *at < older_than);
            incident.resolved_at.is_none() || !old || outbox.is_waiting(&incident.id)
        });
        outbox.retain(older_than, |id| self.incidents.iter().any(|incident| incident.id == id));
        self.states.retain(|_, (state, at)| state.phase != Phase::Normal || *at >= older_than);
        before - self.incidents.len()
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
        let mut data = self.call("record")?;
        if changes.transitions.iter().any(names_nobody) {
            return Err(Unavailable(std::io::Error::other("an address is empty").into()));
        }
        let data = &mut *data;
        for transition in &changes.transitions {
            data.alerts.apply(&mut data.outbox, transition);
        }
        changes.alert_states.iter().for_each(|state| data.alerts.set(state));
        Ok(())
    }

    async fn alert_states(&self) -> Result<Vec<AlertState>> {
        Ok(self.call("alert_states")?.alerts.states.values().map(|(state, _)| state.clone()).collect())
    }

    async fn incidents(&self, query: &IncidentQuery) -> Result<Vec<Incident>> {
        let data = self.call("incidents")?;
        let all = data.alerts.incidents.iter().enumerate();
        let mut found: Vec<_> = all.filter(|(_, incident)| is_wanted(query, incident)).collect();
        found.sort_by_key(|(number, incident)| {
            (incident.resolved_at.is_some(), Reverse(incident.opened_at), Reverse(*number))
        });
        found.truncate(query.limit.max(1));
        Ok(found.into_iter().map(|(_, incident)| data.whole(incident)).collect())
    }

    async fn open_count(&self) -> Result<u64> {
        let data = self.call("open_count")?;
        Ok(data.alerts.incidents.iter().filter(|incident| incident.resolved_at.is_none()).count() as u64)
    }

    async fn acknowledge(&self, incident: &str, acknowledgement: &Acknowledgement) -> Result<bool> {
        let mut data = self.call("acknowledge")?;
        let found = data.alerts.incidents.iter_mut().find(|known| known.id == incident);
        let Some(found) = found else { return Ok(false) };
        if found.acknowledged.is_none() {
            found.acknowledged = Some(acknowledgement.clone());
            data.alerts.changed_at.insert(incident.to_owned(), now());
        }
        Ok(true)
    }
}

/// The tables have a constraint.
fn names_nobody(transition: &Transition) -> bool {
    let (Transition::Opened(_, to) | Transition::Told { to, .. }) = transition else { return false };
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
        && query.device.as_ref().is_none_or(|filter| filter.matches(&incident.device))
        && query.severity.is_none_or(|severity| severity == incident.severity)
        && query.open.is_none_or(|open| open == incident.resolved_at.is_none())
        && query.acknowledged.is_none_or(|known| known == incident.acknowledged.is_some())
        && query.from.is_none_or(|from| until > from)
        && query.to.is_none_or(|to| incident.opened_at < to)
}
