use super::*;
use crate::server::packet::Qos;
use crate::server::topic::matches;

const OPTIONS: Options =
    Options { qos: Qos::AtLeastOnce, no_local: false, retain_as_published: false, identifier: 0 };

fn subscribe(router: &mut Router<()>, filter: &str, session: u64) {
    router.subscribe(Target::parse(filter).unwrap(), Subscriber { session, reach: (), options: OPTIONS });
}

fn unsubscribe(router: &mut Router<()>, filter: &str, session: u64) {
    router.unsubscribe(Target::parse(filter).unwrap(), session);
}

fn found(router: &Router<()>, topic: &str) -> Vec<u64> {
    let mut found = Vec::new();
    router.matching(topic, |_, _| 0, |subscriber, _| found.push(subscriber.session));
    found.sort_unstable();
    found
}

#[test]
fn the_tree_finds_what_comparing_finds() {
    let filters = [
        "#", "+", "+/+", "+/#", "a", "a/#", "a/+", "a/b", "a/+/c", "a/b/#", "/", "/+", "+/", "a//b",
        "$SYS/#", "$SYS/+", "+/b",
    ];
    let topics = ["a", "b", "a/b", "a/b/c", "/", "/a", "a/", "a//b", "$SYS/a", "$SYS", "a/b/c/d", "//"];
    let mut router = Router::default();
    for (session, filter) in filters.iter().enumerate() {
        subscribe(&mut router, filter, session as u64);
    }
    for topic in topics {
        let all = (0..).zip(filters);
        let expected: Vec<u64> =
            all.filter(|(_, filter)| matches(filter, topic)).map(|(session, _)| session).collect();
        assert_eq!(found(&router, topic), expected, "{topic}");
    }
}

#[test]
fn one_session_subscribes_to_a_filter_once() {
    let mut router = Router::default();
    subscribe(&mut router, "a/+", 1);
    subscribe(&mut router, "a/+", 1);
    subscribe(&mut router, "a/+", 2);
    assert_eq!((router.len(), found(&router, "a/b")), (2, vec![1, 2]));
    unsubscribe(&mut router, "a/+", 1);
    unsubscribe(&mut router, "a/+", 1);
    unsubscribe(&mut router, "never/there", 1);
    assert_eq!((router.len(), found(&router, "a/b")), (1, vec![2]));
    unsubscribe(&mut router, "a/+", 2);
    assert!(router.root.is_empty(), "what is empty is pruned");
}

#[test]
fn a_group_gets_each_message_once() {
    let mut router = Router::default();
    for session in [1, 2] {
        subscribe(&mut router, "$share/g/a", session);
    }
    subscribe(&mut router, "$share/h/a", 3);
    subscribe(&mut router, "a", 1);
    let mut found = Vec::new();
    router.matching("a", |members, _| members.len() - 1, |subscriber, _| found.push(subscriber.session));
    found.sort_unstable();
    assert_eq!(found, [1, 2, 3]);
    unsubscribe(&mut router, "$share/g/a", 1);
    unsubscribe(&mut router, "$share/g/a", 2);
    unsubscribe(&mut router, "$share/h/a", 3);
    unsubscribe(&mut router, "a", 1);
    assert!(router.root.is_empty());
}

#[test]
fn each_group_has_turns_of_its_own() {
    let mut router = Router::default();
    for (group, sessions) in [("g", 1..=3), ("h", 4..=5)] {
        for session in sessions {
            subscribe(&mut router, &format!("$share/{group}/a"), session);
        }
    }
    let mut heard = Vec::new();
    for _ in 0..6 {
        let choose = |members: &[Subscriber<()>], turn: usize| turn % members.len();
        router.matching("a", choose, |subscriber, _| heard.push(subscriber.session));
    }
    heard.sort_unstable();
    assert_eq!(heard, [1, 1, 2, 2, 3, 3, 4, 4, 4, 5, 5, 5]);
}

#[test]
fn many_filters_cost_a_publish_no_more_than_few() {
    let visited = |filters: u64| {
        let mut router = Router::default();
        for session in 0..filters {
            for filter in [
                format!("+/device{session}/#"),
                format!("temperature/device{session}"),
                format!("$share/g{session}/+/+/of{session}"),
                format!("other{session}/#"),
            ] {
                subscribe(&mut router, &filter, session);
            }
        }
        let mut matched = Vec::new();
        let visited = router.matching(
            "temperature/device7/x",
            |_, _| 0,
            |subscriber, _| matched.push(subscriber.session),
        );
        assert_eq!(matched, [7], "{filters}");
        visited
    };
    // Counted, not timed: of the tree only the nodes on the way of the topic's own levels are visited.
    assert_eq!((visited(10), visited(12_500)), (6, 6));
}
