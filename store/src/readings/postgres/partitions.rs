//! Without TimescaleDB: a partition for each month, made before the first reading of that month.

use std::collections::BTreeSet;

use telemetry::Reading;
use tokio_postgres::Error;

use crate::engine::postgres::schema::{Layout, Month};
use crate::engine::postgres::session::Session;

/// Makes the partitions that these readings need.
pub(crate) async fn make(session: &mut Session, readings: &[Reading]) -> Result<(), Error> {
    if session.layout == Layout::Hypertable {
        return Ok(());
    }
    let needed: BTreeSet<Month> = readings.iter().filter_map(Month::of).collect();
    for month in needed.difference(&session.months.clone()) {
        session.client.batch_execute(&month.create()).await?;
        session.months.insert(*month);
    }
    Ok(())
}
