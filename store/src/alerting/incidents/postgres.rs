//! Incidents as rows.

mod batches;
mod transitions;
pub(crate) mod turn;

use std::collections::HashMap;

use async_trait::async_trait;
use telemetry::Filter;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, Transaction};

use super::{COLUMNS, Numbered, read};
use crate::alerting::alert_states::{self, AlertState};
use crate::alerting::incidents::{Acknowledgement, Changes, Incident, IncidentQuery, Incidents};
use crate::alerting::notifications::postgres as notifications;
use crate::engine::columns::{Word, at_most};
use crate::engine::postgres::Postgres;
use crate::engine::postgres::columns::{Micros, Param, text};
use crate::engine::postgres::session::snapshot;
use crate::engine::row::read_all;
use crate::unavailable::Result;

#[async_trait]
impl Incidents for Postgres {
    async fn record(&self, changes: &Changes) -> Result<()> {
        self.pool.call("record incidents", async |s| transitions::record(&mut s.client, changes).await).await
    }

    async fn alert_states(&self) -> Result<Vec<AlertState>> {
        alert_states::all(self).await
    }

    async fn incidents(&self, query: &IncidentQuery) -> Result<Vec<Incident>> {
        self.pool.call("read incidents", async |s| select_incidents(&mut s.client, query).await).await
    }

    async fn open_count(&self) -> Result<u64> {
        self.pool.call("count open incidents", async |s| open_count(&s.client).await).await
    }

    async fn acknowledge(&self, incident: &str, by: &Acknowledgement) -> Result<bool> {
        self.pool.call("acknowledge an incident", async |s| acknowledge(&s.client, incident, by).await).await
    }
}

/// What was not asked for is NULL, and left out of the plan. One that was over at once was open then.
const WANTED: &str = "
    ($1 IS NULL OR i.id = $1) AND ($2 IS NULL OR i.rule = $2) AND ($3 IS NULL OR i.metric = $3)
    AND ($4 IS NULL OR i.device ~ $4) AND ($5 IS NULL OR i.severity = $5)
    AND ($6 IS NULL OR (i.resolved_at IS NULL) = $6) AND ($7 IS NULL OR (i.acknowledged_at IS NOT NULL) = $7)
    AND ($8 IS NULL OR i.resolved_at IS NULL OR i.resolved_at > $8 OR i.opened_at >= $8)
    AND ($9 IS NULL OR i.opened_at < $9)";

pub(crate) async fn select_incidents(
    client: &mut Client,
    query: &IncidentQuery,
) -> anyhow::Result<Vec<Incident>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM incidents i WHERE {WANTED}
         ORDER BY (i.resolved_at IS NULL) DESC, i.opened_at DESC, i.number DESC LIMIT $10"
    );
    let params: [Param<'_>; 10] = [
        (&query.id.as_deref().map(text), Type::TEXT),
        (&query.rule.as_deref().map(text), Type::TEXT),
        (&query.metric.as_deref().map(text), Type::TEXT),
        (&query.device.as_ref().map(pattern), Type::TEXT),
        (&query.severity.map(Word), Type::TEXT),
        (&query.open, Type::BOOL),
        (&query.acknowledged, Type::BOOL),
        (&query.from.map(Micros::bound), Type::TIMESTAMPTZ),
        (&query.to.map(Micros::bound), Type::TIMESTAMPTZ),
        (&at_most(query.limit.max(1)), Type::INT8),
    ];
    let transaction = snapshot(client).await?;
    let found = select(&transaction, &sql, &params).await?;
    Ok(found.into_iter().map(|(_, incident)| incident).collect())
}

/// Counts in the index that has open ones first.
pub(crate) async fn open_count(client: &Client) -> Result<u64, Error> {
    const COUNT: &str = "SELECT count(*) FROM incidents WHERE (resolved_at IS NULL)";
    Ok(client.query_typed_one(COUNT, &[]).await?.get::<_, i64>(0).unsigned_abs())
}

/// A regular expression that matches the same devices; no level has a character that it could take for a sign.
fn pattern(filter: &Filter) -> String {
    let mut pattern = String::from("^");
    for (i, level) in filter.as_str().split('/').enumerate() {
        let slash = if i > 0 { "/" } else { "" };
        match level {
            "#" if i > 0 => pattern += "(/.*)?",
            "#" => pattern += ".*",
            "+" => pattern += &format!("{slash}[^/]*"),
            level => pattern += &format!("{slash}{level}"),
        }
    }
    pattern + "$"
}

/// Incidents by their numbers.
pub(crate) async fn numbered(
    transaction: &Transaction<'_>,
    numbers: &[i64],
) -> anyhow::Result<HashMap<i64, Incident>> {
    let sql = format!("SELECT {COLUMNS} FROM incidents i WHERE i.number = ANY($1)");
    let found = select(transaction, &sql, &[(&numbers, Type::INT8_ARRAY)]).await?;
    Ok(found.into_iter().collect())
}

/// Reads incidents, each with its notifications.
async fn select(
    transaction: &Transaction<'_>,
    sql: &str,
    params: &[Param<'_>],
) -> anyhow::Result<Vec<Numbered>> {
    let mut found: Vec<Numbered> = read_all(&transaction.query_typed(sql, params).await?, read)?;
    let numbers: Vec<i64> = found.iter().map(|(number, _)| *number).collect();
    let mut notifications = notifications::of(transaction, &numbers).await?;
    for (number, incident) in &mut found {
        incident.notifications = notifications.remove(number).unwrap_or_default();
    }
    Ok(found)
}

/// Returns whether there is such an incident; the first acknowledgement stays.
pub(crate) async fn acknowledge(
    client: &Client,
    id: &str,
    acknowledgement: &Acknowledgement,
) -> Result<bool, Error> {
    const UPDATE: &str = "
        UPDATE incidents SET acknowledged_at = $2, acknowledged_by = $3, acknowledged_note = $4, stored_at = now()
        WHERE id = $1 AND acknowledged_at IS NULL";
    const EXISTS: &str = "SELECT EXISTS (SELECT FROM incidents WHERE id = $1)";
    let Acknowledgement { at, by, note } = acknowledgement;
    let params: [Param<'_>; 4] = [
        (&text(id), Type::TEXT),
        (&Micros::of(*at), Type::TIMESTAMPTZ),
        (&text(by), Type::TEXT),
        (&text(note), Type::TEXT),
    ];
    if client.execute_typed(UPDATE, &params).await? == 1 {
        return Ok(true);
    }
    Ok(client.query_typed_one(EXISTS, &params[..1]).await?.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_becomes_a_regular_expression() {
        for (filter, expected) in [
            ("#", "^.*$"),
            ("lab", "^lab$"),
            ("site-a/#", "^site-a(/.*)?$"),
            ("+", "^[^/]*$"),
            ("+/rack-1/+/#", "^[^/]*/rack-1/[^/]*(/.*)?$"),
        ] {
            assert_eq!(pattern(&filter.parse().unwrap()), expected);
        }
    }
}
