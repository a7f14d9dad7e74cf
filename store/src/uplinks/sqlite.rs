//! What edges forward as rows, in the transaction of a batch.

use rusqlite::params;
use telemetry::UplinkReceipt;

use crate::engine::sqlite::columns::Micros;
use crate::engine::sqlite::writer::Tables;

/// Merges the numbers of batches into those that are known. Repeated, in another order or overlapping: the outcome is the same.
pub(crate) fn merge(tables: &Tables<'_>, receipts: &[UplinkReceipt]) -> rusqlite::Result<()> {
    for receipt in super::in_order(receipts) {
        let UplinkReceipt { edge, received_at, report } = receipt;
        let (run, unsent) = (report.run.to_string(), i64::try_from(report.unsent).unwrap_or(i64::MAX));
        let params =
            params![edge, run, super::last_of(receipt), unsent, Micros(report.told_at), Micros(*received_at)];
        tables.connection.prepare_cached(super::UPSERT)?.execute(params)?;
        for range in super::merged(receipt) {
            merge_range(tables, edge, &run, &range)?;
        }
    }
    Ok(())
}

fn merge_range(tables: &Tables<'_>, edge: &str, run: &str, range: &super::Merged) -> rusqlite::Result<()> {
    let touching = params![edge, run, range.state, range.first - 1, range.last + 1];
    let found = tables
        .connection
        .prepare_cached(super::TOUCHING)?
        .query_row(touching, |row| Ok((row.get(0)?, row.get(1)?)))?;
    tables.connection.prepare_cached(super::DELETE)?.execute(touching)?;
    let (first, last) = range.with(found);
    tables.connection.prepare_cached(super::INSERT)?.execute(params![edge, run, range.state, first, last])?;
    Ok(())
}
