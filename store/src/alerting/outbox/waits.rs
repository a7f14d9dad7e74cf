//! What was put off by a clock that was ahead.

use jiff::Timestamp;
use telemetry::time::saturating_add;

use super::LongestWaits;
use crate::engine::statement::{Engine, Statement};
use crate::unavailable::Result;

/// Rows that are counted for each statement: after a step of the clock there are few.
const ROWS: usize = 1_000;

pub(crate) async fn bring_forward(engine: &impl Engine, now: Timestamp, waits: &LongestWaits) -> Result<()> {
    const DOING: &str = "bring forward what a clock that was ahead has put off";
    const MESSAGES: &str = "
        UPDATE messages SET again_at = $1 WHERE sent_at IS NULL AND given_up_at IS NULL AND again_at > $1";
    const OTHERS: &str = "
        UPDATE notifications SET due_at = $1
        WHERE message IS NULL AND dropped IS NULL AND due_at > $1 AND kind <> 'reminder'";
    const REMINDERS: &str = "
        UPDATE notifications SET due_at = $1
        WHERE message IS NULL AND dropped IS NULL AND due_at > $1 AND kind = 'reminder'
            AND incident IN (SELECT number FROM incidents WHERE rule = $2)";
    let messages = Statement::new(DOING, MESSAGES, [saturating_add(now, waits.messages).into()]);
    let others = Statement::new(DOING, OTHERS, [now.into()]);
    let reminders = waits.reminders.iter().map(|(rule, wait)| {
        Statement::new(DOING, REMINDERS, [saturating_add(now, *wait).into(), rule.into()])
    });
    let all = [messages, others].into_iter().chain(reminders);
    engine.execute_all(DOING, all.map(|statement| statement.changing(ROWS)).collect()).await.map(drop)
}
