//! Resends many rejected payloads, a bounded number in one call.

use std::time::Duration;

use store::{Rejection, RejectionCursor, RejectionQuery, RejectionSelection, Store};
use telemetry::Scope;
use tokio::time::Instant;

use super::Resend;
use crate::error::ApiError;
use crate::forms::{NotResent, ResentSelected};
use crate::query::NO_CURSOR;
use crate::requests::ResendSelected;

/// Payloads that one call resends, at most.
const MAX_RESENT: usize = 100;

/// After this time no further payload is begun.
const MAX_TIME: Duration = Duration::from_secs(10);

impl Resend {
    /// Resends the payloads that a request selects, newest first, and says where the next call goes on.
    ///
    /// # Errors
    /// The request is wrong, or the first payload found the store or the broker unavailable.
    pub(crate) async fn selected(
        &self,
        store: &dyn Store,
        scope: &Scope,
        asked: &ResendSelected,
    ) -> Result<ResentSelected, ApiError> {
        let rows = store.rejected(query(asked)?).await?;
        let until = Instant::now() + MAX_TIME;
        let mut done = ResentSelected::default();
        for (number, row) in (1..).zip(&rows) {
            let correct = |whole: &Rejection| asked.correction(&whole.message.payload);
            match self.one(store, scope, row.id, correct).await {
                Ok(resent) => {
                    done.resent += 1;
                    done.readings += resent.readings;
                }
                Err(error) if error.is_transient() && number == 1 => return Err(error),
                // The next call begins with it.
                Err(error) if error.is_transient() => return Ok(done),
                Err(error) => {
                    done.failed.push(NotResent { id: row.id.to_string(), error: error.to_string() });
                }
            }
            let is_last = number == rows.len() && rows.len() < MAX_RESENT;
            done.next = (!is_last).then(|| RejectionCursor::after(row).to_string());
            if Instant::now() >= until {
                break;
            }
        }
        Ok(done)
    }
}

fn query(asked: &ResendSelected) -> Result<RejectionQuery, ApiError> {
    let cursor = |text: &String| text.parse().map_err(|_| ApiError::BadRequest(NO_CURSOR.into()));
    let selection = RejectionSelection {
        topic: Some(asked.topic.clone()),
        reason: asked.reason.clone(),
        since: asked.since,
        resent: Some(false),
    };
    Ok(RejectionQuery { selection, after: asked.after.as_ref().map(cursor).transpose()?, limit: MAX_RESENT })
}
