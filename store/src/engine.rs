//! What all domains need of a database: connections, transactions, migrations, column types.

pub(crate) mod postgres;
pub(crate) mod sqlite;
