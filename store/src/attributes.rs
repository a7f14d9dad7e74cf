//! What devices say of themselves in words: the newest value of each attribute, and since when it has that.

pub(crate) mod postgres;
pub(crate) mod sqlite;

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

/// A value that is there already keeps its time, and one from before it changes nothing.
pub(crate) const UPSERT: &str = "
    INSERT INTO attributes (device, name, value, since) VALUES ($1, $2, $3, $4)
    ON CONFLICT (device, name) DO UPDATE SET value = excluded.value, since = excluded.since
    WHERE attributes.since <= excluded.since AND attributes.value <> excluded.value";

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
