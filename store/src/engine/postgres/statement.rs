//! Executes statements that need not differ, in PostgreSQL.

use std::error::Error;
use std::time::Duration;

use async_trait::async_trait;
use bytes::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use super::Postgres;
use super::columns::{Micros, Param, text};
use crate::engine::row::read_all;
use crate::engine::statement::{Engine, Read, Statement, Value};
use crate::unavailable::Result;

/// How often it is looked whether other transactions have ended, and how long in between: some seconds in all.
const OUTLAST_LOOKS: u32 = 50;
const OUTLAST_PAUSE: Duration = Duration::from_millis(100);

impl Value {
    fn ty(&self) -> Type {
        match self {
            Self::Text(_) => Type::TEXT,
            Self::Time(_) => Type::TIMESTAMPTZ,
            Self::Integer(_) => Type::INT8,
            Self::Float(_) => Type::FLOAT8,
            Self::Bytes(_) => Type::BYTEA,
        }
    }
}

impl ToSql for Value {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> std::result::Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Text(value) => value.as_deref().map(text).to_sql(ty, out),
            Self::Time(time) => time.map(Micros::of).to_sql(ty, out),
            Self::Integer(number) => number.to_sql(ty, out),
            Self::Float(number) => number.to_sql(ty, out),
            Self::Bytes(bytes) => bytes.to_sql(ty, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

#[async_trait]
impl Engine for Postgres {
    async fn execute(&self, statement: Statement) -> Result<u64> {
        let Statement { doing, sql, params, .. } = statement;
        self.pool.call(doing, async |session| session.client.execute_typed(&sql, &typed(&params)).await).await
    }

    async fn execute_all(&self, doing: &'static str, statements: Vec<Statement>) -> Result<Option<u64>> {
        let execute = async |session: &mut super::session::Session| {
            let transaction = session.client.transaction().await?;
            let mut changed = 0;
            for Statement { sql, params, is_required, .. } in &statements {
                let rows = transaction.execute_typed(sql, &typed(params)).await?;
                if rows == 0 && *is_required {
                    transaction.rollback().await?;
                    return Ok(None);
                }
                changed += rows;
            }
            transaction.commit().await.map(|()| Some(changed))
        };
        self.pool.call::<_, tokio_postgres::Error>(doing, execute).await
    }

    async fn outlast_writers(&self) -> Result<bool> {
        const NEXT: &str = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text";
        const ENDED: &str = "SELECT pg_snapshot_xmin(pg_current_snapshot()) >= $1::text::xid8";
        self.pool
            .call("wait for other transactions", async |session| {
                let next: String = session.client.query_typed_one(NEXT, &[]).await?.get(0);
                for _ in 0..OUTLAST_LOOKS {
                    let row = session.client.query_typed_one(ENDED, &[(&next, Type::TEXT)]).await?;
                    if row.get(0) {
                        return Ok(true);
                    }
                    tokio::time::sleep(OUTLAST_PAUSE).await;
                }
                Ok::<_, tokio_postgres::Error>(false)
            })
            .await
    }

    async fn query<T: Send + 'static>(&self, statement: Statement, read: Read<T>) -> Result<Vec<T>> {
        let Statement { doing, sql, params, .. } = statement;
        let query = async |session: &mut super::session::Session| {
            let rows = session.client.query_typed(&sql, &typed(&params)).await?;
            read_all(&rows, read)
        };
        self.pool.call::<_, anyhow::Error>(doing, query).await
    }
}

fn typed(params: &[Value]) -> Vec<Param<'_>> {
    params.iter().map(|value| (value as _, value.ty())).collect()
}
