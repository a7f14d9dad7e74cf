//! Silences last until they end, or are ended.

use store::Silence;

use super::{at, fresh};

fn silence(id: &str, from: i64, until: i64) -> Silence {
    Silence {
        id: id.into(),
        rule: None,
        metric: Some("temperature".into()),
        device: "site-a/+/#".parse().unwrap(),
        from: at(from),
        until: at(until),
        reason: "they paint the walls".into(),
        by: "me".into(),
    }
}

#[tokio::test]
async fn silences_are_found_until_they_end() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let rule = Silence { rule: Some("hot".into()), metric: None, ..silence("b", 10, 20) };
    let all = [silence("c", 5, 30), rule, silence("a", 10, 40)];
    for silence in [&all[1], &all[2], &all[0]] {
        store.add_silences(std::slice::from_ref(silence)).await.unwrap();
    }
    store.add_silences(&[silence("c", 1, 99)]).await.unwrap();
    let store = &*fresh.reopened().await;
    assert_eq!(store.silences(at(0)).await.unwrap(), all, "by their start; the first with an id stays");
    assert_eq!(store.silences(at(19)).await.unwrap(), all);
    assert_eq!(store.silences(at(20)).await.unwrap(), [all[0].clone(), all[2].clone()]);
    assert_eq!(store.silences(at(40)).await.unwrap(), []);
}

#[tokio::test]
async fn a_silence_is_ended_early_but_never_prolonged() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    store.add_silences(&[silence("a", 5, 30)]).await.unwrap();
    assert!(!store.end_silence("b", at(10)).await.unwrap());
    assert!(store.end_silence("a", at(40)).await.unwrap());
    assert_eq!(store.silences(at(29)).await.unwrap(), [silence("a", 5, 30)]);
    assert!(store.end_silence("a", at(10)).await.unwrap());
    assert!(store.end_silence("a", at(20)).await.unwrap());
    assert_eq!(store.silences(at(9)).await.unwrap(), [silence("a", 5, 10)]);
    assert_eq!(store.silences(at(10)).await.unwrap(), []);
}
