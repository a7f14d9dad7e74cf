//! A running cluster that `e2e/with-cluster` started.

mod compose;
mod containers;
mod inbox;
mod settings;
mod vhost;

use std::collections::hash_map::RandomState;
use std::fs::File;
use std::hash::{BuildHasher, Hasher};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use self::compose::Compose;
use self::inbox::Inbox;
use self::settings::Settings;
pub use self::vhost::Vhost;
use crate::devices::HOME_MADE;
use crate::http::full_name;
use crate::{LONG, Mail, Shape, StartService, eventually, program};

/// The variable with the arguments between `docker compose` and a command for the cluster.
const VARIABLE: &str = "MILLRACE_CLUSTER";

/// Millrace's own services, in the order in which readings pass them.
const OURS: [&str; 3] = ["db-writer", "alerter", "dashboard"];

/// A running cluster, shared with other tests or taken by one.
///
/// A test that has taken it may break it: when this is dropped, everything is started again and healthy before the next
/// test gets the cluster.
#[derive(Debug)]
pub struct Cluster {
    compose: Compose,
    settings: Settings,
    /// The address of the page and its API, behind HAProxy.
    pub http: String,
    /// The address for MQTT, for example `127.0.0.1:41235`, behind HAProxy.
    pub mqtt: String,
    alone: bool,
    /// Unlocked when dropped.
    _lock: File,
}

impl Cluster {
    /// Shares the cluster with other tests: use device names of your own, and stop nothing.
    ///
    /// # Panics
    /// No cluster is running.
    #[must_use]
    pub fn attach() -> Self {
        Self::locked(false)
    }

    /// Takes the cluster for one test that breaks it.
    ///
    /// # Panics
    /// No cluster is running.
    #[must_use]
    pub fn alone() -> Self {
        Self::locked(true)
    }

    fn locked(alone: bool) -> Self {
        let words = std::env::var(VARIABLE).unwrap_or_else(|_| {
            panic!("no cluster: {VARIABLE} is not set; `make test` and e2e/with-cluster start one")
        });
        let compose = Compose::new(&words);
        let settings = Settings::new(compose.config());
        let path = std::env::temp_dir().join(format!("{}.lock", settings.project()));
        let lock = File::options().create(true).append(true).open(path).expect("open the lock");
        if alone { lock.lock() } else { lock.lock_shared() }.expect("lock the cluster");
        Self {
            http: format!("http://{}", settings.address("haproxy", 8080)),
            mqtt: settings.address("haproxy", 1883),
            compose,
            settings,
            alone,
            _lock: lock,
        }
    }

    /// The URL over MQTT as one of RabbitMQ's users.
    #[must_use]
    pub fn mqtt_url(&self, user: &str) -> String {
        format!("mqtt://{user}:{}@{}", self.broker_password(user), self.mqtt)
    }

    /// The URL over AMQP as one of RabbitMQ's users.
    #[must_use]
    pub fn amqp_url(&self, user: &str) -> String {
        format!("amqp://{user}:{}@{}", self.broker_password(user), self.settings.address("haproxy", 5672))
    }

    /// The URL of the database as `millrace`, which owns the readings, as `dashboard` or as `postgres`.
    #[must_use]
    pub fn database_url(&self, user: &str) -> String {
        let of = |variable| self.settings.variable("timescaledb", variable);
        let password = of(match user {
            "postgres" => "POSTGRES_PASSWORD",
            "dashboard" => "DASHBOARD_DB_PASSWORD",
            _ => "MILLRACE_DB_PASSWORD",
        });
        let address = self.settings.address("timescaledb", 5432);
        format!("postgres://{user}:{password}@{address}/{}", of("POSTGRES_DB"))
    }

    /// The address for MQTT over WebSocket, for example `127.0.0.1:41236`.
    #[must_use]
    pub fn web_mqtt(&self) -> String {
        self.settings.address("haproxy", 15675)
    }

    /// Where on this machine a port of HAProxy can be reached, for example `127.0.0.1:41236`.
    #[must_use]
    pub fn port(&self, port: u64) -> String {
        self.settings.address("haproxy", port)
    }

    /// The password of one of RabbitMQ's users.
    #[must_use]
    pub fn broker_password(&self, user: &str) -> &str {
        let variable = format!("{}_PASSWORD", user.to_uppercase().replace('-', "_"));
        self.settings.variable("rabbitmq1", &variable)
    }

    /// Another instance of a service, as a process on this machine, with the same rights as the one in the container.
    #[must_use]
    pub fn service(&self, name: &'static str, folder: &Path) -> StartService {
        let owner = if name == "dashboard" { "dashboard" } else { "millrace" };
        let start = StartService::new(name, folder, &self.mqtt_url("dashboard"));
        let start = start.set("STORE__URL", &self.database_url(owner)).set("INPUTS__MAPPINGS", HOME_MADE);
        if name == "dashboard" { start } else { start.set("AMQP__URL", &self.amqp_url(name)) }
    }

    /// The URL of the mail server, as this machine reaches it.
    ///
    /// # Panics
    /// The mail catcher is not running.
    #[must_use]
    pub fn smtp_url(&self) -> String {
        let ip = self.container_ip("mailpit").unwrap_or_else(|e| panic!("{e}"));
        self.settings.variable("alerter", "MILLRACE__SMTP__URL").replace("@mailpit:", &format!("@{ip}:"))
    }

    /// Runs a query; the answer has a line for each row and `|` between columns.
    ///
    /// # Panics
    /// The query fails.
    #[must_use]
    pub fn sql(&self, query: &str) -> String {
        self.sql_in(self.settings.variable("timescaledb", "POSTGRES_DB"), query)
    }

    /// Runs a query in another database of the server.
    ///
    /// # Panics
    /// The query fails.
    pub fn sql_in(&self, database: &str, query: &str) -> String {
        let psql = ["psql", "--no-psqlrc", "-qAt", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", database];
        self.compose.run(&[&["exec", "-T", "timescaledb"], &psql[..], &["-c", query]].concat())
    }
}

impl Shape for Cluster {
    /// A PUBACK means that a majority of nodes has the reading; everything else follows.
    const PROMISED_WITHIN: Duration = crate::SOON;

    const STAMPS_BY_MILLISECOND: bool = true;

    fn http(&self) -> &str {
        &self.http
    }

    fn device_url(&self) -> String {
        self.mqtt_url("device")
    }

    fn mosquitto(&self, name: &str) -> Command {
        let mut command = program(name, "mosquitto-clients");
        let (host, port) = self.mqtt.rsplit_once(':').expect("an address");
        command.args(["-h", host, "-p", port, "-u", "device", "-P", self.broker_password("device")]);
        command
    }

    fn device(&self, name: &str) -> String {
        format!("{name}-{:08x}", RandomState::new().build_hasher().finish() as u32)
    }

    fn mails(&self, about: &str) -> Vec<Mail> {
        let credentials = self.settings.variable("mailpit", "MP_UI_AUTH");
        let address = self.settings.address("mailpit", 8025);
        Inbox::at(format!("http://{credentials}@{address}")).mails(about)
    }

    fn metric_of(&self, service: &str, name: &str) -> f64 {
        self.metric(service, &full_name(service, name))
    }

    fn restart(&mut self) {
        self.restart_services(&OURS);
        for service in OURS {
            self.until_healthy(service);
        }
        // HAProxy notices it a moment later.
        eventually(LONG, || match self.ask("/readyz") {
            (200, _) => Ok(()),
            other => Err(other),
        });
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.alone {
            self.heal();
        }
    }
}
