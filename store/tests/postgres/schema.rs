//! Who may make the schema, who may use it, and what it is made of.

use std::collections::BTreeMap;

use store::{Postgres, ReadingStore};

use super::database::store_at;
use super::partitions::contract::{batch, everything, reading};
use super::{Database, Fresh, hypertable, partitions};

#[tokio::test]
async fn a_role_that_may_only_read_uses_what_is_there() {
    for database in [Database::create().await, Database::with_timescaledb().await].into_iter().flatten() {
        let owner = database.name();
        let reader = format!("{owner}_reader");
        database
            .run(&format!(
                "CREATE ROLE {reader} LOGIN PASSWORD 'read';
             ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT SELECT ON TABLES TO {reader}"
            ))
            .await;
        let store = store_at(&database.url_as(&reader, "read"));
        let problem = store.latest().await.unwrap_err().to_string();
        let (needed, may_not) =
            ("has version 0, needed is ", ", and this role may not change it: start db-writer first");
        let grant = format!("or if it is db-writer's role: GRANT CREATE ON SCHEMA public TO {reader}");
        assert!(problem.contains(&grant), "{problem}");
        let one = reading("temperature/a", 1_700_000_000_000_000, 1.0);
        database.store().write(&batch([one.clone()])).await.unwrap();
        assert_eq!(store.latest().await.unwrap(), std::slice::from_ref(&one));
        assert_eq!(everything(&*store).await, std::slice::from_ref(&one));
        let refused = store.write(&batch([one])).await;
        assert_eq!(
            refused
                .map(|written| written.duplicate)
                .map_err(|e| e.to_string().contains("the role may not do this")),
            Err(true)
        );
        assert!(problem.contains(&format!("{needed}{}{may_not}", version(&database).await)), "{problem}");
        database.run(&format!("DROP OWNED BY {reader}; DROP ROLE {reader}")).await;
    }
}

async fn version(database: &Database) -> u32 {
    database.texts("SELECT max(version)::text FROM migrations").await[0].parse().unwrap()
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let Some(Fresh { store, database }) = partitions::fresh().await else { return };
    store.latest().await.unwrap();
    let known = version(&database).await;
    let newer = known + 1;
    database.run(&format!("INSERT INTO migrations (version) VALUES ({newer})")).await;
    let refused = database.store().latest().await.unwrap_err().to_string();
    let reason = format!(
        "made by a newer Millrace: its schema has version {newer}, known here are versions up to {known}"
    );
    assert!(refused.contains(&reason), "{refused}");
}

#[tokio::test]
async fn incidents_and_mails_of_the_fourth_schema_are_carried_over() {
    if let Some(database) = Database::create().await {
        make_old(&database, include_str!("../../src/engine/postgres/migrations/0002_partitions.sql")).await;
        partitions::contract::carried::check(&*database.store()).await;
    }
    if let Some(database) = Database::with_timescaledb().await {
        make_old(&database, include_str!("../../src/engine/postgres/migrations/0002_hypertable.sql")).await;
        hypertable::contract::carried::check(&*database.store()).await;
    }
}

#[tokio::test]
async fn incidents_and_notifications_of_the_eighth_schema_are_carried_over() {
    let time = |micros| format!("'epoch'::timestamptz + {micros} * INTERVAL '1 microsecond'");
    if let Some(database) = Database::create().await {
        let layout = include_str!("../../src/engine/postgres/migrations/0002_partitions.sql");
        let rows = partitions::contract::carried::rows_in_old_terms(time, "true", "false");
        make_eighth(&database, layout, &rows).await;
        partitions::contract::carried::check_old_terms(&*database.store()).await;
        check_awaited(&*database.store()).await;
    }
    if let Some(database) = Database::with_timescaledb().await {
        let layout = include_str!("../../src/engine/postgres/migrations/0002_hypertable.sql");
        let rows = hypertable::contract::carried::rows_in_old_terms(time, "true", "false");
        make_eighth(&database, layout, &rows).await;
        hypertable::contract::carried::check_old_terms(&*database.store()).await;
    }
}

/// The eighth schema, with an incident, its notifications and messages, and an alert state.
async fn make_eighth(database: &Database, layout: &str, rows: &str) {
    let owner = database.name();
    database
        .run(&format!(
            "SET ROLE {owner}; CREATE TABLE migrations (version integer PRIMARY KEY, \
        applied_at timestamptz NOT NULL DEFAULT now()); \
        INSERT INTO migrations (version) SELECT generate_series(1, 8)"
        ))
        .await;
    for migration in [
        include_str!("../../src/engine/postgres/migrations/0001_schema.sql"),
        layout,
        include_str!("../../src/engine/postgres/migrations/0003_temperature.sql"),
        include_str!("../../src/engine/postgres/migrations/0005_alerting.sql"),
        include_str!("../../src/engine/postgres/migrations/0006_resent.sql"),
        include_str!("../../src/engine/postgres/migrations/0007_stored_at.sql"),
        include_str!("../../src/engine/postgres/migrations/0008_kinds.sql"),
    ] {
        database.run(&format!("SET ROLE {owner}; {migration}")).await;
    }
    database.run(&format!("SET ROLE {owner}; {rows}")).await;
    let reason = "the alias 7 is not known: no birth of plant/edge that has it has come yet";
    let rejected = format!(
        "INSERT INTO rejected (received_at, topic, reason, payload, digest)
         VALUES (now(), 'spBv1.0/plant/NDATA/edge', '{reason}', '\\x00', '\\x00')"
    );
    database.run(&format!("SET ROLE {owner}; {rejected}")).await;
}

/// What lacked a birth in an older schema is awaited.
async fn check_awaited(store: &dyn store::Store) {
    let content = telemetry::Announced::Birth { bd_seq: None, aliases: BTreeMap::new() };
    let received_at = jiff::Timestamp::UNIX_EPOCH;
    let birth = telemetry::Announcement { subject: "birth plant/edge".into(), received_at, content };
    store.announce(&[birth]).await.unwrap();
    let awaited = store.awaited(10).await.unwrap();
    assert_eq!(awaited.len(), 1);
    assert_eq!(awaited[0].announced_at, received_at);
}

/// The fourth schema, with incidents and mails.
async fn make_old(database: &Database, layout: &str) {
    let owner = database.name();
    let schema = include_str!("../../src/engine/postgres/migrations/0001_schema.sql");
    let view = include_str!("../../src/engine/postgres/migrations/0003_temperature.sql");
    database
        .run(&format!(
            "SET ROLE {owner}; {schema}; {layout}; {view};
             CREATE TABLE migrations (version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now());
             INSERT INTO migrations (version) VALUES (1), (2), (3), (4);
             CREATE FUNCTION micros(bigint) RETURNS timestamptz LANGUAGE sql AS
                 $$ SELECT 'epoch'::timestamptz + $1 * INTERVAL '1 microsecond' $$;
             INSERT INTO incidents
                 (id, rule, device, metric, opened_at, value, unit, resolved_at, resolved_value, stored_at)
             VALUES
                 ('i1', 'too hot', 'a', 'temperature', micros(5), 31.5, 'celsius', micros(9), 22, micros(100)),
                 ('i2', 'too hot', 'a', 'temperature', micros(15), 31.5, 'celsius', NULL, NULL, micros(101)),
                 ('i3', 'too hot', 'b', 'temperature', micros(1), 31.5, 'celsius', micros(2), 22, micros(102));
             INSERT INTO mails (message_id, incident, kind, recipients, sent_at) VALUES
                 ('i1.opened@millrace', 'i1', 'opened', 'a@example.org, b@example.org', micros(7)),
                 ('i1.resolved@millrace', 'i1', 'resolved', 'a@example.org, b@example.org', NULL),
                 ('i2.opened@millrace', 'i2', 'opened', 'a@example.org, b@example.org', micros(17))"
        ))
        .await;
}

#[tokio::test]
async fn a_superuser_adds_timescaledb_where_the_server_has_it() {
    let Some(database) = Database::create().await else { return };
    let store = store_at(&database.admin_url());
    store.write(&batch([reading("temperature/a", 1, 1.0)])).await.unwrap();
    let available =
        database.texts("SELECT name::text FROM pg_available_extensions WHERE name = 'timescaledb'").await;
    let added = database.texts("SELECT extname::text FROM pg_extension WHERE extname = 'timescaledb'").await;
    assert_eq!(added, available);
}

#[tokio::test]
async fn the_newest_temperatures_are_asked_for_in_one_line() {
    for Fresh { store, database } in
        [hypertable::fresh().await, partitions::fresh().await].into_iter().flatten()
    {
        const MONTH: i64 = 30 * 24 * 3_600_000_000;
        let at = |i: i64| 1_700_000_000_000_000 + i * MONTH;
        let readings = (0..12)
            .flat_map(|i| [reading("temperature/a/b", at(i), i as f64), reading("humidity/a", at(i), 1.0)]);
        store.write(&batch(readings)).await.unwrap();
        let newest =
            "SELECT sensor || ' ' || value FROM (SELECT * FROM temperature ORDER BY time DESC LIMIT 10) t";
        let expected: Vec<_> = (2..12).rev().map(|i| format!("a/b {i}")).collect();
        assert_eq!(database.texts(newest).await, expected);
        let admin = database.admin().await;
        admin.batch_execute("SET enable_sort = off; SET enable_seqscan = off").await.unwrap();
        let plan =
            admin.query("EXPLAIN SELECT * FROM temperature ORDER BY time DESC LIMIT 10", &[]).await.unwrap();
        let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
        assert!(!plan.join("\n").contains("Sort"), "an index gives the order: {plan:#?}");
    }
}

#[tokio::test]
async fn a_store_is_made_without_its_database() {
    let store = Postgres::new("postgres://a:secret@127.0.0.1:1/m".parse().unwrap());
    assert!(store.write(&batch([])).await.is_err());
    assert!(!format!("{store:?}").contains("secret"));
}
