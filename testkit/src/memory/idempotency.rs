//! Requests with a key in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use store::{IdempotencyKeys, KeptAnswer, KeyedRequest, MAX_FORGOTTEN_KEYS, Result};

use super::{MemoryStore, whole_micros};

/// Requests by their caller and key.
pub(super) type Keys = BTreeMap<(String, String), (KeyedRequest, Option<KeptAnswer>)>;

fn name(request: &KeyedRequest) -> (String, String) {
    (request.caller.clone(), request.key.clone())
}

#[async_trait]
impl IdempotencyKeys for MemoryStore {
    async fn note_request(
        &self,
        request: &KeyedRequest,
        after: Timestamp,
    ) -> Result<(KeyedRequest, Option<KeptAnswer>)> {
        let mut data = self.call("note_request")?;
        let name = name(request);
        if data.keys.get(&name).is_some_and(|(known, _)| known.received_at < after) {
            data.keys.remove(&name);
        }
        let new = KeyedRequest { received_at: whole_micros(request.received_at), ..request.clone() };
        Ok(data.keys.entry(name).or_insert((new, None)).clone())
    }

    async fn note_answer(&self, request: &KeyedRequest, answer: &KeptAnswer) -> Result<()> {
        let mut data = self.call("note_answer")?;
        if let Some((known, noted)) = data.keys.get_mut(&name(request))
            && known.body == request.body
        {
            noted.get_or_insert_with(|| answer.clone());
        }
        Ok(())
    }

    async fn forget_keys(&self, before: Timestamp) -> Result<u64> {
        let mut data = self.call("forget_keys")?;
        let old = data.keys.iter().filter(|(_, (known, _))| known.received_at < before);
        let old: Vec<_> = old.map(|(name, _)| name.clone()).take(MAX_FORGOTTEN_KEYS).collect();
        old.iter().for_each(|name| drop(data.keys.remove(name)));
        Ok(old.len() as u64)
    }

    async fn key_count(&self) -> Result<u64> {
        Ok(self.call("key_count")?.keys.len() as u64)
    }
}
