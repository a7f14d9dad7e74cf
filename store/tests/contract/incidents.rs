//! One incident for one breach, one mail for one transition, however often it is judged.

use store::{Incident, Mail, MailKind, Opened, Resolved, Store, Transition};

use super::{at, fresh};

fn mail(incident: &str, kind: MailKind) -> Mail {
    Mail {
        message_id: format!("{incident}.{kind:?}@millrace"),
        incident: incident.into(),
        kind,
        recipients: "a@example.org, b@example.org".into(),
        sent_at: None,
    }
}

fn opened(id: &str, device: &str, micros: i64) -> Transition {
    Transition::Opened(Opened {
        id: id.into(),
        rule: "too hot".into(),
        device: device.into(),
        metric: "temperature".into(),
        at: at(micros),
        value: 31.5,
        unit: Some("celsius".into()),
        mail: Some(mail(id, MailKind::Opened)),
    })
}

fn resolved(id: &str, micros: i64) -> Transition {
    let mail = Some(mail(id, MailKind::Resolved));
    Transition::Resolved(Resolved { id: id.into(), at: at(micros), value: 22.0, mail })
}

fn ids(incidents: &[Incident]) -> Vec<&str> {
    incidents.iter().map(|incident| incident.id.as_str()).collect()
}

async fn owed(store: &dyn Store) -> Vec<String> {
    store.owed_mails(100).await.unwrap().into_iter().map(|(mail, _)| mail.message_id).collect()
}

#[tokio::test]
async fn a_transition_that_is_judged_again_adds_nothing() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let life = [
        opened("i1", "a", 1),
        opened("i1", "a", 2),
        resolved("i1", 5),
        resolved("i1", 6),
        opened("i1", "a", 7),
    ];
    for transition in &life {
        store.record(std::slice::from_ref(transition)).await.unwrap();
    }
    store.record(&life).await.unwrap();
    let store = &*fresh.reopened().await;
    let expected = Incident {
        id: "i1".into(),
        rule: "too hot".into(),
        device: "a".into(),
        metric: "temperature".into(),
        opened_at: at(1),
        value: 31.5,
        unit: Some("celsius".into()),
        resolved_at: Some(at(5)),
        resolved_value: Some(22.0),
        mails: vec![mail("i1", MailKind::Opened), mail("i1", MailKind::Resolved)],
    };
    assert_eq!(store.incidents(10).await.unwrap(), std::slice::from_ref(&expected));
    let owed = store.owed_mails(10).await.unwrap();
    assert_eq!(owed, [(expected.mails[0].clone(), expected.clone()), (expected.mails[1].clone(), expected)]);
}

#[tokio::test]
async fn what_was_never_opened_is_not_resolved() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    store.record(&[resolved("i1", 5)]).await.unwrap();
    assert_eq!(store.incidents(10).await.unwrap(), []);
    assert_eq!(owed(store).await, [""; 0]);
}

#[tokio::test]
async fn a_transition_may_ask_for_no_mail() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let Transition::Opened(quiet) = opened("i1", "a", 1) else { unreachable!() };
    store.record(&[Transition::Opened(Opened { mail: None, ..quiet })]).await.unwrap();
    assert_eq!(store.incidents(10).await.unwrap()[0].mails, []);
}

#[tokio::test]
async fn transitions_are_kept_together_or_not_at_all() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let Transition::Opened(bad) = opened("i2", "b", 1) else { unreachable!() };
    let bad = Transition::Opened(Opened { mail: Some(mail("another", MailKind::Opened)), ..bad });
    store.record(&[opened("i1", "a", 1), bad]).await.unwrap_err();
    assert_eq!(store.incidents(10).await.unwrap(), []);
    assert_eq!(owed(store).await, [""; 0]);
}

#[tokio::test]
async fn mails_are_owed_in_the_order_asked_for_until_they_are_sent() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    store.record(&[opened("z", "a", 9), opened("b", "b", 1)]).await.unwrap();
    store.record(&[resolved("z", 10), opened("a", "c", 5)]).await.unwrap();
    let all = ["z.Opened@millrace", "b.Opened@millrace", "z.Resolved@millrace", "a.Opened@millrace"];
    assert_eq!(owed(store).await, all);
    assert_eq!(store.owed_mails(1).await.unwrap()[0].0.message_id, all[0]);
    assert_eq!(
        store.owed_mails(1).await.unwrap()[0].1.resolved_at,
        Some(at(10)),
        "the incident as it is now"
    );
    store.mail_sent(all[1], at(20)).await.unwrap();
    store.mail_sent(all[1], at(30)).await.unwrap();
    store.mail_sent("unknown@millrace", at(30)).await.unwrap();
    assert_eq!(owed(store).await, [all[0], all[2], all[3]]);
    let incidents = store.incidents(10).await.unwrap();
    let sent = incidents.iter().find(|incident| incident.id == "b").unwrap();
    assert_eq!(sent.mails[0].sent_at, Some(at(20)), "the first time counts");
}

#[tokio::test]
async fn open_incidents_come_first_then_the_newest() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let life = [
        opened("old open", "a", 1),
        opened("old over", "b", 2),
        resolved("old over", 90),
        opened("new over", "c", 3),
        resolved("new over", 4),
        opened("new open", "d", 2),
    ];
    store.record(&life).await.unwrap();
    let incidents = store.incidents(10).await.unwrap();
    assert_eq!(ids(&incidents), ["new open", "old open", "new over", "old over"]);
    assert_eq!(ids(&store.incidents(1).await.unwrap()), ["new open"]);
}

#[tokio::test]
async fn judging_goes_on_from_the_newest_incident_of_each_subject() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let life = [
        opened("b2", "b", 8),
        resolved("b2", 9),
        opened("a1", "a", 1),
        resolved("a1", 2),
        opened("a2", "a", 5),
        opened("b1", "b", 3),
        resolved("b1", 99),
        opened("c2", "c", 4),
        resolved("c2", 4),
        opened("c1", "c", 4),
    ];
    store.record(&life).await.unwrap();
    let newest = store.newest_per_subject().await.unwrap();
    assert_eq!(ids(&newest), ["a2", "b2", "c1"], "of two that opened at one time, the one recorded last");
    assert_eq!(newest[0].mails, [mail("a2", MailKind::Opened)]);
}
