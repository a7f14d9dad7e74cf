//! What devices say of themselves in words: the newest value of each attribute, and since when it has that.

pub(crate) mod postgres;
pub(crate) mod sqlite;

use std::time::Duration;

use async_trait::async_trait;
use telemetry::Attribute;

use crate::engine::row::Row;
use crate::engine::statement::{Engine, Statement};
use crate::unavailable::Result;

/// Where attributes are read; they are written with a [`Batch`](crate::Batch).
///
/// # Errors
/// Every call: repeat it.
#[async_trait]
pub trait AttributeStore: Send + Sync {
    /// All attributes, by device and name.
    async fn attributes(&self) -> Result<Vec<Attribute>>;

    /// The attributes of a device and of the devices above it, by device and name: those of `lab` are of `lab/relay-0`,
    /// too.
    async fn attributes_of(&self, device: &str) -> Result<Vec<Attribute>>;
}

/// How often an attribute that does not change is written again, so that it is known that the device still says it.
pub const ATTRIBUTE_SEEN_EVERY: Duration = Duration::from_secs(24 * 60 * 60);

/// A value that is there already keeps its time and is noted as seen, and one from before it changes nothing.
pub(crate) const UPSERT: &str = "
    INSERT INTO attributes (device, name, value, since, seen_at) VALUES ($1, $2, $3, $4, $4)
    ON CONFLICT (device, name) DO UPDATE SET value = excluded.value,
        since = CASE attributes.value WHEN excluded.value THEN attributes.since ELSE excluded.since END,
        seen_at = CASE WHEN attributes.seen_at > excluded.seen_at THEN attributes.seen_at ELSE excluded.seen_at END
    WHERE attributes.since <= excluded.since
        AND (attributes.value <> excluded.value OR attributes.seen_at < excluded.seen_at)";

/// Deletes attributes of devices of which nothing else is left: neither the device nor one below it is registered, and neither
/// has readings or what they were summed up to. A name below `lab` is between `lab/` and `lab0`, as `0` comes after `/`.
pub(crate) const PURGE: &str = "
    DELETE FROM attributes WHERE (device, name) IN (
        SELECT a.device, a.name FROM attributes a WHERE a.seen_at < $1
        AND NOT EXISTS (SELECT 1 FROM devices d WHERE d.name = a.device)
        AND NOT EXISTS (SELECT 1 FROM devices d WHERE d.name > a.device || '/' AND d.name < a.device || '0')
        AND NOT EXISTS (
            SELECT 1 FROM series s
            WHERE (s.device = a.device OR s.device > a.device || '/' AND s.device < a.device || '0')
            AND (EXISTS (SELECT 1 FROM readings WHERE series = s.id)
                OR EXISTS (SELECT 1 FROM rollups WHERE series = s.id)))
        LIMIT $2
    )";

const SELECT: &str = "SELECT device, name, value, since FROM attributes";

/// In the order in which every transaction stores them, so that two do not wait for each other.
pub(crate) fn in_order(attributes: &[Attribute]) -> Vec<&Attribute> {
    let mut attributes: Vec<_> = attributes.iter().collect();
    attributes.sort_by_key(|attribute| (&attribute.device, &attribute.name, attribute.since));
    attributes
}

#[async_trait]
impl<E: Engine> AttributeStore for E {
    async fn attributes(&self) -> Result<Vec<Attribute>> {
        let sql = format!("{SELECT} ORDER BY device, name");
        self.query(Statement::new("read attributes", sql, []), read).await
    }

    async fn attributes_of(&self, device: &str) -> Result<Vec<Attribute>> {
        let sql = format!(
            "{SELECT} WHERE device = $1 OR substr($1, 1, length(device) + 1) = device || '/' ORDER BY device, name"
        );
        self.query(Statement::new("read attributes", sql, [device.into()]), read).await
    }
}

fn read(row: &Row<'_>) -> anyhow::Result<Attribute> {
    Ok(Attribute { device: row.get(0)?, name: row.get(1)?, value: row.get(2)?, since: row.time(3)? })
}
