//! `test`: a dry run of other rules on stored readings, beside the rules in force.

mod report;

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use service::{Failure, Settings};
use store::TimeRange;
use tracing::instrument::WithSubscriber as _;
use tracing::subscriber::NoSubscriber;

use alerter::{Progress, RulesFile, dry_run};

use self::report::{Difference, Report};
use super::lint;
use crate::table::time;

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
    let now = crate::clock().wall();
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
