//! What all domains need of a database: connections, transactions, migrations, column types.
//!
//! A statement that need not differ between the two is a [`statement::Statement`], and a row that is read alike is a
//! [`row::Row`]. A domain whose statements all are of this kind has no file of its own for each database.

pub(crate) mod columns;
pub(crate) mod postgres;
pub(crate) mod row;
pub(crate) mod sqlite;
pub(crate) mod statement;
