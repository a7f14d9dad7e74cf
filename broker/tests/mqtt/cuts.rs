//! The line is cut at every possible moment, and nothing is lost, mistaken or reordered.

use bytes::Bytes;
use rumqttc::mqttbytes::v4::{Packet, PubAck};
use tokio::task::JoinSet;

use crate::scripted::{Line, Scripted, connack, joined, text, within};

/// Enough for two lines to take a whole window each.
const PUBLISHES: usize = 10;

/// Fewer than publishes, so that some wait for room while the line is cut.
const WINDOW: u16 = 4;

/// When a line is cut; the k-th counts from 1.
#[derive(Debug, Clone, Copy)]
enum Cut {
    BeforeConnAck,
    WithinConnAck,
    AfterConnAck,
    /// Nothing is acked before.
    AfterPublish(usize),
    /// All before are acked.
    WithinPubAck(usize),
    AfterPubAck(usize),
    /// The k-th is acked alone: the older ones stay un-acked.
    AfterEarlyPubAck(usize),
    AfterPubAckTwice(usize),
}

/// Cuts at up to so many publishes.
fn cuts(publishes: usize) -> Vec<Cut> {
    let mut cuts = vec![Cut::BeforeConnAck, Cut::WithinConnAck, Cut::AfterConnAck];
    for k in 1..=publishes {
        cuts.extend([
            Cut::AfterPublish(k),
            Cut::WithinPubAck(k),
            Cut::AfterPubAck(k),
            Cut::AfterEarlyPubAck(k),
            Cut::AfterPubAckTwice(k),
        ]);
    }
    cuts
}

impl Cut {
    /// Plays the line until it is cut; what arrived on it.
    async fn play(self, mut line: Line, session_present: bool) -> Vec<String> {
        match self {
            Self::BeforeConnAck => return Vec::new(),
            Self::WithinConnAck => {
                line.say_half(&connack(session_present)).await;
                return Vec::new();
            }
            _ => line.say(&connack(session_present)).await,
        }
        match self {
            Self::AfterPublish(k) => line.publishes(k).await.1,
            Self::WithinPubAck(k) => {
                let mut arrived = acked(&mut line, k - 1).await;
                let publish = line.publish().await;
                line.say_half(&Packet::PubAck(PubAck { pkid: publish.pkid })).await;
                arrived.push(text(&publish.payload));
                arrived
            }
            Self::AfterPubAck(k) => acked(&mut line, k).await,
            Self::AfterEarlyPubAck(k) => {
                let (pkids, arrived) = line.publishes(k).await;
                line.puback(pkids[k - 1]).await;
                arrived
            }
            Self::AfterPubAckTwice(k) => {
                let (pkids, arrived) = line.publishes(k).await;
                line.puback(pkids[k - 1]).await;
                line.puback(pkids[k - 1]).await;
                arrived
            }
            _ => Vec::new(),
        }
    }
}

async fn acked(line: &mut Line, count: usize) -> Vec<String> {
    let mut arrived = Vec::new();
    for _ in 0..count {
        let publish = line.publish().await;
        line.puback(publish.pkid).await;
        arrived.push(text(&publish.payload));
    }
    arrived
}

/// Two lines are cut, the third one serves.
async fn survives(first: Cut, second: Cut, session_present: bool) {
    let broker = Scripted::bind().await;
    let (publisher, connection) = broker.outbox(WINDOW, None);
    let sender = publisher.clone();
    let publishing = tokio::spawn(async move {
        let mut acks = Vec::new();
        for n in 0..PUBLISHES {
            acks.push(
                sender.publish("temperature/lab", Bytes::from(n.to_string())).await.expect("a short payload"),
            );
        }
        for ack in acks {
            assert!(ack.acked().await.is_some());
        }
    });
    let mut arrived = first.play(broker.accept().await, session_present).await;
    arrived.extend(second.play(broker.accept().await, session_present).await);
    let served = tokio::spawn(broker.welcome(session_present).await.serve());
    joined("every ack", publishing).await;
    assert_eq!((publisher.unacked().count, publisher.unacked().oldest), (0, None));
    within("close", publisher.close()).await;
    joined("the connection's end", connection).await;
    arrived.extend(joined("goodbye", served).await.iter().map(|publish| text(&publish.payload)));
    assert_eq!(first_arrivals(arrived), (0..PUBLISHES).map(|n| n.to_string()).collect::<Vec<_>>());
}

fn first_arrivals(arrived: Vec<String>) -> Vec<String> {
    let mut first = Vec::new();
    for text in arrived {
        if !first.contains(&text) {
            first.push(text);
        }
    }
    first
}

async fn all_survive(session_present: bool) {
    let mut cases = JoinSet::new();
    for first in cuts(usize::from(WINDOW)) {
        // An early ack leaves a hole in the window: one publish less.
        for second in cuts(usize::from(WINDOW) - 1) {
            cases.spawn(async move {
                let case = tokio::spawn(survives(first, second, session_present));
                case.await.unwrap_or_else(|e| panic!("{first:?}, then {second:?}: {e}"));
            });
        }
    }
    cases.join_all().await;
}

#[tokio::test]
async fn every_two_cuts_are_survived_without_a_session() {
    all_survive(false).await;
}

#[tokio::test]
async fn every_two_cuts_are_survived_with_a_session() {
    all_survive(true).await;
}
