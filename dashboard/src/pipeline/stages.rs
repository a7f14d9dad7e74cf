//! The stages that people see, from a history of snapshots; pure. docs/api.md has the rules.

mod ingress;
mod inputs;
mod part;
mod queues;
mod services;

#[cfg(test)]
mod tests;

use super::snapshot::Snapshot;

pub(super) use self::ingress::NODE_METRICS;
pub(super) use self::part::Stage;
pub(super) use self::queues::{FAMILIES, QUEUE_METRICS};
pub(super) use self::services::{SERVICE_METRICS, behind};

#[cfg(test)]
use self::part::State;

/// All stages, in the order in which a reading passes them; the history ends with the newest snapshot.
pub(super) fn stages(history: &[Snapshot]) -> Vec<Stage> {
    let Some(now) = history.last() else { return Vec::new() };
    let mut stages = vec![ingress::devices(history, now), ingress::broker(history, now)];
    stages.extend(queues::stage(history, now));
    stages.extend([
        services::writer(history, now),
        services::store(history, now),
        services::alerter(history, now),
        services::pages(history, now),
    ]);
    stages
}
