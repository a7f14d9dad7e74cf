//! `silence`, `silences` and `unsilence`.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, bail};
use api::SilenceRequest;
use clap::ArgGroup;
use jiff::Timestamp;
use store::{Silence, Store};
use telemetry::Filter;

use crate::table::{table, time};

/// The arguments of `silence`.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("end").required(true))]
pub struct SilenceArgs {
    /// Devices, as an MQTT filter: lab, site-a/# or # for all
    #[arg(long, value_name = "FILTER")]
    device: Filter,
    /// Only this rule
    #[arg(long)]
    rule: Option<String>,
    /// Only this metric
    #[arg(long)]
    metric: Option<String>,
    /// Duration, such as 30m, 2h or 7days
    #[arg(long = "for", value_name = "DURATION", group = "end", value_parser = humantime::parse_duration)]
    lasting: Option<Duration>,
    /// End, in RFC 3339
    #[arg(long, value_name = "TIME", group = "end")]
    until: Option<Timestamp>,
    /// The reason for the silence
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Author [default: $USER]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Print the silence as JSON
    #[arg(long)]
    json: bool,
}

/// The arguments of `silences`.
#[derive(Debug, clap::Args)]
pub struct SilencesArgs {
    /// Print JSON, as in GET /api/silences
    #[arg(long)]
    json: bool,
}

const HEADER: [&str; 8] = ["id", "device", "metric", "rule", "from (UTC)", "until (UTC)", "by", "reason"];

pub(super) async fn add(store: &dyn Store, args: SilenceArgs, now: Timestamp) -> anyhow::Result<String> {
    let SilenceArgs { device, rule, metric, lasting, until, reason, by, json } = args;
    let end = match lasting {
        Some(lasting) => now.checked_add(lasting).ok(),
        None => until,
    };
    let until = end.context("--for is too long")?;
    let (device, by) = (device.to_string(), by.unwrap_or_else(super::user));
    let silence = SilenceRequest { device, metric, rule, until, reason, by }.from_now(now)?;
    store.add_silence(&silence).await?;
    if json {
        return Ok(serde_json::to_string(&api::forms::Silence::from(&silence))?);
    }
    let Silence { id, until, .. } = silence;
    Ok(format!("silence {id} lasts until {} UTC; `unsilence {id}` ends it", time(until)))
}

pub(super) async fn list(store: &dyn Store, args: &SilencesArgs, now: Timestamp) -> anyhow::Result<String> {
    let silences = store.silences(now).await?;
    if args.json {
        let rows: Vec<_> = silences.iter().map(api::forms::Silence::from).collect();
        return Ok(serde_json::to_string(&BTreeMap::from([("silences", rows)]))?);
    }
    if silences.is_empty() {
        return Ok("no silences".into());
    }
    let rows: Vec<_> = silences.into_iter().map(row).collect();
    Ok(table(HEADER, &rows))
}

fn row(silence: Silence) -> [String; 8] {
    let Silence { id, rule, metric, device, from, until, reason, by } = silence;
    let all = |name: Option<String>| name.unwrap_or_else(|| "all".into());
    [id, device.to_string(), all(metric), all(rule), time(from), time(until), by, reason]
}

pub(super) async fn end(store: &dyn Store, id: &str, now: Timestamp) -> anyhow::Result<String> {
    if !store.end_silence(id, now).await? {
        bail!("there is no silence {id}: `silences` prints them");
    }
    Ok(format!("silence {id} has ended"))
}
