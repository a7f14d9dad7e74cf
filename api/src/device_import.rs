//! Importing devices: chunks of rows, each in one transaction with one audit record.

use std::collections::HashSet;

use access::{Authority, Caller, Problem, check_device};
use jiff::Timestamp;
use serde::Serialize;
use store::{Device, Store};

use crate::device_rows::{Row, new_device};

/// Devices in one transaction.
const CHUNK_ROWS: usize = 250;

/// What becomes of a device that is registered already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// What its row says of it is changed.
    Update,
    /// It stays as it is.
    Skip,
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The device is new.
    Registered,
    /// Something of the device was changed.
    Changed,
    /// The device was as its row says.
    Unchanged,
    /// The device is registered, and stays as it is.
    Skipped,
    /// Nothing was done.
    Failed,
}

/// A row of the answer to an import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImportedRow {
    /// The number of the row in the file.
    pub row: usize,
    /// The device.
    pub name: Option<String>,
    /// What became of it.
    pub outcome: Outcome,
    /// Why it failed.
    pub reason: Option<String>,
}

/// The answer to an import.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// New devices.
    pub registered: usize,
    /// Devices of which something was changed.
    pub changed: usize,
    /// Devices that were as their rows say.
    pub unchanged: usize,
    /// Devices that stay as they are.
    pub skipped: usize,
    /// Rows of which nothing was done.
    pub failed: usize,
    /// What became of each row, in their order.
    pub devices: Vec<ImportedRow>,
}

impl Imported {
    fn add(&mut self, row: ImportedRow) {
        *match row.outcome {
            Outcome::Registered => &mut self.registered,
            Outcome::Changed => &mut self.changed,
            Outcome::Unchanged => &mut self.unchanged,
            Outcome::Skipped => &mut self.skipped,
            Outcome::Failed => &mut self.failed,
        } += 1;
        self.devices.push(row);
    }
}

/// Imports rows in the name of a caller.
///
/// # Errors
/// The store does not answer: the rows before are imported, and importing all again changes nothing of them.
pub async fn import_devices(
    (access, store): (&Authority, &dyn Store),
    caller: &Caller,
    rows: &[Row],
    existing: Existing,
    now: Timestamp,
) -> Result<Imported, Problem> {
    let mut import = Import { access, store, caller, existing, now, seen: HashSet::new() };
    let mut imported = Imported::default();
    for chunk in rows.chunks(CHUNK_ROWS) {
        import.chunk(chunk).await?.into_iter().for_each(|row| imported.add(row));
    }
    Ok(imported)
}

struct Import<'a> {
    access: &'a Authority,
    store: &'a dyn Store,
    caller: &'a Caller,
    existing: Existing,
    now: Timestamp,
    seen: HashSet<String>,
}

/// What is to be done for a row.
enum Plan {
    Add(Box<Device>),
    /// From what it is to what it is to be.
    Change(Box<(Device, Device)>),
    Nothing(Outcome),
}

impl Import<'_> {
    async fn chunk(&mut self, rows: &[Row]) -> Result<Vec<ImportedRow>, Problem> {
        let named = rows.iter().map(|row| self.named(row)).collect::<Vec<_>>();
        // Once more where somebody else has changed one of them meanwhile.
        for _ in 0..2 {
            let mut plans = Vec::with_capacity(rows.len());
            for (row, named) in rows.iter().zip(&named) {
                plans.push(match named {
                    Ok(device) => self.plan(row, device).await?,
                    Err(reason) => Err(reason.clone()),
                });
            }
            if self.perform(&plans).await? {
                let outcomes = rows.iter().zip(&named).zip(plans);
                return Ok(outcomes
                    .map(|((row, named), plan)| outcome(row, named.as_ref().ok(), plan))
                    .collect());
            }
        }
        let reason = "somebody else changes these devices, or there are too many: import the rest again";
        Ok(rows
            .iter()
            .zip(&named)
            .map(|(row, named)| failed(row, named.as_ref().ok(), reason.into()))
            .collect())
    }

    /// The device of a row as a new one, where the caller may see it and no row before has it.
    fn named(&mut self, row: &Row) -> Result<Device, String> {
        let device = new_device(row, self.now)?;
        check_device(&device).map_err(|problem| problem.to_string())?;
        if !self.caller.scope.holds(&device.name) {
            return Err("the device is outside your filters".into());
        }
        if !self.seen.insert(device.name.clone()) {
            return Err("an earlier row has the same device".into());
        }
        Ok(device)
    }

    async fn plan(&self, row: &Row, new: &Device) -> Result<Result<Plan, String>, Problem> {
        let Some(old) = self.store.device(&new.name).await? else {
            return Ok(Ok(Plan::Add(Box::new(new.clone()))));
        };
        if self.existing == Existing::Skip {
            return Ok(Ok(Plan::Nothing(Outcome::Skipped)));
        }
        let Ok(body) = &row.body else { return Ok(Err("the row cannot be read".into())) };
        Ok(body.renamed(&old.name).changes(&old).and_then(|device| {
            check_device(&device).map_err(|problem| problem.to_string())?;
            Ok(if device == old {
                Plan::Nothing(Outcome::Unchanged)
            } else {
                Plan::Change(Box::new((old, Device { changed_at: self.now, ..device })))
            })
        }))
    }

    async fn perform(&self, plans: &[Result<Plan, String>]) -> Result<bool, Problem> {
        let (mut added, mut changed) = (Vec::new(), Vec::new());
        for plan in plans.iter().flatten() {
            match plan {
                Plan::Add(device) => added.push(Device::clone(device)),
                Plan::Change(both) => changed.push(<(Device, Device)>::clone(both)),
                Plan::Nothing(_) => {}
            }
        }
        if added.is_empty() && changed.is_empty() {
            return Ok(true);
        }
        self.access.import_devices(self.caller, added, changed).await
    }
}

fn outcome(row: &Row, device: Option<&Device>, plan: Result<Plan, String>) -> ImportedRow {
    let outcome = match plan {
        Ok(Plan::Add(_)) => Outcome::Registered,
        Ok(Plan::Change(_)) => Outcome::Changed,
        Ok(Plan::Nothing(outcome)) => outcome,
        Err(reason) => return failed(row, device, reason),
    };
    ImportedRow { row: row.number, name: device.map(|device| device.name.clone()), outcome, reason: None }
}

fn failed(row: &Row, device: Option<&Device>, reason: String) -> ImportedRow {
    let name = device.map(|device| device.name.clone()).or_else(|| row.name.clone());
    ImportedRow { row: row.number, name, outcome: Outcome::Failed, reason: Some(reason) }
}
