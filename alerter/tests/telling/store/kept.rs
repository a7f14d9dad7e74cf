//! Incidents, notices and messages as they are kept, and what changes them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use store::{
    Address, Decisions, Fate, Incident, Message, NewMessage, Notice, NoticeKind, Reminder, Silence,
    Transition,
};

/// All that is kept.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) incidents: BTreeMap<String, Incident>,
    /// In the order of their numbers, each with its incident.
    pub(crate) notices: Vec<(Notice, String)>,
    pub(crate) messages: Vec<Made>,
    pub(crate) silences: Vec<Silence>,
}

#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) message: NewMessage,
    pub(crate) tries: u32,
    pub(crate) again_at: Option<Timestamp>,
    pub(crate) problem: Option<String>,
    pub(crate) sent_at: Option<Timestamp>,
    pub(crate) given_up_at: Option<Timestamp>,
}

impl Kept {
    fn ask(
        &mut self,
        incident: &str,
        kind: NoticeKind,
        address: &Address,
        asked_at: Timestamp,
        due_at: Timestamp,
    ) {
        let number = self.notices.len() as i64 + 1;
        let fate = Fate::Waiting { held: None };
        let notice = Notice { number, kind, address: address.clone(), asked_at, due_at, fate };
        self.notices.push((notice, incident.to_owned()));
    }

    pub(crate) fn apply(&mut self, transition: &Transition) {
        match transition {
            Transition::Opened(incident, to) if !self.incidents.contains_key(&incident.id) => {
                self.incidents.insert(incident.id.clone(), (**incident).clone());
                to.iter().for_each(|to| {
                    self.ask(&incident.id, NoticeKind::Opened, to, incident.judged_at, incident.judged_at);
                });
            }
            Transition::Resolved { id, at, judged_at, value, end } => {
                let Some(incident) = self.incidents.get_mut(id).filter(|it| it.resolved_at.is_none()) else {
                    return;
                };
                (incident.resolved_at, incident.resolved_value, incident.end) =
                    (Some(*at), *value, Some(*end));
                self.end_notices(id, *judged_at);
            }
            Transition::Opened(..) | Transition::Told { .. } | Transition::Peaked { .. } => {}
        }
    }

    fn end_notices(&mut self, id: &str, judged_at: Timestamp) {
        let mut told = Vec::new();
        for (notice, of) in self.notices.iter_mut().filter(|(_, of)| of == id) {
            match (notice.kind, &notice.fate) {
                (NoticeKind::Opened, Fate::Waiting { .. } | Fate::InMessage { .. }) => {
                    told.push((of.clone(), notice.address.clone()));
                }
                (NoticeKind::Reminder, Fate::Waiting { .. }) => {
                    notice.fate = Fate::Dropped { why: "resolved".into() };
                }
                _ => {}
            }
        }
        for (of, address) in told {
            self.ask(&of, NoticeKind::Resolved, &address, judged_at, judged_at);
        }
    }

    pub(crate) fn incident(&self, id: &str) -> Incident {
        let mut incident = self.incidents[id].clone();
        incident.notices =
            self.notices.iter().filter(|(_, of)| of == id).map(|(notice, _)| notice.clone()).collect();
        incident
    }

    fn waiting(&mut self, number: i64) -> Option<&mut Notice> {
        let notice = self.notices.get_mut(usize::try_from(number - 1).unwrap())?;
        Some(&mut notice.0).filter(|notice| matches!(notice.fate, Fate::Waiting { .. }))
    }

    pub(crate) fn due(&self, now: Timestamp, limit: usize) -> (Vec<(Notice, Incident)>, Option<Timestamp>) {
        let waits = |notice: &&(Notice, String)| matches!(notice.0.fate, Fate::Waiting { .. });
        let waiting: Vec<_> = self.notices.iter().filter(waits).collect();
        let (due, later): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|(notice, _)| notice.due_at <= now);
        let due =
            due.into_iter().take(limit).map(|(notice, of)| (notice.clone(), self.incident(of))).collect();
        (due, later.iter().map(|(notice, _)| notice.due_at).min())
    }

    pub(crate) fn decide(&mut self, decisions: &Decisions) {
        for message in &decisions.messages {
            self.make(message);
        }
        for hold in &decisions.held {
            if let Some(notice) = self.waiting(hold.notice) {
                notice.due_at = hold.until;
                notice.fate = Fate::Waiting { held: Some(hold.why.clone()) };
            }
        }
        for (number, why) in &decisions.dropped {
            if let Some(notice) = self.waiting(*number) {
                notice.fate = Fate::Dropped { why: why.clone() };
            }
        }
        decisions.reminders.iter().for_each(|reminder| self.remind(reminder));
    }

    fn make(&mut self, message: &NewMessage) {
        let mut of = Vec::new();
        for number in &message.notices {
            if let Some(notice) = self.waiting(*number) {
                let message_id = message.message_id.clone();
                notice.fate = Fate::InMessage { message_id, sent_at: None, problem: None };
                of.push(*number);
            }
        }
        if !of.is_empty() {
            let message = NewMessage { notices: of, ..message.clone() };
            self.messages.push(Made {
                message,
                tries: 0,
                again_at: None,
                problem: None,
                sent_at: None,
                given_up_at: None,
            });
        }
    }

    fn remind(&mut self, Reminder { incident, address, asked_at, due_at }: &Reminder) {
        let of = &self.incidents[incident];
        let waits = |notice: &Notice| {
            notice.kind == NoticeKind::Reminder && matches!(notice.fate, Fate::Waiting { .. })
        };
        let asked = self
            .notices
            .iter()
            .any(|(notice, of)| of == incident && notice.address == *address && waits(notice));
        if of.resolved_at.is_none() && of.acknowledged.is_none() && !asked {
            self.ask(incident, NoticeKind::Reminder, address, *asked_at, *due_at);
        }
    }

    pub(super) fn message(&self, made: &Made) -> Message {
        let NewMessage { message_id, address, made_at, notices } = made.message.clone();
        let notice = |number: &i64| {
            let (notice, of) = &self.notices[usize::try_from(number - 1).unwrap()];
            (notice.clone(), self.incident(of))
        };
        Message {
            message_id,
            address,
            made_at,
            tries: made.tries,
            notices: notices.iter().map(notice).collect(),
        }
    }

    pub(super) fn owes(made: &Made) -> bool {
        made.sent_at.is_none() && made.given_up_at.is_none()
    }
}
