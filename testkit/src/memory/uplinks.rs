//! What edges have forwarded, in memory.

use std::sync::Arc;

use async_trait::async_trait;
use store::{Journal, Journals, Result, UplinkRun, Uplinks};
use telemetry::{Gone, NumberSet, UplinkReceipt, UplinkReport};

use super::{Data, MemoryStore, whole_micros};

#[async_trait]
impl Uplinks for MemoryStore {
    async fn uplink_runs(&self) -> Result<Vec<UplinkRun>> {
        let mut runs = self.call("uplink_runs")?.uplinks.clone();
        runs.sort_by_key(|run| (run.edge.clone(), std::cmp::Reverse(run.heard_at), run.run.to_string()));
        Ok(runs)
    }
}

impl Journals for MemoryStore {
    fn journal(&self) -> Option<Arc<dyn Journal>> {
        None
    }
}

impl Data {
    pub(super) fn merge_uplinks(&mut self, receipts: &[UplinkReceipt]) {
        for receipt in receipts {
            let is_it =
                |run: &UplinkRun| (run.edge.as_str(), run.run) == (receipt.edge.as_str(), receipt.report.run);
            let place = self.uplinks.iter().position(is_it).unwrap_or_else(|| {
                self.uplinks.push(new(receipt));
                self.uplinks.len() - 1
            });
            merge(&mut self.uplinks[place], receipt);
        }
    }
}

fn new(receipt: &UplinkReceipt) -> UplinkRun {
    let UplinkReport { run, told_at, unsent, .. } = receipt.report;
    let heard_at = whole_micros(receipt.received_at);
    UplinkRun {
        edge: receipt.edge.clone(),
        run,
        last: 0,
        unsent,
        told_at: whole_micros(told_at),
        heard_at,
        first_heard_at: heard_at,
        arrived: NumberSet::default(),
        deleted: NumberSet::default(),
        refused: NumberSet::default(),
    }
}

fn merge(run: &mut UplinkRun, receipt: &UplinkReceipt) {
    let report = &receipt.report;
    run.arrived.extend(&report.numbers);
    for gone in &report.gone {
        let set = match gone.reason {
            Gone::Deleted => &mut run.deleted,
            Gone::Refused => &mut run.refused,
        };
        set.insert(gone.numbers.clone());
    }
    let known = [run.arrived.last(), run.deleted.last(), run.refused.last(), Some(report.last)];
    run.last = run.last.max(known.into_iter().flatten().max().unwrap_or(0));
    let heard_at = whole_micros(receipt.received_at);
    run.first_heard_at = run.first_heard_at.min(heard_at);
    if heard_at >= run.heard_at {
        run.heard_at = heard_at;
        run.unsent = report.unsent;
        run.told_at = whole_micros(report.told_at);
    }
}
