//! Active hours: when recipients may be notified.

use jiff::civil::{Time, Weekday};

use super::Known;
use super::recipients::zone;
use super::section::Section;
use crate::rules::hours::ActiveHours;

const KEYS: [&str; 4] = ["days", "from", "to", "zone"];

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// None where the rule says nothing of hours, or nothing good.
pub(super) fn read(rule: &Section<'_, '_>, known: &Known) -> Option<ActiveHours> {
    let (table, span) = rule.table("active")?;
    let section = rule.below("active", table, span, &KEYS);
    let days = days(&section);
    let from = time(&section, "from");
    let to = time(&section, "to");
    if from.is_some_and(|from| to == Some(from) && from != Time::midnight()) {
        section.refuse("to", "from and to are the same: write different times, or neither for whole days");
    }
    Some(ActiveHours {
        days: days?,
        from: from.unwrap_or_default(),
        to: to.unwrap_or_default(),
        zone: zone(&section, "zone").unwrap_or_else(|| known.zone.clone()),
    })
}

/// Every day where none is named.
fn days(section: &Section<'_, '_>) -> Option<Vec<Weekday>> {
    let Some(said) = section.value("days") else { return Some(DAYS.map(|(_, day)| day).to_vec()) };
    let texts: Vec<&str> = match said.get_ref().as_str() {
        Some(text) => vec![text],
        None => section.texts("days")?.into_iter().map(toml::Spanned::into_inner).collect(),
    };
    if texts.is_empty() {
        section.refuse("days", "days is empty: write for example \"mon-fri\"");
    }
    let mut days = Vec::new();
    for text in texts {
        let Some(range) = day_range(text) else {
            section.refuse(
                "days",
                format!("{text:?} are no days: write for example \"mon-fri\" or [\"mon\", \"sat-sun\"]"),
            );
            return None;
        };
        days.extend(range);
    }
    Some(DAYS.map(|(_, day)| day).into_iter().filter(|day| days.contains(day)).collect())
}

/// `mon`, or `fri-mon`, which goes over the end of the week.
fn day_range(text: &str) -> Option<Vec<Weekday>> {
    let index = |name: &str| DAYS.iter().position(|(day, _)| *day == name);
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (index(first)?, index(last)?);
    let length = (last + 7 - first) % 7 + 1;
    Some((first..first + length).map(|day| DAYS[day % 7].1).collect())
}

fn time(section: &Section<'_, '_>, key: &str) -> Option<Time> {
    let text = section.text(key)?;
    let time = match text {
        "24:00" => Some(Time::midnight()),
        _ if text.len() == "08:00".len() => Time::strptime("%H:%M", text).ok(),
        _ => None,
    };
    if time.is_none() {
        section.refuse(key, format!("{text:?} is no time of day: write it like \"08:00\""));
    }
    time
}
