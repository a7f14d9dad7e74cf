//! One connection, and what it knows of the database behind it.

use std::collections::BTreeSet;

use tokio_postgres::{Client, Error, IsolationLevel, Statement, Transaction};

use super::connect::connect;
use super::migrate;
use super::schema::{Layout, Month};
use super::url::PostgresUrl;
use crate::series::postgres::SeriesIds;

/// How these connections work, whatever the server's defaults are.
///
/// Plans are made for the values at hand: which chunks are left out depends on them. A commit that waits for more than
/// the own disk is left as it is. A query ends soon after its caller has gone away, where the server notices that.
const SETTINGS: &str = "
    SET statement_timeout = '30s';
    SET lock_timeout = '10s';
    SET idle_in_transaction_session_timeout = '30s';
    SET plan_cache_mode = force_custom_plan;
    SET client_min_messages = warning;
    SET timezone = 'UTC';
    SELECT set_config('client_connection_check_interval', '1s', false)
        WHERE current_setting('client_connection_check_interval', true) IS NOT NULL;
    SELECT set_config('synchronous_commit', 'on', false)
        WHERE current_setting('synchronous_commit') IN ('off', 'local', 'remote_write');";

/// A connection to a database whose schema is up to date.
pub(crate) struct Session {
    pub(crate) client: Client,
    pub(crate) layout: Layout,
    pub(crate) series: SeriesIds,
    /// Those that have a partition.
    pub(crate) months: BTreeSet<Month>,
    /// Those that have a chunk, by their beginning in microseconds since 1970.
    pub(crate) days: BTreeSet<i64>,
    /// Prepared when it is first needed.
    pub(crate) copy: Option<Statement>,
    /// The batch before had some: they come in rows, after a crash or from a device that was offline.
    pub(crate) expects_duplicates: bool,
}

impl Session {
    pub(crate) async fn open(url: &PostgresUrl) -> anyhow::Result<Self> {
        let client = connect(url).await?;
        client.batch_execute(SETTINGS).await?;
        migrate::bring_up_to_date(&client, url).await?;
        let layout = layout(&client).await?;
        tracing::debug!(database = %url, ?layout, "connected");
        let (months, days) = (BTreeSet::new(), BTreeSet::new());
        let series = SeriesIds::default();
        Ok(Self { client, layout, series, months, days, copy: None, expects_duplicates: false })
    }

    pub(crate) fn is_open(&self) -> bool {
        !self.client.is_closed()
    }
}

async fn layout(client: &Client) -> Result<Layout, Error> {
    const SELECT: &str = "SELECT relkind = 'p' FROM pg_class WHERE oid = 'readings'::regclass";
    let partitioned: bool = client.query_typed_one(SELECT, &[]).await?.get(0);
    Ok(if partitioned { Layout::Partitions } else { Layout::Hypertable })
}

/// Begins a transaction that reads one unchanging state of the tables.
pub(crate) async fn snapshot(client: &mut Client) -> Result<Transaction<'_>, Error> {
    let transaction = client.build_transaction().read_only(true);
    transaction.isolation_level(IsolationLevel::RepeatableRead).start().await
}
