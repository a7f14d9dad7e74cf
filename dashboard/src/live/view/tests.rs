mod page;

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use store::{IncidentSummary, SilenceIndex};
use telemetry::Series;

use self::page::{Page, Shown};
use super::*;
use api::forms::State;

const AGES: Ages = Ages { stale_after: Duration::from_secs(30), offline_after: Duration::from_secs(120) };

const SERIES: [&str; 6] = [
    "temperature/site-a",
    "temperature/site-a/rack-1",
    "temperature/site-b/rack-1",
    "humidity/site-a/rack-1",
    "humidity/lab",
    "power/lab",
];

/// Some of them match nothing, some match the same.
const SUBSCRIPTIONS: [&str; 6] = [
    "#",
    "temperature/#",
    "humidity/lab,temperature/site-a/#",
    "+/lab",
    "power/none",
    "temperature/site-a/#",
];

const PAGES: usize = 4;

/// What there is to be seen, found without numbers of frames.
#[derive(Default)]
struct Truth {
    readings: BTreeMap<String, Reading>,
    alerts: Vec<(String, String)>,
    alerting: BTreeMap<String, u64>,
    open_alerts: u64,
    rejected: u64,
    behind: Option<f64>,
    unmapped: u64,
}

impl Truth {
    fn check(&self, page: &Page, now: Timestamp) {
        let shown: BTreeMap<String, Shown> = self
            .readings
            .iter()
            .filter(|(topic, _)| page.topics.matches(topic))
            .map(|(topic, reading)| {
                let age = now.duration_since(reading.measured_at).as_secs();
                let state = match age {
                    121.. => State::Offline,
                    31.. => State::Stale,
                    _ => State::Fresh,
                };
                let at = reading.measured_at.as_microsecond();
                (topic.clone(), (reading.unit.clone(), reading.value, at, state))
            })
            .collect();
        assert_eq!(page.shown, shown);
        let mut alerting = self.alerting.clone();
        alerting.retain(|topic, _| shown.contains_key(topic));
        assert_eq!(page.alerting, alerting);
        let alerts: Vec<&str> = self
            .alerts
            .iter()
            .filter(|(topic, _)| page.topics.matches(topic))
            .map(|(_, id)| id.as_str())
            .collect();
        let listed: Vec<&str> = page.counts["alerts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|alert| alert["id"].as_str().unwrap())
            .collect();
        assert_eq!(listed, alerts);
        assert_eq!(page.counts["open_alerts"], self.open_alerts);
        assert_eq!(page.counts["rejected"], self.rejected);
        assert_eq!(page.counts["behind"].as_f64(), self.behind);
        assert_eq!(page.counts["unmapped"], self.unmapped);
    }
}

#[derive(Debug, Clone)]
enum Step {
    /// A entry, seconds before now, and its unit.
    Observe(usize, i64, Option<String>),
    /// Seconds. What a clock does that is set back is shown by the tests of `newest`.
    Pass(i64),
    Tick,
    Take(usize),
    TurnTo(usize, usize),
    /// Sensors that have one.
    Alerts(Vec<usize>),
    /// Series that have an open incident, and whether it is acknowledged.
    Alerting(Vec<(usize, bool)>),
    Counts(u64, u64),
    Behind(Option<u8>),
    Unmapped(u64),
}

fn any_step() -> impl Strategy<Value = Step> {
    let unit = proptest::option::of("[ab]");
    prop_oneof![
        8 => (0..SERIES.len(), -1..40_i64, unit).prop_map(|(s, age, unit)| Step::Observe(s, age, unit)),
        2 => (0..60_i64).prop_map(Step::Pass),
        5 => Just(Step::Tick),
        5 => (0..PAGES).prop_map(Step::Take),
        1 => (0..PAGES, 0..SUBSCRIPTIONS.len()).prop_map(|(page, wish)| Step::TurnTo(page, wish)),
        1 => proptest::collection::vec(0..SERIES.len(), 0..4).prop_map(Step::Alerts),
        2 => proptest::collection::vec((0..SERIES.len(), any::<bool>()), 0..4).prop_map(Step::Alerting),
        1 => (0..3_u64, 0..3_u64).prop_map(|(open, rejected)| Step::Counts(open, rejected)),
        1 => proptest::option::of(0..3_u8).prop_map(Step::Behind),
        1 => (0..3_u64).prop_map(Step::Unmapped),
    ]
}

fn reading(topic: &str, measured_at: Timestamp, seq: u64, unit: Option<String>) -> Reading {
    let topic = Series::parse(topic).unwrap();
    Reading {
        series: topic,
        value: seq as f64,
        unit,
        measured_at,
        received_at: measured_at,
        boot: Some(1),
        seq: Some(seq),
    }
}

fn alert(topic: &str, id: &str) -> Arc<IncidentRow> {
    let topic = Series::parse(topic).unwrap();
    let at = Timestamp::UNIX_EPOCH;
    let incident = store::Incident {
        id: id.into(),
        rule: "hot".into(),
        severity: store::Severity::Warning,
        device: topic.device().into(),
        metric: topic.metric().into(),
        condition: store::Condition {
            kind: store::ConditionKind::Above,
            text: "above 25".into(),
            threshold: Some(25.0),
        },
        began_at: at,
        opened_at: at,
        judged_at: at,
        value: None,
        unit: None,
        peak: None,
        peak_at: None,
        resolved_at: None,
        resolved_value: None,
        end: None,
        acknowledged: None,
        late: false,
        notifications: vec![],
    };
    Arc::new(IncidentRow::of(&incident, &SilenceIndex::default(), at))
}

fn summary(topic: &str, acknowledged: bool) -> IncidentSummary {
    let topic = Series::parse(topic).unwrap();
    IncidentSummary {
        id: String::new(),
        rule: "hot".into(),
        severity: store::Severity::Critical,
        device: topic.device().into(),
        metric: topic.metric().into(),
        opened_at: Timestamp::UNIX_EPOCH,
        open: true,
        acknowledged,
    }
}

/// A view, its pages and the truth beside it.
struct Harness {
    view: View,
    pages: Vec<Page>,
    truth: Truth,
    now: Timestamp,
    seq: u64,
}

impl Harness {
    fn new() -> Self {
        let mut view = View::new(AGES);
        let pages = (0..PAGES).map(|page| Page::enter(&mut view, SUBSCRIPTIONS[page])).collect();
        let now = Timestamp::from_second(1_768_473_000).unwrap();
        Self { view, pages, truth: Truth::default(), now, seq: 0 }
    }

    fn take(&mut self, step: Step) {
        let Self { view, pages, truth, now, seq } = self;
        match step {
            Step::Observe(entry, age, unit) => {
                *seq += 1;
                let reading = reading(SERIES[entry], *now - jiff::SignedDuration::from_secs(age), *seq, unit);
                view.observe(reading.clone(), *now);
                let kept = truth.readings.entry(SERIES[entry].into()).or_insert_with(|| reading.clone());
                if reading.measured_at >= kept.measured_at {
                    *kept = reading;
                }
            }
            Step::Pass(seconds) => *now += jiff::SignedDuration::from_secs(seconds),
            Step::Tick => view.tick(*now),
            Step::Take(page) => pages[page].take(view, *now),
            Step::TurnTo(page, wish) => pages[page].subscribe(view, SUBSCRIPTIONS[wish]),
            Step::Alerts(entries) => {
                *seq += 1;
                let named = entries.iter().map(|s| (SERIES[*s].to_owned(), format!("{s} {seq}")));
                truth.alerts = named.collect();
                view.set_incidents(truth.alerts.iter().map(|(topic, id)| alert(topic, id)).collect());
            }
            Step::Alerting(entries) => {
                let open: Vec<_> = entries.iter().map(|(s, known)| summary(SERIES[*s], *known)).collect();
                truth.alerting = BTreeMap::new();
                for (entry, known) in entries {
                    let code = truth.alerting.entry(SERIES[entry].into()).or_default();
                    *code = (*code).max(if known { 1 } else { 5 });
                }
                view.set_alerting(OpenIncidents::of(&open, &SilenceIndex::default(), *now));
            }
            Step::Counts(open, rejected) => {
                (truth.open_alerts, truth.rejected) = (open, rejected);
                view.set_counts(Counts { open, rejected, ..Counts::default() });
            }
            Step::Behind(seconds) => {
                truth.behind = seconds.map(f64::from);
                view.set_behind(truth.behind);
            }
            Step::Unmapped(groups) => {
                truth.unmapped = groups;
                view.set_unmapped(groups);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_page_ends_with_the_truth_of_what_it_shows(steps in proptest::collection::vec(any_step(), 0..80)) {
        let mut harness = Harness::new();
        steps.into_iter().for_each(|step| harness.take(step));
        harness.take(Step::Tick);
        for page in 0..PAGES {
            harness.take(Step::Take(page));
            harness.truth.check(&harness.pages[page], harness.now);
        }
        for page in harness.pages {
            harness.view.leave(&page.topics);
        }
        prop_assert!(harness.view.groups.is_empty(), "nobody looks any more");
    }
}

#[test]
fn pages_that_have_seen_equally_much_share_one_frame() {
    let mut harness = Harness::new();
    let mut another = Page::enter(&mut harness.view, SUBSCRIPTIONS[0]);
    for _ in 0..3 {
        harness.take(Step::Observe(0, 0, None));
        harness.take(Step::Tick);
        let topics = another.topics.clone();
        let (first, version) = harness.view.take(&topics, another.since, harness.now);
        let (second, _) = harness.view.take(&topics, another.since, harness.now);
        assert_eq!(first.as_ptr(), second.as_ptr());
        another.since = Some(version);
    }
    let (snapshot, _) = harness.view.take(&another.topics, None, harness.now);
    let (changes, _) = harness.view.take(&another.topics, another.since, harness.now);
    assert!(snapshot.starts_with(br#"{"type":"snapshot""#) && changes.starts_with(br#"{"type":"changes""#));
}

#[test]
fn pages_are_notified_of_changes_and_of_heartbeats() {
    let mut harness = Harness::new();
    (0..SERIES.len()).for_each(|series| harness.take(Step::Observe(series, 0, None)));
    harness.take(Step::Tick);
    harness.take(Step::Tick);
    let mut notifications = [0; PAGES];
    for _ in 0..40 {
        harness.pages.iter_mut().for_each(|page| page.notified.mark_unchanged());
        // A series that only the first page and the last one show.
        harness.take(Step::Observe(4, 0, None));
        harness.take(Step::Tick);
        for (notifications, page) in notifications.iter_mut().zip(&harness.pages) {
            *notifications += u32::from(page.notified.has_changed().unwrap());
        }
    }
    assert_eq!(notifications, [40, 2, 40, 40]);
}
