//! Brings the schema up to date: one migration, one transaction.

use anyhow::{Context, bail, ensure};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error};

use super::connect::connect;
use super::problem::explain;
use super::schema::LOCK;
use super::url::PostgresUrl;

/// In order; the schema's version is how many of them were applied.
const MIGRATIONS: [Migration; 28] = [
    Migration::Always(include_str!("migrations/0001_schema.sql")),
    Migration::Either {
        hypertable: include_str!("migrations/0002_hypertable.sql"),
        partitions: include_str!("migrations/0002_partitions.sql"),
    },
    Migration::Always(include_str!("migrations/0003_temperature.sql")),
    Migration::Soft(include_str!("migrations/0004_columnstore.sql")),
    Migration::Always(include_str!("migrations/0005_alerting.sql")),
    Migration::Always(include_str!("migrations/0006_resent.sql")),
    Migration::Always(include_str!("migrations/0007_stored_at.sql")),
    Migration::Always(include_str!("migrations/0008_kinds.sql")),
    Migration::Always(include_str!("migrations/0009_terms.sql")),
    Migration::Always(include_str!("migrations/0010_quota.sql")),
    Migration::Always(include_str!("migrations/0011_retention.sql")),
    Migration::Always(include_str!("migrations/0012_announced.sql")),
    Migration::Always(include_str!("migrations/0013_clock.sql")),
    Migration::Always(include_str!("migrations/0014_announcements.sql")),
    Migration::Always(include_str!("migrations/0015_access.sql")),
    Migration::Always(include_str!("migrations/0016_awaits.sql")),
    Migration::Always(include_str!("migrations/0017_attributes.sql")),
    Migration::Always(include_str!("migrations/0018_registry.sql")),
    Migration::Always(include_str!("migrations/0019_identities.sql")),
    Migration::Always(include_str!("migrations/0020_notices.sql")),
    Migration::Always(include_str!("migrations/0021_idempotency.sql")),
    Migration::Always(include_str!("migrations/0022_commands.sql")),
    Migration::Always(include_str!("migrations/0023_unusual.sql")),
    Migration::Always(include_str!("migrations/0024_lifecycle.sql")),
    Migration::Always(include_str!("migrations/0025_types.sql")),
    Migration::Always(include_str!("migrations/0026_rollups.sql")),
    Migration::Always(include_str!("migrations/0027_uplink.sql")),
    Migration::Always(include_str!("migrations/0028_attribute_seen.sql")),
];

enum Migration {
    Always(&'static str),
    /// Depends on whether TimescaleDB is there.
    Either {
        hypertable: &'static str,
        partitions: &'static str,
    },
    /// Makes something better; without it all works as well.
    Soft(&'static str),
}

/// Applies the migrations that are missing; a role that may only read gets an error that says who can.
pub(crate) async fn bring_up_to_date(client: &Client, url: &PostgresUrl) -> anyhow::Result<()> {
    let version = schema_version(client).await?;
    if version == MIGRATIONS.len() {
        return Ok(());
    }
    if let Some(grant) = missing_right(client).await? {
        bail!(
            "the database's schema has version {version}, needed is {}, and this role may not change it: start db-writer \
             first{grant}",
            MIGRATIONS.len()
        );
    }
    let lock = |sql| async move { client.execute_typed(sql, &[(&LOCK, Type::INT8)]).await };
    lock("SELECT pg_advisory_lock($1)").await?;
    // A connection that fails in between gives the lock up as well.
    migrate(client, url).await.context("bring the schema up to date")?;
    lock("SELECT pg_advisory_unlock($1)").await?;
    Ok(())
}

/// The version is read anew under the lock: another one may just have done it.
async fn migrate(client: &Client, url: &PostgresUrl) -> anyhow::Result<()> {
    let from = schema_version(client).await?;
    if from == 0 {
        try_extension(client, url).await?;
    }
    for (version, migration) in (1_i32..).zip(&MIGRATIONS).skip(from) {
        apply(client, version, migration).await?;
        tracing::info!(database = %url, version, "the schema was brought up to date");
    }
    Ok(())
}

async fn apply(client: &Client, version: i32, migration: &Migration) -> Result<(), Error> {
    let sql = match migration {
        Migration::Soft(_) if !has_extension(client).await? => "",
        Migration::Always(sql) | Migration::Soft(sql) => sql,
        Migration::Either { hypertable, .. } if has_extension(client).await? => hypertable,
        Migration::Either { partitions, .. } => partitions,
    };
    let record = format!(
        "CREATE TABLE IF NOT EXISTS migrations
             (version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now());
         INSERT INTO migrations (version) VALUES ({version})"
    );
    let result = client.batch_execute(&format!("BEGIN; {sql}; {record}; COMMIT")).await;
    let Err(error) = result else { return Ok(()) };
    client.batch_execute("ROLLBACK").await?;
    if matches!(migration, Migration::Soft(_)) {
        let problem = explain(error.into());
        tracing::warn!("old readings are not stored in columns: {problem}");
        return client.batch_execute(&record).await;
    }
    Err(error)
}

async fn schema_version(client: &Client) -> anyhow::Result<usize> {
    let found = match client.query_typed_one("SELECT count(*) FROM migrations", &[]).await {
        Ok(row) => usize::try_from(row.get::<_, i64>(0))?,
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => 0,
        Err(error) => return Err(error.into()),
    };
    let known = MIGRATIONS.len();
    ensure!(
        found <= known,
        "the database was made by a newer Millrace: its schema has version {found}, known here are versions up to {known}"
    );
    Ok(found)
}

/// What db-writer's role lacks to make tables; none where ours may. Empty where the server takes no writes.
async fn missing_right(client: &Client) -> Result<Option<String>, Error> {
    const SELECT: &str = "
        SELECT coalesce(has_schema_privilege(current_schema(), 'CREATE'), false),
            current_setting('transaction_read_only')::boolean,
            quote_ident(coalesce(current_schema(), 'public')), quote_ident(current_user)";
    let row = client.query_typed_one(SELECT, &[]).await?;
    let (may_create, read_only): (bool, bool) = (row.get(0), row.get(1));
    let (schema, role): (String, String) = (row.get(2), row.get(3));
    Ok(match (may_create, read_only) {
        (true, false) => None,
        (_, true) => Some(String::new()),
        (false, false) => {
            Some(format!(", or if it is db-writer's role: GRANT CREATE ON SCHEMA {schema} TO {role}"))
        }
    })
}

async fn has_extension(client: &Client) -> Result<bool, Error> {
    const SELECT: &str = "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb')";
    Ok(client.query_typed_one(SELECT, &[]).await?.get(0))
}

/// Adds TimescaleDB where the server has it and we may.
async fn try_extension(client: &Client, url: &PostgresUrl) -> Result<(), Error> {
    const AVAILABLE: &str = "SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb')";
    let available: bool = client.query_typed_one(AVAILABLE, &[]).await?.get(0);
    if !available || has_extension(client).await? {
        return Ok(());
    }
    // On a connection of its own, which the server may end: it does so where the library was not loaded at its start.
    let spare = connect(url).await?;
    if let Err(error) = spare.batch_execute("CREATE EXTENSION IF NOT EXISTS timescaledb").await {
        let problem = explain(error.into());
        tracing::warn!("the server has TimescaleDB, but this database goes without: {problem}");
    }
    Ok(())
}
