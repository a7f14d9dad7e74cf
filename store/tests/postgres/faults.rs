//! Whatever fails is said, changes nothing and is over when its cause is.

use std::sync::Arc;

use store::{Batch, Store};
use tokio::net::TcpListener;

use super::Fresh;
use super::database::store_at;
use super::partitions;
use super::partitions::contract::{batch, everything, reading, rejected};

/// What a call says, in one line and without the password.
async fn problem(store: &dyn Store) -> String {
    let problem = store.latest().await.unwrap_err().to_string();
    assert!(
        !problem.contains('\n') && !problem.contains("secret") && !problem.contains("for-tests"),
        "{problem}"
    );
    problem
}

#[tokio::test]
async fn the_reason_is_said() {
    let Some(Fresh { database, .. }) = partitions::fresh().await else { return };
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let name = database.name();
    for (url, reason) in [
        (database.url_as(name, "secret"), "the user or the password is refused"),
        (database.url_as("nobody", "secret"), "the user or the password is refused"),
        (format!("{}_not", database.url()), "there is no such database"),
        (
            format!("postgres://a:secret@127.0.0.1:{closed}/m"),
            "error connecting to server: Connection refused",
        ),
        ("postgres://a:secret@no-such-host.invalid/m".into(), "error connecting to server: "),
    ] {
        let problem = problem(&*store_at(&url)).await;
        assert!(
            problem.starts_with("the store is not available: read the newest readings: postgres://"),
            "{problem}"
        );
        assert!(problem.contains(reason), "{problem}");
    }
}

#[tokio::test]
async fn a_server_that_is_away_at_first_is_found_later() {
    let Some(Fresh { database, store }) = partitions::fresh().await else { return };
    let name = database.name();
    database.run(&format!("ALTER ROLE {name} NOLOGIN")).await;
    assert!(problem(&*store).await.contains("is not permitted to log in"));
    database.run(&format!("ALTER ROLE {name} LOGIN")).await;
    assert_eq!(store.latest().await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_breaks_in_the_middle_keeps_all_or_nothing() {
    let Some(Fresh { store, database }) = partitions::fresh().await else { return };
    let first = batch([reading("temperature/a", 1, 1.0)]);
    store.write(&first).await.unwrap();
    let both = Arc::new(Batch {
        readings: vec![reading("temperature/b", 1, 1.0)],
        rejected: vec![rejected(1, "temperature/b", "not JSON", "x")],
        ..Batch::default()
    });
    let problem = database.cut_while_writing(&store, &both).await;
    assert!(problem.contains("the server ended the connection"), "{problem}");
    assert_eq!(everything(&*store).await, first.readings);
    assert_eq!(store.rejected_count().await.unwrap(), 0);
    assert_eq!(store.write(&both).await.unwrap().stored, 1);
}

#[tokio::test]
async fn idle_connections_that_were_cut_do_no_harm() {
    let Some(Fresh { store, database }) = partitions::fresh().await else { return };
    store.latest().await.unwrap();
    let kill = format!(
        "SELECT pg_terminate_backend(pid, 10000)::text FROM pg_stat_activity WHERE usename = '{}'",
        database.name()
    );
    assert_eq!(database.texts(&kill).await, ["true"]);
    // The end may not have been noticed yet.
    if store.latest().await.is_err() {
        store.latest().await.unwrap();
    }
}

#[tokio::test]
async fn a_server_that_takes_no_writes_any_more_is_left() {
    let Some(Fresh { store, database }) = partitions::fresh().await else { return };
    let one = batch([reading("temperature/a", 1, 1.0)]);
    store.write(&one).await.unwrap();
    let name = database.name();
    database.run(&format!("ALTER ROLE {name} SET default_transaction_read_only = on")).await;
    let read_only = database.store();
    let problem = read_only.write(&batch([reading("temperature/a", 2, 1.0)])).await.unwrap_err().to_string();
    assert!(problem.contains("the server takes no writes now"), "{problem}");
    read_only.latest().await.unwrap();
    database.run(&format!("ALTER ROLE {name} SET default_transaction_read_only = off")).await;
    read_only.write(&batch([reading("temperature/a", 2, 1.0)])).await.unwrap_err();
    assert_eq!(read_only.write(&one).await.unwrap().duplicate, 1, "on another connection");
}
