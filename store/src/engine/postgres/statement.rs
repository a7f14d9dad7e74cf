//! Executes statements that need not differ, in PostgreSQL.

use std::error::Error;

use async_trait::async_trait;
use bytes::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use super::Postgres;
use super::columns::{Micros, Param, text};
use crate::engine::row::read_all;
use crate::engine::statement::{Engine, Read, Statement, Value};
use crate::unavailable::Result;

impl Value {
    fn ty(&self) -> Type {
        match self {
            Self::Text(_) => Type::TEXT,
            Self::Time(_) => Type::TIMESTAMPTZ,
            Self::Integer(_) => Type::INT8,
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
