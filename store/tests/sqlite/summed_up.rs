//! What is summed up is what is read.

use rusqlite::Connection;
use store::{History as _, ReadingStore as _, TimeRange};

use crate::contract::rollups::roll_up;
use crate::contract::{at, batch, reading};
use crate::{file, open};

const HOUR: i64 = 3_600_000_000;

#[tokio::test]
async fn an_hour_is_read_from_its_readings_only_where_they_have_changed() {
    let (folder, sqlite) = open();
    let range = TimeRange { from: at(0), to: at(48 * HOUR) };
    let counts = async |points| {
        let buckets = sqlite.buckets("a", "temperature", range, points).await.unwrap();
        buckets.iter().map(|bucket| bucket.count).collect::<Vec<_>>()
    };
    // A second apart in the first hour, ten minutes in the others.
    let many = (0..3_600).map(|second| second * 1_000_000);
    let few = (0..47).flat_map(|hour| (0..6).map(move |tenth| (hour + 1) * HOUR + tenth * 600_000_000));
    sqlite.write(&batch(many.chain(few).map(|at| reading("temperature/a", at, 1.0)))).await.unwrap();
    roll_up(&sqlite, at(50 * HOUR)).await;
    let before = [counts(1).await, counts(2).await, counts(48).await];
    assert_eq!(before[0], [3_600 + 47 * 6]);

    // Behind the back of the store.
    let connection = Connection::open(file(&folder)).unwrap();
    connection.execute("DELETE FROM readings WHERE measured_at <> 0", []).unwrap();
    assert_eq!([counts(1).await, counts(2).await, counts(48).await], before);
    // An hour has 60 minutes, of which those of the first hour are summed up.
    let minutes = sqlite.buckets("a", "temperature", TimeRange { to: at(HOUR), ..range }, 60).await.unwrap();
    assert_eq!(minutes.iter().map(|bucket| bucket.count).collect::<Vec<_>>(), [60; 60]);

    sqlite.write(&batch([reading("temperature/a", 5 * HOUR + 1, 1.0)])).await.unwrap();
    assert_eq!(counts(48).await[5], 1);
    roll_up(&sqlite, at(50 * HOUR)).await;
    assert_eq!(counts(48).await[..7], [3_600, 6, 6, 6, 6, 1, 6]);
    assert_eq!(counts(1).await, [3_600 + 47 * 6 - 6 + 1]);
}
