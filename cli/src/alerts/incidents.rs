//! `list` and `acknowledge`.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use store::{DeliveryStatus, End, Incident, IncidentQuery, Store, TextCodec as _};
use telemetry::Filter;

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
    /// Print JSON, as in GET /api/incidents
    #[arg(long)]
    json: bool,
}

/// The arguments of `acknowledge`.
#[derive(Debug, clap::Args)]
pub struct AcknowledgeArgs {
    /// Id of the incident, as shown by `list`
    id: String,
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

pub(super) async fn list(store: &dyn Store, args: ListArgs) -> anyhow::Result<String> {
    let ListArgs { open, device, rule, limit, json } = args;
    let open = open.then_some(true);
    let query = IncidentQuery { open, device, rule, limit, ..IncidentQuery::default() };
    let incidents = store.incidents(&query).await?;
    if json {
        let rows: Vec<_> = incidents.iter().map(api::forms::Incident::from).collect();
        return Ok(serde_json::to_string(&BTreeMap::from([("incidents", rows)]))?);
    }
    if incidents.is_empty() {
        return Ok("no incidents".into());
    }
    let rows: Vec<_> = incidents.iter().map(row).collect();
    let more = if incidents.len() < limit {
        String::new()
    } else {
        format!("\n… --limit {} shows more", limit * 2)
    };
    Ok(table(HEADER, &rows) + &more)
}

fn row(incident: &Incident) -> [String; 8] {
    let state = match (incident.end, &incident.acknowledged) {
        (Some(End::Cleared), _) => "resolved",
        (Some(End::RuleRemoved), _) => "rule removed",
        (None, Some(_)) => "acknowledged",
        (None, None) => "open",
    };
    [
        state.into(),
        incident.severity.word().into(),
        time(incident.opened_at),
        incident.resolved_at.map(time).unwrap_or_default(),
        incident.device.clone(),
        what(incident),
        notified(incident),
        incident.id.clone(),
    ]
}

/// `temperature 26.1 celsius, above 25`.
fn what(incident: &Incident) -> String {
    let Incident { metric, value, unit, condition, .. } = incident;
    let is_absent = condition.kind == store::ConditionKind::Absent;
    let value = value.filter(|_| !is_absent).map(|value| match unit {
        Some(unit) => format!("{} {unit}", short(value)),
        None => short(value),
    });
    match (value, condition.text.as_str()) {
        (None, words) => format!("{metric} {words}"),
        (Some(value), "") => format!("{metric} {value}"),
        (Some(value), words) => format!("{metric} {value}, {words}"),
    }
}

/// Six digits hide what binary fractions add, and keep what a sensor measures.
fn short(value: f64) -> String {
    let rounded: Result<f64, _> = format!("{value:.5e}").parse();
    rounded.unwrap_or(value).to_string()
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
    let AcknowledgeArgs { id, note, by } = args;
    let said = api::acknowledgement(now, by.unwrap_or_else(super::user), note)?;
    if let Some(at) = incident(store, &id).await?.resolved_at {
        bail!("{id} was resolved at {} UTC", time(at));
    }
    store.acknowledge(&id, &said).await?;
    let kept = incident(store, &id).await?.acknowledged.context("somebody else ended it")?;
    let by = if kept.by.is_empty() { "somebody" } else { &kept.by };
    Ok(format!("{by} sees to {id} since {} UTC", time(kept.at)))
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
