//! What edges forward as rows, in the transaction of a batch.

use telemetry::UplinkReceipt;
use tokio_postgres::types::Type;
use tokio_postgres::{Error, GenericClient};

use crate::engine::postgres::columns::{Micros, Param};

/// Merges the numbers of batches into those that are known. Repeated, in another order or overlapping: the outcome is the same.
pub(crate) async fn merge(client: &impl GenericClient, receipts: &[UplinkReceipt]) -> Result<(), Error> {
    for receipt in super::in_order(receipts) {
        let UplinkReceipt { edge, received_at, report } = receipt;
        let (run, last) = (report.run.to_string(), super::last_of(receipt));
        let unsent = i64::try_from(report.unsent).unwrap_or(i64::MAX);
        let (told_at, heard_at) = (Micros::of(report.told_at), Micros::of(*received_at));
        let row: [Param<'_>; 6] = [
            (edge, Type::TEXT),
            (&run, Type::TEXT),
            (&last, Type::INT8),
            (&unsent, Type::INT8),
            (&told_at, Type::TIMESTAMPTZ),
            (&heard_at, Type::TIMESTAMPTZ),
        ];
        // It locks the row: of two that merge numbers of one run, one waits for the other.
        client.execute_typed(super::UPSERT, &row).await?;
        for range in super::merged(receipt) {
            merge_range(client, edge, &run, &range).await?;
        }
    }
    Ok(())
}

async fn merge_range(
    client: &impl GenericClient,
    edge: &str,
    run: &str,
    range: &super::Merged,
) -> Result<(), Error> {
    let (before, after) = (range.first - 1, range.last + 1);
    let touching = params(&edge, &run, range, [&before, &after]);
    let found = client.query_typed(super::TOUCHING, &touching).await?;
    let found = found.first().map_or((None, None), |row| (row.get(0), row.get(1)));
    client.execute_typed(super::DELETE, &touching).await?;
    let (first, last) = range.with(found);
    client.execute_typed(super::INSERT, &params(&edge, &run, range, [&first, &last])).await?;
    Ok(())
}

fn params<'a>(
    edge: &'a &str,
    run: &'a &str,
    range: &'a super::Merged,
    [first, last]: [&'a i64; 2],
) -> [Param<'a>; 5] {
    [
        (edge, Type::TEXT),
        (run, Type::TEXT),
        (&range.state, Type::TEXT),
        (first, Type::INT8),
        (last, Type::INT8),
    ]
}
