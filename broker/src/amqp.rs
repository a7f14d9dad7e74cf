//! Receives messages from a RabbitMQ queue over AMQP 0-9-1: manual acks, endless reconnect.
//!
//! There is one way to recover: connection, channel and consumer are made anew, from nothing. So every delivery
//! belongs to one connection and can be acked over no other.

mod ack;
mod connect;
mod dedup;
mod deliveries;
mod demux;
mod fields;
mod message;
mod problem;
mod session;
mod window;

use std::time::{Duration, Instant};

use crate::published::Published;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

pub(crate) use self::ack::Ack;
use self::session::Session;
use crate::backoff::Backoff;
use crate::connection_status::ConnectionStatus;
use crate::url::AmqpUrl;

/// The first and the longest wait before the next try to connect.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The queue to consume over AMQP.
#[derive(Debug, Clone)]
pub struct Queue {
    /// The broker.
    pub url: AmqpUrl,
    /// The queue. It must exist: queues are declared by rabbitmq/definitions.json alone.
    pub name: String,
    /// Most unsettled messages, 0 to 65,535; 0 is no limit.
    pub prefetch: u16,
    /// The name that RabbitMQ's management page shows.
    pub connection_name: String,
}

/// Receives messages until `stop`, then waits until everything that was handed over is settled.
pub(crate) async fn consume<D: From<(Published, Ack)>>(
    queue: Queue,
    out: mpsc::Sender<D>,
    status: watch::Sender<ConnectionStatus>,
    stop: CancellationToken,
) {
    let mut backoff = Backoff::new(FIRST_WAIT, LONGEST_WAIT);
    while let Some(opened) = unless_stopped(&out, &stop, Session::open(&queue)).await {
        let since = Instant::now();
        let (problem, lasted) = match opened {
            Err(problem) => (problem, Duration::ZERO),
            Ok(mut session) => {
                info!(broker = %queue.url, queue = queue.name, "consuming");
                status.send_modify(ConnectionStatus::connected);
                let Some(problem) = unless_stopped(&out, &stop, session.run(&out)).await else {
                    status.send_modify(|status| status.disconnected(None));
                    drop(out);
                    count_lost(&status, session.close().await);
                    return;
                };
                count_lost(&status, session.discard().await);
                (problem, since.elapsed())
            }
        };
        let retry_in = backoff.after(lasted);
        warn!(broker = %queue.url, queue = queue.name, ?retry_in, "no connection: {problem}");
        status.send_modify(|status| status.disconnected(Some(format!("{}: {problem}", queue.url))));
        if unless_stopped(&out, &stop, tokio::time::sleep(retry_in)).await.is_none() {
            return;
        }
    }
}

async fn unless_stopped<D, T>(
    out: &mpsc::Sender<D>,
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

fn count_lost(status: &watch::Sender<ConnectionStatus>, lost_acks: u64) {
    if lost_acks > 0 {
        warn!(lost_acks, "acks may not have reached the broker: their messages come again");
        status.send_modify(|status| status.lost_acks += lost_acks);
    }
}
