//! A key belongs to the first request that bears it, until that is forgotten.

use store::{KeptAnswer, KeyedRequest, Store};

use super::{at, fresh};

fn request(caller: &str, key: &str, body: &str, micros: i64) -> KeyedRequest {
    KeyedRequest { caller: caller.into(), key: key.into(), body: body.into(), received_at: at(micros) }
}

async fn note(store: &dyn Store, request: &KeyedRequest) -> (KeyedRequest, Option<KeptAnswer>) {
    store.note_request(request, at(0)).await.unwrap()
}

#[tokio::test]
async fn a_key_belongs_to_its_first_request() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let first = request("device:lab", "k", "hash", 5);
    assert_eq!(note(store, &first).await, (first.clone(), None));
    let again = request("device:lab", "k", "other", 9);
    assert_eq!(note(store, &again).await, (first.clone(), None), "the first one, with its time");
    let other = request("user:ann", "k", "other", 9);
    assert_eq!(note(store, &other).await, (other.clone(), None), "another caller has other keys");
    let answer = KeptAnswer { status: 201, body: "{„ß“}".into() };
    store.note_answer(&first, &answer).await.unwrap();
    let store = &*fresh.reopened().await;
    assert_eq!(note(store, &again).await, (first.clone(), Some(answer.clone())));
    store.note_answer(&first, &KeptAnswer { status: 422, ..answer.clone() }).await.unwrap();
    assert_eq!(note(store, &first).await.1, Some(answer), "the first answer stays");
    assert_eq!(store.key_count().await.unwrap(), 2);
}

#[tokio::test]
async fn an_old_key_is_new_again() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    for micros in 1..=3 {
        note(store, &request("open", &format!("k{micros}"), "b", micros)).await;
    }
    let again = request("open", "k1", "c", 9);
    assert_eq!(store.note_request(&again, at(2)).await.unwrap(), (again.clone(), None), "it was too old");
    let kept = request("open", "k2", "c", 9);
    assert_eq!(store.note_request(&kept, at(2)).await.unwrap().0.body, "b");
    assert_eq!(store.forget_keys(at(3)).await.unwrap(), 1);
    assert_eq!(store.key_count().await.unwrap(), 2);
}
