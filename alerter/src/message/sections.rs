//! Several incidents as a list.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use store::ConditionKind;

use super::content::{Change, Item, MAX_LISTED, Section, State, tone, word};
use super::headline;
use super::words::{link, value};

/// One for each rule, state and metric, in their order.
pub(super) fn of(changes: &[Change<'_>], page: &str, zone: &TimeZone) -> Vec<Section> {
    let mut sections: Vec<((State, &str, &str), Section)> = Vec::new();
    for change in changes.iter().take(MAX_LISTED) {
        let incident = change.incident;
        let key = (change.state, incident.rule.as_str(), incident.metric.as_str());
        let place = sections.iter().position(|(of, _)| *of == key).unwrap_or_else(|| {
            let tone = tone(change.state, incident.severity);
            let word = word(change.state, incident.severity, false);
            let title = format!("{word}: {} ({})", incident.metric, incident.rule);
            sections.push((key, Section { title, tone, items: Vec::new() }));
            sections.len() - 1
        });
        sections[place].1.items.push(item(change, page, zone));
    }
    // Of one rule and state, the rest is said above.
    let several =
        sections.iter().any(|((state, rule, _), _)| (*state, *rule) != (sections[0].0.0, sections[0].0.1));
    let titled = |((_, _, metric), section): ((State, &str, &str), Section)| {
        if several { section } else { Section { title: metric.to_owned(), ..section } }
    };
    sections.into_iter().map(titled).collect()
}

fn item(change: &Change<'_>, page: &str, zone: &TimeZone) -> Item {
    let incident = change.incident;
    let clock = |at: Timestamp| at.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string();
    let said = incident
        .value
        .filter(|_| incident.condition.kind != ConditionKind::Absent)
        .map(|of| value(of, incident));
    let text = match (change.state, said) {
        (State::Resolved, _) => {
            let end = incident.resolved_at.unwrap_or(incident.opened_at);
            format!("{}, {}", headline::end(incident), clock(end))
        }
        (_, Some(said)) => format!("{said}, since {}", clock(incident.began_at)),
        (_, None) => format!("since {}", clock(incident.began_at)),
    };
    Item { device: incident.device.clone(), text, link: link(page, incident) }
}
