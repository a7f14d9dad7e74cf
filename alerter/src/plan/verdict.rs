//! Whether somebody is to hear of one change of one incident now, later or not at all.

use std::time::Duration;

use jiff::Timestamp;
use store::{Fate, Hold, Incident, Notice, NoticeKind};

use super::{Situation, later};

/// What is held is looked at again after this long at the latest: a silence may be ended early, or the rules change.
const RECHECK: Duration = Duration::from_secs(60);

const OVER_UNTOLD: &str = "over before anybody was to be told";

pub(super) enum Verdict {
    /// In the message of its group.
    Tell,
    /// An end in the same message as its opening.
    Along,
    Hold(Hold),
    /// Notices by number, with why.
    Drop(Vec<i64>, &'static str),
}

pub(super) fn of(now: Timestamp, notice: &Notice, incident: &Incident, situation: &Situation<'_>) -> Verdict {
    let drop = |why| Verdict::Drop(vec![notice.number], why);
    let told = match notice.kind {
        NoticeKind::Opened => opened(now, notice, incident, situation),
        NoticeKind::Resolved => return resolved(now, notice, incident, situation),
        NoticeKind::Reminder if incident.resolved_at.is_some() => drop("it is over"),
        NoticeKind::Reminder if incident.acknowledged.is_some() => drop("somebody sees to it"),
        NoticeKind::Reminder if !reminds(incident, situation) => drop("its rule reminds nobody any more"),
        NoticeKind::Reminder => Verdict::Tell,
    };
    match (told, quiet(now, incident, situation)) {
        (Verdict::Tell, Some((until, why))) => {
            let until = until.min(later(now, RECHECK));
            Verdict::Hold(Hold { notice: notice.number, until, why: why.to_owned() })
        }
        (told, _) => told,
    }
}

fn opened(now: Timestamp, notice: &Notice, incident: &Incident, situation: &Situation<'_>) -> Verdict {
    if incident.resolved_at.is_none() || !was_quiet(now, notice, incident, situation) {
        return Verdict::Tell;
    }
    let end = sibling(notice, incident, NoticeKind::Resolved).filter(|end| waits(end));
    Verdict::Drop(
        [Some(notice), end].into_iter().flatten().map(|notice| notice.number).collect(),
        OVER_UNTOLD,
    )
}

/// Who heard of an opening hears of its end, at any hour; who did not hears of both or of neither.
fn resolved(now: Timestamp, notice: &Notice, incident: &Incident, situation: &Situation<'_>) -> Verdict {
    match sibling(notice, incident, NoticeKind::Opened) {
        Some(opening) if waits(opening) && was_quiet(now, opening, incident, situation) => {
            Verdict::Drop(vec![opening.number, notice.number], OVER_UNTOLD)
        }
        Some(opening) if waits(opening) => Verdict::Along,
        Some(Notice { fate: Fate::Dropped { .. }, .. }) => {
            Verdict::Drop(vec![notice.number], "nobody was told of its opening")
        }
        _ => Verdict::Tell,
    }
}

/// The notice of another kind of the same incident to the same address.
fn sibling<'a>(notice: &Notice, incident: &'a Incident, kind: NoticeKind) -> Option<&'a Notice> {
    incident.notices.iter().find(|other| other.kind == kind && other.address == notice.address)
}

fn waits(notice: &Notice) -> bool {
    matches!(notice.fate, Fate::Waiting { .. })
}

fn reminds(incident: &Incident, situation: &Situation<'_>) -> bool {
    situation.rules.named(&incident.rule).is_some_and(|rule| rule.repeat.is_some())
}

/// Whether an opening was held, or would be now.
fn was_quiet(now: Timestamp, opening: &Notice, incident: &Incident, situation: &Situation<'_>) -> bool {
    matches!(opening.fate, Fate::Waiting { held: Some(_) }) || quiet(now, incident, situation).is_some()
}

/// Until when nobody is told, and why.
fn quiet(
    now: Timestamp,
    incident: &Incident,
    situation: &Situation<'_>,
) -> Option<(Timestamp, &'static str)> {
    let covering = situation.silences.iter().filter(|silence| silence.covers(incident, now));
    if let Some(until) = covering.map(|silence| silence.until).max() {
        return Some((until, "silenced"));
    }
    let hours = situation.rules.named(&incident.rule)?.active.as_ref()?;
    Some(hours.next(now)).filter(|next| *next > now).map(|next| (next, "outside active hours"))
}
