//! Incidents as rows.

mod batches;
mod transitions;
pub(crate) mod turn;

use std::borrow::Cow;
use std::collections::HashMap;

use async_trait::async_trait;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, Transaction};

use super::{COLUMNS, Numbered, SUMMARY_COLUMNS, read, read_summary};
use crate::alerting::alert_states::{self, AlertState};
use crate::alerting::incidents::{
    Acknowledgement, Changes, Incident, IncidentQuery, IncidentSummary, Incidents, Severity,
};
use crate::alerting::notifications::postgres as notifications;
use crate::engine::columns::{Word, at_most};
use crate::engine::postgres::Postgres;
use crate::engine::postgres::columns::{Micros, Param, text};
use crate::engine::postgres::pattern::{pattern, scope_pattern};
use crate::engine::postgres::session::{Session, snapshot};
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

    async fn incident_summaries(&self, query: &IncidentQuery) -> Result<Vec<IncidentSummary>> {
        let read = async |s: &mut Session| select_summaries(&s.client, query).await;
        self.pool.call("read summaries of incidents", read).await
    }

    async fn open_count(&self) -> Result<u64> {
        self.pool.call("count open incidents", async |s| open_count(&s.client).await).await
    }

    async fn acknowledge(&self, incidents: &[String], by: &Acknowledgement) -> Result<u64> {
        self.pool.call("acknowledge incidents", async |s| acknowledge(&s.client, incidents, by).await).await
    }
}

/// What was not asked for is NULL, and left out of the plan. One that was over at once was open then. What comes after
/// a cursor does so whatever has become of its own incident.
const WANTED: &str = "
    ($1 IS NULL OR i.id = $1) AND ($2 IS NULL OR i.rule = $2) AND ($3 IS NULL OR i.metric = $3)
    AND ($4 IS NULL OR i.device ~ $4) AND ($14 IS NULL OR i.device ~ $14) AND ($5 IS NULL OR i.severity = $5)
    AND ($6 IS NULL OR (i.resolved_at IS NULL) = $6) AND ($7 IS NULL OR (i.acknowledged_at IS NOT NULL) = $7)
    AND ($8 IS NULL OR i.resolved_at IS NULL OR i.resolved_at > $8 OR i.opened_at >= $8)
    AND ($9 IS NULL OR i.opened_at < $9)
    AND ($11 IS NULL OR (i.resolved_at IS NULL, i.opened_at, i.number)
        < ($11, $12, coalesce((SELECT number FROM incidents WHERE id = $13), 0)))
    ORDER BY (i.resolved_at IS NULL) DESC, i.opened_at DESC, i.number DESC LIMIT $10";

pub(crate) async fn select_incidents(
    client: &mut Client,
    query: &IncidentQuery,
) -> anyhow::Result<Vec<Incident>> {
    let sql = format!("SELECT {COLUMNS} FROM incidents i WHERE {WANTED}");
    let wanted = Wanted::of(query);
    let transaction = snapshot(client).await?;
    let found = select(&transaction, &sql, &wanted.params()).await?;
    Ok(found.into_iter().map(|(_, incident)| incident).collect())
}

async fn select_summaries(client: &Client, query: &IncidentQuery) -> anyhow::Result<Vec<IncidentSummary>> {
    let sql = format!("SELECT {SUMMARY_COLUMNS} FROM incidents i WHERE {WANTED}");
    read_all(&client.query_typed(&sql, &Wanted::of(query).params()).await?, read_summary)
}

/// The parameters of [`WANTED`].
struct Wanted<'a> {
    texts: [Option<Cow<'a, str>>; 6],
    severity: Option<Word<Severity>>,
    flags: [Option<bool>; 3],
    times: [Option<Micros>; 3],
    limit: i64,
}

impl<'a> Wanted<'a> {
    fn of(query: &'a IncidentQuery) -> Self {
        let after = query.after.as_ref();
        let named = |name: &'a Option<String>| name.as_deref().map(text);
        Self {
            texts: [
                named(&query.id),
                named(&query.rule),
                named(&query.metric),
                query.device.as_ref().map(|filter| pattern(filter).into()),
                after.map(|cursor| text(&cursor.id)),
                scope_pattern(&query.scope).map(Cow::from),
            ],
            severity: query.severity.map(Word),
            flags: [query.open, query.acknowledged, after.map(|cursor| cursor.open)],
            times: [
                query.from.map(Micros::bound),
                query.to.map(Micros::bound),
                after.map(|cursor| Micros::of(cursor.opened_at)),
            ],
            limit: at_most(query.limit.max(1)),
        }
    }

    fn params(&self) -> [Param<'_>; 14] {
        let [id, rule, metric, device, after_id, scope] = &self.texts;
        let [open, acknowledged, after_open] = &self.flags;
        let [from, to, after_opened] = &self.times;
        [
            (id, Type::TEXT),
            (rule, Type::TEXT),
            (metric, Type::TEXT),
            (device, Type::TEXT),
            (&self.severity, Type::TEXT),
            (open, Type::BOOL),
            (acknowledged, Type::BOOL),
            (from, Type::TIMESTAMPTZ),
            (to, Type::TIMESTAMPTZ),
            (&self.limit, Type::INT8),
            (after_open, Type::BOOL),
            (after_opened, Type::TIMESTAMPTZ),
            (after_id, Type::TEXT),
            (scope, Type::TEXT),
        ]
    }
}

/// Counts in the index that has open ones first.
pub(crate) async fn open_count(client: &Client) -> Result<u64, Error> {
    const COUNT: &str = "SELECT count(*) FROM incidents WHERE (resolved_at IS NULL)";
    Ok(client.query_typed_one(COUNT, &[]).await?.get::<_, i64>(0).unsigned_abs())
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

/// Returns how many were not acknowledged before.
async fn acknowledge(
    client: &Client,
    ids: &[String],
    acknowledgement: &Acknowledgement,
) -> Result<u64, Error> {
    const UPDATE: &str = "
        UPDATE incidents SET acknowledged_at = $2, acknowledged_by = $3, acknowledged_note = $4, stored_at = now()
        WHERE id = ANY($1) AND acknowledged_at IS NULL AND resolved_at IS NULL";
    let Acknowledgement { at, by, note } = acknowledgement;
    let ids: Vec<_> = ids.iter().map(|id| text(id)).collect();
    let params: [Param<'_>; 4] = [
        (&ids, Type::TEXT_ARRAY),
        (&Micros::of(*at), Type::TIMESTAMPTZ),
        (&text(by), Type::TEXT),
        (&text(note), Type::TEXT),
    ];
    client.execute_typed(UPDATE, &params).await
}
