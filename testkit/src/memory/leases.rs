//! Leases and silences in memory.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use store::{Lease, Leases, Result, Silence, Silences};

use super::{Data, MemoryStore};

/// Who holds a lease, and until when.
pub(super) struct Held {
    lease: Lease,
    holder: String,
    until: Timestamp,
}

#[async_trait]
impl Leases for MemoryStore {
    async fn acquire(&self, lease: Lease, holder: &str, ttl: Duration) -> Result<bool> {
        let now = self.now();
        let held = |held: &Held| held.lease == lease && held.holder != holder && held.until > now;
        let mut data = self.call("acquire")?;
        let is_free = !data.leases.iter().any(held);
        if is_free {
            hold(&mut data.leases, lease, holder, until(now, ttl));
        }
        Ok(is_free)
    }

    async fn take_over(&self, lease: Lease, holder: &str, ttl: Duration) -> Result<()> {
        let until = until(self.now(), ttl);
        hold(&mut self.call("take_over")?.leases, lease, holder, until);
        Ok(())
    }

    async fn release(&self, lease: Lease, holder: &str) -> Result<()> {
        self.call("release")?.leases.retain(|held| held.lease != lease || held.holder != holder);
        Ok(())
    }
}

fn until(now: Timestamp, ttl: Duration) -> Timestamp {
    now.saturating_add(ttl).unwrap_or(Timestamp::MAX)
}

fn hold(leases: &mut Vec<Held>, lease: Lease, holder: &str, until: Timestamp) {
    leases.retain(|held| held.lease != lease);
    leases.push(Held { lease, holder: holder.into(), until });
}

#[async_trait]
impl Silences for MemoryStore {
    async fn add_silences(&self, silences: &[Silence]) -> Result<()> {
        self.call("add_silences")?.add_silences(silences);
        Ok(())
    }

    async fn end_silence(&self, id: &str, at: Timestamp) -> Result<bool> {
        Ok(self.call("end_silence")?.end_silence(id, at))
    }

    async fn silences(&self, after: Timestamp) -> Result<Vec<Silence>> {
        let data = self.call("silences")?;
        let mut found: Vec<_> =
            data.silences.iter().filter(|silence| silence.until > after).cloned().collect();
        found.sort_by_key(|silence| silence.from);
        Ok(found)
    }
}

impl Data {
    pub(super) fn add_silences(&mut self, silences: &[Silence]) {
        for silence in silences {
            if self.silences.iter().all(|known| known.id != silence.id) {
                self.silences.push(silence.clone());
            }
        }
    }

    pub(super) fn end_silence(&mut self, id: &str, at: Timestamp) -> bool {
        let silence = self.silences.iter_mut().find(|silence| silence.id == id);
        silence.map(|silence| silence.until = silence.until.min(at)).is_some()
    }
}
