//! Incidents → groups, as mails group them; pure.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use store::{IncidentSummary, Severity, SilenceIndex, TextCodec as _};
use telemetry::Filter;

use crate::forms::{IncidentGroup, Time};

/// What the incidents of a group have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupBy {
    /// The rule.
    Rule,
    /// The first level of the device's name.
    Site,
}

impl GroupBy {
    /// The words for them.
    pub const WORDS: [(&'static str, Self); 2] = [("rule", Self::Rule), ("site", Self::Site)];
}

/// Groups incidents: those with most open ones first, then by name.
#[must_use]
pub fn groups(
    incidents: &[IncidentSummary],
    by: GroupBy,
    silences: &SilenceIndex,
    now: Timestamp,
) -> Vec<IncidentGroup> {
    let mut members: BTreeMap<&str, Vec<&IncidentSummary>> = BTreeMap::new();
    for incident in incidents {
        let name = match by {
            GroupBy::Rule => &incident.rule,
            GroupBy::Site => site(&incident.device),
        };
        members.entry(name).or_default().push(incident);
    }
    let mut groups: Vec<_> =
        members.into_iter().map(|(name, members)| group(name, &members, silences, now)).collect();
    groups.sort_by_key(|group| Reverse(group.open));
    groups
}

fn group(name: &str, members: &[&IncidentSummary], silences: &SilenceIndex, now: Timestamp) -> IncidentGroup {
    let devices: HashSet<&str> = members.iter().map(|incident| &*incident.device).collect();
    let sites: HashSet<&str> = devices.iter().map(|device| site(device)).collect();
    let open: Vec<_> = members.iter().filter(|incident| incident.open).collect();
    let loud: Vec<_> = open.iter().filter(|incident| !incident.acknowledged).collect();
    let silenced = loud.iter().filter(|incident| silences.until(incident.instance(), now).is_some()).count();
    let worst = open.iter().map(|incident| incident.severity).max();
    let worst = worst.or_else(|| members.iter().map(|incident| incident.severity).max());
    let opened = || members.iter().map(|incident| incident.opened_at);
    IncidentGroup {
        name: name.to_owned(),
        device: Filter::covering(devices.iter().copied()).unwrap_or_else(Filter::all).to_string(),
        rule: only(members.iter().map(|incident| &*incident.rule)),
        metric: only(members.iter().map(|incident| &*incident.metric)),
        severity: worst.unwrap_or(Severity::Info).word().into(),
        incidents: members.len() as u64,
        open: open.len() as u64,
        acknowledged: (open.len() - loud.len()) as u64,
        silenced: silenced as u64,
        devices: devices.len() as u64,
        sites: sites.len() as u64,
        first_opened_at: Time(opened().min().unwrap_or(now)),
        last_opened_at: Time(opened().max().unwrap_or(now)),
    }
}

fn site(device: &str) -> &str {
    device.split('/').next().unwrap_or(device)
}

/// What all of them are, if they are one.
fn only<'a>(mut names: impl Iterator<Item = &'a str>) -> Option<String> {
    let first = names.next()?;
    names.all(|name| name == first).then(|| first.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;
    use store::Silence;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn incident(rule: &str, device: &str, second: i64) -> IncidentSummary {
        IncidentSummary {
            id: format!("{rule}/{device}/{second}"),
            rule: rule.into(),
            severity: Severity::Warning,
            device: device.into(),
            metric: "temperature".into(),
            opened_at: at(second),
            open: true,
            acknowledged: false,
        }
    }

    #[test]
    fn ten_thousand_incidents_are_a_few_groups() {
        let mut all: Vec<_> = (0..10_000)
            .map(|i| incident("silent", &format!("site-{:02}/rack-{}/{i}", i % 10, i % 7), i))
            .collect();
        all[3].acknowledged = true;
        all[4].open = false;
        all.push(IncidentSummary {
            severity: Severity::Critical,
            metric: "humidity".into(),
            ..incident("wet", "lab", 5)
        });
        let silence = Silence {
            id: "s".into(),
            rule: Some("silent".into()),
            metric: None,
            device: "site-03/#".parse().unwrap(),
            from: at(0),
            until: at(60_000),
            reason: "moving".into(),
            by: String::new(),
        };
        let silences = SilenceIndex::new(vec![silence]);
        let by_rule = groups(&all, GroupBy::Rule, &silences, at(50_000));
        let silent = &by_rule[0];
        assert_eq!(
            (silent.name.as_str(), silent.device.as_str(), silent.metric.as_deref()),
            ("silent", "#", Some("temperature"))
        );
        // One of the silenced is acknowledged.
        let counts = [
            silent.incidents,
            silent.open,
            silent.acknowledged,
            silent.silenced,
            silent.devices,
            silent.sites,
        ];
        assert_eq!(counts, [10_000, 9_999, 1, 999, 10_000, 10]);
        assert_eq!((silent.first_opened_at, silent.last_opened_at), (Time(at(0)), Time(at(9_999))));
        assert_eq!(
            (by_rule.len(), by_rule[1].device.as_str(), &*by_rule[1].severity),
            (2, "lab", "critical")
        );
        let by_site = groups(&all, GroupBy::Site, &silences, at(50_000) + SignedDuration::from_hours(9));
        assert_eq!((by_site.len(), by_site[0].device.as_str(), by_site[0].silenced), (11, "site-00/#", 0));
        assert_eq!(by_site.iter().map(|group| group.incidents).sum::<u64>(), 10_001);
    }
}
