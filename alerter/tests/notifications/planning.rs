//! The plan, case by case.

use alerter::ActiveHours;
use jiff::Timestamp;
use store::{Address, Channel, DeliveryStatus};

use crate::harness::{at, incident, mail, opened, rules};
use crate::planner::{Planner, ann};

#[test]
fn incidents_of_one_rule_that_open_together_come_in_one_message() {
    let mut planner = Planner::new(rules(""));
    for number in 0..500 {
        planner.open(&format!("d{number}"), "high", &ann());
    }
    planner.open("other", "repeats", &ann());
    planner.pass(4);
    assert!(planner.kept.messages.is_empty());
    planner.pass(1);
    let sizes: Vec<_> = planner.kept.messages.iter().map(|made| made.message.notifications.len()).collect();
    assert_eq!(sizes, [500, 1]);
    assert_eq!(planner.kept.messages[0].message.message_id, "d0.opened.1@millrace");
}

#[test]
fn a_group_that_grows_and_grows_does_not_wait_for_ever() {
    let mut planner = Planner::new(rules(""));
    for number in 0..40 {
        planner.open(&format!("d{number}"), "high", &ann());
        planner.pass(3);
    }
    assert_eq!(planner.kept.messages[0].message.made_at, at(60));
    assert_eq!(planner.kept.messages[0].message.notifications.len(), 20);
}

#[test]
fn what_is_published_over_mqtt_waits_for_nothing() {
    let mut planner = Planner::new(rules(""));
    planner.open("a", "high", &[Address { channel: Channel::Mqtt, to: "bus".into() }]);
    assert_eq!(planner.messages(), ["bus: Opened a"]);
}

#[test]
fn an_end_follows_its_opening_and_one_that_came_before_its_notification_was_sent_goes_with_it() {
    let mut planner = Planner::new(rules(""));
    planner.open("long", "high", &ann());
    planner.open("short", "high", &ann());
    planner.pass(2);
    planner.resolve("short");
    planner.pass(10);
    planner.resolve("long");
    planner.pass(10);
    assert_eq!(planner.messages(), ["ann: Opened long, Opened short, Resolved short", "ann: Resolved long"]);
}

#[test]
fn who_was_silenced_hears_of_what_still_lasts_and_of_nothing_else() {
    let mut planner = Planner::new(rules(""));
    planner.open("before", "high", &ann());
    planner.pass(10);
    planner.silence(3_600);
    planner.open("short", "high", &ann());
    planner.open("long", "high", &ann());
    assert!(
        matches!(&planner.notification(2).0.status, DeliveryStatus::Waiting { held: Some(why) } if why == "silenced")
    );
    planner.pass(60);
    planner.resolve("short");
    planner.resolve("before");
    planner.pass(7_200);
    assert_eq!(planner.messages(), ["ann: Opened before", "ann: Resolved before", "ann: Opened long"]);
    assert_eq!(planner.dropped(), ["the incident resolved before the notification was due"; 2]);
    assert!(planner.kept.messages[2].message.made_at >= at(10 + 3_600));
}

#[test]
fn outside_the_hours_of_a_rule_nobody_hears_of_what_begins() {
    let utc = jiff::tz::TimeZone::UTC;
    let (from, to) = (jiff::civil::time(8, 0, 0, 0), jiff::civil::time(10, 30, 0, 0));
    let days = jiff::civil::Weekday::Monday.cycle_forward().take(7).collect();
    let mut rules = rules("");
    rules.rules[0].active = Some(ActiveHours { days, from, to, zone: utc });
    let mut planner = Planner::new(rules);
    planner.open("night", "high", &ann());
    planner.open("always", "repeats", &ann());
    planner.pass(3_600);
    assert_eq!(planner.messages(), ["ann: Opened always"]);
    assert!(
        matches!(&planner.notification(1).0.status, DeliveryStatus::Waiting { held: Some(why) } if why == "outside active hours")
    );
    planner.pass(24 * 3_600);
    assert_eq!(planner.messages()[1], "ann: Reminder always");
    let reminder = planner.kept.messages.iter().find(|made| made.message.notifications == [1]).unwrap();
    let morning: Timestamp = "2026-01-16T08:00:05Z".parse().unwrap();
    assert_eq!(reminder.message.made_at, morning);
    planner.resolve("night");
    planner.pass(60);
    assert_eq!(
        planner.messages().last().unwrap(),
        "ann: Resolved night",
        "a recipient of the opening is notified of the end at any hour"
    );
}

#[test]
fn a_silence_that_is_ended_early_holds_for_a_minute_at_most() {
    let mut planner = Planner::new(rules(""));
    planner.silence(36_000);
    planner.open("a", "high", &ann());
    planner.pass(90);
    planner.kept.silences[0].until = planner.now;
    planner.pass(65);
    assert_eq!(planner.messages(), ["ann: Opened a"]);
}

#[test]
fn reminders_come_until_it_is_over_or_somebody_sees_to_it() {
    let mut planner = Planner::new(rules(""));
    planner.open("a", "repeats", &ann());
    planner.open("b", "repeats", &ann());
    planner.pass(4 * 3_600 + 60);
    assert_eq!(planner.messages(), ["ann: Opened a, Opened b", "ann: Reminder a, Reminder b"]);
    planner.acknowledge("a");
    planner.pass(4 * 3_600 + 60);
    assert_eq!(planner.messages()[2..], ["ann: Reminder b"]);
    planner.resolve("b");
    planner.pass(24 * 3_600);
    assert_eq!(planner.messages()[3..], ["ann: Resolved b"]);
    assert_eq!(planner.dropped(), ["the incident is acknowledged", "resolved"]);
}

#[test]
fn after_so_many_mails_in_an_hour_the_rest_comes_in_digests() {
    let mut rules = rules("");
    rules.grouping.max_mails_per_hour = 2;
    let mut planner = Planner::new(rules);
    planner.open("a", "high", &ann());
    planner.pass(10);
    planner.open("b", "high", &ann());
    planner.open("c", "repeats", &ann());
    planner.resolve("a");
    planner.pass(10);
    let digest = "ann: Opened b, Opened c, Resolved a";
    assert_eq!(planner.messages(), ["ann: Opened a", digest]);
    planner.open("d", "high", &ann());
    planner.open("e", "repeats", &ann());
    planner.pass(3_000);
    assert_eq!(planner.messages().len(), 2, "no room");
    planner.resolve("b");
    planner.pass(700);
    assert_eq!(planner.messages()[2..], ["ann: Opened d, Opened e, Resolved b"]);
    assert_eq!(planner.kept.messages[2].message.made_at, at(5 + 3_600), "when the first leaves the hour");
}

#[test]
fn a_call_holds_a_thousand_notifications_at_most_and_a_mail_sums_up_more() {
    let desk = Address { channel: Channel::Webhook, to: "desk".into() };
    for (to, expected) in [(desk, vec![1_000, 1_000, 500]), (mail("ann"), vec![2_500])] {
        let mut planner = Planner::new(rules(""));
        for number in 0..2_500 {
            let mut it = incident(&format!("d{number}"), "high", "lab");
            it.judged_at = planner.now;
            planner.kept.apply(&opened(it, std::slice::from_ref(&to)));
        }
        planner.plan();
        planner.pass(5);
        let sizes: Vec<_> =
            planner.kept.messages.iter().map(|made| made.message.notifications.len()).collect();
        assert_eq!(sizes, expected);
    }
}

#[test]
fn a_message_is_named_after_its_first_notification_in_letters_that_every_mail_server_takes() {
    let named = |id: &str| {
        let mut planner = Planner::new(rules(""));
        planner.open(id, "high", &ann());
        planner.pass(5);
        planner.kept.messages[0].message.message_id.clone()
    };
    assert_eq!(
        named("high/temperature/site-a/rack_1/1768473000000000-7"),
        "high.temperature.site-a.rack_1.1768473000000000-7.opened.1@millrace"
    );
    assert_eq!(named("a b<c>//d\r\ne"), "a-b-c-.d--e.opened.1@millrace");
    let (one, two) = (format!("{}/1", "x/".repeat(150)), format!("{}/2", "x/".repeat(150)));
    assert!(named(&one).len() <= 200 + "@millrace".len(), "{}", named(&one));
    assert_ne!(named(&one), named(&two));
    let local = named(&one).split('@').next().unwrap().to_owned();
    assert!(local.split('.').all(|atom| !atom.is_empty()), "{local}");
}

#[test]
fn what_ends_just_after_its_silence_was_nobodys_business() {
    let mut planner = Planner::new(rules(""));
    planner.silence(100);
    planner.open("a", "high", &ann());
    planner.pass(102);
    planner.resolve("a");
    planner.pass(60);
    assert!(planner.kept.messages.is_empty());
    assert_eq!(planner.dropped(), ["the incident resolved before the notification was due"; 2]);
}
