use std::sync::mpsc;
use std::time::Duration;

use super::*;

/// Longer than anything takes where nothing is wrong.
const BOUND: Duration = Duration::from_secs(20);

/// Counts for longer than any test lasts.
const ENDLESS: &str =
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

fn readers() -> (tempfile::TempDir, Readers) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    open::create(&path).unwrap();
    let readers = Readers::new(&path);
    (folder, readers)
}

fn one(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT 1", [], |row| row.get(0))
}

#[tokio::test]
async fn a_caller_that_goes_away_interrupts_its_query() {
    let (_folder, readers) = readers();
    let (begun, begins) = mpsc::channel();
    let (ended, ends) = mpsc::channel();
    let query = move |connection: &Connection| -> rusqlite::Result<i64> {
        begun.send(()).unwrap();
        let count = connection.query_row(ENDLESS, [], |row| row.get(0));
        ended.send(count.as_ref().unwrap_err().sqlite_error_code()).unwrap();
        count
    };
    let read = tokio::spawn({
        let readers = readers.clone();
        async move { readers.read("count", query).await }
    });
    spawn_blocking(move || begins.recv_timeout(BOUND)).await.unwrap().unwrap();
    read.abort();
    let code = spawn_blocking(move || ends.recv_timeout(BOUND)).await.unwrap().unwrap();
    assert_eq!(code, Some(rusqlite::ErrorCode::OperationInterrupted));
    assert_eq!(readers.read("one", one).await.unwrap(), 1, "others read on");
}

#[tokio::test]
async fn reads_with_turns_of_their_own_keep_nobody_else_waiting() {
    let (_folder, readers) = readers();
    let own = readers.with_own_turns();
    let (release, held) = mpsc::channel::<()>();
    let held = Arc::new(Mutex::new(held));
    let slow = |_: usize| {
        let (own, held) = (own.clone(), held.clone());
        tokio::spawn(async move {
            let wait = move |_: &Connection| -> rusqlite::Result<()> {
                let _ = held.lock().unwrap().recv();
                Ok(())
            };
            own.read("wait", wait).await
        })
    };
    let slow: Vec<_> = (0..10 * MAX_READERS).map(slow).collect();
    for _ in 0..2 * MAX_READERS {
        let read = tokio::time::timeout(BOUND, readers.read("one", one)).await;
        assert_eq!(read.expect("nobody waits for history").unwrap(), 1);
    }
    assert_eq!(own.turns.available_permits(), 0);
    drop(release);
    for read in slow {
        read.await.unwrap().unwrap();
    }
}
