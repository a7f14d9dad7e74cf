//! A database with Millrace's schema in it, of which each test has a copy: making the schema takes longer than most tests.

use std::time::{Duration, UNIX_EPOCH};

use tokio_postgres::Client;

use super::database::{Database, connect, store_at};

/// A lock of the server: one process makes the template, and the others wait for it.
const LOCK: i64 = i64::from_be_bytes(*b"Template");

const PREFIX: &str = "millrace_template_";

/// How long a connection to the template takes to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// The name of the template, and of the role that owns what is in it. It is made where there is none of this build.
pub(crate) async fn template(server: &tokio_postgres::Config, with_timescaledb: bool) -> String {
    let kind = if with_timescaledb { "hypertable" } else { "partitions" };
    let name = format!("{PREFIX}{}_{kind}", build());
    let admin = connect(server).await;
    admin.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await.unwrap();
    let is_made = "SELECT FROM pg_database WHERE datname = $1 AND datistemplate";
    if admin.query(is_made, &[&name]).await.unwrap().is_empty() {
        drop_unfinished(&admin, &name).await;
        make(&admin, &name, with_timescaledb).await;
    }
    admin.execute("SELECT pg_advisory_unlock($1)", &[&LOCK]).await.unwrap();
    name
}

/// When these tests were built: another schema comes with another build.
fn build() -> u64 {
    let program = std::env::current_exe().unwrap().metadata().unwrap();
    program.modified().unwrap().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

async fn drop_unfinished(admin: &Client, name: &str) {
    admin.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await.unwrap();
    admin.batch_execute(&format!("DROP ROLE IF EXISTS {name}")).await.unwrap();
}

async fn make(admin: &Client, name: &str, with_timescaledb: bool) {
    let database =
        if with_timescaledb { Database::with_timescaledb().await } else { Database::create().await };
    let database = database.unwrap();
    let (made, url) = (database.name().to_owned(), database.url());
    store_at(&url).latest().await.unwrap();
    // It stays.
    std::mem::forget(database);
    admin.batch_execute(&format!("ALTER DATABASE {made} ALLOW_CONNECTIONS false")).await.unwrap();
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
    let rename = format!("ALTER DATABASE {made} RENAME TO {name}");
    let start = std::time::Instant::now();
    loop {
        admin.query(end, &[&made]).await.unwrap();
        match admin.batch_execute(&rename).await {
            Ok(()) => break,
            Err(error) => assert!(start.elapsed() < PATIENCE, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    admin.batch_execute(&format!("ALTER ROLE {made} RENAME TO {name}")).await.unwrap();
    admin.batch_execute(&format!("ALTER DATABASE {name} IS_TEMPLATE true")).await.unwrap();
}
