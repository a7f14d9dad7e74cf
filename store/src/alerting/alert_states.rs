//! Alert states: how each series stands towards each rule.

pub(crate) mod postgres;
pub(crate) mod sqlite;

use anyhow::Context;
use jiff::Timestamp;
use telemetry::Series;

use super::conditions::ConditionKind;
use crate::engine::row::Row;
use crate::engine::statement::{Engine, Statement};
use crate::unavailable::Result;

/// How one series stands towards one rule, as far as that outlives a restart.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertState {
    /// The rule's name.
    pub rule: String,
    /// The kind of the rule's condition when this was written. None where an earlier version wrote it.
    pub kind: Option<ConditionKind>,
    /// The series.
    pub series: Series,
    /// Whether the condition holds, and since when.
    pub phase: Phase,
    /// The newest reading evaluated when this was written.
    pub newest: Option<OrderKey>,
    /// What the rule has to remember of the newest reading, such as the value that is stuck.
    pub value: Option<f64>,
}

/// Whether a condition holds, and for how long.
#[derive(Debug, Clone, PartialEq)]
pub enum Phase {
    /// The condition does not hold.
    Normal,
    /// The condition holds, and not yet for long enough.
    Pending {
        /// When it began to hold.
        since: Timestamp,
    },
    /// The condition has held for long enough: there is an open incident.
    Firing {
        /// The incident's id.
        incident: String,
        /// Whether people are notified of it; false while it rests on late readings.
        announced: bool,
    },
    /// The condition no longer holds, and not yet for long enough to end the incident.
    Recovering {
        /// The incident's id.
        incident: String,
        /// As for `Firing`.
        announced: bool,
        /// When the condition ceased to hold.
        since: Timestamp,
    },
}

/// The sort key of a reading within its series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OrderKey {
    /// First, when it was measured.
    pub measured_at: Timestamp,
    /// Then the restart counter.
    pub boot: Option<u64>,
    /// Then its number since the restart.
    pub seq: Option<u64>,
    /// Then its value.
    pub value: f64,
}

/// A [`Phase`] in its columns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct PhaseColumns<'a> {
    pub(crate) phase: &'a str,
    pub(crate) since: Option<Timestamp>,
    pub(crate) incident: Option<&'a str>,
    pub(crate) announced: Option<bool>,
}

impl<'a> From<&'a Phase> for PhaseColumns<'a> {
    fn from(phase: &'a Phase) -> Self {
        let (phase, since, incident, announced) = match phase {
            Phase::Normal => ("normal", None, None, None),
            Phase::Pending { since } => ("pending", Some(*since), None, None),
            Phase::Firing { incident, announced } => ("firing", None, Some(&**incident), Some(*announced)),
            Phase::Recovering { incident, announced, since } => {
                ("recovering", Some(*since), Some(&**incident), Some(*announced))
            }
        };
        Self { phase, since, incident, announced }
    }
}

impl PhaseColumns<'_> {
    pub(crate) fn read(self) -> Option<Phase> {
        let incident = self.incident.map(str::to_owned);
        Some(match self.phase {
            "normal" => Phase::Normal,
            "pending" => Phase::Pending { since: self.since? },
            "firing" => Phase::Firing { incident: incident?, announced: self.announced? },
            "recovering" => {
                Phase::Recovering { incident: incident?, announced: self.announced?, since: self.since? }
            }
            _ => return None,
        })
    }
}

/// All of them, by rule, device and metric.
pub(crate) async fn all(engine: &impl Engine) -> Result<Vec<AlertState>> {
    const SELECT: &str = "
        SELECT rule, device, metric, phase, since, incident, announced, newest_at, newest_boot, newest_seq, newest_value,
            value, kind
        FROM alert_states ORDER BY rule, device, metric";
    engine.query(Statement::new("read alert states", SELECT, []), read).await
}

fn read(row: &Row<'_>) -> anyhow::Result<AlertState> {
    let (phase, incident): (String, Option<String>) = (row.get(3)?, row.get(5)?);
    let phase = PhaseColumns {
        phase: &phase,
        since: row.time_if_any(4)?,
        incident: incident.as_deref(),
        announced: row.get(6)?,
    };
    Ok(AlertState {
        rule: row.get(0)?,
        kind: row.word_if_any(12)?,
        series: Series::new(&row.get::<String>(2)?, &row.get::<String>(1)?)?,
        phase: phase.read().context("a phase without its columns")?,
        newest: newest(row)?,
        value: row.get(11)?,
    })
}

fn newest(row: &Row<'_>) -> anyhow::Result<Option<OrderKey>> {
    let Some(measured_at) = row.time_if_any(7)? else { return Ok(None) };
    Ok(Some(OrderKey { measured_at, boot: row.number(8)?, seq: row.number(9)?, value: row.get(10)? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phase_reads_back_as_written() {
        let (since, incident) = (Timestamp::UNIX_EPOCH, String::from("i"));
        for phase in [
            Phase::Normal,
            Phase::Pending { since },
            Phase::Firing { incident: incident.clone(), announced: true },
            Phase::Recovering { incident, announced: false, since },
        ] {
            let columns = PhaseColumns::from(&phase);
            assert_eq!(columns.read().as_ref(), Some(&phase));
            let unknown = PhaseColumns { phase: "unknown", ..columns };
            assert_eq!(unknown.read(), None);
        }
    }
}
