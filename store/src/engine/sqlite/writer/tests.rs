use std::future::Future;
use std::sync::mpsc;

use rusqlite::params;
use telemetry::Series;
use tempfile::TempDir;

use super::*;

/// Breaks a foreign key.
const NOTICE_OF_NOTHING: &str =
    "INSERT INTO notifications VALUES (1, 99, 'opened', 'mail', 'a@example.org', 1, 1, NULL, NULL, NULL)";

fn start() -> (TempDir, Writer) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("millrace.db");
    let writer =
        Writer::start(open::create(&path).unwrap(), &path, Arc::new(telemetry::SystemClock::default()))
            .unwrap();
    (folder, writer)
}

/// Holds the thread until all of `changes` have arrived, so that they are one group.
async fn as_one_group<T>(writer: &Writer, changes: impl Future<Output = T>) -> T {
    let (begin, begun) = oneshot::channel();
    let (release, released) = mpsc::channel();
    let hold = writer.change("hold", 0, move |_| {
        begin.send(()).unwrap();
        released.recv().unwrap();
        Ok(())
    });
    let changes = async {
        begun.await.unwrap();
        tokio::join!(biased; changes, async { release.send(()).unwrap() }).0
    };
    let (held, result) = tokio::join!(hold, changes);
    held.unwrap();
    result
}

fn topic(name: &str) -> Series {
    Series::parse(name).unwrap()
}

async fn add(writer: &Writer, name: &str) -> Result<i64> {
    let topic = topic(name);
    writer.change("add", 1, move |tables| tables.series.id(tables.connection, &topic)).await
}

async fn run(writer: &Writer, sql: &str) -> Result<()> {
    let sql = sql.to_owned();
    writer.change("run", 1, move |tables| tables.connection.execute_batch(&sql)).await
}

async fn series(writer: &Writer) -> Vec<String> {
    writer
        .change("list", 0, |tables| {
            let mut select =
                tables.connection.prepare("SELECT metric || '/' || device FROM series ORDER BY id")?;
            select.query_map([], |row| row.get(0))?.collect()
        })
        .await
        .unwrap()
}

#[tokio::test]
async fn changes_that_arrive_together_are_one_commit() {
    let (_folder, writer) = start();
    let stored_at = || writer.change("read the time", 1, |tables| Ok(tables.stored_at));
    let times = as_one_group(&writer, async {
        let (a, b, c, d) = tokio::join!(stored_at(), stored_at(), stored_at(), stored_at());
        [a, b, c, d].map(Result::unwrap)
    })
    .await;
    assert_eq!(times, [times[0]; 4]);
    assert_ne!(stored_at().await.unwrap(), times[0]);
}

#[tokio::test]
async fn a_change_that_fails_fails_alone() {
    let (_folder, writer) = start();
    let fail = |name| {
        let topic = topic(name);
        writer.change("fail", 1, move |tables| {
            tables.series.id(tables.connection, &topic)?;
            tables.connection.execute_batch(NOTICE_OF_NOTHING)
        })
    };
    let (a, failed, b, again) = as_one_group(&writer, async {
        tokio::join!(biased; add(&writer, "t/a"), fail("t/x"), add(&writer, "t/b"), add(&writer, "t/x"))
    })
    .await;
    assert!(failed.unwrap_err().to_string().contains("FOREIGN KEY"));
    assert_eq!((a.is_ok(), b.is_ok(), again.is_ok()), (true, true, true));
    assert_eq!(
        series(&writer).await,
        ["t/a", "t/b", "t/x"],
        "a number that was rolled back is not remembered"
    );
}

#[tokio::test]
async fn a_change_that_is_alone_and_fails_keeps_nothing() {
    let (_folder, writer) = start();
    let fail = |tables: &mut Tables<'_>| {
        tables.series.id(tables.connection, &topic("t/x"))?;
        tables.connection.execute_batch(NOTICE_OF_NOTHING)
    };
    let failed = writer.change("fail", 1, fail).await.unwrap_err();
    assert!(failed.to_string().contains("FOREIGN KEY"), "{failed}");
    assert!(series(&writer).await.is_empty());
    add(&writer, "t/x").await.unwrap();
    assert_eq!(series(&writer).await, ["t/x"], "a number that was rolled back is not remembered");
}

#[tokio::test]
async fn a_commit_that_fails_keeps_nothing_and_the_next_one_works() {
    let (_folder, writer) = start();
    for spoil in [
        // A deferred key is looked at in COMMIT.
        &format!("PRAGMA defer_foreign_keys = ON; {NOTICE_OF_NOTHING}"),
        // As SQLite itself does when it is out of disk or memory at a bad moment.
        "ROLLBACK; SELECT no_such_function()",
    ] {
        let (a, spoilt, b) = as_one_group(&writer, async {
            tokio::join!(biased; add(&writer, "t/a"), run(&writer, spoil), add(&writer, "t/b"))
        })
        .await;
        assert_eq!((a.is_err(), spoilt.is_err(), b.is_err()), (true, true, true), "{spoil}");
        assert_eq!(series(&writer).await, [""; 0], "{spoil}");
    }
    add(&writer, "t/a").await.unwrap();
    assert_eq!(series(&writer).await, ["t/a"]);
}

#[tokio::test]
async fn a_full_disk_is_survived() {
    let (_folder, writer) = start();
    let fill = || {
        writer.change("fill", 1, |tables| {
            let insert = "INSERT INTO rejected (received_at, topic, reason, payload) VALUES (0, '', '', ?1)";
            tables.connection.execute(insert, params![vec![0_u8; 1_000_000]])
        })
    };
    run(&writer, "PRAGMA max_page_count = 50").await.unwrap();
    assert!(fill().await.unwrap_err().to_string().contains("full"));
    add(&writer, "t/small").await.unwrap();
    run(&writer, "PRAGMA max_page_count = 1000000").await.unwrap();
    assert_eq!(fill().await.unwrap(), 1);
}

#[tokio::test]
async fn a_lock_of_another_program_is_survived() {
    let (folder, writer) = start();
    let other = Connection::open(folder.path().join("millrace.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(add(&writer, "t/a").await.unwrap_err().to_string().contains("locked"));
    other.execute_batch("ROLLBACK").unwrap();
    add(&writer, "t/a").await.unwrap();
}

#[tokio::test]
async fn a_caller_that_goes_away_does_no_harm() {
    let (_folder, writer) = start();
    as_one_group(&writer, async {
        tokio::select! {
            biased;
            _ = add(&writer, "t/gone") => unreachable!("the thread is held"),
            () = std::future::ready(()) => {}
        }
    })
    .await;
    add(&writer, "t/a").await.unwrap();
    assert_eq!(series(&writer).await, ["t/gone", "t/a"]);
}

#[tokio::test]
async fn a_panic_is_an_answer_and_not_a_silence() {
    let (_folder, writer) = start();
    let bug = writer.change::<()>("bug", 0, |_| panic!("a bug, on purpose"));
    assert!(bug.await.unwrap_err().to_string().contains(STOPPED));
    assert!(add(&writer, "t/a").await.unwrap_err().to_string().contains(STOPPED));
    writer.close().await;
}
