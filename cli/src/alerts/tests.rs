//! The commands, on a store in a file.

use clap::Parser;
use jiff::SignedDuration;
use store::{
    Address, AlertState, Changes, Channel, Condition, ConditionKind, End, Incident, Incidents, Phase,
    Severity, Sqlite, Transition,
};
use telemetry::Series;

use super::*;

#[derive(Debug, Parser)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

struct Harness {
    folder: tempfile::TempDir,
    store: Sqlite,
    now: Timestamp,
}

impl Harness {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(&folder.path().join(store::FILE)).unwrap();
        Self { folder, store, now: "2026-01-15T10:30:00Z".parse().unwrap() }
    }

    async fn record(&self, transitions: Vec<Transition>) {
        self.store.record(&Changes { transitions, alert_states: vec![] }).await.unwrap();
    }

    async fn ask(&self, line: &[&str]) -> anyhow::Result<String> {
        answer(parse(line).unwrap(), &self.store, &Words::default(), self.now).await
    }

    async fn json(&self, line: &[&str]) -> serde_json::Value {
        serde_json::from_str(&self.ask(line).await.unwrap()).unwrap()
    }
}

fn parse(line: &[&str]) -> Result<Command, clap::Error> {
    Line::try_parse_from([&["alerter"], line].concat()).map(|line| line.command)
}

fn opened(device: &str, value: Option<f64>) -> (String, Transition) {
    let opened_at = "2026-01-15T10:00:00Z".parse().unwrap();
    let kind = if value.is_some() { ConditionKind::Above } else { ConditionKind::Absent };
    let text = if value.is_some() { "above 25" } else { "absent for 2m" }.into();
    let id = format!("hot/temperature/{device}/1");
    let incident = Incident {
        id: id.clone(),
        rule: "hot".into(),
        severity: Severity::Critical,
        device: device.into(),
        metric: "temperature".into(),
        condition: Condition { kind, text, threshold: value.map(|_| 25.0) },
        began_at: opened_at,
        opened_at,
        judged_at: opened_at,
        value,
        unit: Some("celsius\x1b[2J".into()),
        peak: value,
        peak_at: None,
        resolved_at: None,
        resolved_value: None,
        end: None,
        acknowledged: None,
        late: false,
        notifications: vec![],
    };
    let to = ["a@example.org", "b@example.org"].map(|to| Address { channel: Channel::Mail, to: to.into() });
    (id, Transition::Opened(Box::new(incident), to.to_vec()))
}

fn resolved(id: &str, end: End) -> Transition {
    let at = "2026-01-15T10:05:30Z".parse().unwrap();
    Transition::Resolved { id: id.into(), at, judged_at: at, value: None, end }
}

#[tokio::test]
async fn a_value_is_the_word_that_a_rule_has_for_it() {
    let harness = Harness::new();
    let (_, opened) = opened("lab", Some(0.5));
    let Transition::Opened(incident, to) = opened else { unreachable!() };
    let incident = Incident { metric: "hatch".into(), unit: None, ..*incident };
    harness.record(vec![Transition::Opened(Box::new(incident), to)]).await;
    let rules = "[[rule]]\ntopic = \"x\"\ndevice = \"d\"\nmetric = \"hatch\"\nwords = { ajar = 0.5 }";
    let words = telemetry::Mappings::read(rules).unwrap().words();
    let said = answer(parse(&["list"]).unwrap(), &harness.store, &words, harness.now).await.unwrap();
    assert!(said.contains("hatch ajar, above 25"), "{said}");
}

#[tokio::test]
async fn alerts_stand_in_columns() {
    let harness = Harness::new();
    assert_eq!(harness.ask(&["list"]).await.unwrap(), "no incidents");
    let (lab, opened_lab) = opened("site-a/a-rack-with-a-long-name/top", Some(26.5));
    let (hall, opened_hall) = opened("hall", None);
    harness.record(vec![opened_lab, opened_hall, resolved(&hall, End::Cleared)]).await;
    let expected = [
        "state     severity  opened (UTC)         resolved (UTC)       device                              \
         what                                    notified   id",
        "open      critical  2026-01-15 10:00:00  -                    site-a/a-rack-with-a-long-name/top  \
         temperature 26.5 celsius?[2J, above 25  2 waiting  hot/temperature/site-a/a-rack-with-a-long-name/top/1",
        "resolved  critical  2026-01-15 10:00:00  2026-01-15 10:05:30  hall                                \
         temperature absent for 2m               4 waiting  hot/temperature/hall/1",
    ];
    let said = harness.ask(&["list"]).await.unwrap();
    assert_eq!(said.lines().collect::<Vec<_>>(), expected, "\n{said}");
    for (line, ids) in [
        (vec!["list", "--open"], vec![&lab]),
        (vec!["list", "--device", "+"], vec![&hall]),
        (vec!["list", "--rule", "cold"], vec![]),
        (vec!["list", "--limit", "1"], vec![&lab]),
    ] {
        let rows = harness.json(&[&line[..], &["--json"]].concat()).await;
        let said: Vec<_> =
            rows["incidents"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect();
        assert_eq!(said, ids, "{line:?}");
    }
    assert!(harness.ask(&["list", "--limit", "1"]).await.unwrap().ends_with("--limit 2 shows more"));
}

#[tokio::test]
async fn an_alert_is_acknowledged_while_it_is_open() {
    let harness = Harness::new();
    let (lab, opened_lab) = opened("lab", Some(26.5));
    let (hall, opened_hall) = opened("hall", None);
    harness.record(vec![opened_lab, opened_hall, resolved(&hall, End::RuleRemoved)]).await;
    let said = harness.ask(&["acknowledge", &lab, "--by", "ann", "--note", "on my way"]).await.unwrap();
    assert_eq!(said, format!("{lab} was acknowledged by ann at 2026-01-15 10:30:00 UTC"));
    assert_eq!(harness.ask(&["acknowledge", &lab, "--by", "ben"]).await.unwrap(), said, "the first counts");
    let list = harness.ask(&["list"]).await.unwrap();
    assert!(list.contains("\nacknowledged  ") && list.contains("\nno longer watched  "), "{list}");
    for (line, expected) in [
        (vec!["acknowledge", "x"], "there is no incident x"),
        (vec!["acknowledge", &hall], "was resolved at 2026-01-15 10:05:30 UTC"),
        (vec!["acknowledge", &lab, "--note", "a\nb"], "note must be one line"),
    ] {
        let error = harness.ask(&line).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{line:?}: {error}");
    }
}

#[tokio::test]
async fn a_silence_is_asked_for_listed_and_ended() {
    let mut harness = Harness::new();
    assert_eq!(harness.ask(&["silences"]).await.unwrap(), "no silences");
    let line = [
        "silence", "--device", "site-a/#", "--rule", "hot", "--for", "2h", "--reason", "moving", "--by",
        "ann",
    ];
    let said = harness.ask(&line).await.unwrap();
    assert!(said.contains(" lasts until 2026-01-15 12:30:00 UTC; `unsilence "), "{said}");
    let until = [
        "silence",
        "--device",
        "lab",
        "--until",
        "2026-01-16T00:00:00Z",
        "--reason",
        "new sensor",
        "--by",
        "",
    ];
    let silence = harness.json(&[&until[..], &["--json"]].concat()).await;
    assert_eq!((&silence["device"], &silence["by"]), (&"lab".into(), &serde_json::Value::Null));

    let rows = harness.json(&["silences", "--json"]).await;
    let id = rows["silences"][0]["id"].as_str().unwrap();
    let list = harness.ask(&["silences"]).await.unwrap();
    let (header, first) = (list.lines().next().unwrap(), list.lines().nth(1).unwrap());
    assert_eq!(
        header,
        "id            device    metric  rule  from (UTC)           until (UTC)          by   reason"
    );
    let columns = "site-a/#  all     hot   2026-01-15 10:30:00  2026-01-15 12:30:00  ann  moving";
    assert_eq!(first, format!("{id}  {columns}"));

    harness.now += SignedDuration::from_mins(1);
    assert_eq!(harness.ask(&["unsilence", id]).await.unwrap(), format!("silence {id} has ended"));
    assert_eq!(harness.json(&["silences", "--json"]).await["silences"].as_array().unwrap().len(), 1);
    assert!(
        harness.ask(&["unsilence", "x"]).await.unwrap_err().to_string().contains("there is no silence x")
    );
    let over = ["silence", "--device", "lab", "--until", "2020-01-01T00:00:00Z", "--reason", "x"];
    assert!(harness.ask(&over).await.unwrap_err().to_string().contains("until must be later than now"));
}

#[tokio::test]
async fn many_incidents_are_counted_acknowledged_and_silenced_at_once() {
    let harness = Harness::new();
    let life = (0..1_000).map(|i| opened(&format!("site-{}/{i}", i % 4), None).1);
    harness.record(life.collect()).await;
    let (lab, opened_lab) = opened("lab", Some(26.5));
    harness.record(vec![opened_lab]).await;
    let said =
        harness.ask(&["silence", "--incident", &lab, "--for", "1h", "--reason", "moved"]).await.unwrap();
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(harness.ask(&["list", "--device", "lab"]).await.unwrap().contains("\nsilenced  "));
    let said = harness.ask(&["ack", "--rule", "hot", "--device", "site-1/#", "--by", "ann"]).await.unwrap();
    assert_eq!(said, "250 incidents acknowledged");
    let groups = harness.ask(&["list", "--group", "site"]).await.unwrap();
    let expected = [
        "group   open  acknowledged  silenced  resolved  severity  devices          last opened (UTC)",
        "site-0  250   0             0         0         critical  250 of site-0/#  2026-01-15 10:00:00",
        "site-1  250   250           0         0         critical  250 of site-1/#  2026-01-15 10:00:00",
    ];
    assert_eq!(groups.lines().take(3).collect::<Vec<_>>(), expected, "\n{groups}");
    let by_rule = harness.json(&["list", "--group", "rule", "--json"]).await;
    assert_eq!(
        (&by_rule["groups"][0]["open"], &by_rule["groups"][0]["silenced"]),
        (&1_001.into(), &1.into())
    );
    assert!(
        harness.ask(&["ack", "--rule", "cold"]).await.unwrap_err().to_string().contains("no open incident")
    );
    let said =
        harness.ask(&["ack", "hot/temperature/site-0/0/1", "hot/temperature/site-0/4/1"]).await.unwrap();
    assert_eq!(said, "2 incidents acknowledged");
    let said = harness.ask(&["silence", "--rule", "hot", "--for", "1h", "--reason", "moved"]).await.unwrap();
    assert!(said.starts_with("silence "), "{said}");
}

#[test]
fn what_cannot_be_asked_is_refused_on_the_command_line() {
    let silence = ["silence", "--device", "lab", "--reason", "x"];
    for (line, expected) in [
        (silence.to_vec(), "required"),
        ([&silence[..], &["--for", "1h", "--until", "2030-01-01T00:00:00Z"]].concat(), "cannot be used with"),
        ([&silence[..], &["--for", "soon"]].concat(), "invalid value 'soon'"),
        ([&silence[..], &["--until", "noon"]].concat(), "invalid value 'noon'"),
        (vec!["silence", "--device", "lab", "--for", "1h"], "--reason"),
        (vec!["silence", "--device", "a+", "--for", "1h", "--reason", "x"], "+ and # stand for whole levels"),
        (vec!["silence", "--for", "1h", "--reason", "x"], "required"),
        ([&silence[..], &["--for", "1h", "--incident", "i"]].concat(), "cannot be used with"),
        (vec!["acknowledge"], "required"),
        (vec!["ack", "i", "--rule", "hot"], "cannot be used with"),
        (vec!["list", "--group", "device"], "write rule or site"),
        (vec!["list", "--device", "a+"], "+ and # stand for whole levels"),
        (vec!["unsilence"], "<ID>"),
        (vec!["test"], "--rules"),
    ] {
        let error = parse(&line).unwrap_err().to_string();
        assert!(error.contains(expected), "{line:?}: {error}");
    }
}

#[tokio::test]
async fn a_database_is_not_made_by_asking_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("settings.toml");
    let data_dir = folder.path().join("nowhere");
    std::fs::write(&file, format!("data_dir = {data_dir:?}")).unwrap();
    let settings = Settings::load(Some(&file)).unwrap();
    let error = run(parse(&["list"]).unwrap(), &settings).await.unwrap_err();
    assert!(error.is::<SettingError>() && error.to_string().contains("there is no database"), "{error}");
    assert!(!data_dir.exists());
}

#[tokio::test]
async fn lint_says_which_open_incidents_would_end() {
    let harness = Harness::new();
    let (id, opened_lab) = opened("lab", Some(26.5));
    let state = AlertState {
        rule: "hot".into(),
        kind: Some(ConditionKind::Above),
        series: Series::parse("temperature/lab").unwrap(),
        phase: Phase::Firing { incident: id, announced: true },
        newest: None,
        value: None,
    };
    let changes = Changes { transitions: vec![opened_lab], alert_states: vec![state] };
    harness.store.record(&changes).await.unwrap();
    let folder = harness.folder.path();
    let (file, rules) = (folder.join("settings.toml"), folder.join("rules.toml"));
    std::fs::write(&file, format!("data_dir = {folder:?}")).unwrap();
    let settings = Settings::load(Some(&file)).unwrap();
    for (rule, ends) in [("hot", false), ("warm", true)] {
        std::fs::write(&rules, format!("[[rules]]\nname = {rule:?}\nabove = 25.0")).unwrap();
        let Command::Lint(args) = parse(&["lint", rules.to_str().unwrap()]).unwrap() else { panic!() };
        let said = lint::lint(&settings, &args).await.unwrap();
        assert_eq!(said.contains("\n1 open incident of rule \"hot\" would end"), ends, "{said}");
    }
}
