//! One connection to the broker: carries readings there and counts their PUBACKs.

use std::sync::Arc;
use std::time::Duration;

use broker::{Ack, Outbox, Publisher};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::stream::{Measured, Stream};
use crate::tally::Tally;

/// How long the connection may take to end once all is acked.
const GOODBYE: Duration = Duration::from_secs(1);

/// Publishes readings and forgets none before its PUBACK, however long the broker is away.
///
/// Dropping it gives up what is un-acked.
#[derive(Debug)]
pub(crate) struct Courier {
    publisher: Publisher,
    tally: Arc<Tally>,
    posted: mpsc::UnboundedSender<Posted>,
    connection: AbortOnDropHandle<()>,
    counting: AbortOnDropHandle<()>,
}

/// A message that waits for its PUBACK.
#[derive(Debug)]
struct Posted {
    ack: Ack,
    said: Said,
}

/// What a message said.
#[derive(Debug)]
enum Said {
    Readings {
        stream: Arc<Stream>,
        first_seq: u64,
        count: u64,
    },
    /// Readings that another message says, too.
    Again,
    /// Nothing that can be read.
    Bad,
}

impl Courier {
    pub(crate) fn open(outbox: Outbox, tally: &Arc<Tally>) -> Self {
        let (publisher, connection) = outbox.open();
        // Never longer than the outbox' window.
        let (posted, waiting) = mpsc::unbounded_channel();
        Self {
            publisher,
            tally: Arc::clone(tally),
            posted,
            connection: AbortOnDropHandle::new(tokio::spawn(connection)),
            counting: AbortOnDropHandle::new(tokio::spawn(count(waiting, Arc::clone(tally)))),
        }
    }

    /// Sends readings of one stream as one message; waits while the window is full.
    ///
    /// Dropping the future before it ends sends nothing and uses up no number.
    pub(crate) async fn send(&self, stream: &Arc<Stream>, measured: &[Measured]) {
        let first_seq = stream.next_seq();
        let payload = telemetry::to_payload(&stream.readings(measured));
        let ack = self.publish(stream, payload).await;
        let count = measured.len() as u64;
        stream.advance(count);
        self.tally.sent(count);
        self.count(ack, Said::Readings { stream: Arc::clone(stream), first_seq, count });
    }

    /// Sends the same as one message, twice.
    pub(crate) async fn send_twice(&self, stream: &Arc<Stream>, measured: &[Measured]) {
        let payload = telemetry::to_payload(&stream.readings(measured));
        self.send(stream, measured).await;
        let ack = self.publish(stream, payload).await;
        self.count(ack, Said::Again);
    }

    /// Sends what the pipeline is to reject.
    pub(crate) async fn send_bad(&self, stream: &Stream, payload: Vec<u8>) {
        let ack = self.publish(stream, payload).await;
        self.count(ack, Said::Bad);
    }

    async fn publish(&self, stream: &Stream, payload: Vec<u8>) -> Ack {
        let ack = self.publisher.publish(stream.topic().as_str(), payload.into()).await;
        ack.expect("a message of at most 500 readings fits into a packet")
    }

    fn count(&self, ack: Ack, said: Said) {
        // The receiver ends only when this courier does.
        let _ = self.posted.send(Posted { ack, said });
    }

    /// Waits until all is acked and counted, at most for `grace`, and says goodbye.
    pub(crate) async fn close(self, grace: Option<Duration>) {
        let Self { publisher, posted, connection, counting, .. } = self;
        drop(posted);
        let all_acked = async {
            publisher.close().await;
            // Both end by themselves now; a panic in them has already been told.
            let _ = counting.await;
            let _ = tokio::time::timeout(GOODBYE, connection).await;
        };
        let _ = tokio::time::timeout(grace.unwrap_or(Duration::MAX), all_acked).await;
    }
}

/// Goes on until it is done, told to stop, or out of time; nothing is half sent then.
pub(crate) async fn until_stopped(
    stop: &CancellationToken,
    duration: Option<Duration>,
    producing: impl Future<Output = ()>,
) {
    let _ =
        tokio::time::timeout(duration.unwrap_or(Duration::MAX), stop.run_until_cancelled(producing)).await;
}

/// PUBACKs come in the order of publishing as a rule; one that comes early is counted after those before it.
async fn count(mut waiting: mpsc::UnboundedReceiver<Posted>, tally: Arc<Tally>) {
    while let Some(Posted { ack, said }) = waiting.recv().await {
        let Some(waited) = ack.acked().await else { continue };
        match said {
            Said::Readings { stream, first_seq, count } => tally.acked(&stream, first_seq, count, waited),
            Said::Again => {}
            Said::Bad => tally.bad_acked(),
        }
    }
}
