//! What the cluster's services do when something around them is wrong or away: they say what, and continue by themselves
//! once it is there.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use e2e::{Cluster, LONG, Load, SOON, Service, Shape, StartService, eventually, free_address, stored_once};
use tempfile::TempDir;

const WRONG: &str = "s3cret-and-wrong";

/// Waits until the service in the container is not ready, with this word in its reason.
fn until_it_says(cluster: &Cluster, service: &str, word: &str) {
    eventually(LONG, || match cluster.ask_service(service, "/readyz") {
        Ok((503, said)) if said.contains(word) => Ok(()),
        other => Err(other),
    });
}

/// Checks that neither its answers nor its log contain a password.
fn keeps_secrets(cluster: &Cluster, service: &Service, said: &str) {
    let database = cluster.database_url("millrace");
    let database = database.split(['/', '@']).nth(2).unwrap().split_once(':').unwrap().1;
    let secrets =
        [WRONG, database, cluster.broker_password("db-writer"), cluster.broker_password("operator")];
    let log = service.log();
    for secret in secrets {
        assert!(!said.contains(secret) && !log.contains(secret), "{said}{log}");
    }
}

/// Starts each service with this one setting wrong: it runs, is not ready, and says why, although it has nothing to do.
fn each_says_why(
    cluster: &Cluster,
    names: &[&'static str],
    start: impl Fn(StartService) -> StartService,
    words: &[&str],
) {
    let (folder, vhost) = (tempfile::tempdir().unwrap(), cluster.vhost());
    for name in names {
        vhost.declare_queue(name);
        let service = cluster.service(name, folder.path()).set("AMQP__URL", vhost.amqp_url());
        let service = start(service).start();
        let said = service.until_it_says(words);
        keeps_secrets(cluster, &service, &said);
        assert!(!service.healthcheck().status.success());
    }
}

/// The URL with a wrong password.
fn with_wrong_password(url: &str) -> String {
    let (before, after) = url.rsplit_once('@').unwrap();
    format!("{}:{WRONG}@{after}", before.rsplit_once(':').unwrap().0)
}

#[test]
#[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
fn a_wrong_password_for_the_broker_is_named() {
    let cluster = Cluster::attach();
    let amqp =
        |start: StartService| start.set("AMQP__URL", &with_wrong_password(&cluster.amqp_url("db-writer")));
    each_says_why(&cluster, &["db-writer", "alerter"], amqp, &["broker: ", "refused"]);
    let mqtt =
        |start: StartService| start.set("MQTT__URL", &with_wrong_password(&cluster.mqtt_url("dashboard")));
    each_says_why(&cluster, &["dashboard"], mqtt, &["broker: "]);
}

#[test]
#[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
fn a_broker_that_is_nowhere_is_named() {
    let cluster = Cluster::attach();
    let nowhere = free_address();
    let amqp = |start: StartService| start.set("AMQP__URL", &format!("amqp://ann:{WRONG}@{nowhere}"));
    each_says_why(&cluster, &["db-writer", "alerter"], amqp, &["broker: ", &nowhere.to_string()]);
}

#[test]
#[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
fn a_wrong_password_for_the_database_is_named() {
    let cluster = Cluster::attach();
    let url = with_wrong_password(&cluster.database_url("millrace"));
    let wrong = |start: StartService| start.set("STORE__URL", &url);
    each_says_why(
        &cluster,
        &["db-writer", "alerter", "dashboard"],
        wrong,
        &["store: ", "password authentication failed"],
    );
}

#[test]
#[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
fn a_database_that_is_nowhere_is_named() {
    let cluster = Cluster::attach();
    let nowhere = free_address();
    let url = format!("postgres://ann:{WRONG}@{nowhere}/metrics");
    let wrong = |start: StartService| start.set("STORE__URL", &url);
    let words = ["store: ", "refused", &nowhere.to_string()];
    each_says_why(&cluster, &["db-writer", "alerter", "dashboard"], wrong, &words);
}

#[test]
#[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
fn a_queue_that_is_missing_is_named_and_found_once_it_is_there() {
    let cluster = Cluster::attach();
    let (folder, vhost) = (tempfile::tempdir().unwrap(), cluster.vhost());
    for name in ["db-writer", "alerter"] {
        let service = cluster.service(name, folder.path()).set("AMQP__URL", vhost.amqp_url()).start();
        let said = service.until_it_says(&["broker: ", &format!("no queue {name}")]);
        keeps_secrets(&cluster, &service, &said);
        vhost.declare_queue(name);
        service.until_ready();
    }
}

/// A database that `millrace` does not own, so that it may create tables but no extension.
fn plain_database(cluster: &Cluster) -> String {
    let name = cluster.device("plain").replace('-', "_");
    cluster.sql_in("postgres", &format!("CREATE DATABASE {name} TEMPLATE template0"));
    cluster.sql_in(&name, "GRANT ALL ON SCHEMA public TO millrace");
    let url = cluster.database_url("millrace");
    format!("{}/{name}", url.rsplit_once('/').unwrap().0)
}

#[test]
#[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
fn a_database_without_the_extension_works_and_that_is_reported() {
    let cluster = Cluster::attach();
    let (folder, vhost) = (tempfile::tempdir().unwrap(), cluster.vhost());
    let database = plain_database(&cluster);
    let start = |name| cluster.service(name, folder.path()).set("STORE__URL", &database);
    vhost.declare_queue("db-writer");
    let writer = start("db-writer").set("AMQP__URL", vhost.amqp_url()).start();
    vhost.publish("temperature/plain", "21.5");
    eventually(SOON, || match writer.metric("millrace_db_writer_stored_total") {
        1.0 => Ok(()),
        stored => Err(stored),
    });
    assert!(writer.log().contains("goes without"), "{}", writer.log());
    let dashboard = start("dashboard").start();
    dashboard.until_ready();
    eventually(SOON, || match dashboard.ask("/api/readings?device=plain") {
        (200, rows) if rows.contains("21.5") => Ok(()),
        other => Err(other),
    });
}

/// A database on the small disk that `e2e/cluster.yaml` mounts.
fn small_database(cluster: &Cluster) -> String {
    let exec = |user: &str, command: &[&str]| {
        cluster.compose(&[&["exec", "-T", "-u", user, "timescaledb"], command].concat()).unwrap();
    };
    // A container that was restarted has its small disk, and not the rights that it was mounted with.
    exec("root", &["chmod", "1777", "/small"]);
    exec("postgres", &["mkdir", "/small/tablespace"]);
    cluster.sql_in("postgres", "CREATE TABLESPACE small LOCATION '/small/tablespace'");
    cluster.sql_in("postgres", "CREATE DATABASE small OWNER millrace TABLESPACE small");
    let url = cluster.database_url("millrace");
    format!("{}/small", url.rsplit_once('/').unwrap().0)
}

/// Fills the disk: the rows are rolled back, and their space remains in use.
const FILL: &str = "
    CREATE TABLE filler (text text) WITH (autovacuum_enabled = false);
    ALTER TABLE filler ALTER text SET STORAGE PLAIN;
    DO $$ BEGIN
        LOOP INSERT INTO filler SELECT repeat('x', 4000) FROM generate_series(1, 100); END LOOP;
    EXCEPTION WHEN disk_full THEN NULL;
    END $$";

#[test]
#[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
fn a_full_disk_of_the_database_is_named_and_work_goes_on_once_there_is_room() {
    let cluster = Cluster::attach();
    let (folder, vhost) = (tempfile::tempdir().unwrap(), cluster.vhost());
    let database = small_database(&cluster);
    vhost.declare_queue("db-writer");
    let writer = cluster.service("db-writer", folder.path()).set("AMQP__URL", vhost.amqp_url());
    let writer = writer.set("STORE__URL", &database).start();
    writer.until_ready();
    cluster.sql_in("small", FILL);
    let readings =
        |from: u32| (from..from + 500).map(|n| format!("{{\"value\":{n}}}")).collect::<Vec<_>>().join(",");
    for from in [0, 500, 1_000, 1_500] {
        vhost.publish("temperature/lab", &format!("[{}]", readings(from)));
    }
    writer.until_it_says(&["store: ", "the database's disk is full"]);
    cluster.sql_in("small", "DROP TABLE filler");
    eventually(LONG, || match cluster.sql_in("small", "SELECT count(*) FROM readings").as_str() {
        "2000" => Ok(()),
        stored => Err(stored.to_owned()),
    });
    writer.until_ready();
}

#[test]
#[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
fn while_the_database_is_away_readings_are_accepted_and_wait() {
    let cluster = Cluster::alone();
    let folder = tempfile::tempdir().unwrap();
    cluster.stop("timescaledb");
    let arguments = ["load", "--connections", "10", "--count", "3000"];
    let (code, summary, acked) = Load::start(&cluster.device_url(), folder.path(), &arguments).finish();
    assert_eq!((code, acked.len()), (0, 3_000), "the broker goes on: {summary}");
    let device = cluster.device("lab");
    cluster.publish(&format!("temperature/{device}"), &["-m", "26"]);
    for service in ["db-writer", "alerter", "dashboard"] {
        until_it_says(&cluster, service, "store: ");
    }
    eventually(LONG, || match cluster.queue_depths() {
        depths if depths["db-writer"] > 3_000 && depths["alerter"] > 0 => Ok(()),
        depths => Err(depths),
    });
    cluster.start("timescaledb");
    for service in ["db-writer", "alerter", "dashboard"] {
        cluster.until_healthy(service);
    }
    eventually(LONG, || stored_once(&acked, &cluster.readings("metric=temperature")));
    eventually(LONG, || match cluster.mails(&device).len() {
        1 => Ok(()),
        mails => Err(mails),
    });
    eventually(LONG, || match cluster.queue_depths() {
        depths if depths.values().all(|messages| *messages == 0) => Ok(()),
        depths => Err(depths),
    });
}

#[test]
#[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
fn while_the_mail_server_is_away_mails_wait() {
    let cluster = Cluster::alone();
    let device = cluster.device("lab");
    cluster.stop("mailpit");
    cluster.publish(&format!("temperature/{device}"), &["-m", "26"]);
    // It was tried, and its name is kept.
    let id = eventually(LONG, || {
        let incidents = cluster.rows_of("incidents", &device);
        let mail = incidents.first().map(|incident| incident["notifications"][0].clone()).unwrap_or_default();
        if mail["state"] == "failed" {
            Ok(mail["message_id"].as_str().unwrap().to_owned())
        } else {
            Err(mail)
        }
    });
    cluster.start("mailpit");
    eventually(LONG, || match cluster.mails(&device).as_slice() {
        [mail] if mail.header("message-id").unwrap().contains(&id) => Ok(()),
        mails => Err(mails.to_vec()),
    });
}

#[test]
#[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
fn after_a_restart_of_everything_at_once_all_is_there_and_goes_on() {
    let cluster = Cluster::alone();
    let device = cluster.device("lab");
    let topic = format!("temperature/{device}");
    cluster.publish(&topic, &["-m", "21"]);
    let filter = format!("device={device}");
    cluster.promised_rows(1, || cluster.readings(&filter));
    cluster.restart_services(&[]);
    for service in ["rabbitmq1", "rabbitmq2", "rabbitmq3", "haproxy", "db-writer", "alerter", "dashboard"] {
        cluster.until_healthy(service);
    }
    let folder: TempDir = tempfile::tempdir().unwrap();
    let arguments = ["load", "--connections", "5", "--count", "100"];
    let (code, summary, acked) = Load::start(&cluster.device_url(), folder.path(), &arguments).finish();
    assert_eq!(code, 0, "{summary}");
    eventually(LONG, || match cluster.ask("/readyz") {
        (200, _) => Ok(()),
        other => Err(other),
    });
    eventually(LONG, || stored_once(&acked, &cluster.readings("metric=temperature")));
    assert_eq!(cluster.readings(&filter).len(), 1);
}
