//! One connection, channel and consumer, from nothing to their end.

use std::time::Duration;

use crate::published::Published;
use futures_util::{Stream, StreamExt};
use lapin::options::{BasicCancelOptions, BasicConsumeOptions, BasicQosOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, Consumer, Event};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::Queue;
use super::ack::{Ack, Acker, Settlements};
use super::connect::{Connected, OpenSocket, connect};
use super::deliveries::RawDelivery;
use super::problem::{Problem, explained};
use crate::ack::new_session;

/// How long it may take to connect and start to consume.
const STARTING: Duration = Duration::from_secs(5);

/// How long the closing handshake may take.
const CLOSING: Duration = Duration::from_secs(1);

/// The pause for more messages to gather when all have been handed over: a wake-up costs more than reading a message.
const GATHERING: Duration = Duration::from_millis(1);

/// A consumer with its connection; dropping it closes the socket.
pub(super) struct Session<'a> {
    queue: &'a Queue,
    /// Only ever ends: its deliveries are among the deliveries.
    consumer: Consumer,
    deliveries: mpsc::UnboundedReceiver<RawDelivery>,
    channel: Channel,
    connection: Connection,
    _socket: OpenSocket,
    events: Box<dyn Stream<Item = Event> + Send + Unpin>,
    number: u64,
    settlements: Settlements,
    gone: CancellationToken,
    acker: JoinHandle<u64>,
}

impl<'a> Session<'a> {
    /// Connects, checks that the queue exists, and consumes.
    pub(super) async fn open(queue: &'a Queue) -> Result<Self, Problem> {
        timeout(STARTING, Self::start(queue))
            .await
            .unwrap_or_else(|_| Err(format!("no answer within {STARTING:?}")))
    }

    async fn start(queue: &'a Queue) -> Result<Self, Problem> {
        let Connected { connection, socket, deliveries } = connect(queue).await?;
        let events = Box::new(connection.events_listener());
        let explained = |e: lapin::Error| explained(&e, queue);
        let channel = connection.create_channel().await.map_err(explained)?;
        let consumer = consume(&channel, queue).await.map_err(explained)?;
        let (settlements, settled) = mpsc::unbounded_channel();
        let gone = CancellationToken::new();
        let acker = tokio::spawn(Acker::new(channel.clone()).run(settled, gone.clone()));
        let number = new_session();
        Ok(Self {
            queue,
            consumer,
            deliveries,
            channel,
            connection,
            _socket: socket,
            events,
            number,
            settlements,
            gone,
            acker,
        })
    }

    /// Hands over until the connection is lost.
    pub(super) async fn run<D: From<(Published, Ack)>>(&mut self, out: &mpsc::Sender<D>) -> Problem {
        let Self { queue, consumer, deliveries, events, number, settlements, .. } = self;
        let ack = |tag| Ack::new(tag, *number, settlements);
        // Poll for connection loss first: deliveries read before it can no longer be acked.
        let failure = tokio::select! {
            biased;
            e = failure(events) => Some(e),
            e = ended(consumer) => e,
            () = hand_over(deliveries, ack, out) => None,
        };
        match failure {
            Some(e) => explained(&e, queue),
            None => "the broker ended the consumer: was the queue deleted, or a message held for longer than its consumer_timeout?".to_owned(),
        }
    }

    /// Waits until everything handed over is settled and acked, and closes the connection. Returns how many acks may be
    /// lost.
    pub(super) async fn close(self) -> u64 {
        let Self { consumer, channel, connection, _socket, settlements, acker, .. } = self;
        let _ = timeout(CLOSING, channel.basic_cancel(consumer.tag(), BasicCancelOptions::default())).await;
        drop(settlements);
        let lost_acks = finished(acker).await;
        let closed = async {
            let _ = channel.close(200, "stopped".into()).await;
            let _ = connection.close(200, "stopped".into()).await;
        };
        let _ = timeout(CLOSING, closed).await;
        lost_acks
    }

    /// Gives up a lost connection: from now on settling fails. Returns how many acks may be lost.
    pub(super) async fn discard(self) -> u64 {
        self.gone.cancel();
        finished(self.acker).await
    }
}

async fn finished(acker: JoinHandle<u64>) -> u64 {
    // Only the end of the process aborts it.
    acker.await.unwrap_or_default()
}

async fn failure(events: &mut (impl Stream<Item = Event> + Unpin)) -> lapin::Error {
    loop {
        match events.next().await {
            Some(Event::Error(e)) => return e,
            Some(_) => {}
            // The consumer ends as well, and says why.
            None => std::future::pending().await,
        }
    }
}

/// Waits until the broker ends the consumer, or says why it cannot go on.
async fn ended(consumer: &mut Consumer) -> Option<lapin::Error> {
    consumer.next().await.and_then(Result::err)
}

/// Hands over until the connection ends or the receiver is dropped.
async fn hand_over<D: From<(Published, Ack)>>(
    deliveries: &mut mpsc::UnboundedReceiver<RawDelivery>,
    ack: impl Fn(u64) -> Ack,
    out: &mpsc::Sender<D>,
) {
    while let Some(RawDelivery { tag, message }) = deliveries.recv().await {
        // The ack is made when the delivery is handed over: closing requeues what still waits here.
        let Ok(room) = out.reserve().await else { break };
        room.send((message, ack(tag)).into());
        if deliveries.is_empty() {
            sleep(GATHERING).await;
        }
    }
    // The caller polls what ended it, and learns why.
    std::future::pending::<()>().await;
}

async fn consume(channel: &Channel, queue: &Queue) -> lapin::Result<Consumer> {
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(queue.name.as_str().into(), passive, FieldTable::default()).await?;
    channel.basic_qos(queue.prefetch, BasicQosOptions::default()).await?;
    let manual_acks = BasicConsumeOptions::default();
    let tag = queue.connection_name.as_str().into();
    channel.basic_consume(queue.name.as_str().into(), tag, manual_acks, FieldTable::default()).await
}
