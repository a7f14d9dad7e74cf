//! Changes of incidents, and the notifications that they ask for, a statement for all of a kind.

use std::borrow::Cow;
use std::collections::HashSet;

use jiff::Timestamp;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, Transaction};

use super::batches::batches;
use super::turn::in_turn;
use crate::alerting::alert_states::postgres as alert_states;
use crate::alerting::incidents::{Changes, End, Incident, Transition};
use crate::alerting::notifications::{Address, Channel, RESOLVED};
use crate::engine::columns::Word;
use crate::engine::postgres::columns::{Micros, Param, text};

pub(crate) async fn record(client: &mut Client, changes: &Changes) -> Result<(), Error> {
    let transaction = in_turn(client).await?;
    for batch in batches(&changes.transitions) {
        record_batch(&transaction, &batch).await?;
    }
    alert_states::store(&transaction, &changes.alert_states).await?;
    transaction.commit().await
}

/// Transitions of different incidents.
async fn record_batch(transaction: &Transaction<'_>, batch: &[&Transition]) -> Result<(), Error> {
    let new = open(transaction, batch).await?;
    peak(transaction, batch).await?;
    let over = resolve(transaction, batch).await?;
    let mut asked = Asked::default();
    for (place, transition) in (0..).zip(batch) {
        match transition {
            // An opening that is evaluated again causes no second notification.
            Transition::Opened(incident, to) if new.contains(&incident.id) => {
                asked.opened(place, &incident.id, incident.judged_at, to);
            }
            Transition::Announced { id, at, to } => asked.opened(place, id, *at, to),
            Transition::Resolved { id, judged_at, .. } if over.contains(id) => {
                asked.over(place, id, *judged_at);
            }
            _ => {}
        }
    }
    asked.insert(transaction).await
}

/// Returns the ids of those that are new.
async fn open(transaction: &Transaction<'_>, batch: &[&Transition]) -> Result<HashSet<String>, Error> {
    const INSERT: &str = "
        INSERT INTO incidents (
            id, rule, severity, device, metric, condition_kind, condition_text, threshold, began_at, opened_at, judged_at,
            value, unit, peak, peak_at, late, stored_at)
        SELECT *, now() FROM unnest(
            $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::double precision[],
            $9::timestamptz[], $10::timestamptz[], $11::timestamptz[], $12::double precision[], $13::text[],
            $14::double precision[], $15::timestamptz[], $16::boolean[])
        ON CONFLICT (id) DO NOTHING RETURNING id";
    let opened: Vec<&Incident> = batch
        .iter()
        .filter_map(|transition| match transition {
            Transition::Opened(incident, _) => Some(&**incident),
            _ => None,
        })
        .collect();
    if opened.is_empty() {
        return Ok(HashSet::new());
    }
    let params: [Param<'_>; 16] = [
        (&column(&opened, |i| &i.id), Type::TEXT_ARRAY),
        (&column(&opened, |i| &i.rule), Type::TEXT_ARRAY),
        (&column(&opened, |i| Word(i.severity)), Type::TEXT_ARRAY),
        (&column(&opened, |i| &i.device), Type::TEXT_ARRAY),
        (&column(&opened, |i| &i.metric), Type::TEXT_ARRAY),
        (&column(&opened, |i| Word(i.condition.kind)), Type::TEXT_ARRAY),
        (&column(&opened, |i| text(&i.condition.text)), Type::TEXT_ARRAY),
        (&column(&opened, |i| i.condition.threshold), Type::FLOAT8_ARRAY),
        (&column(&opened, |i| Micros::of(i.began_at)), Type::TIMESTAMPTZ_ARRAY),
        (&column(&opened, |i| Micros::of(i.opened_at)), Type::TIMESTAMPTZ_ARRAY),
        (&column(&opened, |i| Micros::of(i.judged_at)), Type::TIMESTAMPTZ_ARRAY),
        (&column(&opened, |i| i.value), Type::FLOAT8_ARRAY),
        (&column(&opened, |i| i.unit.as_deref().map(text)), Type::TEXT_ARRAY),
        (&column(&opened, |i| i.peak), Type::FLOAT8_ARRAY),
        (&column(&opened, |i| i.peak_at.map(Micros::of)), Type::TIMESTAMPTZ_ARRAY),
        (&column(&opened, |i| i.late), Type::BOOL_ARRAY),
    ];
    let rows = transaction.query_typed(INSERT, &params).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

fn column<'a, T>(opened: &[&'a Incident], value: impl Fn(&'a Incident) -> T) -> Vec<T> {
    opened.iter().map(|incident| value(incident)).collect()
}

async fn peak(transaction: &Transaction<'_>, batch: &[&Transition]) -> Result<(), Error> {
    const UPDATE: &str = "
        UPDATE incidents i SET peak = p.value, peak_at = p.at, stored_at = now()
        FROM unnest($1::text[], $2::timestamptz[], $3::double precision[]) AS p (id, at, value)
        WHERE i.id = p.id AND i.resolved_at IS NULL AND i.peak IS DISTINCT FROM p.value";
    let (mut ids, mut at, mut values): (Vec<&str>, Vec<Micros>, Vec<f64>) = Default::default();
    for transition in batch {
        if let Transition::Peaked { id, at: peaked_at, value } = transition {
            ids.push(id);
            at.push(Micros::of(*peaked_at));
            values.push(*value);
        }
    }
    if !ids.is_empty() {
        let params: [Param<'_>; 3] =
            [(&ids, Type::TEXT_ARRAY), (&at, Type::TIMESTAMPTZ_ARRAY), (&values, Type::FLOAT8_ARRAY)];
        transaction.execute_typed(UPDATE, &params).await?;
    }
    Ok(())
}

/// Returns the ids of those that were open; reminders of them are dropped.
async fn resolve(transaction: &Transaction<'_>, batch: &[&Transition]) -> Result<HashSet<String>, Error> {
    const UPDATE: &str = "
        WITH over AS (
            UPDATE incidents i
            SET resolved_at = r.at, resolved_value = r.value, ending = r.ending, stored_at = now()
            FROM unnest($1::text[], $2::timestamptz[], $3::double precision[], $4::text[]) AS r (id, at, value, ending)
            WHERE i.id = r.id AND i.resolved_at IS NULL
            RETURNING i.number, i.id
        ), dropped AS (
            UPDATE notifications n SET dropped = $5 FROM over
            WHERE n.incident = over.number AND n.kind = 'reminder' AND n.message IS NULL AND n.dropped IS NULL
        )
        SELECT id FROM over";
    let (mut ids, mut at): (Vec<&str>, Vec<Micros>) = Default::default();
    let (mut values, mut ends): (Vec<Option<f64>>, Vec<Word<End>>) = Default::default();
    for transition in batch {
        if let Transition::Resolved { id, at: resolved_at, value, end, .. } = transition {
            ids.push(id);
            at.push(Micros::of(*resolved_at));
            values.push(*value);
            ends.push(Word(*end));
        }
    }
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let params: [Param<'_>; 5] = [
        (&ids, Type::TEXT_ARRAY),
        (&at, Type::TIMESTAMPTZ_ARRAY),
        (&values, Type::FLOAT8_ARRAY),
        (&ends, Type::TEXT_ARRAY),
        (&RESOLVED, Type::TEXT),
    ];
    let rows = transaction.query_typed(UPDATE, &params).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Notifications that a batch asks for, in the order of its transitions.
#[derive(Default)]
struct Asked<'a> {
    opened: Vec<(i64, &'a str, Timestamp, Channel, Cow<'a, str>)>,
    over: Vec<(i64, &'a str, Timestamp)>,
}

impl<'a> Asked<'a> {
    /// To those for whom there is no notification of the opening, while the incident is open.
    fn opened(&mut self, place: i64, id: &'a str, at: Timestamp, to: &'a [Address]) {
        self.opened.extend(to.iter().map(|Address { channel, to }| (place, id, at, *channel, text(to))));
    }

    /// To those who were notified of the opening, or will be.
    fn over(&mut self, place: i64, id: &'a str, at: Timestamp) {
        self.over.push((place, id, at));
    }

    async fn insert(&self, transaction: &Transaction<'_>) -> Result<(), Error> {
        const INSERT: &str = "
            INSERT INTO notifications (incident, kind, channel, recipient, asked_at, due_at)
            SELECT incident, kind, channel, recipient, at, at FROM (
                SELECT i.number AS incident, 'opened' AS kind, a.channel, a.recipient, a.at, a.place, a.turn
                FROM unnest($1::bigint[], $2::text[], $3::timestamptz[], $4::text[], $5::text[])
                    WITH ORDINALITY AS a (place, id, at, channel, recipient, turn)
                JOIN incidents i ON i.id = a.id AND i.resolved_at IS NULL
                UNION ALL
                SELECT n.incident, 'resolved', n.channel, n.recipient, o.at, o.place, n.number
                FROM unnest($6::bigint[], $7::text[], $8::timestamptz[]) AS o (place, id, at)
                JOIN incidents i ON i.id = o.id
                JOIN notifications n ON n.incident = i.number AND n.kind = 'opened' AND n.dropped IS NULL
            ) asked
            ORDER BY place, turn
            ON CONFLICT DO NOTHING";
        let Self { opened, over } = self;
        if opened.is_empty() && over.is_empty() {
            return Ok(());
        }
        let times = |time: &Timestamp| Micros::of(*time);
        let params: [Param<'_>; 8] = [
            (&opened.iter().map(|asked| asked.0).collect::<Vec<_>>(), Type::INT8_ARRAY),
            (&opened.iter().map(|asked| asked.1).collect::<Vec<_>>(), Type::TEXT_ARRAY),
            (&opened.iter().map(|asked| times(&asked.2)).collect::<Vec<_>>(), Type::TIMESTAMPTZ_ARRAY),
            (&opened.iter().map(|asked| Word(asked.3)).collect::<Vec<_>>(), Type::TEXT_ARRAY),
            (&opened.iter().map(|asked| &asked.4).collect::<Vec<_>>(), Type::TEXT_ARRAY),
            (&over.iter().map(|asked| asked.0).collect::<Vec<_>>(), Type::INT8_ARRAY),
            (&over.iter().map(|asked| asked.1).collect::<Vec<_>>(), Type::TEXT_ARRAY),
            (&over.iter().map(|asked| times(&asked.2)).collect::<Vec<_>>(), Type::TIMESTAMPTZ_ARRAY),
        ];
        transaction.execute_typed(INSERT, &params).await?;
        Ok(())
    }
}
