//! One process at a time has a right.

use std::time::Duration;

use store::Lease::{Absence, Outbox};

use super::fresh;

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_right_has_one_holder_until_it_gives_it_up() {
    let Some(fresh) = fresh().await else { return };
    let (one, two) = (&*fresh.store, &*fresh.reopened().await);
    assert!(one.acquire(Outbox, "one", MINUTE).await.unwrap());
    assert!(!two.acquire(Outbox, "two", MINUTE).await.unwrap());
    two.release(Outbox, "two").await.unwrap();
    assert!(one.acquire(Outbox, "one", MINUTE).await.unwrap(), "renewed: another one's release does no harm");
    assert!(!two.acquire(Outbox, "two", MINUTE).await.unwrap());
    one.release(Outbox, "one").await.unwrap();
    assert!(two.acquire(Outbox, "two", Duration::MAX).await.unwrap());
    assert!(!one.acquire(Outbox, "one", MINUTE).await.unwrap());
}

#[tokio::test]
async fn a_lease_runs_out() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    assert!(store.acquire(Outbox, "one", Duration::ZERO).await.unwrap());
    assert!(store.acquire(Outbox, "two", MINUTE).await.unwrap());
    assert!(!store.acquire(Outbox, "one", MINUTE).await.unwrap(), "who has lost it may not renew it");
    assert!(store.acquire(Outbox, "two", Duration::ZERO).await.unwrap(), "shortened by its holder");
    assert!(store.acquire(Outbox, "one", MINUTE).await.unwrap());
}

#[tokio::test]
async fn one_right_is_not_another() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    assert!(store.acquire(Outbox, "one", MINUTE).await.unwrap());
    assert!(store.acquire(Absence, "two", MINUTE).await.unwrap());
    store.release(Absence, "two").await.unwrap();
    assert!(!store.acquire(Outbox, "two", MINUTE).await.unwrap());
}

#[tokio::test]
async fn who_seizes_a_right_has_it() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    store.take_over(Absence, "one", MINUTE).await.unwrap();
    store.take_over(Absence, "two", MINUTE).await.unwrap();
    assert!(!store.acquire(Absence, "one", MINUTE).await.unwrap());
    store.take_over(Absence, "two", Duration::ZERO).await.unwrap();
    assert!(store.acquire(Absence, "one", MINUTE).await.unwrap(), "it runs out all the same");
}

#[tokio::test]
async fn of_many_who_ask_at_once_one_is_the_holder() {
    let Some(fresh) = fresh().await else { return };
    let mut asking = tokio::task::JoinSet::new();
    for i in 0..20 {
        let store = fresh.store.clone();
        asking.spawn(async move { store.acquire(Outbox, &format!("holder {i}"), MINUTE).await.unwrap() });
    }
    assert_eq!(asking.join_all().await.into_iter().filter(|holds| *holds).count(), 1);
}
