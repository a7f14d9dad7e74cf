//! `millrace verify`: the ledger of a store, and whether all that a device was promised is in it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use serde::Serialize;
use service::{SettingError, Settings};
use store::{Boot, LedgerQuery, Location, Store, TimeRange};

use crate::table::plain;

/// Acked readings that are not stored, of which so many are named.
const NAMED: usize = 100;

/// Readings that were measured before this time hardly change.
const SETTLED_AFTER: Duration = Duration::from_secs(10 * 60);

/// How often two counts are compared that differ.
const MAX_COMPARISONS: usize = 3;

/// The arguments of `verify`.
#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// postgres://user:password@host[:port]/database or an SQLite file [default: the settings]. In MILLRACE__STORE__URL a
    /// password stays out of the process list
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Only this device
    #[arg(long)]
    device: Option<String>,
    /// Only readings measured from this time on, in RFC 3339
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,
    /// Only readings measured before this time, in RFC 3339
    #[arg(long, value_name = "TIME")]
    to: Option<Timestamp>,
    /// Lines `device boot seq` of readings that were acked, as `sensor-sim --acked-log` writes them: all must be stored
    #[arg(long, value_name = "FILE")]
    acked: Vec<PathBuf>,
    /// Count all readings one by one, which takes minutes where they are many, and compare that with what is kept of each hour
    #[arg(long)]
    full: bool,
    /// Print the ledger as JSON
    #[arg(long)]
    json: bool,
}

/// The ledger, summed up.
#[derive(Debug, Serialize)]
struct Report<'a> {
    complete: bool,
    expected: u64,
    stored: u64,
    missing: u64,
    late: u64,
    repeated: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    acked: Option<Acked>,
    boots: Vec<api::forms::Boot<'a>>,
}

/// Whether what was acked is stored.
#[derive(Debug, Default, Serialize)]
struct Acked {
    readings: u64,
    not_stored: u64,
    /// Device, boot and seq of the first hundred.
    examples: Vec<(String, u64, u64)>,
}

/// Prints the ledger.
///
/// # Errors
/// Readings are missing, or the store cannot be read.
pub async fn verify(settings: &Settings, args: VerifyArgs) -> anyhow::Result<()> {
    let store = open(settings, args.database.as_deref()).await?;
    let range =
        TimeRange { from: args.from.unwrap_or(Timestamp::MIN), to: args.to.unwrap_or(Timestamp::MAX) };
    if args.full {
        compare(store.as_ref(), args.device.as_deref(), range).await?;
    }
    let boots = store.completeness(LedgerQuery { device: args.device, range, full: args.full }).await?;
    let acked = (!args.acked.is_empty()).then(|| check_acked(&boots, &args.acked)).transpose()?;
    let report = Report::of(&boots, acked);
    let text = if args.json { serde_json::to_string(&report)? } else { table(&boots, &report) };
    // A closed stdout is no reason for another verdict.
    let _ = std::io::Write::write_fmt(&mut std::io::stdout().lock(), format_args!("{text}\n"));
    if !report.complete {
        bail!("{}", report.verdict());
    }
    Ok(())
}

/// Readings that are stored meanwhile make a difference: those of the last minutes are left out, and of late ones there are
/// few.
///
/// # Errors
/// What is kept of each hour is not what the readings say.
async fn compare(store: &dyn Store, device: Option<&str>, range: TimeRange) -> anyhow::Result<()> {
    let settled = crate::clock().wall().checked_sub(SETTLED_AFTER)?;
    let range = TimeRange { to: range.to.min(settled), ..range };
    let count =
        async |full| store.completeness(LedgerQuery { device: device.map(str::to_owned), range, full }).await;
    let mut differing = Vec::new();
    for _ in 0..MAX_COMPARISONS {
        let (kept, counted) = (count(false).await?, count(true).await?);
        differing = counted.into_iter().filter(|boot| !kept.contains(boot)).collect::<Vec<_>>();
        if differing.is_empty() {
            return Ok(());
        }
    }
    let named = differing.iter().take(NAMED).map(|boot| format!("{} {}", plain(&boot.device), boot.boot));
    bail!(
        "what is kept of each hour differs from the readings for {} boots: {}",
        differing.len(),
        named.collect::<Vec<_>>().join(", ")
    )
}

async fn open(settings: &Settings, database: Option<&str>) -> anyhow::Result<std::sync::Arc<dyn Store>> {
    let location = match database {
        None => return service::store(settings, crate::clock()).await,
        Some(url) if url.contains("://") => {
            Location::Postgres(url.parse().map_err(|e| SettingError::new("store.url", e))?)
        }
        // Opening makes a file where there is none, which would be complete.
        Some(file) if Path::new(file).is_file() => Location::File(file.into()),
        Some(file) => bail!("there is no file {file}"),
    };
    store::open(&location, crate::clock()).await
}

fn check_acked(boots: &[Boot], files: &[PathBuf]) -> anyhow::Result<Acked> {
    let boots: BTreeMap<_, _> = boots.iter().map(|boot| ((boot.device.as_str(), boot.boot), boot)).collect();
    let mut acked = Acked::default();
    for file in files {
        let log = std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
        for line in log.lines() {
            let (device, boot, seq) = read(line)
                .with_context(|| format!("{}: {line:?} is not `device boot seq`", file.display()))?;
            acked.readings += 1;
            if boots.get(&(device, boot)).is_none_or(|boot| !boot.holds(seq)) {
                acked.not_stored += 1;
                if acked.examples.len() < NAMED {
                    acked.examples.push((device.to_owned(), boot, seq));
                }
            }
        }
    }
    Ok(acked)
}

fn read(line: &str) -> Option<(&str, u64, u64)> {
    let mut words = line.split(' ');
    Some((words.next()?, words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}

impl<'a> Report<'a> {
    fn of(boots: &'a [Boot], acked: Option<Acked>) -> Self {
        let sum = |number: fn(&Boot) -> u64| boots.iter().map(number).sum::<u64>();
        let missing = sum(|boot| boot.missing);
        Self {
            complete: missing == 0 && acked.as_ref().is_none_or(|acked| acked.not_stored == 0),
            expected: sum(Boot::expected),
            stored: sum(|boot| boot.stored),
            missing,
            late: sum(|boot| boot.delayed),
            repeated: sum(|boot| boot.repeated),
            acked,
            boots: boots.iter().map(api::forms::Boot::from).collect(),
        }
    }

    fn verdict(&self) -> String {
        let mut verdict =
            format!("{} expected, {} stored, {} missing", self.expected, self.stored, self.missing);
        if let Some(acked) = &self.acked {
            verdict += &format!("; {} acked, {} of them not stored", acked.readings, acked.not_stored);
        }
        verdict
    }
}

const COLUMNS: [&str; 10] = [
    "device",
    "boot",
    "first",
    "last",
    "expected",
    "stored",
    "missing",
    "late",
    "repeated",
    "missing ranges",
];

fn table(boots: &[Boot], report: &Report<'_>) -> String {
    let rows: Vec<_> = boots.iter().map(row).collect();
    let mut text = crate::table::table(COLUMNS, &rows) + "\n";
    if let Some(acked) = &report.acked {
        for (device, boot, seq) in &acked.examples {
            let _ = writeln!(text, "acked and not stored: {} {boot} {seq}", plain(device));
        }
    }
    let word = if report.complete { "complete" } else { "NOT COMPLETE" };
    text + &format!("{word}: {}", report.verdict())
}

fn row(boot: &Boot) -> [String; 10] {
    let Boot { device, boot: number, first, last, stored, missing, delayed, repeated, .. } = boot;
    let numbers = [number, first, last, &boot.expected(), stored, missing, delayed, repeated];
    let [number, first, last, expected, stored, missing, late, repeated] = numbers.map(u64::to_string);
    let device = device.clone();
    [device, number, first, last, expected, stored, missing, late, repeated, ranges(boot)]
}

fn ranges(boot: &Boot) -> String {
    let said = boot.missing_ranges.iter().map(|range| match (range.start(), range.end()) {
        (first, last) if first == last => first.to_string(),
        (first, last) => format!("{first}-{last}"),
    });
    let listed: u64 = boot.missing_ranges.iter().map(|range| range.end() - range.start() + 1).sum();
    let more = if listed < boot.missing { ", …" } else { "" };
    said.collect::<Vec<_>>().join(", ") + more
}
