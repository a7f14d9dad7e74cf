//! Users, sessions and keys, each change with its record in the audit.

use store::{
    Acknowledgement, ApiKey, AuditOutcome, AuditQuery, BrokenChain, Change, Changes, Head, MAX_SESSIONS,
    NewRecord, Role, Session, Silence, Store, TokenKey, Transition, User, Via, sha256,
};
use telemetry::{Filter, Scope};
use testkit::samples::incident;

use super::{at, fresh};

fn user(name: &str, role: Role) -> User {
    User {
        name: name.into(),
        email: None,
        role,
        scope: Scope::all(),
        password_hash: "hash".into(),
        subject: None,
        created_at: at(1),
        last_login_at: None,
        revision: 0,
    }
}

fn session(id: &str, user: &str, second: i64) -> Session {
    Session {
        id: id.into(),
        token_hash: sha256(id),
        user: user.into(),
        address: Some("192.0.2.1".into()),
        created_at: at(second),
        last_used_at: at(second),
        expires_at: at(second + 100_000),
    }
}

fn key(id: &str, owner: &str, second: i64) -> ApiKey {
    ApiKey {
        id: id.into(),
        name: "backup".into(),
        owner: owner.into(),
        role: Role::Viewer,
        scope: Scope::read(["site-a/#", "lab"]).unwrap(),
        secret_hash: sha256(id),
        created_at: at(second),
        expires_at: at(second + 100_000),
        last_used_at: None,
    }
}

fn record(action: &'static str, target: &str, second: i64) -> NewRecord {
    NewRecord {
        at: at(second),
        actor: Some("ann".into()),
        via: Via::Session,
        address: Some("192.0.2.1".into()),
        action,
        target: target.into(),
        outcome: AuditOutcome::Done,
        before: None,
        after: Some(format!(r#"{{"target":"{target}"}}"#)),
    }
}

async fn change(store: &dyn Store, change: Change) -> Option<u64> {
    store.change(&change, &record("change", "something", 50)).await.unwrap()
}

/// All records, oldest first; the chain must hold.
async fn chain(store: &dyn Store) -> Vec<store::AuditRecord> {
    let mut records = store.audit(&AuditQuery { limit: 10_000, ..AuditQuery::default() }).await.unwrap();
    records.reverse();
    let mut head = Head::default();
    for record in &records {
        head = record.check(&head).unwrap();
    }
    assert_eq!(head, store.audit_head().await.unwrap());
    records
}

#[tokio::test]
async fn users_are_added_changed_and_removed() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    assert!(!store.has_users().await.unwrap());
    let ann = User { email: Some("ann@example.org".into()), ..user("ann", Role::Admin) };
    assert!(change(store, Change::AddUser(ann.clone())).await.is_some());
    assert!(store.has_users().await.unwrap());
    assert_eq!(change(store, Change::AddUser(user("ann", Role::Viewer))).await, None, "the name is taken");
    let ben = User { scope: Scope::read(["site-a/#", "+/x"]).unwrap(), ..user("ben", Role::Operator) };
    assert!(change(store, Change::AddUser(ben.clone())).await.is_some());
    assert_eq!(store.users().await.unwrap(), [ann.clone(), ben.clone()]);
    assert_eq!(store.user("ben").await.unwrap(), Some(ben.clone()));
    assert_eq!(store.user("eve").await.unwrap(), None);

    let set = |user: &User| Change::SetUser { user: user.clone(), end_sessions: true, but: None };
    let viewer = User { role: Role::Viewer, scope: Scope::all(), email: Some("b@x".into()), ..ben.clone() };
    assert!(change(store, set(&viewer)).await.is_some());
    assert_eq!(store.user("ben").await.unwrap(), Some(User { revision: 1, ..viewer.clone() }));
    assert_eq!(change(store, set(&viewer)).await, None, "someone else has changed it");
    let no_admin = User { role: Role::Operator, ..ann.clone() };
    assert_eq!(change(store, set(&no_admin)).await, None, "the last admin stays one");
    assert_eq!(change(store, Change::RemoveUser("ann".into())).await, None, "the last admin stays");
    assert!(change(store, Change::RemoveUser("ben".into())).await.is_some());
    assert_eq!(change(store, Change::RemoveUser("ben".into())).await, None);
    assert_eq!(store.users().await.unwrap(), [ann]);
    assert_eq!(chain(store).await.len(), 4, "what was not done is not recorded");
}

#[tokio::test]
async fn a_user_of_the_identity_provider_is_found_by_the_subject_and_is_no_last_admin() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    change(store, Change::AddUser(user("ann", Role::Admin))).await;
    let subject = Some("https://id.example.org 17".to_owned());
    let ben = User { subject: subject.clone(), password_hash: String::new(), ..user("ben", Role::Admin) };
    assert!(change(store, Change::AddUser(ben.clone())).await.is_some());
    let found = store.user_of_subject("https://id.example.org 17").await.unwrap();
    assert_eq!((found, store.user("ben").await.unwrap()), (Some(ben.clone()), Some(ben.clone())));
    assert_eq!(store.user_of_subject("https://id.example.org 18").await.unwrap(), None);
    let twice = User { name: "ben2".into(), ..ben.clone() };
    assert_eq!(change(store, Change::AddUser(twice)).await, None, "the subject is taken");
    assert_eq!(change(store, Change::RemoveUser("ann".into())).await, None, "the last with a password");
    let viewer = User { role: Role::Viewer, ..ben };
    let set = Change::SetUser { user: viewer, end_sessions: true, but: None };
    assert!(change(store, set).await.is_some(), "the identity provider may make an admin less");
    assert!(change(store, Change::RemoveUser("ben".into())).await.is_some());
}

#[tokio::test]
async fn sessions_end_with_what_they_rest_on() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    for name in ["ann", "ben"] {
        change(store, Change::AddUser(user(name, Role::Admin))).await;
    }
    assert_eq!(change(store, Change::AddSession(session("s0", "eve", 1))).await, None);
    for (id, second) in [("s1", 1), ("s2", 2), ("s3", 3)] {
        assert!(change(store, Change::AddSession(session(id, "ann", second))).await.is_some());
    }
    change(store, Change::AddSession(session("t1", "ben", 1))).await;
    let ids = async |name: &str| -> Vec<String> {
        store.sessions(name).await.unwrap().into_iter().map(|session| session.id).collect()
    };
    assert_eq!(ids("ann").await, ["s3", "s2", "s1"]);
    let (found, of) = store.session(&sha256("s2")).await.unwrap().unwrap();
    assert_eq!((found.clone(), of.name.as_str()), (session("s2", "ann", 2), "ann"));
    assert_eq!(of.last_login_at, Some(at(50)));
    store.touch_session("s2", at(9)).await.unwrap();
    store.touch_session("s2", at(8)).await.unwrap();
    assert_eq!(store.session(&sha256("s2")).await.unwrap().unwrap().0.last_used_at, at(9));
    assert!(store.session(&sha256("other")).await.unwrap().is_none());
    assert!(change(store, Change::EndSession("s1".into())).await.is_some());
    assert_eq!(change(store, Change::EndSession("s1".into())).await, None);
    let ann = store.user("ann").await.unwrap().unwrap();
    let set = Change::SetUser { user: ann, end_sessions: true, but: Some("s3".into()) };
    assert!(change(store, set).await.is_some());
    assert_eq!((ids("ann").await, ids("ben").await), (vec!["s3".to_owned()], vec!["t1".to_owned()]));
    change(store, Change::RemoveUser("ben".into())).await;
    assert_eq!(ids("ben").await, [""; 0]);
    for number in 0..MAX_SESSIONS as i64 + 5 {
        change(store, Change::AddSession(session(&format!("m{number}"), "ann", 100 + number))).await;
    }
    let kept = ids("ann").await;
    assert_eq!((kept.len(), kept[0].as_str()), (MAX_SESSIONS, format!("m{}", MAX_SESSIONS + 4).as_str()));
}

#[tokio::test]
async fn keys_end_with_their_owner() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    for name in ["ann", "ben"] {
        change(store, Change::AddUser(user(name, Role::Admin))).await;
    }
    assert_eq!(change(store, Change::AddKey(key("k0", "eve", 1))).await, None);
    for (id, owner, second) in [("k1", "ann", 1), ("k2", "ben", 2)] {
        assert!(change(store, Change::AddKey(key(id, owner, second))).await.is_some());
    }
    let (found, owner) = store.key("k1").await.unwrap().unwrap();
    assert_eq!((found, owner.name.as_str()), (key("k1", "ann", 1), "ann"));
    store.touch_key("k1", at(9)).await.unwrap();
    store.touch_key("k1", at(8)).await.unwrap();
    assert_eq!(store.key("k1").await.unwrap().unwrap().0.last_used_at, Some(at(9)));
    assert_eq!(store.keys(Some("ben")).await.unwrap(), [key("k2", "ben", 2)]);
    assert_eq!(store.keys(None).await.unwrap().len(), 2);
    assert!(change(store, Change::RevokeKey("k1".into())).await.is_some());
    assert_eq!(change(store, Change::RevokeKey("k1".into())).await, None);
    change(store, Change::RemoveUser("ben".into())).await;
    assert_eq!(store.keys(None).await.unwrap(), []);
}

#[tokio::test]
async fn keys_for_tokens_are_kept_until_they_are_old() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let key = |id: &str, second| TokenKey { id: id.into(), secret: "00".into(), created_at: at(second) };
    for (id, second, older_than) in [("a", 1, 0), ("b", 5, 1), ("c", 9, 5)] {
        store.add_token_key(&key(id, second), at(older_than)).await.unwrap();
    }
    assert_eq!(store.token_keys().await.unwrap(), [key("c", 9), key("b", 5)]);
}

#[tokio::test]
async fn what_people_do_about_incidents_is_recorded_with_it() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let opened = |id: &str| Transition::Opened(Box::new(incident(id, "lab", 5)), Vec::new());
    let transitions = vec![opened("i1"), opened("i2")];
    store.record(&Changes { transitions, alert_states: Vec::new() }).await.unwrap();
    let acknowledgement = Acknowledgement { at: at(9), by: "ann".into(), note: String::new() };
    let all = Change::Acknowledge {
        incidents: vec!["i1".into(), "i2".into(), "unknown".into()],
        acknowledgement: acknowledgement.clone(),
    };
    assert_eq!(change(store, all.clone()).await, Some(2));
    assert_eq!(change(store, all).await, Some(0), "the first one counts");
    let query = store::IncidentQuery { id: Some("i1".into()), limit: 1, ..Default::default() };
    assert_eq!(store.incidents(&query).await.unwrap()[0].acknowledged, Some(acknowledgement));
    let elsewhere = Scope::read(["site-a/#"]).unwrap();
    let outside = store::IncidentQuery { scope: elsewhere, limit: 10, ..Default::default() };
    assert_eq!(store.incidents(&outside).await.unwrap(), []);
    assert_eq!(store.incident_summaries(&outside).await.unwrap(), []);

    let silence = Silence {
        id: "s".into(),
        rule: None,
        metric: None,
        device: Filter::all(),
        from: at(0),
        until: at(100),
        reason: "work".into(),
        by: "ann".into(),
    };
    assert_eq!(change(store, Change::AddSilences(vec![silence.clone(), silence])).await, Some(1));
    assert!(change(store, Change::EndSilence { id: "s".into(), at: at(20) }).await.is_some());
    assert_eq!(change(store, Change::EndSilence { id: "other".into(), at: at(20) }).await, None);
    assert_eq!(store.silences(at(10)).await.unwrap()[0].until, at(20));
    assert_eq!(chain(store).await.len(), 4);
}

#[tokio::test]
async fn a_whole_segment_leaves_the_audit_and_the_chain_goes_on() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    for second in 1..=5 {
        store.change(&Change::Nothing, &record("add user", "ben", second)).await.unwrap();
    }
    let archive = async |first, last| change(store, Change::ArchiveAudit { first, last }).await;
    assert_eq!(archive(1, 6).await, None, "record 6 is not there");
    assert_eq!(archive(1, 3).await, Some(3));
    assert_eq!(archive(1, 3).await, None, "they are gone");
    assert_eq!(archive(3, 4).await, None, "one of them is gone");
    let records = store.audit(&AuditQuery { limit: 10, ..AuditQuery::default() }).await.unwrap();
    assert_eq!(records.iter().map(|record| record.number).collect::<Vec<_>>(), [6, 5, 4]);
    let end = records[0].check(&records[1].head()).unwrap();
    assert_eq!(end, store.audit_head().await.unwrap());
}

#[tokio::test]
async fn contents_are_erased_and_the_chain_holds() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    for second in 1..=3 {
        store.change(&Change::Nothing, &record("add user", "ben", second)).await.unwrap();
    }
    let erase = async |numbers: &[i64]| change(store, Change::EraseAudit(numbers.into())).await;
    assert_eq!(erase(&[1, 3]).await, Some(2));
    assert_eq!(erase(&[2, 3]).await, None, "there is nothing more to erase in record 3");
    assert_eq!(erase(&[2, 9]).await, None, "there is no record 9");
    let records = chain(store).await;
    let erased: Vec<_> = records.iter().map(|record| (record.is_erased(), record.salt.is_none())).collect();
    assert_eq!(erased, [(true, true), (false, false), (true, true), (false, false)]);
}

#[tokio::test]
async fn the_audit_is_found_by_what_it_says() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    for number in 0..7 {
        let (action, outcome) = match number % 2 {
            0 => ("add user", AuditOutcome::Done),
            _ => ("log in", AuditOutcome::Refused),
        };
        let actor = (number != 3).then(|| format!("user{number}"));
        let target = format!("Größe\0{number}");
        let new = NewRecord { actor, outcome, after: Some("{}".into()), ..record(action, &target, number) };
        assert_eq!(store.change(&Change::Nothing, &new).await.unwrap(), Some(0));
    }
    let numbers = async |query: AuditQuery| -> Vec<i64> {
        let query = AuditQuery { limit: query.limit.max(1), ..query };
        store.audit(&query).await.unwrap().into_iter().map(|record| record.number).collect()
    };
    let all = || AuditQuery { limit: 100, ..AuditQuery::default() };
    assert_eq!(numbers(all()).await, [7, 6, 5, 4, 3, 2, 1]);
    assert_eq!(numbers(AuditQuery { limit: 2, before: Some(5), ..all() }).await, [4, 3]);
    assert_eq!(numbers(AuditQuery { actor: Some("user4".into()), ..all() }).await, [5]);
    assert_eq!(numbers(AuditQuery { action: Some("log in".into()), ..all() }).await, [6, 4, 2]);
    assert_eq!(numbers(AuditQuery { outcome: Some(AuditOutcome::Done), ..all() }).await, [7, 5, 3, 1]);
    assert_eq!(numbers(AuditQuery { target: Some("Größe\u{fffd}1".into()), ..all() }).await, [2]);
    assert_eq!(numbers(AuditQuery { from: Some(at(2)), to: Some(at(4)), ..all() }).await, [4, 3]);
    let records = chain(store).await;
    let first = &records[0];
    assert_eq!((first.at, first.via, first.after.as_deref()), (at(0), Via::Session, Some("{}")));
    let mut changed = records[3].clone();
    changed.target = "other".into();
    let before = Head { number: records[2].number, hash: records[2].hash.clone() };
    assert_eq!(changed.check(&before), Err(BrokenChain::Changed(4, "a field")));
}

#[tokio::test]
async fn many_who_change_something_at_once_make_one_chain() {
    let Some(fresh) = fresh().await else { return };
    let changes = (0..40).map(|number| {
        let store = fresh.store.clone();
        tokio::spawn(async move {
            let new = record("add user", "someone", number);
            let change = Change::AddUser(user(&format!("user{number}"), Role::Viewer));
            store.change(&change, &new).await.unwrap()
        })
    });
    for change in changes.collect::<Vec<_>>() {
        assert!(change.await.unwrap().is_some());
    }
    assert_eq!(chain(&*fresh.store).await.len(), 40);
    assert_eq!(fresh.store.users().await.unwrap().len(), 40);
}
