//! Series: each device and metric by a number.

use std::collections::{BTreeSet, HashMap};

use foldhash::fast::RandomState;
use telemetry::{Reading, Series};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, Row};

/// Series that a connection remembers, at most: some 20 MB.
const MAX_REMEMBERED: usize = 100_000;

/// The numbers that one connection has seen. Another one may lead to another database, in which they are others.
#[derive(Default)]
pub(crate) struct SeriesIds(HashMap<Series, i32, RandomState>);

impl SeriesIds {
    /// The number of each reading's series, in their order; series that are new are added.
    pub(crate) async fn of(&mut self, client: &Client, readings: &[Reading]) -> Result<Vec<i32>, Error> {
        let known = readings.iter().map(|reading| self.0.get(&reading.series).copied()).collect();
        if let Some(numbers) = known {
            return Ok(numbers);
        }
        let mut unknown: BTreeSet<&Series> = readings
            .iter()
            .map(|reading| &reading.series)
            .filter(|topic| !self.0.contains_key(topic))
            .collect();
        if self.0.len() + unknown.len() > MAX_REMEMBERED {
            self.0.clear();
            unknown = readings.iter().map(|reading| &reading.series).collect();
        }
        self.find(client, &unknown).await?;
        unknown.retain(|topic| !self.0.contains_key(topic));
        if !unknown.is_empty() {
            add(client, &unknown).await?;
            self.find(client, &unknown).await?;
        }
        // Each was known, found or added; no series is ever removed.
        Ok(readings.iter().map(|reading| self.0[&reading.series]).collect())
    }

    async fn find(&mut self, client: &Client, topics: &BTreeSet<&Series>) -> Result<(), Error> {
        const SELECT: &str = "
            SELECT id, device, metric FROM series
            JOIN unnest($1::text[], $2::text[]) AS asked (device, metric) USING (device, metric)";
        if topics.is_empty() {
            return Ok(());
        }
        for row in client.query_typed(SELECT, &columns(topics).params()).await? {
            self.0.extend(topic(&row, 1).map(|topic| (topic, row.get(0))));
        }
        Ok(())
    }
}

/// Outside of any transaction: a series without a reading is harmless, and no writer waits for another one's commit.
async fn add(client: &Client, topics: &BTreeSet<&Series>) -> Result<(), Error> {
    const INSERT: &str = "
        INSERT INTO series (device, metric)
        SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT DO NOTHING";
    client.execute_typed(INSERT, &columns(topics).params()).await?;
    Ok(())
}

/// The topic in a row's columns `device` and `metric`, of which the first is given.
pub(crate) fn topic(row: &Row, device: usize) -> Option<Series> {
    Series::new(row.get(device + 1), row.get(device)).ok()
}

struct Columns<'a> {
    devices: Vec<&'a str>,
    metrics: Vec<&'a str>,
}

fn columns<'a>(topics: &BTreeSet<&'a Series>) -> Columns<'a> {
    let (devices, metrics) = topics.iter().map(|topic| (topic.device(), topic.metric())).unzip();
    Columns { devices, metrics }
}

impl Columns<'_> {
    fn params(&self) -> [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 2] {
        [(&self.devices, Type::TEXT_ARRAY), (&self.metrics, Type::TEXT_ARRAY)]
    }
}
