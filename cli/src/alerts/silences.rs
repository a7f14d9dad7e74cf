//! `silence`, `silences` and `unsilence`.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use access::record_of_command;
use anyhow::{Context as _, bail};
use api::SilenceRequest;
use clap::ArgGroup;
use jiff::Timestamp;
use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use store::{Change, Silence, Store};
use telemetry::{Filter, Scope};

use crate::table::{table, time};

/// The arguments of `silence`.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("end").required(true))]
#[command(group = ArgGroup::new("which").required(true).multiple(true).args(["device", "rule", "metric", "incidents"]))]
pub struct SilenceArgs {
    /// Devices, as an MQTT filter: lab or site-a/# [default: # for all]
    #[arg(long, value_name = "FILTER")]
    device: Option<Filter>,
    /// Only this rule
    #[arg(long)]
    rule: Option<String>,
    /// Only this metric
    #[arg(long)]
    metric: Option<String>,
    /// Rule and series of this open incident, as shown by `list`; may be repeated
    #[arg(long = "incident", value_name = "ID", conflicts_with_all = ["device", "rule", "metric"])]
    incidents: Vec<String>,
    /// Duration, such as 30m, 2h or 7days
    #[arg(long = "for", value_name = "DURATION", group = "end", value_parser = humantime::parse_duration)]
    lasting: Option<Duration>,
    /// End: 08:00 for the next time that it is 8 o'clock here, 2026-01-16T08:00, or RFC 3339
    #[arg(long, value_name = "TIME", group = "end")]
    until: Option<Until>,
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

/// When a silence ends.
#[derive(Debug, Clone, Copy)]
enum Until {
    At(Timestamp),
    /// By this machine's clock.
    Local(DateTime),
    /// The next time that the clock shows it.
    Clock(Time),
}

impl FromStr for Until {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let at = text.parse().map(Self::At).ok();
        let local = || text.parse().map(Self::Local).ok().filter(|_| text.len() > 10);
        let clock = || text.parse().map(Self::Clock).ok();
        let problem = "write 08:00, 2026-01-16T08:00 or 2026-01-16T08:00:00Z";
        at.or_else(local).or_else(clock).ok_or_else(|| problem.to_owned())
    }
}

impl Until {
    fn at(self, now: Timestamp, zone: &TimeZone) -> anyhow::Result<Timestamp> {
        let local = |time: DateTime| Ok(time.to_zoned(zone.clone())?.timestamp());
        match self {
            Self::At(at) => Ok(at),
            Self::Local(time) => local(time),
            Self::Clock(time) => {
                let today = now.to_zoned(zone.clone()).date();
                let at = local(today.to_datetime(time))?;
                if at > now { Ok(at) } else { local(today.tomorrow()?.to_datetime(time)) }
            }
        }
    }
}

pub(super) async fn add(store: &dyn Store, args: SilenceArgs, now: Timestamp) -> anyhow::Result<String> {
    let SilenceArgs { device, rule, metric, incidents, lasting, until, reason, by, json } = args;
    let until = match (lasting, until) {
        (Some(lasting), _) => now.checked_add(lasting).context("--for is too long")?,
        (None, Some(until)) => until.at(now, &TimeZone::system())?,
        (None, None) => bail!("say when it ends, by --for or --until"),
    };
    let device = device.map_or_else(|| "#".to_owned(), |device| device.to_string());
    let by = by.unwrap_or_else(super::user);
    let request = SilenceRequest { device, metric, rule, until, reason, by };
    let silences = if incidents.is_empty() {
        vec![request.from_now(now)?]
    } else {
        api::silences_for(store, &Scope::all(), &incidents, &request, now).await?
    };
    api::check_room(store, silences.len(), now).await?;
    let after = api::forms::list("silences", silences.iter().map(api::forms::Silence::from));
    let record = record_of_command(now, "add silence", &format!("{} silences", silences.len()), Some(after));
    store.change(&Change::AddSilences(silences.clone()), &record).await?;
    let said: Vec<_> = silences.iter().map(|silence| said(silence, json)).collect::<Result<_, _>>()?;
    Ok(said.join("\n"))
}

/// One line on a silence.
fn said(silence: &Silence, json: bool) -> serde_json::Result<String> {
    if json {
        return serde_json::to_string(&api::forms::Silence::from(silence));
    }
    let Silence { id, until, .. } = silence;
    Ok(format!("silence {id} lasts until {} UTC; `unsilence {id}` ends it", time(*until)))
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
    let record = record_of_command(now, "end silence", id, None);
    if store.change(&Change::EndSilence { id: id.to_owned(), at: now }, &record).await?.is_none() {
        bail!("there is no silence {id}: `silences` prints them");
    }
    Ok(format!("silence {id} has ended"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silence_ends_when_the_clock_here_shows_it() {
        let now = "2026-01-15T10:30:00Z".parse().unwrap();
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        for (text, expected) in [
            ("2026-01-16T08:00:00Z", "2026-01-16T08:00:00Z"),
            ("2026-01-16T08:00", "2026-01-16T07:00:00Z"),
            ("2026-01-16 08:00", "2026-01-16T07:00:00Z"),
            ("08:00", "2026-01-16T07:00:00Z"),
            ("11:30", "2026-01-16T10:30:00Z"),
            ("11:31", "2026-01-15T10:31:00Z"),
        ] {
            let until = text.parse::<Until>().unwrap().at(now, &berlin).unwrap();
            assert_eq!(until.to_string(), expected, "{text}");
        }
        for text in ["noon", "2026-01-16", "25:00", ""] {
            assert!(text.parse::<Until>().unwrap_err().contains("write 08:00"), "{text}");
        }
    }
}
