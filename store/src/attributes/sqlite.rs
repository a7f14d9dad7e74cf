//! Attributes as rows, in the transaction of a batch.

use rusqlite::params;
use telemetry::Attribute;

use crate::engine::sqlite::columns::Micros;
use crate::engine::sqlite::writer::Tables;

pub(crate) fn add(tables: &Tables<'_>, attributes: &[Attribute]) -> rusqlite::Result<()> {
    for Attribute { device, name, value, since } in super::in_order(attributes) {
        let mut upsert = tables.connection.prepare_cached(super::UPSERT)?;
        upsert.execute(params![device, name, value, Micros(*since)])?;
    }
    Ok(())
}
