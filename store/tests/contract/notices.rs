//! Of one name there is one notice, and it is sent once.

use jiff::SignedDuration;
use store::{MAX_NOTICES, Notice};

use super::{at, fresh};

fn notice(name: &str, micros: i64) -> Notice {
    let (subject, text) = (format!("„{name}“ ends soon"), "Renew it.\n".to_owned());
    Notice { name: name.into(), subject, text, made_at: at(micros), tries: 0 }
}

#[tokio::test]
async fn a_notice_is_made_once_and_waits_until_it_is_sent() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let (first, second) = (notice("b", 1), notice("a", 2));
    assert!(store.add_notice(&second).await.unwrap() && store.add_notice(&first).await.unwrap());
    assert!(!store.add_notice(&notice("a", 5)).await.unwrap(), "there is one of this name");
    let store = &*fresh.reopened().await;
    assert_eq!(store.unsent_notices(at(1), 9).await.unwrap(), std::slice::from_ref(&first));
    assert_eq!(store.unsent_notices(at(9), 1).await.unwrap(), std::slice::from_ref(&first));

    store.note_unsent("b", at(20)).await.unwrap();
    store.mark_notice_sent("a", at(9)).await.unwrap();
    assert_eq!(store.unsent_notices(at(9), 9).await.unwrap(), []);
    assert_eq!(store.unsent_notices(at(20), 9).await.unwrap(), [Notice { tries: 1, ..first }]);
    assert!(!store.add_notice(&second).await.unwrap(), "it was sent");
}

#[tokio::test]
async fn there_are_not_more_than_may_be_and_the_oldest_make_room() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    for number in 0..MAX_NOTICES {
        assert!(store.add_notice(&notice(&number.to_string(), 1)).await.unwrap(), "{number}");
    }
    assert!(!store.add_notice(&notice("more", 2)).await.unwrap());
    let later = Notice { made_at: at(2) + SignedDuration::from_hours(401 * 24), ..notice("more", 2) };
    assert!(store.add_notice(&later).await.unwrap());
    assert_eq!(store.unsent_notices(later.made_at, MAX_NOTICES).await.unwrap(), [later]);
}
