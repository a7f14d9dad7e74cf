//! Connects to the server that the URL names.

use std::time::Duration;

use tokio_postgres::{Client, Config, Error, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::url::PostgresUrl;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long what was sent may stay without an answer from the other machine, before the connection counts as lost.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(10);

/// Silence after which a connection is looked after, and again at this interval.
const KEEPALIVE: Duration = Duration::from_secs(5);

pub(crate) async fn connect(url: &PostgresUrl) -> Result<Client, Error> {
    let mut config: Config = url.config().clone();
    config
        .connect_timeout(config.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT))
        .tcp_user_timeout(TCP_USER_TIMEOUT)
        .keepalives_idle(KEEPALIVE)
        .keepalives_interval(KEEPALIVE)
        .keepalives_retries(2);
    if config.get_application_name().is_none() {
        config.application_name("millrace");
    }
    match url.tls() {
        None => {
            let (client, connection) = config.connect(NoTls).await?;
            follow(connection);
            Ok(client)
        }
        Some(tls) => {
            let connector = MakeRustlsConnect::new(tls.config().as_ref().clone());
            let (client, connection) = config.connect(connector).await?;
            follow(connection);
            Ok(client)
        }
    }
}

/// Drives a connection. It ends with the client, whose calls fail when it ends before.
fn follow(connection: impl Future<Output = Result<(), Error>> + Send + 'static) {
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(error = &error as &dyn std::error::Error, "the connection to the database broke");
        }
    });
}
