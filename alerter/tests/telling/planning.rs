//! The plan, case by case.

use alerter::ActiveHours;
use jiff::Timestamp;
use store::{Address, Channel, DeliveryStatus};

use crate::play::{Play, ann};
use crate::rig::{at, incident, mail, opened, rules};

#[test]
fn incidents_of_one_rule_that_open_together_come_in_one_message() {
    let mut play = Play::new(rules(""));
    for number in 0..500 {
        play.open(&format!("d{number}"), "high", &ann());
    }
    play.open("other", "repeats", &ann());
    play.pass(4);
    assert!(play.kept.messages.is_empty());
    play.pass(1);
    let sizes: Vec<_> = play.kept.messages.iter().map(|made| made.message.notifications.len()).collect();
    assert_eq!(sizes, [500, 1]);
    assert_eq!(play.kept.messages[0].message.message_id, "d0.opened.1@millrace");
}

#[test]
fn a_group_that_grows_and_grows_does_not_wait_for_ever() {
    let mut play = Play::new(rules(""));
    for number in 0..40 {
        play.open(&format!("d{number}"), "high", &ann());
        play.pass(3);
    }
    assert_eq!(play.kept.messages[0].message.made_at, at(60));
    assert_eq!(play.kept.messages[0].message.notifications.len(), 20);
}

#[test]
fn what_is_published_over_mqtt_waits_for_nothing() {
    let mut play = Play::new(rules(""));
    play.open("a", "high", &[Address { channel: Channel::Mqtt, to: "bus".into() }]);
    assert_eq!(play.told(), ["bus: Opened a"]);
}

#[test]
fn an_end_follows_its_opening_and_one_that_came_before_anybody_was_told_goes_with_it() {
    let mut play = Play::new(rules(""));
    play.open("long", "high", &ann());
    play.open("short", "high", &ann());
    play.pass(2);
    play.resolve("short");
    play.pass(10);
    play.resolve("long");
    play.pass(10);
    assert_eq!(play.told(), ["ann: Opened long, Opened short, Resolved short", "ann: Resolved long"]);
}

#[test]
fn who_was_silenced_hears_of_what_still_lasts_and_of_nothing_else() {
    let mut play = Play::new(rules(""));
    play.open("before", "high", &ann());
    play.pass(10);
    play.silence(3_600);
    play.open("short", "high", &ann());
    play.open("long", "high", &ann());
    assert!(
        matches!(&play.notification(2).0.status, DeliveryStatus::Waiting { held: Some(why) } if why == "silenced")
    );
    play.pass(60);
    play.resolve("short");
    play.resolve("before");
    play.pass(7_200);
    assert_eq!(play.told(), ["ann: Opened before", "ann: Resolved before", "ann: Opened long"]);
    assert_eq!(play.dropped(), ["over before anybody was to be told"; 2]);
    assert!(play.kept.messages[2].message.made_at >= at(10 + 3_600));
}

#[test]
fn outside_the_hours_of_a_rule_nobody_hears_of_what_begins() {
    let utc = jiff::tz::TimeZone::UTC;
    let (from, to) = (jiff::civil::time(8, 0, 0, 0), jiff::civil::time(10, 30, 0, 0));
    let days = jiff::civil::Weekday::Monday.cycle_forward().take(7).collect();
    let mut rules = rules("");
    rules.rules[0].active = Some(ActiveHours { days, from, to, zone: utc });
    let mut play = Play::new(rules);
    play.open("night", "high", &ann());
    play.open("always", "repeats", &ann());
    play.pass(3_600);
    assert_eq!(play.told(), ["ann: Opened always"]);
    assert!(
        matches!(&play.notification(1).0.status, DeliveryStatus::Waiting { held: Some(why) } if why == "outside active hours")
    );
    play.pass(24 * 3_600);
    assert_eq!(play.told()[1], "ann: Reminder always");
    let told = play.kept.messages.iter().find(|made| made.message.notifications == [1]).unwrap();
    let morning: Timestamp = "2026-01-16T08:00:05Z".parse().unwrap();
    assert_eq!(told.message.made_at, morning);
    play.resolve("night");
    play.pass(60);
    assert_eq!(
        play.told().last().unwrap(),
        "ann: Resolved night",
        "who was told hears of the end at any hour"
    );
}

#[test]
fn a_silence_that_is_ended_early_holds_for_a_minute_at_most() {
    let mut play = Play::new(rules(""));
    play.silence(36_000);
    play.open("a", "high", &ann());
    play.pass(90);
    play.kept.silences[0].until = play.now;
    play.pass(65);
    assert_eq!(play.told(), ["ann: Opened a"]);
}

#[test]
fn reminders_come_until_it_is_over_or_somebody_sees_to_it() {
    let mut play = Play::new(rules(""));
    play.open("a", "repeats", &ann());
    play.open("b", "repeats", &ann());
    play.pass(4 * 3_600 + 60);
    assert_eq!(play.told(), ["ann: Opened a, Opened b", "ann: Reminder a, Reminder b"]);
    play.acknowledge("a");
    play.pass(4 * 3_600 + 60);
    assert_eq!(play.told()[2..], ["ann: Reminder b"]);
    play.resolve("b");
    play.pass(24 * 3_600);
    assert_eq!(play.told()[3..], ["ann: Resolved b"]);
    assert_eq!(play.dropped(), ["somebody sees to it", "resolved"]);
}

#[test]
fn after_so_many_mails_in_an_hour_the_rest_comes_in_digests() {
    let mut rules = rules("");
    rules.grouping.max_mails_per_hour = 2;
    let mut play = Play::new(rules);
    play.open("a", "high", &ann());
    play.pass(10);
    play.open("b", "high", &ann());
    play.open("c", "repeats", &ann());
    play.resolve("a");
    play.pass(10);
    let digest = "ann: Opened b, Opened c, Resolved a";
    assert_eq!(play.told(), ["ann: Opened a", digest]);
    play.open("d", "high", &ann());
    play.open("e", "repeats", &ann());
    play.pass(3_000);
    assert_eq!(play.told().len(), 2, "no room");
    play.resolve("b");
    play.pass(700);
    assert_eq!(play.told()[2..], ["ann: Opened d, Opened e, Resolved b"]);
    assert_eq!(play.kept.messages[2].message.made_at, at(5 + 3_600), "when the first leaves the hour");
}

#[test]
fn a_call_holds_a_thousand_notifications_at_most_and_a_mail_sums_up_more() {
    let desk = Address { channel: Channel::Webhook, to: "desk".into() };
    for (to, expected) in [(desk, vec![1_000, 1_000, 500]), (mail("ann"), vec![2_500])] {
        let mut play = Play::new(rules(""));
        for number in 0..2_500 {
            let mut it = incident(&format!("d{number}"), "high", "lab");
            it.judged_at = play.now;
            play.kept.apply(&opened(it, std::slice::from_ref(&to)));
        }
        play.plan();
        play.pass(5);
        let sizes: Vec<_> = play.kept.messages.iter().map(|made| made.message.notifications.len()).collect();
        assert_eq!(sizes, expected);
    }
}

#[test]
fn a_message_is_named_after_its_first_notification_in_letters_that_every_mail_server_takes() {
    let named = |id: &str| {
        let mut play = Play::new(rules(""));
        play.open(id, "high", &ann());
        play.pass(5);
        play.kept.messages[0].message.message_id.clone()
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
    let mut play = Play::new(rules(""));
    play.silence(100);
    play.open("a", "high", &ann());
    play.pass(102);
    play.resolve("a");
    play.pass(60);
    assert!(play.kept.messages.is_empty());
    assert_eq!(play.dropped(), ["over before anybody was to be told"; 2]);
}
