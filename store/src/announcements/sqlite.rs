//! Announcements as rows, in the transaction of a batch.

use rusqlite::params;
use telemetry::Announcement;

use crate::engine::sqlite::columns::Micros;
use crate::engine::sqlite::writer::Tables;

pub(crate) fn add(tables: &Tables<'_>, announcements: &[Announcement]) -> rusqlite::Result<()> {
    for announcement in super::in_order(announcements) {
        let (subject, received_at) = (&announcement.subject, Micros(announcement.received_at));
        let mut insert = tables.connection.prepare_cached(super::INSERT)?;
        insert.execute(params![subject, received_at, announcement.content.to_string()])?;
        tables.connection.prepare_cached(&super::delete())?.execute(params![subject])?;
    }
    Ok(())
}
