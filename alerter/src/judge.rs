//! Readings → transitions, in the order of `measured_at`; pure.

use std::collections::HashMap;

use jiff::Timestamp;
use store::{Incident, Opened, Resolved, Transition};
use telemetry::{Reading, Topic};

use crate::{Rule, Verdict};

/// The rules, and how each device and metric stands towards them.
#[derive(Debug)]
pub struct Judge {
    rules: Vec<Rule>,
    subjects: HashMap<(usize, Topic), Subject>,
}

/// How one device and metric stands towards one rule.
#[derive(Debug)]
struct Subject {
    /// Of the newest reading judged: `measured_at`, boot, seq.
    newest: Place,
    open: Option<String>,
}

type Place = (Timestamp, Option<u64>, Option<u64>);

impl Judge {
    /// Goes on from the newest incident of each rule, device and metric.
    ///
    /// Nothing has to be remembered of readings since the last transition: judged again in the same order, they
    /// change nothing again.
    #[must_use]
    pub fn resume(rules: Vec<Rule>, incidents: Vec<Incident>) -> Self {
        let mut judge = Self { rules, subjects: HashMap::new() };
        for incident in incidents {
            judge.resume_subject(incident);
        }
        judge
    }

    fn resume_subject(&mut self, incident: Incident) {
        let rule = self.rules.iter().position(|r| r.name == incident.rule && r.metric == incident.metric);
        let topic = Topic::new(&incident.metric, &incident.device).ok();
        if let (Some(rule), Some(topic)) = (rule, topic) {
            let newest = (incident.resolved_at.unwrap_or(incident.opened_at), None, None);
            let open = incident.resolved_at.is_none().then_some(incident.id);
            self.subjects.insert((rule, topic), Subject { newest, open });
        }
    }

    /// Judges one reading by every rule for its metric.
    ///
    /// A reading older than the newest one judged changes nothing: what it says is no longer true.
    pub fn observe(&mut self, reading: &Reading) -> Vec<Transition> {
        let Self { rules, subjects } = self;
        let concerned = rules.iter().enumerate().filter(|(_, rule)| rule.metric == reading.topic.metric());
        concerned
            .filter_map(|(index, rule)| {
                let subject = subjects
                    .entry((index, reading.topic.clone()))
                    .or_insert_with(|| Subject { newest: place(reading), open: None });
                subject.observe(rule, reading)
            })
            .collect()
    }
}

impl Subject {
    fn observe(&mut self, rule: &Rule, reading: &Reading) -> Option<Transition> {
        if place(reading) < self.newest {
            return None;
        }
        self.newest = place(reading);
        match (rule.verdict(reading.value), self.open.take()) {
            (Verdict::Broken, None) => {
                let opened = opened(rule, reading);
                self.open = Some(opened.id.clone());
                Some(Transition::Opened(opened))
            }
            (Verdict::Kept, Some(id)) => Some(Transition::Resolved(Resolved {
                id,
                at: reading.measured_at,
                value: reading.value,
                mail: None,
            })),
            (_, open) => {
                self.open = open;
                None
            }
        }
    }
}

fn place(reading: &Reading) -> Place {
    (reading.measured_at, reading.boot, reading.seq)
}

/// The id follows from the reading, so that judging it again after a crash is the same incident.
fn opened(rule: &Rule, reading: &Reading) -> Opened {
    let seq = reading.seq.map(|seq| format!("-{seq}")).unwrap_or_default();
    let at = reading.measured_at;
    Opened {
        id: format!("{}/{}/{}{seq}", rule.name, reading.topic, at.as_microsecond()),
        rule: rule.name.clone(),
        device: reading.topic.device().to_owned(),
        metric: reading.topic.metric().to_owned(),
        at,
        value: reading.value,
        unit: reading.unit.clone(),
        mail: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Vec<Rule> {
        vec![Rule { name: "high".into(), metric: "temperature".into(), above: 25.0 }]
    }

    fn reading(second: i64, value: f64) -> Reading {
        let at = Timestamp::from_second(1_768_473_000 + second).unwrap();
        Reading {
            topic: Topic::parse("temperature/lab").unwrap(),
            value,
            unit: None,
            measured_at: at,
            received_at: at,
            boot: None,
            seq: None,
        }
    }

    /// `^26` an opening by 26, `v24` an end by 24.
    fn events(judge: &mut Judge, readings: &[(i64, f64)]) -> String {
        let transitions = readings.iter().flat_map(|&(second, value)| judge.observe(&reading(second, value)));
        let words = transitions.map(|transition| match transition {
            Transition::Opened(opened) => format!("^{}", opened.value),
            Transition::Resolved(resolved) => format!("v{}", resolved.value),
        });
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn an_incident_opens_once_and_ends_once() {
        for (readings, expected) in [
            (vec![(1, 24.0), (2, 25.0)], ""),
            (vec![(1, 26.0), (2, 27.0), (3, 24.0), (4, 23.0)], "^26 v24"),
            (vec![(1, 26.0), (2, 24.0), (3, 26.5), (4, 25.0)], "^26 v24 ^26.5 v25"),
            (vec![(1, 26.0), (1, 26.0)], "^26"),
            (vec![(5, 24.0), (3, 26.0), (6, 24.0)], ""),
            (vec![(5, 26.0), (3, 24.0), (6, 24.0)], "^26 v24"),
        ] {
            let mut judge = Judge::resume(rules(), vec![]);
            assert_eq!(events(&mut judge, &readings), expected, "{readings:?}");
        }
    }

    #[test]
    fn judging_goes_on_after_a_restart() {
        let mut judge = Judge::resume(rules(), vec![]);
        let Some(Transition::Opened(opened)) = judge.observe(&reading(1, 26.0)).pop() else { panic!() };
        let mut incident = Incident {
            id: opened.id.clone(),
            rule: "high".into(),
            device: "lab".into(),
            metric: "temperature".into(),
            opened_at: opened.at,
            value: 26.0,
            unit: None,
            resolved_at: None,
            resolved_value: None,
            mails: vec![],
        };
        let mut resumed = Judge::resume(rules(), vec![incident.clone()]);
        assert_eq!(events(&mut resumed, &[(1, 26.0), (2, 26.0), (3, 24.0)]), "v24");

        incident.resolved_at = Some(reading(3, 0.0).measured_at);
        let mut resumed = Judge::resume(rules(), vec![incident]);
        assert_eq!(events(&mut resumed, &[(1, 26.0), (2, 26.0), (3, 24.0), (4, 26.0)]), "^26");
    }

    #[test]
    fn the_same_reading_is_the_same_incident() {
        let id = |seq| {
            let mut judge = Judge::resume(rules(), vec![]);
            match judge.observe(&Reading { seq, ..reading(1, 26.0) }).pop() {
                Some(Transition::Opened(opened)) => opened.id,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(id(Some(7)), id(Some(7)));
        assert_ne!(id(Some(7)), id(Some(8)));
        assert_eq!(id(None), "high/temperature/lab/1768473001000000");
    }

    #[test]
    fn other_metrics_and_devices_stand_apart() {
        let mut judge = Judge::resume(rules(), vec![]);
        let humidity = Reading { topic: Topic::parse("humidity/lab").unwrap(), ..reading(1, 60.0) };
        let hall = Reading { topic: Topic::parse("temperature/hall").unwrap(), ..reading(1, 30.0) };
        assert!(judge.observe(&humidity).is_empty());
        assert_eq!(judge.observe(&hall).len(), 1);
        assert_eq!(events(&mut judge, &[(1, 26.0)]), "^26");
    }
}
