//! Which rejections are given, and what marking them as resent changes.

use std::sync::Arc;

use bytes::Bytes;
use store::{
    Batch, MAX_STORED_PAYLOAD, PREVIEW_BYTES, RejectedMessage, Rejection, RejectionCursor, RejectionGroup,
    RejectionQuery, RejectionQuota, RejectionSelection, Store,
};

use super::{at, fresh, newest_rejected, rejected};

/// All that the selection means.
fn all(selection: RejectionSelection) -> RejectionQuery {
    RejectionQuery { selection, after: None, limit: 100 }
}

/// All that were resent, or all that were not.
fn resent(resent: bool) -> RejectionQuery {
    all(RejectionSelection { resent: Some(resent), ..RejectionSelection::default() })
}

fn every() -> RejectionQuery {
    all(RejectionSelection::default())
}

async fn find(store: &dyn Store, query: RejectionQuery) -> Vec<Rejection> {
    store.rejected(query).await.unwrap()
}

async fn keep(store: &dyn Store, messages: &[RejectedMessage]) {
    let bad = Arc::new(Batch { rejected: messages.to_vec(), ..Batch::default() });
    store.write(&bad).await.unwrap();
}

/// Four, of which two came at the same time; newest first.
async fn four(store: &dyn Store) -> Vec<Rejection> {
    let payloads = [(1, "a"), (2, "b"), (2, "c"), (3, "d")];
    keep(store, &payloads.map(|(micros, payload)| rejected(micros, "temperature/a", "not JSON", payload)))
        .await;
    find(store, every()).await
}

#[tokio::test]
async fn what_was_resent_is_kept_with_its_time_and_no_longer_counted() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let all = four(store).await;
    assert!(all.iter().all(|kept| kept.id > 0 && kept.resent_at.is_none()));
    assert_eq!(store.rejected_count().await.unwrap(), 4);
    assert!(store.mark_resent(all[1].id, at(9)).await.unwrap());
    assert!(!store.mark_resent(all[1].id, at(10)).await.unwrap(), "the first time counts");
    assert!(!store.mark_resent(i64::MAX, at(9)).await.unwrap(), "there is none");
    let store = &*fresh.reopened().await;
    assert_eq!(store.rejected_count().await.unwrap(), 3);
    let marked = Rejection { resent_at: Some(at(9)), ..all[1].clone() };
    assert_eq!(find(store, every()).await, [all[0].clone(), marked.clone(), all[2].clone(), all[3].clone()]);
    assert_eq!(find(store, resent(true)).await, std::slice::from_ref(&marked));
    let others = find(store, resent(false)).await;
    assert_eq!(others, [all[0].clone(), all[2].clone(), all[3].clone()]);

    keep(store, std::slice::from_ref(&marked.message)).await;
    assert_eq!(find(store, every()).await[1], marked, "a redelivery changes nothing");
    assert_eq!(store.rejected_count().await.unwrap(), 3);
}

#[tokio::test]
async fn one_is_found_by_its_id_and_a_page_by_the_last_one_before_it() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let all = four(store).await;
    for (index, one) in all.iter().enumerate() {
        assert_eq!(store.rejection(one.id).await.unwrap().as_ref(), Some(one));
        let after = Some(RejectionCursor::after(one).to_string().parse().unwrap());
        let later = find(store, RejectionQuery { after, ..every() }).await;
        assert_eq!(later, all[index + 1..]);
        let next = find(store, RejectionQuery { after, limit: 1, ..every() }).await;
        assert_eq!(next, all[index + 1..].iter().take(1).cloned().collect::<Vec<_>>());
    }
    assert_eq!(store.rejection(i64::MAX).await.unwrap(), None);
    // A page goes on where it ended, though its last row has been dismissed meanwhile.
    assert!(store.dismiss(all[1].id).await.unwrap());
    let after = Some(RejectionCursor::after(&all[1]));
    assert_eq!(find(store, RejectionQuery { after, ..every() }).await, all[2..]);
    assert_eq!(find(store, RejectionQuery { limit: 0, ..every() }).await, []);
}

#[tokio::test]
async fn retention_removes_what_was_resent_and_counts_it_once() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let all = four(store).await;
    assert!(store.mark_resent(all[1].id, at(9)).await.unwrap());
    let between = at(jiff::Timestamp::now().as_microsecond());
    let newer = rejected(9, "temperature/a", "not JSON", "e");
    keep(store, std::slice::from_ref(&newer)).await;
    assert_eq!(store.purge(between).await.unwrap(), 4);
    assert_eq!(newest_rejected(store, 10).await, [newer]);
    assert_eq!(store.rejected_count().await.unwrap(), 1);
    assert!(!store.mark_resent(all[3].id, at(9)).await.unwrap(), "it is gone");
    assert_eq!(store.rejected_count().await.unwrap(), 1);
}

/// On two topics, with reasons that differ in a number, in a quotation or in more.
async fn many(store: &dyn Store) {
    let messages = [
        (1, "t/a", "line 1 column 7"),
        (2, "t/a", "line 2 column 8"),
        (3, "t/b", "line 2 column 8"),
        (4, "t/a", "100% of a_b is \"x\""),
        (5, "t/a", "100% of a_b is \"y\""),
        (6, "t/a", "100% of a-b is \"y\""),
    ];
    keep(store, &messages.map(|(micros, topic, reason)| rejected(micros, topic, reason, "x"))).await;
}

#[tokio::test]
async fn groups_are_by_topic_and_reason_but_for_numbers_and_quotations() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    assert_eq!(store.rejection_groups(RejectionSelection::default()).await.unwrap(), []);
    many(store).await;
    let group = |topic: &str, reason: &str, count, oldest, newest| RejectionGroup {
        topic: topic.into(),
        reason: reason.into(),
        count,
        oldest: at(oldest),
        newest: at(newest),
    };
    let groups = store.rejection_groups(RejectionSelection::default()).await.unwrap();
    assert_eq!(
        groups,
        [
            group("t/a", "100% of a-b is \"y\"", 1, 6, 6),
            group("t/a", "…% of a_b is …", 2, 4, 5),
            group("t/b", "line 2 column 8", 1, 3, 3),
            group("t/a", "line … column …", 2, 1, 2),
        ]
    );
    // What a group says selects its rows, and no others.
    for RejectionGroup { topic, reason, count, .. } in groups {
        let selection = RejectionSelection {
            topic: Some(topic),
            reason: Some(reason),
            resent: Some(false),
            ..RejectionSelection::default()
        };
        assert_eq!(find(store, all(selection.clone())).await.len() as u64, count, "{selection:?}");
    }
    let since = RejectionSelection { since: Some(at(5)), ..RejectionSelection::default() };
    assert_eq!(store.rejection_groups(since.clone()).await.unwrap().len(), 2);
    assert_eq!(find(store, all(since)).await.len(), 2);
}

#[tokio::test]
async fn what_is_dismissed_is_gone_and_no_longer_counted() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    many(store).await;
    let rows = find(store, every()).await;
    assert!(store.mark_resent(rows[5].id, at(9)).await.unwrap());
    assert!(store.dismiss(rows[0].id).await.unwrap());
    assert!(!store.dismiss(rows[0].id).await.unwrap(), "it is gone");
    assert!(!store.mark_resent(rows[0].id, at(9)).await.unwrap());
    assert_eq!(store.rejected_count().await.unwrap(), 4);
    let of = |topic: &str, resent| RejectionSelection {
        topic: Some(topic.into()),
        resent,
        ..RejectionSelection::default()
    };
    assert_eq!(store.dismiss_all(of("t/c", None)).await.unwrap(), 0);
    assert_eq!(store.dismiss_all(of("t/a", Some(false))).await.unwrap(), 3);
    assert_eq!(store.rejected_count().await.unwrap(), 1);
    assert_eq!(store.dismiss_all(of("t/a", None)).await.unwrap(), 1, "the one that was resent");
    assert_eq!(store.rejected_count().await.unwrap(), 1);
    assert_eq!(find(store, every()).await, [rows[3].clone()]);
}

#[tokio::test]
async fn a_long_payload_is_stored_as_its_beginning_and_listed_as_a_preview() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    for (micros, bytes) in
        [(0, 0), (1, PREVIEW_BYTES), (2, PREVIEW_BYTES + 1), (3, MAX_STORED_PAYLOAD), (4, 1_000_000)]
    {
        let long: String = (0..bytes).map(|at| char::from(b'a' + (at % 26) as u8)).collect();
        let payload = Bytes::from(long.clone());
        let message = RejectedMessage { payload, ..rejected(micros, "t/a", "too long", "") };
        keep(store, std::slice::from_ref(&message)).await;
        keep(store, std::slice::from_ref(&message)).await;
        let listed = find(store, RejectionQuery { limit: 1, ..every() }).await.remove(0);
        let whole = store.rejection(listed.id).await.unwrap().unwrap();
        for (row, limit) in [(&listed, PREVIEW_BYTES), (&whole, MAX_STORED_PAYLOAD)] {
            assert_eq!(row.message.payload, long.as_bytes()[..bytes.min(limit)], "{bytes}");
            assert_eq!(row.payload_bytes, bytes as u64);
            assert_eq!(row.stored_bytes(), bytes.min(MAX_STORED_PAYLOAD) as u64);
        }
    }
    assert_eq!(store.rejected_count().await.unwrap(), 5, "a redelivery is stored once");
}

#[tokio::test]
async fn the_oldest_go_where_there_are_more_than_the_quota_allows() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let hundred: Vec<_> = (0..100).map(|micros| rejected(micros, "t/a", "reason", "ten bytes.")).collect();
    keep(store, &hundred).await;
    let bytes = |rows: u64| rows * ("t/a".len() + "reason".len() + "ten bytes.".len()) as u64;
    let rows = async || find(store, every()).await.len();
    let quota = |rows, bytes| RejectionQuota { rows, bytes };
    assert_eq!(store.keep_quota(quota(100, bytes(100))).await.unwrap(), 0, "it is just full");
    assert_eq!(store.keep_quota(quota(90, u64::MAX)).await.unwrap(), 19);
    assert_eq!((rows().await, store.rejected_count().await.unwrap()), (81, 81));
    assert_eq!(find(store, every()).await.last().unwrap().message, hundred[19], "the oldest are gone");
    assert_eq!(store.keep_quota(quota(u64::MAX, bytes(81) - 1)).await.unwrap(), 9);
    assert_eq!((rows().await, store.rejected_count().await.unwrap()), (72, 72));
    let fresh = fresh.reopened().await;
    assert_eq!(fresh.keep_quota(quota(72, bytes(72))).await.unwrap(), 0, "dismissed rows count no longer");
}

#[tokio::test]
async fn topics_of_what_was_not_resent_are_read_newest_first() {
    let Some(fresh) = fresh().await else { return };
    let store = &fresh.store;
    let rejected = [("a/x", 1), ("b/x", 3), ("c/x", 2)].map(|(topic, micros)| RejectedMessage {
        received_at: at(micros),
        topic: topic.into(),
        reason: "no number".into(),
        payload: Bytes::from_static(b"x"),
    });
    store.write(&Batch { rejected: rejected.to_vec(), ..Batch::default() }.into()).await.unwrap();
    let topics = |found: &[(i64, String)]| found.iter().map(|(_, topic)| topic.clone()).collect::<Vec<_>>();
    let all = store.rejected_topics(9).await.unwrap();
    assert_eq!(topics(&all), ["b/x", "c/x", "a/x"]);
    assert_eq!(topics(&store.rejected_topics(1).await.unwrap()), ["b/x"]);
    assert!(store.mark_resent(all[0].0, at(9)).await.unwrap());
    assert_eq!(topics(&store.rejected_topics(9).await.unwrap()), ["c/x", "a/x"]);
}
