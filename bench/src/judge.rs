//! The part `judge`: how many rules the evaluator evaluates a second on one core, and how much memory they take.

use std::sync::Arc;
use std::time::{Duration, Instant};

use alerter::Evaluator;
use alerter::rules::{self, Known};
use anyhow::{Context as _, ensure};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use store::Changes;
use telemetry::{Reading, Series};

pub(crate) const DEVICES: u32 = 100_000;

/// Rules with all kinds of conditions, each for every device.
const RULES: &str = r#"
rules = [
    { name = "hot", above = 90.0, clear_below = 80.0 },
    { name = "warm", above = 70.0, for = "10m" },
    { name = "heat", above = 60.0, severity = "info" },
    { name = "cold", below = 5.0, clear_above = 6.0, keep_firing_for = "5m" },
    { name = "frost", below = 0.0 },
    { name = "range", outside = [1.0, 95.0] },
    { name = "comfort", outside = [2.0, 65.0], for = "1h" },
    { name = "rapid", rate_per_minute = 50.0 },
    { name = "stuck", stuck_for = "1h" },
    { name = "silent", absent_for = "2m" },
]
"#;

/// Rounds, a second apart, in each of which every device sends one reading.
const ROUNDS: u32 = 90;

/// Rounds at the start that fill the memory and are not timed.
const FILLING: u32 = 70;

#[derive(Debug, Serialize)]
pub(crate) struct Judged {
    pub(crate) subjects: usize,
    pub(crate) evaluations_per_second: f64,
    /// Growth of resident memory, divided by the number of pairs of device and rule.
    pub(crate) bytes_per_subject: f64,
    /// How long it takes to open all incidents when all devices fall silent at once.
    pub(crate) all_absent: Duration,
}

pub(crate) fn measure() -> anyhow::Result<Judged> {
    let known = Known { metrics: vec!["temperature".into()], mail_to: Vec::new(), zone: TimeZone::UTC };
    let rules = Arc::new(rules::read(RULES, &known)?);
    let start = Timestamp::from_second(1_768_473_000)?;
    let mut readings = readings(start)?;
    let before = resident_bytes()?;
    let (mut evaluator, mut changes) = Evaluator::resume(rules, Vec::new(), &[], start);
    let (mut evaluations, mut took) = (0, Duration::ZERO);
    for round in 0..ROUNDS {
        let started = Instant::now();
        let judged = evaluate_round(&mut evaluator, &mut readings, round, &mut changes);
        if round >= FILLING {
            took += started.elapsed();
            evaluations += judged;
        }
    }
    ensure!(changes == Changes::default(), "nothing was to change");
    let bytes = resident_bytes()?.saturating_sub(before);
    let all_absent = all_absent(&mut evaluator, start, &mut changes)?;
    Ok(Judged {
        subjects: evaluator.instances(),
        evaluations_per_second: evaluations as f64 / took.as_secs_f64(),
        bytes_per_subject: bytes as f64 / evaluator.instances() as f64,
        all_absent,
    })
}

fn readings(at: Timestamp) -> anyhow::Result<Vec<Reading>> {
    let reading = |device: u32| {
        let topic = Series::parse(&format!(
            "temperature/site-{}/rack-{}/sensor-{device}",
            device % 40,
            device % 900
        ))?;
        let (value, unit) = (20.0, Some("celsius".into()));
        Ok(Reading {
            series: topic,
            value,
            unit,
            measured_at: at,
            received_at: at,
            boot: Some(1),
            seq: Some(0),
        })
    };
    (0..DEVICES).map(reading).collect()
}

/// Gives the evaluator one reading of each device, in another order than in memory; returns how many rules were evaluated.
fn evaluate_round(
    evaluator: &mut Evaluator,
    readings: &mut [Reading],
    round: u32,
    changes: &mut Changes,
) -> u64 {
    const STRIDE: usize = 7_919;
    let (mut evaluations, mut index) = (0, 0);
    for _ in 0..readings.len() {
        let reading = &mut readings[index];
        index = (index + STRIDE) % DEVICES as usize;
        reading.measured_at += Duration::from_secs(1);
        reading.received_at = reading.measured_at;
        reading.seq = Some(u64::from(round));
        reading.value = 20.0 + f64::from(round % 7) / 10.0;
        evaluations += u64::from(evaluator.observe(reading, reading.received_at, changes).evaluations);
    }
    evaluations
}

fn all_absent(
    evaluator: &mut Evaluator,
    start: Timestamp,
    changes: &mut Changes,
) -> anyhow::Result<Duration> {
    let later = start + Duration::from_secs(u64::from(ROUNDS) + 120);
    let started = Instant::now();
    evaluator.advance(later, later, changes);
    let took = started.elapsed();
    ensure!(evaluator.firing() == DEVICES as usize, "{} are absent", evaluator.firing());
    Ok(took)
}

fn resident_bytes() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status").context("read /proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("find VmRSS")?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().context("read VmRSS")?;
    Ok(kibibytes * 1024)
}
