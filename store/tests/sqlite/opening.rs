//! What can be opened, what is refused and how that is said.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use store::{
    AnnouncementStore, ConditionKind, History, Incidents, Lease, Leases, ReadingStore, Rejections, Sqlite,
};
use tempfile::TempDir;

use crate::contract::carried;
use crate::contract::{at, batch, everything, reading};
use crate::{file, open};

/// The message without the path, which it must name.
fn refusal(path: &Path) -> String {
    let message = format!("{:#}", Sqlite::open(path).unwrap_err());
    assert!(!message.contains('\n'), "{message}");
    let prefix = format!("the database {}: ", path.display());
    message.strip_prefix(&prefix).unwrap_or_else(|| panic!("{message:?} does not name the file")).to_owned()
}

#[tokio::test]
async fn a_file_can_be_opened_again_and_by_two_at_once() {
    let (folder, one) = open();
    let two = Sqlite::open(&file(&folder)).unwrap();
    one.write(&batch([reading("temperature/a", 1, 1.0)])).await.unwrap();
    two.write(&batch([reading("temperature/a", 2, 1.0)])).await.unwrap();
    one.write(&batch([reading("temperature/a", 3, 1.0)])).await.unwrap();
    assert_eq!(everything(&two).await.len(), 3);
}

#[test]
fn two_that_make_the_file_at_once_both_succeed() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| Sqlite::open(&path).unwrap());
        }
    });
}

#[tokio::test]
async fn a_closed_store_is_one_file_and_refuses_further_writes() {
    let (folder, sqlite) = open();
    let clone = sqlite.clone();
    sqlite.write(&batch([reading("temperature/a", 1, 1.0)])).await.unwrap();
    sqlite.latest().await.unwrap();
    sqlite.close().await;
    let files: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(files, [store::FILE]);
    let refused = clone.write(&batch([reading("temperature/a", 2, 1.0)])).await.unwrap_err();
    assert!(refused.to_string().contains("has stopped"), "{refused}");
    clone.probe().await.unwrap_err();
    clone.close().await;
    assert_eq!(everything(&Sqlite::open(&file(&folder)).unwrap()).await.len(), 1);
}

#[tokio::test]
async fn probing_does_not_let_the_file_grow() {
    let (folder, sqlite) = open();
    sqlite.write(&batch([reading("temperature/a", 1, 1.0)])).await.unwrap();
    let pages = || {
        let connection = Connection::open(file(&folder)).unwrap();
        connection.query_row("PRAGMA page_count", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    let before = pages();
    for _ in 0..50 {
        sqlite.probe().await.unwrap();
    }
    assert_eq!(pages(), before);
}

/// The first migrations, as far as tests begin with an older schema.
const MIGRATIONS: [&str; 5] = [
    include_str!("../../src/engine/sqlite/migrations/0001_schema.sql"),
    include_str!("../../src/engine/sqlite/migrations/0002_leases.sql"),
    include_str!("../../src/engine/sqlite/migrations/0003_alerting.sql"),
    include_str!("../../src/engine/sqlite/migrations/0004_resent.sql"),
    include_str!("../../src/engine/sqlite/migrations/0005_kinds.sql"),
];

/// A database with an older schema and these rows.
fn old_schema(version: usize, rows: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let connection = Connection::open(file(&folder)).unwrap();
    for migration in &MIGRATIONS[..version] {
        connection.execute_batch(migration).unwrap();
    }
    let mark = format!("PRAGMA application_id = 0x4d696c6c; PRAGMA user_version = {version}");
    connection.execute_batch(&mark).unwrap();
    connection.execute_batch(rows).unwrap();
    folder
}

#[tokio::test]
async fn the_first_schema_is_brought_up_to_date() {
    let folder = old_schema(
        1,
        "INSERT INTO series VALUES (1, 'a', 'temperature');
         INSERT INTO readings VALUES (1, 1, -1, -1, 1.0, NULL, 1700000000000000, 2)",
    );
    let sqlite = Sqlite::open(&file(&folder)).unwrap();
    assert_eq!(everything(&sqlite).await, [reading("temperature/a", 1, 1.0)]);
    assert!(sqlite.acquire(Lease::Outbox, "a", Duration::from_secs(60)).await.unwrap());
}

#[tokio::test]
async fn incidents_and_mails_of_the_second_schema_are_carried_over() {
    let folder = old_schema(
        2,
        "INSERT INTO incidents VALUES
             ('i1', 'too hot', 'a', 'temperature', 5, 31.5, 'celsius', 9, 22.0, 100),
             ('i2', 'too hot', 'a', 'temperature', 15, 31.5, 'celsius', NULL, NULL, 101),
             ('i3', 'too hot', 'b', 'temperature', 1, 31.5, 'celsius', 2, 22.0, 102);
         INSERT INTO mails VALUES
             (3, 'i1.opened@millrace', 'i1', 'opened', 'a@example.org, b@example.org', 7),
             (4, 'i1.resolved@millrace', 'i1', 'resolved', 'a@example.org, b@example.org', NULL),
             (6, 'i2.opened@millrace', 'i2', 'opened', 'a@example.org, b@example.org', 17)",
    );
    carried::check(&Sqlite::open(&file(&folder)).unwrap()).await;
}

#[tokio::test]
async fn what_lacked_a_birth_in_an_older_schema_is_awaited() {
    let reason = "the alias 7 is not known: no birth of plant/edge that has it has come yet";
    let rows = format!(
        "INSERT INTO rejected (received_at, topic, reason, payload) VALUES
             (1, 'spBv1.0/plant/NDATA/edge', '{reason}', x'00'), (2, 't', 'not JSON', x'00')"
    );
    let folder = old_schema(5, &rows);
    let sqlite = Sqlite::open(&file(&folder)).unwrap();
    let content = telemetry::Announced::Birth { bd_seq: None, aliases: BTreeMap::new() };
    let birth = telemetry::Announcement { subject: "birth plant/edge".into(), received_at: at(3), content };
    sqlite.announce(&[birth]).await.unwrap();
    assert_eq!(sqlite.awaited(10).await.unwrap(), [store::Awaited { id: 1, announced_at: at(3) }]);
}

#[tokio::test]
async fn of_what_kind_an_open_incident_is_is_known_from_the_fourth_schema_on() {
    let folder = old_schema(
        4,
        "INSERT INTO incidents (
             id, rule, severity, device, metric, limit_kind, limit_words, began_at, opened_at, judged_at, late,
             stored_at)
         VALUES
             ('i1', 'cold', 'info', 'a', 'temperature', 'below', 'below 3', 1, 1, 1, 0, 1),
             ('i2', 'hot', 'info', 'a', 'temperature', 'above', '', 1, 1, 1, 0, 1);
         INSERT INTO standings (
             rule, device, metric, phase, since, incident, told, newest_boot, newest_seq, written_at)
         VALUES
             ('cold', 'a', 'temperature', 'firing', NULL, 'i1', 1, -1, -1, 1),
             ('fast', 'a', 'temperature', 'pending', 1, NULL, NULL, -1, -1, 1),
             ('hot', 'a', 'temperature', 'firing', NULL, 'i2', 1, -1, -1, 1)",
    );
    let alert_states = Sqlite::open(&file(&folder)).unwrap().alert_states().await.unwrap();
    let kinds: Vec<_> = alert_states.iter().map(|alert_state| alert_state.kind).collect();
    assert_eq!(kinds, [Some(ConditionKind::Below), None, None]);
}

#[tokio::test]
async fn incidents_and_notifications_of_the_fifth_schema_are_carried_over() {
    let rows = carried::rows_in_old_terms(|micros| micros.to_string(), "1", "0");
    let folder = old_schema(5, &rows);
    carried::check_old_terms(&Sqlite::open(&file(&folder)).unwrap()).await;
}

#[test]
fn a_newer_schema_is_refused() {
    let (folder, sqlite) = open();
    drop(sqlite);
    Connection::open(file(&folder)).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let refusal = refusal(&file(&folder));
    assert!(refusal.contains("newer Millrace: its schema has version 99"), "{refusal}");
}

#[test]
fn another_programs_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder);
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE music (title TEXT)").unwrap();
    let before = std::fs::read(&path).unwrap();
    assert_eq!(refusal(&path), "it is a SQLite database, but not one of Millrace's");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn what_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let garbage = folder.path().join("garbage");
    std::fs::write(&garbage, "Dear diary, ".repeat(1000)).unwrap();
    for (path, reason) in [
        (garbage.clone(), "it is not a SQLite database"),
        (folder.path().to_path_buf(), "it is a folder, not a file"),
        (folder.path().join("nowhere/millrace.db"), "its folder does not exist"),
        (garbage.join("millrace.db"), "its folder does not exist"),
    ] {
        assert_eq!(refusal(&path), reason);
    }
    assert!(!folder.path().join("nowhere").exists());
}

#[tokio::test]
async fn a_file_that_has_just_been_made_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(file(&folder), "").unwrap();
    Sqlite::open(&file(&folder)).unwrap().probe().await.unwrap();
}

#[tokio::test]
async fn only_the_owner_may_read_the_files_though_all_could_before() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, sqlite) = open();
    sqlite.write(&batch([reading("temperature/a", 1, 1.0)])).await.unwrap();
    let modes = || {
        let files = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().metadata().unwrap());
        files.map(|file| file.permissions().mode() & 0o777).collect::<Vec<_>>()
    };
    assert_eq!(modes(), [0o600; 3], "the database, its log and the log's index");
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let open = std::fs::Permissions::from_mode(0o644);
        std::fs::set_permissions(entry.unwrap().path(), open).unwrap();
    }
    let again = Sqlite::open(&file(&folder)).unwrap();
    assert_eq!(modes(), [0o600; 3]);
    drop(again);
}

/// Pages in the middle are overwritten, as a failing disk does: what is found out later is said, and what to do.
#[tokio::test]
async fn a_file_that_is_damaged_while_it_is_open_is_called_damaged() {
    let (folder, sqlite) = open();
    let many = (0..20_000).map(|micros| reading("temperature/a", micros, 1.0));
    sqlite.write(&batch(many)).await.unwrap();
    sqlite.close().await;
    let path = file(&folder);
    let bytes = std::fs::read(&path).unwrap();
    let sqlite = Sqlite::open(&path).unwrap();
    let (start, end) = (bytes.len() / 4, bytes.len() / 4 * 3);
    let mut damaged = bytes.clone();
    damaged[start..end].fill(0x5a);
    std::fs::write(&path, &damaged).unwrap();
    for error in [
        sqlite
            .write(&batch((0..20_000).map(|micros| reading("temperature/a", micros, 2.0))))
            .await
            .unwrap_err(),
        all_readings(&sqlite).await.unwrap_err(),
    ] {
        assert!(error.is_damaged(), "{error}");
        let said = error.to_string();
        for words in
            ["the database is damaged (", "restore a backup", "recover what can be read", "docs/backup.md"]
        {
            assert!(said.contains(words), "{said}");
        }
    }
}

async fn all_readings(sqlite: &Sqlite) -> store::Result<store::Page> {
    let range = store::TimeRange { from: jiff::Timestamp::MIN, to: jiff::Timestamp::MAX };
    let query = store::ReadingQuery {
        device: None,
        metric: None,
        range,
        limit: 100_000,
        after: None,
        scope: telemetry::Scope::all(),
    };
    sqlite.readings(query).await
}
