use bytes::Bytes;

use super::*;
use crate::server::packet::Forwarded;

fn message(name: &str, qos: Qos) -> Outgoing {
    let forwarded = Forwarded::default();
    let publication = Publication::new(name.into(), Bytes::new(), qos, false, &forwarded);
    Outgoing { publication: Arc::new(publication), qos, retain: false, identifiers: Vec::new() }
}

/// What is sent until nothing more may be, such as `a1` for `a` with id 1, `a1!` when it is sent again, and `rel1`.
fn sent(queue: &mut ClientQueue, window: usize) -> Vec<String> {
    let next = std::iter::from_fn(|| queue.next(window, Instant::now()));
    next.map(|next| match next {
        Next::Publish { message, packet_id, duplicate } => {
            format!("{}{packet_id}{}", message.publication.topic, if duplicate { "!" } else { "" })
        }
        Next::Pubrel(packet_id) => format!("rel{packet_id}"),
    })
    .collect()
}

#[test]
fn a_client_gets_no_more_than_it_takes() {
    let mut queue = ClientQueue::default();
    for name in ["a", "b", "c"] {
        queue.push(message(name, Qos::AtLeastOnce));
    }
    queue.push(message("d", Qos::AtMostOnce));
    assert_eq!(sent(&mut queue, 2), ["a1", "b2"]);
    assert!(queue.acknowledged(2) && !queue.acknowledged(2));
    assert_eq!(sent(&mut queue, 2), ["c3", "d0"], "in order, and an id is not used twice in a row");
    assert!(queue.acknowledged(1) && queue.acknowledged(3));
    assert_eq!((queue.len(), queue.bytes()), (0, 0));
}

#[test]
fn what_is_not_acknowledged_is_sent_again_in_order() {
    let mut queue = ClientQueue::default();
    for name in ["a", "b", "c"] {
        queue.push(message(name, Qos::ExactlyOnce));
    }
    queue.push(message("d", Qos::AtMostOnce));
    assert_eq!(sent(&mut queue, 2), ["a1", "b2"]);
    assert!(queue.received(2));
    queue.reconnected();
    assert_eq!(sent(&mut queue, 2), ["a1!", "rel2"], "quality 0 is gone");
    assert!(queue.received(1) && queue.completed(1) && queue.completed(2));
    assert_eq!(sent(&mut queue, 2), ["c3"]);
    assert!(queue.refused(3));
    assert_eq!((queue.len(), queue.bytes()), (0, 0));
}

#[test]
fn an_acknowledgement_of_another_kind_completes_nothing() {
    let mut queue = ClientQueue::default();
    queue.push(message("a", Qos::AtLeastOnce));
    queue.push(message("b", Qos::ExactlyOnce));
    assert_eq!(sent(&mut queue, 9), ["a1", "b2"]);
    assert!(!queue.received(1) && !queue.refused(1) && !queue.completed(1));
    assert!(!queue.acknowledged(2) && !queue.completed(2));
    queue.reconnected();
    assert_eq!(sent(&mut queue, 9), ["a1!", "b2!"]);
    assert!(queue.received(2) && !queue.refused(2) && !queue.acknowledged(2));
    queue.reconnected();
    assert_eq!(sent(&mut queue, 9), ["a1!", "rel2"]);
    assert!(queue.acknowledged(1) && queue.completed(2) && queue.len() == 0);
}

#[test]
fn an_acknowledgement_amid_repeating_skips_nothing() {
    let mut queue = ClientQueue::default();
    for name in ["a", "b", "c"] {
        queue.push(message(name, Qos::AtLeastOnce));
    }
    assert_eq!(sent(&mut queue, 3).len(), 3);
    queue.reconnected();
    assert!(matches!(queue.next(3, Instant::now()), Some(Next::Publish { packet_id: 1, .. })));
    assert!(queue.acknowledged(1));
    assert_eq!(sent(&mut queue, 3), ["b2!", "c3!"]);
}

#[test]
fn ids_wrap_and_avoid_those_in_use() {
    let mut queue = ClientQueue { last_id: u16::MAX - 1, ..ClientQueue::default() };
    queue.restore_sent(1, None);
    queue.last_id = u16::MAX - 1;
    for name in ["a", "b"] {
        queue.push(message(name, Qos::AtLeastOnce));
    }
    assert_eq!(sent(&mut queue, 10), ["rel1", "a65535", "b2"]);
}

#[tokio::test(start_paused = true)]
async fn what_expires_while_it_waits_is_not_sent() {
    let forwarded = Forwarded { expiry: Some(5), ..Forwarded::default() };
    let publication = Publication::new("a".into(), Bytes::new(), Qos::AtLeastOnce, false, &forwarded);
    let publication = Arc::new(publication);
    assert_eq!(publication.expiry(Instant::now()), Some(5));
    let mut queue = ClientQueue::default();
    queue.push(Outgoing { publication, qos: Qos::AtLeastOnce, retain: false, identifiers: Vec::new() });
    tokio::time::advance(std::time::Duration::from_secs(5)).await;
    assert!(sent(&mut queue, 1).is_empty());
    assert_eq!((queue.len(), queue.bytes()), (0, 0));
}

#[test]
fn what_is_sent_again_keeps_to_a_smaller_window() {
    let mut queue = ClientQueue::default();
    for name in ["a", "b", "c"] {
        queue.push(message(name, Qos::AtLeastOnce));
    }
    assert_eq!(sent(&mut queue, 3), ["a1", "b2", "c3"]);
    queue.reconnected();
    assert_eq!(sent(&mut queue, 1), ["a1!"]);
    assert!(queue.acknowledged(1));
    assert_eq!(sent(&mut queue, 1), ["b2!"]);
}
