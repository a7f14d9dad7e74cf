//! Runs of the clock that gave stamps: which of them were wrong, and by how much.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use telemetry::ClockRun;

use crate::engine::row::Row;
use crate::engine::statement::{Engine, Statement, Value};
use crate::unavailable::Result;

/// Where the runs of the clock are stored.
///
/// # Errors
/// Every call: nothing was changed; repeat the call.
#[async_trait]
pub trait ClockHistory: Send + Sync {
    /// All runs, oldest first.
    async fn clock_runs(&self) -> Result<Vec<ClockRun>>;

    /// Replaces all runs by these, in one transaction.
    async fn set_clock_runs(&self, runs: &[ClockRun]) -> Result<()>;

    /// Notes up to when the last run has lasted.
    async fn extend_clock_run(&self, to: Timestamp) -> Result<()>;
}

#[async_trait]
impl<E: Engine> ClockHistory for E {
    async fn clock_runs(&self) -> Result<Vec<ClockRun>> {
        const SELECT: &str = "
            SELECT process, first_at, last_at, shift_micros, lane, wrong_by_micros FROM clock_runs ORDER BY number";
        self.query(Statement::new("read the runs of the clock", SELECT, []), read).await
    }

    async fn set_clock_runs(&self, runs: &[ClockRun]) -> Result<()> {
        let delete = Statement::new("forget the runs of the clock", "DELETE FROM clock_runs", []);
        let inserts = (1..).zip(runs).map(|(number, run)| insert(number, run));
        let statements = std::iter::once(delete.changing(runs.len())).chain(inserts).collect();
        self.execute_all("store the runs of the clock", statements).await.map(drop)
    }

    async fn extend_clock_run(&self, to: Timestamp) -> Result<()> {
        const UPDATE: &str = "
            UPDATE clock_runs SET last_at = $1
            WHERE number = (SELECT max(number) FROM clock_runs) AND last_at < $1";
        self.execute(Statement::new("extend the run of the clock", UPDATE, [to.into()])).await.map(drop)
    }
}

fn insert(number: i64, run: &ClockRun) -> Statement {
    const INSERT: &str = "
        INSERT INTO clock_runs (number, process, first_at, last_at, shift_micros, lane, wrong_by_micros)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let ClockRun { process, from, to, shift, lane, wrong_by } = run;
    let params: [Value; 7] = [
        number.into(),
        (*process).into(),
        (*from).into(),
        (*to).into(),
        micros(*shift).into(),
        (*lane).into(),
        wrong_by.map(micros).into(),
    ];
    Statement::new("store a run of the clock", INSERT, params)
}

fn micros(duration: SignedDuration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(if duration.is_negative() { i64::MIN } else { i64::MAX })
}

fn read(row: &Row<'_>) -> anyhow::Result<ClockRun> {
    Ok(ClockRun {
        process: row.get(0)?,
        from: row.time(1)?,
        to: row.time(2)?,
        shift: SignedDuration::from_micros(row.get(3)?),
        lane: row.get(4)?,
        wrong_by: row.get::<Option<i64>>(5)?.map(SignedDuration::from_micros),
    })
}
