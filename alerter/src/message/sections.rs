//! Several incidents as a list that stays short: a line for each series, or for each prefix of their names.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use store::ConditionKind;

use super::content::{Change, Item, Section, State, tone, word};
use super::headline;
use super::words::{self, link, link_to_group};

/// Lines of a section, at most.
const MAX_LINES: usize = 20;

/// Lines of a message, at most. With the lengths of names and links it keeps a mail under 100 kB.
const MAX_ALL_LINES: usize = 30;

/// Sections of a message, at most.
const MAX_SECTIONS: usize = 10;

/// Bytes of a link in a list, at most; a longer one leads to the page itself.
const MAX_LINK_BYTES: usize = 300;

/// What a message lists, and how many incidents it does not.
#[derive(Default)]
pub(super) struct Listed {
    pub(super) sections: Vec<Section>,
    pub(super) more: usize,
}

/// What the incidents of a section have in common.
type Key<'a> = (State, &'a str, &'a str);

/// The incidents of one series, in their order.
type OfSeries<'a> = (&'a str, Vec<&'a Change<'a>>);

/// One section for each rule, state and metric, in their order.
pub(super) fn of(changes: &[Change<'_>], page: &str, zone: &TimeZone) -> Listed {
    let grouped = grouped(changes);
    let is_one =
        grouped.iter().all(|((state, rule, _), _)| (*state, *rule) == (grouped[0].0.0, grouped[0].0.1));
    let (mut listed, mut left, mut covered) = (Listed::default(), MAX_ALL_LINES, 0);
    let shown = grouped.len().min(MAX_SECTIONS);
    for (place, (key, members)) in grouped.iter().take(shown).enumerate() {
        // Each section that follows has a line at least.
        let lines = MAX_LINES.min(left - (shown - 1 - place));
        let list = List { page, zone, metric: key.2 };
        let (items, count) = list.items(&of_series(members), lines);
        (left, covered) = (left - items.len(), covered + count);
        let first = members[0];
        let tone = tone(first.state, first.incident.severity);
        let title = if is_one {
            key.2.to_owned()
        } else {
            format!("{}: {} ({})", word(first.state, first.incident.severity, false), key.2, key.1)
        };
        listed.sections.push(Section { title, tone, items });
    }
    listed.more = changes.len() - covered;
    listed
}

fn grouped<'a>(changes: &'a [Change<'a>]) -> Vec<(Key<'a>, Vec<&'a Change<'a>>)> {
    let mut places = HashMap::new();
    let mut groups: Vec<(Key<'a>, Vec<&'a Change<'a>>)> = Vec::new();
    for change in changes {
        let key = (change.state, change.incident.rule.as_str(), change.incident.metric.as_str());
        let place = *places.entry(key).or_insert_with(|| {
            groups.push((key, Vec::new()));
            groups.len() - 1
        });
        groups[place].1.push(change);
    }
    groups
}

fn of_series<'a>(changes: &[&'a Change<'a>]) -> Vec<OfSeries<'a>> {
    let mut places = HashMap::new();
    let mut all: Vec<OfSeries<'a>> = Vec::new();
    for change in changes {
        let device = change.incident.device.as_str();
        let place = *places.entry(device).or_insert_with(|| {
            all.push((device, Vec::new()));
            all.len() - 1
        });
        all[place].1.push(change);
    }
    all
}

/// Series that share the first levels of their names.
struct Prefix<'a> {
    levels: usize,
    members: Vec<&'a OfSeries<'a>>,
    /// Whether it has too many next levels to be split by them.
    is_whole: bool,
}

impl<'a> Prefix<'a> {
    fn new(levels: usize, members: Vec<&'a OfSeries<'a>>) -> Self {
        let is_whole = members.len() < 2;
        Self { levels, members, is_whole }
    }

    /// By the next level of each name, in the order of the names.
    fn split(&self) -> Vec<Self> {
        let mut places = HashMap::new();
        let mut parts: Vec<Vec<&'a OfSeries<'a>>> = Vec::new();
        for member in &self.members {
            let place = *places.entry(member.0.split('/').nth(self.levels)).or_insert_with(|| {
                parts.push(Vec::new());
                parts.len() - 1
            });
            parts[place].push(member);
        }
        parts.into_iter().map(|members| Self::new(self.levels + 1, members)).collect()
    }

    fn name(&self) -> String {
        self.members[0].0.split('/').take(self.levels).collect::<Vec<_>>().join("/")
    }
}

/// The prefixes of series, as long as they may be for so many lines.
fn prefixes<'a>(series: &'a [OfSeries<'a>], lines: usize) -> Vec<Prefix<'a>> {
    let mut all = vec![Prefix::new(0, series.iter().collect())];
    loop {
        let open = all.iter().enumerate().filter(|(_, prefix)| !prefix.is_whole);
        let Some((place, largest)) = open.max_by_key(|(_, prefix)| prefix.members.len()) else { return all };
        let parts = largest.split();
        if all.len() - 1 + parts.len() > lines {
            all[place].is_whole = true;
        } else {
            all.splice(place..=place, parts);
        }
    }
}

/// One metric's lines.
struct List<'a> {
    page: &'a str,
    zone: &'a TimeZone,
    metric: &'a str,
}

impl List<'_> {
    /// The lines, and how many incidents they are about.
    fn items(&self, series: &[OfSeries<'_>], lines: usize) -> (Vec<Item>, usize) {
        if series.len() <= lines {
            return self.single(series);
        }
        let prefixes = prefixes(series, lines);
        if prefixes.iter().any(|prefix| prefix.levels == 0) && lines > 1 {
            // The names have nothing in common.
            return self.single(&series[..lines]);
        }
        let covered = series.iter().map(|(_, changes)| changes.len()).sum();
        (prefixes.iter().map(|prefix| self.prefix(prefix)).collect(), covered)
    }

    fn single(&self, series: &[OfSeries<'_>]) -> (Vec<Item>, usize) {
        let covered = series.iter().map(|(_, changes)| changes.len()).sum();
        (series.iter().map(|one| self.one(one)).collect(), covered)
    }

    fn one(&self, (device, changes): &OfSeries<'_>) -> Item {
        let last = changes[changes.len() - 1];
        let text = match changes.len() {
            1 => self.text(last),
            count => format!("{count} times, last {}", self.text(last)),
        };
        Item { device: words::name(device), text, link: self.short(link(self.page, last.incident)) }
    }

    fn prefix(&self, prefix: &Prefix<'_>) -> Item {
        if let [one] = prefix.members[..] {
            return self.one(one);
        }
        let name = prefix.name();
        let (filter, shown) = match name.as_str() {
            "" => ("#".to_owned(), "all".to_owned()),
            name => (format!("{name}/#"), format!("{}/…", words::name(name))),
        };
        let changes = || prefix.members.iter().flat_map(|(_, changes)| changes);
        let is_over = changes().all(|change| change.state == State::Resolved || change.state == State::Over);
        let ends = changes().filter_map(|change| change.incident.resolved_at).max();
        let when = match ends.filter(|_| is_over) {
            Some(last) => format!("the last until {}", self.clock(last)),
            None => {
                let began = changes().map(|change| change.incident.began_at).min();
                began.map(|first| format!("since {}", self.clock(first))).unwrap_or_default()
            }
        };
        let link = link_to_group(self.page, Some(self.metric), &filter, !is_over);
        Item {
            device: shown,
            text: format!("{} devices, {when}", prefix.members.len()),
            link: self.short(link),
        }
    }

    fn text(&self, change: &Change<'_>) -> String {
        let incident = change.incident;
        let said = incident
            .value
            .filter(|_| incident.condition.kind != ConditionKind::Absent)
            .map(|of| change.value(of));
        match (change.state, said) {
            (State::Resolved, _) => {
                let end = incident.resolved_at.unwrap_or(incident.opened_at);
                format!("{}, {}", headline::end(change), self.clock(end))
            }
            (_, Some(said)) => format!("{said}, since {}", self.clock(incident.began_at)),
            (_, None) => format!("since {}", self.clock(incident.began_at)),
        }
    }

    fn clock(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%H:%M:%S").to_string()
    }

    fn short(&self, link: String) -> String {
        if link.len() <= MAX_LINK_BYTES { link } else { format!("{}/", self.page) }
    }
}
