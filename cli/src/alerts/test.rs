//! `test`: a dry run of other rules on stored readings, beside the rules in force.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::hash::Hash;
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use api::forms::{self, Time};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use service::{Failure, Settings};
use store::{Incident, OutgoingMessage, TextCodec as _, TimeRange};
use tracing::instrument::WithSubscriber as _;
use tracing::subscriber::NoSubscriber;

use alerter::{DryRunResult, Progress, RulesFile, dry_run};

use super::lint;
use crate::table::{table, time};

/// The exit code where the rules in force give another result.
const DIFFERS: u8 = 3;

/// The arguments of `test`.
#[derive(Debug, clap::Args)]
pub struct TestArgs {
    /// The rules to try
    #[arg(long, value_name = "FILE")]
    rules: PathBuf,
    /// Only readings measured from this time on, in RFC 3339 [default: a day before the end]
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,
    /// Only readings measured before this time, in RFC 3339 [default: now]
    #[arg(long, value_name = "TIME")]
    to: Option<Timestamp>,
    /// Print incidents, messages and differences as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the stored readings through the rules in the file and through those in force, which may differ.
///
/// # Errors
/// They differ, which is exit code 3; or the rules are invalid, or the store does not answer.
pub(super) async fn run(settings: &Settings, args: TestArgs) -> anyhow::Result<()> {
    let in_force = RulesFile::from_settings(settings)?;
    let tried = in_force.clone().at(args.rules).read()?;
    let rules = vec![tried.clone(), in_force.read()?];
    let now = Timestamp::now();
    let to = args.to.unwrap_or(now);
    let from = args.from.unwrap_or_else(|| to - SignedDuration::from_hours(24));
    let store = super::open(settings).await?;
    // Nothing is logged, as a log line about a message would look as if it had been sent.
    let silent = NoSubscriber::default();
    let mut progress = ProgressLine::new();
    let range = TimeRange { from, to };
    let mut show = |at| progress.show(at);
    let played = dry_run(store.as_ref(), range, rules, &mut show).with_subscriber(silent).await;
    progress.clear();
    let (readings, mut played) = played?;
    let (old, new) = (played.pop(), played.pop());
    let (Some(old), Some(new)) = (old, new) else { unreachable!("two sets of rules were played") };
    let report = Report { from, to, readings, new: &new, old: &old, difference: Difference::of(&old, &new) };
    if args.json {
        super::say(&serde_json::to_string(&report.json())?);
    } else {
        let ends = lint::ends(store.as_ref(), tried, now).await?;
        super::say(&(report.text() + &ends));
    }
    if report.difference.is_none() {
        return Ok(());
    }
    Err(Failure { code: DIFFERS, message: report.difference.words() }.into())
}

/// Lines of incidents that are printed, at most.
const MAX_ROWS: usize = 1_000;

/// How often the line on a terminal changes.
const SHOW_EVERY: Duration = Duration::from_millis(200);

/// The dry run's progress, in one line on a terminal; elsewhere nothing is printed.
struct ProgressLine {
    is_terminal: bool,
    shown_at: Option<Instant>,
}

impl ProgressLine {
    fn new() -> Self {
        Self { is_terminal: std::io::stderr().is_terminal(), shown_at: None }
    }

    fn show(&mut self, progress: Progress) {
        let is_due = self.shown_at.is_none_or(|at| at.elapsed() >= SHOW_EVERY);
        if self.is_terminal && is_due {
            let Progress { readings, at, incidents } = progress;
            let at = time(at);
            let _ = write!(std::io::stderr(), "\r{readings} readings up to {at} UTC, {incidents} incidents ");
            self.shown_at = Some(Instant::now());
        }
    }

    /// Leaves an empty line for what is printed next.
    fn clear(&self) {
        if self.shown_at.is_some() {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

struct Report<'a> {
    from: Timestamp,
    to: Timestamp,
    readings: u64,
    new: &'a DryRunResult,
    old: &'a DryRunResult,
    difference: Difference<'a>,
}

/// What only one of the two sets of rules gives; what begins, ends or is notified at another time is in both lists.
struct Difference<'a> {
    incidents: Only<'a, Incident>,
    messages: Only<'a, OutgoingMessage>,
}

struct Only<'a, T> {
    added: Vec<&'a T>,
    gone: Vec<&'a T>,
}

impl<'a> Difference<'a> {
    fn of(old: &'a DryRunResult, new: &'a DryRunResult) -> Self {
        Self {
            incidents: Only::of(&old.incidents, &new.incidents, key),
            messages: Only::of(&old.messages, &new.messages, message_key),
        }
    }

    fn is_none(&self) -> bool {
        self.incidents.is_none() && self.messages.is_none()
    }

    fn words(&self) -> String {
        let Self { incidents, messages } = self;
        format!("the rules differ: incidents {}, messages {}", incidents.words(), messages.words())
    }
}

impl<'a, T> Only<'a, T> {
    fn of<K: Eq + Hash>(old: &'a [T], new: &'a [T], key: impl Fn(&'a T) -> K) -> Self {
        let only_in = |these: &'a [T], those: &'a [T]| {
            let known: HashSet<_> = those.iter().map(&key).collect();
            these.iter().filter(|one| !known.contains(&key(one))).collect()
        };
        Self { added: only_in(new, old), gone: only_in(old, new) }
    }

    fn is_none(&self) -> bool {
        self.added.is_empty() && self.gone.is_empty()
    }

    fn words(&self) -> String {
        format!("added {} gone {}", self.added.len(), self.gone.len())
    }
}

/// Identifies an incident by what people care about: that it was, how severe and from when to when, not at which limit.
fn key(incident: &Incident) -> impl Eq + Hash + use<'_> {
    let Incident { rule, severity, device, metric, opened_at, resolved_at, .. } = incident;
    (rule, severity, device, metric, opened_at, resolved_at)
}

/// Identifies a message by when it is sent, to whom and about what.
fn message_key(message: &OutgoingMessage) -> impl Eq + Hash + use<'_> {
    let notifications =
        message.notifications.iter().map(|(notification, incident)| (notification.kind, key(incident)));
    (message.made_at, &message.address, notifications.collect::<Vec<_>>())
}

#[derive(Serialize)]
struct Json {
    from: Time,
    to: Time,
    readings: u64,
    incidents: Vec<forms::Incident>,
    messages: Vec<JsonMessage>,
    difference: JsonDifference,
}

#[derive(Serialize)]
struct JsonDifference {
    added: Vec<forms::Incident>,
    gone: Vec<forms::Incident>,
    messages: JsonMessages,
}

#[derive(Serialize)]
struct JsonMessages {
    added: Vec<JsonMessage>,
    gone: Vec<JsonMessage>,
}

/// A message that would have been sent.
#[derive(Serialize)]
struct JsonMessage {
    at: Time,
    channel: &'static str,
    to: String,
    message_id: String,
    incidents: Vec<String>,
}

impl JsonMessage {
    fn of(message: &OutgoingMessage) -> Self {
        let mut incidents: Vec<_> =
            message.notifications.iter().map(|(_, incident)| incident.id.clone()).collect();
        incidents.dedup();
        Self {
            at: message.made_at.into(),
            channel: message.address.channel.word(),
            to: message.address.to.clone(),
            message_id: message.message_id.clone(),
            incidents,
        }
    }
}

impl Report<'_> {
    fn json(&self) -> Json {
        let rows =
            |incidents: &[&Incident]| incidents.iter().map(|one| forms::Incident::from(*one)).collect();
        let sent = |messages: &[&OutgoingMessage]| messages.iter().map(|one| JsonMessage::of(one)).collect();
        let Difference { incidents, messages } = &self.difference;
        Json {
            from: self.from.into(),
            to: self.to.into(),
            readings: self.readings,
            incidents: self.new.incidents.iter().map(forms::Incident::from).collect(),
            messages: self.new.messages.iter().map(JsonMessage::of).collect(),
            difference: JsonDifference {
                added: rows(&incidents.added),
                gone: rows(&incidents.gone),
                messages: JsonMessages { added: sent(&messages.added), gone: sent(&messages.gone) },
            },
        }
    }

    fn text(&self) -> String {
        let added: HashSet<_> = self.difference.incidents.added.iter().map(|one| one.id.as_str()).collect();
        let sign = |one: &Incident| if added.contains(&*one.id) { "+ new" } else { "same" };
        let mut rows: Vec<_> = self.new.incidents.iter().map(|one| (sign(one), one)).collect();
        rows.extend(self.difference.incidents.gone.iter().map(|one| ("- gone", *one)));
        rows.sort_by_key(|(_, incident)| incident.opened_at);
        let all = rows.len();
        let shown = rows.into_iter().take(MAX_ROWS);
        let rows: Vec<_> = shown.map(|(sign, incident)| row(sign, incident)).collect();
        let mut text = String::new();
        if !rows.is_empty() {
            text += &table(
                [
                    "",
                    "severity",
                    "rule",
                    "device",
                    "metric",
                    "condition",
                    "opened (UTC)",
                    "resolved (UTC)",
                    "peak",
                ],
                &rows,
            );
            text.push('\n');
        }
        if all > MAX_ROWS {
            let _ = writeln!(
                text,
                "… showing the first {MAX_ROWS} of {all} incidents: --json prints all of them"
            );
        }
        let counts = |played: &DryRunResult| {
            format!("incidents {}, messages {}", played.incidents.len(), played.messages.len())
        };
        let _ = write!(
            text,
            "readings {}, from {} to {} UTC; these rules: {}; rules in force: {}",
            self.readings,
            time(self.from),
            time(self.to),
            counts(self.new),
            counts(self.old)
        );
        text
    }
}

fn row(sign: &str, incident: &Incident) -> [String; 9] {
    [
        sign.into(),
        incident.severity.word().into(),
        incident.rule.clone(),
        incident.device.clone(),
        incident.metric.clone(),
        incident.condition.text.clone(),
        time(incident.opened_at),
        incident.resolved_at.map_or("open".into(), time),
        incident.peak.map(|peak| peak.to_string()).unwrap_or_default(),
    ]
}
