//! The connection to Valkey, made and remade in the background, so that no request waits for it.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use prometheus_client::metrics::gauge::Gauge;
use redis::aio::MultiplexedConnection;
use redis::{Cmd, FromRedisValue, RedisError};
use service::Metrics;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// How long a request may wait for an answer.
const TIMEOUT: Duration = Duration::from_millis(50);

/// How long it may take to connect, which no request waits for.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// After a failure nothing is asked for this long.
const PAUSE: Duration = Duration::from_secs(2);

/// A connection that is there, or not. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Connection {
    shared: Arc<Shared>,
}

struct Shared {
    /// None while the server is away.
    now: Mutex<Option<MultiplexedConnection>>,
    failed: Notify,
    up: Gauge,
}

impl Connection {
    pub(crate) fn start(client: redis::Client, metrics: &Metrics, stop: CancellationToken) -> Self {
        let up = metrics
            .of("cache")
            .register("up", "Whether limits are shared with other instances through the cache");
        let connection =
            Self { shared: Arc::new(Shared { now: Mutex::default(), failed: Notify::new(), up }) };
        let keeper = connection.clone();
        tokio::spawn(async move { stop.run_until_cancelled(keeper.keep(client)).await });
        connection
    }

    /// The server's answer; None while it is away, or if it does not answer in time.
    pub(crate) async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Option<T> {
        let mut connection = self.now().clone()?;
        match answer(command, &mut connection).await {
            Ok(answer) => Some(answer),
            Err(problem) => {
                self.lose(&problem);
                None
            }
        }
    }

    /// The first that fails says so; all others that were under way fail, too.
    fn lose(&self, problem: &str) {
        if self.now().take().is_some() {
            self.shared.up.set(0);
            warn!("the cache does not answer ({problem}): each instance limits requests for itself");
            self.shared.failed.notify_one();
        }
    }

    /// Connects, and again when the connection was lost.
    async fn keep(&self, client: redis::Client) {
        let mut was_said = false;
        loop {
            match connect(&client).await {
                Ok(connection) => {
                    *self.now() = Some(connection);
                    self.shared.up.set(1);
                    info!("instances share the limits of requests through the cache");
                    self.shared.failed.notified().await;
                    was_said = true;
                }
                Err(problem) if !was_said => {
                    warn!("the cache does not answer ({problem}): each instance limits requests for itself");
                    was_said = true;
                }
                Err(_) => {}
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn now(&self) -> MutexGuard<'_, Option<MultiplexedConnection>> {
        self.shared.now.lock().expect("no code panics while it holds this")
    }
}

/// A connection over which the server has answered: one that is frozen takes connections all the same.
async fn connect(client: &redis::Client) -> Result<MultiplexedConnection, String> {
    let connected = tokio::time::timeout(CONNECT_TIMEOUT, client.get_multiplexed_async_connection());
    let mut connection = connected.await.map_err(|_| late(CONNECT_TIMEOUT))?.map_err(|e| said(&e))?;
    answer::<String>(&redis::cmd("PING"), &mut connection).await?;
    Ok(connection)
}

async fn answer<T: FromRedisValue>(
    command: &Cmd,
    connection: &mut MultiplexedConnection,
) -> Result<T, String> {
    let answered = tokio::time::timeout(TIMEOUT, command.query_async(connection));
    answered.await.map_err(|_| late(TIMEOUT))?.map_err(|e| said(&e))
}

fn late(limit: Duration) -> String {
    format!("no answer within {limit:?}")
}

/// Without what was sent: only the kind of error and what the server says of it.
fn said(error: &RedisError) -> String {
    match error.detail() {
        Some(detail) => format!("{}: {detail}", error.category()),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    /// How long the first hundred questions to a server take, which nobody answers.
    async fn unanswered(address: std::net::SocketAddr) -> Duration {
        let client = redis::Client::open(format!("redis://{address}")).unwrap();
        let (metrics, stop) = (Metrics::default(), CancellationToken::new());
        let connection = Connection::start(client, &metrics, stop.clone());
        tokio::time::sleep(Duration::from_millis(20)).await;
        let begun = Instant::now();
        for _ in 0..100 {
            assert_eq!(connection.ask::<String>(&redis::cmd("PING")).await, None);
        }
        assert!(metrics.text().contains("millrace_cache_up 0\n"), "{}", metrics.text());
        stop.cancel();
        begun.elapsed()
    }

    #[tokio::test]
    async fn a_server_that_is_away_costs_no_time() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let frozen = unanswered(address).await;
        drop(listener);
        let away = unanswered(address).await;
        assert!(frozen < TIMEOUT && away < TIMEOUT, "{frozen:?} {away:?}");
    }
}
