//! Takes messages from a RabbitMQ queue over AMQP 0-9-1: manual acks, endless reconnect.
//!
//! There is one way to recover: connection, channel and consumer are made anew, from nothing. So every delivery
//! belongs to one connection, and its debt can be paid over no other.

mod acker;
mod connect;
mod deliveries;
mod fields;
mod frontier;
mod message;
mod problem;
mod session;
mod stamps;
mod tap;

use std::time::{Duration, Instant};

use telemetry::Message;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

pub(crate) use self::acker::Debt;
use self::session::Session;
use crate::{AmqpUrl, Backoff, ConnectionStatus, Delivery};

/// Waits for the next try to connect: from the first to the longest.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// What to take over AMQP.
#[derive(Debug, Clone)]
pub struct Queue {
    pub url: AmqpUrl,
    /// It is there already: queues are declared by rabbitmq/definitions.json alone.
    pub name: String,
    /// Messages that the broker sends before the first of them is settled; 0 is without bounds.
    pub prefetch: u16,
    /// Shown in the management UI.
    pub connection_name: String,
}

/// Takes messages until `stop`, then waits until all that was handed over is settled.
///
/// Ends early only when nobody receives any more. A consumer may be silent for hours, where another one is the single
/// active consumer of the queue.
pub async fn consume_queue(
    queue: Queue,
    out: mpsc::Sender<Delivery<Message>>,
    link: watch::Sender<ConnectionStatus>,
    stop: CancellationToken,
) {
    let mut backoff = Backoff::new(FIRST_WAIT, LONGEST_WAIT);
    while let Some(opened) = unless_stopped(&out, &stop, Session::open(&queue)).await {
        let since = Instant::now();
        let (problem, lasted) = match opened {
            Err(problem) => (problem, Duration::ZERO),
            Ok(mut session) => {
                info!(broker = %queue.url, queue = queue.name, "consuming");
                link.send_modify(ConnectionStatus::connected);
                let Some(problem) = unless_stopped(&out, &stop, session.run(&out)).await else {
                    link.send_modify(|link| link.disconnected(None));
                    drop(out);
                    count_lost(&link, session.close().await);
                    return;
                };
                count_lost(&link, session.discard().await);
                (problem, since.elapsed())
            }
        };
        let retry_in = backoff.after(lasted);
        warn!(broker = %queue.url, queue = queue.name, ?retry_in, "no connection: {problem}");
        link.send_modify(|link| link.disconnected(Some(format!("{}: {problem}", queue.url))));
        if unless_stopped(&out, &stop, tokio::time::sleep(retry_in)).await.is_none() {
            return;
        }
    }
}

async fn unless_stopped<T>(
    out: &mpsc::Sender<Delivery<Message>>,
    stop: &CancellationToken,
    work: impl Future<Output = T>,
) -> Option<T> {
    tokio::select! {
        biased;
        () = stop.cancelled() => None,
        () = out.closed() => None,
        done = work => Some(done),
    }
}

fn count_lost(link: &watch::Sender<ConnectionStatus>, lost_acks: u64) {
    if lost_acks > 0 {
        warn!(lost_acks, "acks may not have reached the broker: their messages come again");
        link.send_modify(|link| link.lost_acks += lost_acks);
    }
}
