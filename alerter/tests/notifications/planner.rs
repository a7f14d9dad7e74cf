//! The planner with what it decides on, taken from one moment with something to do to the next.

use std::time::Duration;

use alerter::{Plan, PlanInput, Rules, plan};
use jiff::Timestamp;
use store::{Acknowledgement, Address, DeliveryStatus, Notification, Silence};

use crate::harness::{at, incident, mail, opened, resolved};
use crate::store::Kept;

/// Incidents, notifications and messages over time, planned whenever it is said that there may be something to do.
pub(crate) struct Planner {
    pub(crate) kept: Kept,
    pub(crate) rules: Rules,
    pub(crate) now: Timestamp,
    /// When the last plan said to look again.
    pub(crate) look_again: Option<Timestamp>,
}

impl Planner {
    pub(crate) fn new(rules: Rules) -> Self {
        Self { kept: Kept::default(), rules, now: at(0), look_again: None }
    }

    pub(crate) fn open(&mut self, id: &str, rule: &str, to: &[Address]) {
        let mut it = incident(id, rule, id);
        (it.began_at, it.opened_at, it.judged_at) = (self.now, self.now, self.now);
        self.kept.apply(&opened(it, to));
        self.plan();
    }

    pub(crate) fn resolve(&mut self, id: &str) {
        self.kept.apply(&resolved(id, self.now));
        self.plan();
    }

    pub(crate) fn silence(&mut self, seconds: u64) {
        let until = self.now + Duration::from_secs(seconds);
        self.kept.silences.push(Silence {
            id: "s".into(),
            rule: None,
            metric: None,
            device: telemetry::Filter::all(),
            from: self.now,
            until,
            reason: "work".into(),
            by: "ann".into(),
        });
    }

    pub(crate) fn acknowledge(&mut self, id: &str) {
        let acknowledgement = Acknowledgement { at: self.now, by: "ann".into(), note: String::new() };
        self.kept.incidents.get_mut(id).unwrap().acknowledged.get_or_insert(acknowledgement);
    }

    /// Plans at every time at which a plan or the store says that there may be something to do.
    pub(crate) fn pass(&mut self, seconds: u64) {
        let end = self.now + Duration::from_secs(seconds);
        for _ in 0..100_000 {
            let (_, due) = self.kept.due(self.now, usize::MAX);
            let Some(next) = [self.look_again, due].into_iter().flatten().min().filter(|next| *next <= end)
            else {
                self.now = end;
                return;
            };
            assert!(next > self.now, "it would look again at once and for ever");
            self.now = next;
            self.plan();
        }
        panic!("it never comes to rest");
    }

    pub(crate) fn plan(&mut self) -> Plan {
        let (due, _) = self.kept.due(self.now, usize::MAX);
        let made: Vec<_> = self
            .kept
            .messages
            .iter()
            .map(|made| (made.message.address.clone(), made.message.made_at))
            .collect();
        let silences = store::SilenceIndex::new(self.kept.silences.clone());
        let input =
            PlanInput { rules: &self.rules, silences: &silences, made: &alerter::MadeMails::new(made) };
        let plan = plan(self.now, &due, &input);
        self.kept.decide(&plan.decisions);
        self.look_again = plan.look_again;
        plan
    }

    /// The messages as `address: kind id, …`, a message a line.
    pub(crate) fn messages(&self) -> Vec<String> {
        let notification = |number: &i64| {
            let (notification, of) = self.notification(*number);
            format!("{:?} {of}", notification.kind)
        };
        let line = |made: &crate::store::Made| {
            let notifications: Vec<_> = made.message.notifications.iter().map(notification).collect();
            format!("{}: {}", made.message.address.to, notifications.join(", "))
        };
        self.kept.messages.iter().map(line).collect()
    }

    pub(crate) fn notification(&self, number: i64) -> &(Notification, String) {
        &self.kept.notifications[usize::try_from(number - 1).unwrap()]
    }

    pub(crate) fn dropped(&self) -> Vec<&str> {
        let why = |(notification, _): &'_ (Notification, String)| match &notification.status {
            DeliveryStatus::Dropped { why } => Some(why.clone()),
            _ => None,
        };
        let all: Vec<String> = self.kept.notifications.iter().filter_map(why).collect();
        all.into_iter().map(|why| &*Box::leak(why.into_boxed_str())).collect()
    }
}

pub(crate) fn ann() -> [Address; 1] {
    [mail("ann")]
}
