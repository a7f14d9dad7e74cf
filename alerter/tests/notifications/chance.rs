//! The plan, by chance: whatever happens, everybody hears of it once, in order and not too often.

use std::collections::HashMap;

use proptest::prelude::*;
use store::{DeliveryStatus, NotificationKind};

use crate::harness::{mail, rules};
use crate::planner::Planner;

#[derive(Debug, Clone)]
enum Event {
    Open { rule: bool, to: u8 },
    Resolve(usize),
    Acknowledge(usize),
    Silence(u64),
    Pass(u64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (any::<bool>(), 1..4_u8).prop_map(|(rule, to)| Event::Open { rule, to }),
        4 => (0..40_usize).prop_map(Event::Resolve),
        1 => (0..40_usize).prop_map(Event::Acknowledge),
        1 => (1..4_000_u64).prop_map(Event::Silence),
        4 => (0..8_u64).prop_map(Event::Pass),
        2 => (0..4_000_u64).prop_map(Event::Pass),
    ]
}

fn played(events: &[Event], cap: u32) -> Planner {
    let mut rules = rules("");
    rules.grouping.max_mails_per_hour = cap;
    let mut planner = Planner::new(rules);
    let addresses = [mail("ann"), mail("ben")];
    for event in events {
        let ids: Vec<String> = planner.kept.incidents.keys().cloned().collect();
        let some = |index: &usize| ids.get(index % ids.len().max(1)).cloned();
        match event {
            Event::Open { rule, to } => {
                let to = addresses.iter().enumerate().filter(|(bit, _)| to >> bit & 1 == 1);
                let to: Vec<_> = to.map(|(_, address)| address.clone()).collect();
                planner.open(&format!("i{:03}", ids.len()), if *rule { "high" } else { "repeats" }, &to);
            }
            Event::Resolve(index) => some(index).into_iter().for_each(|id| planner.resolve(&id)),
            Event::Acknowledge(index) => some(index).into_iter().for_each(|id| planner.acknowledge(&id)),
            Event::Silence(seconds) => planner.silence(*seconds),
            Event::Pass(seconds) => planner.pass(*seconds),
        }
    }
    for id in planner.kept.incidents.keys().cloned().collect::<Vec<_>>() {
        planner.resolve(&id);
    }
    planner.pass(30 * 24 * 3_600);
    planner
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn everybody_hears_of_everything_once_in_order_and_never_too_often(
        events in prop::collection::vec(event(), 1..60),
        cap in 1..5_u32,
    ) {
        let planner = played(&events, cap);
        let mut place: HashMap<i64, usize> = HashMap::new();
        for (index, made) in planner.kept.messages.iter().enumerate() {
            for number in &made.message.notifications {
                prop_assert_eq!(place.insert(*number, index), None, "a notification in two messages");
                prop_assert_eq!(&planner.notification(*number).0.address, &made.message.address);
            }
        }
        for (notification, of) in &planner.kept.notifications {
            match &notification.status {
                DeliveryStatus::Waiting { .. } => prop_assert!(false, "it waits for ever: {:?} {}", notification, of),
                DeliveryStatus::Dropped { why } => prop_assert!(!why.is_empty() && !place.contains_key(&notification.number)),
                DeliveryStatus::InMessage { .. } => prop_assert!(place.contains_key(&notification.number)),
            }
            let opening = planner.kept.notifications.iter().find(|(other, another)| {
                another == of && other.address == notification.address && other.kind == NotificationKind::Opened
            });
            let opening = opening.map(|(opening, _)| place.get(&opening.number).copied());
            match (place.get(&notification.number), opening) {
                (Some(mine), Some(opening)) => prop_assert!(opening.is_some_and(|opening| opening <= *mine)),
                (None, Some(Some(_))) => prop_assert!(notification.kind == NotificationKind::Reminder, "notified of one half: {:?}", notification),
                _ => {}
            }
        }
        for address in [mail("ann"), mail("ben")] {
            let mut made: Vec<_> = planner.kept.messages.iter().filter(|made| made.message.address == address).collect();
            made.sort_by_key(|made| made.message.made_at);
            for hour in made.windows(cap as usize + 1) {
                let span = hour[cap as usize].message.made_at.duration_since(hour[0].message.made_at);
                prop_assert!(span.as_secs() >= 3_600, "{} mails within {span}", cap + 1);
            }
        }
    }
}
