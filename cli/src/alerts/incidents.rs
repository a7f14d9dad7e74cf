//! `list` and `acknowledge`.

use std::collections::BTreeMap;

use access::record_of_command;
use anyhow::{Context as _, bail};
use api::forms::IncidentGroup;
use api::{GroupBy, Selection};
use clap::ArgGroup;
use jiff::Timestamp;
use store::{
    Acknowledgement, Change, DeliveryStatus, End, Incident, IncidentQuery, SilenceIndex, Store,
    TextCodec as _,
};
use telemetry::text::number;
use telemetry::{Filter, Scope, Words};

use crate::table::{table, time};

/// The arguments of `list`.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Only open incidents
    #[arg(long)]
    open: bool,
    /// Only incidents of devices that match this MQTT filter, such as site-a/#
    #[arg(long, value_name = "FILTER")]
    device: Option<Filter>,
    /// Only incidents of this rule
    #[arg(long)]
    rule: Option<String>,
    /// Number of incidents, at most
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    limit: usize,
    /// Count incidents by rule or by site, the first level of the device's name, instead of listing them
    #[arg(long, value_name = "rule|site", value_parser = group)]
    group: Option<GroupBy>,
    /// Print JSON, as in GET /api/incidents or GET /api/incidents/groups
    #[arg(long)]
    json: bool,
}

fn group(word: &str) -> Result<GroupBy, String> {
    let known = GroupBy::WORDS.iter().find(|(known, _)| *known == word);
    known.map(|(_, by)| *by).ok_or_else(|| "write rule or site".to_owned())
}

/// The arguments of `acknowledge`.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("which").required(true).multiple(true).args(["ids", "rule", "device", "metric"]))]
pub struct AcknowledgeArgs {
    /// Ids of incidents, as shown by `list`
    #[arg(value_name = "ID", conflicts_with_all = ["rule", "device", "metric"])]
    ids: Vec<String>,
    /// All open incidents of this rule
    #[arg(long)]
    rule: Option<String>,
    /// All open incidents of devices that match this MQTT filter, such as site-a/#
    #[arg(long, value_name = "FILTER")]
    device: Option<Filter>,
    /// All open incidents of this metric
    #[arg(long)]
    metric: Option<String>,
    /// A note for others
    #[arg(long, value_name = "TEXT", default_value = "")]
    note: String,
    /// Author [default: $USER]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

/// The id begins with the rule.
const HEADER: [&str; 8] =
    ["state", "severity", "opened (UTC)", "resolved (UTC)", "device", "what", "notified", "id"];

pub(super) async fn list(
    store: &dyn Store,
    args: ListArgs,
    words: &Words,
    now: Timestamp,
) -> anyhow::Result<String> {
    let ListArgs { open, device, rule, limit, group, json } = args;
    let open = open.then_some(true);
    let query = IncidentQuery { open, device, rule, limit, ..IncidentQuery::default() };
    let silences = SilenceIndex::new(store.silences(now).await?);
    if let Some(by) = group {
        return groups(store, query, by, &silences, now, json).await;
    }
    let incidents = store.incidents(&query).await?;
    if json {
        let form = |incident| api::forms::Incident::under(incident, &silences, now);
        let rows: Vec<_> = incidents.iter().map(form).collect();
        return Ok(serde_json::to_string(&BTreeMap::from([("incidents", rows)]))?);
    }
    if incidents.is_empty() {
        return Ok("no incidents".into());
    }
    let is_silenced = |incident: &Incident| silences.until(incident.instance(), now).is_some();
    let rows: Vec<_> = incidents.iter().map(|incident| row(incident, is_silenced(incident), words)).collect();
    let more = if incidents.len() < limit {
        String::new()
    } else {
        format!("\n… --limit {} shows more", limit.saturating_mul(2))
    };
    Ok(table(HEADER, &rows) + &more)
}

/// Incidents that are counted for groups, at most.
const MAX_COUNTED: usize = 100_000;

async fn groups(
    store: &dyn Store,
    query: IncidentQuery,
    by: GroupBy,
    silences: &SilenceIndex,
    now: Timestamp,
    json: bool,
) -> anyhow::Result<String> {
    let limit = query.limit;
    let incidents = store.incident_summaries(&IncidentQuery { limit: MAX_COUNTED, ..query }).await?;
    let mut groups = api::groups(&incidents, by, silences, now);
    let more = groups.len().saturating_sub(limit);
    groups.truncate(limit);
    if json {
        return Ok(serde_json::to_string(&BTreeMap::from([("groups", groups)]))?);
    }
    if groups.is_empty() {
        return Ok("no incidents".into());
    }
    let rows: Vec<_> = groups.iter().map(group_row).collect();
    let more = if more > 0 { format!("\n… and {more} more groups") } else { String::new() };
    Ok(table(GROUP_HEADER, &rows) + &more)
}

const GROUP_HEADER: [&str; 8] =
    ["group", "open", "acknowledged", "silenced", "resolved", "severity", "devices", "last opened (UTC)"];

fn group_row(group: &IncidentGroup) -> [String; 8] {
    let devices = match group.devices {
        1 => group.device.clone(),
        count => format!("{count} of {}", group.device),
    };
    [
        group.name.clone(),
        group.open.to_string(),
        group.acknowledged.to_string(),
        group.silenced.to_string(),
        (group.incidents - group.open).to_string(),
        group.severity.to_string(),
        devices,
        time(group.last_opened_at.0),
    ]
}

fn row(incident: &Incident, is_silenced: bool, words: &Words) -> [String; 8] {
    let state = match (incident.end, &incident.acknowledged) {
        (Some(End::Cleared), _) => "resolved",
        (Some(End::RuleRemoved), _) => "no longer watched",
        (None, Some(_)) => "acknowledged",
        (None, None) if is_silenced => "silenced",
        (None, None) => "open",
    };
    [
        state.into(),
        incident.severity.word().into(),
        time(incident.opened_at),
        incident.resolved_at.map(time).unwrap_or_default(),
        incident.device.clone(),
        what(incident, words),
        notified(incident),
        incident.id.clone(),
    ]
}

/// `temperature 26.1 celsius, above 25`, or `door open, above 0.5`.
fn what(incident: &Incident, words: &Words) -> String {
    let Incident { metric, value, unit, condition, .. } = incident;
    let is_absent = condition.kind == store::ConditionKind::Absent;
    let is_rate = condition.kind == store::ConditionKind::Rate;
    let word = |value| words.word_for(metric, value, unit.as_deref()).filter(|_| !is_rate);
    let value = value.filter(|_| !is_absent).map(|value| match (word(value), unit) {
        (Some(word), _) => word.to_owned(),
        (None, Some(unit)) => format!("{} {unit}", short(value)),
        (None, None) => short(value),
    });
    let text = if is_rate {
        condition.text.clone()
    } else {
        words.in_text(metric, &condition.text, unit.as_deref())
    };
    match (value, text.as_str()) {
        (None, words) => format!("{metric} {words}"),
        (Some(value), "") => format!("{metric} {value}"),
        (Some(value), words) => format!("{metric} {value}, {words}"),
    }
}

/// Six digits hide what binary fractions add, and keep what a sensor measures.
fn short(value: f64) -> String {
    let rounded: Result<f64, _> = format!("{value:.5e}").parse();
    number(rounded.unwrap_or(value))
}

/// `2 sent, 1 held`.
fn notified(incident: &Incident) -> String {
    let mut counts = BTreeMap::<&str, u32>::new();
    for notification in &incident.notifications {
        let word = match &notification.status {
            DeliveryStatus::Waiting { held: None } => "waiting",
            DeliveryStatus::Waiting { held: Some(_) } => "held",
            DeliveryStatus::Dropped { .. } => "dropped",
            DeliveryStatus::InMessage { sent_at: Some(_), .. } => "sent",
            DeliveryStatus::InMessage { problem: Some(_), .. } => "failed",
            DeliveryStatus::InMessage { .. } => "waiting",
        };
        *counts.entry(word).or_default() += 1;
    }
    let said: Vec<_> = counts.iter().rev().map(|(word, count)| format!("{count} {word}")).collect();
    said.join(", ")
}

pub(super) async fn acknowledge(
    store: &dyn Store,
    args: AcknowledgeArgs,
    now: Timestamp,
) -> anyhow::Result<String> {
    let AcknowledgeArgs { ids, rule, device, metric, note, by } = args;
    let said = api::acknowledgement(now, by.unwrap_or_else(super::user), note)?;
    if let [id] = &ids[..] {
        return acknowledge_one(store, id, &said).await;
    }
    let selection = if ids.is_empty() {
        Selection::Found(IncidentQuery { rule, device, metric, ..IncidentQuery::default() })
    } else {
        Selection::Named(ids)
    };
    let incidents = api::selected(store, selection, &Scope::all()).await?;
    let target = format!("{} incidents", incidents.len());
    match record_note(store, incidents, &target, &said).await? {
        0 => bail!("no open incident is without an acknowledgement: `list --open` prints them"),
        1 => Ok("1 incident acknowledged".into()),
        count => Ok(format!("{count} incidents acknowledged")),
    }
}

async fn acknowledge_one(store: &dyn Store, id: &str, said: &Acknowledgement) -> anyhow::Result<String> {
    if let Some(at) = incident(store, id).await?.resolved_at {
        bail!("{id} was resolved at {} UTC", time(at));
    }
    record_note(store, vec![id.to_owned()], id, said).await?;
    let kept = incident(store, id).await?.acknowledged.context("it was resolved meanwhile")?;
    let by = if kept.by.is_empty() { "an unnamed person" } else { &kept.by };
    Ok(format!("{id} was acknowledged by {by} at {} UTC", time(kept.at)))
}

/// Acknowledges incidents, with a record in the audit; returns how many.
async fn record_note(
    store: &dyn Store,
    incidents: Vec<String>,
    target: &str,
    said: &Acknowledgement,
) -> anyhow::Result<u64> {
    let after = serde_json::to_string(&api::forms::Acknowledgement::from(said))?;
    let record = record_of_command(said.at, "acknowledge", target, Some(after));
    let change = Change::Acknowledge { incidents, acknowledgement: said.clone() };
    Ok(store.change(&change, &record).await?.unwrap_or(0))
}

async fn incident(store: &dyn Store, id: &str) -> anyhow::Result<Incident> {
    let query = IncidentQuery { id: Some(id.to_owned()), limit: 1, ..IncidentQuery::default() };
    let found = store.incidents(&query).await?.pop();
    found.with_context(|| format!("there is no incident {id}: `list` prints them"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_as_short_as_it_can_be() {
        for (value, text) in
            [(26.5, "26.5"), (0.1 + 0.2, "0.3"), (-3.0, "-3"), (1013.256, "1013.26"), (0.000_012, "0.000012")]
        {
            assert_eq!(short(value), text);
        }
    }
}
