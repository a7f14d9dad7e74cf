//! One process at a time sends mails.

use std::time::Duration;

use super::fresh;

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn the_outbox_has_one_holder_until_it_gives_up() {
    let Some(fresh) = fresh().await else { return };
    let (one, two) = (&*fresh.store, &*fresh.reopened().await);
    assert!(one.hold_outbox("one", MINUTE).await.unwrap());
    assert!(!two.hold_outbox("two", MINUTE).await.unwrap());
    two.release_outbox("two").await.unwrap();
    assert!(one.hold_outbox("one", MINUTE).await.unwrap(), "renewed: another one's release does no harm");
    assert!(!two.hold_outbox("two", MINUTE).await.unwrap());
    one.release_outbox("one").await.unwrap();
    assert!(two.hold_outbox("two", Duration::MAX).await.unwrap());
    assert!(!one.hold_outbox("one", MINUTE).await.unwrap());
}

#[tokio::test]
async fn a_lease_runs_out() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    assert!(store.hold_outbox("one", Duration::ZERO).await.unwrap());
    assert!(store.hold_outbox("two", MINUTE).await.unwrap());
    assert!(!store.hold_outbox("one", MINUTE).await.unwrap(), "who has lost it may not renew it");
    assert!(store.hold_outbox("two", Duration::ZERO).await.unwrap(), "shortened by its holder");
    assert!(store.hold_outbox("one", MINUTE).await.unwrap());
}

#[tokio::test]
async fn of_many_who_ask_at_once_one_is_the_holder() {
    let Some(fresh) = fresh().await else { return };
    let mut asking = tokio::task::JoinSet::new();
    for i in 0..20 {
        let store = fresh.store.clone();
        asking.spawn(async move { store.hold_outbox(&format!("holder {i}"), MINUTE).await.unwrap() });
    }
    assert_eq!(asking.join_all().await.into_iter().filter(|holds| *holds).count(), 1);
}
