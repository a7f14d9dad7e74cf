//! Which incidents are given, and in which order.

use store::{
    Acknowledgement, Incident, IncidentCursor, IncidentQuery, IncidentSummary, Severity, Transition,
};

use super::incidents::{all, all_incidents, incident, opened, record, resolved};
use super::{at, fresh};

fn ids(incidents: &[Incident]) -> Vec<&str> {
    incidents.iter().map(|incident| incident.id.as_str()).collect()
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
        opened("newer open", "e", 2),
    ];
    record(store, &life).await;
    let expected = ["newer open", "new open", "old open", "new over", "old over"];
    assert_eq!(ids(&all(store).await), expected, "of two that opened at one time, the one recorded last");
    for (limit, shown) in [(0, 1), (1, 1), (2, 2), (usize::MAX, 5)] {
        let incidents = store.incidents(&IncidentQuery { limit, ..all_incidents() }).await.unwrap();
        assert_eq!(ids(&incidents), expected[..shown]);
    }
}

#[tokio::test]
async fn incidents_are_found_by_what_they_are() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let warning = Incident {
        rule: "too cold".into(),
        metric: "humidity".into(),
        severity: Severity::Warning,
        ..incident("i3", "c", 3)
    };
    let life = [
        opened("i1", "a", 1),
        opened("i2", "b", 2),
        Transition::Opened(Box::new(warning), Vec::new()),
        resolved("i2", 4),
    ];
    record(store, &life).await;
    let known = Acknowledgement { at: at(5), by: "me".into(), note: String::new() };
    assert_eq!(store.acknowledge(&["i1".into()], &known).await.unwrap(), 1);
    let text = |text: &str| Some(text.to_owned());
    for (query, found) in [
        (all_incidents(), vec!["i3", "i1", "i2"]),
        (IncidentQuery { id: text("i2"), ..all_incidents() }, vec!["i2"]),
        (IncidentQuery { id: text("i"), ..all_incidents() }, vec![]),
        (IncidentQuery { rule: text("too hot"), ..all_incidents() }, vec!["i1", "i2"]),
        (IncidentQuery { metric: text("humidity"), ..all_incidents() }, vec!["i3"]),
        (IncidentQuery { severity: Some(Severity::Critical), ..all_incidents() }, vec!["i1", "i2"]),
        (IncidentQuery { severity: Some(Severity::Info), ..all_incidents() }, vec![]),
        (IncidentQuery { open: Some(true), ..all_incidents() }, vec!["i3", "i1"]),
        (IncidentQuery { open: Some(false), ..all_incidents() }, vec!["i2"]),
        (IncidentQuery { acknowledged: Some(true), ..all_incidents() }, vec!["i1"]),
        (IncidentQuery { acknowledged: Some(false), ..all_incidents() }, vec!["i3", "i2"]),
        (IncidentQuery { rule: text("too hot"), open: Some(true), ..all_incidents() }, vec!["i1"]),
    ] {
        assert_eq!(ids(&store.incidents(&query).await.unwrap()), found, "{query:?}");
    }
}

#[tokio::test]
async fn incidents_come_page_by_page_while_they_resolve() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let life: Vec<_> = (0..7).map(|i| opened(&format!("i{i}"), "a", 1 + i / 3)).collect();
    record(store, &life).await;
    record(store, &[resolved("i1", 9)]).await;
    let whole = store.incidents(&all_incidents()).await.unwrap();
    let page = async |after: Option<&Incident>, query: IncidentQuery| {
        let after = after.map(|last| IncidentCursor::after(last).to_string().parse().unwrap());
        let query = IncidentQuery { after, limit: 2, ..query };
        let page = store.incidents(&query).await.unwrap();
        let summaries = store.incident_summaries(&query).await.unwrap();
        assert_eq!(summaries.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ids(&page));
        page
    };
    for query in [all_incidents(), IncidentQuery { open: Some(true), ..all_incidents() }] {
        let (mut pages, mut last) = (Vec::new(), None);
        loop {
            let next = page(last.as_ref(), query.clone()).await;
            let Some(end) = next.last() else { break };
            last = Some(end.clone());
            pages.extend(next);
        }
        assert_eq!(pages, store.incidents(&query).await.unwrap());
    }
    let second = page(Some(&whole[1]), all_incidents()).await;
    assert_eq!(ids(&second), ids(&whole[2..4]));
    // The last of the page before resolves: what comes after it is the same.
    record(store, &[resolved(&whole[1].id, 20)]).await;
    assert_eq!(page(Some(&whole[1]), all_incidents()).await, second);
    let resolved_ones = page(Some(&whole[5]), all_incidents()).await;
    assert_eq!(ids(&resolved_ones), [whole[1].id.as_str(), "i1"]);
}

#[tokio::test]
async fn summaries_say_what_is_counted() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    record(store, &[opened("i1", "a", 1), opened("i2", "b", 2), resolved("i2", 4)]).await;
    let known = Acknowledgement { at: at(5), by: "me".into(), note: String::new() };
    store.acknowledge(&["i1".into()], &known).await.unwrap();
    let of = |incident: &Incident, open, acknowledged| IncidentSummary {
        id: incident.id.clone(),
        rule: incident.rule.clone(),
        severity: incident.severity,
        device: incident.device.clone(),
        metric: incident.metric.clone(),
        opened_at: incident.opened_at,
        open,
        acknowledged,
    };
    let expected = [of(&incident("i1", "a", 1), true, true), of(&incident("i2", "b", 2), false, false)];
    assert_eq!(store.incident_summaries(&all_incidents()).await.unwrap(), expected);
}

#[tokio::test]
async fn incidents_are_found_by_the_pattern_of_their_device() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let devices = ["lab", "lab2", "site-a", "site-a/r1", "site-a/r1/top", "site-ab/r1", "site-b/r1/top"];
    let life: Vec<_> = (1..).zip(devices).map(|(i, device)| opened(device, device, i)).collect();
    record(store, &life).await;
    for filter in ["#", "lab", "+", "site-a/#", "site-a/+", "+/r1", "+/r1/#", "+/+/+", "site-a/+/top", "x/#"]
    {
        let filter: telemetry::Filter = filter.parse().unwrap();
        let query = |limit| IncidentQuery { device: Some(filter.clone()), limit, ..all_incidents() };
        let expected: Vec<_> = devices.into_iter().rev().filter(|device| filter.matches(device)).collect();
        assert_eq!(ids(&store.incidents(&query(100)).await.unwrap()), expected, "{filter}");
        let first = store.incidents(&query(1)).await.unwrap();
        assert_eq!(ids(&first), expected[..expected.len().min(1)], "{filter}");
    }
}

#[tokio::test]
async fn incidents_are_found_by_when_they_were_open() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let life = [
        opened("10 to 20", "a", 10),
        resolved("10 to 20", 20),
        opened("30 to 30", "b", 30),
        resolved("30 to 30", 30),
        opened("from 40", "c", 40),
    ];
    record(store, &life).await;
    for (from, to, found) in [
        (None, None, vec!["from 40", "30 to 30", "10 to 20"]),
        (Some(19), None, vec!["from 40", "30 to 30", "10 to 20"]),
        (Some(20), None, vec!["from 40", "30 to 30"]),
        (Some(30), None, vec!["from 40", "30 to 30"]),
        (Some(31), None, vec!["from 40"]),
        (Some(99), None, vec!["from 40"]),
        (None, Some(10), vec![]),
        (None, Some(11), vec!["10 to 20"]),
        (Some(15), Some(16), vec!["10 to 20"]),
        (Some(20), Some(30), vec![]),
    ] {
        let query = IncidentQuery { from: from.map(at), to: to.map(at), ..all_incidents() };
        assert_eq!(ids(&store.incidents(&query).await.unwrap()), found, "{from:?} {to:?}");
    }
}

#[tokio::test]
async fn those_that_are_open_are_counted_however_many_are_asked_for() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    assert_eq!(store.open_count().await.unwrap(), 0);
    let many: Vec<_> = (0..150).map(|i| opened(&format!("i{i}"), &format!("d{i}"), i + 1)).collect();
    record(store, &many).await;
    assert_eq!((store.open_count().await.unwrap(), all(store).await.len()), (150, 100));
    record(store, &[resolved("i7", 200), resolved("i8", 200)]).await;
    assert_eq!(store.open_count().await.unwrap(), 148);
}
