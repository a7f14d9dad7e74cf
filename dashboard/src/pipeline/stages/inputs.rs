//! Whether all services read messages by the rules that their files of mappings have, and by the same ones.

use super::super::snapshot::{Broker, Scrape, Snapshot};

const RULES_LOADED: &str = "millrace_inputs_rules_loaded";
const RULES: &str = "millrace_inputs_info";

/// What is wrong with the rules, if anything is.
pub(super) fn problem(now: &Snapshot) -> Option<String> {
    let services = || now.writers.iter().chain(&now.alerters).chain(&now.dashboards);
    let refusing: Vec<_> = services()
        .filter(|scrape| scrape.sum(RULES_LOADED) == Some(0.0))
        .map(|scrape| scrape.name.as_str())
        .collect();
    if !refusing.is_empty() {
        let by = match &now.broker {
            Broker::Embedded(_) => String::new(),
            Broker::Nodes(_) => format!(" by {}", refusing.join(", ")),
        };
        return Some(format!("the file of mappings is refused{by}: the old rules stay in force"));
    }
    let mut hashes = services().filter_map(|scrape| Some((scrape.name.as_str(), hash(scrape)?)));
    let (first, rules) = hashes.next()?;
    let (other, _) = hashes.find(|(_, other)| *other != rules)?;
    Some(format!("{first} and {other} read messages by different rules: give them the same file of mappings"))
}

fn hash(scrape: &Scrape) -> Option<&str> {
    let samples = &scrape.result.as_ref().ok()?.samples;
    samples.of(RULES).next().map(|sample| sample.label("hash"))
}
