//! Statements that both databases take as they are.

use std::borrow::Cow;

use async_trait::async_trait;
use jiff::Timestamp;

use super::row::Row;
use crate::unavailable::Result;

/// One statement of SQL with its parameters: `$1` is the first of them, in SQLite as in PostgreSQL.
pub(crate) struct Statement {
    /// What it is for, in the words of an error message: `add a silence`.
    pub(crate) doing: &'static str,
    pub(crate) sql: Cow<'static, str>,
    pub(crate) params: Vec<Value>,
    /// Rows that it may change: SQLite commits so many at once, and no more.
    pub(crate) rows: usize,
    /// Whether its transaction stands only if it changes a row.
    pub(crate) is_required: bool,
}

impl Statement {
    pub(crate) fn new<const N: usize>(
        doing: &'static str,
        sql: impl Into<Cow<'static, str>>,
        params: [Value; N],
    ) -> Self {
        Self { doing, sql: sql.into(), params: params.into(), rows: 1, is_required: false }
    }

    /// States how many rows it may change; 1 if this is not called.
    pub(crate) fn changing(self, rows: usize) -> Self {
        Self { rows, ..self }
    }

    /// Lets its transaction stand only if it changes a row.
    pub(crate) fn required(self) -> Self {
        Self { is_required: true, ..self }
    }
}

/// A parameter. None is NULL, which needs its type as well.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Text(Option<String>),
    Time(Option<Timestamp>),
    Integer(Option<i64>),
    Float(Option<f64>),
    Bytes(Option<Vec<u8>>),
}

macro_rules! values {
    ($($type:ty => $variant:ident),+) => {
        $(
            impl From<$type> for Value {
                fn from(value: $type) -> Self {
                    Self::$variant(Some(value.into()))
                }
            }

            impl From<Option<$type>> for Value {
                fn from(value: Option<$type>) -> Self {
                    Self::$variant(value.map(Into::into))
                }
            }
        )+
    };
}

values!(&str => Text, &String => Text, Timestamp => Time, i64 => Integer, f64 => Float, Vec<u8> => Bytes);

/// Reads one row.
pub(crate) type Read<T> = fn(&Row<'_>) -> anyhow::Result<T>;

/// Executes statements that need not differ.
#[async_trait]
pub(crate) trait Engine: Send + Sync {
    /// Executes a statement in a transaction of its own; returns how many rows it changed.
    async fn execute(&self, statement: Statement) -> Result<u64>;

    /// Executes statements in one transaction, in order; returns how many rows they changed. None, and nothing is changed,
    /// where a required one changed no row.
    async fn execute_all(&self, doing: &'static str, statements: Vec<Statement>) -> Result<Option<u64>>;

    /// Waits until every transaction has ended that had begun when this was called; false where one takes longer than some
    /// seconds.
    async fn outlast_writers(&self) -> Result<bool>;

    /// Reads all rows that a query gives.
    async fn query<T: Send + 'static>(&self, statement: Statement, read: Read<T>) -> Result<Vec<T>>;
}

/// The one number that a query gives.
pub(crate) async fn count(engine: &impl Engine, statement: Statement) -> Result<u64> {
    let counts = engine.query(statement, |row| row.count(0)).await?;
    Ok(counts.into_iter().next().unwrap_or_default())
}
