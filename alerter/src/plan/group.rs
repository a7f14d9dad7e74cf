//! Notices that belong into one message: of one address, rule and kind.

use std::collections::HashMap;

use jiff::Timestamp;
use store::{Address, Incident, Notice, NoticeKind, Way};

use super::later;
use crate::Telling;

/// Notices in the order in which they were asked for; never empty once it is made.
#[derive(Default)]
pub(super) struct Group<'a> {
    pub(super) notices: Vec<&'a (Notice, Incident)>,
}

pub(super) fn key((notice, incident): &(Notice, Incident)) -> (&Address, &str, NoticeKind) {
    (&notice.address, &incident.rule, notice.kind)
}

impl<'a> Group<'a> {
    pub(super) fn push(&mut self, told: &'a (Notice, Incident)) {
        self.notices.push(told);
    }

    pub(super) fn address(&self) -> &'a Address {
        &self.notices[0].0.address
    }

    pub(super) fn first(&self) -> i64 {
        self.notices[0].0.number
    }

    /// When nothing more is waited for: nothing was added for a while, or the first has waited for long enough.
    ///
    /// By `due_at`, so that what was held, or is a reminder, comes together as well.
    pub(super) fn ready_at(&self, telling: &Telling) -> Timestamp {
        let due = || self.notices.iter().map(|(notice, _)| notice.due_at);
        match (due().min(), due().max()) {
            (Some(oldest), Some(newest)) if self.address().way != Way::Mqtt => {
                later(newest, telling.group_wait).min(later(oldest, telling.group_max))
            }
            _ => Timestamp::MIN,
        }
    }

    /// Takes the ends of its incidents along.
    pub(super) fn join(&mut self, ends: &HashMap<(&str, &Address), &'a (Notice, Incident)>) {
        if self.notices[0].0.kind != NoticeKind::Opened {
            return;
        }
        let joined = self
            .notices
            .iter()
            .filter_map(|(notice, incident)| ends.get(&(incident.id.as_str(), &notice.address)).copied());
        let joined: Vec<_> = joined.collect();
        self.notices.extend(joined);
        self.notices.sort_by_key(|(notice, _)| notice.number);
    }
}
