//! `GET /api/audit`: who did what.

use access::Action;
use store::{AuditOutcome, AuditQuery};
use warp::reply::Response;
use warp::{Filter, Rejection};

use crate::context::Api;
use crate::error::ApiError;
use crate::forms::{AuditRecord, Page};
use crate::guards::reads;
use crate::query::{self, DEFAULT_LIMIT, MAX_LIMIT, Parameters};
use crate::response::answer;

/// The parameters that there are.
pub(in crate::routes) const PARAMETERS: &[&str] =
    &["actor", "action", "target", "outcome", "from", "to", "after", "limit"];

/// Records that are read at once.
const READ_AT_ONCE: usize = 500;

pub(super) fn route(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let context = api.clone();
    warp::path!("api" / "audit").and(reads(api, Action::Audit)).then(move |parameters, _| {
        let api = context.clone();
        async move { answer(api.limits.within(list(&api, parameters)).await) }
    })
}

async fn list(api: &Api, parameters: Parameters) -> Result<String, ApiError> {
    let mut query = read(parameters).map_err(ApiError::BadRequest)?;
    let mut page = Page::new("audit", query.limit);
    loop {
        // One more than there is room for shows whether more follow.
        query.limit = READ_AT_ONCE.min(page.room() + 1);
        let records = api.history.audit(&query).await?;
        for record in &records {
            if !page.push(&AuditRecord::from(record)) {
                return Ok(page.end(query.before.map(|before| before.to_string()).as_deref()));
            }
            query.before = Some(record.number);
        }
        if records.len() < query.limit {
            return Ok(page.end(None));
        }
    }
}

/// # Errors
/// Says which parameter is wrong and what it may be.
fn read(mut parameters: Parameters) -> Result<AuditQuery, String> {
    let (from, to) = query::times(&mut parameters)?;
    let outcomes = [("done", AuditOutcome::Done), ("refused", AuditOutcome::Refused)];
    let query = AuditQuery {
        actor: query::text(&mut parameters, "actor")?,
        action: query::text(&mut parameters, "action")?,
        target: query::text(&mut parameters, "target")?,
        outcome: query::one_of(&mut parameters, "outcome", &outcomes)?,
        from,
        to,
        before: query::cursor(&mut parameters)?,
        limit: query::number(&mut parameters, "limit", MAX_LIMIT)?.unwrap_or(DEFAULT_LIMIT),
    };
    query::nothing_left(&parameters, PARAMETERS)?;
    Ok(query)
}
