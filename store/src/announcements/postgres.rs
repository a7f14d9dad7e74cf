//! Announcements as rows, in the transaction of a batch.

use telemetry::Announcement;
use tokio_postgres::types::Type;
use tokio_postgres::{Error, GenericClient};

use crate::engine::postgres::columns::{Micros, Param};

pub(crate) async fn insert(client: &impl GenericClient, announcements: &[Announcement]) -> Result<(), Error> {
    for announcement in super::in_order(announcements) {
        let subject = &announcement.subject;
        let (received_at, content) = (Micros::of(announcement.received_at), announcement.content.to_string());
        let row: [Param<'_>; 3] =
            [(subject, Type::TEXT), (&received_at, Type::TIMESTAMPTZ), (&content, Type::TEXT)];
        client.execute_typed(super::INSERT, &row).await?;
        client.execute_typed(&super::delete(), &[(subject, Type::TEXT)]).await?;
    }
    Ok(())
}
