//! Stores a batch in one transaction; readings that the database refuses are stored as rejections.

use telemetry::Reading;
use tokio_postgres::{Error, Transaction};

use super::rows::{self, Keyed};
use super::{copy, partitions};
use crate::announcements::postgres as announcements;
use crate::attributes::postgres as attributes;
use crate::engine::postgres::problem::{is_passing, refuses_data};
use crate::engine::postgres::session::Session;
use crate::readings::write::{Batch, Written};
use crate::rejections::RejectedMessage;
use crate::rejections::postgres as rejections;
use crate::uplinks::postgres as uplinks;

/// Times that a batch is tried the careful way, where another writer or retention is in the way.
const MAX_TRIES: usize = 3;

/// Tries COPY, unless duplicates are expected or there is more than readings and rejections. Where that fails nothing is stored, and each reading is inserted.
pub(crate) async fn write(session: &mut Session, batch: &Batch) -> Result<Written, Error> {
    let is_plain = batch.announcements.is_empty() && batch.attributes.is_empty() && batch.uplinks.is_empty();
    if session.expects_duplicates || batch.readings.is_empty() || !is_plain {
        return write_carefully(session, batch).await;
    }
    match copy(session, batch).await {
        Err(error) if is_passing(&error) || refuses_data(&error) => {
            session.expects_duplicates = true;
            partitions::forget(session);
            write_carefully(session, batch).await
        }
        result => result,
    }
}

async fn copy(session: &mut Session, batch: &Batch) -> Result<Written, Error> {
    let rows = prepare(session, &batch.readings).await?;
    let turn = partitions::turn(session, &batch.readings);
    let stored = copy::copy(session, turn, &rows, &batch.rejected).await?;
    partitions::note(session, &batch.readings);
    Ok(written(batch, stored, 0))
}

async fn write_carefully(session: &mut Session, batch: &Batch) -> Result<Written, Error> {
    let mut tries = 1;
    loop {
        match insert(session, batch).await {
            Err(error) if is_passing(&error) && tries < MAX_TRIES => {
                partitions::forget(session);
                tries += 1;
            }
            Err(error) if refuses_data(&error) => return sift(session, batch).await,
            result => return result,
        }
    }
}

async fn insert(session: &mut Session, batch: &Batch) -> Result<Written, Error> {
    let rows = prepare(session, &batch.readings).await?;
    let transaction = begin(session, &batch.readings).await?;
    let stored = rows::insert(&transaction, &rows).await?;
    rejections::insert(&transaction, &batch.rejected).await?;
    announcements::insert(&transaction, &batch.announcements).await?;
    attributes::insert(&transaction, &batch.attributes).await?;
    uplinks::merge(&transaction, &batch.uplinks).await?;
    transaction.commit().await?;
    partitions::note(session, &batch.readings);
    session.expects_duplicates = stored < rows::different(&rows).count() as u64;
    Ok(written(batch, stored, 0))
}

/// As [`insert`], without the readings that the database refuses, which are found by halving.
async fn sift(session: &mut Session, batch: &Batch) -> Result<Written, Error> {
    let rows = prepare(session, &batch.readings).await?;
    let mut transaction = begin(session, &batch.readings).await?;
    let (mut stored, mut refused) = (0, Vec::new());
    let mut parts = vec![&rows[..]];
    while let Some(part) = parts.pop() {
        match (insert_part(&mut transaction, part).await?, part) {
            (Ok(new), _) => stored += new,
            (Err(reason), [row]) => refused.push(rejection(row.reading, &reason)),
            (Err(_), _) => {
                let (first, second) = part.split_at(part.len() / 2);
                // The first half goes first: in the order of the key, as in every transaction.
                parts.extend([second, first]);
            }
        }
    }
    let count = refused.len() as u64;
    refused.extend_from_slice(&batch.rejected);
    rejections::insert(&transaction, &refused).await?;
    announcements::insert(&transaction, &batch.announcements).await?;
    attributes::insert(&transaction, &batch.attributes).await?;
    uplinks::merge(&transaction, &batch.uplinks).await?;
    transaction.commit().await?;
    tracing::warn!(readings = count, "the database refuses readings: they are stored as rejections");
    Ok(written(batch, stored, count))
}

async fn prepare<'a>(session: &mut Session, readings: &'a [Reading]) -> Result<Vec<Keyed<'a>>, Error> {
    let series = session.series.of(&session.client, readings).await?;
    partitions::make(session, readings).await?;
    Ok(rows::in_order(series, readings))
}

async fn begin<'a>(session: &'a mut Session, readings: &[Reading]) -> Result<Transaction<'a>, Error> {
    let turn = partitions::turn(session, readings);
    let transaction = session.client.transaction().await?;
    if let Some(turn) = turn {
        transaction.batch_execute(&turn).await?;
    }
    Ok(transaction)
}

/// Returns how many are new, or why the database refuses some of them.
async fn insert_part(
    transaction: &mut Transaction<'_>,
    part: &[Keyed<'_>],
) -> Result<Result<u64, String>, Error> {
    let savepoint = transaction.transaction().await?;
    match rows::insert(&savepoint, part).await {
        Ok(new) => savepoint.commit().await.map(|()| Ok(new)),
        Err(error) => match error.as_db_error().filter(|_| refuses_data(&error)) {
            Some(said) => savepoint.rollback().await.map(|()| Err(said.message().to_owned())),
            None => Err(error),
        },
    }
}

fn rejection(reading: &Reading, reason: &str) -> RejectedMessage {
    RejectedMessage {
        received_at: reading.received_at,
        topic: reading.series.to_string(),
        reason: format!("the database refuses it: {reason}"),
        payload: reading.to_payload().into(),
    }
}

fn written(batch: &Batch, stored: u64, refused: u64) -> Written {
    let duplicate = batch.readings.len() as u64 - stored - refused;
    Written { stored, duplicate, rejected: batch.rejected.len() as u64 + refused }
}
