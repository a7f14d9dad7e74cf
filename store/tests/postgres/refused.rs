//! What the database refuses is kept as a rejection, and nothing else suffers.

use std::sync::Arc;

use jiff::Timestamp;
use store::{
    Acknowledgement, Address, Batch, Channel, Condition, ConditionKind, Incident, Transition, Written,
};
use telemetry::Reading;

use super::Fresh;
use super::partitions::contract::incidents::{all, incident, record};
use super::partitions::contract::{at, batch, everything, newest_rejected, reading, rejected};
use super::{hypertable, partitions};

async fn both() -> Vec<Fresh> {
    [hypertable::fresh().await, partitions::fresh().await].into_iter().flatten().collect()
}

#[tokio::test]
async fn one_bad_reading_does_not_hold_up_the_others() {
    for Fresh { store, database: _database } in both().await {
        let good: Vec<_> = (0..1000).map(|i| reading("temperature/a", i, 1.0)).collect();
        let bad = [
            Reading { unit: Some("a\0b".into()), ..reading("temperature/a", 500, 2.0) },
            reading("temperature/b", 1, f64::NAN),
            reading("temperature/c", Timestamp::MIN.as_microsecond(), 1.0),
        ];
        let mut all = batch(good.iter().chain(&bad).chain(&good[..3]).cloned());
        Arc::make_mut(&mut all).rejected.push(rejected(1, "temperature/a", "not JSON", "x"));
        let written = store.write(&all).await.unwrap();
        assert_eq!(written, Written { stored: 1000, duplicate: 3, rejected: 4 });
        assert_eq!(everything(&*store).await, good);
        let written = store.write(&all).await.unwrap();
        assert_eq!(written, Written { stored: 0, duplicate: 1003, rejected: 4 });
        let rejections = newest_rejected(&*store, 10).await;
        assert_eq!((rejections.len(), store.rejected_count().await.unwrap()), (4, 4));
        for bad in &bad {
            let kept = rejections.iter().find(|kept| kept.payload == bad.to_payload()).unwrap();
            assert_eq!((kept.received_at, &*kept.topic), (bad.received_at, bad.series.as_str()));
            assert!(kept.reason.starts_with("the database refuses it: "), "{}", kept.reason);
        }
    }
}

#[tokio::test]
async fn texts_that_are_anyones_may_hold_any_character() {
    for Fresh { store, database: _database } in both().await {
        let bad = Arc::new(Batch { rejected: vec![rejected(1, "a\0", "b\0", "c\0")], ..Batch::default() });
        store.write(&bad).await.unwrap();
        assert_eq!(newest_rejected(&*store, 1).await, [rejected(1, "a\u{fffd}", "b\u{fffd}", "c\0")]);
        let condition = Condition { kind: ConditionKind::Above, text: "\0".into(), threshold: None };
        let opened = Incident {
            condition,
            unit: Some("\0".into()),
            opened_at: Timestamp::MIN,
            ..incident("i", "d", 1)
        };
        let to = vec![Address { channel: Channel::Mail, to: "\0".into() }];
        record(&*store, &[Transition::Opened(Box::new(opened), to)]).await;
        let known = Acknowledgement { at: at(1), by: "\0".into(), note: "\0".into() };
        assert_eq!(store.acknowledge(&["i".into()], &known).await.unwrap(), 1);
        let kept = &all(&*store).await[0];
        let known = kept.acknowledged.as_ref().unwrap();
        let texts = [&kept.condition.text, kept.unit.as_ref().unwrap(), &known.by, &known.note];
        assert_eq!(texts, ["\u{fffd}"; 4]);
        assert_eq!((&*kept.notifications[0].address.to, kept.opened_at), ("\u{fffd}", Timestamp::MIN));
    }
}

#[tokio::test]
async fn a_rule_of_the_operators_is_kept_too() {
    for Fresh { store, database } in both().await {
        store.write(&batch([reading("temperature/a", 1, 1.0)])).await.unwrap();
        database.run("ALTER TABLE readings ADD CONSTRAINT cold CHECK (value < 5)").await;
        let mixed = (0..50).map(|i| reading("temperature/b", i, f64::from(i as i32 % 10)));
        let written = store.write(&batch(mixed)).await.unwrap();
        assert_eq!(written, Written { stored: 25, duplicate: 0, rejected: 25 });
        assert!(everything(&*store).await.iter().all(|kept| kept.value < 5.0));
        let rejections = newest_rejected(&*store, 100).await;
        assert!(rejections.iter().all(|kept| kept.reason.contains("\"cold\"")));
        assert_eq!(rejections[0].received_at, at(1_700_000_000_000_000));
    }
}
