//! Which rejections are given, and what marking them as resent changes.

use std::sync::Arc;

use store::{Batch, RejectedMessage, Rejection, RejectionQuery, Store};

use super::{at, fresh, newest_rejected, rejected};

const ALL: RejectionQuery = RejectionQuery { id: None, before: None, resent: None, limit: 100 };

async fn find(store: &dyn Store, query: RejectionQuery) -> Vec<Rejection> {
    store.rejected(query).await.unwrap()
}

async fn keep(store: &dyn Store, messages: &[RejectedMessage]) {
    let bad = Arc::new(Batch { readings: Vec::new(), rejected: messages.to_vec() });
    store.write(&bad).await.unwrap();
}

/// Four, of which two came at the same time; newest first.
async fn four(store: &dyn Store) -> Vec<Rejection> {
    let payloads = [(1, "a"), (2, "b"), (2, "c"), (3, "d")];
    keep(store, &payloads.map(|(micros, payload)| rejected(micros, "temperature/a", "not JSON", payload)))
        .await;
    find(store, ALL).await
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
    assert_eq!(find(store, ALL).await, [all[0].clone(), marked.clone(), all[2].clone(), all[3].clone()]);
    assert_eq!(
        find(store, RejectionQuery { resent: Some(true), ..ALL }).await,
        std::slice::from_ref(&marked)
    );
    let others = find(store, RejectionQuery { resent: Some(false), ..ALL }).await;
    assert_eq!(others, [all[0].clone(), all[2].clone(), all[3].clone()]);

    keep(store, std::slice::from_ref(&marked.message)).await;
    assert_eq!(find(store, ALL).await[1], marked, "a redelivery changes nothing");
    assert_eq!(store.rejected_count().await.unwrap(), 3);
}

#[tokio::test]
async fn one_is_found_by_its_id_and_a_page_by_the_last_one_before_it() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let all = four(store).await;
    for (index, one) in all.iter().enumerate() {
        let found = find(store, RejectionQuery { id: Some(one.id), limit: 1, ..ALL }).await;
        assert_eq!(found, std::slice::from_ref(one));
        let later = find(store, RejectionQuery { before: Some(one.id), ..ALL }).await;
        assert_eq!(later, all[index + 1..]);
        let next = find(store, RejectionQuery { before: Some(one.id), limit: 1, ..ALL }).await;
        assert_eq!(next, all[index + 1..].iter().take(1).cloned().collect::<Vec<_>>());
    }
    assert_eq!(find(store, RejectionQuery { id: Some(i64::MAX), ..ALL }).await, []);
    assert_eq!(find(store, RejectionQuery { before: Some(i64::MAX), ..ALL }).await, []);
    assert_eq!(find(store, RejectionQuery { limit: 0, ..ALL }).await, []);
}

#[tokio::test]
async fn retention_removes_what_was_resent_and_counts_it_once() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let all = four(store).await;
    assert!(store.mark_resent(all[1].id, at(9)).await.unwrap());
    assert_eq!(store.purge(at(3)).await.unwrap(), 3);
    assert_eq!(newest_rejected(store, 10).await, [all[0].message.clone()]);
    assert_eq!(store.rejected_count().await.unwrap(), 1);
    assert!(!store.mark_resent(all[3].id, at(9)).await.unwrap(), "it is gone");
    assert_eq!(store.rejected_count().await.unwrap(), 1);
}
