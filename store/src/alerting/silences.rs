//! Silences: times during which notifications of some incidents are held back.

use std::collections::HashMap;

use async_trait::async_trait;
use jiff::Timestamp;
use telemetry::Filter;

use crate::engine::row::Row;
use crate::engine::statement::{Engine, Statement};
use crate::unavailable::Result;

/// A silence: while it lasts, it holds back the notifications of the incidents that it matches.
#[derive(Debug, Clone, PartialEq)]
pub struct Silence {
    /// The same for the same request, so that a repeated one adds nothing.
    pub id: String,
    /// Only incidents of this rule. None matches all rules.
    pub rule: Option<String>,
    /// Only incidents of this metric. None matches all metrics.
    pub metric: Option<String>,
    /// A filter of device names.
    pub device: Filter,
    /// When it begins.
    pub from: Timestamp,
    /// When it is over.
    pub until: Timestamp,
    /// Why there is a silence.
    pub reason: String,
    /// Who made it.
    pub by: String,
}

/// One rule for one series, by their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RuleInstance<'a> {
    /// The rule.
    pub rule: &'a str,
    /// The metric of the series.
    pub metric: &'a str,
    /// The device of the series.
    pub device: &'a str,
}

impl Silence {
    /// Whether it matches incidents of a rule for a series at a time.
    #[must_use]
    pub fn covers(&self, instance: RuleInstance<'_>, at: Timestamp) -> bool {
        let named = |name: &Option<String>, is: &str| name.as_deref().is_none_or(|name| name == is);
        (self.from..self.until).contains(&at)
            && named(&self.rule, instance.rule)
            && named(&self.metric, instance.metric)
            && self.device.matches(instance.device)
    }
}

/// Silences by the device that they name, so that many silences of single devices cost little.
#[derive(Debug, Clone, Default)]
pub struct SilenceIndex {
    by_device: HashMap<String, Vec<Silence>>,
    /// Those whose filter has a wildcard.
    others: Vec<Silence>,
}

impl SilenceIndex {
    /// All of these silences.
    #[must_use]
    pub fn new(silences: Vec<Silence>) -> Self {
        let mut index = Self::default();
        for silence in silences {
            match silence.device.literal().map(str::to_owned) {
                Some(device) => index.by_device.entry(device).or_default().push(silence),
                None => index.others.push(silence),
            }
        }
        index
    }

    /// Until when incidents of a rule for a series are silenced, if they are at this time.
    #[must_use]
    pub fn until(&self, instance: RuleInstance<'_>, at: Timestamp) -> Option<Timestamp> {
        let of_device = self.by_device.get(instance.device).into_iter().flatten();
        let covering = of_device.chain(&self.others).filter(|silence| silence.covers(instance, at));
        covering.map(|silence| silence.until).max()
    }
}

/// Where silences are stored.
///
/// # Errors
/// Every call: nothing was changed; repeat the call.
#[async_trait]
pub trait Silences: Send + Sync {
    /// Stores silences, in one transaction; one whose id is stored already stays as it is.
    async fn add_silences(&self, silences: &[Silence]) -> Result<()>;

    /// Ends a silence at a time, unless it ends earlier; false where there is none.
    async fn end_silence(&self, id: &str, at: Timestamp) -> Result<bool>;

    /// Silences that end after this time, by their start.
    async fn silences(&self, after: Timestamp) -> Result<Vec<Silence>>;
}

#[async_trait]
impl<E: Engine> Silences for E {
    async fn add_silences(&self, silences: &[Silence]) -> Result<()> {
        self.execute_all("add silences", silences.iter().map(insert).collect()).await.map(drop)
    }

    async fn end_silence(&self, id: &str, at: Timestamp) -> Result<bool> {
        Ok(self.execute(end(id, at)).await? == 1)
    }

    async fn silences(&self, after: Timestamp) -> Result<Vec<Silence>> {
        const SELECT: &str = "
            SELECT id, rule, metric, device, starts_at, ends_at, reason, made_by FROM silences
            WHERE ends_at > $1 ORDER BY starts_at, number";
        self.query(Statement::new("read silences", SELECT, [after.into()]), read).await
    }
}

pub(crate) fn insert(silence: &Silence) -> Statement {
    const INSERT: &str = "
        INSERT INTO silences (id, rule, metric, device, starts_at, ends_at, reason, made_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (id) DO NOTHING";
    let Silence { id, rule, metric, device, from, until, reason, by } = silence;
    let params = [
        id.into(),
        rule.as_ref().into(),
        metric.as_ref().into(),
        device.as_str().into(),
        (*from).into(),
        (*until).into(),
        reason.into(),
        by.into(),
    ];
    Statement::new("add a silence", INSERT, params)
}

pub(crate) fn end(id: &str, at: Timestamp) -> Statement {
    const UPDATE: &str = "
        UPDATE silences SET ends_at = CASE WHEN ends_at > $2 THEN $2 ELSE ends_at END WHERE id = $1";
    Statement::new("end a silence", UPDATE, [id.into(), at.into()])
}

fn read(row: &Row<'_>) -> anyhow::Result<Silence> {
    Ok(Silence {
        id: row.get(0)?,
        rule: row.get(1)?,
        metric: row.get(2)?,
        device: row.get::<String>(3)?.parse()?,
        from: row.time(4)?,
        until: row.time(5)?,
        reason: row.get(6)?,
        by: row.get(7)?,
    })
}
