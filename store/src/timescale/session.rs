//! One connection, and what it knows of the database behind it.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio_postgres::{Client, Config, Error, NoTls, Statement};

use super::PostgresUrl;
use super::migrate;
use super::partitions::Month;
use super::series::SeriesIds;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long what was sent may stay without an answer from the other machine, before the connection counts as lost.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(10);

/// Silence after which a connection is looked after, and again at this interval.
const KEEPALIVE: Duration = Duration::from_secs(5);

/// How these connections work, whatever the server's defaults are.
///
/// Plans are made for the values at hand: which chunks are left out depends on them. A commit that waits for more than
/// the own disk is left as it is.
const SETTINGS: &str = "
    SET statement_timeout = '30s';
    SET lock_timeout = '10s';
    SET idle_in_transaction_session_timeout = '30s';
    SET plan_cache_mode = force_custom_plan;
    SET client_min_messages = warning;
    SET timezone = 'UTC';
    SELECT set_config('synchronous_commit', 'on', false)
        WHERE current_setting('synchronous_commit') IN ('off', 'local', 'remote_write');";

/// What `readings` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// TimescaleDB makes its chunks.
    Hypertable,
    /// The writers make its partitions.
    Partitions,
}

/// A connection to a database whose schema is up to date.
pub(super) struct Session {
    pub(super) client: Client,
    pub(super) layout: Layout,
    pub(super) series: SeriesIds,
    /// Those that have a partition.
    pub(super) months: BTreeSet<Month>,
    /// Prepared when it is first needed.
    pub(super) copy: Option<Statement>,
    /// The batch before had some: they come in rows, after a crash or from a device that was offline.
    pub(super) expects_duplicates: bool,
}

impl Session {
    pub(super) async fn open(url: &PostgresUrl) -> anyhow::Result<Self> {
        let client = connect(url).await?;
        client.batch_execute(SETTINGS).await?;
        migrate::bring_up_to_date(&client, url).await?;
        let layout = layout(&client).await?;
        tracing::debug!(database = %url, ?layout, "connected");
        let (series, months) = (SeriesIds::default(), BTreeSet::new());
        Ok(Self { client, layout, series, months, copy: None, expects_duplicates: false })
    }

    pub(super) fn is_open(&self) -> bool {
        !self.client.is_closed()
    }
}

pub(super) async fn connect(url: &PostgresUrl) -> Result<Client, Error> {
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
    let (client, connection) = config.connect(NoTls).await?;
    // Ends with the client, whose calls fail when it ends before.
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(error = &error as &dyn std::error::Error, "the connection to the database broke");
        }
    });
    Ok(client)
}

async fn layout(client: &Client) -> Result<Layout, Error> {
    const SELECT: &str = "SELECT relkind = 'p' FROM pg_class WHERE oid = 'readings'::regclass";
    let partitioned: bool = client.query_typed_one(SELECT, &[]).await?.get(0);
    Ok(if partitioned { Layout::Partitions } else { Layout::Hypertable })
}
