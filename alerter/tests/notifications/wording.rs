//! What people read.

use alerter::{MessageContext, Templates, Written};
use jiff::Timestamp;
use store::{
    Condition, ConditionKind, DeliveryStatus, End, Incident, Notification, NotificationKind, OutgoingMessage,
    Severity,
};

use crate::harness::{PAGE, at, incident, inputs, mail, rules};

pub(crate) fn message(to: &str, changes: Vec<(NotificationKind, Incident)>) -> OutgoingMessage {
    let address = mail(to);
    let notification = |(number, (kind, incident)): (usize, (NotificationKind, Incident))| {
        let status = DeliveryStatus::Waiting { held: None };
        let (asked_at, due_at) = (at(0), at(0));
        (
            Notification { number: number as i64, kind, address: address.clone(), asked_at, due_at, status },
            incident,
        )
    };
    let notifications = changes.into_iter().enumerate().map(notification).collect();
    OutgoingMessage {
        message_id: "one@millrace".into(),
        address: mail(to),
        made_at: at(5),
        tries: 0,
        notifications,
    }
}

pub(crate) fn said_at(now: Timestamp, changes: Vec<(NotificationKind, Incident)>) -> MessageContext {
    MessageContext::of(&message("ann@localhost", changes), &rules(""), PAGE, now)
}

fn subject(kind: NotificationKind, incident: Incident) -> String {
    said_at(at(4 * 3_600), vec![(kind, incident)]).subject()
}

fn of_kind(kind: ConditionKind, words: &str, value: Option<f64>) -> Incident {
    let condition = Condition { kind, text: words.into(), threshold: Some(25.0) };
    Incident { condition, value, ..incident("i", "rule-1", "lab") }
}

pub(crate) fn over(incident: Incident, value: f64) -> Incident {
    Incident { resolved_at: Some(at(720)), resolved_value: Some(value), end: Some(End::Cleared), ..incident }
}

pub(crate) fn absent(device: &str) -> Incident {
    let condition = Condition { kind: ConditionKind::Absent, text: "absent for 2m".into(), threshold: None };
    Incident { condition, ..incident(device, "silent", device) }
}

#[test]
fn a_subject_says_device_metric_value_and_rule() {
    use ConditionKind::{Above, Absent, Outside, Rate, Stuck, Unusual};
    let above = || of_kind(Above, "above 25", Some(26.1));
    for (kind, incident, expected) in [
        (NotificationKind::Opened, above(), "Alert: lab: temperature 26.1 °C, above 25 °C (rule-1)"),
        (
            NotificationKind::Opened,
            Incident { severity: Severity::Critical, ..above() },
            "Critical: lab: temperature 26.1 °C, above 25 °C (rule-1)",
        ),
        (
            NotificationKind::Opened,
            Incident { severity: Severity::Info, ..above() },
            "Info: lab: temperature 26.1 °C, above 25 °C (rule-1)",
        ),
        (
            NotificationKind::Resolved,
            over(above(), 24.0),
            "Resolved: lab: temperature back at 24 °C after 12 min (rule-1)",
        ),
        (NotificationKind::Reminder, above(), "Reminder: lab: temperature above 25 °C for 4 h (rule-1)"),
        (
            NotificationKind::Opened,
            of_kind(Outside, "outside 15 to 25", Some(26.0)),
            "Alert: lab: temperature 26 °C, outside 15 to 25 °C (rule-1)",
        ),
        (
            NotificationKind::Opened,
            of_kind(Unusual, "unusual, mostly 20.1 to 22.9", Some(35.0)),
            "Alert: lab: temperature 35 °C, unusual, mostly 20.1 to 22.9 °C (rule-1)",
        ),
        (
            NotificationKind::Opened,
            of_kind(Rate, "changing by more than 2 per minute", Some(3.5)),
            "Alert: lab: temperature +3.5 °C per minute, changing by more than 2 °C per minute (rule-1)",
        ),
        (
            NotificationKind::Opened,
            of_kind(Absent, "absent for 2m", Some(21.0)),
            "Alert: lab: temperature silent for 2 min (rule-1)",
        ),
        (
            NotificationKind::Reminder,
            of_kind(Absent, "absent for 2m", None),
            "Reminder: lab: temperature silent for 4 h (rule-1)",
        ),
        (
            NotificationKind::Resolved,
            over(of_kind(Absent, "absent for 2m", None), 21.0),
            "Resolved: lab: temperature heard again after 12 min (rule-1)",
        ),
        (
            NotificationKind::Opened,
            of_kind(Stuck, "the same for 10m", Some(21.5)),
            "Alert: lab: temperature 21.5 °C, the same for 10 min (rule-1)",
        ),
        (
            NotificationKind::Resolved,
            over(of_kind(Stuck, "the same for 10m", Some(21.5)), 21.6),
            "Resolved: lab: temperature changed to 21.6 °C after 12 min (rule-1)",
        ),
        (
            NotificationKind::Resolved,
            Incident { end: Some(End::RuleRemoved), resolved_value: None, ..over(above(), 0.0) },
            "Resolved: lab: temperature no longer watched after 12 min (rule-1)",
        ),
        (
            NotificationKind::Opened,
            of_kind(Above, "", Some(26.1)),
            "Alert: lab: temperature 26.1 °C, above 25 °C (rule-1)",
        ),
    ] {
        assert_eq!(subject(kind, incident), expected);
    }
}

#[test]
fn a_door_is_open_and_not_1() {
    let door = |metric: &str| Incident {
        metric: metric.into(),
        unit: None,
        ..of_kind(ConditionKind::Above, "above 0.5", Some(1.0))
    };
    assert_eq!(subject(NotificationKind::Opened, door("door")), "Alert: lab: door open, above 0.5 (rule-1)");
    assert_eq!(subject(NotificationKind::Opened, door("level")), "Alert: lab: level 1, above 0.5 (rule-1)");
}

#[test]
fn a_group_says_how_many_and_names_the_first() {
    let dark: Vec<_> =
        (1..=500).map(|n| (NotificationKind::Opened, absent(&format!("site-a/rack-{n}")))).collect();
    let said = said_at(at(5), dark);
    let expected = "Alert: 500 devices silent for 2 min (silent): site-a/rack-1, site-a/rack-2 and 498 more";
    assert_eq!((said.subject().as_str(), said.more), (expected, 0));
    let listed: Vec<_> = said.sections.iter().flat_map(|section| &section.items).collect();
    assert_eq!((listed.len(), said.count), (1, 500));
    assert_eq!(
        (listed[0].device.as_str(), listed[0].text.as_str()),
        ("site-a/…", "500 devices, since 11:30:00")
    );
    let hot = |device: &str| (NotificationKind::Opened, incident(device, "high", device));
    assert_eq!(
        said_at(at(5), vec![hot("lab"), hot("attic")]).subject(),
        "Alert: 2 devices: temperature above 25 °C (high): lab and attic"
    );
    let wet = Incident { metric: "humidity".into(), ..absent("lab") };
    let two = vec![
        (NotificationKind::Opened, absent("lab")),
        (NotificationKind::Opened, Incident { id: "2".into(), ..wet }),
    ];
    assert_eq!(
        said_at(at(5), two).subject(),
        "Alert: lab: temperature and humidity silent for 2 min (silent)"
    );
    let ended = |device: &str| (NotificationKind::Resolved, over(absent(device), 21.0));
    assert_eq!(
        said_at(at(800), vec![ended("a"), ended("b")]).subject(),
        "Resolved: 2 devices heard again (silent): a and b"
    );
}

#[test]
fn a_digest_and_what_is_already_over_say_so() {
    let hot = incident("a", "high", "lab");
    let ended = over(hot, 24.0);
    let short = vec![(NotificationKind::Opened, ended.clone()), (NotificationKind::Resolved, ended)];
    assert_eq!(
        said_at(at(800), short.clone()).subject(),
        "Resolved before notice: lab: temperature was 26.1 °C, above 25 °C, for 12 min (high)"
    );
    let many = [
        short,
        vec![
            (NotificationKind::Opened, absent("attic")),
            (NotificationKind::Resolved, over(absent("x"), 1.0)),
        ],
    ];
    let said = said_at(at(800), many.concat());
    assert_eq!(said.subject(), "Digest: 1 alert, 1 resolved, 1 resolved before notice (silent and high)");
    let titles: Vec<_> = said.sections.iter().map(|section| section.title.as_str()).collect();
    assert_eq!(
        titles,
        [
            "Alert: temperature (silent)",
            "Resolved before notice: temperature (high)",
            "Resolved: temperature (silent)"
        ]
    );
}

fn written(said: &MessageContext) -> Written {
    Templates::load(None).unwrap().write(said, None).unwrap()
}

#[test]
fn a_mail_says_when_in_the_zone_of_its_reader_and_in_utc() {
    let peaked = Incident {
        peak: Some(29.3),
        peak_at: Some(at(300)),
        judged_at: at(1),
        ..incident("i", "high", "lab")
    };
    let Written { text, html, subject } =
        written(&said_at(at(5), vec![(NotificationKind::Opened, peaked.clone())]));
    for line in [
        "lab: temperature 26.1 °C, above 25 °C (high)\n",
        "Began       2026-01-15 11:30:00 CET (10:30:00 UTC)\n",
        "Peak        29.3 °C at 2026-01-15 11:35:00 CET (10:35:00 UTC)\n",
        "Evaluated   2026-01-15 11:30:01 CET (10:30:01 UTC)\n",
        "Sent        2026-01-15 11:30:05 CET (10:30:05 UTC)\n",
        "Rule        high: above 25 °C\n",
        "Severity    warning\n",
        "Show the chart: https://millrace.example.org/?device=lab&metric=temperature\n",
    ] {
        assert!(text.contains(line), "no {line} in\n{text}");
    }
    assert!(text.starts_with("lab: temperature") && !text.contains("\n\n\n"), "{text}");
    assert!(html.contains("11:30:00 CET") && html.contains("10:30:00 UTC") && html.contains(&*subject));
    let elsewhere = MessageContext::of(
        &message("ben@localhost", vec![(NotificationKind::Opened, peaked)]),
        &rules(""),
        PAGE,
        at(5),
    );
    let text = written(&elsewhere).text;
    assert!(text.contains("Began       2026-01-15 10:30:00 UTC\n"), "{text}");
}

#[test]
fn a_value_is_the_word_that_a_rule_has_for_it() {
    let words = inputs().borrow().mappings().words();
    let open =
        Incident { metric: "hatch".into(), unit: None, ..of_kind(ConditionKind::Above, "", Some(0.5)) };
    let said = |kind, incident| {
        let message = message("ann@localhost", vec![(kind, incident)]);
        MessageContext::in_words(&message, &rules(""), PAGE, &words, at(4 * 3_600)).subject()
    };
    let opened = said(NotificationKind::Opened, open.clone());
    assert!(opened.contains("lab: hatch ajar, above"), "{opened}");
    let resolved = said(NotificationKind::Resolved, over(open, 0.0));
    assert!(resolved.contains("lab: hatch back at shut"), "{resolved}");
}

#[test]
fn a_limit_is_the_word_that_a_rule_has_for_it() {
    let words = inputs().borrow().mappings().words();
    let said = |kind, text: &str, metric: &str| {
        let incident = Incident { metric: metric.into(), unit: None, ..of_kind(kind, text, Some(0.5)) };
        let message = message("ann@localhost", vec![(NotificationKind::Opened, incident)]);
        MessageContext::in_words(&message, &rules(""), PAGE, &words, at(4 * 3_600))
    };
    let above = said(ConditionKind::Above, "above 0", "hatch");
    assert!(above.subject().contains("lab: hatch ajar, above shut"), "{}", above.subject());
    assert_eq!(above.caption, "above shut");
    assert_eq!(said(ConditionKind::Above, "above 0.25", "hatch").caption, "above 0.25");
    assert_eq!(said(ConditionKind::Above, "above 0", "temperature").caption, "above 0");
    let rate = "changing by more than 0.5 per minute";
    assert_eq!(said(ConditionKind::Rate, rate, "hatch").caption, rate);
}

#[test]
fn nothing_that_a_device_is_called_breaks_out_of_a_mail() {
    let evil = Incident {
        unit: Some("x\r\nBcc: eve@localhost\r\n\r\n<b>".into()),
        device: "<script>/&\"'".into(),
        ..incident("i", "high", "lab")
    };
    let said = said_at(at(5), vec![(NotificationKind::Opened, evil)]);
    let Written { subject, html, .. } = written(&said);
    assert!(!subject.contains(['\r', '\n']), "{subject}");
    assert!(!html.contains("<script>") && !html.contains("<b>"), "{html}");
    assert!(said.link.ends_with("/?device=%3Cscript%3E/%26%22%27&metric=temperature"), "{}", said.link);
}
