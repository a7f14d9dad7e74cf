//! Files of rules, and what they say.

use std::time::Duration;

use alerter::rules::{self, DEFAULT, Known};
use alerter::{Condition, Recipient, Rules};
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use store::{Address, Channel, Severity};

pub(crate) fn known() -> Known {
    Known {
        metrics: vec!["temperature".into(), "humidity".into()],
        mail_to: vec!["operator@localhost".into()],
        zone: TimeZone::UTC,
    }
}

fn read(text: &str) -> Rules {
    rules::read(text, &known()).unwrap_or_else(|error| panic!("{error}"))
}

fn mail(to: &str) -> Address {
    Address { channel: Channel::Mail, to: to.into() }
}

#[test]
fn the_default_file_says_what_is_said_of_it() {
    let rules = read(DEFAULT);
    let [hot, silent] = &rules.rules[..] else { panic!("{rules:?}") };
    assert_eq!((hot.name.as_str(), hot.metric.as_deref()), ("temperature-high", Some("temperature")));
    assert_eq!(hot.condition, Condition::Above { limit: 25.0, clear_below: Some(24.5) });
    assert_eq!((silent.name.as_str(), silent.metric.as_deref()), ("silent", None));
    assert_eq!(silent.condition, Condition::Absent { after: Duration::from_mins(2) });
    assert_eq!(hot.to, [mail("operator@localhost")]);
    let zone = TimeZone::UTC;
    let operator = Recipient::Mail { address: "operator@localhost".into(), zone };
    assert_eq!(rules.recipients, [("operator@localhost".to_string(), operator)].into());
    let elsewhere = Known { metrics: vec!["pressure".into()], ..known() };
    assert_eq!(rules::read_default(&elsewhere).unwrap(), rules);
}

#[test]
fn what_the_default_file_says_are_the_defaults() {
    let short = "
        [[rules]]
        name = 'temperature-high'
        metric = 'temperature'
        above = 25
        clear_below = 24.5
        [[rules]]
        name = 'silent'
        absent_for = '120s'";
    assert_eq!(read(short), read(DEFAULT));
    assert_eq!(read("rules = []").rules, []);
    assert_eq!(read("max_mails_per_hour = 3\nrules = []").rules, []);
}

/// So that the example names every key.
#[test]
fn all_that_the_default_file_shows_is_good() {
    let shown: Vec<_> = DEFAULT
        .lines()
        .map(|line| line.strip_prefix("# ").unwrap_or(line).trim_start_matches("# "))
        .filter(|line| line.starts_with('[') || line.contains(" = ") && !line.starts_with("  "))
        .filter(|line| !line.starts_with("expect") && !line.starts_with("over"))
        .collect();
    let text = shown.join("\n");
    let rules = read(&text);
    assert_eq!(rules.recipients.len(), 5, "{text}");
    assert!(rules.rules[0].active.is_some() && rules.rules[0].repeat.is_some(), "{text}");
}

#[test]
fn every_key_is_read() {
    let rules = read(
        r#"
        group_wait = "0s"
        group_max = "90s"
        max_mails_per_hour = 3
        [recipients.night]
        mail = "night@example.org"
        zone = "Europe/Berlin"
        [recipients.pager]
        webhook = "https://user:secret@example.org/hook"
        [recipients.bus]
        mqtt = true
        [[rules]]
        name = "range"
        metric = "humidity"
        device = "site-a/+"
        outside = [15, 25.5]
        clear_above = 16.0
        clear_below = 25
        for = "30s"
        keep_firing_for = "1m"
        severity = "critical"
        recipients = ["bus", "night", "ops@example.org", "pager", "night@example.org"]
        repeat = "4h"
        active = { days = ["fri-mon", "wed"], from = "22:00", to = "06:30", zone = "Asia/Tokyo" }
        [[rules]]
        name = "gone"
        metric = "humidity"
        device = "site-a/rack-1"
        absent_for = "1m"
        expect = ["site-a/rack-1"]
        [[rules]]
        name = "fast"
        rate_per_minute = 2
        recipients = []
        [[rules]]
        name = "low"
        below = -3.5
        [[rules]]
        name = "frozen"
        stuck_for = "10m"
        active = { from = "08:00" }
    "#,
    );
    assert_eq!(
        (rules.grouping.group_wait, rules.grouping.group_max),
        (Duration::ZERO, Duration::from_secs(90))
    );
    assert_eq!(rules.grouping.max_mails_per_hour, 3);
    let range = rules.named("range").unwrap();
    let (low, high) = (15.0, 25.5);
    let outside = Condition::Outside { low, high, clear_above: Some(16.0), clear_below: Some(25.0) };
    assert_eq!(range.condition, outside);
    assert_eq!((range.pending_for, range.keep_firing_for), (Duration::from_secs(30), Duration::from_mins(1)));
    assert_eq!((range.severity, range.repeat), (Severity::Critical, Some(Duration::from_hours(4))));
    let named = |channel, to: &str| Address { channel, to: to.into() };
    let to = [
        named(Channel::Mqtt, "bus"),
        mail("night@example.org"),
        mail("ops@example.org"),
        named(Channel::Webhook, "pager"),
    ];
    assert_eq!(range.to, to);
    let names: Vec<_> = rules.recipients.keys().map(String::as_str).collect();
    assert_eq!(names, ["bus", "night", "operator@localhost", "ops@example.org", "pager"]);
    assert_eq!(rules.zone_of("night@example.org").iana_name(), Some("Europe/Berlin"));
    let active = range.active.as_ref().unwrap();
    use Weekday::{Friday, Monday, Saturday, Sunday, Wednesday};
    assert_eq!(active.days, [Monday, Wednesday, Friday, Saturday, Sunday]);
    assert_eq!((active.from.to_string(), active.to.to_string()), ("22:00:00".into(), "06:30:00".into()));
    let expected: Vec<_> = rules.named("gone").unwrap().expect.iter().map(ToString::to_string).collect();
    assert_eq!(expected, ["humidity/site-a/rack-1"]);
    let fast = rules.named("fast").unwrap();
    assert_eq!(
        fast.condition,
        Condition::Rate { per_minute: 2.0, clear_below: None, over: Duration::from_mins(1) }
    );
    assert!(fast.to.is_empty());
    assert_eq!(rules.named("frozen").unwrap().active.as_ref().unwrap().days.len(), 7);
    assert!(!format!("{rules:?}").contains("secret"));
}
