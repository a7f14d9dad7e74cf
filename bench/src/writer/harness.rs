//! The cluster, and a workspace in it for each run, in which nothing of an earlier run is left.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use e2e::{Cluster, SOON, Vhost, eventually, program};
use store::{Postgres, PostgresUrl, ReadingStore as _};
use tokio::runtime::Runtime;
use tokio_postgres::Client;

use super::broker::{self, QueueState};
use super::database::{self, Table};
use super::load::Load;
use super::note;

/// The queue that db-writer takes from.
pub(super) const QUEUE: &str = "db-writer";

/// The session of a writer over MQTT, and the queue that RabbitMQ has for it.
pub(super) const SESSION: &str = "bench";
const SESSION_QUEUE: &str = "mqtt-subscription-benchqos1";

/// The table of the other writers.
const PEERS_SCHEMA: &str = include_str!("../../peers/schema.sql");

/// The cluster, in which only what is measured runs.
pub(super) struct Harness {
    pub(super) cluster: Cluster,
    pub(super) runtime: Runtime,
}

impl Harness {
    /// Stops Millrace's own services and lets the database record the time of each commit.
    pub(super) fn new() -> anyhow::Result<Self> {
        let cluster = Cluster::alone();
        for service in ["db-writer", "alerter", "dashboard", "mailpit"] {
            cluster.stop(service);
        }
        cluster.sql_in("postgres", "ALTER SYSTEM SET track_commit_timestamp = on");
        cluster.restart_services(&["timescaledb"]);
        cluster.until_healthy("timescaledb");
        Ok(Self { cluster, runtime: Runtime::new().context("start a runtime")? })
    }

    /// A workspace for db-writer.
    pub(super) fn workspace(&self) -> anyhow::Result<Workspace<'_>> {
        self.workspace_for(false, Table::Ours)
    }

    /// A workspace with the queue for AMQP or MQTT, and the table of the writer.
    pub(super) fn workspace_for(&self, over_mqtt: bool, table: Table) -> anyhow::Result<Workspace<'_>> {
        let (cluster, vhost) = (&self.cluster, self.cluster.vhost());
        let database = vhost.name().replace("vhost-", "bench_");
        let queue = if over_mqtt { SESSION_QUEUE } else { QUEUE };
        let workspace = Workspace { cluster, runtime: &self.runtime, vhost, database, queue };
        cluster.sql_in("postgres", &format!("CREATE DATABASE {} OWNER millrace", workspace.database));
        cluster.sql_in(&workspace.database, "CREATE EXTENSION IF NOT EXISTS timescaledb");
        match table {
            Table::Ours => workspace.migrate()?,
            Table::Plain => {
                cluster.sql_in(&workspace.database, &format!("SET ROLE millrace; {PEERS_SCHEMA}"));
            }
        }
        if over_mqtt {
            workspace.subscribe()?;
        } else {
            workspace.vhost.declare_as_defined(QUEUE);
        }
        // What came before is on disk, so that no run pays for another.
        cluster.sql_in("postgres", "CHECKPOINT");
        Ok(workspace)
    }
}

/// A virtual host and a database for one run; both are removed when this is dropped.
pub(super) struct Workspace<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) runtime: &'a Runtime,
    vhost: Vhost,
    database: String,
    queue: &'static str,
}

impl Workspace<'_> {
    /// Creates the tables, which the store does when it is first used.
    fn migrate(&self) -> anyhow::Result<()> {
        let url: PostgresUrl = self.database_url("millrace")?.parse()?;
        let store = Postgres::new(url);
        Ok(self.runtime.block_on(store.probe())?)
    }

    /// Makes an MQTT session with a subscription, for which RabbitMQ queues readings from now on.
    fn subscribe(&self) -> anyhow::Result<()> {
        let mut mosquitto = program("mosquitto_sub", "mosquitto-clients");
        mosquitto.args(["-i", SESSION, "-c", "-q", "1", "-t", "temperature/#", "-E"]);
        mosquitto.args([
            "-h",
            &self.address("haproxy")?,
            "-u",
            &self.mqtt_user(),
            "-P",
            self.mqtt_password(),
        ]);
        ensure!(mosquitto.status().context("run mosquitto_sub")?.success(), "no session was made");
        Ok(())
    }

    fn mqtt_user(&self) -> String {
        format!("{}:operator", self.vhost.name())
    }

    fn mqtt_password(&self) -> &str {
        self.cluster.broker_password("operator")
    }

    /// The address of a container itself: the proxy of a published port would cost as much as what is measured.
    fn address(&self, service: &str) -> anyhow::Result<String> {
        self.cluster.container_ip(service).map_err(anyhow::Error::msg)
    }

    pub(super) fn amqp_url(&self) -> anyhow::Result<String> {
        Ok(direct(self.vhost.amqp_url(), &format!("{}:5672", self.address("haproxy")?)))
    }

    pub(super) fn database_url(&self, user: &str) -> anyhow::Result<String> {
        let url = direct(&self.cluster.database_url(user), &format!("{}:5432", self.address("timescaledb")?));
        let (server, _) = url.rsplit_once('/').context("a URL names a database")?;
        Ok(format!("{server}/{}", self.database))
    }

    /// Starts db-writer with its default settings except these.
    pub(super) fn db_writer(&self, folder: &Path, settings: &[(&str, String)]) -> anyhow::Result<Command> {
        let start = self.cluster.service("db-writer", folder);
        let start =
            start.set("AMQP__URL", &self.amqp_url()?).set("STORE__URL", &self.database_url("millrace")?);
        Ok(settings.iter().fold(start, |start, (name, value)| start.set(name, value)).command())
    }

    /// The environment of a script: where broker and database are.
    pub(super) fn peer(&self, mut command: Command) -> anyhow::Result<Command> {
        command.env("AMQP_URL", self.amqp_url()?).env("AMQP_QUEUE", QUEUE);
        command
            .env("MQTT_HOST", self.address("haproxy")?)
            .env("MQTT_PORT", "1883")
            .env("MQTT_CLIENT", SESSION);
        command.env("MQTT_USER", self.mqtt_user()).env("MQTT_PASSWORD", self.mqtt_password());
        command.env("DATABASE_URL", self.database_url("millrace")?);
        Ok(command)
    }

    /// Fills the queue and checks that it holds all readings.
    ///
    /// # Panics
    /// Some readings are missing in the queue.
    pub(super) fn fill(&self, load: Load, readings: u64) -> anyhow::Result<()> {
        let url = self.amqp_url()?;
        let start = Instant::now();
        self.runtime.block_on(broker::fill(&url, load, readings))?;
        note(&format!("filled with {:.0} readings/s", readings as f64 / start.elapsed().as_secs_f64()));
        // The queue counts behind its log.
        eventually(SOON, || match self.queue_state() {
            Ok(look) if u64::from(look.waiting) == readings => Ok(()),
            other => Err(other),
        });
        Ok(())
    }

    pub(super) fn queue_state(&self) -> anyhow::Result<QueueState> {
        self.runtime.block_on(broker::queue_state(&self.amqp_url()?, self.queue))
    }

    /// A connection to the database as superuser.
    pub(super) fn client(&self) -> anyhow::Result<Client> {
        self.runtime.block_on(database::connect(&self.database_url("postgres")?))
    }
}

impl Drop for Workspace<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        self.cluster.sql_in("postgres", &format!("DROP DATABASE {} WITH (FORCE)", self.database));
        self.vhost.remove();
    }
}

/// The URL with its address replaced.
fn direct(url: &str, address: &str) -> String {
    let after_user = url.rfind('@').map_or(0, |at| at + 1);
    let after_address = url[after_user..].find('/').map_or(url.len(), |slash| after_user + slash);
    format!("{}{address}{}", &url[..after_user], &url[after_address..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_keeps_all_but_its_address() {
        assert_eq!(direct("amqp://a:b@127.0.0.1:1/v", "10.0.0.2:5672"), "amqp://a:b@10.0.0.2:5672/v");
        assert_eq!(direct("amqp://a:b@127.0.0.1:1", "10.0.0.2:5672"), "amqp://a:b@10.0.0.2:5672");
    }
}
