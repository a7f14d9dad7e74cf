//! Attributes as rows, in the transaction of a batch.

use telemetry::Attribute;
use tokio_postgres::types::Type;
use tokio_postgres::{Error, GenericClient};

use crate::engine::postgres::columns::{Micros, Param};

pub(crate) async fn insert(client: &impl GenericClient, attributes: &[Attribute]) -> Result<(), Error> {
    for Attribute { device, name, value, since } in super::in_order(attributes) {
        let since = Micros::of(*since);
        let row: [Param<'_>; 4] =
            [(device, Type::TEXT), (name, Type::TEXT), (value, Type::TEXT), (&since, Type::TIMESTAMPTZ)];
        client.execute_typed(super::UPSERT, &row).await?;
    }
    Ok(())
}
