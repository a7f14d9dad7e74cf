//! A PostgreSQL database for one test, on the server that the environment names.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use store::{Batch, Postgres, PostgresUrl, Store};
use tokio_postgres::{Client, Config, NoTls};

use super::template::template;

/// A superuser's URL, for example `postgres://postgres:secret@127.0.0.1:5432/postgres`.
const SERVER: &str = "MILLRACE_TEST_DATABASE";

/// How to run these tests.
const HINT: &str = "run `make test`, or `e2e/with-cluster cargo test -p store --test postgres`";

const PASSWORD: &str = "for-tests";

/// Exists until it is dropped, with the role that uses it.
pub(crate) struct Database {
    name: String,
    server: Config,
}

impl Database {
    /// Empty, with a role of its own that may make tables but, as it does not own the database, no extension.
    ///
    /// # Panics
    /// The environment names no server: a test that cannot run fails.
    pub(crate) async fn create() -> Option<Self> {
        // Some servers have TimescaleDB in template1.
        Some(Self::copy_of("template0", &server()).await)
    }

    /// With Millrace's schema in it, which is the role's; the template is made once for all tests.
    ///
    /// # Panics
    /// As [`Database::create`], or the server is to have TimescaleDB and does not.
    pub(crate) async fn with_schema(with_timescaledb: bool) -> Option<Self> {
        let server = server();
        let template = template(&server, with_timescaledb).await;
        let database = Self::copy_of(&template, &server).await;
        database.run(&format!("REASSIGN OWNED BY {template} TO {}", database.name)).await;
        Some(database)
    }

    async fn copy_of(template: &str, server: &Config) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("millrace_test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let database = Self { name, server: server.clone() };
        let name = &database.name;
        let admin = connect(server).await;
        admin.batch_execute(&format!("CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'")).await.unwrap();
        admin.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await.unwrap();
        database.run(&format!("GRANT CREATE ON SCHEMA public TO {name}")).await;
        database
    }

    /// The same with TimescaleDB.
    ///
    /// # Panics
    /// As [`Database::create`], or the server does not have TimescaleDB.
    pub(crate) async fn with_timescaledb() -> Option<Self> {
        let database = Self::create().await?;
        let admin = database.admin().await;
        let available = "SELECT FROM pg_available_extensions WHERE name = 'timescaledb'";
        let found = admin.query(available, &[]).await.unwrap();
        assert!(!found.is_empty(), "the server in {SERVER} must have TimescaleDB: {HINT}");
        admin.batch_execute("CREATE EXTENSION timescaledb").await.unwrap();
        Some(database)
    }

    pub(crate) fn url(&self) -> String {
        self.url_as(&self.name, PASSWORD)
    }

    pub(crate) fn url_as(&self, role: &str, password: &str) -> String {
        let tokio_postgres::config::Host::Tcp(host) = &self.server.get_hosts()[0] else {
            panic!("{SERVER} must name a host")
        };
        let port = self.server.get_ports().first().copied().unwrap_or(5432);
        format!("postgres://{role}:{password}@{host}:{port}/{}", self.name)
    }

    /// The superuser's URL.
    pub(crate) fn admin_url(&self) -> String {
        let password = String::from_utf8(self.server.get_password().unwrap().to_vec()).unwrap();
        self.url_as(self.server.get_user().unwrap(), &password)
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn store(&self) -> Arc<dyn Store> {
        store_at(&self.url())
    }

    /// The superuser's connection to it.
    pub(crate) async fn admin(&self) -> Client {
        let mut config = self.server.clone();
        connect(config.dbname(&self.name)).await
    }

    /// Runs statements as the superuser.
    pub(crate) async fn run(&self, sql: &str) {
        self.admin().await.batch_execute(sql).await.unwrap();
    }

    /// The first column of what a query gives, as the superuser.
    pub(crate) async fn texts(&self, sql: &str) -> Vec<String> {
        self.admin().await.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
    }

    /// Writes a batch with readings and a rejection, and ends the connection in between: the readings are in, and the
    /// rejection waits for a lock. Returns the error.
    pub(crate) async fn cut_while_writing(&self, store: &Arc<dyn Store>, batch: &Arc<Batch>) -> String {
        let admin = self.admin().await;
        admin.batch_execute("BEGIN; LOCK TABLE rejected").await.unwrap();
        let write = tokio::spawn({
            let (store, batch) = (store.clone(), batch.clone());
            async move { store.write(&batch).await }
        });
        let kill = format!(
            "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity
             WHERE usename = '{}' AND wait_event_type = 'Lock'",
            self.name()
        );
        while self.texts(&kill).await.is_empty() {
            tokio::task::yield_now().await;
        }
        let problem = write.await.unwrap().unwrap_err().to_string();
        admin.batch_execute("ROLLBACK").await.unwrap();
        problem
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (name, server) = (self.name.clone(), self.server.clone());
        let removal = async move {
            let admin = connect(&server).await;
            admin.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
            admin.batch_execute(&format!("DROP ROLE {name}")).await.unwrap();
        };
        std::thread::spawn(|| block_on(removal)).join().unwrap();
    }
}

/// # Panics
/// The environment names no server: a test that cannot run fails.
fn server() -> Config {
    let url = std::env::var(SERVER);
    url.unwrap_or_else(|_| panic!("{SERVER} must name a PostgreSQL server: {HINT}")).parse().unwrap()
}

pub(crate) fn store_at(url: &str) -> Arc<dyn Store> {
    let url: PostgresUrl = url.parse().unwrap();
    Arc::new(Postgres::new(url))
}

pub(crate) async fn connect(config: &Config) -> Client {
    let (client, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

fn block_on(future: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future);
}
